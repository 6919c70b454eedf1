//! `Source`: where the statements of a read run, and in which scope.

use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::Request;
use super::records::{self, Lists};
use crate::id::Id;
use crate::record::{Content, from_entry};
use crate::sql::Sql;
use crate::{Connection, Scope};
use base::error::{Error, Result};

pub struct Source<'a> {
    pub scope: Scope<'a>,
    /// The connection of a transaction; otherwise each statement takes one for reads.
    within: Option<&'a mut Connection>,
}

impl<'a> Source<'a> {
    pub fn pool(scope: Scope<'a>) -> Self {
        Self { scope, within: None }
    }

    pub fn within(scope: Scope<'a>, connection: &'a mut Connection) -> Self {
        Self { scope, within: Some(connection) }
    }

    /// The request for the statements of a plan.
    pub fn request(&mut self) -> Request<'_> {
        Request::of_site(self.scope.store, self.within.as_deref_mut())
    }

    /// Runs the statement for these ids.
    pub async fn rows(&mut self, sql: Sql, ids: &[Uuid]) -> Result<Vec<PgRow>> {
        let (statement, store) = (sql.bind(ids)?, self.scope.store);
        match &mut self.within {
            None => statement.fetch(store).await,
            Some(connection) => statement.fetch_on(store, connection).await,
        }
    }

    pub(crate) async fn get<T: Content>(&mut self, id: Id<T>) -> Result<Option<T>> {
        Ok(self.records(&[id.uuid()], Lists::All).await?.pop())
    }

    pub(crate) async fn records<T: Content>(&mut self, ids: &[Uuid], lists: Lists<'_>) -> Result<Vec<T>> {
        let entries = records::entries(self, T::INFO, ids, lists).await?;
        entries.into_iter().map(from_entry).collect::<Result<_, _>>().map_err(Error::internal)
    }
}
