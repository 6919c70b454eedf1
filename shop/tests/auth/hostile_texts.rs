//! Hostile texts in every body, path and header of `/auth`, and in headers that are stored or compared elsewhere.

use runtime::http::client::TrustedProxies;
use runtime::http::protection;
use runtime::serde_json::{Value as Json, json};

use crate::client::{Answer, PASSWORD, PUBLIC_URL, Site, settings, text};
use crate::hostile::{signs, texts};

const REFUSALS: &[u16] = &[400, 401, 403, 404, 409, 413];

async fn site() -> Site {
    let networks = TrustedProxies::parse("127.0.0.1").expect("an address");
    let proxies = TrustedProxies { networks, ..TrustedProxies::default() };
    Site::with_both(settings(), protection::Settings { proxies, ..Default::default() }).await
}

fn check(what: &str, text: &str, answer: &Answer, allowed: &[u16]) {
    let shown: String = text.chars().take(80).collect();
    assert!(allowed.contains(&answer.status), "{what} {shown:?}: {} {}", answer.status, answer.body);
    assert_eq!(signs(&answer.body), Vec::<&str>::new(), "{what} {shown:?}: {}", answer.body);
}

/// Percent-encoded as in a URL (RFC 3986, 2.1).
fn escaped(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[tokio::test]
async fn bodies_and_addresses_of_accounts_take_any_text_as_a_text() {
    let site = site().await;
    site.user("root@shop.example", "admin").await;
    let tokens = site.sign_in("root@shop.example").await;
    let access = Some(text(&tokens["accessToken"]));
    for hostile in texts() {
        let hostile = hostile.as_str();
        let bodies = [
            ("/auth/sign-in", json!({ "email": hostile, "password": PASSWORD })),
            ("/auth/sign-in", json!({ "email": "root@shop.example", "password": hostile })),
            ("/auth/sign-in", json!({ "email": "root@shop.example", "password": "wrong", "code": hostile })),
            ("/auth/refresh", json!({ "refreshToken": hostile })),
            ("/auth/password/reset", json!({ "token": hostile, "password": PASSWORD })),
            ("/auth/invitation/accept", json!({ "token": hostile, "password": PASSWORD })),
            ("/auth/password", json!({ "current": hostile, "password": PASSWORD })),
            ("/auth/totp/confirm", json!({ "code": hostile })),
            ("/auth/totp/disable", json!({ "password": hostile, "code": hostile })),
            ("/auth/users", json!({ "email": hostile, "name": "Eve", "role": "viewer" })),
            ("/auth/users", json!({ "email": "eve@shop.example", "name": "Eve", "role": hostile })),
            ("/auth/tokens", json!({ "name": "t", "role": hostile, "days": 1 })),
            (
                "/auth/tokens",
                json!({ "name": "t", "role": "viewer", "days": 1, "scopes": [{ "type": hostile, "action": "read" }] }),
            ),
            (
                "/auth/tokens",
                json!({ "name": "t", "role": "viewer", "days": 1, "scopes": [{ "type": "product", "action": hostile }] }),
            ),
        ];
        for (path, body) in bodies {
            check(path, hostile, &site.post(path, body, access).await, REFUSALS);
        }
        let accepted = site.post("/auth/password/reset-request", json!({ "email": hostile }), None).await;
        // The database cannot store this character in a text.
        let is_text = !hostile.contains('\0');
        check("/auth/password/reset-request", hostile, &accepted, if is_text { &[202] } else { &[400] });
        let out = site.post("/auth/sign-out", json!({ "refreshToken": hostile }), None).await;
        check("/auth/sign-out", hostile, &out, if is_text { &[204] } else { &[400] });
        // Names are stored unchanged, or refused.
        let invited = json!({ "email": "eve@shop.example", "name": hostile, "role": "viewer" });
        let invited = site.post("/auth/users", invited, access).await;
        check("the name of a user", hostile, &invited, &[201, 400]);
        if invited.status == 201 {
            assert_eq!(invited.json()["user"]["name"], hostile);
            sqlx::query("delete from cms.user where email = 'eve@shop.example'")
                .execute(&site.db.pool)
                .await
                .expect("gone");
        }
        let made = site.post("/auth/tokens", json!({ "name": hostile, "role": "viewer", "days": 1 }), access).await;
        check("the name of a token", hostile, &made, &[201, 400]);
        assert!(made.status == 400 || made.json()["apiToken"]["name"] == hostile, "{}", made.body);
        if hostile.len() > 1_000 {
            continue;
        }
        let name = escaped(hostile);
        for (method, path, allowed) in [
            ("GET", format!("/auth/users?after={name}"), &[200, 400][..]),
            ("PATCH", format!("/auth/users/{name}"), REFUSALS),
            ("DELETE", format!("/auth/tokens/{name}"), REFUSALS),
            ("DELETE", format!("/auth/sessions/{name}"), REFUSALS),
            ("GET", format!("/auth/oidc/{name}?return_to={name}"), REFUSALS),
            ("GET", format!("/auth/oidc/{name}/callback?state={name}&code={name}&iss={name}&error={name}"), REFUSALS),
            ("GET", format!("/graphql?query={name}&operationName={name}&documentId={name}"), &[200, 400]),
        ] {
            let body = if method == "PATCH" { json!({ "name": "Eve" }) } else { Json::Null };
            check(&format!("{method} {path}"), hostile, &site.ask(method, &path, body, access).await, allowed);
        }
    }
    site.stop().await;
}

#[tokio::test]
async fn headers_take_any_text_as_a_text() {
    let site = site().await;
    site.user("ada@shop.example", "editor").await;
    for hostile in texts().into_iter().filter(|text| text.len() < 1_000) {
        // Characters that a header line cannot contain do not reach the server.
        let line: String = hostile.chars().filter(|char| !char.is_control()).collect();
        let line = line.trim();
        for name in [
            "x-forwarded-for",
            "forwarded",
            "x-request-id",
            "user-agent",
            "authorization",
            "cookie",
            "origin",
            "referer",
            "idempotency-key",
            "accept-language",
            "x-real-ip",
        ] {
            let headers = [("content-type", "application/json"), (name, line)];
            let query = json!({ "query": "{ __typename }" });
            let answer = site.send("POST", "/graphql", &headers, query).await;
            check(name, &hostile, &answer, if name == "authorization" { &[401] } else { &[200] });
        }
        for bearer in [format!("Bearer {line}"), format!("Bearer tc_{line}"), format!("Bearer a.{line}.c")] {
            let me = site.send("GET", "/auth/me", &[("authorization", &bearer)], Json::Null).await;
            check("a token", &hostile, &me, &[401]);
        }
        let cookies =
            format!("__Host-typecase={line}; __Secure-typecase-refresh={line}; __Host-typecase-oidc-00={line}");
        let headers = [("content-type", "application/json"), ("origin", PUBLIC_URL), ("cookie", cookies.as_str())];
        for (path, body) in
            [("/auth/refresh", json!({})), ("/auth/oidc/none/code", json!({ "code": "1", "attempt": "00" }))]
        {
            check(path, &hostile, &site.send("POST", path, &headers, body).await, REFUSALS);
        }
        // The list of sessions shows the program that signed in; the audit log shows the address.
        let headers = [("content-type", "application/json"), ("user-agent", line), ("x-forwarded-for", line)];
        let body = json!({ "email": "ada@shop.example", "password": PASSWORD });
        let tokens = site.send("POST", "/auth/sign-in", &headers, body).await;
        check("sign-in", &hostile, &tokens, &[200]);
        let sessions = site.get("/auth/sessions", text(&tokens.json()["accessToken"])).await.json();
        let own = sessions["sessions"].as_array().and_then(|all| all.iter().find(|session| session["current"] == true));
        let agent = &own.expect("this session")["agent"];
        assert!(agent.is_null() && !line.is_ascii() || agent == line, "{line:?}: {agent}");
    }
    site.stop().await;
}
