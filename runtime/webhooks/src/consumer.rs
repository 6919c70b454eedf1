//! The consumer of events: writes a delivery for each webhook that asks for an event, in the transaction that moves it on.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::manage;
use crate::webhook::{Webhook, enabled};
use base::error::Result;
use events::{Change, FollowAll, StartAt};
use model::content::ContentInfo;
use store::hooks::{Cx, EventKind};
use store::{Connection, Stage, Store, id};

/// Its name among the consumers; stays the same.
pub const CONSUMER: &str = "typecase.webhooks";
/// Changes at once. Most pass without a webhook that wants them.
const BATCH: usize = 500;
/// Names of fields in a thin payload, which is to stay below 20 kB.
const MOST_FIELDS: usize = 200;

#[derive(Clone, Copy, Debug)]
pub struct Consumer;

/// A delivery before it is written.
struct New<'a> {
    webhook: &'a Webhook,
    info: &'static ContentInfo,
    change: &'a Change,
}

impl FollowAll for Consumer {
    async fn follow(&self, cx: &mut Cx<'_>, changes: &[Change]) -> Result<()> {
        let webhooks = enabled(cx.connection).await?;
        let mut wanted = Vec::new();
        for webhook in &webhooks {
            let mut of_this = Vec::new();
            for change in changes {
                let Some(info) = cx.store.schema.types.iter().find(|info| info.is_called(&change.table)) else {
                    continue;
                };
                if webhook.wants(info, change) {
                    of_this.push(New { webhook, info, change });
                }
            }
            match filtered(cx.store, webhook, of_this).await? {
                Ok(passing) => wanted.extend(passing),
                Err(why) => manage::disable(cx.connection, webhook, &why).await?,
            }
        }
        if wanted.is_empty() {
            return Ok(());
        }
        // In the order of the events, so that numbers are given in it.
        wanted.sort_by_key(|new| (new.change.position, new.webhook.id));
        let held = hold(cx.connection, &wanted).await?;
        wanted.retain(|new| held.contains(&new.webhook.id));
        insert(cx.connection, &wanted).await?;
        cx.connection.ring_at_commit(&cx.store.bells.webhooks);
        Ok(())
    }

    /// A webhook may be made before this consumer is known; events from before a webhook are none of its.
    fn start_at(&self) -> StartAt {
        StartAt::Beginning
    }

    fn batch(&self) -> usize {
        BATCH
    }
}

/// Those whose entry passes the webhook's filter; else what is wrong with the filter, which the schema has outgrown. An entry that is
/// gone cannot be asked, and is delivered.
async fn filtered<'a>(store: &Store, webhook: &Webhook, new: Vec<New<'a>>) -> Result<Result<Vec<New<'a>>, String>> {
    let (Some(filter), Some(first)) = (&webhook.wanted.filter, new.first()) else { return Ok(Ok(new)) };
    let info = first.info;
    if let Some(problem) = store.at(Stage::Draft).filter_problems(info, filter)?.first() {
        return Ok(Err(format!("its filter does not fit the schema any more: {}", problem.message)));
    }
    let mut passing: HashMap<(bool, Uuid), bool> = HashMap::new();
    for stage in [Stage::Draft, Stage::Live] {
        let of_stage = new.iter().filter(|new| stage_of(new.change.kind) == Some(stage));
        let entries: Vec<Uuid> = of_stage.map(|new| new.change.entry).collect();
        let found = store.at(stage).passing(info, filter, &entries).await?;
        passing.extend(found.into_iter().map(|(entry, passes)| ((stage == Stage::Live, entry), passes)));
    }
    let passes = |new: &New<'_>| {
        let stage = stage_of(new.change.kind);
        stage.and_then(|stage| passing.get(&(stage == Stage::Live, new.change.entry)).copied()).unwrap_or(true)
    };
    Ok(Ok(new.into_iter().filter(passes).collect()))
}

/// Where the entry is looked at.
fn stage_of(kind: EventKind) -> Option<Stage> {
    match kind {
        EventKind::Created | EventKind::Updated | EventKind::Unpublished => Some(Stage::Draft),
        EventKind::Published => Some(Stage::Live),
        EventKind::Deleted => None,
    }
}

/// Keeps the turns of all their deliveries as they are until the transaction ends. Those that are still enabled.
async fn hold(connection: &mut Connection, wanted: &[New<'_>]) -> Result<Vec<Uuid>> {
    let ids: Vec<Uuid> =
        wanted.iter().map(|new| (new.webhook.id, ())).collect::<BTreeMap<_, _>>().into_keys().collect();
    let sql = "select id from cms.webhook where id = any($1) and enabled order by id for no key update";
    Ok(sqlx::query_scalar(sql).bind(ids).fetch_all(&mut *connection).await?)
}

/// The first of an entry has its turn, unless there is one of its webhook already.
async fn insert(connection: &mut Connection, wanted: &[New<'_>]) -> Result<()> {
    let sql = "insert into cms.webhook_delivery (id, webhook, position, event, kind, type, entry, revision, at, body, state)
        select e.id, e.webhook, e.position, e.event, e.kind, e.type, e.entry, e.revision,
            timestamptz 'epoch' + e.at * interval '1 microsecond', e.body,
            case when e.turn = 1 and not exists (
                select from cms.webhook_delivery d
                where d.webhook = e.webhook and d.entry = e.entry and d.state in ('waiting', 'delivering')
            ) then 'waiting' else 'queued' end
        from (
            select u.*, row_number() over (partition by u.webhook, u.entry order by u.place) as turn
            from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::uuid[], $8::bigint[],
                $9::bigint[], $10::text[]) with ordinality
                as u(id, webhook, position, event, kind, type, entry, revision, at, body, place)
        ) as e
        order by e.place
        on conflict (webhook, position) where position is not null do nothing";
    sqlx::query(sql)
        .bind(wanted.iter().map(|_| id::new_uuid()).collect::<Vec<_>>())
        .bind(wanted.iter().map(|new| new.webhook.id).collect::<Vec<_>>())
        .bind(wanted.iter().map(|new| new.change.position).collect::<Vec<_>>())
        .bind(wanted.iter().map(New::event).collect::<Vec<_>>())
        .bind(wanted.iter().map(|new| new.change.kind.as_str()).collect::<Vec<_>>())
        .bind(wanted.iter().map(|new| new.info.table).collect::<Vec<_>>())
        .bind(wanted.iter().map(|new| new.change.entry).collect::<Vec<_>>())
        .bind(wanted.iter().map(|new| new.change.revision).collect::<Vec<_>>())
        .bind(wanted.iter().map(|new| new.change.at.as_microsecond()).collect::<Vec<_>>())
        .bind(wanted.iter().map(New::thin).collect::<Vec<_>>())
        .execute(&mut *connection)
        .await?;
    Ok(())
}

impl New<'_> {
    fn event(&self) -> String {
        format!("{}.{}", self.info.table, self.change.kind.as_str())
    }

    /// What is sent; `None` where a document is asked first.
    fn thin(&self) -> Option<String> {
        if self.webhook.wanted.document.is_some() {
            return None;
        }
        let Change { entry, revision, fields, actor, at, .. } = self.change;
        let actor_id = actor.id.map(|uuid| id::encode(if actor.kind == "token" { "api_token" } else { "user" }, uuid));
        let payload = json!({
            "type": self.event(),
            "timestamp": at.to_string(),
            "data": {
                "id": id::encode(self.info.table, *entry),
                "type": self.info.name,
                "revision": revision,
                "fields": fields.iter().take(MOST_FIELDS).collect::<Vec<_>>(),
                "actor": { "kind": actor.kind, "id": actor_id.map_or(Json::Null, Json::from) },
            },
        });
        Some(payload.to_string())
    }
}
