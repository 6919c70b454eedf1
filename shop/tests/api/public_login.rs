//! The login of public reads: they sign in with it, no statement can leave it, and a login that could do more is refused.

use std::process::Command;

use runtime::access::{Actor, Origin};
use runtime::serde_json::json;
use runtime::store::PublicRole;
use runtime::store::{Database, Stage, Store};
use runtime::testing::TestDb;
use sqlx::postgres::PgArguments;
use sqlx::{AssertSqlSafe, ConnectOptions, Executor};
use uuid::Uuid;

use crate::client::{Site, command, migrated};

const PASSWORD: &str = "only for tests";

/// Roles belong to the whole cluster, so each test has its own.
fn new_name() -> String {
    format!("login_{}", Uuid::now_v7().simple())
}

async fn run(db: &TestDb, sql: String) {
    db.pool.execute(AssertSqlSafe(sql.clone())).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

/// As documented in `docs/operations.md`.
async fn new_login(db: &TestDb) -> String {
    let name = new_name();
    run(db, format!("create role {name} login password '{PASSWORD}'")).await;
    run(db, format!("grant typecase_public to {name}")).await;
    name
}

async fn drop_role(db: &TestDb, name: &str) {
    run(db, format!("drop owned by {name} cascade")).await;
    run(db, format!("drop role {name}")).await;
}

fn url_of(db: &TestDb, login: &str) -> String {
    db.options.clone().username(login).password(PASSWORD).to_url_lossy().to_string()
}

/// An anonymous store, with one connection.
fn public_store(database: &Database) -> Store {
    database.acting(Actor::anonymous(Origin::default()))
}

async fn ask(store: &Store, sql: &str) -> Result<usize, String> {
    let rows = store.at(Stage::Live).rows(sql.to_owned(), PgArguments::default()).await;
    rows.map(|rows| rows.len()).map_err(|error| format!("{error:?}"))
}

fn in_production(db: &TestDb, public_url: &str, name: &str) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_shop"))
        .arg(name)
        .env("DATABASE_URL", db.url())
        .env("TYPECASE_PUBLIC_DATABASE_URL", public_url)
        .env("TYPECASE_ENV", "production")
        .env("TYPECASE_SECRET", "hnDmOGZ8EkxUoGvXlEjfB2wTZ3xq0Yb5k9mUq1C7v4s=")
        .env("TYPECASE_ADDRESS", "127.0.0.1:0")
        .env_remove("TYPECASE_DEV_TOKEN")
        .env_remove("TYPECASE_PUBLIC_ROLE")
        .output()
        .expect("the server's program runs");
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

/// Refused at start and by the doctor, with all of these words.
fn assert_refused(db: &TestDb, public_url: &str, words: &[&str]) {
    let (served, message) = in_production(db, public_url, "serve");
    let (is_well, report) = in_production(db, public_url, "doctor");
    assert!(!served && !is_well && report.contains("WRONG  public login"), "{message}\n{report}");
    for word in words {
        assert!(message.contains(word) && report.contains(word), "`{word}` is missing:\n{message}\n{report}");
    }
    assert!(!message.contains(PASSWORD) && !report.contains(PASSWORD), "{message}\n{report}");
}

#[tokio::test]
async fn public_reads_sign_in_with_it_and_others_as_the_server_does() {
    let db = migrated().await;
    assert!(command(&db, &["demo"]).status.success());
    let login = new_login(&db).await;
    let url = url_of(&db, &login);
    let site = Site::with(db, &[("TYPECASE_PUBLIC_DATABASE_URL", &url)]).await;
    let sessions = async || -> i64 {
        sqlx::query_scalar("select count(*) from pg_stat_activity where datname = current_database() and usename = $1")
            .bind(&login)
            .fetch_one(&site.db.pool)
            .await
            .unwrap()
    };
    let drafts = site.ask_as_developer("{ products(stage: DRAFT) { totalCount } }", json!({})).await;
    assert!(drafts["data"]["products"]["totalCount"].as_i64() > Some(0), "{drafts}");
    assert_eq!(sessions().await, 0, "nobody in particular has asked yet");
    let live = site.ask(r#"{ products { totalCount } bestOf(category: "coffee", first: 2) { slug onSale } }"#).await;
    assert!(live["data"]["products"]["totalCount"].as_i64() > Some(0), "{live}");
    assert!(sessions().await > 0);
    // Only this login is used: anonymous reads fail without its privilege.
    run(&site.db, "revoke select on live.brand from typecase_public".to_owned()).await;
    let refused = site.ask("{ brands { nodes { id } } }").await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "INTERNAL", "{refused}");
    run(&site.db, format!("drop role {login}")).await;
    site.stop().await;
}

#[tokio::test]
async fn no_statement_leads_out_of_it_as_one_leads_out_of_a_role() {
    let db = migrated().await;
    let login = new_login(&db).await;
    let owner: String = sqlx::query_scalar("select quote_ident(current_user)").fetch_one(&db.pool).await.unwrap();
    let database = || db.database(&generated::SCHEMA);
    let escapes = [
        "reset role".to_owned(),
        "reset session authorization".to_owned(),
        "set role none".to_owned(),
        format!("set role {owner}"),
        format!("set session authorization {owner}"),
        "set default_transaction_read_only = off".to_owned(),
    ];
    let forbidden = [
        "select id from draft.product",
        "select id from cms.user",
        "insert into live.brand (id) values (gen_random_uuid())",
        "update live.product set name = ''",
        "delete from live.product",
        "truncate live.product",
        "create table live.mine (id int)",
    ];
    // The same escape succeeds with a role that is only set, which shows that both statements run on one connection.
    let by_role = database().with_public_role(&PublicRole::default());
    let store = public_store(&by_role);
    ask(&store, "select id from draft.product").await.expect_err("the role may not");
    ask(&store, "set role none").await.unwrap();
    ask(&store, "select id from draft.product").await.expect("the role can be left");
    by_role.close().await;

    let by_login = database().with_public_login(url_of(&db, &login).parse().unwrap());
    let store = public_store(&by_login);
    for escape in &escapes {
        // Some are refused, some have no effect.
        let _ = ask(&store, escape).await;
        for sql in forbidden {
            ask(&store, sql).await.expect_err(&format!("{escape}; {sql}"));
        }
        ask(&store, "select id from live.product").await.expect("what is live is public");
    }
    by_login.close().await;
    drop_role(&db, &login).await;
    db.close().await;
}

#[tokio::test]
async fn a_login_that_could_do_more_is_refused_with_what_mends_it() {
    let db = migrated().await;
    let login = new_login(&db).await;
    let url = url_of(&db, &login);
    let other = new_name();
    run(&db, format!("create role {other}")).await;
    assert_refused(&db, &db.url(), &["is a superuser", "create role shop_public login"]);
    for (sql, undone, why) in [
        (
            "grant usage on schema draft to LOGIN",
            "revoke all on schema draft, cms from LOGIN;",
            "rights on the schemas",
        ),
        ("grant usage on schema cms to public", "revoke all on schema draft, cms from public;", "every role"),
        (
            "grant update (name) on live.brand to LOGIN",
            "revoke insert, update, delete, truncate, trigger on all tables in schema live, listing from LOGIN;",
            "may write in `live`",
        ),
        (
            "grant insert on listing.count to LOGIN",
            "revoke insert, update, delete, truncate, trigger on all tables in schema live, listing from LOGIN;",
            "or `listing`",
        ),
        (
            "grant create on schema live to LOGIN",
            "revoke create on schema live, listing from LOGIN;",
            "may write in `live`",
        ),
        ("alter role LOGIN createrole", "alter role LOGIN nocreaterole;", "may make roles"),
        ("grant pg_read_all_data to LOGIN", "revoke pg_read_all_data from LOGIN;", "can become `pg_read_all_data`"),
        // Privileges that need `set role` count too.
        ("grant usage on schema cms to OTHER", "", ""),
        ("alter role LOGIN noinherit", "", ""),
        ("grant OTHER to LOGIN", "revoke OTHER from LOGIN;", "can become `OTHER`"),
    ] {
        let named = |text: &str| text.replace("LOGIN", &login).replace("OTHER", &other);
        run(&db, named(sql)).await;
        if why.is_empty() {
            continue;
        }
        assert_refused(&db, &url, &[&named(undone), &named(why)]);
        run(&db, named(undone)).await;
        let (_, report) = in_production(&db, &url, "doctor");
        assert!(!report.contains("can do more"), "{sql}: {report}");
    }
    drop_role(&db, &login).await;
    drop_role(&db, &other).await;
    db.close().await;
}

#[tokio::test]
async fn a_login_that_cannot_do_its_work_is_refused_with_what_mends_it() {
    let (db, another) = tokio::join!(migrated(), migrated());
    let login = new_login(&db).await;
    let url = url_of(&db, &login);
    let is_well = || in_production(&db, &url, "doctor");
    let (well, report) = is_well();
    assert!(well && report.contains("ok     public login") && report.contains(&login), "{report}");

    run(&db, format!("revoke typecase_public from {login}")).await;
    assert_refused(&db, &url, &["cannot read the schema `live`", &format!("grant typecase_public to {login}")]);
    run(&db, format!("grant typecase_public to {login}")).await;
    run(&db, "revoke select on live.brand from typecase_public".to_owned()).await;
    assert_refused(&db, &url, &["cannot read `live.brand`", "typecase migrate"]);
    assert!(command(&db, &["migrate"]).status.success());
    assert!(is_well().0);
    run(&db, "revoke select on listing.product_tags from typecase_public".to_owned()).await;
    assert_refused(&db, &url, &["cannot read `listing.product_tags`", "typecase migrate"]);
    assert!(command(&db, &["migrate"]).status.success());

    assert_refused(&db, &url_of(&another, &login), &["another database"]);
    assert_refused(&db, &url_of(&db, "nobody_knows_me"), &["does not reach the database", "create role shop_public"]);

    let empty = TestDb::new().await;
    let (_, report) = in_production(&empty, &url_of(&empty, &login), "doctor");
    assert!(report.contains("WRONG  catalog") && report.contains("ok     public login"), "{report}");
    drop_role(&db, &login).await;
    tokio::join!(db.close(), another.close(), empty.close());
}

#[tokio::test]
async fn without_it_all_is_as_before_and_the_doctor_mentions_it() {
    let db = migrated().await;
    let (well, report) = in_production(&db, "", "doctor");
    assert!(well && report.contains("ok     public role") && report.contains("note   public login"), "{report}");
    db.close().await;
}
