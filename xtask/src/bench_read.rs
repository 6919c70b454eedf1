//! `cargo xtask bench read`: the read benchmark in release, on a PostgreSQL of its own.

use std::process::ExitCode;

use nix::sys::signal::Signal;

use crate::guard::{self, Guarded, Terms};
use crate::interrupt;
use crate::postgres::{Postgres, Purpose};
use crate::project::Project;

#[derive(clap::Args)]
pub struct Args {
    /// Passed on to the bench
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    bench: Vec<String>,
}

pub fn run(project: &Project, args: Args) -> anyhow::Result<ExitCode> {
    interrupt::listen()?;
    let postgres = Postgres::start(project, Purpose::Bench)?;
    let mut command = guard::command("cargo", &Terms::stop_with(Signal::SIGTERM))?;
    command.args(["run", "--release", "--package", "bench", "--"]).args(args.bench);
    command.current_dir(&project.root).env("DATABASE_URL", &postgres.url);
    Ok(ExitCode::from(interrupt::wait(&mut Guarded::spawn(command)?)?))
}
