//! `cargo xtask migrate`: creates an empty migration to write by hand, and checks all existing ones.

mod edited;
mod lint;
mod sql;
mod undo;

use std::fs;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Subcommand;

use crate::history::next::{self, FOLDER, History};
use crate::history::numbering;
use crate::project::Project;

/// The server's own migrations.
const SYSTEM: &str = "runtime/migrate/src/system";

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Check every migration against the rules for generated ones
    Check,
    /// Create an empty migration, for data and for tables that the schema does not know
    New {
        /// What it does, in snake_case: fill_weights
        name: String,
    },
    /// Take back the last uncommitted migration: its file, the catalog and the development database
    Undo,
    /// Merge several migrations that no other database has had into one
    Squash(undo::Squash),
}

pub fn run(project: &Project, args: Args) -> anyhow::Result<ExitCode> {
    match args.task {
        Task::Check => check(project),
        Task::New { name } => new(project, &name),
        Task::Undo => undo::undo(project),
        Task::Squash(args) => undo::squash(project, args),
    }
}

fn check(project: &Project) -> anyhow::Result<ExitCode> {
    let own = History::read(project)?.files;
    let system = next::files(project, SYSTEM)?;
    let mut wrong = [numbering(FOLDER, &own), numbering(SYSTEM, &system)].concat();
    let paths = own.iter().map(|file| format!("{FOLDER}/{file}"));
    let paths: Vec<_> = paths.chain(system.iter().map(|file| format!("{SYSTEM}/{file}"))).collect();
    for path in &paths {
        let text = fs::read_to_string(project.path(path)).with_context(|| format!("{path} cannot be read"))?;
        for finding in lint::lint(&text) {
            let lint::Finding { code, line, message, help } = finding;
            wrong.push(format!("error[{code}]: {message}\n  --> {path}:{line}\n  = help: {help}"));
        }
    }
    if wrong.is_empty() {
        println!("{} migrations, no problems found", paths.len());
        return Ok(ExitCode::SUCCESS);
    }
    wrong.iter().for_each(|wrong| eprintln!("{wrong}\n"));
    Ok(ExitCode::FAILURE)
}

fn new(project: &Project, name: &str) -> anyhow::Result<ExitCode> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if name.is_empty() || name.len() > 56 || !name.bytes().all(plain) {
        bail!(
            "`{name}` is not a name for a migration: write it in snake_case, with at most 56 letters, as in fill_weights"
        );
    }
    let full = format!("{:04}_{name}", History::read(project)?.next_number());
    let path = format!("{FOLDER}/{full}.sql");
    let text = format!(
        "-- {full}\n-- Written by hand. Immutable once merged: to change it, make the next one.\n-- For data, and for what the schema does not know: tables and columns of content come from schema/.\n-- `cargo xtask migrate check` says what is dangerous in it; `cargo xtask generate` puts it into the server.\n\nset lock_timeout = '5s';\nset statement_timeout = '1h';\n\nbegin;\n\ncommit;\n"
    );
    fs::create_dir_all(project.path(FOLDER)).with_context(|| format!("{FOLDER} cannot be made"))?;
    fs::write(project.path(&path), text).with_context(|| format!("{path} cannot be written"))?;
    println!("  new      {path}");
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    #[test]
    fn two_heads_are_found() {
        let files = ["0001_a.sql", "0002_b.sql", "0002_c.sql", "nope.sql"].map(str::to_owned);
        let wrong = super::numbering(super::FOLDER, &files);
        assert!(wrong[0].contains("nope.sql has no number"));
        assert!(wrong[1].contains("two migrations have the number 2: 0002_b.sql, 0002_c.sql"));
        assert_eq!(wrong.len(), 2);
    }
}
