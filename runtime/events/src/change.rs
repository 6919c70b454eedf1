//! `Change`: an event of an entry, in the form that consumers get.

use std::ops::Deref;

use sqlx::Row as _;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use base::error::{Error, Result};
use model::timestamp::Timestamp;
use store::hooks::EventKind;
use store::id::Id;

#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Its position in the order of all changes. It never changes, so consumers may store it.
    pub position: i64,
    pub kind: EventKind,
    /// `ContentInfo::table`.
    pub table: String,
    pub entry: Uuid,
    /// The revision of the entry after the change; for a deleted entry its last one.
    pub revision: i64,
    /// The changed fields of a created or updated entry, by their API names; `publishedAt` for a deleted entry with drafts that was
    /// published.
    pub fields: Vec<String>,
    pub actor: By,
    /// When the write began.
    pub at: Timestamp,
}

/// Who made the change. The user may have been deleted since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct By {
    /// `user`, `token`, `developer`, `system`, `anonymous`.
    pub kind: String,
    pub id: Option<Uuid>,
    pub role: Option<String>,
}

/// A change of an entry of type `T`.
#[derive(Clone, Debug, PartialEq)]
pub struct ChangeOf<T> {
    pub id: Id<T>,
    change: Change,
}

impl<T> ChangeOf<T> {
    pub(crate) fn new(change: Change) -> Self {
        Self { id: Id::new(change.entry), change }
    }
}

impl<T> Deref for ChangeOf<T> {
    type Target = Change;

    fn deref(&self) -> &Change {
        &self.change
    }
}

/// The columns for [`Change::read`].
pub(crate) const COLUMNS: &str = "position, kind, type, entry, revision, fields, actor_kind, actor, role,
    (extract(epoch from at) * 1000000)::bigint as at";

impl Change {
    pub(crate) fn read(row: &PgRow) -> Result<Self> {
        let kind: &str = row.try_get("kind")?;
        let known = EventKind::ALL.into_iter().find(|known| known.as_str() == kind);
        Ok(Self {
            position: row.try_get("position")?,
            kind: known
                .ok_or_else(|| Error::internal(format!("the outbox has an event of the unknown kind `{kind}`")))?,
            table: row.try_get("type")?,
            entry: row.try_get("entry")?,
            revision: row.try_get("revision")?,
            fields: row.try_get("fields")?,
            actor: By { kind: row.try_get("actor_kind")?, id: row.try_get("actor")?, role: row.try_get("role")? },
            at: Timestamp::from_microsecond(row.try_get("at")?).unwrap_or(Timestamp::MIN),
        })
    }
}
