//! Responses to accounts and tokens: shared by those whom the rules treat alike, and by nobody else. Those of the site's own code.

use runtime::serde_json::{Value as Json, json};

use super::{get, heard, is_hit, make, product, site, told};
use crate::client::{Answer, Node, account};

async fn by(node: &Node, token: &str, query: &str) -> Answer {
    let token = format!("Bearer {token}");
    node.post(&json!({ "query": query }), &[("authorization", &token)]).await
}

#[tokio::test]
async fn accounts_share_what_their_rules_have_in_common() {
    let site = site().await;
    product(&site, "Chair").await;
    let (_, viewer) = account(&site, "ada@shop.example", "viewer").await;
    let (_, other) = account(&site, "bob@shop.example", "viewer").await;
    let (_, author) = account(&site, "eve@shop.example", "author").await;
    heard().await;
    let secret = "{ products { nodes { name externalRef } } }";
    assert_eq!(told(&by(&site, &viewer, secret).await), "miss");
    let shared = by(&site, &other, secret).await;
    assert!(is_hit(&shared), "{shared:?}");
    assert_eq!(shared.json()["data"]["products"]["nodes"], json!([{ "name": "Chair", "externalRef": null }]));
    // Others are refused, though there is a response.
    for refused in [get(&site, secret).await, by(&site, &author, secret).await] {
        assert_eq!(refused.json()["data"], Json::Null, "{refused:?}");
        assert!(refused.json()["errors"][0]["extensions"]["code"].is_string());
        assert!(!is_hit(&refused));
    }
    // Each class reads what all may see for itself.
    let names = "{ products { nodes { name } } }";
    for token in [&viewer, &author] {
        assert_eq!(told(&by(&site, token, names).await), "miss");
        assert!(is_hit(&by(&site, token, names).await));
    }
    assert_eq!(told(&get(&site, names).await), "miss");
    // Who must see a change that another node has made asks for it.
    let token = format!("Bearer {viewer}");
    let headers = [("authorization", token.as_str()), ("cache-control", "max-age=0, No-Cache")];
    let anew = site.post(&json!({ "query": names }), &headers).await;
    assert_eq!(told(&anew), "bypass; reason=sender");
    // A change ends the responses of all classes.
    let rename =
        "mutation { made: createProduct(input: { name: \"Table\", price: { amount: \"1\" } }, publish: true) { id } }";
    make(&site, rename, json!({})).await;
    for token in [&viewer, &author] {
        let answer = by(&site, token, names).await;
        assert!(answer.body.contains("Table"), "{answer:?}");
    }
    // Drafts are kept for nobody.
    let drafts = "{ products(stage: DRAFT) { nodes { name } } }";
    for _ in 0..2 {
        assert_eq!(told(&by(&site, &viewer, drafts).await), "bypass; reason=operation");
    }
    site.stop().await;
}

#[tokio::test]
async fn the_body_tells_developers_what_the_cache_did() {
    let site = site().await;
    product(&site, "Chair").await;
    heard().await;
    let names = "{ products { nodes { name } } }";
    let cache = |answer: &Answer| answer.json()["extensions"]["cache"].clone();
    assert_eq!(cache(&get(&site, names).await), json!({ "result": "miss" }));
    let hit = cache(&get(&site, names).await);
    assert_eq!(hit["result"], "hit");
    assert!(hit["age"].as_u64().is_some_and(|age| age < 60), "{hit}");
    let computed = cache(&get(&site, "{ resolve(path: \"/nowhere\") { __typename } }").await);
    assert_eq!(computed, json!({ "result": "bypass", "reason": "sources" }));
    // The bytes of a response to GET are those of its tag.
    let path = format!("/graphql?query={}", names.replace(' ', "%20").replace('{', "%7B").replace('}', "%7D"));
    let by_get = site.send("GET", &path, &[], "").await;
    assert!(is_hit(&by_get) && by_get.json()["extensions"]["cache"].is_null(), "{by_get:?}");
    site.stop().await;
}

#[tokio::test]
async fn own_code_that_says_what_it_reads_is_cached_until_that_changes() {
    let site = site().await;
    let category = "mutation { made: createCategory(input: { name: \"Mugs\", slug: \"mugs\" }) { id } }";
    let category = make(&site, category, json!({})).await["id"].clone();
    let create =
        "mutation($input: ProductCreateInput!) { made: createProduct(input: $input, publish: true) { id revision } }";
    let mug = |name: &str| json!({ "input": { "name": name, "price": { "amount": "2" }, "categories": { "set": [{ "id": category }] } } });
    let made = make(&site, create, mug("Mug")).await;
    heard().await;
    let reduced = "{ products { nodes { name onSale } } }";
    let best = "{ bestOf(category: \"mugs\", first: 5) { name } }";
    for query in [reduced, best] {
        assert_eq!(told(&get(&site, query).await), "miss", "{query}");
        assert!(is_hit(&get(&site, query).await), "{query}");
    }
    let update = "mutation($id: ID!, $revision: Int!) { made: updateProduct(id: $id, revision: $revision, input: { compareAtPrice: { amount: \"3\" } }, publish: true) { id } }";
    make(&site, update, json!({ "id": made["id"], "revision": made["revision"] })).await;
    let after = get(&site, reduced).await;
    assert_eq!(
        after.json()["data"]["products"]["nodes"],
        json!([{ "name": "Mug", "onSale": true }]),
        "{}",
        told(&after)
    );
    make(&site, create, mug("Cup")).await;
    let after = get(&site, best).await;
    assert_eq!(after.json()["data"]["bestOf"], json!([{ "name": "Mug" }, { "name": "Cup" }]), "{}", told(&after));
    // A change of the category does not pass it by, though the response shows none.
    let rename = "mutation($id: ID!) { made: updateCategory(id: $id, revision: 1, input: { slug: \"cups\" }) { id } }";
    make(&site, rename, json!({ "id": category })).await;
    assert_eq!(get(&site, best).await.json()["data"]["bestOf"], json!([]));
    site.stop().await;
}
