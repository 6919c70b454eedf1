//! Applies the migrations that are embedded in the binary to a database, and checks whether they have been applied.
//!
//! An advisory lock on a separate connection: if several processes start at once, one does the work and the others find it done.

mod error;
mod ledger;
mod lock;
pub mod public_login;
pub mod public_role;
mod rework;
mod run;
pub mod split;
mod system;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Executor};

use self::lock::Lock;
use model::content::SchemaInfo;
use store::{Connection, Login, Pool, Pulse};

pub use error::{Error, Failure};
pub use ledger::{Obstacle, State, Status};
use store::PublicRole;

/// The tables that the runner itself needs.
const BOOTSTRAP: &str = include_str!("bootstrap.sql");

/// A site's migration files in order, and the catalog that they produce. The server's own files are applied before
/// them.
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

/// The result of a migration.
#[derive(Debug, Default)]
pub struct Report {
    pub applied: Vec<Applied>,
    /// The last file, whether applied now or before.
    pub at: Option<String>,
    /// Why public reads cannot have a separate role, and how to fix it.
    pub notice: Option<String>,
}

#[derive(Debug)]
pub struct Applied {
    pub name: String,
    pub statements: usize,
    pub took: Duration,
}

/// Applies the missing migrations.
pub async fn migrate(options: &PgConnectOptions, migrations: Migrations<'_>) -> Result<Report, Error> {
    migrate_for(options, migrations, None).await
}

/// As [`migrate`]; afterwards it grants privileges to the public role, if there is one, under the same lock.
pub async fn migrate_for(
    options: &PgConnectOptions,
    migrations: Migrations<'_>,
    role: Option<&PublicRole>,
) -> Result<Report, Error> {
    let login = login(options);
    let mut lock = Lock::take(&login).await?;
    let mut connection = login.connect().await?;
    let result = match (locked(&mut connection, &mut lock, migrations).await, role) {
        (Ok(report), Some(role)) => public_role::ensure(role, &mut connection)
            .await
            .map(|notice| Report { notice, ..report })
            .map_err(Error::from),
        (result, _) => result,
    };
    // All work is committed already.
    let _ = connection.close().await;
    lock.release().await;
    result
}

/// For development: see [`rework`].
pub async fn rework(options: &PgConnectOptions, migrations: Migrations<'_>, sql: &str) -> Result<(), Error> {
    let login = login(options);
    let lock = Lock::take(&login).await?;
    let mut connection = login.connect().await?;
    let result = rework::rework(&mut connection, &migrations, sql).await;
    let _ = connection.close().await;
    lock.release().await;
    result
}

/// Statements have no timeout, but a lost connection is noticed.
fn login(options: &PgConnectOptions) -> Login {
    let login = Login::plain(options.clone());
    login.clone().watched(Arc::new(Pulse::of(login)))
}

/// Compares the database with the files without changing anything.
pub async fn status(options: &PgConnectOptions, migrations: Migrations<'_>) -> Result<Status, Error> {
    let mut connection = login(options).connect().await?;
    ledger::status(&mut connection, &migrations).await
}

/// Whether a server compiled with these migrations can use this database; the error says how to fix it.
pub async fn check<'a>(pool: &Pool, migrations: impl Into<Migrations<'a>>) -> Result<(), Error> {
    let migrations = migrations.into();
    let mut connection = pool.lend().await?;
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
) -> base::error::Result<()> {
    let options = PgConnectOptions::from_str(database).map_err(Error::from)?;
    if only_status {
        base::say!("{}", status(&options, schema.into()).await?);
    } else {
        base::say!("{}", migrate_for(&options, schema.into(), role).await?);
    }
    Ok(())
}

async fn locked(connection: &mut Connection, lock: &mut Lock, migrations: Migrations<'_>) -> Result<Report, Error> {
    run::quiet(connection).await?;
    for statement in split::split(BOOTSTRAP) {
        connection.execute(AssertSqlSafe(statement.text)).await?;
    }
    let status = ledger::status(connection, &migrations).await?;
    connection.finish().await?;
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
        report.applied.push(run::file(connection, lock, name, text, done).await?);
    }
    record_catalog(connection, &migrations).await?;
    connection.finish().await?;
    Ok(report)
}

async fn record_catalog(connection: &mut Connection, migrations: &Migrations<'_>) -> Result<(), Error> {
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
