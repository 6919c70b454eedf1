//! `SCALE.md`: the same figures for catalogues of different sizes, and for several servers.

use super::goals;
use super::table::{decimal, ratio, table, whole};
use crate::cases::CASES;
use crate::figures::{Results, Run, target};
use crate::seed::PRODUCTS;

const HEAD: &str = "# Scale

Written by `cargo xtask bench` from `results.json`; do not edit.
`cargo xtask bench --scale 10` and `--scale 100` measure 100,000 and a million products, `bench nodes` several servers,
and `bench compile` the generator and the compiler at 3, 30 and 100 types.

A catalogue has 100 categories, 200 tags and 50 brands at any size: with a million products a category has 10,000 of them and a tag 15,000.
";

pub fn page(results: &Results) -> String {
    let runs: Vec<(u32, &Run)> = results.runs.iter().map(|(scale, run)| (*scale, run)).collect();
    let mut text = HEAD.to_owned();
    text += "\n## Time of a request, one connection\n\nMilliseconds (p50), planned reads and, in brackets, the floor's.\n\n";
    let mut head = vec!["case".to_owned()];
    head.extend(runs.iter().map(|(scale, _)| format!("{} products", whole(Some(f64::from(*scale * PRODUCTS))))));
    let head: Vec<&str> = head.iter().map(String::as_str).collect();
    let of = |name: &str, run: &Run| {
        let p50 = |of| decimal(run.row(name, of, 1).map(|row| row.p50), 2);
        format!("{} ({})", p50(target::OFF), p50(target::FLOOR))
    };
    let rows = CASES.iter().map(|case| {
        let cells = runs.iter().map(|(_, run)| of(case.name, run));
        std::iter::once(format!("**{}**: {}", case.name, case.about)).chain(cells).collect()
    });
    text += &table(&head, rows);
    text += "\n![time of a request by products](plots/scale.svg)\n";
    text += "\n## Goals\n\n";
    text += &table(
        &["goal", "bound", "measured", ""],
        goals::of_scale(results).into_iter().map(|goal| {
            let said = if goal.is_reached() == Some(true) { "reached" } else { "**missed**" };
            vec![goal.what.clone(), format!("≤ {}", goal.bound), ratio(goal.is), said.to_owned()]
        }),
    );
    text += "\n## Import, memory, start, seed\n\n";
    let mut names: Vec<&String> = runs.iter().flat_map(|(_, run)| run.facts.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let rows = names.into_iter().map(|name| {
        let cells = runs.iter().map(|(_, run)| decimal(run.fact(name), 2));
        std::iter::once(name.clone()).chain(cells).collect()
    });
    text += &table(&head, rows);
    text + &nodes(results) + &types() + &why()
}

fn nodes(results: &Results) -> String {
    let rows = results.nodes.iter().map(|nodes| {
        vec![
            nodes.what.clone(),
            nodes.servers.to_string(),
            whole(Some(nodes.rate)),
            decimal(nodes.staleness_p50, 2),
            decimal(nodes.staleness_most, 2),
        ]
    });
    let head = ["what", "servers", "requests /s", "staleness ms, p50", "most"];
    format!("\n## Several servers on one database\n\n{NODES}\n{}", table(&head, rows))
}

const NODES: &str = "The client sends the same mix of reads to all servers, 16 connections to each two of them.
All run on the same cores, so their number shows only what they cost each other, not what more machines give.
Staleness: how long after an answered publish on one server another one still shows what was before.
";

/// What `cargo xtask bench compile` has measured.
fn types() -> String {
    let written = std::fs::read_to_string("bench/compile.txt");
    written.map_or_else(|_| String::new(), |text| format!("\n## Content types\n\n```\n{text}```\n"))
}

/// Written by hand, and kept apart from the figures.
fn why() -> String {
    std::fs::read_to_string("bench/WHY.md").map_or_else(|_| String::new(), |why| format!("\n{why}"))
}
