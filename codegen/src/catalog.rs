//! The database model: the tables of a schema and the meaning of their columns.
//!
//! A `Catalog` is the content of `migrations/catalog.json`: the physical tables (columns, checks, indexes, foreign
//! keys; the same in `draft` and `live` unless a foreign key says otherwise) together with the fields that they store.
//! The diff of two catalogs needs the fields to tell a relation that became a list from a dropped column.

mod json;
mod lower;
pub mod names;
pub mod rules;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use lower::{listing_names, lower};
use rules::AllRules;

use crate::schema::Scalar;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Catalog {
    /// By name; each table exists in both `draft` and `live`.
    pub tables: BTreeMap<String, Table>,
    /// The fields of each component, which are stored as JSON in columns of its owners.
    pub components: BTreeMap<String, Vec<Field>>,
    /// Rules of the fields of each table and component. An owner without an entry has not been recorded.
    #[serde(default)]
    pub rules: AllRules,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Table {
    pub role: Role,
    /// Whether entries can be saved without being public. For content types only; `None` if not recorded yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drafts: Option<bool>,
    /// Whether the number of published entries is kept, so that nobody counts them. For content types only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub counted: bool,
    /// Former names of the table that no other table has now: ids with these prefixes are still accepted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former: Vec<String>,
    /// In the order of the schema; empty for the table of a list relation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Field>,
    pub columns: Vec<Column>,
    /// Empty for the table of a list relation with several target types.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub primary_key: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Check>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub foreign_keys: Vec<ForeignKey>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub indexes: Vec<Index>,
    /// For the table of a list relation: one for each target whose lists are read in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub listings: Vec<Listing>,
}

/// A table in the schema `listing`: the rows of a list relation in `live`, by target, with copies of what its owners
/// are ordered by. A page of a long list is then a range of an index. Triggers keep it (`system/0020_listing`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Listing {
    pub name: String,
    /// The column of the target in the relation's table.
    pub target: String,
    /// The copied columns of the owner.
    pub columns: Vec<String>,
    /// The keys of each index, between the target and the owner.
    pub orders: Vec<Vec<Key>>,
}

/// The purpose of a table. With the names in it, it identifies the table across two catalogs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The entries of the content type of the same name.
    Content,
    /// The rows owned by a field of type `children`.
    Children { of: String, field: String },
    /// The items of a list relation.
    List { of: String, field: String },
}

/// A field as the database sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Field {
    pub name: String,
    #[serde(flatten)]
    pub store: Store,
    /// Required to save; the server checks what is required to publish.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
}

/// How the values of a field are stored.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Store {
    /// `type` is the field type's name in YAML.
    Scalar {
        #[serde(rename = "type")]
        scalar: String,
    },
    Enum {
        values: Vec<String>,
    },
    Enums {
        values: Vec<String>,
    },
    One {
        to: Vec<String>,
    },
    Many {
        to: Vec<String>,
    },
    Component {
        of: String,
    },
    Components {
        of: String,
    },
    Blocks {
        of: Vec<String>,
    },
    Children {
        table: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Column {
    pub name: String,
    #[serde(rename = "type")]
    pub sql_type: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub not_null: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
}

/// A CHECK. `expression` contains `{}` for its single column or `{0}`, `{1}` for several, so that it survives renames.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Check {
    pub name: String,
    pub on: Vec<String>,
    pub expression: String,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ForeignKey {
    pub name: String,
    pub column: String,
    pub table: String,
    pub reach: Reach,
    pub on_delete: OnDelete,
}

/// The stages that a constraint exists in, and for a foreign key the stage that it points at. Owned rows in `live` have
/// no foreign key to their owner: they are copies of rows that were checked, and checking them again was a fifth of the
/// cost of publishing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// From `draft` to `draft`: owners and relations. In `live`, relations may point at entries that are not live.
    Draft,
    /// Within each stage: checks.
    Each,
    /// From `live` to `draft`: a live entry is a published copy of a draft.
    LiveToDraft,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnDelete {
    Restrict,
    SetNull,
    Cascade,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Index {
    pub name: String,
    pub on: Vec<Key>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unique: bool,
    /// For arrays, which are searched by their items.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gin: bool,
    /// By the trigrams of a text, for the operator `contains`; in `live` only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub trigrams: bool,
    /// In `live` only, where lists are long and read often.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub live: bool,
}

/// One column of an index.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key {
    pub column: String,
    #[serde(default, skip_serializing_if = "Sort::is_plain")]
    pub sort: Sort,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub descending: bool,
}

/// What an index orders a column by. The server's statements must use the same expression (`store/read/order.rs`), or
/// the index is not used.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    /// The value itself.
    #[default]
    Plain,
    /// A text that is not in a language, such as a currency code.
    Bytes,
    /// A text in the order of a language (BCP 47), through its collation in the schema `sort`.
    Text(String),
    /// An enum, in the order of these values.
    Values(Vec<String>),
}

impl Catalog {
    /// The text of `catalog.json`. It names the last migration, so that two branches that both add one conflict.
    pub fn to_json(&self, last_migration: &str) -> String {
        json::write(self, last_migration)
    }

    /// Parses the output of [`Catalog::to_json`]; the error describes what is wrong with the file.
    pub fn from_json(text: &str) -> Result<Self, String> {
        json::read(text)
    }

    /// The same tables, with former names taken from another catalog.
    pub fn with_past(mut self, known: &Self) -> Self {
        for (name, table) in &mut self.tables {
            table.former = known.tables.get(name).map(|table| table.former.clone()).unwrap_or_default();
        }
        self
    }

    /// The languages (BCP 47) whose text order is used, except the order for all languages.
    pub fn languages(&self) -> BTreeSet<&str> {
        let keys = self.tables.values().flat_map(|table| &table.indexes).flat_map(|index| &index.on);
        let tags = keys.filter_map(|key| match &key.sort {
            Sort::Text(tag) => Some(tag.as_str()),
            _ => None,
        });
        tags.filter(|tag| *tag != names::ALL_LANGUAGES).collect()
    }

    /// Whether the database is the same; only the server enforces rules.
    pub fn same_database(&self, other: &Self) -> bool {
        self.tables == other.tables && self.components == other.components
    }

    /// The table with this role.
    pub fn table_of(&self, role: &Role) -> Option<(&str, &Table)> {
        self.tables.iter().find(|(_, table)| table.role == *role).map(|(name, table)| (name.as_str(), table))
    }
}

impl Table {
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    pub fn has_key(&self) -> bool {
        !self.primary_key.is_empty()
    }
}

impl Role {
    /// The table of the entries that own the rows; `None` for entries themselves.
    pub fn owner(&self) -> Option<&str> {
        match self {
            Self::Content => None,
            Self::Children { of, .. } | Self::List { of, .. } => Some(of),
        }
    }
}

impl Field {
    /// The columns of the field in its owner's table, in order; empty for lists of rows.
    pub fn columns(&self) -> Vec<String> {
        match &self.store {
            Store::Scalar { scalar } if Scalar::named(scalar).is_some_and(Scalar::has_currency) => {
                vec![self.name.clone(), names::currency_column(&self.name)]
            }
            Store::One { to } => {
                to.iter().map(|target| names::relation_column(&self.name, target, to.len() > 1)).collect()
            }
            Store::Many { .. } | Store::Children { .. } => Vec::new(),
            _ => vec![self.name.clone()],
        }
    }
}

impl Check {
    /// The expression with its column names filled in.
    pub fn sql(&self) -> String {
        let mut sql = self.expression.clone();
        if let [only] = self.on.as_slice() {
            sql = sql.replace("{}", &names::quoted(only));
        }
        for (index, column) in self.on.iter().enumerate() {
            sql = sql.replace(&format!("{{{index}}}"), &names::quoted(column));
        }
        sql
    }
}

impl Key {
    pub fn ascending(column: impl Into<String>) -> Self {
        Self { column: column.into(), sort: Sort::Plain, descending: false }
    }

    pub fn by(self, sort: Sort) -> Self {
        Self { sort, ..self }
    }

    /// As written in `create index`.
    pub fn sql(&self) -> String {
        let column = names::quoted(&self.column);
        let sql = match &self.sort {
            Sort::Plain => column,
            Sort::Bytes => format!("{column} collate \"C\""),
            Sort::Text(tag) => {
                format!("(sort.key({column})) collate sort.{}", names::quoted(&names::collation(tag)))
            }
            Sort::Values(values) => {
                let values: Vec<_> = values.iter().map(|value| format!("'{value}'")).collect();
                format!("(array_position(array[{}]::text[], {column}))", values.join(", "))
            }
        };
        if self.descending { sql + " desc" } else { sql }
    }
}

impl Sort {
    fn is_plain(&self) -> bool {
        *self == Self::Plain
    }
}

impl OnDelete {
    pub fn sql(self) -> &'static str {
        match self {
            Self::Restrict => "restrict",
            Self::SetNull => "set null",
            Self::Cascade => "cascade",
        }
    }
}

/// The last migration that `catalog.json` names.
pub fn last_migration(catalog_json: &str) -> Option<String> {
    json::last_migration(catalog_json)
}

/// SHA-256 of the database part of `catalog.json`, in hexadecimal, which a server compares with its database. Rules
/// come last in the file and are excluded, since no migration changes them.
pub fn hash(catalog_json: &str) -> String {
    let structure = catalog_json.split("\n  \"rules\": {").next().unwrap_or_default();
    names::sha256_hex(structure.trim_end().trim_end_matches(',').trim_end_matches("\n}"))
}
