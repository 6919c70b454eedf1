//! The statements of the worker on `cms.webhook_delivery`.

use std::time::Duration;

use sqlx::Row as _;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use crate::webhook::{Webhook, hold};
use crate::{PREFIX, manage};
use base::error::Result;
use store::access::Actor;
use store::audit::{self, Event};
use store::{Bell, Connection, Database};

/// A delivery that was not finished in so long is another node's to take. Longer than an attempt may take.
const LEASE: Duration = Duration::from_secs(60);
/// Where others hold all that is due.
const CONTENDED: Duration = Duration::from_millis(100);

/// A delivery whose attempt has begun.
#[derive(Clone, Debug)]
pub(crate) struct Claimed {
    pub id: Uuid,
    pub lease: Uuid,
    pub webhook: Uuid,
    pub event: String,
    pub kind: Option<String>,
    pub table: Option<String>,
    pub entry: Option<Uuid>,
    pub revision: Option<i64>,
    /// Microseconds since 1970.
    pub at: i64,
    pub body: Option<String>,
    /// This one included.
    pub attempts: u32,
}

/// What came of an attempt.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    pub status: Option<u16>,
    pub latency: Duration,
    pub answer: Option<String>,
    pub error: Option<String>,
}

pub(crate) enum End {
    Delivered,
    /// Tried again after so long.
    Later(Duration),
    Dead,
    /// The receiver wants nothing any more.
    Gone,
}

/// One of each webhook that has one due and is not `full`, at most so many.
pub(crate) async fn claim(database: &Database, full: &[Uuid], most: usize) -> Result<Vec<Claimed>> {
    let sql = "with next as materialized (
            select d.id
            from cms.webhook w cross join lateral (
                select id from cms.webhook_delivery d
                where d.webhook = w.id and d.state in ('waiting', 'delivering') and d.due <= now()
                order by d.due, d.seq limit 1
                for update skip locked
            ) as d
            where w.enabled and (w.paused_until is null or w.paused_until <= now()) and w.id <> all($1)
            order by random() limit $2
        )
        update cms.webhook_delivery d
        set state = 'delivering', lease = gen_random_uuid(), due = now() + make_interval(secs => $3), attempts = d.attempts + 1,
            attempted_at = now()
        from next where d.id = next.id
        returning d.id, d.lease, d.webhook, d.event, d.kind, d.type, d.entry, d.revision,
            (extract(epoch from d.at) * 1000000)::bigint as at, d.body, d.attempts";
    let rows = sqlx::query(sql)
        .bind(full)
        .bind(i64::try_from(most).unwrap_or(i64::MAX))
        .bind(LEASE.as_secs_f64())
        .fetch_all(&database.writes)
        .await?;
    rows.iter().map(claimed).collect()
}

fn claimed(row: &PgRow) -> Result<Claimed> {
    Ok(Claimed {
        id: row.try_get("id")?,
        lease: row.try_get("lease")?,
        webhook: row.try_get("webhook")?,
        event: row.try_get("event")?,
        kind: row.try_get("kind")?,
        table: row.try_get("type")?,
        entry: row.try_get("entry")?,
        revision: row.try_get("revision")?,
        at: row.try_get("at")?,
        body: row.try_get("body")?,
        attempts: u32::try_from(row.try_get::<i32, _>("attempts")?).unwrap_or_default(),
    })
}

/// How long it is until one is due.
pub(crate) async fn next_due(database: &Database, full: &[Uuid]) -> Result<Option<Duration>> {
    let sql = "select extract(epoch from min(greatest(d.due, coalesce(w.paused_until, d.due))) - now())::float8
        from cms.webhook w cross join lateral (
            select due from cms.webhook_delivery d
            where d.webhook = w.id and d.state in ('waiting', 'delivering')
            order by d.due limit 1
        ) as d
        where w.enabled and w.id <> all($1)";
    let seconds: Option<f64> = sqlx::query_scalar(sql).bind(full).fetch_one(&database.writes).await?;
    Ok(seconds.map(|seconds| Duration::try_from_secs_f64(seconds).unwrap_or_default().max(CONTENDED)))
}

/// The webhook, and its secrets as they are sealed: the current one first.
pub(crate) async fn load(database: &Database, id: Uuid) -> Result<Option<(Webhook, Vec<Vec<u8>>)>> {
    let sql = format!(
        "select {}, secret, case when previous_until > now() then previous_secret end as previous
        from cms.webhook where id = $1",
        crate::webhook::COLUMNS
    );
    let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id).fetch_optional(&database.writes).await?;
    let Some(row) = row else { return Ok(None) };
    let (secret, previous): (Vec<u8>, Option<Vec<u8>>) = (row.try_get("secret")?, row.try_get("previous")?);
    Ok(Some((Webhook::read(&row)?, [secret].into_iter().chain(previous).collect())))
}

/// Keeps what is sent, so that each attempt sends the same. Whether it is still this attempt's.
pub(crate) async fn keep_body(database: &Database, of: &Claimed, body: &str) -> Result<bool> {
    let sql = "update cms.webhook_delivery set body = $3 where id = $1 and lease = $2";
    let kept = sqlx::query(sql).bind(of.id).bind(of.lease).bind(body).execute(&database.writes).await?;
    Ok(kept.rows_affected() == 1)
}

/// Writes down the end of an attempt. Whether it was still this attempt's.
pub(crate) async fn end(database: &Database, of: &Claimed, webhook: &Webhook, end: &End, told: &Told) -> Result<bool> {
    let mut transaction = database.writes.begin().await?;
    hold(&mut transaction, of.webhook).await?;
    let (state, wait) = match end {
        End::Delivered => ("delivered", Duration::ZERO),
        End::Later(wait) => ("waiting", *wait),
        End::Dead | End::Gone => ("dead", Duration::ZERO),
    };
    let sql = "update cms.webhook_delivery
        set state = $3, lease = null, due = now() + make_interval(secs => $4), status = $5, latency = $6, answer = $7, error = $8,
            finished_at = case when $3 = 'waiting' then null else now() end
        where id = $1 and lease = $2";
    let ended = sqlx::query(sql)
        .bind(of.id)
        .bind(of.lease)
        .bind(state)
        .bind(wait.as_secs_f64())
        .bind(told.status.and_then(|status| i16::try_from(status).ok()))
        .bind(i32::try_from(told.latency.as_millis()).unwrap_or(i32::MAX))
        .bind(&told.answer)
        .bind(&told.error)
        .execute(&mut *transaction)
        .await?;
    if ended.rows_affected() == 0 {
        transaction.rollback().await?;
        return Ok(false);
    }
    if let End::Gone = end {
        manage::disable(&mut transaction, webhook, "the receiver has answered 410 (Gone)").await?;
    }
    if let (false, Some(entry)) = (matches!(end, End::Later(_)), of.entry) {
        pass_turn(&mut transaction, of.webhook, entry, &database.bells.webhooks).await?;
    }
    transaction.commit().await?;
    Ok(true)
}

/// The next delivery of an entry has its turn.
async fn pass_turn(connection: &mut Connection, webhook: Uuid, entry: Uuid, bell: &Bell) -> Result<()> {
    let sql = "update cms.webhook_delivery set state = 'waiting', due = now()
        where id = (
            select id from cms.webhook_delivery
            where webhook = $1 and entry = $2 and state = 'queued' order by seq limit 1
        )";
    let passed = sqlx::query(sql).bind(webhook).bind(entry).execute(&mut *connection).await?;
    if passed.rows_affected() > 0 {
        connection.ring_at_commit(bell);
    }
    Ok(())
}

/// The receiver has asked for time: nothing is sent to it meanwhile.
pub(crate) async fn pause(database: &Database, webhook: Uuid, wait: Duration) -> Result<()> {
    let sql = "update cms.webhook
        set paused_until = greatest(coalesce(paused_until, now()), now() + make_interval(secs => $2)) where id = $1";
    sqlx::query(sql).bind(webhook).bind(wait.as_secs_f64()).execute(&database.writes).await?;
    Ok(())
}

/// As if the attempt had not begun.
pub(crate) async fn give_back(database: &Database, of: &Claimed) -> Result<()> {
    let sql = "update cms.webhook_delivery set state = 'waiting', lease = null, due = now(), attempts = greatest(attempts - 1, 0)
        where id = $1 and lease = $2";
    sqlx::query(sql).bind(of.id).bind(of.lease).execute(&database.writes).await?;
    Ok(())
}

/// For operators: a webhook stops or goes on, whatever the reason.
pub async fn switch(database: &Database, actor: &Actor, id: Uuid, enabled: bool) -> Result<bool> {
    let mut transaction = database.writes.begin().await?;
    let sql = "update cms.webhook
        set enabled = $2, disabled_reason = case when $2 then null else 'disabled by the operator' end,
            paused_until = case when $2 then null else paused_until end, updated_at = clock_timestamp()
        where id = $1 and enabled <> $2";
    let switched = sqlx::query(sql).bind(id).bind(enabled).execute(&mut *transaction).await?.rows_affected() > 0;
    if switched {
        let event = Event::new(if enabled { "webhook.enable" } else { "webhook.disable" }).on(PREFIX, id);
        audit::record(&mut transaction, actor, event).await?;
        transaction.ring_at_commit(&database.bells.webhooks);
    }
    transaction.commit().await?;
    Ok(switched)
}
