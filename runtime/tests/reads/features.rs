//! One test for each feature.

use runtime::prelude::*;
use runtime::{field, id};
use serde_json::json;

use crate::database::{Data, Rng, run, with};
use crate::reference::compare_texts;
use crate::schema::LABEL;

#[tokio::test]
async fn the_number_of_statements_is_known_and_does_not_grow_with_the_rows() {
    let query = "query { notes(stage: DRAFT, first: $first) { totalCount nodes {
        title author { name notes { title } } parent { title } labels { name } mentions { ... on Label { name } }
        about { ... on Person { name } } items { text label { name } } seo { image { name } } body { ... on Quote { by { name } } }
        repliesConnection { totalCount nodes { id } } } } }";
    let data = Data::random(&mut Rng(1), 30);
    let (db, store) = with(&data).await;
    for first in [15, 30] {
        let answer = run(&store, query, json!({"first": first})).await.expect("it is read");
        // Notes and count; author, notes; parent; labels; two kinds of mentions; two kinds of about; items, label; image;
        // by; replies and count.
        assert_eq!(answer.planned, 16);
        assert_eq!(answer.sent, 16, "with {first} notes");
    }
    db.close().await;
}

#[tokio::test]
async fn only_what_is_asked_for_is_counted_or_read() {
    let data = Data::random(&mut Rng(2), 5);
    let (db, store) = with(&data).await;
    for (query, statements) in [
        ("query { notes(stage: DRAFT) { totalCount } }", 1),
        ("query { notes(stage: DRAFT) { __typename } }", 0),
        ("query { notes(stage: DRAFT) { pageInfo { hasNextPage } } }", 1),
        ("query { notes(stage: DRAFT) { nodes { author @skip(if: true) { id } } } }", 1),
    ] {
        let answer = run(&store, query, json!({})).await.expect("it is read");
        assert_eq!((answer.planned, answer.sent), (statements, statements as u64), "{query}");
    }
    db.close().await;
}

#[tokio::test]
async fn a_live_read_shows_no_draft_and_no_reference_to_one() {
    let data = Data::random(&mut Rng(3), 20);
    let (db, store) = with(&data).await;
    let query = "query { live: notes(first: 100) { nodes { id status author { id } labels { id } } totalCount }
        draft: notes(first: 100, stage: DRAFT) { totalCount } }";
    let answer = run(&store, query, json!({})).await.expect("it is read");
    let live = |table: &str| -> Vec<_> {
        let rows = data.rows(Stage::Live, table).iter();
        rows.map(|row| json!(id::encode(table, row["id"].as_str().unwrap().parse().unwrap()))).collect()
    };
    let nodes = answer.json["live"]["nodes"].as_array().unwrap();
    assert_eq!(answer.json["live"]["totalCount"], nodes.len());
    assert!(nodes.len() < 20 && answer.json["draft"]["totalCount"] == 20);
    for node in nodes {
        assert!(live("note").contains(&node["id"]));
        assert_eq!(node["status"], "PUBLISHED");
        assert!(node["author"].is_null() || live("person").contains(&node["author"]["id"]));
        assert!(node["labels"].as_array().unwrap().iter().all(|label| live("label").contains(&label["id"])));
    }
    db.close().await;
}

#[tokio::test]
async fn all_problems_of_the_arguments_are_told_at_once_with_their_paths() {
    let data = Data::random(&mut Rng(4), 2);
    let (db, store) = with(&data).await;
    let filter = json!({
        "views": {"eq": null, "in": [1, "two"], "near": 1},
        "or": [{"title": {"eq": "a"}}, {"author": {"is": {"name": {"lt": 5}, "age": {"eq": 1}}}}],
        "state": {"eq": "LOST"},
        "order": {"eq": "x"},
    });
    let query = "query { all: notes(first: 101, orderBy: [{field: ORDER}], filter: $filter) {
        totalCount nodes { labels(first: -1) { id } } } }";
    let failures = run(&store, query, json!({"filter": filter})).await.err().expect("it is refused");
    let mut told: Vec<_> =
        failures.iter().map(|failure| format!("{} {}", json!(failure.path), json!(failure.problem.path))).collect();
    told.sort();
    let expected = [
        r#"["all"] ["filter","or",1,"author","is","age"]"#,
        r#"["all"] ["filter","or",1,"author","is","name","lt"]"#,
        r#"["all"] ["filter","order"]"#,
        r#"["all"] ["filter","state","eq"]"#,
        r#"["all"] ["filter","views","eq"]"#,
        r#"["all"] ["filter","views","in",1]"#,
        r#"["all"] ["filter","views","near"]"#,
        r#"["all"] ["first"]"#,
        r#"["all"] ["orderBy",0]"#,
    ];
    assert_eq!(told, expected);
    let codes: Vec<_> = failures.iter().map(|failure| failure.problem.code).collect();
    assert_eq!(codes.iter().filter(|code| **code == Code::LimitExceeded).count(), 1);
    assert_eq!(store.statements(), 0, "nothing was sent");
    db.close().await;
}

#[tokio::test]
async fn ids_of_other_types_name_nothing_and_what_is_no_id_is_refused() {
    let data = Data::random(&mut Rng(5), 2);
    let (db, store) = with(&data).await;
    let person = data.rows(Stage::Draft, "person")[0]["id"].as_str().unwrap().parse().unwrap();
    let person = id::encode("person", person);
    let query = "query { note(id: $id, stage: DRAFT) { id } node(id: $id, stage: DRAFT) { id }
        nodes(ids: [$id, $none, $id], stage: DRAFT) { id } }";
    let none = id::encode("nothing", id::new_uuid());
    let answer = run(&store, query, json!({"id": person, "none": none})).await.expect("it is read");
    let found = json!({"id": person});
    assert_eq!(answer.json, json!({"note": null, "node": found, "nodes": [found, null, found]}));
    for query in [
        "query { note(id: \"7\") { id } }",
        "query { node(id: \"\") { id } }",
        "query { nodes(ids: [\"x_1\"]) { id } }",
    ] {
        let failures = run(&store, query, json!({})).await.err().expect("it is refused");
        assert_eq!(failures[0].problem.code, Code::BadUserInput, "{query}");
    }
    db.close().await;
}

#[tokio::test]
async fn json_passes_as_it_is_stored_whatever_its_keys() {
    let data = Data::random(&mut Rng(6), 1);
    let (db, store) = with(&data).await;
    let sql = r#"update draft.note set extra = '{"$serde_json::private::RawValue": "}, \"x\": ["}', slug = 'raw'"#;
    sqlx::query(sql).execute(&db.pool).await.expect("it is stored");
    let answer = run(&store, "query { noteBySlug(slug: \"raw\", stage: DRAFT) { slug } }", json!({})).await;
    assert_eq!(answer.expect("it is read").json["noteBySlug"]["slug"], "raw");
    let text = crate::database::text(&store, "query { noteBySlug(slug: \"raw\", stage: DRAFT) { extra slug } }").await;
    let expected = r#"{"noteBySlug":{"extra":{"$serde_json::private::RawValue": "}, \"x\": ["},"slug":"raw"}}"#;
    assert_eq!(text, expected);
    db.close().await;
}

#[tokio::test]
async fn names_that_sql_keeps_for_itself_are_fields_like_others() {
    let data = Data::random(&mut Rng(11), 3);
    let (db, store) = with(&data).await;
    let answer =
        run(&store, "query { notes(stage: DRAFT) { nodes { order at } } }", json!({})).await.expect("it is read");
    assert_eq!(answer.json["notes"]["nodes"].as_array().unwrap().len(), 3);
    db.close().await;
}

/// A record in the form that the generator writes.
#[derive(Clone, Debug, Default, PartialEq)]
struct Label {
    id: Id<Self>,
    revision: i64,
    status: EntryStatus,
    created_at: Timestamp,
    updated_at: Timestamp,
    published_at: Option<Timestamp>,
    first_published_at: Option<Timestamp>,
    created_by: Option<Id<User>>,
    updated_by: Option<Id<User>>,
    published_by: Option<Id<User>>,
    name: String,
    rank: Option<i32>,
}

runtime::entry!(Label, LABEL, [name, rank]);

const NAME: field::Scalar<Label, String> = field::Scalar::new("name");
const RANK: field::Scalar<Label, i32> = field::Scalar::new("rank");
const LOST: field::Scalar<Label, i32> = field::Scalar::new("lost");

#[tokio::test]
async fn the_sites_own_code_selects_typed_records() {
    let data = Data::random(&mut Rng(12), 1);
    let (db, store) = with(&data).await;
    let find = || store.at(Stage::Draft).find::<Label>().filter(RANK.is_not_null()).order_by(NAME.desc());
    let labels = find().first(100).all().await.expect("they are read");
    let mut expected: Vec<_> = data.rows(Stage::Draft, "label").iter().filter(|row| !row["rank"].is_null()).collect();
    let text = |row: &crate::database::Row, key: &str| row[key].as_str().unwrap().to_owned();
    expected.sort_by(|a, b| {
        let by_name = compare_texts(&text(a, "name"), &text(b, "name"));
        by_name.then_with(|| text(a, "id").cmp(&text(b, "id"))).reverse()
    });
    assert!(!expected.is_empty());
    let ids: Vec<_> = expected.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(labels.iter().map(|label| label.id().uuid().to_string()).collect::<Vec<_>>(), ids);
    assert!(
        labels.iter().zip(&expected).all(|(label, row)| row["name"] == label.name && row["rank"] == json!(label.rank))
    );
    assert_eq!(find().first(100).ids().await, Ok(labels.iter().map(Record::id).collect()));
    let mut pages = Vec::new();
    let mut after = None;
    loop {
        let page = find().first(2).after(after).page().await.expect("a page is read");
        pages.extend(page.entries);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(pages, labels);
    assert_eq!(store.at(Stage::Draft).get(labels[0].id()).await, Ok(Some(labels[0].clone())));
    assert_eq!(store.at(Stage::Draft).get::<Label>(Id::new(id::new_uuid())).await, Ok(None));
    let wrong = store.at(Stage::Live).find().filter(LOST.is(1)).all().await.expect_err("it is refused");
    assert_eq!(wrong.problems[0].path, ["filter".into(), "lost".into()]);
    let wrong = store.at(Stage::Live).find().order_by(LOST.asc()).all().await.expect_err("it is refused");
    assert_eq!(wrong.problems[0].code, Code::BadUserInput);
    let wrong = find().first(1001).all().await.expect_err("it is refused");
    assert_eq!(wrong.problems[0].code, Code::LimitExceeded);
    db.close().await;
}

#[tokio::test]
async fn an_entry_names_the_users_who_made_saved_and_published_it() {
    let data = Data::random(&mut Rng(5), 1);
    let (db, store) = with(&data).await;
    let user = id::decode_as("user", "user_01h455vb4pex5vsknk084sn02q").unwrap();
    sqlx::query("update draft.note set created_by = $1, published_by = $1").bind(user).execute(&db.pool).await.unwrap();
    let query = "query { notes(stage: DRAFT) { nodes { createdBy updatedBy publishedBy } } }";
    let answer = run(&store, query, json!({})).await.expect("it is read");
    let user = "user_01h455vb4pex5vsknk084sn02q";
    let expected = json!([{"createdBy": user, "updatedBy": null, "publishedBy": user}]);
    assert_eq!(answer.json["notes"]["nodes"], expected);
    db.close().await;
}

#[tokio::test]
async fn an_id_from_before_a_rename_is_still_known() {
    let data = Data::random(&mut Rng(4), 5);
    let (db, store) = with(&data).await;
    let people =
        run(&store, "query { persons(stage: DRAFT, first: 1) { nodes { id } } }", json!({})).await.expect("read");
    let id = people.json["persons"]["nodes"][0]["id"].as_str().expect("a person").to_owned();
    let before = id.replace("person_", "human_");
    assert_ne!(before, id);
    let query = "query { node(id: $id, stage: DRAFT) { id } nodes(ids: [$id], stage: DRAFT) { id }
        person(id: $id, stage: DRAFT) { id } persons(stage: DRAFT, filter: {id: {eq: $id}}) { nodes { id } } }";
    let answer = run(&store, query, json!({"id": before})).await.expect("it is read").json;
    let found = json!({ "id": id });
    assert_eq!(answer, json!({"node": found, "nodes": [found], "person": found, "persons": {"nodes": [found]}}));
    db.close().await;
}
