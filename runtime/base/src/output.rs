//! Command output. If the reader has closed the pipe, as `head` does, the command continues and the rest is discarded.

use std::fmt;
use std::io::{self, ErrorKind, Write};

/// `println!` for commands.
#[macro_export]
macro_rules! say {
    ($($text:tt)*) => { $crate::output::line(format_args!($($text)*)) };
}

pub fn line(text: fmt::Arguments<'_>) {
    print(format_args!("{text}\n"));
}

pub fn print(text: fmt::Arguments<'_>) {
    let mut out = io::stdout().lock();
    if let Err(error) = write_to(&mut out, text) {
        eprintln!("error: standard output: {error}");
        std::process::exit(1);
    }
}

fn write_to(out: &mut impl Write, text: fmt::Arguments<'_>) -> io::Result<()> {
    match out.write_fmt(text).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Failing(ErrorKind);

    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(self.0.into())
        }
    }

    #[test]
    fn a_reader_that_has_left_is_no_error_and_a_full_disk_is() {
        assert!(write_to(&mut Failing(ErrorKind::BrokenPipe), format_args!("a {}", 1)).is_ok());
        assert!(write_to(&mut Failing(ErrorKind::StorageFull), format_args!("a {}", 1)).is_err());
    }
}
