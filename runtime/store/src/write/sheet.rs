//! Rows for one statement, a column at a time: `insert ... select from unnest` and `update ... from unnest`.

use std::borrow::Cow;

use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::Connection;
use crate::write::failure::Result;

/// Cells are texts that PostgreSQL casts; ids go as they are.
pub struct Sheet<'a> {
    ids: Vec<Uuid>,
    columns: Vec<Lane<'a>>,
    /// Columns that are the same SQL in each row.
    constants: Vec<(&'a str, &'a str)>,
}

struct Lane<'a> {
    name: Cow<'a, str>,
    cells: Cells<'a>,
}

enum Cells<'a> {
    Texts(&'static str, Vec<Option<Cow<'a, str>>>),
    Ids(Vec<Option<Uuid>>),
    Numbers(Vec<i64>),
}

impl<'a> Sheet<'a> {
    /// The rows by their ids.
    pub fn new(ids: Vec<Uuid>) -> Self {
        Self { ids, columns: Vec::new(), constants: Vec::new() }
    }

    pub fn texts(
        &mut self,
        name: impl Into<Cow<'a, str>>,
        cast: &'static str,
        cells: impl Iterator<Item = Option<Cow<'a, str>>>,
    ) {
        self.columns.push(Lane { name: name.into(), cells: Cells::Texts(cast, cells.collect()) });
    }

    pub fn ids(&mut self, name: impl Into<Cow<'a, str>>, cells: impl Iterator<Item = Option<Uuid>>) {
        self.columns.push(Lane { name: name.into(), cells: Cells::Ids(cells.collect()) });
    }

    pub fn numbers(&mut self, name: &'a str, cells: impl Iterator<Item = i64>) {
        self.columns.push(Lane { name: name.into(), cells: Cells::Numbers(cells.collect()) });
    }

    /// `sql` may name the table that is updated as `t`.
    pub fn constant(&mut self, name: &'a str, sql: &'a str) {
        self.constants.push((name, sql));
    }

    /// `id` is the name of the column that the ids are for.
    pub async fn insert(self, connection: &mut Connection, table: &str, id: &str) -> Result<()> {
        let names: String = self.columns.iter().map(|lane| format!(r#", "{}""#, lane.name)).collect();
        let values: String = self.values().map(|(_, value)| format!(", {value}")).collect();
        let fixed: String = self.constants.iter().map(|(name, _)| format!(r#", "{name}""#)).collect();
        let fixed_values: String = self.constants.iter().map(|(_, sql)| format!(", {sql}")).collect();
        let sql = format!(
            r#"insert into {table} ("{id}"{names}{fixed}) select u.id{values}{fixed_values} from {}"#,
            self.source()
        );
        self.execute(connection, sql).await
    }

    pub async fn update(self, connection: &mut Connection, table: &str) -> Result<()> {
        let constants = self.constants.iter().map(|(name, sql)| format!(r#""{name}" = {sql}"#));
        let values = self.values().map(|(name, value)| format!(r#""{name}" = {value}"#));
        let assignments: Vec<_> = constants.chain(values).collect();
        let sql =
            format!("update {table} as t set {} from {} where t.id = u.id", assignments.join(", "), self.source());
        self.execute(connection, sql).await
    }

    fn values(&self) -> impl Iterator<Item = (&str, String)> {
        self.columns.iter().enumerate().map(|(index, lane)| {
            let value = match lane.cells {
                Cells::Texts("text", _) | Cells::Ids(_) | Cells::Numbers(_) => format!("u.c{index}"),
                Cells::Texts(cast, _) => format!("u.c{index}::{cast}"),
            };
            (lane.name.as_ref(), value)
        })
    }

    fn source(&self) -> String {
        let arrays = self.columns.iter().enumerate().map(|(index, lane)| {
            let of = match lane.cells {
                Cells::Texts(..) => "text",
                Cells::Ids(_) => "uuid",
                Cells::Numbers(_) => "bigint",
            };
            format!(", ${}::{of}[]", index + 2)
        });
        let names: String = (0..self.columns.len()).map(|index| format!(", c{index}")).collect();
        format!("unnest($1::uuid[]{}) as u(id{names})", arrays.collect::<String>())
    }

    async fn execute(self, connection: &mut Connection, sql: String) -> Result<()> {
        let mut query = sqlx::query(AssertSqlSafe(sql)).bind(self.ids);
        for lane in self.columns {
            query = match lane.cells {
                Cells::Texts(_, cells) => query.bind(cells),
                Cells::Ids(cells) => query.bind(cells),
                Cells::Numbers(cells) => query.bind(cells),
            };
        }
        query.execute(connection).await?;
        Ok(())
    }
}
