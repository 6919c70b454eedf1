//! Soft locks: who edits an entry now. Writes of others are not refused; people see it and decide.

use std::future::Future;
use std::pin::Pin;

use serde_json::json;
use sqlx::Row as _;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use crate::people;
use base::error::{Code, Error, Problem, Result, Step};
use model::content::ContentInfo;
use store::access::{API_TOKEN_PREFIX, Action, USER_PREFIX};
use store::hooks::{Cx, HookSet};
use store::outbox::actor_of;
use store::write::{self, Transacted, entries};
use store::{Store, audit, id};

/// How long a lock counts after the last call.
pub const LASTS_SECONDS: i32 = 60;
/// Entries that an account edits at once.
const MOST: i64 = 100;

/// Someone edits an entry.
#[derive(Clone, Debug)]
pub struct Lock {
    pub info: &'static ContentInfo,
    pub entry: Uuid,
    pub actor_kind: String,
    pub actor: Option<Uuid>,
    pub is_mine: bool,
    /// RFC 3339, with microseconds.
    pub since: String,
    pub until: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// `CONFLICT` if someone else edits the entry.
    Ask,
    TakeOver,
}

type Running<'c, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'c>>;

const COLUMNS: &str = r#"type, entry, actor_kind, actor,
    to_char(since at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as shown_since,
    to_char(until at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as shown_until,
    former_kind, former"#;

/// Locks the entry for the actor, or prolongs its lock.
pub async fn lock(store: &Store, hooks: &HookSet, info: &'static ContentInfo, entry: Uuid, how: How) -> Result<Lock> {
    write::transact(store, hooks, &Locking { info, entry, how }).await
}

struct Locking {
    info: &'static ContentInfo,
    entry: Uuid,
    how: How,
}

impl Transacted for Locking {
    type Output = Lock;

    fn run<'c>(&'c self, cx: &'c mut Cx<'_>) -> Running<'c, Lock> {
        Box::pin(async move {
            entries::must_have_account(cx.store)?;
            entries::must(cx, self.info, self.entry, Action::Update).await?;
            self.bound(cx).await?;
            let (kind, actor) = actor_of(&cx.store.access.actor.identity);
            let sql = format!(
                "insert into cms.entry_lock as l (type, entry, actor_kind, actor, until)
                values ($1, $2, $3, $4, now() + make_interval(secs => $5))
                on conflict (type, entry) do update set
                    since = case when l.until > now() and (l.actor_kind, l.actor) is not distinct from ($3, $4)
                        then l.since else now() end,
                    former_kind = case when l.until <= now() then null
                        when (l.actor_kind, l.actor) is not distinct from ($3, $4) then l.former_kind else l.actor_kind end,
                    former = case when l.until <= now() then null
                        when (l.actor_kind, l.actor) is not distinct from ($3, $4) then l.former else l.actor end,
                    actor_kind = excluded.actor_kind, actor = excluded.actor, until = excluded.until
                where $6 or l.until <= now() or (l.actor_kind, l.actor) is not distinct from ($3, $4)
                returning {COLUMNS}"
            );
            let row = sqlx::query(sqlx::AssertSqlSafe(sql))
                .bind(self.info.table)
                .bind(self.entry)
                .bind(kind)
                .bind(actor)
                .bind(f64::from(LASTS_SECONDS))
                .bind(self.how == How::TakeOver)
                .fetch_optional(&mut *cx.connection)
                .await?;
            let Some(row) = row else { return Err(self.refusal(cx).await?.into()) };
            let (former_kind, former): (Option<String>, Option<Uuid>) = (row.try_get(6)?, row.try_get(7)?);
            if let (How::TakeOver, Some(former_kind)) = (self.how, former_kind) {
                let mut event = audit::Event::new(format!("{}.take_over_lock", self.info.table));
                event = event.on(self.info.table, self.entry);
                event.before = Some(json!({ "actorKind": former_kind, "actor": account(&former_kind, former) }));
                let actor = cx.store.access.actor.clone();
                audit::record(cx.connection, &actor, event).await?;
            }
            read(self.info, &row, (kind, actor))
        })
    }
}

impl Locking {
    async fn bound(&self, cx: &mut Cx<'_>) -> Result<()> {
        let (kind, actor) = actor_of(&cx.store.access.actor.identity);
        cx.connection.alone_at(&format!("entry_lock {actor:?}")).await?;
        let sql = "delete from cms.entry_lock
            where actor_kind = $1 and actor is not distinct from $2 and until <= now()";
        sqlx::query(sql).bind(kind).bind(actor).execute(&mut *cx.connection).await?;
        let sql = "select count(*) from cms.entry_lock
            where actor_kind = $1 and actor is not distinct from $2 and (type, entry) <> ($3, $4)";
        let others: i64 = sqlx::query_scalar(sql)
            .bind(kind)
            .bind(actor)
            .bind(self.info.table)
            .bind(self.entry)
            .fetch_one(&mut *cx.connection)
            .await?;
        if others >= MOST {
            let message = format!("you edit {others} other entries already, the limit is {MOST}");
            return Err(Problem::new(Code::LimitExceeded, message).at([Step::from("id")]).into());
        }
        Ok(())
    }

    /// Says who edits the entry, and whether the actor lost it to them.
    async fn refusal(&self, cx: &mut Cx<'_>) -> Result<Problem> {
        let (kind, actor) = actor_of(&cx.store.access.actor.identity);
        let sql = format!("select {COLUMNS} from cms.entry_lock where type = $1 and entry = $2");
        let row = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(self.info.table)
            .bind(self.entry)
            .fetch_optional(&mut *cx.connection)
            .await?;
        // It ended in this moment: the next attempt gets it.
        let row = row.ok_or_else(Error::in_the_way)?;
        let lock = read(self.info, &row, (kind, actor))?;
        let (former_kind, former): (Option<String>, Option<Uuid>) = (row.try_get(6)?, row.try_get(7)?);
        let was_mine = former_kind.as_deref() == Some(kind) && former == actor;
        let name = people::name(cx.connection, &lock.actor_kind, lock.actor).await?;
        let who = name.clone().unwrap_or_else(|| match lock.actor_kind.as_str() {
            "user" | "token" => "someone whose account is gone".to_owned(),
            kind => format!("the {kind}"),
        });
        let message = match was_mine {
            true => format!("{who} took the entry over from you at {}", lock.since),
            false => format!("{who} has been editing the entry since {}", lock.since),
        };
        let details = json!({ "lock": {
            "actorKind": lock.actor_kind.to_ascii_uppercase(),
            "actor": account(&lock.actor_kind, lock.actor),
            "name": name,
            "since": lock.since,
            "takenFromYou": was_mine,
        }});
        Ok(Problem::new(Code::Conflict, message).at([Step::from("id")]).details(details))
    }
}

/// Ends the actor's lock. False if it had none.
pub async fn unlock(store: &Store, hooks: &HookSet, info: &'static ContentInfo, entry: Uuid) -> Result<bool> {
    write::transact(store, hooks, &Unlocking { info, entry }).await
}

struct Unlocking {
    info: &'static ContentInfo,
    entry: Uuid,
}

impl Transacted for Unlocking {
    type Output = bool;

    fn run<'c>(&'c self, cx: &'c mut Cx<'_>) -> Running<'c, bool> {
        Box::pin(async move {
            entries::must_have_account(cx.store)?;
            entries::must(cx, self.info, self.entry, Action::Update).await?;
            let (kind, actor) = actor_of(&cx.store.access.actor.identity);
            let sql = "with gone as (delete from cms.entry_lock
                    where type = $1 and entry = $2 and actor_kind = $3 and actor is not distinct from $4 returning until)
                select exists (select from gone where until > now())";
            let ended = sqlx::query_scalar(sql).bind(self.info.table).bind(self.entry).bind(kind).bind(actor);
            Ok(ended.fetch_one(&mut *cx.connection).await?)
        })
    }
}

/// The locks of those of the entries whose drafts the actor may read.
pub async fn list(store: &Store, named: &[(&'static ContentInfo, Uuid)]) -> Result<Vec<Lock>> {
    entries::must_have_account(store)?;
    let mut lent = store.lend().await?;
    let seen = entries::read_by(&mut lent, store, named).await?;
    let sql = format!(
        "select {COLUMNS} from cms.entry_lock
        where (type, entry) in (select * from unnest($1::text[], $2::uuid[])) and until > now() order by since, entry"
    );
    let named: Vec<_> = named.iter().filter(|(_, entry)| seen.contains(entry)).collect();
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(named.iter().map(|(info, _)| info.table).collect::<Vec<_>>())
        .bind(named.iter().map(|(_, entry)| *entry).collect::<Vec<_>>())
        .fetch_all(&mut *lent)
        .await?;
    let me = actor_of(&store.access.actor.identity);
    let of = |row: &PgRow| {
        let table: String = row.try_get(0)?;
        let info = named.iter().find(|(info, _)| info.table == table).map(|(info, _)| *info);
        info.map(|info| read(info, row, me)).transpose()
    };
    rows.iter().filter_map(|row| of(row).transpose()).collect()
}

fn read(info: &'static ContentInfo, row: &PgRow, me: (&str, Option<Uuid>)) -> Result<Lock> {
    let (actor_kind, actor): (String, Option<Uuid>) = (row.try_get(2)?, row.try_get(3)?);
    Ok(Lock {
        info,
        entry: row.try_get(1)?,
        is_mine: (actor_kind.as_str(), actor) == me,
        actor_kind,
        actor,
        since: row.try_get(4)?,
        until: row.try_get(5)?,
    })
}

fn account(kind: &str, actor: Option<Uuid>) -> serde_json::Value {
    let prefix = if kind == "token" { API_TOKEN_PREFIX } else { USER_PREFIX };
    actor.map(|actor| id::encode(prefix, actor)).into()
}
