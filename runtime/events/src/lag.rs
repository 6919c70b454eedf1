//! The lag of all consumers, read in one statement.

use sqlx::Row as _;

use base::error::Result;
use store::Database;

#[derive(Clone, Debug, PartialEq)]
pub struct Lag {
    pub consumer: String,
    /// The number of changes of any type that it has not handled.
    pub behind: i64,
    /// The age of the oldest one, in seconds.
    pub seconds: f64,
    /// The number of failures in a row.
    pub failures: i32,
    pub error: Option<String>,
}

/// The lag of each registered consumer, by name.
pub async fn lag(database: &Database) -> Result<Vec<Lag>> {
    let sql = "select consumer.name, consumer.failures, consumer.error,
            head.position - consumer.position + (select count(*) from cms.outbox where position is null) as behind,
            coalesce(extract(epoch from now() - least(
                (select at from cms.outbox where outbox.position > consumer.position order by outbox.position limit 1),
                (select at from cms.outbox where position is null order by seq limit 1)
            )), 0)::float8 as seconds
        from cms.consumer, cms.outbox_head as head
        order by consumer.name";
    let rows = sqlx::query(sql).fetch_all(&database.writes).await?;
    let lag = rows.iter().map(|row| {
        Ok(Lag {
            consumer: row.try_get("name")?,
            behind: row.try_get("behind")?,
            seconds: row.try_get("seconds")?,
            failures: row.try_get("failures")?,
            error: row.try_get("error")?,
        })
    });
    lag.collect()
}
