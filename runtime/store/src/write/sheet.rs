//! Rows for one statement, stored by column: `insert ... select from unnest` and `update ... from unnest`.

use std::borrow::Cow;

use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::Connection;
use crate::write::failure::Result;
use crate::write::keep::Keeping;

/// Cells are texts that PostgreSQL casts; ids are sent as they are. A column with the same value in each row is sent once: most columns of
/// an import are empty, and `unnest` stores each cell of its arrays separately.
pub struct Sheet<'a> {
    ids: Vec<Uuid>,
    columns: Vec<Lane<'a>>,
    /// Columns with the same SQL expression in each row.
    constants: Vec<(&'a str, &'a str)>,
}

struct Lane<'a> {
    name: Cow<'a, str>,
    /// `text` if no cast is needed.
    cast: &'static str,
    cells: Cells<'a>,
}

enum Cells<'a> {
    Texts(Same<Option<Cow<'a, str>>>),
    Ids(Same<Option<Uuid>>),
    Numbers(Same<i64>),
}

enum Same<T> {
    Each(Vec<T>),
    All(T),
}

impl<T: PartialEq> Same<T> {
    fn new(cells: impl Iterator<Item = T>) -> Self {
        let mut cells: Vec<T> = cells.collect();
        match cells.split_first() {
            Some((first, others)) if others.iter().all(|cell| cell == first) => Self::All(cells.swap_remove(0)),
            _ => Self::Each(cells),
        }
    }

    fn is_all(&self) -> bool {
        matches!(self, Self::All(_))
    }
}

impl Cells<'_> {
    fn of(&self) -> (&'static str, bool) {
        match self {
            Self::Texts(cells) => ("text", cells.is_all()),
            Self::Ids(cells) => ("uuid", cells.is_all()),
            Self::Numbers(cells) => ("bigint", cells.is_all()),
        }
    }
}

impl<'a> Sheet<'a> {
    /// Rows with these ids.
    pub fn new(ids: Vec<Uuid>) -> Self {
        Self { ids, columns: Vec::new(), constants: Vec::new() }
    }

    pub fn texts(
        &mut self,
        name: impl Into<Cow<'a, str>>,
        cast: &'static str,
        cells: impl Iterator<Item = Option<Cow<'a, str>>>,
    ) {
        self.columns.push(Lane { name: name.into(), cast, cells: Cells::Texts(Same::new(cells)) });
    }

    pub fn ids(&mut self, name: impl Into<Cow<'a, str>>, cells: impl Iterator<Item = Option<Uuid>>) {
        self.columns.push(Lane { name: name.into(), cast: "uuid", cells: Cells::Ids(Same::new(cells)) });
    }

    pub fn numbers(&mut self, name: &'a str, cells: impl Iterator<Item = i64>) {
        self.columns.push(Lane { name: name.into(), cast: "bigint", cells: Cells::Numbers(Same::new(cells)) });
    }

    /// `sql` may refer to the updated table as `t`.
    pub fn constant(&mut self, name: &'a str, sql: &'a str) {
        self.constants.push((name, sql));
    }

    /// `id` is the name of the id column.
    pub async fn insert(self, connection: &mut Connection, table: &str, id: &str) -> Result<()> {
        let names: String = self.columns.iter().map(|lane| format!(r#", "{}""#, lane.name)).collect();
        let values: String = self.values().map(|(_, value)| format!(", {value}")).collect();
        let fixed: String = self.constants.iter().map(|(name, _)| format!(r#", "{name}""#)).collect();
        let fixed_values: String = self.constants.iter().map(|(_, sql)| format!(", {sql}")).collect();
        let sql = format!(
            r#"insert into {table} ("{id}"{names}{fixed}) select u.id{values}{fixed_values} from {}"#,
            self.source()
        );
        self.execute(connection, sql, None).await
    }

    /// `kept`: rows that go into the history first.
    pub async fn update(self, connection: &mut Connection, table: &str, kept: Option<&Keeping>) -> Result<()> {
        let constants = self.constants.iter().map(|(name, sql)| format!(r#""{name}" = {sql}"#));
        let values = self.values().map(|(name, value)| format!(r#""{name}" = {value}"#));
        let assignments: Vec<_> = constants.chain(values).collect();
        let before = kept.map_or_else(String::new, |kept| kept.before(self.columns.len() + 2));
        let (set, source) = (assignments.join(", "), self.source());
        self.execute(connection, format!("{before}update {table} as t set {set} from {source} where t.id = u.id"), kept)
            .await
    }

    fn values(&self) -> impl Iterator<Item = (&str, String)> {
        self.columns.iter().enumerate().map(|(index, lane)| {
            let (of, is_all) = lane.cells.of();
            let value = match is_all {
                true => format!("${}::{of}", index + 2),
                false => format!("u.c{index}"),
            };
            let cast = if lane.cast == of { String::new() } else { format!("::{}", lane.cast) };
            (lane.name.as_ref(), format!("{value}{cast}"))
        })
    }

    fn source(&self) -> String {
        let (mut arrays, mut names) = (String::new(), String::new());
        for (index, lane) in self.columns.iter().enumerate() {
            let (of, is_all) = lane.cells.of();
            if !is_all {
                arrays.push_str(&format!(", ${}::{of}[]", index + 2));
                names.push_str(&format!(", c{index}"));
            }
        }
        format!("unnest($1::uuid[]{arrays}) as u(id{names})")
    }

    async fn execute(self, connection: &mut Connection, sql: String, kept: Option<&Keeping>) -> Result<()> {
        let mut query = sqlx::query(AssertSqlSafe(sql)).bind(self.ids);
        for lane in self.columns {
            query = match lane.cells {
                Cells::Texts(Same::Each(cells)) => query.bind(cells),
                Cells::Texts(Same::All(cell)) => query.bind(cell),
                Cells::Ids(Same::Each(cells)) => query.bind(cells),
                Cells::Ids(Same::All(cell)) => query.bind(cell),
                Cells::Numbers(Same::Each(cells)) => query.bind(cells),
                Cells::Numbers(Same::All(cell)) => query.bind(cell),
            };
        }
        if let Some(kept) = kept {
            query = kept.bind(query, |_| true);
        }
        query.execute(connection).await?;
        Ok(())
    }
}
