//! `Generations`: when the published entries of each content type have changed last, by a clock that counts changes. A cached response is
//! valid while nothing that it shows has changed since the moment before it was read.
//!
//! A response that shows a list depends on its type: on any change of any entry. One that reads an entry by its id or by a key, or follows
//! a relation to an entry's id, depends on that entry alone, and on changes of its type of which nobody says which entries they are.
//! Entries share `STRIPES` marks by a hash of their ids: what shares one is read once too often, and memory is bounded.
//!
//! **On this node.** Before a transaction that changes published entries sends its `commit`, it takes a lease on their types
//! (`Connection::commit`). When the outcome is known, they are marked with a new time, then the leases end, and only then is the write
//! acknowledged. What has a lease is neither served nor stored. So there are four moments at which a response is read or served:
//!
//! - Captured before the lease, checked before the lease: the commit was not sent, so what was read is what the database has.
//! - Captured before the lease, checked during or after it: a lease, then a later mark. It is not stored, and not served.
//! - Captured during the lease: it may have been read before or after the commit became visible. The mark at the end of the lease is
//!   later, so it is never stored.
//! - Captured after the lease: it was read after the commit. So it is if it is captured between the new time and its mark.
//!
//! A check reads the leases first and the mark second. If a lease begins between the two, the check began before the write
//! was acknowledged or seen by anybody who asked later, and the order "check, then write" holds. If it also ends between them, the
//! mark is later. A capture is the time alone: what it misses, the check before storing finds.
//!
//! If a client goes away during the commit, or the connection is lost, nobody knows whether the database commits later. Such a lease
//! counts for `DOUBT`, and nothing captured until then is valid; of a commit that takes even longer, which nobody was told of, the
//! follower below hears as of any other.
//!
//! **On other nodes**, and in other processes of this machine, writers leave events in the outbox. The follower (`events/src/feed.rs`)
//! reads them, marks what they are of (`heard.rs`), and then states until when it has seen everything: the moment before its first
//! statement. Nothing is served or stored if that is longer ago than [`BOUND`], whether notifications arrive or not. A response
//! read at a moment has all that was committed before, and the event of a later commit gets a position, and is heard, later
//! than the capture. After a failure of the follower everything is marked. In strict mode this is not enough: see `shared.rs`.

mod heard;
mod shared;
pub mod tag;
mod upcoming;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::{Duration, Instant};

use uuid::Uuid;

pub use self::heard::{Happened, changed};
use self::shared::Stamp;
pub use self::shared::{Shared, Time};
use self::upcoming::Upcoming;
use crate::stage::Stage;
use crate::touched::{MOST_ENTRIES, Touched};
use base::weigh::{Scales, Weigh};
use model::content::{ContentInfo, Shape};

/// A cached response is at most this much older than what another node has committed.
pub const BOUND: Duration = Duration::from_secs(1);
/// For how long a type is not cached after a commit whose outcome is unknown. The bound, and time for the database to commit.
const DOUBT: Duration = Duration::from_secs(5);
/// Marks of entries.
const STRIPES: usize = 8192;

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Without types, it counts nothing and nothing is valid: for connections of commands.
#[derive(Debug, Default)]
pub struct Generations {
    /// By each table of a type.
    places: HashMap<&'static str, Place>,
    types: Box<[&'static ContentInfo]>,
    /// Of any entry of each type, then of unknown entries of each type, then of entries.
    marks: Box<[Mark]>,
    /// Counts changes.
    clock: AtomicU64,
    /// Until when the follower has seen everything, in microseconds since the process began; 0 if it follows nothing.
    seen: AtomicU64,
    is_wanted: AtomicBool,
    upcoming: Upcoming,
    /// Of the types, by which entries are told apart; the same on all nodes.
    seeds: Box<[u64]>,
    /// Set in strict mode.
    shared: OnceLock<Arc<dyn Shared>>,
    /// Some node commits what it cannot tell the others.
    is_suspended: AtomicBool,
}

/// What a table is of.
#[derive(Clone, Copy, Debug)]
struct Place {
    of_type: usize,
    /// The ids that its rows are read by are those of entries.
    is_by_entry: bool,
}

#[derive(Debug, Default)]
struct Mark {
    /// The time of the last change.
    changed: AtomicU64,
    leases: AtomicU32,
    /// As a lease until then, in microseconds.
    doubtful: AtomicU64,
}

/// A moment before a read.
#[derive(Clone, Copy, Debug)]
pub struct Capture {
    time: u64,
    /// In microseconds.
    at: u64,
}

/// What a response was read from, and when.
#[derive(Debug)]
pub struct ReadFrom {
    capture: Capture,
    parts: Box<[Part]>,
    /// In strict mode.
    stamp: Option<Stamp>,
}

/// What a response depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    /// All entries of a type.
    Type(usize),
    Entry(usize, Uuid),
}

/// The published entries that a transaction changes, by table; `None` stands for all of them.
#[derive(Debug, Default)]
pub struct Changed(BTreeMap<&'static str, Option<BTreeSet<Uuid>>>);

/// What a commit changes.
#[derive(Debug)]
pub struct Lease {
    generations: Arc<Generations>,
    marks: BTreeSet<usize>,
    is_settled: bool,
}

fn micros(at: Instant) -> u64 {
    u64::try_from(at.saturating_duration_since(*START).as_micros()).unwrap_or(u64::MAX - 1).saturating_add(1)
}

impl Generations {
    pub fn of(types: &[&'static ContentInfo]) -> Self {
        LazyLock::force(&START);
        let mut places = HashMap::new();
        for (of_type, info) in types.iter().enumerate() {
            for part in [*info].into_iter().chain(children(info)) {
                // Rows of children are read by the ids of their entries, but what these point at by the ids of children.
                let is_of_child = part.table != info.table;
                places.insert(part.table, Place { of_type, is_by_entry: true });
                places.extend(joins(part).map(|join| (join, Place { of_type, is_by_entry: !is_of_child })));
            }
        }
        let marks = (0..2 * types.len() + STRIPES).map(|_| Mark::default()).collect();
        let seed =
            |name: &str| name.bytes().fold(7, |seed: u64, byte| seed.wrapping_mul(0x0100_0000_01b3) ^ u64::from(byte));
        let seeds = types.iter().map(|info| seed(info.table)).collect();
        Self { places, types: types.into(), marks, upcoming: Upcoming::of(types.len()), seeds, ..Self::default() }
    }

    /// Says that something is cached, so that the follower has to follow.
    pub fn want(&self) {
        self.is_wanted.store(true, Ordering::Release);
    }

    pub fn is_wanted(&self) -> bool {
        self.is_wanted.load(Ordering::Acquire)
    }

    /// For the follower: everything is marked that was committed until then.
    pub fn has_seen(&self, until: Instant) {
        self.seen.store(micros(until), Ordering::SeqCst);
    }

    /// For the follower: changes may be missed from now on.
    pub fn lose(&self) {
        self.seen.store(0, Ordering::SeqCst);
        // Entries depend on the marks of their types.
        (0..2 * self.types.len()).for_each(|mark| self.mark(mark));
    }

    /// Whether the changes of other processes are known.
    pub fn is_current(&self) -> bool {
        let seen = self.seen.load(Ordering::SeqCst);
        !self.is_suspended.load(Ordering::SeqCst)
            && seen > 0
            && micros(Instant::now()).saturating_sub(seen) <= u64::try_from(BOUND.as_micros()).unwrap_or(u64::MAX)
    }

    /// Before anything is read. `None` while changes of other processes are not known.
    pub fn capture(&self) -> Option<Capture> {
        let now = || Capture { time: self.clock.load(Ordering::SeqCst), at: micros(Instant::now()) };
        self.is_current().then(now)
    }

    /// What was read after the capture; `None` if it has parts whose changes are not known here.
    pub fn read_from(&self, capture: &Capture, touched: &Touched) -> Option<ReadFrom> {
        if touched.by_hand() {
            return None;
        }
        let place = |(stage, table)| self.places.get(table).copied().filter(|_| stage == Stage::Live);
        let mut parts = BTreeSet::new();
        for table in touched.whole() {
            parts.insert(Part::Type(place(table)?.of_type));
        }
        for (table, entries) in touched.entries() {
            let Place { of_type, is_by_entry } = place(table)?;
            if is_by_entry {
                parts.extend(entries.into_iter().map(|entry| Part::Entry(of_type, entry)));
            } else {
                parts.insert(Part::Type(of_type));
            }
        }
        let whole = parts.clone();
        parts.retain(|part| !matches!(part, Part::Entry(of_type, _) if whole.contains(&Part::Type(*of_type))));
        Some(ReadFrom { capture: *capture, parts: parts.into_iter().collect(), stamp: None })
    }

    /// Whether everything is as it was before the read.
    pub fn holds(&self, read: &ReadFrom) -> bool {
        let holds = |mark: usize| self.marks[mark].holds(read.capture);
        self.is_current()
            && read.parts.iter().all(|part| match part {
                Part::Type(of_type) => holds(*of_type),
                Part::Entry(of_type, entry) => holds(self.unknown(*of_type)) && holds(self.entry(*of_type, *entry)),
            })
    }

    /// Before a commit that changes these.
    pub(crate) fn lease(self: &Arc<Self>, changed: Changed) -> Lease {
        let mut marks = BTreeSet::new();
        for (table, entries) in changed.0 {
            if let Some(Place { of_type, .. }) = self.places.get(table) {
                self.changing(*of_type, entries.as_ref().map(|entries| entries.iter().copied()), &mut marks);
            }
        }
        for mark in &marks {
            self.marks[*mark].leases.fetch_add(1, Ordering::SeqCst);
        }
        Lease { generations: Arc::clone(self), marks, is_settled: false }
    }

    /// The marks of a change of these entries, or of unknown ones.
    fn changing(&self, of_type: usize, entries: Option<impl Iterator<Item = Uuid>>, marks: &mut BTreeSet<usize>) {
        marks.insert(of_type);
        match entries {
            Some(entries) => marks.extend(entries.map(|entry| self.entry(of_type, entry))),
            None => _ = marks.insert(self.unknown(of_type)),
        }
    }

    fn has_changed(&self, info: &ContentInfo, entry: Option<Uuid>) {
        if let Some(Place { of_type, .. }) = self.places.get(info.table) {
            let mut marks = BTreeSet::new();
            self.changing(*of_type, entry.map(std::iter::once), &mut marks);
            marks.into_iter().for_each(|mark| self.mark(mark));
        }
    }

    /// The mark of changes of entries that nobody names.
    fn unknown(&self, of_type: usize) -> usize {
        self.types.len() + of_type
    }

    fn entry(&self, of_type: usize, entry: Uuid) -> usize {
        let (high, low) = entry.as_u64_pair();
        let mix = |hash: u64, part: u64| (hash.rotate_left(29) ^ part).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mixed = mix(mix(self.seeds[of_type], high), low);
        2 * self.types.len() + (mixed >> 40) as usize % STRIPES
    }

    fn mark(&self, mark: usize) {
        let time = self.clock.fetch_add(1, Ordering::SeqCst) + 1;
        self.marks[mark].changed.fetch_max(time, Ordering::SeqCst);
    }
}

/// The types of an entry's children.
fn children(info: &'static ContentInfo) -> impl Iterator<Item = &'static ContentInfo> {
    info.fields.iter().filter_map(|field| match field.shape {
        Shape::Children(child) => Some(child),
        _ => None,
    })
}

fn joins(info: &'static ContentInfo) -> impl Iterator<Item = &'static str> {
    info.fields.iter().filter_map(|field| match field.shape {
        Shape::Many(to) => Some(to.join),
        _ => None,
    })
}

impl Mark {
    /// Whether nothing has changed since the capture. The time is read last.
    fn holds(&self, capture: Capture) -> bool {
        self.leases.load(Ordering::SeqCst) == 0
            && self.doubtful.load(Ordering::SeqCst) <= capture.at
            && self.changed.load(Ordering::SeqCst) <= capture.time
    }
}

impl Changed {
    /// These entries are changed.
    pub fn add(&mut self, info: &ContentInfo, entries: &[Uuid]) {
        let known = self.0.entry(info.table).or_insert_with(|| Some(BTreeSet::new()));
        if let Some(of_type) = known {
            of_type.extend(entries);
            if of_type.len() > MOST_ENTRIES {
                *known = None;
            }
        }
    }

    /// Any entries are changed.
    pub fn add_all(&mut self, info: &ContentInfo) {
        self.0.insert(info.table, None);
    }

    pub fn clear(&mut self) {
        self.0.clear();
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
        for place in &self.marks {
            let mark = &self.generations.marks[*place];
            if !self.is_settled {
                mark.doubtful.fetch_max(micros(Instant::now() + DOUBT), Ordering::SeqCst);
            }
            self.generations.mark(*place);
            mark.leases.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

impl Weigh for ReadFrom {
    fn weigh(&self, scales: &mut Scales) {
        scales.block(size_of_val(&*self.parts));
        if let Some(stamp) = &self.stamp {
            scales.block(size_of_val(&*stamp.marks));
            stamp.marks.iter().for_each(|mark| scales.block(mark.len()));
        }
    }
}

#[cfg(test)]
mod tests;
