//! Counts the values of a field among the entries that a search finds.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::Value as Json;
use sqlx::Row as _;
use uuid::Uuid;

use super::answer::Answer;
use super::ask::MOST_RANKED;
use super::matches::{Matching, Words};
use super::parsed;
use crate::Scope;
use crate::read::Request;
use crate::sql::{Sql, quoted};
use crate::value::Value;
use base::error::{Code, Error, Problem, Result, Step};
use model::content::{ContentInfo, FieldInfo, Shape};
use model::kind::Kind;

/// Values of a facet.
const MOST_VALUES: usize = 100;
/// Entries of a facet, unless asked otherwise.
const ENTRIES: usize = 10;
const MOST_BOUNDS: usize = 50;

/// A field to count.
pub struct Facet<'a> {
    pub info: &'static ContentInfo,
    pub field: &'static FieldInfo,
    pub words: Words<'a>,
    /// The filter of the type. Its conditions on the field do not count: others can be chosen beside the chosen one.
    pub filter: Option<&'a Json>,
    pub arguments: &'a serde_json::Map<String, Json>,
    /// Else nothing is counted.
    pub is_searched: bool,
    /// What has been found by these words.
    pub answer: &'a Answer,
}

/// The most frequent first; of ranges, one number for each.
#[derive(Debug)]
pub enum Counted {
    /// As the API names them.
    Values(Vec<(&'static str, i64)>),
    Entries(Vec<(Uuid, i64)>),
    Ranges(Vec<i64>),
}

/// What is counted of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Counts {
    Values,
    Entries,
    Ranges(Kind),
}

impl Counts {
    fn of(field: &FieldInfo) -> Self {
        match field.shape {
            Shape::One(_) | Shape::Many(_) => Self::Entries,
            Shape::Scalar(kind) if kind != Kind::Boolean => Self::Ranges(kind),
            _ => Self::Values,
        }
    }
}

impl Facet<'_> {
    pub async fn count(&self, request: &Request<'_>, scope: Scope<'_>) -> Result<Counted> {
        let Some(search) = self.info.search else { return Ok(Counted::Ranges(Vec::new())) };
        let of = Counts::of(self.field);
        let filter = self.filter.map(|filter| without(filter, self.field.name));
        let rules = scope.store.search_rules.now();
        let most = if self.is_searched { MOST_RANKED } else { 0 };
        let parsed = parsed::parsed(request, scope, std::iter::once(self.info), self.words, &rules).await?;
        let matching = Matching {
            info: self.info,
            search,
            words: self.words,
            filter: filter.as_ref(),
            rules: &rules,
            candidates: self.answer.of(self.info),
            parsed: parsed.get(self.info.table).map(|parsed| &**parsed),
            most,
        };
        let mut sql = scope.sql();
        let mut problems = Vec::new();
        match of {
            Counts::Values => self.push_values(scope, &matching, &mut sql, &mut problems)?,
            Counts::Entries => self.push_entries(scope, &matching, &mut sql, &mut problems)?,
            Counts::Ranges(kind) => self.push_ranges(scope, &matching, kind, &mut sql, &mut problems)?,
        }
        if !problems.is_empty() {
            return Err(Error { problems });
        }
        let rows = request.rows(sql).await?;
        match of {
            Counts::Values => {
                let mut values = Vec::with_capacity(rows.len());
                for row in rows {
                    let stored: String = row.try_get(0)?;
                    values.extend(self.shown(&stored).map(|shown| Ok((shown, row.try_get(1)?))));
                }
                values.into_iter().collect::<Result<_>>().map(Counted::Values)
            }
            Counts::Entries => {
                let entry = |row: &sqlx::postgres::PgRow| Ok((row.try_get(0)?, row.try_get(1)?));
                rows.iter().map(entry).collect::<Result<_>>().map(Counted::Entries)
            }
            Counts::Ranges(_) => {
                let bounds = self.arguments.get("bounds").and_then(Json::as_array).map_or(0, Vec::len);
                let mut counts = vec![0; bounds + 1];
                for row in rows {
                    let place: i32 = row.try_get(0)?;
                    if let Some(count) = usize::try_from(place).ok().and_then(|place| counts.get_mut(place)) {
                        *count = row.try_get(1)?;
                    }
                }
                Ok(Counted::Ranges(counts))
            }
        }
    }

    /// A stored value as the API shows it.
    fn shown(&self, stored: &str) -> Option<&'static str> {
        match self.field.shape {
            Shape::Enum(of) | Shape::Enums(of) => {
                of.values.iter().find(|(value, _)| *value == stored).map(|(_, shown)| *shown)
            }
            _ => ["true", "false"].into_iter().find(|value| *value == stored),
        }
    }

    fn push_values(
        &self,
        scope: Scope<'_>,
        matching: &Matching<'_>,
        sql: &mut Sql,
        problems: &mut Vec<Problem>,
    ) -> Result<()> {
        let column = quoted(self.field.snake);
        let value = match self.field.shape {
            Shape::Enums(_) => format!("unnest(t.{column}) AS v"),
            _ => format!("t.{column}::text AS v"),
        };
        sql.push("SELECT m.v::text, count(*) FROM ");
        // An entry with several values is one of the entries that are looked at.
        matching.push(scope, |_| value, sql, problems)?;
        sql.push(&format!(" m WHERE m.v IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {MOST_VALUES}"));
        Ok(())
    }

    fn push_entries(
        &self,
        scope: Scope<'_>,
        matching: &Matching<'_>,
        sql: &mut Sql,
        problems: &mut Vec<Problem>,
    ) -> Result<()> {
        let first = match self.arguments.get("first").filter(|first| !first.is_null()).map(Json::as_u64) {
            None => ENTRIES,
            Some(Some(first)) if (1..=MOST_VALUES as u64).contains(&first) => first as usize,
            Some(_) => {
                let message = format!("`first` must be from 1 to {MOST_VALUES}");
                problems.push(Problem::new(Code::LimitExceeded, message).at(["first".into()]));
                ENTRIES
            }
        };
        // What the actor may not see takes no place.
        match self.field.shape {
            Shape::Many(to) => {
                let target = quoted(to.columns[0]);
                sql.push("SELECT v.id, count(DISTINCT m.id) FROM ");
                matching.push(scope, |_| "t.id".to_owned(), sql, problems)?;
                sql.push(" m JOIN ");
                scope.push_join(to.join, "j", sql);
                sql.push(" ON j.owner_id = m.id JOIN ");
                scope.push(to.to[0], "v", sql)?;
                sql.push(&format!(" ON v.id = j.{target}"));
            }
            Shape::One(to) => {
                sql.push("SELECT v.id, count(*) FROM ");
                let column = quoted(to.columns[0]);
                matching.push(scope, |_| format!("t.{column} AS v"), sql, problems)?;
                sql.push(" m JOIN ");
                scope.push(to.to[0], "v", sql)?;
                sql.push(" ON v.id = m.v");
            }
            _ => return Err(Error::internal(format!("`{}` is no relation", self.field.name))),
        }
        sql.push(&format!(" GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {first}"));
        Ok(())
    }

    fn push_ranges(
        &self,
        scope: Scope<'_>,
        matching: &Matching<'_>,
        kind: Kind,
        sql: &mut Sql,
        problems: &mut Vec<Problem>,
    ) -> Result<()> {
        let (numbers, currency) = match self.bounds(scope, kind) {
            Ok(bounds) => bounds,
            Err(problem) => {
                problems.push(problem);
                return Ok(());
            }
        };
        let column = quoted(self.field.snake);
        sql.push("SELECT width_bucket(m.v, ");
        let bounds = sql.list(&numbers, "numeric[]");
        sql.push(&bounds).push("), count(*) FROM ");
        let value = match &currency {
            Some(_) => {
                format!("t.{column}::numeric AS v, t.{} AS c", quoted(&format!("{}_currency", self.field.snake)))
            }
            None => format!("t.{column}::numeric AS v"),
        };
        matching.push(scope, |_| value, sql, problems)?;
        sql.push(" m WHERE m.v IS NOT NULL");
        if let Some(currency) = currency {
            sql.push(" AND m.c = ").value(&Value::Text(currency), 0, "text");
        }
        sql.push(" GROUP BY 1");
        Ok(())
    }

    /// The bounds as they are stored, and their currency.
    fn bounds(&self, scope: Scope<'_>, kind: Kind) -> Result<(Vec<String>, Option<String>), Problem> {
        let wrong = |message: &str, place: Option<usize>| {
            let path = std::iter::once(Step::from("bounds")).chain(place.map(Step::from));
            Problem::new(Code::BadUserInput, message.to_owned()).at(path)
        };
        let given = self.arguments.get("bounds").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
        if given.is_empty() || given.len() > MOST_BOUNDS {
            return Err(wrong(&format!("`bounds` must have 1 to {MOST_BOUNDS} values"), None));
        }
        let mut values = Vec::with_capacity(given.len());
        for (place, bound) in given.iter().enumerate() {
            values.push(kind.parse(bound, &scope.store.schema.site).map_err(|reason| wrong(&reason, Some(place)))?);
        }
        let currency = |value: &Value| match value {
            Value::Money { currency, .. } => Some(currency.clone()),
            _ => None,
        };
        let of_first = currency(&values[0]);
        for (place, pair) in values.windows(2).enumerate() {
            if currency(&pair[1]) != of_first {
                return Err(wrong("the bounds must have one currency", Some(place + 1)));
            }
            if pair[0].order(&pair[1]) != Ordering::Less {
                return Err(wrong("each bound must be more than the one before", Some(place + 1)));
            }
        }
        Ok((values.iter().filter_map(|value| value.text(0).map(Cow::into_owned)).collect(), of_first))
    }
}

/// A filter without its own conditions on a field.
fn without(filter: &Json, field: &str) -> Json {
    let mut filter = filter.clone();
    if let Some(filter) = filter.as_object_mut() {
        filter.remove(field);
    }
    filter
}
