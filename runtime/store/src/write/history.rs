//! The history of entries: the rows of a revision, which `keep.rs` has kept, are read again as an overlay.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Map, Value as Json};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::Connection;
use crate::overlay::{KeptRows, Key, Overlay, Table, Versions};
use crate::record::System;
use crate::write::failure::Result;
use crate::write::row::Item;
use crate::write::table;
use model::content::ContentInfo;

/// The tables that have rows of an entry: its own, those of its children, and their join tables.
pub fn tables(info: &'static ContentInfo) -> Vec<Table> {
    let own = |info: &'static ContentInfo, system: &[&str], key| {
        let system = system.iter().map(|name| (*name).to_owned());
        let fields = table::columns(info).into_iter().map(|column| column.name);
        Table::new(info.table, info.former, key, listed(system.chain(fields)))
    };
    let joins = |info: &'static ContentInfo, key: Key| {
        table::joins(info).map(move |(_, to)| {
            let columns = ["owner_id", "position"].iter().chain(to.columns).map(|column| (*column).to_owned());
            Table::new(to.join, &[], key, listed(columns))
        })
    };
    let mut tables = vec![own(info, &System::STORED, Key::Id)];
    tables.extend(joins(info, Key::Owner));
    for (_, child) in table::children(info) {
        tables.push(own(child, &["id", "parent_id", "position"], Key::Parent));
        tables.extend(joins(child, Key::OwnerIn(child.table)));
    }
    tables
}

fn listed(columns: impl Iterator<Item = String>) -> String {
    columns.map(|column| format!(r#"s."{column}""#)).collect::<Vec<_>>().join(", ")
}

/// A new entry with the id of a deleted one goes on with its history, and is in the bin no more.
pub async fn go_on(connection: &mut Connection, info: &'static ContentInfo, items: &mut [Item]) -> Result<()> {
    let is_new = |item: &&mut Item| item.info.table == info.table && item.old.is_none();
    let mut new: BTreeMap<Uuid, &mut Item> = items.iter_mut().filter(is_new).map(|item| (item.new.id, item)).collect();
    if new.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = new.keys().copied().collect();
    let sql = "with gone as (delete from cms.bin where type = any($1) and entry = any($2))
        select entry, max(revision) from cms.revision where type = any($1) and entry = any($2) group by entry";
    let found: Vec<(Uuid, i64)> = sqlx::query_as(sql).bind(names(info)).bind(ids).fetch_all(connection).await?;
    for (id, last) in found {
        if let Some(item) = new.get_mut(&id) {
            item.after = last;
        }
    }
    Ok(())
}

/// A kept revision that reads can be laid over.
#[derive(Debug)]
pub struct Kept {
    pub info: &'static ContentInfo,
    pub id: Uuid,
    pub revision: i64,
    /// By table, its names of today; with the keys of the rows, as they were.
    keys: BTreeMap<&'static str, HashSet<String>>,
    misfits: Vec<(&'static str, String)>,
    /// What the revision has and the schema of today has no place for: columns and tables with values.
    pub lost: Vec<String>,
}

impl Kept {
    /// The revision, if its rows are kept.
    pub async fn find(
        connection: &mut Connection,
        info: &'static ContentInfo,
        id: Uuid,
        revision: i64,
    ) -> Result<Option<Self>> {
        let sql = "select cms.whole_content(h)::text from cms.revision h
            where type = any($1) and entry = $2 and revision = $3 and content is not null";
        let content: Option<String> =
            sqlx::query_scalar(sql).bind(names(info)).bind(id).bind(revision).fetch_optional(&mut *connection).await?;
        let content = content.and_then(|content| serde_json::from_str::<Map<String, Json>>(&content).ok());
        let Some(mut content) = content else { return Ok(None) };
        let mut kept = Self { info, id, revision, keys: BTreeMap::new(), misfits: Vec::new(), lost: Vec::new() };
        for table in tables(info) {
            let known = std::iter::once(table.name).chain(table.former.iter().copied());
            let Some((_, rows)) = known.into_iter().find_map(|name| content.remove_entry(name)) else { continue };
            let rows = rows.as_array().map(Vec::as_slice).unwrap_or_default();
            let keys = rows.iter().filter_map(Json::as_object).flat_map(Map::keys).cloned().collect();
            kept.lost.extend(strangers(&table, rows));
            kept.keys.insert(table.name, keys);
            kept.misfits.extend(misfits(connection, &table, rows).await?);
        }
        kept.misfits.sort();
        kept.lost.extend(kept.misfits.iter().map(|(table, column)| format!("{table}.{column}")));
        let gone = content.into_iter().filter(|(_, rows)| rows.as_array().is_some_and(|rows| !rows.is_empty()));
        kept.lost.extend(gone.map(|(table, _)| table));
        kept.lost.sort();
        kept.lost.dedup();
        Ok(Some(kept))
    }

    /// Whether the revision has a value, perhaps an empty one, of the column or table: a field that came later has none.
    pub fn knows(&self, table: &str, column: Option<&str>) -> bool {
        match (self.keys.get(table), column) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(keys), Some(column)) => {
                let misfit = self.misfits.iter().any(|(of, name)| *of == table && name == column);
                keys.contains(column) && !misfit
            }
        }
    }

    pub fn rows(&self) -> KeptRows {
        KeptRows { revisions: vec![(self.id, self.revision)], misfits: self.misfits.clone() }
    }

    pub fn overlay(&self) -> Overlay {
        let mut overlay = Overlay::default();
        let versions =
            Versions { info: self.info, replaced: vec![self.id], drafts: Vec::new(), kept: vec![self.rows()] };
        overlay.add(versions, tables(self.info));
        overlay
    }
}

/// The names of the type, today's first.
pub fn names(info: &ContentInfo) -> Vec<&'static str> {
    std::iter::once(info.table).chain(info.former.iter().copied()).collect()
}

/// Columns with a value that the table does not have any more, as `product.price`.
fn strangers(table: &Table, rows: &[Json]) -> Vec<String> {
    let members = rows.iter().filter_map(Json::as_object).flatten();
    let has_value = |value: &Json| !value.is_null() && value.as_array().is_none_or(|items| !items.is_empty());
    let strange = members.filter(|(name, value)| {
        let column = format!(r#"s."{name}""#);
        has_value(value) && !table.columns.split(", ").any(|known| known == column)
    });
    strange.map(|(name, _)| format!("{}.{name}", table.name)).collect()
}

/// Columns whose kept values are not values of the column's type today.
async fn misfits(connection: &mut Connection, table: &Table, rows: &[Json]) -> Result<Vec<(&'static str, String)>> {
    let fits = |rows: Json| {
        let rows = rows.to_string();
        let sql =
            format!(r#"select count(*) from jsonb_populate_recordset(null::draft."{}", $1::jsonb) s"#, table.name);
        (sql, rows)
    };
    if rows.is_empty() || try_out(connection, fits(Json::from(rows.to_vec()))).await? {
        return Ok(Vec::new());
    }
    let names: HashSet<&String> = rows.iter().filter_map(Json::as_object).flat_map(Map::keys).collect();
    let mut misfits = Vec::new();
    for name in names {
        let alone = rows.iter().map(|row| Json::from_iter([(name.clone(), row[name.as_str()].clone())]));
        if !try_out(connection, fits(alone.collect())).await? {
            misfits.push((table.name, name.clone()));
        }
    }
    Ok(misfits)
}

/// Whether PostgreSQL takes the values; a transaction goes on afterwards.
async fn try_out(connection: &mut Connection, (sql, rows): (String, String)) -> Result<bool> {
    let is_part = connection.in_transaction();
    if is_part {
        connection.begin_part().await?;
    }
    match sqlx::query(AssertSqlSafe(sql)).bind(rows).fetch_all(&mut *connection).await {
        Ok(_) if is_part => connection.end_part().await?,
        Ok(_) => {}
        Err(sqlx::Error::Database(_)) => {
            if is_part {
                connection.undo_part().await?;
            }
            return Ok(false);
        }
        Err(error) => return Err(error.into()),
    }
    Ok(true)
}
