//! Compares the engine's documents with the rows of PostgreSQL: which are missing, different or too many, by type and stage.

use std::collections::BTreeSet;

use sqlx::{AssertSqlSafe, Row as _};
use uuid::Uuid;

use crate::engine::Engine;
use base::error::Result;
use model::content::ContentInfo;
use store::{Database, Stage};

const AT_ONCE: usize = 5_000;
/// Entries that are named.
const NAMED: usize = 10;

/// What differs in an index.
#[derive(Debug, Default)]
pub struct Checked {
    pub table: &'static str,
    pub stage: &'static str,
    pub rows: usize,
    pub missing: usize,
    pub different: usize,
    pub extra: usize,
    /// Some of them.
    pub named: Vec<Uuid>,
}

impl Checked {
    pub fn is_same(&self) -> bool {
        self.missing + self.different + self.extra == 0
    }

    fn name(&mut self, entry: Uuid) {
        if self.named.len() < NAMED {
            self.named.push(entry);
        }
    }
}

/// Compares all indexes of the site's types. What waits to be sent does not count as a difference.
pub async fn check(engine: &Engine, database: &Database) -> Result<Vec<Checked>> {
    let mut all = Vec::new();
    for info in database.schema.types.iter().copied().filter(|info| info.search.is_some()) {
        for stage in [Stage::Live, Stage::Draft] {
            all.push(compare(engine, database, info, stage).await?);
        }
    }
    Ok(all)
}

async fn compare(engine: &Engine, database: &Database, info: &'static ContentInfo, stage: Stage) -> Result<Checked> {
    let alias = engine.alias(info.table, stage);
    engine.client.refresh(&alias).await?;
    let mut checked = Checked { table: info.table, stage: stage.schema(), ..Checked::default() };
    let (mut after, mut entry_after) = (String::new(), Uuid::nil());
    let (mut documents, mut rows) = (Page::default(), Page::default());
    let mut unsent = BTreeSet::new();
    loop {
        if documents.needs() {
            let page = engine.client.page(&alias, &after, AT_ONCE).await?;
            after = page.last().map_or(after, |(id, _)| id.clone());
            let read = page.into_iter().filter_map(|(id, hash)| Some((Uuid::try_parse(&id).ok()?, hash)));
            documents.fill(read.collect());
        }
        if rows.needs() {
            let page = hashes(database, info.table, stage, entry_after).await?;
            entry_after = page.last().map_or(entry_after, |(id, _)| *id);
            unsent.extend(waiting(database, info.table, stage).await?);
            checked.rows += page.len();
            rows.fill(page);
        }
        let (row, document) = (rows.next(), documents.next());
        let entry = match (&row, &document) {
            (None, None) => return Ok(checked),
            (Some((row, _)), Some((document, _))) => *row.min(document),
            (Some((entry, _)), None) | (None, Some((entry, _))) => *entry,
        };
        let row = row.filter(|(id, _)| *id == entry).map(|(_, hash)| hash.clone());
        let document = document.filter(|(id, _)| *id == entry).map(|(_, hash)| hash.clone());
        row.iter().for_each(|_| rows.pass());
        document.iter().for_each(|_| documents.pass());
        if row == document || unsent.contains(&entry) {
            continue;
        }
        match (row, document) {
            (Some(_), None) => checked.missing += 1,
            (None, _) => checked.extra += 1,
            _ => checked.different += 1,
        }
        checked.name(entry);
    }
}

/// A page of ids and hashes, in the order of the ids.
#[derive(Default)]
struct Page {
    found: std::collections::VecDeque<(Uuid, String)>,
    is_over: bool,
}

impl Page {
    fn needs(&self) -> bool {
        self.found.is_empty() && !self.is_over
    }

    fn fill(&mut self, found: Vec<(Uuid, String)>) {
        self.is_over = found.is_empty();
        self.found = found.into();
    }

    fn next(&self) -> Option<&(Uuid, String)> {
        self.found.front()
    }

    fn pass(&mut self) {
        self.found.pop_front();
    }
}

async fn hashes(database: &Database, table: &str, stage: Stage, after: Uuid) -> Result<Vec<(Uuid, String)>> {
    let sql = format!(
        "select s.entry, md5(search.sent(s.parts)::text) from search.{} s
        where s.type = $1 and s.entry > $2 order by s.entry limit {AT_ONCE}",
        stage.schema()
    );
    let rows = sqlx::query(AssertSqlSafe(sql)).bind(table).bind(after).fetch_all(&database.writes).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

/// Entries that the engine has not been told of.
async fn waiting(database: &Database, table: &str, stage: Stage) -> Result<Vec<Uuid>> {
    let sql = "select distinct entry from search.unsent where type = $1 and is_live = $2";
    let rows = sqlx::query_scalar(sql).bind(table).bind(stage == Stage::Live).fetch_all(&database.writes).await?;
    Ok(rows)
}
