//! The first page of a search with less work: only entries with whole words are looked up, which an index finds quickly however
//! many have the beginnings of words, and only those that their words rank highest are joined with the rows that the actor sees.
//!
//! The page is the same as that of all that is found, or none: an entry that was not looked at comes after those of the page, whatever
//! boosts it.

use sqlx::Row as _;
use uuid::Uuid;

use super::ask::{self, Ask, EXACT, Hit, MOST_BOOSTED, MOST_RANKED, SearchOrder, WHOLE};
use super::matches::{Hidden, Matching, Words};
use super::parsed;
use crate::Scope;
use crate::read::Request;
use crate::sql::Sql;
use base::error::{Error, Problem, Result};

/// Entries of a type that are joined.
const LOOKED_AT: usize = 500;

/// One hit more than the page has; `None` if there are not so many, or others may come before them.
pub(super) async fn hits(
    request: &Request<'_>,
    scope: Scope<'_>,
    ask: &Ask<'_>,
    all: &[Matching<'_>],
) -> Result<Option<Vec<Hit>>> {
    let is_first = ask.order == SearchOrder::Relevance && ask.after.is_none();
    let is_plain = |matching: &Matching<'_>| {
        let is_of_words = matches!(matching.words, Words::All(_)) && matching.candidates.is_none();
        let hides = || !Hidden::of(scope, matching.info, matching.search).paths.is_empty();
        is_of_words && matching.parsed.is_some_and(|parsed| parsed.positive.is_some()) && !hides()
    };
    if !is_first || all.is_empty() || ask.first >= LOOKED_AT / 2 || !all.iter().all(is_plain) {
        return Ok(None);
    }
    let (mut sql, mut problems) = (scope.sql(), Vec::new());
    sql.push("WITH x AS (");
    for (place, matching) in all.iter().enumerate() {
        sql.push(if place > 0 { " UNION ALL " } else { "" });
        push(matching, scope, &mut sql, &mut problems)?;
    }
    // What was not looked at comes first, without an id.
    sql.push(&format!(
        ") SELECT x.type, x.id, x.score, coalesce(x.key::text, '') FROM (SELECT x.*, round(x.score::numeric, 6) AS key FROM x) x \
        ORDER BY x.id IS NOT NULL, x.key DESC, x.id DESC LIMIT {}",
        ask.first + 1 + all.len()
    ));
    if !problems.is_empty() {
        return Err(Error { problems });
    }
    let mut hits = Vec::new();
    let mut others = f64::MIN;
    for row in request.rows(sql).await? {
        let (table, id, score): (String, Option<Uuid>, f64) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        let Some(matching) = all.iter().find(|matching| matching.info.table == table) else { continue };
        match id {
            Some(id) => hits.push(Hit { info: matching.info, id, score, key: row.try_get(3)? }),
            None => others = others.max(most(matching, scope, score)),
        }
    }
    hits.truncate(ask.first + 1);
    let last = hits.last().map_or(f64::MIN, |hit| hit.score);
    Ok((hits.len() > ask.first && last > others).then_some(hits))
}

/// The highest score of an entry of the type that was not looked at, if the last one that was has this sum of its rank and its places.
fn most(matching: &Matching<'_>, scope: Scope<'_>, sum: f64) -> f64 {
    let whole = f64::from(WHOLE);
    if sum >= 2.0 * whole {
        // So many have a key that is asked, or are pinned.
        return f64::MAX;
    }
    let boosted = (sum - whole) * ask::boosts(scope, matching.info, matching.search).most;
    whole + boosted.min(MOST_BOOSTED)
}

/// A query for type, id and score of the entries of a type; and the sum of the last one that was looked at, if there may be others.
fn push(matching: &Matching<'_>, scope: Scope<'_>, sql: &mut Sql, problems: &mut Vec<Problem>) -> Result<()> {
    let (info, search) = (matching.info, matching.search);
    let (Some(parsed), stage) = (matching.parsed, scope.stage.schema()) else { return Ok(()) };
    let (pinned, hidden) = matching.ruled();
    let exact = Hidden::of(scope, info, search).exact();
    let pinned = pinned.map(|ids| sql.list(ids, "uuid[]"));
    let is_pinned = pinned.as_ref().map(|pinned| format!("s.entry = ANY({pinned})"));
    let otherwise: Vec<&String> = exact.iter().chain(&is_pinned).collect();
    sql.push("(WITH q");
    parsed::push(parsed, sql);
    let strict = "s.document @@ (SELECT q.strict FROM q)";
    // Most have the words, and are not compared with them again.
    let mut places = format!("{WHOLE}");
    if !otherwise.is_empty() {
        let is_otherwise = otherwise.iter().map(|is| is.as_str()).collect::<Vec<_>>().join(" OR ");
        let mut of_others = format!("CASE WHEN {strict} THEN {WHOLE} ELSE 0 END");
        of_others +=
            &exact.as_ref().map_or_else(String::new, |is| format!(" + CASE WHEN {is} THEN {EXACT} ELSE 0 END"));
        let place = |ids: &String| format!(" + {}", ask::place_of_pinned(ids, "s.entry"));
        of_others += &pinned.as_ref().map_or_else(String::new, place);
        places = format!("CASE WHEN {is_otherwise} THEN {of_others} ELSE {WHOLE} END");
    }
    let rank = ask::rank_of_words("s.document");
    sql.push(&format!(
        "), s AS MATERIALIZED (SELECT r.entry, r.rank, r.places FROM (SELECT s.entry, {rank} AS rank, {places} AS places FROM search.{stage} s WHERE s.type = '{}' AND ({strict}",
        info.table
    ));
    for is in otherwise {
        sql.push(" OR ").push(is);
    }
    sql.push(")");
    if let Some(hidden) = hidden {
        let hidden = sql.list(hidden, "uuid[]");
        sql.push(&format!(" AND s.entry <> ALL({hidden})"));
    }
    let boosts = ask::boosts(scope, info, search).factors;
    // The row of each is looked up: there are few, however many the type has.
    sql.push(&format!(
        " LIMIT {MOST_RANKED}) r ORDER BY r.rank + r.places DESC, r.entry DESC LIMIT {LOOKED_AT}) SELECT '{}'::text AS type, t.id, \
        least(s.rank{boosts}, {MOST_BOOSTED}) + s.places AS score FROM s CROSS JOIN LATERAL (SELECT * FROM ",
        info.table
    ));
    scope.push(info, "t", sql)?;
    sql.push(" WHERE t.id = s.entry OFFSET 0) t WHERE true");
    matching.push_filter(scope, sql, problems)?;
    sql.push(&format!(
        " UNION ALL SELECT '{}', NULL, min(s.rank + s.places) FROM s HAVING count(*) = {LOOKED_AT})",
        info.table
    ));
    Ok(())
}
