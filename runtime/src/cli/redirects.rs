//! `typecase redirects`: redirects from and to a table of comma-separated values.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use csv_core::{ReadRecordResult, Reader, WriteResult, Writer};

use base::error::{Code, Error, Problem, Result, Step};
use base::say;
use model::cut;
use store::redirect::{self, Imported, New, Redirect, To};
use store::{Store, id};

/// Lines of a file.
const MOST: usize = 100_000;

#[derive(Subcommand)]
pub enum Task {
    /// Make the redirects of a file, and replace those with the same path and other values: all of them or none
    Import {
        /// A CSV file with the columns `from`, `to` and, if wanted, `status`; `to` is a path, an address, or the id of an entry
        file: PathBuf,
    },
    /// Write all redirects as such a file to the standard output
    Export,
}

pub async fn run(store: &Store, task: Task) -> Result<()> {
    match task {
        Task::Import { file } => {
            let lines = read(&file)?;
            let Imported { made, same } = import(store, &lines).await?;
            let plural = if made == 1 { "" } else { "s" };
            say!("{made} redirect{plural} saved, {same} unchanged");
        }
        Task::Export => {
            say!("from,to,status");
            redirect::all(store, |redirect| {
                say!("{}", line(&redirect));
                Ok(())
            })
            .await?;
        }
    }
    Ok(())
}

/// A line of the file with its number.
struct Line {
    number: usize,
    from: String,
    to: String,
    status: String,
}

/// All bad lines are told at once.
async fn import(store: &Store, lines: &[Line]) -> Result<Imported> {
    let (mut new, mut problems) = (Vec::with_capacity(lines.len()), Vec::new());
    for (index, line) in lines.iter().enumerate() {
        let path = vec![Step::Index(index)];
        let status = if line.status.is_empty() { Some(301) } else { line.status.parse().ok() };
        let Some(status) = status else {
            problems.push(Problem::new(Code::BadRequest, format!("`{}` is not a status", cut(&line.status))).at(path));
            continue;
        };
        let entry = store.schema.types.iter().find_map(|info| Some((*info, info.decode(&line.to)?)));
        let to = entry.map_or(To::Address(&line.to), |(info, entry)| To::Entry(info, entry));
        new.push(New { from: &line.from, to, status, path });
    }
    redirect::import(store, &new, problems).await.map_err(|mut error| {
        let place = |problem: &Problem| match problem.path.first() {
            Some(Step::Index(index)) => lines.get(*index).map(|line| line.number),
            _ => None,
        };
        error.problems.sort_by_key(place);
        for problem in &mut error.problems {
            if let Some(number) = place(problem) {
                problem.message = format!("line {number}: {}", problem.message);
            }
        }
        error
    })
}

fn read(file: &Path) -> Result<Vec<Line>> {
    let text = std::fs::read_to_string(file).map_err(|error| wrong(format!("{}: {error}", file.display())))?;
    let mut records = records(text.trim_start_matches('\u{feff}'));
    let (_, header) = records.next().unwrap_or_default();
    let column = |name: &str| header.iter().position(|column| column.trim().eq_ignore_ascii_case(name));
    let (Some(from), Some(to)) = (column("from"), column("to")) else {
        return Err(wrong(format!("{}: its first line has no columns `from` and `to`", file.display())));
    };
    let status = column("status");
    let mut lines = Vec::new();
    for (number, record) in records {
        let value = |column: usize| record.get(column).map(|value| value.trim().to_owned()).unwrap_or_default();
        lines.push(Line { number, from: value(from), to: value(to), status: status.map(value).unwrap_or_default() });
        if lines.len() > MOST {
            return Err(wrong(format!("{}: it has more than {MOST} lines", file.display())));
        }
    }
    Ok(lines)
}

/// The records of a text, each with the number of its line.
fn records(text: &str) -> impl Iterator<Item = (usize, Vec<String>)> {
    let mut reader = Reader::new();
    let mut rest = text.as_bytes();
    let mut is_done = false;
    std::iter::from_fn(move || {
        let (mut out, mut ends) = (vec![0; 1_024], vec![0; 64]);
        let (mut written, mut ended) = (0, 0);
        let number = usize::try_from(reader.line()).unwrap_or(usize::MAX);
        while !is_done {
            let (result, read, wrote, fields) = reader.read_record(rest, &mut out[written..], &mut ends[ended..]);
            (rest, written, ended) = (&rest[read..], written + wrote, ended + fields);
            match result {
                ReadRecordResult::Record => {
                    let starts = std::iter::once(0).chain(ends.iter().copied());
                    let field = |(start, end): (usize, &usize)| String::from_utf8_lossy(&out[start..*end]).into_owned();
                    return Some((number, starts.zip(&ends[..ended]).map(field).collect()));
                }
                ReadRecordResult::End => is_done = true,
                ReadRecordResult::OutputEndsFull => ends.resize(2 * ends.len(), 0),
                ReadRecordResult::OutputFull => out.resize(2 * out.len(), 0),
                // An empty input tells the reader that it was the last.
                ReadRecordResult::InputEmpty => {}
            }
        }
        None
    })
}

fn line(redirect: &Redirect) -> String {
    let to = match &redirect.leads_to {
        redirect::LeadsTo::Entry(table, entry) => id::encode(table, *entry),
        redirect::LeadsTo::Address(_) => redirect.shown(),
    };
    format!("{},{},{}", quoted(&model::path::encoded(&redirect.from)), quoted(&to), redirect.status)
}

/// With quotes if it needs them.
fn quoted(value: &str) -> String {
    let mut writer = Writer::new();
    let mut out = vec![0; 2 * value.len() + 4];
    let (result, _, mut length) = writer.field(value.as_bytes(), &mut out);
    if result == WriteResult::InputEmpty {
        length += writer.finish(&mut out[length..]).1;
    }
    String::from_utf8_lossy(&out[..length]).into_owned()
}

fn wrong(message: String) -> Error {
    Error::new(Code::BadRequest, message)
}
