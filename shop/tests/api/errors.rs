//! Errors of fields as in section 6.4.4 of the specification: each has its path, and null propagates no further than
//! necessary.

use runtime::access::{Actor, Origin};
use runtime::graphql::{Api, Request, Verb};
use runtime::hooks::HookSet;
use runtime::serde_json::{self, Value as Json, json};
use runtime::site::SiteCode;

use crate::client::{Site, standing};

/// `path code` of each error, and the data.
fn told(answer: &Json) -> (Vec<String>, &Json) {
    let errors = answer["errors"].as_array().into_iter().flatten();
    let line = |error: &Json| format!("{} {}", error["path"], error["extensions"]["code"].as_str().unwrap());
    (errors.map(line).collect(), &answer["data"])
}

async fn ids(site: &Site) -> (Json, Json) {
    let answer =
        site.ask(r#"{ productBySlug(slug: "cone-dripper") { id } brandBySlug(slug: "brenner") { id } }"#).await;
    (answer["data"]["productBySlug"]["id"].clone(), answer["data"]["brandBySlug"]["id"].clone())
}

#[tokio::test]
async fn a_wrong_argument_is_told_at_its_field_and_spoils_no_other() {
    let site = Site::with_demo().await;
    let (product, brand) = ids(&site).await;
    for (query, errors, data) in [
        (
            format!(
                "{{ p: product(id: {product}) {{ tc: tagsConnection(after: \"bad\") {{ totalCount }} }} me {{ kind }} }}"
            ),
            vec![r#"["p","tc"] INVALID_CURSOR"#],
            json!({"p": null, "me": {"kind": "ANONYMOUS"}}),
        ),
        // The brand's products cannot be null, so the brand becomes null, which a product allows.
        (
            format!("{{ product(id: {product}) {{ slug b: brand {{ name products(first: -1) {{ id }} }} name }} }}"),
            vec![r#"["product","b","products"] BAD_USER_INPUT"#],
            json!({"product": {"slug": "cone-dripper", "b": null, "name": "Cone Dripper"}}),
        ),
        (
            format!(
                "{{ nodes(ids: [{product}, {brand}, {product}]) {{ id ... on Product {{ tags(first: -1) {{ id }} }} }} me {{ kind }} }}"
            ),
            vec![r#"["nodes",0,"tags"] BAD_USER_INPUT"#, r#"["nodes",2,"tags"] BAD_USER_INPUT"#],
            json!({"nodes": [null, {"id": brand}, null], "me": {"kind": "ANONYMOUS"}}),
        ),
        (
            "{ products(first: 2) { nodes { tags(first: -1) { id } } } me { kind } }".into(),
            vec![r#"["products","nodes",0,"tags"] BAD_USER_INPUT"#],
            Json::Null,
        ),
        (
            "{ products(first: 2) { totalCount edges { node { t: tags(first: -1) { id } } } } }".into(),
            vec![r#"["products","edges",0,"node","t"] BAD_USER_INPUT"#],
            Json::Null,
        ),
        // In a list inside a component in a list of blocks.
        (
            "{ p: productBySlug(slug: \"cone-dripper\") { body { ... on Gallery { images(first: -1) { url } } } } }"
                .into(),
            vec![r#"["p","body",1,"images"] BAD_USER_INPUT"#],
            json!({"p": null}),
        ),
        (
            "{ p: productBySlug(slug: \"cone-dripper\") { id } product(id: \"x\") { id } }".into(),
            vec![r#"["product"] BAD_USER_INPUT"#],
            json!({"p": {"id": product}, "product": null}),
        ),
    ] {
        let answer = site.ask(&query).await;
        assert_eq!(told(&answer), (errors.into_iter().map(str::to_owned).collect(), &data), "{query}: {answer}");
    }
    site.stop().await;
}

#[tokio::test]
async fn nothing_is_told_of_what_is_never_reached() {
    let site = Site::with_demo().await;
    let none = "\"product_00000000000000000000000000\"";
    for (query, data) in [
        ("{ nodes(ids: []) { ... on Product { tagsConnection(after: \"bad\") { totalCount } } } }".to_owned(), json!({"nodes": []})),
        (format!("{{ product(id: {none}) {{ tags(first: -1) {{ id }} }} }}"), json!({"product": null})),
        (format!("{{ nodes(ids: [{none}]) {{ ... on Product {{ tags(first: -1) {{ id }} }} }} }}"), json!({"nodes": [null]})),
        ("{ products(first: 0) { nodes { brand { products(first: -1) { id } } } } }".into(), json!({"products": {"nodes": []}})),
        (
            "{ products(filter: {slug: {eq: \"nowhere\"}}) { nodes { tagsConnection(first: 1, last: 1) { totalCount } } } }".into(),
            json!({"products": {"nodes": []}}),
        ),
        (
            "{ p: productBySlug(slug: \"cone-dripper\") { body { ... on Faq { __typename } ... on Gallery @skip(if: true) { images(first: -1) { url } } } } }".into(),
            json!({"p": {"body": [{}, {}]}}),
        ),
    ] {
        let answer = site.ask(&query).await;
        assert_eq!(told(&answer), (Vec::new(), &data), "{query}: {answer}");
    }
    site.stop().await;
}

#[tokio::test]
async fn all_that_is_wrong_with_one_list_is_told_for_each_place_of_it() {
    let site = Site::with_demo().await;
    let (product, brand) = ids(&site).await;
    let query = format!(
        "{{ nodes(ids: [{product}, {brand}]) {{ ... on Product {{ tagsConnection(first: -1, after: \"bad\") {{ totalCount }} }}
            ... on Brand {{ productsConnection(filter: {{slug: {{startsWith: null}}}}, first: 1, last: 1) {{ totalCount }} }} }} }}"
    );
    let answer = site.ask(&query).await;
    let (errors, data) = told(&answer);
    let expected = [
        r#"["nodes",0,"tagsConnection"] BAD_USER_INPUT"#,
        r#"["nodes",0,"tagsConnection"] INVALID_CURSOR"#,
        r#"["nodes",1,"productsConnection"] BAD_USER_INPUT"#,
        r#"["nodes",1,"productsConnection"] BAD_USER_INPUT"#,
    ];
    assert_eq!(
        (errors.as_slice(), data),
        (expected.map(str::to_owned).as_slice(), &json!({"nodes": [null, null]})),
        "{answer}"
    );
    assert_eq!(answer["errors"][1]["extensions"]["inputPath"], json!(["after"]));
    assert_eq!(
        answer["errors"][0]["locations"],
        json!([{"line": 1, "column": query.find("tagsConnection").unwrap() + 1}])
    );
    site.stop().await;
}

#[tokio::test]
async fn each_mutation_fails_on_its_own() {
    let site = Site::empty().await;
    let answer = site
        .ask_as_developer(
            r#"mutation {
                a: createTag(input: {name: ""}) { id }
                b: deleteTag(id: "tag_01h455vb4pex5vsknk084sn02q", revision: 1)
                c: createTag(input: {name: "Kept"}) { name productsConnection(first: 1, last: 1) { totalCount } }
                d: createTag(input: {name: "Shown"}) { name }
            }"#,
            json!({}),
        )
        .await;
    let (errors, data) = told(&answer);
    assert_eq!(data, &json!({"a": null, "b": null, "c": null, "d": {"name": "Shown"}}), "{answer}");
    let expected = [
        r#"["a"] INVALID_VALUE"#,
        r#"["a"] INVALID_VALUE"#,
        r#"["b"] NOT_FOUND"#,
        r#"["c","productsConnection"] BAD_USER_INPUT"#,
    ];
    assert_eq!(errors, expected, "{answer}");
    // The write is kept, although its result could not be shown.
    let kept = site.ask_as_developer("{ tags(stage: DRAFT) { nodes { name } } }", json!({})).await;
    assert_eq!(kept["data"]["tags"]["nodes"].as_array().unwrap().len(), 2, "{kept}");
    site.stop().await;
}

#[tokio::test]
async fn code_of_the_site_that_fails_is_told_at_the_field_that_it_answers() {
    let site = Site::with_demo().await;
    let database = site.db.database(&generated::SCHEMA);
    // Without the site's code, each of its fields fails.
    let api = Api::new(database, standing(), HookSet::default(), SiteCode::default()).unwrap();
    let ask = async |query: &str| {
        let request = Request { query: query.to_owned(), ..Request::default() };
        let answer = api.execute(&request, Actor::anonymous(Origin::default()), Verb::Post).await;
        serde_json::from_slice::<Json>(&answer.body.to_vec()).unwrap()
    };
    let answer = ask("{ products(first: 2) { nodes { sale: onSale } } me { kind } }").await;
    assert_eq!(told(&answer), (vec![r#"["products","nodes",0,"sale"] INTERNAL"#.to_owned()], &Json::Null), "{answer}");
    let query = "{ p: productBySlug(slug: \"cone-dripper\") { name onSale } me { kind } }";
    let data = json!({"p": null, "me": {"kind": "ANONYMOUS"}});
    assert_eq!(told(&ask(query).await), (vec![r#"["p","onSale"] INTERNAL"#.to_owned()], &data));
    assert_eq!(told(&ask("{ best: bestOf(category: \"x\") { id } }").await).0, [r#"["best"] INTERNAL"#]);
    let size = ask("{ best: bestOf(category: \"x\", first: -1) { id } }").await;
    assert_eq!(told(&size), (vec![r#"["best"] BAD_USER_INPUT"#.to_owned()], &Json::Null));
    assert_eq!(size["errors"][0]["extensions"]["inputPath"], json!(["first"]));
    site.stop().await;
}

#[tokio::test]
async fn an_entry_that_lacks_what_is_required_now_is_no_null_where_none_can_be() {
    let site = Site::with_demo().await;
    let stored = r#"update live.product set body = '[{"_type": "text", "heading": "H"}, {"_type": "text", "body": "B"}]',
        options = '[{"_type": "product_option", "values": [1]}]' where slug = 'cone-dripper'"#;
    assert_eq!(sqlx::query(stored).execute(&site.db.pool).await.unwrap().rows_affected(), 1);
    let ask = async |selection: &str| {
        site.ask(&format!("{{ p: productBySlug(slug: \"cone-dripper\") {{ name {selection} }} me {{ kind }} }}")).await
    };
    for (selection, path) in [
        ("body { ... on Text { heading b: body } }", r#"["p","body",0,"b"] INVALID_VALUE"#),
        ("o: options { values name }", r#"["p","o",0,"name"] INVALID_VALUE"#),
    ] {
        let answer = ask(selection).await;
        let data = json!({"p": null, "me": {"kind": "ANONYMOUS"}});
        assert_eq!(told(&answer), (vec![path.to_owned()], &data), "{answer}");
    }
    let answer = ask("body { ... on Text { heading } } options { values }").await;
    let shown =
        json!({"name": "Cone Dripper", "body": [{"heading": "H"}, {"heading": null}], "options": [{"values": [1]}]});
    assert_eq!(told(&answer), (Vec::new(), &json!({"p": shown, "me": {"kind": "ANONYMOUS"}})), "{answer}");
    site.stop().await;
}

#[tokio::test]
async fn a_filter_that_is_wrong_in_many_places_is_not_told_without_end() {
    let site = Site::with_demo().await;
    let wrong = "{slug: {startsWith: null}}, ".repeat(60);
    let brands = vec![ids(&site).await.1.to_string(); 20].join(" ");
    let query =
        format!("{{ nodes(ids: [{brands}]) {{ ... on Brand {{ products(filter: {{and: [{wrong}]}}) {{ id }} }} }} }}");
    let answer = site.ask(&query).await;
    assert_eq!(answer["data"]["nodes"].as_array().unwrap().len(), 20, "{answer}");
    assert_eq!(answer["errors"].as_array().unwrap().len(), 1_000);
    site.stop().await;
}
