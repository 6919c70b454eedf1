//! Follows what is scheduled, so that no cache in front of the server keeps a response beyond the moment at which it changes.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use base::background::Stop;
use base::error::Result;
use store::Database;

/// How often it is looked up. What is scheduled meanwhile is not known for so long.
const LOOK: Duration = Duration::from_millis(500);

/// The next change of each type, and of any type: of releases, and of those that are too many to look at each.
const NEXT: &str =
    "with next as (select type, at from cms.scheduled_change where state = 'pending' order by at limit 200),
    later as (select null::text as type, least((select min(at) from cms.release where state = 'scheduled'),
        (select case when count(*) = 200 then max(at) end from next)) as at)
    select type, (extract(epoch from at - now()) * 1000000)::bigint
    from (select type, min(at) as at from next group by type union all table later) n where at is not null";

/// Runs until told to stop.
pub async fn follow(database: Database, stop: Stop) {
    let mut has_failed = false;
    while !stop.is_draining() {
        match look(&database).await {
            Ok(()) => has_failed = false,
            Err(error) if !has_failed => {
                has_failed = true;
                tracing::warn!(%error, "what is scheduled could not be read: caches in front of the server keep nothing meanwhile");
            }
            Err(_) => {}
        }
        tokio::select! {
            () = sleep(LOOK) => {}
            () = stop.draining() => {}
        }
    }
}

async fn look(database: &Database) -> Result<()> {
    let now = Instant::now();
    let rows: Vec<(Option<String>, i64)> = sqlx::query_as(NEXT).fetch_all(&mut *database.lend().await?).await?;
    let (mut types, mut any) = (Vec::new(), None);
    for (name, micros) in rows {
        let at = now + Duration::from_micros(u64::try_from(micros).unwrap_or(0));
        let is_of = |table: &str| name.as_deref() == Some(table);
        let info =
            database.schema.types.iter().find(|info| is_of(info.table) || info.former.iter().any(|was| is_of(was)));
        match info {
            Some(info) => types.push((*info, at)),
            None => any = Some(any.map_or(at, |known: Instant| known.min(at))),
        }
    }
    database.generations.expect(&types, any, now);
    Ok(())
}
