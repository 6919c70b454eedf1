//! Which statements a connection keeps prepared. The database keeps the plan of each: 26 kB for a small read, a quarter of a kilobyte
//! for each letter of one with filters through relations, measured with PostgreSQL 15.

use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArguments, PgStatement};
use sqlx::{Execute, Postgres, SqlStr};

/// Statements that a connection keeps, those that were used last: 3 MB of small ones.
pub const KEPT: usize = 128;
/// Longer ones are prepared each time, so that a connection keeps no more than they would take.
const LONGEST: usize = 4096;

pub struct Sent {
    pub sql: SqlStr,
    pub arguments: Option<PgArguments>,
    /// Behind a pooler what is prepared on one connection of the database is not there on the next.
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
