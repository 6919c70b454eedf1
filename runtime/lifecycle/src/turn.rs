//! The order of what is due: changes and releases of one entry are made one after the other, and what fails waits for what was due
//! before it, since that may be what it lacks.

use std::time::Duration;

use sqlx::AssertSqlSafe;
use uuid::Uuid;

use base::error::Result;
use model::timestamp::Timestamp;
use store::Connection;

/// The pause before the first new attempt, which doubles, and the longest one.
const FIRST: Duration = Duration::from_millis(250);
const MOST: Duration = Duration::from_secs(10);
/// What fails at the same moment as others is tried again this often: for about 30 seconds.
const TRIES: u32 = 7;

/// Two that are due at the same time are in the order of their creation, as in a preview of that moment.
const BEFORE: &str = "(before.at, before.created_at, before.id) < (due.at, due.created_at, due.id)";

/// Something that is due.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Turn {
    Change(Uuid),
    Release(Uuid),
}

impl Turn {
    /// Whether something that was due earlier and changes the same entry is not made yet.
    pub(crate) async fn is_behind(self, connection: &mut Connection) -> Result<bool> {
        let (id, sql) = match self {
            Self::Change(id) => (
                id,
                format!(
                    "select exists (select from cms.scheduled_change due
                        join cms.release_item item on item.entry = due.entry
                        join cms.release before on before.id = item.release and before.state = 'scheduled'
                        where due.id = $1 and {BEFORE})"
                ),
            ),
            Self::Release(id) => (
                id,
                format!(
                    "select exists (select from cms.release due
                        join cms.release_item item on item.release = due.id
                        join cms.scheduled_change before on before.entry = item.entry and before.state = 'pending'
                        where due.id = $1 and {BEFORE})
                    or exists (select from cms.release due
                        join cms.release_item item on item.release = due.id
                        join cms.release_item other on other.entry = item.entry and other.release <> due.id
                        join cms.release before on before.id = other.release and before.state = 'scheduled'
                        where due.id = $1 and {BEFORE})"
                ),
            ),
        };
        Ok(sqlx::query_scalar(AssertSqlSafe(sql)).bind(id).fetch_one(connection).await?)
    }

    /// Whether it may still succeed once other things that are due are made. Those of the same moment wait for each other only for a
    /// while.
    pub(crate) async fn may_succeed_later(self, connection: &mut Connection, tries: u32) -> Result<bool> {
        let (id, of) = match self {
            Self::Change(id) => (id, "cms.scheduled_change"),
            Self::Release(id) => (id, "cms.release"),
        };
        let than = if tries < TRIES { "<=" } else { "<" };
        let sql = format!(
            "select exists (select from cms.scheduled_change before
                where before.state = 'pending' and before.at {than} due.at and before.id <> due.id)
            or exists (select from cms.release before
                where before.state = 'scheduled' and before.at {than} due.at and before.id <> due.id)
            from {of} due where due.id = $1"
        );
        Ok(sqlx::query_scalar(AssertSqlSafe(sql)).bind(id).fetch_one(connection).await?)
    }
}

impl Turn {
    /// When it is due, if that is later: the clock of the database was set back since its job was begun, or is that of another machine.
    /// If it was moved, there is another job for it, which finds nothing to do, or this one does.
    pub(crate) async fn is_later(self, connection: &mut Connection) -> Result<Option<Timestamp>> {
        let (id, of, state) = match self {
            Self::Change(id) => (id, "cms.scheduled_change", "pending"),
            Self::Release(id) => (id, "cms.release", "scheduled"),
        };
        let sql = format!(
            "select (extract(epoch from at) * 1000000)::bigint from {of}
            where id = $1 and state = '{state}' and at > now()"
        );
        let at: Option<i64> = sqlx::query_scalar(AssertSqlSafe(sql)).bind(id).fetch_optional(connection).await?;
        Ok(at.and_then(Timestamp::from_microsecond))
    }
}

pub(crate) fn pause(tries: u32) -> Duration {
    FIRST.saturating_mul(2_u32.saturating_pow(tries)).min(MOST)
}
