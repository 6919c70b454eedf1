//! Deletes deliveries that nobody asks for any more.

use base::error::Result;
use store::Database;

/// Days since they were delivered.
const DELIVERED: i32 = 7;
/// Since they died; and of what waits for a webhook that stays disabled.
const DEAD: i32 = 30;
/// Rows of one transaction.
const AT_ONCE: i64 = 2_000;
/// What is left waits for the next time.
const MOST_BATCHES: u32 = 500;

/// How many went.
pub async fn prune(database: &Database) -> Result<u64> {
    let delivered = "delete from cms.webhook_delivery where id = any(array(
        select id from cms.webhook_delivery
        where state = 'delivered' and finished_at < now() - make_interval(days => $1)
        limit $2 for update skip locked))";
    let dead = "delete from cms.webhook_delivery where id = any(array(
        select id from cms.webhook_delivery
        where state = 'dead' and finished_at < now() - make_interval(days => $1)
        limit $2 for update skip locked))";
    let forgotten = "delete from cms.webhook_delivery where id = any(array(
        select d.id from cms.webhook_delivery d join cms.webhook w on w.id = d.webhook
        where not w.enabled and w.updated_at < now() - make_interval(days => $1)
            and d.state in ('queued', 'waiting', 'delivering') and d.created_at < now() - make_interval(days => $1)
        limit $2 for update of d skip locked))";
    let mut pruned = 0;
    for (sql, days) in [(delivered, DELIVERED), (dead, DEAD), (forgotten, DEAD)] {
        for _ in 0..MOST_BATCHES {
            let gone = sqlx::query(sql).bind(days).bind(AT_ONCE).execute(&database.writes).await?;
            pruned += gone.rows_affected();
            if gone.rows_affected() < AT_ONCE.unsigned_abs() {
                break;
            }
        }
    }
    // Those that waited for one that went have their turn.
    let turns = "update cms.webhook_delivery d set state = 'waiting', due = now()
        where d.state = 'queued'
            and not exists (
                select from cms.webhook_delivery o
                where o.webhook = d.webhook and o.entry = d.entry and o.state in ('waiting', 'delivering')
            )
            and d.seq = (
                select min(q.seq) from cms.webhook_delivery q
                where q.webhook = d.webhook and q.entry = d.entry and q.state = 'queued'
            )";
    sqlx::query(turns).execute(&database.writes).await?;
    Ok(pruned)
}
