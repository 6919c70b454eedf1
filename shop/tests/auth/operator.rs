//! The command line: the first administrator, tokens, keys; and errors that keep a server from starting.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use runtime::identity::secret::Secret;
use runtime::identity::settings::Settings;
use runtime::identity::totp;
use runtime::serde_json::{Value as Json, json};
use runtime::testing::{TestDb, TestServer};

use crate::client::{Outbox, PASSWORD, SECRET, Site, migrated, node_with, send, settings, text as json_text};
use crate::second_factor::{forget_last_code, now, set_up};

const OTHER_SECRET: &str = "pJ0cZcT6rQ2yWnX4vB8mKd5sLg7hFa9uEi3oUxYtRq1=";

fn run(db: &TestDb, variables: &[(&str, &str)], arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_shop"));
    for name in [
        "TYPECASE_DEV_TOKEN",
        "TYPECASE_SECRET",
        "TYPECASE_SECRET_PREVIOUS",
        "TYPECASE_ENV",
        "TYPECASE_ADDRESS",
        "TYPECASE_PUBLIC_URL",
        "PORT",
    ] {
        command.env_remove(name);
    }
    command.env("DATABASE_URL", db.url()).env("RUST_LOG", "error").envs(variables.iter().copied()).args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the server's program runs");
    // A command that does not read its input may have ended.
    let _ = child.stdin.take().expect("its input").write_all(input.as_bytes());
    child.wait_with_output().expect("it ends")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test]
async fn production_starts_with_a_secret_and_without_the_token_of_development() {
    let db = migrated().await;
    let missing = run(&db, &[], &["serve", "--port", "0"], "");
    assert!(!missing.status.success() && text(&missing.stderr).contains("openssl rand -base64 32"), "{missing:?}");
    let weak = run(&db, &[("TYPECASE_SECRET", "changeme")], &["serve", "--port", "0"], "");
    assert!(!weak.status.success() && text(&weak.stderr).contains("TYPECASE_SECRET"), "{weak:?}");
    let token = [("TYPECASE_SECRET", SECRET), ("TYPECASE_DEV_TOKEN", "a-token-for-tests-only")];
    let token = run(&db, &token, &["serve", "--port", "0"], "");
    assert!(!token.status.success() && text(&token.stderr).contains("TYPECASE_DEV_TOKEN"), "{token:?}");
    let doctor = run(&db, &[], &["doctor"], "");
    assert!(!doctor.status.success() && text(&doctor.stdout).contains("WRONG  TYPECASE_SECRET"), "{doctor:?}");
    // Keys sealed with another secret.
    let secret = [("TYPECASE_SECRET", SECRET)];
    let rotated = run(&db, &secret, &["keys", "rotate", "--now"], "");
    assert!(rotated.status.success(), "{rotated:?}");
    let other = [("TYPECASE_SECRET", OTHER_SECRET)];
    let other_start = run(&db, &other, &["serve", "--port", "0"], "");
    assert!(text(&other_start.stderr).contains("TYPECASE_SECRET_PREVIOUS"), "{other_start:?}");
    db.close().await;
}

#[tokio::test]
async fn the_first_administrator_comes_from_the_command_line() {
    let site = Site::new().await;
    let create = |email: &str, password: &str, more: &[&str]| {
        let arguments = [&["user", "create", "--email", email, "--name", "Ada", "--role", "admin"], more].concat();
        run(&site.db, &[], &arguments, &format!("{password}\n"))
    };
    let weak = create("ada@shop.example", "password1234", &["--password-stdin"]);
    assert!(!weak.status.success() && text(&weak.stderr).contains("too easy to guess"), "{weak:?}");
    let none = create("ada@shop.example", "", &[]);
    assert!(!none.status.success() && text(&none.stderr).contains("--password-stdin"), "there is no default: {none:?}");
    let made = create("ada@shop.example", PASSWORD, &["--password-stdin"]);
    assert!(made.status.success(), "{made:?}");
    site.sign_in("ada@shop.example").await;
    let invited = create("bob@shop.example", "", &["--invite"]);
    let link = text(&invited.stdout);
    let (_, token) = link.trim().split_once("#token=").unwrap_or_else(|| panic!("{invited:?}"));
    let accepted = site.post("/auth/invitation/accept", json!({ "token": token, "password": PASSWORD }), None).await;
    assert_eq!(accepted.status, 204, "{}", accepted.body);
    let listed = text(&run(&site.db, &[], &["user", "list"], "").stdout);
    assert_eq!(listed.lines().count(), 2, "{listed}");
    for arguments in [
        &["user", "disable", "bob@shop.example"][..],
        &["user", "enable", "bob@shop.example"],
        &["user", "role", "bob@shop.example", "viewer"],
        &["user", "reset-second-factor", "bob@shop.example"],
    ] {
        let done = run(&site.db, &[], arguments, "");
        assert!(done.status.success(), "{done:?}");
    }
    let other = run(
        &site.db,
        &[],
        &["user", "password", "bob@shop.example", "--password-stdin"],
        "copper lantern under rainfall",
    );
    assert!(other.status.success(), "{other:?}");
    site.stop().await;
}

#[tokio::test]
async fn tokens_and_keys_are_made_and_listed() {
    let site = Site::new().await;
    let made =
        run(&site.db, &[], &["token", "create", "--role", "editor", "--scope", "product:read", "--expires", "90d"], "");
    assert!(made.status.success(), "{made:?}");
    let token = text(&made.stdout);
    assert_eq!(
        site.get("/auth/me", token.trim()).await.json()["token"]["scopes"],
        json!([{ "type": "product", "action": "read" }])
    );
    for wrong in [["--scope", "nothing:read"], ["--scope", "product"], ["--expires", "long"]] {
        let refused = run(&site.db, &[], &[&["token", "create", "--role", "editor"][..], &wrong].concat(), "");
        assert!(!refused.status.success(), "{wrong:?}");
    }
    let listed = text(&run(&site.db, &[], &["token", "list"], "").stdout);
    assert!(!listed.contains(token.trim()) && listed.contains(&token[..11]), "{listed}");
    let id = listed.split('\t').next().expect("an id");
    assert!(run(&site.db, &[], &["token", "revoke", id], "").status.success());
    assert_eq!(site.get("/auth/me", token.trim()).await.status, 401);

    let refused = run(&site.db, &[], &["keys", "rotate"], "");
    assert!(!refused.status.success() && text(&refused.stderr).contains("TYPECASE_SECRET"), "{refused:?}");
    let secret = [("TYPECASE_SECRET", SECRET)];
    let rotated = run(&site.db, &secret, &["keys", "rotate"], "");
    assert!(text(&rotated.stdout).contains("signs in a minute"), "{rotated:?}");
    let listed = text(&run(&site.db, &secret, &["keys", "list"], "").stdout);
    assert!(listed.contains("\tsigns\n") && listed.contains("signs next"), "{listed}");
    site.stop().await;
}

/// Another node, with these secrets.
async fn node_of(site: &Site, secret: &str, previous: Option<&str>) -> TestServer {
    let parsed = |text| Secret::parse(text).expect("a good one");
    let secrets = Settings { secret: Some(parsed(secret)), previous_secret: previous.map(parsed), ..settings() };
    node_with(&site.db, &Outbox::default(), secrets).await
}

#[tokio::test]
async fn another_secret_takes_the_place_of_the_one_before_and_nobody_is_logged_out() {
    let site = Site::new().await;
    site.user("ada@shop.example", "editor").await;
    let tokens = site.sign_in("ada@shop.example").await;
    let access = json_text(&tokens["accessToken"]);
    let (key, confirmed) = set_up(&site, access).await;
    assert_eq!(confirmed.status, 200, "{}", confirmed.body);
    let bearer = format!("Bearer {access}");
    let works_on = async |node: TestServer| {
        forget_last_code(&site).await;
        let headers = [("content-type", "application/json")];
        let body = json!({ "email": "ada@shop.example", "password": PASSWORD, "code": totp::at(&key, now()) });
        let signed_in = send(node.address, "POST", "/auth/sign-in", &headers, &body).await;
        let me = send(node.address, "GET", "/auth/me", &[("authorization", bearer.as_str())], &Json::Null).await;
        node.stop().await;
        assert_eq!((signed_in.status, me.status), (200, 200), "{} {}", signed_in.body, me.body);
    };
    works_on(node_of(&site, SECRET, Some(OTHER_SECRET)).await).await;
    works_on(node_of(&site, OTHER_SECRET, Some(SECRET)).await).await;

    let lost = run(&site.db, &[("TYPECASE_SECRET", OTHER_SECRET)], &["keys", "reseal"], "");
    let why = text(&lost.stderr);
    assert!(!lost.status.success() && why.contains("signing keys 1, second factors 1"), "{lost:?}");
    let both = [("TYPECASE_SECRET", OTHER_SECRET), ("TYPECASE_SECRET_PREVIOUS", SECRET)];
    let notice = text(&run(&site.db, &both, &["doctor"], "").stdout);
    assert!(notice.contains("typecase keys reseal"), "{notice}");
    for expected in ["signing keys 1, second factors 1", "signing keys 0, second factors 0"] {
        let resealed = run(&site.db, &both, &["keys", "reseal"], "");
        assert!(resealed.status.success() && text(&resealed.stdout).contains(expected), "{resealed:?}");
    }
    works_on(node_of(&site, OTHER_SECRET, None).await).await;
    let sql = "select after::text from cms.audit where action = 'secret.reseal'";
    let logged: Vec<String> = sqlx::query_scalar(sql).fetch_all(&site.db.pool).await.expect("lines");
    assert_eq!(logged, [r#"{"signing_keys": 1, "second_factors": 1}"#]);
    site.stop().await;
}
