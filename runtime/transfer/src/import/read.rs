//! Reads records one by one, and maps them in batches.

use serde_json::Value as Json;

use crate::import::apply::{Applied, Item, Mapper};
use crate::import::group::{Grouped, Groups};
use crate::import::lines::Lines;
use crate::import::native::Native;
use crate::import::source::Source;
use crate::import::table::Table;
use crate::import::unread::Unread;
use crate::import::yaml::Fault;
use base::error::Problem;

/// The most bytes of one record; a longer one is rejected and its rest skipped.
pub const LONGEST: usize = 16 << 20;
/// The most bytes of a batch as read, so that fewer long records are saved together.
const BATCH: usize = 16 << 20;

/// How a record becomes an item.
pub enum Form {
    Mapped(Box<Mapper>),
    Native(Native),
}

pub struct Reader {
    records: Records,
    form: Form,
    batch: usize,
    keep_source: bool,
    unread: Unread,
    /// Keys that the mapping reads and the table does not have.
    unknown: Vec<Fault>,
}

enum Records {
    Lines(Lines),
    Table(Box<Table>),
    /// Rows are still being grouped.
    Grouping(Box<Records>, Groups),
    Grouped(Grouped),
}

/// A record as read, or the error.
pub struct Raw {
    pub line: u64,
    pub bytes: usize,
    pub of: Result<Json, Problem>,
    pub source: Option<String>,
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
    /// The line as read, if the report needs it.
    pub source: Option<String>,
}

impl Reader {
    pub fn new(source: Source, mut form: Form, batch: usize, keep_source: bool) -> Result<Self, String> {
        let Source { input, name, dialect, about } = source;
        let mut unread = match &mut form {
            Form::Mapped(mapper) => Unread::new(mapper.keys()),
            Form::Native(_) => Unread::default(),
        };
        let mut unknown = Vec::new();
        let records = match dialect {
            None => Records::Lines(Lines::new(input, name, keep_source)),
            Some(_) if matches!(form, Form::Native(_)) => {
                return Err(format!("{name}: a table needs a mapping for its columns: give `--map`"));
            }
            Some(dialect) => {
                let table = Table::new(input, name.clone(), dialect, keep_source)?;
                eprintln!("{name}: a table of {} columns, {dialect} ({about})", table.columns().len());
                unknown = unread.without(table.columns());
                Records::Table(Box::new(table))
            }
        };
        let records = match &form {
            Form::Mapped(mapper) if mapper.group().is_some() => Records::Grouping(Box::new(records), Groups::new()?),
            _ => records,
        };
        Ok(Self { records, form, batch, keep_source, unread, unknown })
    }

    pub fn unknown(&self) -> &[Fault] {
        &self.unknown
    }

    /// Keys that the mapping reads and no record had.
    pub fn unread(self) -> Vec<Fault> {
        self.unread.left()
    }

    /// `None` at the end of the file.
    pub fn next(&mut self) -> Result<Option<Batch>, String> {
        let mut batch = Batch::default();
        let mut bytes = 0;
        while batch.items.len() + batch.rejected.len() < self.batch && bytes < BATCH {
            let Some(raw) = self.raw()? else { break };
            bytes += raw.bytes;
            self.record(raw, &mut batch);
        }
        Ok((batch.read > 0).then_some(batch))
    }

    fn raw(&mut self) -> Result<Option<Raw>, String> {
        loop {
            let groups = match &mut self.records {
                Records::Lines(lines) => {
                    let raw = lines.next()?;
                    self.unread.see(raw.iter().find_map(|raw| raw.of.as_ref().ok()));
                    return Ok(raw);
                }
                Records::Table(table) => return table.next(),
                Records::Grouped(grouped) => return grouped.next(),
                Records::Grouping(rows, groups) => {
                    let Form::Mapped(mapper) = &self.form else { return Ok(None) };
                    let Some(group) = mapper.group() else { return Ok(None) };
                    let row = rows.one()?;
                    self.unread.see(row.iter().find_map(|row| row.of.as_ref().ok()));
                    match row {
                        Some(Raw { line, bytes, of: Ok(row), source }) => {
                            match groups.add(line, &row, group, &mapper.run())? {
                                Ok(()) => continue,
                                Err(problem) => return Ok(Some(Raw { line, bytes, of: Err(problem), source })),
                            }
                        }
                        Some(bad) => return Ok(Some(bad)),
                        None => std::mem::replace(groups, Groups::new()?),
                    }
                }
            };
            let name = match &self.form {
                Form::Mapped(mapper) => mapper.group().map_or("rows", |group| group.name.as_str()),
                Form::Native(_) => "rows",
            };
            let rows = groups.rows();
            let grouped = groups.finish(name, self.keep_source)?;
            eprintln!("{rows} rows make {} records", grouped.len());
            self.records = Records::Grouped(grouped);
        }
    }

    fn record(&mut self, raw: Raw, batch: &mut Batch) {
        let number = raw.line;
        let source = raw.source;
        batch.read += 1;
        let applied = match (raw.of, &mut self.form) {
            (Err(problem), _) => Applied::Rejected(vec![problem]),
            (Ok(record), Form::Mapped(mapper)) => mapper.apply(number, &record),
            (Ok(record), Form::Native(native)) => native.apply(number, record),
        };
        match applied {
            Applied::Item(item) => batch.items.push(Line { number, of: item, source }),
            Applied::Skipped => batch.skipped += 1,
            Applied::Rejected(problems) => batch.rejected.push(Line { number, of: problems, source }),
        }
    }
}

impl Records {
    fn one(&mut self) -> Result<Option<Raw>, String> {
        match self {
            Self::Lines(lines) => lines.next(),
            Self::Table(table) => table.next(),
            Self::Grouping(..) => Ok(None),
            Self::Grouped(grouped) => grouped.next(),
        }
    }
}
