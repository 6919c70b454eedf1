//! The reads of a frontend: entries, lists, pages, relations, filters, orders, and the errors of each.

use runtime::access::{Actor, Origin};
use runtime::graphql::{Api, Request, Verb};
use runtime::hooks::HookSet;
use runtime::prelude::*;
use runtime::serde_json::{self, Value as Json, json};

use crate::client::{Site, command, migrated, standing};

fn slugs(answer: &Json, list: &str) -> Vec<String> {
    let nodes = answer["data"][list]["nodes"].as_array().unwrap_or_else(|| panic!("{answer}"));
    nodes.iter().map(|node| node["slug"].as_str().unwrap().to_owned()).collect()
}

fn codes(answer: &Json) -> Vec<&str> {
    let errors = answer["errors"].as_array().unwrap_or_else(|| panic!("no errors: {answer}"));
    errors.iter().map(|error| error["extensions"]["code"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_product_is_read_whole_in_the_order_of_the_selection() {
    let site = Site::with_demo().await;
    let answer = site
        .post(
            &json!({"query": r#"{ productBySlug(slug: "cone-dripper") {
                status name: name __typename price { currency amount amountMinor } brand { slug }
                tags { slug } categories { slug parent { slug } } onSale stockStatus
                variants(first: 2) { sku price { amount } }
                body { __typename ... on Text { heading } ... on Gallery { layout images { url } } }
                options { name values } seo { title index } mentionedIn { title }
            } }"#}),
            &[],
        )
        .await;
    let expected = concat!(
        r#"{"data":{"productBySlug":{"status":"PUBLISHED","name":"Cone Dripper","__typename":"Product","#,
        r#""price":{"currency":"EUR","amount":"34.00","amountMinor":"3400"},"brand":{"slug":"kiln-street"},"#,
        r#""tags":[{"slug":"handmade"},{"slug":"gift"}],"#,
        r#""categories":[{"slug":"brewers","parent":{"slug":"equipment"}},{"slug":"equipment","parent":null}],"#,
        r#""onSale":false,"stockStatus":"IN_STOCK","#,
        r#""variants":[{"sku":"CONE-SAND","price":null},{"sku":"CONE-INK","price":null}],"#,
        r#""body":[{"__typename":"Text","heading":"Made to order"},"#,
        r#"{"__typename":"Gallery","layout":"CAROUSEL","images":[{"url":"/media/demo/cone-dripper.jpg"}]}],"#,
        r#""options":[{"name":"Glaze","values":["Sand", "Ink", "Moss"]}],"seo":{"title":"Cone Dripper","index":true},"#,
        r#""mentionedIn":[{"title":"A filter coffee that comes out the same each morning"}]}}"#,
    );
    assert!(answer.body.starts_with(expected), "{}", answer.body);
    site.stop().await;
}

#[tokio::test]
async fn pages_walk_forward_and_backward_over_every_product_once() {
    let site = Site::with_demo().await;
    let (mut forward, mut cursor) = (Vec::new(), "null".to_owned());
    loop {
        let query = format!(
            "{{ products(first: 7, after: {cursor}, orderBy: [{{field: PRICE, direction: DESC}}, {{field: NAME}}]) {{
                nodes {{ slug }} pageInfo {{ hasNextPage endCursor }} totalCount }} }}"
        );
        let answer = site.ask(&query).await;
        forward.extend(slugs(&answer, "products"));
        let page = &answer["data"]["products"];
        assert_eq!(page["totalCount"], 20);
        cursor = page["pageInfo"]["endCursor"].to_string();
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    let (mut backward, mut cursor) = (Vec::new(), "null".to_owned());
    loop {
        let query = format!(
            "{{ products(last: 6, before: {cursor}, orderBy: [{{field: PRICE, direction: DESC}}, {{field: NAME}}]) {{
                nodes {{ slug }} pageInfo {{ hasPreviousPage startCursor }} }} }}"
        );
        let answer = site.ask(&query).await;
        backward.splice(0..0, slugs(&answer, "products"));
        let page = &answer["data"]["products"]["pageInfo"];
        cursor = page["startCursor"].to_string();
        if page["hasPreviousPage"] == false {
            break;
        }
    }
    assert_eq!(forward.len(), 20);
    assert_eq!(forward, backward);
    assert_eq!(forward.first().map(String::as_str), Some("motor-grinder"));
    site.stop().await;
}

#[tokio::test]
async fn filters_reach_through_relations_and_nulls() {
    let site = Site::with_demo().await;
    let count = async |filter: &str| {
        let answer = site.ask(&format!("{{ products(filter: {filter}) {{ totalCount }} }}")).await;
        answer["data"]["products"]["totalCount"].as_u64().unwrap_or_else(|| panic!("{filter}: {answer}"))
    };
    assert_eq!(count("{}").await, 20);
    assert_eq!(count(r#"{brand: {is: {slug: {eq: "glasbach"}}}}"#).await, 3);
    assert_eq!(count(r#"{not: {brand: {is: {slug: {eq: "glasbach"}}}}}"#).await, 17);
    assert_eq!(count(r#"{tags: {some: {slug: {eq: "handmade"}}}}"#).await, 3);
    assert_eq!(count(r#"{tags: {none: {slug: {eq: "handmade"}}}}"#).await, 17);
    assert_eq!(count(r#"{and: [{price: {gte: {amount: "9.90"}}}, {price: {lt: {amount: "13"}}}]}"#).await, 5);
    assert_eq!(count(r#"{price: {gt: {amount: "1", currency: "USD"}}}"#).await, 0);
    assert_eq!(count(r#"{variants: {some: {sku: {startsWith: "mugt"}}}}"#).await, 1);
    assert_eq!(count(r#"{or: []}"#).await, 0);
    assert_eq!(count(r#"{stockStatus: {in: [PREORDER, OUT_OF_STOCK]}}"#).await, 2);
    site.stop().await;
}

#[tokio::test]
async fn filters_name_the_type_where_a_relation_points_at_several() {
    let site = Site::with_demo().await;
    let about = async |filter: &str| {
        let query = format!("{{ posts(filter: {{ about: {{ {filter} }} }}) {{ nodes {{ slug }} }} }}");
        let mut found = slugs(&site.ask(&query).await, "posts");
        found.sort();
        found
    };
    let answer =
        site.ask(r#"{ posts { nodes { slug } } productBySlug(slug: "cone-dripper") { mentionedIn { slug } } }"#).await;
    let mentions = answer["data"]["productBySlug"]["mentionedIn"].as_array().unwrap();
    let mut mentions: Vec<_> = mentions.iter().map(|post| post["slug"].as_str().unwrap().to_owned()).collect();
    mentions.sort();
    assert!(!mentions.is_empty());
    let cone = r#"{ product: { slug: { eq: "cone-dripper" } } }"#;
    assert_eq!(about(&format!("some: {cone}")).await, mentions);
    let mut others = slugs(&answer, "posts");
    others.retain(|slug| !mentions.contains(slug));
    others.sort();
    assert_eq!(about(&format!("none: {cone}")).await, others);
    // An entry of another type matches neither.
    let (any, all) = (about("some: { product: {} }").await, about("every: { product: {} }").await);
    let foreign = about("some: { category: {} }").await;
    assert!(!foreign.is_empty() && !any.is_empty(), "{foreign:?} {any:?}");
    assert!(foreign.iter().all(|slug| !all.contains(slug)), "{all:?}");
    let two =
        site.ask("{ posts(filter: { about: { some: { product: {}, category: {} } } }) { nodes { slug } } }").await;
    assert_eq!(codes(&two), ["GRAPHQL_VALIDATION_FAILED"], "{two}");
    site.stop().await;
}

#[tokio::test]
async fn nodes_are_found_by_id_whatever_their_type() {
    let site = Site::with_demo().await;
    let ids = site.ask(r#"{ brandBySlug(slug: "brenner") { id } postBySlug(slug: "milk-or-no-milk") { id } }"#).await;
    let (brand, post) = (&ids["data"]["brandBySlug"]["id"], &ids["data"]["postBySlug"]["id"]);
    let query = format!(
        r#"{{ node(id: {brand}) {{ id ... on Brand {{ name }} }}
            nodes(ids: [{post}, {brand}, "tag_00000000000000000000000000"]) {{ __typename ... on Post {{ title }} }} }}"#
    );
    let answer = site.ask(&query).await;
    assert_eq!(answer["data"]["node"]["name"], "Brenner & Sohn");
    assert_eq!(
        answer["data"]["nodes"],
        json!([{"__typename": "Post", "title": "Milk or no milk"}, {"__typename": "Brand"}, null])
    );
    let wrong = site.ask(r#"{ node(id: "nonsense") { id } }"#).await;
    assert_eq!(codes(&wrong), ["BAD_USER_INPUT"]);
    assert_eq!((&wrong["errors"][0]["path"], &wrong["data"]), (&json!(["node"]), &json!({"node": null})));
    site.stop().await;
}

#[tokio::test]
async fn the_sites_own_query_and_computed_field_answer() {
    let site = Site::with_demo().await;
    let answer = site.ask(r#"{ best: bestOf(category: "coffee", first: 2) { slug onSale } }"#).await;
    assert_eq!(answer["data"]["best"][0], json!({"slug": "finca-esperanza", "onSale": true}), "{answer}");
    assert_eq!(answer["data"]["best"].as_array().unwrap().len(), 2);
    site.stop().await;
}

#[tokio::test]
async fn conditions_variables_and_fragments_choose_what_is_read() {
    let site = Site::with_demo().await;
    let query = "query($with: Boolean!, $slug: String!) {
        productBySlug(slug: $slug) { ...P ... on Node @skip(if: $with) { id } ... @include(if: $with) { brand { name } } }
    } fragment P on Product { name }";
    for (with, expected) in [
        (true, json!({"name": "Tall Mug", "brand": {"name": "Kiln Street"}})),
        (true, json!({"name": "Tall Mug", "brand": {"name": "Kiln Street"}})),
    ] {
        let body = json!({"query": query, "variables": {"with": with, "slug": "tall-mug"}});
        assert_eq!(site.post(&body, &[]).await.json()["data"]["productBySlug"], expected);
    }
    let body = json!({"query": query, "variables": {"with": false, "slug": "tall-mug"}});
    let without = site.post(&body, &[]).await.json();
    assert_eq!(without["data"]["productBySlug"].as_object().unwrap().keys().collect::<Vec<_>>(), ["name", "id"]);
    site.stop().await;
}

#[tokio::test]
async fn what_is_wrong_is_told_with_a_code_and_a_place() {
    let site = Site::with_demo().await;
    let both = json!({"query": "query($f: ProductFilter, $n: Int!) { products(filter: $f, first: $n) { totalCount } }",
        "variables": {"f": {"nmae": 1, "name": {"eq": 1}}}});
    let answer = site.post(&both, &[]).await.json();
    assert_eq!(codes(&answer), ["BAD_USER_INPUT"; 3], "{answer}");
    assert_eq!(answer["errors"][1]["extensions"]["inputPath"], json!(["f", "name", "eq"]));
    assert!(answer.get("data").is_none());
    for (query, code) in [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ products(stage: DRAFT) { totalCount } }", "UNAUTHENTICATED"),
        ("{ products(first: 101) { totalCount } }", "LIMIT_EXCEEDED"),
        ("{ products(first: 100) { nodes { tags(first: 100) { products(first: 100) { id } } } } }", "LIMIT_EXCEEDED"),
        (r#"{ products(after: "nonsense") { totalCount nodes { id } } }"#, "INVALID_CURSOR"),
        ("{ products(first: -1) { totalCount } }", "BAD_USER_INPUT"),
        ("{ products(first: 1, last: 1) { totalCount } }", "BAD_USER_INPUT"),
        ("{ products(filter: {name: {eq: null}}) { totalCount } }", "BAD_USER_INPUT"),
    ] {
        assert_eq!(codes(&site.ask(query).await)[0], code, "{query}");
    }
    site.stop().await;
}

/// A site without code of its own.
pub struct Plain;

impl generated::content::ProductComputed for Plain {
    async fn on_sale(&self, products: &[generated::content::Product], _: &ReadCx<'_>) -> Result<Vec<bool>> {
        Ok(vec![false; products.len()])
    }
}

impl generated::content::ServiceComputed for Plain {
    async fn is_open(
        &self,
        services: &[generated::content::Service],
        _: Option<Timestamp>,
        _: &ReadCx<'_>,
    ) -> Result<Vec<bool>> {
        Ok(vec![false; services.len()])
    }

    async fn next_opening(
        &self,
        services: &[generated::content::Service],
        _: Option<Timestamp>,
        _: &ReadCx<'_>,
    ) -> Result<Vec<Option<Timestamp>>> {
        Ok(vec![None; services.len()])
    }

    async fn next_closing(
        &self,
        services: &[generated::content::Service],
        _: Option<Timestamp>,
        _: &ReadCx<'_>,
    ) -> Result<Vec<Option<Timestamp>>> {
        Ok(vec![None; services.len()])
    }
}

impl generated::operations::Queries for Plain {
    async fn best_of(&self, _: String, _: i32, _: &ReadCx<'_>) -> Result<Vec<Id<generated::content::Product>>> {
        Ok(Vec::new())
    }
}

impl generated::operations::Mutations for Plain {
    async fn sell_out(&self, _: String, _: &mut Cx<'_>) -> Result<Option<Id<generated::content::Product>>> {
        Ok(None)
    }
}

#[tokio::test]
async fn the_announced_statements_are_those_that_are_sent() {
    let db = migrated().await;
    assert!(command(&db, &["demo"]).status.success());
    let database = db.database(&generated::SCHEMA);
    let api = Api::new(database, standing(), HookSet::default(), generated::site(Plain)).unwrap();
    for (query, expected) in [
        ("{ __typename }", 0),
        ("{ products { nodes { name } } }", 1),
        ("{ products { nodes { name } totalCount } }", 2),
        ("{ products { totalCount } }", 1),
        ("{ products { nodes { brand { name } tags { name } variants { sku } images { url } } } }", 5),
        ("{ products { nodes { onSale } } }", 3),
        ("{ categories { nodes { productsConnection(first: 2) { nodes { name } totalCount } } } }", 3),
        (
            r#"{ a: productBySlug(slug: "tall-mug") { name } b: productBySlug(slug: "tea-glass") { brand { name } } }"#,
            3,
        ),
    ] {
        let before = api.database.statements();
        let request = Request { query: query.to_owned(), ..Request::default() };
        let answer = api.execute(&request, Actor::anonymous(Origin::default()), Verb::Post).await;
        let answer: Json = serde_json::from_slice(&answer.body.to_vec()).unwrap();
        let sent = api.database.statements() - before;
        assert_eq!(answer["extensions"]["cost"]["statements"], expected, "{query}: {answer}");
        assert_eq!(sent, expected, "{query}");
    }
    drop(api);
    db.close().await;
}

#[tokio::test]
async fn who_wrote_an_entry_is_not_public() {
    let site = Site::with_demo().await;
    let answer = site.ask("{ products(first: 1) { nodes { createdBy updatedBy publishedBy publishedAt } } }").await;
    let codes: Vec<_> = answer["errors"].as_array().unwrap().iter().map(|error| &error["extensions"]["code"]).collect();
    assert_eq!(codes, ["UNAUTHENTICATED"; 3], "who wrote it is not public: {answer}");
    site.stop().await;
}
