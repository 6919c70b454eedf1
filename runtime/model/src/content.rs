//! The contract with the generator: a content type as plain data.
//!
//! Generated files hold one `ContentInfo` per type; everything else in this crate works on it and is compiled once.

mod field;
mod find;
mod search;

pub use search::{FacetInfo, SearchInfo, SearchText, SearchWeight};

use crate::access::{AccessInfo, ReviewInfo, RoleInfo};
use crate::currency::Currencies;
use crate::kind::Kind;

/// The whole schema, as the generated crate passes it on.
#[derive(Debug)]
pub struct SchemaInfo {
    pub site: SiteInfo,
    /// Sorted by name; children are reached through their owner's fields.
    pub types: &'static [&'static ContentInfo],
    pub components: &'static [&'static ComponentInfo],
    /// Every role of the site, including the built-in ones.
    pub roles: &'static [RoleInfo],
    /// The rules of each content type.
    pub access: &'static [AccessInfo],
    /// Of the types whose entries are reviewed before they are published.
    pub reviews: &'static [ReviewInfo],
    /// By table: the address of the page that shows an entry.
    pub preview_urls: &'static [(&'static str, &'static str)],
    /// The resolvers of the API's fields, by content type: each with its children.
    pub resolvers: &'static [&'static [TypeResolvers]],
    /// Own queries and mutations, implemented in `app/`.
    pub queries: &'static [OperationInfo],
    pub mutations: &'static [OperationInfo],
    /// `generated/schema.graphql`: the single definition of the API.
    pub sdl: &'static str,
    /// `(file name, text)` of each file of `migrations/`, in order.
    pub migrations: &'static [(&'static str, &'static str)],
    /// SHA-256 of `migrations/catalog.json`, in hexadecimal.
    pub catalog: &'static str,
}

#[derive(Clone, Copy, Debug)]
pub struct SiteInfo {
    pub name: &'static str,
    pub currency: &'static str,
    pub currencies: &'static [&'static str],
    pub limits: Limits,
}

/// Limits of one request (see the language reference for units and ranges).
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub depth: u32,
    pub cost: u32,
    pub aliases: u32,
    pub batch: u32,
    pub page: u32,
    pub list: u32,
    /// KiB.
    pub body: u32,
}

/// How long revisions and deleted entries are kept. Periods are of ISO 8601, such as `P30D`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// The most revisions of an entry; `None` if only their age counts.
    pub keep: Option<u32>,
    /// A revision that is younger is kept in any case.
    pub keep_for: Option<&'static str>,
    /// How long deleted entries stay in the bin.
    pub bin: &'static str,
}

impl Retention {
    pub const DEFAULT: Self = Self { keep: Some(100), keep_for: None, bin: "P30D" };
}

/// Whether the text is a period of years, months, weeks and days in ISO 8601, which PostgreSQL reads as an interval.
pub fn is_period(text: &str) -> bool {
    let Some(mut rest) = text.strip_prefix('P').filter(|rest| !rest.is_empty()) else { return false };
    for unit in ['Y', 'M', 'W', 'D'] {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        if (1..=4).contains(&digits) && rest[digits..].starts_with(unit) {
            rest = &rest[digits + 1..];
        }
    }
    rest.is_empty()
}

/// A content type, or the children of one.
#[derive(Debug)]
pub struct ContentInfo {
    /// GraphQL and Rust type: `Product`, `ProductVariant`.
    pub name: &'static str,
    /// Table in `draft` and `live`, and TypeID prefix: `product`, `product_variant`.
    pub table: &'static str,
    /// Former names of the table: ids with these prefixes are still accepted.
    pub former: &'static [&'static str],
    /// GraphQL root field of the list: `products`. For children, the field on the owner.
    pub plural: &'static str,
    /// False: an entry is live as soon as it is saved. For children, the owner's value.
    pub drafts: bool,
    /// Whether the database keeps the number of published entries: `listing.count`.
    pub counted: bool,
    /// How long its revisions are kept. For children, as their owner.
    pub retention: Retention,
    /// The owner of children.
    pub owner: Option<&'static ContentInfo>,
    /// The paths of its entries on the site, such as `/blog/{slug}`; empty if they have none.
    pub path: &'static [PathPart],
    /// `None` if it is not searched. Children are searched with their owner.
    pub search: Option<&'static SearchInfo>,
    /// Unique indexes, besides [`FieldInfo::unique`]: each is a list of fields (by `snake`) that are unique together.
    pub unique: &'static [&'static [&'static str]],
    /// In the order of the schema.
    pub fields: &'static [FieldInfo],
    pub inverses: &'static [InverseInfo],
    pub computed: &'static [ComputedInfo],
    /// The constraints and indexes of the table, each with the field (by `snake`) whose value violates it.
    pub constraints: &'static [(&'static str, &'static str)],
}

/// A segment of the paths of a content type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathPart {
    Text(&'static str),
    /// The slug in this field (by `snake`), always the last segment.
    Slug(&'static str),
    /// The slugs of all entries above, by this relation (by `snake`) to the type itself.
    Above(&'static str),
}

/// The resolvers of the API fields of a content type or of its children.
#[derive(Debug)]
pub struct TypeResolvers {
    pub of: &'static ContentInfo,
    /// GraphQL types of its connection and edge: `ProductConnection`, `ProductEdge`.
    pub connection: &'static str,
    pub edge: &'static str,
    /// GraphQL type of one change: `ProductChange`. Empty for children.
    pub change: &'static str,
    /// `None` for children.
    pub aggregates: Option<&'static AggregateInfo>,
    /// Fields of `Query`, `Mutation` and `Subscription`; children have none.
    pub roots: &'static [Resolver],
    /// Fields of the object that are a connection of one of its lists: `("tagsConnection", "tags")`.
    pub pages: &'static [(&'static str, &'static str)],
}

/// GraphQL types of the aggregates of a content type.
#[derive(Debug)]
pub struct AggregateInfo {
    /// `ProductAggregate`
    pub type_name: &'static str,
    /// `ProductGroup`; empty if entries cannot be grouped.
    pub group: &'static str,
    /// `ProductExtremes`
    pub extremes: &'static str,
    /// `ProductSums`; empty if nothing can be added up.
    pub sums: &'static str,
}

/// A field of `Query`, `Mutation` or `Subscription`, and its resolver.
#[derive(Debug)]
pub struct Resolver {
    pub field: &'static str,
    pub verb: Verb,
    pub of: &'static ContentInfo,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    ById,
    /// By the value of this unique field (by `snake`).
    ByKey(&'static str),
    /// As a connection.
    List,
    /// Counts, extremes and sums.
    Aggregate,
    Create,
    Update,
    Upsert,
    Delete,
    Publish,
    PublishAll,
    Unpublish,
    DiscardDraft,
    Duplicate,
    /// One of the earlier versions.
    Revision,
    Restore,
    Undelete,
    /// Reports changes.
    Changed,
}

impl Verb {
    /// Whether it is a mutation.
    pub fn writes(self) -> bool {
        !matches!(self, Self::ById | Self::ByKey(_) | Self::List | Self::Aggregate | Self::Revision | Self::Changed)
    }
}

/// A group of fields stored as a JSON object in its owner's column, with its name under `_type`.
#[derive(Debug)]
pub struct ComponentInfo {
    /// GraphQL and Rust type: `Seo`.
    pub name: &'static str,
    /// Value of `_type` in the stored JSON, and key of the block in inputs (in camelCase): `seo`.
    pub tag: &'static str,
    pub fields: &'static [FieldInfo],
}

/// The collation that every database has: Unicode's root order.
pub const ALL_LANGUAGES: &str = "und";

#[derive(Debug)]
pub struct FieldInfo {
    /// GraphQL name: `compareAtPrice`.
    pub name: &'static str,
    /// Column, and key in the JSON of a component: `compare_at_price`.
    pub snake: &'static str,
    pub shape: Shape,
    pub required: Required,
    /// The default, as API JSON for the field.
    pub default: Option<&'static str>,
    /// `Some(&[])`: unique alone; otherwise unique together with those fields (by `snake`).
    pub unique: Option<&'static [&'static str]>,
    pub filterable: bool,
    pub sortable: bool,
    /// For a text: the collation in the schema `sort` that orders and compares it.
    pub collation: &'static str,
    pub rules: Rules,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Required {
    No,
    Save,
    Publish,
}

/// Bounds as written in YAML: of the value, of its characters, or of its items, by kind.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    pub min: Option<&'static str>,
    pub max: Option<&'static str>,
    pub pattern: Option<&'static str>,
    /// For a slug: the source field (by `snake`).
    pub from: Option<&'static str>,
    /// For JSON: a JSON Schema as text.
    pub schema: Option<&'static str>,
}

#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// Column `snake`; money also `{snake}_currency`.
    Scalar(Kind),
    /// Column `snake`, `text`, holding the value's `snake` name.
    Enum(&'static EnumInfo),
    /// Column `snake`, `text[]`, not null, in the given order, without duplicates.
    Enums(&'static EnumInfo),
    /// One column per target: see [`RelationInfo::columns`].
    One(RelationInfo),
    /// Join table: see [`RelationInfo::join`].
    Many(RelationInfo),
    /// Column `snake`, `jsonb`, an object.
    Component(&'static ComponentInfo),
    /// Column `snake`, `jsonb`, not null, an array of objects of one component.
    Components(&'static ComponentInfo),
    /// Column `snake`, `jsonb`, not null, an array of objects of any of the components.
    Blocks(&'static BlocksInfo),
    /// Table of the children: `id`, `parent_id`, `position`, then their fields.
    Children(&'static ContentInfo),
}

#[derive(Debug)]
pub struct BlocksInfo {
    /// GraphQL union: `ProductBodyBlock`.
    pub name: &'static str,
    pub of: &'static [&'static ComponentInfo],
}

#[derive(Debug)]
pub struct EnumInfo {
    /// `ProductStockStatus`.
    pub name: &'static str,
    /// `(stored, shown)`: `("in_stock", "IN_STOCK")`.
    pub values: &'static [(&'static str, &'static str)],
}

#[derive(Clone, Copy, Debug)]
pub struct RelationInfo {
    pub to: &'static [&'static ContentInfo],
    /// GraphQL type of the target: the type's name, or the union's (`ProductRelated`) for several targets.
    pub type_name: &'static str,
    pub on_delete: OnDelete,
    /// For to-many: the join table in both stages, with `owner_id`, `position`, and [`Self::columns`], exactly one of
    /// which is set. Empty for to-one, and inside components.
    pub join: &'static str,
    /// The column with the id of each target, in the order of `to`: in the owner's table, or in the join table. Empty
    /// inside components, where the id is a member of the JSON.
    pub columns: &'static [&'static str],
    /// For to-many: the table in the schema `listing` for each of [`Self::columns`], with the rows of the join table in the
    /// orders of its owner; empty where there is none. Empty altogether if no target has one.
    pub listings: &'static [&'static str],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnDelete {
    Restrict,
    SetNull,
    Cascade,
}

/// The other end of a relation, as seen from its target.
#[derive(Debug)]
pub struct InverseInfo {
    /// GraphQL name on the target: `products`.
    pub name: &'static str,
    pub source: &'static ContentInfo,
    /// The relation's field (by `snake`) on the source.
    pub field: &'static str,
}

#[derive(Debug)]
pub struct ComputedInfo {
    pub name: &'static str,
    pub kind: Kind,
    /// Children and to-many relations (by `snake`) that the computation reads.
    pub with: &'static [&'static str],
    pub args: &'static [ArgumentInfo],
    /// The tables of the content types that decide the value beside the entry; `None` if anything else may.
    pub depends_on: Option<&'static [&'static str]>,
}

#[derive(Clone, Debug)]
pub struct OperationInfo {
    pub name: &'static str,
    pub args: &'static [ArgumentInfo],
    pub returns: Returns,
    /// `RoleInfo::name` of each role that may call it.
    pub roles: &'static [&'static str],
    /// Of a query, the tables of the content types that decide its result; `None` if anything else may.
    pub depends_on: Option<&'static [&'static str]>,
}

#[derive(Debug)]
pub struct ArgumentInfo {
    pub name: &'static str,
    pub kind: Kind,
    pub many: bool,
    pub required: bool,
    pub default: Option<&'static str>,
}

#[derive(Clone, Copy, Debug)]
pub enum Returns {
    Scalar { kind: Kind, many: bool },
    Content { of: &'static ContentInfo, many: bool },
}

impl OperationInfo {
    /// Whether the argument limits the length of a list, as `first` and `last` always do.
    pub fn is_page(&self, argument: &ArgumentInfo) -> bool {
        let returns_list =
            matches!(self.returns, Returns::Scalar { many: true, .. } | Returns::Content { many: true, .. });
        returns_list && !argument.many && argument.kind.is_integer() && matches!(argument.name, "first" | "last")
    }
}

impl Currencies for SiteInfo {
    fn usual(&self) -> &str {
        self.currency
    }

    fn takes(&self, code: &str) -> bool {
        self.currencies.contains(&code)
    }

    fn list(&self) -> String {
        self.currencies.join(", ")
    }
}
