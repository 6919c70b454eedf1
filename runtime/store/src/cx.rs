//! `Cx`: what a hook, an own mutation or a job has at hand inside its transaction. What it writes here is written as by a client: with
//! rules, hooks, revisions, the audit log; and it is committed with the rest, or not at all.

use serde_json::{Map, Value as Json};
use uuid::Uuid;

use crate::field::Set;
use crate::find::{Find, Source};
use crate::hooks::HookSet;
use crate::id::{self, Id};
use crate::record::Content;
use crate::write::batch::{Happened, Input, Target};
use crate::write::remove::Subject;
use crate::write::{Work, after_commit, save};
use crate::{Connection, Stage, Store};
use base::error::{Error, Result};
use model::content::ContentInfo;

/// Hooks that save entries whose hooks save entries, and so on: further down than any site means to go.
const DEEPEST: usize = 16;

/// A transaction under way, and who acts in it.
pub struct Cx<'a> {
    /// The store of whoever writes, with the rules of access that hold for it.
    pub store: &'a Store,
    /// The connection that holds the transaction: SQL that is sent here is part of it. Never take another one from the store's pool
    /// while a write is under way.
    pub connection: &'a mut Connection,
    hooks: &'a HookSet,
    /// The store without rules.
    system: &'a Store,
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
    depth: usize,
    /// The entries that they are about.
    under_way: Vec<(&'static str, Uuid)>,
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
                    "a hook writes the {} `{entry}`, which is being written: let `before_save` change `new`",
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

    /// The entry as editors work on it, with all its lists and children; `None` where there is none that the actor may read.
    pub async fn get<T: Content>(&mut self, id: Id<T>) -> Result<Option<T>> {
        self.source().get(Stage::Draft, id).await
    }

    /// As [`Self::get`], and nobody else changes the entry until this transaction ends: for a value that is computed from the one before,
    /// as a stock that goes down by two.
    pub async fn get_for_update<T: Content>(&mut self, id: Id<T>) -> Result<Option<T>> {
        let sql = format!(r#"select from draft."{}" where id = $1 for no key update"#, T::INFO.table);
        sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id.uuid()).execute(&mut *self.connection).await?;
        self.get(id).await
    }

    /// Entries as editors work on them: `cx.find().filter(product::PRICE.lte(price)).first(10).all().await?`.
    pub fn find<T: Content>(&mut self) -> Find<'_, T> {
        Find::new(self.source(), Stage::Draft)
    }

    /// Makes an entry; fields that are not named get their defaults.
    pub async fn create<T: Content>(&mut self, values: impl IntoIterator<Item = Set<T>>) -> Result<T> {
        let data = Set::input(values);
        let id = self.save::<T>(Target::New, &data, "input").await?;
        self.saved(id).await
    }

    /// Changes an entry that was read before; what is not named stays. `REVISION_MISMATCH` where somebody else has changed it since.
    pub async fn update<T: Content>(&mut self, entry: &T, values: impl IntoIterator<Item = Set<T>>) -> Result<T> {
        let data = Set::input(values);
        let target = Target::Id { id: entry.id().uuid(), revision: entry.revision() };
        let id = self.save::<T>(target, &data, "input").await?;
        self.saved(id).await
    }

    /// Changes the entry whose unique field has this value, or makes it: `cx.upsert(brand::SLUG.set("north"), [brand::NAME.set("North")])`.
    pub async fn upsert<T: Content>(&mut self, key: Set<T>, values: impl IntoIterator<Item = Set<T>>) -> Result<T> {
        let (key, data) = (key.key(), Set::input(values));
        let id = self.save::<T>(Target::Key { key: &key, revision: None }, &data, "data").await?;
        self.saved(id).await
    }

    /// Makes the entry live as it is stored.
    pub async fn publish<T: Content>(&mut self, entry: &T) -> Result<T> {
        self.compose(&Work::Publish(subject(entry))).await?;
        self.saved(entry.id().uuid()).await
    }

    /// Takes the entry off `LIVE`; refused with `REFERENCED` where live entries point at it.
    pub async fn unpublish<T: Content>(&mut self, entry: &T) -> Result<T> {
        self.compose(&Work::Unpublish(subject(entry), false)).await?;
        self.saved(entry.id().uuid()).await
    }

    pub async fn delete<T: Content>(&mut self, entry: &T) -> Result<()> {
        self.compose(&Work::Delete(subject(entry))).await?;
        Ok(())
    }

    async fn save<T: Content>(&mut self, target: Target<'_>, data: &Map<String, Json>, named: &str) -> Result<Uuid> {
        let input = Input { root: 0, target, data, publish: false, path: vec![named.into()], outer: Vec::new() };
        let entries = self.compose(&Work::Save(save(T::INFO, vec![input]))).await?;
        entries.first().copied().ok_or_else(|| Error::internal("a saved entry has no id"))
    }

    /// A part of the transaction that is done, or undone alone.
    async fn compose(&mut self, work: &Work<'_>) -> Result<Vec<Uuid>> {
        if self.done.depth == DEEPEST {
            let message = format!("hooks save entries whose hooks save entries, more than {DEEPEST} times over");
            return Err(Error::internal(message));
        }
        self.connection.run("savepoint part", true).await?;
        let (before, under_way) = (self.done.events.len(), self.done.under_way.len());
        self.done.depth += 1;
        let attempted = work.attempt(&mut self.again(), false).await;
        self.done.depth -= 1;
        self.done.under_way.truncate(under_way);
        match attempted {
            Ok(saved) => {
                self.connection.run("release savepoint part", true).await?;
                self.done.events.extend(saved.events);
                Ok(saved.entries.into_iter().map(|(id, _)| id).collect())
            }
            Err(failure) => {
                self.done.events.truncate(before);
                self.done.race |= failure.is_race();
                let error = work.error(failure, self.store);
                // On a connection that is lost there is nothing to undo, and the error says so.
                if self.connection.run("rollback to savepoint part; release savepoint part", true).await.is_err() {
                    return Err(error);
                }
                Err(error)
            }
        }
    }

    /// What was written, whatever the actor may read of it.
    async fn saved<T: Content>(&mut self, id: Uuid) -> Result<T> {
        let mut source = Source::Within(self.system, &mut *self.connection);
        let found = source.get(Stage::Draft, Id::new(id)).await?;
        found.ok_or_else(|| Error::internal("an entry that was saved is not there"))
    }

    fn source(&mut self) -> Source<'_> {
        Source::Within(self.store, &mut *self.connection)
    }
}

fn subject<T: Content>(entry: &T) -> Subject {
    Subject { info: T::INFO, id: entry.id().uuid(), revision: entry.revision() }
}
