//! Finds the entries that a text asks for, of one or several types, under the rules of the actor: the best first.
//!
//! A type's entries are found by its own index and language; then they are joined with the rows that the actor sees. At most
//! [`MOST_RANKED`] entries of a type are ranked, so that a word that all entries have costs no more.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value as Json;
use sqlx::Row as _;
use uuid::Uuid;

use super::answer::{self, Answer};
use super::matches::{Matching, Parts, Words};
use super::parsed;
use super::rules::MOST_ENTRIES;
use super::{best, near};
use crate::read::Request;
use crate::searched::{Parsed, Rules};
use crate::sql::{Sql, quoted};
use crate::value::Value;
use crate::{Scope, Stage};
use base::error::{Code, Error, Problem, Result};
use model::content::{ContentInfo, SearchInfo};

/// Entries of a type that are ranked, and counted.
pub const MOST_RANKED: usize = 10_000;
/// The same, while a visitor types.
const MOST_BEGUN: usize = 2_000;
/// What comes first is what editors pin, then what a key finds, then what has whole words; the rank of its words, boosted, decides among
/// these.
pub(super) const EXACT: u32 = 100;
pub(super) const WHOLE: u32 = 10;
pub(super) const MOST_BOOSTED: f64 = 9.99;
/// Characters of what is asked.
pub const LONGEST: usize = 300;

/// What is searched for.
#[derive(Debug)]
pub struct Ask<'a> {
    pub words: Words<'a>,
    /// The types to search, with the filter of each.
    pub types: Vec<(&'static ContentInfo, Option<&'a Json>)>,
    pub order: SearchOrder,
    pub first: usize,
    pub after: Option<Place>,
    pub total: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SearchOrder {
    Relevance,
    /// By one of the moments of an entry, the latest first.
    Latest(&'static str),
}

impl SearchOrder {
    pub fn named(name: &str) -> Self {
        match name {
            "CREATED_AT" => Self::Latest("created_at"),
            "UPDATED_AT" => Self::Latest("updated_at"),
            "PUBLISHED_AT" => Self::Latest("published_at"),
            _ => Self::Relevance,
        }
    }

    /// For cursors, which belong to one order.
    fn name(self) -> &'static str {
        match self {
            Self::Relevance => "score",
            Self::Latest(column) => column,
        }
    }
}

#[derive(Debug, Default)]
pub struct Found {
    pub hits: Vec<Hit>,
    /// Whether there are more.
    pub more: bool,
    pub total: Option<i64>,
    /// What was searched for instead, since nothing was found.
    pub instead: Option<String>,
    /// Whether nothing has all of the words, and these have some.
    pub is_partial: bool,
    /// What a search engine has found, for facets of the same words.
    pub answer: Answer,
}

#[derive(Clone, Debug)]
pub struct Hit {
    pub info: &'static ContentInfo,
    pub id: Uuid,
    pub score: f64,
    /// Where it is in the order, as PostgreSQL writes it.
    pub(super) key: String,
}

/// Where a page of results ends.
#[derive(Clone, Debug)]
pub struct Place {
    key: String,
    id: Uuid,
    instead: Option<String>,
    is_partial: bool,
    /// Whether the place is in the order of a search engine.
    by_engine: bool,
}

/// Finds entries. If there are none, the words are corrected; if there are none then, some of the words will do.
pub async fn find(request: &Request<'_>, scope: Scope<'_>, ask: &Ask<'_>) -> Result<Found> {
    // What is found depends on more than the tables of the entries.
    scope.store.touch_by_hand();
    if let Some(Place { instead, is_partial, .. }) = &ask.after {
        let (instead, is_partial) = (instead.clone(), *is_partial);
        let found = run(request, scope, ask, ask.words.with(instead.as_deref(), is_partial)).await?;
        return Ok(Found { instead, is_partial, ..found });
    }
    let found = run(request, scope, ask, ask.words).await?;
    if let (Words::All(text), Stage::Live) = (ask.words, scope.stage) {
        scope.store.asked.count(text, !found.hits.is_empty());
    }
    if !found.hits.is_empty() {
        return Ok(found);
    }
    let types: Vec<_> = ask.types.iter().map(|(info, _)| *info).collect();
    let instead = near::corrected(request, scope, ask.words.text(), &types).await?;
    for is_partial in [false, true] {
        let is_same = !is_partial && instead.is_none();
        let completes = matches!(ask.words, Words::Begun(_));
        if is_same || is_partial && completes {
            continue;
        }
        let other = run(request, scope, ask, ask.words.with(instead.as_deref(), is_partial)).await?;
        if !other.hits.is_empty() {
            return Ok(Found { instead, is_partial, ..other });
        }
    }
    Ok(found)
}

async fn run(request: &Request<'_>, scope: Scope<'_>, ask: &Ask<'_>, words: Words<'_>) -> Result<Found> {
    let rules = scope.store.search_rules.now();
    let types = ask.types.iter().map(|(info, _)| *info);
    let answer = answer::asked(request, scope, types.clone(), words, &rules).await?;
    let parsed = match answer.is_given() {
        true => HashMap::new(),
        false => parsed::parsed(request, scope, types, words, &rules).await?,
    };
    let matching: Vec<Matching<'_>> = ask.matching(words, (&rules, &answer, &parsed)).collect();
    let mut found = match best::hits(request, scope, ask, &matching).await? {
        Some(hits) => Found { hits, ..Found::default() },
        None => Found { hits: ranked(request, scope, ask, (&matching, &answer)).await?, ..Found::default() },
    };
    found.more = found.hits.len() > ask.first;
    found.hits.truncate(ask.first);
    if ask.total {
        let (mut sql, mut problems) = (scope.sql(), Vec::new());
        sql.push("SELECT 0");
        for matching in &matching {
            sql.push(" + (SELECT count(*) FROM ");
            matching.push(scope, |_| "1 AS one".to_owned(), &mut sql, &mut problems)?;
            sql.push(" m)");
        }
        sql.push("::bigint");
        let rows = request.rows(sql).await?;
        found.total = rows.first().map(|row| row.try_get(0)).transpose()?;
    }
    found.answer = answer;
    Ok(found)
}

/// All that is found, ranked; one more than the page has.
async fn ranked(
    request: &Request<'_>,
    scope: Scope<'_>,
    ask: &Ask<'_>,
    (all, answer): (&[Matching<'_>], &Answer),
) -> Result<Vec<Hit>> {
    let mut problems = Vec::new();
    let mut sql = scope.sql();
    sql.push("WITH x AS (");
    let none = "SELECT ''::text AS type, NULL::uuid AS id, 0::float8 AS score, 0::numeric AS key WHERE false";
    sql.push(none);
    for matching in all {
        sql.push(" UNION ALL ");
        push_type(scope, matching, ask.order, &mut sql, &mut problems)?;
    }
    sql.push(") SELECT x.type, x.id, x.score, x.key::text FROM x");
    if let Some(Place { key, id, by_engine, .. }) = &ask.after {
        sql.push(" WHERE (x.key, x.id) < (");
        let key = Value::Text(key.clone());
        match ask.order {
            // Scores of the other kind mean nothing here: the page goes on behind the same entry.
            SearchOrder::Relevance if *by_engine != answer.is_given() => {
                sql.push("coalesce((SELECT y.key FROM x y WHERE y.id = ").value(&Value::Uuid(*id), 0, "uuid");
                sql.push("), ").value(&key, 0, "numeric").push(")");
            }
            _ => _ = sql.value(&key, 0, "numeric"),
        }
        sql.push(", ").value(&Value::Uuid(*id), 0, "uuid").push(")");
    }
    sql.push(&format!(" ORDER BY x.key DESC, x.id DESC LIMIT {}", ask.first + 1));
    if !problems.is_empty() {
        return Err(Error { problems });
    }
    hits(request, ask, sql).await
}

/// The hits of a statement for type, id, score and key.
pub(super) async fn hits(request: &Request<'_>, ask: &Ask<'_>, sql: Sql) -> Result<Vec<Hit>> {
    let mut hits = Vec::new();
    for row in request.rows(sql).await? {
        let table: String = row.try_get(0)?;
        if let Some((info, _)) = ask.types.iter().find(|(info, _)| info.table == table) {
            hits.push(Hit { info, id: row.try_get(1)?, score: row.try_get(2)?, key: row.try_get(3)? });
        }
    }
    Ok(hits)
}

impl<'a> Ask<'a> {
    fn matching<'b>(
        &self,
        words: Words<'b>,
        (rules, answer, parsed): (&'b Rules, &'b Answer, &'b HashMap<&'static str, Arc<Parsed>>),
    ) -> impl Iterator<Item = Matching<'b>>
    where
        'a: 'b,
    {
        let most = match words {
            Words::All(_) | Words::Some(_) => MOST_RANKED,
            Words::Begun(_) => MOST_BEGUN,
        };
        let of = move |(info, filter): &(&'static ContentInfo, Option<&'a Json>)| {
            let candidates = answer.of(info);
            let parsed = parsed.get(info.table).map(|parsed| &**parsed);
            Some(Matching { info, search: info.search?, words, filter: *filter, rules, candidates, parsed, most })
        };
        self.types.iter().filter_map(of)
    }
}

/// A query for the type, id, score and place in the order of each entry.
fn push_type(
    scope: Scope<'_>,
    matching: &Matching<'_>,
    order: SearchOrder,
    sql: &mut Sql,
    problems: &mut Vec<Problem>,
) -> Result<()> {
    let (info, search) = (matching.info, matching.search);
    let key = match order {
        SearchOrder::Relevance => "round(m.score::numeric, 6)".to_owned(),
        SearchOrder::Latest(_) => "m.key".to_owned(),
    };
    sql.push(&format!("SELECT '{}'::text AS type, m.id, m.score, {key} AS key FROM ", info.table));
    let columns = |parts: &Parts| {
        let score = score(scope, (info, search), parts);
        match order {
            SearchOrder::Relevance => format!("t.id, {score} AS score"),
            SearchOrder::Latest(column) => {
                format!("t.id, {score} AS score, coalesce(extract(epoch FROM t.{column}), 0)::numeric AS key")
            }
        }
    };
    matching.push(scope, columns, sql, problems)?;
    sql.push(" m");
    Ok(())
}

/// Whole words come before beginnings of words, then what editors have boosted.
fn score(scope: Scope<'_>, (info, search): (&ContentInfo, &SearchInfo), parts: &Parts) -> String {
    let rank = parts.rank.clone().unwrap_or_else(|| rank_of_words(&parts.document));
    let boosted = format!("{rank}{}", boosts(scope, info, search).factors);
    let mut score = match &parts.rank {
        Some(_) => boosted,
        None => {
            let strict = format!("CASE WHEN {} @@ (SELECT q.strict FROM q) THEN {WHOLE} ELSE 0 END", parts.document);
            format!("least({boosted}, {MOST_BOOSTED}) + {strict}")
        }
    };
    if let Some(exact) = &parts.exact {
        score += &format!(" + CASE WHEN {exact} THEN {EXACT} ELSE 0 END");
    }
    if let Some(pinned) = &parts.pinned {
        score += &format!(" + {}", place_of_pinned(pinned, "t.id"));
    }
    format!("({score})")
}

/// Each place counts more than all else together.
pub(super) fn place_of_pinned(ids: &str, id: &str) -> String {
    format!("coalesce(1000 * ({} - array_position({ids}, {id})), 0)", MOST_ENTRIES + 1)
}

/// From 0 to 1.
pub(super) fn rank_of_words(document: &str) -> String {
    format!("ts_rank('{{0.1, 0.25, 0.5, 1}}', {document}, (SELECT q.q FROM q), 1)::float8")
}

/// What the schema boosts.
pub(super) struct Boosts {
    /// ` * ..`
    pub factors: String,
    /// The most by which a rank is multiplied.
    pub most: f64,
}

pub(super) fn boosts(scope: Scope<'_>, info: &ContentInfo, search: &SearchInfo) -> Boosts {
    let mut boosts = Boosts { factors: String::new(), most: 1.0 };
    let mut fields: Vec<&str> = search.boosts.iter().map(|(field, ..)| *field).collect();
    // The order must not tell a value that the actor may not read.
    fields.retain(|field| scope.must_read(info, field).is_ok());
    fields.dedup();
    for field in fields {
        let values = || search.boosts.iter().filter(|(of, ..)| *of == field);
        let cases: String = values().map(|(_, value, factor)| format!(" WHEN '{value}' THEN {factor}")).collect();
        boosts.factors += &format!(" * CASE t.{}::text{cases} ELSE 1 END", quoted(field));
        boosts.most *= values().filter_map(|(.., factor)| factor.to_string().parse().ok()).fold(1.0, f64::max);
    }
    if let Some(days) = search.recency {
        // By days, so that the order stays the same from page to page.
        boosts.factors += &format!(
            " * (1 + 0.5 * power(0.5, greatest(current_date - coalesce(t.published_at, t.created_at)::date, 0) / {days}.0))"
        );
        boosts.most *= 1.5;
    }
    boosts
}

impl Hit {
    /// The cursor of a hit, without quotes.
    pub fn cursor(&self, order: SearchOrder, found: &Found) -> String {
        let (id, instead) = (self.id.simple().to_string(), &found.instead);
        let by_engine = found.answer.is_given();
        let place = serde_json::json!([order.name(), self.key, id, instead, found.is_partial, by_engine]);
        base64::Engine::encode(&CURSORS, place.to_string())
    }
}

const CURSORS: base64::engine::GeneralPurpose = base64::engine::general_purpose::URL_SAFE_NO_PAD;

impl Place {
    pub fn read(cursor: &str, order: SearchOrder) -> Result<Self, Problem> {
        let read = || {
            let bytes = base64::Engine::decode(&CURSORS, cursor).ok()?;
            let (name, key, id, instead, is_partial, by_engine): (String, String, String, Option<String>, bool, bool) =
                serde_json::from_slice(&bytes).ok()?;
            let id = Uuid::try_parse(&id).ok()?;
            let is_number =
                !key.is_empty() && key.len() <= 40 && key.bytes().all(|byte| b"0123456789.-".contains(&byte));
            let is_number = is_number && key.parse::<f64>().is_ok();
            let fits = instead.as_ref().is_none_or(|text| text.chars().count() <= LONGEST && !text.contains('\0'));
            (name == order.name() && is_number && fits).then_some(Self { key, id, instead, is_partial, by_engine })
        };
        let message = "`after` is not a cursor of a search in this order";
        read().ok_or_else(|| Problem::new(Code::InvalidCursor, message).at(["after".into()]))
    }
}

/// What is wrong with the text that is asked.
pub fn check(text: &str) -> Result<(), Problem> {
    let length = text.chars().count();
    if length <= LONGEST {
        return Ok(());
    }
    let message = format!("`query` has {length} characters, the most is {LONGEST}");
    let details = serde_json::json!({"limit": LONGEST, "requested": length});
    Err(Problem::new(Code::LimitExceeded, message).at(["query".into()]).details(details))
}

/// Searches are of what is stored; an overlay of other versions has no index.
pub fn check_stage(scope: Scope<'_>) -> Result<(), Problem> {
    match scope.store.overlay.is_some() {
        false => Ok(()),
        true => Err(Problem::new(
            Code::BadUserInput,
            "a preview cannot be searched: ask without `release`, `at` or a preview link",
        )),
    }
}
