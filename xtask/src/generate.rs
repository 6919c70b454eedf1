//! `cargo xtask generate`: reads schema/, writes what changed, or with `--check` only says what would change.

use std::process::ExitCode;

use crate::project::Project;

#[derive(clap::Args)]
pub struct Args {
    /// Write nothing; exit 0 when current, 4 when stale, 1 when the schema is wrong
    #[arg(long)]
    check: bool,
}

pub fn run(_project: &Project, _args: Args) -> anyhow::Result<ExitCode> {
    anyhow::bail!("not built yet")
}
