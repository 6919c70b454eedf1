//! What is measured: results of attempts on this node, and what waits in the database.

use std::sync::atomic::{AtomicU64, Ordering};

use sqlx::Row as _;
use uuid::Uuid;

use store::Database;

static DELIVERED: AtomicU64 = AtomicU64::new(0);
static FAILED: AtomicU64 = AtomicU64::new(0);
static DEAD: AtomicU64 = AtomicU64::new(0);

#[derive(Clone, Copy, Debug)]
pub(crate) enum Result {
    Delivered,
    /// Tried again later.
    Failed,
    Dead,
}

/// Since the process began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Results {
    pub delivered: u64,
    pub failed: u64,
    pub dead: u64,
}

pub(crate) fn count(result: Result) {
    let counter = match result {
        Result::Delivered => &DELIVERED,
        Result::Failed => &FAILED,
        Result::Dead => &DEAD,
    };
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Results {
    pub fn so_far() -> Self {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Self { delivered: of(&DELIVERED), failed: of(&FAILED), dead: of(&DEAD) }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Backlog {
    pub webhook: Uuid,
    pub name: String,
    pub enabled: bool,
    /// Those under way included.
    pub waiting: i64,
    /// Age of the oldest of them, in seconds.
    pub seconds: f64,
    pub dead: i64,
}

/// Of each webhook, by name.
pub async fn backlog(database: &Database) -> base::error::Result<Vec<Backlog>> {
    let sql =
        "select w.id, w.name, w.enabled, coalesce(open.count, 0) as waiting, coalesce(open.seconds, 0) as seconds,
            (select count(*) from cms.webhook_delivery d where d.webhook = w.id and d.state = 'dead') as dead
        from cms.webhook w
        left join lateral (
            select count(*) as count, extract(epoch from now() - min(created_at))::float8 as seconds
            from cms.webhook_delivery d
            where d.webhook = w.id and d.state in ('queued', 'waiting', 'delivering')
        ) as open on true
        order by w.name, w.id";
    let rows = sqlx::query(sql).fetch_all(&database.writes).await?;
    let backlog = rows.iter().map(|row| {
        Ok(Backlog {
            webhook: row.try_get("id")?,
            name: row.try_get("name")?,
            enabled: row.try_get("enabled")?,
            waiting: row.try_get("waiting")?,
            seconds: row.try_get("seconds")?,
            dead: row.try_get("dead")?,
        })
    });
    backlog.collect()
}
