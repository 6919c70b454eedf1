//! Runs every case against both servers in turn and prints the figures with their ratios.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::Value;
use sqlx::PgPool;

use crate::cases::{CASES, Case};
use crate::load::{self, Sample};
use crate::process::{self, Server};

pub struct Options {
    /// Length of one measurement. Each server is measured `rounds` times, alternating.
    pub seconds: u64,
    pub rounds: usize,
    pub connections: &'static [usize],
}

impl Default for Options {
    fn default() -> Self {
        Self { seconds: 3, rounds: 3, connections: &[1, 16, 64] }
    }
}

/// One server's figures for one case.
struct Figures {
    rate: f64,
    p50: f64,
    p99: f64,
    /// CPU milliseconds per request.
    server_cpu: f64,
    database_cpu: f64,
}

pub async fn measure(pool: &PgPool, floor: &Server, ours: &Server, options: &Options) -> Result<()> {
    let mut verdicts = Vec::new();
    for case in CASES {
        let bodies = Arc::new(case.bodies(pool).await?);
        same_answer(case, floor, ours, &bodies).await?;
        println!("\n{}: {}", case.name, case.about);
        println!("  statements a request: {}", statements(case, floor, ours, &bodies[0]).await?);
        println!(
            "  {:>4} {:<6} {:>9} {:>9} {:>9} {:>12} {:>12}",
            "c", "", "req/s", "p50 ms", "p99 ms", "server ms", "database ms"
        );
        for connections in options.connections {
            let (mut of_floor, mut of_ours) = (Vec::new(), Vec::new());
            for _ in 0..options.rounds {
                of_floor.push(figures(pool, case, floor, &bodies, *connections, options.seconds).await?);
                of_ours.push(figures(pool, case, ours, &bodies, *connections, options.seconds).await?);
            }
            let (of_floor, of_ours) = (median(&of_floor), median(&of_ours));
            print_row(*connections, floor.name, &of_floor);
            print_row(*connections, ours.name, &of_ours);
            let (rate, p99) = (of_ours.rate / of_floor.rate, of_ours.p99 / of_floor.p99);
            println!("  {connections:>4} ratio  {rate:>9.2} {:>9} {p99:>9.2}", "");
            verdicts.extend(verdict(case, *connections, rate, p99));
        }
    }
    println!("\nresident memory: floor {:.0} MiB, ours {:.0} MiB (to reach: 60)", floor.memory(), ours.memory());
    println!("to reach: ratio of req/s at c=16 at least 0.90, ratio of p99 at c=64 at most 1.50");
    for line in verdicts {
        println!("{line}");
    }
    Ok(())
}

fn verdict(case: &Case, connections: usize, rate: f64, p99: f64) -> Option<String> {
    let said = |reached: bool| if reached { "reached" } else { "MISSED" };
    match connections {
        16 => Some(format!("  {}: c=16 req/s {rate:.2} of the floor, {}", case.name, said(rate >= 0.9))),
        64 => Some(format!("  {}: c=64 p99 {p99:.2} of the floor's, {}", case.name, said(p99 <= 1.5))),
        _ => None,
    }
}

/// A comparison is meaningless unless both servers return the same bytes.
async fn same_answer(case: &Case, floor: &Server, ours: &Server, bodies: &[String]) -> Result<()> {
    for body in bodies.iter().take(5) {
        let expected = load::once(&floor.address, case.path, body).await?;
        let answered = load::once(&ours.address, "/graphql", body).await?;
        let (expected, answered) = (data(&expected), data(&answered));
        ensure!(expected == answered, "{}: the answers differ\nfloor: {expected}\nours:  {answered}", case.name);
    }
    Ok(())
}

/// The response without its extensions, where the floor reports a fixed cost.
fn data(body: &str) -> &str {
    body.rsplit_once(",\"extensions\"").map_or(body, |(data, _)| data)
}

/// The number of statements that each server reports. Another test counts them to check what ours reports.
async fn statements(case: &Case, floor: &Server, ours: &Server, body: &str) -> Result<String> {
    let mut said = Vec::new();
    for server in [floor, ours] {
        let answer: Value = serde_json::from_str(&load::once(&server.address, path(case, server), body).await?)?;
        said.push(format!("{} {}", server.name, answer["extensions"]["cost"]["statements"]));
    }
    Ok(said.join(", "))
}

async fn figures(
    pool: &PgPool,
    case: &Case,
    server: &Server,
    bodies: &Arc<Vec<String>>,
    connections: usize,
    seconds: u64,
) -> Result<Figures> {
    let (server_before, database_before) = (server.cpu(), process::database_cpu(pool).await?);
    let time = Duration::from_secs(seconds);
    let sample: Sample = load::run(&server.address, path(case, server), bodies, connections, time).await?;
    let (server_after, database_after) = (server.cpu(), process::database_cpu(pool).await?);
    let each = 1000.0 / sample.requests as f64;
    Ok(Figures {
        rate: sample.rate(),
        p50: sample.percentile(0.5),
        p99: sample.percentile(0.99),
        server_cpu: (server_after - server_before) * each,
        database_cpu: (database_after - database_before) * each,
    })
}

fn path(case: &Case, server: &Server) -> &'static str {
    if server.name == "floor" { case.path } else { "/graphql" }
}

/// The median of each figure over the rounds.
fn median(rounds: &[Figures]) -> Figures {
    let middle = |figure: fn(&Figures) -> f64| {
        let mut values: Vec<f64> = rounds.iter().map(figure).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or_default()
    };
    Figures {
        rate: middle(|round| round.rate),
        p50: middle(|round| round.p50),
        p99: middle(|round| round.p99),
        server_cpu: middle(|round| round.server_cpu),
        database_cpu: middle(|round| round.database_cpu),
    }
}

fn print_row(connections: usize, name: &str, figures: &Figures) {
    let Figures { rate, p50, p99, server_cpu, database_cpu } = figures;
    println!("  {connections:>4} {name:<6} {rate:>9.0} {p50:>9.2} {p99:>9.2} {server_cpu:>12.3} {database_cpu:>12.3}");
}
