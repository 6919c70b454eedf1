//! How often visitors ask for what, and what finds nothing. A process counts in memory, and adds it to the table from time to time.

use sqlx::Row as _;

use crate::Database;
use base::error::Result;

/// Queries of a day.
const MOST_OF_A_DAY: i64 = 10_000;
/// Days for which counts are kept.
pub const DAYS: i32 = 90;

#[derive(Debug)]
pub struct Count {
    pub query: String,
    pub times: i64,
    pub without_result: i64,
}

/// Adds the counts of this process to the table, and removes old ones. Counts that cannot be stored are lost.
pub async fn store(database: &Database) -> Result<()> {
    let counts = database.asked.take();
    if counts.is_empty() {
        return Ok(());
    }
    // In one order, so that two processes do not wait for each other in a ring.
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_unstable();
    let (queries, numbers): (Vec<String>, Vec<(i64, i64)>) = counts.into_iter().unzip();
    let (times, without): (Vec<i64>, Vec<i64>) = numbers.into_iter().unzip();
    // When a day is full, only what it has is counted: random queries must not fill the table.
    let sql = format!(
        "insert into search.asked as a (day, query, times, without_result)
        select current_date, n.query, n.times, n.without_result
        from unnest($1::text[], $2::bigint[], $3::bigint[]) n(query, times, without_result)
        where (select count(*) from search.asked where day = current_date) < {MOST_OF_A_DAY}
            or exists (select from search.asked k where k.day = current_date and k.query = n.query)
        on conflict (day, query) do update
        set times = a.times + excluded.times, without_result = a.without_result + excluded.without_result"
    );
    let mut transaction = database.background.begin().await?;
    sqlx::query(sqlx::AssertSqlSafe(sql)).bind(queries).bind(times).bind(without).execute(&mut *transaction).await?;
    let old = "delete from search.asked where day < current_date - $1::int";
    sqlx::query(old).bind(DAYS).execute(&mut *transaction).await?;
    Ok(transaction.commit().await?)
}

/// The most frequent queries of the last days; `only_without_result`: by how often they found nothing.
pub async fn most_frequent(
    database: &Database,
    days: i32,
    only_without_result: bool,
    first: i64,
) -> Result<Vec<Count>> {
    let sql = "select query, sum(times)::bigint, sum(without_result)::bigint from search.asked
        where day > current_date - $1::int and (not $2 or without_result > 0)
        group by query order by case when $2 then sum(without_result) else sum(times) end desc, query limit $3";
    let mut transaction = database.background.begin().await?;
    let rows = sqlx::query(sql).bind(days).bind(only_without_result).bind(first).fetch_all(&mut *transaction).await?;
    transaction.commit().await?;
    let count = |row: &sqlx::postgres::PgRow| {
        Ok(Count { query: row.try_get(0)?, times: row.try_get(1)?, without_result: row.try_get(2)? })
    };
    rows.iter().map(count).collect()
}
