//! Scheduled publishing: made, listed, moved, cancelled, tried again.

use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use super::history::first;
use super::{Api, any_entry, author, text, wrong};
use base::error::{Error, Problem, Result, Step};
use lifecycle::moment::Moment;
use lifecycle::schedule::{self, Action, Edit, Filter, New, Scheduled};
use store::{Store, id};

pub async fn list(store: &Store, arguments: &Map<String, Json>) -> Result<Json> {
    let entry = arguments.get("entry").filter(|id| !id.is_null());
    let filter = Filter {
        entry: entry.map(|id| any_entry(store, Some(id), &["entry".into()])).transpose()?,
        state: text(arguments, "state").map(str::to_ascii_lowercase),
        after: text(arguments, "after").map(|given| change_id(given, "after")).transpose()?,
    };
    let found = schedule::list(store, &filter, first(store, arguments)?).await?;
    Ok(found.iter().map(shown).collect())
}

pub async fn publish(api: &Api, store: &Store, arguments: &Map<String, Json>) -> Result<Json> {
    let new = new(store, arguments, Action::Publish, "at")?;
    one(schedule::schedule(store, &api.hooks, vec![new]).await?)
}

pub async fn unpublish(api: &Api, store: &Store, arguments: &Map<String, Json>) -> Result<Json> {
    let new = new(store, arguments, Action::Unpublish, "at")?;
    one(schedule::schedule(store, &api.hooks, vec![new]).await?)
}

pub async fn window(api: &Api, store: &Store, arguments: &Map<String, Json>) -> Result<Json> {
    let from = new(store, arguments, Action::Publish, "from")?;
    let until = new(store, arguments, Action::Unpublish, "until")?;
    if until.moment.at <= from.moment.at {
        return Err(wrong("`until` must be later than `from`", &["until"]));
    }
    let made = schedule::schedule(store, &api.hooks, vec![from, until]).await?;
    Ok(made.iter().map(shown).collect())
}

pub async fn edit(api: &Api, store: &Store, arguments: &Map<String, Json>, edit: Edit) -> Result<Json> {
    let change = change_id(text(arguments, "id").unwrap_or_default(), "id")?;
    Ok(shown(&schedule::edit(store, &api.hooks, change, edit).await?))
}

/// The time that the arguments give; its problems are about the argument `name`.
pub fn moment(arguments: &Map<String, Json>, name: &'static str) -> Result<Moment> {
    let moment = Moment::parse(text(arguments, name).unwrap_or_default(), text(arguments, "zone"));
    moment.map_err(|problem| {
        let is_time = problem.path == [Step::from("at")];
        let path = if is_time { vec![Step::from(name)] } else { problem.path.clone() };
        Error::from(Problem { path, ..problem })
    })
}

fn new(store: &Store, arguments: &Map<String, Json>, action: Action, name: &'static str) -> Result<New> {
    let (info, entry) = any_entry(store, arguments.get("id"), &["id".into()])?;
    let revision = match action {
        Action::Publish => arguments.get("revision").and_then(Json::as_i64),
        Action::Unpublish => None,
    };
    let force = action == Action::Unpublish && arguments.get("force") == Some(&Json::Bool(true));
    Ok(New { info, entry, action, revision, force, moment: moment(arguments, name)? })
}

fn change_id(given: &str, argument: &str) -> Result<Uuid> {
    let found = id::decode(given).filter(|(prefix, _)| *prefix == lifecycle::PREFIX);
    let message = || format!("`{}` is not the id of a scheduled change", model::cut(given));
    found.map(|(_, uuid)| uuid).ok_or_else(|| wrong(message(), &[argument]))
}

fn one(made: Vec<Scheduled>) -> Result<Json> {
    made.first().map(shown).ok_or_else(|| Error::internal("a scheduled change cannot be found"))
}

fn shown(change: &Scheduled) -> Json {
    let mut shown = author(&change.at, &change.actor_kind, change.actor, change.role.as_deref());
    let more = json!({
        "id": id::encode(lifecycle::PREFIX, change.id),
        "entry": id::encode(change.info.table, change.entry),
        "type": change.info.name,
        "action": change.action.to_ascii_uppercase(),
        "revision": change.revision,
        "force": change.force,
        "localTime": change.local_time,
        "zone": change.zone,
        "state": change.state.to_ascii_uppercase(),
        "problems": change.problems,
        "endedAt": change.ended_at,
    });
    if let Json::Object(more) = more {
        shown.extend(more);
    }
    Json::Object(shown)
}
