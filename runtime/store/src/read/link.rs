//! `Link`: how to find the rows at the other end of a relation, for lists and filters.

use std::fmt::Write as _;

use crate::Scope;
use crate::sql::{Sql, quoted};
use base::error::Result;
use model::content::{ContentInfo, InverseInfo, RelationInfo, Shape};

/// Leads from a row `p` to its targets `t`.
#[derive(Clone, Debug)]
pub enum Link {
    /// A column of `p` holds the id of `t`.
    Forward { column: &'static str },
    /// A column of `t` holds the id of `p`.
    Backward { column: &'static str },
    /// Rows of a join table hold both ids and a position. In `live`, a listing may have them in order.
    Join { table: &'static str, near: &'static str, far: &'static str, listing: Option<&'static str> },
}

impl Link {
    /// Leads to one of the relation's target types.
    pub fn of_relation(relation: &RelationInfo, target: &ContentInfo) -> Self {
        if relation.join.is_empty() {
            return Self::Forward { column: relation.column(target) };
        }
        let (far, listing) = (relation.column(target), relation.listing(target));
        Self::Join { table: relation.join, near: "owner_id", far, listing }
    }

    /// Leads from an owner to its children.
    pub fn to_children() -> Self {
        Self::Backward { column: "parent_id" }
    }

    /// Leads from `target` to the rows that point at it.
    pub fn of_inverse(inverse: &InverseInfo, target: &ContentInfo) -> Self {
        let field = inverse.source.fields.iter().find(|field| field.snake == inverse.field);
        match field.map(|field| field.shape) {
            Some(Shape::One(relation)) => Self::Backward { column: relation.column(target) },
            Some(Shape::Many(relation)) => {
                let (near, listing) = (relation.column(target), relation.listing(target));
                Self::Join { table: relation.join, near, far: "owner_id", listing }
            }
            _ => panic!("codegen bug: `{}.{}` is not a relation", inverse.source.name, inverse.field),
        }
    }

    /// ` FROM live."tag" t1 JOIN .. WHERE ..`: the targets of the row `near`. Conditions can be appended with AND.
    pub fn from(
        &self,
        scope: Scope<'_>,
        target: &'static ContentInfo,
        near: &str,
        far: &str,
        sql: &mut Sql,
    ) -> Result<()> {
        sql.push(" FROM ");
        match self {
            Self::Forward { column } => {
                scope.push(target, far, sql)?;
                let _ = write!(sql.text, " WHERE {far}.id = {near}.{}", quoted(column));
            }
            Self::Backward { column } => {
                scope.push(target, far, sql)?;
                let _ = write!(sql.text, " WHERE {far}.{} = {near}.id", quoted(column));
            }
            Self::Join { table, near: near_column, far: far_column, .. } => {
                scope.push_join(table, &format!("{far}j"), sql);
                sql.push(" JOIN ");
                scope.push(target, far, sql)?;
                let (near_column, far_column) = (quoted(near_column), quoted(far_column));
                let _ = write!(sql.text, " ON {far}.id = {far}j.{far_column} WHERE {far}j.{near_column} = {near}.id");
            }
        }
        Ok(())
    }

    /// The owner of a row `t` in [`Link::all`]; `None` for a to-one relation.
    pub fn owner(&self) -> Option<String> {
        match self {
            Self::Forward { .. } => None,
            Self::Backward { column } => Some(format!("t.{}", quoted(column))),
            Self::Join { near, .. } => Some(format!("tj.{}", quoted(near))),
        }
    }

    /// The table whose rows are saved with the row `p`: its children, or what joins it to others.
    pub fn of_owner(&self, target: &ContentInfo) -> Option<&'static str> {
        match self {
            Self::Backward { column: "parent_id" } => target.owner.map(|_| target.table),
            Self::Join { table, near: "owner_id", .. } => Some(table),
            _ => None,
        }
    }

    /// `(p.id, t1j.owner_id)`: two expressions that are equal if the row `far` of [`Link::all`] is a target of the row
    /// `near`.
    pub fn ends(&self, near: &str, far: &str) -> (String, String) {
        match self {
            Self::Forward { column } => (format!("{near}.{}", quoted(column)), format!("{far}.id")),
            Self::Backward { column } => (format!("{near}.id"), format!("{far}.{}", quoted(column))),
            Self::Join { near: column, .. } => (format!("{near}.id"), format!("{far}j.{}", quoted(column))),
        }
    }

    /// ` FROM live."tag" t1 JOIN .. WHERE true`: the targets of all rows.
    pub fn all(&self, scope: Scope<'_>, target: &'static ContentInfo, far: &str, sql: &mut Sql) -> Result<()> {
        sql.push(" FROM ");
        let Self::Join { table, far: column, .. } = self else {
            scope.push(target, far, sql)?;
            sql.push(" WHERE true");
            return Ok(());
        };
        scope.push_join(table, &format!("{far}j"), sql);
        sql.push(" JOIN ");
        scope.push(target, far, sql)?;
        let _ = write!(sql.text, " ON {far}.id = {far}j.{} WHERE true", quoted(column));
        Ok(())
    }
}
