//! The command line of a site's server.

mod hooks;
mod jobs;
mod keys;
mod lines;
mod ready;
mod redirects;
mod scheduled;
#[cfg(feature = "search-engine")]
mod search;
mod token;
mod user;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

use clap::{Parser, Subcommand};
use sqlx::postgres::PgConnectOptions;
use tracing_subscriber::EnvFilter;
use uuid::Uuid;

use store::access::{Actor, Identity, Origin};
use web::Environment;

use crate::config::{self, Config};
use crate::hooked;
use crate::server::Server;
use base::error::{Code, Error, Result};
use base::output;
use base::say;
use base::settings::{RUST_LOG, TYPECASE_LOG};
use identity::Accounts;
use model::content::SchemaInfo;
use store::{Database, Limits, Store};
use transfer::{check, demo, export, import};

use crate::doctor;

#[derive(Parser)]
#[command(name = "typecase", about = "The server of this site", version)]
struct Line {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the API until told to stop
    Serve {
        /// Listen on this port of 127.0.0.1, overriding the environment
        #[arg(long)]
        port: Option<u16>,
        /// Serve on the socket that is this process's input
        #[arg(long, hide = true)]
        inherit: bool,
    },
    /// Bring the database up to date with this server
    Migrate {
        /// Show which migrations are applied, without applying any
        #[arg(long)]
        status: bool,
        /// In development: run this file of SQL, then count the migrations of this build as applied
        #[arg(long, hide = true, value_name = "FILE")]
        rework: Option<PathBuf>,
    },
    /// Load the demo's content, and update what already exists
    Demo,
    /// Import records from other systems by a mapping, or the output of `export`
    Import {
        #[command(flatten)]
        options: import::Options,
        #[command(flatten)]
        person: Person,
    },
    /// Write entries as lines of JSON
    Export {
        #[command(flatten)]
        options: export::Options,
        #[command(flatten)]
        person: Person,
    },
    /// List the entries that break the rules of the schema; the exit code is 1 if there are any
    Check {
        #[command(flatten)]
        options: check::Options,
    },
    /// Create, list and change accounts
    #[command(subcommand)]
    User(user::Task),
    /// Create, list and revoke API tokens
    #[command(subcommand)]
    Token(token::Task),
    /// List jobs, retry failed ones, cancel one
    #[command(subcommand)]
    Jobs(jobs::Task),
    /// List scheduled changes and releases, retry failed ones
    #[command(subcommand)]
    Scheduled(scheduled::Task),
    /// List webhooks and their deliveries, replay these, disable and enable webhooks
    #[command(subcommand)]
    Webhooks(hooks::Task),
    /// Import and export redirects
    #[command(subcommand)]
    Redirects(redirects::Task),
    /// Rebuild and check the indexes of the search engine
    #[cfg(feature = "search-engine")]
    #[command(subcommand)]
    Search(search::Task),
    /// Rotate and list the keys that sign access tokens, and switch to another TYPECASE_SECRET
    #[command(subcommand)]
    Keys(keys::Task),
    /// Check the setup and report what is wrong with it
    Doctor,
    /// Ask the server of this machine whether it is ready; the exit code is 1 when it is not
    Ready {
        /// The port of 127.0.0.1 that it listens on, whatever the environment says
        #[arg(long)]
        port: Option<u16>,
    },
    /// Print the API's schema (SDL)
    Schema,
}

#[derive(clap::Args)]
struct Person {
    /// Act as this user, under their access rules; without it no access rules apply
    #[arg(long = "as", value_name = "EMAIL")]
    email: Option<String>,
}

impl Server {
    /// Runs the command line.
    pub fn main(self) -> ExitCode {
        main(self)
    }
}

fn main(server: Server) -> ExitCode {
    let line = Line::parse();
    if let Command::Schema = line.command {
        output::print(format_args!("{}", server.schema.sdl));
        return ExitCode::SUCCESS;
    }
    log();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let ran = match runtime {
        Ok(runtime) => {
            let ran = runtime.block_on(run(server, line.command));
            // The site's own code may block a thread, which must not keep the process running.
            runtime.shutdown_timeout(Duration::from_secs(1));
            ran
        }
        Err(error) => Err(failed(format!("the runtime does not start: {error}"))),
    };
    match ran {
        Ok(code) => code,
        Err(error) => {
            for problem in error.problems {
                eprintln!("error: {}", problem.message);
            }
            ExitCode::FAILURE
        }
    }
}

async fn run(mut server: Server, command: Command) -> Result<ExitCode> {
    let config = Config::from_env();
    if let Command::Doctor = command {
        let findings = doctor::examine(config.as_ref().map_err(Vec::as_slice), server.schema).await;
        let settings = doctor::settings(|name| std::env::var(name).ok());
        output::print(format_args!("{}{settings}", doctor::report(&findings)));
        return Ok(if doctor::is_well(&findings) { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    for unknown in config::unknown() {
        tracing::warn!("{unknown}");
    }
    let mut config = config.map_err(config::unusable)?;
    match command {
        Command::Serve { port, inherit } => {
            if let Some(port) = port {
                config.address = ([127, 0, 0, 1], port).into();
            }
            server.inherits_socket = inherit;
            server.serve(config).await?;
        }
        Command::Migrate { rework: Some(file), .. } => rework(&config, server.schema, &file).await?,
        Command::Migrate { status, .. } => {
            migrate::command(&config.database, server.schema, config.public_role.as_ref(), status).await?;
        }
        Command::Ready { port } => {
            let own = port.map(|port| ([127, 0, 0, 1], port).into());
            return ready::run(own.or(config.health_address).unwrap_or(config.address)).await;
        }
        Command::Demo => {
            let store = connect(&config, &server).await?;
            let loaded = demo::load(&store, &server.hooks, server.demo).await?;
            tell(&store).await;
            say!("{loaded}");
        }
        Command::Import { options, person } => {
            let store = acting(&config, &server, person).await?;
            let done = import::main(&options, &store, &server.hooks).await;
            tell(&store).await;
            return Ok(done.into());
        }
        Command::Export { options, person } => {
            let store = acting(&config, &server, person).await?;
            return Ok(export::main(&options, &store).await.into());
        }
        Command::Check { options } => {
            let store = connect(&config, &server).await?;
            return Ok(check::main(&options, &store).await.into());
        }
        Command::User(task) => user::run(&accounts(&config, &server).await?, task).await?,
        Command::Token(task) => token::run(&accounts(&config, &server).await?, task).await?,
        Command::Jobs(task) => {
            let store = connect(&config, &server).await?;
            jobs::run(&store, task).await?;
        }
        Command::Scheduled(task) => {
            let store = connect(&config, &server).await?;
            scheduled::run(&store, task).await?;
            tell(&store).await;
        }
        Command::Webhooks(task) => hooks::run(&connect(&config, &server).await?, task).await?,
        Command::Redirects(task) => redirects::run(&connect(&config, &server).await?, task).await?,
        #[cfg(feature = "search-engine")]
        Command::Search(task) => {
            let store = connect(&config, &server).await?;
            let is_well = search::run(&store, config.search.as_ref(), task).await?;
            tell(&store).await;
            return Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        Command::Keys(task) => {
            // A key sealed with a secret of this process could never be opened again.
            config.identity.check_secret().map_err(|wrong| config::unusable(vec![wrong]))?;
            let webhooks = hooked::webhooks(&config.identity, &config.webhook_networks);
            let store = connect(&config, &server).await?;
            keys::run(&accounts(&config, &server).await?, &webhooks, &store, task).await?;
        }
        Command::Doctor | Command::Schema => {}
    }
    Ok(ExitCode::SUCCESS)
}

/// Notifies servers of what a command has written. Without it they find it at their next poll.
async fn tell(store: &Store) {
    let told = async {
        events::give_positions(store).await?;
        ::jobs::tell(store).await
    };
    if let Err(error) = told.await {
        tracing::warn!(%error, "the servers could not be notified of the changes");
    }
}

async fn rework(config: &Config, schema: &'static SchemaInfo, file: &Path) -> Result<()> {
    if config.environment != Environment::Development {
        return Err(failed("--rework is only for development databases".to_owned()));
    }
    let sql = std::fs::read_to_string(file).map_err(|error| failed(format!("{}: {error}", file.display())))?;
    let options = PgConnectOptions::from_str(&config.database)?;
    Ok(migrate::rework(&options, schema.into(), &sql).await?)
}

/// A store on a database; fails if migrations are missing.
async fn connect(config: &Config, server: &Server) -> Result<Store> {
    let database = Database::connect_lazy(&config.database, Limits::COMMAND, server.schema)?;
    migrate::check(&database.writes, server.schema).await?;
    Ok(database.trusted())
}

/// The store of a user, or of the operator.
async fn acting(config: &Config, server: &Server, person: Person) -> Result<Store> {
    let store = connect(config, server).await?;
    let Some(email) = person.email else { return Ok(store) };
    let accounts = Accounts::new(store.writes.clone(), server.schema, &config.identity)?;
    let user = accounts.user_by_email(&email).await?.filter(|user| !user.disabled);
    let user =
        user.ok_or_else(|| Error::new(Code::NotFound, format!("the user `{email}` does not exist, or is disabled")))?;
    let identity = Identity::User { id: user.id, session: Uuid::nil() };
    Ok(store.acting(Actor { identity, role: user.role, scopes: None, origin: Origin::default() }))
}

async fn accounts(config: &Config, server: &Server) -> Result<Accounts> {
    let store = connect(config, server).await?;
    Accounts::new(store.writes.clone(), server.schema, &config.identity)
}

fn log() {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new(RUST_LOG.default(false).unwrap_or_default()));
    let is_json = std::env::var(TYPECASE_LOG.name).is_ok_and(|how| how.eq_ignore_ascii_case("json"));
    if is_json {
        let lines = tracing_subscriber::fmt().json().flatten_event(true).with_span_list(false);
        return lines.with_env_filter(filter).with_writer(std::io::stderr).init();
    }
    let colours = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let writer = move || lines::Lines { to: std::io::stderr(), colours };
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(writer).init();
}

fn failed(message: String) -> Error {
    Error::new(Code::Internal, message)
}
