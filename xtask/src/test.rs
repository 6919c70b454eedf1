//! `cargo xtask test` and `cargo xtask mutants`: tests and mutation testing, on a private PostgreSQL and Redis.

use std::process::ExitCode;

use clap::ValueEnum;
use nix::sys::signal::Signal;

use crate::guard::{self, Guarded, Terms};
use crate::interrupt;
use crate::package;
use crate::postgres::{Postgres, Purpose, TEST_VARIABLE};
use crate::progress::say;
use crate::project::Project;
use crate::redis::{self, Redis};
use crate::search_engine;

#[derive(clap::Args)]
pub struct Args {
    /// Passed on to `cargo test`: the name of a test, `-p runtime`, `-- --nocapture`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    cargo: Vec<String>,
}

#[derive(clap::Args)]
pub struct MutantsArgs {
    /// The part to change
    #[arg(long, value_enum, default_value_t)]
    part: Part,
    /// Passed on to `cargo mutants`: `--file runtime/store/src/access/policy.rs`, `--in-diff changed.diff`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    cargo: Vec<String>,
}

#[derive(Clone, Copy, Default, ValueEnum)]
enum Part {
    /// The generator, with its own tests: seconds for a change
    #[default]
    Generator,
    /// Rules of access, limits, cursors and rate limits of the server, with its tests: minutes for a change
    Server,
}

impl Part {
    fn config(self) -> &'static str {
        match self {
            Self::Generator => ".cargo/mutants.toml",
            Self::Server => ".cargo/mutants-server.toml",
        }
    }
}

pub fn run(project: &Project, args: Args) -> anyhow::Result<ExitCode> {
    let own_choice = ["-p", "--package", "--workspace", "--manifest-path"];
    let chosen = args
        .cargo
        .iter()
        .take_while(|arg| *arg != "--")
        .any(|arg| own_choice.iter().any(|option| arg.starts_with(option)));
    let mut cargo = vec!["test".to_owned()];
    if !chosen {
        cargo.push("--workspace".to_owned());
    }
    cargo.extend(args.cargo);
    with_services(project, &cargo)
}

/// Each change is tested alone, because the tests of two changes would share one database server.
pub fn mutants(project: &Project, args: MutantsArgs) -> anyhow::Result<ExitCode> {
    let mut cargo = ["mutants", "--config", args.part.config(), "--jobs", "1"].map(str::to_owned).to_vec();
    cargo.extend(args.cargo);
    match args.part {
        Part::Generator => {
            interrupt::listen()?;
            cargo_run(project, &cargo, &[])
        }
        Part::Server => with_services(project, &cargo),
    }
}

fn with_services(project: &Project, cargo: &[String]) -> anyhow::Result<ExitCode> {
    interrupt::listen()?;
    let postgres = Postgres::start(project, Purpose::Test)?;
    // The PgBouncer tests report what is missing; all others run.
    if package::program("pgbouncer").is_none() {
        package::install("pgbouncer");
    }
    // Tests that need it fail without it; all others run.
    let redis = Redis::start(project).inspect_err(|error| say("Missing", format!("{error:#}"))).ok();
    let engine = search_engine::program(project).inspect_err(|error| say("Missing", format!("{error:#}"))).ok();
    let engine = engine.map(|program| program.to_string_lossy().into_owned());
    let mut variables = vec![(TEST_VARIABLE, postgres.url.as_str())];
    variables.extend(engine.as_ref().map(|program| (search_engine::TEST_VARIABLE, program.as_str())));
    variables.extend(redis.as_ref().map(|redis| (redis::TEST_VARIABLE, redis.url.as_str())));
    cargo_run(project, cargo, &variables)
}

fn cargo_run(project: &Project, args: &[String], variables: &[(&str, &str)]) -> anyhow::Result<ExitCode> {
    let mut command = guard::command("cargo", &Terms::stop_with(Signal::SIGTERM))?;
    command.args(args).current_dir(&project.root).envs(variables.iter().copied());
    let code = interrupt::wait(&mut Guarded::spawn(command)?)?;
    Ok(ExitCode::from(code))
}
