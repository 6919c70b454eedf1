//! `Generations`: a number for each content type that grows when its published entries change. A cached response is valid while the
//! numbers of all types that it shows are those from before it was read.
//!
//! **On this node.** Before a transaction that changes published entries sends its `commit`, it takes a lease on their types
//! (`Connection::commit`). When the outcome is known, the numbers grow, then the leases end, and only then is the write acknowledged.
//! A type with a lease is neither served nor stored. So there are four moments at which a response is read or served:
//!
//! - Captured before the lease, checked before the lease: the commit was not sent, so what was read is what the database has.
//! - Captured before the lease, checked during or after it: a lease, then another number. It is not stored, and not served.
//! - Captured during the lease: it may have been read before or after the commit became visible, so it is never stored.
//! - Captured after the lease: it was read after the commit.
//!
//! A check reads the leases first and the number second. If a lease begins between the two, the check began before the write
//! was acknowledged or seen by anybody who asked later, and the order "check, then write" holds. If it also ends between them, the
//! number has grown. A capture may read them in any order: what it misses, the check before storing finds.
//!
//! If a client goes away during the commit, or the connection is lost, nobody knows whether the database commits later. Such a lease
//! ends only after `DOUBT`; of a commit that takes even longer, which nobody was told of, the follower below hears as of any other.
//!
//! **On other nodes**, and in other processes of this machine, writers leave events in the outbox. The follower (`events/src/feed.rs`)
//! reads them, lets the numbers grow (`heard.rs`), and then states until when it has seen everything: the moment before its first
//! statement. Nothing is served or stored if that is longer ago than [`BOUND`], whether notifications arrive or not. A response
//! read at a moment has all that was committed before, and the event of a later commit gets a position, and is heard, later
//! than the capture. After a failure of the follower all numbers grow.

mod heard;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use crate::stage::Stage;
use crate::touched::{Table, Touched};
use base::weigh::{Scales, Weigh};
use model::content::{ContentInfo, Shape};

/// A cached response is at most this much older than what another node has committed.
pub const BOUND: Duration = Duration::from_secs(1);
/// For how long a type is not cached after a commit whose outcome is unknown. The bound, and time for the database to commit.
const DOUBT: Duration = Duration::from_secs(5);
/// A captured number that no type ever has.
const LEASED: u64 = u64::MAX;

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Without types, it counts nothing and nothing is valid: for connections of commands.
#[derive(Debug, Default)]
pub struct Generations {
    /// The place of a type, by each of its tables.
    places: HashMap<&'static str, usize>,
    types: Box<[Type]>,
    /// Until when the follower has seen everything, in microseconds since the process began; 0 if it follows nothing.
    seen: AtomicU64,
    is_wanted: AtomicBool,
}

#[derive(Debug, Default)]
struct Type {
    number: AtomicU64,
    leases: AtomicU32,
    /// As a lease until then, in microseconds.
    doubtful: AtomicU64,
}

/// The numbers of all types at a moment before a read.
#[derive(Debug)]
pub struct Capture(Box<[u64]>);

/// The types that a response was read from, with their numbers from before.
#[derive(Debug)]
pub struct ReadFrom(Box<[(usize, u64)]>);

/// The types that a commit changes.
#[derive(Debug)]
pub struct Lease {
    generations: Arc<Generations>,
    places: Vec<usize>,
    is_settled: bool,
}

fn micros(at: Instant) -> u64 {
    u64::try_from(at.saturating_duration_since(*START).as_micros()).unwrap_or(u64::MAX - 1).saturating_add(1)
}

impl Generations {
    pub fn of(types: &[&ContentInfo]) -> Self {
        LazyLock::force(&START);
        let mut places = HashMap::new();
        for (place, info) in types.iter().enumerate() {
            let children = info.fields.iter().filter_map(|field| match field.shape {
                Shape::Children(child) => Some(child),
                _ => None,
            });
            for part in [*info].into_iter().chain(children) {
                let joins = part.fields.iter().filter_map(|field| match field.shape {
                    Shape::Many(to) => Some(to.join),
                    _ => None,
                });
                places.extend(std::iter::once(part.table).chain(joins).map(|table| (table, place)));
            }
        }
        let types = types.iter().map(|_| Type::default()).collect();
        Self { places, types, ..Self::default() }
    }

    /// Says that something is cached, so that the follower has to follow.
    pub fn want(&self) {
        self.is_wanted.store(true, Ordering::Release);
    }

    pub fn is_wanted(&self) -> bool {
        self.is_wanted.load(Ordering::Acquire)
    }

    /// For the follower: the numbers have grown for everything that was committed until then.
    pub fn has_seen(&self, until: Instant) {
        self.seen.store(micros(until), Ordering::SeqCst);
    }

    /// For the follower: changes may be missed from now on.
    pub fn lose(&self) {
        self.seen.store(0, Ordering::SeqCst);
        self.types.iter().for_each(Type::grow);
    }

    /// Whether the changes of other processes are known.
    pub fn is_current(&self) -> bool {
        let seen = self.seen.load(Ordering::SeqCst);
        seen > 0 && micros(Instant::now()).saturating_sub(seen) <= u64::try_from(BOUND.as_micros()).unwrap_or(u64::MAX)
    }

    /// Before anything is read. `None` while changes of other processes are not known.
    pub fn capture(&self) -> Option<Capture> {
        self.is_current().then(|| Capture(self.types.iter().map(Type::now).collect()))
    }

    /// What was read after the capture; `None` if it has parts whose changes are not known here.
    pub fn read_from(&self, capture: &Capture, touched: &Touched) -> Option<ReadFrom> {
        if touched.by_hand() {
            return None;
        }
        let place = |(stage, table): Table| self.places.get(table).copied().filter(|_| stage == Stage::Live);
        let mut places = touched.tables().into_iter().map(place).collect::<Option<Vec<_>>>()?;
        places.sort_unstable();
        places.dedup();
        Some(ReadFrom(places.into_iter().map(|place| (place, capture.0[place])).collect()))
    }

    /// Whether everything is as it was before the read.
    pub fn holds(&self, read: &ReadFrom) -> bool {
        self.is_current()
            && read.0.iter().all(|(place, number)| *number != LEASED && self.types[*place].now() == *number)
    }

    /// Before a commit that changes published rows of these tables.
    pub(crate) fn lease(self: &Arc<Self>, tables: &[&'static str]) -> Lease {
        let mut places: Vec<usize> = tables.iter().filter_map(|table| self.places.get(table).copied()).collect();
        places.sort_unstable();
        places.dedup();
        for place in &places {
            self.types[*place].leases.fetch_add(1, Ordering::SeqCst);
        }
        Lease { generations: Arc::clone(self), places, is_settled: false }
    }

    fn grow(&self, info: &ContentInfo) {
        if let Some(place) = self.places.get(info.table) {
            self.types[*place].grow();
        }
    }
}

impl Type {
    fn grow(&self) {
        self.number.fetch_add(1, Ordering::SeqCst);
    }

    /// The number, which is read last.
    fn now(&self) -> u64 {
        let is_leased = self.leases.load(Ordering::SeqCst) > 0;
        let doubtful = self.doubtful.load(Ordering::SeqCst);
        if is_leased || (doubtful > 0 && micros(Instant::now()) < doubtful) {
            return LEASED;
        }
        self.number.load(Ordering::SeqCst)
    }
}

impl Lease {
    /// The outcome of the commit is known.
    pub(crate) fn settle(mut self) {
        self.is_settled = true;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        for place in &self.places {
            let of_type = &self.generations.types[*place];
            if !self.is_settled {
                of_type.doubtful.fetch_max(micros(Instant::now() + DOUBT), Ordering::SeqCst);
            }
            of_type.grow();
            of_type.leases.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

impl Weigh for ReadFrom {
    fn weigh(&self, scales: &mut Scales) {
        scales.block(size_of_val(&*self.0));
    }
}

#[cfg(test)]
mod tests;
