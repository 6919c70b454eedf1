//! `Traffic`: counts requests, operations and sign-ins, and how long they take. Every counter exists before the first request, so that
//! counting is one addition and no client can create another one.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::documents::Documents;
use base::error::{Code, Error};
use model::content::SchemaInfo;

/// Documents whose operations are counted separately; known ones beyond this number count as unknown.
const MOST_NAMES: usize = 200;
/// Upper bounds of the time buckets, in microseconds.
const BOUNDS: [u64; 12] =
    [1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 10_000_000];
const STATUSES: std::ops::Range<usize> = 100..600;

#[derive(Debug)]
pub struct Traffic {
    routes: [Route; Class::ALL.len()],
    named: HashMap<Box<str>, Operation>,
    other: Operation,
    sign_ins: [[AtomicU64; Outcome::ALL.len()]; Way::ALL.len()],
}

/// Classes of routes; the path itself is chosen by the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    Graphql,
    Auth,
    Health,
    /// The site's own routes, and unknown paths.
    Other,
}

/// How somebody signs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Password,
    Provider,
}

/// The outcome of signing in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Done,
    /// The password was right, but the code was missing.
    CodeNeeded,
    Refused,
    TooOften,
    /// An error of the server or a provider.
    Failed,
}

#[derive(Debug)]
struct Route {
    statuses: Box<[AtomicU64]>,
    time: Histogram,
}

#[derive(Debug, Default)]
struct Operation {
    done: AtomicU64,
    codes: [AtomicU64; Code::ALL.len()],
    time: Histogram,
}

#[derive(Debug, Default)]
pub struct Histogram {
    buckets: [AtomicU64; BOUNDS.len() + 1],
    microseconds: AtomicU64,
}

impl Class {
    pub const ALL: [Self; 4] = [Self::Graphql, Self::Auth, Self::Health, Self::Other];

    pub fn of(path: &str) -> Self {
        match path {
            "/graphql" => Self::Graphql,
            "/health" | "/ready" => Self::Health,
            "/.well-known/jwks.json" => Self::Auth,
            _ if path.starts_with("/auth/") => Self::Auth,
            _ => Self::Other,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Graphql => "graphql",
            Self::Auth => "auth",
            Self::Health => "health",
            Self::Other => "other",
        }
    }
}

impl Way {
    pub const ALL: [Self; 2] = [Self::Password, Self::Provider];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Provider => "provider",
        }
    }
}

impl Outcome {
    pub const ALL: [Self; 5] = [Self::Done, Self::CodeNeeded, Self::Refused, Self::TooOften, Self::Failed];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::CodeNeeded => "code_needed",
            Self::Refused => "refused",
            Self::TooOften => "too_often",
            Self::Failed => "failed",
        }
    }

    pub fn of(error: &Error) -> Self {
        match error.problems.first().map(|problem| problem.code) {
            Some(Code::RateLimited) => Self::TooOften,
            Some(Code::SecondFactorRequired) => Self::CodeNeeded,
            _ if error.is_of_the_server() => Self::Failed,
            _ => Self::Refused,
        }
    }
}

impl Traffic {
    pub fn of(schema: &SchemaInfo, documents: &Documents) -> Self {
        let own = schema.queries.iter().chain(schema.mutations).map(|operation| operation.name);
        Self::new(own, documents.operation_names())
    }

    /// With the site's own operations and those of the known documents.
    pub fn new(own: impl Iterator<Item = &'static str>, known: BTreeSet<String>) -> Self {
        let names = own.map(Box::from).chain(known.into_iter().take(MOST_NAMES).map(String::into_boxed_str));
        Self {
            routes: std::array::from_fn(|_| Route::default()),
            named: names.map(|name| (name, Operation::default())).collect(),
            other: Operation::default(),
            sign_ins: Default::default(),
        }
    }

    pub fn request(&self, class: Class, status: u16, took: Duration) {
        let route = &self.routes[class as usize];
        if let Some(count) = usize::from(status).checked_sub(STATUSES.start).and_then(|place| route.statuses.get(place))
        {
            count.fetch_add(1, Ordering::Relaxed);
        }
        route.time.observe(took);
    }

    /// An operation without a known name counts as `other`.
    pub fn operation(&self, name: Option<&str>, code: Option<Code>, took: Duration) {
        let operation = name.and_then(|name| self.named.get(name)).unwrap_or(&self.other);
        let count = code.map_or(&operation.done, |code| &operation.codes[code as usize]);
        count.fetch_add(1, Ordering::Relaxed);
        operation.time.observe(took);
    }

    pub fn sign_in(&self, way: Way, outcome: Outcome) {
        self.sign_ins[way as usize][outcome as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// `(class, status, count)`, without zero counts.
    pub fn requests(&self) -> Vec<(&'static str, usize, u64)> {
        let of_class = |class: Class| {
            let counts = self.routes[class as usize].statuses.iter().zip(STATUSES);
            counts.map(move |(count, status)| (class.as_str(), status, count.load(Ordering::Relaxed)))
        };
        Class::ALL.into_iter().flat_map(of_class).filter(|(.., count)| *count > 0).collect()
    }

    pub fn request_times(&self) -> impl Iterator<Item = (&str, &Histogram)> {
        Class::ALL.into_iter().map(|class| (class.as_str(), &self.routes[class as usize].time))
    }

    /// `(name, code or OK, count)`. Of zero counts only `OK` is included, to keep the number of series small.
    pub fn operations(&self) -> Vec<(&str, &'static str, u64)> {
        let of_name = |(name, operation): (_, &Operation)| {
            let done = (name, "OK", operation.done.load(Ordering::Relaxed));
            let codes = Code::ALL.iter().zip(&operation.codes);
            let failed = codes.map(|(code, count)| (name, code.as_str(), count.load(Ordering::Relaxed)));
            let failed: Vec<_> = failed.filter(|(.., count)| *count > 0).collect();
            [done].into_iter().chain(failed)
        };
        self.all().into_iter().flat_map(of_name).collect()
    }

    pub fn operation_times(&self) -> Vec<(&str, &Histogram)> {
        self.all().into_iter().map(|(name, operation)| (name, &operation.time)).collect()
    }

    /// `(way, outcome, count)`.
    pub fn signed_in(&self) -> Vec<(&'static str, &'static str, u64)> {
        let of = |way: Way, outcome: Outcome| {
            let count = &self.sign_ins[way as usize][outcome as usize];
            (way.as_str(), outcome.as_str(), count.load(Ordering::Relaxed))
        };
        Way::ALL.into_iter().flat_map(|way| Outcome::ALL.map(|outcome| of(way, outcome))).collect()
    }

    fn all(&self) -> Vec<(&str, &Operation)> {
        let mut named: Vec<_> = self.named.iter().map(|(name, operation)| (&**name, operation)).collect();
        named.sort_unstable_by_key(|(name, _)| *name);
        named.push(("other", &self.other));
        named
    }
}

impl Default for Route {
    fn default() -> Self {
        Self { statuses: STATUSES.map(|_| AtomicU64::default()).collect(), time: Histogram::default() }
    }
}

impl Histogram {
    pub fn observe(&self, took: Duration) {
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.buckets[BOUNDS.partition_point(|bound| *bound < took)].fetch_add(1, Ordering::Relaxed);
        self.microseconds.fetch_add(took, Ordering::Relaxed);
    }

    /// `(upper bound in seconds, count of this bucket alone)`; the last bucket has no bound.
    pub fn buckets(&self) -> Vec<(f64, u64)> {
        let bounds = BOUNDS.iter().map(|bound| Duration::from_micros(*bound).as_secs_f64()).chain([f64::INFINITY]);
        bounds.zip(self.buckets.iter().map(|count| count.load(Ordering::Relaxed))).collect()
    }

    pub fn seconds(&self) -> f64 {
        Duration::from_micros(self.microseconds.load(Ordering::Relaxed)).as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_numbered_as_they_are_listed() {
        for (place, code) in Code::ALL.into_iter().enumerate() {
            assert_eq!(code as usize, place);
        }
    }

    #[test]
    fn a_time_is_in_the_bucket_whose_bound_it_does_not_pass() {
        let histogram = Histogram::default();
        for microseconds in [0, 1_000, 1_001, 60_000_000] {
            histogram.observe(Duration::from_micros(microseconds));
        }
        let counts: Vec<_> = histogram.buckets().into_iter().filter(|(_, count)| *count > 0).collect();
        assert_eq!(counts, [(0.001, 2), (0.0025, 1), (f64::INFINITY, 1)]);
        assert!((histogram.seconds() - 60.002_001).abs() < 1e-9);
    }

    #[test]
    fn names_that_are_not_known_share_a_place() {
        let traffic = Traffic::new(["own"].into_iter(), ["Home".to_owned()].into());
        for name in [Some("Home"), Some("Mine"), Some("other"), None] {
            traffic.operation(name, None, Duration::ZERO);
        }
        traffic.operation(Some("own"), Some(Code::Timeout), Duration::ZERO);
        let expected = [("Home", "OK", 1), ("own", "OK", 0), ("own", "TIMEOUT", 1), ("other", "OK", 3)];
        assert_eq!(traffic.operations(), expected);
    }
}
