//! Conditions on relations to several types: `about: { some: { product: { .. } } }`. A target matches if it has the named type and
//! matches the filter.

use serde_json::Value as Json;

use super::Filter;
use crate::read::link::Link;
use base::error::Result;
use model::content::{ContentInfo, FieldInfo, RelationInfo};
use model::names::lower_first;

/// A relation field and the row that has it.
pub struct Several<'f> {
    pub field: &'static FieldInfo,
    pub to: RelationInfo,
    pub alias: &'f str,
}

impl Several<'_> {
    fn link(&self, target: &ContentInfo) -> Link {
        Link::of_relation(&self.to, target)
    }

    fn is_many(&self) -> bool {
        !self.to.join.is_empty()
    }
}

impl Filter<'_> {
    pub(super) fn several(&mut self, of: &Several<'_>, value: &Json) -> Result<()> {
        let operators = self.object(value);
        self.joined(" AND ", "true", &operators, |this, (operator, value)| {
            this.at(operator.as_str(), |this| match (operator.as_str(), of.is_many()) {
                _ if value.is_null() => {
                    this.problem("must not be null");
                    this.constant(true)
                }
                ("is", false) | ("some", true) => this.named(of, value, true, false),
                ("isNot", false) | ("none", true) => this.named(of, value, false, false),
                ("every", true) => this.named(of, value, false, true),
                ("isNull", false) => match this.boolean(value) {
                    Some(wanted) => this.any(of, &of.to.to.iter().collect::<Vec<_>>(), !wanted),
                    None => this.constant(true),
                },
                _ => {
                    this.problem(format!("unknown operator `{operator}`"));
                    this.constant(true)
                }
            })
        })
    }

    /// `{ product: { .. } }`: a target (or none) matches. With `every`, no target of any type fails to match.
    fn named(&mut self, of: &Several<'_>, value: &Json, wanted: bool, every: bool) -> Result<()> {
        let members = self.object(value);
        let named = |key: &str| of.to.to.iter().find(|target| lower_first(target.name) == key);
        let [(key, filter)] = members.as_slice() else {
            self.problem("must name one type");
            return self.constant(true);
        };
        let Some(&target) = named(key) else {
            self.problem(format!("`{key}` is not a target type of `{}`", of.field.name));
            return self.constant(true);
        };
        self.at(key.as_str(), |this| {
            if this.refuses(target) {
                return this.constant(true);
            }
            this.exists(wanted, &of.link(target), target, Some(filter), every, of.alias)
        })?;
        let others: Vec<_> = of.to.to.iter().filter(|other| other.table != target.table).collect();
        if every {
            self.sql.push(" AND ");
            self.any(of, &others, false)?;
        }
        Ok(())
    }

    /// A target of one of these types exists, or none does. Targets that the actor may not read do not count, as in responses.
    fn any(&mut self, of: &Several<'_>, targets: &[&&'static ContentInfo], wanted: bool) -> Result<()> {
        let joiner = if wanted { " OR " } else { " AND " };
        self.joined(joiner, "true", targets, |this, target| {
            this.exists(wanted, &of.link(target), target, None, false, of.alias)
        })
    }
}
