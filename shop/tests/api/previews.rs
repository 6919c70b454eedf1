//! Preview links: what they show, to whom, and for how long.

use runtime::serde_json::{Value as Json, json};

use crate::client::Site;

async fn told(site: &Site, query: &str, variables: Json) -> Json {
    let answer = site.ask_as_developer(query, variables).await;
    assert!(answer.get("errors").is_none(), "{answer}");
    answer["data"].clone()
}

async fn product(site: &Site, name: &str, publish: bool) -> String {
    let create = "mutation($name: String!, $publish: Boolean!) {
        made: createProduct(input: { name: $name, price: { amount: \"10\" }, externalRef: $name }, publish: $publish) { id } }";
    let made = told(site, create, json!({ "name": name, "publish": publish })).await;
    made["made"]["id"].as_str().unwrap().to_owned()
}

async fn rename(site: &Site, id: &str, name: &str) {
    let update = "mutation($id: ID!, $name: String!) { made: updateProduct(id: $id, revision: 1, input: { name: $name }) { id } }";
    told(site, update, json!({ "id": id, "name": name })).await;
}

/// A link by these arguments: its token and its id.
async fn link(site: &Site, arguments: &str) -> (String, String) {
    let create =
        format!("mutation {{ made: createPreviewLink({arguments}) {{ token url link {{ id kind target }} }} }}");
    let made = told(site, &create, json!({})).await["made"].clone();
    let token = made["token"].as_str().unwrap().to_owned();
    assert!(made["url"].as_str().unwrap().ends_with(&format!("/preview?token={token}")), "{made}");
    (token, made["link"]["id"].as_str().unwrap().to_owned())
}

const NAMES: &str = "{ products(first: 50, orderBy: [{ field: NAME, direction: ASC }]) { totalCount nodes { name } } }";

/// What a visitor with these headers reads: the names of products.
async fn names(site: &Site, headers: &[(&str, &str)]) -> Vec<String> {
    let answer = site.post(&json!({ "query": NAMES }), headers).await.json();
    let found = answer["data"]["products"]["nodes"].as_array().unwrap_or_else(|| panic!("{answer}"));
    assert_eq!(answer["data"]["products"]["totalCount"], found.len());
    found.iter().map(|node| node["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_link_shows_one_draft_as_if_it_were_published_and_nothing_else() {
    let site = Site::empty().await;
    let changed = product(&site, "Before", true).await;
    rename(&site, &changed, "After").await;
    product(&site, "Secret", false).await;
    let (token, _) = link(&site, &format!("entry: \"{changed}\"")).await;
    let with = [("typecase-preview", token.as_str())];
    assert_eq!(names(&site, &[]).await, ["Before"]);
    assert_eq!(names(&site, &with).await, ["After"]);

    let answer = site.post(&json!({ "query": NAMES }), &with).await;
    assert_eq!(answer.header("cache-control"), Some("private, no-store"));
    assert_eq!(answer.header("x-robots-tag"), Some("noindex, nofollow"));
    let about = answer.json()["extensions"]["preview"].clone();
    assert_eq!((&about["kind"], &about["target"]), (&json!("ENTRY"), &json!(changed)));
    let plain = site.post(&json!({ "query": NAMES }), &[]).await.json();
    assert!(plain["extensions"].get("preview").is_none(), "{plain}");

    for refused in [
        "{ products(stage: DRAFT) { totalCount } }".to_owned(),
        "{ products { nodes { externalRef } } }".to_owned(),
        format!("{{ productRevision(id: \"{changed}\", revision: 1) {{ name }} }}"),
        "{ previewLinks { id } }".to_owned(),
        "mutation { createPreviewLink(drafts: true) { token } }".to_owned(),
        format!("mutation {{ deleteProduct(id: \"{changed}\", revision: 2) }}"),
    ] {
        let answer = site.post(&json!({ "query": refused }), &with).await.json();
        let code = answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_else(|| panic!("{refused}: {answer}"));
        assert!(["FORBIDDEN", "UNAUTHENTICATED"].contains(&code), "{refused}: {answer}");
    }
    site.stop().await;
}

#[tokio::test]
async fn a_browser_gets_a_cookie_and_keeps_it_to_the_end() {
    let site = Site::empty().await;
    let changed = product(&site, "Before", true).await;
    rename(&site, &changed, "After").await;
    product(&site, "New", false).await;
    let (token, id) = link(&site, "drafts: true, hours: 1").await;
    let opened = site.send("GET", &format!("/preview?token={token}"), &[], "").await;
    assert_eq!(opened.status, 200, "{opened:?}");
    let set = opened.header("set-cookie").unwrap().to_owned();
    assert!(set.contains("HttpOnly") && set.contains("Path=/"), "{set}");
    let cookie = set.split(';').next().unwrap().to_owned();
    let with = [("cookie", cookie.as_str())];
    assert_eq!(names(&site, &with).await, ["After", "New"]);
    let ended = site.send("GET", "/preview/end", &with, "").await;
    assert!(ended.header("set-cookie").unwrap().contains("Max-Age=0"), "{ended:?}");

    told(&site, "mutation($id: ID!) { revokePreviewLink(id: $id) }", json!({ "id": id })).await;
    // The cookie has ended: what is published is read. The header would deceive its sender.
    assert_eq!(names(&site, &with).await, ["Before"]);
    let answer = site.post(&json!({ "query": NAMES }), &[("typecase-preview", &token)]).await;
    assert_eq!((answer.status, &answer.json()["errors"][0]["extensions"]["code"]), (401, &json!("UNAUTHENTICATED")));
    let opened = site.send("GET", &format!("/preview?token={token}"), &[], "").await;
    assert_eq!((opened.status, opened.header("set-cookie")), (404, None));
    site.stop().await;
}

#[tokio::test]
async fn a_link_leads_to_the_page_of_its_entry() {
    let site = Site::empty().await;
    let chair = product(&site, "Grün & Chair", false).await;
    let (token, _) = link(&site, &format!("entry: \"{chair}\"")).await;
    let opened = site.send("GET", &format!("/preview?token={token}"), &[], "").await;
    let page = format!("https://shop.example/products/grun-chair?preview={token}");
    assert_eq!((opened.status, opened.header("location")), (303, Some(page.as_str())), "{opened:?}");
    assert!(opened.header("set-cookie").is_some());
    // The path of the draft leads to it with the token alone.
    let resolve = json!({ "query": "{ resolve(path: \"/products/grun-chair\") { ... on Product { id } } }" });
    let with = site.post(&resolve, &[("typecase-preview", &token)]).await.json();
    assert_eq!(with["data"]["resolve"]["id"], chair, "{with}");
    assert_eq!(site.post(&resolve, &[]).await.json()["data"]["resolve"], Json::Null);
    site.stop().await;
}

#[tokio::test]
async fn a_link_to_a_release_shows_it_until_it_is_published() {
    let site = Site::empty().await;
    let (new, leaving) = (product(&site, "New", false).await, product(&site, "Leaving", true).await);
    let made = told(&site, "mutation { made: createRelease(title: \"Winter\") { id } }", json!({})).await;
    let release = made["made"]["id"].as_str().unwrap().to_owned();
    let add =
        "mutation($id: ID!, $changes: [ReleaseChangeInput!]!) { addToRelease(id: $id, changes: $changes) { size } }";
    let changes = json!([{ "entry": new }, { "entry": leaving, "action": "UNPUBLISH" }]);
    told(&site, add, json!({ "id": release, "changes": changes })).await;
    let (token, _) = link(&site, &format!("release: \"{release}\"")).await;
    let with = [("typecase-preview", token.as_str())];
    assert_eq!(names(&site, &[]).await, ["Leaving"]);
    assert_eq!(names(&site, &with).await, ["New"]);
    told(&site, "mutation($id: ID!) { publishRelease(id: $id) { id } }", json!({ "id": release })).await;
    assert_eq!(names(&site, &[]).await, ["New"]);
    assert_eq!(names(&site, &with).await, ["New"]);
    site.stop().await;
}

#[tokio::test]
async fn a_token_that_is_forged_or_made_for_something_else_shows_nothing() {
    let site = Site::empty().await;
    let entry = product(&site, "Secret", false).await;
    let (token, _) = link(&site, &format!("entry: \"{entry}\"")).await;
    let (head, rest) = token.split_once('.').unwrap();
    let (claims, signature) = rest.split_once('.').unwrap();
    for forged in [
        String::new(),
        "x".to_owned(),
        format!("{head}.{claims}."),
        format!("{head}.{claims}.{}", signature.chars().rev().collect::<String>()),
        format!("{head}.{}.{signature}", claims.replace('a', "b")),
    ] {
        let answer = site.post(&json!({ "query": NAMES }), &[("typecase-preview", &forged)]).await;
        assert_eq!(answer.status, 401, "{forged}");
    }
    // It is no access token either.
    let answer = site.post(&json!({ "query": NAMES }), &[("authorization", &format!("Bearer {token}"))]).await;
    assert_eq!(answer.status, 401);
    for (arguments, code) in [
        (format!("entry: \"{entry}\", hours: 0"), "INVALID_VALUE"),
        (format!("entry: \"{entry}\", hours: 721"), "INVALID_VALUE"),
        (format!("entry: \"{entry}\", drafts: true"), "BAD_USER_INPUT"),
        ("hours: 1".to_owned(), "BAD_USER_INPUT"),
        ("entry: \"product_01h455vb4pex5vsknk084sn02q\"".to_owned(), "NOT_FOUND"),
    ] {
        let create = format!("mutation {{ createPreviewLink({arguments}) {{ token }} }}");
        let answer = site.ask_as_developer(&create, json!({})).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], code, "{answer}");
    }
    site.stop().await;
}
