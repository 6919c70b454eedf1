//! The methods of [`Cx`] that read and write entries in the transaction of the site's own code. Writes apply access rules, hooks,
//! revisions and the audit log as for clients, and are committed with the transaction or not at all.

use serde_json::{Map, Value as Json};
use uuid::Uuid;

use crate::Stage;
use crate::field::Set;
use crate::find::Find;
use crate::hooks::Cx;
use crate::id::Id;
use crate::read::source::Source;
use crate::record::Content;
use crate::search::Search;
use crate::write::batch::{Input, Target};
use crate::write::entries::Version;
use crate::write::remove::{Parting, Subject};
use crate::write::{Work, save};
use base::error::{Error, Result};

/// How deep hooks that save entries may nest. No site should need more, and it is half of what a thread's stack (2 MiB) can hold in a
/// build without optimisation.
const DEEPEST: usize = 8;

impl Cx<'_> {
    /// The draft of the entry, with all its lists and children; `None` if there is none that the actor may read.
    pub async fn get<T: Content>(&mut self, id: Id<T>) -> Result<Option<T>> {
        self.source().get(id).await
    }

    /// As [`Self::get`], and locks the entry until the transaction ends. Use it when the new value depends on the old one, such as a stock
    /// that is reduced by two.
    pub async fn get_for_update<T: Content>(&mut self, id: Id<T>) -> Result<Option<T>> {
        let sql = format!(r#"select from draft."{}" where id = $1 for no key update"#, T::INFO.table);
        sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id.uuid()).execute(&mut *self.connection).await?;
        self.get(id).await
    }

    /// Finds drafts: `cx.find().filter(product::PRICE.lte(price)).first(10).all().await?`.
    pub fn find<T: Content>(&mut self) -> Find<'_, T> {
        Find::new(self.source())
    }

    /// Finds drafts by words: `cx.search::<Product>("blue shoes").first(10).all().await?`.
    pub fn search<T: Content>(&mut self, text: &str) -> Search<'_, T> {
        Search::new(self.source(), text)
    }

    /// Creates an entry; fields without a value get their defaults.
    pub async fn create<T: Content>(&mut self, values: impl IntoIterator<Item = Set<T>>) -> Result<T> {
        let data = Set::input(values);
        let id = self.save::<T>(Target::New, &data, "input", false).await?;
        self.saved(id).await
    }

    /// Updates an entry that was read before; other fields stay. `REVISION_MISMATCH` if it has changed since.
    pub async fn update<T: Content>(&mut self, entry: &T, values: impl IntoIterator<Item = Set<T>>) -> Result<T> {
        let data = Set::input(values);
        let target = Target::Id { id: entry.id().uuid(), revision: entry.revision() };
        let id = self.save::<T>(target, &data, "input", false).await?;
        self.saved(id).await
    }

    /// As [`Self::update`], but what others have changed since stays. `REVISION_MISMATCH` if both changed the same field.
    pub async fn merge<T: Content>(&mut self, entry: &T, values: impl IntoIterator<Item = Set<T>>) -> Result<T> {
        let data = Set::input(values);
        let target = Target::Id { id: entry.id().uuid(), revision: entry.revision() };
        let id = self.save::<T>(target, &data, "input", true).await?;
        self.saved(id).await
    }

    /// Updates the entry with this unique value, or creates it: `cx.upsert(brand::SLUG.set("north"), [brand::NAME.set("North")])`.
    pub async fn upsert<T: Content>(&mut self, key: Set<T>, values: impl IntoIterator<Item = Set<T>>) -> Result<T> {
        let (key, data) = (key.key(), Set::input(values));
        let id = self.save::<T>(Target::Key { key: &key, revision: None }, &data, "data", false).await?;
        self.saved(id).await
    }

    /// Publishes the entry as last saved.
    pub async fn publish<T: Content>(&mut self, entry: &T) -> Result<T> {
        self.compose(&Work::Publish(subject(entry))).await?;
        self.saved(entry.id().uuid()).await
    }

    /// Unpublishes the entry; `REFERENCED` if live entries point at it.
    pub async fn unpublish<T: Content>(&mut self, entry: &T) -> Result<T> {
        self.compose(&Work::Unpublish(subject(entry), Parting::Checked)).await?;
        self.saved(entry.id().uuid()).await
    }

    /// Publishes all entries as last saved, or none. Entries that exchange a unique value must be published together.
    pub async fn publish_all<T: Content>(&mut self, entries: &[T]) -> Result<()> {
        let ids: Vec<Uuid> = entries.iter().map(|entry| entry.id().uuid()).collect();
        self.compose(&Work::PublishAll { info: T::INFO, ids: &ids }).await?;
        Ok(())
    }

    /// Replaces the draft with the live entry; `CONFLICT` if the entry is not live.
    pub async fn discard_draft<T: Content>(&mut self, entry: &T) -> Result<T> {
        self.compose(&Work::Discard(subject(entry))).await?;
        self.saved(entry.id().uuid()).await
    }

    /// Creates a draft as a copy of another, with these values instead of its own. Unique values are left out, and slugs are made again.
    pub async fn duplicate<T: Content>(&mut self, entry: &T, values: impl IntoIterator<Item = Set<T>>) -> Result<T> {
        let data = Set::input(values);
        let entries = self.compose(&Work::Duplicate { info: T::INFO, id: entry.id().uuid(), data: &data }).await?;
        let id = entries.first().copied().ok_or_else(|| Error::internal("a saved entry has no id"))?;
        self.saved(id).await
    }

    /// Publishes the entry with what it depends on and is not live.
    pub async fn publish_with_dependencies<T: Content>(&mut self, entry: &T) -> Result<T> {
        self.compose(&Work::PublishWith(subject(entry))).await?;
        self.saved(entry.id().uuid()).await
    }

    /// Publishes an earlier revision of the entry; its draft stays as it is.
    pub async fn publish_revision<T: Content>(&mut self, entry: &T, revision: i64) -> Result<T> {
        let version = Version { info: T::INFO, id: entry.id().uuid(), revision: Some(revision) };
        self.compose(&Work::PublishRevision(version)).await?;
        self.saved(entry.id().uuid()).await
    }

    /// Makes the draft what it was at an earlier revision. Nothing is published.
    pub async fn restore<T: Content>(&mut self, entry: &T, from: i64) -> Result<T> {
        self.compose(&Work::Restore(subject(entry), from, &Map::new())).await?;
        self.saved(entry.id().uuid()).await
    }

    /// Takes a deleted entry out of the bin, as a draft.
    pub async fn undelete<T: Content>(&mut self, id: Id<T>) -> Result<T> {
        self.compose(&Work::Undelete { info: T::INFO, id: id.uuid(), input: &Map::new() }).await?;
        self.saved(id.uuid()).await
    }

    pub async fn delete<T: Content>(&mut self, entry: &T) -> Result<()> {
        self.compose(&Work::Delete(subject(entry))).await?;
        Ok(())
    }

    async fn save<T: Content>(
        &mut self,
        target: Target<'_>,
        data: &Map<String, Json>,
        named: &str,
        merge: bool,
    ) -> Result<Uuid> {
        let input = Input { root: 0, target, data, publish: false, merge, path: vec![named.into()], outer: Vec::new() };
        let entries = self.compose(&Work::Save(save(T::INFO, vec![input]))).await?;
        entries.first().copied().ok_or_else(|| Error::internal("a saved entry has no id"))
    }

    /// Runs the work in a savepoint, so that it can be undone alone.
    pub(crate) async fn compose(&mut self, work: &Work<'_>) -> Result<Vec<Uuid>> {
        if self.done.depth == DEEPEST {
            let message = format!("hooks save entries whose hooks save entries, more than {DEEPEST} levels deep");
            return Err(Error::internal(message));
        }
        self.connection.begin_part().await?;
        let (before, under_way) = (self.done.events.len(), self.done.under_way.len());
        self.done.depth += 1;
        let attempted = work.attempt(&mut self.again(), false).await;
        self.done.depth -= 1;
        self.done.under_way.truncate(under_way);
        match attempted {
            Ok(saved) => {
                self.connection.end_part().await?;
                self.done.events.extend(saved.events);
                Ok(saved.entries.into_iter().map(|(id, _)| id).collect())
            }
            Err(failure) => {
                self.done.events.truncate(before);
                self.done.race |= failure.is_race();
                let error = work.error(failure, self.store);
                // If the connection is lost, there is nothing to undo and `error` already says so.
                let _ = self.connection.undo_part().await;
                Err(error)
            }
        }
    }

    /// The saved entry, regardless of what the actor may read.
    async fn saved<T: Content>(&mut self, id: Uuid) -> Result<T> {
        let mut source = Source::within(self.system.at(Stage::Draft), &mut *self.connection);
        let found = source.get(Id::new(id)).await?;
        found.ok_or_else(|| Error::internal("a saved entry cannot be found"))
    }

    fn source(&mut self) -> Source<'_, '_> {
        Source::within(self.store.at(Stage::Draft), &mut *self.connection)
    }
}

fn subject<T: Content>(entry: &T) -> Subject {
    Subject { info: T::INFO, id: entry.id().uuid(), revision: entry.revision() }
}
