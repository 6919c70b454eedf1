//! `Cx`: the context that a hook, a custom mutation, a consumer or a job gets inside its transaction. The methods that read and write
//! entries are in `write/compose.rs`.

use uuid::Uuid;

use super::{Happened, HookSet, after_commit};
use crate::id;
use crate::{Connection, Store};
use base::error::{Error, Result};
use model::content::ContentInfo;

/// A running transaction and the actor that it runs for.
pub struct Cx<'a> {
    /// The store of the actor, under its access rules.
    pub store: &'a Store,
    /// The connection that holds the transaction; SQL that is sent here is part of it. Never take another connection from the store's pool
    /// during a write.
    pub connection: &'a mut Connection,
    hooks: &'a HookSet,
    /// The same store without access rules.
    pub(crate) system: &'a Store,
    pub(crate) done: &'a mut Done,
}

/// Collects the changes of a transaction that runs the site's own code: a mutation, a job or a consumer of events.
#[derive(Debug)]
pub struct Transcript {
    system: Store,
    pub(crate) done: Done,
}

impl Transcript {
    pub fn new(store: &Store) -> Self {
        Self { system: store.trusted(), done: Done::default() }
    }

    pub fn cx<'a>(&'a mut self, store: &'a Store, hooks: &'a HookSet, connection: &'a mut Connection) -> Cx<'a> {
        Cx { store, connection, hooks, system: &self.system, done: &mut self.done }
    }

    /// Calls the `after_commit` hooks, once the transaction is committed.
    pub async fn committed(self, store: &Store, hooks: &HookSet) {
        after_commit(store, hooks, &self.done.events).await;
    }
}

/// The state of a transaction: its changes so far and the writes in progress.
#[derive(Debug, Default)]
pub(crate) struct Done {
    /// Changes to announce after the commit.
    pub events: Vec<Happened>,
    /// The number of nested writes in progress.
    pub depth: usize,
    /// The entries that these writes save.
    pub under_way: Vec<(&'static str, Uuid)>,
    /// Whether one of the writes conflicted with another writer.
    pub race: bool,
}

impl Done {
    /// Marks these entries as being written. A hook cannot write the entry that it is called for: the outer write would overwrite it with
    /// its earlier content.
    pub(crate) fn begin(&mut self, entries: impl Iterator<Item = (&'static ContentInfo, Uuid)>) -> Result<()> {
        let known = self.under_way.len();
        for (info, id) in entries {
            if self.under_way[..known].contains(&(info.table, id)) {
                let entry = id::encode(info.table, id);
                let message = format!(
                    "a hook cannot write the {} `{entry}` that it is called for: change `new` in `before_save`",
                    info.name
                );
                return Err(Error::internal(message));
            }
            self.under_way.push((info.table, id));
        }
        Ok(())
    }
}

impl<'a> Cx<'a> {
    pub(crate) fn hooks(&self) -> &'a HookSet {
        self.hooks
    }

    /// The same transaction as the server itself: no access rules apply, and the audit log names the system as the actor. Use it for
    /// reads and writes that must succeed for every actor.
    pub fn as_system(&mut self) -> Cx<'_> {
        Cx { store: self.system, system: self.system, ..self.again() }
    }

    /// The same transaction for another actor: its access rules apply, and the audit log names it.
    pub fn acting_as<'b>(&'b mut self, store: &'b Store) -> Cx<'b> {
        Cx { store, ..self.again() }
    }

    pub(crate) fn again(&mut self) -> Cx<'_> {
        Cx {
            store: self.store,
            connection: &mut *self.connection,
            hooks: self.hooks,
            system: self.system,
            done: &mut *self.done,
        }
    }
}
