//! `Cx`: what a hook, an own mutation, a consumer or a job has at hand inside its transaction. How it reads and writes entries is in
//! `write/compose.rs`.

use uuid::Uuid;

use super::{Happened, HookSet, after_commit};
use crate::id;
use crate::{Connection, Store};
use base::error::{Error, Result};
use model::content::ContentInfo;

/// A transaction under way, and who acts in it.
pub struct Cx<'a> {
    /// The store of the actor that writes, under its access rules.
    pub store: &'a Store,
    /// The connection that holds the transaction: SQL that is sent here is part of it. Never take another one from the store's pool
    /// while a write is under way.
    pub connection: &'a mut Connection,
    hooks: &'a HookSet,
    /// The store without rules.
    pub(crate) system: &'a Store,
    pub(crate) done: &'a mut Done,
}

/// What a transaction has come to so far, for whoever runs the site's own code in one: a mutation, a job, a consumer of events.
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

    /// The transaction is committed: hooks that wait for that are called.
    pub async fn committed(self, store: &Store, hooks: &HookSet) {
        after_commit(store, hooks, &self.done.events).await;
    }
}

/// What has happened in a transaction.
#[derive(Debug, Default)]
pub(crate) struct Done {
    /// To be told once it is committed.
    pub events: Vec<Happened>,
    /// Writes that are under way inside of each other.
    pub depth: usize,
    /// The entries that they are about.
    pub under_way: Vec<(&'static str, Uuid)>,
    /// Another writer was in the way of one of them.
    pub race: bool,
}

impl Done {
    /// These are being written. What is being written cannot be written by its own hooks: the write would go on with what it was.
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

    /// The same transaction, acting as the server itself: no rule holds, and the audit log calls it the system. For what the site must
    /// find or change whoever asks.
    pub fn as_system(&mut self) -> Cx<'_> {
        Cx { store: self.system, system: self.system, ..self.again() }
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
