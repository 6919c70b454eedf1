//! Sign-in with other providers, against a real provider in a separate process: who gets an account, and what is
//! refused.

use runtime::access::Actor;
use runtime::http::protection;
use runtime::identity::provider_settings::{ProviderSettings, RoleMapping};
use runtime::identity::user::Change;
use runtime::serde_json::{Value as Json, json};

use crate::abuse::{behind_a_proxy, rates};
use crate::client::{Answer, Outbox, PUBLIC_URL, Site, node_with, send, settings, text};
use crate::provider::Provider;

const COOKIE: &str = "__Host-typecase-oidc-";
/// A recovery code of a test.
const RECOVERY: &str = "abcd-efgh-jkmn-pqrs";

async fn site(provider: &Provider, change: impl FnOnce(&mut ProviderSettings)) -> Site {
    protected(provider, change, protection::Settings::default()).await
}

async fn protected(
    provider: &Provider,
    change: impl FnOnce(&mut ProviderSettings),
    protection: protection::Settings,
) -> Site {
    let mut local = provider.settings();
    change(&mut local);
    let mut settings = settings();
    settings.providers = vec![local];
    Site::with_both(settings, protection).await
}

/// A browser on its way to the provider: its address and its cookie.
struct Away {
    url: String,
    cookie: String,
}

async fn begin(site: &Site) -> Away {
    let answer = get(site, "/auth/oidc/local?return_to=/shop%3Fa%3Db", "").await;
    assert_eq!(answer.status, 302, "{}", answer.body);
    let cookie = answer.cookies().into_iter().find(|cookie| cookie.starts_with(COOKIE)).expect("a cookie").to_owned();
    Away { url: answer.header("location").expect("the provider").to_owned(), cookie }
}

async fn get(site: &Site, path: &str, cookie: &str) -> Answer {
    site.send("GET", path, &[("cookie", cookie)], Json::Null).await
}

/// To the provider and back.
pub async fn sign_in(site: &Site, provider: &Provider, subject: &str) -> Answer {
    let away = begin(site).await;
    let back = provider.visit(&away.url, subject).await;
    get(site, &back, &away.cookie).await
}

/// The account of the session that a response starts.
pub async fn me(site: &Site, answer: &Answer) -> Json {
    assert_eq!((answer.status, answer.header("location")), (302, Some("/shop?a=b")), "{}", answer.body);
    get(site, "/auth/me", &answer.cookies().join("; ")).await.json()
}

pub fn ada() -> Json {
    json!({ "email": "Ada@Shop.example", "email_verified": true, "name": "Ada Lovelace" })
}

fn forbidden() -> (u16, String) {
    (403, "FORBIDDEN".into())
}

fn unauthenticated() -> (u16, String) {
    (401, "UNAUTHENTICATED".into())
}

fn invalid_link() -> (u16, String) {
    (400, "INVALID_LINK".into())
}

/// The address with another value of a parameter; without the parameter if the value is empty.
fn with_parameter(url: &str, name: &str, value: &str) -> String {
    let (path, query) = url.split_once('?').expect("a query");
    let kept = query.split('&').filter(|pair| pair.split_once('=').is_none_or(|(known, _)| known != name));
    let mut pairs: Vec<_> = kept.map(str::to_owned).collect();
    assert!(pairs.len() < query.split('&').count(), "there is no {name} in {url}");
    pairs.extend((!value.is_empty()).then(|| format!("{name}={value}")));
    format!("{path}?{}", pairs.join("&"))
}

async fn count(site: &Site, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&site.db.pool).await.expect("a number")
}

#[tokio::test]
async fn who_comes_for_the_first_time_gets_an_account_and_keeps_it_by_issuer_and_subject() {
    let provider = Provider::start();
    let site = site(&provider, |local| local.role = Some("editor".into())).await;
    let listed = get(&site, "/auth/providers", "").await.json();
    assert_eq!(listed, json!({ "providers": [{ "name": "local", "url": "/auth/oidc/local" }] }));
    provider.account("a1", ada()).await;
    let first = me(&site, &sign_in(&site, &provider, "a1").await).await;
    assert_eq!((&first["role"], &first["restricted"]), (&json!("editor"), &json!(false)));
    let user = &first["user"];
    assert_eq!((text(&user["email"]), text(&user["name"])), ("ada@shop.example", "Ada Lovelace"));
    assert_eq!(user["hasPassword"], false);
    // A changed email, which now belongs to another account here, has no effect.
    site.user("eve@shop.example", "admin").await;
    provider.account("a1", json!({ "email": "eve@shop.example", "email_verified": true })).await;
    let second = me(&site, &sign_in(&site, &provider, "a1").await).await;
    assert_eq!((&second["user"]["id"], &second["role"]), (&user["id"], &json!("editor")));
    assert_ne!(second["session"], first["session"]);
    let logged =
        count(&site, "select count(*) from cms.audit where action in ('user.create', 'identity.link', 'sign_in')");
    assert_eq!(logged.await, 1 + 1 + 1 + 2, "an account by hand, one of the provider, two sign-ins");
    site.stop().await;
}

#[tokio::test]
async fn one_node_begins_and_another_ends_it_and_new_keys_of_the_provider_are_fetched() {
    let provider = Provider::start();
    let site = site(&provider, |_| {}).await;
    let mut settings = settings();
    settings.providers = vec![provider.settings()];
    let other = node_with(&site.db, &Outbox::default(), settings).await;
    provider.account("a1", ada()).await;
    me(&site, &sign_in(&site, &provider, "a1").await).await;
    me(&site, &sign_in(&site, &provider, "a1").await).await;
    assert_eq!(provider.asked().await, "1", "metadata are kept");
    let away = begin(&site).await;
    let back = provider.visit(&away.url, "a1").await;
    let answer = send(other.address, "GET", &back, &[("cookie", &away.cookie)], &Json::Null).await;
    assert_eq!(me(&site, &answer).await["user"]["email"], "ada@shop.example");
    assert_eq!(get(&site, &back, &away.cookie).await.refusal(), invalid_link(), "the other node has taken it");
    provider.rotate_keys().await;
    me(&site, &sign_in(&site, &provider, "a1").await).await;
    assert_eq!(provider.asked().await, "3", "by the two nodes, and once for the new keys");
    other.stop().await;
    site.stop().await;
}

#[tokio::test]
async fn a_verified_address_opens_the_account_that_is_there_once() {
    let provider = Provider::start();
    let site = site(&provider, |local| local.role = None).await;
    let user = site.user("ada@shop.example", "editor").await;
    for claims in [
        json!({ "email": "ada@shop.example", "email_verified": false }),
        json!({ "email": "ada@shop.example" }),
        json!({ "name": "Ada" }),
    ] {
        provider.account("a1", claims).await;
        assert_eq!(sign_in(&site, &provider, "a1").await.refusal(), forbidden());
    }
    provider.account("a1", ada()).await;
    let linked = me(&site, &sign_in(&site, &provider, "a1").await).await;
    assert_eq!(linked["user"]["id"], runtime::id::encode("user", user.id));
    assert_eq!(linked["role"], "editor");
    // The email was reassigned to somebody else; the account was not.
    provider.account("a2", ada()).await;
    assert_eq!(sign_in(&site, &provider, "a2").await.refusal(), forbidden());
    // No account has this email, and new users get no role.
    provider.account("a3", json!({ "email": "eve@shop.example", "email_verified": true })).await;
    assert_eq!(sign_in(&site, &provider, "a3").await.refusal(), forbidden());
    assert_eq!(count(&site, "select count(*) from cms.identity").await, 1);
    assert_eq!(count(&site, "select count(*) from cms.audit where action = 'sign_in.refused'").await, 5);
    site.stop().await;
}

#[tokio::test]
async fn whether_an_address_is_verified_may_be_a_text_and_the_log_tells_what_was_missing() {
    let provider = Provider::start();
    let site = site(&provider, |local| local.role = None).await;
    site.user("ada@shop.example", "editor").await;
    for (claims, reason) in [
        (json!({ "email": "ada@shop.example", "email_verified": false }), "`email_verified` is false"),
        (json!({ "email": "ada@shop.example", "email_verified": "false" }), "`email_verified` is false"),
        (json!({ "email": "ada@shop.example" }), "the claim `email_verified` is missing"),
        (json!({ "name": "Ada" }), "the claim `email` is missing"),
        (json!({ "email": "nowhere", "email_verified": true }), "`email` is not an address"),
    ] {
        provider.account("a1", claims.clone()).await;
        assert_eq!(sign_in(&site, &provider, "a1").await.refusal(), forbidden(), "{claims}");
        let sql = "select after->>'reason' from cms.audit where action = 'sign_in.refused' order by id desc limit 1";
        let told: String = sqlx::query_scalar(sql).fetch_one(&site.db.pool).await.expect("a line of the log");
        assert_eq!(told, reason, "{claims}");
    }
    provider.account("a1", json!({ "email": "ADA@Shop.Example", "email_verified": "true" })).await;
    assert_eq!(me(&site, &sign_in(&site, &provider, "a1").await).await["user"]["email"], "ada@shop.example");
    site.stop().await;
}

#[tokio::test]
async fn whether_an_address_of_the_token_is_verified_may_stand_in_the_user_info() {
    let provider = Provider::start();
    let site = site(&provider, |local| local.role = None).await;
    site.user("ada@shop.example", "editor").await;
    let told = |token: Json, verified: Json| json!({ "email": "ada@shop.example", "email_verified": verified, "in_id_token": token });
    // The claims of the token are not overruled.
    let no = json!({ "email": "ada@shop.example", "email_verified": false });
    for claims in [told(no, json!(true)), told(json!({ "email": "ada@shop.example" }), json!("false"))] {
        provider.account("a1", claims.clone()).await;
        assert_eq!(sign_in(&site, &provider, "a1").await.refusal(), forbidden(), "{claims}");
    }
    provider.account("a1", told(json!({ "email": "ada@shop.example" }), json!("true"))).await;
    assert_eq!(me(&site, &sign_in(&site, &provider, "a1").await).await["user"]["email"], "ada@shop.example");
    site.stop().await;
}

#[tokio::test]
async fn a_claim_in_a_way_of_its_own_locks_nobody_out_and_a_wrong_one_is_no_provider_that_is_away() {
    let provider = Provider::start();
    let site = site(&provider, |local| local.role = None).await;
    site.user("ada@shop.example", "editor").await;
    let odd = json!({
        "updated_at": "2026-01-01T00:00:00Z", "address": "1 Long Street", "phone_number_verified": "True", "birthdate": 1815,
        "locale": 5, "picture": {}, "family_name#ja": 5,
    });
    let mut claims = ada();
    claims.as_object_mut().unwrap().extend(odd.as_object().unwrap().clone());
    provider.account("a1", claims).await;
    assert_eq!(me(&site, &sign_in(&site, &provider, "a1").await).await["user"]["email"], "ada@shop.example");
    // Auth0 uses this form in the ID token too.
    let in_token = json!({ "email": "ada@shop.example", "email_verified": true, "updated_at": "2026-01-01T00:00:00Z" });
    provider.account("a1", json!({ "in_id_token": in_token })).await;
    assert_eq!(me(&site, &sign_in(&site, &provider, "a1").await).await["user"]["email"], "ada@shop.example");
    for verified in [json!("True"), json!("yes"), json!(""), json!(1), json!([true]), json!({})] {
        let claims = json!({ "email": "ada@shop.example", "email_verified": verified });
        for account in [claims.clone(), json!({ "in_id_token": claims })] {
            provider.account("a2", account.clone()).await;
            assert_eq!(sign_in(&site, &provider, "a2").await.refusal(), unauthenticated(), "{account}");
        }
    }
    site.stop().await;
}

#[tokio::test]
async fn user_info_of_somebody_else_signs_nobody_in() {
    let provider = Provider::start();
    let site = site(&provider, |local| local.role = None).await;
    site.user("ada@shop.example", "editor").await;
    provider.account("a1", ada()).await;
    let mut stranger = ada();
    stranger["sub"] = json!("somebody-else");
    assert_eq!(send(provider.address, "POST", "/test/stranger", &[], &stranger).await.status, 200);
    assert_eq!(sign_in(&site, &provider, "a1").await.refusal(), unauthenticated());
    site.stop().await;
}

#[tokio::test]
async fn many_that_come_for_the_first_time_at_once_are_one_account() {
    let provider = Provider::start();
    let site = site(&provider, |_| {}).await;
    provider.account("a1", ada()).await;
    let answers = futures_util::future::join_all((0..4).map(|_| sign_in(&site, &provider, "a1"))).await;
    let mut users = Vec::new();
    for answer in &answers {
        users.push(me(&site, answer).await["user"]["id"].clone());
    }
    users.dedup();
    assert_eq!(users.len(), 1, "{users:?}");
    site.stop().await;
}

#[tokio::test]
async fn without_linking_an_address_that_is_taken_is_refused() {
    let provider = Provider::start();
    let site = site(&provider, |local| local.link = false).await;
    site.user("ada@shop.example", "editor").await;
    provider.account("a1", ada()).await;
    assert_eq!(sign_in(&site, &provider, "a1").await.refusal(), forbidden());
    site.stop().await;
}

#[tokio::test]
async fn groups_give_the_role_at_each_sign_in_and_at_once() {
    let provider = Provider::start();
    let mapping = RoleMapping {
        claim: "groups".into(),
        roles: vec![("chiefs".into(), "admin".into()), ("writers".into(), "editor".into())],
    };
    let site = site(&provider, |local| (local.role, local.mapping) = (None, Some(mapping))).await;
    let in_groups = |groups: Json| {
        let mut claims = ada();
        claims["groups"] = groups;
        claims
    };
    provider.account("a1", in_groups(json!(["others"]))).await;
    assert_eq!(sign_in(&site, &provider, "a1").await.refusal(), forbidden());
    provider.account("a1", in_groups(json!(["writers", "others"]))).await;
    let first = sign_in(&site, &provider, "a1").await;
    assert_eq!(me(&site, &first).await["role"], "editor");
    provider.account("a1", in_groups(json!(["writers", "chiefs"]))).await;
    assert_eq!(me(&site, &sign_in(&site, &provider, "a1").await).await["role"], "admin");
    assert_eq!(me(&site, &first).await["role"], "admin", "the earlier session");
    provider.account("a1", in_groups(json!(["writers"]))).await;
    assert_eq!(me(&site, &sign_in(&site, &provider, "a1").await).await["role"], "editor");
    assert_eq!(me(&site, &first).await["role"], "editor", "the earlier session");
    assert_eq!(count(&site, "select count(*) from cms.audit where action = 'user.change'").await, 2);
    site.stop().await;
}

#[tokio::test]
async fn a_disabled_account_stays_closed() {
    let provider = Provider::start();
    let site = site(&provider, |_| {}).await;
    provider.account("a1", ada()).await;
    let signed_in = sign_in(&site, &provider, "a1").await;
    me(&site, &signed_in).await;
    let user = site.accounts().user_by_email("ada@shop.example").await.expect("an answer").expect("an account");
    let disable = Change { disabled: Some(true), ..Change::default() };
    site.accounts().change_user(&Actor::system(), user.id, &disable).await.expect("disabled");
    assert_eq!(sign_in(&site, &provider, "a1").await.refusal(), forbidden());
    // The email does not open it either.
    sqlx::query("delete from cms.identity").execute(&site.db.pool).await.expect("forgotten");
    assert_eq!(sign_in(&site, &provider, "a1").await.refusal(), forbidden());
    assert_eq!(count(&site, "select count(*) from cms.identity").await, 0);
    site.stop().await;
}

#[tokio::test]
async fn an_answer_counts_once_in_the_browser_that_was_sent_away() {
    let provider = Provider::start();
    let site = site(&provider, |_| {}).await;
    provider.account("a1", ada()).await;
    let (one, two) = (begin(&site).await, begin(&site).await);
    let back = provider.visit(&one.url, "a1").await;
    assert_eq!(get(&site, &back, "").await.refusal(), invalid_link(), "no cookie");
    assert_eq!(get(&site, &back, &two.cookie).await.refusal(), invalid_link(), "another sign-in's");
    assert_eq!(get(&site, &with_parameter(&back, "state", ""), &one.cookie).await.refusal(), invalid_link());
    assert_eq!(get(&site, &with_parameter(&back, "state", "x"), &one.cookie).await.refusal(), invalid_link());
    let mut tampered = one.cookie.clone().into_bytes();
    let last = tampered.len() - 8;
    tampered[last] = if tampered[last] == b'A' { b'B' } else { b'A' };
    let tampered = String::from_utf8(tampered).expect("ASCII");
    let refused = get(&site, &back, &tampered).await;
    let (name, _) = one.cookie.split_once('=').expect("a cookie");
    assert_eq!(refused.refusal(), invalid_link());
    assert_eq!(refused.cookies(), [format!("{name}=")], "the cookie is taken back");
    me(&site, &get(&site, &back, &one.cookie).await).await;
    assert_eq!(get(&site, &back, &one.cookie).await.refusal(), invalid_link(), "once more");
    assert_eq!(count(&site, "select count(*) from cms.session").await, 1);
    site.stop().await;
}

#[tokio::test]
async fn what_was_meant_for_another_sign_in_or_comes_from_another_issuer_is_refused() {
    let provider = Provider::start();
    let site = site(&provider, |_| {}).await;
    provider.account("a1", ada()).await;
    // The provider responds to the modified request: with a foreign nonce and challenge.
    for (parameter, value) in [("nonce", "another"), ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")]
    {
        let away = begin(&site).await;
        let back = provider.visit(&with_parameter(&away.url, parameter, value), "a1").await;
        assert_eq!(get(&site, &back, &away.cookie).await.refusal(), unauthenticated(), "{parameter}");
    }
    // RFC 9207: a response that names another issuer, or none although the provider always does.
    for issuer in ["https%3A%2F%2Fevil.example", ""] {
        let away = begin(&site).await;
        let back = with_parameter(&provider.visit(&away.url, "a1").await, "iss", issuer);
        assert_eq!(get(&site, &back, &away.cookie).await.refusal(), unauthenticated(), "{issuer}");
    }
    let away = begin(&site).await;
    let back = with_parameter(&provider.visit(&away.url, "a1").await, "code", "another");
    assert_eq!(get(&site, &back, &away.cookie).await.refusal(), unauthenticated());
    assert_eq!(sign_in(&site, &provider, "refuses").await.refusal(), unauthenticated());
    assert_eq!(count(&site, "select count(*) from cms.user").await, 0);
    site.stop().await;
}

#[tokio::test]
async fn nobody_is_sent_to_another_site() {
    let provider = Provider::start();
    let site = site(&provider, |_| {}).await;
    for target in ["https://evil.example", "//evil.example", "/%5Cevil.example", "/%09/evil.example", "shop", ""] {
        let refused = get(&site, &format!("/auth/oidc/local?return_to={target}"), "").await;
        assert_eq!(refused.refusal(), (400, "BAD_USER_INPUT".into()), "{target}");
    }
    assert_eq!(get(&site, "/auth/oidc/other", "").await.refusal(), (404, "NOT_FOUND".into()));
    site.stop().await;
}

#[tokio::test]
async fn a_provider_that_does_not_answer_or_is_another_one_is_told_apart_from_a_refusal() {
    let provider = Provider::start();
    let site = site(&provider, |local| local.issuer = format!("{}/", local.issuer)).await;
    let refused = get(&site, "/auth/oidc/local", "").await;
    assert_eq!(refused.refusal(), (503, "UNAVAILABLE".into()), "it calls itself otherwise");
    site.stop().await;
}

#[tokio::test]
async fn one_browser_can_have_begun_several() {
    let provider = Provider::start();
    let site = site(&provider, |_| {}).await;
    provider.account("a1", ada()).await;
    provider.account("a2", json!({ "email": "eve@shop.example", "email_verified": true })).await;
    let (one, two) = (begin(&site).await, begin(&site).await);
    let both = format!("{}; {}", one.cookie, two.cookie);
    for (away, subject, email) in [(&two, "a2", "eve@shop.example"), (&one, "a1", "ada@shop.example")] {
        let back = provider.visit(&away.url, subject).await;
        let answer = get(&site, &back, &both).await;
        let (name, _) = away.cookie.split_once('=').expect("a cookie");
        let forgotten: Vec<_> = answer.cookies().into_iter().filter(|cookie| cookie.starts_with(COOKIE)).collect();
        assert_eq!(forgotten, [format!("{name}=")], "its own cookie is taken back, and no other");
        assert_eq!(me(&site, &answer).await["user"]["email"], email);
    }
    // Unfinished sign-ins do not fill the browser's requests.
    let mut jar = Vec::new();
    for _ in 0..8 {
        let answer = get(&site, "/auth/oidc/local", &jar.join("; ")).await;
        for cookie in answer.cookies() {
            let (name, value) = cookie.split_once('=').expect("a cookie");
            jar.retain(|kept: &String| !kept.starts_with(name));
            jar.extend((!value.is_empty()).then(|| cookie.to_owned()));
        }
        assert!(jar.len() <= 5, "{jar:?}");
    }
    assert_eq!(jar.len(), 5);
    site.stop().await;
}

/// Ada, with a second factor of which one recovery code is known, and her account at the provider.
async fn with_second_factor(site: &Site, provider: &Provider) {
    provider.account("a1", ada()).await;
    site.user("ada@shop.example", "editor").await;
    let tokens = site.sign_in("ada@shop.example").await;
    site.post("/auth/totp/enrol", Json::Null, Some(text(&tokens["accessToken"]))).await;
    sqlx::query("update cms.totp set confirmed_at = now()").execute(&site.db.pool).await.expect("confirmed");
    let sql = "insert into cms.recovery_code (user_id, hash) select user_id, $1 from cms.totp";
    let hash = runtime::identity::secret::hash(&RECOVERY.replace('-', ""));
    sqlx::query(sql).bind(hash).execute(&site.db.pool).await.expect("a code");
}

/// A sign-in that waits for a code.
struct Waiting {
    attempt: String,
    cookie: String,
}

async fn wait(site: &Site, provider: &Provider) -> Waiting {
    let answer = sign_in(site, provider, "a1").await;
    let page = answer.header("location").and_then(|page| page.strip_prefix("/second-factor#provider=local&attempt="));
    let attempt = page.unwrap_or_else(|| panic!("{:?}", answer.headers)).to_owned();
    let [cookie] = answer.cookies()[..] else { panic!("no tokens yet: {:?}", answer.cookies()) };
    assert!(cookie.starts_with(&format!("{COOKIE}{attempt}=")), "{cookie}");
    Waiting { attempt, cookie: cookie.to_owned() }
}

async fn give(site: &Site, waiting: &Waiting, code: &str, more: &[(&str, &str)]) -> Answer {
    let headers = [&[("content-type", "application/json"), ("cookie", &waiting.cookie)], more].concat();
    let body = json!({ "code": code, "attempt": waiting.attempt });
    site.send("POST", "/auth/oidc/local/code", &headers, body).await
}

#[tokio::test]
async fn who_has_a_second_factor_gives_its_code_before_a_session_begins() {
    let provider = Provider::start();
    let site = site(&provider, |_| {}).await;
    with_second_factor(&site, &provider).await;
    let (waiting, other) = (wait(&site, &provider).await, wait(&site, &provider).await);
    let here = [("origin", PUBLIC_URL)];
    assert_eq!(give(&site, &waiting, "wrong-code-at-all", &here).await.refusal(), unauthenticated());
    for attempt in ["", "x; Path=/", &other.attempt] {
        let wrong = Waiting { attempt: attempt.to_owned(), cookie: waiting.cookie.clone() };
        assert_eq!(give(&site, &wrong, RECOVERY, &here).await.refusal(), invalid_link(), "{attempt}");
    }
    let foreign = [("origin", "https://evil.example")];
    assert_eq!(give(&site, &waiting, RECOVERY, &foreign).await.refusal(), forbidden());
    let done = give(&site, &waiting, RECOVERY, &here).await;
    assert_eq!((done.status, done.json()), (200, json!({ "returnTo": "/shop?a=b" })));
    let me = get(&site, "/auth/me", &done.cookies().join("; ")).await.json();
    assert_eq!((&me["role"], &me["user"]["secondFactor"]), (&json!("editor"), &json!(true)));
    assert_eq!(give(&site, &waiting, RECOVERY, &here).await.refusal(), invalid_link(), "it has ended");
    assert_eq!(give(&site, &other, RECOVERY, &here).await.refusal(), unauthenticated(), "the code is used");
    site.stop().await;
}

#[tokio::test]
async fn a_sign_in_that_waits_for_a_code_ends_with_a_few_wrong_ones() {
    let provider = Provider::start();
    let site = site(&provider, |_| {}).await;
    with_second_factor(&site, &provider).await;
    let waiting = wait(&site, &provider).await;
    let here = [("origin", PUBLIC_URL)];
    let at_once = (0..20).map(|number| {
        let waiting = &waiting;
        let site = &site;
        async move { give(site, waiting, &format!("wrong-code-{number:06}"), &here).await.refusal() }
    });
    let answers = futures_util::future::join_all(at_once).await;
    let looked_at = answers.iter().filter(|answer| **answer == unauthenticated()).count();
    let too_late = answers.iter().filter(|answer| **answer == invalid_link()).count();
    assert_eq!((looked_at, too_late), (5, 15), "{answers:?}");
    assert_eq!(give(&site, &waiting, RECOVERY, &here).await.refusal(), invalid_link(), "too late for the right one");
    let again = wait(&site, &provider).await;
    assert_eq!(give(&site, &again, RECOVERY, &here).await.status, 200, "a new one may be begun");
    site.stop().await;
}

#[tokio::test]
async fn codes_of_one_account_are_limited_wherever_they_come_from() {
    let provider = Provider::start();
    let site = protected(&provider, |_| {}, behind_a_proxy(rates(None, Some("4/h")))).await;
    with_second_factor(&site, &provider).await;
    let mut answers = Vec::new();
    for number in 1..=3 {
        let waiting = wait(&site, &provider).await;
        let from = format!("192.0.2.{number}");
        let headers = [("origin", PUBLIC_URL), ("x-forwarded-for", from.as_str())];
        answers.push(give(&site, &waiting, "wrong-code-at-all", &headers).await.refusal().1);
    }
    assert_eq!(answers, ["UNAUTHENTICATED", "UNAUTHENTICATED", "RATE_LIMITED"]);
    site.stop().await;
}
