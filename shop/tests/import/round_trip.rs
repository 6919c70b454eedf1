//! An export is imported without a mapping: the same content gives the same bytes.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

use runtime::testing::TestDb;

use crate::catalogue::own;

fn typecase(db: &TestDb, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_shop"));
    command.env("DATABASE_URL", db.url()).env("RUST_LOG", "warn").args(arguments);
    command.output().unwrap_or_else(|error| panic!("{error}"))
}

#[track_caller]
fn succeeds(db: &TestDb, arguments: &[&str]) -> String {
    let output = typecase(db, arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The text of each file of a folder.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let text = |path: &Path| std::fs::read_to_string(path).unwrap();
    entries.map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), text(&path))).collect()
}

#[tokio::test]
async fn every_type_comes_back_byte_for_byte() {
    let (first, second) = (TestDb::new().await, TestDb::new().await);
    let folders = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (before, after) = (folders.0.path().to_str().unwrap(), folders.1.path().to_str().unwrap());
    let map = |name: &str| format!("{}/tests/import/{name}.map.yaml", env!("CARGO_MANIFEST_DIR"));
    succeeds(&first, &["migrate"]);
    succeeds(&second, &["migrate"]);
    succeeds(&first, &["demo"]);
    let imported = typecase(
        &first,
        &["import", "--type", "product", "--map", &map("magento"), "--publish", own("magento").to_str().unwrap()],
    );
    assert_eq!(imported.status.code(), Some(2), "some lines are bad: {}", String::from_utf8_lossy(&imported.stderr));

    succeeds(&first, &["export", "--type", "all", "--out", before]);
    let summary = succeeds(&second, &["import", "--type", "all", before]);
    assert!(summary.contains("0 updated, 0 unchanged, 0 rejected"), "{summary}");
    succeeds(&second, &["export", "--type", "all", "--out", after]);
    let (before_files, after_files) = (files(folders.0.path()), files(folders.1.path()));
    assert!(before_files.values().filter(|text| !text.is_empty()).count() >= 8, "{:?}", before_files.keys());
    for (name, text) in &before_files {
        assert_eq!(text, &after_files[name], "{name}");
    }

    let again = succeeds(&first, &["import", "--type", "all", before]);
    assert!(again.contains("0 created, 0 updated") && again.contains("0 rejected"), "{again}");
    first.close().await;
    second.close().await;
}

#[tokio::test]
async fn a_type_can_be_written_to_standard_output_and_read_from_standard_input() {
    let db = TestDb::new().await;
    succeeds(&db, &["migrate"]);
    succeeds(&db, &["demo"]);
    let tags = succeeds(&db, &["export", "--type", "tag", "--stage", "live"]);
    assert!(tags.lines().all(|line| line.starts_with("{\"name\":")), "{tags}");
    let wrong = typecase(&db, &["import", "--type", "prodct", "-"]);
    assert_eq!(wrong.status.code(), Some(1));
    let said = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert!(said.contains("unknown content type `prodct`"), "{said}");
    db.close().await;
}

#[tokio::test]
async fn what_is_published_comes_back_beside_what_was_changed_since() {
    let (first, second) = (TestDb::new().await, TestDb::new().await);
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    succeeds(&first, &["migrate"]);
    succeeds(&second, &["migrate"]);
    let product = r#"{"name":"Oak","slug":"oak","price":{"amountMinor":"5","currency":"EUR"},"status":"PUBLISHED"}
{"name":"New","slug":"new","related":[{"slug":"oak"}],"price":{"amountMinor":"100","currency":"EUR"},"variants":[{"sku":"N-1"}],"status":"PUBLISHED"}
{"name":"Draft","slug":"draft"}
"#;
    std::fs::write(path("product.ndjson"), product).unwrap();
    succeeds(&first, &["import", "--type", "product", &path("product.ndjson")]);
    let changed = r#"{"name":"Newer","slug":"new","variants":[{"sku":"N-2"}],"related":[]}"#;
    std::fs::write(path("changed.ndjson"), changed).unwrap();
    succeeds(&first, &["import", "--type", "product", &path("changed.ndjson")]);

    let before = succeeds(&first, &["export", "--type", "product"]);
    let changed = before.lines().find(|line| line.contains("\"slug\":\"new\"")).unwrap();
    assert!(changed.contains(r#""status":{"published":{"name":"New","slug":"new""#), "{changed}");
    assert_eq!(before.matches(r#""status":"PUBLISHED""#).count(), 1, "{before}");
    std::fs::write(path("before.ndjson"), &before).unwrap();
    let packed = path("live.ndjson.gz");
    succeeds(&first, &["export", "--type", "product", "--stage", "live", "--out", &packed]);
    succeeds(&second, &["import", "--type", "product", &path("before.ndjson")]);
    assert_eq!(succeeds(&second, &["export", "--type", "product"]), before);
    let live = |db: &TestDb| succeeds(db, &["export", "--type", "product", "--stage", "live"]);
    assert_eq!(live(&second), live(&first));
    let again = succeeds(&second, &["import", "--type", "product", &path("before.ndjson")]);
    assert!(again.contains("0 created, 0 updated, 3 unchanged"), "{again}");
    let unpacked = succeeds(&first, &["import", "--type", "product", "--dry-run", &packed]);
    assert!(unpacked.contains("2 records"), "{unpacked}");
    first.close().await;
    second.close().await;
}

#[tokio::test]
async fn the_same_error_is_said_once_with_its_count() {
    let db = TestDb::new().await;
    succeeds(&db, &["migrate"]);
    let file = tempfile::NamedTempFile::with_suffix(".ndjson").unwrap();
    let lines: String = (0..99).map(|line| format!("{{\"name\":7,\"slug\":\"s-{line}\"}}\n")).collect();
    std::fs::write(file.path(), lines).unwrap();
    let report = tempfile::NamedTempFile::new().unwrap();
    let output = typecase(
        &db,
        &["import", "--type", "tag", "--report", report.path().to_str().unwrap(), file.path().to_str().unwrap()],
    );
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(said.matches("INVALID_VALUE name").count(), 1, "{said}");
    assert!(said.contains("line 1: ") && said.contains("(and 98 more times)"), "{said}");
    assert_eq!(std::fs::read_to_string(report.path()).unwrap().lines().count(), 99);
    db.close().await;
}
