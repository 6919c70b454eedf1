//! Detects the dialect of a table: its delimiter and quotes.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use crate::import::source::{Quote, Reading};

const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// Rows to compare.
const ROWS: usize = 50;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialect {
    pub delimiter: u8,
    pub quote: Option<u8>,
    /// The character before a quote inside a cell, if quotes are not doubled.
    pub escape: Option<u8>,
    /// Lines end with a carriage return alone.
    pub carriage_returns: bool,
    /// The first line states the delimiter, as spreadsheets write it: `sep=;`.
    pub announced: bool,
}

impl Dialect {
    pub fn guess(sample: &[u8], reading: &Reading, tabs: bool) -> Self {
        let announced = announced(sample);
        let body = match announced {
            Some(_) => &sample[sample.iter().position(|byte| *byte == b'\n').map_or(sample.len(), |end| end + 1)..],
            None => sample,
        };
        let carriage_returns = body.contains(&b'\r') && !body.contains(&b'\n');
        let quote = match reading.quote {
            Some(Quote::None) => None,
            Some(Quote::Of(quote)) => Some(quote),
            None if !body.contains(&b'"') && DELIMITERS.iter().any(|by| starts_quoted(body, *by)) => Some(b'\''),
            None => Some(b'"'),
        };
        let of =
            |delimiter: u8| Self { delimiter, quote, escape: None, carriage_returns, announced: announced.is_some() };
        let best = || {
            let score = |by: &u8| regularity(body, of(*by));
            // The first of equal ones, whereas `max_by_key` returns the last.
            DELIMITERS.into_iter().rev().max_by_key(score).unwrap_or(b',')
        };
        let delimiter = reading.delimiter.or(tabs.then_some(b'\t')).or(announced).unwrap_or_else(best);
        Self { escape: escape(body, delimiter, quote), ..of(delimiter) }
    }

    pub fn reader(&self) -> Reader {
        let mut builder = ReaderBuilder::new();
        builder.delimiter(self.delimiter).quoting(self.quote.is_some());
        if let Some(quote) = self.quote {
            builder.quote(quote).escape(self.escape).double_quote(self.escape.is_none());
        }
        builder.build()
    }
}

impl std::fmt::Display for Dialect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.delimiter {
            b'\t' => write!(f, "separated by tabs")?,
            by => write!(f, "separated by `{}`", by as char)?,
        }
        match self.quote {
            Some(quote) => write!(f, ", quoted by `{}`", quote as char)?,
            None => write!(f, ", without quotes")?,
        }
        match self.escape {
            Some(escape) => write!(f, " with `{}` before a quote", escape as char),
            None => Ok(()),
        }
    }
}

fn announced(sample: &[u8]) -> Option<u8> {
    let line = sample.split(|byte| matches!(byte, b'\n' | b'\r')).next()?;
    match line {
        [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', by] => Some(*by),
        [b'"', b's', b'e', b'p', b'=', by, b'"'] => Some(*by),
        _ => None,
    }
}

/// Whether the first line has cells such as `'name';'price'`.
fn starts_quoted(sample: &[u8], by: u8) -> bool {
    let line = sample.split(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default();
    line.len() > 2
        && line.first() == Some(&b'\'')
        && line.last() == Some(&b'\'')
        && line.windows(3).any(|three| three == [b'\'', by, b'\''])
}

/// A backslash, if quotes inside cells are preceded by one and not doubled.
fn escape(sample: &[u8], delimiter: u8, quote: Option<u8>) -> Option<u8> {
    let quote = quote?;
    let inside = |three: &[u8]| {
        three[0] == b'\\'
            && three[1] == quote
            && three[2] != delimiter
            && three[2] != quote
            && !matches!(three[2], b'\r' | b'\n')
    };
    sample.windows(3).any(inside).then_some(b'\\')
}

/// How many of the first rows have as many cells as the header, and that number of cells.
fn regularity(sample: &[u8], dialect: Dialect) -> (usize, usize) {
    let mut reader = dialect.reader();
    let (mut rest, mut text, mut ends) = (sample, vec![0; sample.len() + 1], vec![0; 1 << 12]);
    let mut widths = Vec::new();
    let mut cells = 0;
    while widths.len() < ROWS {
        let (result, read, _, ended) = reader.read_record(rest, &mut text, &mut ends);
        rest = &rest[read..];
        cells += ended;
        match result {
            ReadRecordResult::Record => widths.push(std::mem::take(&mut cells)),
            // The last row may be incomplete.
            ReadRecordResult::InputEmpty | ReadRecordResult::End => break,
            ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => return (0, 0),
        }
    }
    let first = widths.first().copied().unwrap_or(0);
    if first < 2 {
        return (0, 0);
    }
    (widths.iter().filter(|width| **width == first).count(), first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(sample: &str) -> String {
        Dialect::guess(sample.as_bytes(), &Reading::default(), false).to_string()
    }

    #[test]
    fn a_table_says_how_it_is_written() {
        for (sample, dialect) in [
            ("a,b\n1,2\n", "separated by `,`, quoted by `\"`"),
            ("a;b\n\"1,5\";2\n1,5;3\n", "separated by `;`, quoted by `\"`"),
            ("a\tb c, d\n1\t2\n", "separated by tabs, quoted by `\"`"),
            ("a|b\n1|2\n", "separated by `|`, quoted by `\"`"),
            ("name\nx\n", "separated by `,`, quoted by `\"`"),
            ("sep=;\na,b;c\n", "separated by `;`, quoted by `\"`"),
            ("'a';'b'\n'1';'it''s'\n", "separated by `;`, quoted by `'`"),
            ("a,b\n\"5\\\" wide\",2\n", "separated by `,`, quoted by `\"` with `\\` before a quote"),
            ("a,b\n\"C:\\\",2\n", "separated by `,`, quoted by `\"`"),
        ] {
            assert_eq!(of(sample), dialect, "{sample:?}");
        }
    }
}
