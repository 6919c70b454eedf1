//! Preview links: they show an entry, a release or all drafts to people without an account, as if it were published.

use std::fmt::Debug;
use std::sync::Arc;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value as Json;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Row as _};
use uuid::Uuid;

use crate::fire::identity_of;
use crate::preview;
use crate::release::{self, Running};
use crate::schedule::content;
use base::error::{Code, Error, Problem, Result, Step};
use model::content::ContentInfo;
use model::timestamp::Timestamp;
use store::access::{Grant, Identity};
use store::hooks::{Cx, HookSet};
use store::overlay::Overlay;
use store::write::guard::readable;
use store::write::together::{self, Change, Planned};
use store::write::{self, Transacted};
use store::{Connection, Database, Stage, Standing, Store, audit, id};

/// The prefix of the ids of links.
pub const PREFIX: &str = "preview";
/// Hours that a link may be valid.
pub const MOST_HOURS: i64 = 30 * 24;
/// Links of one actor that have not expired.
const MOST: i64 = 1_000;

/// Signs the token of a link that is valid until then.
pub trait Signer: Debug + Send + Sync {
    fn sign(&self, link: Uuid, until: Timestamp) -> Result<String>;
}

/// How links are made.
#[derive(Clone, Debug)]
pub struct Previews {
    pub signer: Arc<dyn Signer>,
    /// The address of this server, without a slash at the end.
    pub public_url: Arc<str>,
}

/// What a link shows.
#[derive(Clone, Copy, Debug)]
pub enum Target {
    Entry(&'static ContentInfo, Uuid),
    Release(Uuid),
    /// All entries as their drafts.
    Drafts,
}

impl Target {
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Entry(..) => "entry",
            Self::Release(_) => "release",
            Self::Drafts => "drafts",
        }
    }

    fn stored(&self) -> (Option<&'static str>, Option<Uuid>) {
        match *self {
            Self::Entry(info, id) => (Some(info.table), Some(id)),
            Self::Release(id) => (None, Some(id)),
            Self::Drafts => (None, None),
        }
    }

    /// The id of the entry or release.
    pub fn id(&self) -> Option<String> {
        match *self {
            Self::Entry(info, id) => Some(id::encode(info.table, id)),
            Self::Release(id) => Some(id::encode(release::PREFIX, id)),
            Self::Drafts => None,
        }
    }
}

#[derive(Clone, Debug)]
pub struct Link {
    pub id: Uuid,
    pub target: Target,
    pub actor_kind: String,
    pub actor: Option<Uuid>,
    pub role: Option<String>,
    /// RFC 3339, with microseconds.
    pub created_at: String,
    pub expires_at: String,
    pub revoked_at: Option<String>,
}

const COLUMNS: &str = r#"id, kind, type, target, actor_kind, actor, role,
    to_char(created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as created_at,
    to_char(expires_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as expires_at,
    to_char(revoked_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as revoked_at"#;

/// Makes a link, if the actor may see what it shows; with its token, which is shown this once.
pub async fn create(
    store: &Store,
    hooks: &HookSet,
    previews: &Previews,
    target: Target,
    hours: i64,
) -> Result<(Link, String)> {
    if !(1..=MOST_HOURS).contains(&hours) {
        let message = format!("a link is valid for 1 to {MOST_HOURS} hours, not {hours}");
        return Err(Problem::new(Code::InvalidValue, message).at([Step::from("hours")]).into());
    }
    let until = Timestamp::from_microsecond(Timestamp::now().as_microsecond() + hours * 3_600_000_000);
    let until = until.ok_or_else(|| Error::internal("the end of a link is out of range"))?;
    let link = id::new_uuid();
    let token = previews.signer.sign(link, until)?;
    write::transact(store, hooks, &Creating { link, target, until }).await?;
    let made = find(&mut *store.lend().await?, store, link).await?;
    Ok((made.ok_or_else(|| Error::internal("a preview link cannot be found"))?, token))
}

struct Creating {
    link: Uuid,
    target: Target,
    until: Timestamp,
}

impl Transacted for Creating {
    type Output = ();

    fn run<'c>(&'c self, cx: &'c mut Cx<'_>) -> Running<'c, ()> {
        Box::pin(async move {
            must_see(cx.connection, cx.store, &self.target).await?;
            let actor = cx.store.access.actor.clone();
            let (kind, actor_id) = store::outbox::actor_of(&actor.identity);
            cx.connection.alone_at(&format!("preview {actor_id:?}")).await?;
            let sql = "select count(*) from cms.preview_link
                where actor_kind = $1 and actor is not distinct from $2 and expires_at > now() and revoked_at is null";
            let count: i64 = sqlx::query_scalar(sql).bind(kind).bind(actor_id).fetch_one(&mut *cx.connection).await?;
            if count >= MOST {
                let message = format!("you have {count} preview links that have not expired, the limit is {MOST}");
                return Err(Problem::new(Code::LimitExceeded, message).into());
            }
            let (table, target) = self.target.stored();
            let sql = "insert into cms.preview_link (id, kind, type, target, actor_kind, actor, role, expires_at)
                values ($1, $2, $3, $4, $5, $6, $7, timestamptz 'epoch' + $8 * interval '1 microsecond')";
            sqlx::query(sql)
                .bind(self.link)
                .bind(self.target.kind())
                .bind(table)
                .bind(target)
                .bind(kind)
                .bind(actor_id)
                .bind(&actor.role)
                .bind(self.until.as_microsecond())
                .execute(&mut *cx.connection)
                .await?;
            let mut event = audit::Event::new("preview_link.create").on(PREFIX, self.link);
            event.after = Some(serde_json::json!({ "kind": self.target.kind(), "target": self.target.id() }));
            audit::record(cx.connection, &actor, event).await
        })
    }
}

/// The actor's own links that have not expired, newest first; for a role that manages users, those of all.
pub async fn list(store: &Store, after: Option<Uuid>, limit: usize) -> Result<Vec<Link>> {
    let actor = &store.access.actor;
    if matches!(actor.identity, Identity::Anonymous) {
        return Err(store.access.refusal("preview links need an account".to_owned()).into());
    }
    let all = store.access.manages(store::access::Area::Users);
    let (kind, actor_id) = store::outbox::actor_of(&actor.identity);
    let sql = format!(
        "select {COLUMNS} from cms.preview_link
        where expires_at > now() and ($1 or (actor_kind = $2 and actor is not distinct from $3))
            and ($4::uuid is null or (created_at, id) < (select created_at, id from cms.preview_link where id = $4))
        order by preview_link.created_at desc, id desc limit $5"
    );
    let rows = sqlx::query(AssertSqlSafe(sql))
        .bind(all)
        .bind(kind)
        .bind(actor_id)
        .bind(after)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&mut *store.lend().await?)
        .await?;
    rows.iter().filter_map(|row| link(store, row).transpose()).collect()
}

/// Ends a link of one's own, or any for a role that manages users.
pub async fn revoke(store: &Store, hooks: &HookSet, link: Uuid) -> Result<Uuid> {
    write::transact(store, hooks, &Revoking(link)).await?;
    Ok(link)
}

struct Revoking(Uuid);

impl Transacted for Revoking {
    type Output = ();

    fn run<'c>(&'c self, cx: &'c mut Cx<'_>) -> Running<'c, ()> {
        Box::pin(async move {
            let actor = cx.store.access.actor.clone();
            let (kind, actor_id) = store::outbox::actor_of(&actor.identity);
            let all = cx.store.access.manages(store::access::Area::Users);
            let is_known = !matches!(actor.identity, Identity::Anonymous);
            let sql = "update cms.preview_link set revoked_at = coalesce(revoked_at, now())
                where id = $1 and $2 and ($3 or (actor_kind = $4 and actor is not distinct from $5))";
            let done = sqlx::query(sql)
                .bind(self.0)
                .bind(is_known)
                .bind(all)
                .bind(kind)
                .bind(actor_id)
                .execute(&mut *cx.connection)
                .await?;
            if done.rows_affected() == 0 {
                let message = format!("the preview link `{}` does not exist", id::encode(PREFIX, self.0));
                return Err(Problem::new(Code::NotFound, message).at([Step::from("id")]).into());
            }
            let event = audit::Event::new("preview_link.revoke").on(PREFIX, self.0);
            audit::record(cx.connection, &actor, event).await
        })
    }
}

/// What a link shows now. `None` if it has ended, or if its maker may not see that any more.
pub async fn open(database: &Database, accounts: &dyn Standing, link: Uuid) -> Result<Option<(Link, Overlay)>> {
    let trusted = database.trusted();
    let mut lent = database.lend().await?;
    let Some(found) = find(&mut lent, &trusted, link).await? else { return Ok(None) };
    let expires: Option<Timestamp> = found.expires_at.parse().ok();
    if found.revoked_at.is_some() || expires.is_none_or(|expires| expires <= Timestamp::now()) {
        return Ok(None);
    }
    let identity = identity_of(&found.actor_kind, found.actor);
    let role = found.role.clone().unwrap_or_default();
    let Some(actor) = accounts.resume(&mut lent, &identity, &role).await? else { return Ok(None) };
    let maker = database.acting(actor);
    match must_see(&mut lent, &maker, &found.target).await {
        Ok(()) => {}
        Err(error) if error.problems.iter().any(Problem::is_passing) => return Err(error),
        Err(_) => return Ok(None),
    }
    let mut overlay = match found.target {
        Target::Entry(info, id) => {
            let plan = [Planned { info, id, change: Change::Publish(None), force: false }];
            together::preview(&mut lent, &trusted, &plan).await?
        }
        Target::Release(id) => preview::of_release(&mut lent, &trusted, id).await?,
        Target::Drafts => Overlay::of_all_drafts(),
    };
    overlay.as_published = true;
    Ok(Some((found, overlay)))
}

/// The page that shows the entry of a link, if its type has one. `own` is the address of this server.
pub async fn page(database: &Database, target: &Target, own: &str, token: &str) -> Result<Option<String>> {
    let Target::Entry(info, id) = *target else { return Ok(None) };
    let Some((_, pattern)) = database.schema.preview_urls.iter().find(|(table, _)| *table == info.table) else {
        return Ok(None);
    };
    let sql = format!(r#"select to_jsonb(t)::text from draft."{}" t where id = $1"#, info.table);
    let row: Option<String> =
        sqlx::query_scalar(AssertSqlSafe(sql)).bind(id).fetch_optional(&mut *database.lend().await?).await?;
    let row = row.and_then(|row| serde_json::from_str::<Json>(&row).ok()).unwrap_or_default();
    let value = |name: &str| match name {
        "id" => id::encode(info.table, id),
        "token" => token.to_owned(),
        field => row.get(field).and_then(Json::as_str).unwrap_or_default().to_owned(),
    };
    let mut address = if pattern.starts_with('/') { own.to_owned() } else { String::new() };
    let mut rest = *pattern;
    while let Some((before, inside)) = rest.split_once('{') {
        let (name, after) = inside.split_once('}').unwrap_or((inside, ""));
        address.push_str(before);
        address.extend(utf8_percent_encode(&value(name), PLAIN));
        rest = after;
    }
    address.push_str(rest);
    Ok(Some(address))
}

/// All but the letters that mean nothing in an address (RFC 3986, 2.3).
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Refuses an actor that may not see the drafts itself.
async fn must_see(connection: &mut Connection, store: &Store, target: &Target) -> Result<()> {
    if matches!(store.access.actor.identity, Identity::Anonymous) {
        return Err(store.access.refusal("preview links need an account".to_owned()).into());
    }
    let drafts = store.at(Stage::Draft);
    match *target {
        Target::Entry(info, id) => {
            drafts.must_read_any(info)?;
            must_read_all_fields(store, info, "entry")?;
            let sql = format!(r#"select id from draft."{}" where id = $1"#, info.table);
            let there: Vec<Uuid> = sqlx::query_scalar(AssertSqlSafe(sql)).bind(id).fetch_all(&mut *connection).await?;
            let seen = readable(connection, drafts, info, there).await;
            let seen = seen.map_err(|failure| failure.into_error(store.schema, false))?;
            match seen.contains(&id) {
                true => Ok(()),
                false => {
                    let message = format!("{} `{}` does not exist", info.name, id::encode(info.table, id));
                    Err(Problem::new(Code::NotFound, message).at([Step::from("entry")]).into())
                }
            }
        }
        Target::Release(id) => {
            release::must_release(store)?;
            let there: bool = sqlx::query_scalar("select exists (select from cms.release where id = $1)")
                .bind(id)
                .fetch_one(&mut *connection)
                .await?;
            if !there {
                return Err(release::missing(id).at([Step::from("release")]).into());
            }
            if !release::sees_all(connection, store, id).await? {
                let message = "the release has changes of entries that you may not see".to_owned();
                return Err(store.access.refusal(message).at([Step::from("release")]).into());
            }
            Ok(())
        }
        Target::Drafts => {
            let sees_all = |info: &&'static ContentInfo| match drafts.reads(info) {
                Grant::Trusted => true,
                Grant::By(rule) => rule.rows.is_none(),
                Grant::Denied => false,
            };
            match store.schema.contents().find(|info| info.owner.is_none() && !sees_all(info)) {
                None => {
                    let mut types = store.schema.contents().filter(|info| info.owner.is_none());
                    types.try_for_each(|info| must_read_all_fields(store, info, "drafts"))
                }
                Some(info) => {
                    let message =
                        format!("a link to all drafts needs a role that may read all drafts, also of `{}`", info.name);
                    Err(store.access.refusal(message).at([Step::from("drafts")]).into())
                }
            }
        }
    }
}

/// Visitors may see fields that the maker of the link may not.
fn must_read_all_fields(store: &Store, info: &'static ContentInfo, argument: &str) -> Result<()> {
    if together::reads_all_fields(store, info) {
        return Ok(());
    }
    let message = format!("a preview link needs a role that may read all fields of drafts of `{}`", info.name);
    Err(store.access.refusal(message).at([Step::from(argument)]).into())
}

async fn find(connection: &mut Connection, store: &Store, id: Uuid) -> Result<Option<Link>> {
    let sql = format!("select {COLUMNS} from cms.preview_link where id = $1");
    let row = sqlx::query(AssertSqlSafe(sql)).bind(id).fetch_optional(connection).await?;
    row.as_ref().map_or(Ok(None), |row| link(store, row))
}

/// `None` for an entry of a type that the site no longer has.
fn link(store: &Store, row: &PgRow) -> Result<Option<Link>> {
    let (kind, table): (String, Option<String>) = (row.try_get("kind")?, row.try_get("type")?);
    let target: Option<Uuid> = row.try_get("target")?;
    let info = table.and_then(|table| content(store, &table));
    let target = match (kind.as_str(), info, target) {
        ("entry", Some(info), Some(id)) => Target::Entry(info, id),
        ("release", _, Some(id)) => Target::Release(id),
        ("drafts", ..) => Target::Drafts,
        _ => return Ok(None),
    };
    Ok(Some(Link {
        id: row.try_get("id")?,
        target,
        actor_kind: row.try_get("actor_kind")?,
        actor: row.try_get("actor")?,
        role: row.try_get("role")?,
        created_at: row.try_get("created_at")?,
        expires_at: row.try_get("expires_at")?,
        revoked_at: row.try_get("revoked_at")?,
    }))
}
