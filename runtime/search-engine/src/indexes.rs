//! The indexes that the engine should have, as PostgreSQL keeps them (`search.engine`), and the documents that belong into them.

use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Row as _};
use uuid::Uuid;

use base::error::Result;
use store::{Connection, Stage};

/// The lock of those who send. Versions are taken under it, so that what was read later has the higher one.
const LOCK: &str = "search engine";

/// An index of the engine.
#[derive(Clone, Debug)]
pub struct Index {
    pub name: String,
    pub table: String,
    pub is_live: bool,
    pub by: String,
    pub job: String,
    pub reached: Option<Uuid>,
    pub is_built: bool,
}

/// A row of the index of PostgreSQL as a document.
#[derive(Debug)]
pub struct Document {
    pub entry: Uuid,
    pub json: String,
}

const COLUMNS: &str = "index, type, is_live, by, job, reached, is_built";

/// Nobody else sends until the transaction ends. Returns the version of what is read from now on.
pub async fn lock(connection: &mut Connection) -> Result<i64> {
    connection.alone_at(LOCK).await?;
    Ok(sqlx::query_scalar("select nextval('search.version')").fetch_one(connection).await?)
}

pub async fn all(connection: &mut Connection) -> Result<Vec<Index>> {
    let sql = format!("select {COLUMNS} from search.engine order by made_at, index");
    let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(connection).await?;
    rows.iter().map(index).collect()
}

/// The index that a job makes.
pub async fn of_job(connection: &mut Connection, job: &str) -> Result<Option<Index>> {
    let sql = format!("select {COLUMNS} from search.engine where job = $1");
    let row = sqlx::query(AssertSqlSafe(sql)).bind(job).fetch_optional(connection).await?;
    row.as_ref().map(index).transpose()
}

fn index(row: &PgRow) -> Result<Index> {
    Ok(Index {
        name: row.try_get(0)?,
        table: row.try_get(1)?,
        is_live: row.try_get(2)?,
        by: row.try_get(3)?,
        job: row.try_get(4)?,
        reached: row.try_get(5)?,
        is_built: row.try_get(6)?,
    })
}

pub async fn add(connection: &mut Connection, index: &Index) -> Result<()> {
    let sql = "insert into search.engine (index, type, is_live, by, job) values ($1, $2, $3, $4, $5)";
    let row = sqlx::query(sql).bind(&index.name).bind(&index.table).bind(index.is_live).bind(&index.by);
    row.bind(&index.job).execute(connection).await?;
    Ok(())
}

/// Forgets an index, so that it is made again.
pub async fn forget(connection: &mut Connection, name: &str) -> Result<()> {
    sqlx::query("delete from search.engine where index = $1").bind(name).execute(connection).await?;
    Ok(())
}

/// The documents of these entries, as their rows are now.
pub async fn documents(
    connection: &mut Connection,
    table: &str,
    stage: Stage,
    entries: &[Uuid],
) -> Result<Vec<Document>> {
    let sql = format!("{} and s.entry = any($2)", select(stage));
    let rows = sqlx::query(AssertSqlSafe(sql)).bind(table).bind(entries).fetch_all(connection).await?;
    rows.iter().map(document).collect()
}

/// The documents behind an entry, in the order of their ids.
pub async fn documents_after(
    connection: &mut Connection,
    table: &str,
    stage: Stage,
    (after, most): (Uuid, i64),
) -> Result<Vec<Document>> {
    let sql = format!("{} and s.entry > $2 order by s.entry limit $3", select(stage));
    let rows = sqlx::query(AssertSqlSafe(sql)).bind(table).bind(after).bind(most).fetch_all(connection).await?;
    rows.iter().map(document).collect()
}

fn select(stage: Stage) -> String {
    format!(
        "select s.entry, (d.sent || jsonb_build_object('id', s.entry, 'hash', md5(d.sent::text)))::text
        from search.{} s cross join lateral (select search.sent(s.parts)) d(sent) where s.type = $1",
        stage.schema()
    )
}

fn document(row: &PgRow) -> Result<Document> {
    Ok(Document { entry: row.try_get(0)?, json: row.try_get(1)? })
}
