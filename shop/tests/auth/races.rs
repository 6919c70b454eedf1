//! Checks are repeated when they are acted upon: a password may be set, an account disabled or a role changed while a password is checked.
//! Each test locks the account until the request waits for it, so that the timing is certain.

use runtime::access::Actor;
use runtime::id;
use runtime::identity::totp;
use runtime::identity::user::Change;
use runtime::serde_json::{Value as Json, json};
use sqlx::PgConnection;

use crate::client::{Answer, PASSWORD, Site, eventually, text};
use crate::second_factor::{key, now, set_up};

const OTHER: &str = "cobalt lantern whispering orchard";

async fn count(site: &Site, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&site.db.pool).await.expect("a number")
}

/// Runs a request up to its look-up of the account, applies a change, and then lets the request continue.
async fn meanwhile<T>(site: &Site, request: impl Future<Output = T>, change: impl AsyncFnOnce(&mut PgConnection)) -> T {
    let mut held = site.db.pool.begin().await.expect("a transaction");
    sqlx::query("select from cms.user order by id for update").execute(&mut *held).await.expect("all accounts");
    let change = async {
        let waiting = "select count(*) from pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock' and state = 'active'";
        eventually("the request waits for the account", async || count(site, waiting).await > 0).await;
        change(&mut held).await;
        held.commit().await.expect("the change");
    };
    tokio::join!(request, change).0
}

async fn execute(connection: &mut PgConnection, sql: &'static str) {
    sqlx::query(sql).execute(connection).await.expect("a statement");
}

/// Sets another password, that of another account, as an operator would.
const SET: &str = "update cms.user set password = (select password from cms.user where email = 'other@shop.example')
    where email = 'ada@shop.example'";

async fn site() -> Site {
    let site = Site::new().await;
    let other = site.user("other@shop.example", "viewer").await;
    site.accounts().set_password(&Actor::system(), other.id, OTHER).await.expect("another password");
    site
}

async fn try_in(site: &Site, password: &str, code: Option<&str>) -> Answer {
    let body = json!({ "email": "ada@shop.example", "password": password, "code": code });
    site.post("/auth/sign-in", body, None).await
}

#[tokio::test]
async fn a_password_that_was_set_meanwhile_is_not_written_over() {
    let site = site().await;
    site.user("ada@shop.example", "editor").await;
    let tokens = site.sign_in("ada@shop.example").await;
    let body = json!({ "current": PASSWORD, "password": "granite meadow tumbling kettles" });
    let request = site.post("/auth/password", body, Some(text(&tokens["accessToken"])));
    let changed = meanwhile(&site, request, async |connection| execute(connection, SET).await).await;
    assert_eq!(changed.refusal(), (400, "BAD_USER_INPUT".into()), "the current password is another by now");
    assert_eq!(try_in(&site, OTHER, None).await.status, 200, "what the operator has set holds");
    site.stop().await;
}

#[tokio::test]
async fn a_hash_that_was_made_anew_meanwhile_is_no_other_password() {
    let site = site().await;
    site.user("ada@shop.example", "editor").await;
    site.user("twin@shop.example", "viewer").await;
    let tokens = site.sign_in("ada@shop.example").await;
    let body = json!({ "current": PASSWORD, "password": "granite meadow tumbling kettles" });
    let request = site.post("/auth/password", body, Some(text(&tokens["accessToken"])));
    let rehashed = "update cms.user set password = (select password from cms.user where email = 'twin@shop.example')
        where email = 'ada@shop.example'";
    let changed = meanwhile(&site, request, async |connection| execute(connection, rehashed).await).await;
    assert_eq!(changed.status, 204, "{}", changed.body);
    site.stop().await;
}

#[tokio::test]
async fn nothing_is_changed_for_a_session_that_has_ended_meanwhile() {
    let site = site().await;
    site.user("ada@shop.example", "editor").await;
    for end in [
        "update cms.session set revoked_at = now()",
        "update cms.user set disabled_at = now() where email = 'ada@shop.example'",
    ] {
        let tokens = site.sign_in("ada@shop.example").await;
        let access = text(&tokens["accessToken"]).to_owned();
        let body = json!({ "current": PASSWORD, "password": "granite meadow tumbling kettles" });
        let request = site.post("/auth/password", body, Some(&access));
        let changed = meanwhile(&site, request, async |connection| execute(connection, end).await).await;
        assert_eq!(changed.refusal(), (401, "UNAUTHENTICATED".into()), "{end}");
        sqlx::query("update cms.user set disabled_at = null").execute(&site.db.pool).await.expect("open again");
        assert_eq!(try_in(&site, PASSWORD, None).await.status, 200, "the password is the same");
    }
    site.stop().await;
}

#[tokio::test]
async fn a_sign_in_that_was_begun_before_the_second_factor_is_asked_for_it() {
    let site = site().await;
    site.user("ada@shop.example", "editor").await;
    let tokens = site.sign_in("ada@shop.example").await;
    let enrolled = site.post("/auth/totp/enrol", Json::Null, Some(text(&tokens["accessToken"]))).await;
    assert_eq!(enrolled.status, 200, "{}", enrolled.body);
    let confirm = async |connection: &mut PgConnection| {
        execute(connection, "update cms.totp set confirmed_at = now()").await;
    };
    let signed_in = meanwhile(&site, try_in(&site, PASSWORD, None), confirm).await;
    assert_eq!(signed_in.refusal(), (401, "SECOND_FACTOR_REQUIRED".into()));
    assert_eq!(count(&site, "select count(*) from cms.session").await, 1, "there is no session without it");
    site.stop().await;
}

#[tokio::test]
async fn a_sign_in_does_not_outlive_the_password_or_the_account_that_it_was_begun_with() {
    let site = site().await;
    site.user("ada@shop.example", "editor").await;
    let set = async |connection: &mut PgConnection| execute(connection, SET).await;
    let signed_in = meanwhile(&site, try_in(&site, PASSWORD, None), set).await;
    assert_eq!(signed_in.refusal(), (401, "UNAUTHENTICATED".into()));
    let disable =
        async |connection: &mut PgConnection| execute(connection, "update cms.user set disabled_at = now()").await;
    let signed_in = meanwhile(&site, try_in(&site, OTHER, None), disable).await;
    assert_eq!(signed_in.refusal(), (401, "UNAUTHENTICATED".into()));
    assert_eq!(count(&site, "select count(*) from cms.session").await, 0);
    site.stop().await;
}

#[tokio::test]
async fn a_second_factor_is_taken_off_only_with_the_password_and_role_of_the_moment() {
    let site = site().await;
    site.user("ada@shop.example", "editor").await;
    let tokens = site.sign_in("ada@shop.example").await;
    let access = text(&tokens["accessToken"]).to_owned();
    let (_, confirmed) = set_up(&site, &access).await;
    let recovery = confirmed.json()["recoveryCodes"].clone();
    let body = json!({ "password": PASSWORD, "code": recovery[0] });
    let request = site.post("/auth/totp/disable", body, Some(&access));
    let set = async |connection: &mut PgConnection| execute(connection, SET).await;
    let disabled = meanwhile(&site, request, set).await;
    assert_eq!(disabled.refusal(), (409, "CONFLICT".into()));
    assert_eq!(count(&site, "select count(*) from cms.totp where confirmed_at is not null").await, 1);
    site.stop().await;
}

#[tokio::test]
async fn a_link_does_not_set_a_password_after_an_operator_has() {
    let site = site().await;
    let ada = site.user("ada@shop.example", "editor").await;
    let asked = site.post("/auth/password/reset-request", json!({ "email": ada.email }), None).await;
    assert_eq!(asked.status, 202, "{}", asked.body);
    let token = site.mail.token(0).await;
    let body = json!({ "token": token, "password": "granite meadow tumbling kettles" });
    let operator = async |connection: &mut PgConnection| {
        execute(connection, SET).await;
        execute(connection, "update cms.one_time_link set used_at = now()").await;
    };
    let used = meanwhile(&site, site.post("/auth/password/reset", body, None), operator).await;
    assert_eq!(used.refusal(), (400, "INVALID_LINK".into()));
    assert_eq!(try_in(&site, OTHER, None).await.status, 200);
    site.stop().await;
}

#[tokio::test]
async fn who_no_longer_manages_accounts_changes_none() {
    let site = site().await;
    let ada = site.user("ada@shop.example", "admin").await;
    let eve = site.user("eve@shop.example", "viewer").await;
    let user = format!("/auth/users/{}", id::encode("user", eve.id));
    for (end, refused) in [
        ("update cms.user set role = 'viewer' where email = 'ada@shop.example'", (403, "FORBIDDEN")),
        ("update cms.user set disabled_at = now() where email = 'ada@shop.example'", (401, "UNAUTHENTICATED")),
    ] {
        for (method, path, body) in [
            ("PATCH", user.as_str(), json!({ "role": "editor" })),
            ("POST", "/auth/users", json!({ "email": "new@shop.example", "name": "New", "role": "viewer" })),
            ("POST", "/auth/tokens", json!({ "name": "Feed", "role": "admin", "days": 1 })),
        ] {
            let tokens = site.sign_in("ada@shop.example").await;
            let request = site.ask(method, path, body, Some(text(&tokens["accessToken"])));
            let done = meanwhile(&site, request, async |connection| execute(connection, end).await).await;
            assert_eq!(done.refusal(), (refused.0, refused.1.to_owned()), "{method} {path} {end}");
            let again = Change { role: Some("admin".into()), disabled: Some(false), ..Change::default() };
            site.accounts().change_user(&Actor::system(), ada.id, &again).await.expect("as before");
        }
    }
    let made = "select (select count(*) from cms.user where role = 'editor' or email = 'new@shop.example')
        + (select count(*) from cms.api_token)";
    assert_eq!(count(&site, made).await, 0);
    site.stop().await;
}

/// A batch whose first operation waits for a locked row: the change happens during the batch.
async fn batch_while(site: &Site, token: &str, change: impl AsyncFnOnce()) -> Json {
    let mut held = site.db.pool.begin().await.expect("a transaction");
    execute(&mut held, "select from draft.tag for update").await;
    let tag: uuid::Uuid = sqlx::query_scalar("select id from draft.tag").fetch_one(&site.db.pool).await.expect("a tag");
    let tag = id::encode("tag", tag);
    let batch = json!([
        { "query": format!(r#"mutation {{ updateTag(id: "{tag}", revision: 1, input: {{name: "First"}}) {{ id }} }}"#) },
        { "query": r#"mutation { createTag(input: {name: "Second"}) { id } }"# },
        { "query": "{ tags(stage: DRAFT) { totalCount } }" },
    ]);
    let change = async {
        let waiting = "select count(*) from pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock' and state = 'active'";
        eventually("the batch waits", async || count(site, waiting).await > 0).await;
        change().await;
        held.rollback().await.expect("the row is free");
    };
    tokio::join!(site.post("/graphql", batch, Some(token)), change).0.json()
}

#[tokio::test]
async fn the_later_operations_of_a_batch_are_not_run_for_who_may_no_longer() {
    let site = site().await;
    let ada = site.user("ada@shop.example", "editor").await;
    let root = site.user("root@shop.example", "admin").await;
    let admin = site.sign_in(&root.email).await;
    let admin = text(&admin["accessToken"]);
    let tag = json!({ "query": r#"mutation { createTag(input: {name: "Tag"}) { id } }"# });
    assert_eq!(site.post("/graphql", tag, Some(admin)).await.status, 200);
    let made = json!({ "name": "Feed", "role": "editor", "days": 1 });
    let made = site.post("/auth/tokens", made, Some(admin)).await.json();
    let codes = |answers: &Json| {
        let code = |answer: &Json| answer["errors"][0]["extensions"]["code"].as_str().unwrap_or("done").to_owned();
        answers.as_array().expect("answers").iter().map(code).collect::<Vec<_>>()
    };
    let change = async |change: Change| {
        site.accounts().change_user(&Actor::system(), ada.id, &change).await.expect("changed");
    };
    let reset = "update draft.tag set name = 'Tag', revision = 1 where name <> 'Second'";

    let tokens = site.sign_in("ada@shop.example").await;
    let viewer = async || change(Change { role: Some("viewer".into()), ..Change::default() }).await;
    let answers = batch_while(&site, text(&tokens["accessToken"]), viewer).await;
    assert_eq!(codes(&answers), ["done", "FORBIDDEN", "done"], "a viewer reads drafts: {answers}");

    change(Change { role: Some("editor".into()), ..Change::default() }).await;
    sqlx::query(reset).execute(&site.db.pool).await.expect("as before");
    let disable = async || change(Change { disabled: Some(true), ..Change::default() }).await;
    let answers = batch_while(&site, text(&tokens["accessToken"]), disable).await;
    assert_eq!(codes(&answers), ["done", "UNAUTHENTICATED", "UNAUTHENTICATED"], "{answers}");

    sqlx::query(reset).execute(&site.db.pool).await.expect("as before");
    let token = format!("/auth/tokens/{}", text(&made["apiToken"]["id"]));
    let revoke = async || assert_eq!(site.ask("DELETE", &token, Json::Null, Some(admin)).await.status, 204);
    let answers = batch_while(&site, text(&made["token"]), revoke).await;
    assert_eq!(codes(&answers), ["done", "UNAUTHENTICATED", "UNAUTHENTICATED"], "{answers}");
    assert_eq!(count(&site, "select count(*) from draft.tag").await, 1);
    site.stop().await;
}

#[tokio::test]
async fn the_later_changes_of_one_document_are_not_made_for_who_may_no_longer() {
    let site = site().await;
    let ada = site.user("ada@shop.example", "editor").await;
    let tokens = site.sign_in(&ada.email).await;
    let access = text(&tokens["accessToken"]);
    let made = json!({ "query": r#"mutation { createTag(input: {name: "Tag"}) { id } }"# });
    let made = site.post("/graphql", made, Some(access)).await.json();
    let tag = text(&made["data"]["createTag"]["id"]);
    let document = format!(
        r#"mutation {{ first: updateTag(id: "{tag}", revision: 1, input: {{name: "First"}}) {{ id }}
            second: createTag(input: {{name: "Second"}}) {{ id }} }}"#
    );
    let mut held = site.db.pool.begin().await.expect("a transaction");
    execute(&mut held, "select from draft.tag for update").await;
    let change = async {
        let waiting = "select count(*) from pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock' and state = 'active'";
        eventually("the first change waits", async || count(&site, waiting).await > 0).await;
        let disable = Change { disabled: Some(true), ..Change::default() };
        site.accounts().change_user(&Actor::system(), ada.id, &disable).await.expect("disabled");
        held.rollback().await.expect("the row is free");
    };
    let answer = tokio::join!(site.post("/graphql", json!({ "query": document }), Some(access)), change).0.json();
    let error = &answer["errors"][0];
    assert_eq!(
        (&error["extensions"]["code"], &error["path"]),
        (&json!("UNAUTHENTICATED"), &json!(["second"])),
        "{answer}"
    );
    assert_eq!(count(&site, "select count(*) from draft.tag where name = 'First'").await, 1);
    assert_eq!(count(&site, "select count(*) from draft.tag").await, 1);
    site.stop().await;
}

#[tokio::test]
async fn of_many_codes_at_once_none_gets_around_the_account() {
    let site = site().await;
    site.user("ada@shop.example", "editor").await;
    let tokens = site.sign_in("ada@shop.example").await;
    let access = text(&tokens["accessToken"]).to_owned();
    let enrolled = site.post("/auth/totp/enrol", Json::Null, Some(&access)).await.json();
    let key = key(text(&enrolled["secret"]));
    // Confirmed while others sign in: each of them either came first and is ended, or is asked for a code.
    let confirm = site.post("/auth/totp/confirm", json!({ "code": totp::at(&key, now()) }), Some(&access));
    let sign_ins = futures_util::future::join_all((0..8).map(|_| try_in(&site, PASSWORD, None)));
    let (confirmed, answers) = tokio::join!(confirm, sign_ins);
    assert_eq!(confirmed.status, 200, "{}", confirmed.body);
    for answer in answers.iter().filter(|answer| answer.status == 200) {
        assert_eq!(site.get("/auth/me", text(&answer.json()["accessToken"])).await.status, 401);
    }
    assert_eq!(count(&site, "select count(*) from cms.session where revoked_at is null").await, 1);
    site.stop().await;
}
