//! `cargo xtask new`: creates starter files, which compile unchanged.

use std::fs::OpenOptions;
use std::io::Write;
use std::process::ExitCode;

use anyhow::{Context, bail};

use crate::progress::say;
use crate::project::Project;

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// A content type: schema/NAME.yaml with comments on what is possible
    Type {
        /// In the singular, as `event` or `opening_day`
        name: String,
    },
}

pub fn run(project: &Project, args: Args) -> anyhow::Result<ExitCode> {
    let What::Type { name } = args.what;
    let text = codegen::scaffold(&name).map_err(anyhow::Error::msg)?;
    let relative = format!("schema/{name}.yaml");
    let file = OpenOptions::new().create_new(true).write(true).open(project.path(&relative));
    match file {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => bail!("{relative} already exists"),
        file => file
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .with_context(|| format!("cannot write {relative}"))?,
    }
    say("Made", format!("{relative}: edit it; docs/schema-language.md describes all keys"));
    say(
        "Next",
        "`cargo xtask dev` follows your changes; without it, run `cargo xtask generate` and `typecase migrate`",
    );
    Ok(ExitCode::SUCCESS)
}
