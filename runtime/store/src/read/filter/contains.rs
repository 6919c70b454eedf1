//! The operator `contains`: row by row, or by an index of trigrams.

use std::fmt::Write as _;

use super::Filter;
use super::operators::Operand;
use crate::sql::quoted;
use crate::value::Value;
use model::content::FieldInfo;

/// An index of trigrams finds texts by runs of this many letters and digits.
const TRIGRAM: usize = 3;

/// How a filter looks for texts in columns with an index of trigrams.
#[derive(Debug)]
pub enum Contains<'a> {
    /// In each row, which is best if a page has soon been found.
    ByRow,
    /// Conditions that all rows must meet are put here instead.
    Apart(&'a mut Vec<Contained>),
    /// By the index.
    ByIndex,
    /// In a way that PostgreSQL can estimate.
    Estimated,
}

impl Contains<'_> {
    /// The same for another filter.
    pub fn again(&mut self) -> Contains<'_> {
        match self {
            Self::ByRow => Contains::ByRow,
            Self::Apart(apart) => Contains::Apart(apart),
            Self::ByIndex => Contains::ByIndex,
            Self::Estimated => Contains::Estimated,
        }
    }
}

/// A column that must contain a text.
#[derive(Debug)]
pub struct Contained {
    column: String,
    /// The parameter.
    text: String,
}

impl Contained {
    /// The condition on a row, without an index.
    pub fn by_row(&self, alias: &str) -> String {
        let Self { column, text } = self;
        format!("strpos(sort.lower({alias}.{column}), (SELECT sort.lower({text}))) > 0")
    }

    /// The condition on a row, which an index serves. A subquery is computed once.
    pub fn by_index(&self, alias: &str) -> String {
        format!("sort.lower({alias}.{}) LIKE (SELECT listing.pattern({}))", self.column, self.text)
    }
}

impl Filter<'_> {
    /// Writes the condition, unless it is one that the operand's own way serves as well.
    pub(super) fn contained(&mut self, operand: &Operand<'_>, value: &Value) -> bool {
        let Some(column) = operand.trigrams.as_deref() else { return false };
        if self.is_rule || !value.text(0).is_some_and(|text| has_trigram(&text)) {
            return false;
        }
        let start = self.sql.text.len();
        match &self.contains {
            Contains::ByRow => return false,
            Contains::Apart(_) if !self.is_needed => return false,
            _ => _ = self.sql.value(value, 0, "text"),
        }
        let text = self.sql.text.split_off(start);
        let found = Contained { column: quoted(column), text };
        match &mut self.contains {
            Contains::Apart(apart) => {
                apart.push(found);
                self.sql.push("true");
            }
            Contains::Estimated => {
                let _ = write!(self.sql.text, "sort.lower(t.{}) LIKE listing.pattern({})", found.column, found.text);
            }
            Contains::ByIndex | Contains::ByRow => _ = self.sql.push(&found.by_index("t")),
        }
        true
    }
}

/// Whether the generator made an index for the field (`catalog/lower/lists.rs`).
pub fn has_index(field: &FieldInfo) -> bool {
    field.filterable && field.unique.is_none()
}

/// Without one, all of the index would be read.
fn has_trigram(text: &str) -> bool {
    text.split(|c: char| !c.is_alphanumeric()).any(|run| run.chars().count() >= TRIGRAM)
}
