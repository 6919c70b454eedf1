//! The goals, as ratios of one run, and whether they are reached.

use crate::cases::{CASES, Case};
use crate::figures::{Results, Run, target};

pub struct Goal {
    pub what: String,
    pub least: bool,
    pub bound: f64,
    /// `None` if it was not measured.
    pub is: Option<f64>,
}

impl Goal {
    fn least(what: impl Into<String>, bound: f64, is: Option<f64>) -> Self {
        Self { what: what.into(), least: true, bound, is }
    }

    fn most(what: impl Into<String>, bound: f64, is: Option<f64>) -> Self {
        Self { what: what.into(), least: false, bound, is }
    }

    /// To two places, as it is shown.
    pub fn is_reached(&self) -> Option<bool> {
        let rounded = |number: f64| (number * 100.0).round() / 100.0;
        self.is.map(|is| if self.least { rounded(is) >= self.bound } else { rounded(is) <= self.bound })
    }
}

pub fn of(run: &Run) -> Vec<Goal> {
    let mut goals = Vec::new();
    for case in CASES.iter().filter(|case| case.cached) {
        let ratio = |of| run.ratio(case.name, (of, target::FIXED), 16);
        goals.push(Goal::least(
            format!("{}: from the cache, of a static answer", case.name),
            0.7,
            ratio(target::MEMORY),
        ));
        goals.push(Goal::least(
            format!("{}: strict over Redis, of a static answer", case.name),
            0.4,
            ratio(target::STRICT),
        ));
    }
    for case in CASES.iter().filter(|case| !case.is_search()) {
        goals.extend(read(run, case));
    }
    for case in CASES.iter().filter(|case| case.is_search()) {
        let ratio = run.ratio(case.name, (target::OFF, target::FLOOR), 16);
        goals.push(Goal::least(format!("{}: of the search by hand", case.name), 0.8, ratio));
    }
    let ratio = run.ratio("update", (target::OFF, target::FLOOR), 16);
    goals.push(Goal::least("a single update, of a bare one by hand", 0.5, ratio));
    for of in [target::OFF, target::MEMORY, target::STRICT] {
        let (mixed, reads) = (run.rate("mixed", of, 16), run.rate("reads", of, 16));
        let share = mixed.zip(reads).map(|(mixed, reads)| mixed / reads);
        goals.push(Goal::least(format!("5 % writes, of the rate of reads alone ({of})"), 0.8, share));
    }
    goals.push(Goal::most(
        "memory with a full cache of 32 MiB, in MiB",
        80.0,
        run.fact("memory with a full cache MiB"),
    ));
    goals.push(Goal::most("first answer after the start, in seconds", 0.15, run.fact("start s")));
    goals.push(Goal::least("imported products per second", 8_000.0, run.fact("import /s")));
    goals
}

fn read(run: &Run, case: &Case) -> [Goal; 3] {
    let (name, ours) = (case.name, target::OFF);
    let late = |of| run.row(name, of, 64).map(|row| row.p99);
    let p99 = late(ours).zip(late(target::FLOOR)).map(|(ours, floor)| ours / floor);
    [
        Goal::least(format!("{name}: planned, of the floor"), 1.0, run.ratio(name, (ours, target::FLOOR), 16)),
        Goal::least(format!("{name}: planned, of the fast floor"), 0.9, run.ratio(name, (ours, target::FAST), 16)),
        Goal::most(format!("{name}: p99 at c=64, of the floor's"), 1.3, p99),
    ]
}

/// What a million products cost more than ten thousand: the time of a request with one connection.
pub fn of_scale(results: &Results) -> Vec<Goal> {
    let (Some(small), Some(large)) = (results.runs.get(&1), results.runs.get(&100)) else { return Vec::new() };
    let hot = ["one", "category", "prices", "two-tags", "contains", "count", "count-category", "page-4"];
    let more = |name: &str| Some(small.rate(name, target::OFF, 1)? / large.rate(name, target::OFF, 1)?);
    hot.iter().map(|name| Goal::most(format!("{name}: time at 1M products, of that at 10k"), 1.3, more(name))).collect()
}
