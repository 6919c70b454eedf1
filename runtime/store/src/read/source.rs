//! `Source`: where the statements of a read run.

use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::records::{self, Lists};
use super::sql::Sql;
use crate::id::Id;
use crate::record::{Content, from_entry};
use crate::{Connection, Stage, Store};
use base::error::{Error, Result};

/// Where the statements of a read run, and for whom.
pub enum Source<'a> {
    /// Each on a connection for reads.
    Pool(&'a Store),
    /// In a transaction.
    Within(&'a Store, &'a mut Connection),
}

impl Source<'_> {
    pub fn store(&self) -> &Store {
        match self {
            Self::Pool(store) | Self::Within(store, _) => store,
        }
    }

    /// Rows of the statement for these ids.
    pub async fn rows(&mut self, stage: Stage, sql: Sql, ids: &[Uuid]) -> Result<Vec<PgRow>> {
        let statement = sql.bind(ids)?;
        match self {
            Self::Pool(store) => statement.fetch(store, stage).await,
            Self::Within(store, connection) => statement.fetch_on(store, connection).await,
        }
    }

    pub(crate) async fn get<T: Content>(&mut self, stage: Stage, id: Id<T>) -> Result<Option<T>> {
        Ok(self.records(stage, &[id.uuid()], Lists::All).await?.pop())
    }

    pub(crate) async fn records<T: Content>(&mut self, stage: Stage, ids: &[Uuid], lists: Lists<'_>) -> Result<Vec<T>> {
        let entries = records::entries(self, stage, T::INFO, ids, lists).await?;
        entries.into_iter().map(from_entry).collect::<Result<_, _>>().map_err(Error::internal)
    }
}
