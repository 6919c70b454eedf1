//! Each kind of write shows at once on the node that has acknowledged it, and soon on another one.

use std::time::{Duration, Instant};

use runtime::serde_json::{Value as Json, json};

use super::{BOUND, CACHE, get, heard, is_caching, is_hit, make, product, site, told};
use crate::client::{Node, Site, command};

/// Time for requests of a busy machine, besides the bound.
const SLACK: Duration = Duration::from_secs(4);

struct Nodes {
    site: Site,
    other: Node,
}

impl Nodes {
    async fn new() -> Self {
        let site = site().await;
        let other = site.another_node_with(&[CACHE]);
        is_caching(&other).await;
        Self { site, other }
    }

    /// Both nodes give this response from their caches.
    async fn cached(&self, query: &str) -> Json {
        let begun = Instant::now();
        loop {
            let answers = [get(&self.site, query).await, get(&self.other, query).await];
            if answers.iter().all(is_hit) {
                let [one, other] = answers.map(|answer| answer.json());
                assert!(one.get("errors").is_none(), "{one}");
                if one["data"] == other["data"] {
                    return one["data"].clone();
                }
            }
            assert!(begun.elapsed() < BOUND + SLACK, "{query} is not cached");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// After a write, the first response on its node is the new one, and the other node has it soon.
    async fn shows(&self, query: &str, expected: impl Fn(&Json) -> bool) {
        let at_once = get(&self.site, query).await;
        assert!(expected(&at_once.json()["data"]), "{query}: {at_once:?}");
        self.shows_soon(&self.other, query, expected).await;
    }

    async fn shows_soon(&self, node: &Node, query: &str, expected: impl Fn(&Json) -> bool) {
        let begun = Instant::now();
        loop {
            let answer = get(node, query).await;
            if expected(&answer.json()["data"]) {
                return;
            }
            assert!(begun.elapsed() < BOUND + SLACK, "{query}: {answer:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn revision(&self, of: &str, id: &str) -> i64 {
        let query = format!("query($id: ID!) {{ made: {}(id: $id, stage: DRAFT) {{ revision }} }}", of.to_lowercase());
        make(&self.site, &query, json!({ "id": id })).await["revision"].as_i64().unwrap()
    }

    /// A mutation of one entry: `publishProduct`.
    async fn call(&self, verb: &str, of: &str, id: &str, more: &str) {
        let shown = if verb == "delete" { "" } else { "{ id }" };
        let query = format!(
            "mutation($id: ID!, $revision: Int!) {{ made: {verb}{of}(id: $id, revision: $revision{more}) {shown} }}"
        );
        make(&self.site, &query, json!({ "id": id, "revision": self.revision(of, id).await })).await;
    }

    async fn stop(self) {
        drop(self.other);
        self.site.stop().await;
    }
}

const NAMES: &str = "{ products { nodes { name revision } totalCount } }";

fn names(data: &Json) -> Vec<&str> {
    data["products"]["nodes"].as_array().unwrap().iter().map(|node| node["name"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_product_is_published_changed_hidden_and_deleted() {
    let nodes = Nodes::new().await;
    let empty = nodes.cached(NAMES).await;
    assert_eq!(empty["products"]["totalCount"], 0);
    let id = product(&nodes.site, "Chair").await;
    nodes.shows(NAMES, |data| names(data) == ["Chair"]).await;
    // A draft is not shown, and does not disturb.
    heard().await;
    nodes.cached(NAMES).await;
    nodes.call("update", "Product", &id, ", input: { name: \"Armchair\" }").await;
    assert!(is_hit(&get(&nodes.site, NAMES).await));
    heard().await;
    for node in [&*nodes.site, &nodes.other] {
        let answer = get(node, NAMES).await;
        assert!(is_hit(&answer) && names(&answer.json()["data"]) == ["Chair"], "{answer:?}");
    }
    // A discarded draft changes the revision of what is published.
    let discard = "mutation($id: ID!) { made: discardProductDraft(id: $id, revision: 2) { revision } }";
    make(&nodes.site, discard, json!({ "id": id })).await;
    nodes.shows(NAMES, |data| data["products"]["nodes"][0]["revision"] == 3).await;
    nodes.call("update", "Product", &id, ", input: { name: \"Armchair\" }").await;
    nodes.cached(NAMES).await;
    nodes.call("publish", "Product", &id, "").await;
    nodes.shows(NAMES, |data| names(data) == ["Armchair"]).await;
    nodes.cached(NAMES).await;
    nodes.call("unpublish", "Product", &id, "").await;
    nodes.shows(NAMES, |data| names(data).is_empty()).await;
    nodes.call("publish", "Product", &id, "").await;
    nodes.cached(NAMES).await;
    let sold = "{ products(filter: { stockStatus: { eq: OUT_OF_STOCK } }) { nodes { name } } }";
    assert!(names(&nodes.cached(sold).await).is_empty());
    make(&nodes.site, "mutation { made: sellOut(product: \"chair\") { id } }", json!({})).await;
    nodes.shows(sold, |data| names(data) == ["Armchair"]).await;
    nodes.cached(sold).await;
    nodes.call("delete", "Product", &id, "").await;
    nodes.shows(sold, |data| names(data).is_empty()).await;
    nodes.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_refers_to_a_deleted_entry_loses_it_and_gets_it_back() {
    let nodes = Nodes::new().await;
    let create = "mutation($input: ProductCreateInput!) { made: createProduct(input: $input, publish: true) { id tags { id } } }";
    let input = json!({ "name": "Chair", "price": {"amount": "1"}, "tags": {"create": [{ "name": "Oak" }, { "name": "New" }]} });
    let made = make(&nodes.site, create, json!({ "input": input })).await;
    let oak = made["tags"][0]["id"].as_str().unwrap();
    let shown = "{ products { nodes { name tags { name } } } }";
    let filtered =
        format!("{{ products(filter: {{ tags: {{ some: {{ id: {{ eq: \"{oak}\" }} }} }} }}) {{ totalCount }} }}");
    let tags = |data: &Json| data["products"]["nodes"][0]["tags"].as_array().unwrap().len();
    nodes.cached(&filtered).await;
    assert_eq!(tags(&nodes.cached(shown).await), 2);
    nodes.call("delete", "Tag", oak, "").await;
    nodes.shows(shown, |data| tags(data) == 1).await;
    nodes.shows(&filtered, |data| data["products"]["totalCount"] == 0).await;
    nodes.cached(&filtered).await;
    nodes.cached(shown).await;
    make(&nodes.site, "mutation($id: ID!) { made: undeleteTag(id: $id) { id } }", json!({ "id": oak })).await;
    nodes.shows(shown, |data| tags(data) == 2).await;
    nodes.shows(&filtered, |data| data["products"]["totalCount"] == 1).await;
    // Tags have no drafts: a saved one is public.
    nodes.cached(shown).await;
    nodes.call("update", "Tag", oak, ", input: { name: \"Beech\" }").await;
    nodes.shows(shown, |data| data["products"]["nodes"][0]["tags"][0]["name"] == "Beech").await;
    nodes.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn paths_follow_what_they_are_made_of() {
    let nodes = Nodes::new().await;
    let create = "mutation($input: CategoryCreateInput!) { made: createCategory(input: $input) { id } }";
    let above = make(&nodes.site, create, json!({ "input": { "name": "Above" } })).await["id"].clone();
    let below = json!({ "input": { "name": "Below", "parent": {"connect": { "id": above }} } });
    make(&nodes.site, create, below).await;
    let path = "{ categories(filter: { slug: { eq: \"below\" } }) { nodes { path } } }";
    let at = "{ resolve(path: \"/shop/above/below\") { __typename ... on Category { name } ... on Redirection { location } } }";
    assert_eq!(nodes.cached(path).await["categories"]["nodes"][0]["path"], "/shop/above/below");
    assert_eq!(nodes.cached(at).await["resolve"]["name"], "Below");
    nodes.call("update", "Category", above.as_str().unwrap(), ", input: { slug: \"high\" }").await;
    nodes.shows(path, |data| data["categories"]["nodes"][0]["path"] == "/shop/high/below").await;
    nodes.shows(at, |data| data["resolve"]["location"] == "/shop/high/below").await;
    // A redirect is looked up each time.
    let nowhere = "{ resolve(path: \"/old\") { ... on Redirection { location } } }";
    assert_eq!(told(&get(&nodes.site, nowhere).await), "bypass; reason=sources");
    let redirect = "mutation { made: createRedirect(input: { from: \"/old\", to: \"/new\" }) { id } }";
    make(&nodes.site, redirect, json!({})).await;
    nodes.shows(nowhere, |data| data["resolve"]["location"] == "/new").await;
    nodes.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_releases_and_commands_are_noticed() {
    let nodes = Nodes::new().await;
    let draft = "mutation { made: createProduct(input: { name: \"Chair\", price: { amount: \"1\" } }) { id } }";
    let id = make(&nodes.site, draft, json!({})).await["id"].clone();
    nodes.cached(NAMES).await;
    let schedule = "mutation($id: ID!) { made: schedulePublish(id: $id, at: \"2020-01-01T00:00:00Z\") { id } }";
    make(&nodes.site, schedule, json!({ "id": id })).await;
    // Either node may run the job.
    for node in [&*nodes.site, &nodes.other] {
        let begun = Instant::now();
        while names(&get(node, NAMES).await.json()["data"]) != ["Chair"] {
            assert!(begun.elapsed() < Duration::from_secs(40), "it is not published");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    nodes.call("update", "Product", id.as_str().unwrap(), ", input: { name: \"Armchair\" }").await;
    let release =
        make(&nodes.site, "mutation { made: createRelease(title: \"New\") { id } }", json!({})).await["id"].clone();
    let add = "mutation($id: ID!, $entry: ID!) { made: addToRelease(id: $id, changes: [{ entry: $entry }]) { id } }";
    make(&nodes.site, add, json!({ "id": release, "entry": id })).await;
    nodes.cached(NAMES).await;
    make(&nodes.site, "mutation($id: ID!) { made: publishRelease(id: $id) { id } }", json!({ "id": release })).await;
    nodes.shows(NAMES, |data| names(data) == ["Armchair"]).await;
    nodes.cached(NAMES).await;
    make(&nodes.site, "mutation($id: ID!) { made: undoRelease(id: $id) { state } }", json!({ "id": release })).await;
    nodes.shows(NAMES, |data| names(data) == ["Chair"]).await;
    // A command is another process, to both nodes.
    nodes.cached(NAMES).await;
    let demo = command(&nodes.site.db, &["demo"]);
    assert!(demo.status.success(), "{demo:?}");
    nodes.shows_soon(&nodes.site, NAMES, |data| names(data).len() > 1).await;
    nodes.shows_soon(&nodes.other, NAMES, |data| names(data).len() > 1).await;
    nodes.stop().await;
}
