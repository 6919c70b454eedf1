//! What editors say of searches: pinned and hidden entries, synonyms; and what visitors ask for.

use runtime::serde_json::{Value as Json, json};

use crate::client::{Site, TOKEN, account};
use crate::search::{data, edit, eventually, found, names, names_of, product};

const SET: &str = "mutation($input: SearchRuleInput!) { setSearchRule(input: $input) { query pinned hidden } }";

#[tokio::test]
async fn editors_pin_and_hide_entries() {
    let site = Site::empty().await;
    let mut ids = Vec::new();
    for name in ["Desk lamp", "Lamp shade", "Lamp oil", "Chair"] {
        ids.push(product(&site, json!({"name": name})).await["id"].clone());
    }
    let [_, shade, oil, chair] = &ids[..] else { panic!("four products") };
    let draft = "mutation { createProduct(input: { name: \"Lamp in secret\" }) { id } }";
    let draft = edit(&site, draft, json!({})).await["createProduct"]["id"].clone();
    let input = json!({"query": "  LAMP ", "pinned": [draft, chair, oil], "hidden": [shade]});
    let rule = edit(&site, SET, json!({"input": input})).await["setSearchRule"].clone();
    assert_eq!(rule, json!({"query": "  LAMP ", "pinned": [draft, chair, oil], "hidden": [shade]}));
    assert_eq!(names(&site, "Lamp").await, ["Chair", "Lamp oil", "Desk lamp"], "no draft, and nothing hidden");
    assert_eq!(names(&site, "lamp shade").await, ["Lamp shade"], "another query has no rule");
    let filter = json!({"query": "lamp", "filter": {"product": {"name": {"ne": "Chair"}}}});
    let filtered = found(&site, filter).await;
    assert_eq!(names_of(&filtered), ["Lamp oil", "Desk lamp"], "what is pinned is filtered too");
    assert_eq!(filtered["totalCount"], 2);
    assert_eq!(edit(&site, "{ searchRules { query pinned hidden } }", json!({})).await["searchRules"], json!([rule]));
    let node = site.another_node();
    assert_eq!(
        names(&node, "lamp").await,
        ["Chair", "Lamp oil", "Desk lamp"],
        "a server knows the rules from its start"
    );
    let none = edit(&site, SET, json!({"input": {"query": "lamp"}})).await;
    assert_eq!(none["setSearchRule"], json!({"query": "lamp", "pinned": [], "hidden": []}));
    assert_eq!(edit(&site, "{ searchRules { query } }", json!({})).await["searchRules"], json!([]));
    assert_eq!(names(&site, "lamp").await.len(), 3);
    eventually("the other node knows it", async || names(&node, "lamp").await.contains(&"Lamp shade".to_owned())).await;
    drop(node);
    site.stop().await;
}

#[tokio::test]
async fn editors_add_synonyms() {
    let site = Site::empty().await;
    product(&site, json!({"name": "Éclair"})).await;
    product(&site, json!({"name": "Writing desk"})).await;
    assert_eq!(names(&site, "choux").await, Vec::<String>::new());
    let add = "mutation($words: [String!]!) { addSearchSynonyms(words: $words) { id words } }";
    let group = edit(&site, add, json!({"words": ["choux", "eclairs"]})).await["addSearchSynonyms"].clone();
    edit(&site, add, json!({"words": ["tables", "writing desk"]})).await;
    assert_eq!(names(&site, "Choux").await, ["Éclair"], "in any form");
    assert_eq!(names(&site, "table").await, ["Writing desk"], "a phrase");
    let listed = edit(&site, "{ searchSynonyms { id words } }", json!({})).await["searchSynonyms"].clone();
    assert!(listed.as_array().expect("groups").contains(&group), "{listed}");
    let remove = "mutation($id: ID!) { removeSearchSynonyms(id: $id) }";
    edit(&site, remove, json!({"id": group["id"]})).await;
    assert_eq!(names(&site, "choux").await, Vec::<String>::new());
    let again = site
        .post(
            &json!({"query": remove, "variables": {"id": group["id"]}}),
            &[("authorization", &format!("Bearer {TOKEN}"))],
        )
        .await;
    assert_eq!(again.json()["errors"][0]["extensions"]["code"], "NOT_FOUND", "{}", again.body);
    site.stop().await;
}

#[tokio::test]
async fn only_those_who_manage_searches_may() {
    let site = Site::empty().await;
    let id = product(&site, json!({"name": "Lamp"})).await["id"].clone();
    let (_, viewer) = account(&site, "viewer@example.com", "viewer").await;
    for query in [
        "{ searchRules { query } }",
        "{ searchSynonyms { words } }",
        "{ searchQueries { query } }",
        "mutation { setSearchRule(input: { query: \"a\" }) { query } }",
        "mutation { addSearchSynonyms(words: [\"a\", \"b\"]) { id } }",
        "mutation { removeSearchSynonyms(id: \"synonyms_01h455vb4pex5vsknk084sn02q\") }",
    ] {
        let visitor = site.post(&json!({"query": query}), &[]).await.json();
        assert_eq!(visitor["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{query}");
        let headers = [("authorization", format!("Bearer {viewer}"))];
        let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
        let refused = site.post(&json!({"query": query}), &headers).await.json();
        assert_eq!(refused["errors"][0]["extensions"]["code"], "FORBIDDEN", "{query}");
    }
    let trusted = format!("Bearer {TOKEN}");
    let many: Vec<Json> = (0..101).map(|_| id.clone()).collect();
    let words: Vec<String> = (0..21).map(|number| format!("w{number}")).collect();
    for (query, variables, code) in [
        (SET, json!({"input": {"query": " ", "pinned": [id]}}), "INVALID_VALUE"),
        (SET, json!({"input": {"query": "a".repeat(301), "pinned": [id]}}), "INVALID_VALUE"),
        (SET, json!({"input": {"query": "a\u{0}", "pinned": [id]}}), "BAD_USER_INPUT"),
        (SET, json!({"input": {"query": "a", "pinned": [id, id]}}), "INVALID_VALUE"),
        (SET, json!({"input": {"query": "a", "pinned": many}}), "LIMIT_EXCEEDED"),
        (SET, json!({"input": {"query": "a", "pinned": ["tag_01h455vb4pex5vsknk084sn02q"]}}), "INVALID_VALUE"),
        (SET, json!({"input": {"query": "a", "pinned": ["x"]}}), "BAD_USER_INPUT"),
        (
            "mutation($words: [String!]!) { addSearchSynonyms(words: $words) { id } }",
            json!({"words": words}),
            "INVALID_VALUE",
        ),
        (
            "mutation($words: [String!]!) { addSearchSynonyms(words: $words) { id } }",
            json!({"words": ["a", " "]}),
            "INVALID_VALUE",
        ),
        ("{ searchQueries(days: 91) { query } }", json!({}), "BAD_USER_INPUT"),
    ] {
        let answer = site.post(&json!({"query": query, "variables": variables}), &[("authorization", &trusted)]).await;
        assert_eq!(answer.json()["errors"][0]["extensions"]["code"], code, "{variables}: {}", answer.body);
    }
    site.stop().await;
}

#[tokio::test]
async fn queries_are_counted() {
    let site = Site::empty().await;
    product(&site, json!({"name": "Lamp"})).await;
    let ask = async |query: &str| {
        let search = "query($query: String!) { search(query: $query) { totalCount } }";
        data(&site, None, search, json!({"query": query})).await
    };
    for query in ["lamp", "Lamp ", "zeppelin", "lamp zeppelin", ""] {
        ask(query).await;
    }
    let counts = async |arguments: &str| {
        let query = format!("{{ searchQueries{arguments} {{ query times withoutResult }} }}");
        edit(&site, &query, json!({})).await["searchQueries"].clone()
    };
    eventually("the counts are stored", async || counts("").await.as_array().map(Vec::len) == Some(3)).await;
    assert_eq!(counts("(first: 1)").await, json!([{"query": "lamp", "times": 2, "withoutResult": 0}]));
    let without = json!([
        {"query": "lamp zeppelin", "times": 1, "withoutResult": 1},
        {"query": "zeppelin", "times": 1, "withoutResult": 1},
    ]);
    assert_eq!(counts("(withoutResult: true, days: 1)").await, without);
    let old = "update search.asked set day = day - 40";
    sqlx::raw_sql(old).execute(&site.db.pool).await.expect("they are old");
    assert_eq!(counts("").await, json!([]));
    assert_eq!(counts("(days: 90)").await.as_array().map(Vec::len), Some(3));
    site.stop().await;
}
