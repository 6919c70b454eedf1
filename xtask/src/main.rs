//! Development tasks: everything that reads or writes the working tree, and the two commands of the README.

mod bench_compile;
mod drift;
mod generate;
mod migrate;
mod project;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use project::Project;

/// Development tasks of a Typecase project.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Make generated/, the SDL, the JSON Schema and the next migration from schema/
    Generate(generate::Args),
    /// Plan the next migration, or check those that are there
    Migrate(migrate::Args),
    /// Measure the generator, the build or the server
    #[command(subcommand)]
    Bench(Bench),
}

#[derive(Subcommand)]
enum Bench {
    /// Generate 3, 30 and 100 content types and measure generator and compiler
    Compile(bench_compile::Args),
}

fn main() -> ExitCode {
    let task = Cli::parse().task;
    match Project::find().and_then(|project| run(&project, task)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(project: &Project, task: Task) -> anyhow::Result<ExitCode> {
    match task {
        Task::Generate(args) => generate::run(project, args),
        Task::Migrate(args) => migrate::run(project, args),
        Task::Bench(Bench::Compile(args)) => bench_compile::run(project, args),
    }
}
