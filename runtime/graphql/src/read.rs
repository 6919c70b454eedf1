//! Reads of the API: a selection becomes a plan and the shape of the response, and PostgreSQL's rows become JSON in the
//! order of the selection.
//!
//! `selection` collects the fields of a document, `lower` makes a plan and a `shape` of them, `root` runs the plan.
//! `write` writes the response.

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

pub use root::{Root, stage};
pub use selection::{Document, Selected};
pub use write::Written;

use base::error::{Problem, Result, Step};
use store::Store;
use store::read::Computes;

/// Coerces the arguments of fields.
pub trait Arguments: Send + Sync {
    /// The coerced arguments with defaults. Paths of problems start at the argument.
    fn coerce(&self, parent: &str, field: &str, given: &[(Name, Literal)]) -> Result<Map<String, Json>, Vec<Problem>>;
}

/// The context of a root field's read.
pub struct Request<'a> {
    pub read: store::read::Request<'a>,
    pub arguments: &'a dyn Arguments,
}

impl<'a> Request<'a> {
    pub fn new(store: &'a Store, arguments: &'a dyn Arguments, site: &'a dyn Computes) -> Self {
        Self { read: store::read::Request::new(store, site), arguments }
    }
}

/// A problem and its field.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    pub problem: Problem,
    /// The response path of the field. If it was rejected before anything was read, lists have no index.
    pub path: Vec<Step>,
    pub pos: Pos,
}
