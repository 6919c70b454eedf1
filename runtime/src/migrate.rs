//! Takes a database through the migrations that the binary brings along, and tells whether it has had them.
//!
//! One connection, one advisory lock: started several times at once, one does the work and the others find it done.

mod error;
mod ledger;
pub mod public_login;
pub mod public_role;
mod rework;
mod run;
pub mod split;
mod system;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Executor, PgConnection, PgPool};

use crate::content::SchemaInfo;

pub use error::{Error, Failure};
pub use ledger::{Obstacle, State, Status};
pub use public_role::PublicRole;

/// What the runner itself needs in the database.
const BOOTSTRAP: &str = include_str!("migrate/bootstrap.sql");

/// Any number will do, as long as it stays the same.
const LOCK: i64 = 0x7479_7065_6361_7365;

/// How often a process that waits for another one's migration looks again. It must not wait inside of PostgreSQL: an
/// index that is built concurrently waits for every running statement.
const PATIENCE: Duration = Duration::from_millis(100);

/// A site's files in order, and the catalog that they lead to. Those of the server itself come before them.
#[derive(Clone, Copy, Debug)]
pub struct Migrations<'a> {
    /// `(file name, text)`
    pub files: &'a [(&'a str, &'a str)],
    /// SHA-256 of `catalog.json`, in hexadecimal.
    pub catalog: &'a str,
}

impl<'a> Migrations<'a> {
    /// The server's own files and the site's, in the order in which they are applied.
    fn all(&self) -> Vec<(&'a str, &'a str)> {
        system::FILES.iter().chain(self.files).copied().collect()
    }
}

impl From<&'static SchemaInfo> for Migrations<'static> {
    fn from(schema: &'static SchemaInfo) -> Self {
        Self { files: schema.migrations, catalog: schema.catalog }
    }
}

/// What was done.
#[derive(Debug, Default)]
pub struct Report {
    pub applied: Vec<Applied>,
    /// The last file, whether it was applied now or before.
    pub at: Option<String>,
    /// What keeps public reads from having a role of their own, and what mends it.
    pub notice: Option<String>,
}

#[derive(Debug)]
pub struct Applied {
    pub name: String,
    pub statements: usize,
    pub took: Duration,
}

/// Applies what is missing.
pub async fn migrate(options: &PgConnectOptions, migrations: Migrations<'_>) -> Result<Report, Error> {
    migrate_for(options, migrations, None).await
}

/// As [`migrate`]; the public role, if any, gets its rights afterwards, under the same lock.
pub async fn migrate_for(
    options: &PgConnectOptions,
    migrations: Migrations<'_>,
    role: Option<&PublicRole>,
) -> Result<Report, Error> {
    let mut connection = options.clone().connect().await?;
    lock(&mut connection).await?;
    let result = match (locked(&mut connection, migrations).await, role) {
        (Ok(report), Some(role)) => {
            role.ensure(&mut connection).await.map(|notice| Report { notice, ..report }).map_err(Error::from)
        }
        (result, _) => result,
    };
    // The lock goes with the connection, also when this fails.
    let _ = sqlx::Connection::close(connection).await;
    result
}

/// For development: see [`rework`].
pub async fn rework(options: &PgConnectOptions, migrations: Migrations<'_>, sql: &str) -> Result<(), Error> {
    let mut connection = options.clone().connect().await?;
    lock(&mut connection).await?;
    let result = rework::rework(&mut connection, &migrations, sql).await;
    let _ = sqlx::Connection::close(connection).await;
    result
}

/// Compares the database with the files; changes nothing.
pub async fn status(options: &PgConnectOptions, migrations: Migrations<'_>) -> Result<Status, Error> {
    let mut connection = options.clone().connect().await?;
    ledger::status(&mut connection, &migrations).await
}

/// Whether a server that was compiled for these migrations can work on this database; the error says what mends it.
pub async fn check<'a>(pool: &PgPool, migrations: impl Into<Migrations<'a>>) -> Result<(), Error> {
    let migrations = migrations.into();
    let mut connection = pool.acquire().await?;
    let status = ledger::status(&mut connection, &migrations).await?;
    match (status.obstacle(), status.is_current) {
        (Some(obstacle), _) => Err(Error::Obstructed(obstacle)),
        (None, true) => Ok(()),
        (None, false) => {
            let pending = status.files.iter().filter(|(_, state)| !matches!(state, State::Applied { .. }));
            let names: Vec<_> = pending.map(|(name, _)| name.as_str()).collect();
            let what = match names.as_slice() {
                [] => "the catalog of the database is not the one that this binary was compiled for".to_owned(),
                names => format!("the database has not had {}", names.join(", ")),
            };
            Err(Error::Refused(format!("{what}; run `typecase migrate`")))
        }
    }
}

/// `typecase migrate`, and `typecase migrate --status`.
pub async fn command(
    database: &str,
    schema: &'static SchemaInfo,
    role: Option<&PublicRole>,
    only_status: bool,
) -> crate::Result<()> {
    let options = PgConnectOptions::from_str(database).map_err(Error::from)?;
    if only_status {
        println!("{}", status(&options, schema.into()).await?);
    } else {
        println!("{}", migrate_for(&options, schema.into(), role).await?);
    }
    Ok(())
}

async fn lock(connection: &mut PgConnection) -> Result<(), Error> {
    loop {
        let locked: bool =
            sqlx::query_scalar("select pg_try_advisory_lock($1)").bind(LOCK).fetch_one(&mut *connection).await?;
        if locked {
            return Ok(());
        }
        tokio::time::sleep(PATIENCE).await;
    }
}

async fn locked(connection: &mut PgConnection, migrations: Migrations<'_>) -> Result<Report, Error> {
    connection.execute("set client_min_messages = warning").await?;
    for statement in split::split(BOOTSTRAP) {
        connection.execute(AssertSqlSafe(statement.text)).await?;
    }
    let status = ledger::status(connection, &migrations).await?;
    if let Some(obstacle) = status.obstacle() {
        return Err(Error::Obstructed(obstacle));
    }
    let mut report =
        Report { applied: Vec::new(), notice: None, at: migrations.files.last().map(|(name, _)| (*name).to_owned()) };
    for ((name, text), (_, state)) in migrations.all().into_iter().zip(&status.files) {
        let done = match state {
            State::Applied { .. } => continue,
            State::Unfinished { statements, .. } => *statements,
            _ => 0,
        };
        report.applied.push(run::file(connection, name, text, done).await?);
    }
    record_catalog(connection, &migrations).await?;
    Ok(report)
}

async fn record_catalog(connection: &mut PgConnection, migrations: &Migrations<'_>) -> Result<(), Error> {
    let record =
        "insert into cms.catalog (hash) values ($1) on conflict (singleton) do update set hash = excluded.hash";
    sqlx::query(record).bind(migrations.catalog).execute(&mut *connection).await?;
    Ok(())
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Applied { name, statements, took } in &self.applied {
            writeln!(f, "  applied  {name}  ({statements} statements, {:.2} s)", took.as_secs_f64())?;
        }
        match (&self.at, self.applied.is_empty()) {
            (None, _) => write!(f, "there are no migrations"),
            (Some(at), true) => write!(f, "nothing to do: the database is at {at}"),
            (Some(at), false) => write!(f, "the database is at {at}"),
        }?;
        self.notice.iter().try_for_each(|notice| write!(f, "\n\nnote: {notice}"))
    }
}
