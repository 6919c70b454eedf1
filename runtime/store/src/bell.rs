//! `Bell`: wakes the background tasks of this process when a transaction has committed work for them.
//!
//! `NOTIFY` in the writer's transaction would reach all nodes, but PostgreSQL serializes the commits of transactions that notify,
//! so writers would wait for each other.

use std::sync::Arc;

use tokio::sync::Notify;

#[derive(Clone, Debug, Default)]
pub struct Bell(Arc<Notify>);

/// The bells of a process.
#[derive(Clone, Debug, Default)]
pub struct Bells {
    /// Rung when entries have changed.
    pub events: Bell,
    /// Rung when there are new jobs.
    pub jobs: Bell,
    /// There is something to deliver.
    pub webhooks: Bell,
}

impl Bell {
    /// Is not lost if no task is waiting yet. Several rings count as one.
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
