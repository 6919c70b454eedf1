//! Single figures: start, memory, the machine.

use std::process::Command;

use anyhow::Result;
use serde_json::json;
use sqlx::PgPool;

use crate::bed::Bed;
use crate::cases::Case;
use crate::figures::{Machine, Run};
use crate::load::{self, Wire};
use crate::process::Server;

/// Starts of a server, of which the middle counts.
const STARTS: usize = 5;
/// Different responses: together more than the cache takes.
const RESPONSES: u64 = 6_000;

pub async fn run(bed: &Bed, run: &mut Run) -> Result<()> {
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        starts.push(Server::ours(&bed.url, &[]).await?.start);
    }
    starts.sort_by(f64::total_cmp);
    run.facts.insert("start s".to_owned(), starts[STARTS / 2]);
    let fresh = Server::ours(&bed.url, &[]).await?;
    run.facts.insert("memory after start MiB".to_owned(), fresh.memory());
    drop(fresh);
    fill(bed).await?;
    run.facts.insert("memory with a full cache MiB".to_owned(), bed.memory.memory());
    run.facts.insert("memory without a cache MiB".to_owned(), bed.off.memory());
    run.facts.insert("memory of the floor MiB".to_owned(), bed.floor.memory());
    Ok(())
}

/// Asks for more responses than the cache has room for.
async fn fill(bed: &Bed) -> Result<()> {
    let Some(case) = Case::named("prices") else { return Ok(()) };
    let bodies = case.bodies(&bed.pool, &bed.off.address).await?;
    let mut wire = Wire::connect(&bed.memory.address).await?;
    for number in 0..RESPONSES {
        let mut body: serde_json::Value = serde_json::from_str(&bodies[number as usize % bodies.len()])?;
        body["variables"]["low"]["amountMinor"] = json!(number.to_string());
        wire.ask(&load::request("/graphql", None, &body.to_string())).await?;
    }
    Ok(())
}

/// The machine, without what is private of it.
pub async fn machine(pool: &PgPool) -> Result<Machine> {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = memory.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kib: Option<f64> = total.and_then(|total| total.trim().trim_end_matches("kB").trim().parse().ok());
    let version: String = sqlx::query_scalar("show server_version").fetch_one(pool).await?;
    let git = Command::new("git").args(["rev-parse", "--short", "HEAD"]).output();
    let commit =
        git.ok().filter(|git| git.status.success()).map(|git| String::from_utf8_lossy(&git.stdout).into_owned());
    Ok(Machine {
        cpu: model.map_or_else(|| "unknown".to_owned(), |(_, model)| model.trim().to_owned()),
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        memory_gib: kib.map_or(0.0, |kib| (kib / 1024.0 / 1024.0).round()),
        postgres: version.split_whitespace().next().unwrap_or_default().to_owned(),
        commit: commit.unwrap_or_default().trim().to_owned(),
    })
}
