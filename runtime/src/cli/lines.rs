//! The log as text: an event is one line, whatever an error in it quotes.

use std::io::{Result, Write};

/// Each write is an event with the end of its line.
pub struct Lines<W> {
    pub to: W,
    /// The subscriber writes escape sequences itself, for a terminal.
    pub colours: bool,
}

impl<W: Write> Write for Lines<W> {
    fn write(&mut self, event: &[u8]) -> Result<usize> {
        let body = event.strip_suffix(b"\n").unwrap_or(event);
        let is_plain = |byte: &u8| !byte.is_ascii_control() || self.colours && *byte == 0x1b;
        if body.iter().all(is_plain) {
            self.to.write_all(event)?;
            return Ok(event.len());
        }
        let mut line = Vec::with_capacity(event.len() + 16);
        for byte in body {
            match is_plain(byte) {
                true => line.push(*byte),
                false => line.extend(byte.escape_ascii()),
            }
        }
        line.extend_from_slice(&event[body.len()..]);
        self.to.write_all(&line)?;
        Ok(event.len())
    }

    fn flush(&mut self) -> Result<()> {
        self.to.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line() {
        for (event, colours, expected) in [
            ("a plain one: é\n", false, "a plain one: é\n"),
            ("bad\n2026-01-01 INFO forged\r\n", false, "bad\\n2026-01-01 INFO forged\\r\n"),
            ("\x1b[31mred\x1b[0m\t\n", false, "\\x1b[31mred\\x1b[0m\\t\n"),
            ("\x1b[31mred\x1b[0m\n\n", true, "\x1b[31mred\x1b[0m\\n\n"),
        ] {
            let mut lines = Lines { to: Vec::new(), colours };
            assert_eq!(lines.write(event.as_bytes()).expect("it is written"), event.len());
            assert_eq!(String::from_utf8(lines.to).expect("it is text"), expected);
        }
    }
}
