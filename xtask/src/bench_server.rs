//! `cargo xtask bench read` and `import`: benchmarks of the release server on a private PostgreSQL.

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

/// `what` is the benchmark's name.
pub fn run(project: &Project, what: &str, args: Args) -> anyhow::Result<ExitCode> {
    interrupt::listen()?;
    let postgres = Postgres::start(project, Purpose::Bench)?;
    let mut build = guard::command("cargo", &Terms::stop_with(Signal::SIGTERM))?;
    // The benchmark measures the server of `shop`, so both are built.
    build.args(["build", "--release", "--package", "shop", "--package", "bench"]).current_dir(&project.root);
    let built = interrupt::wait(&mut Guarded::spawn(build)?)?;
    if built != 0 {
        return Ok(ExitCode::from(built));
    }
    let mut command = guard::command("cargo", &Terms::stop_with(Signal::SIGTERM))?;
    command.args(["run", "--release", "--quiet", "--package", "bench", "--", what]).args(args.bench);
    command.current_dir(&project.root).env("DATABASE_URL", &postgres.url);
    Ok(ExitCode::from(interrupt::wait(&mut Guarded::spawn(command)?)?))
}
