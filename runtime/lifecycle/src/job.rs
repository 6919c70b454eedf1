//! The job of a scheduled change.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use jobs::Job;
use store::id;

/// The prefix of the ids of scheduled changes.
pub const PREFIX: &str = "schedule";

/// The job of a change. It finds nothing to do if the change was cancelled, moved or made already.
#[derive(Debug, Serialize, Deserialize)]
pub struct Fire {
    pub(crate) change: String,
    /// How often it has waited for what is due before it.
    #[serde(default)]
    pub(crate) tries: u32,
}

impl Fire {
    pub(crate) fn of(change: Uuid) -> Self {
        Self { change: id::encode(PREFIX, change), tries: 0 }
    }
}

impl Job for Fire {
    const KIND: &'static str = "typecase.scheduled_change";
    /// Before other work: people wait for it.
    const PRIORITY: i16 = 100;
}
