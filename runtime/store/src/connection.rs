//! `Connection`: a PostgreSQL connection that tracks whether the last response was read completely. Every statement has a timeout.

mod answer;
mod login;
mod prepared;
pub(crate) mod slow;

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt, StreamExt, TryFutureExt, TryStreamExt};
use sqlx::postgres::{PgArguments, PgDatabaseError, PgQueryResult, PgRow, PgSeverity, PgStatement, PgTypeInfo};
use sqlx::{AssertSqlSafe, Connection as _, Either, Executor, PgConnection, Postgres, SqlStr};
use uuid::Uuid;

use self::answer::Answer;
pub(super) use self::answer::{run_out, timed_out};
use self::prepared::Sent;

pub use self::login::{Login, Way};
use super::bell::Bell;
use super::generations::{Changed, Generations};
use super::pulse::Pulse;
use base::error::sqlstate;
use model::content::ContentInfo;

type Step = Result<Either<PgQueryResult, PgRow>, sqlx::Error>;

/// Executes SQL like sqlx's own connection.
#[derive(Debug)]
pub struct Connection {
    inner: PgConnection,
    state: State,
    in_transaction: bool,
    /// The number of open savepoints.
    parts: u32,
    /// Begins each transaction behind a connection pooler, where nothing runs outside of a transaction.
    setup: Option<Arc<str>>,
    /// Rung when the current transaction is committed.
    bells: Vec<Bell>,
    generations: Arc<Generations>,
    /// The published entries that the current transaction has changed.
    changed: Changed,
    pub(super) patience: Patience,
    pub(super) made: Instant,
}

/// The state that the last statement left the connection in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Answered,
    /// A statement was abandoned before its response was complete.
    Asked,
    /// The connection is unusable.
    Lost,
}

/// How long to wait for a response.
#[derive(Clone, Debug, Default)]
pub struct Patience {
    /// Longer than the database's own statement timeout.
    pub statement: Option<Duration>,
    /// Checked when a statement takes long, since the network may be down.
    pub pulse: Option<Arc<Pulse>>,
    /// The database process of the connection, if it is always the same.
    pub backend: Option<i32>,
}

impl Connection {
    pub fn state(&self) -> State {
        self.state
    }

    pub fn in_transaction(&self) -> bool {
        self.in_transaction
    }

    /// Whether a pooler is in between; session settings can then get lost.
    pub fn is_pooled(&self) -> bool {
        self.setup.is_some()
    }

    pub async fn begin(&mut self) -> Result<(), sqlx::Error> {
        let begin = match &self.setup {
            None => SqlStr::from_static("begin"),
            Some(setup) => sqlx::SqlSafeStr::into_sql_str(AssertSqlSafe(Arc::clone(setup))),
        };
        self.begin_with(begin).await
    }

    /// Begins a transaction whose reads all see the database at the moment of the first.
    pub async fn begin_snapshot(&mut self) -> Result<(), sqlx::Error> {
        let begin = match &self.setup {
            None => SqlStr::from_static("begin isolation level repeatable read, read only"),
            Some(setup) => sqlx::SqlSafeStr::into_sql_str(AssertSqlSafe(format!(
                "{setup}; set transaction isolation level repeatable read, read only"
            ))),
        };
        self.begin_with(begin).await
    }

    async fn begin_with(&mut self, begin: SqlStr) -> Result<(), sqlx::Error> {
        self.bells.clear();
        self.changed.clear();
        self.parts = 0;
        self.command(begin).await?;
        self.in_transaction = true;
        Ok(())
    }

    /// Who does the same waits until this transaction ends, so that what is counted now holds. Behind all other locks of the transaction.
    pub async fn alone_at(&mut self, what: &str) -> Result<(), sqlx::Error> {
        let sql = "select pg_advisory_xact_lock(hashtextextended($1, 0))";
        sqlx::query(sql).bind(format!("typecase.{what}")).execute(self).await?;
        Ok(())
    }

    /// Begins a part of the transaction that can be undone alone.
    pub(crate) async fn begin_part(&mut self) -> Result<(), sqlx::Error> {
        self.parts += 1;
        self.run("savepoint part", true).await
    }

    pub(crate) async fn end_part(&mut self) -> Result<(), sqlx::Error> {
        self.run("release savepoint part", true).await?;
        self.parts = self.parts.saturating_sub(1);
        Ok(())
    }

    pub(crate) async fn undo_part(&mut self) -> Result<(), sqlx::Error> {
        self.run("rollback to savepoint part; release savepoint part", true).await?;
        self.parts = self.parts.saturating_sub(1);
        Ok(())
    }

    /// Must be called before a commit. A part that has not ended was abandoned, for example by a timeout in the site's code: the commit
    /// would keep half of its writes. A commit is also refused after a statement whose response was not read.
    pub fn check_whole(&self) -> base::error::Result<()> {
        match (self.parts, self.state) {
            (0, State::Answered | State::Lost) => Ok(()),
            _ => {
                Err(base::error::Error::internal("a read or a write was abandoned, so its transaction was rolled back"))
            }
        }
    }

    /// Rolls back to a savepoint, including parts that have not ended.
    pub async fn undo_to(&mut self, savepoint: &str) -> Result<(), sqlx::Error> {
        self.run(&format!("rollback to savepoint {savepoint}"), true).await?;
        self.parts = 0;
        Ok(())
    }

    /// Rings the bell after the commit, if this transaction creates work for a background task.
    pub fn ring_at_commit(&mut self, bell: &Bell) {
        if !self.bells.iter().any(|known| known.is(bell)) {
            self.bells.push(bell.clone());
        }
    }

    /// Says that the transaction changes these entries where they are published, so that no cached response shows them as they were.
    pub(crate) fn changes(&mut self, info: &ContentInfo, entries: &[Uuid]) {
        self.changed.add(info, entries);
    }

    /// The same, where it is not known which entries of the type are changed.
    pub(crate) fn changes_any(&mut self, info: &ContentInfo) {
        self.changed.add_all(info);
    }

    pub async fn commit(&mut self) -> Result<(), sqlx::Error> {
        let lease = self.generations.lease(std::mem::take(&mut self.changed));
        let told = match Box::pin(lease.tell(self)).await {
            Ok(told) => told,
            Err(error) => {
                // Nothing was committed.
                lease.settle();
                return Err(error);
            }
        };
        let committed = self.command(SqlStr::from_static("commit")).await;
        // If the future is dropped or the connection is lost, the database may still commit.
        if committed.is_ok() || self.state == State::Answered {
            if let Some(told) = told {
                Box::pin(told.end()).await;
            }
            lease.settle();
        }
        committed?;
        self.in_transaction = false;
        self.bells.drain(..).for_each(|bell| bell.ring());
        Ok(())
    }

    /// Rolls back. A lost connection is rolled back by the database.
    pub async fn rollback(&mut self) -> Result<(), sqlx::Error> {
        if self.state != State::Answered {
            return Ok(());
        }
        self.bells.clear();
        self.changed.clear();
        self.command(SqlStr::from_static("rollback")).await?;
        self.in_transaction = false;
        Ok(())
    }

    /// Commits a transaction that was begun only because of a pooler.
    pub async fn finish(&mut self) -> Result<(), sqlx::Error> {
        if self.is_pooled() && self.in_transaction { self.commit().await } else { Ok(()) }
    }

    /// Like [`Self::finish`], but rolls back after a failed statement.
    pub async fn give_up(&mut self) -> Result<(), sqlx::Error> {
        if self.is_pooled() && self.in_transaction { self.rollback().await } else { Ok(()) }
    }

    /// Runs SQL that may begin or end a transaction; `in_transaction` is the state after it.
    pub async fn run(&mut self, sql: &str, in_transaction: bool) -> Result<(), sqlx::Error> {
        self.command(sqlx::SqlSafeStr::into_sql_str(AssertSqlSafe(sql))).await?;
        self.in_transaction = in_transaction;
        Ok(())
    }

    /// Weighs each row as it arrives. If one exceeds the limit, reading stops and the connection is not used again.
    pub async fn rows(
        &mut self,
        sql: String,
        arguments: PgArguments,
        mut weigh: impl FnMut(&PgRow) -> base::error::Result<()>,
    ) -> base::error::Result<Vec<PgRow>> {
        let sql: Arc<str> = sql.into();
        let mut coming = self.fetch((AssertSqlSafe(sql), Some(arguments)));
        let mut rows = Vec::new();
        while let Some(row) = coming.try_next().await? {
            weigh(&row)?;
            rows.push(row);
        }
        Ok(rows)
    }

    /// Runs the cheapest statement that gets a response.
    pub async fn ping(&mut self) -> Result<(), sqlx::Error> {
        self.command(SqlStr::from_static("select 1")).await
    }

    pub async fn close(self) -> Result<(), sqlx::Error> {
        self.inner.close().await
    }

    async fn command(&mut self, sql: SqlStr) -> Result<(), sqlx::Error> {
        self.ask(sql, None).try_for_each(|_| async { Ok(()) }).await
    }

    fn ask(&mut self, sql: SqlStr, arguments: Option<PgArguments>) -> BoxStream<'_, Step> {
        if self.state != State::Answered {
            return stream::once(async { Err(gone()) }).boxed();
        }
        let text = sql.clone();
        self.state = State::Asked;
        let rows = self.inner.fetch_many(Sent { sql, arguments, is_kept: self.setup.is_none() });
        Answer::new(rows, &mut self.state, text, &self.patience).boxed()
    }
}

impl State {
    /// The state after an error.
    pub(super) fn after(error: &sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(refusal) => {
                let refusal = refusal.try_downcast_ref::<PgDatabaseError>();
                let is_end = |refusal: &PgDatabaseError| {
                    matches!(refusal.severity(), PgSeverity::Fatal | PgSeverity::Panic)
                        || sqlstate::is_of_connection(refusal.code())
                };
                if refusal.is_none_or(is_end) { Self::Lost } else { Self::Answered }
            }
            // Nothing was sent.
            sqlx::Error::Encode(_) => Self::Answered,
            _ => Self::Lost,
        }
    }
}

fn gone() -> sqlx::Error {
    std::io::Error::new(std::io::ErrorKind::NotConnected, "the connection was lost earlier").into()
}

impl<'c> Executor<'c> for &'c mut Connection {
    type Database = Postgres;

    fn fetch_many<'e, 'q, E>(self, mut query: E) -> BoxStream<'e, Step>
    where
        'c: 'e,
        'q: 'e,
        E: 'q + sqlx::Execute<'q, Postgres>,
    {
        let arguments = query.take_arguments();
        let sql = query.sql();
        let arguments = match arguments {
            Ok(arguments) => arguments,
            Err(error) => return stream::once(async { Err(sqlx::Error::Encode(error)) }).boxed(),
        };
        if self.is_pooled() && !self.in_transaction {
            let begun = async move {
                self.begin().await?;
                Ok(self.ask(sql, arguments))
            };
            return begun.try_flatten_stream().boxed();
        }
        self.ask(sql, arguments)
    }

    fn fetch_optional<'e, 'q, E>(self, query: E) -> BoxFuture<'e, Result<Option<PgRow>, sqlx::Error>>
    where
        'c: 'e,
        'q: 'e,
        E: 'q + sqlx::Execute<'q, Postgres>,
    {
        first_row(self.fetch_many(query)).boxed()
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [PgTypeInfo],
    ) -> BoxFuture<'e, Result<PgStatement, sqlx::Error>>
    where
        'c: 'e,
    {
        self.inner.prepare_with(sql, parameters)
    }
}

/// Reads to the end of the response, since an error can follow the row.
pub(super) async fn first_row(mut steps: BoxStream<'_, Step>) -> Result<Option<PgRow>, sqlx::Error> {
    let mut first = None;
    while let Some(step) = steps.try_next().await? {
        if let (Either::Right(row), None) = (step, &first) {
            first = Some(row);
        }
    }
    Ok(first)
}
