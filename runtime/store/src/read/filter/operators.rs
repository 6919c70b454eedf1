//! The filter operators of one field, as SQL.

use std::fmt::Write as _;

use serde_json::Value as Json;
use uuid::Uuid;

use super::{Filter, items};
use crate::Stage;
use crate::access::THE_ACTOR;
use crate::id;
use crate::sql::{Sql, in_bytes, in_order, quoted};
use crate::value::Value;
use base::error::Result;
use model::content::{ALL_LANGUAGES, ContentInfo, EnumInfo, FieldInfo};
use model::kind::{Column, Kind, Ordered, not};

/// A longer list is looked up in a hash table, which would cost too much for a short one. PostgreSQL scans an array
/// parameter item by item.
const LONG_LIST: usize = 32;

/// The operand of a field's operators.
pub(super) struct Operand<'a> {
    /// `(expression, SQL type)`; equality compares all of them, order only the first.
    columns: Vec<(String, &'static str)>,
    /// How a text is compared.
    text: Option<Text>,
    /// The column of a row `t` that has an index of trigrams.
    pub(super) trigrams: Option<String>,
    /// The id of the row, if there is one.
    id: Option<String>,
    parse: &'a dyn Fn(&Json) -> Result<Value, String>,
}

struct Text {
    /// The expression that orders the text.
    in_order: String,
    /// Whether equality uses it as well, because the index is on it; a unique field has a plain index.
    found_by_it: bool,
}

impl<'a> Operand<'a> {
    pub(super) fn new(columns: Vec<(String, &'static str)>, parse: &'a dyn Fn(&Json) -> Result<Value, String>) -> Self {
        Self { columns, text: None, trigrams: None, id: None, parse }
    }
}

impl Text {
    fn new(column: &str, field: Option<&FieldInfo>) -> Self {
        let collation = field.map_or(ALL_LANGUAGES, |field| field.collation);
        let is_indexed = |field: &FieldInfo| (field.filterable || field.sortable) && field.unique != Some(&[]);
        Self { in_order: in_order(column, collation), found_by_it: field.is_some_and(is_indexed) }
    }
}

impl Filter<'_> {
    /// Only rules may filter by the status.
    pub(super) fn by_status(&mut self, info: &'static ContentInfo, value: &Json, alias: &str) -> Result<()> {
        let parse = |json: &Json| Ok(Value::Text(json.as_str().unwrap_or_default().to_owned()));
        let status = self.status(info, alias);
        self.operators(&Operand::new(vec![(status, "text")], &parse), value)
    }

    pub(super) fn id(&mut self, info: &'static ContentInfo, value: &Json, alias: &str) -> Result<()> {
        // An id of another type is valid and matches nothing.
        let parse = |json: &Json| {
            let text = json.as_str().ok_or_else(|| not("an id", json))?;
            id::decode(text).ok_or_else(|| not("an id", json))?;
            Ok(Value::Uuid(info.decode(text).unwrap_or_default()))
        };
        self.operators(&Operand::new(vec![(self.column(alias, "id"), "uuid")], &parse), value)
    }

    pub(super) fn scalar(
        &mut self,
        kind: Kind,
        alias: &str,
        snake: &str,
        field: Option<&FieldInfo>,
        value: &Json,
    ) -> Result<()> {
        let column = |suffix: &str| self.column(alias, &format!("{snake}{suffix}"));
        // The index of a listing has its own id.
        let id = match column("").starts_with(alias) {
            true => format!("{alias}.id"),
            false => self.column(alias, "id"),
        };
        let expression = |part: &Column| match (part.suffix, part.cast) {
            ("", _) | (_, "bigint") => column(part.suffix),
            // A currency code, ordered as in its index.
            _ => in_bytes(&column(part.suffix)),
        };
        let columns: Vec<_> = kind.columns().iter().map(|part| (expression(part), part.cast)).collect();
        let text = (kind.order() == Ordered::ByLanguage).then(|| Text::new(&columns[0].0, field));
        let is_indexed = alias == "t" && text.is_some() && field.is_some_and(super::contains::has_index);
        let trigrams = is_indexed.then(|| snake.to_owned());
        let site = self.site();
        let parse = |json: &Json| match kind.parse(json, site) {
            // A text that the field could not store is valid and matches nothing.
            Err(_) if json.is_string() && kind.cast() == "text" => Kind::Text.parse(json, site),
            parsed => parsed,
        };
        self.operators(&Operand { text, trigrams, id: Some(id), ..Operand::new(columns, &parse) }, value)
    }

    pub(super) fn operators(&mut self, operand: &Operand<'_>, value: &Json) -> Result<()> {
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
            // The last column leads the index.
            "isNull" => self.is_null(operand.columns.last().map_or("", |(column, _)| column), value),
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
                self.problem(format!("unknown operator `{operator}`"));
                self.constant(true)
            }
        }
    }

    /// Only the first column is ordered: money in another currency is neither less nor more.
    fn compare(&mut self, operand: &Operand<'_>, operator: &str, value: &Json) -> Result<()> {
        let Some(value) = self.parsed(operand, value) else { return self.constant(true) };
        let columns = operand.columns.iter().enumerate().collect::<Vec<_>>();
        if let Some(text) = operand.text.as_ref().filter(|text| text.found_by_it || operator != "=") {
            self.bound(operand, &text.in_order, operator, |sql| _ = sql.text_in_order(&value));
            return Ok(());
        }
        self.joined(" AND ", "true", &columns, |this, (index, (column, cast))| {
            let operator = if *index == 0 { operator } else { "=" };
            this.bound(operand, column, operator, |sql| _ = sql.value(&value, *index, cast));
            Ok(())
        })
    }

    /// An upper bound compares the id as well, as the index does. PostgreSQL plans without values, assumes that two bounds of one
    /// column are a narrow range, and would read all of a wide one even if another condition leaves few rows. It does not pair
    /// bounds of this form.
    fn bound(&mut self, operand: &Operand<'_>, expression: &str, operator: &str, value: impl FnOnce(&mut Sql)) {
        let last = match operator {
            "<" => Some(Uuid::nil()),
            "<=" => Some(Uuid::max()),
            _ => None,
        };
        if let (Some(last), Some(id)) = (last, &operand.id) {
            let _ = write!(self.sql.text, "({expression}, {id}) {operator} (");
            value(self.sql);
            let _ = write!(self.sql.text, ", '{last}'::uuid)");
        } else {
            let _ = write!(self.sql.text, "{expression} {operator} ");
            value(self.sql);
        }
    }

    fn one_of(&mut self, operand: &Operand<'_>, value: &Json) -> Result<()> {
        let mut values = Vec::new();
        for (index, item) in items(value).iter().enumerate() {
            values.extend(self.at(index, |this| this.parsed(operand, item)));
        }
        let is_long = values.len() > LONG_LIST;
        let list = Value::List(values);
        if let Some(text) = operand.text.as_ref().filter(|text| text.found_by_it) {
            let (open, close) = if is_long { ("IN (", ") v)") } else { ("= ANY(ARRAY(", ") v))") };
            let _ = write!(self.sql.text, "{} {open}SELECT sort.key(v) FROM unnest(", text.in_order);
            self.sql.value(&list, 0, "text[]").push(close);
            return Ok(());
        }
        if let [(column, cast)] = operand.columns.as_slice()
            && !is_long
        {
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
        if operator == "contains" && self.contained(operand, &value) {
            return Ok(());
        }
        let column = &operand.columns[0].0;
        let (open, close) = match operator {
            "contains" => ("strpos(", "))) > 0"),
            _ => ("starts_with(", ")))"),
        };
        // In a subquery, the search text is lower-cased once instead of for each row.
        let _ = write!(self.sql.text, "{open}sort.lower({column}), (SELECT sort.lower(");
        self.sql.value(&value, 0, "text").push(close);
        Ok(())
    }

    fn is_null(&mut self, column: &str, value: &Json) -> Result<()> {
        let Some(wanted) = self.boolean(value) else { return self.constant(true) };
        let _ = write!(self.sql.text, "{column} IS {}NULL", if wanted { "" } else { "NOT " });
        Ok(())
    }

    pub(super) fn enum_list(&mut self, of: &'static EnumInfo, column: &str, value: &Json) -> Result<()> {
        let operators = self.object(value);
        self.joined(" AND ", "true", &operators, |this, (operator, value)| {
            this.at(operator.as_str(), |this| this.enum_list_operator(of, column, operator, value))
        })
    }

    /// The expression of the entry's status. Live entries are published.
    fn status(&mut self, info: &'static ContentInfo, alias: &str) -> String {
        if self.scope.stage == Stage::Live {
            return "'PUBLISHED'".to_owned();
        }
        self.sql.note(Stage::Live, info.table);
        format!(
            "(SELECT CASE WHEN l.revision = {alias}.revision THEN 'PUBLISHED' WHEN l.id IS NULL THEN 'DRAFT' ELSE 'CHANGED' END \
             FROM (SELECT 1) one LEFT JOIN live.{} l ON l.id = {alias}.id)",
            quoted(info.table)
        )
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
                self.problem(format!("unknown operator `{operator}`"));
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

    fn parsed(&mut self, operand: &Operand<'_>, value: &Json) -> Option<Value> {
        if value.is_null() {
            self.problem("must not be null");
            return None;
        }
        // Part of a value, such as the currency of money.
        if let Some((part, _)) = value.as_object().and_then(|parts| parts.iter().find(|(_, part)| part.is_null())) {
            self.at(part.as_str(), |this| this.problem("must not be null: omit it"));
            return None;
        }
        if self.is_rule && value == THE_ACTOR {
            // Without a user, the comparison is with null, which equals nothing.
            return Some(self.scope.store.access.actor.user().map_or(Value::Null, Value::Uuid));
        }
        (operand.parse)(value).map_err(|message| self.problem(message)).ok()
    }
}

/// Accepts API names and stored names; the site's own code uses the stored ones.
pub(super) fn enum_value(of: &EnumInfo, json: &Json) -> Result<Value, String> {
    let text = json.as_str().unwrap_or_default();
    let stored = of.stored(text).or_else(|| of.shown(text).map(|_| text));
    let stored = stored.ok_or_else(|| format!("must be a value of `{}`, not {json}", of.name))?;
    Ok(Value::Text(stored.to_owned()))
}
