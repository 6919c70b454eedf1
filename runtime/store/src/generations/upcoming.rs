//! What is scheduled: until when a response shows what is published, as far as anybody knows now. Caches in front of the server may keep
//! it no longer than that.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::{Generations, Part, ReadFrom, micros, tag};
use model::content::ContentInfo;

/// How old the knowledge may be. It is read twice a second.
const FRESH: Duration = Duration::from_secs(2);
/// Bytes of tags in a response; the services that read them take 16 KiB.
const MOST_BYTES: usize = 4096;

/// Moments in microseconds since the process began.
#[derive(Debug, Default)]
pub(super) struct Upcoming {
    /// Of each type.
    types: Box<[AtomicU64]>,
    /// Of any type.
    any: AtomicU64,
    /// When it was looked up; 0 if never.
    known: AtomicU64,
}

impl Upcoming {
    pub(super) fn of(types: usize) -> Self {
        Self { types: (0..types).map(|_| AtomicU64::new(0)).collect(), ..Self::default() }
    }
}

impl Generations {
    /// The next scheduled change of each of these types, and of any type, as it was known at that moment.
    pub fn expect(&self, types: &[(&ContentInfo, Instant)], any: Option<Instant>, known: Instant) {
        let moment = |at: Option<Instant>| at.map_or(u64::MAX, micros);
        for (place, next) in self.upcoming.types.iter().enumerate() {
            let of_type = types.iter().filter(|(info, _)| info.table == self.types[place].table);
            next.store(moment(of_type.map(|(_, at)| *at).min()), Ordering::SeqCst);
        }
        self.upcoming.any.store(moment(any), Ordering::SeqCst);
        self.upcoming.known.store(micros(known), Ordering::SeqCst);
    }

    /// For how long nothing that was read is scheduled to change; zero if nobody knows.
    pub fn steady_for(&self, read: &ReadFrom) -> Duration {
        let now = micros(Instant::now());
        let known = self.upcoming.known.load(Ordering::SeqCst);
        if known == 0 || now.saturating_sub(known) > u64::try_from(FRESH.as_micros()).unwrap_or(u64::MAX) {
            return Duration::ZERO;
        }
        let of_part = |part: &Part| {
            let (Part::Type(of_type) | Part::Entry(of_type, _)) = part;
            self.upcoming.types[*of_type].load(Ordering::SeqCst)
        };
        let any = self.upcoming.any.load(Ordering::SeqCst);
        let next = read.parts.iter().map(of_part).chain([any]).min().unwrap_or(u64::MAX);
        Duration::from_micros(next.saturating_sub(now))
    }

    /// What was read, for services that remove by tags what they keep. A change of some entry that nobody names removes what has the
    /// tag of its type, or of single entries of it.
    pub fn tags(&self, read: &ReadFrom) -> Vec<String> {
        let mut tags = BTreeSet::new();
        for part in &read.parts {
            match part {
                Part::Type(place) => tags.insert(tag::of_type(self.types[*place])),
                Part::Entry(place, entry) => {
                    tags.insert(tag::of_entry(self.types[*place], None));
                    tags.insert(tag::of_entry(self.types[*place], Some(*entry)))
                }
            };
        }
        if tags.iter().map(|tag| tag.len() + 1).sum::<usize>() <= MOST_BYTES {
            return tags.into_iter().collect();
        }
        let place = |part: &Part| match part {
            Part::Type(place) | Part::Entry(place, _) => *place,
        };
        let types: BTreeSet<usize> = read.parts.iter().map(place).collect();
        types.into_iter().map(|place| tag::of_type(self.types[place])).collect()
    }
}
