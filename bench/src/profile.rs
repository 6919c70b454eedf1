//! `cargo xtask bench profile`: where the time of a request goes, by sampling with `perf`. Writes PROFILE.md.
//!
//! A sample counts for the crate of its innermost function, and for the system if that is in the kernel.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::bed::Bed;
use crate::cases::Case;
use crate::figures::{Load, Row, target};
use crate::load::{self, Cycle};
use crate::process::Server;
use crate::report::table::{decimal, table, whole};
use crate::writes;

/// Seconds of a profile.
const SECONDS: u64 = 5;
/// Seconds of the load, which begins before.
pub const LENGTH: f64 = 6.0;
const CONNECTIONS: usize = 16;
/// Functions and parts with less of the samples are left out.
const LEAST: f64 = 1.0;
/// Functions in a table.
const MOST: usize = 25;

/// A statement that waits for its client is over.
const RUNNING: &str = "select left(regexp_replace(query, '\\s+', ' ', 'g'), 160) from pg_stat_activity
    where state = 'active' and pid <> pg_backend_pid() and backend_type = 'client backend' and query <> ''";

const HEAD: &str = "# Profile

Written by `cargo xtask bench profile`; do not edit. It needs Linux and `perf` (`apt-get install linux-perf`), and the right to use it.

For each kind of request, 16 connections ask for five seconds while `perf record -e cpu-clock` looks 997 times a second which function
of the server runs, and which of PostgreSQL; beside it, `pg_stat_activity` is read every few milliseconds for the statements that run. `system` is the kernel: sockets, scheduling, memory.
Inlined functions count for the crate that they are inlined into. To look at call chains:
`perf record -g -e cpu-clock -p PID` on a server that `target/release/shop serve` runs, then `perf report`.
";

pub async fn run(bed: &Bed) -> Result<()> {
    let mut text = HEAD.to_owned();
    let kinds = [
        ("A response from the cache", target::MEMORY, "prices"),
        ("The same, strict over Redis", target::STRICT, "prices"),
        ("A planned read of one entry", target::OFF, "one"),
        ("A planned read of 20 entries with three relations", target::OFF, "newest"),
        ("A planned read of 100 entries", target::OFF, "prices"),
        ("A search for a rare word", target::OFF, "search-rare"),
        ("An update", target::OFF, "update"),
        ("An update that publishes", target::OFF, "publish"),
    ];
    for (title, of, what) in kinds {
        let Some(server) = bed.server(of) else { continue };
        eprintln!("{title}");
        text += &format!("\n## {title}\n\n{}", profile(bed, server, what).await?);
    }
    std::fs::write("bench/PROFILE.md", text).context("cannot write bench/PROFILE.md")
}

async fn profile(bed: &Bed, server: &Server, what: &str) -> Result<String> {
    let folder = tempfile::tempdir()?;
    let (ours, theirs) = (folder.path().join("server"), folder.path().join("postgres"));
    let postgres = crate::process::backends(&bed.pool).await?;
    let recordings = [(vec![server.id()], &ours), (postgres, &theirs)].map(|(ids, file)| {
        let ids: Vec<String> = ids.iter().map(u32::to_string).collect();
        let mut perf = Command::new("perf");
        perf.args(["record", "-q", "-F", "997", "-e", "cpu-clock", "-p", &ids.join(","), "-o"]).arg(file);
        perf.args(["--", "sleep", &SECONDS.to_string()]).stdout(Stdio::null()).stderr(Stdio::null());
        perf
    });
    let load = load(bed, server, what);
    let asked = statements(bed);
    let record = async {
        // The connections are open by then, and the statements prepared.
        tokio::time::sleep(Duration::from_millis(500)).await;
        let mut children = Vec::new();
        for mut perf in recordings {
            children.push(perf.spawn().context("`perf` is not installed")?);
        }
        tokio::task::spawn_blocking(move || children.iter_mut().try_for_each(|child| child.wait().map(drop))).await??;
        anyhow::Ok(())
    };
    let (row, (), asked) = tokio::try_join!(load, record, asked)?;
    let mut text = format!(
        "{} requests a second; p50 {} ms; CPU per request: server {} ms, PostgreSQL {} ms.\n\n",
        whole(Some(row.rate)),
        decimal(Some(row.p50), 2),
        decimal(Some(row.server_cpu), 3),
        decimal(Some(row.database_cpu), 3)
    );
    let samples = samples(&ours)?;
    text += &table(&["part of the server", "%"], parts(&samples));
    text += "\n";
    text += &table(&["function", "%"], functions(&samples));
    if !asked.is_empty() {
        text += "\n";
        text += &table(&["statement that PostgreSQL was found at", "%"], asked);
    }
    text += "\n";
    text += &table(&["function of PostgreSQL", "%"], functions(&self::samples(&theirs)?).take(12));
    Ok(text)
}

/// The statements that PostgreSQL is found at, by looking again and again.
async fn statements(bed: &Bed) -> Result<Vec<Vec<String>>> {
    let end = Instant::now() + Duration::from_secs(SECONDS);
    let mut found: BTreeMap<String, u32> = BTreeMap::new();
    while Instant::now() < end {
        let running: Vec<String> = sqlx::query_scalar(RUNNING).fetch_all(&bed.pool).await?;
        for statement in running {
            *found.entry(statement).or_default() += 1;
        }
        tokio::time::sleep(Duration::from_millis(4)).await;
    }
    let all: u32 = found.values().sum();
    let mut found: Vec<(String, f64)> =
        found.into_iter().map(|(statement, times)| (statement, f64::from(times) * 100.0 / f64::from(all))).collect();
    found.sort_by(|a, b| b.1.total_cmp(&a.1));
    Ok(functions(&found).collect())
}

async fn load(bed: &Bed, server: &Server, what: &str) -> Result<Row> {
    let how = (Load::Closed, CONNECTIONS as f64);
    match Case::named(what) {
        Some(case) => {
            let requests = load::requests("/graphql", &case.bodies(&bed.pool, &bed.off.address).await?);
            bed.measure(server, how, |number| Cycle::new(&Arc::clone(&requests), number)).await
        }
        None => {
            let entries = writes::entries(&bed.pool, CONNECTIONS).await?;
            let queries = if what == "publish" { writes::PUBLISHING } else { writes::SAVING };
            bed.measure(server, how, |number| writes::editor(bed, target::OFF, queries, entries[number].clone())).await
        }
    }
}

/// The function of each sample with its share in percent.
fn samples(file: &std::path::Path) -> Result<Vec<(String, f64)>> {
    let mut perf = Command::new("perf");
    perf.args([
        "report",
        "--stdio",
        "--no-children",
        "--no-inline",
        "-g",
        "none",
        "--sort",
        "dso,symbol",
        "-t",
        "\t",
        "-i",
    ]);
    let output = perf.arg(file).stderr(Stdio::null()).output().context("`perf` is not installed")?;
    ensure!(output.status.success(), "`perf report` failed");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    // `  1.23%<tab>shop<tab>[.] name`
    let sample = |line: &str| {
        let mut cells = line.split('\t').map(str::trim);
        let share: f64 = cells.next()?.strip_suffix('%')?.parse().ok()?;
        let (file, name) = (cells.next()?, cells.next()?);
        let (level, name) = name.split_once("] ").unwrap_or(("", name));
        let name = if level.ends_with('k') { format!("system::{}", name.trim()) } else { plain(name.trim(), file) };
        Some((name, share))
    };
    Ok(text.lines().filter(|line| !line.starts_with('#')).filter_map(sample).collect())
}

/// A name without its hash; with its library, if it has no path.
fn plain(name: &str, file: &str) -> String {
    let name = name.split("::h").enumerate().filter(|(at, part)| *at == 0 || part.len() != 16).map(|(_, part)| part);
    let name = name.collect::<Vec<_>>().join("::h");
    if name.starts_with("_mi_") || name.starts_with("mi_") {
        return format!("mimalloc::{name}");
    }
    let file = file.trim_matches(['[', ']']);
    if name.contains("::") || file == "postgres" {
        name
    } else {
        format!("{}::{name}", file.split('.').next().unwrap_or(file))
    }
}

fn parts(samples: &[(String, f64)]) -> Vec<Vec<String>> {
    let mut by_part: BTreeMap<&str, f64> = BTreeMap::new();
    for (name, share) in samples {
        *by_part.entry(part(name)).or_default() += share;
    }
    let mut parts: Vec<_> = by_part.into_iter().filter(|(_, share)| *share >= LEAST).collect();
    parts.sort_by(|a, b| b.1.total_cmp(&a.1));
    parts.into_iter().map(|(name, share)| vec![name.to_owned(), format!("{share:.1}")]).collect()
}

/// The crate of a function: `<alloc::vec::Vec<T> as core::..>` counts as `alloc`.
fn part(name: &str) -> &str {
    let name = name.trim_start_matches(['<', '&', '[', '(']).trim_start_matches("mut ").trim_start_matches("dyn ");
    name.split("::").next().unwrap_or(name)
}

fn functions(samples: &[(String, f64)]) -> impl Iterator<Item = Vec<String>> {
    let shown = samples.iter().filter(|(_, share)| *share >= LEAST).take(MOST);
    let cell = |name: &str| format!("`{}`", name.chars().take(160).collect::<String>().replace('|', "/"));
    shown.map(move |(name, share)| vec![cell(name), format!("{share:.1}")])
}
