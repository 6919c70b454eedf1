//! `cargo xtask bench`: the whole benchmark of the release server on a private PostgreSQL and Redis, or one part of it.

use std::process::ExitCode;

use nix::sys::signal::Signal;

use crate::bench_compile;
use crate::guard::{self, Guarded, Terms};
use crate::interrupt;
use crate::package;
use crate::postgres::{Postgres, Purpose};
use crate::progress::say;
use crate::project::Project;
use crate::redis::Redis;

#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    part: Option<Part>,
    #[command(flatten)]
    whole: Whole,
}

#[derive(clap::Subcommand)]
enum Part {
    /// Generate 3, 30 and 100 content types and measure generator and compiler
    Compile(bench_compile::Args),
    /// Import 20,000 products and measure it beside PostgreSQL alone
    Import,
    /// One, two and four servers on one database: throughput, and how old what they show is
    Nodes,
    /// Where the time of a request goes (needs `perf`)
    Profile,
    /// Write RESULTS.md, SCALE.md and the plots again from results.json
    Report,
}

/// The whole benchmark: reads, searches and writes beside hand-written floors. Writes bench/RESULTS.md
#[derive(clap::Args)]
struct Whole {
    /// The size of the catalogue, in ten thousands of products: 1, 10 or 100
    #[arg(long, default_value_t = 1)]
    scale: u32,
    /// Seconds of one measurement
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
    /// How often each measurement is repeated; the median counts
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Numbers of connections
    #[arg(long, default_value = "1,16,64")]
    connections: String,
    /// Only the cases whose names begin with one of these; the results are shown and not kept
    #[arg(long)]
    only: Option<String>,
}

pub fn run(project: &Project, args: Args) -> anyhow::Result<ExitCode> {
    match args.part {
        Some(Part::Compile(args)) => bench_compile::run(project, args),
        Some(Part::Import) => bench(project, &["import".to_owned()]),
        Some(Part::Nodes) => bench(project, &["nodes".to_owned()]),
        Some(Part::Profile) => bench(project, &["profile".to_owned()]),
        Some(Part::Report) => report(project),
        None => bench(project, &args.whole.arguments()),
    }
}

impl Whole {
    fn arguments(&self) -> Vec<String> {
        let mut arguments = vec!["run".to_owned()];
        let mut add = |name: &str, value: String| arguments.extend([name.to_owned(), value]);
        add("--scale", self.scale.to_string());
        add("--seconds", self.seconds.to_string());
        add("--rounds", self.rounds.to_string());
        add("--connections", self.connections.clone());
        if let Some(only) = &self.only {
            add("--only", only.clone());
        }
        arguments
    }
}

fn bench(project: &Project, arguments: &[String]) -> anyhow::Result<ExitCode> {
    interrupt::listen()?;
    let postgres = Postgres::start(project, Purpose::Bench)?;
    // Without it, what needs it is left out.
    let redis = Redis::start(project).inspect_err(|error| say("Missing", format!("{error:#}"))).ok();
    // The benchmark measures the server of `shop`, so both are built.
    let built = cargo(project, &["build", "--release", "--package", "shop", "--package", "bench"], &[])?;
    if built != 0 {
        return Ok(ExitCode::from(built));
    }
    let mut variables = vec![("DATABASE_URL", postgres.url.clone())];
    variables.extend(redis.as_ref().map(|redis| ("BENCH_REDIS_URL", redis.url.clone())));
    // What they measure is left out without them: not every package of PostgreSQL has pgbench.
    let programs = [("BENCH_PGBENCH", "pgbench"), ("BENCH_PGBOUNCER", "pgbouncer")];
    let path = |program| package::program(program).map(|path| path.display().to_string());
    let programs = programs.into_iter().filter_map(|(name, program)| Some((name, path(program)?)));
    variables.extend(programs);
    let run = ["run", "--release", "--quiet", "--package", "bench", "--"];
    let arguments: Vec<&str> = run.into_iter().chain(arguments.iter().map(String::as_str)).collect();
    Ok(ExitCode::from(cargo(project, &arguments, &variables)?))
}

fn report(project: &Project) -> anyhow::Result<ExitCode> {
    let arguments = ["run", "--release", "--quiet", "--package", "bench", "--", "report"];
    Ok(ExitCode::from(cargo(project, &arguments, &[])?))
}

fn cargo(project: &Project, arguments: &[&str], variables: &[(&str, String)]) -> anyhow::Result<u8> {
    let mut command = guard::command("cargo", &Terms::stop_with(Signal::SIGTERM))?;
    command.args(arguments).current_dir(&project.root);
    command.envs(variables.iter().map(|(name, value)| (name, value)));
    interrupt::wait(&mut Guarded::spawn(command)?)
}
