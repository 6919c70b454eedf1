//! An input that was made from an earlier revision: merged with what others saved since, or refused with both sides.

use std::collections::HashMap;
use std::time::Instant;

use serde_json::{Map, Value as Json, json};
use sqlx::Row as _;
use uuid::Uuid;

use crate::access::{API_TOKEN_PREFIX, Action, USER_PREFIX};
use crate::write::batch::{Input, revision_mismatch};
use crate::write::diff::{self, FieldDiff, Reads};
use crate::write::failure::Result;
use crate::write::fit::fit_to_compare;
use crate::write::guard::Guard;
use crate::write::history::{Kept, names};
use crate::write::load::load;
use crate::write::merge::Merge;
use crate::write::row::{At, Faults, Old, Row};
use crate::{Connection, Stage, Store, id};
use base::error::Problem;
use model::content::ContentInfo;

/// Conflicts of a request that are told with their sides; the others are told without.
const TOLD: usize = 10;
/// Bytes of all values that a request's conflicts tell.
const MOST_TOLD: usize = 64 * 1024;
/// Changes since the revision that are told, newest first.
const CHANGES: i64 = 20;

/// What is known of the entries whose inputs name an earlier revision.
pub struct Conflicts<'a> {
    guard: Guard<'a>,
    info: &'static ContentInfo,
    pasts: HashMap<Uuid, Past>,
    /// Bytes that may still be told.
    left: usize,
}

/// An entry that was saved since.
#[derive(Default)]
struct Past {
    /// As it was at the revision that the input names; `None` if the history does not have it any more.
    base: Option<Row>,
    /// Whether the actor may see it as it was.
    shows_base: bool,
    told: Option<Told>,
}

struct Told {
    changes: Vec<Json>,
    lock: Json,
}

/// An input that names another revision than the current one.
pub struct Stale<'i, 'd> {
    pub input: &'i Input<'d>,
    pub expected: i64,
    /// Fields, by `snake`, whose value a rule gives.
    pub given: Vec<&'static str>,
    pub old: &'i Old,
    /// The input laid over [`Conflicts::base`].
    pub ours: Row,
}

impl<'a> Conflicts<'a> {
    /// `stale`: the entries and the revisions that their inputs name.
    pub async fn load(
        connection: &mut Connection,
        store: &'a Store,
        guard: Guard<'a>,
        info: &'static ContentInfo,
        stale: Vec<(&Input<'_>, Uuid, i64)>,
    ) -> Result<Self> {
        let mut pasts = HashMap::new();
        for (place, (input, id, revision)) in stale.into_iter().enumerate() {
            if !input.merge && place >= TOLD {
                continue;
            }
            let mut past = past(connection, store, info, id, revision).await?;
            if place < TOLD {
                let changes = changes(connection, guard, info, id, revision).await?;
                past.told = Some(Told { changes, lock: lock(connection, store, info, id).await? });
            }
            pasts.insert(id, past);
        }
        Ok(Self { guard, info, pasts, left: MOST_TOLD })
    }

    /// What an input is laid over: the revision that it names, or the draft.
    pub fn base<'b>(&'b self, old: &'b Old) -> &'b Row {
        self.pasts.get(&old.row.id).and_then(|past| past.base.as_ref()).unwrap_or(&old.row)
    }

    /// The merged row, or a fault.
    pub fn settle(&mut self, stale: Stale<'_, '_>, faults: &mut Faults) -> Row {
        let Stale { input, expected, given, old, ours } = stale;
        let past = self.pasts.remove(&old.row.id).unwrap_or_default();
        let at = At::Steps(&input.outer);
        let mut problem = revision_mismatch(expected, old.system.revision, At::Key(&at, "revision"));
        let Some(base) = &past.base else {
            problem.details = Some(self.details(&problem.details, &past, old, None, &[]));
            faults.0.push((input.root, problem));
            return ours;
        };
        let before_merge = past.told.as_ref().map(|_| ours.clone());
        let (merged, collisions) = Merge::of(self.guard, &given, self.info, base, ours, &old.row);
        if input.merge && collisions.is_empty() {
            return merged;
        }
        if !collisions.is_empty() {
            let named: Vec<String> = collisions.iter().map(|path| format!("`{}`", path.join("."))).collect();
            let message = format!("{}, and both sides changed {}", problem.message, named.join(", "));
            problem = Problem { details: problem.details, ..Problem::new(problem.code, message).at(problem.path) };
        }
        problem.details = Some(self.details(&problem.details, &past, old, before_merge.as_ref(), &collisions));
        faults.0.push((input.root, problem));
        merged
    }

    fn details(
        &mut self,
        so_far: &Option<Json>,
        past: &Past,
        old: &Old,
        ours: Option<&Row>,
        collisions: &[Vec<String>],
    ) -> Json {
        let mut details = so_far.as_ref().and_then(Json::as_object).cloned().unwrap_or_default();
        details.insert("baseKept".into(), past.base.is_some().into());
        let Some(told) = &past.told else { return Json::Object(details) };
        details.insert("changes".into(), told.changes.clone().into());
        details.insert("lock".into(), told.lock.clone());
        if let (Some(base), Some(ours)) = (&past.base, ours) {
            let mut truncated = false;
            let drafts = |info: &ContentInfo, field: &str| self.guard.reads_draft(info, field);
            let history = |info: &ContentInfo, field: &str| self.guard.reads_history(info, field);
            // Parts are not told, so no time is spent on them.
            let side = |reads, row| diff::rows(reads, self.info, base, row, Instant::now());
            let (theirs, ours) = (side(&drafts as Reads<'_>, &old.row), side(&drafts, ours));
            let past = if past.shows_base { side(&history, &old.row) } else { Vec::new() };
            let before = |diff: &FieldDiff| {
                let same = past.iter().find(|other| other.field == diff.field && other.row == diff.row);
                same.map(|other| other.before.clone())
            };
            let theirs: Vec<_> = theirs.into_iter().map(|diff| (before(&diff), diff)).collect();
            let theirs: Vec<Json> =
                theirs.into_iter().map(|(before, diff)| self.told(diff, before, &mut truncated)).collect();
            let ours: Vec<Json> = ours.into_iter().map(|diff| self.told(diff, None, &mut truncated)).collect();
            details.insert("theirs".into(), theirs.into());
            details.insert("ours".into(), ours.into());
            let most = collisions.len().min(100);
            details.insert("collisions".into(), json!(collisions[..most]));
            details.insert("truncated".into(), (truncated || most < collisions.len()).into());
        }
        Json::Object(details)
    }

    fn told(&mut self, diff: FieldDiff, before: Option<Json>, truncated: &mut bool) -> Json {
        let mut told = Map::new();
        told.insert("field".into(), diff.field.into());
        if let Some((row, kind)) = &diff.row {
            told.insert("row".into(), row.as_str().into());
            told.insert("kind".into(), kind.as_str().into());
        }
        let sides = [before.map(|before| ("before", before)), Some(("after", diff.after))];
        for (name, value) in sides.into_iter().flatten() {
            let size = value.to_string().len();
            match self.left.checked_sub(size) {
                Some(left) => {
                    self.left = left;
                    told.insert(name.into(), value);
                }
                None => *truncated = true,
            }
        }
        Json::Object(told)
    }
}

async fn past(
    connection: &mut Connection,
    store: &Store,
    info: &'static ContentInfo,
    id: Uuid,
    revision: i64,
) -> Result<Past> {
    let Some(kept) = Kept::find(connection, info, id, revision).await? else { return Ok(Past::default()) };
    let was = store.over(kept.overlay());
    let mut base = load(connection, was.at(Stage::Draft), info, &[id], false).await?.remove(&id).map(|old| old.row);
    // What a deletion took is not a change of others that an input can collide with.
    if let Some(row) = &mut base {
        fit_to_compare(connection, &mut [(info, row)]).await?;
    }
    let guard = Guard::new(&was, false);
    let shows_base = guard.admitted(connection, info, Action::ReadHistory, vec![id]).await?.contains(&id);
    Ok(Past { base, shows_base, told: None })
}

/// Who saved the entry since, newest first.
async fn changes(
    connection: &mut Connection,
    guard: Guard<'_>,
    info: &'static ContentInfo,
    id: Uuid,
    revision: i64,
) -> Result<Vec<Json>> {
    let sql = r#"select revision, to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), actor_kind, actor, fields
        from cms.revision where type = any($1) and entry = $2 and revision > $3 order by revision desc limit $4"#;
    let rows = sqlx::query(sql).bind(names(info)).bind(id).bind(revision).bind(CHANGES).fetch_all(connection).await?;
    let mut told = Vec::with_capacity(rows.len());
    for row in &rows {
        let (kind, actor): (String, Option<Uuid>) = (row.try_get(2)?, row.try_get(3)?);
        let mut fields: Vec<String> = row.try_get(4)?;
        fields
            .retain(|name| info.fields.iter().any(|field| field.name == name && guard.reads_draft(info, field.snake)));
        told.push(json!({
            "revision": row.try_get::<i64, _>(0)?,
            "at": row.try_get::<String, _>(1)?,
            "actorKind": kind.to_ascii_uppercase(),
            "actor": account(&kind, actor),
            "fields": fields,
        }));
    }
    Ok(told)
}

/// Someone else who edits the entry now.
async fn lock(connection: &mut Connection, store: &Store, info: &'static ContentInfo, id: Uuid) -> Result<Json> {
    let (kind, actor) = crate::outbox::actor_of(&store.access.actor.identity);
    let sql = r#"select actor_kind, actor, to_char(since at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') from cms.entry_lock
        where type = $1 and entry = $2 and until > now() and (actor_kind, actor) is distinct from ($3, $4)"#;
    let row = sqlx::query(sql).bind(info.table).bind(id).bind(kind).bind(actor).fetch_optional(connection).await?;
    let Some(row) = row else { return Ok(Json::Null) };
    let (kind, actor): (String, Option<Uuid>) = (row.try_get(0)?, row.try_get(1)?);
    Ok(json!({
        "actorKind": kind.to_ascii_uppercase(),
        "actor": account(&kind, actor),
        "since": row.try_get::<String, _>(2)?,
    }))
}

fn account(kind: &str, actor: Option<Uuid>) -> Json {
    let prefix = if kind == "token" { API_TOKEN_PREFIX } else { USER_PREFIX };
    actor.map(|actor| id::encode(prefix, actor)).into()
}
