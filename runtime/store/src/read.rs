//! Planned reads: a selection becomes one statement for its root and one for each relation in it, whatever the number of
//! rows, and the rows become JSON.
//!
//! `selection` collects the fields of a document, `compile` makes a `plan` of them, `prepare` adds the arguments,
//! `load` runs the statements and `write` writes the answer. Nothing here reads another stage than the one it is told.

mod compile;
pub(crate) mod filter;
mod link;
pub(crate) mod load;
pub(crate) mod order;
mod plan;
mod prepare;
pub(crate) mod records;
mod root;
pub mod rows;
mod selection;
mod session;
pub(crate) mod source;
pub mod sql;
mod write;

use async_graphql::{Name, Pos};
use async_graphql_value::Value as Literal;
use futures_util::future::BoxFuture;
use serde_json::{Map, Value as Json};
use sqlx::postgres::PgRow;
use uuid::Uuid;

pub use root::Root;
pub use root::upper_first;
pub use selection::{Document, Selected};
pub use write::Written;

use crate::record::Entry;
use crate::value::Value;
use crate::{Stage, Store};
use base::error::{Problem, Result, Step};
use model::content::{ComputedInfo, ContentInfo};

/// Gives the arguments of fields their values.
pub trait Arguments: Send + Sync {
    /// Coerced as the schema has them, with defaults. Paths of problems start at the argument.
    fn coerce(&self, parent: &str, field: &str, given: &[(Name, Literal)]) -> Result<Map<String, Json>, Vec<Problem>>;
}

/// Has the values of computed fields.
pub trait Computes: Send + Sync {
    /// A value for each entry, in their order. Their rows have all fields but the lists that `ComputedInfo::with` does not name, which are
    /// null.
    fn compute<'a>(
        &'a self,
        scope: (&'a Store, Stage),
        info: &'a ContentInfo,
        field: &'a str,
        entries: Vec<Entry>,
    ) -> BoxFuture<'a, Result<Vec<Value>>>;
}

/// What a read needs beside its plan.
pub struct Request<'a> {
    pub store: &'a Store,
    pub arguments: &'a dyn Arguments,
    pub site: &'a dyn Computes,
    session: session::Session,
}

impl<'a> Request<'a> {
    pub fn new(store: &'a Store, arguments: &'a dyn Arguments, site: &'a dyn Computes) -> Self {
        Self { store, arguments, site, session: session::Session::default() }
    }

    async fn rows(&self, stage: Stage, sql: sql::Sql) -> Result<Vec<PgRow>> {
        self.rows_for(stage, sql, &[]).await
    }

    /// Rows of the statement for these ids.
    async fn rows_for(&self, stage: Stage, sql: sql::Sql, ids: &[Uuid]) -> Result<Vec<PgRow>> {
        self.session.rows(self.store, stage, sql.bind(ids)?).await
    }
}

/// A problem, and the field that it belongs to.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    pub problem: Problem,
    /// The response path of the field. Of one that was refused before anything was read, lists on the way have no index.
    pub path: Vec<Step>,
    pub pos: Pos,
}

/// The lists (by `snake`) that any of the computed fields reads, each once.
pub fn computed_with(fields: &[&'static ComputedInfo]) -> Vec<&'static str> {
    let mut with: Vec<_> = fields.iter().flat_map(|field| field.with).copied().collect();
    with.sort_unstable();
    with.dedup();
    with
}
