//! `typecase export`: entries as lines of JSON in the native form, which `typecase import` reads without a mapping.
//!
//! Entries are ordered by their natural key and refer to each other by natural keys, so that the same content gives the same bytes in every
//! database.

mod entry;

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value as Json, json};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::form::{ALL, LIVE, PUBLISHED, STATUS, content_type, file_of, in_order};
use base::error::Error;
use model::content::{ContentInfo, SchemaInfo};
use store::sql::Sql;
use store::write::failure::Failure;
use store::write::guard::Exported;
use store::write::live;
use store::write::load::load;
use store::write::row::{Old, Row};
use store::write::table;
use store::{Connection, Stage, Store};

use entry::Names;

/// Entries per read.
const CHUNK: usize = 500;

#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// The content type whose entries are written, such as `product`; `all` for every type
    #[arg(long = "type", value_name = "TYPE")]
    pub content_type: String,
    /// The published version, or the drafts that editors see
    #[arg(long, value_enum, default_value = "draft")]
    pub stage: StageName,
    /// Write to this file, or with `--type all` to this folder; by default to standard output
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum StageName {
    Live,
    Draft,
}

/// Runs the export and reports the result on the terminal; returns the exit code.
pub async fn main(options: &Options, store: &Store) -> u8 {
    match run(options, store).await {
        Ok(entries) => {
            eprintln!("{entries} entries written");
            0
        }
        Err(message) => {
            if !message.is_empty() {
                eprintln!("{message}");
            }
            1
        }
    }
}

/// Returns the number of entries. It reads one snapshot of the database, without later changes.
pub async fn run(options: &Options, store: &Store) -> Result<u64, String> {
    let stage = match options.stage {
        StageName::Live => Stage::Live,
        StageName::Draft => Stage::Draft,
    };
    let exported = Exported { scope: store.at(stage) };
    let types = types(options, store.schema)?;
    for info in &types {
        exported.must(info).map_err(|problem| problem.message)?;
    }
    let outputs = outputs(options, types)?;
    let said = |error: Error| format!("the export stopped: {error}");
    let mut transaction = store.writes.begin().await.map_err(|error| said(error.into()))?;
    let snapshot = sqlx::query("set transaction isolation level repeatable read, read only").execute(&mut *transaction);
    snapshot.await.map_err(|error| said(error.into()))?;
    let mut entries = 0;
    for (info, mut out) in outputs {
        entries += content(&mut transaction, exported, info, &mut out).await?;
        out.flush().map_err(|error| cannot_write(&error))?;
    }
    transaction.rollback().await.map_err(|error| said(error.into()))?;
    Ok(entries)
}

type Output = (&'static ContentInfo, Box<dyn Write + Send>);

fn types(options: &Options, schema: &'static SchemaInfo) -> Result<Vec<&'static ContentInfo>, String> {
    if options.content_type == ALL {
        return Ok(in_order(schema));
    }
    Ok(vec![content_type(schema, &options.content_type)?])
}

fn outputs(options: &Options, types: Vec<&'static ContentInfo>) -> Result<Vec<Output>, String> {
    if options.content_type == ALL {
        let Some(folder) = &options.out else {
            return Err("`--type all` writes a file for each type: give a folder with `--out FOLDER`".into());
        };
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        return types.into_iter().map(|info| Ok((info, create(&file_of(folder, info))?))).collect();
    }
    let out = || match &options.out {
        Some(path) => create(path),
        None => Ok(Box::new(BufWriter::new(io::stdout())) as Box<dyn Write + Send>),
    };
    types.into_iter().map(|info| Ok((info, out()?))).collect()
}

fn create(path: &Path) -> Result<Box<dyn Write + Send>, String> {
    let file = File::create(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let file = BufWriter::with_capacity(1 << 16, file);
    Ok(match path.extension().is_some_and(|end| end == "gz") {
        true => Box::new(GzEncoder::new(file, Compression::default())),
        false => Box::new(file),
    })
}

async fn content(
    connection: &mut Connection,
    exported: Exported<'_>,
    info: &'static ContentInfo,
    out: &mut (dyn Write + Send),
) -> Result<u64, String> {
    let said = |error: Error| format!("the export of {} stopped: {error}", info.table);
    let failed = |error: sqlx::Error| said(error.into());
    let (scope, schema) = (exported.scope, exported.scope.store.schema);
    let refused = |failure: Failure| said(failure.into_error(schema, false));
    let mut declare = scope.sql();
    declare.push("declare entries no scroll cursor for ");
    ordered(exported, info, &mut declare).map_err(refused)?;
    declare.bind(&[]).map_err(said)?.execute_within(connection).await.map_err(failed)?;
    let fetch = format!("fetch {CHUNK} from entries");
    let mut written = 0;
    loop {
        let ids: Vec<Uuid> =
            sqlx::query_scalar(AssertSqlSafe(fetch.clone())).fetch_all(&mut *connection).await.map_err(failed)?;
        if ids.is_empty() {
            break;
        }
        let mut entries = load(connection, scope, info, &ids, false).await.map_err(refused)?;
        let status = Status::of(connection, exported, info, &entries).await.map_err(refused)?;
        let rows: Vec<_> = ids.iter().filter_map(|id| entries.remove(id)).map(|old| old.row).collect();
        let every_row = || rows.iter().chain(status.changed.values());
        let names = Names::of(connection, exported, info, every_row()).await.map_err(refused)?;
        for row in &rows {
            let mut line = entry::entry(exported, info, row, &names);
            status.write(exported, info, row.id, &names, &mut line);
            serde_json::to_writer(&mut *out, &line).map_err(|error| cannot_write(&error.into()))?;
            out.write_all(b"\n").map_err(|error| cannot_write(&error))?;
        }
        written += rows.len() as u64;
    }
    sqlx::query("close entries").execute(connection).await.map_err(failed)?;
    Ok(written)
}

/// The published state of some entries.
#[derive(Default)]
struct Status {
    published: HashSet<Uuid>,
    /// The live rows of entries that were changed since they were published.
    changed: HashMap<Uuid, Row>,
}

impl Status {
    async fn of(
        connection: &mut Connection,
        exported: Exported<'_>,
        info: &'static ContentInfo,
        entries: &HashMap<Uuid, Old>,
    ) -> Result<Self, Failure> {
        if !info.drafts {
            return Ok(Self::default());
        }
        let ids: Vec<Uuid> = entries.keys().copied().collect();
        if exported.scope.stage == Stage::Live {
            return Ok(Self { published: ids.into_iter().collect(), changed: HashMap::new() });
        }
        let live = live::revisions(connection, info, &ids).await?;
        let (published, changed): (Vec<Uuid>, Vec<Uuid>) =
            live.keys().partition(|id| entries.get(id).is_some_and(|old| live.get(id) == Some(&old.system.revision)));
        let changed = load(connection, exported.scope.store.at(Stage::Live), info, &changed, false).await?;
        Ok(Self {
            published: published.into_iter().collect(),
            changed: changed.into_iter().map(|(id, old)| (id, old.row)).collect(),
        })
    }

    fn write(&self, exported: Exported<'_>, info: &'static ContentInfo, id: Uuid, names: &Names, line: &mut Json) {
        let Json::Object(line) = line else { return };
        if self.published.contains(&id) {
            line.insert(STATUS.to_owned(), PUBLISHED.into());
        } else if let Some(row) = self.changed.get(&id) {
            line.insert(STATUS.to_owned(), json!({ LIVE: entry::entry(exported, info, row, names) }));
        }
    }
}

/// The ids in the order of the natural key, independent of the database's collation.
fn ordered(exported: Exported<'_>, info: &'static ContentInfo, sql: &mut Sql) -> Result<(), Failure> {
    let keys: String =
        table::natural_keys(info).map(|(_, field)| format!(r#"e."{}"::text collate "C", "#, field.snake)).collect();
    sql.push("select e.id");
    exported.from(info, sql)?;
    sql.push(&format!(" order by {keys}e.id"));
    Ok(())
}

/// A reader that closes the pipe early, as `head` does, is not reported.
fn cannot_write(error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return String::new();
    }
    format!("the export cannot be written: {error}")
}
