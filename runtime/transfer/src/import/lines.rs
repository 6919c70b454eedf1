//! Reads lines of JSON, one record per line.

use std::io::{BufRead, BufReader, Read};

use serde_json::Value as Json;

use crate::import::json;
use crate::import::read::{LONGEST, Raw};
use crate::import::source::Input;
use base::error::{Code, Problem};

pub struct Lines {
    input: BufReader<Input>,
    name: String,
    line: u64,
    keep_source: bool,
}

impl Lines {
    pub fn new(input: BufReader<Input>, name: String, keep_source: bool) -> Self {
        Self { input, name, line: 0, keep_source }
    }

    pub fn next(&mut self) -> Result<Option<Raw>, String> {
        let mut bytes = Vec::new();
        loop {
            bytes.clear();
            let read = (&mut self.input).take(LONGEST as u64).read_until(b'\n', &mut bytes);
            if read.map_err(|error| self.failed(&error))? == 0 {
                return Ok(None);
            }
            self.line += 1;
            if bytes.len() == LONGEST && bytes.last() != Some(&b'\n') {
                self.skip_line().map_err(|error| self.failed(&error))?;
                let message = format!("the line is longer than {} MiB", LONGEST >> 20);
                return Ok(Some(Raw {
                    line: self.line,
                    bytes: 0,
                    of: Err(Problem::new(Code::LimitExceeded, message)),
                    source: None,
                }));
            }
            // Where files were concatenated.
            let record = bytes.trim_ascii();
            let record = record.strip_prefix(b"\xef\xbb\xbf").unwrap_or(record).trim_ascii();
            if !record.is_empty() {
                return self.record(record).map(Some);
            }
        }
    }

    fn record(&self, record: &[u8]) -> Result<Raw, String> {
        let parsed = json::parse(record);
        if self.line == 1 && !matches!(parsed, Ok(Json::Object(_))) {
            self.refuse_whole(record)?;
        }
        let of = match parsed {
            Ok(record @ Json::Object(_)) => Ok(record),
            Ok(other) => Err(format!("expected an object, but the line is {}", what(&other))),
            Err(reason) => Err(reason),
        };
        let of = of.map_err(|reason| Problem::new(Code::BadUserInput, reason));
        let source = self.keep_source.then(|| String::from_utf8_lossy(record).into_owned());
        Ok(Raw { line: self.line, bytes: record.len(), of, source })
    }

    /// A file that has no lines of JSON at all is reported once, before anything is saved.
    fn refuse_whole(&self, first: &[u8]) -> Result<(), String> {
        let name = &self.name;
        if first.starts_with(b"[") {
            return Err(format!(
                "{name}: the file is a JSON array: `jq -c '.[]' FILE` turns it into one object per line"
            ));
        }
        let alone = first.windows(2).any(|two| two == b"}\r");
        match alone {
            true => Err(format!(
                "{name}: the lines end in carriage returns instead of line feeds: `tr '\\r' '\
' < FILE` converts them"
            )),
            false => Ok(()),
        }
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

    fn failed(&self, error: &std::io::Error) -> String {
        format!("{} cannot be read after line {}: {error}", self.name, self.line)
    }
}

fn what(json: &Json) -> &'static str {
    match json {
        Json::Null => "null",
        Json::Bool(_) => "true or false",
        Json::Number(_) => "a number",
        Json::String(_) => "a text",
        Json::Array(_) => "a list",
        Json::Object(_) => "an object",
    }
}
