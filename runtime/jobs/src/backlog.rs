//! The size of the backlog, read in one statement.

use sqlx::Row as _;

use base::error::Result;
use store::Database;

#[derive(Clone, Debug, PartialEq)]
pub struct Backlog {
    pub kind: String,
    /// Due but not started.
    pub due: i64,
    /// How long the oldest of them has been due, in seconds.
    pub seconds: f64,
    /// Not due yet.
    pub later: i64,
    pub running: i64,
    /// Waiting to retry after a failure.
    pub failing: i64,
    pub parked: i64,
}

/// The backlog of each kind that has jobs, by name.
pub async fn backlog(database: &Database) -> Result<Vec<Backlog>> {
    let sql = "select kind,
            count(*) filter (where state = 'waiting' and due <= now()) as due,
            coalesce(extract(epoch from now() - min(due) filter (where state = 'waiting' and due <= now())), 0)::float8 as seconds,
            count(*) filter (where state = 'waiting' and due > now()) as later,
            count(*) filter (where state = 'running') as running,
            count(*) filter (where state = 'waiting' and attempts > 0) as failing,
            count(*) filter (where state = 'parked') as parked
        from cms.job group by kind order by kind";
    let rows = sqlx::query(sql).fetch_all(&database.writes).await?;
    let backlog = rows.iter().map(|row| {
        Ok(Backlog {
            kind: row.try_get("kind")?,
            due: row.try_get("due")?,
            seconds: row.try_get("seconds")?,
            later: row.try_get("later")?,
            running: row.try_get("running")?,
            failing: row.try_get("failing")?,
            parked: row.try_get("parked")?,
        })
    });
    backlog.collect()
}
