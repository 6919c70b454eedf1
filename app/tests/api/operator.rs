//! What an operator meets: a database that is not ready, a set-up that is wrong, an end in order.

use runtime::testing::TestDb;

use crate::client::{Site, command, migrated};

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
    assert!(text(&second.stdout).contains("0 entries are new, 0 are changed"), "{second:?}");
    db.close().await;
}

#[tokio::test]
async fn the_schema_is_printed_as_it_is_served() {
    let db = TestDb::new().await;
    let printed = command(&db, &["schema"]);
    assert_eq!(text(&printed.stdout), generated::SCHEMA.sdl);
    db.close().await;
}
