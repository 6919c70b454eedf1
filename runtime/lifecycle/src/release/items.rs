//! The changes of a release: added, removed, listed, and told of other releases that change the same entries.

use std::collections::HashMap;

use sqlx::Row as _;
use uuid::Uuid;

use super::{PREFIX, Running, is_ended, lock, lock_open, must_get, must_release, note};
use crate::release::Release;
use crate::schedule::content;
use base::error::{Code, Error, Problem, Result, Step};
use model::content::ContentInfo;
use store::access::Action;
use store::hooks::{Cx, HookSet};
use store::write::together::{self, Change, Planned, Standing};
use store::write::{self, Transacted, entries};
use store::{Connection, Store, id};

/// Changes of one release: they are made in one transaction.
const MOST: i64 = 500;

/// A change to add. It replaces an earlier change of the same entry.
#[derive(Clone, Copy, Debug)]
pub struct NewItem {
    pub info: &'static ContentInfo,
    pub entry: Uuid,
    pub change: Change,
    /// To unpublish it although live entries refer to it.
    pub force: bool,
}

/// A change of a release.
#[derive(Clone, Debug)]
pub struct Item {
    pub info: &'static ContentInfo,
    pub entry: Uuid,
    pub change: Change,
    pub force: bool,
    /// It was not asked for, but left with an entry that was.
    pub is_implied: bool,
    /// The revisions that were live before, and since the release is published.
    pub before: Option<i64>,
    pub(super) after: Option<i64>,
    /// Other releases that are to change the entry.
    pub others: Vec<Uuid>,
}

impl Item {
    pub fn action(&self) -> &'static str {
        action(self.change)
    }
}

fn action(change: Change) -> &'static str {
    match change {
        Change::Publish(_) => "publish",
        Change::Unpublish => "unpublish",
        Change::Delete => "delete",
    }
}

pub async fn add(store: &Store, hooks: &HookSet, release: Uuid, items: Vec<NewItem>) -> Result<Release> {
    must_release(store)?;
    write::transact(store, hooks, &Adding { release, items }).await?;
    must_get(store, release).await
}

struct Adding {
    release: Uuid,
    items: Vec<NewItem>,
}

impl Transacted for Adding {
    type Output = ();

    fn run<'c>(&'c self, cx: &'c mut Cx<'_>) -> Running<'c, ()> {
        Box::pin(async move {
            // Those who could not publish a release that is scheduled must not keep it from being published either.
            if lock_open(cx.connection, self.release).await? == "scheduled" {
                must_change_all(cx, self.release).await?;
            }
            let mut problems = Vec::new();
            for (place, new) in self.items.iter().enumerate() {
                problems.extend(problem(cx, new).await?.map(|problem| {
                    let step = problem.path.last().cloned().unwrap_or_else(|| Step::from("entry"));
                    let step = if step == Step::from("id") { Step::from("entry") } else { step };
                    problem.at(["changes".into(), place.into(), step])
                }));
            }
            if !problems.is_empty() {
                return Err(Error { problems });
            }
            self.insert(cx).await?;
            let entries: Vec<String> = self.items.iter().map(|new| id::encode(new.info.table, new.entry)).collect();
            note(cx, self.release, "add", Some(serde_json::json!({ "entries": entries }))).await
        })
    }
}

impl Adding {
    async fn insert(&self, cx: &mut Cx<'_>) -> Result<()> {
        let sql = "insert into cms.release_item (release, type, entry, action, revision, force)
            select distinct on (u.entry) $1, u.type, u.entry, u.action, u.revision, u.force
            from unnest($2::text[], $3::uuid[], $4::text[], $5::bigint[], $6::bool[]) with ordinality
                as u(type, entry, action, revision, force, place)
            order by u.entry, u.place desc
            on conflict (release, entry) do update
                set type = excluded.type, action = excluded.action, revision = excluded.revision,
                    force = excluded.force";
        let revision = |new: &NewItem| match new.change {
            Change::Publish(revision) => revision,
            _ => None,
        };
        sqlx::query(sql)
            .bind(self.release)
            .bind(self.items.iter().map(|new| new.info.table).collect::<Vec<_>>())
            .bind(self.items.iter().map(|new| new.entry).collect::<Vec<_>>())
            .bind(self.items.iter().map(|new| action(new.change)).collect::<Vec<_>>())
            .bind(self.items.iter().map(revision).collect::<Vec<_>>())
            .bind(self.items.iter().map(|new| new.force).collect::<Vec<_>>())
            .execute(&mut *cx.connection)
            .await?;
        let count: i64 = sqlx::query_scalar("select count(*) from cms.release_item where release = $1")
            .bind(self.release)
            .fetch_one(&mut *cx.connection)
            .await?;
        if count > MOST {
            let message = format!("the release would have {count} changes, the limit is {MOST}");
            return Err(Problem::new(Code::LimitExceeded, message).at([Step::from("changes")]).into());
        }
        Ok(())
    }
}

/// Why the change cannot be added, if it cannot.
async fn problem(cx: &mut Cx<'_>, new: &NewItem) -> Result<Option<Problem>> {
    let NewItem { info, entry, change, .. } = *new;
    let checked = match change {
        Change::Publish(_) | Change::Unpublish => entries::must_publish(cx, info, entry).await,
        Change::Delete => entries::must(cx, info, entry, Action::Delete).await,
    };
    let checked = match (checked, change) {
        (Ok(()), Change::Publish(Some(revision))) => entries::must_have_revision(cx, info, entry, revision).await,
        (checked, _) => checked,
    };
    match checked {
        Ok(()) => Ok(None),
        Err(error) if error.problems.iter().any(Problem::is_passing) => Err(error),
        Err(error) => Ok(error.problems.into_iter().next()),
    }
}

/// Removes the changes of these entries.
pub async fn remove(store: &Store, hooks: &HookSet, release: Uuid, entries: Vec<Uuid>) -> Result<Release> {
    must_release(store)?;
    write::transact(store, hooks, &Removing { release, entries }).await?;
    must_get(store, release).await
}

struct Removing {
    release: Uuid,
    entries: Vec<Uuid>,
}

impl Transacted for Removing {
    type Output = ();

    fn run<'c>(&'c self, cx: &'c mut Cx<'_>) -> Running<'c, ()> {
        Box::pin(async move {
            lock_open(cx.connection, self.release).await?;
            let all = stored(cx.connection, cx.store, self.release).await?;
            let plan: Vec<Planned> = all.iter().map(planned).collect();
            let standing = together::standing(cx.connection, cx.store, &plan).await?;
            for (place, entry) in self.entries.iter().enumerate() {
                let item = all.iter().find(|item| item.entry == *entry);
                if !item.is_some_and(|item| may(cx.store, item, &standing)) {
                    let problem = Problem::new(Code::NotFound, "the release has no change of this entry");
                    return Err(problem.at(["entries".into(), Step::from(place)]).into());
                }
            }
            sqlx::query("delete from cms.release_item where release = $1 and entry = any($2)")
                .bind(self.release)
                .bind(&self.entries)
                .execute(&mut *cx.connection)
                .await?;
            note(cx, self.release, "remove", Some(serde_json::json!({ "count": self.entries.len() }))).await
        })
    }
}

/// The actions on the entry that the actor may take; releases with others are not told of.
pub(super) async fn actions_on(
    connection: &mut Connection,
    store: &Store,
    info: &'static ContentInfo,
    entry: Uuid,
) -> Result<Vec<&'static str>> {
    let mut taken = Vec::new();
    for change in [Change::Publish(None), Change::Unpublish, Change::Delete] {
        let planned = Planned { info, id: entry, change, force: false };
        let standing = together::standing(connection, store, &[planned]).await?;
        if may_make(store, &planned, &standing) {
            taken.push(action(change));
        }
    }
    Ok(taken)
}

/// Whether the actor may make the change. Of an entry that is deleted, only the type can be asked.
fn may(store: &Store, item: &Item, standing: &Standing) -> bool {
    may_make(store, &planned(item), standing)
}

fn may_make(store: &Store, planned: &Planned, standing: &Standing) -> bool {
    match standing.there.contains(&planned.id) {
        true => standing.admitted.contains(&planned.id),
        false => store.access.must(planned.info, planned.action()).is_ok(),
    }
}

/// The changes of a release that the actor may make, with other releases of their entries, and how many there are besides.
pub async fn items(store: &Store, release: Uuid) -> Result<(Vec<Item>, usize)> {
    must_release(store)?;
    let mut lent = store.lend().await?;
    let all = stored(&mut lent, store, release).await?;
    let plan: Vec<Planned> = all.iter().map(planned).collect();
    let standing = together::standing(&mut lent, store, &plan).await?;
    let count = all.len();
    let mut shown: Vec<Item> = all.into_iter().filter(|item| may(store, item, &standing)).collect();
    let ids: Vec<Uuid> = shown.iter().map(|item| item.entry).collect();
    let sql = "select e.id, other.release from unnest($1::uuid[]) as e(id) cross join lateral (
            select i.release from cms.release_item i join cms.release r on r.id = i.release
            where i.entry = e.id and i.release <> $2 and r.state in ('open', 'scheduled', 'failed')
            order by r.created_at, r.id limit 20
        ) as other";
    let found: Vec<(Uuid, Uuid)> = sqlx::query_as(sql).bind(ids).bind(release).fetch_all(&mut *lent).await?;
    let mut others: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
    for (entry, other) in found {
        others.entry(entry).or_default().push(other);
    }
    for item in &mut shown {
        item.others = others.remove(&item.entry).unwrap_or_default();
    }
    let hidden = count - shown.len();
    Ok((shown, hidden))
}

/// Whether the actor may make all changes, and see all fields of what they publish.
pub(crate) async fn sees_all(connection: &mut Connection, store: &Store, release: Uuid) -> Result<bool> {
    let all = stored(connection, store, release).await?;
    let plan: Vec<Planned> = all.iter().map(planned).collect();
    let standing = together::standing(connection, store, &plan).await?;
    let may_make = all.iter().all(|item| may(store, item, &standing));
    let there: Vec<Planned> = plan.into_iter().filter(|planned| standing.there.contains(&planned.id)).collect();
    Ok(may_make && together::sees_all(connection, store, &there).await?)
}

pub(crate) fn planned(item: &Item) -> Planned {
    Planned { info: item.info, id: item.entry, change: item.change, force: item.force }
}

/// All changes of a release, by type and id.
pub(crate) async fn stored(connection: &mut Connection, store: &Store, release: Uuid) -> Result<Vec<Item>> {
    let sql = "select type, entry, action, revision, implied, before, after, force from cms.release_item
        where release = $1 order by type, entry";
    let rows = sqlx::query(sql).bind(release).fetch_all(connection).await?;
    let mut items = Vec::with_capacity(rows.len());
    for row in rows {
        let (table, action): (String, String) = (row.try_get("type")?, row.try_get("action")?);
        // A type that the site has no more has no entries either.
        let Some(info) = content(store, &table) else { continue };
        items.push(Item {
            info,
            entry: row.try_get("entry")?,
            change: match action.as_str() {
                "unpublish" => Change::Unpublish,
                "delete" => Change::Delete,
                _ => Change::Publish(row.try_get("revision")?),
            },
            is_implied: row.try_get("implied")?,
            before: row.try_get("before")?,
            after: row.try_get("after")?,
            force: row.try_get("force")?,
            others: Vec::new(),
        });
    }
    Ok(items)
}

/// Fails if the release changes an entry that the actor may not change so; which one is not told.
pub(super) async fn must_change_all(cx: &mut Cx<'_>, release: Uuid) -> Result<Vec<Item>> {
    let all = stored(cx.connection, cx.store, release).await?;
    let plan: Vec<Planned> = all.iter().map(planned).collect();
    let standing = together::standing(cx.connection, cx.store, &plan).await?;
    match all.iter().find(|item| !may(cx.store, item, &standing)) {
        None => Ok(all),
        Some(_) => {
            let message = format!("the release `{}` has changes that you may not make", id::encode(PREFIX, release));
            Err(cx.store.access.refusal(message).at([Step::from("id")]).into())
        }
    }
}

/// Locks a release that is published.
pub(super) async fn lock_published(connection: &mut Connection, release: Uuid) -> Result<()> {
    match lock(connection, release, "id").await?.as_str() {
        "published" => Ok(()),
        "undone" => Err(is_ended("undone")),
        _ => Err(Problem::new(Code::Conflict, "the release is not published").at([Step::from("id")]).into()),
    }
}
