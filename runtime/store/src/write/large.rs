//! Large values in the history. A revision names them by their hashes, so that a save of another field does not store them again.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::record::System;
use crate::write::row::Row;
use crate::write::table::{self, cell, columns};
use model::content::ContentInfo;

/// Bytes of a large value.
const LARGE: usize = 4 * 1024;

/// A large value of an entry's own row.
#[derive(Debug)]
pub struct Large {
    pub entry: Uuid,
    pub column: String,
    /// Hexadecimal digits.
    pub hash: String,
}

pub fn of(info: &'static ContentInfo, row: &Row) -> Vec<Large> {
    let large = |column: table::Column| {
        let text = cell(&info.fields[column.field].shape, &row.values[column.field], column.part)?;
        (text.len() >= LARGE).then(|| Large {
            entry: row.id,
            column: column.name.clone(),
            hash: hash(column.cast, &text),
        })
    };
    columns(info).into_iter().filter_map(large).collect()
}

/// Text and JSON of the same characters are different values.
fn hash(cast: &str, text: &str) -> String {
    let hash = Sha256::new().chain_update(cast).chain_update("\0").chain_update(text).finalize();
    hash.iter().fold(String::new(), |mut hash, byte| {
        let _ = write!(hash, "{byte:02x}");
        hash
    })
}

/// Common table expressions that store new values, and the object of the hashes of a row `t`. Three parameters from `$first` on are entries,
/// columns and hashes.
pub fn statements(info: &ContentInfo, names: &BTreeSet<&str>, first: usize) -> (String, &'static str) {
    let values: String = names.iter().map(|name| format!(r#" when '{name}' then to_jsonb(t."{name}")"#)).collect();
    let with = format!(
        r#"large as (
            select entry, name, hash from unnest(${first}::uuid[], ${}::text[], ${}::text[]) as l(entry, name, hash)
        ), stored as (
            insert into cms.kept_value (type, entry, hash, value)
            select '{table}', l.entry, decode(l.hash, 'hex'), case l.name{values} end
            from large l join draft."{table}" t on t.id = l.entry
            where not exists (
                select from cms.kept_value v where v.type = '{table}' and v.entry = l.entry and v.hash = decode(l.hash, 'hex')
            )
            on conflict do nothing
        )"#,
        first + 1,
        first + 2,
        table = info.table,
    );
    (with, "(select jsonb_object_agg(l.name, l.hash) from large l where l.entry = t.id)")
}

/// The row `t` as JSON, with null in place of large values.
pub fn row_without(info: &'static ContentInfo, names: &BTreeSet<&str>) -> String {
    let system = System::STORED.iter().map(|name| (*name).to_owned());
    let all = system.chain(columns(info).into_iter().map(|column| column.name));
    let column = |name: String| match names.contains(&*name) {
        true => {
            let is_large = format!("exists (select from large l where l.entry = t.id and l.name = '{name}')");
            format!(r#"case when {is_large} then null else t."{name}" end as "{name}""#)
        }
        false => format!(r#"t."{name}""#),
    };
    format!("(select to_jsonb(x) from (select {}) x)", all.map(column).collect::<Vec<_>>().join(", "))
}
