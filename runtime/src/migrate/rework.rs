//! For development: a database that has had another version of the last migrations is taken to those of this build.
//!
//! The way between the two versions is a file of SQL that the generator planned; the ledger then says what the files say.

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use super::split::split;
use super::{Error, Migrations, ledger};

/// Runs the statements, and records every file of this build as applied.
pub async fn rework(connection: &mut PgConnection, migrations: &Migrations<'_>, sql: &str) -> Result<(), Error> {
    for statement in split(sql) {
        connection.execute(AssertSqlSafe(statement.text)).await?;
    }
    connection.execute("reset all").await?;
    let mut transaction = connection.begin().await?;
    let (names, sums): (Vec<_>, Vec<_>) =
        migrations.all().into_iter().map(|(name, text)| (name.to_owned(), ledger::checksum(text))).unzip();
    sqlx::query("delete from cms.migration where name <> all($1)").bind(&names).execute(&mut *transaction).await?;
    let record = "insert into cms.migration (name, checksum, finished_at)
        select name, checksum, now() from unnest($1::text[], $2::text[]) as file (name, checksum)
        on conflict (name) do update set checksum = excluded.checksum, finished_at = now(), error = null";
    sqlx::query(record).bind(&names).bind(&sums).execute(&mut *transaction).await?;
    super::record_catalog(&mut transaction, migrations).await?;
    transaction.commit().await?;
    Ok(())
}
