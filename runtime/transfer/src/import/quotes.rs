//! Checks the quotes of a row. The CSV reader treats text after a closing quote as more of the cell and drops that quote:
//! `"He said "hi" now"` would become `He said hi" now"`.

use memchr::memchr2;

use crate::import::dialect::Dialect;
use crate::import::table::MOST_CELLS;

/// Bytes after the quote that are shown.
const SHOWN: usize = 20;

/// Follows the bytes of a table as its reader does, from quote to quote.
pub struct Quotes {
    quote: u8,
    escape: Option<u8>,
    delimiter: u8,
    place: Place,
    /// The previous byte.
    last: u8,
    wrong: Option<Vec<u8>>,
    /// Finished cells of the row.
    cells: usize,
    loose: Vec<(usize, usize)>,
}

/// The state of the quotes in a row.
#[derive(Default)]
pub struct Quoted {
    pub wrong: Option<String>,
    /// The indices of quoted cells, with the number of blanks after their closing quote, which are not part of them.
    pub loose: Vec<(usize, usize)>,
}

#[derive(Clone, Copy)]
enum Place {
    Outside,
    Inside,
    /// After an escape character.
    Escaped,
    /// After a quote in a quoted cell.
    Closed,
    /// After the closing quote, where only blanks are allowed.
    Behind,
}

impl Quotes {
    /// `None` if nothing is quoted.
    pub fn of(dialect: &Dialect) -> Option<Self> {
        let Dialect { delimiter, quote, escape, .. } = *dialect;
        Some(Self {
            quote: quote?,
            escape,
            delimiter,
            place: Place::Outside,
            last: b'\n',
            wrong: None,
            cells: 0,
            loose: Vec::new(),
        })
    }

    /// Reads the next bytes.
    pub fn read(&mut self, bytes: &[u8]) {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            at += 1;
            match self.place {
                Place::Outside => {
                    let Some(found) = memchr2(self.quote, self.delimiter, &bytes[at - 1..]) else { break };
                    at += found;
                    if bytes[at - 1] == self.delimiter {
                        self.cells += 1;
                        continue;
                    }
                    let before = at.checked_sub(2).map_or(self.last, |before| bytes[before]);
                    // Within a cell it is an ordinary character.
                    if self.ends_cell(before) {
                        self.place = Place::Inside;
                    }
                }
                Place::Inside => {
                    let found = memchr2(self.quote, self.escape.unwrap_or(self.quote), &bytes[at - 1..]);
                    let Some(found) = found else { break };
                    at += found;
                    self.place = if bytes[at - 1] == self.quote { Place::Closed } else { Place::Escaped };
                }
                Place::Escaped => self.place = Place::Inside,
                Place::Closed if byte == self.quote && self.escape.is_none() => self.place = Place::Inside,
                Place::Closed | Place::Behind if self.ends_cell(byte) => {
                    self.place = Place::Outside;
                    self.cells += usize::from(byte == self.delimiter);
                }
                Place::Closed | Place::Behind if matches!(byte, b' ' | b'\t') => {
                    self.place = Place::Behind;
                    match self.loose.last_mut().filter(|(cell, _)| *cell == self.cells) {
                        Some((_, blanks)) => *blanks += 1,
                        None if self.cells < MOST_CELLS => self.loose.push((self.cells, 1)),
                        // The row is too long and is discarded.
                        None => {}
                    }
                }
                Place::Closed | Place::Behind => {
                    self.place = Place::Outside;
                    self.wrong.get_or_insert_with(|| bytes[at - 1..].iter().take(SHOWN).copied().collect());
                }
            }
        }
        self.last = bytes.last().copied().unwrap_or(self.last);
    }

    /// Returns the result for the row just read, and begins the next one.
    pub fn end_row(&mut self) -> Quoted {
        self.cells = 0;
        let wrong = self.wrong.take().map(|behind| self.explained(&behind));
        Quoted { wrong, loose: std::mem::take(&mut self.loose) }
    }

    fn explained(&self, behind: &[u8]) -> String {
        let behind = String::from_utf8_lossy(behind);
        let behind = behind.split(['\r', '\n']).next().unwrap_or_default();
        let quote = self.quote as char;
        let rule = match self.escape {
            Some(escape) => format!("has a `{}` before it", escape as char),
            None => "is written twice".to_owned(),
        };
        format!(
            "`{behind}` stands behind a `{quote}` that ends a cell: a `{quote}` inside of a quoted cell {rule}, and one that begins a cell is closed; `--quote none` is for tables without quoted cells"
        )
    }

    fn ends_cell(&self, byte: u8) -> bool {
        byte == self.delimiter || matches!(byte, b'\r' | b'\n')
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Cursor};

    use base::error::Code;
    use proptest::prelude::*;

    use crate::import::dialect::Dialect;
    use crate::import::source::Input;
    use crate::import::table::Table;

    /// A row's line, and its cells; `None` if it is wrong.
    type Row = (u64, Option<Vec<String>>);

    const DIALECT: Dialect =
        Dialect { delimiter: b',', quote: Some(b'"'), escape: None, carriage_returns: false, announced: false };

    fn read(text: &str, dialect: Dialect, capacity: usize) -> Vec<Result<(u64, Vec<String>), (u64, String)>> {
        let input: Input = Box::new(Cursor::new(format!("one,two\n{text}").into_bytes()));
        let mut table = Table::new(BufReader::with_capacity(capacity, input), "x".into(), dialect, false).unwrap();
        let mut rows = Vec::new();
        while let Some(raw) = table.next().unwrap() {
            let cell = |record: &serde_json::Value, name: &str| record[name].as_str().unwrap().to_owned();
            rows.push(match raw.of {
                Ok(record) => Ok((raw.line, vec![cell(&record, "one"), cell(&record, "two")])),
                Err(problem) => {
                    assert!(matches!(problem.code, Code::BadUserInput), "{problem:?}");
                    Err((raw.line, problem.message))
                }
            });
        }
        rows
    }

    /// A simple implementation, one character at a time.
    fn reference(text: &str, Dialect { quote, escape, carriage_returns, .. }: Dialect) -> Vec<Row> {
        #[derive(Clone, Copy, PartialEq)]
        enum At {
            Start,
            Plain,
            Quoted,
            Escaped,
            Closed,
            Behind,
        }
        let letters: Vec<char> = format!("{text}\n").chars().collect();
        let (quote, escape) = (quote.map(char::from), escape.map(char::from));
        let (mut rows, mut cells, mut cell, mut at, mut right) =
            (Vec::new(), Vec::new(), String::new(), At::Start, true);
        let (mut line, mut begun) = (2, None);
        for (index, &letter) in letters.iter().enumerate() {
            let is_end = matches!(letter, '\r' | '\n');
            let letter = if carriage_returns && letter == '\r' { '\n' } else { letter };
            let is_over = index + 1 == letters.len();
            if !is_end {
                begun.get_or_insert(line);
            }
            line += u64::from(letter == '\n');
            match at {
                At::Quoted | At::Escaped if is_over => right = false,
                At::Quoted if Some(letter) == quote => at = At::Closed,
                At::Quoted if Some(letter) == escape => at = At::Escaped,
                At::Quoted | At::Escaped => {
                    cell.push(letter);
                    at = At::Quoted;
                }
                At::Start if Some(letter) == quote => at = At::Quoted,
                At::Closed if Some(letter) == quote && escape.is_none() => {
                    cell.push(letter);
                    at = At::Quoted;
                }
                _ if letter == ',' => {
                    cells.push(std::mem::take(&mut cell));
                    at = At::Start;
                }
                _ if is_end => {}
                At::Closed | At::Behind => {
                    let is_blank = matches!(letter, ' ' | '\t');
                    right &= is_blank;
                    at = if is_blank { At::Behind } else { At::Plain };
                }
                At::Start | At::Plain => {
                    cell.push(letter);
                    at = At::Plain;
                }
            }
            if is_over || is_end && at != At::Quoted {
                cells.push(std::mem::take(&mut cell));
                let cells = std::mem::take(&mut cells);
                if let Some(line) = begun.take()
                    && (!right || cells.iter().any(|cell| !cell.trim_ascii().is_empty()))
                {
                    let extra = cells.iter().skip(2).any(|cell| !cell.trim_ascii().is_empty());
                    let fits = right && cells.len() >= 2 && !extra;
                    rows.push((line, fits.then(|| cells[..2].to_vec())));
                }
                (at, right) = (At::Start, true);
            }
        }
        rows
    }

    #[test]
    fn a_row_whose_quotes_are_not_doubled_is_rejected() {
        for row in [
            "c-14,\"He said \"hi\" now\"",
            "\"He said \"hi, now\",2",
            "1,\"a\"b",
            "1,\"a\"b\"",
            "1,\"\"a\"\"",
            "1,\"5\" pipe\"",
            "1,\"a\" \"b\"",
            "1,\"two\nlines\" more\"",
            "1,\"a\"\u{a0}",
            "\"open,1\n\"x\",2",
        ] {
            let rows = read(&format!("a,b\n{row}\n3,4\n"), DIALECT, 1 << 10);
            let [Ok((2, _)), Err((3, why)), Ok((_, last))] = rows.as_slice() else { panic!("{row:?}: {rows:?}") };
            assert!(why.contains("stands behind a `\"` that ends a cell") && why.contains("is written twice"), "{why}");
            assert_eq!(last, &["3", "4"], "{row:?}");
        }
        let rows = read("c-14,\"He said \"hi\" now\"\n", DIALECT, 1 << 10);
        assert!(rows[0].as_ref().is_err_and(|(_, why)| why.starts_with("`hi\" now\"` stands behind")), "{rows:?}");
        let escaped = Dialect { escape: Some(b'\\'), ..DIALECT };
        let rows =
            read("1,\"He said \"hi\" now\"\n1,\"He said \"\"hi\"\" now\"\n1,\"He said \\\"hi\\\" now\"\n", escaped, 7);
        assert!(
            rows[..2].iter().all(|row| row.as_ref().is_err_and(|(_, why)| why.contains("has a `\\` before it"))),
            "{rows:?}"
        );
        assert_eq!(rows[2], Ok((4, vec!["1".to_owned(), "He said \"hi\" now".to_owned()])));
    }

    #[test]
    fn quotes_that_are_right_are_taken() {
        for (row, cell) in [
            ("1,5\" pipe", "5\" pipe"),
            ("1,a \"b\" c", "a \"b\" c"),
            ("1, \"a\"", " \"a\""),
            ("1,\"a\" \t ", "a"),
            ("1,\" a \"  ,", " a "),
            ("\"1\" ,\" a \"", " a "),
            ("1,\"a\"\"b\"", "a\"b"),
            ("1,\"\"\"a\"\"\"", "\"a\""),
            ("1,\"\"", ""),
            ("1,\"\"\"\"", "\""),
        ] {
            let expected = Ok((2, vec!["1".to_owned(), cell.to_owned()]));
            assert_eq!(read(row, DIALECT, 1 << 10), [expected], "{row:?}");
        }
        let none = Dialect { quote: None, ..DIALECT };
        assert_eq!(read("1,\"a\"b", none, 7), [Ok((2, vec!["1".to_owned(), "\"a\"b".to_owned()]))]);
    }

    #[test]
    fn a_header_whose_quotes_are_wrong_is_no_header() {
        let input: Input = Box::new(Cursor::new(b"one,\"tw\"o\"\n1,2\n".to_vec()));
        let error = Table::new(BufReader::new(input), "x".into(), DIALECT, false).err().unwrap();
        assert!(error.starts_with("x: the header in line 1: `o\"` stands behind"), "{error}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn a_table_is_read_as_slowly_as_letter_by_letter(
            parts in proptest::collection::vec(
                prop_oneof![
                    2 => Just("a"), 1 => Just("é"), 2 => Just(" "), 1 => Just("\t"), 3 => Just("\""), 2 => Just("\"\""),
                    2 => Just(",\""), 2 => Just("\","), 3 => Just(","), 1 => Just("\\"), 1 => Just("\\\""), 1 => Just("'"),
                    2 => Just("\n"), 1 => Just("\r\n"), 1 => Just("\r"), 1 => Just("\"\n"),
                ],
                0..40,
            ),
            quoted in proptest::bool::weighted(0.9),
            escaped in any::<bool>(),
            carriage_returns in proptest::bool::weighted(0.2),
            capacity in 1_usize..20,
        ) {
            let text = parts.concat();
            let dialect = Dialect {
                quote: quoted.then_some(b'"'),
                escape: (quoted && escaped).then_some(b'\\'),
                carriage_returns,
                ..DIALECT
            };
            let rows: Vec<Row> = read(&text, dialect, capacity).into_iter().map(|row| match row {
                Ok((line, cells)) => (line, Some(cells)),
                Err((line, _)) => (line, None),
            }).collect();
            prop_assert_eq!(rows, reference(&text, dialect), "{:?}", text);
        }
    }
}
