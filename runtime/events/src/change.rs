//! `Change`: something that happened to an entry, as a consumer gets it.

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
    /// Its place in the order of all changes, for ever the same: what a consumer may remember it by.
    pub position: i64,
    pub kind: EventKind,
    /// `ContentInfo::table`.
    pub table: String,
    pub entry: Uuid,
    /// The entry's after the change; of one that was deleted its last.
    pub revision: i64,
    /// Of an entry that was created or updated: those fields that were changed, as the API names them.
    pub fields: Vec<String>,
    pub actor: By,
    /// When the write began.
    pub at: Timestamp,
}

/// Whose change it is. Users may have been deleted since.
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

/// Of [`Change::read`].
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
