//! Review before publishing: where entries stand, and the steps of people.

use serde_json::{Map, Value as Json, json};

use super::history::first;
use super::{Api, any_entry, author, content_type, text, wrong};
use base::error::Result;
use lifecycle::review::{self, At, Next, Review, Taken, What};
use store::{Store, id};

pub async fn of(store: &Store, arguments: &Map<String, Json>) -> Result<Json> {
    let (info, entry) = any_entry(store, arguments.get("id"), &["id".into()])?;
    Ok(shown(&review::of(store, info, entry).await?))
}

pub async fn at_stage(store: &Store, arguments: &Map<String, Json>) -> Result<Json> {
    let info = content_type(store, text(arguments, "type").unwrap_or_default(), &["type".into()])?;
    let after = text(arguments, "after").map(|given| {
        info.decode(given).ok_or_else(|| {
            wrong(format!("`{}` is not the id of an entry of `{}`", model::cut(given), info.name), &["after"])
        })
    });
    let stage = text(arguments, "stage").unwrap_or_default();
    let found = review::at_stage(store, info, stage, after.transpose()?, first(store, arguments)?).await?;
    let one = |at: &At| json!({ "entry": id::encode(info.table, at.entry), "revision": at.revision });
    Ok(found.iter().map(one).collect())
}

pub async fn go(api: &Api, store: &Store, arguments: &Map<String, Json>) -> Result<Json> {
    let to = text(arguments, "stage").unwrap_or_default().to_owned();
    step(api, store, arguments, What::Move(to)).await
}

pub async fn approve(api: &Api, store: &Store, arguments: &Map<String, Json>) -> Result<Json> {
    step(api, store, arguments, What::Approve).await
}

async fn step(api: &Api, store: &Store, arguments: &Map<String, Json>, what: What) -> Result<Json> {
    let (info, entry) = any_entry(store, arguments.get("id"), &["id".into()])?;
    let revision = arguments.get("revision").and_then(Json::as_i64).unwrap_or_default();
    let comment = text(arguments, "comment").map(str::to_owned);
    Ok(shown(&review::step(store, &api.hooks, Next { info, entry, revision, what, comment }).await?))
}

fn shown(review: &Review) -> Json {
    json!({
        "entry": id::encode(review.info.table, review.entry),
        "type": review.info.name,
        "revision": review.revision,
        "stage": review.stage,
        "stages": review.stages,
        "approvalsNeeded": review.needed,
        "approvals": review.approvals.iter().map(taken).collect::<Vec<_>>(),
        "steps": review.steps.iter().map(taken).collect::<Vec<_>>(),
    })
}

fn taken(step: &Taken) -> Json {
    let mut shown = author(&step.at, &step.actor_kind, step.actor, step.role.as_deref());
    shown.insert("kind".into(), step.kind.to_ascii_uppercase().into());
    shown.insert("revision".into(), step.revision.into());
    shown.insert("from".into(), step.from.clone().into());
    shown.insert("to".into(), step.to.clone().into());
    shown.insert("comment".into(), step.comment.clone().into());
    Json::Object(shown)
}
