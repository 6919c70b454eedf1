//! A mapping: how a record of another system becomes an entry, field by field. `compile` creates it, `apply` runs it.

use crate::import::expr::Expr;
use crate::import::unread::Key;
use model::content::{ComponentInfo, ContentInfo, EnumInfo, FieldInfo};
use model::kind::Kind;

pub struct Mapping {
    /// By which an entry is found again.
    pub key: &'static FieldInfo,
    /// Blanks around texts go.
    pub trim: bool,
    /// Records of which it does not hold are left out, and counted.
    pub only: Option<Expr>,
    pub rules: Vec<Rule>,
    /// How many rules number what is taken.
    pub numbered: usize,
    /// Which entries are published as they are saved.
    pub publish: Option<Expr>,
    /// Rows of a table, or records, that make one record together.
    pub group: Option<Group>,
    /// The keys that records, or their rows, should have.
    pub keys: Vec<Key>,
}

pub struct Group {
    /// What is the same in all of a group; nothing means the group of the record before.
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

/// What to do when the source gives nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// The field is not touched: a new entry gets its default, an old one keeps its value.
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
    /// Relations. `keys`: inside a component, where the API takes keys alone.
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

/// What the items of [`Fill::Parts`] are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Component,
    Components,
    Blocks,
    Children,
}

/// Items made from the same rules: one, or one for `each` of something.
pub struct Part {
    pub each: Option<Expr>,
    pub only: Option<Expr>,
    /// For blocks: which component.
    pub block: Option<&'static ComponentInfo>,
    pub rules: Vec<Rule>,
}

pub struct Reference {
    pub expr: Expr,
    pub to: &'static ContentInfo,
    /// The unique field by which the target is found, and its value from the item.
    pub by: &'static FieldInfo,
    pub kind: Kind,
    pub key: Expr,
    pub create: bool,
    /// Fields of a target that is created.
    pub rules: Vec<Rule>,
    /// The field that is filled with the item's text when no rule fills it.
    pub named: Option<&'static FieldInfo>,
    pub tree: Option<TreeRule>,
    /// Connected when all records are in, because the target may be one of them.
    pub later: bool,
    /// A target that does not exist is left out, with a warning.
    pub optional: bool,
}

/// `Men/Tops/Hoodies`: each segment a target of its own, below the one before it.
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
