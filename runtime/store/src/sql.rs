//! `Sql`: builds a statement's text together with its parameters.

use std::borrow::Cow;
use std::fmt::Write as _;

use sqlx::postgres::{PgArguments, PgRow};
use sqlx::{Arguments as _, AssertSqlSafe, Row as _};
use uuid::Uuid;

use crate::scope::Scope;
use crate::value::Value;
use crate::{Connection, Stage, Store, Table};
use base::error::Result;

/// From how many bytes on a text to compare with counts as long.
const LONG_TEXT: usize = 1_000;

/// The text depends on the shape of a query and not on its values, except for long texts, so that each connection prepares it once.
#[derive(Clone, Debug)]
pub struct Sql {
    pub text: String,
    parameters: Vec<Parameter>,
    stage: Stage,
    /// Each with the number of places that name it.
    tables: Vec<(Table, usize)>,
    keyed: Option<Keyed>,
}

/// A table of which a statement reads only the rows of some entries, in one of its places.
#[derive(Clone, Copy, Debug)]
enum Keyed {
    /// The ids that it is run for.
    Asked(&'static str),
    /// Those whose ids are in its first column, if there are any.
    Found(&'static str),
}

#[derive(Clone, Debug)]
enum Parameter {
    /// In PostgreSQL's text format; the cast in the statement determines the type.
    Text(Option<String>),
    /// The ids that the statement is run for.
    Ids,
}

/// A complete statement, ready to send.
pub struct Statement {
    text: String,
    arguments: PgArguments,
    /// The stage that the connection must have the rights to read.
    pub stage: Stage,
    /// The content tables of which it may read any row.
    tables: Vec<Table>,
    /// A table of which it reads only the rows of these entries.
    entries: Option<(Table, Vec<Uuid>)>,
    /// A table of which it reads only the row that it finds.
    found: Option<Table>,
}

/// A quoted identifier, since the name may be an SQL keyword.
pub fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}

/// The expression that orders and compares a text. Indexes use the same expression (`Sort::sql` of the generator).
pub fn in_order(column: &str, collation: &str) -> String {
    format!("sort.key({column}) COLLATE sort.{}", quoted(collation))
}

/// Currency codes are ordered by bytes, in any language.
pub fn in_bytes(column: &str) -> String {
    format!("{column} COLLATE \"C\"")
}

impl Scope<'_> {
    /// An empty statement.
    pub fn sql(self) -> Sql {
        Sql { text: String::new(), parameters: Vec::new(), stage: self.stage, tables: Vec::new(), keyed: None }
    }
}

impl Sql {
    /// Records that the statement reads this table.
    pub fn note(&mut self, stage: Stage, table: &'static str) {
        match self.tables.iter_mut().find(|(known, _)| *known == (stage, table)) {
            Some((_, places)) => *places += 1,
            None => self.tables.push(((stage, table), 1)),
        }
    }

    /// Says that of this table, where it is named once, only the rows of the entries are read that the statement is run for.
    pub fn only_of_ids(&mut self, table: &'static str) -> &mut Self {
        self.keyed = Some(Keyed::Asked(table));
        self
    }

    /// Says that of this table, where it is named once, only the row is read that a unique key finds.
    pub fn only_found(&mut self, table: &'static str) -> &mut Self {
        self.keyed = Some(Keyed::Found(table));
        self
    }

    pub fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// `$3::bigint`, bound to one column of the value.
    pub fn value(&mut self, value: &Value, column: usize, cast: &str) -> &mut Self {
        self.parameters.push(Parameter::Text(value.text(column).map(Cow::into_owned)));
        let _ = write!(self.text, "${}::{cast}", self.parameters.len());
        self
    }

    /// `$3::uuid[]`, bound to a list that is written as PostgreSQL reads it.
    pub fn list<T: std::fmt::Display>(&mut self, items: impl IntoIterator<Item = T>, cast: &str) -> String {
        let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
        self.parameters.push(Parameter::Text(Some(format!("{{{}}}", items.join(",")))));
        format!("${}::{cast}", self.parameters.len())
    }

    /// A text to compare with the expression of [`in_order`].
    pub fn text_in_order(&mut self, value: &Value) -> &mut Self {
        // A long text goes into a subquery; otherwise it is folded again for each row.
        let is_long = value.text(0).is_some_and(|text| text.len() > LONG_TEXT);
        let (open, close) = if is_long { ("(SELECT sort.key(", "))") } else { ("sort.key(", ")") };
        self.push(open).value(value, 0, "text").push(close)
    }

    /// The placeholder of the ids that the statement is run for.
    pub fn ids(&mut self) -> &mut Self {
        self.parameters.push(Parameter::Ids);
        let _ = write!(self.text, "${}::uuid[]", self.parameters.len());
        self
    }

    /// Binds these ids, if the statement has a placeholder for them.
    pub fn bind(self, ids: &[Uuid]) -> Result<Statement> {
        let mut arguments = PgArguments::default();
        for parameter in &self.parameters {
            match parameter {
                Parameter::Text(text) => arguments.add(text),
                Parameter::Ids => arguments.add(ids),
            }
            .map_err(sqlx::Error::Encode)?;
        }
        let (mut entries, mut found) = (None, None);
        let mut tables = Vec::with_capacity(self.tables.len());
        for (table, places) in self.tables {
            match self.keyed {
                // A draft's status is read from the table of the other stage.
                _ if table.0 != self.stage => tables.push(table),
                Some(Keyed::Asked(keyed)) if keyed == table.1 && places == 1 => entries = Some((table, ids.to_vec())),
                Some(Keyed::Found(keyed)) if keyed == table.1 && places == 1 => found = Some(table),
                _ => tables.push(table),
            }
        }
        Ok(Statement { text: self.text, arguments, stage: self.stage, tables, entries, found })
    }

    /// Runs the statement for these ids.
    pub async fn fetch_for(self, store: &Store, ids: &[Uuid]) -> Result<Vec<PgRow>> {
        self.bind(ids)?.fetch(store).await
    }
}

impl Statement {
    pub async fn fetch(self, store: &Store) -> Result<Vec<PgRow>> {
        let mut lent = store.at(self.stage).lend().await?;
        self.fetch_on(store, &mut lent).await
    }

    /// Runs a statement without rows in the connection's transaction.
    pub async fn execute_within(self, connection: &mut Connection) -> Result<(), sqlx::Error> {
        sqlx::query_with(AssertSqlSafe(self.text), self.arguments).execute(connection).await?;
        Ok(())
    }

    /// Runs the statement in the connection's transaction.
    pub async fn fetch_within(self, connection: &mut Connection) -> Result<Vec<PgRow>, sqlx::Error> {
        sqlx::query_with(AssertSqlSafe(self.text), self.arguments).fetch_all(connection).await
    }

    pub async fn fetch_on(self, store: &Store, lent: &mut Connection) -> Result<Vec<PgRow>> {
        let rows = store.rows_on(lent, self.text, self.arguments).await?;
        if let Some(touched) = store.touched() {
            touched.add(self.tables);
            if let Some((table, entries)) = self.entries {
                touched.add_entries(table, &entries);
            }
            if let Some(table) = self.found {
                match rows.iter().map(|row| row.try_get(0)).collect::<Result<Vec<Uuid>, _>>() {
                    Ok(found) if !found.is_empty() => touched.add_entries(table, &found),
                    // Any entry may get the key that none has.
                    _ => touched.add([table]),
                }
            }
        }
        Ok(rows)
    }
}
