//! Response headers for browsers, access to introspection, and known documents.

use runtime::graphql::Audience;
use runtime::http::documents;
use runtime::http::protection::Settings;
use runtime::serde_json::{Value as Json, json};
use runtime::settings::Reader;

use crate::client::{Answer, Outbox, PASSWORD, Site, migrated, protected, text};

async fn site(read: &[(&str, &str)]) -> Site {
    let variable = |name: &str| read.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    let mut reader = Reader::new(&variable);
    let settings = Settings::read(&mut reader);
    assert_eq!(reader.finish(), []);
    let (db, mail) = (migrated().await, Outbox::default());
    Site { server: protected(&db, &mail, settings).await, db, mail }
}

async fn graphql(site: &Site, body: Json, token: Option<&str>) -> Answer {
    site.post("/graphql", body, token).await
}

fn code(answer: &Answer) -> String {
    answer.json()["errors"][0]["extensions"]["code"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn every_answer_tells_browsers_what_it_is_not_for() {
    let site = site(&[]).await;
    for path in ["/graphql", "/auth/me", "/health", "/nothing", "/.well-known/jwks.json"] {
        let answer = site.send("GET", path, &[], Json::Null).await;
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
            ("referrer-policy", "no-referrer"),
            ("strict-transport-security", "max-age=31536000"),
            ("cross-origin-opener-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{path}");
        }
    }
    let wrong_method = site.send("GET", "/auth/sign-in", &[], Json::Null).await;
    assert_eq!((wrong_method.status, wrong_method.header("cache-control")), (405, Some("no-store")));
    site.stop().await;
}

#[tokio::test]
async fn pages_of_listed_origins_may_ask_with_cookies_and_others_may_not() {
    let site = site(&[("TYPECASE_CORS_ORIGINS", "https://app.shop.example")]).await;
    site.user("ada@shop.example", "editor").await;
    let body = json!({ "email": "ada@shop.example", "password": PASSWORD, "cookies": true });
    for (origin, status, allowed) in [
        ("https://app.shop.example", 200, Some("https://app.shop.example")),
        ("https://evil.example", 403, None),
        ("null", 403, None),
    ] {
        let headers = [("content-type", "application/json"), ("origin", origin), ("sec-fetch-site", "same-site")];
        let answer = site.send("POST", "/auth/sign-in", &headers, body.clone()).await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (status, allowed), "{origin}");
        let credentials = answer.header("access-control-allow-credentials");
        assert_eq!(credentials, allowed.map(|_| "true"), "{origin}");
        assert!(answer.headers.iter().any(|(name, value)| name == "vary" && value == "Origin"), "{origin}");
        let asked = [("origin", origin), ("access-control-request-method", "POST")];
        let preflight = site.send("OPTIONS", "/auth/sign-in", &asked, Json::Null).await;
        assert_eq!((preflight.status, preflight.header("access-control-allow-origin")), (204, allowed), "{origin}");
    }
    site.stop().await;
}

#[tokio::test]
async fn pages_may_send_what_tracing_adds_and_what_the_settings_allow() {
    const TRACING: &str = "content-type,authorization,baggage,sentry-trace,traceparent,tracestate,apollographql-client-name,\
        x-apollo-operation-name";
    let preflight = async |site: &Site, asked: &str| {
        let headers = [
            ("origin", "https://shop.example"),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", asked),
        ];
        let answer = site.send("OPTIONS", "/graphql", &headers, Json::Null).await;
        let allowed = answer.header("access-control-allow-headers").unwrap_or_default();
        let allowed: Vec<_> = allowed.split(',').map(|name| name.trim().to_owned()).collect();
        asked.split(',').filter(|name| !allowed.contains(&(*name).to_owned())).map(str::to_owned).collect::<Vec<_>>()
    };
    for origins in ["*", "https://shop.example"] {
        let one = site(&[("TYPECASE_CORS_ORIGINS", origins)]).await;
        assert_eq!(preflight(&one, TRACING).await, [""; 0], "{origins}");
        assert_eq!(preflight(&one, "x-shop").await, ["x-shop"], "{origins}");
        one.stop().await;
    }
    let some = site(&[("TYPECASE_CORS_HEADERS", "X-Shop")]).await;
    assert_eq!(preflight(&some, &format!("{TRACING},x-shop,x-other")).await, ["x-other"]);
    some.stop().await;
    let any = site(&[("TYPECASE_CORS_HEADERS", "*")]).await;
    assert_eq!(preflight(&any, "x-shop,x-other").await, [""; 0]);
    any.stop().await;
}

#[tokio::test]
async fn without_a_list_any_page_reads_the_public_api_and_no_page_the_accounts() {
    let site = site(&[]).await;
    let headers = [("origin", "https://other.example"), ("access-control-request-method", "POST")];
    let preflight = site.send("OPTIONS", "/graphql", &headers, Json::Null).await;
    assert_eq!((preflight.status, preflight.header("access-control-allow-origin")), (204, Some("*")));
    assert_eq!(preflight.header("access-control-allow-credentials"), None);
    let accounts = site.send("OPTIONS", "/auth/sign-in", &headers, Json::Null).await;
    assert_eq!(accounts.header("access-control-allow-origin"), None);
    site.stop().await;
}

#[tokio::test]
async fn types_are_shown_to_whom_the_setting_says() {
    let query = || json!({ "query": "{ __schema { queryType { name } } }" });
    let site = site(&[]).await;
    site.user("ada@shop.example", "editor").await;
    let tokens = site.sign_in("ada@shop.example").await;
    assert_eq!(code(&graphql(&site, query(), None).await), "UNAUTHENTICATED", "in production, by default");
    let fragment = json!({ "query": "{ ...F } fragment F on Query { t: __type(name: \"Query\") { name } }" });
    assert_eq!(code(&graphql(&site, fragment, None).await), "UNAUTHENTICATED");
    // Suggested names do not reveal types either.
    let wrong = || json!({ "query": "{ prodcts(frist: 1) { totalCount } products(frist: 1) { totalCount } }" });
    let told = graphql(&site, wrong(), None).await.body;
    assert!(told.contains("prodcts") && !told.contains("Did you mean"), "{told}");
    assert!(graphql(&site, wrong(), Some(text(&tokens["accessToken"]))).await.body.contains("Did you mean"));
    let list = "query($f: ProductFilter, $o: [ProductOrder!]) { products(filter: $f, orderBy: $o) { totalCount } }";
    let near = json!({ "query": list, "variables": { "f": { "Name": {} }, "o": [{ "field": "NONE" }] } });
    let told = graphql(&site, near, None).await.body;
    assert!(!told.contains("did you mean") && !told.contains("STOCK") && !told.contains("PRICE"), "{told}");
    let shown = graphql(&site, query(), Some(text(&tokens["accessToken"]))).await.json();
    assert_eq!(shown["data"]["__schema"]["queryType"]["name"], "Query");
    assert_eq!(graphql(&site, json!({ "query": "{ __typename }" }), None).await.json()["data"]["__typename"], "Query");
    let off = Settings { introspection: Audience::Nobody, ..Settings::default() };
    let off = protected(&site.db, &Outbox::default(), off).await;
    let closed = Site { server: off, db: migrated().await, mail: Outbox::default() };
    assert_eq!(code(&graphql(&closed, query(), Some(text(&tokens["accessToken"]))).await), "FORBIDDEN");
    closed.stop().await;
    site.stop().await;
}

#[tokio::test]
async fn known_documents_are_asked_by_their_id_and_nothing_else_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let known = "{ __typename }";
    // SHA-256 of the document.
    let id = "7f56e67dd21ab3f30d1ff8b7bed08893f0a0db86449836189b361dd1e56ddb4b";
    std::fs::write(folder.path().join("home.graphql"), known).expect("written");
    let settings = Settings {
        documents: Some(documents::Settings { path: folder.path().to_owned(), only: true }),
        ..Settings::default()
    };
    let (db, mail) = (migrated().await, Outbox::default());
    let site = Site { server: protected(&db, &mail, settings).await, db, mail };
    for body in [
        json!({ "documentId": format!("sha256:{id}") }),
        json!({ "documentId": id }),
        json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": id } } }),
        json!({ "query": known }),
    ] {
        let answer = graphql(&site, body.clone(), None).await;
        assert_eq!(answer.json()["data"]["__typename"], "Query", "{body}: {}", answer.body);
    }
    let get = site.send("GET", &format!("/graphql?documentId=sha256:{id}"), &[], Json::Null).await;
    assert_eq!(get.json()["data"]["__typename"], "Query", "{}", get.body);
    let other = json!({ "query": "{ products { totalCount } }" });
    assert_eq!(code(&graphql(&site, other.clone(), None).await), "REFUSED");
    let unknown = json!({ "documentId": "0".repeat(64) });
    assert_eq!(code(&graphql(&site, unknown, None).await), "PERSISTED_DOCUMENT_NOT_FOUND");
    let batch = graphql(&site, json!([{ "query": known }, other]), None).await.json();
    assert_eq!(batch[0]["data"]["__typename"], "Query");
    assert_eq!(batch[1]["errors"][0]["extensions"]["code"], "REFUSED", "a batch does not get around it");
    site.stop().await;
}
