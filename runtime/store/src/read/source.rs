//! `Source`: where the statements of a read run, and in which scope.

use std::sync::Arc;

use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::Request;
use super::records::{self, Lists};
use super::session::Session;
use crate::id::Id;
use crate::record::{Content, from_entry};
use crate::sql::Sql;
use crate::{Connection, Scope};
use base::error::{Error, Result};

pub struct Source<'a, 'c> {
    pub scope: Scope<'a>,
    session: Arc<Session<'c>>,
}

impl<'a, 'c> Source<'a, 'c> {
    pub fn pool(scope: Scope<'a>) -> Self {
        Self { scope, session: Arc::default() }
    }

    pub fn within(scope: Scope<'a>, connection: &'c mut Connection) -> Self {
        Self { scope, session: Arc::new(Session::within(connection)) }
    }

    /// The same connection, and what it sees, as another part of the read.
    pub(super) fn sharing(scope: Scope<'a>, session: &Arc<Session<'c>>) -> Self {
        Self { scope, session: Arc::clone(session) }
    }

    pub fn expect_several(&self) {
        self.session.expect_several();
    }

    /// The request for the statements of a plan.
    pub fn request(&self) -> Request<'c>
    where
        'a: 'c,
    {
        Request::of_site(self.scope.store, Arc::clone(&self.session))
    }

    /// Runs the statement for these ids.
    pub async fn rows(&mut self, sql: Sql, ids: &[Uuid]) -> Result<Vec<PgRow>> {
        self.session.rows(self.scope.store, sql.bind(ids)?).await
    }

    pub(crate) async fn get<T: Content>(&mut self, id: Id<T>) -> Result<Option<T>> {
        self.expect_several();
        Ok(self.records(&[id.uuid()], Lists::All).await?.pop())
    }

    pub(crate) async fn records<T: Content>(&mut self, ids: &[Uuid], lists: Lists<'_>) -> Result<Vec<T>> {
        let entries = records::entries(self, T::INFO, ids, lists).await?;
        entries.into_iter().map(from_entry).collect::<Result<_, _>>().map_err(Error::internal)
    }
}
