//! A mapping: how a record of another system becomes an entry, field by field. `compile` creates it, `apply` runs it.

use crate::import::expr::Expr;
use crate::import::unread::Key;
use model::content::{ComponentInfo, ContentInfo, EnumInfo, FieldInfo};
use model::kind::Kind;

pub struct Mapping {
    /// Identifies an existing entry.
    pub key: &'static FieldInfo,
    /// Whether texts are trimmed.
    pub trim: bool,
    /// Records for which it is false are skipped and counted.
    pub only: Option<Expr>,
    pub rules: Vec<Rule>,
    /// The number of rules that number duplicate values.
    pub numbered: usize,
    /// Which entries are published when they are saved.
    pub publish: Option<Expr>,
    /// How rows of a table, or records, are grouped into one record.
    pub group: Option<Group>,
    /// The keys that records, or their rows, should have.
    pub keys: Vec<Key>,
}

pub struct Group {
    /// The value shared by all records of a group; an undefined value means the group of the previous record.
    pub by: Expr,
    /// The key under which the group's records are listed.
    pub name: String,
}

/// How one field is filled.
pub struct Rule {
    pub field: &'static FieldInfo,
    pub missing: Missing,
    pub fill: Fill,
}

/// What to do if the source has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// The field is left alone: a new entry gets its default, an existing one keeps its value.
    Skip,
    /// It becomes null, or an empty list.
    Clear,
    /// The record is rejected.
    Error,
    /// The item (the child, the component, the block, the record) is left out.
    SkipItem,
}

pub enum Fill {
    Scalar {
        kind: Kind,
        expr: Expr,
        numbered: Option<usize>,
    },
    Enum {
        info: &'static EnumInfo,
        expr: Expr,
    },
    Enums {
        info: &'static EnumInfo,
        expr: Expr,
    },
    /// Relations. `keys`: inside a component, where the API accepts only keys.
    References {
        of: Vec<Reference>,
        many: bool,
        keys: bool,
        polymorphic: bool,
    },
    Parts {
        of: Vec<Part>,
        form: Form,
    },
}

/// The form of the items of [`Fill::Parts`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Component,
    Components,
    Blocks,
    Children,
}

/// Items made by the same rules: one, or one for each item of `each`.
pub struct Part {
    pub each: Option<Expr>,
    pub only: Option<Expr>,
    /// For blocks: the component.
    pub block: Option<&'static ComponentInfo>,
    pub rules: Vec<Rule>,
}

pub struct Reference {
    pub expr: Expr,
    pub to: &'static ContentInfo,
    /// The unique field that identifies the target, and its value from the item.
    pub by: &'static FieldInfo,
    pub kind: Kind,
    pub key: Expr,
    pub create: bool,
    /// Fields of a target that is created.
    pub rules: Vec<Rule>,
    /// The field that gets the item's text if no rule fills it.
    pub named: Option<&'static FieldInfo>,
    pub tree: Option<TreeRule>,
    /// Connected after all records are saved, because the target may be one of them.
    pub later: bool,
    /// A missing target is omitted with a warning.
    pub optional: bool,
}

/// `Men/Tops/Hoodies`: each segment is a separate target, a child of the previous one.
pub struct TreeRule {
    pub separator: String,
    pub parent: &'static FieldInfo,
}

impl Missing {
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "skip" => Some(Self::Skip),
            "clear" => Some(Self::Clear),
            "error" => Some(Self::Error),
            "skip_item" => Some(Self::SkipItem),
            _ => None,
        }
    }
}
