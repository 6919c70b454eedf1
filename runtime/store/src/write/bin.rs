//! The bin: what was deleted, with what pointed at it, until it is restored or purged.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Value as Json, json};
use sqlx::{AssertSqlSafe, Row as _};
use uuid::Uuid;

use crate::outbox::actor_of;
use crate::write::failure::Result;
use crate::write::history::names;
use crate::write::keep;
use crate::write::pointers as refs;
use crate::write::pointers::pointers;
use crate::write::row::Item;
use crate::{Connection, Stage, Store};
use base::error::Error;
use model::content::{ContentInfo, SchemaInfo};

/// References to an entry that are kept with it.
const MOST_POINTERS: i64 = 10_000;

/// A deleted entry.
#[derive(Debug)]
pub struct Binned {
    pub info: &'static ContentInfo,
    pub id: Uuid,
    /// The last one.
    pub revision: i64,
    pub pointers: Vec<Pointed>,
    /// References of the entry itself, which it lost before it was deleted.
    pub own: Vec<Pointed>,
}

/// A reference to the entry, which went with it.
#[derive(Clone, Debug, Default)]
pub struct Pointed {
    /// The table of the row that held it.
    pub table: String,
    pub row: Uuid,
    /// The entry of the row; itself, or its parent.
    pub entry: Uuid,
    pub field: String,
    /// In a list.
    pub position: Option<usize>,
    /// The revision of the entry that held it. Servers before this one did not note it.
    pub revision: Option<i64>,
    /// What was live held it, of another revision than the draft.
    pub is_live: bool,
    /// Some items before it in the list, if they may be gone too: the nearest one is the last.
    pub follows: Vec<Uuid>,
    /// In a component: a JSON pointer into the field, and the name of the component.
    pub inside: Option<(String, String)>,
    /// The entry in the bin is the one that refers to this other one, which was in the bin as well and is back: table and id.
    pub to: Option<(String, Uuid)>,
}

impl Pointed {
    fn json(&self) -> Json {
        let mut json = json!({
            "table": self.table,
            "row": self.row.to_string(),
            "entry": self.entry.to_string(),
            "field": self.field,
            "position": self.position,
            "revision": self.revision,
            "live": self.is_live,
        });
        if !self.follows.is_empty() {
            json["follows"] = self.follows.iter().map(Uuid::to_string).collect();
        }
        if let Some((pointer, tag)) = &self.inside {
            json["inside"] = json!([pointer, tag]);
        }
        if let Some((table, id)) = &self.to {
            json["to"] = json!([table, id.to_string()]);
        }
        json
    }

    fn of(json: &Json) -> Option<Self> {
        let text = |name: &str| json.get(name)?.as_str();
        let follows = json.get("follows").and_then(Json::as_array).into_iter().flatten();
        let pair = |name: &str| match json.get(name)?.as_array()?.as_slice() {
            [one, other] => Some((one.as_str()?.to_owned(), other.as_str()?.to_owned())),
            _ => None,
        };
        Some(Self {
            table: text("table")?.to_owned(),
            row: text("row")?.parse().ok()?,
            entry: text("entry")?.parse().ok()?,
            field: text("field")?.to_owned(),
            position: json.get("position").and_then(Json::as_u64).and_then(|place| usize::try_from(place).ok()),
            revision: json.get("revision").and_then(Json::as_i64),
            is_live: json.get("live").and_then(Json::as_bool).unwrap_or_default(),
            follows: follows.filter_map(|id| id.as_str()?.parse().ok()).collect(),
            inside: pair("inside"),
            to: pair("to").and_then(|(table, id)| Some((table, id.parse().ok()?))),
        })
    }
}

/// Puts entries that are about to be deleted into the bin.
pub async fn put(connection: &mut Connection, store: &Store, items: &[Item]) -> Result<()> {
    let deletion = crate::id::new_uuid();
    let (kind, actor) = actor_of(&store.access.actor.identity);
    let mut types: Vec<&'static ContentInfo> = items.iter().map(|item| item.info).collect();
    types.dedup_by_key(|info| info.table);
    for info in types {
        let of_type: Vec<&Item> = items.iter().filter(|item| item.info.table == info.table).collect();
        let ids: Vec<Uuid> = of_type.iter().map(|item| item.new.id).collect();
        keep::keep(connection, info, &ids).await?;
        let titles = refs::titles(connection, store.trusted().at(Stage::Draft), info, &ids).await?;
        let mut pointed = pointing(connection, store.schema, info, &ids).await?;
        let sql = "insert into cms.bin (type, entry, revision, deletion, title, actor_kind, actor, role, pointers)
            select $1, e.id, e.revision, $2, e.title, $3, $4, $5, e.pointers::jsonb
            from unnest($6::uuid[], $7::bigint[], $8::text[], $9::text[]) as e(id, revision, title, pointers)
            on conflict (type, entry) do update set revision = excluded.revision, deletion = excluded.deletion,
                title = excluded.title, at = now(), actor_kind = excluded.actor_kind, actor = excluded.actor,
                role = excluded.role, pointers = excluded.pointers";
        let pointers = ids.iter().map(|id| {
            let of_entry: Vec<Pointed> =
                pointed.extract_if(.., |(target, _)| target == id).map(|(_, found)| found).collect();
            of_entry.iter().map(Pointed::json).collect::<Json>().to_string()
        });
        let pointers: Vec<String> = pointers.collect();
        sqlx::query(sql)
            .bind(info.table)
            .bind(deletion)
            .bind(kind)
            .bind(actor)
            .bind(Some(&store.access.actor.role).filter(|role| !role.is_empty()))
            .bind(&ids)
            .bind(of_type.iter().map(|item| item.revision()).collect::<Vec<_>>())
            .bind(ids.iter().map(|id| titles.get(id).cloned()).collect::<Vec<_>>())
            .bind(pointers)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// The references that a deletion clears, with their targets.
async fn pointing(
    connection: &mut Connection,
    schema: &'static SchemaInfo,
    info: &'static ContentInfo,
    ids: &[Uuid],
) -> Result<Vec<(Uuid, Pointed)>> {
    let mut found = Vec::new();
    for pointer in pointers(schema, info).iter().filter(|pointer| pointer.is_cleared()) {
        for stage in [Stage::Draft, Stage::Live] {
            let Some(sql) = pointer.select_places(stage) else { continue };
            let rows =
                sqlx::query(AssertSqlSafe(sql)).bind(ids).bind(MOST_POINTERS).fetch_all(&mut *connection).await?;
            for row in rows {
                let position: Option<i64> = row.try_get(3)?;
                let pointed = Pointed {
                    table: pointer.table().to_owned(),
                    row: row.try_get(1)?,
                    entry: row.try_get(2)?,
                    field: pointer.field().to_owned(),
                    position: position.and_then(|position| usize::try_from(position).ok()),
                    revision: row.try_get(4)?,
                    is_live: stage == Stage::Live,
                    ..Pointed::default()
                };
                found.push((row.try_get(0)?, pointed));
            }
        }
    }
    Ok(found)
}

/// The entry and all that was deleted with it, the entry last; nothing if it is not in the bin.
pub async fn deletion(
    connection: &mut Connection,
    schema: &'static SchemaInfo,
    info: &'static ContentInfo,
    id: Uuid,
) -> Result<Vec<Binned>> {
    let sql = "select b.type, b.entry, b.revision, b.pointers::text from cms.bin b
        where b.deletion = (select deletion from cms.bin where type = any($1) and entry = $2)
        order by b.entry for update";
    let rows = sqlx::query(sql).bind(names(info)).bind(id).fetch_all(connection).await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        let table: String = row.try_get(0)?;
        let Some(info) = schema.types.iter().find(|info| info.is_called(&table)) else { continue };
        let pointers: String = row.try_get(3)?;
        let pointers = serde_json::from_str::<Vec<Json>>(&pointers).map_err(Error::internal)?;
        let (own, pointers) = pointers.iter().filter_map(Pointed::of).partition(|pointed| pointed.to.is_some());
        found.push(Binned { info, id: row.try_get(1)?, revision: row.try_get(2)?, pointers, own });
    }
    found.sort_by_key(|entry| entry.id == id);
    Ok(found)
}

/// Those of the entries that are in the bin. They stay there until the transaction ends.
pub async fn hold(connection: &mut Connection, ids: &[Uuid]) -> Result<HashSet<Uuid>> {
    let sql = "select entry from cms.bin where entry = any($1) order by entry for update";
    let found: Vec<Uuid> = sqlx::query_scalar(sql).bind(ids).fetch_all(connection).await?;
    Ok(found.into_iter().collect())
}

/// Notes references with entries of the bin, until they come back.
pub async fn remember(connection: &mut Connection, references: Vec<(Uuid, Pointed)>) -> Result<()> {
    let mut by_entry: BTreeMap<Uuid, Vec<Json>> = BTreeMap::new();
    for (entry, pointed) in references {
        by_entry.entry(entry).or_default().push(pointed.json());
    }
    let (ids, pointers): (Vec<Uuid>, Vec<String>) =
        by_entry.into_iter().map(|(id, pointers)| (id, Json::from(pointers).to_string())).unzip();
    let sql = "update cms.bin b set pointers = b.pointers || n.pointers::jsonb
        from unnest($1::uuid[], $2::text[]) as n(entry, pointers) where b.entry = n.entry";
    sqlx::query(sql).bind(ids).bind(pointers).execute(connection).await?;
    Ok(())
}

/// Those that are back leave the bin; they were made, and published, when that was so first.
pub async fn take_out(connection: &mut Connection, binned: &[Binned], restored: &HashSet<Uuid>) -> Result<()> {
    for entry in binned.iter().filter(|entry| restored.contains(&entry.id)) {
        let table = entry.info.table;
        connection.changes(entry.info, &[entry.id]);
        for stage in [Stage::Draft, Stage::Live] {
            sqlx::query(AssertSqlSafe(as_before(stage, table)))
                .bind(names(entry.info))
                .bind(entry.id)
                .bind(entry.revision)
                .execute(&mut *connection)
                .await?;
        }
        sqlx::query("delete from cms.bin where type = any($1) and entry = $2")
            .bind(names(entry.info))
            .bind(entry.id)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// A row has the moments and users of its last revision again. Entries without drafts were just published anew, which stays their last time.
fn as_before(stage: Stage, table: &str) -> String {
    let schema = stage.schema();
    format!(
        r#"update {schema}."{table}" t set created_at = k.created_at, created_by = k.created_by,
            first_published_at = coalesce(k.first_published_at, k.published_at, t.first_published_at),
            published_at = coalesce(t.published_at, k.published_at),
            published_by = case when t.published_at is null then k.published_by else t.published_by end
        from (
            select (row->>'created_at')::timestamptz as created_at, (row->>'created_by')::uuid as created_by,
                (row->>'first_published_at')::timestamptz as first_published_at,
                (row->>'published_at')::timestamptz as published_at, (row->>'published_by')::uuid as published_by
            from (
                select r.content->r.type->0 as row from cms.revision r
                where r.type = any($1) and r.entry = $2 and r.revision = $3
            ) kept
        ) k
        where t.id = $2 and k.created_at is not null"#
    )
}

/// Forgets entries of the bin with their history.
pub async fn purge(connection: &mut Connection, info: &'static ContentInfo, ids: &[Uuid]) -> Result<u64> {
    let sql = "with gone as (delete from cms.bin where type = any($1) and entry = any($2) returning entry),
        forgotten as (delete from cms.revision where type = any($1) and entry in (select entry from gone)),
        emptied as (delete from cms.kept_value where type = any($1) and entry in (select entry from gone)),
        no_more as (delete from cms.redirect where type = any($1) and entry in (select entry from gone)),
        silenced as (delete from cms.comment where type = any($1) and entry in (select entry from gone)),
        unreviewed as (delete from cms.review where type = any($1) and entry in (select entry from gone)),
        untold as (delete from cms.review_step where type = any($1) and entry in (select entry from gone))
        select count(*) from gone";
    let count: i64 = sqlx::query_scalar(sql).bind(names(info)).bind(ids).fetch_one(connection).await?;
    Ok(u64::try_from(count).unwrap_or_default())
}
