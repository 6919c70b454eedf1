//! Review before publishing: entries are moved from stage to stage, and approved.

mod list;

use std::future::Future;
use std::pin::Pin;

use serde_json::json;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use base::error::{Code, Problem, Result, Step};
use model::content::ContentInfo;
use store::access::{Access, Action, Identity, ReviewInfo, StageInfo};
use store::hooks::{Cx, HookSet};
use store::outbox::actor_of;
use store::write::{self, Transacted, entries};
use store::{Stage, Store, audit, id};

pub use list::{At, Review, Taken, at_stage, of};

/// Characters of a comment on a step.
const LONGEST: usize = 1_000;
/// Steps of an entry that are kept.
const MOST_STEPS: i64 = 1_000;

/// A step that is to be taken.
#[derive(Clone, Debug)]
pub struct Next {
    pub info: &'static ContentInfo,
    pub entry: Uuid,
    /// The one that was read.
    pub revision: i64,
    pub what: What,
    pub comment: Option<String>,
}

#[derive(Clone, Debug)]
pub enum What {
    /// To the stage with this name.
    Move(String),
    Approve,
}

/// Takes the step, and returns where the entry stands.
pub async fn step(store: &Store, hooks: &HookSet, step: Next) -> Result<Review> {
    write::transact(store, hooks, &Stepping(&step)).await?;
    of(store, step.info, step.entry).await
}

struct Stepping<'a>(&'a Next);

impl Transacted for Stepping<'_> {
    type Output = ();

    fn run<'c>(&'c self, cx: &'c mut Cx<'_>) -> Pin<Box<dyn Future<Output = Result<()>> + Send + 'c>> {
        Box::pin(async move {
            let step = self.0;
            entries::must_have_account(cx.store)?;
            let review = reviewed(cx.store, step.info)?;
            checked(step.comment.as_deref())?;
            entries::must_read(cx, step.info, step.entry).await?;
            step.must_be_current(cx).await?;
            let revision = (step.entry, step.revision);
            let places = write::review::places(cx.connection, step.info, review, &[revision]).await?;
            let place = places.get(&step.entry).copied().unwrap_or_default();
            match &step.what {
                What::Move(to) => step.go(cx, review, place, to).await,
                What::Approve => step.approve(cx, review, place).await,
            }
        })
    }
}

impl Next {
    /// Others cannot save the entry until the transaction ends.
    async fn must_be_current(&self, cx: &mut Cx<'_>) -> Result<()> {
        let sql = format!(r#"select revision from draft."{}" where id = $1 for no key update"#, self.info.table);
        let current: i64 =
            sqlx::query_scalar(AssertSqlSafe(sql)).bind(self.entry).fetch_one(&mut *cx.connection).await?;
        if current == self.revision {
            return Ok(());
        }
        let message = format!("the entry was changed: it has revision {current}, not {}", self.revision);
        let details = json!({ "expected": self.revision, "actual": current });
        Err(Problem::new(Code::RevisionMismatch, message).at([Step::from("revision")]).details(details).into())
    }

    async fn go(&self, cx: &mut Cx<'_>, review: &'static ReviewInfo, from: usize, to: &str) -> Result<()> {
        let place = review.stages.iter().position(|stage| stage.name == to);
        let (place, stage) = place.zip(place.and_then(|place| review.stages.get(place))).ok_or_else(|| {
            let known: Vec<String> = review.stages.iter().map(|stage| format!("`{}`", stage.name)).collect();
            let message = format!("there is no stage `{}`; the stages are {}", model::cut(to), known.join(", "));
            Problem::new(Code::InvalidValue, message).at([Step::from("stage")])
        })?;
        let before = name(review, from);
        let fits = place != from && stage.from.is_none_or(|from| from.contains(&before));
        if !fits {
            let message = match place == from {
                true => format!("the entry is at the stage `{before}` already"),
                false => format!("an entry cannot go from `{before}` to `{}`", stage.name),
            };
            return Err(Problem::new(Code::Conflict, message).at([Step::from("stage")]).into());
        }
        self.must_move(cx, review, place, stage).await?;
        self.must_be_approved(cx, stage).await?;
        let sql = "insert into cms.review (type, entry, revision, stage) values ($1, $2, $3, $4)
            on conflict (type, entry, revision) do update set stage = excluded.stage";
        sqlx::query(sql)
            .bind(self.info.table)
            .bind(self.entry)
            .bind(self.revision)
            .bind(stage.name)
            .execute(&mut *cx.connection)
            .await?;
        if place < from {
            self.void(cx, review, place).await?;
        }
        self.take(cx, before, stage.name).await
    }

    /// Of an entry that is moved back to a stage, the approvals for later ones count no more.
    async fn void(&self, cx: &mut Cx<'_>, review: &'static ReviewInfo, place: usize) -> Result<()> {
        let later: Vec<&str> = review.stages.iter().skip(place + 1).map(|stage| stage.name).collect();
        let sql = "update cms.review_step set is_void = true
            where type = any($1) and entry = $2 and revision = $3 and kind = 'approve' and to_stage = any($4)";
        sqlx::query(sql)
            .bind(names(self.info))
            .bind(self.entry)
            .bind(self.revision)
            .bind(later)
            .execute(&mut *cx.connection)
            .await?;
        Ok(())
    }

    /// To the first stage, those may move an entry who may move it to any.
    async fn must_move(
        &self,
        cx: &mut Cx<'_>,
        review: &'static ReviewInfo,
        place: usize,
        stage: &'static StageInfo,
    ) -> Result<()> {
        let access = &cx.store.access;
        let has_role = |stage: &StageInfo| stage.movers.is_some_and(|roles| has_role(access, self.info, roles));
        let may = match stage.movers {
            Some(_) => has_role(stage),
            None => (place == 0 && review.stages.iter().any(has_role)) || self.may_update(cx).await,
        };
        if may {
            return Ok(());
        }
        Err(cx.store.access.refusal(format!("you may not move this entry to the stage `{}`", stage.name)).into())
    }

    async fn may_update(&self, cx: &mut Cx<'_>) -> bool {
        entries::must(cx, self.info, self.entry, Action::Update).await.is_ok()
    }

    async fn must_be_approved(&self, cx: &mut Cx<'_>, stage: &StageInfo) -> Result<()> {
        if stage.approvals == 0 || cx.store.access.actor.identity == Identity::System {
            return Ok(());
        }
        let approved = list::approved(cx.connection, self.info, self.entry, self.revision, stage.name).await?;
        if approved.len() >= stage.approvals as usize {
            return Ok(());
        }
        let message = format!(
            "revision {} needs {} approval{} to enter the stage `{}`, and has {}",
            self.revision,
            stage.approvals,
            if stage.approvals == 1 { "" } else { "s" },
            stage.name,
            approved.len()
        );
        let details = json!({ "approvals": approved.len(), "required": stage.approvals });
        Err(Problem::new(Code::NotApproved, message).at([Step::from("stage")]).details(details).into())
    }

    async fn approve(&self, cx: &mut Cx<'_>, review: &'static ReviewInfo, place: usize) -> Result<()> {
        let next = review.stages.get(place + 1).filter(|next| next.approvals > 0).ok_or_else(|| {
            let message = format!("at the stage `{}`, there is nothing to approve", name(review, place));
            Problem::new(Code::Conflict, message).at([Step::from("id")])
        })?;
        let actor = cx.store.access.actor.clone();
        if !has_role(&cx.store.access, self.info, next.approvers) {
            let message = format!("you may not approve entries for the stage `{}`", next.name);
            return Err(cx.store.access.refusal(message).into());
        }
        let (kind, actor_id) = actor_of(&actor.identity);
        let me = (kind.to_owned(), actor_id);
        let me = (person(cx, &me).await?, me.0);
        if !next.own && self.author(cx).await?.is_some_and(|author| is_same(&author, &me)) {
            return Err(cx.store.access.refusal("the author of a revision may not approve it").into());
        }
        let approved = list::approved(cx.connection, self.info, self.entry, self.revision, next.name).await?;
        if approved.iter().any(|other| is_same(other, &me)) {
            return Ok(());
        }
        self.take(cx, name(review, place), next.name).await
    }

    /// Who saved the revision.
    async fn author(&self, cx: &mut Cx<'_>) -> Result<Option<Person>> {
        let sql = "select actor_kind, actor from cms.revision where type = any($1) and entry = $2 and revision = $3";
        let author = sqlx::query_as(sql).bind(names(self.info)).bind(self.entry).bind(self.revision);
        let author: Option<(String, Option<Uuid>)> = author.fetch_optional(&mut *cx.connection).await?;
        let author = match author {
            Some(author) => Some(author),
            None => self.author_of_old(cx).await?,
        };
        match author {
            Some(author) => Ok(Some((person(cx, &author).await?, author.0))),
            None => Ok(None),
        }
    }

    /// The entry may be older than the history.
    async fn author_of_old(&self, cx: &mut Cx<'_>) -> Result<Option<(String, Option<Uuid>)>> {
        let sql = format!(
            r#"select 'user', updated_by from draft."{}" where id = $1 and updated_by is not null"#,
            self.info.table
        );
        let author = sqlx::query_as(AssertSqlSafe(sql)).bind(self.entry);
        Ok(author.fetch_optional(&mut *cx.connection).await?)
    }

    async fn take(&self, cx: &mut Cx<'_>, from: &str, to: &str) -> Result<()> {
        let actor = cx.store.access.actor.clone();
        let (kind, actor_id) = actor_of(&actor.identity);
        let person = person(cx, &(kind.to_owned(), actor_id)).await?;
        let (step, verb) = match self.what {
            What::Move(_) => ("move", "move_to_stage"),
            What::Approve => ("approve", "approve"),
        };
        let sql = "insert into cms.review_step
            (id, type, entry, revision, kind, from_stage, to_stage, comment, actor_kind, actor, role, person)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
        sqlx::query(sql)
            .bind(id::new_uuid())
            .bind(self.info.table)
            .bind(self.entry)
            .bind(self.revision)
            .bind(step)
            .bind(from)
            .bind(to)
            .bind(&self.comment)
            .bind(kind)
            .bind(actor_id)
            .bind(Some(&actor.role).filter(|role| !role.is_empty()))
            .bind(person)
            .execute(&mut *cx.connection)
            .await?;
        let sql = "delete from cms.review_step where id in (
                select id from cms.review_step where type = any($1) and entry = $2 order by id desc offset $3
            )";
        sqlx::query(sql).bind(names(self.info)).bind(self.entry).bind(MOST_STEPS).execute(&mut *cx.connection).await?;
        let mut event = audit::Event::new(format!("{}.{verb}", self.info.table)).on(self.info.table, self.entry);
        event.before = Some(json!({ "stage": from }));
        event.after = Some(json!({ "stage": to, "revision": self.revision }));
        audit::record(cx.connection, &actor, event).await
    }
}

/// Whoever is behind an actor, and the kind of actor, which is all that is known of some.
type Person = (Option<Uuid>, String);

fn is_same(one: &Person, other: &Person) -> bool {
    match (one.0, other.0) {
        (None, None) => one.1 == other.1,
        (one, other) => one == other,
    }
}

/// The user who made a token acts by it.
async fn person(cx: &mut Cx<'_>, (kind, actor): &(String, Option<Uuid>)) -> Result<Option<Uuid>> {
    if kind != "token" {
        return Ok(*actor);
    }
    let sql = "select coalesce((select created_by from cms.api_token where id = $1), $1)";
    Ok(sqlx::query_scalar(sql).bind(actor).fetch_one(&mut *cx.connection).await?)
}

/// Whether the actor's role takes part. A token with scopes needs the one to update the type as well.
fn has_role(access: &Access, info: &ContentInfo, roles: &[&str]) -> bool {
    let actor = &access.actor;
    let in_scope = actor.scopes.is_none() || access.must(info, Action::Update).is_ok();
    actor.identity == Identity::System || (roles.contains(&actor.role.as_str()) && in_scope)
}

fn reviewed(store: &Store, info: &'static ContentInfo) -> Result<&'static ReviewInfo> {
    store.at(Stage::Draft).must_read_any(info)?;
    store.schema.review(info).ok_or_else(|| {
        let message = format!("entries of `{}` are not reviewed", info.name);
        Problem::new(Code::Conflict, message).at([Step::from("id")]).into()
    })
}

fn checked(comment: Option<&str>) -> Result<()> {
    let count = comment.map_or(0, |comment| comment.chars().count());
    if count > LONGEST || comment.is_some_and(|comment| comment.contains('\0')) {
        let message = format!("a comment has at most {LONGEST} characters and no U+0000; this one has {count}");
        return Err(Problem::new(Code::InvalidValue, message).at([Step::from("comment")]).into());
    }
    Ok(())
}

fn name(review: &ReviewInfo, place: usize) -> &'static str {
    review.stages.get(place).map_or("", |stage| stage.name)
}

/// The names of the type, today's first.
pub(crate) fn names(info: &ContentInfo) -> Vec<&'static str> {
    std::iter::once(info.table).chain(info.former.iter().copied()).collect()
}
