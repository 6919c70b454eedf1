//! `me`, `explainAccess` and `auditLog`: what the API reports about its actors.

use runtime::id;
use runtime::serde_json::{Value as Json, json};

use crate::client::{Site, text};

async fn ask(site: &Site, query: &str, token: Option<&str>) -> Json {
    site.post("/graphql", json!({ "query": query }), token).await.json()
}

fn code(answer: &Json) -> &str {
    text(&answer["errors"][0]["extensions"]["code"])
}

#[tokio::test]
async fn everybody_is_told_who_they_are() {
    let site = Site::new().await;
    let user = site.user("ada@shop.example", "editor").await;
    let tokens = site.sign_in("ada@shop.example").await;
    let query = "{ me { __typename who: id kind email name role manages also: role } }";
    let me = ask(&site, query, Some(text(&tokens["accessToken"]))).await;
    let expected = json!({"__typename": "Me", "who": id::encode("user", user.id), "kind": "USER", "email": "ada@shop.example", "name": "Ada",
        "role": "editor", "manages": [], "also": "editor"});
    assert_eq!(me["data"]["me"], expected);
    let nobody = ask(&site, "{ me { id kind role email } }", None).await;
    let expected = json!({"id": null, "kind": "ANONYMOUS", "role": "anonymous", "email": null});
    assert_eq!(nobody["data"]["me"], expected);
    site.stop().await;
}

#[tokio::test]
async fn an_administrator_is_told_why() {
    let site = Site::new().await;
    site.user("root@shop.example", "admin").await;
    let author = site.user("ada@shop.example", "author").await;
    let admin = site.sign_in("root@shop.example").await;
    let admin = text(&admin["accessToken"]);
    let explain = async |arguments: &str| {
        let query = format!("{{ explainAccess({arguments}) {{ allowed role reasons }} }}");
        ask(&site, &query, Some(admin)).await
    };
    let own = explain(r#"type: "Product", action: DELETE"#).await;
    assert_eq!(own["data"]["explainAccess"]["allowed"], true, "{own}");
    let viewer = explain(r#"type: "Product", action: DELETE, role: "viewer""#).await;
    let viewer = &viewer["data"]["explainAccess"];
    assert_eq!((&viewer["allowed"], &viewer["role"]), (&json!(false), &json!("viewer")));
    assert!(text(&viewer["reasons"][0]).contains("no rule"), "{viewer}");
    let as_in_the_schema = explain(r#"type: "product", action: DELETE, role: "viewer""#).await;
    assert_eq!(as_in_the_schema["data"]["explainAccess"], *viewer);
    let mutation = r#"mutation { createPost(input: {title: "Mine", body: "x"}) { id } }"#;
    let post = ask(&site, mutation, Some(admin)).await;
    let post = text(&post["data"]["createPost"]["id"]);
    let user = id::encode("user", author.id);
    let foreign = explain(&format!(r#"type: "Post", action: UPDATE, id: "{post}", user: "{user}""#)).await;
    let foreign = &foreign["data"]["explainAccess"];
    assert_eq!(foreign["allowed"], false, "{foreign}");
    assert!(foreign["reasons"].to_string().contains("does not pass"), "{foreign}");
    let live = explain(&format!(r#"type: "Post", action: READ, id: "{post}", role: "anonymous""#)).await;
    assert!(live["data"]["explainAccess"]["reasons"].to_string().contains("the live entry does not exist"), "{live}");
    let wrong = [
        r#"type: "Nothing", action: READ"#,
        r#"type: "Post", action: READ, role: "king""#,
        r#"type: "Post", action: READ, user: "user_00000000000000000000000000""#,
        r#"type: "Post", action: READ, id: "product_00000000000000000000000000""#,
    ];
    for wrong in wrong {
        assert_eq!(code(&explain(wrong).await), "BAD_USER_INPUT", "{wrong}");
    }
    let editor = site.user("bob@shop.example", "editor").await;
    let tokens = site.sign_in(&editor.email).await;
    let refused =
        ask(&site, r#"{ explainAccess(type: "Post", action: READ) { allowed } }"#, Some(text(&tokens["accessToken"])))
            .await;
    assert_eq!(code(&refused), "FORBIDDEN");
    site.stop().await;
}

#[tokio::test]
async fn the_audit_log_is_read_in_pages_by_those_who_manage_it() {
    let site = Site::new().await;
    let root = site.user("root@shop.example", "admin").await;
    for name in ["a", "b", "c"] {
        site.user(&format!("{name}@shop.example"), "editor").await;
        site.sign_in(&format!("{name}@shop.example")).await;
    }
    let tokens = site.sign_in("root@shop.example").await;
    let admin = text(&tokens["accessToken"]);
    let all = "{ auditLog(first: 100) { totalCount nodes { id } pageInfo { hasNextPage } } }";
    let all = ask(&site, all, Some(admin)).await;
    let log = &all["data"]["auditLog"];
    let ids: Vec<_> = log["nodes"].as_array().expect("lines").iter().map(|line| line["id"].clone()).collect();
    assert!(ids.len() >= 8, "four users and four sign-ins: {all}");
    assert_eq!((&log["totalCount"], &log["pageInfo"]["hasNextPage"]), (&json!(ids.len()), &json!(false)));
    // The pages in both directions add up to the whole log.
    let (mut forwards, mut cursor) = (Vec::new(), Json::Null);
    loop {
        let after = if cursor.is_null() { String::new() } else { format!(", after: {cursor}") };
        let query = format!(
            "{{ auditLog(first: 3{after}) {{ edges {{ cursor node {{ id }} }} pageInfo {{ endCursor hasNextPage }} }} }}"
        );
        let page = ask(&site, &query, Some(admin)).await;
        let page = &page["data"]["auditLog"];
        forwards.extend(page["edges"].as_array().expect("edges").iter().map(|edge| edge["node"]["id"].clone()));
        cursor = page["pageInfo"]["endCursor"].clone();
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    assert_eq!(forwards, ids);
    let query =
        format!("{{ auditLog(last: 2, before: {cursor}) {{ nodes {{ id }} pageInfo {{ hasPreviousPage }} }} }}");
    let page = ask(&site, &query, Some(admin)).await;
    let page = &page["data"]["auditLog"];
    let back: Vec<_> = page["nodes"].as_array().expect("lines").iter().map(|line| line["id"].clone()).collect();
    assert_eq!(back, ids[ids.len() - 3..ids.len() - 1]);
    assert_eq!(page["pageInfo"]["hasPreviousPage"], true);
    let root = id::encode("user", root.id);
    let query = format!(
        r#"{{ auditLog(filter: {{actor: "{root}", since: "2020-01-01T00:00:00Z"}}) {{ nodes {{ action actor actorKind actorName role }} }} }}"#
    );
    let own = ask(&site, &query, Some(admin)).await;
    let lines = own["data"]["auditLog"]["nodes"].as_array().expect("lines").clone();
    assert!(!lines.is_empty(), "{own}");
    assert!(lines.iter().all(|line| line["actor"] == json!(root) && line["actorName"] == "root@shop.example"), "{own}");
    let none = r#"{ auditLog(filter: {until: "2020-01-01T00:00:00Z"}) { totalCount } }"#;
    assert_eq!(ask(&site, none, Some(admin)).await["data"]["auditLog"]["totalCount"], 0);
    let tokens = site.sign_in("a@shop.example").await;
    for (token, expected) in [(Some(text(&tokens["accessToken"])), "FORBIDDEN"), (None, "UNAUTHENTICATED")] {
        assert_eq!(code(&ask(&site, "{ auditLog { totalCount } }", token).await), expected);
    }
    assert_eq!(code(&ask(&site, r#"{ auditLog(after: "x") { totalCount } }"#, Some(admin)).await), "INVALID_CURSOR");
    assert_eq!(code(&ask(&site, "{ auditLog(first: 1000) { totalCount } }", Some(admin)).await), "LIMIT_EXCEEDED");
    site.stop().await;
}
