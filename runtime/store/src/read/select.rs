//! Lists of entries for the site's own code, in the language of the API's filters and orders.

use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::filter::Filter;
use super::load::uuid;
use super::order::{DefaultOrder, Order};
use super::records::{self, Lists};
use super::rows::Tables;
use super::sql::Sql;
use crate::id::Id;
use crate::record::{Record, from_row};
use crate::{Stage, Store};
use base::error::{Error, Result};
use model::content::ContentInfo;

/// Which entries: `Select::new().filter(json!({"slug": {"startsWith": "a"}})).order_by("CREATED_AT", "DESC").first(3)`.
#[derive(Clone, Debug)]
pub struct Select {
    filter: Json,
    order_by: Vec<Json>,
    first: usize,
}

impl Default for Select {
    fn default() -> Self {
        Self { filter: json!({}), order_by: Vec::new(), first: 20 }
    }
}

impl Select {
    /// The 20 newest, unless it is told otherwise.
    pub fn new() -> Self {
        Self::default()
    }

    /// As the API's `filter`.
    pub fn filter(mut self, filter: Json) -> Self {
        self.filter = filter;
        self
    }

    /// One more key, as in the API's `orderBy`.
    pub fn order_by(mut self, field: &str, direction: &str) -> Self {
        self.order_by.push(json!({"field": field, "direction": direction}));
        self
    }

    pub fn first(mut self, first: usize) -> Self {
        self.first = first;
        self
    }
}

impl Store {
    /// What is wrong with the selection is told as it would be to a client.
    pub async fn ids<T: Record>(&self, stage: Stage, select: &Select) -> Result<Vec<Id<T>>> {
        let ids = self.uuids(stage, T::INFO, select).await?;
        Ok(ids.into_iter().map(Id::new).collect())
    }

    /// The entry with all its lists and children.
    pub async fn get<T: Record>(&self, stage: Stage, id: Id<T>) -> Result<Option<T>> {
        Ok(self.records(stage, &[id.uuid()]).await?.pop())
    }

    pub async fn list<T: Record>(&self, stage: Stage, select: &Select) -> Result<Vec<T>> {
        let ids = self.uuids(stage, T::INFO, select).await?;
        self.records(stage, &ids).await
    }

    async fn records<T: Record>(&self, stage: Stage, ids: &[Uuid]) -> Result<Vec<T>> {
        let entries = records::entries(self, stage, T::INFO, ids, Lists::All).await?;
        let records = entries.into_iter().map(|(id, row)| from_row(id, row));
        records.collect::<Result<_, _>>().map_err(Error::internal)
    }

    async fn uuids(&self, stage: Stage, info: &'static ContentInfo, select: &Select) -> Result<Vec<Uuid>> {
        let mut problems = Vec::new();
        let order_by = Json::Array(select.order_by.clone());
        let default = if info.owner.is_some() { DefaultOrder::Position("t") } else { DefaultOrder::Newest };
        let tables = Tables::new(self, stage);
        let order = Order::new(tables, info, Some(&order_by), default, &mut problems);
        let mut sql = Sql::default();
        sql.push("SELECT t.id FROM ");
        tables.push(info, "t", &mut sql)?;
        sql.push(" WHERE ");
        Filter::new(self, stage, &mut sql, &mut problems).conditions(info, &select.filter, "t")?;
        sql.push(" ORDER BY ");
        order.push_keys(&mut sql.text);
        sql.push(&format!(" LIMIT {}", select.first));
        if !problems.is_empty() {
            return Err(Error { problems });
        }
        let rows = sql.fetch(self, stage).await?;
        Ok(rows.iter().filter_map(|row| uuid(row, 0)).collect())
    }
}
