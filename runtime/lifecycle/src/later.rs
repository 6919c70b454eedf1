//! `cx.schedule_publish(&entry, moment)`: scheduled changes in the typed API, made in the transaction that asks for them.

use std::future::Future;

use uuid::Uuid;

use crate::moment::Moment;
use crate::schedule::{self, Action, Edit, New};
use base::error::Result;
use model::timestamp::Timestamp;
use store::hooks::Cx;
use store::record::Content;

/// Scheduled changes, with the rights that the actor has at that time.
pub trait Later {
    /// Publishes the draft of the entry as it is then. Returns the id of the change.
    fn schedule_publish<T: Content>(&mut self, entry: &T, at: Timestamp) -> impl Future<Output = Result<Uuid>> + Send;

    /// Publishes this revision of the entry.
    fn schedule_publish_of<T: Content>(
        &mut self,
        entry: &T,
        revision: i64,
        at: Timestamp,
    ) -> impl Future<Output = Result<Uuid>> + Send;

    fn schedule_unpublish<T: Content>(&mut self, entry: &T, at: Timestamp)
    -> impl Future<Output = Result<Uuid>> + Send;

    fn cancel_scheduled(&mut self, change: Uuid) -> impl Future<Output = Result<()>> + Send;
}

impl Later for Cx<'_> {
    async fn schedule_publish<T: Content>(&mut self, entry: &T, at: Timestamp) -> Result<Uuid> {
        schedule::insert(self, &new(entry, Action::Publish, None, at)).await
    }

    async fn schedule_publish_of<T: Content>(&mut self, entry: &T, revision: i64, at: Timestamp) -> Result<Uuid> {
        schedule::insert(self, &new(entry, Action::Publish, Some(revision), at)).await
    }

    async fn schedule_unpublish<T: Content>(&mut self, entry: &T, at: Timestamp) -> Result<Uuid> {
        schedule::insert(self, &new(entry, Action::Unpublish, None, at)).await
    }

    async fn cancel_scheduled(&mut self, change: Uuid) -> Result<()> {
        schedule::apply(self, change, &Edit::Cancel).await
    }
}

fn new<T: Content>(entry: &T, action: Action, revision: Option<i64>, at: Timestamp) -> New {
    New { info: T::INFO, entry: entry.id().uuid(), action, revision, force: false, moment: Moment { at, local: None } }
}
