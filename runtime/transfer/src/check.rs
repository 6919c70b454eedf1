//! `typecase check`: lists the entries that break rules of the schema, by path. A rule added later refuses an existing entry only when it
//! is saved; this command finds it beforehand.

use std::fmt::Write as _;

use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::form;
use crate::form::{content_type, in_order};
use base::error::{Error, Step};
use model::content::ContentInfo;
use store::id;
use store::write::check::Checker;
use store::write::failure::Failure;
use store::write::load::load;
use store::write::row::{At, Faults};
use store::{Connection, Scope, Stage, Store};

/// Entries per read.
const CHUNK: usize = 500;

#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// The content type whose entries are checked, such as `product`; `all` for every type
    #[arg(long = "type", value_name = "TYPE", default_value = form::ALL)]
    pub content_type: String,
}

/// The result of a check.
#[derive(Debug, Default)]
pub struct Report {
    /// The number of checked entries in each stage.
    pub entries: u64,
    /// `live product_01h…: variants.2.sku: must have at most 5 characters, not 9`
    pub faults: Vec<String>,
}

/// Prints entries that break rules; the exit code is 1 if there are any.
pub async fn main(options: &Options, store: &Store) -> u8 {
    match run(options, store).await {
        Ok(report) => {
            report.faults.iter().for_each(|fault| base::say!("{fault}"));
            eprintln!("{} entries, {} values that break their rules", report.entries, report.faults.len());
            u8::from(!report.faults.is_empty())
        }
        Err(message) => {
            eprintln!("error: {message}");
            2
        }
    }
}

/// Checks every entry of the type in both stages, in one snapshot of the database.
pub async fn run(options: &Options, store: &Store) -> Result<Report, String> {
    let types = match options.content_type.as_str() {
        form::ALL => in_order(store.schema),
        name => vec![content_type(store.schema, name)?],
    };
    let said = |error: Error| {
        let messages: Vec<_> = error.problems.into_iter().map(|problem| problem.message).collect();
        format!("the check stopped: {}", messages.join("; "))
    };
    let mut transaction = store.writes.begin().await.map_err(|error| said(error.into()))?;
    let snapshot = sqlx::query("set transaction isolation level repeatable read, read only");
    snapshot.execute(&mut *transaction).await.map_err(|error| said(error.into()))?;
    let mut report = Report::default();
    for info in types {
        for stage in [Stage::Draft, Stage::Live] {
            let checked = check(&mut transaction, store.at(stage), info, &mut report).await;
            checked.map_err(|failure| said(failure.into_error(store.schema, false)))?;
        }
    }
    Ok(report)
}

async fn check(
    connection: &mut Connection,
    scope: Scope<'_>,
    info: &'static ContentInfo,
    report: &mut Report,
) -> Result<(), Failure> {
    let sql = format!(r#"select id from {} where id > $1 order by id limit {CHUNK}"#, scope.table(info.table));
    let mut last = Uuid::nil();
    loop {
        let ids: Vec<Uuid> =
            sqlx::query_scalar(AssertSqlSafe(sql.clone())).bind(last).fetch_all(&mut *connection).await?;
        let Some(end) = ids.last() else { return Ok(()) };
        last = *end;
        report.entries += ids.len() as u64;
        let mut entries = load(connection, scope, info, &ids, false).await?;
        for id in ids {
            let Some(entry) = entries.remove(&id) else { continue };
            let mut faults = Faults::default();
            let publishing = scope.stage == Stage::Live;
            let mut checker = Checker { site: &scope.store.schema.site, faults: &mut faults, root: 0, publishing };
            checker.row(info, &entry.row, None, At::Steps(&[]));
            let shown = id::encode(info.table, id);
            let lines = faults.0.iter().map(|(_, problem)| {
                format!("{} {shown}: {}: {}", scope.stage.schema(), path(&problem.path), problem.message)
            });
            report.faults.extend(lines);
        }
    }
}

/// `variants.2.sku`
fn path(steps: &[Step]) -> String {
    let mut text = String::new();
    for step in steps {
        let dot = if text.is_empty() { "" } else { "." };
        let _ = match step {
            Step::Key(key) => write!(text, "{dot}{key}"),
            Step::Index(index) => write!(text, "{dot}{index}"),
        };
    }
    text
}
