//! Reads of the API: a selection becomes a plan of what is read and the shape of the answer, and PostgreSQL's rows become
//! JSON in the order of the selection.
//!
//! `selection` collects the fields of a document, `lower` makes a plan and a `shape` of them, `root` has the plan run and `write` writes
//! the answer.

mod lists;
mod lower;
mod root;
mod selection;
mod shape;
mod weigh;
mod write;

use async_graphql::{Name, Pos};
use async_graphql_value::Value as Literal;
use serde_json::{Map, Value as Json};

pub use root::Root;
pub use selection::{Document, Selected};
pub use write::Written;

use base::error::{Problem, Result, Step};
use store::Store;
use store::read::Computes;

/// Gives the arguments of fields their values.
pub trait Arguments: Send + Sync {
    /// Coerced as the schema has them, with defaults. Paths of problems start at the argument.
    fn coerce(&self, parent: &str, field: &str, given: &[(Name, Literal)]) -> Result<Map<String, Json>, Vec<Problem>>;
}

/// What a root field needs to be read.
pub struct Request<'a> {
    pub read: store::read::Request<'a>,
    pub arguments: &'a dyn Arguments,
}

impl<'a> Request<'a> {
    pub fn new(store: &'a Store, arguments: &'a dyn Arguments, site: &'a dyn Computes) -> Self {
        Self { read: store::read::Request::new(store, site), arguments }
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
