//! The server as an operator sees it: a database that is not ready, a wrong configuration, a graceful shutdown.

use runtime::serde_json::json;
use runtime::testing::TestDb;

use crate::client::{Site, command, command_with, migrated};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test]
async fn a_server_refuses_a_database_of_another_catalog_and_says_what_mends_it() {
    let db = TestDb::new().await;
    let refused = command(&db, &["serve", "--port", "0"]);
    assert!(!refused.status.success());
    assert!(text(&refused.stderr).contains("typecase migrate"), "{refused:?}");
    db.close().await;
}

#[tokio::test]
async fn a_database_that_is_ahead_wants_the_newer_build_and_no_migration() {
    let db = migrated().await;
    let newer = "insert into cms.migration (name, checksum, finished_at) values ('9999_newer.sql', '', now());
        update cms.catalog set hash = 'newer'";
    sqlx::raw_sql(newer).execute(&db.pool).await.unwrap();
    let report = text(&command(&db, &["doctor"]).stdout);
    let catalog = report.split_once("WRONG  catalog").expect("a finding about the catalog").1;
    assert!(catalog.contains("the database is ahead of this build: it has had 9999_newer.sql"), "{report}");
    assert!(catalog.contains("do: start the newer build"), "{report}");
    assert!(!catalog.contains("typecase migrate"), "{report}");
    for refused in [command(&db, &["serve", "--port", "0"]), command(&db, &["migrate"])] {
        let told = text(&refused.stderr);
        assert!(!refused.status.success() && told.contains("start the newer build"), "{told}");
        assert!(!told.contains("typecase migrate"), "{told}");
    }
    db.close().await;
}

#[tokio::test]
async fn the_doctor_tells_a_sick_set_up_from_a_healthy_one() {
    let sick = TestDb::new().await;
    let report = command(&sick, &["doctor"]);
    assert!(!report.status.success());
    assert!(
        text(&report.stdout).contains("WRONG  catalog") && text(&report.stdout).contains("do: typecase migrate"),
        "{report:?}"
    );
    sick.close().await;
    let healthy = migrated().await;
    let report = command(&healthy, &["doctor"]);
    assert!(report.status.success(), "{report:?}");
    healthy.close().await;
}

#[tokio::test]
async fn every_wrong_setting_is_told_at_once_a_misspelt_one_too_and_the_doctor_shows_all() {
    let db = migrated().await;
    let rates = [("TYPECASE_RATE", "hourly"), ("TYPECASE_RATES", "1/s"), ("RUST_LOG", "warn")];
    let wrong = [&[("TYPECASE_WRITE_CONNECTIONS", "1")], &rates[..]].concat();
    let refused = command_with(&db, &wrong, &["serve", "--port", "0"]);
    let told = text(&refused.stderr);
    assert!(!refused.status.success(), "{told}");
    assert!(told.contains("TYPECASE_WRITE_CONNECTIONS: `1` cannot be used: it takes a number of connections from 2"));
    assert!(told.contains("TYPECASE_RATE: `hourly` is not a rate: it takes `off`"), "{told}");
    assert!(told.contains("TYPECASE_RATES is not a setting of this server; did you mean TYPECASE_RATE?"));

    let few = [("TYPECASE_WRITE_CONNECTIONS", "3"), ("TYPECASE_READ_CONNECTIONS", "4"), ("TYPECASE_RATES", "1/s")];
    let report = text(&command_with(&db, &few, &["doctor"]).stdout);
    assert!(report.contains("ok     connections: at most 23 at once: 10 for reads by anonymous"), "{report}");
    assert!(report.contains("do: unset TYPECASE_RATES"), "{report}");
    let lines: Vec<_> = report.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    for line in ["* TYPECASE_WRITE_CONNECTIONS 3", "TYPECASE_PUBLIC_CONNECTIONS 10", "* DATABASE_URL (not shown)"] {
        assert!(lines.iter().any(|found| found == line), "{line}: {report}");
    }
    db.close().await;
}

#[tokio::test]
async fn a_server_that_is_told_to_stop_ends_in_order() {
    let site = Site::empty().await;
    assert_eq!(site.terminate().await, Some(0));
}

#[tokio::test]
async fn loading_the_demo_twice_changes_nothing() {
    let db = migrated().await;
    let first = command(&db, &["demo"]);
    assert!(first.status.success(), "{first:?}");
    let second = command(&db, &["demo"]);
    assert!(text(&second.stdout).contains("0 entries created, 0 updated"), "{second:?}");
    db.close().await;
}

#[tokio::test]
async fn the_schema_is_printed_as_it_is_served() {
    let db = TestDb::new().await;
    let printed = command(&db, &["schema"]);
    assert_eq!(text(&printed.stdout), generated::SCHEMA.sdl);
    db.close().await;
}

#[tokio::test]
async fn imports_and_exports_can_be_those_of_a_user() {
    let db = migrated().await;
    let sql = "insert into cms.user (id, email, name, role, disabled_at) values
        (gen_random_uuid(), 'admin@shop.example', 'A', 'admin', null),
        (gen_random_uuid(), 'viewer@shop.example', 'V', 'viewer', null),
        (gen_random_uuid(), 'gone@shop.example', 'G', 'admin', now())";
    sqlx::query(sql).execute(&db.pool).await.unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "{\"name\":\"New\",\"slug\":\"new\"}\n").unwrap();
    let path = file.path().to_str().unwrap();
    let import = |email: &str| command(&db, &["import", "--type", "tag", "--as", email, path]);
    let refused = import("viewer@shop.example");
    assert_eq!(refused.status.code(), Some(1));
    let told = text(&refused.stderr);
    assert!(told.contains("you may not import `Tag`") && told.contains("; nothing was imported\n"), "{told}");
    for nobody in ["gone@shop.example", "missing@shop.example"] {
        let refused = import(nobody);
        assert_eq!(text(&refused.stderr), format!("error: the user `{nobody}` does not exist, or is disabled\n"));
    }
    let done = import("Admin@shop.example");
    assert!(done.status.success(), "{done:?}");
    let by = "select count(*) from draft.tag t join cms.user u on u.id = t.created_by \
        join cms.audit a on a.actor = u.id and a.action = 'tag.create' and a.entry = t.id where u.role = 'admin'";
    assert_eq!(sqlx::query_scalar::<_, i64>(by).fetch_one(&db.pool).await.unwrap(), 1);
    let export = |email: &str| command(&db, &["export", "--type", "tag", "--as", email]);
    assert_eq!(text(&export("admin@shop.example").stdout), "{\"name\":\"New\",\"slug\":\"new\"}\n");
    let refused = export("viewer@shop.example");
    assert!(text(&refused.stderr).contains("you may not export `Tag`") && refused.stdout.is_empty(), "{refused:?}");
    db.close().await;
}

/// Links lead to the port that a flag or an inherited socket has given, unless the address is set.
#[tokio::test]
async fn links_lead_to_where_the_server_listens() {
    let link = "mutation { made: createPreviewLink(drafts: true) { url } }";
    let site = Site::empty().await;
    let url = site.ask_as_developer(link, json!({})).await["data"]["made"]["url"].clone();
    let begin = format!("http://{}/preview?token=", site.address);
    assert!(url.as_str().is_some_and(|url| url.starts_with(&begin)), "{url} {begin}");
    site.stop().await;
    let site = Site::with(migrated().await, &[("TYPECASE_PUBLIC_URL", "https://shop.example")]).await;
    let url = site.ask_as_developer(link, json!({})).await["data"]["made"]["url"].clone();
    assert!(url.as_str().is_some_and(|url| url.starts_with("https://shop.example/preview?token=")), "{url}");
    site.stop().await;
}

/// The health check of a container whose image has no other program.
#[tokio::test]
async fn a_command_says_whether_the_server_of_the_machine_is_ready() {
    let site = Site::empty().await;
    let asked = |address: &str| command_with(&site.db, &[("TYPECASE_ADDRESS", address)], &["ready"]);
    let port = site.address.rsplit(':').next().expect("a port").trim_end_matches('/').to_owned();
    for address in [format!("127.0.0.1:{port}"), format!("0.0.0.0:{port}")] {
        let ready = asked(&address);
        assert!(ready.status.success() && text(&ready.stdout) == "ready\n", "{ready:?}");
    }
    // The separate health address is tried first.
    let health = [("TYPECASE_ADDRESS", "127.0.0.1:1"), ("TYPECASE_HEALTH_ADDRESS", site.address.as_str())];
    assert!(command_with(&site.db, &health, &["ready"]).status.success());
    assert!(command_with(&site.db, &[], &["ready", "--port", &port]).status.success());
    let away = asked("127.0.0.1:1");
    assert!(!away.status.success() && text(&away.stderr).contains("no server answers at 127.0.0.1:1"), "{away:?}");
    site.stop().await;
}
