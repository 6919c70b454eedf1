//! The order of changes: a reader first gives positions to committed changes that have none yet.
//!
//! A writer takes its number (`seq`) while it holds the lock of the entry, so of one entry the numbers are in the order of the
//! commits. Of several entries a low number may be committed after a high one has been read; its position is then simply a later one.

use base::error::Result;
use store::Database;

/// Notified when there are new positions.
pub const CHANNEL: &str = "typecase_events";
/// Rows of one transaction.
const AT_ONCE: u64 = 5000;

/// Returns how many there were. Positions are not needed while there are no consumers.
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

/// The lock is taken by a statement of its own: only the next one sees what others have committed while this one waited.
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
    // One of these at a time: the writers do not notify, as they would wait for each other.
    let tell = "with moved as (update cms.outbox_head set position = position + $1 returning position)
        select pg_notify($2, position::text) from moved";
    sqlx::query(tell).bind(i64::try_from(given).unwrap_or(i64::MAX)).bind(CHANNEL).execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(given)
}
