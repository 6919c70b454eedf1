//! `Kept`: a response with what is needed to serve it again. Everyone who gets it shares its bytes.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use crate::key::Key;
use base::encoding::Encoding;
use base::memory::Held;
use base::seen::About;
use base::weigh::{Scales, Weigh};
use store::generations::ReadFrom;

/// A response that was just read.
#[derive(Debug)]
pub struct New {
    pub body: Box<[u8]>,
    /// What a request for it costs, also when it is not read again.
    pub cost: u64,
    pub about: Arc<About>,
    pub read: ReadFrom,
    /// The moment before it was read.
    pub begun: Instant,
}

#[derive(Debug)]
pub struct Kept {
    key: Key,
    new: New,
    digest: OnceLock<[u8; 32]>,
    /// The body in each coding that somebody has asked for.
    encoded: [OnceLock<(Box<[u8]>, Held)>; Encoding::COUNT],
    /// Counted until the last client has it, also when it is no longer kept.
    _held: Held,
}

impl Kept {
    pub(crate) fn new(key: Key, new: New, held: Held) -> Self {
        Self { key, new, digest: OnceLock::new(), encoded: Default::default(), _held: held }
    }

    pub(crate) fn key(&self) -> &Key {
        &self.key
    }

    pub fn body(&self) -> &[u8] {
        &self.new.body
    }

    /// The body in this coding, if it is kept.
    pub fn encoded(&self, encoding: Encoding) -> Option<&[u8]> {
        self.encoded[encoding as usize].get().map(|(bytes, _)| &**bytes)
    }

    /// Keeps the body in this coding too. Returns whether it is new.
    pub(crate) fn add(&self, encoding: Encoding, bytes: Box<[u8]>, held: Held) -> bool {
        self.encoded[encoding as usize].set((bytes, held)).is_ok()
    }

    pub fn cost(&self) -> u64 {
        self.new.cost
    }

    pub fn about(&self) -> &Arc<About> {
        &self.new.about
    }

    pub fn age(&self) -> Duration {
        self.new.begun.elapsed()
    }

    pub(crate) fn read(&self) -> &ReadFrom {
        &self.new.read
    }

    /// SHA-256 of the body, computed once.
    pub fn digest(&self) -> &[u8; 32] {
        self.digest.get_or_init(|| Sha256::digest(&self.new.body).into())
    }
}

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        self.body()
    }
}

impl Weigh for New {
    fn weigh(&self, scales: &mut Scales) {
        scales.block(self.body.len());
        // It is shared with the plan, which may be gone earlier.
        scales.block(size_of::<About>() + self.about.name.len() + self.about.document.capacity());
        self.read.weigh(scales);
    }
}
