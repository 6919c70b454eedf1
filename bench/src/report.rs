//! The files that people read: `RESULTS.md`, `SCALE.md` and plots, all made from `results.json`.

mod compare;
mod goals;
mod plot;
mod results;
mod scale;
pub mod table;

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::figures::{Results, Run};

/// Where all files are, below the project.
const FOLDER: &str = "bench";
const FILE: &str = "bench/results.json";

/// The results so far; none if there are none.
pub fn read() -> Result<Results> {
    if !Path::new(FILE).is_file() {
        return Ok(Results::default());
    }
    let text = std::fs::read_to_string(FILE).with_context(|| format!("cannot read {FILE}"))?;
    serde_json::from_str(&text).with_context(|| format!("{FILE} is not readable: delete it"))
}

/// Adds to the results, and writes all files anew.
pub fn keep(change: impl FnOnce(&mut Results)) -> Result<()> {
    let mut results = read()?;
    change(&mut results);
    std::fs::write(FILE, serde_json::to_string_pretty(&results)? + "\n")
        .with_context(|| format!("cannot write {FILE}"))?;
    write(&results)
}

pub fn write(results: &Results) -> Result<()> {
    let folder = Path::new(FOLDER);
    let plots = folder.join("plots");
    std::fs::create_dir_all(&plots)?;
    if let Some(run) = results.runs.get(&1) {
        std::fs::write(folder.join("RESULTS.md"), results::page(run, committed().runs.get(&1)))?;
        std::fs::write(plots.join("reads.svg"), plot::rates(run))?;
        std::fs::write(plots.join("latencies.svg"), plot::latencies(run))?;
    }
    std::fs::write(folder.join("SCALE.md"), scale::page(results))?;
    std::fs::write(plots.join("scale.svg"), plot::scale(results))?;
    Ok(())
}

/// The page of a run that is not kept.
pub fn show(run: &Run) -> String {
    results::page(run, committed().runs.get(&1))
}

/// The results of the last commit; none if there are none.
fn committed() -> Results {
    let shown = Command::new("git").args(["show", &format!("HEAD:{FILE}")]).output();
    let shown = shown.ok().filter(|shown| shown.status.success());
    shown.and_then(|shown| serde_json::from_slice(&shown.stdout).ok()).unwrap_or_default()
}
