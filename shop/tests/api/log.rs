//! The log as JSON, one object per line: it describes requests without their values. Also readiness during shutdown.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use runtime::serde_json::{self, Value as Json, json};
use sqlx::{ConnectOptions, Executor};

use crate::client::{Site, TOKEN, command, command_with, migrated, send_to};
use crate::fault_proxy::{Fault, FaultProxy};
use crate::faults::address_of;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PATIENCE: Duration = Duration::from_secs(10);

/// The line of a request, which may be written after its response.
async fn line(site: &Site, text: &str) -> Json {
    let begun = Instant::now();
    loop {
        if let Some(line) = site.logged(text).into_iter().find(|line| line.contains("answered")) {
            return serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        }
        assert!(begun.elapsed() < PATIENCE, "{text} is not in the log");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_request_has_a_line_of_json_without_its_values() {
    let db = migrated().await;
    assert!(command(&db, &["demo"]).status.success());
    let site = Site::with(db, &[("TYPECASE_LOG", "json"), ("TYPECASE_SLOW_STATEMENT", "1ms")]).await;
    let query = "query Find($name: String) { tags(filter: { name: { eq: $name } }) { nodes { name } } }";
    let body = json!({ "query": query, "variables": { "name": "ada@shop.example" } });
    let parent = format!("00-{TRACE}-00f067aa0ba902b7-01");
    let authorization = format!("Bearer {TOKEN}");
    let headers = [("authorization", &*authorization), ("traceparent", &*parent), ("x-request-id", "the-first")];
    assert_eq!(site.post(&body, &headers).await.status, 200);
    let told = line(&site, "the-first").await;
    assert_eq!(told["operation"], "Find", "{told}");
    assert_eq!(told["trace"], TRACE, "{told}");
    assert_eq!((&told["actor"], &told["status"], &told["level"]), (&json!("developer"), &json!(200), &json!("INFO")));
    assert_eq!(told["document"].as_str().map(str::len), Some(64), "{told}");
    assert!(told["statements"].as_u64() >= Some(1) && told["milliseconds"].is_f64(), "{told}");
    assert_eq!(told["span"]["id"], "the-first", "{told}");

    let wrong = [
        ("authorization", "Bearer a-token-that-is-not"),
        ("traceparent", "00-ada@shop.example-x-01"),
        ("x-request-id", "the-second"),
    ];
    assert_eq!(site.post(&body, &wrong).await.status, 401);
    let told = line(&site, "the-second").await;
    assert_eq!((&told["actor"], &told["codes"]), (&json!("unknown"), &json!("UNAUTHENTICATED")), "{told}");
    assert_eq!(told["trace"], Json::Null, "{told}");

    let long = format!("query {} {{ products {{ nothing }} }}", "N".repeat(100));
    site.post(&json!({ "query": long }), &[("x-request-id", "the-third")]).await;
    assert_eq!(line(&site, "the-third").await["codes"], "GRAPHQL_VALIDATION_FAILED");
    let long = format!("query {} {{ __typename }}", "N".repeat(100));
    site.post(&json!({ "query": long }), &[("x-request-id", "the-fourth")]).await;
    let told = line(&site, "the-fourth").await;
    assert_eq!((told["operation"].as_str().map(str::len), &told["actor"]), (Some(64), &json!("anonymous")));

    let batch = json!([{ "query": "query One { __typename }" }, { "query": "query Two { __typename }" }]);
    site.post(&batch, &[("x-request-id", "the-fifth")]).await;
    assert_eq!(line(&site, "the-fifth").await["operations"], 2);

    let sign_in = json!({ "email": "ada@shop.example", "password": "not the right one" }).to_string();
    let headers = [("content-type", "application/json"), ("x-request-id", "the-sixth")];
    site.send("POST", "/auth/sign-in", &headers, &sign_in).await;
    assert_eq!(line(&site, "the-sixth").await["codes"], "UNAUTHENTICATED");
    for secret in [TOKEN, "shop.example", "a-token-that-is-not", "not the right one"] {
        assert!(site.logged(secret).is_empty(), "{secret}: {:?}", site.logged(secret));
    }
    for line in site.logged("") {
        assert!(serde_json::from_str::<Json>(&line).is_ok_and(|line| line["message"].is_string()), "{line}");
    }
    site.stop().await;
}

/// A port that is currently free.
fn free() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("its address").to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_drains_says_so() {
    let db = migrated().await;
    let (health, metrics) = (free(), free());
    let site = Site::with(db, &[("TYPECASE_HEALTH_ADDRESS", &health), ("TYPECASE_METRICS_ADDRESS", &metrics)]).await;
    let ready = async || send_to(&health, "GET", "/ready", &[], "").await;
    assert_eq!(ready().await.status, 200);
    let mut locked = site.db.pool.begin().await.expect("a transaction");
    locked.execute("lock table live.tag").await.expect("a lock");
    let body = json!({ "query": "{ tags { nodes { id } } }" });
    let headers: [(&str, &str); 1] = [("content-type", "application/json")];
    let (address, sent) = (site.address.clone(), body.to_string());
    let waits = tokio::spawn(async move { send_to(&address, "POST", "/graphql", &headers, &sent).await });
    let begun = Instant::now();
    let used = "typecase_pool_used{pool=\"public reads\"} 1";
    while !send_to(&metrics, "GET", "/metrics", &[], "").await.body.contains(used) {
        assert!(begun.elapsed() < PATIENCE, "the request is under way");
    }
    site.signal("-TERM");
    let begun = Instant::now();
    let answer = loop {
        let answer = ready().await;
        if answer.status != 200 {
            break answer;
        }
        assert!(begun.elapsed() < PATIENCE, "it drains");
    };
    assert_eq!((answer.status, answer.body.as_str()), (503, "stopping"));
    let asked = command_with(&site.db, &[("TYPECASE_HEALTH_ADDRESS", &health)], &["ready"]);
    assert!(!asked.status.success() && asked.stdout == b"stopping\n", "{asked:?}");
    assert!(send_to(&metrics, "GET", "/metrics", &[], "").await.body.contains("typecase_stopping 1"));
    locked.rollback().await.expect("the lock goes");
    assert_eq!(waits.await.expect("an answer").status, 200, "what is under way is answered");
    assert_eq!(site.terminate().await, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readiness_names_the_one_pool_that_fails() {
    let db = migrated().await;
    let name = format!("ready_{}", uuid::Uuid::now_v7().simple());
    for sql in [format!("create role {name} login password 'for tests'"), format!("grant typecase_public to {name}")] {
        db.pool.execute(sqlx::AssertSqlSafe(sql)).await.expect("a login");
    }
    let proxy = FaultProxy::before(address_of(&db)).await;
    let (host, port) = (proxy.address.ip().to_string(), proxy.address.port());
    let login = db.options.clone().username(&name).password("for tests").host(&host).port(port);
    let url = login.to_url_lossy().to_string();
    let site = Site::with(db, &[("TYPECASE_PUBLIC_DATABASE_URL", url.as_str())]).await;
    assert_eq!(site.send("GET", "/ready", &[], "").await.status, 200);
    proxy.set(Fault::Down);
    let answer = site.send("GET", "/ready", &[], "").await;
    assert_eq!((answer.status, answer.body.as_str()), (503, "the database does not answer: public reads"));
    let drop = [format!("drop owned by {name} cascade"), format!("drop role {name}")];
    for sql in drop {
        site.db.pool.execute(sqlx::AssertSqlSafe(sql)).await.expect("it goes");
    }
    site.stop().await;
}
