//! Facets, suggestions and stop words of searches, and the index of large imports.

use std::fmt::Write as _;

use runtime::serde_json::{Value as Json, json};

use crate::client::{Node, Site, command};
use crate::search::{data, edit, eventually, found, names, product};

/// A brand, a category or a tag.
pub async fn named(site: &Node, ty: &str, name: &str) -> String {
    let create = format!("mutation {{ create{ty}(input: {{ name: \"{name}\" }}) {{ id }} }}");
    edit(site, &create, json!({})).await[format!("create{ty}")]["id"].as_str().expect("an id").to_owned()
}

/// Six lamps: of Norvik those with even numbers, for the garden all but the first, 10.00 to 60.00, the last sold out.
async fn lamps(site: &Node) -> (String, String) {
    let (norvik, other) = (named(site, "Brand", "Norvik").await, named(site, "Brand", "Aldi").await);
    let (garden, indoor) = (named(site, "Category", "Garden").await, named(site, "Category", "Indoor").await);
    for number in 0..6 {
        let brand = if number % 2 == 0 { &norvik } else { &other };
        let mut categories = vec![json!({"id": indoor})];
        categories.extend((number > 0).then(|| json!({"id": garden})));
        product(
            site,
            json!({
                "name": format!("Lamp {number}"), "brand": {"connect": {"id": brand}}, "categories": {"set": categories},
                "price": {"amount": format!("{}.00", (number + 1) * 10), "currency": "EUR"},
                "stockStatus": if number == 5 { "OUT_OF_STOCK" } else { "IN_STOCK" },
            }),
        )
        .await;
    }
    product(site, json!({"name": "Chair", "brand": {"connect": {"id": norvik}}})).await;
    (norvik, garden)
}

const FACETS: &str = "query($query: String!, $filter: SearchFilter, $types: [SearchType!]) { search(query: $query, filter: $filter, types: $types) {
    totalCount
    facets { product {
        stockStatus { value count } brand { node { name } count } categories(first: 1) { count node { name id } }
        price(bounds: [{amount: \"20.00\", currency: \"EUR\"}, {amount: \"45.00\", currency: \"EUR\"}])
        ofMore: price(bounds: {amount: \"60.01\", currency: \"EUR\"})
    } service { price(bounds: {amount: \"1.00\", currency: \"EUR\"}) } }
} }";

#[tokio::test]
async fn facets_count_what_is_found() {
    let site = Site::empty().await;
    let (norvik, garden) = lamps(&site).await;
    let asked = async |variables: Json| data(&site, None, FACETS, variables).await["search"].clone();
    let all = asked(json!({"query": "lamp"})).await;
    assert_eq!(all["totalCount"], 6);
    let facets = &all["facets"]["product"];
    assert_eq!(
        facets["stockStatus"],
        json!([{"value": "IN_STOCK", "count": 5}, {"value": "OUT_OF_STOCK", "count": 1}])
    );
    let brands = facets["brand"].as_array().expect("brands");
    assert_eq!(brands.len(), 2);
    assert!(brands.contains(&json!({"node": {"name": "Norvik"}, "count": 3})), "{brands:?}");
    assert_eq!(facets["categories"][0]["node"]["name"], "Indoor", "the most frequent first");
    assert_eq!(facets["categories"].as_array().map(Vec::len), Some(1));
    assert_eq!(facets["price"], json!([1, 3, 2]), "20.00 is in the second range, 45.00 would be in the third");
    assert_eq!(facets["ofMore"], json!([6, 0]));
    assert_eq!(all["facets"]["service"]["price"], json!([0, 0]));

    let of_norvik = json!({"product": {"brand": {"is": {"id": {"eq": norvik}}}}});
    let some = asked(json!({"query": "lamp", "filter": of_norvik})).await;
    assert_eq!(some["totalCount"], 3);
    let facets = &some["facets"]["product"];
    assert_eq!(facets["brand"].as_array().map(Vec::len), Some(2), "other brands can be chosen beside it");
    assert_eq!(facets["price"], json!([1, 1, 1]), "and all else is counted under the filter");
    let in_garden = json!({"product": {"and": [{"categories": {"some": {"id": {"eq": garden}}}}]}});
    let counted = asked(json!({"query": "lamp", "filter": in_garden})).await;
    assert_eq!(counted["facets"]["product"]["categories"][0]["count"], 5, "what is in `and` counts everywhere");
    let none = asked(json!({"query": "lamp", "types": ["POST"]})).await;
    assert_eq!(none["facets"]["product"]["stockStatus"], json!([]), "no product is searched");
    assert_eq!(none["facets"]["product"]["price"], json!([0, 0, 0]));
    site.stop().await;
}

#[tokio::test]
async fn what_is_not_published_takes_no_place_among_facets() {
    let site = Site::empty().await;
    let related: Vec<Json> = vec![
        product(&site, json!({"name": "Shade"})).await["id"].clone(),
        product(&site, json!({"name": "Bulb"})).await["id"].clone(),
    ];
    let links = |ids: &[Json]| ids.iter().map(|id| json!({"id": id})).collect::<Vec<_>>();
    for (number, ids) in [&related[..], &related[..1], &related[..1]].into_iter().enumerate() {
        product(&site, json!({"name": format!("Lamp {number}"), "related": {"set": links(ids)}})).await;
    }
    let first = async || {
        let query = "{ search(query: \"lamp\") { facets { product { related(first: 1) { count node { name } } } } } }";
        data(&site, None, query, json!({})).await["search"]["facets"]["product"]["related"].clone()
    };
    assert_eq!(first().await, json!([{"count": 3, "node": {"name": "Shade"}}]));
    let hide = "mutation($id: ID!) { unpublishProduct(id: $id, revision: 1, force: true) { id } }";
    edit(&site, hide, json!({"id": related[0]})).await;
    assert_eq!(first().await, json!([{"count": 1, "node": {"name": "Bulb"}}]));
    site.stop().await;
}

#[tokio::test]
async fn facets_refuse_what_makes_no_sense() {
    let site = Site::empty().await;
    lamps(&site).await;
    for (facet, code) in [
        ("brand(first: 0) { count }", "LIMIT_EXCEEDED"),
        ("brand(first: 101) { count }", "LIMIT_EXCEEDED"),
        ("price(bounds: [])", "BAD_USER_INPUT"),
        ("price(bounds: [{amount: \"2\", currency: \"EUR\"}, {amount: \"1\", currency: \"EUR\"}])", "BAD_USER_INPUT"),
        ("price(bounds: [{amount: \"1\", currency: \"EUR\"}, {amount: \"1\", currency: \"EUR\"}])", "BAD_USER_INPUT"),
        ("price(bounds: [{amount: \"1.999\", currency: \"EUR\"}])", "BAD_USER_INPUT"),
    ] {
        let query = format!("{{ search(query: \"lamp\") {{ facets {{ product {{ {facet} }} }} }} }}");
        let answer = site.post(&json!({"query": query}), &[]).await.json();
        assert_eq!(answer["errors"][0]["extensions"]["code"], code, "{facet}: {answer}");
    }
    // A role that may not read a field may not count it.
    let query = "{ search(query: \"lamp\", stage: DRAFT) { facets { product { stockStatus { count } } } } }";
    let refused = site.post(&json!({"query": query}), &[]).await.json();
    assert_eq!(refused["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{refused}");
    site.stop().await;
}

#[tokio::test]
async fn what_is_typed_is_completed() {
    let site = Site::empty().await;
    for name in ["Linen shirt", "Linen trousers", "Lined running shoes", "Crème brûlée", "Chair"] {
        product(&site, json!({"name": name, "description": "Best with linoleum."})).await;
    }
    let suggest = async |query: &str| {
        let query =
            format!("{{ suggest(query: {}) {{ queries nodes {{ ... on Product {{ name }} }} }} }}", json!(query));
        let found = data(&site, None, &query, json!({})).await["suggest"].clone();
        let names: Vec<String> = found["nodes"]
            .as_array()
            .expect("nodes")
            .iter()
            .map(|node| node["name"].as_str().expect("a name").to_owned())
            .collect();
        (found["queries"].clone(), names)
    };
    let (queries, names) = suggest("lin").await;
    assert_eq!(queries, json!(["linen", "lined"]), "the most frequent first, and no word of the description");
    assert_eq!(names.len(), 3, "{names:?}");
    assert_eq!(suggest("linen tr").await, (json!(["linen trousers"]), vec!["Linen trousers".to_owned()]));
    for typed in ["r", "ru", "run", "runn", "runni", "runnin", "running", "running s", "running shoes"] {
        assert!(suggest(typed).await.1.contains(&"Lined running shoes".to_owned()), "{typed}");
    }
    assert_eq!(suggest("crem").await, (json!(["crème"]), vec!["Crème brûlée".to_owned()]), "accents are folded");
    assert_eq!(suggest("shirt -li").await.0, json!([]), "an exclusion is not completed");
    assert_eq!(suggest("trousrs").await.1, ["Linen trousers"], "a misspelt word is corrected");
    for hostile in ["", "'", "\\", "a'b", "\"lin", "lin\"", "x:*", "%", "- ", "😀"] {
        suggest(hostile).await;
    }
    site.stop().await;
}

#[tokio::test]
async fn stop_words_are_not_looked_for() {
    let site = Site::empty().await;
    product(&site, json!({"name": "Desk lamp"})).await;
    product(&site, json!({"name": "How to buy a chair"})).await;
    assert_eq!(names(&site, "Buy cheap lamp").await, ["Desk lamp"]);
    assert_eq!(names(&site, "buy").await, ["How to buy a chair"], "a query of stop words alone is taken as it is");
    assert_eq!(names(&site, "\"to buy\" chair").await, ["How to buy a chair"]);
    assert_eq!(names(&site, "\"buy a lamp\"").await, Vec::<String>::new(), "a phrase is looked for as it is");
    site.stop().await;
}

#[tokio::test]
async fn a_hyphen_may_be_left_out() {
    let site = Site::empty().await;
    product(&site, json!({"name": "Cotton t-shirt"})).await;
    product(&site, json!({"name": "Cotton tshirt"})).await;
    product(&site, json!({"name": "Cotton socks"})).await;
    for query in ["t-shirt", "tshirt", "T-Shirts"] {
        let mut both = names(&site, query).await;
        both.sort();
        assert_eq!(both, ["Cotton t-shirt", "Cotton tshirt"], "{query}");
    }
    for query in ["cotton -t-shirt", "cotton -tshirt"] {
        assert_eq!(names(&site, query).await, ["Cotton socks"], "{query} excludes both");
    }
    assert!(names(&site, "t-shirt -socks").await.contains(&"Cotton t-shirt".to_owned()));
    for name in ["Cotton t shirt", "Bosch GRX-E18-V driver", "Straßenschild, groß", "Ærø cheese"] {
        product(&site, json!({"name": name})).await;
    }
    let mut apart = names(&site, "t-shirt cotton").await;
    apart.sort();
    assert_eq!(apart, ["Cotton t shirt", "Cotton t-shirt", "Cotton tshirt"]);
    for query in ["GRX-E18", "E18-V", "grx e18", "grxe18v", "GRX-E18-V"] {
        assert_eq!(names(&site, query).await, ["Bosch GRX-E18-V driver"], "{query}");
    }
    for query in ["STRASSENSCHILD", "gross", "groß", "straßen"] {
        assert_eq!(names(&site, query).await, ["Straßenschild, groß"], "{query}");
    }
    assert_eq!(names(&site, "aero").await, ["Ærø cheese"]);
    site.stop().await;
}

#[tokio::test]
async fn a_large_import_is_found() {
    let site = Site::empty().await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("tag.ndjson");
    let mut lines = String::new();
    for number in 0..1_700 {
        let _ = writeln!(lines, "{{\"name\": \"Imported {number}\", \"slug\": \"imported-{number}\"}}");
    }
    std::fs::write(&file, lines).expect("the file is written");
    let done = command(&site.db, &["import", "--type", "category", file.to_str().expect("UTF-8")]);
    assert!(done.status.success(), "{done:?}");
    let count = async |query: &str| found(&site, json!({"query": query})).await["totalCount"].as_i64();
    assert!(count("imported").await >= Some(1_000), "the first thousand at once");
    eventually("the rest is found", async || count("imported").await == Some(1_700)).await;
    let waiting: i64 =
        sqlx::query_scalar("select count(*) from search.stale").fetch_one(&site.db.pool).await.expect("a number");
    assert_eq!(waiting, 0);
    site.stop().await;
}
