//! The same schema gives the same bytes, and a change of one type touches only its own files.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::{generate, shop, sources};

#[test]
fn the_order_of_the_files_does_not_matter() {
    let mut given = sources(&shop());
    let first = generate(&given);
    assert_eq!(first, generate(&given));
    given.reverse();
    assert_eq!(first, generate(&given), "reversed");
    let middle = given.len() / 2;
    given.rotate_left(middle);
    assert_eq!(first, generate(&given), "rotated");
}

#[test]
fn a_changed_type_rewrites_its_own_file_and_the_api() {
    let before = sources(&shop());
    let mut after = before.clone();
    let tag = after.iter_mut().find(|file| file.path == "schema/tag.yaml").expect("the shop has tags");
    tag.text = tag.text.replace("fields:\n", "fields:\n  shade: { type: string, description: How dark it is. }\n");
    let (before, after) = (generate(&before), generate(&after));
    let changed: BTreeSet<_> = changed(&before, &after).collect();
    for path in &changed {
        assert!(!path.contains("/content/") || path.ends_with("/tag.rs"), "{path} changed with schema/tag.yaml");
    }
    assert!(changed.contains("generated/src/content/tag.rs") && changed.contains("generated/schema.graphql"));
}

fn changed<'a>(
    before: &'a BTreeMap<String, String>,
    after: &'a BTreeMap<String, String>,
) -> impl Iterator<Item = &'a str> {
    assert!(before.keys().eq(after.keys()));
    after.iter().filter(|(path, text)| before[*path] != **text).map(|(path, _)| path.as_str())
}
