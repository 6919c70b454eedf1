//! The database model: what tables exist for a schema, and what their columns mean.
//!
//! A `Catalog` is what `migrations/catalog.json` holds: the physical tables (columns, checks, indexes, foreign keys, the
//! same in `draft` and `live` except where a foreign key says otherwise) beside the fields that they stand for, because
//! the difference of two catalogs must tell a relation that became a list from a column that vanished.

mod json;
mod lower;
pub mod names;
pub mod rules;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use lower::lower;
use rules::AllRules;

use crate::schema::Scalar;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Catalog {
    /// By name; the same tables are in `draft` and in `live`.
    pub tables: BTreeMap<String, Table>,
    /// The fields of each component, which are stored as JSON in the columns of its owners.
    pub components: BTreeMap<String, Vec<Field>>,
    /// What the fields of each table and component demand beyond that; nothing is recorded of an owner that is not in it.
    #[serde(default)]
    pub rules: AllRules,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Table {
    pub role: Role,
    /// Whether entries are saved without being public. Of content types only; none where it was not recorded yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drafts: Option<bool>,
    /// Names that the table had before, and that no other has now: ids that were made under them are still known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former: Vec<String>,
    /// In the order of the schema; empty for the table of a list relation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Field>,
    pub columns: Vec<Column>,
    /// Empty for the table of a list of several types.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub primary_key: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Check>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub foreign_keys: Vec<ForeignKey>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub indexes: Vec<Index>,
}

/// What a table is for; with the names in it, its identity across two catalogs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The entries of the content type of the same name.
    Content,
    /// The rows that a field of `children` owns.
    Children { of: String, field: String },
    /// The items of a list relation.
    List { of: String, field: String },
}

/// A field as far as the database is concerned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Field {
    pub name: String,
    #[serde(flatten)]
    pub store: Store,
    /// Required to save; what is required to publish is checked by the server.
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

/// A CHECK; `expression` has `{}` for its one column or `{0}`, `{1}` for several, so that it outlives their renaming.
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

/// In which stage a constraint is, and for a foreign key in which the table that it points at. What an entry owns in `live` has
/// none to its owner: it is a copy of rows that were checked, and checking it again was a fifth of the cost of publishing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// From `draft` to `draft`: owners, and relations, which in `live` may point at what is not live.
    Draft,
    /// The same in each stage: checks.
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
    /// For arrays, which are searched by what they contain.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gin: bool,
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

/// What of a column an index orders by. The server's statements say the same (`store/read/order.rs`), or no index serves them.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    /// The value itself.
    #[default]
    Plain,
    /// A text of signs without a language, such as the code of a currency.
    Bytes,
    /// A text in the order of a language (BCP 47), by its collation in the schema `sort`.
    Text(String),
    /// One of these values, in their order.
    Values(Vec<String>),
}

impl Catalog {
    /// The text of `catalog.json`. The last migration is named in it so that two branches that both add one conflict.
    pub fn to_json(&self, last_migration: &str) -> String {
        json::write(self, last_migration)
    }

    /// Reads what [`Catalog::to_json`] wrote; the error says what is wrong with the file.
    pub fn from_json(text: &str) -> Result<Self, String> {
        json::read(text)
    }

    /// The same tables with the former names that another catalog has for them.
    pub fn with_past(mut self, known: &Self) -> Self {
        for (name, table) in &mut self.tables {
            table.former = known.tables.get(name).map(|table| table.former.clone()).unwrap_or_default();
        }
        self
    }

    /// The languages (BCP 47) in whose order texts are, but for the order of all of them.
    pub fn languages(&self) -> BTreeSet<&str> {
        let keys = self.tables.values().flat_map(|table| &table.indexes).flat_map(|index| &index.on);
        let tags = keys.filter_map(|key| match &key.sort {
            Sort::Text(tag) => Some(tag.as_str()),
            _ => None,
        });
        tags.filter(|tag| *tag != names::ALL_LANGUAGES).collect()
    }

    /// Whether the database is the same; rules are the server's business alone.
    pub fn same_database(&self, other: &Self) -> bool {
        self.tables == other.tables && self.components == other.components
    }

    /// The table that has this role.
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
    /// The table of the entries that own the rows; none for entries themselves.
    pub fn owner(&self) -> Option<&str> {
        match self {
            Self::Content => None,
            Self::Children { of, .. } | Self::List { of, .. } => Some(of),
        }
    }
}

impl Field {
    /// The columns that the field has in its owner's table, in order; none for lists of rows.
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
    /// The expression with its columns' names put in.
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

    /// As it stands in `create index`.
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

/// The migration that the text of `catalog.json` names as its last.
pub fn last_migration(catalog_json: &str) -> Option<String> {
    json::last_migration(catalog_json)
}

/// SHA-256 of what `catalog.json` says of the database, in hexadecimal: what a server compares with its database. Rules come last in the
/// file and are left out, since no migration changes them.
pub fn hash(catalog_json: &str) -> String {
    let structure = catalog_json.split("\n  \"rules\": {").next().unwrap_or_default();
    names::sha256_hex(structure.trim_end().trim_end_matches(',').trim_end_matches("\n}"))
}
