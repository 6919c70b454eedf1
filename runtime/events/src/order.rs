//! The order of changes. A reader first gives positions to committed changes without one.
//!
//! A writer takes its number (`seq`) while it holds the lock of the entry, so the numbers of one entry follow the order of its
//! commits. Across entries, a low number may be committed after a higher one was read; it then simply gets a later position.

use base::error::Result;
use store::Database;

/// Notified when there are new positions.
pub const CHANNEL: &str = "typecase_events";
/// Rows per transaction.
const AT_ONCE: u64 = 5000;

/// Gives positions and returns how many. Without consumers, no positions are needed.
pub async fn give_positions(database: &Database) -> Result<u64> {
    let is_followed: bool =
        sqlx::query_scalar("select exists (select from cms.consumer)").fetch_one(&database.writes).await?;
    if is_followed { give(database).await } else { Ok(0) }
}

pub(crate) async fn give(database: &Database) -> Result<u64> {
    let mut all = 0;
    loop {
        let given = give_some(database).await?;
        all += given;
        if given < AT_ONCE {
            return Ok(all);
        }
    }
}

/// Takes the lock in a separate statement: only the next statement sees what others committed while this one waited.
async fn give_some(database: &Database) -> Result<u64> {
    let mut transaction = database.writes.begin().await?;
    let head: i64 =
        sqlx::query_scalar("select position from cms.outbox_head for update").fetch_one(&mut *transaction).await?;
    let number = "update cms.outbox set position = $1 + new.place
        from (
            select seq, row_number() over (order by seq) as place
            from (select seq from cms.outbox where position is null order by seq limit $2) as oldest
        ) as new
        where outbox.seq = new.seq";
    let limit = i64::try_from(AT_ONCE).unwrap_or(i64::MAX);
    let given = sqlx::query(number).bind(head).bind(limit).execute(&mut *transaction).await?.rows_affected();
    if given == 0 {
        transaction.rollback().await?;
        return Ok(0);
    }
    // Only one of these runs at a time. The writers do not notify, since they would wait for each other.
    let tell = "with moved as (update cms.outbox_head set position = position + $1 returning position)
        select pg_notify($2, position::text) from moved";
    sqlx::query(tell).bind(i64::try_from(given).unwrap_or(i64::MAX)).bind(CHANNEL).execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(given)
}
