//! Stricter rules: entries that break them stay as they are and cannot be saved until they are corrected.

use std::cmp::Ordering;

use model::Value;
use model::currency::Every;

use super::{Differ, subject};
use crate::catalog::rules::Rules;
use crate::catalog::{Field, Role, Store, names};
use crate::migrate::literal::{quoted as text, scalar_sql};
use crate::migrate::pair::Pair;
use crate::schema::literal::{self, Written};
use crate::schema::{Scalar, SqlType};

/// A new or stricter rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tightened {
    pub subject: String,
    /// `at most 5 characters`
    pub about: String,
    /// SQL that counts the entries that break it, in the tables before the migration; `None` if only the server can.
    pub question: Option<String>,
    /// Whether drafts may break it.
    pub live: bool,
}

/// A rule, and how a row breaks it.
struct Broken {
    about: String,
    condition: Option<String>,
    /// Whether drafts may break it.
    live: bool,
}

impl Differ<'_> {
    /// Compares the rules of a kept field; the owners are tables or components.
    pub fn tightened(&mut self, owner: Pair<&str>, field: Pair<&Field>) {
        let Some(before) = self.before.rules.get(owner.before) else { return };
        let none = Rules::default();
        let before = before.get(&field.before.name).unwrap_or(&none);
        let after = self.after.rules.get(owner.after).and_then(|rules| rules.get(&field.after.name)).unwrap_or(&none);
        // Converted values cannot be counted beforehand.
        let kept = match (&field.before.store, &field.after.store) {
            (Store::Scalar { scalar: before }, Store::Scalar { scalar: after }) => is_same_value(before, after),
            (before, after) => std::mem::discriminant(before) == std::mem::discriminant(after),
        };
        let subject = subject(owner.after, &field.after.name);
        for broken in broken(before, after, field, &|| self.size(owner.before, field.before), &self.currency()) {
            let table = self.before.tables.contains_key(owner.before) && kept;
            let question = broken.condition.filter(|_| table).map(|condition| {
                let of = |stage: &str| {
                    format!(
                        "select t.id from {stage}.{} as t where {}",
                        names::quoted(owner.before),
                        condition.replace("{stage}", stage)
                    )
                };
                match broken.live {
                    true => format!("select count(*) from ({}) as broken", of("live")),
                    false => format!("select count(*) from ({} union {}) as broken", of("draft"), of("live")),
                }
            });
            self.found.tightened.push(Tightened {
                subject: subject.clone(),
                about: broken.about,
                question,
                live: broken.live,
            });
        }
    }

    fn currency(&self) -> String {
        self.declared.schema.site.currency.clone()
    }

    /// SQL for the length of a list.
    fn size(&self, owner: &str, field: &Field) -> Option<String> {
        let column = names::quoted(&field.name);
        Some(match &field.store {
            Store::Enums { .. } => format!("cardinality(t.{column})"),
            Store::Components { .. } | Store::Blocks { .. } => format!("jsonb_array_length(t.{column})"),
            Store::Children { table } => {
                format!("(select count(*) from {{stage}}.{} as item where item.parent_id = t.id)", names::quoted(table))
            }
            Store::Many { .. } => {
                let role = Role::List { of: owner.to_owned(), field: field.name.clone() };
                let (table, _) = self.before.table_of(&role)?;
                format!("(select count(*) from {{stage}}.{} as item where item.owner_id = t.id)", names::quoted(table))
            }
            _ => return None,
        })
    }
}

fn broken(
    before: &Rules,
    after: &Rules,
    field: Pair<&Field>,
    size: &dyn Fn() -> Option<String>,
    currency: &str,
) -> Vec<Broken> {
    let mut found = Vec::new();
    let column = || field.before.columns().first().map(|column| format!("t.{}", names::quoted(column)));
    let scalar = match &field.after.store {
        Store::Scalar { scalar } => Scalar::named(scalar),
        _ => None,
    };
    let textual = scalar.is_some_and(|scalar| scalar.mapping().takes.text);
    let counted = |bound: &str| match (scalar, textual) {
        (None, _) if bound == "1" => "1 item".to_owned(),
        (None, _) => format!("{bound} items"),
        (_, true) if bound == "1" => "1 character".to_owned(),
        (_, true) => format!("{bound} characters"),
        _ => bound.to_owned(),
    };
    let measured = || match (scalar, textual) {
        (None, _) => size(),
        (_, true) => column().map(|column| format!("char_length({column})")),
        _ => column(),
    };
    let compared = |bound: &str, sign: &str| {
        let bound =
            if scalar.is_none() || textual { Some(bound.to_owned()) } else { sql_bound(scalar?, bound, currency) };
        let (measured, bound) = (measured()?, bound?);
        // An optional list may be empty despite its `min`.
        let some = if scalar.is_none() && sign == "<" { format!(" and {measured} > 0") } else { String::new() };
        // The second column of a field with bounds is the currency of an amount.
        let same = field
            .before
            .columns()
            .get(1)
            .map(|code| format!(" and t.{} = {}", names::quoted(code), text(currency)))
            .unwrap_or_default();
        Some(format!("{measured} {sign} {bound}{some}{same}"))
    };
    let mut add = |about: String, condition: Option<String>, live: bool| found.push(Broken { about, condition, live });
    if let Some(max) = after.max.as_deref().filter(|max| is_tighter(before.max.as_deref(), max, scalar, Ordering::Less))
    {
        add(format!("at most {}", counted(max)), compared(max, ">"), false);
    }
    if let Some(min) =
        after.min.as_deref().filter(|min| is_tighter(before.min.as_deref(), min, scalar, Ordering::Greater))
    {
        add(format!("at least {}", counted(min)), compared(min, "<"), false);
    }
    if let Some(pattern) = after.pattern.as_ref().filter(|_| after.pattern != before.pattern) {
        let condition = column().map(|column| format!("{column} !~ {}", text(format!("^(?:{pattern})$"))));
        add(format!("a text that matches `{pattern}`"), condition, false);
    }
    if after.schema.is_some() && after.schema != before.schema {
        add("a value that fits its JSON Schema".to_owned(), None, false);
    }
    if after.filled && !before.filled {
        add("at least one item".to_owned(), size().map(|size| format!("{size} = 0")), false);
    }
    if after.publish && !before.publish && !before.filled && !field.before.required {
        let columns = field.before.columns();
        let nulls = columns.iter().map(|column| format!("t.{} is null", names::quoted(column)));
        let empty = size().map(|size| format!("{size} = 0"));
        let condition = empty.or_else(|| (!columns.is_empty()).then(|| nulls.collect::<Vec<_>>().join(" and ")));
        add("a value to be published".to_owned(), condition, true);
    }
    found
}

/// Whether a rule of one field type can be checked on values of another.
fn is_same_value(before: &str, after: &str) -> bool {
    let is_text = |name| Scalar::named(name).is_some_and(|scalar| scalar.mapping().sql == SqlType::Text);
    before == after || (is_text(before) && is_text(after))
}

/// Whether the bound is new or stricter; bounds that cannot be compared count as stricter.
fn is_tighter(before: Option<&str>, after: &str, scalar: Option<Scalar>, tighter: Ordering) -> bool {
    let Some(before) = before else { return true };
    let rank = |text: &str| match scalar {
        Some(scalar) if !scalar.mapping().takes.text => {
            let parsed = literal::parse(scalar.mapping(), &Written::Number(text.to_owned()), &literal::ANY);
            parsed.ok().map(|parsed| parsed.rank)
        }
        _ => text.parse().ok().map(Value::Int),
    };
    match (rank(after), rank(before)) {
        (Some(after), Some(before)) => after.order(&before) == tighter,
        _ => true,
    }
}

/// A bound of the value itself, as SQL.
fn sql_bound(scalar: Scalar, bound: &str, currency: &str) -> Option<String> {
    let parsed = literal::parse(scalar.mapping(), &Written::Number(bound.to_owned()), &Every(currency)).ok()?;
    scalar_sql(scalar.mapping().kind, &parsed.json, currency).ok()?.into_iter().next()
}
