//! Groups rows that form one record, wherever they are in the file. Rows are buffered in a temporary file, so that memory holds only a few
//! bytes of each.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::sync::Arc;

use serde_json::{Map, Value as Json};

use crate::import::apply::hash;
use crate::import::expr::{Run, Scope, plain_text};
use crate::import::mapping::Group;
use crate::import::read::{LONGEST, Raw};
use base::error::{Code, Problem};

pub struct Groups {
    file: BufWriter<File>,
    groups: Vec<Vec<Kept>>,
    by_value: HashMap<u64, usize>,
    /// The group of the previous row.
    last: Option<usize>,
    written: u64,
}

/// A row in the temporary file.
#[derive(Clone, Copy)]
struct Kept {
    line: u64,
    at: u64,
    length: u32,
}

/// The groups, in the order of their first rows.
pub struct Grouped {
    file: BufReader<File>,
    groups: std::vec::IntoIter<Vec<Kept>>,
    name: String,
    keep_source: bool,
}

impl Groups {
    pub fn new() -> Result<Self, String> {
        let file = tempfile::tempfile().map_err(|error| format!("a temporary file cannot be created: {error}"))?;
        Ok(Self { file: BufWriter::new(file), groups: Vec::new(), by_value: HashMap::new(), last: None, written: 0 })
    }

    /// A row without a value belongs to the same group as the previous row.
    pub fn add(&mut self, line: u64, row: &Json, group: &Group, run: &Arc<Run>) -> Result<Result<(), Problem>, String> {
        let value = match group.by.eval(&Scope::root(row, run)) {
            Ok(value) => value.and_then(|value| plain_text(&value)),
            Err(message) => {
                return Ok(Err(Problem::new(
                    Code::InvalidValue,
                    format!("{message} (from `group_by` of the mapping)"),
                )));
            }
        };
        let place = match (value, self.last) {
            (Some(value), _) => *self.by_value.entry(hash(&value)).or_insert(self.groups.len()),
            (None, Some(last)) => last,
            (None, None) => 0,
        };
        if place == self.groups.len() {
            self.groups.push(Vec::new());
        }
        self.last = Some(place);
        let text = row.to_string();
        let length = u32::try_from(text.len()).map_err(|_| "a row is too long to be grouped".to_owned())?;
        self.groups[place].push(Kept { line, at: self.written, length });
        self.file
            .write_all(text.as_bytes())
            .map_err(|error| format!("the temporary file cannot be written: {error}"))?;
        self.written += u64::from(length);
        Ok(Ok(()))
    }

    pub fn rows(&self) -> usize {
        self.groups.iter().map(Vec::len).sum()
    }

    pub fn finish(self, name: &str, keep_source: bool) -> Result<Grouped, String> {
        let file = self.file.into_inner().map_err(|error| format!("the temporary file cannot be written: {error}"))?;
        Ok(Grouped { file: BufReader::new(file), groups: self.groups.into_iter(), name: name.to_owned(), keep_source })
    }
}

impl Grouped {
    pub fn len(&self) -> usize {
        self.groups.len()
    }

    /// The first row of the next group, with all its rows as a list under a separate key.
    pub fn next(&mut self) -> Result<Option<Raw>, String> {
        let Some(kept) = self.groups.next() else { return Ok(None) };
        let line = kept.first().map_or(0, |row| row.line);
        let bytes = kept.iter().map(|row| row.length as usize).sum::<usize>();
        let refused =
            |message: String| Raw { line, bytes: 0, of: Err(Problem::new(Code::LimitExceeded, message)), source: None };
        if bytes > LONGEST {
            return Ok(Some(refused(format!(
                "the {} rows of the record are longer than {} MiB",
                kept.len(),
                LONGEST >> 20
            ))));
        }
        let mut rows = Vec::with_capacity(kept.len());
        for row in kept {
            rows.push(self.read(row)?);
        }
        let mut record: Map<String, Json> = rows.first().and_then(Json::as_object).cloned().unwrap_or_default();
        if record.contains_key(&self.name) {
            let name = &self.name;
            return Ok(Some(refused(format!(
                "the row has a column `{name}`: give the list of rows another name with `as` under `group_by`"
            ))));
        }
        record.insert(self.name.clone(), Json::Array(rows));
        let record = Json::Object(record);
        let source = self.keep_source.then(|| record.to_string());
        Ok(Some(Raw { line, bytes: 2 * bytes, source, of: Ok(record) }))
    }

    fn read(&mut self, row: Kept) -> Result<Json, String> {
        let fail = |error: std::io::Error| format!("the temporary file cannot be read: {error}");
        let here = self.file.stream_position().map_err(fail)?;
        match i64::try_from(row.at).ok().zip(i64::try_from(here).ok()) {
            Some((to, from)) => self.file.seek_relative(to - from).map_err(fail)?,
            None => _ = self.file.seek(SeekFrom::Start(row.at)).map_err(fail)?,
        }
        let mut text = vec![0; row.length as usize];
        self.file.read_exact(&mut text).map_err(fail)?;
        serde_json::from_slice(&text).map_err(|error| fail(error.into()))
    }
}
