//! The report to the user: why lines were rejected, each reason once, and the summary.

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use serde_json::{Value as Json, json};

use crate::import::Summary;
use crate::import::apply::hash;
use base::error::{Problem, Step};

/// Repeated messages are counted; of messages that differ only in a value, this many are shown.
const ALIKE: u64 = 10;
/// The most messages that are shown.
const MOST: usize = 500;

/// Rejected lines are written to a file if requested, and reported on the terminal at the end, each reason once.
pub struct Report {
    file: Option<BufWriter<File>>,
    notes: Vec<Note>,
    /// Indices in `notes`, by message, and by message without values.
    same: HashMap<u64, usize>,
    alike: HashMap<u64, Alike>,
    untold: u64,
    /// Messages about the mapping.
    mapping: Vec<String>,
}

struct Note {
    text: String,
    /// Further lines with the same message, and lines with a similar one.
    more: u64,
    alike: u64,
}

struct Alike {
    first: usize,
    shown: u64,
}

impl Report {
    pub fn new(path: Option<&Path>) -> Result<Self, String> {
        let file = match path {
            Some(path) => {
                Some(BufWriter::new(File::create(path).map_err(|error| format!("{}: {error}", path.display()))?))
            }
            None => None,
        };
        Ok(Self {
            file,
            notes: Vec::new(),
            same: HashMap::new(),
            alike: HashMap::new(),
            untold: 0,
            mapping: Vec::new(),
        })
    }

    pub fn rejected(&mut self, line: u64, problems: &[Problem], source: Option<&str>) -> Result<(), String> {
        for problem in problems {
            self.note("", line, problem);
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

    pub fn left_out(&mut self, line: u64, problem: &Problem) {
        self.note("left out: ", line, problem);
    }

    /// Reported once, at the end.
    pub fn say(&mut self, of_mapping: String) {
        self.mapping.push(of_mapping);
    }

    fn note(&mut self, kind: &'static str, line: u64, problem: &Problem) {
        let place = without_places(&place(&problem.path));
        let what = (kind, problem.code.as_str(), &place);
        let same = hash(&(what, &problem.message));
        if let Some(note) = self.same.get(&same) {
            self.notes[*note].more += 1;
            return;
        }
        let next = self.notes.len();
        let alike = self
            .alike
            .entry(hash(&(what, without_values(&problem.message))))
            .or_insert(Alike { first: next, shown: 0 });
        if alike.shown < ALIKE && next < MOST {
            alike.shown += 1;
            self.same.insert(same, next);
            let text = format!("{kind}{}", Shown { line, problem });
            self.notes.push(Note { text, more: 0, alike: 0 });
        } else if let Some(note) = self.notes.get_mut(alike.first) {
            note.alike += 1;
        } else {
            self.untold += 1;
        }
    }

    /// Prints the collected messages.
    pub fn finish(&mut self) -> Result<(), String> {
        for note in self.notes.drain(..) {
            eprintln!("{note}");
        }
        if self.untold > 0 {
            eprintln!("and {} other problems, which `--report FILE` has all", self.untold);
        }
        self.mapping.drain(..).for_each(|text| eprintln!("{text}"));
        match &mut self.file {
            Some(file) => file.flush().map_err(|error| format!("the report cannot be written: {error}")),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        if self.more > 0 {
            write!(f, " (and {} more times)", self.more)?;
        }
        if self.alike > 0 {
            write!(f, " (and {} more times with other values)", self.alike)?;
        }
        Ok(())
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

/// `variants[].price`: the path without list indices.
fn without_places(place: &str) -> String {
    place.chars().filter(|letter| !letter.is_ascii_digit()).collect()
}

/// The message without quoted values and numbers.
fn without_values(message: &str) -> String {
    let texts = message.split(['`', '"']).step_by(2);
    texts.flat_map(str::chars).filter(|letter| !letter.is_ascii_digit()).collect()
}

/// `variants[2].price`: the path in the entry, without the keywords by which the API changes lists.
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
