//! For development: brings a database with another version of the last migrations to those of this build.
//!
//! The steps between the two versions are a SQL file planned by the generator. Afterwards the ledger is updated to match the migration
//! files.

use super::split::split;
use super::{Error, Migrations, ledger};
use store::Connection;

/// Runs the statements and records every file of this build as applied, in one transaction: if rows do not fit, the
/// database stays unchanged.
pub async fn rework(connection: &mut Connection, migrations: &Migrations<'_>, sql: &str) -> Result<(), Error> {
    connection.begin().await?;
    for statement in split(sql).iter().filter(|statement| !statement.begins()) {
        let text = match statement {
            // Instead of a commit, deferred constraints are checked; after that a table can be altered again.
            _ if statement.commits() => "set constraints all immediate".to_owned(),
            // No other client waits for an index of a development database.
            _ if statement.is_concurrent() => statement.text.replacen("concurrently ", "", 1),
            _ => statement.text.to_owned(),
        };
        if let Err(error) = connection.run(&text, true).await {
            let _ = connection.run("rollback", false).await;
            return Err(Error::refused_by_rows(&error).unwrap_or_else(|| error.into()));
        }
    }
    connection.run("reset all", true).await?;
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
