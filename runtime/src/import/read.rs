//! Reads records line by line and maps them, a batch at a time.

use std::io::{BufRead, BufReader, Read};

use serde_json::Value as Json;

use crate::error::{Code, Problem};
use crate::import::apply::{Applied, Item, Mapper};
use crate::import::native::Native;

/// Bytes of one line; a longer one is rejected and its rest skipped.
const LONGEST: u64 = 32 << 20;

/// How a record becomes an item.
pub enum Form {
    Mapped(Box<Mapper>),
    Native(Native),
}

pub struct Reader {
    input: BufReader<Box<dyn Read + Send>>,
    form: Form,
    batch: usize,
    keep_source: bool,
    line: u64,
}

/// Some records in the order of the file.
#[derive(Default)]
pub struct Batch {
    pub items: Vec<Line<Box<Item>>>,
    pub rejected: Vec<Line<Vec<Problem>>>,
    pub read: u64,
    pub skipped: u64,
}

pub struct Line<T> {
    pub number: u64,
    pub of: T,
    /// The line as it was read, where the report wants it.
    pub source: Option<String>,
}

impl Reader {
    pub fn new(input: BufReader<Box<dyn Read + Send>>, form: Form, batch: usize, keep_source: bool) -> Self {
        Self { input, form, batch, keep_source, line: 0 }
    }

    /// `None` at the end of the file.
    pub fn next(&mut self) -> Result<Option<Batch>, String> {
        let mut batch = Batch::default();
        let mut bytes = Vec::new();
        while batch.items.len() + batch.rejected.len() < self.batch {
            bytes.clear();
            let mut input = (&mut self.input).take(LONGEST);
            let read = input.read_until(b'\n', &mut bytes);
            let fail =
                |error: std::io::Error, line: u64| format!("the input cannot be read after line {line}: {error}");
            if read.map_err(|error| fail(error, self.line))? == 0 {
                break;
            }
            self.line += 1;
            if bytes.len() as u64 == LONGEST && bytes.last() != Some(&b'\n') {
                self.skip_line().map_err(|error| fail(error, self.line))?;
                let message = format!("the line is longer than {} MiB", LONGEST >> 20);
                batch.reject(self.line, Problem::new(Code::LimitExceeded, message), None);
                continue;
            }
            self.record(&bytes, &mut batch)?;
        }
        Ok((batch.read > 0).then_some(batch))
    }

    fn record(&mut self, bytes: &[u8], batch: &mut Batch) -> Result<(), String> {
        let bytes = if self.line == 1 { bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes) } else { bytes };
        let bytes = bytes.trim_ascii();
        if bytes.is_empty() {
            return Ok(());
        }
        let source = self.keep_source.then(|| String::from_utf8_lossy(bytes).into_owned());
        let record = match serde_json::from_slice::<Json>(bytes) {
            Ok(record @ Json::Object(_)) => record,
            Ok(_) | Err(_) if self.line == 1 && bytes.starts_with(b"[") => {
                return Err(
                    "the file is a JSON array, and one object a line is expected: `jq -c '.[]' FILE` makes lines of it"
                        .into(),
                );
            }
            Ok(_) => {
                batch.reject(self.line, Problem::new(Code::BadUserInput, "the line is no JSON object"), source);
                return Ok(());
            }
            Err(error) => {
                let message = format!("the line is not JSON: {error}");
                batch.reject(self.line, Problem::new(Code::BadUserInput, message), source);
                return Ok(());
            }
        };
        let applied = match &mut self.form {
            Form::Mapped(mapper) => mapper.apply(self.line, &record),
            Form::Native(native) => native.apply(self.line, record),
        };
        match applied {
            Applied::Item(item) => {
                batch.read += 1;
                batch.items.push(Line { number: self.line, of: item, source });
            }
            Applied::Skipped => {
                batch.read += 1;
                batch.skipped += 1;
            }
            Applied::Rejected(problems) => {
                batch.read += 1;
                batch.rejected.push(Line { number: self.line, of: problems, source });
            }
        }
        Ok(())
    }

    fn skip_line(&mut self) -> std::io::Result<()> {
        loop {
            let buffer = self.input.fill_buf()?;
            let (used, done) = match buffer.iter().position(|byte| *byte == b'\n') {
                Some(end) => (end + 1, true),
                None => (buffer.len(), buffer.is_empty()),
            };
            self.input.consume(used);
            if done {
                return Ok(());
            }
        }
    }
}

impl Batch {
    fn reject(&mut self, number: u64, problem: Problem, source: Option<String>) {
        self.read += 1;
        self.rejected.push(Line { number, of: vec![problem], source });
    }
}
