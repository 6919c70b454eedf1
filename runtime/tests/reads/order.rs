//! Orders are the same on every database and use the generated indexes.

use codegen::SourceFile;
use runtime::testing::TestDb;
use runtime::{Stage, Store};
use serde_json::{Value as Json, json};
use sqlx::{AssertSqlSafe, Executor, Row};

use crate::database::{Data, Rng, run, with};

const NAMES: [&str; 8] = ["éclair", "Zebra", "apple", "Eclair", "cherry", "Äpfel", "Banana", "eclair"];
const IN_ORDER: [&str; 8] = ["Äpfel", "apple", "Banana", "cherry", "eclair", "Eclair", "éclair", "Zebra"];

fn labels() -> Data {
    let mut data = Data::default();
    for (index, name) in NAMES.iter().enumerate() {
        let at = "2026-01-01T00:00:00Z";
        let row = json!({
            "id": uuid::Uuid::from_u128(index as u128 + 1).to_string(), "revision": 1, "created_at": at, "updated_at": at,
            "published_at": at, "name": name, "rank": null,
        });
        data.push("draft", "label", row);
    }
    data
}

#[tokio::test]
async fn texts_are_in_the_order_of_people() {
    let (db, store) = with(&labels()).await;
    for (direction, expected) in [("ASC", IN_ORDER.to_vec()), ("DESC", IN_ORDER.iter().rev().copied().collect())] {
        let query = "query { labels(stage: DRAFT, orderBy: $order) { nodes { name } } }";
        let order = json!([{"field": "NAME", "direction": direction}]);
        let answer = run(&store, query, json!({"order": order})).await.expect("it is read").json;
        let nodes = answer["labels"]["nodes"].as_array().unwrap();
        assert_eq!(nodes.iter().map(|node| node["name"].as_str().unwrap()).collect::<Vec<_>>(), expected);
    }
    // Ranges follow the same order.
    let query = "query { labels(stage: DRAFT, filter: {name: {gte: \"b\", lt: \"eclair\"}}) { totalCount } }";
    assert_eq!(run(&store, query, json!({})).await.expect("it is read").json["labels"]["totalCount"], 2);
    let query = "query { labels(stage: DRAFT, filter: {name: {startsWith: \"äP\"}}) { totalCount } }";
    assert_eq!(run(&store, query, json!({})).await.expect("it is read").json["labels"]["totalCount"], 1);
    // The fallback for databases without ICU, which can be tested everywhere.
    let names: Vec<String> =
        sqlx::query_scalar("select name from draft.label order by sort.folded(name) collate \"C\"")
            .fetch_all(&db.pool)
            .await
            .expect("it is a function");
    assert_eq!(names, IN_ORDER);
    db.close().await;
}

#[tokio::test]
async fn money_is_grouped_by_currency() {
    let mut data = Data::random(&mut Rng(41), 5);
    let prices = [("A", 900, "EUR"), ("B", 1000, "JPY"), ("C", 2500, "KWD"), ("D", 950, "EUR"), ("E", 1000, "PLN")];
    let rows = data.tables.get_mut(&("draft", "note".to_owned())).expect("there are notes");
    for (row, (title, amount, currency)) in rows.iter_mut().zip(prices) {
        row.extend([
            ("title".into(), json!(title)),
            ("price".into(), json!(amount)),
            ("price_currency".into(), json!(currency)),
        ]);
    }
    let (db, store) = with(&data).await;
    for (direction, expected) in [("ASC", ["A", "D", "B", "C", "E"]), ("DESC", ["E", "C", "B", "D", "A"])] {
        let order = json!([{"field": "PRICE", "direction": direction}]);
        let query = "query { notes(stage: DRAFT, orderBy: $order) { nodes { title } } }";
        let answer = run(&store, query, json!({"order": order})).await.expect("it is read").json;
        let nodes = answer["notes"]["nodes"].as_array().unwrap();
        assert_eq!(nodes.iter().map(|node| node["title"].as_str().unwrap()).collect::<Vec<_>>(), expected);
    }
    db.close().await;
}

/// The generated indexes for the orders of notes.
fn indexes() -> Vec<String> {
    let note = "type: note
fields:
  title: { type: string, required: true, filterable: true, sortable: true }
  price: { type: money, sortable: true }
  state: { type: enum, values: [open, on_hold, closed], sortable: true }
access: { admin: { read: all } }
";
    let source = |path: &str, text: &str| SourceFile { path: path.to_owned(), text: text.to_owned() };
    let sources = [
        source("schema/cms.yaml", "site: { name: Notes, currency: EUR, currencies: [EUR, JPY] }"),
        source("schema/note.yaml", note),
    ];
    let schema = codegen::compile(&sources).unwrap_or_else(|found| panic!("{}", found.render(&sources))).schema;
    let catalog = codegen::catalog::lower(&schema);
    let sorted = catalog.tables["note"].indexes.iter().filter(|index| index.name.ends_with("__sort"));
    let sql = |index: &codegen::catalog::Index| {
        let keys: Vec<_> = index.on.iter().map(codegen::catalog::Key::sql).collect();
        format!("create index {} on draft.note ({})", index.name, keys.join(", "))
    };
    sorted.map(sql).collect()
}

/// The plan of the query's statement, which must not sort and must not read whole tables.
async fn plan(db: &TestDb, store: &Store, query: &str, variables: Json) -> (Json, String) {
    let answer = run(store, query, variables).await.unwrap_or_else(|failures| panic!("{query}: {failures:?}")).json;
    let last = "select query from pg_stat_activity where datname = current_database() \
        and (query like 'SELECT%FROM draft.%' or query like '(SELECT%FROM draft.%') order by query_start desc limit 1";
    let statement: String = sqlx::query_scalar(last).fetch_one(&db.pool).await.expect("it was sent");
    let parameters = (1..).take_while(|number| statement.contains(&format!("${number}::"))).count();
    let values = vec!["null"; parameters].join(", ");
    let values = if values.is_empty() { values } else { format!("({values})") };
    let mut connection = db.pool.acquire().await.expect("a connection");
    for sql in [
        "set enable_seqscan = off",
        "set enable_bitmapscan = off",
        "set enable_sort = off",
        "set enable_incremental_sort = off",
        "set plan_cache_mode = force_generic_plan",
        &format!("prepare asked as {statement}"),
    ] {
        connection.execute(AssertSqlSafe(sql.to_owned())).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
    let explained =
        connection.fetch_all(AssertSqlSafe(format!("explain execute asked{values}"))).await.expect("a plan");
    connection.execute("deallocate asked").await.expect("it was prepared");
    (answer, explained.iter().map(|row| row.get::<String, _>(0) + "\n").collect())
}

#[tokio::test]
async fn pages_in_every_order_are_read_by_its_index() {
    let (db, store) = with(&Data::random(&mut Rng(42), 30)).await;
    for index in indexes() {
        db.pool.execute(AssertSqlSafe(index.clone())).await.unwrap_or_else(|error| panic!("{index}: {error}"));
    }
    let forward = "query { notes(stage: DRAFT, first: 2, after: $at, orderBy: $order) { edges { cursor } } }";
    let backward = "query { notes(stage: DRAFT, last: 2, before: $at, orderBy: $order) { edges { cursor } } }";
    for (field, index) in [("TITLE", "note_title__sort"), ("PRICE", "note_price__sort"), ("STATE", "note_state__sort")]
    {
        for (direction, query) in [("ASC", forward), ("DESC", forward), ("ASC", backward), ("DESC", backward)] {
            let order = json!([{"field": field, "direction": direction}]);
            let (answer, first) = plan(&db, &store, query, json!({"order": order})).await;
            let at = &answer["notes"]["edges"][1]["cursor"];
            let (_, second) = plan(&db, &store, query, json!({"order": order, "at": at})).await;
            assert!(second.contains("Index Cond"), "{field} {direction} {query}: the page is looked up\n{second}");
            for plan in [first, second] {
                assert!(plan.contains(index) && !plan.contains("Sort"), "{field} {direction} {query}:\n{plan}");
            }
        }
    }
    // The same index finds a text and a range of texts.
    for filter in [json!({"eq": "a"}), json!({"in": ["a", "B"]}), json!({"gte": "b"})] {
        let query = "query { notes(stage: DRAFT, filter: {title: $title}) { totalCount } }";
        let (_, plan) = plan(&db, &store, query, json!({"title": filter})).await;
        assert!(plan.contains("note_title__sort") && plan.contains("Index Cond"), "{filter}:\n{plan}");
    }
    db.close().await;
}

#[tokio::test]
async fn a_text_is_found_whatever_it_is_made_of() {
    let (db, store) = with(&labels()).await;
    for name in NAMES {
        for (filter, count) in [(json!({"eq": name}), 1), (json!({"in": [name]}), 1), (json!({"ne": name}), 7)] {
            let query = "query { labels(stage: DRAFT, filter: {name: $name}) { totalCount } }";
            let answer = run(&store, query, json!({"name": filter})).await.expect("it is read").json;
            assert_eq!(answer["labels"]["totalCount"], count, "{filter}");
        }
    }
    assert_eq!(store.at(Stage::Draft).find::<crate::computed::Memo>().ids().await, Ok(Vec::new()));
    db.close().await;
}
