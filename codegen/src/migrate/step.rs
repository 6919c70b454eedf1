//! `Step`: one change of the database; the order of the variants is the order in which a migration makes them.

use crate::catalog::{Check, Column, ForeignKey, Index, Reach};

/// Table and column names are those of the moment: before the renames the old ones, after them the new ones. Every step
/// is made in both stages unless its `reach` says otherwise.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Nothing in the database changes, only what it means: a string that is shown as text of several lines.
    Relabel {
        subject: String,
        about: String,
    },

    /// Nothing in the database changes, but entries go public when they are saved from now on.
    EndDrafts {
        table: String,
    },

    /// The order of a language (BCP 47), which indexes are to be in.
    AddCollation {
        tag: String,
    },

    // Order matters: what goes makes way first, so that a new thing can have an old name.
    DropCheck {
        table: String,
        name: String,
    },
    DropForeignKey {
        table: String,
        name: String,
        reach: Reach,
    },
    /// The name is taken again within the transaction, or values change that it would refuse: that cannot wait for an index to be
    /// dropped concurrently.
    DropIndexNow {
        name: String,
    },
    /// `rank` puts the tables that point at others first.
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
    },

    /// The items of a list are kept aside while its table is made anew with other columns.
    SetAside {
        table: String,
    },
    CreateTable {
        rank: u8,
        table: String,
    },
    /// `fill` is what the existing rows get, as SQL.
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

    // Order matters: values are mapped in their old form, then converted, and only then filled in where they are missing.
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
    /// The currency of amounts that had none.
    FillCurrency {
        table: String,
        column: String,
        currency_column: String,
        currency: String,
        subject: String,
    },
    /// The items of a list that was one reference: `(target, column before, column after)`.
    FillList {
        table: String,
        owner: String,
        columns: Vec<(String, String)>,
        subject: String,
    },
    /// The reference that was a list: its first item.
    TakeFirst {
        list: String,
        owner: String,
        columns: Vec<(String, String)>,
        several: bool,
        subject: String,
    },
    /// The items that were set aside come back: `(column before, column after)`.
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

    // Order matters: what was carried over can go now.
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

    // Order matters: rules come when the values are in place; on tables that hold rows they are validated at the end.
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
    /// `new` indexes are on tables made by the same migration: nobody waits for them.
    CreateNewIndex {
        table: String,
        index: Index,
    },
    ProbeUnique {
        table: String,
        columns: Vec<String>,
    },
    /// Texts that are to be in an index must fit into it.
    ProbeLength {
        table: String,
        columns: Vec<String>,
    },

    // Order matters: from here on outside of a transaction, since an index is built concurrently or under a lock.
    DropIndex {
        name: String,
    },
    CreateIndex {
        table: String,
        index: Index,
        subject: String,
        doubtful: bool,
    },

    // Order matters: last, since validating reads whole tables, under a lock that stops nobody.
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

/// Whose rows go with a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rows {
    Entries,
    Children,
    Links,
    /// They live on in another form.
    Carried,
    /// All but the first of each list.
    AllButFirst,
}

/// What goes with a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ColumnLoss {
    /// The field is gone.
    Values,
    /// The field stays, but its values cannot be converted to its new type.
    Unconvertible,
    /// The relation no longer points at that type.
    Links,
    /// Nothing: the values live on in another form.
    Carried,
    /// The amounts live on, their currencies do not.
    Currency,
}

/// What is lost inside stored components: code of the hazard, subject, what is lost.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct JsonLoss {
    pub code: &'static str,
    pub subject: String,
    pub about: String,
    /// A value must be given with `--set`; nothing else helps.
    pub needs_value: bool,
}

/// What entries get instead of an enum value that is removed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Instead {
    Null,
    Value(String),
    /// The field is required and nothing is given.
    Missing,
}

/// Whether every value survives a conversion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    Exact,
    /// Values that do not fit make the migration fail, with nothing changed.
    Checked,
    /// A part of each value is lost.
    Lossy,
}

impl Step {
    /// The steps that run in the first transaction; the others come after it.
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
    /// One transaction: all of it or nothing.
    Change,
    /// Each statement alone.
    Concurrent,
    /// A transaction for each constraint.
    Validate,
}
