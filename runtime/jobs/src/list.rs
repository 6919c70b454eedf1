//! Lists and manages jobs, for operators.

use std::str::FromStr;

use sqlx::Row as _;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use crate::queue;
use base::error::{Error, Result};
use model::timestamp::Timestamp;
use store::Database;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Waiting,
    Running,
    /// It failed too often.
    Parked,
}

#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub state: Option<State>,
    pub kind: Option<String>,
    /// The maximum number; jobs that are due first come first.
    pub most: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    pub id: Uuid,
    pub kind: String,
    pub state: State,
    /// For a running job, the end of its lease.
    pub due: Timestamp,
    pub attempts: i32,
    pub priority: i16,
    pub key: Option<String>,
    pub error: Option<String>,
    /// As JSON.
    pub payload: String,
}

impl State {
    pub const ALL: [Self; 3] = [Self::Waiting, Self::Running, Self::Parked];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Parked => "parked",
        }
    }
}

impl FromStr for State {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|state| state.as_str() == text);
        known.ok_or_else(|| format!("unknown state `{text}`: use `waiting`, `running` or `parked`"))
    }
}

pub async fn list(database: &Database, filter: &Filter) -> Result<Vec<Listed>> {
    let sql =
        "select id, kind, state, (extract(epoch from due) * 1000000)::bigint as due, attempts, priority, key, error,
            payload::text as payload
        from cms.job
        where ($1::text is null or state = $1) and ($2::text is null or kind = $2)
        order by due, id limit $3";
    let rows = sqlx::query(sql)
        .bind(filter.state.map(State::as_str))
        .bind(&filter.kind)
        .bind(i64::from(filter.most))
        .fetch_all(&database.writes)
        .await?;
    rows.iter().map(listed).collect()
}

fn listed(row: &PgRow) -> Result<Listed> {
    Ok(Listed {
        id: row.try_get("id")?,
        kind: row.try_get("kind")?,
        state: row.try_get::<&str, _>("state")?.parse().map_err(Error::internal)?,
        due: Timestamp::from_microsecond(row.try_get("due")?).unwrap_or(Timestamp::MIN),
        attempts: row.try_get("attempts")?,
        priority: row.try_get("priority")?,
        key: row.try_get("key")?,
        error: row.try_get("error")?,
        payload: row.try_get("payload")?,
    })
}

/// Lets a parked job wait again, with all its attempts; returns whether it was parked.
pub async fn retry(database: &Database, id: Uuid) -> Result<bool> {
    let is_parked = queue::unpark(database, id).await?;
    queue::tell(database).await?;
    Ok(is_parked)
}

/// Like [`retry`], for all parked jobs, of one kind or all; returns their number.
pub async fn retry_all(database: &Database, kind: Option<&str>) -> Result<u64> {
    let sql = "select id from cms.job where state = 'parked' and ($1::text is null or kind = $1) order by created_at";
    let parked: Vec<Uuid> = sqlx::query_scalar(sql).bind(kind).fetch_all(&database.writes).await?;
    let mut retried = 0;
    for id in parked {
        retried += u64::from(queue::unpark(database, id).await?);
    }
    queue::tell(database).await?;
    Ok(retried)
}

/// Deletes a job; returns whether it existed. If it is running, its effects in the database are rolled back.
pub async fn cancel(database: &Database, id: Uuid) -> Result<bool> {
    let done = sqlx::query("delete from cms.job where id = $1").bind(id).execute(&database.writes).await?;
    Ok(done.rows_affected() == 1)
}
