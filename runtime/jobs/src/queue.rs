//! The statements on `cms.job`.

use std::time::Duration;

use sqlx::Row as _;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use base::error::{Result, sqlstate};
use model::timestamp::Timestamp;
use store::{Bell, Connection, Database, id};

/// Notified when there is a job for an idle worker.
pub const CHANNEL: &str = "typecase_jobs";
/// After this time without a heartbeat, another node may take the job.
pub(crate) const LEASE: Duration = Duration::from_secs(30);
/// The number of due jobs from which a claim chooses. If others hold all of them, it looks again after a pause. An open transaction may
/// hold them for long, so the pause is not too short.
const AT_ONCE: i64 = 32;
const CONTENDED: Duration = Duration::from_millis(100);
/// How often to retry putting a job back if other jobs with its key come in between.
const TWINS: u32 = 5;

#[derive(Clone, Debug)]
pub(crate) struct New {
    pub kind: &'static str,
    pub payload: String,
    pub key: Option<String>,
    pub priority: i16,
    pub at: Option<Timestamp>,
    pub after: Duration,
}

/// A job with an attempt in progress.
#[derive(Clone, Debug)]
pub(crate) struct Claimed {
    pub id: Uuid,
    pub lease: Uuid,
    pub kind: String,
    pub payload: String,
    /// Including this one.
    pub attempts: u32,
}

/// Wakes the workers of all nodes.
pub async fn tell(database: &Database) -> Result<()> {
    sqlx::query("select pg_notify($1, '')").bind(CHANNEL).execute(&database.writes).await?;
    Ok(())
}

/// If a job with the key is waiting, returns that one and locks it until the transaction ends. A waiting job that has failed is
/// not retried earlier: whatever it could not reach may still be down.
pub(crate) async fn insert(connection: &mut Connection, new: &New) -> Result<Uuid> {
    Ok(insert_unless(connection, new).await?)
}

/// Like [`insert`], but returns the database's own error, which may say that another transaction holds the key.
pub(crate) async fn insert_unless(connection: &mut Connection, new: &New) -> Result<Uuid, sqlx::Error> {
    let sql = "insert into cms.job (id, kind, payload, key, priority, due)
        values ($1, $2, $3::text::jsonb, $4, $5,
            coalesce(timestamptz 'epoch' + $6 * interval '1 microsecond', now()) + make_interval(secs => $7))
        on conflict (kind, key) where state = 'waiting' and key is not null
            do update set due = case when job.attempts > 0 then job.due else least(job.due, excluded.due) end,
                priority = greatest(job.priority, excluded.priority)
        returning id";
    let inserted = sqlx::query_scalar(sql)
        .bind(id::new_uuid())
        .bind(new.kind)
        .bind(&new.payload)
        .bind(&new.key)
        .bind(new.priority)
        .bind(new.at.map(Timestamp::as_microsecond))
        .bind(new.after.as_secs_f64())
        .fetch_one(connection)
        .await?;
    Ok(inserted)
}

/// The next due job, if any, and the time until another one is due. A job whose key is running waits for that one to end.
pub(crate) async fn claim(database: &Database, kinds: &[&str]) -> Result<(Option<Claimed>, Option<Duration>)> {
    // A claim need not be on disk at once: one that a crash of the database loses was followed by nothing that is, so the job waits again.
    // A lane is a kind and a priority. Only the first jobs of each are read, so jobs of other kinds and later jobs cost nothing.
    let sql = "with recursive lanes(kind, priority) as (
            select k.kind, (select max(j.priority) from cms.job j where j.kind = k.kind and j.state <> 'parked')
            from unnest($1::text[]) as k(kind)
            union all
            select l.kind, (
                select max(j.priority) from cms.job j
                where j.kind = l.kind and j.state <> 'parked' and j.priority < l.priority
            )
            from lanes l where l.priority is not null
        ), first as materialized (
            select j.id, l.priority, j.due
            from lanes l cross join lateral (
                select j.id, j.due from cms.job j
                where j.kind = l.kind and j.priority = l.priority and j.state <> 'parked' and j.due <= now() and not exists (
                    select from cms.job as under_way
                    where under_way.kind = j.kind and under_way.key = j.key and under_way.state = 'running'
                        and under_way.id <> j.id
                )
                order by j.due, j.id limit $3
            ) as j
            order by l.priority desc, j.due, j.id limit $3
        ), next as (
            select id from cms.job
            where id in (select id from first) and state <> 'parked' and due <= now() and not exists (
                select from cms.job as under_way
                where under_way.kind = job.kind and under_way.key = job.key and under_way.state = 'running'
                    and under_way.id <> job.id
            )
            order by priority desc, due, id limit 1
            for update skip locked
        ), quick as materialized (
            select set_config('synchronous_commit', 'off', true)
        ), claimed as (
            update cms.job
            set state = 'running', lease = gen_random_uuid(), due = now() + make_interval(secs => $2), attempts = attempts + 1
            from next cross join quick where job.id = next.id
            returning job.id, job.lease, job.kind, job.payload::text as payload, job.attempts
        )
        select claimed.*, later.seconds, exists (select from first) as is_due
        from (
            select extract(epoch from min(j.due) - now())::float8 as seconds
            from lanes l cross join lateral (
                select j.due from cms.job j
                where j.kind = l.kind and j.priority = l.priority and j.state <> 'parked' and j.due > now()
                order by j.due limit 1
            ) as j
        ) as later
        left join claimed on true";
    let row = sqlx::query(sql).bind(kinds).bind(LEASE.as_secs_f64()).bind(AT_ONCE).fetch_one(&database.writes).await?;
    let wait: Option<f64> = row.try_get("seconds")?;
    let wait = wait.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let claimed = claimed(&row)?;
    // Others hold these jobs now, and there may be more.
    let is_contended = claimed.is_none() && row.try_get("is_due")?;
    Ok((claimed, if is_contended { Some(CONTENDED) } else { wait }))
}

fn claimed(row: &PgRow) -> Result<Option<Claimed>> {
    let Some(id) = row.try_get("id")? else { return Ok(None) };
    let attempts: i32 = row.try_get("attempts")?;
    Ok(Some(Claimed {
        id,
        lease: row.try_get("lease")?,
        kind: row.try_get("kind")?,
        payload: row.try_get("payload")?,
        attempts: u32::try_from(attempts).unwrap_or_default(),
    }))
}

/// Renews the lease; returns whether the attempt still has it.
pub(crate) async fn beat(database: &Database, of: &Claimed) -> Result<bool> {
    let sql = "update cms.job set due = now() + make_interval(secs => $3) where id = $1 and lease = $2";
    let done = sqlx::query(sql).bind(of.id).bind(of.lease).bind(LEASE.as_secs_f64()).execute(&database.writes).await?;
    Ok(done.rows_affected() == 1)
}

/// Finishes the job; returns whether the attempt still had its lease. Rings if another job waits for its end.
pub(crate) async fn done(connection: &mut Connection, of: &Claimed, bell: &Bell) -> Result<bool> {
    let sql = "with gone as (delete from cms.job where id = $1 and lease = $2 returning kind, key)
        select exists (select from cms.job where kind = gone.kind and key = gone.key and state = 'waiting') from gone";
    let gone = sqlx::query_scalar(sql).bind(of.id).bind(of.lease).fetch_optional(&mut *connection).await?;
    if gone == Some(true) {
        connection.ring_at_commit(bell);
    }
    Ok(gone.is_some())
}

/// Returns whether the attempt still had its lease.
pub(crate) async fn park(connection: &mut Connection, of: &Claimed, error: &str) -> Result<bool> {
    let sql = "update cms.job set state = 'parked', lease = null, due = now(), error = $3 where id = $1 and lease = $2";
    let done = sqlx::query(sql).bind(of.id).bind(of.lease).bind(error).execute(connection).await?;
    Ok(done.rows_affected() == 1)
}

/// Schedules a retry after a failure.
pub(crate) async fn put_off(database: &Database, of: &Claimed, error: &str, wait: Duration) -> Result<()> {
    wait_again(database, of.id, Some(of.lease), Some(error), wait, 0).await?;
    Ok(())
}

/// Puts the job back as if the attempt had not begun.
pub(crate) async fn give_back(database: &Database, of: &Claimed) -> Result<()> {
    wait_again(database, of.id, Some(of.lease), None, Duration::ZERO, 1).await?;
    tell(database).await
}

/// Lets a parked job wait again; returns whether it was parked.
pub(crate) async fn unpark(database: &Database, id: Uuid) -> Result<bool> {
    wait_again(database, id, None, None, Duration::ZERO, i32::MAX).await
}

/// If a job with the same key is already waiting, that one stays and takes the attempts and error of this one; otherwise a job
/// that always fails would never be parked. `fewer`: how many attempts do not count.
async fn wait_again(
    database: &Database,
    id: Uuid,
    lease: Option<Uuid>,
    error: Option<&str>,
    wait: Duration,
    fewer: i32,
) -> Result<bool> {
    let sql = "with mine as (
            select * from cms.job where id = $1 and lease is not distinct from $2 and state <> 'waiting' for update
        ), twin as (
            select job.id from cms.job, mine where job.kind = mine.kind and job.key = mine.key and job.state = 'waiting'
        ), gone as (
            delete from cms.job using mine where job.id = mine.id and exists (select from twin) returning job.id
        ), told as (
            update cms.job
            set attempts = greatest(job.attempts, mine.attempts - $5), error = coalesce($3, job.error, mine.error),
                due = case when $3 is null then least(job.due, now()) else now() + make_interval(secs => $4) end,
                priority = greatest(job.priority, mine.priority)
            from mine, twin where job.id = twin.id and job.state = 'waiting'
        ), again as (
            update cms.job
            set state = 'waiting', lease = null, error = coalesce($3, job.error), due = now() + make_interval(secs => $4),
                attempts = greatest(job.attempts - $5, 0)
            from mine where job.id = mine.id and not exists (select from twin)
            returning job.id
        )
        select exists (select from gone union all select from again)";
    let mut attempts = 1;
    loop {
        let done = sqlx::query_scalar(sql)
            .bind(id)
            .bind(lease)
            .bind(error)
            .bind(wait.as_secs_f64())
            .bind(fewer)
            .fetch_one(&database.writes)
            .await;
        match done {
            Err(sqlx::Error::Database(refusal))
                if refusal.code().as_deref() == Some(sqlstate::UNIQUE) && attempts < TWINS =>
            {
                attempts += 1;
            }
            done => return Ok(done?),
        }
    }
}
