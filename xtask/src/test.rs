//! `cargo xtask test`: the whole test suite on a private PostgreSQL.

use std::process::ExitCode;

use nix::sys::signal::Signal;

use crate::guard::{self, Guarded, Terms};
use crate::interrupt;
use crate::package;
use crate::postgres::{Postgres, Purpose, TEST_VARIABLE};
use crate::progress::say;
use crate::project::Project;
use crate::redis::{self, Redis};

#[derive(clap::Args)]
pub struct Args {
    /// Passed on to `cargo test`: the name of a test, `-p runtime`, `-- --nocapture`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    cargo: Vec<String>,
}

pub fn run(project: &Project, args: Args) -> anyhow::Result<ExitCode> {
    interrupt::listen()?;
    let postgres = Postgres::start(project, Purpose::Test)?;
    // The tests of PgBouncer say what is missing, and all others go on.
    if package::program("pgbouncer").is_none() {
        package::install("pgbouncer");
    }
    // Tests that need it fail without it; all others go on.
    let redis = Redis::start(project).inspect_err(|error| say("Missing", format!("{error:#}"))).ok();
    let mut command = guard::command("cargo", &Terms::stop_with(Signal::SIGTERM))?;
    command.arg("test").current_dir(&project.root).env(TEST_VARIABLE, &postgres.url);
    command.envs(redis.as_ref().map(|redis| (redis::TEST_VARIABLE, &redis.url)));
    let own_choice = ["-p", "--package", "--workspace", "--manifest-path"];
    let chosen = args
        .cargo
        .iter()
        .take_while(|arg| *arg != "--")
        .any(|arg| own_choice.iter().any(|option| arg.starts_with(option)));
    if !chosen {
        command.arg("--workspace");
    }
    command.args(&args.cargo);
    let code = interrupt::wait(&mut Guarded::spawn(command)?)?;
    Ok(ExitCode::from(code))
}
