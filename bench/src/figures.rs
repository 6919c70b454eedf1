//! What was measured, as it is kept in `results.json`: one list of rows, from which every table, ratio and plot is made.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Results {
    /// By the size of the catalogue, in ten thousands of products.
    pub runs: BTreeMap<u32, Run>,
    pub nodes: Vec<Nodes>,
}

/// Several servers on one database.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Nodes {
    pub what: String,
    pub servers: usize,
    pub rate: f64,
    /// Milliseconds.
    pub staleness_p50: Option<f64>,
    pub staleness_most: Option<f64>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Run {
    pub machine: Machine,
    /// Length of one measurement in seconds, and how often it was repeated.
    pub seconds: f64,
    pub rounds: usize,
    pub rows: Vec<Row>,
    /// Single numbers by name: memory in MiB, times in seconds, rates by the second.
    pub facts: BTreeMap<String, f64>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Machine {
    pub cpu: String,
    pub cores: usize,
    pub memory_gib: f64,
    pub postgres: String,
    pub commit: String,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Row {
    pub case: String,
    pub target: String,
    pub load: Load,
    /// Connections, or with an open load the requests that arrive in a second.
    pub amount: f64,
    pub rate: f64,
    /// Milliseconds.
    pub p50: f64,
    pub p99: f64,
    pub p999: f64,
    /// CPU milliseconds per request.
    pub server_cpu: f64,
    pub database_cpu: f64,
    pub statements: f64,
    pub bytes: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Load {
    #[default]
    Closed,
    Open,
}

/// The measured servers.
pub mod target {
    /// Ours, with its cache off: planned reads.
    pub const OFF: &str = "planned";
    /// Ours, with its cache in the process.
    pub const MEMORY: &str = "cached";
    /// Ours, with a cache that is confirmed in Redis.
    pub const STRICT: &str = "strict";
    pub const FLOOR: &str = "floor";
    pub const FAST: &str = "fast floor";
    pub const FIXED: &str = "static";
    pub const PGBENCH: &str = "pgbench";
}

impl Run {
    /// A row of a closed load.
    pub fn row(&self, case: &str, target: &str, connections: usize) -> Option<&Row> {
        self.find(case, target, |row| row.load == Load::Closed && row.amount as usize == connections)
    }

    pub fn open(&self, case: &str, target: &str) -> Option<&Row> {
        self.find(case, target, |row| row.load == Load::Open)
    }

    fn find(&self, case: &str, target: &str, is_it: impl Fn(&Row) -> bool) -> Option<&Row> {
        self.rows.iter().find(|row| row.case == case && row.target == target && is_it(row))
    }

    pub fn rate(&self, case: &str, target: &str, connections: usize) -> Option<f64> {
        self.row(case, target, connections).map(|row| row.rate)
    }

    /// How many times the rate of another target a target has.
    pub fn ratio(&self, case: &str, (target, other): (&str, &str), connections: usize) -> Option<f64> {
        Some(self.rate(case, target, connections)? / self.rate(case, other, connections)?)
    }

    pub fn fact(&self, name: &str) -> Option<f64> {
        self.facts.get(name).copied()
    }
}

impl Row {
    /// The median of each figure over the rounds.
    pub fn middle(rounds: &[Self]) -> Self {
        let middle = |figure: fn(&Self) -> f64| {
            let mut values: Vec<f64> = rounds.iter().map(figure).collect();
            values.sort_by(f64::total_cmp);
            values.get(values.len() / 2).copied().unwrap_or_default()
        };
        Self {
            rate: middle(|row| row.rate),
            p50: middle(|row| row.p50),
            p99: middle(|row| row.p99),
            p999: middle(|row| row.p999),
            server_cpu: middle(|row| row.server_cpu),
            database_cpu: middle(|row| row.database_cpu),
            ..rounds.first().cloned().unwrap_or_default()
        }
    }
}
