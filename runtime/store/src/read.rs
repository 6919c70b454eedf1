//! Planned reads: a plan is one statement for its root and one for each relation in it, whatever the number of rows.
//!
//! A protocol makes a `plan`, `prepare` adds the arguments, `load` runs the statements; the protocol writes the answer from
//! PostgreSQL's rows. Nothing here reads another stage than the one it is told.

pub mod asked;
pub(crate) mod filter;
pub mod link;
pub mod load;
pub mod order;
pub mod plan;
pub mod prepare;
pub(crate) mod records;
mod rows;
mod session;
pub(crate) mod source;

use futures_util::future::BoxFuture;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use self::asked::Asked;
use crate::record::Entry;
use crate::sql::Sql;
use crate::value::Value;
use crate::{Connection, Scope, Store};
use base::error::{Problem, Result};
use model::content::{ComputedInfo, ContentInfo};

/// Gives the lists of a plan their arguments.
pub trait ListArguments: Send + Sync {
    /// Of the list in this slot. Paths of problems start at the argument.
    fn of(&self, slot: usize) -> Result<Asked<'_>, Vec<Problem>>;
}

/// Has the values of computed fields.
pub trait Computes: Send + Sync {
    /// A value for each entry, in their order. Their rows have all fields but the lists that `ComputedInfo::with` does not name, which are
    /// null.
    fn compute<'a>(
        &'a self,
        scope: Scope<'a>,
        info: &'a ContentInfo,
        field: &'a str,
        entries: Vec<Entry>,
    ) -> BoxFuture<'a, Result<Vec<Value>>>;
}

/// What a read needs beside its plan.
pub struct Request<'a> {
    pub store: &'a Store,
    /// `None` for plans without computed fields.
    site: Option<&'a dyn Computes>,
    session: session::Session<'a>,
}

impl<'a> Request<'a> {
    pub fn new(store: &'a Store, site: &'a dyn Computes) -> Self {
        Self { store, site: Some(site), session: session::Session::default() }
    }

    /// For the site's own code: in its transaction, or without one.
    pub(crate) fn of_site(store: &'a Store, within: Option<&'a mut Connection>) -> Self {
        Self { store, site: None, session: session::Session::within(within) }
    }

    async fn rows(&self, sql: Sql) -> Result<Vec<PgRow>> {
        self.rows_for(sql, &[]).await
    }

    /// Rows of the statement for these ids.
    async fn rows_for(&self, sql: Sql, ids: &[Uuid]) -> Result<Vec<PgRow>> {
        self.session.rows(self.store, sql.bind(ids)?).await
    }
}

/// The lists (by `snake`) that any of the computed fields reads, each once.
pub fn computed_with(fields: &[&'static ComputedInfo]) -> Vec<&'static str> {
    let mut with: Vec<_> = fields.iter().flat_map(|field| field.with).copied().collect();
    with.sort_unstable();
    with.dedup();
    with
}
