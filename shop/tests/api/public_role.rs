//! The role of public reads: what its connections cannot do, which requests use it, and how it is created.

use std::process::{Command, Output};

use runtime::access::{Actor, Origin};
use runtime::migrate::migrate_for;
use runtime::serde_json::json;
use runtime::store::PublicRole;
use runtime::store::{Login, Stage};
use runtime::testing::TestDb;
use sqlx::postgres::PgArguments;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection, Row};
use uuid::Uuid;

use crate::client::Site;

/// For this test alone, because roles belong to the whole cluster.
fn new_role() -> PublicRole {
    format!("public_{}", Uuid::now_v7().simple()).parse().expect("a name of a role")
}

async fn migrated_for(role: &PublicRole) -> TestDb {
    let db = TestDb::new().await;
    let report = migrate_for(&db.options, (&generated::SCHEMA).into(), Some(role)).await.expect("the migrations");
    assert_eq!(report.notice, None);
    db
}

async fn drop_role(db: &TestDb, name: &str) {
    for sql in [format!("drop owned by {name} cascade"), format!("drop role {name}")] {
        db.pool.execute(AssertSqlSafe(sql)).await.expect("the role goes");
    }
}

async fn code_of(connection: &mut PgConnection, sql: &'static str) -> String {
    let refused = connection.execute(sql).await.expect_err(sql);
    refused.as_database_error().and_then(|error| error.code()).unwrap_or_default().into_owned()
}

#[tokio::test]
async fn a_connection_of_public_reads_can_read_what_is_live_and_do_nothing_else() {
    let role = new_role();
    let db = migrated_for(&role).await;
    let mut connection = db.options.clone().options([("role", role.as_str())]).connect().await.unwrap();
    connection.execute("select * from live.product").await.expect("what is live is public");
    for sql in [
        "select * from draft.product",
        "select * from cms.user",
        "select * from cms.session",
        "insert into live.brand (id) values (gen_random_uuid())",
        "update live.product set name = ''",
        "delete from live.product",
        "truncate live.product",
        "create table live.mine (id int)",
        "drop table live.product",
    ] {
        assert_eq!(code_of(&mut connection, sql).await, "42501", "{sql}");
    }
    // A table of a later migration is readable at once.
    db.pool.execute("create table live.later (id int)").await.unwrap();
    connection.execute("select * from live.later").await.expect("later tables are public too");
    connection.close().await.unwrap();
    drop_role(&db, role.as_str()).await;
    db.close().await;
}

#[tokio::test]
async fn only_what_nobody_in_particular_reads_at_live_goes_over_these_connections() {
    let role = new_role();
    let db = migrated_for(&role).await;
    let database = db.database(&generated::SCHEMA).with_public_role(&role);
    let user = async |actor: Actor, stage: Stage| {
        let store = database.acting(actor);
        let rows = store.at(stage).rows("select current_user::text".into(), PgArguments::default());
        rows.await.unwrap()[0].get::<String, _>(0)
    };
    let anonymous = || Actor::anonymous(Origin::default());
    assert_eq!(user(anonymous(), Stage::Live).await, role.as_str());
    assert_ne!(user(anonymous(), Stage::Draft).await, role.as_str());
    assert_ne!(user(Actor::developer(Origin::default()), Stage::Live).await, role.as_str());
    let store = database.acting(anonymous());
    let draft = store.at(Stage::Live).rows("select id from draft.product".into(), PgArguments::default());
    assert!(draft.await.is_err(), "a wrong statement is refused by PostgreSQL itself");
    database.close().await;
    drop_role(&db, role.as_str()).await;
    db.close().await;
}

#[tokio::test]
async fn databases_that_are_migrated_at_the_same_time_share_the_role() {
    let role = new_role();
    let (one, two, three) = tokio::join!(migrated_for(&role), migrated_for(&role), migrated_for(&role));
    for db in [&one, &two, &three] {
        let mut connection = db.options.clone().options([("role", role.as_str())]).connect().await.unwrap();
        connection.execute("select * from live.product").await.expect("each has given its rights");
        connection.close().await.unwrap();
        let again = migrate_for(&db.options, (&generated::SCHEMA).into(), Some(&role)).await.unwrap();
        assert_eq!(again.notice, None);
    }
    one.close().await;
    two.close().await;
    drop_role(&three, role.as_str()).await;
    three.close().await;
}

#[tokio::test]
async fn who_may_not_make_roles_is_told_what_a_superuser_runs_and_that_is_enough() {
    let role = new_role();
    let owner = new_role();
    let db = TestDb::new().await;
    let name: String = sqlx::query_scalar("select current_database()").fetch_one(&db.pool).await.unwrap();
    for sql in [
        format!("create role {owner} login password 'owner'"),
        format!("alter database {name} owner to {owner}"),
        "alter schema public owner to pg_database_owner".to_owned(),
    ] {
        db.pool.execute(AssertSqlSafe(sql)).await.unwrap();
    }
    let options = db.options.clone().username(owner.as_str()).password("owner");
    let migrate = async || migrate_for(&options, (&generated::SCHEMA).into(), Some(&role)).await.unwrap().notice;
    let notice = migrate().await.expect("it may not make roles");
    for expected in [format!("create role {role} nologin;"), format!("grant {role} to {owner};")] {
        assert!(notice.contains(&expected), "{notice}");
    }
    for line in notice.lines().filter_map(|line| line.strip_prefix("    ")) {
        db.pool.execute(AssertSqlSafe(line.to_owned())).await.unwrap_or_else(|error| panic!("{line}: {error}"));
    }
    assert_eq!(migrate().await, None);
    let mut connection = Login::plain(options).connect().await.unwrap();
    assert_eq!(runtime::migrate::public_role::check(&role, &mut connection).await.unwrap(), Ok(()));
    connection.close().await.unwrap();
    drop_role(&db, role.as_str()).await;
    db.close().await;
    let admin = TestDb::new().await;
    drop_role(&admin, owner.as_str()).await;
    admin.close().await;
}

fn in_production(db: &TestDb, role: &str, command: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_shop"))
        .arg(command)
        .env("DATABASE_URL", db.url())
        .env("TYPECASE_ENV", "production")
        .env("TYPECASE_SECRET", "hnDmOGZ8EkxUoGvXlEjfB2wTZ3xq0Yb5k9mUq1C7v4s=")
        .env("TYPECASE_PUBLIC_ROLE", role)
        .env("TYPECASE_ADDRESS", "127.0.0.1:0")
        .env_remove("TYPECASE_DEV_TOKEN")
        .output()
        .expect("the server's program runs")
}

#[tokio::test]
async fn production_is_not_served_without_the_role_and_the_doctor_tells() {
    let db = crate::client::migrated().await;
    let refused = in_production(&db, "public_nowhere", "serve");
    let message = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && message.contains("create role public_nowhere nologin"), "{message}");
    let report = in_production(&db, "public_nowhere", "doctor");
    let report = String::from_utf8_lossy(&report.stdout).into_owned();
    assert!(report.contains("WRONG  public role"), "{report}");
    let report = in_production(&db, "none", "doctor");
    let report = String::from_utf8_lossy(&report.stdout).into_owned();
    assert!(report.contains("note   public role"), "{report}");
    let report = in_production(&db, "typecase_public", "doctor");
    let report = String::from_utf8_lossy(&report.stdout).into_owned();
    assert!(report.contains("ok     public role"), "{report}");
    db.close().await;
}

#[tokio::test]
async fn the_sites_own_code_works_for_everybody_over_these_connections() {
    let site = Site::with_demo().await;
    let answer = site.ask(r#"{ bestOf(category: "coffee", first: 2) { slug onSale } }"#).await;
    assert_eq!(answer["data"]["bestOf"][0]["onSale"], true, "{answer}");
    let drafts = site.post(&json!({ "query": "{ products(stage: DRAFT) { totalCount } }" }), &[]).await;
    assert_eq!(drafts.json()["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{drafts:?}");
    let answer = site.ask_as_developer("{ products(stage: DRAFT) { totalCount } }", json!({})).await;
    assert!(answer["data"]["products"]["totalCount"].as_i64() > Some(0), "{answer}");
    site.stop().await;
}
