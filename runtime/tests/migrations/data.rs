//! Random rows for every table of a catalog, and all rows of a database as JSON.

use std::collections::BTreeMap;

use codegen::catalog::{Catalog, Field, Role, Store, Table};
use serde_json::{Map, Value, json};
use sqlx::{AssertSqlSafe, PgPool, Row};

use super::random::Random;

/// `draft.product` → its rows, sorted.
pub type Data = BTreeMap<String, Vec<Map<String, Value>>>;

pub async fn read(pool: &PgPool, catalog: &Catalog) -> Data {
    let mut data = Data::new();
    for stage in ["draft", "live"] {
        for name in catalog.tables.keys() {
            let sql = format!("select to_jsonb(t)::text as row from {stage}.\"{name}\" as t order by 1");
            let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(pool).await.expect("the table can be read");
            let parse = |row: &sqlx::postgres::PgRow| serde_json::from_str(row.get("row")).expect("an object");
            data.insert(format!("{stage}.{name}"), rows.iter().map(parse).collect());
        }
    }
    data
}

/// Fills empty tables; live rows are copies of some drafts.
pub async fn fill(pool: &PgPool, catalog: &Catalog, random: &mut Random) {
    let existing = read(pool, catalog).await;
    let mut ids: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, table) in &catalog.tables {
        if table.role == Role::Content {
            let rows = &existing[&format!("draft.{name}")];
            let known = rows.iter().map(|row| row["id"].as_str().expect("an id").to_owned());
            let new: Vec<_> = if rows.is_empty() { (0..4).map(|_| random.uuid()).collect() } else { known.collect() };
            ids.insert(name.clone(), new);
        }
    }
    let mut writer = Writer { pool, catalog, random, ids, owners: BTreeMap::new() };
    for role in 0..3 {
        for (name, table) in &catalog.tables {
            if rank(table) == role && existing[&format!("draft.{name}")].is_empty() {
                writer.table(name, table).await;
            }
        }
    }
}

fn rank(table: &Table) -> usize {
    match table.role {
        Role::Content => 0,
        Role::Children { .. } => 1,
        Role::List { .. } => 2,
    }
}

struct Writer<'a> {
    pool: &'a PgPool,
    catalog: &'a Catalog,
    random: &'a mut Random,
    ids: BTreeMap<String, Vec<String>>,
    /// The rows of children, and whether they are live.
    owners: BTreeMap<String, Vec<(String, bool)>>,
}

impl Writer<'_> {
    async fn table(&mut self, name: &str, table: &Table) {
        match &table.role {
            Role::Content => {
                let ids = self.ids[name].clone();
                for (number, id) in ids.iter().enumerate() {
                    let mut row = Map::new();
                    row.insert("id".into(), json!(id));
                    row.insert("revision".into(), json!(number + 1));
                    row.insert("created_at".into(), json!("2026-01-02T03:04:05Z"));
                    row.insert("updated_at".into(), json!("2026-02-03T04:05:06.789Z"));
                    self.fields(name, table, &mut row, number);
                    self.insert(name, &row, number % 2 == 0).await;
                }
            }
            Role::Children { of, .. } => {
                let owners = self.owners(of).await;
                for (number, (owner, live)) in owners.into_iter().enumerate() {
                    let mut row = Map::new();
                    row.insert("id".into(), json!(self.random.uuid()));
                    row.insert("parent_id".into(), json!(owner));
                    row.insert("position".into(), json!(number));
                    self.fields(name, table, &mut row, number);
                    self.insert(name, &row, live).await;
                }
            }
            Role::List { of, field } => {
                let owner = &self.catalog.tables[of];
                let Some(Store::Many { to }) = owner.field(field).map(|field| &field.store) else { panic!("a list") };
                let columns: Vec<_> = table
                    .columns
                    .iter()
                    .map(|column| column.name.clone())
                    .filter(|name| name.ends_with("_id") && name != "owner_id")
                    .collect();
                for (owner, live) in self.owners(of).await {
                    let mut position = 0;
                    for (column, target) in columns.iter().zip(to) {
                        for id in self.ids[target].clone().into_iter().take(1 + self.random.below(2)) {
                            let mut row = Map::new();
                            row.insert("owner_id".into(), json!(owner));
                            row.insert(column.clone(), json!(id));
                            position += 1 + self.random.below(3);
                            row.insert("position".into(), json!(position));
                            self.insert(name, &row, live).await;
                        }
                    }
                }
            }
        }
    }

    async fn owners(&mut self, of: &str) -> Vec<(String, bool)> {
        if let Some(owners) = self.owners.get(of) {
            return owners.clone();
        }
        let sql = format!(
            "select d.id::text as id, l.id is not null as live from draft.\"{of}\" d left join live.\"{of}\" l using (id) order by 1"
        );
        let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(self.pool).await.expect("owners");
        let owners: Vec<(String, bool)> = rows.iter().map(|row| (row.get("id"), row.get("live"))).collect();
        self.owners.insert(of.to_owned(), owners.clone());
        owners
    }

    fn fields(&mut self, owner: &str, table: &Table, row: &mut Map<String, Value>, number: usize) {
        for field in &table.fields {
            let columns = field.columns();
            if columns.is_empty() {
                continue;
            }
            let list = matches!(field.store, Store::Enums { .. } | Store::Components { .. } | Store::Blocks { .. });
            if !field.required && !list && self.random.one_in(4) {
                continue;
            }
            if let Store::One { to } = &field.store {
                let which = self.random.below(to.len());
                // A relation can point only at entries that exist already.
                let known = if to[which].as_str() < owner { self.ids[&to[which]].len() } else { 0 };
                if known > 0 {
                    row.insert(columns[which].clone(), json!(self.ids[&to[which]][self.random.below(known)]));
                }
                continue;
            }
            match self.stored(&field.store, number) {
                Value::Array(pair) if columns.len() == 2 => {
                    row.insert(columns[0].clone(), pair[0].clone());
                    row.insert(columns[1].clone(), pair[1].clone());
                }
                value => {
                    row.insert(columns[0].clone(), value);
                }
            }
        }
    }

    /// A column value, in the JSON of `jsonb_populate_record`.
    fn stored(&mut self, store: &Store, number: usize) -> Value {
        let salt = self.random.below(1000);
        match store {
            Store::Scalar { scalar } => match scalar.as_str() {
                "integer" | "bigint" => json!(number * 7 + 1),
                "duration" => json!(number * 60_000 + 90_500),
                "decimal" => json!(format!("{}.5", number * 3)).as_str().map_or(Value::Null, |text| json!(text)),
                "boolean" => json!(number.is_multiple_of(2)),
                "date" => json!(format!("2026-01-{:02}", number % 28 + 1)),
                "time" => json!(format!("{:02}:30:00", number % 24)),
                "datetime" => json!(format!("2026-01-{:02}T09:30:00.25Z", number % 28 + 1)),
                "money" => json!([number * 100 + 99, "EUR"]),
                "user" => json!(format!("01890a5d-ac96-774b-bcce-{number:012x}")),
                "json" => json!({ "a": [salt, { "_type": "not a part" }] }),
                _ => json!(format!("text-{number}-{salt}")),
            },
            Store::Enum { values } => json!(self.random.pick(values)),
            Store::Enums { values } => values.iter().filter(|_| self.random.one_in(2)).cloned().collect(),
            Store::Component { of } => self.component(of, number),
            Store::Components { of } => {
                (0..self.random.below(3)).map(|index| self.component(of, number + index)).collect()
            }
            Store::Blocks { of } => (0..self.random.below(4))
                .map(|index| {
                    let kind = self.random.pick(of).clone();
                    self.component(&kind, number + index)
                })
                .collect(),
            Store::One { .. } | Store::Many { .. } | Store::Children { .. } => Value::Null,
        }
    }

    fn component(&mut self, name: &str, number: usize) -> Value {
        let mut object = Map::new();
        object.insert("_type".into(), json!(name));
        let fields: &Vec<Field> = &self.catalog.components[name];
        for field in fields {
            if !field.required && self.random.one_in(4) {
                continue;
            }
            let value = match (&field.store, self.stored(&field.store, number)) {
                (Store::Scalar { scalar }, value) => match (scalar.as_str(), &value) {
                    ("bigint", number) => json!(number.to_string()),
                    ("duration", _) => json!("PT1M30.5S"),
                    ("user", _) => json!("user_01h455vb4pex5vsknk084sn02q"),
                    ("money", Value::Array(pair)) => {
                        json!({ "amountMinor": pair[0].to_string(), "currency": pair[1] })
                    }
                    _ => value,
                },
                (_, value) => value,
            };
            object.insert(field.name.clone(), value);
        }
        Value::Object(object)
    }

    async fn insert(&self, table: &str, row: &Map<String, Value>, live: bool) {
        let columns: Vec<_> = row.keys().map(|column| format!("\"{column}\"")).collect();
        let columns = columns.join(", ");
        for stage in ["draft", "live"].into_iter().filter(|stage| *stage == "draft" || live) {
            let sql = format!(
                "insert into {stage}.\"{table}\" ({columns}) select {columns} from jsonb_populate_record(null::{stage}.\"{table}\", $1::jsonb)"
            );
            let row = Value::Object(row.clone()).to_string();
            sqlx::query(AssertSqlSafe(sql.clone()))
                .bind(&row)
                .execute(self.pool)
                .await
                .unwrap_or_else(|error| panic!("{sql} with {row}: {error}"));
        }
    }
}
