//! `Bell`: wakes what works in the background of this process when a transaction has committed something for it.
//!
//! A `NOTIFY` in the writer's own transaction would do so as well, for all nodes, but PostgreSQL lets only one transaction that has
//! notified commit at a time: writers would wait for each other.

use std::sync::Arc;

use tokio::sync::Notify;

#[derive(Clone, Debug, Default)]
pub struct Bell(Arc<Notify>);

/// Those of a process.
#[derive(Clone, Debug, Default)]
pub struct Bells {
    /// Entries were changed.
    pub events: Bell,
    /// There is work for later.
    pub jobs: Bell,
}

impl Bell {
    /// Is not lost when nobody listens at this moment; several at once are one.
    pub fn ring(&self) {
        self.0.notify_one();
    }

    pub async fn rung(&self) {
        self.0.notified().await;
    }

    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}
