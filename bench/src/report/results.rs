//! `RESULTS.md`: the figures of a run, with what they are compared with.

use super::table::{decimal, ratio, table, whole};
use super::{compare, goals};
use crate::cases::CASES;
use crate::figures::{Run, target};

const METHOD: &str = "
All figures are of one run of `cargo xtask bench`, on one database, and each is the median of its rounds; the servers take turns.
The client runs on the same cores as the server and PostgreSQL, and takes a part of them: compare ratios, not rates.
PostgreSQL runs with `fsync=off`, so writes do not wait for a disk: that makes the ratios of writes harder to reach.

| name | what |
|---|---|
| planned | this server, with `TYPECASE_CACHE=0`: each request is read from PostgreSQL by the cached plan of its document |
| cached | this server, as it is set up by default: responses from the cache of the process |
| strict | the same with `TYPECASE_CACHE_MODE=strict`: each cached response is confirmed in Redis |
| floor | a server by hand: axum, sqlx, serde, and the best SQL for the question that the tables allow, listings included |
| fast floor | the same SQL; PostgreSQL's binary rows are written to JSON without structs, as this server does, and without GraphQL |
| static | this server's HTTP stack with an answer of the same size that it has already |
| pgbench | the same SQL, prepared, from `pgbench` over as many connections as a server has; no server in front of PostgreSQL |

Floors and planned reads have 8 connections to PostgreSQL each. Before a case is measured, all answers are compared: they are the same bytes.
";

pub fn page(run: &Run, last: Option<&Run>) -> String {
    let machine = &run.machine;
    let mut text = String::from("# Results\n\nWritten by `cargo xtask bench` from `results.json`; do not edit.\n\n");
    text += &format!(
        "{} cores of {}, {:.0} GiB of memory, PostgreSQL {}; revision {}; {} rounds of {} s.\n",
        machine.cores, machine.cpu, machine.memory_gib, machine.postgres, machine.commit, run.rounds, run.seconds
    );
    text += METHOD;
    let mut section = |title: &str, body: String| {
        if !body.is_empty() {
            text += &format!("\n## {title}\n\n{body}");
        }
    };
    section("Goals", goals_of(run));
    section("Reads and searches, 16 connections", format!("{}\n![requests per second](plots/reads.svg)\n", reads(run)));
    section("From the cache", cached(run));
    section("By connections", by_connections(run));
    section("Latencies at a constant rate", format!("{OPEN}\n{}\n![latencies](plots/latencies.svg)\n", open(run)));
    section("Writes", writes(run));
    section("Single figures", facts(run));
    section("Since the last results", compare::section(run, last));
    text
}

const OPEN: &str = "Requests arrive at the rate in the table, half of what the slower of the two can do, whether or not the server keeps up.
A latency counts from the time at which a request was to be sent. Milliseconds.
";

fn goals_of(run: &Run) -> String {
    let rows = goals::of(run).into_iter().map(|goal| {
        let said = match goal.is_reached() {
            None => "not measured",
            Some(true) => "reached",
            Some(false) => "**missed**",
        };
        let sign = if goal.least { "≥" } else { "≤" };
        vec![goal.what.clone(), format!("{sign} {}", goal.bound), ratio(goal.is), said.to_owned()]
    });
    table(&["goal", "bound", "measured", ""], rows)
}

fn reads(run: &Run) -> String {
    let rows = CASES.iter().filter_map(|case| {
        let ours = run.row(case.name, target::OFF, 16)?;
        let floor = run.row(case.name, target::FLOOR, 16);
        let of = |other| ratio(run.ratio(case.name, (target::OFF, other), 16));
        let cpu = |row: Option<&crate::figures::Row>| {
            row.map_or_else(|| "-".to_owned(), |row| format!("{:.2} + {:.2}", row.server_cpu, row.database_cpu))
        };
        Some(vec![
            format!("**{}**: {}", case.name, case.about),
            whole(Some(ours.rate)),
            of(target::FLOOR),
            of(target::FAST),
            of(target::PGBENCH),
            cpu(Some(ours)),
            cpu(floor),
            format!("{:.0} / {:.0}", ours.statements, floor.map_or(0.0, |floor| floor.statements)),
            whole(Some(ours.bytes as f64)),
        ])
    });
    let head = [
        "case",
        "planned /s",
        "of the floor",
        "of the fast floor",
        "of pgbench",
        "CPU ms: server + PostgreSQL",
        "the floor's",
        "statements: ours / floor",
        "bytes",
    ];
    table(&head, rows)
}

fn cached(run: &Run) -> String {
    let rows = CASES.iter().filter(|case| case.cached).flat_map(|case| {
        [1, 16, 64].into_iter().filter_map(|connections| {
            let rate = |of| run.rate(case.name, of, connections);
            let of_static = |of| ratio(run.ratio(case.name, (of, target::FIXED), connections));
            let fixed = rate(target::FIXED)?;
            Some(vec![
                case.name.to_owned(),
                connections.to_string(),
                whole(Some(fixed)),
                whole(rate(target::MEMORY)),
                of_static(target::MEMORY),
                whole(rate(target::STRICT)),
                of_static(target::STRICT),
            ])
        })
    });
    table(&["case", "c", "static /s", "cached /s", "of static", "strict /s", "of static"], rows)
}

fn by_connections(run: &Run) -> String {
    let rows = CASES.iter().flat_map(|case| {
        [1, 16, 64].into_iter().filter_map(|connections| {
            let ours = run.row(case.name, target::OFF, connections)?;
            let floor = run.row(case.name, target::FLOOR, connections)?;
            let fast = run.row(case.name, target::FAST, connections)?;
            Some(vec![
                case.name.to_owned(),
                connections.to_string(),
                whole(Some(ours.rate)),
                whole(Some(floor.rate)),
                whole(Some(fast.rate)),
                format!("{:.2} / {:.2}", ours.p50, floor.p50),
                format!("{:.2} / {:.2}", ours.p99, floor.p99),
                ratio(Some(ours.p99 / floor.p99)),
            ])
        })
    });
    let head = [
        "case",
        "c",
        "planned /s",
        "floor /s",
        "fast floor /s",
        "p50 ms: ours / floor",
        "p99 ms",
        "p99 of the floor's",
    ];
    table(&head, rows)
}

fn open(run: &Run) -> String {
    let rows = CASES.iter().flat_map(|case| {
        [target::OFF, target::FLOOR, target::MEMORY].into_iter().filter_map(|of| {
            let row = run.open(case.name, of)?;
            let of = of.to_owned();
            let ms = |number| decimal(Some(number), 2);
            Some(vec![case.name.to_owned(), of, whole(Some(row.amount)), ms(row.p50), ms(row.p99), ms(row.p999)])
        })
    });
    table(&["case", "server", "arrivals /s", "p50", "p99", "p99.9"], rows)
}

fn writes(run: &Run) -> String {
    let names = ["update", "publish", "reads", "mixed"];
    let rows = run.rows.iter().filter(|row| names.contains(&row.case.as_str())).map(|row| {
        vec![
            row.case.clone(),
            row.target.clone(),
            whole(Some(row.amount)),
            whole(Some(row.rate)),
            decimal(Some(row.p50), 2),
            decimal(Some(row.p99), 2),
            format!("{:.2} + {:.2}", row.server_cpu, row.database_cpu),
        ]
    });
    let table = table(&["what", "server", "c", "requests /s", "p50 ms", "p99 ms", "CPU ms: server + PostgreSQL"], rows);
    let share =
        |of: &str| Some(format!("{of} {}", ratio(Some(run.rate("mixed", of, 16)? / run.rate("reads", of, 16)?))));
    let targets = [target::OFF, target::MEMORY, target::STRICT, target::FLOOR];
    let shares: Vec<String> = targets.into_iter().filter_map(share).collect();
    let shares = shares.join(", ");
    format!(
        "`update` saves a draft: the floor does the same with revision, event and audit log, without rules, validation and search.\n\
        `publish` saves and publishes. `reads` asks `one`, `category` and `prices`; in `mixed`, one of 20 requests is a write,\n\
        and of these, every other one publishes (the floor has only updates).\n\n{table}\n\
        Of the rate of reads alone, with 5 % writes: {shares}. The client is in a closed loop, so all reads wait for the writes:\n\
        with a write that costs as much as n reads, the share is 1 / (0.95 + 0.05 n) at best.\n"
    )
}

fn facts(run: &Run) -> String {
    table(&["what", ""], run.facts.iter().map(|(name, value)| vec![name.clone(), decimal(Some(*value), 2)]))
}
