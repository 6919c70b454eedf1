//! Deletes changes a while after all consumers have handled them.

use std::time::Duration;

use base::error::Result;
use store::Database;

/// Rows per transaction.
const AT_ONCE: i64 = 2000;
/// The limit of one run; the rest is deleted in the next.
const MOST_BATCHES: u32 = 500;

/// Returns how many were deleted. Changes that a consumer has not handled are kept.
pub async fn prune(database: &Database, keep: Duration) -> Result<u64> {
    let sql = "delete from cms.outbox where seq = any(array(
        select seq from cms.outbox
        where at < now() - make_interval(secs => $1)
            and (position <= (select min(position) from cms.consumer) or not exists (select from cms.consumer))
        limit $2
        for update skip locked))";
    let mut pruned = 0;
    for _ in 0..MOST_BATCHES {
        let gone = sqlx::query(sql).bind(keep.as_secs_f64()).bind(AT_ONCE).execute(&database.writes).await?;
        pruned += gone.rows_affected();
        if gone.rows_affected() < AT_ONCE.unsigned_abs() {
            break;
        }
    }
    Ok(pruned)
}
