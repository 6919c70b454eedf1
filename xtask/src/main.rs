//! Development tasks: everything that reads or writes the working tree, and the two commands of the README.

mod bench;
mod bench_compile;
mod dev;
mod drift;
mod generate;
mod git;
mod guard;
mod history;
mod interrupt;
mod migrate;
mod new;
mod package;
mod postgres;
mod progress;
mod project;
mod random;
mod redis;
mod search_engine;
mod test;
mod with_postgres;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use project::Project;

/// Development tasks of a Typecase project.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    /// Work on the project in this folder instead of the one around the current folder
    #[arg(long, global = true, value_name = "FOLDER")]
    root: Option<PathBuf>,
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Serve the site with a demo, and follow what you save
    Dev(dev::Args),
    /// Generate generated/, the SDL, the JSON Schema and the next migration from schema/
    Generate(generate::Args),
    /// Create a file to start from
    New(new::Args),
    /// Check, undo or squash migrations, or create an empty one
    Migrate(migrate::Args),
    /// Run the whole test suite on a private PostgreSQL
    Test(test::Args),
    /// Change the code in small ways, and check that a test notices each change (needs `cargo install cargo-mutants`)
    Mutants(test::MutantsArgs),
    /// Start the development database and print its address, or run a command with it
    Postgres(with_postgres::Args),
    #[command(hide = true)]
    Guard(guard::Args),
    /// Measure the server beside hand-written ones, or generator, build and imports
    Bench(bench::Args),
}

fn main() -> ExitCode {
    let Cli { root, task } = Cli::parse();
    if let Task::Guard(args) = task {
        return report(guard::run(args));
    }
    let project = root.map_or_else(Project::find, |root| Ok(Project { root }));
    report(project.and_then(|project| run(&project, task)))
}

fn report(result: anyhow::Result<ExitCode>) -> ExitCode {
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(project: &Project, task: Task) -> anyhow::Result<ExitCode> {
    match task {
        Task::Dev(args) => dev::run(project, args),
        Task::Generate(args) => generate::run(project, args),
        Task::New(args) => new::run(project, args),
        Task::Migrate(args) => migrate::run(project, args),
        Task::Test(args) => test::run(project, args),
        Task::Mutants(args) => test::mutants(project, args),
        Task::Postgres(args) => with_postgres::run(project, args),
        Task::Guard(args) => guard::run(args),
        Task::Bench(args) => bench::run(project, args),
    }
}
