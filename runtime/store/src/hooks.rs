//! `Hooks`: typed site code that runs when an entry of a content type is saved, published or deleted, inside the transaction.

mod cx;

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;

use uuid::Uuid;

use crate::Store;
use crate::id::Id;
use crate::record::{Entry, Record, from_entry, to_row};
use crate::value::Value;
use base::error::{Code, Error, Problem, Result, Step, caught};
use model::content::ContentInfo;

pub use cx::{Cx, Transcript};

/// A write that has been committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event<T> {
    pub kind: EventKind,
    pub id: Id<T>,
    pub revision: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EventKind {
    Created,
    Updated,
    Published,
    Unpublished,
    Deleted,
}

impl EventKind {
    pub const ALL: [Self; 5] = [Self::Created, Self::Updated, Self::Published, Self::Unpublished, Self::Deleted];

    /// The name used in the outbox.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Published => "published",
            Self::Unpublished => "unpublished",
            Self::Deleted => "deleted",
        }
    }
}

/// A change that a transaction has made to an entry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Happened {
    pub info: &'static ContentInfo,
    pub kind: EventKind,
    pub id: Uuid,
    pub revision: i64,
}

/// All methods except `after_commit` run inside the write's transaction. An error rejects the whole write; paths in an error from
/// [`refuse`] start at the entry.
#[expect(unused_variables, reason = "the methods that a site does not write do nothing")]
pub trait Hooks<T: Record>: Send + Sync + 'static {
    /// `new` is the record to be stored, after defaults and rules. Changes made by the hook pass the same rules.
    fn before_save(&self, cx: &mut Cx<'_>, old: Option<&T>, new: &mut T) -> impl Future<Output = Result<()>> + Send {
        async { Ok(()) }
    }

    /// The rows are stored but not committed yet: an error still rejects the write.
    fn after_save(&self, cx: &mut Cx<'_>, old: Option<&T>, new: &T) -> impl Future<Output = Result<()>> + Send {
        async { Ok(()) }
    }

    /// The entry is about to be published with the content of `record`.
    fn before_publish(&self, cx: &mut Cx<'_>, record: &T) -> impl Future<Output = Result<()>> + Send {
        async { Ok(()) }
    }

    /// The entry is live in this transaction.
    fn after_publish(&self, cx: &mut Cx<'_>, record: &T) -> impl Future<Output = Result<()>> + Send {
        async { Ok(()) }
    }

    /// The entry is about to leave `LIVE`; its draft stays.
    fn before_unpublish(&self, cx: &mut Cx<'_>, record: &T) -> impl Future<Output = Result<()>> + Send {
        async { Ok(()) }
    }

    /// The entry is no longer live in this transaction.
    fn after_unpublish(&self, cx: &mut Cx<'_>, record: &T) -> impl Future<Output = Result<()>> + Send {
        async { Ok(()) }
    }

    /// The entry is about to be deleted from both stages.
    fn before_delete(&self, cx: &mut Cx<'_>, record: &T) -> impl Future<Output = Result<()>> + Send {
        async { Ok(()) }
    }

    /// The entry is deleted in this transaction; `record` is its last content.
    fn after_delete(&self, cx: &mut Cx<'_>, record: &T) -> impl Future<Output = Result<()>> + Send {
        async { Ok(()) }
    }

    /// The write is committed and can no longer be rejected. Best effort: the call is lost if the server stops before it. Use a consumer
    /// of the events (`Server::follow`) for work that must be done once for each change.
    fn after_commit(&self, store: &Store, event: Event<T>) -> impl Future<Output = ()> + Send {
        async {}
    }
}

/// The error of a hook that rejects a write: `refuse("a price below cost", ["variants".into(), 2.into(), "price".into()])`.
pub fn refuse(message: impl Into<String>, path: impl IntoIterator<Item = Step>) -> Error {
    Problem::new(Code::Refused, message).at(path).into()
}

/// The hooks of a site, at most one implementation for each content type.
#[derive(Default)]
pub struct HookSet {
    by_table: BTreeMap<&'static str, Box<dyn AnyHooks>>,
}

impl HookSet {
    /// Replaces hooks that were added for the same type before.
    pub fn add<T: Record>(&mut self, hooks: impl Hooks<T>) {
        self.by_table.insert(T::INFO.table, Box::new(Erased { hooks, of: PhantomData }));
    }

    pub(crate) fn of(&self, info: &ContentInfo) -> Option<&dyn AnyHooks> {
        self.by_table.get(info.table).map(AsRef::as_ref)
    }
}

impl fmt::Debug for HookSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.by_table.keys()).finish()
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Moment {
    BeforePublish,
    AfterPublish,
    BeforeUnpublish,
    AfterUnpublish,
    BeforeDelete,
    AfterDelete,
}

pub(crate) type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A record of any content type, in the form that hooks take.
pub(crate) type AnyRecord = Box<dyn Any + Send + Sync>;

/// [`Hooks`] with the type erased, as the write path calls them. Records are made by [`AnyHooks::record`].
pub(crate) trait AnyHooks: Send + Sync {
    fn record(&self, entry: Entry) -> Result<AnyRecord>;

    /// Returns the new values if the hook changed any.
    fn before_save<'a>(
        &'a self,
        cx: &'a mut Cx<'_>,
        old: Option<&'a AnyRecord>,
        new: &'a mut AnyRecord,
    ) -> Pending<'a, Result<Option<Vec<Value>>>>;

    fn after_save<'a>(
        &'a self,
        cx: &'a mut Cx<'_>,
        old: Option<&'a AnyRecord>,
        new: &'a AnyRecord,
    ) -> Pending<'a, Result<()>>;

    fn on<'a>(&'a self, moment: Moment, cx: &'a mut Cx<'_>, record: &'a AnyRecord) -> Pending<'a, Result<()>>;

    fn after_commit<'a>(&'a self, store: &'a Store, kind: EventKind, id: Uuid, revision: i64) -> Pending<'a, ()>;
}

struct Erased<T, H> {
    hooks: H,
    of: PhantomData<fn() -> T>,
}

impl<T: Record, H: Hooks<T>> AnyHooks for Erased<T, H> {
    fn record(&self, entry: Entry) -> Result<AnyRecord> {
        let record: T =
            from_entry(entry).map_err(|problem| Error::internal(format!("`{}`: {problem}", T::INFO.name)))?;
        Ok(Box::new(record))
    }

    fn before_save<'a>(
        &'a self,
        cx: &'a mut Cx<'_>,
        old: Option<&'a AnyRecord>,
        new: &'a mut AnyRecord,
    ) -> Pending<'a, Result<Option<Vec<Value>>>> {
        Box::pin(async move {
            let new = new.downcast_mut::<T>().ok_or_else(another_type::<T>)?;
            let before = new.clone();
            self.hooks.before_save(cx, old.map(typed).transpose()?, new).await?;
            Ok((*new != before).then(|| to_row(new)))
        })
    }

    fn after_save<'a>(
        &'a self,
        cx: &'a mut Cx<'_>,
        old: Option<&'a AnyRecord>,
        new: &'a AnyRecord,
    ) -> Pending<'a, Result<()>> {
        Box::pin(async move { self.hooks.after_save(cx, old.map(typed).transpose()?, typed(new)?).await })
    }

    fn on<'a>(&'a self, moment: Moment, cx: &'a mut Cx<'_>, record: &'a AnyRecord) -> Pending<'a, Result<()>> {
        Box::pin(async move {
            let record = typed(record)?;
            match moment {
                Moment::BeforePublish => self.hooks.before_publish(cx, record).await,
                Moment::AfterPublish => self.hooks.after_publish(cx, record).await,
                Moment::BeforeUnpublish => self.hooks.before_unpublish(cx, record).await,
                Moment::AfterUnpublish => self.hooks.after_unpublish(cx, record).await,
                Moment::BeforeDelete => self.hooks.before_delete(cx, record).await,
                Moment::AfterDelete => self.hooks.after_delete(cx, record).await,
            }
        })
    }

    fn after_commit<'a>(&'a self, store: &'a Store, kind: EventKind, id: Uuid, revision: i64) -> Pending<'a, ()> {
        Box::pin(async move { self.hooks.after_commit(store, Event { kind, id: Id::new(id), revision }).await })
    }
}

fn typed<T: Record>(record: &AnyRecord) -> Result<&T> {
    record.downcast_ref().ok_or_else(another_type::<T>)
}

fn another_type<T: Record>() -> Error {
    Error::internal(format!("a hook of {} received a record of another type", T::INFO.name))
}

/// Calls the hooks that run after the commit.
pub(crate) async fn after_commit(store: &Store, hooks: &HookSet, events: &[Happened]) {
    for event in events {
        if let Some(hook) = hooks.of(event.info) {
            // The write is committed, so a panic cannot reject it; `caught` logs the cause.
            let _ = caught(hook.after_commit(store, event.kind, event.id, event.revision)).await;
        }
    }
}
