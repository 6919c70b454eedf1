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
use crate::write::row::Row;
use crate::write::table;
use crate::{Connection, Stage, Store};
use model::content::{ContentInfo, RelationInfo, Shape};

pub type Statement<'q> = sqlx::query::Query<'q, sqlx::Postgres, sqlx::postgres::PgArguments>;

/// Pairs of a call of `jsonb_build_object`, which takes at most 100 arguments.
const PAIRS: usize = 40;

/// Entries of one statement, which must end within the time that a statement has.
const AT_ONCE: usize = 2_000;

/// Keeps the drafts as they are now. An entry that is older than the history gets its line here too.
pub async fn keep(connection: &mut Connection, info: &'static ContentInfo, ids: &[Uuid]) -> Result<()> {
    Keeping::of_any(info, String::new()).store(connection, ids).await
}

/// Leaves out those whose revision is kept already, which has all that they can lose.
async fn keep_once(connection: &mut Connection, info: &'static ContentInfo, ids: &[Uuid]) -> Result<()> {
    let is_new = format!(
        " and not exists (select from cms.revision k
            where k.type = '{}' and k.entry = t.id and k.revision = t.revision and k.content is not null)",
        info.table
    );
    Keeping::of_any(info, is_new).store(connection, ids).await
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

/// The statement that keeps drafts of one type, with what is known of their rows.
pub struct Keeping {
    info: &'static ContentInfo,
    /// Each is stored only if the history does not have it.
    large: Vec<Large>,
    /// The tables of children and references that have rows of them; `None` if it is not known.
    filled: Option<BTreeSet<&'static str>>,
    and: String,
}

impl Keeping {
    pub fn of<'a>(info: &'static ContentInfo, rows: impl Iterator<Item = &'a Row>) -> Self {
        let (mut tables, mut large) = (BTreeSet::new(), Vec::new());
        for row in rows {
            filled(info, row, &mut tables);
            large.extend(large::of(info, row));
        }
        Self { info, large, filled: Some(tables), and: String::new() }
    }

    fn of_any(info: &'static ContentInfo, and: String) -> Self {
        Self { info, large: Vec::new(), filled: None, and }
    }

    pub async fn store(&self, connection: &mut Connection, ids: &[Uuid]) -> Result<()> {
        if ids.is_empty() {
            return Ok(());
        }
        let (with, insert) = self.sql(2);
        let with = if with.is_empty() { with } else { format!("with {with} ") };
        let sql = format!("{with}{insert}");
        for ids in ids.chunks(AT_ONCE) {
            let query = sqlx::query(AssertSqlSafe(sql.clone())).bind(ids);
            self.bind(query, |entry| ids.contains(&entry)).execute(&mut *connection).await?;
        }
        Ok(())
    }

    /// What a statement on the same entries, with their ids in `$1`, begins with to keep them as they were before it. It saves a round trip.
    pub fn before(&self, first: usize) -> String {
        let (with, insert) = self.sql(first);
        let comma = if with.is_empty() { "" } else { ", " };
        format!("with {with}{comma}kept as ({insert}) ")
    }

    /// The common table expressions of the statement, and the statement. The parameters of `bind` begin with `$first`.
    fn sql(&self, first: usize) -> (String, String) {
        let Self { info, large, filled, and } = self;
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
        let (with, references) = match names.is_empty() {
            true => (String::new(), "null"),
            false => large::statements(info, &names, first),
        };
        let insert = format!(
            r#"insert into cms.revision as r (type, entry, revision, at, actor_kind, actor, content, large)
            select '{table}', t.id, t.revision, t.updated_at, case when t.updated_by is null then 'system' else 'user' end, t.updated_by, {}, {references}
            from draft."{table}" t where t.id = any($1){and}
            on conflict (type, entry, revision) do update
            set content = case when r.content is null then excluded.content else {} end, large = excluded.large"#,
            content.join(" || "),
            with_lost_references(info),
            table = info.table,
        );
        (with, insert)
    }

    /// The large values of some entries.
    pub fn bind<'q>(&self, query: Statement<'q>, is_of: impl Fn(Uuid) -> bool) -> Statement<'q> {
        if self.large.is_empty() {
            return query;
        }
        let large: Vec<&Large> = self.large.iter().filter(|large| is_of(large.entry)).collect();
        query
            .bind(large.iter().map(|large| large.entry).collect::<Vec<_>>())
            .bind(large.iter().map(|large| large.column.clone()).collect::<Vec<_>>())
            .bind(large.iter().map(|large| large.hash.clone()).collect::<Vec<_>>())
    }
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

/// The rows of today, `excluded`, with the references that they had when the revision was kept for the first time. A function, because its
/// plan is not started for each save.
fn with_lost_references(info: &'static ContentInfo) -> String {
    let is_join = |table: &&Table| matches!(table.key, Key::Owner | Key::OwnerIn(_));
    let tables = tables(info);
    let joins: Vec<String> = tables.iter().filter(is_join).map(|table| format!("'{}'", table.name)).collect();
    let rows = std::iter::once(info).chain(table::children(info).map(|(_, child)| child));
    let columns = rows.filter_map(|info| {
        let columns: Vec<String> = relations(info).map(|column| format!(r#""{}""#, column.name)).collect();
        (!columns.is_empty()).then(|| format!(r#""{}": [{}]"#, info.table, columns.join(", ")))
    });
    let columns: Vec<String> = columns.collect();
    format!(
        "cms.with_lost_references(excluded.content, r.content, array[{}]::text[], '{{{}}}')",
        joins.join(", "),
        columns.join(", ")
    )
}

fn relations(info: &'static ContentInfo) -> impl Iterator<Item = table::Column> {
    let fields = info.fields.iter().enumerate().filter(|(_, field)| matches!(field.shape, Shape::One(_)));
    fields.flat_map(|(index, field)| table::field_columns(index, field))
}
