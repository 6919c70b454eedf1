//! Deletes changes some time after all consumers have handled them.

use std::time::Duration;

use base::error::Result;
use store::Database;

/// Rows of one transaction.
const AT_ONCE: i64 = 2000;
/// What is left waits for the next time.
const MOST_BATCHES: u32 = 500;

/// How many went. A consumer that is behind keeps what it has not handled.
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
