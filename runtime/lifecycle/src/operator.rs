//! Scheduled changes and releases as an operator sees them: all of them, whoever made them.

use serde_json::Value as Json;
use sqlx::Row as _;
use uuid::Uuid;

use crate::job::{Fire, PREFIX};
use crate::release::{self, FireRelease, Running};
use base::error::{Error, Result};
use jobs::Enqueue as _;
use store::hooks::{Cx, HookSet};
use store::write::{self, Transacted};
use store::{Store, id};

/// A scheduled change, or a release that is or was scheduled.
#[derive(Clone, Debug)]
pub struct Listed {
    /// With its prefix.
    pub id: String,
    /// The entry of a change, or the title of a release.
    pub subject: String,
    pub action: String,
    /// pending, done, failed, cancelled
    pub state: String,
    /// RFC 3339, in UTC.
    pub at: String,
    pub problems: Json,
}

/// By their time. `state` as in [`Listed::state`].
pub async fn list(store: &Store, state: Option<&str>, most: u32) -> Result<Vec<Listed>> {
    let sql = r#"select s.*, to_char(s.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as shown from (
            select id, type, entry, null as title, action, state, at, problems::text as problems from cms.scheduled_change
            union all
            select id, null, null, title, 'release',
                case state when 'scheduled' then 'pending' when 'failed' then 'failed' when 'open' then 'cancelled' else 'done' end,
                at, problems::text
            from cms.release where at is not null
        ) s where $1::text is null or s.state = $1 order by s.at, s.id limit $2"#;
    let rows = sqlx::query(sql).bind(state).bind(i64::from(most)).fetch_all(&store.writes).await?;
    let listed = |row: &sqlx::postgres::PgRow| {
        let (uuid, title): (Uuid, Option<String>) = (row.try_get("id")?, row.try_get("title")?);
        let subject = match title {
            Some(title) => title,
            None => id::encode(row.try_get("type")?, row.try_get("entry")?),
        };
        let action: String = row.try_get("action")?;
        let prefix = if action == "release" { release::PREFIX } else { PREFIX };
        let problems: Option<String> = row.try_get("problems")?;
        Ok(Listed {
            id: id::encode(prefix, uuid),
            subject,
            action,
            state: row.try_get("state")?,
            at: row.try_get("shown")?,
            problems: match problems {
                Some(problems) => serde_json::from_str(&problems).map_err(Error::internal)?,
                None => Json::Array(Vec::new()),
            },
        })
    };
    rows.iter().map(listed).collect()
}

/// Makes failed changes and releases at once, each with the rights of its own actor. Returns how many failed ones there were.
pub async fn retry(store: &Store, of: Option<Failed>) -> Result<usize> {
    write::transact(store, &HookSet::default(), &Retrying(of)).await
}

#[derive(Clone, Copy, Debug)]
pub enum Failed {
    Change(Uuid),
    Release(Uuid),
}

impl Failed {
    /// By the id that [`Listed`] has.
    pub fn named(text: &str) -> Option<Self> {
        match id::decode(text)? {
            (PREFIX, id) => Some(Self::Change(id)),
            (release::PREFIX, id) => Some(Self::Release(id)),
            _ => None,
        }
    }
}

struct Retrying(Option<Failed>);

impl Transacted for Retrying {
    type Output = usize;

    fn run<'c>(&'c self, cx: &'c mut Cx<'_>) -> Running<'c, usize> {
        Box::pin(async move {
            let (change, release) = match self.0 {
                None => (None, None),
                Some(Failed::Change(id)) => (Some(id), Some(Uuid::nil())),
                Some(Failed::Release(id)) => (Some(Uuid::nil()), Some(id)),
            };
            let sql = "update cms.scheduled_change set state = 'pending', problems = null, ended_at = null
                where state = 'failed' and ($1::uuid is null or id = $1) returning id";
            let changes: Vec<Uuid> = sqlx::query_scalar(sql).bind(change).fetch_all(&mut *cx.connection).await?;
            let sql = "update cms.release set state = 'scheduled', problems = null
                where state = 'failed' and at is not null and ($1::uuid is null or id = $1) returning id";
            let releases: Vec<Uuid> = sqlx::query_scalar(sql).bind(release).fetch_all(&mut *cx.connection).await?;
            for id in &changes {
                cx.enqueue(&Fire::of(*id)).await?;
            }
            for id in &releases {
                cx.enqueue(&FireRelease::of(*id)).await?;
            }
            Ok(changes.len() + releases.len())
        })
    }
}
