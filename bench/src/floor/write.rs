//! A bare update by hand, with what must come with it: a check of the revision, the former version kept, an event and a line of the audit
//! log, in one transaction. No rules of access, no validation, no index of searches.

use axum::extract::State;
use bytes::Bytes;
use serde::Deserialize;
use sqlx::{PgPool, Row};
use uuid::Uuid;

use super::{Answer, Failure, json};

#[derive(Deserialize)]
struct Update {
    variables: Variables,
}

#[derive(Deserialize)]
struct Variables {
    id: String,
    revision: i64,
    summary: String,
}

const READ: &str = "select summary from draft.product where id = $1 and revision = $2 for update";
const KEEP: &str = "insert into cms.revision (type, entry, revision, actor_kind, role, content)
    select 'product', id, revision, 'token', 'admin', jsonb_build_object('product', jsonb_build_array(to_jsonb(p)))
    from draft.product p where id = $1 on conflict (type, entry, revision) do update set content = excluded.content";
const UPDATE: &str = "update draft.product set summary = $2, revision = revision + 1, updated_at = now() where id = $1 returning revision";
const REVISION: &str = "insert into cms.revision (type, entry, revision, actor_kind, role, fields)
    values ('product', $1, $2, 'token', 'admin', '{summary}')";
const EVENT: &str = "insert into cms.outbox (kind, type, entry, revision, fields, actor_kind, role)
    values ('updated', 'product', $1, $2, '{summary}', 'token', 'admin')";
const AUDIT: &str = "insert into cms.audit (id, actor_kind, role, action, type, entry, fields, before, after)
    values ($1, 'token', 'admin', 'product.update', 'product', $2, '{summary}', jsonb_build_object('summary', $3::text),
        jsonb_build_object('summary', $4::text))";

pub async fn update(State(pool): State<PgPool>, body: Bytes) -> Answer {
    let Variables { id, revision, summary } = serde_json::from_slice::<Update>(&body)?.variables;
    let key = runtime::id::decode_as("product", &id).ok_or_else(|| Failure("an id is wrong".to_owned()))?;
    let mut transaction = pool.begin().await?;
    let old = sqlx::query(READ).bind(key).bind(revision).fetch_one(&mut *transaction).await?;
    let before: Option<String> = old.try_get(0)?;
    sqlx::query(KEEP).bind(key).execute(&mut *transaction).await?;
    let row = sqlx::query(UPDATE).bind(key).bind(&summary).fetch_one(&mut *transaction).await?;
    let now: i64 = row.try_get(0)?;
    sqlx::query(REVISION).bind(key).bind(now).execute(&mut *transaction).await?;
    sqlx::query(EVENT).bind(key).bind(now).execute(&mut *transaction).await?;
    let audit = sqlx::query(AUDIT).bind(Uuid::now_v7()).bind(key).bind(before).bind(summary);
    audit.execute(&mut *transaction).await?;
    transaction.commit().await?;
    let done = serde_json::json!({ "data": { "updateProduct": { "id": id, "revision": now } } });
    json(serde_json::to_vec(&done)?)
}
