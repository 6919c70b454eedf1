//! For development: a database that has had another version of the last migrations is taken to those of this build.
//!
//! The way between the two versions is a file of SQL that the generator planned; the ledger then says what the files say.

use super::split::split;
use super::{Error, Migrations, ledger};
use crate::store::Connection;

/// Runs the statements, and records every file of this build as applied.
pub async fn rework(connection: &mut Connection, migrations: &Migrations<'_>, sql: &str) -> Result<(), Error> {
    for statement in split(sql) {
        connection.run(statement.text, false).await?;
    }
    connection.run("reset all", false).await?;
    connection.begin().await?;
    let (names, sums): (Vec<_>, Vec<_>) =
        migrations.all().into_iter().map(|(name, text)| (name.to_owned(), ledger::checksum(text))).unzip();
    sqlx::query("delete from cms.migration where name <> all($1)").bind(&names).execute(&mut *connection).await?;
    let record = "insert into cms.migration (name, checksum, finished_at)
        select name, checksum, now() from unnest($1::text[], $2::text[]) as file (name, checksum)
        on conflict (name) do update set checksum = excluded.checksum, finished_at = now(), error = null";
    sqlx::query(record).bind(&names).bind(&sums).execute(&mut *connection).await?;
    super::record_catalog(connection, migrations).await?;
    connection.commit().await?;
    Ok(())
}
