//! API tokens for programs, with a role, scopes and an expiry date. A token is shown when it is created; only its hash
//! is stored.

use serde::{Deserialize, Serialize, Serializer};
use serde_json::json;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::{AssertSqlSafe, Row};
use uuid::Uuid;

use super::{Accounts, secret};
use base::error::{Code, Error, Problem, Result, Step};
use store::access::{API_TOKEN_PREFIX, Action, Actor, Area, Identity, Scope};
use store::audit::{self, Event};
use store::id;
use store::{Connection, Lent};

/// A prefix by which secret scanners recognise our tokens.
pub const PREFIX: &str = "tc_";
/// Characters after the prefix by which people tell tokens apart.
const SHOWN: usize = 8;
/// Days.
pub const LONGEST: u32 = 3650;
const LONGEST_NAME: usize = 200;
const MOST_SCOPES: usize = 200;
/// Takes the place of an action, after the name of the site's own query or mutation.
const CALL: &str = "call";

/// A scope as requests write it: a type and an action, where `null` means all, or one of the site's own queries or
/// mutations.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrittenScope {
    #[serde(rename = "type", default)]
    pub table: Option<String>,
    #[serde(default)]
    pub action: Option<String>,
    #[serde(default)]
    pub operation: Option<String>,
}

/// The form in which it is read; an operation has neither type nor action, because null would mean all.
impl Serialize for WrittenScope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { table, action, operation } = self;
        let scope = match operation {
            Some(operation) => json!({ "operation": operation }),
            None => json!({ "type": table, "action": action }),
        };
        scope.serialize(serializer)
    }
}

#[derive(Clone, Debug)]
pub struct NewToken {
    pub name: String,
    pub role: String,
    /// `None` for everything that the role may do.
    pub scopes: Option<Vec<WrittenScope>>,
    /// Days from now.
    pub days: u32,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiToken {
    pub id: String,
    pub name: String,
    pub prefix: String,
    pub role: String,
    pub scopes: Option<Vec<WrittenScope>>,
    pub created_at: String,
    pub created_by: Option<String>,
    pub expires_at: String,
    pub expired: bool,
    pub last_used_at: Option<String>,
}

const COLUMNS: &str = "id, name, prefix, role, scopes::text as scopes, created_by,
    cms.datetime_text(created_at) as created_at, cms.datetime_text(expires_at) as expires_at,
    expires_at <= now() as expired, cms.datetime_text(last_used_at) as last_used_at";

impl WrittenScope {
    /// `product:read`, `product:*`, `*:read`, `bestOf:call`.
    pub fn parse(text: &str) -> Option<Self> {
        let (of, action) = text.split_once(':')?;
        if action == CALL {
            return Some(Self { operation: Some(of.to_owned()), ..Self::default() });
        }
        let part = |text: &str| (text != "*").then(|| text.to_owned());
        Some(Self { table: part(of), action: part(action), operation: None })
    }

    /// An unknown action gives `None`, not all actions.
    fn scope(&self) -> Option<Scope> {
        if let Some(operation) = &self.operation {
            return Some(Scope::Operation(operation.clone()));
        }
        let action = match &self.action {
            Some(name) => Some(Action::named(name)?),
            None => None,
        };
        Some(Scope::Content { table: self.table.clone(), action })
    }
}

impl Accounts {
    /// Returns the token itself as the first of the two; it is never shown again.
    pub async fn create_token(&self, actor: &Actor, new: NewToken) -> Result<(String, ApiToken)> {
        self.check_token(&new)?;
        let token = format!("{PREFIX}{}{}", secret::text(&secret::random::<5>()?), secret::token()?);
        let id = id::new_uuid();
        let scopes = new.scopes.as_ref().map(|scopes| json!(scopes));
        let mut transaction = self.pool.begin().await?;
        let actor = &self.managing(&mut transaction, actor, Area::Tokens, None).await?;
        self.roles.check_may_give(&actor.role, &new.role)?;
        let sql = "insert into cms.api_token (id, name, hash, prefix, role, scopes, created_by, expires_at)
            values ($1, $2, $3, $4, $5, $6::jsonb, $7, now() + make_interval(days => $8))";
        sqlx::query(sql)
            .bind(id)
            .bind(new.name.trim())
            .bind(secret::hash(&token))
            .bind(&token[..PREFIX.len() + SHOWN])
            .bind(&new.role)
            .bind(scopes.as_ref().map(ToString::to_string))
            .bind(actor.user())
            .bind(i32::try_from(new.days).unwrap_or(i32::MAX))
            .execute(&mut *transaction)
            .await?;
        let mut event = Event::new("api_token.create").on("api_token", id);
        event.after = Some(json!({ "name": new.name, "role": new.role, "scopes": scopes, "days": new.days }));
        audit::record(&mut transaction, actor, event).await?;
        let sql = format!("select {COLUMNS} from cms.api_token where id = $1");
        let made = read(&sqlx::query(AssertSqlSafe(sql)).bind(id).fetch_one(&mut *transaction).await?)?;
        transaction.commit().await?;
        Ok((token, made))
    }

    fn check_token(&self, new: &NewToken) -> Result<()> {
        let wrong =
            |message: String, path: &str| Err(Problem::new(Code::BadUserInput, message).at([path.into()]).into());
        self.roles.check(&new.role)?;
        if new.name.trim().is_empty() || new.name.len() > LONGEST_NAME {
            return wrong(format!("a name has 1 to {LONGEST_NAME} bytes"), "name");
        }
        if !(1..=LONGEST).contains(&new.days) {
            return wrong(format!("a token is valid for 1 to {LONGEST} days"), "days");
        }
        let scopes = new.scopes.as_deref().unwrap_or_default();
        if scopes.len() > MOST_SCOPES || new.scopes.as_ref().is_some_and(Vec::is_empty) {
            return wrong(format!("give 1 to {MOST_SCOPES} scopes, or omit them for all"), "scopes");
        }
        for (index, scope) in scopes.iter().enumerate() {
            let problem = |message: String| {
                let path = [Step::from("scopes"), Step::Index(index)];
                Err(Problem::new(Code::BadUserInput, message).at(path).into())
            };
            if let Some(operation) = &scope.operation {
                if scope.table.is_some() || scope.action.is_some() {
                    return problem("a scope has either an operation, or a type and an action".to_owned());
                }
                if !self.operations.contains(&operation.as_str()) {
                    return problem(format!(
                        "unknown operation `{operation}`: name a query or mutation of the site's own"
                    ));
                }
            }
            if let Some(table) = scope.table.as_deref().filter(|table| !self.tables.contains(table)) {
                return problem(format!("unknown content type `{table}`"));
            }
            if scope.scope().is_none() {
                let actions: Vec<_> = Action::ALL.into_iter().map(Action::as_str).collect();
                return problem(format!("unknown action; the actions are {}", actions.join(", ")));
            }
        }
        Ok(())
    }

    /// All tokens that are not revoked, newest first.
    pub async fn api_tokens(&self) -> Result<Vec<ApiToken>> {
        let sql = format!("select {COLUMNS} from cms.api_token where revoked_at is null order by id desc limit 1000");
        let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(&self.pool).await?;
        rows.iter().map(read).collect()
    }

    pub async fn api_token(&self, id: Uuid) -> Result<ApiToken> {
        let sql = format!("select {COLUMNS} from cms.api_token where id = $1 and revoked_at is null");
        let row = sqlx::query(AssertSqlSafe(sql)).bind(id).fetch_optional(&self.pool).await?;
        read(&row.ok_or_else(|| Error::new(Code::NotFound, "the token does not exist"))?)
    }

    pub async fn revoke_token(&self, actor: &Actor, id: Uuid) -> Result<()> {
        let mut transaction = self.pool.begin().await?;
        let actor = &self.managing(&mut transaction, actor, Area::Tokens, None).await?;
        let sql = "update cms.api_token set revoked_at = now() where id = $1 and revoked_at is null returning role";
        let role: Option<String> = sqlx::query_scalar(sql).bind(id).fetch_optional(&mut *transaction).await?;
        let role = role.ok_or_else(|| Error::new(Code::NotFound, "the token does not exist"))?;
        self.roles.check_may_give(&actor.role, &role)?;
        audit::record(&mut transaction, actor, Event::new("api_token.revoke").on("api_token", id)).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// The actor of a token; `None` if it is unknown, expired or revoked. Takes one statement, and a second one at most
    /// once a minute to record its use.
    pub async fn token_bearer(
        &self,
        lent: &mut Lent,
        token: &str,
    ) -> Result<Option<(Identity, String, Option<Vec<Scope>>)>> {
        let sql = "select id, role, scopes::text as scopes,
                coalesce(last_used_at < now() - interval '1 minute', true) as is_stale
            from cms.api_token where hash = $1 and revoked_at is null and expires_at > now()";
        let mut arguments = PgArguments::default();
        sqlx::Arguments::add(&mut arguments, secret::hash(token)).map_err(Error::internal)?;
        let rows = lent.rows(sql.to_owned(), arguments, |_| Ok(())).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let id: Uuid = row.try_get("id")?;
        if row.try_get("is_stale")? {
            let pool = self.pool.clone();
            // The request does not wait for this, and does not fail with it.
            tokio::spawn(async move {
                let sql = "update cms.api_token set last_used_at = now()
                    where id = $1 and coalesce(last_used_at < now() - interval '1 minute', true)";
                if let Err(error) = sqlx::query(sql).bind(id).execute(&pool).await {
                    tracing::warn!(%error, "the last use of an API token could not be recorded");
                }
            });
        }
        let scopes = scopes(row)?;
        let scopes = scopes.map(|scopes| scopes.iter().filter_map(WrittenScope::scope).collect());
        Ok(Some((Identity::Token { id }, row.try_get("role")?, scopes)))
    }
}

/// The role and scopes of a token that is valid now.
pub(super) async fn rights(connection: &mut Connection, id: Uuid) -> Result<Option<(String, Option<Vec<Scope>>)>> {
    let sql = "select role, scopes::text as scopes from cms.api_token
        where id = $1 and revoked_at is null and expires_at > now()";
    let Some(row) = sqlx::query(sql).bind(id).fetch_optional(connection).await? else { return Ok(None) };
    let scopes = scopes(&row)?.map(|scopes| scopes.iter().filter_map(WrittenScope::scope).collect());
    Ok(Some((row.try_get("role")?, scopes)))
}

fn read(row: &PgRow) -> Result<ApiToken> {
    let id: Uuid = row.try_get("id")?;
    let created_by: Option<Uuid> = row.try_get("created_by")?;
    Ok(ApiToken {
        id: id::encode(API_TOKEN_PREFIX, id),
        name: row.try_get("name")?,
        prefix: row.try_get("prefix")?,
        role: row.try_get("role")?,
        scopes: scopes(row)?,
        created_at: row.try_get("created_at")?,
        created_by: created_by.map(|id| id::encode("user", id)),
        expires_at: row.try_get("expires_at")?,
        expired: row.try_get("expired")?,
        last_used_at: row.try_get("last_used_at")?,
    })
}

fn scopes(row: &PgRow) -> Result<Option<Vec<WrittenScope>>> {
    let text: Option<String> = row.try_get("scopes")?;
    text.map(|text| serde_json::from_str(&text).map_err(Error::internal)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_written_as_type_and_action() {
        let scope = WrittenScope::parse("product:read_drafts").and_then(|written| written.scope());
        assert_eq!(scope, Some(Scope::Content { table: Some("product".into()), action: Some(Action::ReadDrafts) }));
        let all = WrittenScope::parse("*:*").and_then(|written| written.scope());
        assert_eq!(all, Some(Scope::Content { table: None, action: None }));
        let call = WrittenScope::parse("bestOf:call").and_then(|written| written.scope());
        assert_eq!(call, Some(Scope::Operation("bestOf".into())));
        assert_eq!(WrittenScope::parse("product"), None);
        assert_eq!(WrittenScope::parse("product:everything").and_then(|written| written.scope()), None);
    }
}
