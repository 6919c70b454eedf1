//! Aggregates: the entries that match a filter, counted by group, with the least and greatest values and the sums of their fields.

use std::cmp::{max, min};
use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value as Json;
use sqlx::Row as _;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::Request;
use super::filter::{Contains, Filter};
use super::listing;
use crate::Scope;
use crate::sql::{Sql, quoted};
use base::error::{Code, Error, Problem, Result};
use model::content::{ContentInfo, FieldInfo, RelationInfo, Shape};
use model::kind::Kind;
use model::value::Value;

/// Fields of a grouping: each multiplies the groups.
pub const MOST_FIELDS: usize = 3;

/// What is asked.
pub struct Aggregate<'a> {
    pub info: &'static ContentInfo,
    pub filter: Option<&'a Json>,
    pub by: &'a [&'static FieldInfo],
    pub measured: &'a [Measured],
    /// Groups at most.
    pub first: usize,
}

/// A column of which values are computed.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    /// The field's, or the system's.
    pub column: &'static str,
    pub kind: Kind,
    pub is_summed: bool,
}

/// Entries that have the grouping's values in common.
#[derive(Debug)]
pub struct Group {
    /// One for each field of the grouping.
    pub keys: Vec<Option<Shared>>,
    pub count: i64,
    /// One for each measured column.
    pub values: Vec<Values>,
}

#[derive(Debug)]
pub enum Shared {
    /// As it is stored.
    Value(String),
    Entry(Uuid),
}

/// API JSON: a value, or of money a list of one for each currency.
#[derive(Debug)]
pub struct Values {
    pub min: Json,
    pub max: Json,
    pub sum: Json,
}

/// Amounts of a currency.
#[derive(Clone, Copy)]
struct Amounts {
    min: i128,
    max: i128,
    sum: i128,
}

impl Aggregate<'_> {
    pub async fn groups(&self, request: &Request<'_>, scope: Scope<'_>) -> Result<Vec<Group>> {
        let mut problems = Vec::new();
        for (place, field) in self.by.iter().enumerate() {
            problems
                .extend(refused(scope, self.info, field).map(|problem| problem.at(["groupBy".into(), place.into()])));
        }
        let mut sql = scope.sql();
        self.push(scope, &mut sql, &mut problems)?;
        if !problems.is_empty() {
            return Err(Error { problems });
        }
        request.rows(sql).await?.iter().map(|row| self.group(row, scope)).collect()
    }

    /// Amounts of several currencies cannot be compared: there is one inner group for each.
    fn push(&self, scope: Scope<'_>, sql: &mut Sql, problems: &mut Vec<Problem>) -> Result<()> {
        sql.push("SELECT ");
        for place in 0..self.by.len() {
            sql.push(&format!("g.k{place}, "));
        }
        sql.push("sum(g.n)::bigint AS n");
        for (place, measured) in self.measured.iter().enumerate() {
            sql.push(&match measured.has_currency() {
                true => format!(", coalesce(jsonb_agg(g.m{place}) FILTER (WHERE g.m{place}->>0 IS NOT NULL), '[]')::text"),
                false => {
                    let sum = if measured.is_summed { format!("sum(g.s{place})::text") } else { "null".to_owned() };
                    format!(
                        ", jsonb_build_array(to_jsonb(min(g.l{place})) #>> '{{}}', to_jsonb(max(g.h{place})) #>> '{{}}', {sum})::text"
                    )
                }
            });
        }
        sql.push(" FROM (SELECT ");
        let mut keys = Vec::new();
        for (place, field) in self.by.iter().enumerate() {
            let key = key(field, place)?;
            sql.push(&format!("{key} AS k{place}, "));
            keys.push(key);
        }
        sql.push("count(*) AS n");
        for (place, measured) in self.measured.iter().enumerate() {
            let column = format!("t.{}", quoted(measured.column));
            if measured.has_currency() {
                let currency = format!("t.{}", quoted(&format!("{}_currency", measured.column)));
                sql.push(&format!(
                    ", jsonb_build_array({currency}, min({column})::text, max({column})::text, sum({column})::text) AS m{place}"
                ));
                keys.push(currency);
                continue;
            }
            sql.push(&format!(", min({column}) AS l{place}, max({column}) AS h{place}"));
            if measured.is_summed {
                sql.push(&format!(", sum({column}) AS s{place}"));
            }
        }
        sql.push(" FROM ");
        scope.push(self.info, "t", sql)?;
        for (place, field) in self.by.iter().enumerate() {
            push_join(scope, field, place, sql)?;
        }
        sql.push(" WHERE true");
        if let Some(filter) = self.filter {
            sql.push(" AND ");
            let contains = if listing::is_kept(scope) { Contains::ByIndex } else { Contains::ByRow };
            Filter::new(scope, sql, problems).containing(contains).conditions(self.info, filter, "t")?;
        }
        if !keys.is_empty() {
            sql.push(" GROUP BY ").push(&keys.join(", "));
        }
        sql.push(") g");
        if !self.by.is_empty() {
            let keys: Vec<_> = (0..self.by.len()).map(|place| format!("g.k{place}")).collect();
            let keys = keys.join(", ");
            sql.push(&format!(" GROUP BY {keys} ORDER BY n DESC, {keys} LIMIT {}", self.first));
        }
        Ok(())
    }

    fn group(&self, row: &PgRow, scope: Scope<'_>) -> Result<Group> {
        let mut keys = Vec::with_capacity(self.by.len());
        for (place, field) in self.by.iter().enumerate() {
            let stored: Option<String> = row.try_get(place)?;
            keys.push(
                stored
                    .map(|stored| match field.shape {
                        Shape::One(_) | Shape::Many(_) => Uuid::try_parse(&stored).map(Shared::Entry),
                        _ => Ok(Shared::Value(stored)),
                    })
                    .transpose()
                    .map_err(|error| Error::internal(error.to_string()))?,
            );
        }
        let count: Option<i64> = row.try_get(self.by.len())?;
        let mut values = Vec::with_capacity(self.measured.len());
        for (place, measured) in self.measured.iter().enumerate() {
            let found: String = row.try_get(self.by.len() + 1 + place)?;
            let found = serde_json::from_str(&found).map_err(|error| Error::internal(error.to_string()))?;
            values.push(measured.values(&found, scope)?);
        }
        Ok(Group { keys, count: count.unwrap_or_default(), values })
    }
}

impl Measured {
    fn has_currency(&self) -> bool {
        self.kind.columns().len() > 1
    }

    fn values(&self, found: &Json, scope: Scope<'_>) -> Result<Values> {
        if self.has_currency() {
            return self.amounts(found);
        }
        let text = |place: usize| found.get(place).and_then(Json::as_str);
        let value = |place| text(place).map_or(Ok(Json::Null), |text| self.value(text, scope));
        let sum = match text(2) {
            // A sum may have more digits than any value.
            Some(sum) if self.kind.cast() != "bigint" || self.kind.is_integer() => Json::from(sum),
            Some(sum) => self.value(sum, scope).unwrap_or_else(|_| Json::from(sum)),
            None => Json::Null,
        };
        Ok(Values { min: value(0)?, max: value(1)?, sum })
    }

    fn value(&self, text: &str, scope: Scope<'_>) -> Result<Json> {
        let value = match self.kind.cast() {
            "bigint" => self.int(text.parse().ok()).map(Value::Int)?,
            _ => self
                .kind
                .parse(&Json::from(text), &scope.store.schema.site)
                .map_err(|reason| Error::internal(format!("`{}` of an aggregate {reason}", self.column)))?,
        };
        Ok(self.kind.json(&value))
    }

    fn int(&self, number: Option<i64>) -> Result<i64> {
        number.ok_or_else(|| {
            let message = format!("the sum of `{}` has more than 64 bits: narrow the filter", self.column);
            Problem::new(Code::LimitExceeded, message).into()
        })
    }

    /// Adds up what was found for each currency, maybe several times.
    fn amounts(&self, found: &Json) -> Result<Values> {
        let mut by_currency: BTreeMap<&str, Amounts> = BTreeMap::new();
        for found in found.as_array().into_iter().flatten() {
            let number =
                |place: usize| found.get(place).and_then(Json::as_str).and_then(|text| text.parse::<i128>().ok());
            let currency = found.get(0).and_then(Json::as_str);
            let (Some(currency), Some(least), Some(most), Some(sum)) = (currency, number(1), number(2), number(3))
            else {
                continue;
            };
            let new = Amounts { min: least, max: most, sum };
            by_currency
                .entry(currency)
                .and_modify(|known| {
                    *known = Amounts {
                        min: min(known.min, least),
                        max: max(known.max, most),
                        sum: known.sum.saturating_add(sum),
                    };
                })
                .or_insert(new);
        }
        let list = |of: fn(&Amounts) -> i128| -> Result<Json> {
            let money = |(currency, amounts): (&&str, &Amounts)| {
                let amount = self.int(i64::try_from(of(amounts)).ok())?;
                Ok(self.kind.json(&Value::Money { amount, currency: (*currency).to_owned() }))
            };
            by_currency.iter().map(money).collect::<Result<Vec<_>>>().map(Json::from)
        };
        let sum = if self.is_summed { list(|amounts| amounts.sum)? } else { Json::Null };
        Ok(Values { min: list(|amounts| amounts.min)?, max: list(|amounts| amounts.max)?, sum })
    }
}

/// Why the actor may not group by a field.
fn refused(scope: Scope<'_>, info: &'static ContentInfo, field: &'static FieldInfo) -> Option<Problem> {
    let target = match field.shape {
        Shape::One(relation) | Shape::Many(relation) => relation.to.first().copied(),
        _ => None,
    };
    let of_target = || target.and_then(|target| scope.must_read_any(target).err());
    scope.must_read(info, field.snake).err().or_else(of_target)
}

/// The text of a grouping's value.
fn key(field: &FieldInfo, place: usize) -> Result<String> {
    Ok(match field.shape {
        Shape::One(_) | Shape::Many(_) => format!("g{place}.id::text"),
        Shape::Enums(_) => format!("e{place}.v::text"),
        Shape::Enum(_) | Shape::Scalar(_) => format!("t.{}::text", quoted(field.snake)),
        _ => return Err(Error::internal(format!("nothing is grouped by `{}`", field.name))),
    })
}

/// Joins the entries that a relation leads to, as far as the actor may see them: what it may not see is as if it were not there.
fn push_join(scope: Scope<'_>, field: &FieldInfo, place: usize, sql: &mut Sql) -> Result<()> {
    match field.shape {
        Shape::Enums(_) => {
            let _ = write!(sql.text, " LEFT JOIN LATERAL unnest(t.{}) e{place}(v) ON true", quoted(field.snake));
        }
        Shape::One(RelationInfo { to: [target], columns: [column], .. }) => {
            sql.push(" LEFT JOIN ");
            scope.push(target, &format!("g{place}"), sql)?;
            let _ = write!(sql.text, " ON g{place}.id = t.{}", quoted(column));
        }
        Shape::Many(RelationInfo { to: [target], columns: [column], join, .. }) => {
            sql.push(" LEFT JOIN (");
            scope.push_join(join, &format!("j{place}"), sql);
            sql.push(" JOIN ");
            scope.push(target, &format!("g{place}"), sql)?;
            let column = quoted(column);
            let _ = write!(sql.text, " ON g{place}.id = j{place}.{column}) ON j{place}.owner_id = t.id");
        }
        _ => {}
    }
    Ok(())
}
