//! `Webhooks`: making and changing them. Each change is a line of the audit log, without what may be a secret.

use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::address::Allowed;
use crate::secret::{self, Key};
use crate::webhook::{self, Wanted, Webhook};
use crate::{PREFIX, target};
use base::error::{Code, Error, Problem, Result};
use base::secret::Sealer;
use store::access::Actor;
use store::audit::{self, Event};
use store::hooks::EventKind;
use store::{Connection, Store, id};

/// Each event is held against all of them, and a node has a place for each.
const MOST: i64 = 100;
/// Letters.
const LONGEST_NAME: usize = 200;
/// Bytes.
const LONGEST_DOCUMENT: usize = 64 * 1024;
const LONGEST_FILTER: usize = 16 * 1024;
/// For how long the secret before signs as well.
const OVERLAP_HOURS: i32 = 24;

/// What is needed to make webhooks and to deliver them.
#[derive(Clone, Debug)]
pub struct Webhooks {
    sealer: Sealer,
    allowed: Allowed,
}

impl Webhooks {
    pub fn new(sealer: Sealer, allowed: Allowed) -> Self {
        Self { sealer, allowed }
    }

    pub fn allowed(&self) -> &Allowed {
        &self.allowed
    }

    pub(crate) fn open(&self, webhook: Uuid, sealed: &[u8]) -> Option<Key> {
        self.sealer.open(&secret::about(webhook), sealed)
    }

    pub(crate) fn sealer(&self) -> &Sealer {
        &self.sealer
    }

    /// What is wrong that needs no schema. Paths begin at the input.
    pub fn check(&self, mut wanted: Wanted) -> Result<Wanted> {
        let mut problems = Vec::new();
        let mut refuse = |name: &str, message: String| {
            problems.push(Problem::new(Code::BadUserInput, message).at(["input".into(), name.into()]));
        };
        wanted.name = wanted.name.trim().to_owned();
        if wanted.name.is_empty() || wanted.name.chars().count() > LONGEST_NAME {
            refuse("name", format!("`name` must have 1 to {LONGEST_NAME} letters"));
        }
        match target::check(&wanted.url, &self.allowed) {
            Ok(url) => wanted.url = url,
            Err(why) => refuse("url", format!("`url` {why}")),
        }
        if wanted.document.as_ref().is_some_and(|document| document.len() > LONGEST_DOCUMENT) {
            refuse("document", format!("`document` must have at most {LONGEST_DOCUMENT} bytes"));
        }
        if wanted.document.is_none() && wanted.role.is_some() {
            refuse("role", "`role` needs a `document`".to_owned());
        }
        if let Some(filter) = &wanted.filter {
            if filter.to_string().len() > LONGEST_FILTER {
                refuse("filter", format!("`filter` must have at most {LONGEST_FILTER} bytes of JSON"));
            }
            if wanted.types.as_ref().is_none_or(|types| types.len() != 1) {
                refuse("filter", "`filter` needs `types` to name exactly one type".to_owned());
            }
        }
        if problems.is_empty() { Ok(wanted) } else { Err(Error { problems }) }
    }

    /// It, and its secret, which is shown this once.
    pub async fn create(&self, store: &Store, wanted: &Wanted) -> Result<(Webhook, String)> {
        let id = id::new_uuid();
        let key = secret::new()?;
        let sealed = self.sealer.seal(&secret::about(id), &key)?;
        let mut transaction = store.writes.begin().await?;
        store.check_actor(&mut transaction).await?;
        // One at a time, so that the limit holds.
        sqlx::query("lock table cms.webhook in share row exclusive mode").execute(&mut *transaction).await?;
        let count: i64 = sqlx::query_scalar("select count(*) from cms.webhook").fetch_one(&mut *transaction).await?;
        if count >= MOST {
            let details = json!({ "limit": MOST });
            let message = format!("there are {count} webhooks already, which is the limit");
            return Err(Problem::new(Code::LimitExceeded, message).details(details).into());
        }
        let sql = "insert into cms.webhook
            (id, name, url, types, actions, filter, document, role, enabled, disabled_reason, secret, since)
            select $1, $2, $3, $4, $5, $6::text::jsonb, $7, $8, $9, case when not $9 then 'not enabled yet' end, $10, position
            from cms.outbox_head";
        sqlx::query(sql)
            .bind(id)
            .bind(&wanted.name)
            .bind(&wanted.url)
            .bind(&wanted.types)
            .bind(actions(wanted))
            .bind(wanted.filter.as_ref().map(Json::to_string))
            .bind(&wanted.document)
            .bind(&wanted.role)
            .bind(wanted.enabled)
            .bind(sealed)
            .execute(&mut *transaction)
            .await?;
        let mut event = Event::new("webhook.create").on(PREFIX, id);
        event.after = Some(logged(wanted));
        audit::record(&mut transaction, &store.access.actor, event).await?;
        transaction.commit().await?;
        let webhook = webhook::find(store, id).await?.ok_or_else(|| missing(id))?;
        Ok((webhook, secret::shown(&key)))
    }

    /// `before`: as it was read. Refused when it was changed since.
    pub async fn update(&self, store: &Store, before: &Webhook, wanted: &Wanted) -> Result<Webhook> {
        let id = before.id;
        let mut transaction = store.writes.begin().await?;
        store.check_actor(&mut transaction).await?;
        let sql = "update cms.webhook
            set name = $2, url = $3, types = $4, actions = $5, filter = $6::text::jsonb, document = $7, role = $8, enabled = $9,
                disabled_reason = case when $9 then null when enabled then 'disabled by hand' else disabled_reason end,
                paused_until = case when $9 and not enabled or url <> $3 then null else paused_until end,
                updated_at = clock_timestamp()
            where id = $1 and updated_at = timestamptz 'epoch' + $10 * interval '1 microsecond'";
        let updated = sqlx::query(sql)
            .bind(id)
            .bind(&wanted.name)
            .bind(&wanted.url)
            .bind(&wanted.types)
            .bind(actions(wanted))
            .bind(wanted.filter.as_ref().map(Json::to_string))
            .bind(&wanted.document)
            .bind(&wanted.role)
            .bind(wanted.enabled)
            .bind(before.updated_at.as_microsecond())
            .execute(&mut *transaction)
            .await?;
        if updated.rows_affected() == 0 {
            transaction.rollback().await?;
            let is_there = webhook::find(store, id).await?.is_some();
            return Err(if is_there {
                Error::new(Code::Conflict, "the webhook was changed meanwhile: try again")
            } else {
                missing(id)
            });
        }
        let mut event = Event::new("webhook.update").on(PREFIX, id);
        let (old, new) = (logged(&before.wanted), logged(wanted));
        for (field, value) in new.as_object().into_iter().flatten() {
            if old[field] != *value {
                event = event.changed(field, old[field].clone(), value.clone());
            }
        }
        if before.wanted.url != wanted.url && !event.fields.contains(&"url".to_owned()) {
            event.fields.push("url".to_owned());
        }
        audit::record(&mut transaction, &store.access.actor, event).await?;
        transaction.ring_at_commit(&store.bells.webhooks);
        transaction.commit().await?;
        webhook::find(store, id).await?.ok_or_else(|| missing(id))
    }

    /// With all its deliveries.
    pub async fn delete(&self, store: &Store, id: Uuid) -> Result<()> {
        let mut transaction = store.writes.begin().await?;
        store.check_actor(&mut transaction).await?;
        let gone = sqlx::query("delete from cms.webhook where id = $1").bind(id).execute(&mut *transaction).await?;
        if gone.rows_affected() == 0 {
            return Err(missing(id));
        }
        audit::record(&mut transaction, &store.access.actor, Event::new("webhook.delete").on(PREFIX, id)).await?;
        Ok(transaction.commit().await?)
    }

    /// It, and its new secret. The one before signs as well for a day.
    pub async fn rotate(&self, store: &Store, id: Uuid) -> Result<(Webhook, String)> {
        let key = secret::new()?;
        let sealed = self.sealer.seal(&secret::about(id), &key)?;
        let mut transaction = store.writes.begin().await?;
        store.check_actor(&mut transaction).await?;
        let sql = "update cms.webhook
            set previous_secret = secret, previous_until = now() + make_interval(hours => $3), secret = $2,
                updated_at = clock_timestamp()
            where id = $1
            returning secret";
        let before: Option<Vec<u8>> = sqlx::query_scalar("select secret from cms.webhook where id = $1 for update")
            .bind(id)
            .fetch_optional(&mut *transaction)
            .await?;
        let Some(before) = before else { return Err(missing(id)) };
        sqlx::query(sql).bind(id).bind(sealed).bind(OVERLAP_HOURS).execute(&mut *transaction).await?;
        // One that nobody can open any more would keep all deliveries from being signed.
        if self.open(id, &before).is_none() {
            let sql = "update cms.webhook set previous_secret = null, previous_until = null where id = $1";
            sqlx::query(sql).bind(id).execute(&mut *transaction).await?;
        }
        audit::record(&mut transaction, &store.access.actor, Event::new("webhook.rotate").on(PREFIX, id)).await?;
        transaction.commit().await?;
        let webhook = webhook::find(store, id).await?.ok_or_else(|| missing(id))?;
        Ok((webhook, secret::shown(&key)))
    }
}

/// By the server itself. What waits is kept.
pub(crate) async fn disable(connection: &mut Connection, webhook: &Webhook, why: &str) -> Result<()> {
    let sql = "update cms.webhook set enabled = false, disabled_reason = $2, updated_at = clock_timestamp() where id = $1 and enabled";
    let disabled = sqlx::query(sql).bind(webhook.id).bind(why).execute(&mut *connection).await?;
    if disabled.rows_affected() > 0 {
        tracing::error!(webhook = %id::encode(PREFIX, webhook.id), why, "a webhook was disabled");
        let mut event = Event::new("webhook.disable").on(PREFIX, webhook.id);
        event.after = Some(json!({ "reason": why }));
        audit::record(connection, &Actor::system(), event).await?;
    }
    Ok(())
}

fn actions(wanted: &Wanted) -> Option<Vec<&'static str>> {
    wanted.actions.as_ref().map(|actions| actions.iter().map(|kind| EventKind::as_str(*kind)).collect())
}

/// Of the address the origin alone: the rest is often the key to it.
fn logged(wanted: &Wanted) -> Json {
    let Wanted { name, url, types, filter, document, role, enabled, .. } = wanted;
    json!({
        "name": name, "url": target::origin(url), "types": types, "actions": actions(wanted), "filter": filter,
        "document": document, "role": role, "enabled": enabled,
    })
}

fn missing(webhook: Uuid) -> Error {
    let message = format!("the webhook `{}` does not exist", id::encode(PREFIX, webhook));
    Problem::new(Code::NotFound, message).at(["id".into()]).into()
}
