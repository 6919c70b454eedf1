//! `cargo xtask migrate`: an empty migration to write by hand, and the check of all that are there.

pub mod next;

use std::process::ExitCode;

use crate::project::Project;

#[derive(clap::Args)]
pub struct Args {}

pub fn run(_project: &Project, _args: Args) -> anyhow::Result<ExitCode> {
    anyhow::bail!("not built yet")
}
