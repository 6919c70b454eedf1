//! Scheduled releases: published at a time, once, or failed with their problems.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use sqlx::Row as _;
use uuid::Uuid;

use super::items::must_change_all;
use super::publish::make;
use super::{PREFIX, Release, Running, lock_open, must_get, must_release, note};
use crate::fire::{NotifyFailure, given_up, identity_of, line, shown};
use crate::moment::Moment;
use crate::turn::{Turn, pause};
use base::error::{Code, Error, Problem, Result, Step};
use jobs::{Enqueue as _, Job, Work};
use model::timestamp::Timestamp;
use store::access::Identity;
use store::hooks::{Cx, HookSet};
use store::write::{self, Transacted, entries};
use store::{Standing, Store, id};

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
    /// How often it has waited for what is due before it.
    #[serde(default)]
    tries: u32,
}

impl FireRelease {
    pub(crate) fn of(release: Uuid) -> Self {
        Self { release: id::encode(PREFIX, release), tries: 0 }
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
        let Some(due) = due(cx, release).await? else {
            if let Some(at) = Turn::Release(release).is_later(cx.connection).await? {
                cx.enqueue(&job).at(at).await?;
            }
            return Ok(());
        };
        let again = due.moment.again();
        if again > due.moment.at.max(Timestamp::now()) {
            let sql = "update cms.release set at = timestamptz 'epoch' + $2 * interval '1 microsecond' where id = $1";
            sqlx::query(sql).bind(release).bind(again.as_microsecond()).execute(&mut *cx.connection).await?;
            cx.enqueue(&FireRelease::of(release)).at(again).await?;
            return Ok(());
        }
        let turn = Turn::Release(release);
        let mut must_wait = turn.is_behind(cx.connection).await?;
        if !must_wait {
            let actor = self.0.resume(cx.connection, &due.identity, &due.role).await?;
            let made = match actor {
                None => Err(Error::new(Code::Forbidden, "the one who scheduled it has no account any more")),
                Some(actor) => {
                    let store = cx.store.acting(actor);
                    make(&mut cx.acting_as(&store), release).await
                }
            };
            match made {
                Ok(()) => return Ok(()),
                Err(error) if error == Error::in_the_way() || error.problems.iter().any(Problem::is_passing) => {
                    return Err(error);
                }
                Err(error) => {
                    must_wait = turn.may_succeed_later(cx.connection, job.tries).await?;
                    if !must_wait {
                        return failed(cx, release, &due, &error.problems).await;
                    }
                }
            }
        }
        cx.enqueue(&FireRelease { tries: job.tries + 1, ..job }).after(pause(job.tries)).await?;
        Ok(())
    }

    async fn given_up(&self, cx: &mut Cx<'_>, job: FireRelease) -> Result<()> {
        let Some((_, release)) = id::decode(&job.release) else { return Ok(()) };
        match due(cx, release).await? {
            Some(due) => failed(cx, release, &due, &[given_up()]).await,
            None => Ok(()),
        }
    }
}

struct Due {
    title: String,
    moment: Moment,
    identity: Identity,
    role: String,
}

/// The release, locked, if it is scheduled and due.
async fn due(cx: &mut Cx<'_>, release: Uuid) -> Result<Option<Due>> {
    let sql =
        "select title, (extract(epoch from at) * 1000000)::bigint, local_time::text, zone, actor_kind, actor, role
        from cms.release where id = $1 and state = 'scheduled' and at <= now() for update";
    let Some(row) = sqlx::query(sql).bind(release).fetch_optional(&mut *cx.connection).await? else {
        return Ok(None);
    };
    Ok(Some(Due {
        title: row.try_get(0)?,
        moment: Moment::of(row.try_get(1)?, row.try_get(2)?, row.try_get(3)?),
        identity: identity_of(row.try_get::<&str, _>(4)?, row.try_get(5)?),
        role: row.try_get::<Option<String>, _>(6)?.unwrap_or_default(),
    }))
}

/// The release stays visible with its problems, and the one who scheduled it is told.
async fn failed(cx: &mut Cx<'_>, release: Uuid, due: &Due, problems: &[Problem]) -> Result<()> {
    let text = Json::from(problems.iter().map(shown).collect::<Vec<_>>()).to_string();
    let sql = "update cms.release set state = 'failed', problems = $2::jsonb where id = $1";
    sqlx::query(sql).bind(release).bind(text).execute(&mut *cx.connection).await?;
    let code = problems.first().map_or("", |problem| problem.code.as_str());
    tracing::warn!(release = id::encode(PREFIX, release), code, "a scheduled release failed");
    note(cx, release, "schedule_failed", None).await?;
    if let Identity::User { id: user, .. } = &due.identity {
        let job = NotifyFailure {
            user: id::encode(store::access::USER_PREFIX, *user),
            entry: id::encode(PREFIX, release),
            title: Some(due.title.clone()),
            action: "publish the release".to_owned(),
            at: due.moment.at.to_string(),
            problems: lines(cx, problems).await?,
        };
        cx.enqueue(&job).await?;
    }
    Ok(())
}

/// The problems as lines of a mail. Their paths begin with the id of an entry, which people know by its title.
async fn lines(cx: &mut Cx<'_>, problems: &[Problem]) -> Result<Vec<String>> {
    let mut lines = Vec::with_capacity(problems.len());
    for problem in problems {
        let first = problem.path.first().and_then(|step| match step {
            Step::Key(id) => cx.store.schema.contents().find_map(|info| Some((id, info, info.decode(id)?))),
            Step::Index(_) => None,
        });
        lines.push(match first {
            Some((id, info, entry)) => {
                let title = entries::title(cx, info, entry).await?;
                line(Some(title.as_ref().unwrap_or(id)), &problem.path[1..], &problem.message)
            }
            None => line(None, &problem.path, &problem.message),
        });
    }
    Ok(lines)
}
