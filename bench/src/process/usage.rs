//! CPU time and memory of processes, from `/proc`. On other systems they count as 0.

use anyhow::Result;
use sqlx::PgPool;

/// Resident memory in MiB.
pub fn memory(id: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<f64>().ok());
    kib.map_or(0.0, |kib| kib / 1024.0)
}

/// CPU seconds used so far by all processes of the PostgreSQL cluster; 0 if it runs elsewhere.
pub async fn database_cpu(pool: &PgPool) -> Result<f64> {
    let backend: i32 = sqlx::query_scalar("select pg_backend_pid()").fetch_one(pool).await?;
    let Some(postmaster) = parent(backend.unsigned_abs()) else { return Ok(0.0) };
    let running: f64 = processes().filter(|id| parent(*id) == Some(postmaster)).map(cpu_seconds).sum();
    Ok(running + ticks(postmaster, 12))
}

/// The processes of PostgreSQL that serve connections, and those beside them.
pub async fn backends(pool: &PgPool) -> Result<Vec<u32>> {
    let backend: i32 = sqlx::query_scalar("select pg_backend_pid()").fetch_one(pool).await?;
    let postmaster = parent(backend.unsigned_abs());
    Ok(processes().filter(|id| postmaster.is_some() && parent(*id) == postmaster).collect())
}

fn processes() -> impl Iterator<Item = u32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// The fields of `/proc/ID/stat` after the command, which may itself contain blanks.
fn stat(id: u32) -> Option<Vec<u64>> {
    let text = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let (_, rest) = text.rsplit_once(')')?;
    Some(rest.split_whitespace().skip(1).map(|field| field.parse().unwrap_or(0)).collect())
}

fn parent(id: u32) -> Option<u32> {
    stat(id)?.first().and_then(|parent| u32::try_from(*parent).ok())
}

pub fn cpu_seconds(id: u32) -> f64 {
    ticks(id, 10)
}

/// CPU seconds of this process's children that have exited.
pub fn children_cpu() -> f64 {
    ticks(std::process::id(), 12)
}

/// User and system time together. Linux reports ticks of 10 ms whatever the kernel's own rate (USER_HZ is 100).
fn ticks(id: u32, field: usize) -> f64 {
    let ticks = stat(id).map_or(0, |fields| fields.get(field).unwrap_or(&0) + fields.get(field + 1).unwrap_or(&0));
    ticks as f64 / 100.0
}
