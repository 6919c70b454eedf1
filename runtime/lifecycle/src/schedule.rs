//! Scheduled changes as people see them: made, listed, moved, cancelled, tried again.

use std::future::Future;
use std::pin::Pin;

use serde_json::Value as Json;
use sqlx::Row as _;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use crate::job::{Fire, PREFIX};
use crate::moment::Moment;
use base::error::{Code, Error, Problem, Result, Step};
use jobs::Enqueue as _;
use model::content::ContentInfo;
use store::hooks::{Cx, HookSet};
use store::write::{self, Transacted, entries};
use store::{Store, audit, id};

/// Rows that are looked at for a page; beyond that, the actor may publish next to nothing.
const LOOKED_AT: usize = 2_000;
/// Pending changes of one entry.
const MOST: i64 = 100;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Publish,
    Unpublish,
}

impl Action {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Unpublish => "unpublish",
        }
    }

    pub(crate) fn named(name: &str) -> Self {
        if name == "unpublish" { Self::Unpublish } else { Self::Publish }
    }
}

/// A change to be made later.
#[derive(Clone, Debug)]
pub struct New {
    pub info: &'static ContentInfo,
    pub entry: Uuid,
    pub action: Action,
    /// `None` for the latest at that time.
    pub revision: Option<i64>,
    /// To unpublish the entry although live entries refer to it.
    pub force: bool,
    pub moment: Moment,
}

/// A scheduled change.
#[derive(Clone, Debug)]
pub struct Scheduled {
    pub id: Uuid,
    pub info: &'static ContentInfo,
    pub entry: Uuid,
    pub action: String,
    pub revision: Option<i64>,
    pub force: bool,
    /// RFC 3339, with microseconds.
    pub at: String,
    pub local_time: Option<String>,
    pub zone: Option<String>,
    pub state: String,
    pub problems: Json,
    pub actor_kind: String,
    pub actor: Option<Uuid>,
    pub role: Option<String>,
    pub ended_at: Option<String>,
}

/// Which changes to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub entry: Option<(&'static ContentInfo, Uuid)>,
    pub state: Option<String>,
    /// The last one of the page before.
    pub after: Option<Uuid>,
}

const COLUMNS: &str = r#"id, type, entry, action, revision, force,
    to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as shown_at,
    to_char(local_time, 'YYYY-MM-DD"T"HH24:MI:SS') as local_time, zone, state, problems::text as problems, actor_kind, actor, role,
    to_char(ended_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as ended_at"#;

type Running<'c, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'c>>;

/// Schedules changes, all of them or none.
pub async fn schedule(store: &Store, hooks: &HookSet, new: Vec<New>) -> Result<Vec<Scheduled>> {
    let ids = write::transact(store, hooks, &Scheduling(new)).await?;
    by_ids(store, &ids).await
}

struct Scheduling(Vec<New>);

impl Transacted for Scheduling {
    type Output = Vec<Uuid>;

    fn run<'c>(&'c self, cx: &'c mut Cx<'_>) -> Running<'c, Vec<Uuid>> {
        Box::pin(async move {
            let mut ids = Vec::new();
            for new in &self.0 {
                ids.push(insert(cx, new).await?);
            }
            Ok(ids)
        })
    }
}

pub(crate) async fn insert(cx: &mut Cx<'_>, new: &New) -> Result<Uuid> {
    entries::must_publish(cx, new.info, new.entry).await?;
    if let Some(revision) = new.revision {
        entries::must_have_revision(cx, new.info, new.entry, revision).await?;
    }
    cx.connection.alone_at(&format!("schedule {}", new.entry)).await?;
    let pending: i64 =
        sqlx::query_scalar("select count(*) from cms.scheduled_change where entry = $1 and state = 'pending'")
            .bind(new.entry)
            .fetch_one(&mut *cx.connection)
            .await?;
    if pending >= MOST {
        let message = format!("the entry has {pending} scheduled changes already, the limit is {MOST}");
        return Err(Problem::new(Code::LimitExceeded, message).at([Step::from("id")]).into());
    }
    let change = id::new_uuid();
    let actor = cx.store.access.actor.clone();
    let (kind, actor_id) = store::outbox::actor_of(&actor.identity);
    let (local, zone) = new.moment.stored();
    let sql = "insert into cms.scheduled_change
        (id, type, entry, action, revision, at, local_time, zone, actor_kind, actor, role, force)
        values ($1, $2, $3, $4, $5, timestamptz 'epoch' + $6 * interval '1 microsecond', $7::timestamp, $8, $9, $10, $11, $12)";
    sqlx::query(sql)
        .bind(change)
        .bind(new.info.table)
        .bind(new.entry)
        .bind(new.action.as_str())
        .bind(new.revision)
        .bind(new.moment.at.as_microsecond())
        .bind(local)
        .bind(zone)
        .bind(kind)
        .bind(actor_id)
        .bind(&actor.role)
        .bind(new.force)
        .execute(&mut *cx.connection)
        .await?;
    cx.enqueue(&Fire::of(change)).at(new.moment.at).await?;
    let mut event = audit::Event::new(format!("{}.schedule_{}", new.info.table, new.action.as_str()));
    event = event.on(new.info.table, new.entry);
    event.after = Some(serde_json::json!({ "at": new.moment.at.to_string(), "revision": new.revision }));
    audit::record(cx.connection, &actor, event).await?;
    Ok(change)
}

/// What can be done with a pending or failed change.
#[derive(Clone, Debug)]
pub enum Edit {
    Move(Moment),
    Cancel,
    /// Of one that failed: as the actor who asks.
    Retry,
}

/// Changes a scheduled change, for those who may publish the entry.
pub async fn edit(store: &Store, hooks: &HookSet, change: Uuid, edit: Edit) -> Result<Scheduled> {
    write::transact(store, hooks, &Editing { change, edit }).await?;
    let found = by_ids(store, &[change]).await?.pop();
    found.ok_or_else(|| missing(change).into())
}

struct Editing {
    change: Uuid,
    edit: Edit,
}

impl Transacted for Editing {
    type Output = ();

    fn run<'c>(&'c self, cx: &'c mut Cx<'_>) -> Running<'c, ()> {
        Box::pin(apply(cx, self.change, &self.edit))
    }
}

/// Changes a scheduled change in the caller's transaction.
pub(crate) async fn apply(cx: &mut Cx<'_>, change: Uuid, edit: &Edit) -> Result<()> {
    let sql = "select type, entry, state from cms.scheduled_change where id = $1 for update";
    let row = sqlx::query(sql).bind(change).fetch_optional(&mut *cx.connection).await?;
    let row = row.ok_or_else(|| missing(change))?;
    let (table, entry, state): (String, Uuid, String) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
    let info = content(cx.store, &table).ok_or_else(|| missing(change))?;
    if entries::must_publish(cx, info, entry).await.is_err() {
        return Err(missing(change).into());
    }
    let fits = match edit {
        Edit::Move(_) | Edit::Cancel => state == "pending" || state == "failed",
        Edit::Retry => state == "failed",
    };
    if !fits {
        let message = format!("the change is {state} already");
        return Err(Problem::new(Code::Conflict, message).at([Step::from("id")]).into());
    }
    Editing { change, edit: edit.clone() }.apply(cx, info, entry).await
}

impl Editing {
    async fn apply(&self, cx: &mut Cx<'_>, info: &'static ContentInfo, entry: Uuid) -> Result<()> {
        let actor = cx.store.access.actor.clone();
        let (kind, actor_id) = store::outbox::actor_of(&actor.identity);
        let verb = match &self.edit {
            Edit::Cancel => {
                let sql = "update cms.scheduled_change set state = 'cancelled', ended_at = now() where id = $1";
                sqlx::query(sql).bind(self.change).execute(&mut *cx.connection).await?;
                "cancel"
            }
            Edit::Move(moment) => {
                let (local, zone) = moment.stored();
                let sql = "update cms.scheduled_change set state = 'pending', problems = null, ended_at = null,
                    at = timestamptz 'epoch' + $2 * interval '1 microsecond', local_time = $3::timestamp, zone = $4,
                    actor_kind = $5, actor = $6, role = $7 where id = $1";
                sqlx::query(sql)
                    .bind(self.change)
                    .bind(moment.at.as_microsecond())
                    .bind(local)
                    .bind(zone)
                    .bind(kind)
                    .bind(actor_id)
                    .bind(&actor.role)
                    .execute(&mut *cx.connection)
                    .await?;
                cx.enqueue(&Fire::of(self.change)).at(moment.at).await?;
                "move"
            }
            Edit::Retry => {
                let sql = "update cms.scheduled_change set state = 'pending', problems = null, ended_at = null,
                    actor_kind = $2, actor = $3, role = $4 where id = $1";
                sqlx::query(sql)
                    .bind(self.change)
                    .bind(kind)
                    .bind(actor_id)
                    .bind(&actor.role)
                    .execute(&mut *cx.connection)
                    .await?;
                cx.enqueue(&Fire::of(self.change)).await?;
                "retry"
            }
        };
        let event = audit::Event::new(format!("{}.schedule_{verb}", info.table)).on(info.table, entry);
        audit::record(cx.connection, &actor, event).await
    }
}

/// Changes of entries that the actor may publish, by the moment they are due.
pub async fn list(store: &Store, filter: &Filter, limit: usize) -> Result<Vec<Scheduled>> {
    let tables: Vec<&str> = match filter.entry {
        Some((info, _)) => vec![info.table],
        None => {
            let may = |info: &&'static ContentInfo| store.access.must(info, store::access::Action::Publish).is_ok();
            store.schema.contents().filter(may).map(|info| info.table).collect()
        }
    };
    let sql = format!(
        "select {COLUMNS} from cms.scheduled_change
        where type = any($1) and ($2::uuid is null or entry = $2) and ($3::text is null or state = $3)
            and ($4::uuid is null or (at, id) > (select at, id from cms.scheduled_change where id = $4))
        order by at, id limit $5"
    );
    let mut lent = store.lend().await?;
    let (mut found, mut after, mut looked_at) = (Vec::new(), filter.after, 0);
    loop {
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql.clone()))
            .bind(&tables)
            .bind(filter.entry.map(|(_, entry)| entry))
            .bind(&filter.state)
            .bind(after)
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(&mut *lent)
            .await?;
        let all: Vec<Scheduled> =
            rows.iter().filter_map(|row| scheduled(store, row).transpose()).collect::<Result<_>>()?;
        after = all.last().map(|change| change.id);
        let named: Vec<_> = all.iter().map(|change| (change.info, change.entry)).collect();
        let admitted = entries::publishable_by(&mut lent, store, &named).await?;
        found.extend(all.into_iter().filter(|change| admitted.contains(&change.entry)));
        looked_at += rows.len();
        if rows.len() < limit || found.len() >= limit || after.is_none() || looked_at > LOOKED_AT {
            found.truncate(limit);
            return Ok(found);
        }
    }
}

async fn by_ids(store: &Store, ids: &[Uuid]) -> Result<Vec<Scheduled>> {
    let sql = format!("select {COLUMNS} from cms.scheduled_change where id = any($1) order by at, id");
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(ids).fetch_all(&store.writes).await?;
    rows.iter().filter_map(|row| scheduled(store, row).transpose()).collect()
}

fn scheduled(store: &Store, row: &PgRow) -> Result<Option<Scheduled>> {
    let table: String = row.try_get("type")?;
    let Some(info) = content(store, &table) else { return Ok(None) };
    let problems: Option<String> = row.try_get("problems")?;
    Ok(Some(Scheduled {
        id: row.try_get("id")?,
        info,
        entry: row.try_get("entry")?,
        action: row.try_get("action")?,
        revision: row.try_get("revision")?,
        force: row.try_get("force")?,
        at: row.try_get("shown_at")?,
        local_time: row.try_get("local_time")?,
        zone: row.try_get("zone")?,
        state: row.try_get("state")?,
        problems: match problems {
            Some(problems) => serde_json::from_str(&problems).map_err(Error::internal)?,
            None => Json::Array(Vec::new()),
        },
        actor_kind: row.try_get("actor_kind")?,
        actor: row.try_get("actor")?,
        role: row.try_get("role")?,
        ended_at: row.try_get("ended_at")?,
    }))
}

/// The content type that a row of the database names.
pub(crate) fn content(store: &Store, table: &str) -> Option<&'static ContentInfo> {
    store.schema.contents().find(|info| info.owner.is_none() && info.is_called(table))
}

pub(crate) fn missing(change: Uuid) -> Problem {
    let message = format!("the scheduled change `{}` does not exist", id::encode(PREFIX, change));
    Problem::new(Code::NotFound, message).at([Step::from("id")])
}
