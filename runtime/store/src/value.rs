//! [`Value`] of [`model`], and its binding as a PostgreSQL parameter.

use sqlx::Arguments;
use sqlx::postgres::PgArguments;

pub use model::value::Value;

/// Binds the result of [`Value::text`]; the parameter's type stays `text`.
pub fn bind(value: &Value, column: usize, arguments: &mut PgArguments) -> Result<(), sqlx::Error> {
    arguments.add(value.text(column)).map_err(sqlx::Error::Encode)
}
