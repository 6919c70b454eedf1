//! Compiles filters to SQL. Filters have two-valued logic: a condition on null is false, and `not` makes it true.
//!
//! SQL's third value does no harm if only truth counts, as under AND, OR and EXISTS, so plain operators (and indexes)
//! can be used. Every negation is written `IS NOT TRUE`.
//!
//! A relation costs one pass over its rows, however deep the filters nest. A few relations with equality filters are looked up row by
//! row, which is faster if many rows have such a target. All others become a set of matching rows, computed once per statement.

mod contains;
mod operators;
mod several;
mod targets;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value as Json};

pub use self::contains::{Contained, Contains};
use self::operators::{Operand, enum_value};
use self::several::Several;
use super::link::Link;
use super::listing::Listing;
use crate::Scope;
use crate::sql::{Sql, quoted};
use base::error::{Code, Problem, Result, Step};
use model::content::{ContentInfo, FieldInfo, Shape, SiteInfo};
use model::kind::Kind;

/// How many relations of a statement are looked up row by row. With more, PostgreSQL underestimates the remaining rows and
/// runs all other conditions again for each of them.
const MOST_BY_ROW: usize = 3;
/// How many sets PostgreSQL may join in any order. With more, finding the best order takes longer than the statement.
const MOST_JOINED: usize = 3;

/// Appends conditions to a statement and collects their problems.
pub struct Filter<'a> {
    scope: Scope<'a>,
    sql: &'a mut Sql,
    problems: &'a mut Vec<Problem>,
    path: Vec<Step>,
    aliases: usize,
    /// Whether the whole filter requires the current condition; PostgreSQL can then turn a relation into a join.
    is_needed: bool,
    by_row: usize,
    joined: usize,
    /// Whether this is the filter of an access rule. It may use any field and sees every row; otherwise rules would
    /// depend on rules.
    is_rule: bool,
    /// Whether fields that the API cannot filter by are allowed.
    any_field: bool,
    /// The listing that the rows `t` come from.
    listing: Option<Listing<'a>>,
    contains: Contains<'a>,
}

impl<'a> Filter<'a> {
    pub fn new(scope: Scope<'a>, sql: &'a mut Sql, problems: &'a mut Vec<Problem>) -> Self {
        Self {
            scope,
            sql,
            problems,
            path: vec!["filter".into()],
            aliases: 0,
            is_needed: true,
            by_row: 0,
            joined: 0,
            is_rule: false,
            any_field: false,
            listing: None,
            contains: Contains::ByRow,
        }
    }

    pub fn of_rule(scope: Scope<'a>, sql: &'a mut Sql, problems: &'a mut Vec<Problem>) -> Self {
        Self { is_rule: true, any_field: true, ..Self::new(scope, sql, problems) }
    }

    /// A filter from the site's own code, which may use any field that the actor may read.
    pub fn of_site(scope: Scope<'a>, sql: &'a mut Sql, problems: &'a mut Vec<Problem>) -> Self {
        Self { any_field: true, ..Self::new(scope, sql, problems) }
    }

    /// A filter on lists of several owners, where a join would run once per owner.
    pub fn of_lists(self) -> Self {
        Self { is_needed: false, ..self }
    }

    /// A filter on the rows `t` of a listing `l`.
    pub fn over(self, listing: Option<Listing<'a>>) -> Self {
        Self { listing, ..self }
    }

    /// A filter that looks for texts in this way.
    pub fn containing(self, contains: Contains<'a>) -> Self {
        Self { contains, ..self }
    }

    fn site(&self) -> &'static SiteInfo {
        &self.scope.store.schema.site
    }

    /// Writes a condition on the row `alias`, with parentheses if needed.
    pub fn conditions(&mut self, info: &'static ContentInfo, filter: &Json, alias: &str) -> Result<()> {
        let Json::Object(members) = filter else {
            self.problem(match filter {
                Json::Null => "must not be null: omit it to get all".to_owned(),
                other => format!("must be an object, not {other}"),
            });
            return self.constant(true);
        };
        let members: Vec<_> = members.iter().collect();
        self.joined(" AND ", "true", &members, |this, (key, value)| {
            this.at(key.as_str(), |this| match value {
                // If a client has lost a value, returning everything or nothing would be wrong.
                Json::Null => {
                    this.problem("must not be null: leave it out to have all, or ask for `{ isNull: true }`");
                    this.constant(true)
                }
                value => this.condition(info, key, value, alias),
            })
        })
    }

    fn condition(&mut self, info: &'static ContentInfo, key: &str, value: &Json, alias: &str) -> Result<()> {
        match key {
            "and" => return self.all_of(info, value, alias, " AND ", "true"),
            "or" => return self.all_of(info, value, alias, " OR ", "false"),
            "not" => {
                return self.negated(|this| this.conditions(info, value, alias));
            }
            "id" => return self.id(info, value, alias),
            _ => {}
        }
        if let Some(column) = system_moment(info, key) {
            return self.scalar(Kind::Datetime, alias, column, None, value);
        }
        if let Some(field) = info.field(key) {
            return self.if_readable(info, field.snake, |this| this.field(field, value, alias));
        }
        if self.any_field
            && let Some(column) = system_user(info, key)
        {
            return self.scalar(Kind::User, alias, column, None, value);
        }
        if info.owner.is_none() && key == "status" && (self.any_field || info.drafts) {
            return self.by_status(info, value, alias);
        }
        if let Some(inverse) = info.inverses.iter().find(|inverse| inverse.name == key) {
            // A role that may not read a relation must not learn it from the other end.
            return self.if_readable(inverse.source, inverse.field, |this| {
                this.list(&Link::of_inverse(inverse, info), inverse.source, value, alias)
            });
        }
        self.problem(format!("unknown field `{key}` on `{}`", info.name));
        self.constant(true)
    }

    fn if_readable(
        &mut self,
        info: &'static ContentInfo,
        field: &str,
        then: impl FnOnce(&mut Self) -> Result<()>,
    ) -> Result<()> {
        match self.scope.must_read(info, field) {
            Err(problem) if !self.is_rule => {
                self.problems.push(problem.at(self.path.iter().cloned()));
                self.constant(true)
            }
            _ => then(self),
        }
    }

    fn field(&mut self, field: &'static FieldInfo, value: &Json, alias: &str) -> Result<()> {
        let column = self.column(alias, field.snake);
        match field.shape {
            Shape::Scalar(kind) if field.filterable || self.any_field => {
                self.scalar(kind, alias, field.snake, Some(field), value)
            }
            Shape::Enum(of) if field.filterable || self.any_field => {
                let parse = |json: &Json| enum_value(of, json);
                self.operators(&Operand::new(vec![(column, "text")], &parse), value)
            }
            Shape::Enums(of) if field.filterable || self.any_field => self.enum_list(of, &column, value),
            Shape::One(relation) if relation.to.len() == 1 => {
                self.one(&Link::of_relation(&relation, relation.to[0]), relation.to[0], value, alias)
            }
            Shape::Many(relation) if relation.to.len() == 1 => {
                self.list(&Link::of_relation(&relation, relation.to[0]), relation.to[0], value, alias)
            }
            Shape::One(to) | Shape::Many(to) => self.several(&Several { field, to, alias }, value),
            Shape::Children(of) => self.list(&Link::to_children(), of, value, alias),
            _ => {
                self.problem("the schema does not mark the field filterable");
                self.constant(true)
            }
        }
    }

    fn all_of(
        &mut self,
        info: &'static ContentInfo,
        value: &Json,
        alias: &str,
        joiner: &str,
        empty: &str,
    ) -> Result<()> {
        let filters = items(value).iter().enumerate().collect::<Vec<_>>();
        self.where_needed(joiner == " AND ", |this| {
            this.joined(joiner, empty, &filters, |this, (index, filter)| {
                this.at(*index, |this| this.conditions(info, filter, alias))
            })
        })
    }

    fn one(&mut self, link: &Link, target: &'static ContentInfo, value: &Json, alias: &str) -> Result<()> {
        if self.refuses(target) {
            return self.constant(true);
        }
        let operators = self.object(value);
        self.joined(" AND ", "true", &operators, |this, (operator, value)| {
            this.at(operator.as_str(), |this| match operator.as_str() {
                _ if value.is_null() => {
                    this.problem("must not be null: use `isNull`");
                    this.constant(true)
                }
                "is" => this.exists(true, link, target, Some(value), false, alias),
                "isNot" => this.exists(false, link, target, Some(value), false, alias),
                // A target that is not in the stage reads as null, so it must be looked up there.
                "isNull" => match this.boolean(value) {
                    Some(wanted) => this.exists(!wanted, link, target, None, false, alias),
                    None => this.constant(true),
                },
                _ => {
                    this.problem(format!("unknown operator `{operator}`"));
                    this.constant(true)
                }
            })
        })
    }

    fn list(&mut self, link: &Link, target: &'static ContentInfo, value: &Json, alias: &str) -> Result<()> {
        if self.refuses(target) {
            return self.constant(true);
        }
        let operators = self.object(value);
        self.joined(" AND ", "true", &operators, |this, (operator, value)| {
            this.at(operator.as_str(), |this| match operator.as_str() {
                _ if value.is_null() => {
                    this.problem("must not be null: use `{}` for any");
                    this.constant(true)
                }
                "some" => this.exists(true, link, target, Some(value), false, alias),
                "none" => this.exists(false, link, target, Some(value), false, alias),
                "every" => this.exists(false, link, target, Some(value), true, alias),
                _ => {
                    this.problem(format!("unknown operator `{operator}`"));
                    this.constant(true)
                }
            })
        })
    }

    /// Whether the actor may read no target.
    fn refuses(&mut self, target: &'static ContentInfo) -> bool {
        match self.scope.must_read_any(target) {
            Err(problem) if !self.is_rule => {
                self.problems.push(problem.at(self.path.iter().cloned()));
                true
            }
            _ => false,
        }
    }

    /// The expression of a column of the row `alias`, over its copy in the listing if there is one.
    fn column(&self, alias: &str, name: &str) -> String {
        let copy = self.listing.filter(|_| alias == "t").and_then(|listing| listing.copy(name));
        copy.unwrap_or_else(|| match name {
            "id" => format!("{alias}.id"),
            name => format!("{alias}.{}", quoted(name)),
        })
    }

    fn negated(&mut self, inner: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        self.sql.push("((");
        self.where_needed(false, inner)?;
        self.sql.push(") IS NOT TRUE)");
        Ok(())
    }

    fn where_needed(&mut self, is_needed: bool, inner: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        let outer = self.is_needed;
        self.is_needed &= is_needed;
        let done = inner(self);
        self.is_needed = outer;
        done
    }

    /// The conditions of a separate subquery.
    fn where_needed_anew(&mut self, inner: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        let outer = std::mem::replace(&mut self.is_needed, true);
        let done = inner(self);
        self.is_needed = outer;
        done
    }

    fn joined<T>(
        &mut self,
        joiner: &str,
        empty: &str,
        items: &[T],
        mut each: impl FnMut(&mut Self, &T) -> Result<()>,
    ) -> Result<()> {
        if items.is_empty() {
            self.sql.push(empty);
            return Ok(());
        }
        self.sql.push("(");
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.sql.push(joiner);
            }
            each(self, item)?;
        }
        self.sql.push(")");
        Ok(())
    }

    fn constant(&mut self, value: bool) -> Result<()> {
        self.sql.push(if value { "true" } else { "false" });
        Ok(())
    }

    fn boolean(&mut self, value: &Json) -> Option<bool> {
        let boolean = value.as_bool();
        if boolean.is_none() {
            self.problem(format!("must be true or false, not {value}"));
        }
        boolean
    }

    fn object<'v>(&mut self, value: &'v Json) -> Vec<(&'v String, &'v Json)> {
        match value {
            Json::Object(members) => members.iter().collect(),
            other => {
                self.problem(format!("must be an object of operators, not {other}"));
                Vec::new()
            }
        }
    }

    fn at<T>(&mut self, step: impl Into<Step>, inner: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(step.into());
        let result = inner(self);
        self.path.pop();
        result
    }

    fn problem(&mut self, message: impl Into<String>) {
        self.problems.push(Problem::new(Code::BadUserInput, message).at(self.path.iter().cloned()));
    }
}

/// Whether a filter only compares for equality and only uses rows of the type itself.
fn is_exact(info: &ContentInfo, filter: &Json) -> bool {
    let Json::Object(members) = filter else { return false };
    members.iter().all(|(key, value)| match key.as_str() {
        "and" | "or" => items(value).iter().all(|filter| is_exact(info, filter)),
        "not" => false,
        key => {
            let reaches = match info.field(key) {
                Some(field) => matches!(field.shape, Shape::One(_) | Shape::Many(_) | Shape::Children(_)),
                None => info.inverses.iter().any(|inverse| inverse.name == key),
            };
            let is_equality = |operator: &String| matches!(operator.as_str(), "eq" | "in" | "isNull");
            !reaches && value.as_object().is_some_and(|operators| operators.keys().all(is_equality))
        }
    })
}

/// The column of `createdAt` and similar fields; children have none.
pub(crate) fn system_moment(info: &ContentInfo, name: &str) -> Option<&'static str> {
    match name {
        _ if info.owner.is_some() => None,
        "createdAt" => Some("created_at"),
        "updatedAt" => Some("updated_at"),
        "publishedAt" => Some("published_at"),
        "firstPublishedAt" => Some("first_published_at"),
        _ => None,
    }
}

/// The column of `createdBy` and similar fields; children have none.
pub(crate) fn system_user(info: &ContentInfo, name: &str) -> Option<&'static str> {
    match name {
        _ if info.owner.is_some() => None,
        "createdBy" => Some("created_by"),
        "updatedBy" => Some("updated_by"),
        "publishedBy" => Some("published_by"),
        _ => None,
    }
}

/// A single item counts as a list of one.
pub(super) fn items(value: &Json) -> &[Json] {
    match value {
        Json::Array(items) => items,
        one => std::slice::from_ref(one),
    }
}

/// The filter in the coerced arguments, unless it is empty.
pub fn given(arguments: &Map<String, Json>) -> Option<&Json> {
    arguments.get("filter").filter(|filter| filter.as_object().is_none_or(|members| !members.is_empty()))
}
