//! `Responses`: the cache. It is bounded in bytes, and one response never takes more than a sixteenth of it.
//!
//! Responses of one key are stored in the order in which they were read, so that a client of this node never sees an older one after a
//! newer one, even of changes of other nodes that this node has not heard of: only flights store, one at a time, and whoever reads
//! beside a flight says so before it answers ([`Responses::pass_by`]), which takes away what may be older.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use quick_cache::sync::{Cache, EntryAction};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};
use tokio::sync::watch;

use crate::flights::{Flight, Flights};
use crate::kept::{Kept, New};
use crate::key::Key;
use base::encoding::Encoding;
use base::memory::{Held, Memory};
use base::weigh::weight;
use store::generations::Generations;

/// A response is read again after this time even if nothing has changed, so that an edit by hand in the database shows.
const MOST_AGE: Duration = Duration::from_secs(60);
/// For how long it is remembered that a response cannot be kept.
const NEVER: Duration = Duration::from_secs(10);
/// Parts of the cache with a lock each. A response must fit into one.
const SHARDS: usize = 4;
/// The share of the memory that one response may take.
const LARGEST: usize = 16;
/// What an entry takes besides its response: key, place in a table that may be half empty, and links.
const PLACE: usize = 2 * (size_of::<(Key, Slot)>() + 48);
/// What an allocation takes besides its bytes.
const BLOCK: usize = 32;
/// For the first size of the tables: bytes of a usual response.
const USUAL: usize = 4096;

#[derive(Debug)]
pub struct Responses {
    generations: Arc<Generations>,
    slots: Cache<Key, Slot, Weights>,
    /// Of all responses that are kept, and of former ones that clients still read.
    memory: Arc<Memory>,
    limit: usize,
    flights: Arc<Flights>,
    hits: AtomicU64,
    misses: AtomicU64,
    bypasses: AtomicU64,
}

#[derive(Clone, Debug)]
enum Slot {
    Kept(Arc<Kept>, usize),
    /// It is not kept, for this reason.
    Never(Why, Instant),
}

#[derive(Clone, Debug)]
struct Weights;

/// What is known of a response.
#[derive(Debug)]
pub enum Found {
    Kept(Arc<Kept>),
    Nothing,
    Never(Why),
}

/// Whose turn it is to read a response.
#[derive(Debug)]
pub enum Turn {
    Mine(Flight),
    /// Of another request, until this is told; if it is closed before, the other is gone.
    Other(watch::Receiver<()>),
}

/// How a response was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cached {
    Hit {
        age: Duration,
    },
    /// It was read, and is kept.
    Miss,
    Bypass(Why),
}

/// Why a response is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The sender is known, or asked with a preview.
    Sender,
    /// It is not a query of published entries alone.
    Operation,
    /// It has errors.
    Errors,
    /// It is too large, or clients still read too many earlier ones.
    Large,
    /// It shows more than content: a value of the site's own code, or a redirect.
    Sources,
    /// What it shows was changed meanwhile.
    Changed,
    /// It is not known whether other nodes have changed something.
    Unknown,
}

/// What is kept, and how often it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    pub entries: usize,
    pub bytes: usize,
    pub hits: u64,
    pub misses: u64,
    pub bypasses: u64,
}

impl Weighter<Key, Slot> for Weights {
    fn weight(&self, _: &Key, slot: &Slot) -> u64 {
        let weight = match slot {
            Slot::Kept(_, weight) => *weight,
            Slot::Never(..) => PLACE,
        };
        weight as u64
    }
}

impl Responses {
    /// With at most this many bytes.
    pub fn new(generations: Arc<Generations>, limit: usize) -> Self {
        generations.want();
        // An eighth is for responses that were replaced and are still being sent, and for those that are just made.
        let capacity = limit - limit / 8;
        let options = OptionsBuilder::new()
            .estimated_items_capacity((capacity / USUAL).max(SHARDS))
            .weight_capacity(capacity as u64)
            .shards(SHARDS)
            .build();
        let slots = match options {
            Ok(options) => Cache::with_options(options, Weights, DefaultHashBuilder::default(), Default::default()),
            // All that it needs is given.
            Err(_) => Cache::with_weighter(SHARDS, capacity as u64, Weights),
        };
        Self {
            generations,
            slots,
            memory: Memory::new(limit),
            limit,
            flights: Arc::default(),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
            bypasses: AtomicU64::new(0),
        }
    }

    pub fn generations(&self) -> &Generations {
        &self.generations
    }

    /// The response, if it is still what a read would give.
    pub fn find(&self, key: &Key) -> Found {
        match self.slots.get(key) {
            Some(Slot::Kept(kept, _)) => {
                if self.generations.holds(kept.read()) && kept.age() < MOST_AGE {
                    return Found::Kept(kept);
                }
                // While other nodes are not known, it may hold again soon.
                if self.generations.is_current() {
                    self.slots.remove_if(key, |slot| matches!(slot, Slot::Kept(known, _) if Arc::ptr_eq(known, &kept)));
                }
                Found::Nothing
            }
            Some(Slot::Never(why, until)) if Instant::now() < until => Found::Never(why),
            _ => Found::Nothing,
        }
    }

    /// In strict mode, whether the response holds on all nodes; each time before it is given.
    pub async fn is_confirmed(&self, kept: &Kept) -> bool {
        self.generations.is_confirmed(kept.read()).await
    }

    /// For how long nothing that the response shows is scheduled to change, and what it shows.
    pub fn steady(&self, kept: &Kept) -> (Duration, Vec<String>) {
        (self.generations.steady_for(kept.read()), self.generations.tags(kept.read()))
    }

    /// Whose turn it is to read what was not found.
    pub fn turn(&self, key: Key) -> Turn {
        match self.flights.board(key) {
            Ok(flight) => Turn::Mine(flight),
            Err(end) => Turn::Other(end),
        }
    }

    /// Keeps a response that was read in this flight.
    pub fn keep(&self, flight: &Flight, new: New) -> Result<Arc<Kept>, Why> {
        let weight = weight(&new) + size_of::<Kept>() + PLACE;
        if weight > self.limit / LARGEST {
            self.slots.insert(flight.key, Slot::Never(Why::Large, Instant::now() + NEVER));
            return Err(Why::Large);
        }
        let mut held = Held::nothing(&self.memory);
        held.count(weight);
        if self.memory.used() > self.limit {
            return Err(Why::Large);
        }
        if !self.generations.holds(&new.read) {
            return Err(Why::Changed);
        }
        let kept = Arc::new(Kept::new(flight.key, new, held));
        // If it is overtaken, it is an answer to its own request all the same.
        flight.land(|| self.slots.insert(flight.key, Slot::Kept(Arc::clone(&kept), weight)));
        Ok(kept)
    }

    /// Keeps the body of a response in this coding too, with the response and weighed with it; gives it back if it is not kept.
    pub fn keep_encoded(&self, kept: &Arc<Kept>, encoding: Encoding, bytes: Vec<u8>) -> Result<(), Vec<u8>> {
        let bytes = bytes.into_boxed_slice();
        let more = bytes.len() + BLOCK;
        let mut held = Held::nothing(&self.memory);
        held.count(more);
        if self.memory.used() > self.limit {
            return Err(bytes.into_vec());
        }
        let mut left = Some((bytes, held));
        // Only with the response that is kept now, which weighs more from now on.
        let entry = self.slots.entry(kept.key(), Some(Duration::ZERO), |_, slot| {
            if let Slot::Kept(known, weight) = slot
                && Arc::ptr_eq(known, kept)
                && *weight + more <= self.limit / LARGEST
                && let Some((bytes, held)) = left.take()
                && kept.add(encoding, bytes, held)
            {
                *weight += more;
            }
            EntryAction::Retain(())
        });
        drop(entry);
        match left {
            Some((bytes, _)) => Err(bytes.into_vec()),
            None => Ok(()),
        }
    }

    /// Remembers for a while that the response cannot be kept, so that nobody waits for it.
    pub fn never(&self, key: Key, why: Why) {
        self.slots.insert(key, Slot::Never(why, Instant::now() + NEVER));
    }

    /// Before a response is given that was read and is not kept: an older one may not be given afterwards.
    pub fn pass_by(&self, key: &Key) {
        self.flights.overtake(key);
        self.slots.remove_if(key, |slot| matches!(slot, Slot::Kept(..)));
    }

    /// Counts how a request was answered.
    pub fn count(&self, cached: Cached) {
        let counter = match cached {
            Cached::Hit { .. } => &self.hits,
            Cached::Miss => &self.misses,
            Cached::Bypass(_) => &self.bypasses,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub fn usage(&self) -> Usage {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Usage {
            entries: self.slots.len(),
            bytes: self.memory.used(),
            hits: count(&self.hits),
            misses: count(&self.misses),
            bypasses: count(&self.bypasses),
        }
    }
}

/// As the header `Typecase-Cache`.
impl fmt::Display for Cached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hit { age } => write!(f, "hit; age={}", age.as_secs()),
            Self::Miss => f.write_str("miss"),
            Self::Bypass(why) => write!(f, "bypass; reason={}", why.as_str()),
        }
    }
}

impl Why {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sender => "sender",
            Self::Operation => "operation",
            Self::Errors => "errors",
            Self::Large => "large",
            Self::Sources => "sources",
            Self::Changed => "changed",
            Self::Unknown => "unknown",
        }
    }
}
