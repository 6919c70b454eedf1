//! `Sql`: a statement's text and its parameters, growing together.

use std::fmt::Write as _;

use sqlx::Arguments as _;
use sqlx::postgres::{PgArguments, PgRow};
use uuid::Uuid;

use crate::error::Result;
use crate::store::{Lent, Store};
use crate::value::Value;

/// The text depends on the shape of a query and never on the values in it, so that each connection prepares it once.
#[derive(Clone, Debug, Default)]
pub struct Sql {
    pub text: String,
    arguments: PgArguments,
    parameters: usize,
}

/// An identifier, which may be a word that SQL keeps for itself.
pub fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}

impl Sql {
    pub fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// `$3::bigint`, bound to one column of the value.
    pub fn value(&mut self, value: &Value, column: usize, cast: &str) -> Result<&mut Self> {
        value.bind(column, &mut self.arguments)?;
        self.parameters += 1;
        let _ = write!(self.text, "${}::{cast}", self.parameters);
        Ok(self)
    }

    /// The place where [`Sql::fetch`] binds ids; nothing can be bound after it.
    pub fn ids(&mut self) -> &mut Self {
        let _ = write!(self.text, "${}::uuid[]", self.parameters + 1);
        self
    }

    /// The statement with these ids bound at [`Sql::ids`].
    pub fn with_ids(mut self, ids: &[Uuid]) -> Result<Self> {
        self.arguments.add(ids).map_err(sqlx::Error::Encode)?;
        Ok(self)
    }

    /// Rows of the statement, with these ids bound at [`Sql::ids`].
    pub async fn fetch_for(self, store: &Store, ids: &[Uuid]) -> Result<Vec<PgRow>> {
        self.with_ids(ids)?.fetch(store).await
    }

    pub async fn fetch(self, store: &Store) -> Result<Vec<PgRow>> {
        store.rows(self.text, self.arguments).await
    }

    pub async fn fetch_on(self, store: &Store, lent: &mut Lent) -> Result<Vec<PgRow>> {
        store.rows_on(lent, self.text, self.arguments).await
    }
}
