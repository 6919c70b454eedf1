//! The audit log: who did what, when, from where, to which entry. Lines are added and never changed; the database sees to it.

use serde_json::Value as Json;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::access::{Actor, Identity};
use crate::error::Result;
use crate::id;

/// What was done.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Event<'a> {
    /// A verb that stays the same: `sign_in`, `user.disable`, `create`, `publish`.
    pub action: &'a str,
    /// `ContentInfo::table`, or `user`, `session`, `api_token`, `signing_key`.
    pub table: Option<&'a str>,
    pub entry: Option<Uuid>,
    /// Those that were changed.
    pub fields: Vec<String>,
    /// Of these fields. No password, token or other secret may be among them.
    pub before: Option<Json>,
    pub after: Option<Json>,
}

impl<'a> Event<'a> {
    pub fn new(action: &'a str) -> Self {
        Self { action, ..Self::default() }
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

/// Adds a line in the transaction of what it tells, so that there is neither without the other.
pub async fn record(connection: &mut PgConnection, actor: &Actor, event: Event<'_>) -> Result<()> {
    let (kind, id) = match actor.identity {
        Identity::Anonymous => ("anonymous", None),
        Identity::User { id, .. } => ("user", Some(id)),
        Identity::Token { id } => ("token", Some(id)),
        Identity::Developer => ("developer", None),
        Identity::System => ("system", None),
    };
    // The name is that of the moment, since users can be renamed and deleted.
    let sql = "insert into cms.audit
        (id, actor_kind, actor, actor_name, role, address, request_id, action, type, entry, fields, before, after)
        values ($1, $2, $3,
            coalesce((select email from cms.user where id = $3), (select name from cms.api_token where id = $3)),
            $4, $5::inet, $6, $7, $8, $9, $10, $11::jsonb, $12::jsonb)";
    sqlx::query(sql)
        .bind(id::new_uuid())
        .bind(kind)
        .bind(id)
        .bind(&actor.role)
        .bind(actor.origin.address.map(|address| address.to_string()))
        .bind(&actor.origin.request)
        .bind(event.action)
        .bind(event.table)
        .bind(event.entry)
        .bind((!event.fields.is_empty()).then_some(event.fields))
        .bind(event.before.map(|json| json.to_string()))
        .bind(event.after.map(|json| json.to_string()))
        .execute(connection)
        .await?;
    Ok(())
}
