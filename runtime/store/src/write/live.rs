//! Publishing copies rows from `draft` to `live`, unpublishing deletes them. The database does the work: no rows pass through the server.

use std::collections::HashMap;

use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::Connection;
use crate::record::System;
use crate::write::failure::Result;
use crate::write::table;
use model::content::{ContentInfo, RelationInfo};

/// The revisions of these entries in `live`.
pub async fn revisions(connection: &mut Connection, info: &ContentInfo, ids: &[Uuid]) -> Result<HashMap<Uuid, i64>> {
    let sql = format!(r#"select id, revision from live."{}" where id = any($1)"#, info.table);
    let rows: Vec<(Uuid, i64)> = sqlx::query_as(AssertSqlSafe(sql)).bind(ids).fetch_all(connection).await?;
    Ok(rows.into_iter().collect())
}

/// Sets when the entries were first published. Entries that are saved and published at once get it when saved.
pub async fn mark(connection: &mut Connection, info: &ContentInfo, ids: &[Uuid]) -> Result<()> {
    let sql = format!(
        r#"update draft."{}" set published_at = now() where id = any($1) and published_at is null"#,
        info.table
    );
    sqlx::query(AssertSqlSafe(sql)).bind(ids).execute(connection).await?;
    Ok(())
}

/// Deletes the live rows first, so that two entries of a batch can exchange a unique value. This affects nothing else: relations have no
/// foreign keys in `live`.
pub async fn publish(connection: &mut Connection, info: &ContentInfo, ids: &[Uuid], replaced: &[Uuid]) -> Result<()> {
    remove(connection, info, replaced).await?;
    copy(connection, info, &System::STORED, "id = any($1)", ids).await?;
    for (_, child) in table::children(info) {
        copy(connection, child, &["id", "parent_id", "position"], "parent_id = any($1)", ids).await?;
        let owners = format!(r#"owner_id in (select id from draft."{}" where parent_id = any($1))"#, child.table);
        joins(connection, child, &owners, ids).await?;
    }
    joins(connection, info, "owner_id = any($1)", ids).await
}

/// Deletes the entries and their owned rows from `live` in one statement, since `live` has no foreign keys.
pub async fn remove(connection: &mut Connection, info: &ContentInfo, ids: &[Uuid]) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
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

async fn copy(
    connection: &mut Connection,
    info: &ContentInfo,
    system: &[&str],
    condition: &str,
    ids: &[Uuid],
) -> Result<()> {
    let fields = table::columns(info).into_iter().map(|column| column.name);
    copy_columns(connection, info.table, system.iter().map(|name| (*name).to_owned()).chain(fields), condition, ids)
        .await
}

async fn joins(connection: &mut Connection, info: &ContentInfo, condition: &str, ids: &[Uuid]) -> Result<()> {
    for (_, to) in table::joins(info) {
        let columns = ["owner_id", "position"].iter().chain(to.columns).map(|column| (*column).to_owned());
        copy_columns(connection, to.join, columns, condition, ids).await?;
    }
    Ok(())
}

async fn copy_columns(
    connection: &mut Connection,
    table: &str,
    columns: impl Iterator<Item = String>,
    condition: &str,
    ids: &[Uuid],
) -> Result<()> {
    let columns: Vec<_> = columns.map(|column| format!(r#""{column}""#)).collect();
    let columns = columns.join(", ");
    let sql =
        format!(r#"insert into live."{table}" ({columns}) select {columns} from draft."{table}" where {condition}"#);
    sqlx::query(AssertSqlSafe(sql)).bind(ids).execute(connection).await?;
    Ok(())
}
