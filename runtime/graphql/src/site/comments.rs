//! Comments on entries: threads, and the changes of them.

use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use super::history::first;
use super::{Api, account, any_entry, author, text, wrong};
use base::error::{Error, Problem, Result, Step};
use lifecycle::comments::{self, Change, Comment, Filter, PREFIX, Said};
use store::access::USER_PREFIX;
use store::{Store, id};

pub async fn list(store: &Store, arguments: &Map<String, Json>) -> Result<Json> {
    let (info, entry) = any_entry(store, arguments.get("entry"), &["entry".into()])?;
    let filter = Filter {
        info,
        entry,
        field: text(arguments, "field").map(str::to_owned),
        resolved: arguments.get("resolved").and_then(Json::as_bool),
        after: text(arguments, "after").map(|given| comment_id(given, "after")).transpose()?,
    };
    let found = comments::list(store, &filter, first(store, arguments)?).await?;
    Ok(found.iter().map(thread).collect())
}

pub async fn begin(api: &Api, store: &Store, arguments: &Map<String, Json>) -> Result<Json> {
    let (info, entry) = any_entry(store, arguments.get("id"), &["id".into()])?;
    let field = text(arguments, "field").map(str::to_owned);
    made(api, store, Change::Begin { info, entry, field, said: said(arguments)? }).await
}

pub async fn reply(api: &Api, store: &Store, arguments: &Map<String, Json>) -> Result<Json> {
    made(api, store, Change::Reply { to: of(arguments)?, said: said(arguments)? }).await
}

pub async fn edit(api: &Api, store: &Store, arguments: &Map<String, Json>) -> Result<Json> {
    made(api, store, Change::Edit { comment: of(arguments)?, said: said(arguments)? }).await
}

pub async fn resolve(api: &Api, store: &Store, arguments: &Map<String, Json>, resolved: bool) -> Result<Json> {
    made(api, store, Change::Resolve { comment: of(arguments)?, resolved }).await
}

pub async fn delete(api: &Api, store: &Store, arguments: &Map<String, Json>) -> Result<Json> {
    let gone = comments::change(store, &api.hooks, &*api.standing, Change::Delete { comment: of(arguments)? }).await?;
    Ok(id::encode(PREFIX, gone).into())
}

async fn made(api: &Api, store: &Store, change: Change) -> Result<Json> {
    let first = comments::change(store, &api.hooks, &*api.standing, change).await?;
    Ok(thread(&comments::one(store, first).await?))
}

fn of(arguments: &Map<String, Json>) -> Result<Uuid> {
    comment_id(text(arguments, "id").unwrap_or_default(), "id")
}

fn said(arguments: &Map<String, Json>) -> Result<Said> {
    let given = arguments.get("mentions").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
    let user = |(place, given): (usize, &Json)| {
        let given = given.as_str().unwrap_or_default();
        let known = id::decode(given).filter(|(prefix, _)| *prefix == USER_PREFIX).map(|(_, user)| user);
        known.ok_or_else(|| {
            let problem: Error = wrong(format!("`{}` is not the id of a user", model::cut(given)), &["mentions"]);
            let at = |problem: Problem| Problem { path: vec!["mentions".into(), Step::from(place)], ..problem };
            Error { problems: problem.problems.into_iter().map(at).collect() }
        })
    };
    Ok(Said {
        text: text(arguments, "text").unwrap_or_default().to_owned(),
        mentions: given.iter().enumerate().map(user).collect::<Result<_>>()?,
    })
}

fn comment_id(given: &str, argument: &str) -> Result<Uuid> {
    let found = id::decode(given).filter(|(prefix, _)| *prefix == PREFIX);
    let message = || format!("`{}` is not the id of a comment", model::cut(given));
    found.map(|(_, uuid)| uuid).ok_or_else(|| wrong(message(), &[argument]))
}

fn thread(comment: &Comment) -> Json {
    let mut shown = shown(comment);
    let more = json!({
        "entry": id::encode(comment.info.table, comment.entry),
        "type": comment.info.name,
        "field": comment.field,
        "resolvedAt": comment.resolved_at,
        "resolvedBy": account(comment.resolved_kind.as_deref().unwrap_or_default(), comment.resolved_by),
        "replies": comment.replies.iter().map(|reply| Json::Object(self::shown(reply))).collect::<Vec<_>>(),
    });
    if let Json::Object(more) = more {
        shown.extend(more);
    }
    Json::Object(shown)
}

fn shown(comment: &Comment) -> Map<String, Json> {
    let mut shown = author(&comment.at, &comment.actor_kind, comment.actor, comment.role.as_deref());
    shown.insert("id".into(), id::encode(PREFIX, comment.id).into());
    shown.insert("text".into(), comment.text.clone().into());
    let mentions: Vec<String> = comment.mentions.iter().map(|user| id::encode(USER_PREFIX, *user)).collect();
    shown.insert("mentions".into(), mentions.into());
    shown.insert("editedAt".into(), comment.edited_at.clone().into());
    shown
}
