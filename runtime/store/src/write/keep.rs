//! Keeps the rows of the current revision in the history, before they change.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::overlay::{Key, Table};
use crate::value::Value;
use crate::write::failure::Result;
use crate::write::history::tables;
use crate::write::large::{self, Large};
use crate::write::pointers::{pointers, references};
use crate::write::row::{Item, Row};
use crate::write::table;
use crate::{Connection, Stage, Store};
use model::content::{ContentInfo, RelationInfo, Shape};

/// Pairs of a call of `jsonb_build_object`, which takes at most 100 arguments.
const PAIRS: usize = 40;

/// Entries of one statement, which must end within the time that a statement has.
const AT_ONCE: usize = 2_000;

/// Keeps the drafts as they are now. An entry that is older than the history gets its line here too.
pub async fn keep(connection: &mut Connection, info: &'static ContentInfo, ids: &[Uuid]) -> Result<()> {
    store(connection, info, ids, &Stored::default(), "").await
}

/// What is known of the rows.
#[derive(Default)]
struct Stored {
    large: Vec<Large>,
    /// The tables of children and references that have rows of them; `None` if it is not known.
    filled: Option<BTreeSet<&'static str>>,
}

/// Keeps the drafts of these entries, of one type, as they are stored. A large value is stored only if the history does not have it.
pub async fn keep_stored(connection: &mut Connection, info: &'static ContentInfo, items: &[&Item]) -> Result<()> {
    let ids: Vec<Uuid> = items.iter().map(|item| item.new.id).collect();
    let old: Vec<&Row> = items.iter().filter_map(|item| Some(&item.old.as_ref()?.row)).collect();
    let mut tables = BTreeSet::new();
    old.iter().for_each(|row| filled(info, row, &mut tables));
    let large = old.iter().flat_map(|row| large::of(info, row)).collect();
    store(connection, info, &ids, &Stored { large, filled: Some(tables) }, "").await
}

/// Leaves out those whose revision is kept already, which has all that they can lose.
async fn keep_once(connection: &mut Connection, info: &'static ContentInfo, ids: &[Uuid]) -> Result<()> {
    let is_new = " and not exists (select from cms.revision k
        where k.type = $2 and k.entry = t.id and k.revision = t.revision and k.content is not null)";
    store(connection, info, ids, &Stored::default(), is_new).await
}

fn filled(info: &'static ContentInfo, row: &Row, tables: &mut BTreeSet<&'static str>) {
    let has_items =
        |(index, _): &(usize, RelationInfo)| matches!(&row.values[*index], Value::List(items) if !items.is_empty());
    tables.extend(table::joins(info).filter(has_items).map(|(_, to)| to.join));
    for (index, child) in table::children(info) {
        for row in row.children(index) {
            tables.insert(child.table);
            filled(child, row, tables);
        }
    }
}

async fn store(
    connection: &mut Connection,
    info: &'static ContentInfo,
    ids: &[Uuid],
    stored: &Stored,
    and: &str,
) -> Result<()> {
    let Stored { large, filled } = stored;
    let is_empty = |table: &Table| filled.as_ref().is_some_and(|filled| !filled.contains(table.name));
    let names: BTreeSet<&str> = large.iter().map(|large| &*large.column).collect();
    let tables = tables(info);
    let rows = tables.iter().map(|table| match is_empty(table) && table.key != Key::Id {
        true => format!("'{}', '[]'::jsonb", table.name),
        false => rows(info, table, &names),
    });
    let rows: Vec<String> = rows.collect();
    let content: Vec<String> =
        rows.chunks(PAIRS).map(|pairs| format!("jsonb_build_object({})", pairs.join(", "))).collect();
    let (with, references) = if names.is_empty() { Default::default() } else { large::statements(info, &names) };
    let sql = format!(
        r#"{with}insert into cms.revision as r (type, entry, revision, at, actor_kind, actor, content, large)
        select $2::text, t.id, t.revision, t.updated_at, case when t.updated_by is null then 'system' else 'user' end, t.updated_by, {}, {}
        from draft."{}" t where t.id = any($1){and}
        on conflict (type, entry, revision) do update
        set content = case when r.content is null then excluded.content else {} end, large = excluded.large"#,
        content.join(" || "),
        if names.is_empty() { "null" } else { &references },
        info.table,
        with_lost_references(info)
    );
    for ids in ids.chunks(AT_ONCE) {
        let mut query = sqlx::query(AssertSqlSafe(sql.clone())).bind(ids).bind(info.table);
        if !names.is_empty() {
            let of_these: Vec<&Large> = large.iter().filter(|large| ids.contains(&large.entry)).collect();
            query = query
                .bind(of_these.iter().map(|large| large.entry).collect::<Vec<_>>())
                .bind(of_these.iter().map(|large| large.column.clone()).collect::<Vec<_>>())
                .bind(of_these.iter().map(|large| large.hash.clone()).collect::<Vec<_>>());
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

/// Entries that refer to these, which are about to be deleted, lose the reference without a revision of their own. Afterwards their rows
/// do not tell what the revision was.
pub async fn keep_referrers(
    connection: &mut Connection,
    store: &Store,
    going: &[(&'static ContentInfo, Vec<Uuid>)],
) -> Result<()> {
    let mut losing: BTreeMap<&'static str, (&'static ContentInfo, BTreeSet<Uuid>)> = BTreeMap::new();
    for (info, ids) in going {
        for pointer in pointers(store.schema, info).iter().filter(|pointer| pointer.is_cleared()) {
            let found = references(connection, store.at(Stage::Draft), pointer, ids).await?;
            let of_type = losing.entry(pointer.entry().table).or_insert((pointer.entry(), BTreeSet::new()));
            of_type.1.extend(found.into_iter().map(|reference| reference.id));
        }
    }
    for (info, mut ids) in losing.into_values() {
        for (_, going) in going.iter().filter(|(other, _)| other.table == info.table) {
            going.iter().for_each(|id| _ = ids.remove(id));
        }
        let ids: Vec<Uuid> = ids.into_iter().collect();
        // Whoever saves one of them meanwhile is waited for, or else the deletion would change a revision that was not kept.
        let sql = format!(r#"select from draft."{}" where id = any($1) order by id for no key update"#, info.table);
        for ids in ids.chunks(AT_ONCE) {
            sqlx::query(AssertSqlSafe(sql.clone())).bind(ids).execute(&mut *connection).await?;
            keep_once(connection, info, ids).await?;
        }
    }
    Ok(())
}

/// `'product_variant', (the rows of the entry t in it)`. Large values of the entry's own row are left out.
fn rows(info: &'static ContentInfo, table: &Table, large: &BTreeSet<&str>) -> String {
    let name = table.name;
    match table.key {
        Key::Id if large.is_empty() => format!("'{name}', jsonb_build_array(to_jsonb(t))"),
        Key::Id => format!("'{name}', jsonb_build_array({})", large::row_without(info, large)),
        _ => {
            let belongs = table.belongs("draft", "array[t.id]");
            format!(
                r#"'{name}', coalesce((select jsonb_agg(to_jsonb(s)) from draft."{name}" s where {belongs}), '[]'::jsonb)"#
            )
        }
    }
}

/// The rows of today, `excluded`, with the references that they had when the revision was kept for the first time: since then, they have
/// only lost some with the entries that they pointed at.
fn with_lost_references(info: &'static ContentInfo) -> String {
    let is_join = |table: &&Table| matches!(table.key, Key::Owner | Key::OwnerIn(_));
    let joins: Vec<String> = tables(info).iter().filter(is_join).map(|table| format!("'{}'", table.name)).collect();
    let mut parts = vec!["excluded.content".to_owned()];
    if !joins.is_empty() {
        parts.push(picked("r.content", &joins, ""));
    }
    let children = table::children(info).map(|(_, child)| child);
    for info in std::iter::once(info).chain(children) {
        let fields = info.fields.iter().enumerate().filter(|(_, field)| matches!(field.shape, Shape::One(_)));
        let columns: Vec<String> = fields
            .flat_map(|(index, field)| table::field_columns(index, field))
            .map(|column| format!("'{}'", column.name))
            .collect();
        if !columns.is_empty() {
            let name = info.table;
            parts.push(format!(
                "jsonb_build_object('{name}', coalesce((select jsonb_agg(coalesce(n.row, o.row) || {})
                    from jsonb_array_elements(r.content->'{name}') as o(row)
                    left join jsonb_array_elements(excluded.content->'{name}') as n(row) on n.row->>'id' = o.row->>'id'
                ), excluded.content->'{name}'))",
                picked("o.row", &columns, " and value <> 'null'")
            ));
        }
    }
    parts.join(" || ")
}

/// The members of an object with these names.
fn picked(object: &str, names: &[String], and: &str) -> String {
    let names = names.join(", ");
    format!(
        "(select coalesce(jsonb_object_agg(key, value), '{{}}') from jsonb_each({object}) where key in ({names}){and})"
    )
}
