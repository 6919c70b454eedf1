//! Random content, in a database and in memory, and helpers to run documents on it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use async_graphql::Name;
use async_graphql::parser::parse_query;
use async_graphql_value::Value as Literal;
use runtime::content::SchemaInfo;
use runtime::graphql::read::{Arguments, Document, Failure, Request, Root};
use runtime::graphql::routes::{Route, Routes};
use runtime::site::SiteCode;
use runtime::testing::TestDb;
use runtime::{Problem, Stage, Store};
use serde_json::{Map, Value as Json, json};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::schema::SCHEMA;

pub type Row = Map<String, Json>;

/// The rows of each table and stage, as PostgreSQL's JSON.
#[derive(Clone, Debug, Default)]
pub struct Data {
    pub tables: BTreeMap<(&'static str, String), Vec<Row>>,
}

/// Whether the test server supports ICU; all test databases are on one server.
pub static HAS_ICU: AtomicBool = AtomicBool::new(false);

const PUBLISHED: &str = "all that is live";

/// Stored milliseconds and their form in the API.
pub const LENGTHS: [(i64, &str); 4] = [(0, "PT0S"), (90_000, "PT1M30S"), (86_400_000, "P1D"), (500, "PT0.5S")];

/// Lower and upper case, with and without accents.
const LETTERS: [char; 9] = ['a', 'b', 'c', 'A', 'B', 'ä', 'Ä', 'é', 'Z'];

/// A small random number generator, so that a failure is reproducible by its seed (SplitMix64).
#[derive(Clone)]
pub struct Rng(pub u64);

impl Rng {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }

    fn maybe(&mut self, value: impl FnOnce(&mut Self) -> Json) -> Json {
        if self.chance(25) { Json::Null } else { value(self) }
    }

    fn word(&mut self) -> String {
        let length = 1 + self.below(3);
        (0..length).map(|_| *self.pick(&LETTERS)).collect()
    }
}

impl Data {
    pub fn rows(&self, stage: Stage, table: &str) -> &[Row] {
        self.tables.get(&(stage.schema(), table.to_owned())).map_or(&[], Vec::as_slice)
    }

    /// Drops rows that do not match. Published entries stay known by their revision, which the status of drafts needs.
    pub fn keep(&mut self, stage: Stage, table: &str, passes: impl Fn(&Row) -> bool) {
        let rows = self.rows(stage, table).to_vec();
        if stage == Stage::Live {
            self.tables.insert((PUBLISHED, table.to_owned()), rows.clone());
        }
        self.tables.insert((stage.schema(), table.to_owned()), rows.into_iter().filter(passes).collect());
    }

    /// All live content, regardless of what the actor may read.
    pub fn published(&self, table: &str) -> &[Row] {
        let kept = self.tables.get(&(PUBLISHED, table.to_owned()));
        kept.map_or_else(|| self.rows(Stage::Live, table), Vec::as_slice)
    }

    pub fn push(&mut self, stage: &'static str, table: &str, row: Json) {
        let Json::Object(row) = row else { panic!("a row is an object") };
        self.tables.entry((stage, table.to_owned())).or_default().push(row);
    }

    /// Drafts, and live copies of some of them, which may have changed since.
    pub fn random(rng: &mut Rng, notes: usize) -> Self {
        let mut data = Self::default();
        let mut new_id =
            |rng: &mut Rng| Uuid::from_u128(u128::from(rng.next()) << 64 | u128::from(rng.next())).to_string();
        let labels: Vec<_> = (0..6).map(|_| new_id(rng)).collect();
        let persons: Vec<_> = (0..4).map(|_| new_id(rng)).collect();
        let note_ids: Vec<_> = (0..notes).map(|_| new_id(rng)).collect();
        let mut live = Vec::new();
        for id in &labels {
            let mut row = entry(rng, id);
            row["name"] = json!(rng.word());
            row["rank"] = rng.maybe(|rng| json!(rng.below(3)));
            data.entry(rng, "label", id, row, &mut live);
        }
        for id in &persons {
            let mut row = entry(rng, id);
            row["name"] = json!(rng.word());
            data.entry(rng, "person", id, row, &mut live);
        }
        for (index, id) in note_ids.iter().enumerate() {
            let row = note(rng, index, id, &note_ids, &labels, &persons);
            data.entry(rng, "note", id, row, &mut live);
            data.lists(rng, id, &labels, &persons, live.iter().any(|live| live == id), &mut new_id);
        }
        data
    }

    fn entry(&mut self, rng: &mut Rng, table: &str, id: &str, row: Json, live: &mut Vec<String>) {
        if rng.chance(70) {
            live.push(id.to_owned());
            let mut copy = row.clone();
            if rng.chance(40) {
                copy["revision"] = json!(1);
            }
            self.push("live", table, copy);
        }
        self.push("draft", table, row);
    }

    fn lists(
        &mut self,
        rng: &mut Rng,
        note: &str,
        labels: &[String],
        persons: &[String],
        live: bool,
        new_id: &mut impl FnMut(&mut Rng) -> String,
    ) {
        let stages: &[&'static str] = if live { &["draft", "live"] } else { &["draft"] };
        let mut position = 0;
        for label in labels.iter().filter(|_| rng.chance(45)) {
            position = (position + 7) % 5 + position / 3;
            for stage in stages {
                // Positions may be equal; then the id decides.
                let row = json!({"owner_id": note, "target_id": label, "position": position});
                self.push(stage, "note_labels", row);
            }
        }
        let mut targets: Vec<_> = labels.iter().map(|id| ("label_id", id)).collect();
        targets.extend(persons.iter().map(|id| ("person_id", id)));
        for index in 0..rng.below(6) {
            let (column, id) = targets.remove(rng.below(targets.len()));
            for stage in stages {
                let row = json!({"owner_id": note, column: id, "position": index * 2});
                self.push(stage, "note_mentions", row);
            }
        }
        for index in 0..rng.below(4) {
            let row = json!({
                "id": new_id(rng), "parent_id": note, "position": index, "text": rng.word(),
                "count": rng.maybe(|rng| json!(rng.below(3))), "label_id": rng.maybe(|rng| json!(rng.pick(labels))),
            });
            for stage in stages {
                self.push(stage, "note_item", row.clone());
            }
        }
    }

    /// Inserts the same content into a database.
    pub async fn insert(&self, db: &TestDb) {
        let order = include_str!("../../migrate/src/system/0002_order.sql");
        sqlx::raw_sql(order).execute(&db.pool).await.expect("the order of texts is made");
        for stage in ["draft", "live"] {
            let ddl = include_str!("schema.sql").replace("{stage}", stage);
            sqlx::raw_sql(AssertSqlSafe(ddl)).execute(&db.pool).await.expect("the tables are made");
        }
        let order = ["label", "person", "note", "note_labels", "note_mentions", "note_item"];
        for ((stage, table), rows) in
            order.iter().flat_map(|name| self.tables.iter().filter(move |((_, table), _)| table == name))
        {
            let sql = format!(
                "insert into {stage}.{table} select * from jsonb_populate_recordset(null::{stage}.{table}, $1::text::jsonb)"
            );
            let rows = serde_json::to_string(rows).expect("rows are JSON");
            sqlx::query(AssertSqlSafe(sql)).bind(rows).execute(&db.pool).await.expect("the rows are inserted");
        }
    }
}

fn entry(rng: &mut Rng, id: &str) -> Json {
    let moment = |rng: &mut Rng| json!(format!("2026-01-0{}T0{}:00:00Z", 1 + rng.below(9), rng.below(3)));
    json!({
        "id": id, "revision": 2, "created_at": moment(rng), "updated_at": moment(rng),
        "published_at": rng.maybe(moment), "first_published_at": rng.maybe(moment),
    })
}

fn note(rng: &mut Rng, index: usize, id: &str, notes: &[String], labels: &[String], persons: &[String]) -> Json {
    let mut row = entry(rng, id);
    row["title"] = json!(rng.word());
    row["slug"] = rng.maybe(|_| json!(format!("note-{index}")));
    row["views"] = rng.maybe(|rng| json!(rng.below(5) as i64 - 2));
    row["big_size"] = rng.maybe(|rng| json!((i64::MAX - rng.below(3) as i64).to_string()));
    row["weight"] = rng.maybe(|rng| json!(*rng.pick(&["0.10", "12.5", "12.50", "-3", "1000000000000000000.01"])));
    row["pinned"] = rng.maybe(|rng| json!(rng.chance(50)));
    row["day"] = rng.maybe(|rng| json!(format!("2024-02-2{}", rng.below(10))));
    row["at"] = rng.maybe(|rng| json!(*rng.pick(&["00:00:00", "09:30:00", "23:59:59.500000"])));
    row["moment"] = rng.maybe(|rng| json!(*rng.pick(&["1999-12-31T23:59:59Z", "2026-06-01T00:00:00.000001Z"])));
    row["length"] = rng.maybe(|rng| json!(rng.pick(&LENGTHS).0));
    if rng.chance(75) {
        row["price"] = json!(rng.below(4) as i64 * 50);
        row["price_currency"] = json!(*rng.pick(&["EUR", "JPY"]));
    } else {
        row["price"] = Json::Null;
        row["price_currency"] = Json::Null;
    }
    row["order"] = rng.maybe(|rng| json!(*rng.pick(&["plain", "\"quoted\\\n\u{1}\u{7f} é 漢 🦀", ""])));
    row["extra"] = rng.maybe(|rng| rng.pick(&extras()).clone());
    row["state"] = rng.maybe(|rng| json!(*rng.pick(&["open", "on_hold", "closed"])));
    row["marks"] = rng.pick(&[json!([]), json!(["red"]), json!(["dark_blue", "red"])]).clone();
    row["parent_id"] = rng.maybe(|rng| json!(rng.pick(notes)));
    row["author_id"] = rng.maybe(|rng| json!(rng.pick(persons)));
    let about_label = rng.chance(40);
    row["about_label_id"] = if about_label { json!(rng.pick(labels)) } else { Json::Null };
    row["about_person_id"] = if about_label { Json::Null } else { rng.maybe(|rng| json!(rng.pick(persons))) };
    let link = |rng: &mut Rng| link(rng, labels);
    row["seo"] = rng.maybe(|rng| {
        json!({"_type": "seo", "title": rng.maybe(|rng| json!(rng.word())), "image": rng.maybe(|rng| json!(rng.pick(labels))),
            "card": rng.maybe(link)})
    });
    row["links"] = (0..rng.below(3)).map(|_| link(rng)).collect();
    row["body"] =
        (0..rng.below(4)).map(|_| if rng.chance(50) { link(rng) } else { quote(rng, labels, persons) }).collect();
    row
}

fn extras() -> [Json; 3] {
    [json!({"a": 1.5, "b": [1, null, {"a": "]}\""}]}), json!("text"), json!([[], {}])]
}

fn link(rng: &mut Rng, labels: &[String]) -> Json {
    let mut link = json!({"_type": "link", "url": "/a"});
    if rng.chance(60) {
        link["fee"] = json!({"amountMinor": rng.below(2000).to_string(), "currency": *rng.pick(&["EUR", "JPY"])});
        link["state"] = json!(*rng.pick(&["open", "on_hold"]));
    }
    if rng.chance(60) {
        link["marks"] = json!(["dark_blue"]);
        link["targets"] = labels.iter().filter(|_| rng.chance(40)).map(|id| json!(id)).collect();
    }
    link
}

fn quote(rng: &mut Rng, labels: &[String], persons: &[String]) -> Json {
    json!({"_type": "quote", "text": rng.maybe(|rng| json!(rng.word())), "by": rng.maybe(|rng| json!(rng.pick(persons))),
        "extra": rng.pick(&extras()).clone(), "links": (0..rng.below(2)).map(|_| link(rng, labels)).collect::<Vec<_>>()})
}

/// Coerces without a schema: literals become JSON, variables become their values, and lists get the default page size.
pub struct Plain {
    pub variables: Map<String, Json>,
}

impl Arguments for Plain {
    fn coerce(&self, parent: &str, field: &str, given: &[(Name, Literal)]) -> Result<Map<String, Json>, Vec<Problem>> {
        let mut arguments = Map::new();
        if parent != "Query" && !field.ends_with("Connection") {
            arguments.insert("first".into(), json!(if field == "items" { 100 } else { 20 }));
        }
        for (name, literal) in given {
            if let Some(value) = self.value(literal) {
                arguments.insert(name.to_string(), value);
            }
        }
        Ok(arguments)
    }
}

impl Plain {
    fn value(&self, literal: &Literal) -> Option<Json> {
        Some(match literal {
            Literal::Variable(name) => return self.variables.get(name.as_str()).cloned(),
            Literal::Enum(name) => json!(name.as_str()),
            Literal::List(items) => Json::Array(items.iter().filter_map(|item| self.value(item)).collect()),
            Literal::Object(members) => {
                let member = |(name, value): (&Name, &Literal)| Some((name.to_string(), self.value(value)?));
                Json::Object(members.iter().filter_map(member).collect())
            }
            other => serde_json::to_value(other).expect("a literal is JSON"),
        })
    }

    pub fn condition(&self, name: &str) -> bool {
        self.variables.get(name) == Some(&Json::Bool(true))
    }
}

pub struct Answer {
    pub json: Json,
    pub planned: usize,
    pub sent: u64,
}

/// Runs a query whose root fields all read content.
pub async fn run(store: &Store, query: &str, variables: Json) -> Result<Answer, Vec<Failure>> {
    let before = store.statements();
    let (text, planned) = written(store, query, variables).await?;
    let json = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
    Ok(Answer { json, planned, sent: store.statements() - before })
}

/// The response text.
pub async fn text(store: &Store, query: &str) -> String {
    written(store, query, json!({})).await.expect("it is read").0
}

async fn written(store: &Store, query: &str, variables: Json) -> Result<(String, usize), Vec<Failure>> {
    written_with(store, &SCHEMA, &SiteCode::default(), query, variables).await
}

/// Uses another schema over the same tables, with its site code.
pub async fn written_with(
    store: &Store,
    schema: &'static SchemaInfo,
    site: &SiteCode,
    query: &str,
    variables: Json,
) -> Result<(String, usize), Vec<Failure>> {
    let Json::Object(variables) = variables else { panic!("variables are an object") };
    let arguments = Plain { variables };
    let document = parse_query(query).unwrap_or_else(|error| panic!("{query}: {error}"));
    let (_, operation) = document.operations.iter().next().expect("one operation");
    let condition = |name: &str| arguments.condition(name);
    let nullable = |_: &str, _: &str| true;
    let routes = Routes::of(schema);
    let of = Document {
        schema,
        routes: &routes,
        fragments: &document.fragments,
        condition: &condition,
        nullable: &nullable,
    };
    let request = Request::new(store, &arguments, site);
    let (mut planned, mut out) = (0, String::from("{"));
    for selected in of.fields("Query", &[&operation.node.selection_set.node]) {
        let root = match routes.query(selected.name()) {
            Some(Route::Content(resolver)) => Root::by_resolver(of, &selected, resolver),
            Some(Route::Nodes { many }) => Root::by_node(of, &selected, many),
            other => panic!("`{}` reads nothing: {other:?}", selected.key),
        };
        let denied = root.denied(store.at(root.stage(&arguments)));
        if !denied.is_empty() {
            return Err(denied);
        }
        planned += root.statements();
        let written = root.run(&request).await?;
        if !written.failures.is_empty() {
            return Err(written.failures);
        }
        let json = String::from_utf8(written.text.bytes).expect("the answer is UTF-8");
        out += &format!("{}\"{}\":{json}", if out.len() > 1 { "," } else { "" }, root.key);
    }
    out.push('}');
    Ok((out, planned))
}

pub async fn with(data: &Data) -> (TestDb, Store) {
    let db = TestDb::new().await;
    data.insert(&db).await;
    let has_icu =
        "select collprovider = 'i' from pg_collation where collname = 'und' and collnamespace = 'sort'::regnamespace";
    let has_icu: bool = sqlx::query_scalar(has_icu).fetch_one(&db.pool).await.expect("there is a collation");
    HAS_ICU.store(has_icu, Ordering::Relaxed);
    let store = db.database(&SCHEMA).trusted();
    (db, store)
}
