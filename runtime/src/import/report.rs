//! What the user is told: rejected lines as they come, and the summary.

use std::fmt;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use serde_json::{Value as Json, json};

use crate::error::{Problem, Step};
use crate::import::Summary;

/// Rejected lines go to the terminal, and to a file where one is wanted.
pub struct Report {
    file: Option<BufWriter<File>>,
}

impl Report {
    pub fn new(path: Option<&Path>) -> Result<Self, String> {
        let Some(path) = path else { return Ok(Self { file: None }) };
        let file = File::create(path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self { file: Some(BufWriter::new(file)) })
    }

    pub fn rejected(&mut self, line: u64, problems: &[Problem], source: Option<&str>) -> Result<(), String> {
        for problem in problems {
            eprintln!("{}", Shown { line, problem });
        }
        let Some(file) = &mut self.file else { return Ok(()) };
        let listed: Vec<Json> = problems
            .iter()
            .map(|problem| json!({ "code": problem.code.as_str(), "path": place(&problem.path), "message": problem.message }))
            .collect();
        let record = source.map(|source| serde_json::from_str(source).unwrap_or_else(|_| Json::from(source)));
        let entry = json!({ "line": line, "problems": listed, "record": record });
        writeln!(file, "{entry}").map_err(|error| format!("the report cannot be written: {error}"))
    }

    pub fn left_out(&self, line: u64, problem: &Problem) {
        eprintln!("left out: {}", Shown { line, problem });
    }

    pub fn finish(&mut self) -> Result<(), String> {
        match &mut self.file {
            Some(file) => file.flush().map_err(|error| format!("the report cannot be written: {error}")),
            None => Ok(()),
        }
    }
}

/// `line 12: INVALID_VALUE variants[2].price: must be ...`
struct Shown<'a> {
    line: u64,
    problem: &'a Problem,
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, problem } = self;
        let place = place(&problem.path);
        let colon = if place.is_empty() { "" } else { ": " };
        write!(f, "line {line}: {} {place}{colon}{}", problem.code.as_str(), problem.message)
    }
}

/// `variants[2].price`: the path in the entry, without the words by which the API says what to do with a list.
fn place(path: &[Step]) -> String {
    let mut place = String::new();
    for (depth, step) in path.iter().enumerate() {
        match step {
            Step::Key(key) if depth > 0 && matches!(key.as_str(), "set" | "create" | "connect") => {}
            Step::Key(key) if place.is_empty() => place.push_str(key),
            Step::Key(key) => {
                place.push('.');
                place.push_str(key);
            }
            Step::Index(index) => place.push_str(&format!("[{index}]")),
        }
    }
    place
}

impl Summary {
    pub fn add(&mut self, other: Self) {
        self.read += other.read;
        self.created += other.created;
        self.updated += other.updated;
        self.unchanged += other.unchanged;
        self.skipped += other.skipped;
        self.rejected += other.rejected;
        self.left_out += other.left_out;
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.elapsed.as_secs_f64();
        let rate = if seconds > 0.0 { self.read as f64 / seconds } else { 0.0 };
        write!(
            f,
            "{} records in {seconds:.1} s ({rate:.0} a second): {} created, {} updated, {} unchanged, {} rejected",
            self.read, self.created, self.updated, self.unchanged, self.rejected
        )?;
        for (count, what) in [(self.skipped, "skipped by the mapping"), (self.left_out, "references left out")] {
            if count > 0 {
                write!(f, ", {count} {what}")?;
            }
        }
        Ok(())
    }
}
