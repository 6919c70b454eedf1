//! Walks through pages, in every order and both directions.

use async_graphql::parser::parse_query;
use runtime::content::ContentInfo;
use runtime::{Code, Stage};
use serde_json::{Map, Value as Json, json};

use crate::database::{Data, Plain, Rng, run, with};
use crate::reference::Reference;
use crate::schema::SCHEMA;

const NOTES: usize = 17;

fn note() -> &'static ContentInfo {
    SCHEMA.content("Note").expect("notes are in the schema")
}

/// Every key in both directions with nulls first and last, alone and with a second key.
fn orders() -> Vec<Json> {
    let sortable = note().fields.iter().filter(|field| field.sortable).map(|field| field.snake.to_uppercase());
    let names: Vec<_> =
        sortable.chain(["CREATED_AT".into(), "PUBLISHED_AT".into(), "FIRST_PUBLISHED_AT".into()]).collect();
    let mut orders = vec![json!([])];
    for name in &names {
        for (direction, nulls) in [("ASC", "FIRST"), ("ASC", "LAST"), ("DESC", "FIRST"), ("DESC", "LAST")] {
            let key = json!({"field": name, "direction": direction, "nulls": nulls});
            orders.push(json!([key]));
            orders.push(json!([key, {"field": "VIEWS", "direction": "DESC"}, {"field": "PINNED"}]));
        }
    }
    orders
}

/// The ids in the plain executor's order.
fn expected(data: &Data, order: &Json) -> Vec<String> {
    let document = parse_query("{ notes { nodes { id } } }").expect("it is a query");
    let arguments = Plain { variables: Map::new() };
    let reference = Reference { data, document: &document, arguments: &arguments, stage: Stage::Draft };
    let rows = data.rows(Stage::Draft, "note").iter().map(|row| (0, note(), row)).collect();
    let given = Map::from_iter([("orderBy".to_owned(), order.clone())]);
    let newest = order.as_array().is_some_and(Vec::is_empty);
    let rows = reference.selected(rows, &given, newest);
    rows.iter()
        .map(|(_, info, row)| runtime::id::encode(info.table, row["id"].as_str().unwrap().parse().unwrap()))
        .collect()
}

#[tokio::test]
async fn pages_forward_and_backward_are_the_whole_list_under_every_order() {
    let data = Data::random(&mut Rng(7), NOTES);
    let (db, store) = with(&data).await;
    let forward = "query { notes(stage: DRAFT, first: $size, after: $at, orderBy: $order) {
        edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }";
    let backward = forward.replace("first: $size, after", "last: $size, before");
    for (order, size) in orders().iter().flat_map(|order| [1, 2, 5].map(|size| (order, size))) {
        let all = expected(&data, order);
        for (query, ahead, start, is_forward) in
            [(forward, "hasNextPage", "endCursor", true), (&backward, "hasPreviousPage", "startCursor", false)]
        {
            let mut seen: Vec<String> = Vec::new();
            let mut at = Json::Null;
            loop {
                let answer = run(&store, query, json!({"order": order, "at": at, "size": size}))
                    .await
                    .expect("the page is read");
                let page = &answer.json["notes"];
                let edges = page["edges"].as_array().unwrap();
                let ids: Vec<_> = edges.iter().map(|edge| edge["node"]["id"].as_str().unwrap().to_owned()).collect();
                assert_eq!(page["pageInfo"]["startCursor"], edges[0]["cursor"], "{order}");
                assert_eq!(page["pageInfo"]["endCursor"], edges[edges.len() - 1]["cursor"], "{order}");
                if is_forward {
                    seen.extend(ids);
                } else {
                    seen.splice(0..0, ids);
                }
                assert!(seen.len() <= NOTES, "{order}: the walk does not end");
                if page["pageInfo"][ahead] == false {
                    break;
                }
                at = page["pageInfo"][start].clone();
            }
            assert_eq!(seen, all, "{order}, pages of {size}, forward: {is_forward}");
        }
    }
    db.close().await;
}

#[tokio::test]
async fn a_page_lies_between_its_bounds() {
    let data = Data::random(&mut Rng(8), NOTES);
    let (db, store) = with(&data).await;
    let order = json!([{"field": "PRICE"}]);
    let query =
        "query { notes(stage: DRAFT, first: $first, last: $last, after: $after, before: $before, orderBy: $order) {
        edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage } totalCount } }";
    let page =
        async |variables: Json| run(&store, query, variables).await.expect("the page is read").json["notes"].clone();
    let all = page(json!({"order": order, "first": 100})).await;
    let cursor = |index: usize| all["edges"][index]["cursor"].clone();
    let between = json!({"order": order, "after": cursor(3), "before": cursor(9)});
    for (size, from, next, previous) in [
        (json!({"first": 3}), 4, true, true),
        (json!({"last": 2}), 7, true, true),
        (json!({"first": 50}), 4, true, true),
    ] {
        let mut variables = between.clone();
        variables.as_object_mut().unwrap().extend(size.as_object().unwrap().clone());
        let found = page(variables).await;
        assert_eq!(found["edges"][0], all["edges"][from], "{size}");
        assert_eq!(found["pageInfo"], json!({"hasNextPage": next, "hasPreviousPage": previous}), "{size}");
        assert_eq!(found["totalCount"], NOTES, "{size}: the bounds are not a filter");
    }
    db.close().await;
}

#[tokio::test]
async fn connections_of_several_owners_have_pages_of_their_own() {
    let data = Data::random(&mut Rng(9), NOTES);
    let (db, store) = with(&data).await;
    let query = "query { persons(stage: DRAFT) { nodes { id notesConnection(first: 2, orderBy: [{field: TITLE}]) {
        edges { cursor node { id } } pageInfo { hasNextPage endCursor } totalCount } } } }";
    let first = run(&store, query, json!({})).await.expect("the pages are read");
    let second = "query { person(id: $id, stage: DRAFT) { notesConnection(first: 100, after: $after, orderBy: [{field: TITLE}]) {
        nodes { id } } } }";
    for person in first.json["persons"]["nodes"].as_array().unwrap() {
        let page = &person["notesConnection"];
        let after = page["pageInfo"]["endCursor"].clone();
        if after.is_null() {
            continue;
        }
        let rest = run(&store, second, json!({"id": person["id"], "after": after})).await.expect("the rest is read");
        let rest = rest.json["person"]["notesConnection"]["nodes"].as_array().unwrap().len();
        let shown = page["edges"].as_array().unwrap().len();
        assert_eq!(json!(shown + rest), page["totalCount"]);
        assert_eq!(page["pageInfo"]["hasNextPage"], rest > 0);
    }
    assert_eq!(first.sent, 3, "one for the persons, one for their notes, one to count them");
    assert_eq!(first.planned, 3);
    db.close().await;
}

#[tokio::test]
async fn children_beyond_the_first_ones_are_reached_in_pages() {
    let mut rng = Rng(12);
    let mut data = Data::random(&mut rng, 3);
    let notes: Vec<_> = data.rows(Stage::Draft, "note").iter().map(|note| note["id"].clone()).collect();
    data.keep(Stage::Draft, "note_item", |_| false);
    for (index, note) in (0..45).flat_map(|index| notes.iter().map(move |note| (index, note))) {
        let id = uuid::Uuid::from_u128(u128::from(rng.next())).to_string();
        let text = format!("{:02}", 99 - index);
        let row =
            json!({"id": id, "parent_id": note, "position": index, "text": text, "count": null, "label_id": null});
        data.push("draft", "note_item", row);
    }
    let (db, store) = with(&data).await;
    let query =
        "query { notes(stage: DRAFT) { nodes { id itemsConnection(first: 20, filter: $filter, orderBy: $order) {
        nodes { text } pageInfo { hasNextPage endCursor } totalCount } } } }";
    let found = run(&store, query, json!({})).await.expect("the pages are read");
    assert_eq!((found.planned, found.sent), (3, 3), "one for the notes, one for their items, one to count them");
    let rest = "query { note(id: $id, stage: DRAFT) { itemsConnection(first: 100, after: $after) { nodes { text } pageInfo { hasNextPage } } } }";
    for note in found.json["notes"]["nodes"].as_array().unwrap() {
        let page = &note["itemsConnection"];
        assert_eq!((&page["totalCount"], &page["pageInfo"]["hasNextPage"]), (&json!(45), &json!(true)));
        assert_eq!((&page["nodes"][0]["text"], &page["nodes"][19]["text"]), (&json!("99"), &json!("80")));
        let variables = json!({"id": note["id"], "after": page["pageInfo"]["endCursor"]});
        let after = run(&store, rest, variables).await.expect("the rest is read").json;
        let after = &after["note"]["itemsConnection"];
        assert_eq!(after["pageInfo"]["hasNextPage"], false);
        let texts: Vec<_> = after["nodes"].as_array().unwrap().iter().map(|item| &item["text"]).collect();
        let expected: Vec<_> = (20..45).map(|index| json!(format!("{:02}", 99 - index))).collect();
        assert_eq!(texts, expected.iter().collect::<Vec<_>>());
    }
    let variables = json!({"filter": {"text": {"lt": "60"}}, "order": [{"field": "TEXT"}]});
    let found = run(&store, query, variables).await.expect("the pages are read").json;
    let page = &found["notes"]["nodes"][0]["itemsConnection"];
    assert_eq!((&page["totalCount"], &page["nodes"][0]["text"]), (&json!(5), &json!("55")));
    db.close().await;
}

#[tokio::test]
async fn a_cursor_of_another_order_or_garbage_is_refused() {
    let data = Data::random(&mut Rng(10), NOTES);
    let (db, store) = with(&data).await;
    let query = "query { notes(stage: DRAFT, first: 1, after: $after, orderBy: $order) { edges { cursor } } }";
    let by_title = json!([{"field": "TITLE"}]);
    let page = run(&store, query, json!({"order": by_title})).await.expect("the page is read");
    let cursor = page.json["notes"]["edges"][0]["cursor"].clone();
    let other = run(&store, "query { persons(first: 1) { edges { cursor } } }", json!({})).await.expect("it is read");
    let wrong = [
        (json!([{"field": "TITLE", "direction": "DESC"}]), cursor.clone()),
        (json!([{"field": "VIEWS"}]), cursor.clone()),
        (json!(null), cursor),
        (by_title.clone(), json!("garbage")),
        (by_title.clone(), json!("")),
        (by_title.clone(), json!("WyJ4Il0")),
        (by_title, other.json["persons"]["edges"][0]["cursor"].clone()),
    ];
    for (order, after) in wrong {
        let failures = run(&store, query, json!({"order": order, "after": after})).await.err().expect("it is refused");
        assert_eq!(failures.len(), 1);
        assert_eq!(failures[0].problem.code, Code::InvalidCursor, "{order} {after}");
        assert_eq!(failures[0].problem.path, ["after".into()]);
        assert_eq!(failures[0].path, ["notes".into()]);
    }
    db.close().await;
}
