//! `Overlay`: entries that a read sees in another version than its stage has, such as a revision or what a release will publish.

use std::collections::HashMap;

use uuid::Uuid;

use model::content::ContentInfo;

/// The versions of some entries, by content type.
#[derive(Debug, Default)]
pub struct Overlay {
    types: Vec<Versions>,
    tables: HashMap<&'static str, Table>,
    /// The rules of the stage apply, as if it had these versions: for those who may see no drafts but were given these to see. Otherwise
    /// the rules for drafts apply.
    pub as_published: bool,
    /// All entries are seen as their drafts.
    pub(crate) all_drafts: bool,
}

/// The entries of a type that the overlay replaces. An id without a version is of an entry that the read does not see.
#[derive(Debug)]
pub struct Versions {
    pub info: &'static ContentInfo,
    pub replaced: Vec<Uuid>,
    /// Seen as their drafts.
    pub drafts: Vec<Uuid>,
    /// Seen as kept revisions.
    pub kept: Vec<KeptRows>,
}

/// Kept revisions that are read in the same way.
#[derive(Debug)]
pub struct KeptRows {
    pub revisions: Vec<(Uuid, i64)>,
    /// Columns of their rows, by table, whose values do not fit the schema of today.
    pub misfits: Vec<(&'static str, String)>,
}

impl Versions {
    /// Revisions that are read in the same way share a part of the statement.
    pub fn keep(&mut self, rows: KeptRows) {
        match self.kept.iter_mut().find(|known| known.misfits == rows.misfits) {
            Some(known) => known.revisions.extend(rows.revisions),
            None => self.kept.push(rows),
        }
    }
}

/// A table that has rows of the entries.
#[derive(Clone, Debug)]
pub struct Table {
    pub name: &'static str,
    /// Earlier names, which kept rows may have.
    pub former: &'static [&'static str],
    pub key: Key,
    /// `"id", "revision"`, in the same order in both stages.
    pub columns: String,
    /// The place of the type in the overlay.
    of: usize,
}

/// The column that leads to the entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    Id,
    Parent,
    Owner,
    /// The owner is a row of these children.
    OwnerIn(&'static str),
}

impl Table {
    pub fn new(name: &'static str, former: &'static [&'static str], key: Key, columns: String) -> Self {
        Self { name, former, key, columns, of: 0 }
    }

    /// The condition that a row, called `s`, belongs to one of these entries. `ids` is an SQL expression.
    pub fn belongs(&self, schema: &str, ids: &str) -> String {
        match self.key {
            Key::Id => format!("s.id = any({ids})"),
            Key::Parent => format!("s.parent_id = any({ids})"),
            Key::Owner => format!("s.owner_id = any({ids})"),
            Key::OwnerIn(child) => {
                format!(r#"s.owner_id in (select c.id from {schema}."{child}" c where c.parent_id = any({ids}))"#)
            }
        }
    }
}

impl Overlay {
    /// Every entry is seen as its draft.
    pub fn of_all_drafts() -> Self {
        Self { all_drafts: true, ..Self::default() }
    }

    pub fn add(&mut self, versions: Versions, tables: impl IntoIterator<Item = Table>) {
        let of = self.types.len();
        self.types.push(versions);
        self.tables.extend(tables.into_iter().map(|table| (table.name, Table { of, ..table })));
    }

    /// The table, if it has rows of entries that are replaced.
    pub fn table(&self, name: &str) -> Option<(&Table, &Versions)> {
        let table = self.tables.get(name)?;
        Some((table, &self.types[table.of]))
    }

    pub fn versions(&self) -> &[Versions] {
        &self.types
    }
}
