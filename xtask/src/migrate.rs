//! `cargo xtask migrate`: writes the next migration, lints those that are there.

use std::process::ExitCode;

use crate::project::Project;

#[derive(clap::Args)]
pub struct Args {}

pub fn run(_project: &Project, _args: Args) -> anyhow::Result<ExitCode> {
    anyhow::bail!("not built yet")
}
