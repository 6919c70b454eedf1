//! Jobs make room for reads: while reads keep the cores busy, there is one job at a time, and a rest after each.

use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use store::Database;

/// The rest after a job as a multiple of its time, if reads occupy all cores; less if they occupy some.
const REST: f64 = 2.0;
/// The longest time between two starts, so that slow jobs delay the others only so much.
const LONGEST: Duration = Duration::from_secs(1);
/// The weight of the newest look at the pools; a single look is chance.
const NEWEST: f64 = 0.2;
/// From this load on there is one job at a time.
const LOADED: f64 = 0.5;

pub(crate) struct Pace {
    cores: f64,
    /// The share of the cores that reads occupy, from 0 to 1.
    load: f64,
    /// When the next job may start.
    next: Instant,
}

impl Pace {
    pub fn new() -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        Self { cores: f64::from(u32::try_from(cores).unwrap_or(1)), load: 0.0, next: Instant::now() }
    }

    /// Takes note of how many reads are under way.
    pub fn look(&mut self, database: &Database) {
        let reads = u32::try_from(database.reads_under_way()).unwrap_or(u32::MAX);
        let seen = (f64::from(reads) / self.cores).min(1.0);
        self.load += (seen - self.load) * NEWEST;
    }

    /// The time until the next job may start, if that is not now.
    pub fn rest(&self) -> Option<Duration> {
        let rest = self.next.saturating_duration_since(Instant::now());
        (!rest.is_zero()).then_some(rest)
    }

    pub fn started(&mut self) {
        if self.load >= LOADED {
            self.next = Instant::now() + LONGEST;
        }
    }

    pub fn ended(&mut self, after: Duration) {
        self.next = Instant::now() + after.mul_f64(REST * self.load).min(LONGEST);
    }
}
