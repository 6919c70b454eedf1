//! Why a migration failed, and what to do about it.

use sqlx::postgres::PgDatabaseError;

use super::ledger::Obstacle;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the database does not answer: {}", base::cause::of_database(.0))]
    Database(#[from] sqlx::Error),
    /// The files do not match the database; nothing was done.
    #[error("{0}")]
    Refused(String),
    /// As `Refused`, but migrating does not help.
    #[error("{0}")]
    Obstructed(Obstacle),
    #[error("{0}")]
    Failed(Box<Failure>),
}

impl Error {
    /// An error that PostgreSQL reports about the rows; `None` for any other.
    pub fn refused_by_rows(error: &sqlx::Error) -> Option<Self> {
        let hint = "the migration does not fit the rows of the database, which stays as it is";
        let message = error.as_database_error()?.message();
        Some(Self::Refused(format!(
            "{message}\n  = note: {hint}\n  = help: correct the rows through the API and save any file, or take the change back"
        )))
    }
}

/// A statement that PostgreSQL refused.
#[derive(Debug)]
pub struct Failure {
    pub file: String,
    pub line: usize,
    pub statement: String,
    /// Its number, from 1, and the number of statements.
    pub number: usize,
    pub of: usize,
    /// Statements of the file that are committed.
    pub done: usize,
    pub code: String,
    pub message: String,
    pub detail: Option<String>,
    pub hint: Option<String>,
}

impl Failure {
    /// Another session held a lock for too long; a retry may succeed soon.
    pub fn is_locked(&self) -> bool {
        self.code == "55P03" || self.code == "40P01"
    }

    pub fn describe(&mut self, error: &sqlx::Error) {
        let database = error.as_database_error().and_then(|error| error.try_downcast_ref::<PgDatabaseError>());
        match database {
            Some(error) => {
                self.code = error.code().to_owned();
                self.message = error.message().to_owned();
                self.detail = error.detail().map(str::to_owned);
                self.hint = error.hint().map(str::to_owned);
            }
            None => self.message = error.to_string(),
        }
    }

    fn advice(&self) -> &'static str {
        match self.code.as_str() {
            "55P03" | "40P01" => {
                "another session holds a lock on the table; run `typecase migrate` again when it is done"
            }
            "57014" => {
                "it took longer than statement_timeout; run `typecase migrate` again when the database is less busy"
            }
            "23505" => {
                "values that must be unique occur more than once; change them, then run `typecase migrate` again"
            }
            "23502" => "rows lack a value that is required; give them one, then run `typecase migrate` again",
            "23503" => "rows refer to entries that do not exist; correct them, then run `typecase migrate` again",
            "23514" => "rows break a rule of the current schema; change them, then run `typecase migrate` again",
            "22P02" | "22003" | "22007" | "22008" | "22023" => {
                "a stored value does not fit its new type; change it, then run `typecase migrate` again"
            }
            "54000" => {
                "a stored text is too long for an index (2500 bytes fit), or an entry has too many filled fields for a row (8160 bytes fit); shorten it, then run `typecase migrate` again"
            }
            // A dropped column keeps its number for as long as the table exists.
            "54011" => {
                "columns that were dropped count until the table is made anew: dump and restore the database (`pg_dump`, `pg_restore`), then run `typecase migrate` again"
            }
            "42501" => "the database user must own the tables; migrate as their owner",
            _ => "remove the cause, then run `typecase migrate` again",
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{}:{}: statement {} of {} failed: {}", self.file, self.line, self.number, self.of, self.message)?;
        for line in self.statement.lines().take(6) {
            writeln!(f, "    {line}")?;
        }
        for extra in [&self.detail, &self.hint].into_iter().flatten() {
            writeln!(f, "  = note: {extra}")?;
        }
        match self.done {
            0 => writeln!(f, "  = note: nothing in this file was executed")?,
            done => {
                writeln!(f, "  = note: the first {done} statements were executed; the next run continues after them")?
            }
        }
        write!(f, "  = help: {}", self.advice())
    }
}

/// Shown to whoever migrates or starts a server, so nothing is hidden.
impl From<Error> for base::error::Error {
    fn from(error: Error) -> Self {
        Self::new(base::error::Code::Internal, error.to_string())
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self::Failed(Box::new(failure))
    }
}
