//! The cost of a request is known before it runs. One that costs too much, alone or in a batch, is refused.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use runtime::serde_json::{Value as Json, json};

use crate::client::{Site, command, migrated};

fn codes(answer: &Json) -> Vec<&str> {
    let errors = answer["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    errors.iter().filter_map(|error| error["extensions"]["code"].as_str()).collect()
}

/// Nested `every`, through the categories and their products, and back.
fn nested(leaf: &Json, times: usize) -> Json {
    (0..times).fold(leaf.clone(), |inner, _| json!({"categories": {"every": {"products": {"every": inner}}}}))
}

#[tokio::test]
async fn costly_filters_are_refused_before_they_run_and_say_what_they_cost() {
    let site = Site::with_demo().await;
    let ask = async |query: &str, variables: Json| {
        site.post(&json!({ "query": query, "variables": variables }), &[]).await.json()
    };
    let filtered = "query($f: ProductFilter) { products(first: 1, filter: $f) { totalCount } }";
    let leaf = |n: usize| json!({"variants": {"none": {"sku": {"contains": format!("zz{n}")}}}});
    let many = |count: usize, item: &dyn Fn(usize) -> Json| json!((0..count).map(item).collect::<Vec<_>>());
    let list: Vec<_> = (0..1000).map(|n| format!("{}{n}", "x".repeat(900))).collect();
    let texts = "{name: {in: $l}}, ".repeat(120);
    let refused = [
        ("nested", filtered.to_owned(), json!({"f": {"and": many(20, &|n| nested(&leaf(n), 2))}})),
        ("deeply nested", filtered.to_owned(), json!({"f": nested(&leaf(0), 5)})),
        ("beside one another", filtered.to_owned(), json!({"f": {"or": many(60, &leaf)}})),
        (
            "searched",
            filtered.to_owned(),
            json!({"f": {"or": many(120, &|n| json!({"name": {"contains": format!("a{n}")}}))}}),
        ),
        (
            "one list many times",
            format!("query($l: [String!]!) {{ products(first: 1, filter: {{or: [{texts}]}}) {{ totalCount }} }}"),
            json!({"l": list}),
        ),
        (
            "one filter in many fields",
            (0..20).fold("query($f: ProductFilter) {".to_owned(), |mut query, n| {
                let _ = write!(query, " p{n}: products(first: 1, filter: $f) {{ nodes {{ id }} }}");
                query
            }) + "}",
            json!({"f": nested(&json!({"stockStatus": {"eq": "IN_STOCK"}}), 1)}),
        ),
        (
            "through several types",
            "query($f: PostFilter) { posts(filter: $f) { nodes { id } } }".to_owned(),
            json!({"f": {"and": many(60, &|_| json!({"about": {"some": {"product": {"name": {"eq": "a"}}}}}))}}),
        ),
    ];
    for (what, query, variables) in refused {
        let start = Instant::now();
        let answer = ask(&query, variables).await;
        assert!(codes(&answer).contains(&"LIMIT_EXCEEDED"), "{what}: {answer}");
        assert!(answer.get("data").is_none(), "{what}: nothing ran: {answer}");
        assert!(start.elapsed() < Duration::from_secs(5), "{what}");
        let parts = answer["errors"].as_array().unwrap().iter().find_map(|error| error["extensions"].get("parts"));
        if let Some(parts) = parts {
            let sum: u64 = parts.as_object().unwrap().values().filter_map(Json::as_u64).sum();
            assert!(sum > 50_000, "{what}: {answer}");
        }
    }
    let answer = ask(filtered, json!({"f": nested(&leaf(0), 1)})).await;
    assert_eq!(codes(&answer), [""; 0], "{answer}");
    let cost = &answer["extensions"]["cost"];
    // Three relations, each weighted by its depth, and a search. They count once: `totalCount` takes one statement.
    assert_eq!(cost["parts"]["filters"], 3_000 + 6_000 + 9_000 + 500, "{answer}");
    let sum: u64 = cost["parts"].as_object().unwrap().values().filter_map(Json::as_u64).sum();
    assert_eq!(cost["requested"], sum, "{answer}");
    assert_eq!(cost["limit"], 50_000);
    site.stop().await;
}

#[tokio::test]
async fn what_a_shop_asks_is_far_from_the_limits() {
    let site = Site::with_demo().await;
    let card = "id slug name onSale stockStatus price { amount currency } compareAtPrice { amount currency } \
        brand { name slug } images(first: 1) { url alt } tags { name slug }";
    let queries = [
        format!(
            "{{ products(first: 24, orderBy: [{{field: NAME}}]) {{ totalCount pageInfo {{ endCursor hasNextPage }} nodes {{ {card} }} }} }}"
        ),
        format!(
            "{{ products(first: 24, filter: {{categories: {{some: {{slug: {{in: [\"a\", \"b\"]}}}}}}, brand: {{is: {{slug: {{eq: \"north\"}}}}}}, \
            price: {{gte: {{amount: \"10\", currency: \"EUR\"}}, lte: {{amount: \"99\", currency: \"EUR\"}}}}, stockStatus: {{eq: IN_STOCK}}, \
            name: {{contains: \"mug\"}}}}) {{ totalCount nodes {{ {card} }} }} }}"
        ),
        format!(
            "{{ productBySlug(slug: \"tall-mug\") {{ {card} description attributes variants {{ sku price {{ amount }} }} related(first: 8) {{ {card} }} categories {{ name parent {{ name }} }} }} }}"
        ),
        format!(
            "{{ categories(first: 30) {{ nodes {{ name slug children {{ name slug }} products(first: 4) {{ {card} }} }} }} }}"
        ),
    ];
    for query in queries {
        let answer = site.ask(&query).await;
        assert_eq!(codes(&answer), [""; 0], "{answer}");
        let cost = answer["extensions"]["cost"]["requested"].as_u64().unwrap();
        assert!(cost < 20_000, "{query} costs {}", answer["extensions"]["cost"]);
    }
    site.stop().await;
}

#[tokio::test]
async fn rates_count_operations_by_their_cost() {
    let db = migrated().await;
    assert!(command(&db, &["demo"]).status.success());
    let site = Site::with(db, &[("TYPECASE_RATE", "30/h"), ("TYPECASE_SIGN_IN_RATE", "off")]).await;
    let ask = async |body: Json| {
        let answer = site.post(&body, &[]).await;
        let left = answer.header("ratelimit").and_then(|told| told.split_once("r=")?.1.split(';').next()?.parse().ok());
        let left: u64 = left.unwrap_or_else(|| panic!("what is left: {:?}", answer.headers));
        (answer.status, left, answer.json())
    };
    let cheap = json!({"query": "{ products(first: 3) { nodes { name } } }"});
    let (status, left, _) = ask(cheap.clone()).await;
    assert_eq!((status, left), (200, 29), "a cheap operation is one request");
    let (status, left, _) = ask(json!([cheap, cheap, cheap, cheap, cheap])).await;
    assert_eq!((status, left), (200, 24), "a batch is as many as it has operations");
    let costly = json!({"query": "{ products(first: 100) { nodes { tags(first: 100) { id } } } }"});
    let (status, left, answer) = ask(costly.clone()).await;
    let cost = answer["extensions"]["cost"]["requested"].as_u64().unwrap();
    assert!((10_001..=12_000).contains(&cost), "{answer}");
    assert_eq!((status, left), (200, 18), "one for each 2,000 of the cost");
    let (_, left, answer) = ask(json!([cheap, costly, costly, costly])).await;
    assert_eq!(left, 0, "{answer}");
    let outcomes: Vec<_> = answer.as_array().unwrap().iter().map(|one| one.get("data").is_some()).collect();
    assert_eq!(outcomes, [true, true, true, false], "{answer}");
    assert_eq!(codes(&answer[3]), ["RATE_LIMITED"], "{answer}");
    site.stop().await;
}

#[tokio::test]
async fn a_batch_costs_no_more_than_one_operation_may() {
    let site = Site::with_demo().await;
    let costly =
        json!({"query": "{ products(first: 100) { nodes { tags(first: 100) { id } related(first: 100) { id } } } }"});
    let answer = site.post(&json!([costly, costly, costly, {"query": "{ __typename }"}]), &[]).await.json();
    let refused: Vec<_> = answer.as_array().unwrap().iter().map(codes).collect();
    assert_eq!(refused, [vec![], vec![], vec!["LIMIT_EXCEEDED"], vec!["LIMIT_EXCEEDED"]], "{answer}");
    site.stop().await;
}

#[tokio::test]
async fn own_queries_and_nodes_are_refused_as_the_others_are() {
    let site = Site::with_demo().await;
    for (first, code) in [("-1", "BAD_USER_INPUT"), ("-2147483648", "BAD_USER_INPUT"), ("101", "LIMIT_EXCEEDED")] {
        for field in ["bestOf(category: \"mugs\", first: N) { id }", "products(first: N) { nodes { id } }"] {
            let literal = site.ask(&format!("{{ {} }}", field.replace('N', first))).await;
            assert_eq!(codes(&literal), [code], "{field} {first}: {literal}");
            let body = json!({
                "query": format!("query($n: Int) {{ {} }}", field.replace('N', "$n")),
                "variables": {"n": first.parse::<i64>().unwrap()},
            });
            let variable = site.post(&body, &[]).await.json();
            assert_eq!(codes(&variable), [code], "{field} {first}: {variable}");
            if code == "BAD_USER_INPUT" {
                assert_eq!(variable["errors"][0]["extensions"]["inputPath"], json!(["first"]), "{variable}");
            }
        }
    }
    let none = site.ask("{ bestOf(category: \"mugs\", first: 0) { id } products(first: 0) { nodes { id } } }").await;
    assert_eq!(none["data"], json!({"bestOf": [], "products": {"nodes": []}}), "{none}");
    let drafts = site.ask("{ products(stage: DRAFT) { nodes { id } } }").await;
    for ids in ["[]", "[\"product_01h455vb4pex5vsknk084sn02q\"]"] {
        let nodes = site.ask(&format!("{{ nodes(ids: {ids}, stage: DRAFT) {{ id }} }}")).await;
        assert_eq!(codes(&nodes), codes(&drafts), "{nodes}");
        assert_eq!(codes(&nodes), ["UNAUTHENTICATED"], "{nodes}");
    }
    let live = site.ask("{ nodes(ids: [\"product_01h455vb4pex5vsknk084sn02q\"]) { id } }").await;
    assert_eq!(live["data"]["nodes"], json!([null]), "{live}");
    site.stop().await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn documents_that_are_never_asked_again_take_no_more_memory_than_is_set() {
    let site = Site::with(migrated().await, &[("TYPECASE_PLAN_MEMORY", "8")]).await;
    let fields = "id revision status createdAt updatedAt publishedAt name slug summary description taxIncluded stockStatus \
        onSale price{amount currency} compareAtPrice{amount currency} attributes";
    let spread = |here: char, next: char| {
        format!("fragment {here} on Product{{{fields} related(first:1){{...{next}}} relatedTo(first:1){{...{next}}}}}")
    };
    let fragments: String = ['A', 'B', 'C', 'D', 'E'].windows(2).map(|pair| spread(pair[0], pair[1])).collect();
    let document = |n: usize| {
        let id = "product_01h455vb4pex5vsknk084sn02q";
        format!(
            "{{{}:product(id:\"{id}\"){{...A}}}} {fragments} fragment E on Product{{{fields}}} #{n}",
            "r".repeat(120)
        )
    };
    let batch = async |from: usize| {
        let requests: Vec<_> = (from..from + 8).map(|n| json!({ "query": document(n) })).collect();
        let answer = site.post(&json!(requests), &[]).await.json();
        assert!(answer[7].get("data").is_some(), "{answer}");
    };
    batch(0).await;
    let before = site.resident();
    for round in 1..25 {
        batch(8 * round).await;
    }
    let grown = site.resident().saturating_sub(before);
    assert!(grown < 32 * 1024 * 1024, "{grown} bytes more are resident");
    let honest = site.ask("{ products(first: 1) { nodes { id } } }").await;
    assert!(honest.get("errors").is_none(), "{honest}");
    site.stop().await;
}

#[tokio::test]
async fn what_is_answered_once_or_not_at_all_costs_as_much() {
    let site = Site::with_demo().await;
    let cost = async |query: &str, variables: Json| {
        let answer = site.post(&json!({ "query": query, "variables": variables }), &[]).await.json();
        answer["extensions"]["cost"]["requested"].as_u64().unwrap_or_else(|| panic!("{query}: {answer}"))
    };
    let spread = "{ products(first: 100) { nodes { ...A ...B ...C price { amount } price { currency } } } products(first: 100) { totalCount } }
        fragment A on Product { tags(first: 9) { id } }
        fragment B on Product { tags(first: 9) { name } ... on Product { tags(first: 9) { slug } } }
        fragment C on Node { ... on Product { tags(first: 9) { id } } }";
    let plain =
        "{ products(first: 100) { nodes { tags(first: 9) { id name slug } price { amount currency } } totalCount } }";
    assert_eq!(cost(spread, json!({})).await, cost(plain, json!({})).await);

    let costly = "tags(first: 100) { products(first: 100) { name } }";
    let skipped = format!("query($s: Boolean!) {{ products(first: 100) {{ nodes {{ name {costly} }} }} }}");
    let (on_field, on_fragment) = (
        skipped.replace("100) { products", "100) @skip(if: $s) { products"),
        format!(
            "query($s: Boolean! = true) {{ products(first: 100) {{ nodes {{ name ... @skip(if: $s) {{ {costly} }} }} }} }}"
        ),
    );
    let bare = cost("{ products(first: 100) { nodes { name } } }", json!({})).await;
    assert_eq!(cost(&on_field, json!({"s": true})).await, bare);
    assert_eq!(cost(&on_fragment, json!({})).await, bare);
    for constant in ["@skip(if: true)", "@include(if: false)"] {
        let query = format!("{{ products(first: 100) {{ nodes {{ name ... {constant} {{ {costly} }} }} }} }}");
        assert_eq!(cost(&query, json!({})).await, bare, "{constant}");
    }
    for asked in [&on_field, &on_fragment] {
        let answer = site.post(&json!({ "query": asked, "variables": {"s": false} }), &[]).await.json();
        assert_eq!(codes(&answer), ["LIMIT_EXCEEDED"]);
    }
    site.stop().await;
}
