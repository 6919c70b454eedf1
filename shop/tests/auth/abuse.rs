//! Requests that are too many, too large, too slow or from other sites.

use std::time::Duration;

use runtime::http::client::TrustedProxies;
use runtime::http::protection::Settings;
use runtime::http::rate;
use runtime::serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::{Answer, Outbox, PASSWORD, PUBLIC_URL, Site, protected, send, settings, text};

const REDIS_VARIABLE: &str = "TYPECASE_TEST_REDIS_URL";

async fn site(protection: Settings) -> Site {
    Site::with_both(settings(), protection).await
}

pub fn rates(general: Option<&str>, sign_in: Option<&str>) -> rate::Settings {
    let parse = |text: &str| text.parse().expect("a rate");
    rate::Settings { general: general.map(parse), sign_in: sign_in.map(parse), redis: None }
}

pub fn behind_a_proxy(rates: rate::Settings) -> Settings {
    let networks = TrustedProxies::parse("127.0.0.1").expect("an address");
    Settings { rates, proxies: TrustedProxies { networks, ..TrustedProxies::default() }, ..Settings::default() }
}

const QUERY: &str = "{ __typename }";

async fn query(site: &Site, from: &str, more: &[(&str, &str)]) -> Answer {
    let headers = [&[("content-type", "application/json"), ("x-forwarded-for", from)], more].concat();
    site.send("POST", "/graphql", &headers, json!({ "query": QUERY })).await
}

async fn sign_in(site: &Site, from: &str, email: &str) -> Answer {
    let headers = [("content-type", "application/json"), ("x-forwarded-for", from)];
    let body = json!({ "email": email, "password": "wrong" });
    site.send("POST", "/auth/sign-in", &headers, body).await
}

#[tokio::test]
async fn too_many_requests_of_an_address_are_refused_and_told_when_to_come_back() {
    let site = site(behind_a_proxy(rates(Some("3/h"), None))).await;
    for left in ["2", "1", "0"] {
        let answer = query(&site, "192.0.2.1", &[]).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.header("ratelimit-policy"), Some("\"anonymous\";q=3;w=3600"));
        let told = answer.header("ratelimit").expect("what is left");
        assert!(told.starts_with(&format!("\"anonymous\";r={left};t=")), "{told}");
    }
    let refused = query(&site, "192.0.2.1", &[]).await;
    assert_eq!(refused.status, 429, "{}", refused.body);
    assert_eq!(refused.json()["errors"][0]["extensions"]["code"], "RATE_LIMITED");
    let after: u64 = refused.header("retry-after").and_then(|after| after.parse().ok()).expect("when to come back");
    assert!((1..=1200).contains(&after), "{after}");
    assert_eq!(refused.header("access-control-allow-origin"), Some("*"), "a page must be able to read this");
    let problem = site.send("GET", "/auth/me", &[("x-forwarded-for", "192.0.2.1")], Json::Null).await;
    assert_eq!(problem.refusal(), (429, "RATE_LIMITED".into()));
    assert_eq!(query(&site, "192.0.2.2", &[]).await.status, 200, "others are not limited");
    assert_eq!(query(&site, "192.0.2.1, 192.0.2.3", &[]).await.status, 200, "the rightmost address counts");
    let health = site.send("GET", "/health", &[("x-forwarded-for", "192.0.2.1")], Json::Null).await;
    assert_eq!((health.status, health.header("ratelimit")), (200, None));
    site.stop().await;
}

#[tokio::test]
async fn an_actor_has_a_quota_of_its_own_wherever_it_asks_from() {
    let site = site(behind_a_proxy(rates(Some("3/h"), None))).await;
    site.user("ada@shop.example", "admin").await;
    let tokens = site.sign_in("ada@shop.example").await;
    let bearer = format!("Bearer {}", text(&tokens["accessToken"]));
    let mut statuses = Vec::new();
    for from in ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"] {
        statuses.push(query(&site, from, &[("authorization", &bearer)]).await.status);
    }
    assert_eq!(statuses, [200, 200, 200, 429]);
    let wrong = [("authorization", "Bearer eyJ.wrong.token")];
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(query(&site, "192.0.2.9", &wrong).await.status);
    }
    assert_eq!(statuses, [401, 401, 401, 429], "a wrong token is not a way around the limit of its address");
    site.stop().await;
}

#[tokio::test]
async fn what_proves_nothing_does_not_lift_the_limit_on_any_route() {
    let site = site(behind_a_proxy(rates(Some("3/h"), None))).await;
    let junk = [
        ("cookie", "a=b".to_owned()),
        ("cookie", "__Host-typecase=eyJ.wrong.token".to_owned()),
        ("authorization", "x".to_owned()),
        ("authorization", "Basic YTpi".to_owned()),
        ("authorization", "Bearer eyJ.wrong.token".to_owned()),
        ("authorization", format!("Bearer tc_{:040}", 1)),
    ];
    let routes = [
        ("POST", "/graphql"),
        ("GET", "/graphql?query=%7B__typename%7D"),
        ("GET", "/auth/me"),
        ("POST", "/auth/sign-in"),
        ("GET", "/.well-known/jwks.json"),
        ("GET", "/nothing"),
    ];
    for (number, (header, value)) in junk.iter().enumerate() {
        for (route, (method, path)) in routes.iter().enumerate() {
            let from = format!("192.0.2.{}", number * 10 + route);
            let headers = [("content-type", "application/json"), ("x-forwarded-for", &from), (header, value)];
            let mut refused = Vec::new();
            for _ in 0..4 {
                let body = if *method == "POST" { json!({ "query": QUERY }) } else { Json::Null };
                refused.push(site.send(method, path, &headers, body).await.status == 429);
            }
            assert_eq!(refused, [false, false, false, true], "{header}: {value}, {method} {path}");
        }
    }
    site.stop().await;
}

#[tokio::test]
async fn signing_in_is_limited_by_address_and_by_account() {
    let site = site(behind_a_proxy(rates(None, Some("4/h")))).await;
    let mut of_account = Vec::new();
    for from in ["192.0.2.1", "192.0.2.2", "192.0.2.3"] {
        of_account.push(sign_in(&site, from, " Ada@shop.example").await.refusal().1);
    }
    assert_eq!(of_account, ["UNAUTHENTICATED", "UNAUTHENTICATED", "RATE_LIMITED"], "known or not");
    let mut of_address = Vec::new();
    for number in 0..5 {
        of_address.push(sign_in(&site, "2001:db8::1", &format!("{number}@shop.example")).await.status);
    }
    assert_eq!(of_address, [401, 401, 401, 401, 429]);
    assert_eq!(sign_in(&site, "2001:db8::2", "other@shop.example").await.status, 429, "the same network");
    site.stop().await;
}

/// Every way to guess a secret, with a different guess for each `number`, so that only the address is counted.
fn guesses(number: usize) -> Vec<(&'static str, String, Json)> {
    let token = format!("none-{number}");
    vec![
        ("POST", "/auth/sign-in".into(), json!({ "email": format!("{number}@shop.example"), "password": "wrong" })),
        ("POST", "/auth/refresh".into(), json!({ "refreshToken": token })),
        ("POST", "/auth/password/reset-request".into(), json!({ "email": format!("{number}@shop.example") })),
        ("POST", "/auth/password/reset".into(), json!({ "token": token, "password": PASSWORD })),
        ("POST", "/auth/invitation/accept".into(), json!({ "token": token, "password": PASSWORD })),
        ("GET", "/auth/oidc/none".into(), Json::Null),
        ("GET", format!("/auth/oidc/none/callback?state={token}&code={token}"), Json::Null),
        ("POST", "/auth/oidc/none/code".into(), json!({ "code": format!("{number:06}"), "attempt": "00" })),
    ]
}

#[tokio::test]
async fn every_way_to_guess_a_secret_is_limited_by_address() {
    let site = site(behind_a_proxy(rates(None, Some("4/h")))).await;
    for (way, (method, path, _)) in guesses(0).into_iter().enumerate() {
        // A separate address, since links of two kinds count together.
        let from = format!("192.0.2.{way}");
        let headers = [("content-type", "application/json"), ("x-forwarded-for", &from), ("origin", PUBLIC_URL)];
        let mut statuses = Vec::new();
        for number in 0..13 {
            let (method, path, body) = guesses(number).swap_remove(way);
            statuses.push(site.send(method, &path, &headers, body).await.status);
        }
        let let_through = statuses.iter().position(|status| *status == 429);
        let expected = if path == "/auth/refresh" { 12 } else { 4 };
        assert_eq!(let_through, Some(expected), "{method} {path}: {statuses:?}");
    }
    let mut statuses = Vec::new();
    for number in 0..13 {
        let bearer = format!("Bearer tc_{number:040}");
        let headers = [("x-forwarded-for", "192.0.2.99"), ("authorization", &bearer)];
        statuses.push(site.send("GET", "/auth/me", &headers, Json::Null).await.status);
    }
    assert_eq!(statuses, [[401; 12].as_slice(), &[429]].concat(), "API tokens");
    site.stop().await;
}

#[tokio::test]
async fn every_way_to_guess_what_an_account_knows_is_limited_wherever_it_is_guessed_from() {
    let site = site(behind_a_proxy(rates(None, Some("4/h")))).await;
    site.user("ada@shop.example", "editor").await;
    let tokens = site.sign_in("ada@shop.example").await;
    let access = format!("Bearer {}", text(&tokens["accessToken"]));
    let headers = [("authorization", access.as_str())];
    assert_eq!(site.send("POST", "/auth/totp/enrol", &headers, Json::Null).await.status, 200);
    for (path, body, refused, quota) in [
        ("/auth/password", json!({ "current": "wrong", "password": PASSWORD }), 400, 2),
        ("/auth/totp/confirm", json!({ "code": "abc" }), 401, 2),
        ("/auth/password/reset", json!({ "token": "the same", "password": PASSWORD }), 400, 2),
        ("/auth/refresh", json!({ "refreshToken": "the same" }), 401, 6),
    ] {
        let mut statuses = Vec::new();
        for number in 0..=quota {
            let from = format!("198.51.100.{number}");
            let json_type = ("content-type", "application/json");
            let headers = [json_type, ("x-forwarded-for", &from), ("authorization", &access)];
            statuses.push(site.send("POST", path, &headers, body.clone()).await.status);
        }
        assert_eq!(statuses, [vec![refused; quota], vec![429]].concat(), "{path}");
    }
    // Disabling a second factor counts under the same password limit as changing the password.
    let body = json!({ "password": "wrong", "code": "123456" });
    let headers = [("content-type", "application/json"), ("authorization", access.as_str())];
    assert_eq!(site.send("POST", "/auth/totp/disable", &headers, body).await.status, 429);
    site.stop().await;
}

#[tokio::test]
async fn nodes_share_their_counts_through_redis() {
    let redis = std::env::var(REDIS_VARIABLE)
        .unwrap_or_else(|_| panic!("{REDIS_VARIABLE} is not set: install redis-server, and run `cargo xtask test`"));
    let shared = |redis: &str| {
        behind_a_proxy(rate::Settings { redis: Some(rate::Redis::at(redis)), ..rates(Some("4/h"), None) })
    };
    let one = site(shared(&redis)).await;
    let two = protected(&one.db, &Outbox::default(), shared(&redis)).await;
    let ask = async |address| {
        let headers = [("content-type", "application/json"), ("x-forwarded-for", "198.51.100.7")];
        send(address, "POST", "/graphql", &headers, &json!({ "query": QUERY })).await
    };
    let mut answers = Vec::new();
    for _ in 0..3 {
        answers.push(ask(one.server.address).await);
        answers.push(ask(two.address).await);
    }
    let statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [200, 200, 200, 200, 429, 429]);
    assert!(answers[1].header("ratelimit").expect("what is left").contains("r=2"), "{:?}", answers[1].headers);
    two.stop().await;
    one.stop().await;
}

#[tokio::test]
async fn without_its_redis_a_node_counts_for_itself() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let redis = Some(rate::Redis::at(format!("redis://{nobody}")));
    let site = site(behind_a_proxy(rate::Settings { redis, ..rates(Some("2/h"), None) })).await;
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(query(&site, "198.51.100.9", &[]).await.status);
    }
    assert_eq!(statuses, [200, 200, 429]);
    site.stop().await;
}

#[tokio::test]
async fn large_bodies_and_slow_requests_are_refused() {
    let site = site(Settings::default()).await;
    let large = site.post("/auth/sign-in", json!({ "email": "a".repeat(17_000), "password": "" }), None).await;
    assert_eq!(large.status, 413, "{}", large.body);
    let slow = async |path: &str| {
        let mut stream = TcpStream::connect(site.server.address).await.expect("the server accepts");
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n\
             content-length: 100\r\n\r\n{{"
        );
        stream.write_all(head.as_bytes()).await.expect("the server reads");
        let mut answer = vec![0; 12];
        let read = tokio::time::timeout(Duration::from_secs(60), stream.read_exact(&mut answer)).await;
        read.expect("the server gives it up").expect("it says so");
        String::from_utf8(answer).expect("a status")
    };
    // Bytes that are not yet a request get no response.
    let dripping = async {
        let mut stream = TcpStream::connect(site.server.address).await.expect("the server accepts");
        stream.write_all(b"GET /health HTTP/1.1\r\nhost: lo").await.expect("the server reads");
        let read = tokio::time::timeout(Duration::from_secs(60), stream.read(&mut [0; 1])).await;
        read.expect("the server gives it up").expect("the end")
    };
    let mut idle = TcpStream::connect(site.server.address).await.expect("the server accepts");
    let mut health = async || {
        idle.write_all(b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n").await.expect("the server reads");
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\nok") {
            assert_ne!(idle.read_buf(&mut answer).await.expect("the server answers"), 0, "the server has hung up");
        }
        String::from_utf8_lossy(&answer[..12]).into_owned()
    };
    assert_eq!(health().await, "HTTP/1.1 200");
    let answers = tokio::join!(slow("/auth/sign-in"), slow("/auth/refresh"), slow("/graphql"), dripping);
    let expected = "HTTP/1.1 408".to_owned();
    assert_eq!(answers, (expected.clone(), expected.clone(), expected, 0));
    assert_eq!(health().await, "HTTP/1.1 200", "between requests there is more time");
    site.stop().await;
}
