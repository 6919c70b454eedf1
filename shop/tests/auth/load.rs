//! Load: two hundred clients sign in while others read, and keys change while requests run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use runtime::access::Actor;
use runtime::serde_json::{Value as Json, json};

use crate::client::{PASSWORD, Site, node, send, text};

/// With the password cost of production, on another node of the same site.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_that_sign_in_do_not_keep_readers_waiting() {
    let site = Site::new().await;
    site.user("ada@shop.example", "editor").await;
    let accounts = runtime::identity::Accounts::new(
        site.server.app.api.database.writes.clone(),
        &generated::SCHEMA,
        &crate::client::settings(),
    );
    let accounts = accounts.expect("accounts of production");
    accounts.tokens.keys.start(false).await.expect("keys");
    let ending = Arc::new(AtomicBool::new(false));
    // They sign in repeatedly until all reads are done, so a read that waited for them would wait forever.
    let sign_ins = (0..200).map(|_| {
        let (accounts, ending) = (accounts.clone(), Arc::clone(&ending));
        tokio::spawn(async move {
            let origin = runtime::access::Origin::default();
            let given = runtime::identity::SignIn {
                email: "ada@shop.example",
                password: PASSWORD,
                code: None,
                origin: &origin,
                agent: None,
            };
            while !ending.load(Ordering::Relaxed) {
                // An overloaded machine may refuse, but must not fail.
                match accounts.sign_in(given).await {
                    Err(error) if error.problems[0].code != runtime::Code::Unavailable => return Err(error),
                    _ => {}
                }
            }
            Ok(())
        })
    });
    let sign_ins: Vec<_> = sign_ins.collect();
    for _ in 0..30 {
        let body = json!({ "query": "{ products { totalCount } }" });
        let answer = tokio::time::timeout(Duration::from_secs(120), site.post("/graphql", body, None)).await;
        let answer = answer.expect("no read waits for those that sign in");
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    ending.store(true, Ordering::Relaxed);
    for sign_in in sign_ins {
        sign_in.await.expect("no panic").expect("signed in, or told to come back");
    }
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_change_without_one_failed_request_on_two_nodes() {
    let site = Site::new().await;
    site.user("ada@shop.example", "editor").await;
    let other = node(&site.db, &site.mail).await;
    let addresses = [site.server.address, other.address];
    let first = site.sign_in("ada@shop.example").await;
    let ending = Arc::new(AtomicBool::new(false));
    let served = Arc::new(AtomicUsize::new(0));
    let clients = (0..4).map(|number| {
        let (ending, served, mut tokens) = (Arc::clone(&ending), Arc::clone(&served), first.clone());
        tokio::spawn(async move {
            let mut requests = 0;
            let sign_in = json!({ "email": "ada@shop.example", "password": PASSWORD });
            while !ending.load(Ordering::Relaxed) {
                // One node signs, the other verifies.
                let (one, two) = (addresses[(number + requests) % 2], addresses[(number + requests + 1) % 2]);
                if requests % 5 == 0 {
                    let answer =
                        send(one, "POST", "/auth/sign-in", &[("content-type", "application/json")], &sign_in).await;
                    assert_eq!(answer.status, 200, "{}", answer.body);
                    tokens = answer.json();
                }
                let bearer = format!("Bearer {}", text(&tokens["accessToken"]));
                let answer = send(two, "GET", "/auth/me", &[("authorization", &bearer)], &Json::Null).await;
                assert_eq!(answer.status, 200, "{}", answer.body);
                requests += 1;
                served.fetch_add(1, Ordering::Relaxed);
            }
        })
    });
    let clients: Vec<_> = clients.collect();
    let keys = &site.accounts().tokens.keys;
    for round in 0..4 {
        // Alternates between this node and the other.
        let node = if round % 2 == 0 { keys } else { &other.app.accounts.tokens.keys };
        let kid = node.rotate(&Actor::system(), true).await.expect("a new key");
        // Waits until both nodes sign with it.
        while [keys, &other.app.accounts.tokens.keys].iter().any(|keys| keys.signing().expect("a key").0.kid != kid) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let before = served.load(Ordering::Relaxed);
        while served.load(Ordering::Relaxed) < before + 20 && clients.iter().all(|client| !client.is_finished()) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
    let next = keys.rotate(&Actor::system(), false).await.expect("a key for later");
    assert_ne!(keys.signing().expect("a key").0.kid, next, "it is published first");
    assert!(keys.jwks()["keys"].as_array().expect("keys").iter().any(|key| key["kid"] == json!(next)));
    ending.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.expect("no request has failed");
    }
    // Tokens of the first key are still valid, and the session continues.
    assert_eq!(site.get("/auth/me", text(&first["accessToken"])).await.status, 200);
    let refreshed = site.post("/auth/refresh", json!({ "refreshToken": first["refreshToken"] }), None).await;
    assert_eq!(refreshed.status, 200, "{}", refreshed.body);
    // An old key verifies until its last token has expired, and no longer.
    sqlx::query(
        "update cms.signing_key set verifies_until = now() where verifies_until is not null and signs_until <= now()",
    )
    .execute(&site.db.pool)
    .await
    .expect("time passes");
    keys.reload().await.expect("the keys");
    assert_eq!(site.get("/auth/me", text(&first["accessToken"])).await.status, 401);
    other.stop().await;
    site.stop().await;
}
