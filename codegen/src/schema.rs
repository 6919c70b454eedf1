//! The schema after analysis: valid by construction, names computed once, relations resolved.
//!
//! No spans and no raw YAML: once a `Schema` exists there is nothing left to complain about. Types, components and
//! operations are sorted by name; fields keep the author's order, which is the order of columns and of the API.

pub mod access;
pub mod aggregate;
pub mod api;
pub mod facet;
pub mod field_kind;
pub mod literal;
pub mod mapping;
pub mod name;

use serde::Serialize;

pub use access::{Action, Area, Condition, Fields, Given, Role, Rule, Stage};
pub use field_kind::Scalar;
pub use mapping::{FilterFamily, GraphqlScalar, Mapping, SqlType, Takes, Unit};
pub use model::content::SearchWeight as Weight;
pub use name::Name;

#[derive(Clone, Debug)]
pub struct Schema {
    pub site: Site,
    /// The built-in roles first, then the site's own in the author's order.
    pub roles: Vec<Role>,
    pub types: Vec<ContentType>,
    pub components: Vec<Component>,
    pub queries: Vec<Operation>,
    pub mutations: Vec<Operation>,
}

/// `schema/cms.yaml`.
#[derive(Clone, Debug)]
pub struct Site {
    pub name: String,
    /// ISO 4217 code of money without a currency.
    pub currency: String,
    /// Every currency that the site accepts, including the default.
    pub currencies: Vec<String>,
    /// BCP 47 tags; the default comes first.
    pub locales: Vec<String>,
    /// BCP 47 tag of the collation of texts.
    pub collation: String,
    pub limits: Limits,
}

impl model::currency::Currencies for Site {
    fn usual(&self) -> &str {
        &self.currency
    }

    fn takes(&self, code: &str) -> bool {
        self.currencies.iter().any(|known| known == code)
    }

    fn list(&self) -> String {
        self.currencies.join(", ")
    }
}

/// Limits of one request, all enforced before execution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// Levels of nested fields.
    pub depth: u32,
    /// Sum over all fields of the number of objects that they can return.
    pub cost: u32,
    /// Aliased fields in one operation.
    pub aliases: u32,
    /// Operations in one batched request.
    pub batch: u32,
    /// Largest `first` or `last`.
    pub page: u32,
    /// Longest list in an argument or variable.
    pub list: u32,
    /// Size of a request's body, in KiB.
    pub body: u32,
}

/// How long revisions and deleted entries are kept; `None` for the default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    pub keep: Option<u32>,
    pub keep_for: Option<String>,
    pub bin: Option<String>,
}

/// A segment of the paths of a content type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathPart {
    Text(String),
    /// The slug in this field, always the last segment.
    Slug(Name),
    /// The slugs of all entries above, by this relation to the type itself.
    Above(Name),
}

#[derive(Clone, Debug)]
pub struct ContentType {
    pub name: Name,
    pub plural: Name,
    /// The type's former name, if the next migration should rename it.
    pub was: Option<Name>,
    pub description: String,
    /// The field that represents the entry in lists and messages.
    pub title: Option<Name>,
    /// False: an entry is live as soon as it is saved.
    pub drafts: bool,
    pub retention: Retention,
    /// `None` if it is not searched.
    pub search: Option<Search>,
    /// The address of the page that shows an entry.
    pub preview_url: Option<String>,
    /// The segments of its entries' paths; empty if they have none.
    pub path: Vec<PathPart>,
    pub fields: Vec<Field>,
    pub computed: Vec<Computed>,
    /// Relations of any type that name their inverse here, sorted by name.
    pub inverses: Vec<Inverse>,
    pub indexes: Vec<Index>,
    /// Removed fields: their columns may be dropped.
    pub dropped: Vec<Name>,
    /// Sorted by role in the order of [`Schema::roles`], then by action; anything else is denied.
    pub rules: Vec<Rule>,
    /// Of the review before an entry is published, in order; none if there is no review.
    pub stages: Vec<Stage>,
}

/// A group of fields stored in its owner's column as JSON; also a block of a `blocks` field.
#[derive(Clone, Debug)]
pub struct Component {
    pub name: Name,
    pub was: Option<Name>,
    pub description: String,
    /// Scalars, enums, other components, and relations to one type (kept as ids in the JSON: no inverse, no foreign key).
    pub fields: Vec<Field>,
    pub dropped: Vec<Name>,
}

#[derive(Clone, Debug)]
pub struct Field {
    pub name: Name,
    pub was: Option<Name>,
    pub description: String,
    pub kind: FieldKind,
    pub required: Required,
    pub default: Option<Literal>,
    /// `Some([])`: unique alone; `Some([brand])`: unique together with those fields.
    pub unique: Option<Vec<Name>>,
    pub indexed: bool,
    pub filterable: bool,
    pub sortable: bool,
    /// BCP 47 tag of a text's collation; `und` is that for all languages.
    pub collation: String,
    pub localized: bool,
    pub deprecated: Option<Deprecated>,
    pub rules: Rules,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Required {
    No,
    Save,
    Publish,
}

/// How the entries of a type are searched.
#[derive(Clone, Debug)]
pub struct Search {
    /// A text search configuration of PostgreSQL.
    pub language: String,
    pub texts: Vec<SearchText>,
    /// Groups of words that mean the same.
    pub synonyms: Vec<Vec<String>>,
    /// Words of a query that are not looked for.
    pub stop_words: Vec<String>,
    pub boosts: Vec<Boost>,
    /// In days: see `model::content::SearchInfo`.
    pub recency: Option<u32>,
}

/// A field that is searched, by its path: see `model::content::SearchText`.
#[derive(Clone, Debug)]
pub struct SearchText {
    pub path: Vec<Name>,
    pub weight: Option<Weight>,
    pub exact: bool,
}

/// A factor of the score of entries with this value.
#[derive(Clone, Debug)]
pub struct Boost {
    pub field: Name,
    pub value: String,
    pub factor: f32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deprecated {
    pub reason: String,
    /// ISO 8601 date after which the field may be removed.
    pub since: Option<String>,
}

/// Bounds checked on every write, by any API; numbers as written, so that nothing is rounded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Lowest value, or fewest characters, or fewest items, by kind.
    pub min: Option<String>,
    pub max: Option<String>,
    /// A regular expression the whole text must match.
    pub pattern: Option<String>,
}

/// A default, as API JSON for the field: `"12.50"`, `true`, `{"amount":"1.00"}`.
#[derive(Clone, Debug, PartialEq)]
pub struct Literal(pub serde_json::Value);

#[derive(Clone, Debug)]
pub enum FieldKind {
    /// One column; money has two. `from` is set for a slug, `schema` for JSON that has a JSON Schema.
    Scalar {
        scalar: Scalar,
        slug_from: Option<Name>,
        json_schema: Option<serde_json::Value>,
    },
    Enum {
        choice: Enum,
        many: bool,
    },
    Relation(Relation),
    Component {
        component: Name,
        many: bool,
    },
    /// An ordered mix of components.
    Blocks {
        of: Vec<Name>,
    },
    Children(Box<Children>),
}

/// The values of an enum field. Its GraphQL and Rust name combines the owner's Pascal name and the field's.
#[derive(Clone, Debug)]
pub struct Enum {
    /// `ProductStockStatus`.
    pub type_name: String,
    /// In the author's order; stored in `snake_case`, shown in `UPPER_CASE`.
    pub values: Vec<EnumValue>,
}

#[derive(Clone, Debug)]
pub struct EnumValue {
    pub name: Name,
    /// The value's former name, if the next migration should rename it.
    pub was: Option<Name>,
    pub description: String,
}

#[derive(Clone, Debug)]
pub struct Relation {
    /// One target, or several for a relation to one of several types.
    pub to: Vec<Name>,
    /// To-many relations are ordered lists without duplicates.
    pub many: bool,
    pub on_delete: OnDelete,
    /// The name under which the targets show the entries that point at them.
    pub inverse: Option<Name>,
}

/// What deleting (or unpublishing) a target does to the entries that point at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnDelete {
    /// It is refused.
    Restrict,
    /// A to-one relation becomes null, a to-many one loses the item.
    SetNull,
    /// They are deleted too.
    Cascade,
}

/// Rows owned by an entry and not usable on their own: saved, published and deleted with it.
#[derive(Clone, Debug)]
pub struct Children {
    /// `product_variant`: GraphQL and Rust type `ProductVariant`, TypeID prefix.
    pub name: Name,
    /// Scalars, enums, components, blocks and relations; no nested children, and no inverse.
    pub fields: Vec<Field>,
    pub dropped: Vec<Name>,
}

#[derive(Clone, Debug)]
pub struct Inverse {
    /// The field's name on the target type: `products`.
    pub name: Name,
    /// The content type that holds the relation, and the relation's field there.
    pub source: Name,
    pub field: Name,
    /// Whether the relation is to-many on its own side.
    pub many: bool,
    /// Whether the relation has several target types.
    pub polymorphic: bool,
}

#[derive(Clone, Debug)]
pub struct Computed {
    pub name: Name,
    pub description: String,
    pub scalar: Scalar,
    pub required: bool,
    /// Children and to-many relations that the computation reads, loaded only if the computed field is selected.
    pub with: Vec<Name>,
    pub args: Vec<Argument>,
    pub depends_on: Option<Vec<Name>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// Field names or system columns (`created_at`), with true for descending.
    pub on: Vec<(Name, bool)>,
    pub unique: bool,
}

/// An own query or mutation of the site, implemented in `app/`.
#[derive(Clone, Debug)]
pub struct Operation {
    pub name: Name,
    pub description: String,
    pub args: Vec<Argument>,
    pub returns: Returns,
    /// Who may call it, in the order of the site's roles.
    pub roles: Vec<Name>,
    /// Of a query, the content types that it reads; `None` if nobody says so.
    pub depends_on: Option<Vec<Name>>,
}

#[derive(Clone, Debug)]
pub struct Argument {
    pub name: Name,
    pub description: String,
    pub scalar: Scalar,
    pub many: bool,
    pub required: bool,
    pub default: Option<Literal>,
}

#[derive(Clone, Debug)]
pub enum Returns {
    Scalar { scalar: Scalar, many: bool },
    Content { of: Name, many: bool },
}

impl Schema {
    /// The content type of this name. Names in a schema always resolve.
    pub fn content_type(&self, name: &Name) -> &ContentType {
        let found = self.types.iter().find(|ty| ty.name == *name);
        found.unwrap_or_else(|| panic!("codegen bug: no content type `{}`", name.snake()))
    }

    /// The component of this name. Names in a schema always resolve.
    pub fn component(&self, name: &Name) -> &Component {
        let found = self.components.iter().find(|component| component.name == *name);
        found.unwrap_or_else(|| panic!("codegen bug: no component `{}`", name.snake()))
    }
}
