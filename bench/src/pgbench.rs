//! `pgbench` with the statements of the floor: what PostgreSQL does alone, without any server in front of it.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::bed::Bed;
use crate::cases::{CASES, Case};
use crate::figures::{Row, Run, target};
use crate::process::CONNECTIONS;

/// The connections of the clients whose rates it is compared with.
const BESIDE: f64 = 16.0;
/// Statements with different values, in turn.
const SCRIPTS: usize = 50;

/// Nothing, if `pgbench` is not installed.
pub async fn run(bed: &Bed, run: &mut Run) -> Result<()> {
    let Ok(program) = std::env::var("BENCH_PGBENCH") else { return Ok(()) };
    for case in CASES.iter().filter(|case| bed.options.wants(case.name)) {
        let Some(sql) = case.sql() else { continue };
        let folder = tempfile::tempdir()?;
        let scripts = write(bed, case, sql, folder.path()).await?;
        let mut command = Command::new(&program);
        let (clients, seconds) = (CONNECTIONS.to_string(), bed.options.seconds.ceil().max(1.0).to_string());
        command.args(["-n", "-M", "prepared", "-j", "2", "-c", &clients, "-T", &seconds]);
        scripts.iter().for_each(|script| _ = command.args(["-f", script]));
        command.arg(&bed.url).stderr(Stdio::null());
        command.env("PGOPTIONS", "-c plan_cache_mode=force_generic_plan -c random_page_cost=1.1");
        let output = tokio::task::spawn_blocking(move || command.output()).await??;
        ensure!(output.status.success(), "pgbench failed for {}", case.name);
        let rate = rate(&String::from_utf8_lossy(&output.stdout)).context("pgbench tells no rate")?;
        let row = Row { case: case.name.to_owned(), target: target::PGBENCH.to_owned(), rate, ..Row::default() };
        run.rows.push(Row { amount: BESIDE, ..row });
    }
    Ok(())
}

/// Scripts with the values in the statement: variables of pgbench are numbers only.
async fn write(bed: &Bed, case: &Case, sql: &str, folder: &Path) -> Result<Vec<String>> {
    let mut scripts = Vec::new();
    for (number, body) in case.bodies(&bed.pool, &bed.off.address).await?.iter().take(SCRIPTS).enumerate() {
        let body: Value = serde_json::from_str(body)?;
        let parameters = body["extensions"]["parameters"].as_array().cloned().unwrap_or_default();
        let filled = parameters.iter().enumerate().fold(sql.to_owned(), |sql, (place, value)| {
            let value =
                value.as_str().map_or_else(|| value.to_string(), |text| format!("'{}'", text.replace('\'', "''")));
            sql.replace(&format!("${}", place + 1), &value)
        });
        let path = folder.join(format!("{number}.sql"));
        std::fs::write(&path, filled + ";\n")?;
        scripts.push(path.display().to_string());
    }
    Ok(scripts)
}

/// `tps = 1234.5 (without initial connection time)`
fn rate(output: &str) -> Option<f64> {
    let line = output.lines().find_map(|line| line.strip_prefix("tps = "))?;
    line.split_whitespace().next()?.parse().ok()
}
