//! `Circuit`: keeps requests from waiting for an engine that does not answer. After a failure only one request tries it every few seconds.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The pause after a failure.
pub const PAUSE: Duration = Duration::from_secs(3);

#[derive(Debug, Default)]
pub struct Circuit {
    /// When the engine may be tried again; `None` while it answers.
    retry: Mutex<Option<Instant>>,
    looked: Mutex<Option<Instant>>,
    is_told: AtomicBool,
    pub answered: AtomicU64,
    pub failed: AtomicU64,
}

impl Circuit {
    pub fn is_open(&self) -> bool {
        self.retry.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Whether a question need not be made.
    pub fn rests(&self) -> bool {
        self.retry.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|retry| Instant::now() < retry)
    }

    /// Whether it is time to see why the engine does not answer: at once, and then every few seconds.
    pub fn takes_a_look(&self) -> bool {
        if !self.is_open() {
            return false;
        }
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        let is_time = looked.is_none_or(|looked| looked.elapsed() >= PAUSE);
        if is_time {
            *looked = Some(Instant::now());
        }
        is_time
    }

    /// Whether this request may ask. While the engine fails, one at a time may.
    pub fn enter(&self) -> bool {
        let mut retry = self.retry.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *retry {
            None => true,
            Some(moment) if Instant::now() < *moment => false,
            Some(moment) => {
                *moment = Instant::now() + PAUSE;
                true
            }
        }
    }

    pub fn succeed(&self) {
        self.answered.fetch_add(1, Ordering::Relaxed);
        let was_open = self.retry.lock().unwrap_or_else(PoisonError::into_inner).take().is_some();
        if was_open && self.is_told.swap(false, Ordering::Relaxed) {
            tracing::info!("the search engine answers again");
        }
    }

    pub fn fail(&self, why: &str) {
        self.failed.fetch_add(1, Ordering::Relaxed);
        *self.retry.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + PAUSE);
        if !self.is_told.swap(true, Ordering::Relaxed) {
            tracing::warn!(why, "the search engine does not answer: PostgreSQL does until it is back");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_failure_nobody_waits_until_the_pause_is_over_and_then_one() {
        let circuit = Circuit::default();
        assert!(circuit.enter() && circuit.enter() && !circuit.rests());
        circuit.fail("gone");
        assert!(!circuit.enter() && circuit.rests() && circuit.is_open());
        *circuit.retry.lock().unwrap() = Some(Instant::now());
        assert!(!circuit.rests() && circuit.enter() && !circuit.enter(), "one tries it");
        circuit.succeed();
        assert!(circuit.enter() && !circuit.is_open());
    }
}
