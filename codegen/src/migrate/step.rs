//! `Step`: one change of the database. The order of the variants is the order of execution in a migration.

use crate::catalog::{Check, Column, ForeignKey, Index, Listing, Reach};

/// Table and column names are those at the time of the step: the old ones before the renames, the new ones after them.
/// Every step runs in both stages unless its `reach` says otherwise.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Only the meaning changes, not the database: for example, a string is shown as multi-line text.
    Relabel {
        subject: String,
        about: String,
    },

    /// Nothing in the database changes, but from now on entries are public when they are saved.
    EndDrafts {
        table: String,
    },

    /// A collation (BCP 47) for indexes.
    AddCollation {
        tag: String,
    },

    /// Before anything else: its triggers name tables and columns that later steps change.
    DropListing {
        name: String,
    },
    EndCount {
        table: String,
    },

    // Order matters: drops come first, so that new things can reuse old names.
    DropCheck {
        table: String,
        name: String,
    },
    DropForeignKey {
        table: String,
        name: String,
        reach: Reach,
    },
    /// The name is reused within the transaction, or values change that the index would reject, so the index cannot be
    /// dropped concurrently later.
    DropIndexNow {
        name: String,
    },
    /// `rank` puts referencing tables first.
    DropTable {
        rank: u8,
        table: String,
        subject: String,
        rows: Rows,
    },
    DropColumns {
        table: String,
        columns: Vec<String>,
        subject: String,
        loss: ColumnLoss,
    },

    // Order matters: all later steps use the new names. `order` keeps chains apart: `b` becomes `c` before `a` becomes `b`.
    RenameTable {
        order: usize,
        from: String,
        to: String,
        subject: String,
    },
    RenameColumn {
        table: String,
        order: usize,
        from: String,
        to: String,
        subject: String,
    },
    RenameConstraint {
        table: String,
        order: usize,
        from: String,
        to: String,
        reach: Option<Reach>,
    },
    RenameIndex {
        order: usize,
        from: String,
        to: String,
        live: bool,
    },

    /// The items of a list are set aside while its table is recreated with other columns.
    SetAside {
        table: String,
    },
    CreateTable {
        rank: u8,
        table: String,
    },
    /// `fill` is the value for existing rows, as SQL.
    AddColumn {
        table: String,
        position: usize,
        column: Column,
        fill: Option<String>,
        subject: String,
    },
    DropNotNull {
        table: String,
        column: String,
        subject: String,
    },

    // Order matters: values are mapped in their old form, then converted, then filled in where missing.
    RewriteJson {
        table: String,
        column: String,
        changes: String,
        without: Vec<String>,
        losses: Vec<JsonLoss>,
    },
    MapEnum {
        table: String,
        column: String,
        subject: String,
        many: bool,
        renamed: Vec<(String, String)>,
        removed: Vec<String>,
        instead: Instead,
    },
    Convert {
        table: String,
        column: String,
        sql_type: String,
        using: String,
        default: Option<String>,
        had_default: bool,
        subject: String,
        fit: Fit,
        about: String,
    },
    /// Sets the currency of amounts that had none.
    FillCurrency {
        table: String,
        column: String,
        currency_column: String,
        currency: String,
        subject: String,
    },
    /// Fills a list that was a single reference: `(target, column before, column after)`.
    FillList {
        table: String,
        owner: String,
        columns: Vec<(String, String)>,
        subject: String,
    },
    /// Fills a reference that was a list with its first item.
    TakeFirst {
        list: String,
        owner: String,
        columns: Vec<(String, String)>,
        several: bool,
        subject: String,
    },
    /// Restores the items that were set aside: `(column before, column after)`.
    BringBack {
        from: String,
        table: String,
        columns: Vec<(String, String)>,
        lost: Vec<String>,
        subject: String,
    },
    Backfill {
        table: String,
        values: Vec<(String, String)>,
        subject: String,
    },
    SetDefault {
        table: String,
        column: String,
        default: Option<String>,
    },

    // Order matters: columns whose values have been carried over can be dropped now.
    DropCarriedColumns {
        table: String,
        columns: Vec<String>,
        subject: String,
        loss: ColumnLoss,
    },
    DropCarriedTable {
        table: String,
        subject: String,
        rows: Rows,
    },

    // Order matters: constraints are added once the values are in place; those on tables with rows are validated last.
    AddCheck {
        table: String,
        check: Check,
        filled: bool,
        subject: String,
        doubtful: bool,
    },
    AddForeignKey {
        table: String,
        key: ForeignKey,
        filled: bool,
    },
    Require {
        table: String,
        column: String,
        subject: String,
        sure: bool,
    },
    /// Stored components must have these members: `{"seo":{"needed":["title"],"nested":["image"]}}`.
    RequireMembers {
        table: String,
        column: String,
        needs: String,
        subjects: Vec<String>,
    },
    /// `new` indexes are on tables created by the same migration, so nothing waits for them.
    CreateNewIndex {
        table: String,
        index: Index,
    },
    ProbeUnique {
        table: String,
        columns: Vec<String>,
    },
    /// Checks that texts to be indexed fit into the index.
    ProbeLength {
        table: String,
        columns: Vec<String>,
    },

    /// Made from the rows of `live` as they are then.
    CreateListing {
        table: String,
        owner: String,
        listing: Listing,
    },
    /// Of the entries of a type.
    BeginCount {
        table: String,
    },

    // Order matters: from here on, steps run outside a transaction: an index is built concurrently or under a lock.
    DropIndex {
        name: String,
    },
    CreateIndex {
        table: String,
        index: Index,
        subject: String,
        doubtful: bool,
    },

    // Order matters: last, since validation reads whole tables, under a lock that blocks nobody.
    ValidateConstraint {
        table: String,
        name: String,
        reach: Reach,
    },
    SetNotNull {
        table: String,
        column: String,
    },
}

/// What happens to the rows of a dropped table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rows {
    Entries,
    Children,
    Links,
    /// They are kept in another form.
    Carried,
    /// All but the first of each list are lost.
    AllButFirst,
}

/// What is lost with a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ColumnLoss {
    /// The field is removed.
    Values,
    /// The field stays, but its values cannot be converted to its new type.
    Unconvertible,
    /// The relation no longer points at that type.
    Links,
    /// Nothing: the values are kept in another form.
    Carried,
    /// The amounts are kept, their currencies are lost.
    Currency,
}

/// A loss inside stored components: hazard code, subject, what is lost.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct JsonLoss {
    pub code: &'static str,
    pub subject: String,
    pub about: String,
    /// A value must be given with `--set`; nothing else helps.
    pub needs_value: bool,
}

/// What replaces a removed enum value in entries.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Instead {
    Null,
    Value(String),
    /// The field is required and no value is given.
    Missing,
}

/// Whether a conversion keeps every value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    Exact,
    /// Values that do not fit make the migration fail, with nothing changed.
    Checked,
    /// Part of each value is lost.
    Lossy,
}

impl Step {
    /// The phase of a step: the first transaction, or after it.
    pub fn phase(&self) -> Phase {
        match self {
            Self::DropIndex { .. } | Self::CreateIndex { .. } => Phase::Concurrent,
            Self::ValidateConstraint { .. } | Self::SetNotNull { .. } => Phase::Validate,
            _ => Phase::Change,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// One transaction: all or nothing.
    Change,
    /// Each statement on its own.
    Concurrent,
    /// One transaction per constraint.
    Validate,
}
