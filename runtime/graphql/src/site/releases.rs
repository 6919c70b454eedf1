//! Releases: sets of changes that are prepared, checked and published together.

use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use super::history::first;
use super::{Api, Shape, any_entry, problem_shown, schedules, text, wrong};
use base::error::{Problem, Result, Step};
use lifecycle::preview::Version;
use lifecycle::release::{self, Asked, Item, Named, NewItem, Release};
use store::access::{API_TOKEN_PREFIX, USER_PREFIX};
use store::write::together::Change;
use store::{Store, id};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReleaseField {
    Releases,
    Release,
    Check,
    Create,
    Update,
    Delete,
    Add,
    Remove,
    Publish,
    Schedule,
    Unschedule,
    Undo,
}

/// Changes of one call.
const MOST_CHANGES: usize = 500;

impl ReleaseField {
    pub const ALL: [Self; 12] = [
        Self::Releases,
        Self::Release,
        Self::Check,
        Self::Create,
        Self::Update,
        Self::Delete,
        Self::Add,
        Self::Remove,
        Self::Publish,
        Self::Schedule,
        Self::Unschedule,
        Self::Undo,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Releases => "releases",
            Self::Release => "release",
            Self::Check => "releaseCheck",
            Self::Create => "createRelease",
            Self::Update => "updateRelease",
            Self::Delete => "deleteRelease",
            Self::Add => "addToRelease",
            Self::Remove => "removeFromRelease",
            Self::Publish => "publishRelease",
            Self::Schedule => "scheduleRelease",
            Self::Unschedule => "unscheduleRelease",
            Self::Undo => "undoRelease",
        }
    }

    pub fn writes(self) -> bool {
        !matches!(self, Self::Releases | Self::Release | Self::Check)
    }

    pub async fn answer(self, api: &Api, store: &Store, arguments: &Map<String, Json>, shape: &Shape) -> Result<Json> {
        let hooks = &api.hooks;
        let named = || release_id(text(arguments, "id").unwrap_or_default(), "id");
        let made = match self {
            Self::Releases => return list(store, arguments, shape).await,
            Self::Release => match release::get(store, named()?).await? {
                Some(found) => found,
                None => return Ok(Json::Null),
            },
            Self::Check => {
                let problems = release::check(store, hooks, named()?).await?;
                return Ok(problems.iter().map(problem_shown).collect());
            }
            Self::Delete => {
                let deleted = release::delete(store, hooks, named()?).await?;
                return Ok(id::encode(release::PREFIX, deleted).into());
            }
            Self::Create => release::create(store, hooks, called(arguments)).await?,
            Self::Update => release::rename(store, hooks, named()?, called(arguments)).await?,
            Self::Add => release::add(store, hooks, named()?, new_items(store, arguments)?).await?,
            Self::Remove => release::remove(store, hooks, named()?, entries(store, arguments)?).await?,
            Self::Publish => release::publish(store, hooks, named()?).await?,
            Self::Schedule => release::schedule(store, hooks, named()?, schedules::moment(arguments, "at")?).await?,
            Self::Unschedule => release::unschedule(store, hooks, named()?).await?,
            Self::Undo => {
                let force = arguments.get("force") == Some(&Json::Bool(true));
                release::undo(store, hooks, named()?, force).await?
            }
        };
        shown(store, &made, shape).await
    }
}

async fn list(store: &Store, arguments: &Map<String, Json>, shape: &Shape) -> Result<Json> {
    let state = text(arguments, "state").map(str::to_ascii_lowercase);
    let after = text(arguments, "after").map(|given| release_id(given, "after")).transpose()?;
    let entry = arguments.get("entry").filter(|id| !id.is_null());
    let entry = entry.map(|id| any_entry(store, Some(id), &["entry".into()])).transpose()?;
    let asked = Asked { state: state.as_deref(), entry, after, limit: first(store, arguments)? };
    let found = release::list(store, asked).await?;
    let mut all = Vec::with_capacity(found.len());
    for release in &found {
        all.push(shown(store, release, shape).await?);
    }
    Ok(all.into())
}

/// The release that an argument names.
pub fn release_id(given: &str, argument: &str) -> Result<Uuid> {
    let found = id::decode(given).filter(|(prefix, _)| *prefix == release::PREFIX);
    let message = || format!("`{}` is not the id of a release", model::cut(given));
    found.map(|(_, uuid)| uuid).ok_or_else(|| wrong(message(), &[argument]))
}

/// The version of the site that the arguments of a read name.
pub fn version(arguments: &Map<String, Json>) -> Result<Version> {
    if arguments.get("stage").and_then(Json::as_str) == Some("DRAFT") {
        return Err(wrong("`release` and `at` are about what is published: the stage must be `LIVE`", &["stage"]));
    }
    match (text(arguments, "release"), text(arguments, "at")) {
        (Some(_), Some(_)) => Err(wrong("give either `release` or `at`", &["at"])),
        (Some(given), None) => Ok(Version::Release(release_id(given, "release")?)),
        (None, given) => {
            let given = given.unwrap_or_default();
            let moment = given.parse::<model::Timestamp>();
            let message = || format!("`{}` is not a time such as `2026-12-24T08:00:00Z`", model::cut(given));
            Ok(Version::At(moment.map_err(|_| wrong(message(), &["at"]))?))
        }
    }
}

fn called(arguments: &Map<String, Json>) -> Named {
    Named {
        title: text(arguments, "title").map(str::to_owned),
        description: arguments.get("description").map(|given| given.as_str().map(str::to_owned)),
    }
}

fn new_items(store: &Store, arguments: &Map<String, Json>) -> Result<Vec<NewItem>> {
    let given = arguments.get("changes").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
    if given.len() > MOST_CHANGES {
        return Err(wrong(format!("at most {MOST_CHANGES} changes can be given at once"), &["changes"]));
    }
    let item = |(place, given): (usize, &Json)| {
        let (info, entry) = any_entry(store, given.get("entry"), &["changes".into(), place.into(), "entry".into()])?;
        let revision = given.get("revision").and_then(Json::as_i64);
        let change = match given.get("action").and_then(Json::as_str) {
            Some("UNPUBLISH") => Change::Unpublish,
            Some("DELETE") => Change::Delete,
            _ => Change::Publish(revision),
        };
        if revision.is_some() && !matches!(change, Change::Publish(_)) {
            let path: [Step; 3] = ["changes".into(), place.into(), "revision".into()];
            let message = "only a publication has a revision";
            return Err(Problem::new(base::error::Code::BadUserInput, message).at(path).into());
        }
        let force = change == Change::Unpublish && given.get("force") == Some(&Json::Bool(true));
        Ok(NewItem { info, entry, change, force })
    };
    given.iter().enumerate().map(item).collect()
}

fn entries(store: &Store, arguments: &Map<String, Json>) -> Result<Vec<Uuid>> {
    let given = arguments.get("entries").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
    let entry = |(place, given): (usize, &Json)| {
        any_entry(store, Some(given), &["entries".into(), place.into()]).map(|(_, entry)| entry)
    };
    given.iter().enumerate().map(entry).collect()
}

/// The changes are looked up if they are asked for.
async fn shown(store: &Store, of: &Release, shape: &Shape) -> Result<Json> {
    let is_asked = ["changes", "hidden", "problems"].iter().any(|name| shape.has(name));
    let (items, hidden) = if is_asked { release::items(store, of.id).await? } else { (Vec::new(), 0) };
    let ids: Vec<String> = items.iter().map(|item| id::encode(item.info.table, item.entry)).collect();
    // A problem tells of its entry, which the actor may not see.
    let may_know = |problem: &&Json| {
        let entry = problem["path"][0].as_str();
        hidden == 0 || entry.is_some_and(|entry| ids.iter().any(|id| id == entry))
    };
    let problems: Vec<&Json> = of.problems.as_array().into_iter().flatten().filter(may_know).collect();
    let prefix = if of.actor_kind == "token" { API_TOKEN_PREFIX } else { USER_PREFIX };
    Ok(json!({
        "id": id::encode(release::PREFIX, of.id),
        "title": of.title,
        "description": of.description,
        "state": of.state.to_ascii_uppercase(),
        "changes": items.iter().map(change).collect::<Vec<_>>(),
        "size": of.size,
        "hidden": hidden,
        "at": of.at,
        "localTime": of.local_time,
        "zone": of.zone,
        "problems": problems,
        "actorKind": of.actor_kind.to_ascii_uppercase(),
        "actor": of.actor.map(|actor| id::encode(prefix, actor)),
        "role": of.role,
        "createdAt": of.created_at,
        "publishedAt": of.published_at,
    }))
}

fn change(item: &Item) -> Json {
    let revision = match item.change {
        Change::Publish(revision) => revision,
        _ => None,
    };
    json!({
        "entry": id::encode(item.info.table, item.entry),
        "type": item.info.name,
        "action": item.action().to_ascii_uppercase(),
        "revision": revision,
        "isImplied": item.is_implied,
        "before": item.before,
        "otherReleases": item.others.iter().map(|other| id::encode(release::PREFIX, *other)).collect::<Vec<_>>(),
    })
}
