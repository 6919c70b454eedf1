//! Filters compiled to SQL. Their logic has two values: a condition on null is false, and `not` makes it true.
//!
//! SQL's third value does no harm where only truth counts, as under AND, OR and EXISTS, so that plain operators (and
//! indexes) can be used; every negation is written `IS NOT TRUE`.

use std::fmt::Write as _;

use serde_json::{Map, Value as Json};

use super::link::Link;
use super::rows::Tables;
use super::sql::{Sql, quoted};
use crate::content::{ContentInfo, EnumInfo, FieldInfo, Shape, SiteInfo};
use crate::error::{Code, Problem, Result, Step};
use crate::id;
use crate::kind::Kind;
use crate::store::{Stage, Store};
use crate::value::Value;

/// What stands for the actor's user in a rule.
const THE_ACTOR: &str = "$user";
/// The prefix of users' ids.
const USER: &str = "user";

/// Appends conditions to a statement, and collects what is wrong with them.
pub struct Filter<'a> {
    store: &'a Store,
    stage: Stage,
    sql: &'a mut Sql,
    problems: &'a mut Vec<Problem>,
    path: Vec<Step>,
    aliases: usize,
    /// The filter is a rule's own: it may use any field and sees every row, or rules would need rules.
    is_rule: bool,
}

/// What the operators of one field work on.
struct Operand<'a> {
    /// `(expression, SQL type)`; all are equal or none, and the first one orders.
    columns: Vec<(String, &'static str)>,
    parse: &'a dyn Fn(&Json) -> Result<Value, String>,
}

impl<'a> Filter<'a> {
    pub fn new(store: &'a Store, stage: Stage, sql: &'a mut Sql, problems: &'a mut Vec<Problem>) -> Self {
        Self { store, stage, sql, problems, path: vec!["filter".into()], aliases: 0, is_rule: false }
    }

    pub fn of_rule(store: &'a Store, stage: Stage, sql: &'a mut Sql, problems: &'a mut Vec<Problem>) -> Self {
        Self { is_rule: true, ..Self::new(store, stage, sql, problems) }
    }

    fn site(&self) -> &'static SiteInfo {
        &self.store.schema.site
    }

    /// Writes a condition on the row `alias`, in parentheses where it needs them.
    pub fn conditions(&mut self, info: &'static ContentInfo, filter: &Json, alias: &str) -> Result<()> {
        let Json::Object(members) = filter else {
            self.problem(format!("must be an object, not {filter}"));
            return self.constant(true);
        };
        let given: Vec<_> = members.iter().filter(|(_, value)| !value.is_null()).collect();
        self.joined(" AND ", "true", &given, |this, (key, value)| {
            this.at(key.as_str(), |this| this.condition(info, key, value, alias))
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
            return self.scalar(Kind::Datetime, alias, column, value);
        }
        if let Some(field) = info.field(key) {
            return self.if_readable(info, field.snake, |this| this.field(field, value, alias));
        }
        if self.is_rule && info.owner.is_none() && matches!(key, "createdBy" | "updatedBy" | "status") {
            return self.system(info, key, value, alias);
        }
        if let Some(inverse) = info.inverses.iter().find(|inverse| inverse.name == key) {
            // Whoever may not read a relation must not find it out from its other end.
            return self.if_readable(inverse.source, inverse.field, |this| {
                this.list(&Link::of_inverse(inverse, info), inverse.source, value, alias)
            });
        }
        self.problem(format!("`{}` has no condition `{key}`", info.name));
        self.constant(true)
    }

    fn if_readable(
        &mut self,
        info: &'static ContentInfo,
        field: &str,
        then: impl FnOnce(&mut Self) -> Result<()>,
    ) -> Result<()> {
        match self.store.access.must_read(info, field, self.stage) {
            Err(problem) if !self.is_rule => {
                self.problems.push(problem.at(self.path.iter().cloned()));
                self.constant(true)
            }
            _ => then(self),
        }
    }

    /// What only rules ask for: who made the entry, and how far it is.
    fn system(&mut self, info: &'static ContentInfo, key: &str, value: &Json, alias: &str) -> Result<()> {
        if key == "status" {
            let parse = |json: &Json| Ok(Value::Text(json.as_str().unwrap_or_default().to_owned()));
            let status = status(info, self.stage, alias);
            return self.operators(&Operand { columns: vec![(status, "text")], parse: &parse }, value);
        }
        let column = if key == "createdBy" { "created_by" } else { "updated_by" };
        let parse = |json: &Json| {
            let user = json.as_str().and_then(|text| id::decode_as(USER, text));
            user.map(Value::Uuid).ok_or_else(|| format!("must be the id of a user, not {json}"))
        };
        self.operators(&Operand { columns: vec![(format!("{alias}.{column}"), "uuid")], parse: &parse }, value)
    }

    fn field(&mut self, field: &'static FieldInfo, value: &Json, alias: &str) -> Result<()> {
        let column = format!("{alias}.{}", quoted(field.snake));
        match field.shape {
            Shape::Scalar(kind) if field.filterable || self.is_rule => self.scalar(kind, alias, field.snake, value),
            Shape::Enum(of) if field.filterable || self.is_rule => {
                let parse = |json: &Json| enum_value(of, json);
                self.operators(&Operand { columns: vec![(column, "text")], parse: &parse }, value)
            }
            Shape::Enums(of) if field.filterable || self.is_rule => self.enum_list(of, &column, value),
            Shape::One(relation) if relation.to.len() == 1 => {
                self.one(&Link::of_relation(field, &relation, relation.to[0]), relation.to[0], value, alias)
            }
            Shape::Many(relation) if relation.to.len() == 1 => {
                self.list(&Link::of_relation(field, &relation, relation.to[0]), relation.to[0], value, alias)
            }
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
        self.joined(joiner, empty, &filters, |this, (index, filter)| {
            this.at(*index, |this| this.conditions(info, filter, alias))
        })
    }

    fn id(&mut self, info: &'static ContentInfo, value: &Json, alias: &str) -> Result<()> {
        // An id of another type is a valid question, whose answer is no.
        let parse = |json: &Json| {
            let text = json.as_str().ok_or_else(|| format!("must be an id, not {json}"))?;
            let (table, uuid) = id::decode(text).ok_or_else(|| format!("must be an id, not {json}"))?;
            Ok(Value::Uuid(if table == info.table { uuid } else { uuid::Uuid::nil() }))
        };
        self.operators(&Operand { columns: vec![(format!("{alias}.id"), "uuid")], parse: &parse }, value)
    }

    fn scalar(&mut self, kind: Kind, alias: &str, snake: &str, value: &Json) -> Result<()> {
        let column = |suffix: &str| format!("{alias}.{}", quoted(&format!("{snake}{suffix}")));
        let columns: Vec<_> = kind.columns().iter().map(|part| (column(part.suffix), part.cast)).collect();
        let site = self.site();
        let parse = |json: &Json| match kind.parse(json, site) {
            // A text that the field could not hold is a valid question as well.
            Err(_) if json.is_string() && kind.cast() == "text" => Kind::Text.parse(json, site),
            parsed => parsed,
        };
        self.operators(&Operand { columns, parse: &parse }, value)
    }

    fn operators(&mut self, operand: &Operand<'_>, value: &Json) -> Result<()> {
        let operators = self.object(value);
        self.joined(" AND ", "true", &operators, |this, (operator, value)| {
            this.at(operator.as_str(), |this| this.operator(operand, operator, value))
        })
    }

    fn operator(&mut self, operand: &Operand<'_>, operator: &str, value: &Json) -> Result<()> {
        if value.is_null() {
            self.problem("must not be null: use `isNull`");
            return self.constant(true);
        }
        match operator {
            "isNull" => self.is_null(&operand.columns[0].0, value),
            "eq" => self.compare(operand, "=", value),
            "ne" => self.negated(|this| this.compare(operand, "=", value)),
            "in" => self.one_of(operand, value),
            "notIn" => self.negated(|this| this.one_of(operand, value)),
            "lt" => self.compare(operand, "<", value),
            "lte" => self.compare(operand, "<=", value),
            "gt" => self.compare(operand, ">", value),
            "gte" => self.compare(operand, ">=", value),
            "contains" | "startsWith" if operand.columns[0].1 == "text" => self.search(operand, operator, value),
            _ => {
                self.problem(format!("there is no operator `{operator}` here"));
                self.constant(true)
            }
        }
    }

    /// Only the first column has an order: money of another currency is neither less nor more.
    fn compare(&mut self, operand: &Operand<'_>, operator: &str, value: &Json) -> Result<()> {
        if self.is_rule && value == THE_ACTOR {
            return match self.store.access.actor.user() {
                Some(user) => self.compare_with(operand, operator, &Value::Uuid(user)),
                // Nobody is no user.
                None => self.constant(false),
            };
        }
        let Some(value) = self.parsed(operand, value) else { return self.constant(true) };
        self.compare_with(operand, operator, &value)
    }

    fn compare_with(&mut self, operand: &Operand<'_>, operator: &str, value: &Value) -> Result<()> {
        let columns = operand.columns.iter().enumerate().collect::<Vec<_>>();
        self.joined(" AND ", "true", &columns, |this, (index, (column, cast))| {
            let _ = write!(this.sql.text, "{column} {} ", if *index == 0 { operator } else { "=" });
            this.sql.value(value, *index, cast);
            Ok(())
        })
    }

    fn one_of(&mut self, operand: &Operand<'_>, value: &Json) -> Result<()> {
        let mut values = Vec::new();
        for (index, item) in items(value).iter().enumerate() {
            values.extend(self.at(index, |this| this.parsed(operand, item)));
        }
        let list = Value::List(values);
        if let [(column, cast)] = operand.columns.as_slice() {
            let _ = write!(self.sql.text, "{column} = ANY(");
            self.sql.value(&list, 0, &format!("{cast}[]")).push(")");
            return Ok(());
        }
        let columns: Vec<_> = operand.columns.iter().map(|(column, _)| column.as_str()).collect();
        let _ = write!(self.sql.text, "({}) IN (SELECT * FROM unnest(", columns.join(", "));
        for (index, (_, cast)) in operand.columns.iter().enumerate() {
            if index > 0 {
                self.sql.push(", ");
            }
            self.sql.value(&list, index, &format!("{cast}[]"));
        }
        self.sql.push("))");
        Ok(())
    }

    fn search(&mut self, operand: &Operand<'_>, operator: &str, value: &Json) -> Result<()> {
        let parse = |json: &Json| Kind::Text.parse(json, self.site());
        let value = match parse(value) {
            Ok(value) => value,
            Err(message) => {
                self.problem(message);
                return self.constant(true);
            }
        };
        let column = &operand.columns[0].0;
        let (open, close) = match operator {
            "contains" => ("strpos(", ")) > 0"),
            _ => ("starts_with(", "))"),
        };
        let _ = write!(self.sql.text, "{open}lower({column}), lower(");
        self.sql.value(&value, 0, "text").push(close);
        Ok(())
    }

    fn is_null(&mut self, column: &str, value: &Json) -> Result<()> {
        let Some(wanted) = self.boolean(value) else { return self.constant(true) };
        let _ = write!(self.sql.text, "{column} IS {}NULL", if wanted { "" } else { "NOT " });
        Ok(())
    }

    fn enum_list(&mut self, of: &'static EnumInfo, column: &str, value: &Json) -> Result<()> {
        let operators = self.object(value);
        self.joined(" AND ", "true", &operators, |this, (operator, value)| {
            this.at(operator.as_str(), |this| this.enum_list_operator(of, column, operator, value))
        })
    }

    fn enum_list_operator(&mut self, of: &'static EnumInfo, column: &str, operator: &str, value: &Json) -> Result<()> {
        let sql_operator = match operator {
            _ if value.is_null() => {
                self.problem("must not be null");
                return self.constant(true);
            }
            "has" | "hasEvery" => "@>",
            "hasSome" => "&&",
            "isEmpty" => {
                let Some(wanted) = self.boolean(value) else { return self.constant(true) };
                let _ = write!(self.sql.text, "{column} {} '{{}}'", if wanted { "=" } else { "<>" });
                return Ok(());
            }
            _ => {
                self.problem(format!("there is no operator `{operator}` here"));
                return self.constant(true);
            }
        };
        let mut values = Vec::new();
        for (index, item) in items(value).iter().enumerate() {
            match enum_value(of, item) {
                Ok(value) => values.push(value),
                Err(message) => self.at(index, |this| this.problem(message)),
            }
        }
        let _ = write!(self.sql.text, "{column} {sql_operator} ");
        self.sql.value(&Value::List(values), 0, "text[]");
        Ok(())
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
                // What is not in the stage reads as null, so it has to be looked for there.
                "isNull" => match this.boolean(value) {
                    Some(wanted) => this.exists(!wanted, link, target, None, false, alias),
                    None => this.constant(true),
                },
                _ => {
                    this.problem(format!("there is no operator `{operator}` here"));
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
                    this.problem(format!("there is no operator `{operator}` here"));
                    this.constant(true)
                }
            })
        })
    }

    /// Whether the actor may read none of the targets.
    fn refuses(&mut self, target: &'static ContentInfo) -> bool {
        match self.store.access.must_read_any(target, self.stage) {
            Err(problem) if !self.is_rule => {
                self.problems.push(problem.at(self.path.iter().cloned()));
                true
            }
            _ => false,
        }
    }

    /// There is a target (or none) for which the filter holds (or does not).
    fn exists(
        &mut self,
        wanted: bool,
        link: &Link,
        target: &'static ContentInfo,
        filter: Option<&Json>,
        negate: bool,
        alias: &str,
    ) -> Result<()> {
        self.aliases += 1;
        let far = format!("f{}", self.aliases);
        self.sql.push(if wanted { "EXISTS (SELECT 1" } else { "NOT EXISTS (SELECT 1" });
        let tables = match self.is_rule {
            true => Tables::with_all_rows(self.store, self.stage),
            false => Tables::new(self.store, self.stage),
        };
        link.from(tables, target, alias, &far, self.sql)?;
        if let Some(filter) = filter {
            self.sql.push(" AND ");
            match negate {
                true => self.negated(|this| this.conditions(target, filter, &far))?,
                false => self.conditions(target, filter, &far)?,
            }
        }
        self.sql.push(")");
        Ok(())
    }

    fn negated(&mut self, inner: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        self.sql.push("((");
        inner(self)?;
        self.sql.push(") IS NOT TRUE)");
        Ok(())
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

    fn parsed(&mut self, operand: &Operand<'_>, value: &Json) -> Option<Value> {
        if value.is_null() {
            self.problem("must not be null");
            return None;
        }
        (operand.parse)(value).map_err(|message| self.problem(message)).ok()
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

/// An expression for the entry's status. What is live is published.
fn status(info: &ContentInfo, stage: Stage, alias: &str) -> String {
    match stage {
        Stage::Live => "'PUBLISHED'".to_owned(),
        Stage::Draft => format!(
            "(SELECT CASE WHEN l.revision = {alias}.revision THEN 'PUBLISHED' WHEN l.id IS NULL THEN 'DRAFT' ELSE 'CHANGED' END \
             FROM (SELECT 1) one LEFT JOIN live.{} l ON l.id = {alias}.id)",
            quoted(info.table)
        ),
    }
}

/// The column of `createdAt` and the like; children have none.
pub fn system_moment(info: &ContentInfo, name: &str) -> Option<&'static str> {
    match name {
        _ if info.owner.is_some() => None,
        "createdAt" => Some("created_at"),
        "updatedAt" => Some("updated_at"),
        "publishedAt" => Some("published_at"),
        _ => None,
    }
}

/// Shown or stored: the site's own code knows the stored names.
fn enum_value(of: &EnumInfo, json: &Json) -> Result<Value, String> {
    let text = json.as_str().unwrap_or_default();
    let stored = of.stored(text).or_else(|| of.shown(text).map(|_| text));
    let stored = stored.ok_or_else(|| format!("must be a value of `{}`, not {json}", of.name))?;
    Ok(Value::Text(stored.to_owned()))
}

/// One item stands for a list of it.
fn items(value: &Json) -> &[Json] {
    match value {
        Json::Array(items) => items,
        one => std::slice::from_ref(one),
    }
}

/// The filter among coerced arguments, unless it is null or empty.
pub fn given(arguments: &Map<String, Json>) -> Option<&Json> {
    arguments
        .get("filter")
        .filter(|filter| filter.as_object().is_none_or(|members| !members.is_empty()) && !filter.is_null())
}
