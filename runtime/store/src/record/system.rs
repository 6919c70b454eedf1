//! `System`: the system fields that the server keeps of each entry.

use sqlx::postgres::PgRow;
use sqlx::{Row as _, ValueRef as _};
use uuid::Uuid;

use super::Timestamp;
use crate::access::User;
use crate::id::Id;
use base::error::{Error, Result};

/// Microseconds from the Unix epoch to PostgreSQL's, 2000-01-01.
const EPOCH: i64 = 946_684_800_000_000;

/// The status of an entry between draft and published.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum EntryStatus {
    /// It is not live.
    #[default]
    Draft,
    /// The live entry equals the draft.
    Published,
    /// It is live and has been changed since.
    Changed,
}

/// The fields with the same names in the API.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct System {
    pub revision: i64,
    pub status: EntryStatus,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub published_at: Option<Timestamp>,
    pub first_published_at: Option<Timestamp>,
    pub created_by: Option<Id<User>>,
    pub updated_by: Option<Id<User>>,
    pub published_by: Option<Id<User>>,
}

impl System {
    /// The number of columns that [`Self::read`] reads.
    pub(crate) const COLUMNS: usize = 9;

    /// The columns of the row itself.
    pub(crate) const STORED: [&str; 9] = [
        "id",
        "revision",
        "created_at",
        "updated_at",
        "published_at",
        "first_published_at",
        "created_by",
        "updated_by",
        "published_by",
    ];

    /// The columns for [`Self::read`] from the rows `t`. The live revision follows them.
    pub(crate) const SELECT: &str = ", t.revision, t.created_at, t.updated_at, t.published_at, t.first_published_at, \
        t.created_by, t.updated_by, t.published_by, ";

    /// Reads the columns of [`Self::SELECT`], starting at `first`.
    pub(crate) fn read(row: &PgRow, first: usize) -> Result<Self> {
        let revision = number(row, first)?.ok_or_else(|| Error::internal("an entry has no revision"))?;
        Ok(Self {
            revision,
            status: match number(row, first + 8)? {
                None => EntryStatus::Draft,
                Some(live) if live == revision => EntryStatus::Published,
                Some(_) => EntryStatus::Changed,
            },
            created_at: moment(row, first + 1)?.unwrap_or_default(),
            updated_at: moment(row, first + 2)?.unwrap_or_default(),
            published_at: moment(row, first + 3)?,
            first_published_at: moment(row, first + 4)?,
            created_by: row.try_get::<Option<Uuid>, _>(first + 5)?.map(Id::new),
            updated_by: row.try_get::<Option<Uuid>, _>(first + 6)?.map(Id::new),
            published_by: row.try_get::<Option<Uuid>, _>(first + 7)?.map(Id::new),
        })
    }
}

/// A 64-bit number: bigint or timestamptz in binary.
fn number(row: &PgRow, column: usize) -> Result<Option<i64>> {
    let raw = row.try_get_raw(column)?;
    if raw.is_null() {
        return Ok(None);
    }
    let bytes = raw.as_bytes().map_err(Error::internal)?;
    Ok(Some(i64::from_be_bytes(bytes.try_into().map_err(Error::internal)?)))
}

fn moment(row: &PgRow, column: usize) -> Result<Option<Timestamp>> {
    Ok(number(row, column)?.and_then(|since| Timestamp::from_microsecond(since + EPOCH)))
}
