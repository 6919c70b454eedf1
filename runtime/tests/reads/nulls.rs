//! A null in a filter is rejected with its path, in any place and form: it means neither everything nor nothing.

use runtime::graphql::read::Failure;
use runtime::{Code, Stage};
use serde_json::{Value as Json, json};

use crate::database::{Data, Rng, run, with};

/// Filters of notes with one null each, and the path of the null.
fn filters() -> Vec<(Json, Json)> {
    vec![
        (json!(null), json!([])),
        (json!({"author": null}), json!(["author"])),
        (json!({"title": null}), json!(["title"])),
        (json!({"price": null}), json!(["price"])),
        (json!({"state": null}), json!(["state"])),
        (json!({"marks": null}), json!(["marks"])),
        (json!({"labels": null}), json!(["labels"])),
        (json!({"mentions": null}), json!(["mentions"])),
        (json!({"items": null}), json!(["items"])),
        (json!({"replies": null}), json!(["replies"])),
        (json!({"id": null}), json!(["id"])),
        (json!({"createdAt": null}), json!(["createdAt"])),
        (json!({"and": null}), json!(["and"])),
        (json!({"or": null}), json!(["or"])),
        (json!({"not": null}), json!(["not"])),
        (json!({"not": {"author": null}}), json!(["not", "author"])),
        (json!({"or": [{"views": {"gt": 1}}, {"title": null}]}), json!(["or", 1, "title"])),
        (json!({"title": {"eq": null}}), json!(["title", "eq"])),
        (json!({"title": {"in": ["a", null]}}), json!(["title", "in", 1])),
        (json!({"title": {"contains": null}}), json!(["title", "contains"])),
        (json!({"title": {"isNull": null}}), json!(["title", "isNull"])),
        (json!({"price": {"gte": null}}), json!(["price", "gte"])),
        (json!({"price": {"eq": {"amount": "1", "currency": null}}}), json!(["price", "eq", "currency"])),
        (json!({"price": {"lt": {"amount": null, "amountMinor": 1}}}), json!(["price", "lt", "amount"])),
        (json!({"price": {"in": [{"amountMinor": null}]}}), json!(["price", "in", 0, "amountMinor"])),
        (json!({"not": {"price": {"ne": {"currency": null}}}}), json!(["not", "price", "ne", "currency"])),
        (json!({"state": {"notIn": null}}), json!(["state", "notIn"])),
        (json!({"marks": {"hasSome": null}}), json!(["marks", "hasSome"])),
        (json!({"id": {"eq": null}}), json!(["id", "eq"])),
        (json!({"author": {"is": null}}), json!(["author", "is"])),
        (json!({"author": {"isNull": null}}), json!(["author", "isNull"])),
        (json!({"author": {"isNot": {"name": null}}}), json!(["author", "isNot", "name"])),
        (json!({"labels": {"some": null}}), json!(["labels", "some"])),
        (json!({"labels": {"every": {"rank": null}}}), json!(["labels", "every", "rank"])),
        (json!({"labels": {"none": {"name": {"ne": null}}}}), json!(["labels", "none", "name", "ne"])),
        (json!({"about": {"is": null}}), json!(["about", "is"])),
        (json!({"about": {"is": {"label": null}}}), json!(["about", "is", "label"])),
        (json!({"mentions": {"some": {"person": {"name": null}}}}), json!(["mentions", "some", "person", "name"])),
        (json!({"items": {"some": {"text": {"eq": null}}}}), json!(["items", "some", "text", "eq"])),
        (json!({"replies": {"some": {"author": {"is": null}}}}), json!(["replies", "some", "author", "is"])),
    ]
}

/// The paths of the problems, without the argument's name.
fn paths(failures: &[Failure]) -> Vec<Json> {
    let path = |failure: &Failure| {
        assert_eq!(failure.problem.code, Code::BadUserInput, "{failure:?}");
        assert_eq!(failure.problem.path[0], "filter".into(), "{failure:?}");
        json!(failure.problem.path[1..])
    };
    failures.iter().map(path).collect()
}

#[tokio::test]
async fn a_null_in_a_filter_is_refused_by_its_path() {
    let data = Data::random(&mut Rng(21), 4);
    let (db, store) = with(&data).await;
    for (filter, path) in filters() {
        let literal = literal(&filter);
        let spellings = [
            ("query { notes(stage: DRAFT, filter: $f) { totalCount } }".to_owned(), json!({"f": filter})),
            (format!("query {{ notes(stage: DRAFT, filter: {literal}) {{ nodes {{ id }} }} }}"), json!({})),
            (format!("query {{ notes(stage: DRAFT, filter: {literal}) {{ __typename }} }}"), json!({})),
            (
                format!("query {{ notes(stage: DRAFT) {{ nodes {{ replies(filter: {literal}) {{ id }} }} }} }}"),
                json!({}),
            ),
            (
                "query { notes(stage: DRAFT) { nodes { repliesConnection(filter: $f) { totalCount } } } }".to_owned(),
                json!({"f": filter}),
            ),
        ];
        for (query, variables) in spellings {
            let before = store.statements();
            let failures = run(&store, &query, variables).await.err().unwrap_or_else(|| panic!("{query} is answered"));
            // Below a list, it is reported for each item.
            let mut found = paths(&failures);
            found.dedup();
            assert_eq!(found, std::slice::from_ref(&path), "{query}");
            assert!(query.contains("nodes { replies") || store.statements() == before, "{query}: something was sent");
        }
    }
    db.close().await;
}

/// The JSON as a literal of a document.
fn literal(json: &Json) -> String {
    match json {
        Json::Object(members) => {
            let members: Vec<_> = members.iter().map(|(key, value)| format!("{key}: {}", literal(value))).collect();
            format!("{{{}}}", members.join(", "))
        }
        Json::Array(items) => format!("[{}]", items.iter().map(literal).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

#[tokio::test]
async fn an_absent_variable_is_an_absent_key() {
    let data = Data::random(&mut Rng(22), 4);
    let (db, store) = with(&data).await;
    for query in [
        "query { notes(stage: DRAFT, filter: $f) { totalCount } }",
        "query { notes(stage: DRAFT, filter: {title: {eq: $s}}) { totalCount } }",
        "query { notes(stage: DRAFT, filter: {title: $s, author: {is: {name: {eq: $s}}, isNull: $s}}) { totalCount } }",
    ] {
        let answer = run(&store, query, json!({})).await.expect("it is read").json;
        let with_author = data.rows(Stage::Draft, "note").iter().filter(|row| !row["author_id"].is_null()).count();
        let expected = if query.contains("author") { with_author } else { 4 };
        assert_eq!(answer["notes"]["totalCount"], expected, "{query}");
    }
    let failures = run(&store, "query { notes(filter: {title: {eq: $s}}) { totalCount } }", json!({"s": null})).await;
    assert_eq!(paths(&failures.err().expect("it is refused")), [json!(["title", "eq"])]);
    db.close().await;
}
