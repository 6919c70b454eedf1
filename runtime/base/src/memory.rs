//! Memory limits of requests and responses, counted in bytes as they are allocated: in total and for each request.
//!
//! Counters are atomic and never block. Memory is released when its guard is dropped, so that it is neither counted twice nor
//! kept forever, however a request ends.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use sqlx::postgres::PgRow;
use sqlx::{Row as _, ValueRef as _};

use crate::error::{Code, Error, Result};

/// Up to this size, memory is still granted when large requests are already rejected.
pub const SMALL: usize = 64 * 1024;
pub const MIB: usize = 1024 * 1024;
/// How long a new request waits for earlier responses to be sent.
const ROOM_TIME: Duration = Duration::from_secs(3);
const ROOM_LOOK: Duration = Duration::from_millis(20);

/// A shared memory limit.
#[derive(Debug)]
pub struct Memory {
    limit: usize,
    used: AtomicUsize,
}

/// A share of a memory, released when dropped.
#[derive(Debug)]
pub struct Held {
    memory: Arc<Memory>,
    bytes: usize,
}

/// The limit of one request on the rows that it reads and its response.
#[derive(Debug)]
pub struct Ration {
    memory: Arc<Memory>,
    limit: usize,
    /// Bytes held now.
    rows: AtomicUsize,
    /// Bytes written so far.
    written: AtomicUsize,
}

/// For work that no client requested.
static UNBOUNDED: LazyLock<Arc<Ration>> = LazyLock::new(|| Ration::new(&Memory::new(usize::MAX), usize::MAX));

impl Memory {
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, used: AtomicUsize::new(0) })
    }

    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// Whether so much is used that slow clients should be disconnected earlier.
    pub fn is_short(&self) -> bool {
        self.used() > self.limit / 2
    }

    /// Waits a short time until there is room for a small request.
    pub async fn has_room(&self) -> Result<()> {
        let until = Instant::now() + ROOM_TIME;
        while self.used().saturating_add(SMALL) > self.limit {
            if Instant::now() > until {
                return Err(full());
            }
            tokio::time::sleep(ROOM_LOOK).await;
        }
        Ok(())
    }

    /// A quarter is reserved for small requests.
    fn for_large(&self) -> usize {
        self.limit - self.limit / 4
    }

    fn take(&self, bytes: usize, is_small: bool) -> bool {
        let limit = if is_small { self.limit } else { self.for_large() };
        let before = self.used.fetch_add(bytes, Ordering::Relaxed);
        let has_room = before.saturating_add(bytes) <= limit;
        if !has_room {
            self.give_back(bytes);
        }
        has_room
    }

    fn give_back(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Held {
    pub fn nothing(memory: &Arc<Memory>) -> Self {
        Self { memory: Arc::clone(memory), bytes: 0 }
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Changes the size. Returns `false` and changes nothing if there is not enough room.
    pub fn resize(&mut self, bytes: usize) -> bool {
        if bytes <= self.bytes {
            self.memory.give_back(self.bytes - bytes);
        } else if !self.memory.take(bytes - self.bytes, bytes <= SMALL) {
            return false;
        }
        self.bytes = bytes;
        true
    }

    /// Sets the size without a check, for small amounts that are already allocated.
    pub fn count(&mut self, bytes: usize) {
        self.memory.used.fetch_add(bytes, Ordering::Relaxed);
        self.memory.give_back(self.bytes);
        self.bytes = bytes;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.memory.give_back(self.bytes);
    }
}

/// Bytes of a response and the memory that they take.
#[derive(Debug)]
pub struct Text {
    pub bytes: Vec<u8>,
    pub held: Held,
}

impl Text {
    /// A response that is already complete.
    pub fn of(ration: &Ration, bytes: Vec<u8>) -> Result<Self> {
        ration.write(bytes.len())?;
        let mut held = Held::nothing(&ration.memory);
        if held.resize(bytes.capacity()) { Ok(Self { bytes, held }) } else { Err(full()) }
    }
}

impl AsRef<[u8]> for Text {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Ration {
    /// A ration of this memory; rows and response may take `limit` bytes each.
    pub fn new(memory: &Arc<Memory>, limit: usize) -> Arc<Self> {
        let memory = Arc::clone(memory);
        Arc::new(Self { memory, limit, rows: AtomicUsize::new(0), written: AtomicUsize::new(0) })
    }

    pub fn unbounded() -> Arc<Self> {
        Arc::clone(&UNBOUNDED)
    }

    pub fn memory(&self) -> &Arc<Memory> {
        &self.memory
    }

    /// Counts rows until [`Self::forget_rows`].
    pub fn hold_rows(&self, bytes: usize) -> Result<()> {
        if self.limit == usize::MAX {
            return Ok(());
        }
        let rows = self.rows.load(Ordering::Relaxed) + bytes;
        if rows > self.limit {
            return Err(self.exceeded());
        }
        if !self.memory.take(bytes, rows <= SMALL) {
            return Err(full());
        }
        self.rows.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }

    /// The rows were written to the response, or are not needed.
    pub fn forget_rows(&self) {
        self.memory.give_back(self.rows.swap(0, Ordering::Relaxed));
    }

    /// Counts bytes of the response and returns how many may follow.
    pub fn write(&self, bytes: usize) -> Result<usize> {
        if self.limit == usize::MAX {
            return Ok(usize::MAX);
        }
        let written = self.written.fetch_add(bytes, Ordering::Relaxed) + bytes;
        self.limit.checked_sub(written).ok_or_else(|| self.exceeded())
    }

    /// Returns an error if the response is already too long, so that a batch can stop.
    pub fn check(&self) -> Result<()> {
        if self.written.load(Ordering::Relaxed) > self.limit { Err(self.exceeded()) } else { Ok(()) }
    }

    fn exceeded(&self) -> Error {
        let message = match self.limit / MIB {
            0 => format!("the response is larger than {} KiB: request less at once", self.limit / 1024),
            mib => format!("the response is larger than {mib} MiB: request less at once"),
        };
        Error::new(Code::LimitExceeded, message)
    }
}

impl Drop for Ration {
    fn drop(&mut self) {
        self.forget_rows();
    }
}

pub fn full() -> Error {
    Error::new(Code::Unavailable, "the server is overloaded: try again in a few seconds")
}

/// The size of a row: its values, which are contiguous, and the position of each.
pub fn of_row(row: &PgRow) -> usize {
    let columns = row.len();
    let bytes = |column: usize| {
        let value = row.try_get_raw(column).ok().filter(|value| !value.is_null())?;
        let bytes = value.as_bytes().ok()?;
        Some((bytes.as_ptr() as usize, bytes.len()))
    };
    let first = (0..columns).find_map(bytes).map_or(0, |(start, _)| start);
    let end = (0..columns).rev().find_map(bytes).map_or(0, |(start, length)| start + length);
    size_of::<PgRow>() + columns * size_of::<Option<Range<u32>>>() + (end - first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_ones_leave_room_for_small_ones_and_all_is_given_back() {
        let memory = Memory::new(16 * SMALL);
        let mut large = Held::nothing(&memory);
        assert!(large.resize(12 * SMALL) && memory.is_short());
        assert!(!large.resize(12 * SMALL + 1));
        assert_eq!(large.bytes(), 12 * SMALL);
        let mut small: Vec<_> = (0..4).map(|_| Held::nothing(&memory)).collect();
        assert!(small.iter_mut().all(|held| held.resize(SMALL)));
        assert!(!Held::nothing(&memory).resize(1), "no room at all");
        drop(large);
        assert!(small[0].resize(2 * SMALL) && small[0].resize(1));
        drop(small);
        assert_eq!(memory.used(), 0);
    }

    #[test]
    fn a_request_is_bounded_in_what_it_reads_and_in_what_it_writes() {
        let memory = Memory::new(MIB);
        let ration = Ration::new(&memory, 1000);
        let code = |error: Error| error.problems[0].code;
        ration.hold_rows(600).unwrap();
        assert_eq!(code(ration.hold_rows(401).unwrap_err()), Code::LimitExceeded);
        assert_eq!(memory.used(), 600);
        ration.forget_rows();
        ration.hold_rows(1000).unwrap();
        assert_eq!(ration.write(900).unwrap(), 100);
        ration.check().unwrap();
        assert_eq!(code(ration.write(101).unwrap_err()), Code::LimitExceeded);
        ration.check().unwrap_err();
        drop(ration);
        assert_eq!(memory.used(), 0);
        Ration::unbounded().hold_rows(usize::MAX).unwrap();
        assert_eq!(Ration::unbounded().write(usize::MAX).unwrap(), usize::MAX);
    }
}
