//! The audit log: who did what, when, from where, to which entry. The database allows only inserts.

pub mod log;

use std::borrow::Cow;

use serde_json::Value as Json;
use uuid::Uuid;

use crate::access::Actor;
use crate::id;
use crate::outbox::actor_of;
use crate::{Connection, Pool};
use base::error::Result;

/// An action to log.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Event<'a> {
    /// A stable name: `sign_in`, `user.disable`, `product.create`, `product.publish`.
    pub action: Cow<'a, str>,
    /// `ContentInfo::table`, or `user`, `session`, `api_token`, `signing_key`.
    pub table: Option<&'a str>,
    pub entry: Option<Uuid>,
    /// The changed fields.
    pub fields: Vec<String>,
    /// The values of these fields. Never put a password, token or other secret here.
    pub before: Option<Json>,
    pub after: Option<Json>,
}

impl<'a> Event<'a> {
    pub fn new(action: impl Into<Cow<'a, str>>) -> Self {
        Self { action: action.into(), ..Self::default() }
    }

    pub fn on(mut self, table: &'a str, entry: Uuid) -> Self {
        self.table = Some(table);
        self.entry = Some(entry);
        self
    }

    pub fn changed(mut self, field: &str, before: Json, after: Json) -> Self {
        let put = |json: &mut Option<Json>, value| {
            json.get_or_insert_with(|| Json::Object(serde_json::Map::new()))[field] = value;
        };
        put(&mut self.before, before);
        put(&mut self.after, after);
        self.fields.push(field.to_owned());
        self
    }
}

/// Adds a line in the transaction of the action, so that both are committed or neither.
pub async fn record(connection: &mut Connection, actor: &Actor, event: Event<'_>) -> Result<()> {
    record_all(connection, actor, vec![event]).await
}

/// Like [`record`], in its own transaction.
pub async fn record_alone(pool: &Pool, actor: &Actor, event: Event<'_>) -> Result<()> {
    let mut transaction = pool.begin().await?;
    record(&mut transaction, actor, event).await?;
    Ok(transaction.commit().await?)
}

/// Like [`record`], with one statement for any number of lines.
pub async fn record_all(connection: &mut Connection, actor: &Actor, events: Vec<Event<'_>>) -> Result<()> {
    if events.is_empty() {
        return Ok(());
    }
    let (kind, id) = actor_of(&actor.identity);
    // Stores the current name, since users can be renamed and deleted.
    let sql = "insert into cms.audit
        (actor_kind, actor, actor_name, role, address, request_id, id, action, type, entry, fields, before, after)
        select $1, $2,
            coalesce((select email from cms.user where id = $2), (select name from cms.api_token where id = $2)),
            $3, $4::inet, $5, e.id, e.action, e.type, e.entry,
            case when e.fields is not null then array(select jsonb_array_elements_text(e.fields::jsonb)) end,
            e.before::jsonb, e.after::jsonb
        from unnest($6::uuid[], $7::text[], $8::text[], $9::uuid[], $10::text[], $11::text[], $12::text[])
            as e(id, action, type, entry, fields, before, after)";
    let fields = |event: &Event<'_>| (!event.fields.is_empty()).then(|| Json::from(event.fields.clone()).to_string());
    let text = |json: &Option<Json>| json.as_ref().map(Json::to_string);
    sqlx::query(sql)
        .bind(kind)
        .bind(id)
        .bind(&actor.role)
        .bind(actor.origin.address.map(|address| address.to_string()))
        .bind(&actor.origin.request)
        .bind(events.iter().map(|_| id::new_uuid()).collect::<Vec<_>>())
        .bind(events.iter().map(|event| event.action.as_ref()).collect::<Vec<&str>>())
        .bind(events.iter().map(|event| event.table).collect::<Vec<_>>())
        .bind(events.iter().map(|event| event.entry).collect::<Vec<_>>())
        .bind(events.iter().map(fields).collect::<Vec<_>>())
        .bind(events.iter().map(|event| text(&event.before)).collect::<Vec<_>>())
        .bind(events.iter().map(|event| text(&event.after)).collect::<Vec<_>>())
        .execute(connection)
        .await?;
    Ok(())
}
