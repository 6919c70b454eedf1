//! `typecase import`: records of other systems become entries, by a declarative mapping or in the native form.
//!
//! One thread reads and maps, and a task saves one batch at a time. The queue between them is short, so that memory
//! does not grow with the file.

mod amount;
mod apply;
mod bulk;
mod coerce;
mod compile;
mod date;
mod decode;
mod dialect;
mod expr;
mod filters;
mod group;
mod html;
mod json;
mod lines;
mod mapping;
mod money;
mod native;
mod near;
mod number;
mod quotes;
mod read;
mod reference;
mod report;
mod save;
mod source;
mod table;
mod unread;
mod value;
mod waiting;
mod yaml;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::form::{ALL, content_type, file_of, in_order};
use model::content::{ContentInfo, SchemaInfo};
use store::Store;
use store::hooks::HookSet;
use store::write::Rehearsal;

use apply::Mapper;
use native::Native;
use read::{Form, Reader};
use report::Report;
use save::Saver;
use yaml::Fault;

pub use source::{Format, Quote, Reading, encoding};

#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// The content type of the entries, such as `product`; `all` for a folder that `export --type all` wrote
    #[arg(long = "type", value_name = "TYPE")]
    pub content_type: String,
    /// The mapping (YAML); without it the records are in the form that `export` writes
    #[arg(long, value_name = "FILE")]
    pub map: Option<PathBuf>,
    /// Publish every entry that is saved
    #[arg(long)]
    pub publish: bool,
    /// How many records are saved together
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub batch: u32,
    /// Run the import, then undo it: the report is that of the import
    #[arg(long)]
    pub dry_run: bool,
    /// Write rejected lines, with their problems, to this file (NDJSON)
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    #[command(flatten, next_help_heading = "How to read the file, if not detected")]
    pub reading: Reading,
    /// One JSON object per line, or a table with a header row (CSV, TSV), also compressed (`.gz`); `-` for standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// The result of an import, in records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    pub read: u64,
    pub created: u64,
    pub updated: u64,
    pub unchanged: u64,
    pub skipped: u64,
    pub rejected: u64,
    /// References that were omitted because their target does not exist.
    pub left_out: u64,
    pub elapsed: Duration,
}

/// Runs the import and reports the result on the terminal. 0: all imported; 2: some records were rejected; 1: it
/// failed.
pub async fn main(options: &Options, store: &Store, hooks: &HookSet) -> u8 {
    match run(options, store, hooks).await {
        Ok(summary) => {
            base::say!("{summary}");
            if options.dry_run {
                base::say!("nothing was saved: this was a dry run");
            }
            if summary.rejected > 0 { 2 } else { 0 }
        }
        Err(message) => {
            eprintln!("{message}");
            1
        }
    }
}

/// The error says what to do, and what has been imported.
pub async fn run(options: &Options, store: &Store, hooks: &HookSet) -> Result<Summary, String> {
    let started = Instant::now();
    let mut report = Report::new(options.report.as_deref())?;
    let done = import(options, store, hooks, &mut report).await;
    report.finish()?;
    done.map(|summary| Summary { elapsed: started.elapsed(), ..summary })
}

async fn import(options: &Options, store: &Store, hooks: &HookSet, report: &mut Report) -> Result<Summary, String> {
    let failed = |error: base::error::Error| format!("the import stopped: {error}; nothing was imported");
    let mut summary = Summary::default();
    let mut sources = sources(options, store.schema)?;
    // Errors of any file are reported before anything is saved.
    let mut readers = Vec::with_capacity(sources.len());
    for (_, form, file) in sources.iter_mut() {
        let source = source::open(file, &options.reading, matches!(form, Some(Form::Mapped(_))))?;
        let form = form.take().ok_or("a file can be given only once")?;
        let reader = Reader::new(source, form, options.batch as usize, options.report.is_some())?;
        reader.unknown().iter().for_each(|fault| eprintln!("{}", in_mapping(options, fault)));
        readers.push(reader);
    }
    let rehearsal = match options.dry_run {
        true => Some(Rehearsal::begin(store).await.map_err(failed)?),
        false => None,
    };
    let mut savers = Vec::with_capacity(sources.len());
    for ((info, ..), reader) in sources.iter().zip(readers) {
        let mut saver = Saver::new(store, hooks, info, options, rehearsal.as_ref());
        for unread in saver.save_all(reader, report).await? {
            report.say(in_mapping(options, &unread));
        }
        savers.push(saver);
    }
    for saver in savers {
        summary.add(saver.finish(report).await?);
    }
    if let Some(rehearsal) = rehearsal {
        rehearsal.end().await.map_err(failed)?;
    }
    Ok(summary)
}

type Source = (&'static ContentInfo, Option<Form>, PathBuf);

/// The sources in the order of reading.
fn sources(options: &Options, schema: &'static SchemaInfo) -> Result<Vec<Source>, String> {
    if options.content_type == ALL {
        if options.map.is_some() {
            return Err("a mapping is for one content type: name it with `--type`".into());
        }
        let types = in_order(schema);
        let source = |(place, info): (usize, &&'static ContentInfo)| {
            let packed = format!("{}.ndjson.gz", info.table);
            let file = [file_of(&options.file, info), options.file.join(packed)].into_iter().find(|file| file.exists());
            file.map(|file| (*info, Some(Form::Native(Native::new(info, types[place..].to_vec()))), file))
        };
        let sources: Vec<Source> = types.iter().enumerate().filter_map(source).collect();
        return match sources.is_empty() {
            true => Err(format!("{}: no file such as product.ndjson is in this folder", options.file.display())),
            false => Ok(sources),
        };
    }
    let info = content_type(schema, &options.content_type)?;
    let form = match &options.map {
        Some(map) => Form::Mapped(Box::new(Mapper::new(mapping(map, info, schema)?, &schema.site))),
        None => Form::Native(Native::new(info, vec![info])),
    };
    Ok(vec![(info, Some(form), options.file.clone())])
}

fn in_mapping(options: &Options, fault: &Fault) -> String {
    options.map.as_ref().map_or_else(|| fault.to_string(), |map| format!("{}:{fault}", map.display()))
}

fn mapping(path: &Path, info: &'static ContentInfo, schema: &'static SchemaInfo) -> Result<mapping::Mapping, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    compile::compile(&text, info, schema).map_err(|faults| {
        let lines: Vec<_> = faults.iter().map(|fault| format!("{}:{fault}", path.display())).collect();
        lines.join("\n")
    })
}

#[cfg(test)]
mod tests;
