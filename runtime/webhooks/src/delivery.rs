//! Deliveries as people see them: what was sent where, and what became of it.

use std::str::FromStr;

use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Row as _};
use uuid::Uuid;

use crate::webhook::moment;
use base::error::{Error, Result};
use model::timestamp::Timestamp;
use store::Database;

/// Of the ids of deliveries, which are the `webhook-id`s.
pub const DELIVERY_PREFIX: &str = "webhook_delivery";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// For its time, or for its turn.
    Waiting,
    Delivering,
    Delivered,
    Dead,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    pub id: Uuid,
    pub seq: i64,
    pub webhook: Uuid,
    pub event: String,
    pub table: Option<String>,
    pub entry: Option<Uuid>,
    pub revision: Option<i64>,
    pub state: State,
    pub attempts: i32,
    pub created_at: Timestamp,
    /// `None` if it waits for its turn, or for nothing any more.
    pub due: Option<Timestamp>,
    pub attempted_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    pub status: Option<i16>,
    /// In milliseconds.
    pub latency: Option<i32>,
    pub answer: Option<String>,
    pub error: Option<String>,
}

/// Which of them, newest first.
#[derive(Clone, Debug, Default)]
pub struct Part {
    pub webhook: Option<Uuid>,
    pub state: Option<State>,
    /// `Delivery::seq` of the one before.
    pub after: Option<i64>,
    pub most: usize,
}

const COLUMNS: &str = "id, seq, webhook, event, type, entry, revision, state, attempts, status, latency, answer, error,
    (extract(epoch from created_at) * 1000000)::bigint as created_at,
    (extract(epoch from case when state = 'waiting' then due end) * 1000000)::bigint as due,
    (extract(epoch from attempted_at) * 1000000)::bigint as attempted_at,
    (extract(epoch from finished_at) * 1000000)::bigint as finished_at";

impl State {
    pub const ALL: [Self; 4] = [Self::Waiting, Self::Delivering, Self::Delivered, Self::Dead];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivering => "delivering",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }

    /// As the database has it.
    fn names(self) -> &'static [&'static str] {
        match self {
            Self::Waiting => &["waiting", "queued"],
            Self::Delivering => &["delivering"],
            Self::Delivered => &["delivered"],
            Self::Dead => &["dead"],
        }
    }
}

impl FromStr for State {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|state| state.as_str() == text);
        known.ok_or_else(|| format!("unknown state `{text}`: use `waiting`, `delivering`, `delivered` or `dead`"))
    }
}

/// One more than there is room for tells that there are more.
pub async fn deliveries(database: &Database, part: &Part) -> Result<Vec<Delivery>> {
    let sql = format!(
        "select {COLUMNS} from cms.webhook_delivery
        where ($1::uuid is null or webhook = $1) and ($2::text[] is null or state = any($2)) and ($3::bigint is null or seq < $3)
        order by seq desc limit $4"
    );
    let rows = sqlx::query(AssertSqlSafe(sql))
        .bind(part.webhook)
        .bind(part.state.map(State::names))
        .bind(part.after)
        .bind(i64::try_from(part.most).unwrap_or(i64::MAX))
        .fetch_all(&database.writes)
        .await?;
    rows.iter().map(read).collect()
}

pub async fn find(database: &Database, id: Uuid) -> Result<Option<Delivery>> {
    let sql = format!("select {COLUMNS} from cms.webhook_delivery where id = $1");
    let row = sqlx::query(AssertSqlSafe(sql)).bind(id).fetch_optional(&database.writes).await?;
    row.as_ref().map(read).transpose()
}

fn read(row: &PgRow) -> Result<Delivery> {
    let state: &str = row.try_get("state")?;
    let known = State::ALL.into_iter().find(|known| known.names().contains(&state));
    Ok(Delivery {
        id: row.try_get("id")?,
        seq: row.try_get("seq")?,
        webhook: row.try_get("webhook")?,
        event: row.try_get("event")?,
        table: row.try_get("type")?,
        entry: row.try_get("entry")?,
        revision: row.try_get("revision")?,
        state: known.ok_or_else(|| Error::internal(format!("a delivery is in the unknown state `{state}`")))?,
        attempts: row.try_get("attempts")?,
        created_at: moment(row, "created_at")?.unwrap_or(Timestamp::MIN),
        due: moment(row, "due")?,
        attempted_at: moment(row, "attempted_at")?,
        finished_at: moment(row, "finished_at")?,
        status: row.try_get("status")?,
        latency: row.try_get("latency")?,
        answer: row.try_get("answer")?,
        error: row.try_get("error")?,
    })
}
