//! The paths of entries on the site, from the pattern of their type: as SQL, and back from a path to its entry.

use std::fmt::Write as _;

use sqlx::Row as _;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use crate::Scope;
use crate::access::Used;
use crate::sql::{Sql, quoted};
use crate::value::Value;
use base::error::Result;
use model::content::{ContentInfo, FieldInfo, PathPart, Shape};

/// The prefix of the ids of redirects.
pub const REDIRECT: &str = "redirect";
/// Levels of a tree. Deeper entries have no path, like those in a circle.
const DEEPEST: usize = 32;

/// The pattern of a type's paths.
#[derive(Clone, Debug)]
pub struct Pattern {
    pub info: &'static ContentInfo,
    /// The fixed segments, each with its slash.
    pub prefix: String,
    pub slug: &'static FieldInfo,
    /// The relation to the entry above, and its column.
    pub above: Option<(&'static FieldInfo, &'static str)>,
}

impl Pattern {
    /// `None` for types without paths.
    pub fn of(info: &'static ContentInfo) -> Option<Self> {
        let field = |name: &str| info.fields.iter().find(|field| field.snake == name);
        let (mut prefix, mut slug, mut above) = (String::new(), None, None);
        for part in info.path {
            match part {
                PathPart::Text(text) => prefix.extend(["/", text]),
                PathPart::Slug(name) => slug = field(name),
                PathPart::Above(name) => {
                    above = field(name).and_then(|field| match field.shape {
                        Shape::One(to) => Some((field, *to.columns.first()?)),
                        _ => None,
                    });
                }
            }
        }
        Some(Self { info, prefix, slug: slug?, above })
    }

    /// Whether a path is the prefix and this slug alone.
    pub fn is_flat(&self, slug: &FieldInfo) -> bool {
        self.above.is_none() && self.slug.snake == slug.snake
    }

    /// The path of an entry without others above.
    pub fn flat(&self, slug: &str) -> String {
        format!("{}/{slug}", self.prefix)
    }

    /// The slug in a path of this pattern, and whether it is all that follows the prefix.
    fn slug_in<'p>(&self, path: &'p str) -> Option<&'p str> {
        let rest = path.strip_prefix(&self.prefix)?.strip_prefix('/')?;
        let slug = rest.rsplit('/').next().filter(|slug| !slug.is_empty())?;
        (self.above.is_some() || slug.len() == rest.len()).then_some(slug)
    }

    /// Whether the actor may read what the path is made of.
    fn is_readable(&self, scope: Scope<'_>) -> bool {
        let fields = [Some(self.slug), self.above.map(|(field, _)| field)];
        let mut fields = fields.into_iter().flatten();
        fields.all(|field| scope.must_use(self.info, Used::Field(field.snake)).is_ok())
    }
}

impl Scope<'_> {
    /// Appends the path of the row `alias` as the actor may see it; null if an entry above it is missing.
    pub fn push_path(self, info: &'static ContentInfo, alias: &str, sql: &mut Sql) -> Result<()> {
        let Some(pattern) = Pattern::of(info) else {
            sql.push("NULL::text");
            return Ok(());
        };
        let (prefix, slug) = (pattern.prefix.replace('\'', "''"), quoted(pattern.slug.snake));
        let Some((_, column)) = pattern.above else {
            let _ = write!(sql.text, "('{prefix}/' || {alias}.{slug})");
            return Ok(());
        };
        let above = quoted(column);
        let _ = write!(
            sql.text,
            "(WITH RECURSIVE up(next, path, depth) AS (SELECT {alias}.{above}, {alias}.{slug}::text, 1 \
            UNION ALL SELECT p.{above}, p.{slug} || '/' || up.path, up.depth + 1 FROM up JOIN "
        );
        self.push(info, "p", sql)?;
        let _ = write!(
            sql.text,
            " ON p.id = up.next WHERE up.depth < {DEEPEST}) SELECT '{prefix}/' || up.path FROM up WHERE up.next IS NULL)"
        );
        Ok(())
    }

    /// The path of an entry; `None` if the actor sees none.
    pub async fn path_of(self, info: &'static ContentInfo, id: Uuid) -> Result<Option<String>> {
        if !Pattern::of(info).is_some_and(|pattern| pattern.is_readable(self)) {
            return Ok(None);
        }
        let mut sql = self.sql();
        sql.push("SELECT ");
        self.push_path(info, "t", &mut sql)?;
        sql.push(" FROM ");
        self.push(info, "t", &mut sql)?;
        sql.push(" WHERE t.id = ANY(").ids().push(")");
        let rows = sql.fetch_for(self.store, &[id]).await?;
        first(&rows)
    }

    /// The entry with this path in its normal form.
    pub async fn entry_at(self, path: &str) -> Result<Option<(&'static ContentInfo, Uuid)>> {
        for info in self.store.schema.types {
            let Some(pattern) = Pattern::of(info).filter(|pattern| pattern.is_readable(self)) else { continue };
            let Some(slug) = pattern.slug_in(path) else { continue };
            let mut sql = self.sql();
            sql.push("SELECT t.id FROM ");
            self.push(info, "t", &mut sql)?;
            sql.push(" WHERE t.").push(&quoted(pattern.slug.snake)).push(" = ");
            sql.value(&Value::Text(slug.to_owned()), 0, "text").push(" AND ");
            self.push_path(info, "t", &mut sql)?;
            sql.push(" = ").value(&Value::Text(path.to_owned()), 0, "text");
            let found: Option<Uuid> = first(&sql.fetch_for(self.store, &[]).await?)?;
            if let Some(id) = found {
                return Ok(Some((info, id)));
            }
        }
        Ok(None)
    }
}

fn first<'r, T: sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>>(rows: &'r [PgRow]) -> Result<Option<T>> {
    Ok(rows.first().map(|row| row.try_get::<Option<T>, _>(0)).transpose()?.flatten())
}
