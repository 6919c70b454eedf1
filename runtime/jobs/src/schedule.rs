//! Periodic jobs: when one is due, one node enqueues it and sets the next time, in one transaction.

use std::time::Duration;

use jiff::Timestamp;
use sqlx::Row as _;

use crate::enqueue;
use crate::job::Job;
use crate::queue::{self, New};
use crate::rhythm::Rhythm;
use base::error::{Error, Result, sqlstate};
use store::Database;

/// The key of a periodic job without its own: while one waits, no second one is enqueued.
const KEY: &str = "periodic";

/// Another transaction may hold a job with this key for long, and all other schedules would wait with it.
const HELD: &str = "set local lock_timeout = '200ms'";
/// When to retry a schedule whose job was held.
const AGAIN: Duration = Duration::from_secs(2);

enum Enqueued {
    Done,
    Elsewhere,
    Held,
}

pub(crate) struct Periodic {
    pub kind: &'static str,
    rhythm: Rhythm,
    new: New,
}

impl Periodic {
    pub fn new<J: Job>(rhythm: Rhythm, job: &J) -> Result<Self> {
        let new = enqueue::new(job)?;
        let key = new.key.clone().or_else(|| Some(KEY.to_owned()));
        Ok(Self { kind: J::KIND, rhythm, new: New { key, ..new } })
    }
}

/// Registers the schedules. A changed schedule starts from the beginning.
pub(crate) async fn declare(database: &Database, periodic: &[Periodic]) -> Result<()> {
    let sql = "insert into cms.schedule (kind, due, rhythm)
        values ($1, timestamptz 'epoch' + $2 * interval '1 microsecond', $3)
        on conflict (kind) do update set due = excluded.due, rhythm = excluded.rhythm
            where schedule.rhythm <> excluded.rhythm";
    for Periodic { kind, rhythm, .. } in periodic {
        let now = now(database).await?;
        sqlx::query(sql)
            .bind(kind)
            .bind(rhythm.first(now).as_microsecond())
            .bind(rhythm.text())
            .execute(&database.writes)
            .await?;
    }
    Ok(())
}

/// Enqueues due jobs; returns the time until the next one.
pub(crate) async fn enqueue_due(database: &Database, periodic: &[Periodic]) -> Result<Option<Duration>> {
    if periodic.is_empty() {
        return Ok(None);
    }
    let mut kinds: Vec<&str> = periodic.iter().map(|periodic| periodic.kind).collect();
    let mut again = None;
    loop {
        let sql = "select kind, extract(epoch from due - now())::float8 as seconds
            from cms.schedule where kind = any($1) order by due limit 1";
        let row = sqlx::query(sql).bind(&kinds).fetch_optional(&database.writes).await?;
        let Some(row) = row else { return Ok(again) };
        let seconds: f64 = row.try_get("seconds")?;
        if seconds > 0.0 {
            return Ok(Duration::try_from_secs_f64(seconds).ok().into_iter().chain(again).min());
        }
        let kind: &str = row.try_get("kind")?;
        let Some(due) = periodic.iter().find(|periodic| periodic.kind == kind) else { return Ok(None) };
        match due.enqueue(database).await? {
            Enqueued::Done => {}
            // Another node is enqueuing it, or has done so.
            Enqueued::Elsewhere => return Ok(again),
            Enqueued::Held => {
                kinds.retain(|kind| *kind != due.kind);
                again = Some(AGAIN);
            }
        }
    }
}

impl Periodic {
    async fn enqueue(&self, database: &Database) -> Result<Enqueued> {
        let mut transaction = database.writes.begin().await?;
        transaction.run(HELD, true).await?;
        let sql = "select (extract(epoch from due) * 1000000)::bigint as due, (extract(epoch from now()) * 1000000)::bigint as now
            from cms.schedule where kind = $1 and due <= now() for update skip locked";
        let row = sqlx::query(sql).bind(self.kind).fetch_optional(&mut *transaction).await?;
        let Some(row) = row else { return Ok(Enqueued::Elsewhere) };
        let next = self.rhythm.next(moment(row.try_get("due")?)?, moment(row.try_get("now")?)?);
        if let Err(error) = queue::insert_unless(&mut transaction, &self.new).await {
            return if is_held(&error) { Ok(Enqueued::Held) } else { Err(error.into()) };
        }
        sqlx::query(
            "update cms.schedule set due = timestamptz 'epoch' + $2 * interval '1 microsecond' where kind = $1",
        )
        .bind(self.kind)
        .bind(next.as_microsecond())
        .execute(&mut *transaction)
        .await?;
        transaction.ring_at_commit(&database.bells.jobs);
        transaction.commit().await?;
        Ok(Enqueued::Done)
    }
}

/// A periodic job, for operators.
#[derive(Clone, Debug, PartialEq)]
pub struct Scheduled {
    pub kind: String,
    pub due: model::timestamp::Timestamp,
    /// `every 3600s`, `daily 04:00 Europe/Berlin`.
    pub rhythm: String,
}

/// The registered periodic jobs, of one kind or all, in the order in which they are due.
pub async fn schedules(database: &Database, kind: Option<&str>) -> Result<Vec<Scheduled>> {
    let sql = "select kind, (extract(epoch from due) * 1000000)::bigint as due, rhythm
        from cms.schedule where $1::text is null or kind = $1 order by due, kind";
    let rows = sqlx::query(sql).bind(kind).fetch_all(&database.writes).await?;
    let scheduled = |row: &sqlx::postgres::PgRow| {
        let due = model::timestamp::Timestamp::from_microsecond(row.try_get("due")?);
        let due = due.unwrap_or(model::timestamp::Timestamp::MIN);
        Ok(Scheduled { kind: row.try_get("kind")?, due, rhythm: row.try_get("rhythm")? })
    };
    rows.iter().map(scheduled).collect()
}

/// The database's time, since the clocks of nodes differ.
async fn now(database: &Database) -> Result<Timestamp> {
    let sql = "select (extract(epoch from now()) * 1000000)::bigint";
    moment(sqlx::query_scalar(sql).fetch_one(&database.writes).await?)
}

fn moment(microseconds: i64) -> Result<Timestamp> {
    Timestamp::from_microsecond(microseconds).map_err(Error::internal)
}

fn is_held(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(|error| error.code()).is_some_and(|code| code == sqlstate::LOCK_NOT_AVAILABLE)
}
