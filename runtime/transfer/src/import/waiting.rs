//! Fields that are saved after all records are imported. They are kept in a temporary file, one record per line.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Lines, Seek, Write};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

/// The waiting fields of a record, with the outcome of the record itself.
#[derive(Deserialize, Serialize)]
pub struct Waiting {
    pub line: u64,
    pub key: Json,
    pub data: Map<String, Json>,
    pub publish: bool,
    pub optional: Vec<String>,
    pub unchanged: bool,
}

/// The file is created for the first record.
#[derive(Default)]
pub struct Queue {
    file: Option<BufWriter<File>>,
}

pub struct Waited {
    lines: Lines<BufReader<File>>,
}

impl Queue {
    pub fn push(&mut self, waiting: &Waiting) -> Result<(), String> {
        let file = match &mut self.file {
            Some(file) => file,
            None => {
                let file =
                    tempfile::tempfile().map_err(|error| format!("a temporary file cannot be created: {error}"))?;
                self.file.insert(BufWriter::new(file))
            }
        };
        let written = serde_json::to_writer(&mut *file, waiting).map_err(std::io::Error::from);
        written
            .and_then(|()| file.write_all(b"\n"))
            .map_err(|error| format!("the temporary file cannot be written: {error}"))
    }

    pub fn finish(self) -> Result<Option<Waited>, String> {
        let Some(file) = self.file else { return Ok(None) };
        let mut file = file.into_inner().map_err(|error| fail(error.into_error()))?;
        file.rewind().map_err(fail)?;
        Ok(Some(Waited { lines: BufReader::new(file).lines() }))
    }
}

impl Waited {
    pub fn next(&mut self, most: usize) -> Result<Vec<Waiting>, String> {
        let mut chunk = Vec::new();
        for line in self.lines.by_ref().take(most) {
            chunk.push(serde_json::from_str(&line.map_err(fail)?).map_err(|error| fail(error.into()))?);
        }
        Ok(chunk)
    }
}

fn fail(error: std::io::Error) -> String {
    format!("the temporary file cannot be read: {error}")
}
