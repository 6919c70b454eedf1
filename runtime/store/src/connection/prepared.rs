//! Which statements a connection keeps prepared. The database keeps the plan of each: 26 kB for a small read, and 250 bytes per
//! character of a statement with filters through relations, measured with PostgreSQL 15.

use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArguments, PgStatement};
use sqlx::{Execute, Postgres, SqlStr};

/// How many statements a connection keeps, the most recently used ones: 3 MB of small ones.
pub const KEPT: usize = 128;
/// Longer statements are prepared each time, to bound the memory of a connection.
const LONGEST: usize = 4096;

pub struct Sent {
    pub sql: SqlStr,
    pub arguments: Option<PgArguments>,
    /// False behind a pooler, where the next database connection does not have the prepared statement.
    pub is_kept: bool,
}

impl Execute<'_, Postgres> for Sent {
    fn sql(self) -> SqlStr {
        self.sql
    }

    fn statement(&self) -> Option<&PgStatement> {
        None
    }

    fn take_arguments(&mut self) -> Result<Option<PgArguments>, BoxDynError> {
        Ok(self.arguments.take())
    }

    fn persistent(&self) -> bool {
        self.is_kept && self.sql.as_str().len() <= LONGEST
    }
}
