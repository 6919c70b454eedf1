//! `cargo xtask postgres`: runs the development database for use by other programs.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::Context;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::guard;
use crate::interrupt;
use crate::postgres::{Postgres, Purpose};
use crate::project::Project;

#[derive(clap::Args)]
pub struct Args {
    /// A new and empty database instead, deleted at the end
    #[arg(long)]
    passing: bool,
    /// Run this with DATABASE_URL set, instead of waiting for Ctrl-C
    #[arg(last = true)]
    command: Vec<OsString>,
}

pub fn run(project: &Project, args: Args) -> anyhow::Result<ExitCode> {
    interrupt::listen()?;
    let postgres =
        if args.passing { Postgres::start(project, Purpose::Test)? } else { Postgres::start_or_join(project)? };
    let Some((program, arguments)) = args.command.split_first() else {
        println!("{}", postgres.url);
        while !interrupt::requested() {
            std::thread::sleep(Duration::from_millis(50));
        }
        return Ok(ExitCode::SUCCESS);
    };
    let mut command = Command::new(program);
    command.args(arguments).env("DATABASE_URL", &postgres.url);
    guard::forget_cargo(&mut command);
    let mut child = command.spawn().with_context(|| format!("cannot start {}", program.display()))?;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(ExitCode::from(guard::code(status)));
        }
        // In a terminal the program receives Ctrl-C too, and may only cancel a query.
        if interrupt::requested() && !std::io::stdin().is_terminal() {
            kill(Pid::from_raw(i32::try_from(child.id())?), Signal::SIGTERM)?;
            return Ok(ExitCode::from(guard::code(child.wait()?)));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
