//! The log as text: one line per event, even if an error in it contains line breaks.

use std::io::{Result, Write};

/// Each write is one event, including its line end.
pub struct Lines<W> {
    pub to: W,
    /// For a terminal, the subscriber itself writes escape sequences.
    pub colours: bool,
}

impl<W: Write> Write for Lines<W> {
    fn write(&mut self, event: &[u8]) -> Result<usize> {
        let text = String::from_utf8_lossy(event);
        let body = text.strip_suffix('\n').unwrap_or(&text);
        if body.chars().all(is_plain) {
            self.to.write_all(event)?;
            return Ok(event.len());
        }
        let mut line = String::with_capacity(event.len() + 16);
        for (at, letter) in body.char_indices() {
            match is_plain(letter) || self.colours && is_colour(&body[at..]) {
                true => line.push(letter),
                false => line.extend(letter.escape_default()),
            }
        }
        line.push_str(&text[body.len()..]);
        self.to.write_all(line.as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> Result<()> {
        self.to.flush()
    }
}

/// False for characters that some readers treat as a line end, and for those that control a terminal.
fn is_plain(letter: char) -> bool {
    !letter.is_control() && !matches!(letter, '\u{2028}' | '\u{2029}')
}

/// Whether this is a sequence that the subscriber writes: bold, italic, dim or a plain colour.
fn is_colour(text: &str) -> bool {
    let code =
        text.strip_prefix("\u{1b}[").and_then(|rest| rest.split_once('m')).and_then(|(code, _)| code.parse().ok());
    code.is_some_and(|code: u8| matches!(code, 0..=3 | 30..=37))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line() {
        for (event, colours, expected) in [
            ("a plain one: é\n", false, "a plain one: é\n"),
            ("bad\n2026-01-01 INFO forged\r\n", false, "bad\\n2026-01-01 INFO forged\\r\n"),
            ("\x1b[31mred\x1b[0m\t\n", false, "\\u{1b}[31mred\\u{1b}[0m\\t\n"),
            ("\x1b[8mhidden\x1b[0m\n", true, "\\u{1b}[8mhidden\x1b[0m\n"),
            ("\x1b[31mred\x1b[0m\n\n", true, "\x1b[31mred\x1b[0m\\n\n"),
        ] {
            let mut lines = Lines { to: Vec::new(), colours };
            assert_eq!(lines.write(event.as_bytes()).expect("it is written"), event.len());
            assert_eq!(String::from_utf8(lines.to).expect("it is text"), expected);
        }
    }

    /// An error that quotes input of a client.
    #[test]
    fn what_an_error_quotes_neither_ends_a_line_nor_commands_a_terminal() {
        #[derive(Clone, Default)]
        struct Kept(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);
        impl Write for Kept {
            fn write(&mut self, bytes: &[u8]) -> Result<usize> {
                self.0.lock().expect("the log").write(bytes)
            }
            fn flush(&mut self) -> Result<()> {
                Ok(())
            }
        }
        for colours in [false, true] {
            let kept = Kept::default();
            let to = kept.clone();
            let writer = move || Lines { to: to.clone(), colours };
            let lines = tracing_subscriber::fmt().with_ansi(colours).without_time().with_writer(writer).finish();
            let sent = "a\u{1b}[2Jb\u{9b}2Jc\nd\u{85}e\u{2028}f";
            tracing::subscriber::with_default(
                lines,
                || tracing::warn!(error = %sent, text = sent, "it failed: {sent}"),
            );
            let text = String::from_utf8(kept.0.lock().expect("the log").clone()).expect("it is text");
            for bad in ["\u{1b}[2J", "\u{9b}", "\u{85}", "\u{2028}"] {
                assert!(!text.contains(bad), "{bad:?} with colours {colours}: {text:?}");
            }
            assert_eq!(text.matches('\n').count(), 1, "{text:?}");
        }
    }
}
