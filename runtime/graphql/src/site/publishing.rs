//! Publishing of entries of any type: checks, what a publication takes along, and many at once.

use serde_json::{Map, Value as Json, json};

use super::{Api, any_entry, problem_shown, wrong};
use base::error::Result;
use store::write;
use store::{Store, id};

/// Entries of one call of `publishEach`, each of which is a transaction.
const MOST: usize = 100;

/// The problems that prevent publishing an entry of any type.
pub async fn check(store: &Store, arguments: &Map<String, Json>) -> Result<Json> {
    let (info, id) = any_entry(store, arguments.get("id"), &["id".into()])?;
    let problems = write::publish_check(store, info, id).await?;
    Ok(problems.iter().map(problem_shown).collect())
}

pub async fn dependencies(store: &Store, arguments: &Map<String, Json>) -> Result<Json> {
    let (info, entry) = any_entry(store, arguments.get("id"), &["id".into()])?;
    let found = write::dependencies(store, info, entry).await?;
    let shown = |of: &write::Dependency| json!({ "id": id::encode(of.info.table, of.id), "type": of.info.name, "title": of.title });
    Ok(found.iter().map(shown).collect())
}

pub async fn each(api: &Api, store: &Store, arguments: &Map<String, Json>) -> Result<Json> {
    let given = arguments.get("ids").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
    if given.len() > MOST {
        return Err(wrong(format!("at most {MOST} entries can be published at once"), &["ids"]));
    }
    let entry = |(place, given): (usize, &Json)| any_entry(store, Some(given), &["ids".into(), place.into()]);
    let entries: Vec<_> = given.iter().enumerate().map(entry).collect::<Result<_>>()?;
    let mut outcomes = Vec::with_capacity(entries.len());
    for (info, entry) in entries {
        let problems = match write::publish_latest(store, &api.hooks, info, entry).await {
            Ok(()) => Vec::new(),
            Err(error) => error.problems,
        };
        outcomes.push(json!({
            "id": id::encode(info.table, entry),
            "isPublished": problems.is_empty(),
            "problems": problems.iter().map(problem_shown).collect::<Vec<_>>(),
        }));
    }
    Ok(outcomes.into())
}
