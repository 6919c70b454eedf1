//! [`Value`] as [`model`] has it, and how it goes to PostgreSQL.

use sqlx::Arguments;
use sqlx::postgres::PgArguments;

pub use model::value::Value;

/// Binds the text of [`Value::text`], with the parameter's type left at `text`.
pub fn bind(value: &Value, column: usize, arguments: &mut PgArguments) -> Result<(), sqlx::Error> {
    arguments.add(value.text(column)).map_err(sqlx::Error::Encode)
}
