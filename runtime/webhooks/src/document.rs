//! `Documents`: runs the GraphQL documents of webhooks, which this crate knows nothing of.

use futures_util::future::BoxFuture;
use serde_json::{Map, Value as Json};
use uuid::Uuid;

/// A document and what it is asked about.
#[derive(Clone, Debug)]
pub struct Asked {
    pub webhook: Uuid,
    pub document: String,
    /// `None` for `anonymous`.
    pub role: Option<String>,
    pub variables: Map<String, Json>,
}

pub trait Documents: Send + Sync {
    /// Its `data`; an error of any of its fields is an error of all.
    fn answer(&self, asked: Asked) -> BoxFuture<'_, Result<Json, String>>;
}
