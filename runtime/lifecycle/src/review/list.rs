//! Reviews as people read them: where an entry stands and how it came there, and which entries are at a stage.

use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Row as _};
use uuid::Uuid;

use super::{Person, name, names, reviewed};
use base::error::{Code, Problem, Result, Step};
use model::content::ContentInfo;
use store::access::ReviewInfo;
use store::write::{self, entries};
use store::{Connection, Store, id};

/// Steps that are told, newest first.
const TOLD: i64 = 100;
/// Rows that are looked at for a page; beyond that, the actor may read next to nothing.
const LOOKED_AT: usize = 2_000;

/// Where an entry stands.
#[derive(Clone, Debug)]
pub struct Review {
    pub info: &'static ContentInfo,
    pub entry: Uuid,
    pub revision: i64,
    pub stage: &'static str,
    /// All stages in order.
    pub stages: Vec<&'static str>,
    /// That the next stage asks for; 0 if it asks for none.
    pub needed: u32,
    /// Of the revision, for the next stage.
    pub approvals: Vec<Taken>,
    /// Newest first.
    pub steps: Vec<Taken>,
}

/// A step that someone took.
#[derive(Clone, Debug)]
pub struct Taken {
    pub revision: i64,
    pub kind: String,
    pub from: String,
    pub to: String,
    pub comment: Option<String>,
    pub actor_kind: String,
    pub actor: Option<Uuid>,
    pub role: Option<String>,
    /// RFC 3339, with microseconds.
    pub at: String,
}

const COLUMNS: &str = r#"revision, kind, from_stage, to_stage, comment, actor_kind, actor, role,
    to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as shown_at"#;

/// The approvals that count: of the revision, for the stage.
const COUNTED: &str =
    "type = any($1) and entry = $2 and revision = $3 and kind = 'approve' and to_stage = $4 and not is_void";

/// The people who approved the revision, each once.
pub(super) async fn approved(
    connection: &mut Connection,
    info: &'static ContentInfo,
    entry: Uuid,
    revision: i64,
    stage: &str,
) -> Result<Vec<Person>> {
    let sql = format!(
        "select distinct person, case when person is null then actor_kind else '' end from cms.review_step where {COUNTED}"
    );
    let found = sqlx::query_as(AssertSqlSafe(sql)).bind(names(info)).bind(entry).bind(revision).bind(stage);
    Ok(found.fetch_all(connection).await?)
}

/// Where the entry stands, for those who may read its draft.
pub async fn of(store: &Store, info: &'static ContentInfo, entry: Uuid) -> Result<Review> {
    entries::must_have_account(store)?;
    let review = reviewed(store, info)?;
    let mut lent = store.lend().await?;
    let missing = || {
        let message = format!("{} `{}` does not exist", info.name, id::encode(info.table, entry));
        Problem::new(Code::NotFound, message).at([Step::from("id")])
    };
    if entries::read_by(&mut lent, store, &[(info, entry)]).await?.is_empty() {
        return Err(missing().into());
    }
    let sql = format!(r#"select revision from draft."{}" where id = $1"#, info.table);
    let revision: Option<i64> = sqlx::query_scalar(AssertSqlSafe(sql)).bind(entry).fetch_optional(&mut *lent).await?;
    let revision = revision.ok_or_else(missing)?;
    let places = write::review::places(&mut lent, info, review, &[(entry, revision)]).await?;
    let place = places.get(&entry).copied().unwrap_or_default();
    let next = review.stages.get(place + 1).filter(|next| next.approvals > 0);
    let approvals = match next {
        Some(next) => {
            let sql = format!("select {COLUMNS} from cms.review_step where {COUNTED} order by id");
            let rows = sqlx::query(AssertSqlSafe(sql)).bind(names(info)).bind(entry).bind(revision).bind(next.name);
            rows.fetch_all(&mut *lent).await?
        }
        None => Vec::new(),
    };
    let sql =
        format!("select {COLUMNS} from cms.review_step where type = any($1) and entry = $2 order by id desc limit $3");
    let steps = sqlx::query(AssertSqlSafe(sql)).bind(names(info)).bind(entry).bind(TOLD).fetch_all(&mut *lent).await?;
    Ok(Review {
        info,
        entry,
        revision,
        stage: name(review, place),
        stages: review.stages.iter().map(|stage| stage.name).collect(),
        needed: next.map_or(0, |next| next.approvals),
        approvals: approvals.iter().map(taken).collect::<Result<_>>()?,
        steps: steps.iter().map(taken).collect::<Result<_>>()?,
    })
}

fn taken(row: &PgRow) -> Result<Taken> {
    Ok(Taken {
        revision: row.try_get(0)?,
        kind: row.try_get(1)?,
        from: row.try_get(2)?,
        to: row.try_get(3)?,
        comment: row.try_get(4)?,
        actor_kind: row.try_get(5)?,
        actor: row.try_get(6)?,
        role: row.try_get(7)?,
        at: row.try_get(8)?,
    })
}

/// An entry at a stage.
#[derive(Clone, Copy, Debug)]
pub struct At {
    pub entry: Uuid,
    pub revision: i64,
}

/// Entries whose drafts are at the stage and that the actor may read, by their ids. `after`: the last one of the page before.
pub async fn at_stage(
    store: &Store,
    info: &'static ContentInfo,
    stage: &str,
    after: Option<Uuid>,
    limit: usize,
) -> Result<Vec<At>> {
    entries::must_have_account(store)?;
    let review: &'static ReviewInfo = reviewed(store, info)?;
    let place = review.stages.iter().position(|known| known.name == stage).ok_or_else(|| {
        let message = format!("`{}` has no stage `{}`", info.name, model::cut(stage));
        Problem::new(Code::InvalidValue, message).at([Step::from("stage")])
    })?;
    let later: Vec<&str> = review.stages.iter().skip(1).map(|stage| stage.name).collect();
    let sql = format!(
        r#"select d.id, d.revision from draft."{}" d
        left join cms.review r on r.type = any($1) and r.entry = d.id and r.revision = d.revision
        where case when $2 then r.stage is null or r.stage <> all($3) else r.stage = $4 end
            and ($5::uuid is null or d.id > $5)
        order by d.id limit $6"#,
        info.table
    );
    let mut lent = store.lend().await?;
    let (mut found, mut after, mut looked_at) = (Vec::new(), after, 0);
    // A few statements look at all rows that are looked at, however small the page is.
    let many = limit.max(LOOKED_AT / 4);
    loop {
        let rows: Vec<(Uuid, i64)> = sqlx::query_as(AssertSqlSafe(sql.clone()))
            .bind(names(info))
            .bind(place == 0)
            .bind(&later)
            .bind(stage)
            .bind(after)
            .bind(i64::try_from(many).unwrap_or(i64::MAX))
            .fetch_all(&mut *lent)
            .await?;
        after = rows.last().map(|(entry, _)| *entry);
        let named: Vec<_> = rows.iter().map(|(entry, _)| (info, *entry)).collect();
        let seen = entries::read_by(&mut lent, store, &named).await?;
        let all = rows.iter().filter(|(entry, _)| seen.contains(entry));
        found.extend(all.map(|&(entry, revision)| At { entry, revision }));
        looked_at += rows.len();
        if rows.len() < many || found.len() >= limit || looked_at > LOOKED_AT {
            found.truncate(limit);
            return Ok(found);
        }
    }
}
