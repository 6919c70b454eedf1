//! Every mapping in docs/import.md is one that the importer takes.

use std::path::Path;

use crate::catalogue::Catalogue;

#[tokio::test]
async fn every_example_is_a_mapping() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/import.md");
    let docs = std::fs::read_to_string(docs).unwrap();
    let shop = Catalogue::new().await;
    let nothing = tempfile::NamedTempFile::new().unwrap();
    let examples: Vec<&str> =
        docs.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap_or_default()).collect();
    assert!(examples.len() >= 7, "{} examples are found", examples.len());
    for example in examples {
        let map = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(map.path(), whole(example)).unwrap();
        // A mapping that is refused is a panic with its faults.
        let imported =
            shop.import_with("product", "", nothing.path(), |options| options.map = Some(map.path().to_owned())).await;
        assert_eq!(imported.summary.read, 0);
    }
    shop.close().await;
}

/// Most examples are some lines of `fields`.
fn whole(example: &str) -> String {
    if example.starts_with("type:") {
        return example.to_owned();
    }
    let lines: Vec<String> = example.lines().map(|line| format!("  {line}\n")).collect();
    let name = if example.starts_with("name:") { "" } else { "  name: name\n" };
    let slug = if example.lines().any(|line| line.starts_with("slug:")) { "" } else { "  slug: slug\n" };
    format!("fields:\n{name}{slug}{}", lines.concat())
}
