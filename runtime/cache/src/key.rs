//! `Key`: what a response depends on, besides the content.

use serde_json::{Map, Value as Json};
use sha2::{Digest, Sha256};

/// A hash of the reader's class, document, operation and variables. It is long enough that nobody finds two requests with the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key([u8; 32]);

impl Key {
    /// Of readers of this class: all of them have the same rights.
    pub fn of(class: &str, document: &str, operation: Option<&str>, variables: &Map<String, Json>) -> Self {
        let mut hash = Sha256::new();
        text(class, &mut hash);
        text(document, &mut hash);
        match operation {
            None => hash.update([0]),
            Some(name) => {
                hash.update([1]);
                text(name, &mut hash);
            }
        }
        object(variables, &mut hash);
        Self(hash.finalize().into())
    }
}

/// With its length, so that no two lists of parts have the same bytes.
fn text(text: &str, hash: &mut Sha256) {
    hash.update(text.len().to_le_bytes());
    hash.update(text);
}

fn value(json: &Json, hash: &mut Sha256) {
    match json {
        Json::Null => hash.update(b"n"),
        Json::Bool(false) => hash.update(b"f"),
        Json::Bool(true) => hash.update(b"t"),
        Json::Number(number) => {
            hash.update(b"d");
            text(&number.to_string(), hash);
        }
        Json::String(string) => {
            hash.update(b"s");
            text(string, hash);
        }
        Json::Array(items) => {
            hash.update(b"a");
            hash.update(items.len().to_le_bytes());
            items.iter().for_each(|item| value(item, hash));
        }
        Json::Object(members) => {
            hash.update(b"o");
            object(members, hash);
        }
    }
}

/// In the order of the names: clients write members in any order.
fn object(members: &Map<String, Json>, hash: &mut Sha256) {
    let mut members: Vec<_> = members.iter().collect();
    members.sort_unstable_by_key(|(name, _)| *name);
    hash.update(members.len().to_le_bytes());
    for (name, member) in members {
        text(name, hash);
        value(member, hash);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn key(document: &str, operation: Option<&str>, variables: Json) -> Key {
        Key::of("", document, operation, variables.as_object().unwrap())
    }

    #[test]
    fn the_order_of_members_does_not_matter_and_all_else_does() {
        let one = key("{ a }", Some("b"), json!({ "x": { "y": 1, "z": [1, 2] }, "w": "1" }));
        assert_eq!(one, key("{ a }", Some("b"), json!({ "w": "1", "x": { "z": [1, 2], "y": 1 } })));
        let others = [
            key("{ a}", Some("b"), json!({ "x": { "y": 1, "z": [1, 2] }, "w": "1" })),
            key("{ a }", None, json!({ "x": { "y": 1, "z": [1, 2] }, "w": "1" })),
            key("{ a }", Some(""), json!({ "x": { "y": 1, "z": [1, 2] }, "w": "1" })),
            key("{ a }", Some("b"), json!({ "x": { "y": 1, "z": [2, 1] }, "w": "1" })),
            key("{ a }", Some("b"), json!({ "x": { "y": 1, "z": [1, 2] }, "w": 1 })),
            key("{ a }", Some("b"), json!({ "x": { "y": 1, "z": [1, 2], "w": "1" } })),
            key("{ a }", Some("b"), json!({ "x": { "y": 1, "z": [1, 2] }, "w": "1", "v": null })),
            key("{ a }b", None, json!({})),
            Key::of(
                "viewer",
                "{ a }",
                Some("b"),
                json!({ "x": { "y": 1, "z": [1, 2] }, "w": "1" }).as_object().unwrap(),
            ),
        ];
        for (place, other) in others.iter().enumerate() {
            assert!(*other != one && !others[..place].contains(other), "{place}");
        }
    }
}
