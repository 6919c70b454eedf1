//! Traces statements and logs slow ones by their summary, never with their text or values.

use std::borrow::Cow;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use base::seen;
use base::trace::{Kind, Leaf};

tokio::task_local! {
    /// What the current statements are for: the name of a client's operation, or its root fields.
    pub static OPERATION: Arc<str>;
}

/// From how many microseconds a statement is logged as slow.
static SLOW: AtomicU64 = AtomicU64::new(1_000_000);

/// Counters of this process.
static STATEMENTS: AtomicU64 = AtomicU64::new(0);
static SLOW_STATEMENTS: AtomicU64 = AtomicU64::new(0);
static MICROSECONDS: AtomicU64 = AtomicU64::new(0);

/// The statements that this process has sent so far.
#[derive(Clone, Copy, Debug)]
pub struct Statements {
    pub all: u64,
    pub slow: u64,
    pub time: Duration,
}

impl Statements {
    pub fn so_far() -> Self {
        let of = |number: &AtomicU64| number.load(Ordering::Relaxed);
        Self { all: of(&STATEMENTS), slow: of(&SLOW_STATEMENTS), time: Duration::from_micros(of(&MICROSECONDS)) }
    }

    /// Sets from which duration on a statement is slow.
    pub fn slow_from(time: Duration) {
        SLOW.store(u64::try_from(time.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

/// How a statement ended.
#[derive(Clone, Copy, Debug)]
pub enum End<'a> {
    Answered,
    Failed(&'a sqlx::Error),
    /// Its response was not read to the end.
    GivenUp,
}

pub fn note(sql: &str, begun: Instant, end: End<'_>) {
    let took = begun.elapsed();
    let microseconds = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    STATEMENTS.fetch_add(1, Ordering::Relaxed);
    MICROSECONDS.fetch_add(microseconds, Ordering::Relaxed);
    seen::statement();
    trace(sql, begun, end);
    if microseconds >= SLOW.load(Ordering::Relaxed) {
        SLOW_STATEMENTS.fetch_add(1, Ordering::Relaxed);
        let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let operation = OPERATION.try_with(Arc::clone).unwrap_or_default();
        tracing::warn!(%operation, statement = summary(sql), milliseconds, "a statement was slow");
    }
}

/// Follows the OpenTelemetry conventions for database clients.
pub fn trace(sql: &str, begun: Instant, end: End<'_>) {
    seen::leaf(begun, || {
        let summary = summary(sql);
        let mut facts = vec![("db.system.name", "postgresql".into()), ("db.query.summary", summary.clone().into())];
        let code = match end {
            End::Failed(sqlx::Error::Database(refusal)) => refusal.code().map(|code| code.into_owned()),
            _ => None,
        };
        facts.extend(code.clone().map(|code| ("db.response.status_code", code.into())));
        let error = match end {
            End::Answered => None,
            End::GivenUp => Some(Cow::Borrowed("given_up")),
            End::Failed(sqlx::Error::Io(error)) if error.kind() == io::ErrorKind::TimedOut => Some("timeout".into()),
            End::Failed(_) => Some(code.map_or(Cow::Borrowed("connection"), Cow::Owned)),
        };
        Leaf { name: summary.into(), kind: Kind::Client, facts, error }
    });
}

/// The verb and the first of our tables in the statement: `select live.product`.
fn summary(sql: &str) -> String {
    let verb = sql.split_whitespace().next().unwrap_or_default().to_ascii_lowercase();
    let is_ours = |word: &&str| ["live.", "draft.", "cms."].iter().any(|schema| word.starts_with(schema));
    let words = sql.split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | ',' | ';'));
    match words.map(|word| word.trim_matches('"')).find(is_ours) {
        Some(table) => format!("{verb} {}", table.replace('"', "")),
        None => verb,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_named_without_its_text() {
        let read = "SELECT t.id, t.\"name\" FROM live.\"product\" t WHERE t.\"name\" = $1::text";
        assert_eq!(summary(read), "select live.product");
        assert_eq!(summary("insert into cms.audit (id) values ('secret')"), "insert cms.audit");
        assert_eq!(summary("commit"), "commit");
        assert_eq!(summary(""), "");
    }
}
