//! Runs a migration file, statement by statement, so that a failed run can continue where it stopped.

use std::time::{Duration, Instant};

use super::lock::Lock;
use super::split::{Statement, split};
use super::{Applied, Error, Failure, ledger};
use store::Connection;

/// How often a file is retried when other sessions hold locks, and how long it waits in between.
const ATTEMPTS: usize = 4;
const PAUSE: Duration = Duration::from_secs(1);

/// Applies the file, skipping the first `done` statements.
pub async fn file(
    connection: &mut Connection,
    lock: &mut Lock,
    name: &str,
    text: &str,
    done: usize,
) -> Result<Applied, Error> {
    let start = Instant::now();
    let statements = split(text);
    let begin = "insert into cms.migration (name, checksum) values ($1, $2)
        on conflict (name) do update set checksum = excluded.checksum, error = null";
    sqlx::query(begin).bind(name).bind(ledger::checksum(text)).execute(&mut *connection).await?;
    connection.finish().await?;
    let mut file = File { connection, lock, name, statements: &statements, done, settings: Vec::new() };
    let mut attempt = 1;
    let result = loop {
        match file.run().await {
            Err(Error::Failed(failure)) if failure.is_locked() && attempt < ATTEMPTS => {
                tracing::warn!(file = name, line = failure.line, "a lock was not available in time; trying again");
                attempt += 1;
                tokio::time::sleep(PAUSE).await;
            }
            other => break other,
        }
    };
    let connection = file.connection;
    // The settings of a file apply only to that file.
    if !connection.is_pooled() {
        let _ = connection.run("reset all", false).await;
    }
    quiet(connection).await?;
    if let Err(Error::Failed(failure)) = &result {
        let note = "update cms.migration set error = $2 where name = $1";
        sqlx::query(note).bind(name).bind(&failure.message).execute(&mut *connection).await?;
        connection.finish().await?;
    }
    result?;
    sqlx::query("update cms.migration set finished_at = now(), error = null where name = $1")
        .bind(name)
        .execute(&mut *connection)
        .await?;
    connection.finish().await?;
    Ok(Applied { name: name.to_owned(), statements: statements.len(), took: start.elapsed() })
}

/// Notices are for authors of SQL. Behind a pooler, a session setting would stay on a connection that other clients
/// use.
pub async fn quiet(connection: &mut Connection) -> Result<(), Error> {
    if !connection.is_pooled() {
        connection.run("set client_min_messages = warning", false).await?;
    }
    Ok(())
}

struct File<'a> {
    connection: &'a mut Connection,
    lock: &'a mut Lock,
    name: &'a str,
    statements: &'a [Statement<'a>],
    /// Committed statements.
    done: usize,
    /// Behind a pooler, the settings of the file, which are repeated in each transaction.
    settings: Vec<String>,
}

impl File<'_> {
    async fn run(&mut self) -> Result<(), Error> {
        let (done, statements) = self.statements.split_at(self.done.min(self.statements.len()));
        for statement in done.iter().filter(|statement| statement.starts_with("set")) {
            self.set(statement).await?;
        }
        let mut in_transaction = false;
        for (index, statement) in statements.iter().enumerate() {
            let number = done.len() + index + 1;
            self.lock.check().await?;
            if in_transaction && statement.commits() {
                self.record(number).await?;
            }
            if let Some(index) = ConcurrentIndex::of(statement.text) {
                index.drop_if_invalid(self.connection).await?;
            }
            if let Err(error) = self.statement(statement, in_transaction).await {
                return Err(self.failed(statement, number, in_transaction, &error).await);
            }
            match in_transaction {
                _ if statement.begins() => in_transaction = true,
                true if statement.commits() || statement.starts_with("rollback") => {
                    in_transaction = false;
                    self.done = number;
                }
                true => {}
                // A setting lasts for the session, and the next run repeats it.
                false if statement.starts_with("set") => {}
                false => {
                    self.record(number).await?;
                    self.connection.finish().await?;
                    self.done = number;
                }
            }
        }
        if in_transaction {
            self.connection.run("rollback", false).await?;
            return Err(Error::Refused(format!("{}: a transaction is started but never committed", self.name)));
        }
        Ok(())
    }

    /// Behind a pooler, only statements that cannot run in a transaction run outside of one.
    async fn statement(&mut self, statement: &Statement<'_>, in_transaction: bool) -> Result<(), sqlx::Error> {
        let is_alone = !in_transaction && !statement.begins();
        if is_alone && statement.starts_with("set") {
            return self.set(statement).await;
        }
        if self.connection.is_pooled() && is_alone && !statement.is_concurrent() {
            self.connection.begin().await?;
            self.apply_settings().await?;
            return self.connection.run(statement.text, true).await;
        }
        let stays = statement.begins() || in_transaction && !statement.commits() && !statement.starts_with("rollback");
        self.connection.run(statement.text, stays).await?;
        if statement.begins() { self.apply_settings().await } else { Ok(()) }
    }

    async fn set(&mut self, statement: &Statement<'_>) -> Result<(), sqlx::Error> {
        if !self.connection.is_pooled() {
            return self.connection.run(statement.text, false).await;
        }
        let words = statement.text.split_whitespace().skip(1).skip_while(|word| word.eq_ignore_ascii_case("session"));
        self.settings.push(format!("set local {}", words.collect::<Vec<_>>().join(" ")));
        Ok(())
    }

    async fn apply_settings(&mut self) -> Result<(), sqlx::Error> {
        for setting in &self.settings {
            self.connection.run(setting, true).await?;
        }
        Ok(())
    }

    async fn record(&mut self, number: usize) -> Result<(), Error> {
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        sqlx::query("update cms.migration set statements = $2 where name = $1")
            .bind(self.name)
            .bind(number)
            .execute(&mut *self.connection)
            .await?;
        Ok(())
    }

    async fn failed(
        &mut self,
        statement: &Statement<'_>,
        number: usize,
        roll_back: bool,
        error: &sqlx::Error,
    ) -> Error {
        let mut failure = Failure {
            file: self.name.to_owned(),
            line: statement.line,
            statement: statement.text.to_owned(),
            number,
            of: self.statements.len(),
            done: self.done,
            code: String::new(),
            message: String::new(),
            detail: None,
            hint: None,
        };
        failure.describe(error);
        // Both prepare for the next run; the failure itself is reported in any case.
        if roll_back || self.connection.in_transaction() {
            let _ = self.connection.run("rollback", false).await;
        } else if let Some(index) = ConcurrentIndex::of(statement.text) {
            let _ = index.drop_if_invalid(self.connection).await;
        }
        failure.into()
    }
}

/// A concurrent build of an index: if it fails, it leaves an invalid index behind.
struct ConcurrentIndex {
    /// Schema and name, without quotes.
    schema: String,
    name: String,
}

impl ConcurrentIndex {
    fn of(sql: &str) -> Option<Self> {
        let lower = sql.to_ascii_lowercase();
        let mut words = lower.split_whitespace().peekable();
        words.next_if_eq(&"create")?;
        words.next_if_eq(&"unique");
        words.next_if_eq(&"index")?;
        words.next_if_eq(&"concurrently")?;
        if words.next_if_eq(&"if").is_some() {
            words.nth(1)?;
        }
        let name = words.next()?.trim_matches('"').to_owned();
        words.next_if_eq(&"on")?;
        let (schema, _) = words.next()?.split_once('.')?;
        Some(Self { schema: schema.trim_matches('"').to_owned(), name })
    }

    async fn drop_if_invalid(&self, connection: &mut Connection) -> Result<(), Error> {
        let find = "select format('drop index concurrently %I.%I', space.nspname, class.relname)
            from pg_index as idx
            join pg_class as class on class.oid = idx.indexrelid
            join pg_namespace as space on space.oid = class.relnamespace
            where not idx.indisvalid and space.nspname = $1 and class.relname = $2";
        let drop: Option<String> =
            sqlx::query_scalar(find).bind(&self.schema).bind(&self.name).fetch_optional(&mut *connection).await?;
        connection.finish().await?;
        if let Some(drop) = drop {
            connection.run(&drop, false).await?;
        }
        Ok(())
    }
}
