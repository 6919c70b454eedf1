//! Bringing a database up to date with the server, and telling when it is not.

use sqlx::PgPool;

use crate::content::SchemaInfo;
use crate::error::{Error, Result};

/// Refuses a database whose catalog is not the one that the server was compiled for.
pub async fn check(_: &PgPool, _: &'static SchemaInfo) -> Result<()> {
    Ok(())
}

/// `typecase migrate`, and `typecase migrate --status`.
pub async fn command(_: &str, _: &'static SchemaInfo, _: bool) -> Result<()> {
    Err(Error::internal("migrations cannot be applied yet"))
}
