//! Every example of docs/writing.md, one after the other, with the answer that the document shows.

use std::path::Path;

use runtime::serde_json::{self, Value as Json, json};

use crate::client::Site;

struct Example {
    query: String,
    answer: Json,
}

fn examples() -> Vec<Example> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/writing.md");
    let docs = std::fs::read_to_string(docs).unwrap();
    let block = |text: &str, kind: &str| {
        let (_, rest) = text.split_once(&format!("```{kind}\n"))?;
        Some(rest.split("```").next().unwrap_or_default().to_owned())
    };
    let example = |section: &str| {
        let query = section.split("```").next().unwrap_or_default().to_owned();
        let answer = block(section, "json").unwrap_or_else(|| panic!("no answer: {query}"));
        let answer = serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error}: {answer}"));
        Example { query, answer }
    };
    docs.split("```graphql\n").skip(1).map(example).collect()
}

/// Of errors, what programs rely on.
fn told(answer: &Json) -> Json {
    let of_error = |error: &Json| {
        let about = &error["extensions"];
        json!({ "code": about["code"], "inputPath": about["inputPath"] })
    };
    match answer["errors"].as_array() {
        Some(errors) => errors.iter().map(of_error).collect(),
        None => answer["data"].clone(),
    }
}

#[tokio::test]
async fn every_example_of_writing_is_right() {
    let site = Site::empty().await;
    let examples = examples();
    assert!(examples.len() >= 10, "{} examples are found", examples.len());
    let (mut id, mut revision) = (Json::Null, Json::Null);
    for Example { query, answer: expected } in examples {
        let answer = site.ask_as_developer(&query, json!({ "id": id, "revision": revision })).await;
        let mut told = told(&answer);
        if let Some(made) = told.as_object_mut().and_then(|fields| fields.values_mut().next()) {
            if made["id"].is_string() {
                id = std::mem::replace(&mut made["id"], json!("product_…"));
            }
            revision = made.get("revision").cloned().unwrap_or(revision);
        }
        assert_eq!(told, expected, "{query}: {answer}");
    }
    site.stop().await;
}

/// A key that is not an object, or has too many keys, is told what it should be.
#[tokio::test]
async fn the_message_about_a_key_names_what_it_takes() {
    let site = Site::empty().await;
    let expected = "`\"oak\"` is not a valid `TagKey`: expected an object with exactly one key: `id`, `slug`";
    let create = |key: &str| {
        format!("mutation {{ createPost(input: {{ title: \"A\", tags: {{ connect: [{key}] }} }}) {{ id }} }}")
    };
    let answer = site.ask_as_developer(&create("\"oak\""), json!({})).await;
    assert_eq!(answer["errors"][0]["message"], expected, "{answer}");
    let answer = site.ask_as_developer(&create("{ id: \"a\", slug: \"b\" }"), json!({})).await;
    let several = "Invalid value for argument \"input.tags.connect.0\", expected exactly one key";
    assert_eq!(answer["errors"][0]["message"], several, "{answer}");
    let query = "mutation($key: TagKey!) { createPost(input: { title: \"A\", tags: { connect: [$key] } }) { id } }";
    for (key, expected) in [
        (json!("oak"), expected),
        (json!({ "id": "a", "slug": "b" }), "`TagKey` takes exactly one key, not 2: `id`, `slug`"),
        (json!({}), "`TagKey` takes exactly one key, not 0: `id`, `slug`"),
    ] {
        let answer = site.ask_as_developer(query, json!({ "key": key })).await;
        assert_eq!(answer["errors"][0]["message"], expected, "{answer}");
    }
    let query = "mutation($input: TagCreateInput!) { createTag(input: $input) { id } }";
    let answer = site.ask_as_developer(query, json!({ "input": "oak" })).await;
    let expected = "`\"oak\"` is not a valid `TagCreateInput`: expected an object with the keys `name`, `slug`";
    assert_eq!(answer["errors"][0]["message"], expected, "{answer}");
    let missing = "mutation { updatePost(id: \"post_1\", input: {}) { id } }";
    let answer = site.ask_as_developer(missing, json!({})).await;
    let expected = "Field \"updatePost\" argument \"revision\" is required but not provided";
    assert_eq!(answer["errors"][0]["message"], expected, "{answer}");
    site.stop().await;
}
