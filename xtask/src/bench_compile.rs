//! `cargo xtask bench compile`: what the generator and the compiler cost at 3, 30 and 100 content types.

use std::process::ExitCode;

use crate::project::Project;

#[derive(clap::Args)]
pub struct Args {}

pub fn run(_project: &Project, _args: Args) -> anyhow::Result<ExitCode> {
    anyhow::bail!("not built yet")
}
