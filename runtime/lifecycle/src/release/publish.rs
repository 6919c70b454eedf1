//! Publishes a release, now or at a time, checks it, and undoes it: each in one transaction.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use uuid::Uuid;

use super::items::{Item, lock_published, must_change_all, planned};
use super::{Release, Running, lock_open, must_get, must_release, note};
use base::error::{Code, Error, Problem, Result, Step};
use model::content::ContentInfo;
use store::Store;
use store::hooks::{Cx, HookSet};
use store::write::together::{self, Before, Change, Planned};
use store::write::{self, Transacted, entries};

/// What was live before a published release is kept for so long; until then it can be undone.
pub(crate) const UNDO_DAYS: i64 = 30;

#[derive(Clone, Copy, Debug)]
enum What {
    Publish,
    Undo { force: bool },
    Unschedule,
}

/// Makes all changes of the release, or none.
pub async fn publish(store: &Store, hooks: &HookSet, release: Uuid) -> Result<Release> {
    run(store, hooks, release, What::Publish).await
}

/// Makes live again what was live before the release was published. Drafts stay as they are. With `force`, what is live may refer to
/// entries that leave.
pub async fn undo(store: &Store, hooks: &HookSet, release: Uuid, force: bool) -> Result<Release> {
    run(store, hooks, release, What::Undo { force }).await
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
                What::Undo { force } => unmake(cx, self.release, force).await,
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
pub(super) async fn make(cx: &mut Cx<'_>, release: Uuid) -> Result<()> {
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

async fn unmake(cx: &mut Cx<'_>, release: Uuid, force: bool) -> Result<()> {
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
    // Who changes one of them at the same time is either seen below or waits for the end.
    together::lock(cx, &items.iter().map(planned).collect::<Vec<_>>()).await?;
    refuse_changed(cx, &items).await?;
    // The last one that was deleted comes first: earlier ones may refer to it, or have gone along with it.
    for item in latest_first(cx, &items).await? {
        let is_back = together::standing(cx.connection, cx.store, &[planned(item)]).await?.there.contains(&item.entry);
        if !is_back {
            entries::undelete(cx, item.info, item.entry).await.map_err(|error| of_entry(item, error))?;
        }
    }
    let back = |item: &Item| {
        let change = match item.before {
            Some(revision) => Change::Publish(Some(revision)),
            None if matches!(item.change, Change::Publish(_)) => Change::Unpublish,
            None => return None,
        };
        item.info.drafts.then_some(Planned { change, force, ..planned(item) })
    };
    let plan: Vec<Planned> = items.iter().filter_map(back).collect();
    together::make(cx, &plan).await?;
    ended(cx, release, "undone").await
}

/// Paths begin with the id of the entry, in place of the input that undelete takes.
fn of_entry(item: &Item, mut error: Error) -> Error {
    for problem in &mut error.problems {
        let is_input = problem.path.first() == Some(&Step::from("input"));
        problem.path.splice(..usize::from(is_input), planned(item).path());
    }
    error
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
