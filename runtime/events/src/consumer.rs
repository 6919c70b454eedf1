//! One step of a consumer: it handles a batch of changes in the transaction that advances its position.

use std::time::Duration;

use sqlx::{AssertSqlSafe, Row as _};
use tokio::time::timeout;

use crate::change::{COLUMNS, Change};
use crate::follow::{Consumer, StartAt};
use crate::order;
use base::background::backoff;
use base::cause::{kept, noted};
use base::error::{Error, Result, caught};
use base::seen;
use base::trace::{Kind, Root};
use store::hooks::HookSet;
use store::hooks::{Cx, Transcript};
use store::{Connection, Database, Transaction};

/// Timeout of the handler for a batch.
const HANDLER: Duration = Duration::from_secs(5 * 60);
/// The pause after a failure, and the longest one after many in a row.
const FIRST: Duration = Duration::from_secs(1);
const MOST: Duration = Duration::from_secs(5 * 60);

/// The result of a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Step {
    /// There may be more.
    Moved,
    /// There is nothing new, or another node runs this consumer.
    Idle,
    /// It failed and pauses for this time.
    Failed(Duration),
}

/// The state of a consumer.
struct Place {
    position: i64,
    failures: i32,
    /// The rest of its pause, in seconds.
    wait: Option<f64>,
}

/// The next batch of a consumer.
struct Batch {
    place: Place,
    changes: Vec<Change>,
    /// The position after the batch.
    reached: i64,
}

/// Registers the consumer; returns whether it is new.
pub(crate) async fn register(database: &Database, consumer: &Consumer) -> Result<bool> {
    let is_known: bool = sqlx::query_scalar("select exists (select from cms.consumer where name = $1)")
        .bind(consumer.name)
        .fetch_one(&database.writes)
        .await?;
    if is_known {
        return Ok(false);
    }
    // Gives positions first, so that changes committed before are not after the end.
    order::give(database).await?;
    let sql = "insert into cms.consumer (name, position)
        select $1, case when $2 then 0 else position end from cms.outbox_head
        on conflict (name) do nothing";
    sqlx::query(sql)
        .bind(consumer.name)
        .bind(consumer.start_at == StartAt::Beginning)
        .execute(&database.writes)
        .await?;
    Ok(true)
}

/// Handles at most `most` changes.
pub(crate) async fn step(database: &Database, hooks: &HookSet, consumer: &Consumer, most: usize) -> Result<Step> {
    let mut transaction = database.background.begin().await?;
    let Some(place) = take(&mut transaction, consumer).await? else { return Ok(Step::Idle) };
    if let Some(wait) = place.wait.filter(|wait| *wait > 0.0) {
        return Ok(Step::Failed(Duration::from_secs_f64(wait.min(MOST.as_secs_f64()))));
    }
    let (changes, reached) = read(&mut transaction, consumer, place.position, most).await?;
    if reached == place.position {
        return Ok(Step::Idle);
    }
    let root = Root::begin(Kind::Consumer, None);
    if let Some(root) = &root {
        root.name(format!("consumer {}", consumer.name));
        root.tell("typecase.consumer.name", consumer.name);
        root.tell("typecase.consumer.changes", i64::try_from(changes.len()).unwrap_or(i64::MAX));
    }
    let batch = Batch { place, changes, reached };
    let traced = async {
        let step = pass(database, hooks, consumer, transaction, batch).await;
        let error = if matches!(step, Ok(Step::Moved)) { None } else { Some("failed".into()) };
        seen::with(|seen| seen.root().map(|root| root.done(error)));
        step
    };
    seen::within(root, traced).await
}

/// Handles the batch and advances the position, or records the failure.
async fn pass(
    database: &Database,
    hooks: &HookSet,
    consumer: &Consumer,
    mut transaction: Transaction,
    batch: Batch,
) -> Result<Step> {
    let Batch { place, changes, reached } = batch;
    transaction.run("savepoint handled", true).await?;
    let store = database.trusted();
    let mut transcript = Transcript::new(&store);
    let (mut handled, mut cause) =
        noted(handle(transcript.cx(&store, hooks, &mut transaction), consumer, changes)).await;
    if handled.is_ok()
        && let Err(aborted) = transaction.run("release savepoint handled; savepoint handled", true).await
    {
        cause = Some(format!("it continued after an error of its own SQL: {aborted}"));
        handled = Err(aborted.into());
    }
    if handled.is_ok() {
        (handled, cause) = noted(async { transaction.check_whole() }).await;
    }
    let Err(error) = handled else {
        let moved = "update cms.consumer
            set position = $2, failures = 0, error = null, retry_at = null, moved_at = now() where name = $1";
        sqlx::query(moved).bind(consumer.name).bind(reached).execute(&mut *transaction).await?;
        transaction.commit().await?;
        transcript.committed(&store, hooks).await;
        return Ok(Step::Moved);
    };
    let error = kept(&cause.unwrap_or_else(|| error.to_string()));
    tracing::warn!(consumer = consumer.name, position = place.position, %error, "a consumer failed, and will try again");
    let failures = u32::try_from(place.failures).unwrap_or_default() + 1;
    let wait = backoff(failures, FIRST, MOST);
    // The lock is still held; otherwise another node would retry at once.
    if transaction.undo_to("handled").await.is_ok() {
        failed(&mut transaction, consumer, &place, wait, &error).await?;
        transaction.commit().await?;
    } else {
        drop(transaction);
        failed(&mut *database.writes.lend().await?, consumer, &place, wait, &error).await?;
    }
    Ok(Step::Failed(wait))
}

/// Locks the consumer; `None` if another node has it.
async fn take(connection: &mut Connection, consumer: &Consumer) -> Result<Option<Place>> {
    let sql = "select position, failures, extract(epoch from retry_at - now())::float8 as wait
        from cms.consumer where name = $1 for update skip locked";
    let row = sqlx::query(sql).bind(consumer.name).fetch_optional(&mut *connection).await?;
    let place = row.map(|row| {
        Ok(Place { position: row.try_get("position")?, failures: row.try_get("failures")?, wait: row.try_get("wait")? })
    });
    place.transpose()
}

/// The next changes and the position after them. The head is from the same snapshot, so other types are skipped as well.
async fn read(connection: &mut Connection, consumer: &Consumer, after: i64, most: usize) -> Result<(Vec<Change>, i64)> {
    let sql = format!(
        "select head.position as head, next.*
        from cms.outbox_head as head
        left join lateral (
            select {COLUMNS} from cms.outbox
            where position > $1 and ($2::text[] is null or type = any($2))
            order by outbox.position limit $3
        ) as next on true
        order by next.position"
    );
    let rows = sqlx::query(AssertSqlSafe(sql))
        .bind(after)
        .bind(&consumer.tables)
        .bind(i64::try_from(most).unwrap_or(i64::MAX))
        .fetch_all(&mut *connection)
        .await?;
    let mut changes = Vec::new();
    let mut head = after;
    for row in &rows {
        head = row.try_get("head")?;
        if row.try_get::<Option<i64>, _>("position")?.is_some() {
            changes.push(Change::read(row)?);
        }
    }
    let is_full = changes.len() == most;
    let reached = changes.last().filter(|_| is_full).map_or(head.max(after), |last| last.position);
    Ok((changes, reached))
}

async fn handle(mut cx: Cx<'_>, consumer: &Consumer, changes: Vec<Change>) -> Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    match timeout(HANDLER, caught(consumer.handle(&mut cx, changes))).await {
        Ok(handled) => handled?,
        Err(_) => Err(Error::timeout()),
    }
}

/// Records a failure, if the position has not moved since.
async fn failed(
    connection: &mut Connection,
    consumer: &Consumer,
    place: &Place,
    wait: Duration,
    error: &str,
) -> Result<()> {
    let sql = "update cms.consumer
        set failures = failures + 1, error = $3, retry_at = now() + make_interval(secs => $4)
        where name = $1 and position = $2";
    sqlx::query(sql)
        .bind(consumer.name)
        .bind(place.position)
        .bind(error)
        .bind(wait.as_secs_f64())
        .execute(&mut *connection)
        .await?;
    connection.finish().await?;
    Ok(())
}
