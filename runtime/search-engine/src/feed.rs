//! Sends changed entries to the engine, one sender at a time on all nodes. Each batch has a version that is taken before its rows are
//! read, so a late write of an earlier batch never replaces a later one.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use sqlx::Row as _;
use uuid::Uuid;

use crate::client::{Sent, written};
use crate::engine::Engine;
use crate::indexes::{self, Document, Index};
use base::error::Result;
use store::{Database, Stage};

/// Changes of a batch, and bytes of a request.
const AT_ONCE: i64 = 250;
const BYTES: usize = 4 << 20;

/// What a batch came to.
#[derive(Debug, PartialEq)]
pub enum Fed {
    /// There may be more.
    Some,
    Nothing,
    /// Indexes that the engine does not have; nothing counts as sent.
    Missing(BTreeSet<String>),
}

/// Sends a batch of what waits. If it fails, it waits again.
pub async fn feed(engine: &Engine, database: &Database) -> Result<Fed> {
    let waits = "select exists (select from search.unsent)";
    if !sqlx::query_scalar::<_, bool>(waits).fetch_one(&database.background).await? {
        return Ok(Fed::Nothing);
    }
    let mut transaction = database.background.begin().await?;
    let version = indexes::lock(&mut transaction).await?;
    // With their later changes: what is read now has these too.
    let taken = "with first as materialized (
            select distinct type, is_live, entry from (select * from search.unsent order by id limit $1) f
        ), taken as (
            delete from search.unsent u using first f
            where u.entry = f.entry and u.type = f.type and u.is_live = f.is_live
            returning u.type, u.is_live, u.entry, u.is_gone
        )
        select type, is_live, entry, bool_or(is_gone) from taken group by type, is_live, entry";
    let rows = sqlx::query(taken).bind(AT_ONCE).fetch_all(&mut *transaction).await?;
    if rows.is_empty() {
        return Ok(Fed::Nothing);
    }
    let mut changed: BTreeMap<(String, bool), BTreeMap<Uuid, bool>> = BTreeMap::new();
    for row in &rows {
        changed.entry((row.try_get(0)?, row.try_get(1)?)).or_default().insert(row.try_get(2)?, row.try_get(3)?);
    }
    let all = indexes::all(&mut transaction).await?;
    let mut lines = Vec::new();
    for ((table, is_live), entries) in changed {
        let into: Vec<&Index> = all.iter().filter(|index| index.table == table && index.is_live == is_live).collect();
        if into.is_empty() {
            continue;
        }
        let stage = if is_live { Stage::Live } else { Stage::Draft };
        let ids: Vec<Uuid> = entries.keys().copied().collect();
        let documents = indexes::documents(&mut transaction, &table, stage, &ids).await?;
        let known: BTreeSet<Uuid> = documents.iter().map(|document| document.entry).collect();
        let gone = entries.iter().filter(|(entry, is_gone)| **is_gone && !known.contains(entry));
        let gone: Vec<Uuid> = gone.map(|(entry, _)| *entry).collect();
        for index in into {
            lines.extend(documents.iter().map(|document| written_line(index, document, version)));
            lines.extend(gone.iter().map(|entry| removed_line(index, *entry, version)));
        }
    }
    let missing = send(engine, lines).await?;
    if !missing.is_empty() {
        return Ok(Fed::Missing(missing));
    }
    transaction.commit().await?;
    Ok(Fed::Some)
}

/// Sends lines in requests of bounded size; returns the indexes that are not there.
pub async fn send(engine: &Engine, lines: Vec<String>) -> Result<BTreeSet<String>> {
    let mut missing = BTreeSet::new();
    let (mut batch, mut bytes) = (Vec::new(), 0);
    let mut lines = lines.into_iter().peekable();
    while let Some(line) = lines.next() {
        bytes += line.len();
        batch.push(line);
        let is_full = lines.peek().is_none_or(|next| bytes + next.len() > BYTES);
        if is_full {
            let Sent { missing: not_there, refused, reason } = engine.client.send(std::mem::take(&mut batch)).await?;
            missing.extend(not_there.into_iter().map(|name| named(&name).to_owned()));
            if refused > 0 {
                // It would be refused again; a search by PostgreSQL finds it.
                tracing::error!(documents = refused, reason, "the search engine refuses documents");
            }
            bytes = 0;
        }
    }
    Ok(missing)
}

/// The index that is written to under this name.
fn named(name: &str) -> &str {
    name.strip_suffix("-in").unwrap_or(name)
}

pub fn written_line(index: &Index, document: &Document, version: i64) -> String {
    format!("{}\n{}", action("index", index, document.entry, version), document.json)
}

fn removed_line(index: &Index, entry: Uuid, version: i64) -> String {
    action("delete", index, entry, version)
}

fn action(what: &str, index: &Index, entry: Uuid, version: i64) -> String {
    let about = json!({
        "_index": written(&index.name), "_id": entry, "version": version, "version_type": "external", "require_alias": true,
    });
    json!({ what: about }).to_string()
}
