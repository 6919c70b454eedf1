//! Reads rows of CSV and TSV as records: each cell is a text under its name in the header.

use std::io::{BufRead, BufReader};

use csv_core::{ReadRecordResult, Reader};
use serde_json::{Map, Value as Json};

use crate::import::dialect::Dialect;
use crate::import::quotes::{Quoted, Quotes};
use crate::import::read::{LONGEST, Raw};
use crate::import::source::Input;
use base::error::{Code, Problem};

/// The most bytes of one cell.
const LONGEST_CELL: usize = 4 << 20;
pub const MOST_CELLS: usize = 10_000;
/// A sentinel after the last row, which shows whether a quote was left open.
const LAST: &[u8] = b"\n\x01end of the table\x01\n";

pub struct Table {
    input: BufReader<Input>,
    name: String,
    reader: Reader,
    quotes: Option<Quotes>,
    dialect: Dialect,
    columns: Vec<String>,
    /// Lines before those that the reader counts.
    before: u64,
    text: Vec<u8>,
    ends: Vec<usize>,
    tail: &'static [u8],
    keep_source: bool,
}

/// One row as read.
struct Row {
    line: u64,
    cells: usize,
    is_cut: bool,
    quoted: Quoted,
}

impl Table {
    /// Reads the header.
    pub fn new(input: BufReader<Input>, name: String, dialect: Dialect, keep_source: bool) -> Result<Self, String> {
        let (reader, quotes) = (dialect.reader(), Quotes::of(&dialect));
        let (text, ends) = (vec![0; 1 << 14], vec![0; 1 << 8]);
        let mut table = Self {
            input,
            name,
            reader,
            quotes,
            dialect,
            columns: Vec::new(),
            before: 0,
            text,
            ends,
            tail: LAST,
            keep_source,
        };
        if dialect.announced {
            let mut line = Vec::new();
            let read = std::io::Read::take(&mut table.input, 16).read_until(b'\n', &mut line);
            read.map_err(|error| table.failed(&error))?;
            table.before = 1;
        }
        let header = table.row()?;
        match header {
            Some(row) if row.is_cut => Err(format!("{}: the header is longer than a row may be", table.name)),
            Some(Row { quoted: Quoted { wrong: Some(why), .. }, line, .. }) => {
                Err(format!("{}: the header in line {line}: {why}", table.name))
            }
            Some(row) => {
                let names = (0..row.cells).map(|index| String::from_utf8_lossy(table.cell(index)).trim().to_owned());
                table.columns = own_names(names.collect());
                Ok(table)
            }
            None => Err(format!("{}: the table is empty: expected a header row", table.name)),
        }
    }

    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Rows of blank cells are skipped.
    pub fn next(&mut self) -> Result<Option<Raw>, String> {
        loop {
            let Some(row) = self.row()? else { return Ok(None) };
            if row.is_cut || (0..row.cells).any(|index| !self.cell(index).trim_ascii().is_empty()) {
                return Ok(Some(self.record(&row)));
            }
        }
    }

    fn record(&self, row: &Row) -> Raw {
        let line = row.line;
        let of = self.object(row).map_err(|(code, reason)| Problem::new(code, reason));
        let of = of.map(Json::Object);
        let source = self.keep_source.then(|| match &of {
            Ok(record) => record.to_string(),
            Err(_) => self.shown(row).to_string(),
        });
        Raw { line, bytes: row.cells.checked_sub(1).map_or(0, |last| self.ends[last]), of, source }
    }

    /// A row that is not a record, for the report.
    fn shown(&self, row: &Row) -> Json {
        let cell = |index| String::from_utf8_lossy(self.cell(index)).chars().take(200).collect::<String>();
        (0..row.cells.min(50)).map(cell).collect()
    }

    fn object(&self, row: &Row) -> Result<Map<String, Json>, (Code, String)> {
        if let Some(why) = &row.quoted.wrong {
            return Err((Code::BadUserInput, why.clone()));
        }
        if row.is_cut {
            let quote =
                self.dialect.quote.map_or(String::new(), |quote| format!(": is a `{}` left open?", quote as char));
            return Err((
                Code::LimitExceeded,
                format!("the row is longer than {} MiB or has more than {MOST_CELLS} cells{quote}", LONGEST >> 20),
            ));
        }
        let width = self.columns.len();
        if row.cells > 0
            && self.cell(row.cells - 1).windows(LAST.len() - 2).any(|part| part == &LAST[1..LAST.len() - 1])
        {
            let quote = self.dialect.quote.map_or('"', char::from);
            return Err((Code::BadUserInput, format!("a `{quote}` in this row is never closed")));
        }
        let extra = (width..row.cells).any(|index| !self.cell(index).trim_ascii().is_empty());
        if row.cells < width || extra {
            let cells = if row.cells == 1 { "1 cell".to_owned() } else { format!("{} cells", row.cells) };
            return Err((Code::BadUserInput, format!("the row has {cells}, the header has {width}")));
        }
        let mut record = Map::with_capacity(width);
        for (index, name) in self.columns.iter().enumerate() {
            let mut cell = self.cell(index);
            if let Ok(place) = row.quoted.loose.binary_search_by_key(&index, |(cell, _)| *cell) {
                cell = &cell[..cell.len().saturating_sub(row.quoted.loose[place].1)];
            }
            if cell.len() > LONGEST_CELL {
                let reason = format!("the cell of `{name}` is longer than {} MiB", LONGEST_CELL >> 20);
                return Err((Code::LimitExceeded, reason));
            }
            let text = std::str::from_utf8(cell).map_err(|error| {
                let byte = cell[error.valid_up_to()];
                (
                    Code::BadUserInput,
                    format!(
                        "the cell of `{name}` is not UTF-8 (0x{byte:02X}): give `--encoding`, such as windows-1252"
                    ),
                )
            })?;
            record.insert(name.clone(), Json::from(text));
        }
        Ok(record)
    }

    fn cell(&self, index: usize) -> &[u8] {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.text[start..self.ends[index]]
    }

    /// The next row. A row that is too long is read to its end and discarded.
    fn row(&mut self) -> Result<Option<Row>, String> {
        let (mut text, mut cells, mut is_cut) = (0, 0, false);
        loop {
            let buffer = match self.input.fill_buf() {
                Ok(buffer) => buffer,
                Err(error) => return Err(self.failed(&error)),
            };
            let is_over = buffer.is_empty();
            let mut bytes = if is_over { self.tail } else { buffer };
            let returned;
            if self.dialect.carriage_returns {
                returned = bytes.iter().map(|byte| if *byte == b'\r' { b'\n' } else { *byte }).collect::<Vec<_>>();
                bytes = &returned;
            }
            let (result, read, written, ended) =
                self.reader.read_record(bytes, &mut self.text[text..], &mut self.ends[cells..]);
            if let Some(quotes) = &mut self.quotes {
                quotes.read(&bytes[..read]);
            }
            let last = read.checked_sub(1).map(|last| bytes[last]);
            if is_over {
                self.tail = &self.tail[read..];
            } else {
                self.input.consume(read);
            }
            text += written;
            cells += ended;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull if self.text.len() < LONGEST => {
                    self.text.resize((self.text.len() * 4).min(LONGEST), 0)
                }
                ReadRecordResult::OutputEndsFull if self.ends.len() < MOST_CELLS => {
                    self.ends.resize((self.ends.len() * 4).min(MOST_CELLS), 0)
                }
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => (text, cells, is_cut) = (0, 0, true),
                ReadRecordResult::Record => {
                    let cells = if is_cut { 0 } else { cells };
                    let end = cells.checked_sub(1).map_or(0, |last| self.ends[last]);
                    if cells == 1 && self.text[..end] == LAST[1..LAST.len() - 1] {
                        return Ok(None);
                    }
                    let inside = self.text[..end].iter().filter(|byte| **byte == b'\n').count() as u64;
                    // If a row ends with a carriage return, the line feed after it has not been read.
                    let line = self.reader.line() - u64::from(last == Some(b'\n')) - inside;
                    let quoted = self.quotes.as_mut().map(Quotes::end_row).unwrap_or_default();
                    return Ok(Some(Row { line: self.before + line, cells, is_cut, quoted }));
                }
                ReadRecordResult::End => return Ok(None),
            }
        }
    }

    fn failed(&self, error: &std::io::Error) -> String {
        format!("{} cannot be read after line {}: {error}", self.name, self.before + self.reader.line())
    }
}

/// Makes the names of all columns unique.
fn own_names(names: Vec<String>) -> Vec<String> {
    let mut columns: Vec<String> = Vec::with_capacity(names.len());
    for (index, name) in names.into_iter().enumerate() {
        let name = if name.is_empty() { format!("column {}", index + 1) } else { name };
        let mut own = name.clone();
        let mut number = 1;
        while columns.contains(&own) {
            number += 1;
            own = format!("{name} ({number})");
        }
        columns.push(own);
    }
    columns
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read};

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::import::source::{Quote, Reading};

    fn table(bytes: &[u8]) -> Table {
        let dialect = Dialect::guess(&bytes[..bytes.len().min(1 << 18)], &Reading::default(), false);
        let input: Input = Box::new(Cursor::new(bytes.to_vec()));
        Table::new(BufReader::with_capacity(7, input), "x".into(), dialect, false)
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// Each row as `line: record` or `line: problem`.
    fn rows(bytes: &[u8]) -> Vec<String> {
        let mut table = table(bytes);
        let mut rows = Vec::new();
        while let Some(raw) = table.next().unwrap() {
            let of = raw.of.map_or_else(|problem| problem.message, |record| record.to_string());
            rows.push(format!("{}: {of}", raw.line));
        }
        rows
    }

    #[test]
    fn rows_are_records_with_their_line() {
        assert_eq!(
            rows(b"a,b\r\n1,\"two\r\nlines\"\r\n\r\n,\r\n\"x\"\"y\",3\r\n4,5"),
            [
                "2: {\"a\":\"1\",\"b\":\"two\\r\\nlines\"}",
                "6: {\"a\":\"x\\\"y\",\"b\":\"3\"}",
                "7: {\"a\":\"4\",\"b\":\"5\"}"
            ]
        );
        assert_eq!(rows(b"a,b\n1,2\n\n\n3,4\n"), ["2: {\"a\":\"1\",\"b\":\"2\"}", "5: {\"a\":\"3\",\"b\":\"4\"}"]);
        assert_eq!(rows(b"sep=;\na;b\n1;2\n"), ["3: {\"a\":\"1\",\"b\":\"2\"}"]);
        assert_eq!(rows(b"a;b\r1;2\r3;4"), ["2: {\"a\":\"1\",\"b\":\"2\"}", "3: {\"a\":\"3\",\"b\":\"4\"}"]);
        assert_eq!(rows(b"a,,a\n1,2,3\n"), ["2: {\"a\":\"1\",\"column 2\":\"2\",\"a (2)\":\"3\"}"]);
        assert_eq!(rows(b"a,b\n"), [""; 0]);
    }

    #[test]
    fn what_is_wrong_with_a_row_is_said_with_its_line() {
        let said = rows(b"a,b\n1\n1,2,3\n1,2,,\n1,\xff\n\"1,2\n3,4\n");
        assert_eq!(
            said,
            [
                "2: the row has 1 cell, the header has 2",
                "3: the row has 3 cells, the header has 2",
                "4: {\"a\":\"1\",\"b\":\"2\"}",
                "5: the cell of `b` is not UTF-8 (0xFF): give `--encoding`, such as windows-1252",
                "6: a `\"` in this row is never closed",
            ]
        );
        let long = [
            b"a,b\n1,".to_vec(),
            vec![b'x'; LONGEST_CELL + 1],
            b"\n3,4\n1,\"".to_vec(),
            vec![b'y'; LONGEST + 1],
            b"\"\n5,6\n".to_vec(),
        ]
        .concat();
        let said = rows(&long);
        assert!(said[0].starts_with("2: the cell of `b` is longer than 4 MiB"), "{}", said[0]);
        assert_eq!(said[1], "3: {\"a\":\"3\",\"b\":\"4\"}");
        assert!(said[2].starts_with("4: the row is longer than 16 MiB"), "{}", said[2]);
        assert_eq!(said[3], "5: {\"a\":\"5\",\"b\":\"6\"}");
    }

    #[test]
    fn a_table_takes_the_memory_of_a_row() {
        let rows = std::iter::repeat_n(&b"1,2\n"[..], 50_000).collect::<Vec<_>>().concat();
        let input: Input = Box::new(Cursor::new(b"a,b\n".to_vec()).chain(Cursor::new(rows)));
        let dialect = Dialect::guess(b"a,b\n", &Reading { quote: Some(Quote::None), ..Reading::default() }, false);
        let mut table = Table::new(BufReader::new(input), "x".into(), dialect, false).unwrap();
        let mut count = 0;
        while let Some(raw) = table.next().unwrap() {
            count += 1;
            assert_eq!(raw.line, count + 1);
        }
        assert_eq!((count, table.text.len()), (50_000, 1 << 14));
    }

    proptest! {
        #[test]
        fn a_table_comes_back_whatever_is_in_its_cells(
            cells in proptest::collection::vec(("[a-z\"';, \n|]{0,6}", "[a-zäé\"\\\\,\n ]{0,6}"), 1..6),
            windows in any::<bool>(),
        ) {
            let end = if windows { "\r\n" } else { "\n" };
            let quoted = |cell: &str| format!("\"{}\"", cell.replace('"', "\"\""));
            let mut text = format!("one,two{end}");
            let mut expected = Vec::new();
            for (one, two) in &cells {
                text.push_str(&format!("{},{}{end}", quoted(one), quoted(two)));
                if !one.trim().is_empty() || !two.trim().is_empty() {
                    expected.push(json!({"one": one, "two": two}));
                }
            }
            let dialect = Dialect { delimiter: b',', quote: Some(b'"'), escape: None, carriage_returns: false, announced: false };
            let input: Input = Box::new(Cursor::new(text.into_bytes()));
            let mut table = Table::new(BufReader::with_capacity(3, input), "x".into(), dialect, false).unwrap();
            let mut read = Vec::new();
            while let Some(raw) = table.next().unwrap() {
                read.push(raw.of.unwrap());
            }
            prop_assert_eq!(read, expected);
        }
    }
}
