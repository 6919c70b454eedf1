//! GraphQL over HTTP: methods, media types, status codes, batches, limits, and the pages beside the API.

use runtime::serde_json::json;

use crate::client::{Site, TOKEN};

#[tokio::test]
async fn status_codes_tell_what_became_of_a_request() {
    let site = Site::empty().await;
    let json_type = ("content-type", "application/json");
    let new = ("accept", "application/graphql-response+json");
    let old = ("accept", "application/json");
    let deep = format!(r#"{{"query":"{{__typename}}","variables":{{"a":{}1{}}}}}"#, "[".repeat(500), "]".repeat(500));
    let large = format!(r#"{{"query":"{{__typename}}","operationName":"{}"}}"#, "a".repeat(1024 * 1024));
    let cases: &[(&str, &str, &[(&str, &str)], &str, u16)] = &[
        ("POST", "/graphql", &[json_type, new], r#"{"query":"{__typename}"}"#, 200),
        ("POST", "/graphql", &[json_type], r#"{"query":"{__typename}"}"#, 200),
        ("POST", "/graphql", &[json_type, new], r#"{"query":"{"}"#, 400),
        ("POST", "/graphql", &[json_type, old], r#"{"query":"{"}"#, 200),
        ("POST", "/graphql", &[json_type, new], r#"{"query":"{nothing}"}"#, 400),
        ("POST", "/graphql", &[json_type, old], r#"{"query":"{nothing}"}"#, 200),
        ("POST", "/graphql", &[json_type, old], r#"{"query":1}"#, 400),
        ("POST", "/graphql", &[json_type, old], r#"{}"#, 400),
        ("POST", "/graphql", &[json_type, old], r#"{"query":"{__typename}","variables":[]}"#, 400),
        ("POST", "/graphql", &[json_type, old], r#"{"query":"{__typename}","extensions":1}"#, 400),
        ("POST", "/graphql", &[json_type, old], "not JSON", 400),
        (
            "POST",
            "/graphql",
            &[json_type, old],
            r#"{"query":"{__typename}","variables":{"$serde_json::private::RawValue":"1"}}"#,
            400,
        ),
        ("POST", "/graphql", &[json_type, old], &deep, 400),
        ("POST", "/graphql", &[json_type, old], "[]", 400),
        ("POST", "/graphql", &[json_type, new], &large, 413),
        ("POST", "/graphql", &[("content-type", "text/plain"), new], r#"{"query":"{__typename}"}"#, 415),
        (
            "POST",
            "/graphql",
            &[("content-type", "application/json; charset=latin1"), new],
            r#"{"query":"{__typename}"}"#,
            415,
        ),
        ("POST", "/graphql", &[json_type, ("accept", "text/html")], r#"{"query":"{__typename}"}"#, 406),
        ("GET", "/graphql?query=%7B__typename%7D", &[new], "", 200),
        ("HEAD", "/graphql?query=%7B__typename%7D", &[new], "", 200),
        ("GET", "/graphql?query=mutation%7B__typename%7D", &[new], "", 405),
        ("GET", "/graphql", &[new], "", 400),
        ("GET", "/graphql?query=%7B__typename%7D&variables=%7B", &[new], "", 400),
        ("DELETE", "/graphql", &[new], "", 405),
        ("OPTIONS", "/graphql", &[new], "", 204),
        (
            "POST",
            "/graphql",
            &[json_type, new],
            r#"{"query":"mutation{deleteTag(id:\"tag_00000000000000000000000000\",revision:1)}"}"#,
            401,
        ),
        ("POST", "/graphql", &[json_type, new, ("authorization", "Bearer wrong")], r#"{"query":"{__typename}"}"#, 401),
        ("GET", "/health", &[], "", 200),
        ("GET", "/ready", &[], "", 200),
        ("GET", "/nothing", &[], "", 404),
    ];
    for (method, path, headers, body, status) in cases {
        let answer = site.send(method, path, headers, body).await;
        let what = format!("{method} {path} {headers:?} {}", &body[..body.len().min(90)]);
        assert_eq!(answer.status, *status, "{what}: {}", answer.body);
        assert!(answer.header("x-request-id").is_some(), "{what}");
    }
    site.stop().await;
}

#[tokio::test]
async fn headers_say_what_a_client_may_do() {
    let site = Site::empty().await;
    let mutation = site.send("GET", "/graphql?query=mutation%7B__typename%7D", &[], "").await;
    assert_eq!(mutation.header("allow"), Some("POST"));
    let deleted = site.send("DELETE", "/graphql", &[], "").await;
    assert_eq!(deleted.header("allow"), Some("GET, POST, OPTIONS"));
    let mutation = "mutation { deleteTag(id: \"tag_00000000000000000000000000\", revision: 1) }";
    let refused = site.post(&json!({"query": mutation}), &[]).await;
    assert_eq!(refused.header("www-authenticate"), Some("Bearer"));
    let answer = site.post(&json!({"query": "{ __typename }"}), &[("x-request-id", "mine-1")]).await;
    assert_eq!(answer.header("x-request-id"), Some("mine-1"));
    assert_eq!(answer.header("content-type"), Some("application/graphql-response+json; charset=utf-8"));
    let odd = site.post(&json!({"query": "{ __typename }"}), &[("x-request-id", "a b\"c")]).await;
    assert_ne!(odd.header("x-request-id"), Some("a b\"c"));
    site.stop().await;
}

#[tokio::test]
async fn a_client_that_has_a_response_gets_it_only_if_it_has_changed() {
    let site = Site::empty().await;
    let path = "/graphql?query=%7Btags(first:5)%7Bnodes%7Bname%7D%7D%7D";
    let first = site.send("GET", path, &[], "").await;
    let tag = first.header("etag").expect("a tag").to_owned();
    assert_eq!((first.status, first.header("cache-control")), (200, Some("no-cache")));
    let weak = format!("\"other\", W/{tag}");
    for known in [&*tag, "*", &weak] {
        for method in ["GET", "HEAD"] {
            let again = site.send(method, path, &[("if-none-match", known)], "").await;
            assert_eq!((again.status, &*again.body), (304, ""), "{known}");
            assert_eq!((again.header("etag"), again.header("vary")), (Some(&*tag), first.header("vary")));
        }
    }
    let mutation = "mutation { createTag(input: { name: \"Oak\" }) { id } }";
    site.ask_as_developer(mutation, json!({})).await;
    let changed = site.send("GET", path, &[("if-none-match", &tag)], "").await;
    assert_eq!(changed.status, 200);
    assert_ne!(changed.header("etag"), Some(&*tag));
    let mut tags = Vec::new();
    for media in ["application/json", "application/graphql-response+json"] {
        tags.push(site.send("GET", path, &[("accept", media)], "").await.header("etag").map(str::to_owned));
    }
    assert_ne!(tags[0], tags[1]);
    let own = site.send("GET", path, &[("authorization", &format!("Bearer {TOKEN}"))], "").await;
    assert_eq!(own.header("cache-control"), Some("private, no-cache"));
    // Neither what is wrong nor what is sent is kept.
    let wrong = site.send("GET", "/graphql?query=%7Bnothing%7D", &[("if-none-match", "*")], "").await;
    let posted = site.post(&json!({"query": "{ __typename }"}), &[("if-none-match", "*")]).await;
    for answer in [wrong, posted] {
        assert_ne!(answer.status, 304);
        assert_eq!(answer.header("etag"), None);
    }
    site.stop().await;
}

#[tokio::test]
async fn a_batch_is_answered_in_order_and_bounded() {
    let site = Site::empty().await;
    let request = |alias: &str| json!({ "query": format!("{{ {alias}: __typename }}") });
    let answer = site.post(&json!([request("a"), {"query": "{ nothing }"}, request("b")]), &[]).await;
    assert_eq!(answer.status, 200);
    let answers = answer.json();
    assert_eq!(answers[0]["data"], json!({"a": "Query"}));
    assert_eq!(answers[1]["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");
    assert_eq!(answers[2]["data"], json!({"b": "Query"}));
    let bomb = site.post(&json!(vec![request("a"); 11]), &[]).await;
    assert_eq!(bomb.status, 400, "{}", bomb.body);
    site.stop().await;
}

#[tokio::test]
async fn graphiql_comes_with_the_server_and_knows_the_token_on_this_machine() {
    let site = Site::empty().await;
    let page = site.send("GET", "/graphiql", &[], "").await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains(TOKEN) && !page.body.contains("{{"), "{}", page.body);
    assert!(!page.body.contains("https://"), "nothing is loaded from elsewhere: {}", page.body);
    for file in page.body.split('"').filter(|text| text.starts_with("/graphiql/")) {
        let answer = site.send("GET", file, &[], "").await;
        assert_eq!((answer.status, answer.header("content-encoding")), (200, Some("gzip")), "{file}");
    }
    site.stop().await;
}

#[tokio::test]
async fn the_sites_own_route_reads_the_content() {
    let site = Site::with_demo().await;
    let answer = site.send("GET", "/sitemap.txt", &[], "").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body.lines().filter(|line| line.starts_with("/products/")).count(), 20, "{}", answer.body);
    site.stop().await;
}

/// `runtime/tests/graphql_limits.rs` tests documents that could exhaust a parser or planner without a server; this test
/// sends them over HTTP.
#[tokio::test]
async fn what_is_made_to_exhaust_a_server_is_refused_and_it_goes_on_answering() {
    let site = Site::empty().await;
    let repeated = |count: usize, text: &dyn Fn(usize) -> String| (0..count).map(text).collect::<Vec<_>>().join(" ");
    let doubling = repeated(40, &|index| format!("fragment F{index} on Query {{ ...F{0} ...F{0} }}", index + 1));
    let ids: Vec<_> = (0..5_000).map(|_| "product_00000000000000000000000000").collect();
    let ids_query = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }";
    let filter_query = "query($f: ProductFilter) { products(filter: $f) { totalCount } }";
    let tower = (0..40).fold(json!({ "name": { "eq": "a" } }), |inside, _| json!({ "and": [inside] }));
    for (what, body) in [
        ("deep GraphQL", json!({ "query": format!("{}{}", "{ a ".repeat(5_000), "}".repeat(5_000)) })),
        ("aliases", json!({ "query": format!("{{ {} }}", repeated(500, &|index| format!("a{index}: __typename"))) })),
        (
            "a cycle of fragments",
            json!({ "query": "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }" }),
        ),
        (
            "fragments that double",
            json!({ "query": format!("{{ ...F0 }} {doubling} fragment F40 on Query {{ __typename }}") }),
        ),
        ("ids", json!({ "query": ids_query, "variables": { "ids": ids } })),
        ("a tower of filters", json!({ "query": filter_query, "variables": { "f": tower } })),
        (
            "a huge number",
            json!({ "query": format!("{{ products(first: 1{}) {{ totalCount }} }}", "0".repeat(5_000)) }),
        ),
        ("a large number", json!({ "query": "{ products(first: 2147483647) { totalCount } }" })),
        (
            "operations",
            json!({ "query": repeated(200, &|index| format!("query Q{index} {{ __typename }}")), "operationName": "Q0" }),
        ),
    ] {
        let answer = site.post(&body, &[]).await;
        assert_eq!(answer.status, 400, "{what}: {}", &answer.body[..answer.body.len().min(500)]);
        assert!(answer.json().get("data").is_none() && answer.body.len() < 20_000, "{what}");
    }
    let json_type = ("content-type", "application/json");
    for path in ["/graphql", "/auth/sign-in"] {
        for coding in ["gzip", "br", "identity, deflate"] {
            let packed = site.send("POST", path, &[json_type, ("content-encoding", coding)], "\u{1f}packed").await;
            assert_eq!(packed.status, 415, "{path} {coding}: {}", packed.body);
        }
    }
    let plain = site.post(&json!({ "query": "{ __typename }" }), &[("content-encoding", "identity")]).await;
    assert_eq!(plain.json()["data"]["__typename"], "Query", "{}", plain.body);
    site.stop().await;
}
