//! Tokens in cookies of browsers, and requests from other sites (CSRF).

use runtime::serde_json::{Value as Json, json};

use crate::client::{Answer, PASSWORD, PUBLIC_URL, Site, text};

const JSON_TYPE: (&str, &str) = ("content-type", "application/json");
const SAME: (&str, &str) = ("sec-fetch-site", "same-origin");

async fn sign_in(site: &Site, headers: &[(&str, &str)]) -> Answer {
    let body = json!({ "email": "ada@shop.example", "password": PASSWORD, "cookies": true });
    site.send("POST", "/auth/sign-in", &[&[JSON_TYPE], headers].concat(), body).await
}

#[tokio::test]
async fn a_browser_has_its_tokens_in_cookies_alone() {
    let site = Site::new().await;
    site.user("ada@shop.example", "editor").await;
    let answer = sign_in(&site, &[SAME]).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(answer.json()["accessToken"].is_null() && answer.json()["refreshToken"].is_null(), "{}", answer.body);
    let set: Vec<_> = answer.headers.iter().filter(|(name, _)| name == "set-cookie").map(|(_, value)| value).collect();
    assert!(
        set[0].starts_with("__Host-typecase=")
            && set[0].ends_with("; Path=/; Max-Age=900; SameSite=Lax; Secure; HttpOnly")
    );
    assert!(set[1].starts_with("__Secure-typecase-refresh=") && set[1].contains("; Path=/auth; "), "{}", set[1]);
    assert!(set[1].contains("SameSite=Strict") && set[1].ends_with("; Secure; HttpOnly"), "{}", set[1]);

    let cookies = answer.cookies().join("; ");
    let me = site.send("GET", "/auth/me", &[("cookie", &cookies)], Json::Null).await;
    assert_eq!(me.json()["user"]["email"], "ada@shop.example");
    let refreshed = site.send("POST", "/auth/refresh", &[JSON_TYPE, SAME, ("cookie", &cookies)], json!({})).await;
    assert_eq!((refreshed.status, refreshed.cookies().len()), (200, 2), "{}", refreshed.body);
    assert_ne!(refreshed.cookies()[1], answer.cookies()[1]);
    let cookies = refreshed.cookies().join("; ");
    let out = site.send("POST", "/auth/sign-out", &[JSON_TYPE, SAME, ("cookie", &cookies)], json!({})).await;
    assert_eq!((out.status, out.cookies()), (204, vec!["__Host-typecase=", "__Secure-typecase-refresh="]));
    let over = site.send("GET", "/auth/me", &[("cookie", &cookies)], Json::Null).await;
    assert_eq!(over.status, 401);
    let refused = site.send("POST", "/auth/refresh", &[JSON_TYPE, SAME, ("cookie", &cookies)], json!({})).await;
    assert_eq!((refused.status, refused.cookies().len()), (401, 2), "the cookies are taken back");
    site.stop().await;
}

#[tokio::test]
async fn other_sites_cannot_use_them() {
    let site = Site::new().await;
    site.user("ada@shop.example", "editor").await;
    let foreign: &[&[(&str, &str)]] = &[
        &[],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("origin", "https://shop.example.evil")],
        &[("origin", "http://shop.example")],
        &[("origin", "http://localhost")],
        &[("sec-fetch-site", "cross-site"), ("origin", PUBLIC_URL)],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "none")],
    ];
    let cookies = sign_in(&site, &[("origin", PUBLIC_URL)]).await.cookies().join("; ");
    let mutation = json!({ "query": "mutation { __typename }" });
    let ask = async |path: &str, headers: &[(&str, &str)], body: Json| {
        site.send("POST", path, &[&[JSON_TYPE, ("cookie", &cookies)], headers].concat(), body).await
    };
    for headers in foreign {
        assert_eq!(sign_in(&site, headers).await.refusal(), (403, "FORBIDDEN".into()), "{headers:?}");
        for path in ["/auth/refresh", "/auth/sign-out", "/auth/sign-out-everywhere", "/auth/totp/enrol"] {
            assert_eq!(ask(path, headers, json!({})).await.refusal(), (403, "FORBIDDEN".into()), "{path} {headers:?}");
        }
        let refused = ask("/graphql", headers, mutation.clone()).await;
        assert_eq!((refused.status, &refused.json()["errors"][0]["extensions"]["code"]), (403, &json!("FORBIDDEN")));
    }
    for headers in [&[SAME][..], &[("origin", PUBLIC_URL)]] {
        assert_eq!(ask("/graphql", headers, mutation.clone()).await.json()["data"]["__typename"], "Mutation");
    }
    // Reading by GET changes nothing, and other sites cannot see the response.
    let read = site.send("GET", "/graphql?query=%7B__typename%7D", &[("cookie", &cookies)], Json::Null).await;
    assert_eq!((read.status, read.header("access-control-allow-credentials")), (200, None));
    let changed =
        site.send("GET", "/graphql?query=mutation%7B__typename%7D", &[("cookie", &cookies)], Json::Null).await;
    assert_eq!(changed.status, 405);
    // A bearer token is accepted from any origin.
    let tokens = site.sign_in("ada@shop.example").await;
    let bearer = format!("Bearer {}", text(&tokens["accessToken"]));
    let headers = [JSON_TYPE, ("authorization", bearer.as_str()), ("origin", "https://evil.example")];
    assert_eq!(site.send("POST", "/graphql", &headers, mutation).await.status, 200);
    site.stop().await;
}
