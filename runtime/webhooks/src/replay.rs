//! Deliveries by hand: a test, and what is dead or was delivered once more.

use serde_json::json;
use sqlx::Row as _;
use uuid::Uuid;

use crate::delivery::{self, DELIVERY_PREFIX, Delivery};
use crate::webhook::hold;
use crate::{PREFIX, webhook};
use base::error::{Code, Error, Problem, Result};
use model::timestamp::Timestamp;
use store::audit::{self, Event};
use store::{Connection, Store, id};

/// Deliveries of one transaction.
const AT_ONCE: i64 = 1_000;

/// A message that is about nothing, for a webhook that is enabled.
pub async fn test(store: &Store, id: Uuid) -> Result<Delivery> {
    let mut transaction = store.writes.begin().await?;
    store.check_actor(&mut transaction).await?;
    let sql = "select enabled from cms.webhook where id = $1 for key share";
    let enabled: Option<bool> = sqlx::query_scalar(sql).bind(id).fetch_optional(&mut *transaction).await?;
    match enabled {
        None => return Err(missing("webhook", PREFIX, id)),
        Some(false) => return Err(Problem::new(Code::Conflict, "the webhook is disabled: enable it first").into()),
        Some(true) => {}
    }
    let delivery = id::new_uuid();
    let sql = "with moment as (select now() as at)
        insert into cms.webhook_delivery (id, webhook, event, at, body, state)
        select $1, $2, 'webhook.test', at, json_build_object(
            'type', 'webhook.test',
            'timestamp', to_char(at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'),
            'data', json_build_object('webhook', $3::text)
        )::text, 'waiting' from moment";
    sqlx::query(sql).bind(delivery).bind(id).bind(id::encode(PREFIX, id)).execute(&mut *transaction).await?;
    audit::record(&mut transaction, &store.access.actor, Event::new("webhook.test").on(PREFIX, id)).await?;
    transaction.ring_at_commit(&store.bells.webhooks);
    transaction.commit().await?;
    found(store, delivery).await
}

/// One that is dead or was delivered: with the same id, the same payload and all attempts.
pub async fn replay(store: &Store, id: Uuid) -> Result<Delivery> {
    let mut transaction = store.writes.begin().await?;
    store.check_actor(&mut transaction).await?;
    let sql = "select webhook from cms.webhook_delivery where id = $1";
    let of: Option<Uuid> = sqlx::query_scalar(sql).bind(id).fetch_optional(&mut *transaction).await?;
    let Some(of) = of else { return Err(missing("delivery", DELIVERY_PREFIX, id)) };
    hold(&mut transaction, of).await?;
    if again(&mut transaction, of, &[id], true).await? == 0 {
        return Err(Problem::new(Code::Conflict, "the message is still waiting, or is being delivered now")
            .at(["id".into()])
            .into());
    }
    let mut event = Event::new("webhook.replay").on(PREFIX, of);
    event.after = Some(json!({ "delivery": id::encode(DELIVERY_PREFIX, id) }));
    audit::record(&mut transaction, &store.access.actor, event).await?;
    transaction.ring_at_commit(&store.bells.webhooks);
    transaction.commit().await?;
    found(store, id).await
}

/// All of a webhook that are dead and were created since; how many.
pub async fn replay_since(store: &Store, of: Uuid, since: Timestamp) -> Result<u64> {
    if webhook::find(store, of).await?.is_none() {
        return Err(missing("webhook", PREFIX, of));
    }
    let mut replayed = 0;
    let mut after: i64 = 0;
    loop {
        let mut transaction = store.writes.begin().await?;
        store.check_actor(&mut transaction).await?;
        hold(&mut transaction, of).await?;
        // Each delivery once: one that fails for good again meanwhile must not keep this loop going.
        let sql = "select id, seq from cms.webhook_delivery
            where webhook = $1 and state = 'dead' and seq > $2
                and created_at >= timestamptz 'epoch' + $3 * interval '1 microsecond'
            order by seq limit $4";
        let rows = sqlx::query(sql)
            .bind(of)
            .bind(after)
            .bind(since.as_microsecond())
            .bind(AT_ONCE)
            .fetch_all(&mut *transaction)
            .await?;
        let Some(last) = rows.last() else {
            transaction.rollback().await?;
            return Ok(replayed);
        };
        after = last.try_get("seq")?;
        let ids = rows.iter().map(|row| row.try_get("id")).collect::<Result<Vec<Uuid>, _>>()?;
        let count = again(&mut transaction, of, &ids, false).await?;
        let mut event = Event::new("webhook.replay").on(PREFIX, of);
        event.after = Some(json!({ "since": since.to_string(), "deliveries": count }));
        audit::record(&mut transaction, &store.access.actor, event).await?;
        transaction.ring_at_commit(&store.bells.webhooks);
        transaction.commit().await?;
        replayed += count;
    }
}

/// The first of an entry has its turn, unless another one of it has it.
async fn again(connection: &mut Connection, of: Uuid, ids: &[Uuid], delivered_too: bool) -> Result<u64> {
    let sql = "with chosen as (
            select id, entry, row_number() over (partition by entry order by seq) as turn
            from cms.webhook_delivery
            where webhook = $1 and id = any($2) and (state = 'dead' or $3 and state = 'delivered')
        )
        update cms.webhook_delivery d
        set attempts = 0, due = now(), finished_at = null, error = null,
            state = case when c.entry is null or c.turn = 1 and not exists (
                select from cms.webhook_delivery o
                where o.webhook = $1 and o.entry = c.entry and o.state in ('waiting', 'delivering')
            ) then 'waiting' else 'queued' end
        from chosen c where d.id = c.id";
    let done = sqlx::query(sql).bind(of).bind(ids).bind(delivered_too).execute(&mut *connection).await?;
    Ok(done.rows_affected())
}

async fn found(store: &Store, id: Uuid) -> Result<Delivery> {
    let found = delivery::find(store, id).await?;
    found.ok_or_else(|| missing("delivery", DELIVERY_PREFIX, id))
}

fn missing(what: &str, prefix: &str, id: Uuid) -> Error {
    Error::new(Code::NotFound, format!("the {what} `{}` does not exist", id::encode(prefix, id)))
}
