//! Ids of traces and spans. They are unique but not secret, so they need no system call.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Random values that differ between processes.
static PROCESS: LazyLock<(u64, AtomicU64)> = LazyLock::new(|| {
    let random = || RandomState::new().build_hasher().finish();
    (random(), AtomicU64::new(random()))
});

/// SplitMix64 with a state shared by all threads; its numbers are random enough.
pub fn random() -> u64 {
    const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut mixed = PROCESS.1.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Never zero, which would mean no id.
pub fn span() -> u64 {
    random().max(1)
}

pub fn trace() -> u128 {
    (u128::from(random() ^ PROCESS.0) << 64) | u128::from(span())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_differ() {
        let spans: HashSet<u64> = (0..10_000).map(|_| span()).collect();
        let traces: HashSet<u128> = (0..10_000).map(|_| trace()).collect();
        assert_eq!((spans.len(), traces.len()), (10_000, 10_000));
    }
}
