//! Deletes expired data: sessions, tokens, links and keys, a while after they expire, in small batches, on one node at a time. A periodic
//! job of the server runs it. The audit log is kept.

use std::time::Duration;

use sqlx::AssertSqlSafe;

use super::Accounts;
use base::error::Result;

/// Rows per transaction, which takes milliseconds.
const BATCH: u64 = 500;
/// Per table and run; the rest is left to the next run.
const MOST_BATCHES: u32 = 200;
/// The pause between two batches, so that requests can use the database.
const PAUSE: Duration = Duration::from_millis(20);
/// An arbitrary, fixed number. The lock lets only one node delete.
const LOCK: i64 = 0x6578_7069;

/// A table, and the condition for rows to delete. `docs/operations.md` states the same times.
const OVER: &[(&str, &str)] = &[
    // Tokens of an ended session are deleted before it, so that deleting a session never cascades to thousands of rows.
    ("refresh_token", "expires_at < now() - interval '1 day'"),
    ("session", "least(expires_at, revoked_at) < now() - interval '14 days'"),
    ("one_time_link", "expires_at < now() - interval '7 days'"),
    // A state that is returned later is refused for its age.
    ("used_state", "expires_at < now()"),
    ("waiting_for_code", "expires_at < now()"),
    // An enrolment that was never confirmed.
    ("totp", "confirmed_at is null and created_at < now() - interval '1 day'"),
    // Until then the list shows why a program no longer works.
    ("api_token", "least(expires_at, revoked_at) < now() - interval '90 days'"),
    ("signing_key", "verifies_until < now() - interval '1 day'"),
];

impl Accounts {
    /// Returns the number of deleted rows; 0 while another node is deleting.
    pub async fn delete_expired(&self) -> Result<u64> {
        let mut deleted = 0;
        for (table, is_over) in OVER {
            for _ in 0..MOST_BATCHES {
                let Some(rows) = self.delete_batch(table, is_over).await? else { return Ok(deleted) };
                deleted += rows;
                if rows < BATCH {
                    break;
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
        Ok(deleted)
    }

    /// `None` if another node is deleting. Rows locked by a request are left to the next run, so that neither waits for
    /// long.
    async fn delete_batch(&self, table: &str, is_over: &str) -> Result<Option<u64>> {
        let mut transaction = self.pool.begin().await?;
        let is_ours: bool =
            sqlx::query_scalar("select pg_try_advisory_xact_lock($1)").bind(LOCK).fetch_one(&mut *transaction).await?;
        if !is_ours {
            return Ok(None);
        }
        let sql = format!(
            "delete from cms.{table} where ctid = any(array(
                select ctid from cms.{table} where {is_over} limit {BATCH} for update skip locked))"
        );
        let deleted = sqlx::query(AssertSqlSafe(sql)).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(Some(deleted.rows_affected()))
    }
}
