//! Makes a scheduled change when it is due, as the actor who scheduled it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use sqlx::{AssertSqlSafe, Row as _};
use uuid::Uuid;

use crate::job::{Fire, PREFIX};
use crate::moment::Moment;
use crate::schedule::{Action, content};
use crate::turn::{Turn, pause};
use base::error::{Code, Error, Problem, Result, Step};
use jobs::{Enqueue as _, Job, Work};
use model::content::ContentInfo;
use model::timestamp::Timestamp;
use store::access::{Actor, Identity, Origin};
use store::hooks::Cx;
use store::write::entries;
use store::{Standing, audit, id};

/// The job that tells people that a change failed; the façade sends the mail.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NotifyFailure {
    pub user: String,
    pub entry: String,
    pub title: Option<String>,
    pub action: String,
    pub at: String,
    pub problems: Vec<String>,
}

impl Job for NotifyFailure {
    const KIND: &'static str = "typecase.schedule_failed";
}

pub(crate) struct Firing(pub Arc<dyn Standing>);

/// A pending change.
struct Due {
    id: Uuid,
    table: String,
    entry: Uuid,
    action: Action,
    revision: Option<i64>,
    moment: Moment,
    identity: Identity,
    role: String,
    force: bool,
}

const DUE: &str = "select c.id, c.type, c.entry, c.action, c.revision, (extract(epoch from c.at) * 1000000)::bigint,
    c.local_time::text, c.zone, c.actor_kind, c.actor, c.role, c.force from cms.scheduled_change c";

impl Work<Fire> for Firing {
    async fn work(&self, cx: &mut Cx<'_>, job: Fire) -> Result<()> {
        let Some((_, change)) = id::decode(&job.change) else { return Ok(()) };
        // Earlier changes of the entry come first, whichever job is first.
        let sql = format!(
            "{DUE} where c.state = 'pending' and c.at <= now()
                and c.entry = (select entry from cms.scheduled_change where id = $1 and state = 'pending' and at <= now())
            order by c.at, c.created_at, c.id for update"
        );
        let rows = sqlx::query(AssertSqlSafe(sql)).bind(change).fetch_all(&mut *cx.connection).await?;
        if rows.is_empty()
            && let Some(at) = Turn::Change(change).is_later(cx.connection).await?
        {
            cx.enqueue(&job).at(at).await?;
        }
        for row in rows {
            let due = due(&row)?;
            let again = due.moment.again();
            if again > due.moment.at.max(Timestamp::now()) {
                put_off(cx, &due, again).await?;
                continue;
            }
            if !self.take_turn(cx, &due, job.tries).await? {
                // Later changes of the entry wait with this one; each has a job.
                cx.enqueue(&Fire { tries: job.tries + 1, ..job }).after(pause(job.tries)).await?;
                return Ok(());
            }
        }
        Ok(())
    }

    async fn given_up(&self, cx: &mut Cx<'_>, job: Fire) -> Result<()> {
        let Some((_, change)) = id::decode(&job.change) else { return Ok(()) };
        let sql = format!("{DUE} where c.id = $1 and c.state = 'pending' for update");
        let Some(row) = sqlx::query(AssertSqlSafe(sql)).bind(change).fetch_optional(&mut *cx.connection).await? else {
            return Ok(());
        };
        let due = due(&row)?;
        let info = content(cx.store, &due.table);
        failed(cx, &due, info, vec![given_up()]).await
    }
}

/// Why a change failed whose every attempt came to nothing.
pub(crate) fn given_up() -> Problem {
    Problem::new(Code::Unavailable, "it could not be made in any of its attempts; the server's log says why")
}

impl Firing {
    /// Makes the change or lets it fail, and returns false if it has to wait.
    async fn take_turn(&self, cx: &mut Cx<'_>, due: &Due, tries: u32) -> Result<bool> {
        let turn = Turn::Change(due.id);
        if turn.is_behind(cx.connection).await? {
            return Ok(false);
        }
        let info = content(cx.store, &due.table);
        let problems = self.fire(cx, due, info).await?;
        if problems.is_empty() {
            let sql = "update cms.scheduled_change set state = 'done', ended_at = now() where id = $1";
            sqlx::query(sql).bind(due.id).execute(&mut *cx.connection).await?;
        } else if turn.may_succeed_later(cx.connection, tries).await? {
            return Ok(false);
        } else {
            failed(cx, due, info, problems).await?;
        }
        Ok(true)
    }

    /// Returns what the actor could not have done by hand either; what only the moment prevents is tried again by the job.
    async fn fire(&self, cx: &mut Cx<'_>, due: &Due, info: Option<&'static ContentInfo>) -> Result<Vec<Problem>> {
        let Some(info) = info else {
            return Ok(vec![Problem::new(Code::NotFound, "the content type does not exist any more")]);
        };
        let actor = self.0.resume(cx.connection, &due.identity, &due.role).await?;
        let Some(actor) = actor else {
            let message = "the one who scheduled it has no account any more";
            return Ok(vec![Problem::new(Code::Forbidden, message)]);
        };
        let store = cx.store.acting(actor);
        let made = match due.action {
            Action::Publish => entries::publish(&mut cx.acting_as(&store), info, due.entry, due.revision).await,
            Action::Unpublish => entries::unpublish(&mut cx.acting_as(&store), info, due.entry, due.force).await,
        };
        match made {
            Ok(()) => Ok(Vec::new()),
            Err(error) if error.problems.iter().any(Problem::is_passing) || error == Error::in_the_way() => Err(error),
            Err(error) => Ok(error.problems),
        }
    }
}

fn due(row: &sqlx::postgres::PgRow) -> Result<Due> {
    let action: String = row.try_get(3)?;
    Ok(Due {
        id: row.try_get(0)?,
        table: row.try_get(1)?,
        entry: row.try_get(2)?,
        action: Action::named(&action),
        revision: row.try_get(4)?,
        moment: Moment::of(row.try_get(5)?, row.try_get(6)?, row.try_get(7)?),
        identity: identity_of(row.try_get(8)?, row.try_get(9)?),
        role: row.try_get::<Option<String>, _>(10)?.unwrap_or_default(),
        force: row.try_get(11)?,
    })
}

/// As the database names it.
pub(crate) fn identity_of(kind: &str, actor: Option<Uuid>) -> Identity {
    match (kind, actor) {
        ("user", Some(id)) => Identity::User { id, session: Uuid::nil() },
        ("token", Some(id)) => Identity::Token { id },
        ("developer", _) => Identity::Developer,
        ("system", _) => Identity::System,
        _ => Identity::Anonymous,
    }
}

/// The rules of the time zone have changed since it was scheduled.
async fn put_off(cx: &mut Cx<'_>, due: &Due, until: Timestamp) -> Result<()> {
    let sql = "update cms.scheduled_change set at = timestamptz 'epoch' + $2 * interval '1 microsecond' where id = $1";
    sqlx::query(sql).bind(due.id).bind(until.as_microsecond()).execute(&mut *cx.connection).await?;
    cx.enqueue(&Fire::of(due.id)).at(until).await?;
    Ok(())
}

/// The change stays visible with its problems, and the one who scheduled it is told.
async fn failed(cx: &mut Cx<'_>, due: &Due, info: Option<&'static ContentInfo>, problems: Vec<Problem>) -> Result<()> {
    let shown: Vec<Json> = problems.iter().map(shown).collect();
    let sql = "update cms.scheduled_change set state = 'failed', ended_at = now(), problems = $2::jsonb where id = $1";
    let text = Json::from(shown).to_string();
    sqlx::query(sql).bind(due.id).bind(text).execute(&mut *cx.connection).await?;
    let entry = id::encode(&due.table, due.entry);
    tracing::warn!(
        change = id::encode(PREFIX, due.id),
        entry,
        action = due.action.as_str(),
        code = problems.first().map_or("", |problem| problem.code.as_str()),
        "a scheduled change failed"
    );
    let actor =
        Actor { identity: due.identity.clone(), role: due.role.clone(), scopes: None, origin: Origin::default() };
    let event = audit::Event::new(format!("{}.schedule_failed", due.table)).on(&due.table, due.entry);
    audit::record(cx.connection, &actor, event).await?;
    if let Identity::User { id: user, .. } = due.identity {
        let title = match info {
            Some(info) => entries::title(cx, info, due.entry).await?,
            None => None,
        };
        let job = NotifyFailure {
            user: id::encode(store::access::USER_PREFIX, user),
            entry,
            title,
            action: due.action.as_str().to_owned(),
            at: due.moment.at.to_string(),
            problems: problems.iter().map(|problem| line(None, &problem.path, &problem.message)).collect(),
        };
        cx.enqueue(&job).await?;
    }
    Ok(())
}

/// A problem as a line of a mail, with the entry and the field that it is about. `id` only repeats which entry it is.
pub(crate) fn line(title: Option<&str>, path: &[Step], message: &str) -> String {
    let field = steps(path).join(".");
    let place: Vec<&str> = title.into_iter().chain(Some(&*field).filter(|field| !["", "id"].contains(field))).collect();
    if place.is_empty() { message.to_owned() } else { format!("{}: {message}", place.join(", ")) }
}

fn steps(path: &[Step]) -> Vec<String> {
    let step = |step: &Step| match step {
        Step::Key(key) => key.clone(),
        Step::Index(index) => index.to_string(),
    };
    path.iter().map(step).collect()
}

pub(crate) fn shown(problem: &Problem) -> Json {
    let path = steps(&problem.path);
    json!({ "code": problem.code.as_str(), "message": problem.message, "path": path, "details": problem.details })
}
