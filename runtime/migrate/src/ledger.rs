//! The migrations applied to a database: the rows of `cms.migration`, compared with the migration files.

use std::fmt;

use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, Row};

use super::{Error, Migrations, system};
use store::Connection;

/// All migration files, and all migrations in the database that have no file.
#[derive(Debug)]
pub struct Status {
    pub files: Vec<(String, State)>,
    /// The catalog of the database, if it has one.
    pub catalog: Option<String>,
    /// It is the catalog of the files.
    pub is_current: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// When it was finished, in UTC.
    Applied {
        at: String,
    },
    /// It stopped after some statements.
    Unfinished {
        statements: usize,
        error: Option<String>,
    },
    /// It stopped after some statements and its file was changed since: the remaining statements are different ones.
    Halfway {
        statements: usize,
    },
    Pending,
    /// Applied, but its file was changed since.
    Edited,
    /// Applied, but there is no file.
    Unknown,
}

pub fn checksum(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads the ledger; without one, no migration has been applied.
pub async fn status(connection: &mut Connection, migrations: &Migrations<'_>) -> Result<Status, Error> {
    let exists: bool = sqlx::query_scalar(AssertSqlSafe(
        "select to_regclass('cms.migration') is not null and to_regclass('cms.catalog') is not null",
    ))
    .fetch_one(&mut *connection)
    .await?;
    let mut rows = Vec::new();
    let mut catalog = None;
    if exists {
        let columns = "name, checksum, statements, error, to_char(finished_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') as at";
        let ledger = format!("select {columns} from cms.migration order by name");
        rows = sqlx::query(AssertSqlSafe(ledger)).fetch_all(&mut *connection).await?;
        catalog = sqlx::query_scalar("select hash from cms.catalog").fetch_optional(&mut *connection).await?;
    }
    let known = migrations.all();
    let mut files: Vec<(String, State)> = known.iter().map(|(name, _)| ((*name).to_owned(), State::Pending)).collect();
    for row in rows {
        let name: String = row.try_get("name")?;
        let Some(index) = known.iter().position(|(file, _)| *file == name) else {
            let (at, statements): (Option<String>, i64) = (row.try_get("at")?, row.try_get("statements")?);
            match at {
                Some(_) => files.push((name, State::Unknown)),
                // None of its statements has been applied.
                None if statements == 0 => {}
                None => {
                    files.push((name, State::Halfway { statements: usize::try_from(statements).unwrap_or_default() }))
                }
            }
            continue;
        };
        let sum: String = row.try_get("checksum")?;
        let statements: i64 = row.try_get("statements")?;
        files[index].1 = match row.try_get("at")? {
            Some(_) if sum != checksum(known[index].1) => State::Edited,
            Some(at) => State::Applied { at },
            None if statements > 0 && sum != checksum(known[index].1) => {
                State::Halfway { statements: usize::try_from(statements).unwrap_or_default() }
            }
            None => State::Unfinished {
                statements: usize::try_from(statements).unwrap_or_default(),
                error: row.try_get("error")?,
            },
        };
    }
    let done = files.iter().all(|(_, state)| matches!(state, State::Applied { .. }));
    let is_current = done && catalog.as_deref() == Some(migrations.catalog);
    Ok(Status { files, catalog, is_current })
}

/// Why neither a server nor a migration can continue with these files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacle {
    pub why: String,
    /// What a person can do about it; no command can.
    pub mend: String,
}

impl Obstacle {
    fn new(why: String, mend: impl Into<String>) -> Self {
        Self { why, mend: mend.into() }
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.why, self.mend)
    }
}

impl Status {
    /// The obstacle to continuing with these files, if there is one.
    pub fn obstacle(&self) -> Option<Obstacle> {
        let names = |wanted: fn(&State) -> bool| {
            let files = self.files.iter().filter(|(_, state)| wanted(state));
            files.map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ")
        };
        let unknown = names(|state| *state == State::Unknown);
        if !unknown.is_empty() {
            let why = format!("the database is ahead of this build: it has had {unknown}");
            return Some(Obstacle::new(why, "start the newer build that has it"));
        }
        let halfway = names(|state| matches!(state, State::Halfway { .. }));
        if !halfway.is_empty() {
            let why = format!("{halfway} stopped halfway, and its file has changed since or is missing");
            return Some(Obstacle::new(
                why,
                "restore the file and run it to its end, or restore the database from a backup",
            ));
        }
        let edited = names(|state| *state == State::Edited);
        if !edited.is_empty() {
            let why = format!("{edited} was changed after it was applied");
            return Some(Obstacle::new(why, "restore the file, and make the change in the next migration"));
        }
        let (late, applied) = self.files.iter().enumerate().find_map(|(index, (name, state))| {
            let applied = |(other, state): &&(String, State)| {
                matches!(state, State::Applied { .. }) && system::same_row(name, other)
            };
            let (applied, _) = self.files[index..].iter().rfind(applied).filter(|_| *state == State::Pending)?;
            Some((name, applied))
        })?;
        let why = format!("{late} comes before {applied}, which is already applied");
        Some(Obstacle::new(why, "give it the next number"))
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, state) in &self.files {
            match state {
                State::Applied { at } => writeln!(f, "  applied     {name}  {at}")?,
                State::Unfinished { statements, error } => {
                    writeln!(f, "  unfinished  {name}  after {statements} statements")?;
                    if let Some(error) = error {
                        writeln!(f, "              {error}")?;
                    }
                }
                State::Halfway { statements } => {
                    writeln!(f, "  halfway     {name}  after {statements} statements  (changed since, or missing)")?;
                }
                State::Pending => writeln!(f, "  pending     {name}")?,
                State::Edited => writeln!(f, "  edited      {name}  (changed after it was applied)")?,
                State::Unknown => writeln!(f, "  unknown     {name}  (applied by a newer binary)")?,
            }
        }
        match (self.obstacle(), self.is_current) {
            (Some(obstacle), _) => write!(f, "{obstacle}"),
            (None, true) => write!(f, "the database is current"),
            (None, false) => write!(f, "run `typecase migrate`"),
        }
    }
}
