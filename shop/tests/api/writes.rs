//! The writes of an editing tool: drafts, publishing, optimistic locking by revision, nested inputs, and refusals.

use runtime::serde_json::{Value as Json, json};

use crate::client::Site;

fn error(answer: &Json, index: usize) -> (&str, &Json, &Json) {
    let error = &answer["errors"][index];
    let code = error["extensions"]["code"].as_str().unwrap_or_else(|| panic!("no error {index}: {answer}"));
    (code, &error["path"], &error["extensions"]["inputPath"])
}

#[tokio::test]
async fn a_draft_is_seen_by_editors_alone_until_it_is_published() {
    let site = Site::empty().await;
    let create =
        r#"mutation { createProduct(input: {name: "Chair", price: {amount: "49.90"}}) { id slug status revision } }"#;
    let created = site.ask_as_developer(create, json!({})).await;
    let product = &created["data"]["createProduct"];
    assert_eq!(
        (&product["slug"], &product["status"], &product["revision"]),
        (&json!("chair"), &json!("DRAFT"), &json!(1)),
        "{created}"
    );
    let public = r#"{ productBySlug(slug: "chair") { name } }"#;
    assert_eq!(site.ask(public).await["data"], json!({"productBySlug": null}));
    let drafts = r#"{ products(stage: DRAFT) { nodes { name status } } }"#;
    assert_eq!(site.ask_as_developer(drafts, json!({})).await["data"]["products"]["nodes"][0]["status"], "DRAFT");
    let publish = format!("mutation {{ publishProduct(id: {}, revision: 1) {{ status publishedAt }} }}", product["id"]);
    assert_eq!(site.ask_as_developer(&publish, json!({})).await["data"]["publishProduct"]["status"], "PUBLISHED");
    assert_eq!(site.ask(public).await["data"]["productBySlug"]["name"], "Chair");
    let update = format!(
        r#"mutation {{ updateProduct(id: {}, revision: 1, input: {{name: "Armchair"}}) {{ status revision }} }}"#,
        product["id"]
    );
    let updated = site.ask_as_developer(&update, json!({})).await;
    assert_eq!(updated["data"]["updateProduct"], json!({"status": "CHANGED", "revision": 2}), "{updated}");
    assert_eq!(site.ask(public).await["data"]["productBySlug"]["name"], "Chair");
    let late = site.ask_as_developer(&update, json!({})).await;
    assert_eq!(error(&late, 0).0, "REVISION_MISMATCH");
    let unpublish = format!(
        "mutation {{ unpublishProduct(id: {}, revision: 2) {{ status }} deleteProduct(id: {}, revision: 2) }}",
        product["id"], product["id"]
    );
    let gone = site.ask_as_developer(&unpublish, json!({})).await;
    assert_eq!(
        gone["data"],
        json!({"unpublishProduct": {"status": "DRAFT"}, "deleteProduct": product["id"]}),
        "{gone}"
    );
    site.stop().await;
}

#[tokio::test]
async fn a_product_comes_with_its_relations_in_one_transaction() {
    let site = Site::empty().await;
    let mutation = "mutation($input: ProductCreateInput!) { createProduct(input: $input, publish: true) {
        status brand { name slug } tags { slug } variants { sku price { amount } } price { amountMinor currency } } }";
    let input = json!({
        "name": "Stool", "price": {"amountMinor": 2500},
        "brand": {"create": {"name": "Oak & Ash"}},
        "tags": {"create": [{"name": "New"}, {"name": "Wood"}]},
        "variants": {"create": [{"sku": "ST-1"}, {"sku": "ST-2", "price": {"amount": "30"}}]},
    });
    let created = site.ask_as_developer(mutation, json!({ "input": input })).await;
    let expected = json!({
        "status": "PUBLISHED", "brand": {"name": "Oak & Ash", "slug": "oak-ash"}, "tags": [{"slug": "new"}, {"slug": "wood"}],
        "variants": [{"sku": "ST-1", "price": null}, {"sku": "ST-2", "price": {"amount": "30.00"}}],
        "price": {"amountMinor": "2500", "currency": "EUR"},
    });
    assert_eq!(created["data"]["createProduct"], expected, "{created}");
    let again = site.ask_as_developer(mutation, json!({"input": {"name": "Other", "price": {"amount": 1}, "tags": {"create": [{"name": "Third"}]}, "variants": {"create": [{"sku": "ST-2"}]}}})).await;
    assert_eq!(error(&again, 0).0, "CONFLICT", "{again}");
    let tags = site.ask("{ tags { totalCount } }").await;
    assert_eq!(tags["data"]["tags"]["totalCount"], 2, "nothing of the refused write stays");
    site.stop().await;
}

#[tokio::test]
async fn a_failed_field_is_null_and_later_ones_run() {
    let site = Site::empty().await;
    let answer = site
        .ask_as_developer(
            r#"mutation {
                a: createTag(input: {name: "A"}) { name }
                b: deleteTag(id: "tag_00000000000000000000000000", revision: 1)
                c: createTag(input: {name: "A"}) { slug }
                d: upsertTags(input: [{key: {slug: "a"}, data: {name: "A, again"}}]) { slug name }
                __typename
            }"#,
            json!({}),
        )
        .await;
    assert_eq!(answer["data"]["a"], json!({"name": "A"}), "{answer}");
    assert_eq!(answer["data"]["b"], Json::Null);
    assert_eq!(answer["data"]["d"], json!([{"slug": "a", "name": "A, again"}]));
    let keys: Vec<_> = answer["data"].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["a", "b", "c", "d", "__typename"]);
    assert_eq!(error(&answer, 0), ("NOT_FOUND", &json!(["b"]), &json!(["id"])));
    site.stop().await;
}

#[tokio::test]
async fn every_mistake_in_an_input_is_told_with_its_path() {
    let site = Site::empty().await;
    let mutation = "mutation($input: ProductCreateInput!) { createProduct(input: $input) { id } }";
    let wrong = json!({"input": {
        "name": "a".repeat(300), "slug": "Not a slug", "price": {"amount": "-1"}, "attributes": [],
        "variants": {"set": [{"sku": "A"}, {"sku": "B", "gtin": "12"}]}, "brand": {"connect": {"slug": "nobody"}},
    }});
    let answer = site.ask_as_developer(mutation, wrong).await;
    let mut paths: Vec<_> =
        (0..answer["errors"].as_array().unwrap().len()).map(|index| error(&answer, index).2.to_string()).collect();
    paths.sort();
    for expected in [r#"["input","name"]"#, r#"["input","slug"]"#, r#"["input","variants","set",1,"gtin"]"#] {
        assert!(
            paths.iter().any(|path| path.starts_with(&expected[..expected.len() - 1])),
            "{expected} is not in {paths:?}"
        );
    }
    assert!(paths.len() >= 5, "{answer}");
    let below_cost = json!({"input": {"name": "Lamp", "variants": {"set": [{"sku": "L", "price": {"amount": "1"}, "cost": {"amount": "2"}}]}}});
    let refused = site.ask_as_developer(mutation, below_cost).await;
    let (code, path, input) = error(&refused, 0);
    assert_eq!((code, path), ("REFUSED", &json!(["createProduct"])));
    assert_eq!(input.as_array().and_then(|path| path.last()), Some(&json!("price")));
    site.stop().await;
}

#[tokio::test]
async fn an_upsert_with_the_revision_of_an_entry_that_is_gone_promises_a_new_one_only_where_one_is_made() {
    let site = Site::empty().await;
    let created = site.ask_as_developer(r#"mutation { createTag(input: {name: "A"}) { id } }"#, json!({})).await;
    let id = created["data"]["createTag"]["id"].clone();
    let gone = format!("mutation {{ deleteTag(id: {id}, revision: 1) }}");
    assert_eq!(site.ask_as_developer(&gone, json!({})).await["data"]["deleteTag"], id);
    let upsert = "mutation($input: [TagUpsertInput!]!) { upsertTags(input: $input) { slug } }";
    let refusal = async |key: Json, revision: Json| {
        let input = json!([{ "key": key, "revision": revision, "data": { "name": "A" } }]);
        let answer = site.ask_as_developer(upsert, json!({ "input": input })).await;
        assert_eq!(answer["data"], json!({ "upsertTags": null }), "{answer}");
        let (code, path, input) = error(&answer, 0);
        assert_eq!(path, &json!(["upsertTags"]));
        json!([code, answer["errors"][0]["message"], input])
    };
    let id = id.as_str().expect("an id");
    let (missing, at_revision) = (format!("Tag `{id}` does not exist"), json!(["input", 0, "revision"]));
    assert_eq!(refusal(json!({ "id": id }), json!(1)).await, json!(["CONFLICT", missing, at_revision]));
    // An id does not create an entry, so this message does not suggest omitting `revision`.
    let by_id = refusal(json!({ "id": id }), Json::Null).await;
    assert_eq!(by_id, json!(["NOT_FOUND", missing, ["input", 0, "key"]]));
    let promise = "no Tag has the slug `a`: omit `revision` to create it";
    assert_eq!(refusal(json!({ "slug": "a" }), json!(1)).await, json!(["CONFLICT", promise, at_revision]));
    let input = json!([{ "key": { "slug": "a" }, "data": { "name": "A" } }]);
    let made = site.ask_as_developer(upsert, json!({ "input": input })).await;
    assert_eq!(made["data"], json!({ "upsertTags": [{ "slug": "a" }] }), "{made}");
    site.stop().await;
}
