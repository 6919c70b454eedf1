//! Publishing copies rows from `draft` to `live`, unpublishing deletes them. The database does the work: no rows pass through the server.

use std::collections::HashMap;

use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::record::System;
use crate::write::failure::Result;
use crate::write::table;
use crate::{Connection, Scope};
use model::content::{ContentInfo, RelationInfo};

/// The revisions of these entries in `live`.
pub async fn revisions(connection: &mut Connection, info: &ContentInfo, ids: &[Uuid]) -> Result<HashMap<Uuid, i64>> {
    let sql = format!(r#"select id, revision from live."{}" where id = any($1)"#, info.table);
    let rows: Vec<(Uuid, i64)> = sqlx::query_as(AssertSqlSafe(sql)).bind(ids).fetch_all(connection).await?;
    Ok(rows.into_iter().collect())
}

/// The first publication of a draft `t` that is published now. Rows of a server that did not tell the two moments apart have only one.
pub const FIRST: &str = "coalesce(t.first_published_at, t.published_at, now())";

/// Notes when and by whom the entries are published. Entries that are saved and published at once get it when saved.
pub async fn mark(connection: &mut Connection, info: &ContentInfo, ids: &[Uuid], user: Option<Uuid>) -> Result<()> {
    let sql = format!(
        r#"update draft."{}" t set published_at = now(), first_published_at = {FIRST}, published_by = $2 where id = any($1)"#,
        info.table
    );
    sqlx::query(AssertSqlSafe(sql)).bind(ids).bind(user).execute(connection).await?;
    Ok(())
}

/// Deletes the live rows first, so that two entries of a batch can exchange a unique value. This affects nothing else: relations have no
/// foreign keys in `live`.
pub async fn publish(
    connection: &mut Connection,
    from: Scope<'_>,
    info: &'static ContentInfo,
    ids: &[Uuid],
    replaced: &[Uuid],
) -> Result<()> {
    connection.changes(info, ids);
    remove(connection, info, replaced).await?;
    let listed = |info: &'static ContentInfo, system: &[&str]| {
        let fields = table::columns(info).into_iter().map(|column| column.name);
        system.iter().map(|name| (*name).to_owned()).chain(fields).collect::<Vec<_>>()
    };
    copy(connection, from, info.table, &listed(info, &System::STORED), Owned::By("id"), ids).await?;
    for (_, child) in table::children(info) {
        let columns = listed(child, &["id", "parent_id", "position"]);
        copy(connection, from, child.table, &columns, Owned::By("parent_id"), ids).await?;
        joins(connection, from, child, Owned::ByChildren(child.table), ids).await?;
    }
    joins(connection, from, info, Owned::By("owner_id"), ids).await
}

/// A kept revision is older than its publication, of which the draft has the particulars.
pub async fn follow_publication(connection: &mut Connection, info: &ContentInfo, id: Uuid) -> Result<()> {
    connection.changes(info, &[id]);
    let sql = format!(
        r#"update live."{0}" l set published_at = d.published_at, first_published_at = d.first_published_at, published_by = d.published_by
        from draft."{0}" d where d.id = l.id and l.id = $1"#,
        info.table
    );
    sqlx::query(AssertSqlSafe(sql)).bind(id).execute(connection).await?;
    Ok(())
}

/// Deletes the entries and their owned rows from `live` in one statement, since `live` has no foreign keys.
pub async fn remove(connection: &mut Connection, info: &ContentInfo, ids: &[Uuid]) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    connection.changes(info, ids);
    sqlx::query(AssertSqlSafe(removal(info))).bind(ids).execute(connection).await?;
    Ok(())
}

fn removal(info: &ContentInfo) -> String {
    let join = |(_, to): (usize, RelationInfo)| format!(r#"delete from live."{}" where owner_id = any($1)"#, to.join);
    let mut owned: Vec<String> = table::joins(info).map(join).collect();
    for (_, child) in table::children(info) {
        let rows = format!(r#"select id from live."{}" where parent_id = any($1)"#, child.table);
        let join =
            |(_, to): (usize, RelationInfo)| format!(r#"delete from live."{}" where owner_id in ({rows})"#, to.join);
        owned.extend(table::joins(child).map(join));
        owned.push(format!(r#"delete from live."{}" where parent_id = any($1)"#, child.table));
    }
    let owned: Vec<_> = owned.iter().enumerate().map(|(at, delete)| format!("gone_{at} as ({delete})")).collect();
    let with = if owned.is_empty() { String::new() } else { format!("with {} ", owned.join(", ")) };
    format!(r#"{with}delete from live."{}" where id = any($1)"#, info.table)
}

/// Which rows belong to the entries.
#[derive(Clone, Copy)]
enum Owned {
    By(&'static str),
    /// The owners are rows of these children.
    ByChildren(&'static str),
}

async fn joins(
    connection: &mut Connection,
    from: Scope<'_>,
    info: &'static ContentInfo,
    owned: Owned,
    ids: &[Uuid],
) -> Result<()> {
    for (_, to) in table::joins(info) {
        let columns: Vec<_> =
            ["owner_id", "position"].iter().chain(to.columns).map(|column| (*column).to_owned()).collect();
        copy(connection, from, to.join, &columns, owned, ids).await?;
    }
    Ok(())
}

async fn copy(
    connection: &mut Connection,
    from: Scope<'_>,
    table: &'static str,
    columns: &[String],
    owned: Owned,
    ids: &[Uuid],
) -> Result<()> {
    let columns: Vec<_> = columns.iter().map(|column| format!(r#""{column}""#)).collect();
    let columns = columns.join(", ");
    let mut sql = from.sql();
    sql.push(&format!(r#"insert into live."{table}" ({columns}) select {columns} from "#));
    from.push_rows(table, &mut sql);
    sql.push(" t where ");
    match owned {
        Owned::By(column) => _ = sql.push(column).push(" = any(").ids().push(")"),
        Owned::ByChildren(child) => {
            sql.push("owner_id in (select id from ");
            from.push_rows(child, &mut sql);
            sql.push(" c where parent_id = any(").ids().push("))");
        }
    }
    sql.bind(ids)?.execute_within(connection).await?;
    Ok(())
}
