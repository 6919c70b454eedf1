//! Shared by all background work: the signal to stop, and the pause after a failure.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use tokio::sync::watch;

/// How far the shutdown of a process has progressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Working,
    Draining,
    Over,
}

/// Stops all tasks that hold its [`Stop`].
#[derive(Clone, Debug)]
pub struct Stopper(watch::Sender<Phase>);

#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<Phase>);

impl Stopper {
    pub fn new() -> (Self, Stop) {
        let (sender, receiver) = watch::channel(Phase::Working);
        (Self(sender), Stop(receiver))
    }

    /// Tells tasks to begin nothing new.
    pub fn drain(&self) {
        self.reach(Phase::Draining);
    }

    /// Tells tasks to abandon what they are doing.
    pub fn end(&self) {
        self.reach(Phase::Over);
    }

    fn reach(&self, phase: Phase) {
        self.0.send_modify(|reached| *reached = phase.max(*reached));
    }
}

impl Stop {
    pub fn is_draining(&self) -> bool {
        *self.0.borrow() >= Phase::Draining
    }

    pub async fn draining(&self) {
        self.reached(Phase::Draining).await;
    }

    pub async fn over(&self) {
        self.reached(Phase::Over).await;
    }

    /// Also returns if the [`Stopper`] is gone.
    async fn reached(&self, phase: Phase) {
        let _ = self.0.clone().wait_for(|reached| *reached >= phase).await;
    }
}

/// The pause doubles with each failure in a row. It is a random value between half and all of that, so that tasks that failed
/// together do not retry together.
pub fn backoff(failures: u32, first: Duration, most: Duration) -> Duration {
    let doubled = first.saturating_mul(1 << failures.saturating_sub(1).min(20)).min(most);
    doubled.mul_f64(0.5 + random() / 2.0)
}

/// From 0 to 1; the quality of the randomness does not matter.
pub fn random() -> f64 {
    let bits = RandomState::new().build_hasher().finish() >> 32;
    bits as f64 / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_in_a_row_make_it_wait_longer_up_to_a_bound() {
        let seconds = |failures| backoff(failures, Duration::from_secs(1), Duration::from_secs(60)).as_secs_f64();
        for (failures, most) in [(1, 1.0), (2, 2.0), (4, 8.0), (7, 60.0), (u32::MAX, 60.0)] {
            let waits: Vec<f64> = (0..50).map(|_| seconds(failures)).collect();
            assert!(waits.iter().all(|wait| (most / 2.0..=most).contains(wait)), "{failures}: {waits:?}");
            assert!(waits.iter().any(|wait| *wait != waits[0]), "{failures}: they differ");
        }
    }

    #[tokio::test]
    async fn it_stops_in_two_steps_and_with_its_stopper() {
        let (stopper, stop) = Stopper::new();
        assert!(!stop.is_draining());
        stopper.drain();
        stop.draining().await;
        assert!(tokio::time::timeout(Duration::from_millis(10), stop.over()).await.is_err());
        drop(stopper);
        stop.over().await;
    }
}
