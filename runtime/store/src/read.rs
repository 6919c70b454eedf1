//! Planned reads: a plan is one statement for its root and one for each relation in it, for any number of rows.
//!
//! A protocol builds a `plan`, `prepare` adds the arguments and `load` runs the statements; the protocol then writes the
//! response from PostgreSQL's rows. A read uses only the stage that it is given.

pub mod aggregate;
pub mod asked;
pub(crate) mod filter;
pub mod link;
mod listing;
pub mod load;
pub mod order;
pub mod plan;
pub mod prepare;
pub(crate) mod records;
mod rows;
mod session;
pub(crate) mod source;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use self::asked::Asked;
use self::plan::Computing;
use self::session::Session;
use crate::args::Args;
use crate::record::Entry;
use crate::sql::Sql;
use crate::value::Value;
use crate::{Scope, Store};
use base::error::{Problem, Result};
use model::content::ContentInfo;

/// Provides the arguments of a plan's lists.
pub trait ListArguments: Send + Sync {
    /// The arguments of the list in this slot. Paths of problems start at the argument.
    fn of(&self, slot: usize) -> Result<Asked<'_>, Vec<Problem>>;
}

/// Computes the values of computed fields.
pub trait Computes: Send + Sync {
    /// Returns a value for each entry, in order. The rows have all fields except lists that `ComputedInfo::with` does not name; those are
    /// null.
    fn compute<'a>(
        &'a self,
        scope: Scope<'a>,
        info: &'a ContentInfo,
        field: &'a str,
        args: Args,
        entries: Vec<Entry>,
    ) -> BoxFuture<'a, Result<Vec<Value>>>;
}

/// The context of a read besides its plan.
pub struct Request<'a> {
    pub store: &'a Store,
    /// `None` for plans without computed fields.
    site: Option<&'a dyn Computes>,
    session: Arc<Session<'a>>,
}

impl<'a> Request<'a> {
    pub fn new(store: &'a Store, site: &'a dyn Computes) -> Self {
        Self { store, site: Some(site), session: Arc::default() }
    }

    /// A read by the site's own code.
    pub(crate) fn of_site(store: &'a Store, session: Arc<Session<'a>>) -> Self {
        Self { store, site: None, session }
    }

    pub(crate) async fn rows(&self, sql: Sql) -> Result<Vec<PgRow>> {
        self.rows_for(sql, &[]).await
    }

    /// Runs the statement for these ids.
    pub(crate) async fn rows_for(&self, sql: Sql, ids: &[Uuid]) -> Result<Vec<PgRow>> {
        self.session.rows(self.store, sql.bind(ids)?).await
    }
}

/// The lists (by `snake`) that the computed fields read, without duplicates.
pub fn computed_with(fields: &[Computing]) -> Vec<&'static str> {
    let mut with: Vec<_> = fields.iter().flat_map(|field| field.info.with).copied().collect();
    with.sort_unstable();
    with.dedup();
    with
}
