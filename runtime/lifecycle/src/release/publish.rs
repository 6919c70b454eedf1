//! Publishes a release, now or at a time, checks it, and undoes it: each in one transaction.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use sqlx::Row as _;
use uuid::Uuid;

use super::items::{Item, lock_published, must_change_all, planned};
use super::{PREFIX, Release, Running, lock_open, must_get, must_release, note};
use crate::fire::{NotifyFailure, identity_of, shown};
use crate::moment::Moment;
use base::error::{Code, Error, Problem, Result, Step};
use jobs::{Enqueue as _, Job, Work};
use model::content::ContentInfo;
use model::timestamp::Timestamp;
use store::access::Identity;
use store::hooks::{Cx, HookSet};
use store::write::together::{self, Before, Change, Planned};
use store::write::{self, Transacted, entries};
use store::{Standing, Store, id};

/// What was live before a published release is kept for so long; until then it can be undone.
pub(crate) const UNDO_DAYS: i64 = 30;

#[derive(Clone, Copy, Debug)]
enum What {
    Publish,
    Undo,
    Unschedule,
}

/// Makes all changes of the release, or none.
pub async fn publish(store: &Store, hooks: &HookSet, release: Uuid) -> Result<Release> {
    run(store, hooks, release, What::Publish).await
}

/// Makes live again what was live before the release was published. Drafts stay as they are.
pub async fn undo(store: &Store, hooks: &HookSet, release: Uuid) -> Result<Release> {
    run(store, hooks, release, What::Undo).await
}

pub async fn unschedule(store: &Store, hooks: &HookSet, release: Uuid) -> Result<Release> {
    run(store, hooks, release, What::Unschedule).await
}

async fn run(store: &Store, hooks: &HookSet, release: Uuid, what: What) -> Result<Release> {
    must_release(store)?;
    write::transact(store, hooks, &Doing { release, what }).await?;
    must_get(store, release).await
}

struct Doing {
    release: Uuid,
    what: What,
}

impl Transacted for Doing {
    type Output = ();

    fn run<'c>(&'c self, cx: &'c mut Cx<'_>) -> Running<'c, ()> {
        Box::pin(async move {
            match self.what {
                What::Publish => {
                    lock_open(cx.connection, self.release).await?;
                    make(cx, self.release).await
                }
                What::Undo => unmake(cx, self.release).await,
                What::Unschedule => {
                    if lock_open(cx.connection, self.release).await? != "scheduled" {
                        let problem = Problem::new(Code::Conflict, "the release is not scheduled");
                        return Err(problem.at([Step::from("id")]).into());
                    }
                    must_change_all(cx, self.release).await?;
                    let sql = "update cms.release set state = 'open', at = null, local_time = null, zone = null where id = $1";
                    sqlx::query(sql).bind(self.release).execute(&mut *cx.connection).await?;
                    note(cx, self.release, "unschedule", None).await
                }
            }
        })
    }
}

/// The release is locked and not published.
async fn make(cx: &mut Cx<'_>, release: Uuid) -> Result<()> {
    let items = must_change_all(cx, release).await?;
    if items.is_empty() {
        return Err(Problem::new(Code::Conflict, "the release has no changes").at([Step::from("id")]).into());
    }
    let plan: Vec<Planned> = items.iter().map(planned).collect();
    let befores = together::make(cx, &plan).await?;
    remember(cx, release, &plan, &befores).await?;
    ended(cx, release, "published").await
}

async fn remember(cx: &mut Cx<'_>, release: Uuid, plan: &[Planned], befores: &[Before]) -> Result<()> {
    let afters = live_now(cx, befores.iter().map(|before| (before.info, before.id))).await?;
    let action = |before: &Before| {
        // What leaves with an entry that is deleted may stay as a draft.
        let of_plan = plan.iter().find(|planned| planned.id == before.id).map(|planned| planned.change);
        match of_plan {
            Some(Change::Publish(_)) => "publish",
            Some(Change::Delete) => "delete",
            Some(Change::Unpublish) | None => "unpublish",
        }
    };
    let sql = "insert into cms.release_item (release, type, entry, action, implied, before, after)
        select $1, u.type, u.entry, u.action, u.implied, u.before, u.after
        from unnest($2::text[], $3::uuid[], $4::text[], $5::bool[], $6::bigint[], $7::bigint[])
            as u(type, entry, action, implied, before, after)
        on conflict (release, entry) do update set before = excluded.before, after = excluded.after";
    sqlx::query(sql)
        .bind(release)
        .bind(befores.iter().map(|before| before.info.table).collect::<Vec<_>>())
        .bind(befores.iter().map(|before| before.id).collect::<Vec<_>>())
        .bind(befores.iter().map(action).collect::<Vec<_>>())
        .bind(befores.iter().map(|before| before.is_implied).collect::<Vec<_>>())
        .bind(befores.iter().map(|before| before.live).collect::<Vec<_>>())
        .bind(befores.iter().map(|before| afters.get(&before.id).copied()).collect::<Vec<_>>())
        .execute(&mut *cx.connection)
        .await?;
    Ok(())
}

async fn live_now(
    cx: &mut Cx<'_>,
    entries: impl Iterator<Item = (&'static ContentInfo, Uuid)>,
) -> Result<HashMap<Uuid, i64>> {
    let mut types: HashMap<&'static str, (&'static ContentInfo, Vec<Uuid>)> = HashMap::new();
    for (info, id) in entries {
        types.entry(info.table).or_insert((info, Vec::new())).1.push(id);
    }
    let mut live = HashMap::new();
    for (info, ids) in types.into_values() {
        live.extend(together::live_revisions(cx.connection, cx.store, info, &ids).await?);
    }
    Ok(live)
}

/// The events of the entries come first, and the event of the release follows.
async fn ended(cx: &mut Cx<'_>, release: Uuid, state: &str) -> Result<()> {
    let sql = "update cms.release set state = $2, problems = null,
        published_at = case when $2 = 'published' then now() else published_at end where id = $1";
    sqlx::query(sql).bind(release).bind(state).execute(&mut *cx.connection).await?;
    store::outbox::record_of_release(cx.connection, cx.store, release, state == "published").await?;
    note(cx, release, if state == "published" { "publish" } else { "undo" }, None).await
}

async fn unmake(cx: &mut Cx<'_>, release: Uuid) -> Result<()> {
    lock_published(cx.connection, release).await?;
    let is_recent: bool =
        sqlx::query_scalar("select published_at > now() - make_interval(days => $2) from cms.release where id = $1")
            .bind(release)
            .bind(i32::try_from(UNDO_DAYS).unwrap_or(i32::MAX))
            .fetch_one(&mut *cx.connection)
            .await?;
    if !is_recent {
        let message = format!("a release can be undone for {UNDO_DAYS} days after its publication");
        return Err(Problem::new(Code::Conflict, message).at([Step::from("id")]).into());
    }
    let items = must_change_all(cx, release).await?;
    refuse_changed(cx, &items).await?;
    // The last one that was deleted comes first: earlier ones may refer to it, or have gone along with it.
    for item in latest_first(cx, &items).await? {
        let is_back = together::standing(cx.connection, cx.store, &[planned(item)]).await?.there.contains(&item.entry);
        if !is_back {
            entries::undelete(cx, item.info, item.entry).await?;
        }
    }
    let back = |item: &Item| {
        let change = match item.before {
            Some(revision) => Change::Publish(Some(revision)),
            None if matches!(item.change, Change::Publish(_)) => Change::Unpublish,
            None => return None,
        };
        item.info.drafts.then_some(Planned { info: item.info, id: item.entry, change })
    };
    let plan: Vec<Planned> = items.iter().filter_map(back).collect();
    together::make(cx, &plan).await?;
    ended(cx, release, "undone").await
}

/// The entries that the release deleted, the last one first.
async fn latest_first<'i>(cx: &mut Cx<'_>, items: &'i [Item]) -> Result<Vec<&'i Item>> {
    let deleted = items.iter().filter(|item| item.change == Change::Delete);
    let ids: Vec<Uuid> = deleted.map(|item| item.entry).collect();
    let sql = "select entry from cms.bin where entry = any($1) order by deletion desc";
    let order: Vec<Uuid> = sqlx::query_scalar(sql).bind(ids).fetch_all(&mut *cx.connection).await?;
    Ok(order.iter().filter_map(|id| items.iter().find(|item| item.entry == *id)).collect())
}

/// An undo would overwrite later publications.
async fn refuse_changed(cx: &mut Cx<'_>, items: &[Item]) -> Result<()> {
    let plan: Vec<Planned> = items.iter().map(planned).collect();
    let standing = together::standing(cx.connection, cx.store, &plan).await?;
    let live = live_now(cx, items.iter().map(|item| (item.info, item.entry))).await?;
    let is_changed = |item: &&Item| {
        let is_gone = !standing.there.contains(&item.entry);
        live.get(&item.entry).copied() != item.after || (is_gone != (item.change == Change::Delete) && !item.is_implied)
    };
    let problem = |item: &Item| {
        let message = "the entry was published, unpublished, deleted or restored after the release";
        Problem::new(Code::Conflict, message).at(planned(item).path())
    };
    let problems: Vec<Problem> = items.iter().filter(is_changed).map(problem).collect();
    if problems.is_empty() { Ok(()) } else { Err(Error { problems }) }
}

/// What is wrong with the release as a whole: it is published, and this is undone before anyone sees it.
pub async fn check(store: &Store, hooks: &HookSet, release: Uuid) -> Result<Vec<Problem>> {
    must_release(store)?;
    let checking = Checking { release, found: Mutex::default() };
    let ended = write::transact(store, hooks, &checking).await;
    match (checking.found.into_inner().unwrap_or_else(PoisonError::into_inner), ended) {
        (Some(problems), _) => Ok(problems),
        (None, Err(error)) => Err(error),
        (None, Ok(())) => Ok(Vec::new()),
    }
}

struct Checking {
    release: Uuid,
    found: Mutex<Option<Vec<Problem>>>,
}

impl Transacted for Checking {
    type Output = ();

    fn run<'c>(&'c self, cx: &'c mut Cx<'_>) -> Running<'c, ()> {
        Box::pin(async move {
            lock_open(cx.connection, self.release).await?;
            let items = must_change_all(cx, self.release).await?;
            let plan: Vec<Planned> = items.iter().map(planned).collect();
            let problems = match together::make(cx, &plan).await {
                Ok(_) => Vec::new(),
                Err(error) if error == Error::in_the_way() || error.problems.iter().any(Problem::is_passing) => {
                    return Err(error);
                }
                Err(error) => error.problems,
            };
            *self.found.lock().unwrap_or_else(PoisonError::into_inner) = Some(problems);
            // An error ends the transaction without a commit.
            Err(Error { problems: Vec::new() })
        })
    }
}

/// Publishes the release at a moment, with the rights that the actor has then.
pub async fn schedule(store: &Store, hooks: &HookSet, release: Uuid, moment: Moment) -> Result<Release> {
    must_release(store)?;
    write::transact(store, hooks, &Scheduling { release, moment }).await?;
    must_get(store, release).await
}

struct Scheduling {
    release: Uuid,
    moment: Moment,
}

impl Transacted for Scheduling {
    type Output = ();

    fn run<'c>(&'c self, cx: &'c mut Cx<'_>) -> Running<'c, ()> {
        Box::pin(async move {
            lock_open(cx.connection, self.release).await?;
            must_change_all(cx, self.release).await?;
            let actor = cx.store.access.actor.clone();
            let (kind, actor_id) = store::outbox::actor_of(&actor.identity);
            let (local, zone) = self.moment.stored();
            let sql = "update cms.release set state = 'scheduled', problems = null,
                at = timestamptz 'epoch' + $2 * interval '1 microsecond', local_time = $3::timestamp, zone = $4,
                actor_kind = $5, actor = $6, role = $7 where id = $1";
            sqlx::query(sql)
                .bind(self.release)
                .bind(self.moment.at.as_microsecond())
                .bind(local)
                .bind(zone)
                .bind(kind)
                .bind(actor_id)
                .bind(&actor.role)
                .execute(&mut *cx.connection)
                .await?;
            cx.enqueue(&FireRelease::of(self.release)).at(self.moment.at).await?;
            note(cx, self.release, "schedule", Some(json!({ "at": self.moment.at.to_string() }))).await
        })
    }
}

/// The job of a scheduled release. It finds nothing to do if the release was published, moved or unscheduled.
#[derive(Debug, Serialize, Deserialize)]
pub struct FireRelease {
    release: String,
}

impl FireRelease {
    fn of(release: Uuid) -> Self {
        Self { release: id::encode(PREFIX, release) }
    }
}

impl Job for FireRelease {
    const KIND: &'static str = "typecase.scheduled_release";
    /// Before other work: people wait for it.
    const PRIORITY: i16 = 100;
}

pub(crate) struct Firing(pub Arc<dyn Standing>);

impl Work<FireRelease> for Firing {
    async fn work(&self, cx: &mut Cx<'_>, job: FireRelease) -> Result<()> {
        let Some((_, release)) = id::decode(&job.release) else { return Ok(()) };
        let sql =
            "select title, (extract(epoch from at) * 1000000)::bigint, local_time::text, zone, actor_kind, actor, role
            from cms.release where id = $1 and state = 'scheduled' and at <= now() for update";
        let Some(row) = sqlx::query(sql).bind(release).fetch_optional(&mut *cx.connection).await? else {
            return Ok(());
        };
        let moment = Moment::of(row.try_get(1)?, row.try_get(2)?, row.try_get(3)?);
        let again = moment.again();
        if again > Timestamp::now() {
            let sql = "update cms.release set at = timestamptz 'epoch' + $2 * interval '1 microsecond' where id = $1";
            sqlx::query(sql).bind(release).bind(again.as_microsecond()).execute(&mut *cx.connection).await?;
            cx.enqueue(&FireRelease::of(release)).at(again).await?;
            return Ok(());
        }
        let identity = identity_of(row.try_get::<&str, _>(4)?, row.try_get(5)?);
        let role: Option<String> = row.try_get(6)?;
        let actor = self.0.resume(cx.connection, &identity, role.as_deref().unwrap_or_default()).await?;
        let made = match actor {
            None => Err(Error::new(Code::Forbidden, "the one who scheduled it has no account any more")),
            Some(actor) => {
                let store = cx.store.acting(actor);
                make(&mut cx.acting_as(&store), release).await
            }
        };
        match made {
            Ok(()) => Ok(()),
            Err(error) if error == Error::in_the_way() || error.problems.iter().any(Problem::is_passing) => Err(error),
            Err(error) => failed(cx, release, row.try_get(0)?, &identity, &moment, &error.problems).await,
        }
    }
}

/// The release stays visible with its problems, and the one who scheduled it is told.
async fn failed(
    cx: &mut Cx<'_>,
    release: Uuid,
    title: String,
    identity: &Identity,
    moment: &Moment,
    problems: &[Problem],
) -> Result<()> {
    let text = Json::from(problems.iter().map(shown).collect::<Vec<_>>()).to_string();
    let sql = "update cms.release set state = 'failed', problems = $2::jsonb where id = $1";
    sqlx::query(sql).bind(release).bind(text).execute(&mut *cx.connection).await?;
    let code = problems.first().map_or("", |problem| problem.code.as_str());
    tracing::warn!(release = id::encode(PREFIX, release), code, "a scheduled release failed");
    note(cx, release, "schedule_failed", None).await?;
    if let Identity::User { id: user, .. } = identity {
        let job = NotifyFailure {
            user: id::encode(store::access::USER_PREFIX, *user),
            entry: id::encode(PREFIX, release),
            title: Some(title),
            action: "publish the release".to_owned(),
            at: moment.at.to_string(),
            problems: problems.iter().map(|problem| problem.message.clone()).collect(),
        };
        cx.enqueue(&job).await?;
    }
    Ok(())
}
