//! Finds the entries that a text asks for, of one or several types, under the rules of the actor: the best first.
//!
//! A type's entries are found by its own index and language; then they are joined with the rows that the actor sees. At most
//! [`MOST_RANKED`] entries of a type are ranked, so that a word that all entries have costs no more.

use serde_json::Value as Json;
use sqlx::Row as _;
use uuid::Uuid;

use super::near;
use crate::Scope;
use crate::access::Grant;
use crate::read::filter::Filter;
use crate::sql::{Sql, quoted};
use crate::value::Value;
use base::error::{Code, Error, Problem, Result};
use model::content::{ContentInfo, SearchInfo, SearchText, Shape};

/// Entries of a type that are ranked, and counted.
pub const MOST_RANKED: usize = 10_000;
/// Characters of what is asked.
pub const LONGEST: usize = 300;

/// What is searched for.
#[derive(Debug)]
pub struct Ask<'a> {
    pub text: &'a str,
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
}

#[derive(Clone, Debug)]
pub struct Hit {
    pub info: &'static ContentInfo,
    pub id: Uuid,
    pub score: f64,
    /// Where it is in the order, as PostgreSQL writes it.
    key: String,
}

/// Where a page of results ends.
#[derive(Clone, Debug)]
pub struct Place {
    key: String,
    id: Uuid,
    instead: Option<String>,
}

/// Finds entries. If there are none, the words are corrected.
pub async fn find(scope: Scope<'_>, ask: &Ask<'_>) -> Result<Found> {
    // What is found depends on more than the tables of the entries.
    scope.store.touch_by_hand();
    let instead = ask.after.as_ref().and_then(|place| place.instead.clone());
    let mut found = run(scope, ask, instead.as_deref().unwrap_or(ask.text)).await?;
    found.instead = instead;
    if found.hits.is_empty() && ask.after.is_none() {
        let types: Vec<_> = ask.types.iter().map(|(info, _)| *info).collect();
        if let Some(text) = near::corrected(scope, ask.text, &types).await? {
            let other = run(scope, ask, &text).await?;
            if !other.hits.is_empty() {
                return Ok(Found { instead: Some(text), ..other });
            }
        }
    }
    Ok(found)
}

async fn run(scope: Scope<'_>, ask: &Ask<'_>, text: &str) -> Result<Found> {
    let mut found = Found::default();
    let mut problems = Vec::new();
    let mut sql = scope.sql();
    sql.push("SELECT x.type, x.id, x.score, x.key::text FROM (");
    push_types(scope, ask, text, &mut sql, &mut problems)?;
    sql.push(") x");
    if let Some(Place { key, id, .. }) = &ask.after {
        sql.push(" WHERE (x.key, x.id) < (").value(&Value::Text(key.clone()), 0, "numeric");
        sql.push(", ").value(&Value::Uuid(*id), 0, "uuid").push(")");
    }
    sql.push(&format!(" ORDER BY x.key DESC, x.id DESC LIMIT {}", ask.first + 1));
    if !problems.is_empty() {
        return Err(Error { problems });
    }
    for row in sql.fetch_for(scope.store, &[]).await? {
        let table: String = row.try_get(0)?;
        if let Some((info, _)) = ask.types.iter().find(|(info, _)| info.table == table) {
            found.hits.push(Hit { info, id: row.try_get(1)?, score: row.try_get(2)?, key: row.try_get(3)? });
        }
    }
    found.more = found.hits.len() > ask.first;
    found.hits.truncate(ask.first);
    if ask.total {
        let mut sql = scope.sql();
        sql.push("SELECT count(*) FROM (");
        push_types(scope, ask, text, &mut sql, &mut problems)?;
        sql.push(") x");
        let rows = sql.fetch_for(scope.store, &[]).await?;
        found.total = rows.first().map(|row| row.try_get(0)).transpose()?;
    }
    Ok(found)
}

fn push_types(scope: Scope<'_>, ask: &Ask<'_>, text: &str, sql: &mut Sql, problems: &mut Vec<Problem>) -> Result<()> {
    let mut any = false;
    for (info, filter) in &ask.types {
        let Some(search) = info.search else { continue };
        if any {
            sql.push(" UNION ALL ");
        }
        any = true;
        push_type(scope, (info, search), *filter, ask, text, sql, problems)?;
    }
    if !any {
        sql.push("SELECT ''::text AS type, NULL::uuid AS id, 0::float8 AS score, 0::numeric AS key WHERE false");
    }
    Ok(())
}

fn push_type(
    scope: Scope<'_>,
    (info, search): (&'static ContentInfo, &'static SearchInfo),
    filter: Option<&Json>,
    ask: &Ask<'_>,
    text: &str,
    sql: &mut Sql,
    problems: &mut Vec<Problem>,
) -> Result<()> {
    let hidden = Hidden::of(scope, info, search);
    let stage = scope.stage.schema();
    // PostgreSQL makes the query once, and looks it up in the index.
    sql.push("(WITH q AS MATERIALIZED (SELECT r.q, search.positive(r.q) AS positive, nullif(search.key(");
    sql.value(&Value::Text(text.to_owned()), 0, "text");
    sql.push(&format!("), '') AS key FROM (SELECT search.query('{}', ", search.language));
    sql.value(&Value::Text(text.to_owned()), 0, "text").push(", ");
    sql.value(&Value::Text(serde_json::json!(search.synonyms).to_string()), 0, "jsonb");
    sql.push(&format!(") AS q) r) SELECT '{}'::text AS type, m.id, m.score, ", info.table));
    sql.push(match ask.order {
        SearchOrder::Relevance => "round(m.score::numeric, 6) AS key",
        SearchOrder::Latest(_) => "m.key",
    });
    let key = match ask.order {
        SearchOrder::Relevance => String::new(),
        SearchOrder::Latest(column) => format!(", coalesce(extract(epoch FROM t.{column}), 0)::numeric AS key"),
    };
    // The keys that the actor may read.
    let exact = match hidden.keys.is_empty() {
        true => None,
        false => {
            let keys = hidden.keys.iter().map(|path| format!("'{path}=' || q.key"));
            Some(format!("s.exact && (SELECT array[{}] FROM q)", keys.collect::<Vec<_>>().join(", ")))
        }
    };
    let paths = match hidden.paths.is_empty() {
        true => None,
        false => Some(sql.list(hidden.paths.iter().map(|path| format!("\"{path}\"")), "text[]")),
    };
    let document = paths.map_or_else(|| "s.document".to_owned(), |paths| visible(search, &paths));
    let score = score(scope, (info, search), &document, exact.as_deref());
    sql.push(&format!(" FROM (SELECT t.id, {score} AS score{key} FROM search.{stage} s JOIN "));
    scope.push(info, "t", sql)?;
    sql.push(&format!(" ON t.id = s.entry WHERE s.type = '{}' AND (", info.table));
    match hidden.paths.is_empty() {
        true => _ = sql.push("s.document @@ (SELECT q.q FROM q WHERE q.positive IS NOT NULL)"),
        false => {
            _ = sql.push(&format!("s.document @@ (SELECT q.positive FROM q) AND {document} @@ (SELECT q.q FROM q)"));
        }
    }
    if let Some(exact) = &exact {
        sql.push(&format!(" OR {exact}"));
    }
    sql.push(")");
    if let Some(filter) = filter {
        sql.push(" AND ");
        let before = problems.len();
        Filter::new(scope, sql, problems).conditions(info, filter, "t")?;
        // Each type has a filter of its own.
        problems[before..].iter_mut().for_each(|problem| problem.path.insert(1, filter_key(info).as_str().into()));
    }
    sql.push(&format!(" LIMIT {MOST_RANKED}) m)"));
    Ok(())
}

/// The name of a type among the filters of a search: `product`.
pub fn filter_key(info: &ContentInfo) -> String {
    let mut letters = info.name.chars();
    letters.next().into_iter().flat_map(char::to_lowercase).chain(letters).collect()
}

/// The document without the texts that the actor may not read.
fn visible(search: &SearchInfo, paths: &str) -> String {
    format!(
        "(SELECT search.document('{}', coalesce(jsonb_agg(p), '[]')) FROM jsonb_array_elements(s.parts) p \
        WHERE p->>1 <> ALL({paths}))",
        search.language
    )
}

fn score(scope: Scope<'_>, (info, search): (&ContentInfo, &SearchInfo), document: &str, exact: Option<&str>) -> String {
    let mut score = format!("ts_rank('{{0.1, 0.25, 0.5, 1}}', {document}, (SELECT q.q FROM q), 1)::float8");
    let mut fields: Vec<&str> = search.boosts.iter().map(|(field, ..)| *field).collect();
    // The order must not tell a value that the actor may not read.
    fields.retain(|field| scope.must_read(info, field).is_ok());
    fields.dedup();
    for field in fields {
        let values = search.boosts.iter().filter(|(of, ..)| *of == field);
        let cases: String = values.map(|(_, value, factor)| format!(" WHEN '{value}' THEN {factor}")).collect();
        score += &format!(" * CASE t.{}::text{cases} ELSE 1 END", quoted(field));
    }
    if let Some(days) = search.recency {
        // By days, so that the order stays the same from page to page.
        score += &format!(
            " * (1 + 0.5 * power(0.5, greatest(current_date - coalesce(t.published_at, t.created_at)::date, 0) / {days}.0))"
        );
    }
    match exact {
        Some(exact) => format!("({score} + CASE WHEN {exact} THEN 100 ELSE 0 END)"),
        None => score,
    }
}

/// What of a type's search the actor may not read, or not of every entry.
pub struct Hidden {
    /// The texts whose words are searched.
    pub paths: Vec<String>,
    /// The keys that it may read.
    keys: Vec<String>,
}

impl Hidden {
    pub fn of(scope: Scope<'_>, info: &'static ContentInfo, search: &'static SearchInfo) -> Self {
        let (shown, hidden): (Vec<&SearchText>, Vec<&SearchText>) =
            search.texts.iter().partition(|text| is_readable(scope, info, text));
        Self {
            keys: shown.iter().filter(|text| text.exact).map(|text| text.path.join(".")).collect(),
            paths: hidden.iter().filter(|text| text.weight.is_some()).map(|text| text.path.join(".")).collect(),
        }
    }
}

fn is_readable(scope: Scope<'_>, info: &'static ContentInfo, text: &SearchText) -> bool {
    let Some(field) = info.fields.iter().find(|field| field.snake == text.path[0]) else { return false };
    if scope.must_read(info, field.snake).is_err() {
        return false;
    }
    let Some(second) = text.path.get(1) else { return true };
    let of = match field.shape {
        Shape::Children(child) => child,
        Shape::One(to) | Shape::Many(to) => to.to[0],
        _ => return false,
    };
    // An entry that the actor may not see must not be found by its name.
    let sees_all = |grant: Grant<'_>| match grant {
        Grant::Trusted => true,
        Grant::By(rule) => rule.rows.is_none(),
        Grant::Denied => false,
    };
    let is_child = matches!(field.shape, Shape::Children(_));
    scope.must_read(of, second).is_ok() && (is_child || scope.must_read_any(of).is_ok() && sees_all(scope.reads(of)))
}

impl Hit {
    /// The cursor of a hit, without quotes.
    pub fn cursor(&self, order: SearchOrder, instead: Option<&str>) -> String {
        let place = serde_json::json!([order.name(), self.key, self.id.simple().to_string(), instead]);
        base64::Engine::encode(&CURSORS, place.to_string())
    }
}

const CURSORS: base64::engine::GeneralPurpose = base64::engine::general_purpose::URL_SAFE_NO_PAD;

impl Place {
    pub fn read(cursor: &str, order: SearchOrder) -> Result<Self, Problem> {
        let read = || {
            let bytes = base64::Engine::decode(&CURSORS, cursor).ok()?;
            let (name, key, id, instead): (String, String, String, Option<String>) =
                serde_json::from_slice(&bytes).ok()?;
            let id = Uuid::try_parse(&id).ok()?;
            let is_number =
                !key.is_empty() && key.len() <= 40 && key.bytes().all(|byte| b"0123456789.-".contains(&byte));
            let is_number = is_number && key.parse::<f64>().is_ok();
            let fits = instead.as_ref().is_none_or(|text| text.chars().count() <= LONGEST && !text.contains('\0'));
            (name == order.name() && is_number && fits).then_some(Self { key, id, instead })
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
