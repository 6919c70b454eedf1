//! `cargo xtask bench compile`: measures the generator and the compiler at 3, 30 and 100 content types.
//!
//! Each size is a separate workspace under target/bench-compile, with a made-up schema and a server without any site
//! code; dependencies are compiled before the measurement starts.

mod memory;
mod scratch;
mod server;

use std::ffi::OsStr;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use crate::guard;
use crate::postgres::{Postgres, Purpose};
use crate::progress::say;
use crate::project::Project;
use memory::Peak;
use scratch::Scratch;

#[derive(clap::Args)]
pub struct Args {
    /// Numbers of content types
    #[arg(long, value_delimiter = ',', default_values_t = [3, 30, 100])]
    types: Vec<usize>,
    /// How often a field is added; the median counts
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Leave out what needs a database: the built server and its start
    #[arg(long)]
    no_server: bool,
}

/// The measurements of one size.
struct Figures {
    types: usize,
    lines: usize,
    generate: Duration,
    check_cold: Duration,
    check_field: Duration,
    /// Time to a linked server, and from the saved YAML to the first response.
    build_cold: Option<Duration>,
    save_to_answer: Option<Duration>,
    memory: Option<u64>,
}

pub fn run(project: &Project, args: Args) -> anyhow::Result<ExitCode> {
    let mut figures = Vec::new();
    for types in &args.types {
        figures.push(measure(project, *types, &args)?);
    }
    let table = table(&figures);
    print!("{table}");
    // A part of bench/SCALE.md, if all sizes were measured.
    let folder = project.path("bench");
    if folder.is_dir() && args.types.len() > 1 && !args.no_server {
        std::fs::write(folder.join("compile.txt"), table).context("cannot write bench/compile.txt")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn measure(project: &Project, types: usize, args: &Args) -> anyhow::Result<Figures> {
    say("Measuring", format!("{types} content types"));
    let mut scratch = Scratch::new(project, types)?;
    let peak = Peak::watch(&scratch.target);
    generate(&scratch)?;
    scratch.commit()?;
    cargo(&scratch, &["check", "--package", "runtime"])?;
    let check_cold = timed(|| cargo(&scratch, &["check", "--package", "generated"]))?;
    let (mut generated, mut checked) = (Vec::new(), Vec::new());
    for _ in 0..args.runs.max(1) {
        scratch.add_field()?;
        generated.push(timed(|| generate(&scratch))?);
        scratch.commit()?;
        checked.push(timed(|| cargo(&scratch, &["check", "--package", "generated"]))?);
    }
    let (build_cold, save_to_answer) = match args.no_server {
        true => (None, None),
        false => measure_server(project, &mut scratch, args.runs).map(|(cold, save)| (Some(cold), Some(save)))?,
    };
    Ok(Figures {
        types,
        lines: scratch.lines()?,
        generate: median(generated),
        check_cold,
        check_field: median(checked),
        build_cold,
        save_to_answer,
        memory: peak.end(),
    })
}

fn measure_server(project: &Project, scratch: &mut Scratch, runs: usize) -> anyhow::Result<(Duration, Duration)> {
    let database = Postgres::start(project, Purpose::Bench)?;
    cargo(scratch, &["build", "--package", "runtime"])?;
    let cold = timed(|| cargo(scratch, &["build"]))?;
    drop(server::start(scratch, &database.url)?);
    let mut saved = Vec::new();
    for _ in 0..runs.max(1) {
        scratch.add_field()?;
        let start = Instant::now();
        generate(scratch)?;
        cargo(scratch, &["build"])?;
        let server = server::start(scratch, &database.url)?;
        saved.push(start.elapsed());
        drop(server);
        scratch.commit()?;
    }
    Ok((cold, median(saved)))
}

/// Runs this program, as built, on the scratch project.
fn generate(scratch: &Scratch) -> anyhow::Result<()> {
    let program = std::env::current_exe().context("this program has no path")?;
    succeed(Command::new(program).arg("--root").arg(&scratch.root).arg("generate"))
}

fn cargo(scratch: &Scratch, args: &[&str]) -> anyhow::Result<()> {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.args(args).arg("--quiet").current_dir(&scratch.root).env("CARGO_TARGET_DIR", &scratch.target);
    guard::forget_cargo(&mut command);
    succeed(&mut command)
}

/// Shows the command's output only if it fails.
fn succeed(command: &mut Command) -> anyhow::Result<()> {
    let output = command.output().with_context(|| format!("{} does not start", command.get_program().display()))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    let args = command.get_args().collect::<Vec<_>>().join(OsStr::new(" "));
    let (program, args) = (command.get_program().display(), args.display());
    ensure!(output.status.success(), "`{program} {args}` failed:\n{said}");
    Ok(())
}

fn timed(work: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<Duration> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn table(figures: &[Figures]) -> String {
    let seconds = |time: Duration| format!("{:.2} s", time.as_secs_f64());
    let maybe = |time: Option<Duration>| time.map_or("-".to_owned(), seconds);
    let row = |name: &str, target: &str, cell: &dyn Fn(&Figures) -> String| {
        let cells: String = figures.iter().map(|figure| format!("{:>12}", cell(figure))).collect();
        format!("{name:<44}{cells}{target:>12}\n")
    };
    let memory = |figure: &Figures| figure.memory.map_or("-".to_owned(), |kib| format!("{} MB", kib / 1024));
    [
        row("content types of 12 fields", "target", &|figure| figure.types.to_string()),
        row("generated lines of Rust", "", &|figure| figure.lines.to_string()),
        row("generate, one field added", "0.30 s", &|figure| seconds(figure.generate)),
        row("check of the generated crate, cold", "", &|figure| seconds(figure.check_cold)),
        row("check of the generated crate, one field added", "4.00 s", &|figure| seconds(figure.check_field)),
        row("build to a linked server, cold", "", &|figure| maybe(figure.build_cold)),
        row("saved YAML to the server's first answer", "10.00 s", &|figure| maybe(figure.save_to_answer)),
        row("most memory of one rustc", "700 MB", &memory),
    ]
    .concat()
}
