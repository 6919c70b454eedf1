//! The names of everything in the database: one rule each, and no name longer than PostgreSQL's limit.

use sha2::{Digest, Sha256};

use crate::schema::{Field, Name, Relation};

/// The tag of Unicode's root collation, for all languages, which every database has.
pub const ALL_LANGUAGES: &str = "und";

/// PostgreSQL silently truncates longer names.
const LONGEST: usize = 63;

/// Words that PostgreSQL does not accept as a column or table name without quotes.
const RESERVED: &str = " all analyse analyze and any array as asc asymmetric authorization binary both case cast check \
    collate collation column concurrently constraint create cross current_catalog current_date current_role \
    current_schema current_time current_timestamp current_user default deferrable desc distinct do else end except \
    false fetch for foreign freeze from full grant group having ilike in initially inner intersect into is isnull join \
    lateral leading left like limit localtime localtimestamp natural not notnull null offset on only or order outer \
    overlaps placing primary references returning right select session_user similar some symmetric table tablesample \
    then to trailing true union unique user using variadic verbose when where window with ";

/// The name itself, or, if it is too long, its first 54 bytes and 8 digits of its hash. Names are ASCII.
pub fn fit(name: String) -> String {
    fit_into(name, LONGEST)
}

fn fit_into(name: String, longest: usize) -> String {
    if name.len() <= longest {
        return name;
    }
    format!("{}_{}", &name[..longest - 9], &sha256_hex(&name)[..8])
}

/// Quoted for SQL if necessary.
pub fn quoted(name: &str) -> String {
    if RESERVED.contains(&format!(" {name} ")) { format!("\"{name}\"") } else { name.to_owned() }
}

/// The table that holds the items of a list relation.
pub fn join_table(owner: &str, field: &Name) -> String {
    fit(format!("{owner}_{}", field.snake()))
}

/// The column of a to-one relation for one of its targets.
pub fn relation_column(field: &str, target: &str, several: bool) -> String {
    fit(if several { format!("{field}_{target}_id") } else { format!("{field}_id") })
}

/// The column of a list relation's table for one of its targets.
pub fn item_column(target: &str, several: bool) -> String {
    if several { fit(format!("{target}_id")) } else { "target_id".to_owned() }
}

/// The columns of a relation, one per target: in the owner's table, or in the list's table.
pub fn relation_columns(field: &Field, relation: &Relation) -> Vec<String> {
    let several = relation.to.len() > 1;
    let column = |target: &Name| match relation.many {
        true => item_column(target.snake(), several),
        false => relation_column(field.name.snake(), target.snake(), several),
    };
    relation.to.iter().map(column).collect()
}

/// The column next to money that holds its currency.
pub fn currency_column(field: &str) -> String {
    fit(format!("{field}_currency"))
}

pub fn primary_key(table: &str) -> String {
    fit(format!("{table}_pkey"))
}

pub fn foreign_key(table: &str, column: &str) -> String {
    fit(format!("{table}_{column}_fkey"))
}

pub fn check(table: &str, field: &str) -> String {
    fit(format!("{table}_{field}_check"))
}

pub fn unique(table: &str, columns: &[String]) -> String {
    fit(format!("{table}_{}_key", columns.join("_")))
}

pub fn index(table: &str, columns: &[String]) -> String {
    fit(format!("{table}_{}_idx", columns.join("_")))
}

/// The index for the order of a field whose columns have no index. Schema names never contain two underscores in a row.
pub fn sort_index(table: &str, field: &str) -> String {
    fit(format!("{table}_{field}__sort"))
}

/// The index for lists by a to-one relation in the order of some columns, in `live` only.
pub fn list_index(table: &str, column: &str, order: &[String]) -> String {
    fit(format!("{table}_{column}_{}__list", order.join("_")))
}

/// The index of a text by its trigrams.
pub fn trigram_index(table: &str, column: &str) -> String {
    fit(format!("{table}_{column}__contains"))
}

/// The table in the schema `listing` for one column of a list relation's table. Its triggers have longer names.
pub fn listing(table: &str, column: &str, several: bool) -> String {
    fit_into(if several { format!("{table}_{column}") } else { table.to_owned() }, LONGEST - "_truncate_owner".len())
}

/// The collation of a language (BCP 47) in the schema `sort`; `sort.make` derives the same name.
pub fn collation(tag: &str) -> String {
    fit(tag.to_lowercase().replace('-', "_"))
}

pub fn sha256_hex(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
