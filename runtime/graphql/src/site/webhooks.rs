//! Webhooks and their deliveries: the root fields that list, make, change, test and replay them.

use async_graphql::parser::types::{BaseType, Type};
use async_graphql_value::Name;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use super::{content_type, text, wrong};
use crate::Api;
use crate::coerce::{Coercion, Raw};
use base::error::{Code, Error, Problem, Result, Step};
use model::content::ContentInfo;
use model::cut;
use model::kind::Kind;
use model::timestamp::Timestamp;
use store::access::{ANONYMOUS, Area, Identity};
use store::hooks::EventKind;
use store::{Stage, Store, id, page};
use webhooks::{DELIVERY_PREFIX, Delivery, PREFIX, Part, State, Wanted, Webhook, Webhooks};

/// Deliveries of a page that is asked for without `first`.
const PAGE: usize = 20;

pub async fn list(store: &Store) -> Result<Json> {
    Ok(webhooks::all(store).await?.iter().map(|webhook| shown(store, webhook)).collect())
}

pub async fn one(store: &Store, arguments: &Map<String, Json>) -> Result<Json> {
    let found = webhooks::find_webhook(store, webhook_id(arguments, "id")?).await?;
    Ok(found.map_or(Json::Null, |webhook| shown(store, &webhook)))
}

pub async fn delivery(store: &Store, arguments: &Map<String, Json>) -> Result<Json> {
    let found = webhooks::find(store, delivery_id(arguments)?).await?;
    Ok(found.map_or(Json::Null, |delivery| shown_delivery(store, &delivery)))
}

pub async fn deliveries(store: &Store, arguments: &Map<String, Json>) -> Result<Json> {
    let mut problems = Vec::new();
    let first = page::size(arguments, "first", store.schema.site.limits.page, &mut problems);
    if !problems.is_empty() {
        return Err(Error { problems });
    }
    let webhook = text(arguments, "webhook").map(|_| webhook_id(arguments, "webhook")).transpose()?;
    let state = text(arguments, "state").and_then(|state| state.to_ascii_lowercase().parse::<State>().ok());
    let after = text(arguments, "after").map(read_cursor).transpose()?;
    let size = first.unwrap_or(PAGE);
    let mut found = webhooks::deliveries(store, &Part { webhook, state, after, most: size + 1 }).await?;
    let more = found.len() > size;
    found.truncate(size);
    let nodes: Vec<_> = found.iter().map(|delivery| shown_delivery(store, delivery)).collect();
    let cursors: Vec<_> = found.iter().map(|delivery| URL_SAFE_NO_PAD.encode(delivery.seq.to_be_bytes())).collect();
    let edges: Vec<_> =
        cursors.iter().zip(&nodes).map(|(cursor, node)| json!({"cursor": cursor, "node": node})).collect();
    let info = json!({
        "hasNextPage": more,
        "hasPreviousPage": after.is_some(),
        "startCursor": cursors.first(),
        "endCursor": cursors.last(),
    });
    Ok(json!({"edges": edges, "nodes": nodes, "pageInfo": info}))
}

pub async fn create(api: &Api, store: &Store, arguments: &Map<String, Json>) -> Result<Json> {
    let nothing = Wanted {
        name: String::new(),
        url: String::new(),
        types: None,
        actions: None,
        filter: None,
        document: None,
        role: None,
        enabled: true,
    };
    let wanted = checked(api, store, wanted(store, nothing, arguments)?, None).await?;
    let (webhook, secret) = set_up(api)?.create(store, &wanted).await?;
    Ok(json!({ "webhook": shown(store, &webhook), "secret": secret }))
}

pub async fn update(api: &Api, store: &Store, arguments: &Map<String, Json>) -> Result<Json> {
    let id = webhook_id(arguments, "id")?;
    let before = webhooks::find_webhook(store, id).await?.ok_or_else(|| missing(id))?;
    let wanted = checked(api, store, wanted(store, before.wanted.clone(), arguments)?, Some(&before.wanted)).await?;
    Ok(shown(store, &set_up(api)?.update(store, &before, &wanted).await?))
}

pub async fn delete(api: &Api, store: &Store, arguments: &Map<String, Json>) -> Result<Json> {
    let id = webhook_id(arguments, "id")?;
    set_up(api)?.delete(store, id).await?;
    Ok(id::encode(PREFIX, id).into())
}

pub async fn rotate(api: &Api, store: &Store, arguments: &Map<String, Json>) -> Result<Json> {
    let (webhook, secret) = set_up(api)?.rotate(store, webhook_id(arguments, "id")?).await?;
    Ok(json!({ "webhook": shown(store, &webhook), "secret": secret }))
}

pub async fn test(store: &Store, arguments: &Map<String, Json>) -> Result<Json> {
    Ok(shown_delivery(store, &webhooks::test(store, webhook_id(arguments, "id")?).await?))
}

pub async fn replay(store: &Store, arguments: &Map<String, Json>) -> Result<Json> {
    Ok(shown_delivery(store, &webhooks::replay(store, delivery_id(arguments)?).await?))
}

pub async fn replay_since(store: &Store, arguments: &Map<String, Json>) -> Result<Json> {
    let id = webhook_id(arguments, "webhook")?;
    let since = arguments.get("since").unwrap_or(&Json::Null);
    let value = Kind::Datetime.parse(since, &store.schema.site).map_err(|message| wrong(message, &["since"]))?;
    let since: Option<Timestamp> = value.text(0).and_then(|text| text.parse().ok());
    let since = since.ok_or_else(|| wrong("`since` is not a time such as `2026-05-01T10:00:00Z`", &["since"]))?;
    let count = webhooks::replay_since(store, id, since).await?;
    Ok(i32::try_from(count).unwrap_or(i32::MAX).into())
}

fn set_up(api: &Api) -> Result<&Webhooks> {
    api.webhooks.as_ref().ok_or_else(|| Error::internal("this server has no webhooks"))
}

/// What is given in place of what was.
fn wanted(store: &Store, before: Wanted, arguments: &Map<String, Json>) -> Result<Wanted> {
    let nothing = Map::new();
    let input = arguments.get("input").and_then(Json::as_object).unwrap_or(&nothing);
    let mut wanted = before;
    for name in ["name", "url", "enabled"] {
        if input.get(name).is_some_and(Json::is_null) {
            return Err(wrong(format!("`{name}` must not be null"), &["input", name]));
        }
    }
    let optional = |name: &str| input.get(name).map(|value| value.as_str().map(str::to_owned));
    wanted.name = optional("name").flatten().unwrap_or(wanted.name);
    wanted.url = optional("url").flatten().unwrap_or(wanted.url);
    wanted.document = optional("document").unwrap_or(wanted.document);
    wanted.role = optional("role").unwrap_or(wanted.role).filter(|role| role != ANONYMOUS);
    wanted.enabled = input.get("enabled").and_then(Json::as_bool).unwrap_or(wanted.enabled);
    if let Some(filter) = input.get("filter") {
        wanted.filter = Some(filter.clone()).filter(|filter| !filter.is_null());
    }
    if let Some(actions) = input.get("actions") {
        let named = |name: &str| EventKind::ALL.into_iter().find(|kind| kind.as_str().eq_ignore_ascii_case(name));
        let actions = actions.as_array().map(|names| names.iter().filter_map(|name| named(name.as_str()?)).collect());
        wanted.actions = actions.filter(|actions: &Vec<EventKind>| !actions.is_empty());
    }
    if let Some(types) = input.get("types") {
        let names = types.as_array().map_or(&[][..], Vec::as_slice).iter().enumerate();
        let tables = names.map(|(place, name)| {
            let path = ["input".into(), "types".into(), Step::from(place)];
            content_type(store, name.as_str().unwrap_or_default(), &path).map(|info| info.table.to_owned())
        });
        let tables = tables.collect::<Result<Vec<_>>>()?;
        wanted.types = Some(tables).filter(|tables| !tables.is_empty());
    }
    Ok(wanted)
}

/// Against the schema, and against what the actor may do: nobody has more sent than they may read.
async fn checked(api: &Api, store: &Store, wanted: Wanted, before: Option<&Wanted>) -> Result<Wanted> {
    let mut wanted = set_up(api)?.check(wanted)?;
    let is_only_switched = before.is_some_and(|before| {
        *before == Wanted { name: before.name.clone(), enabled: before.enabled, ..wanted.clone() }
    });
    if is_only_switched {
        return Ok(wanted);
    }
    if let (Some(filter), Some([table])) = (&wanted.filter, wanted.types.as_deref()) {
        let info = store.schema.types.iter().find(|info| info.is_called(table));
        let info = info.ok_or_else(|| wrong("its content type does not exist any more", &["input", "types"]))?;
        wanted.filter = Some(checked_filter(api, store, info, filter)?);
    }
    if let Some(document) = &wanted.document {
        check_role(api, store, wanted.role.as_deref())?;
        api.check_document(document, wanted.role.as_deref()).await.map_err(|problems| Error {
            problems: problems
                .into_iter()
                .map(|problem| Problem { path: vec!["input".into(), "document".into()], ..problem })
                .collect(),
        })?;
    }
    Ok(wanted)
}

/// As the argument `filter` of the type's list would take it.
fn checked_filter(api: &Api, store: &Store, info: &'static ContentInfo, filter: &Json) -> Result<Json> {
    let path = || [Step::from("input"), Step::from("filter")];
    let nothing = Map::new();
    let longest = api.limits().list as usize;
    let ty = Type { base: BaseType::Named(Name::new(format!("{}Filter", info.name))), nullable: false };
    let mut coercion = Coercion::new(&api.types, &nothing, longest).below(path());
    let coerced = coercion.value(Raw::Json(filter), &ty);
    let Some(coerced) = coerced else { return Err(Error { problems: coercion.problems }) };
    let problems = store.at(Stage::Draft).filter_problems(info, &coerced)?;
    if problems.is_empty() {
        return Ok(coerced);
    }
    // Their paths begin with `filter`.
    let below = |problem: Problem| {
        let path = [Step::from("input")].into_iter().chain(problem.path.clone()).collect();
        Problem { path, ..problem }
    };
    Err(Error { problems: problems.into_iter().map(below).collect() })
}

/// One's own, that of visitors, or one that the actor may give to a token.
fn check_role(api: &Api, store: &Store, role: Option<&str>) -> Result<()> {
    let access = &store.access;
    let Some(role) = role else { return Ok(()) };
    if role == access.actor.role {
        return Ok(());
    }
    let at = |error: Error| Error {
        problems: error.problems.into_iter().map(|problem| problem.at(["input".into(), "role".into()])).collect(),
    };
    if access.actor.identity != Identity::System && !access.manages(Area::Tokens) {
        return Err(at(access.refusal("another role than your own needs a role that manages `tokens`").into()));
    }
    api.standing.check_may_give(&access.actor, role).map_err(at)
}

fn shown(store: &Store, webhook: &Webhook) -> Json {
    let Webhook { id, wanted, disabled_reason, paused_until, previous_until, created_at, updated_at, .. } = webhook;
    let name = |table: &String| {
        let info = store.schema.types.iter().find(|info| info.is_called(table));
        info.map_or(table.clone(), |info| info.name.to_owned())
    };
    let types: Vec<_> = wanted.types.iter().flatten().map(name).collect();
    let actions = wanted.actions.as_deref().unwrap_or(&EventKind::ALL);
    json!({
        "id": id::encode(PREFIX, *id),
        "name": wanted.name,
        "url": wanted.url,
        "types": types,
        "actions": actions.iter().map(|kind| kind.as_str().to_ascii_uppercase()).collect::<Vec<_>>(),
        "filter": wanted.filter,
        "document": wanted.document,
        "role": wanted.role,
        "enabled": wanted.enabled,
        "disabledReason": disabled_reason,
        "pausedUntil": paused_until.map(|moment| moment.to_string()),
        "previousSecretUntil": previous_until.map(|moment| moment.to_string()),
        "createdAt": created_at.to_string(),
        "updatedAt": updated_at.to_string(),
    })
}

fn shown_delivery(store: &Store, delivery: &Delivery) -> Json {
    let Delivery { table, entry, .. } = delivery;
    let info = table.as_deref().and_then(|table| store.schema.types.iter().find(|info| info.is_called(table)));
    let moment = |moment: Option<Timestamp>| moment.map(|moment| moment.to_string());
    json!({
        "id": id::encode(DELIVERY_PREFIX, delivery.id),
        "webhook": id::encode(PREFIX, delivery.webhook),
        "event": delivery.event,
        "type": info.map(|info| info.name).or(table.as_deref()),
        "entry": entry.zip(table.as_deref()).map(|(entry, table)| id::encode(table, entry)),
        "revision": delivery.revision,
        "state": delivery.state.as_str().to_ascii_uppercase(),
        "attempts": delivery.attempts,
        "createdAt": delivery.created_at.to_string(),
        "due": moment(delivery.due),
        "attemptedAt": moment(delivery.attempted_at),
        "finishedAt": moment(delivery.finished_at),
        "status": delivery.status,
        "latency": delivery.latency,
        "answer": delivery.answer,
        "error": delivery.error,
    })
}

fn webhook_id(arguments: &Map<String, Json>, name: &str) -> Result<Uuid> {
    of_prefix(PREFIX, arguments, name)
}

fn delivery_id(arguments: &Map<String, Json>) -> Result<Uuid> {
    of_prefix(DELIVERY_PREFIX, arguments, "id")
}

fn of_prefix(prefix: &str, arguments: &Map<String, Json>, name: &str) -> Result<Uuid> {
    let given = text(arguments, name).unwrap_or_default();
    id::decode_as(prefix, given)
        .ok_or_else(|| wrong(format!("`{}` is not an id like `{prefix}_...`", cut(given)), &[name]))
}

fn missing(id: Uuid) -> Error {
    let message = format!("the webhook `{}` does not exist", id::encode(PREFIX, id));
    Problem::new(Code::NotFound, message).at(["id".into()]).into()
}

fn read_cursor(cursor: &str) -> Result<i64> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| <[u8; 8]>::try_from(bytes.as_slice()).ok());
    bytes.map(i64::from_be_bytes).ok_or_else(|| {
        Problem::new(Code::InvalidCursor, "`after` is not a cursor of this list").at(["after".into()]).into()
    })
}
