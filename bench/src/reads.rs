//! The reads and searches: each case against all servers in turn, at each number of connections; then at a constant rate.

use anyhow::{Result, ensure};
use serde_json::Value;

use crate::bed::Bed;
use crate::cases::{CASES, Case};
use crate::figures::{Load, Row, Run, target};
use crate::load;

/// The open load is this share of what the slower of the two does at 16 connections.
const SHARE: f64 = 0.5;
/// The most that the client sends beside a server on two cores.
const MOST: f64 = 4_000.0;

/// Milliseconds of work that may wait at the end of a measurement.
const LONGEST: f64 = 20_000.0;

pub async fn run(bed: &Bed, run: &mut Run) -> Result<()> {
    for case in CASES.iter().filter(|case| bed.options.wants(case.name)) {
        let bodies = case.bodies(&bed.pool, &bed.off.address).await?;
        compare(bed, case, &bodies).await?;
        let statements = statements(bed, case, &bodies[0]).await?;
        let size = load::once(&bed.off.address, &load::request("/graphql", None, &bodies[0])).await?.len();
        let mut targets = vec![target::OFF, target::FLOOR, target::FAST];
        if case.cached {
            targets.extend([target::MEMORY, target::STRICT, target::FIXED]);
        }
        for connections in &bed.options.connections {
            // The last request of each connection would be waited for.
            if slowest(run, case) * *connections as f64 > LONGEST {
                eprintln!("{:<16} c={connections} is left out: it would take minutes", case.name);
                continue;
            }
            let how = (Load::Closed, *connections as f64);
            let rows = rounds(bed, case, &targets, how, (&bodies, size)).await?;
            run.rows.extend(rows.into_iter().map(|row| Row { statements: of(&row, statements), bytes: size, ..row }));
        }
        let rates = [target::OFF, target::FLOOR].map(|target| run.rate(case.name, target, 16));
        if let [Some(ours), Some(floor)] = rates {
            let how = (Load::Open, (ours.min(floor) * SHARE).clamp(10.0, MOST).round());
            let mut targets = vec![target::OFF, target::FLOOR];
            targets.extend(case.cached.then_some(target::MEMORY));
            run.rows.extend(rounds(bed, case, &targets, how, (&bodies, size)).await?);
        }
        tell(run, case);
    }
    Ok(())
}

/// Milliseconds of a request of the slowest server, with one connection.
fn slowest(run: &Run, case: &Case) -> f64 {
    let alone = run.rows.iter().filter(|row| row.case == case.name && row.load == Load::Closed && row.amount == 1.0);
    alone.map(|row| row.p50).fold(0.0, f64::max)
}

fn of(row: &Row, (ours, floor): (f64, f64)) -> f64 {
    match row.target.as_str() {
        target::OFF => ours,
        target::FLOOR | target::FAST => floor,
        _ => 0.0,
    }
}

/// The middle of all rounds, for each target. The targets take turns, so that a busy moment of the machine hits all of them.
async fn rounds(
    bed: &Bed,
    case: &Case,
    targets: &[&str],
    how: (Load, f64),
    (bodies, size): (&[String], usize),
) -> Result<Vec<Row>> {
    let mut rows: Vec<(&str, Vec<Row>)> = targets.iter().map(|target| (*target, Vec::new())).collect();
    for _ in 0..bed.options.rounds {
        for (target, rows) in &mut rows {
            let Some(server) = bed.server(target) else { continue };
            let requests = load::requests(&path(case, target, size), bodies);
            rows.push(bed.cycle(server, how, &requests).await?);
        }
    }
    let named = |(target, rows): (&str, Vec<Row>)| Row {
        case: case.name.to_owned(),
        target: target.to_owned(),
        ..Row::middle(&rows)
    };
    Ok(rows.into_iter().filter(|(_, rows)| !rows.is_empty()).map(named).collect())
}

fn path(case: &Case, of: &str, size: usize) -> String {
    match of {
        target::FLOOR => format!("/typed/{}", case.name),
        target::FAST => format!("/fast/{}", case.name),
        target::FIXED => format!("/static/{size}"),
        _ => "/graphql".to_owned(),
    }
}

/// A comparison is meaningless unless all servers return the same bytes. Searches rank in ways of their own, so only their number counts.
async fn compare(bed: &Bed, case: &Case, bodies: &[String]) -> Result<()> {
    for body in bodies.iter().take(5) {
        let mut answers = Vec::new();
        for of in [target::OFF, target::FLOOR, target::FAST, target::MEMORY, target::STRICT] {
            let Some(server) = bed.server(of) else { continue };
            let answer = load::once(&server.address, &load::request(&path(case, of, 0), None, body)).await?;
            answers.push((of, answer));
        }
        let (_, first) = &answers[0];
        for (of, answer) in &answers {
            let same = match case.is_search() {
                true => answer.matches("\"id\":").count() == first.matches("\"id\":").count(),
                false => data(answer) == data(first),
            };
            ensure!(same, "{}: the answers differ\nplanned: {first}\n{of}: {answer}", case.name);
        }
    }
    Ok(())
}

/// The response without its extensions, where the floor reports a fixed cost.
fn data(body: &str) -> &str {
    body.rsplit_once(",\"extensions\"").map_or(body, |(data, _)| data)
}

/// The number of statements that ours and the floor report. A test counts them to check what ours reports.
async fn statements(bed: &Bed, case: &Case, body: &str) -> Result<(f64, f64)> {
    let mut said = Vec::new();
    for of in [target::OFF, target::FLOOR] {
        let Some(server) = bed.server(of) else { continue };
        let request = load::request(&path(case, of, 0), None, body);
        let answer: Value = serde_json::from_str(&load::once(&server.address, &request).await?)?;
        said.push(answer["extensions"]["cost"]["statements"].as_f64().unwrap_or_default());
    }
    Ok((said[0], said[1]))
}

fn tell(run: &Run, case: &Case) {
    let rate = |target, connections| run.rate(case.name, target, connections).map_or(0.0, f64::round);
    let ratio = |of| run.ratio(case.name, (target::OFF, of), 16).unwrap_or_default();
    eprintln!(
        "{:<16} c=16: planned {} floor {} ({:.2}) fast {} ({:.2}){}",
        case.name,
        rate(target::OFF, 16),
        rate(target::FLOOR, 16),
        ratio(target::FLOOR),
        rate(target::FAST, 16),
        ratio(target::FAST),
        match case.cached {
            true => format!(
                " cached {} strict {} static {}",
                rate(target::MEMORY, 16),
                rate(target::STRICT, 16),
                rate(target::FIXED, 16)
            ),
            false => String::new(),
        }
    );
}
