//! stub
use crate::content::SchemaInfo;
use crate::error::Result;
pub async fn check(_: &sqlx::PgPool, _: &'static SchemaInfo) -> Result<()> { Ok(()) }
pub async fn command(_: &str, _: &'static SchemaInfo, _: bool) -> Result<()> { Ok(()) }
