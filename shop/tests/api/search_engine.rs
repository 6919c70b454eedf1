//! Searches with a search engine beside PostgreSQL: what is found, by whom, in which order, and that its indexes follow every change.

use runtime::serde_json::{Value as Json, json};

use crate::client::{Node, Site, TOKEN, account, migrated};
use crate::search::{data, edit, eventually, found, names, names_of, product};
use crate::search_server::SearchServer;

/// How many questions the engine has answered and failed to answer, and whether it is up.
pub async fn counted(site: &Node, what: &str) -> f64 {
    let address = site.metrics_address();
    let text = crate::client::send_to(&address, "GET", "/metrics", &[], "").await.body;
    let line = text.lines().find(|line| line.starts_with(what)).unwrap_or_else(|| panic!("no {what} in {text}"));
    line.rsplit(' ').next().and_then(|number| number.parse().ok()).expect("a number")
}

pub const ANSWERED: &str = "typecase_search_engine_questions_total{result=\"answered\"}";
pub const FAILED: &str = "typecase_search_engine_questions_total{result=\"failed\"}";

pub async fn site(engine: &SearchServer) -> Site {
    site_at(&engine.url()).await
}

pub async fn site_at(url: &str) -> Site {
    let site = Site::with(migrated().await, &variables(url)).await;
    built(&site).await;
    site
}

pub fn variables(url: &str) -> [(&str, &str); 3] {
    // A machine under load is slower than an engine may be in production.
    [("TYPECASE_SEARCH_URL", url), ("TYPECASE_METRICS_ADDRESS", "127.0.0.1:0"), ("TYPECASE_SEARCH_TIMEOUT", "2s")]
}

pub async fn number(site: &Site, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&site.db.pool).await.expect("a number")
}

/// Waits until all indexes are made.
pub async fn built(site: &Site) {
    eventually("the indexes are made", async || {
        number(site, "select count(*) from search.engine where is_built").await > 0
            && number(site, "select count(*) from search.engine where not is_built").await == 0
            && number(site, "select count(*) from cms.job where kind = 'typecase.search_engine_index'").await == 0
    })
    .await;
    // Servers look once a second.
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
}

/// Waits until the engine knows of all changes, and shows them.
pub async fn told(site: &Site) {
    eventually("changes are sent", async || {
        number(site, "select count(*) from search.unsent").await == 0
            && number(site, "select count(*) from cms.outbox where position is null").await == 0
            && number(site, "select h.position - c.position from cms.outbox_head h, cms.consumer c where c.name = 'typecase.search_engine'").await == 0
    })
    .await;
    tokio::time::sleep(std::time::Duration::from_millis(1300)).await;
}

/// The names that the engine finds: PostgreSQL has no part in it.
pub async fn by_engine(site: &Site, query: &str) -> Vec<String> {
    let before = counted(site, ANSWERED).await;
    let names = names(site, query).await;
    assert!(
        counted(site, ANSWERED).await > before,
        "the engine is not asked for {query}: {:?}",
        site.logged("search engine")
    );
    names
}

#[tokio::test]
async fn words_are_found_as_postgresql_finds_them() {
    let engine = SearchServer::start();
    let site = site(&engine).await;
    for (name, summary, description) in [
        ("Blue running shoes", "For the road.", "Light, and **soft**."),
        ("Red socks", "Worn with running shoes.", "Cotton."),
        ("Café Crème 500g", "A coffee.", "It is roasted. See [blue mountains](https://example.com/hidden)."),
        ("Wasserflasche", "Holds 0,5 l.", "Steel."),
        ("Linen trousers", "Cool.", "For the summer, with a pocket for a writing pad."),
        ("Zed holder 3-in-1", "", ""),
    ] {
        product(&site, json!({"name": name, "summary": summary, "description": description})).await;
    }
    told(&site).await;
    assert_eq!(
        by_engine(&site, "shoe").await,
        ["Blue running shoes", "Red socks"],
        "in any form, the name counts most"
    );
    let partial = found(&site, json!({"query": "red shoes sandals"})).await;
    assert_eq!(names_of(&partial), ["Red socks", "Blue running shoes"], "nothing has all words, and these have some");
    assert_eq!((&partial["isPartial"], &partial["totalCount"]), (&json!(true), &json!(2)));
    let whole = found(&site, json!({"query": "red shoes"})).await;
    assert_eq!((names_of(&whole), &whole["isPartial"]), (vec!["Red socks".to_owned()], &json!(false)));
    assert!(whole["edges"][0]["highlights"].to_string().contains("<mark>shoes</mark>"), "{whole}");
    for (query, expected) in [
        ("sandals -shoes", &[][..]),
        ("blue", &["Blue running shoes", "Café Crème 500g"]),
        ("blue -coffee", &["Blue running shoes"]),
        ("\"running shoes\" -blue", &["Red socks"]),
        ("hidden", &[]),
        ("-blue", &[]),
        ("the", &[]),
        ("cafe -500g", &[]),
        ("the caf", &["Café Crème 500g"]),
        ("500 g", &["Café Crème 500g"]),
        ("wasser", &["Wasserflasche"]),
        ("0,5 L", &["Wasserflasche"]),
        ("linen PANTS", &["Linen trousers"]),
        ("notebook", &["Linen trousers"]),
        ("trousers -writing or notebook", &["Linen trousers"]),
        ("zed 3 in 1", &["Zed holder 3-in-1"]),
        ("holder -pants", &["Zed holder 3-in-1"]),
    ] {
        assert_eq!(names(&site, query).await, expected, "{query}");
    }
    // A misspelt word is corrected by PostgreSQL, and the correction is asked again.
    let corrected = found(&site, json!({"query": "runing shoes"})).await;
    assert_eq!((corrected["correctedQuery"].as_str(), names_of(&corrected).len()), (Some("running shoes"), 2));
    assert_eq!(counted(&site, FAILED).await, 0.0);
    assert!(site.logged("WARN").is_empty() && site.logged("ERROR").is_empty(), "{:?}", site.logged(""));
    site.stop().await;
}

#[tokio::test]
async fn an_index_follows_every_change_also_of_other_entries() {
    let engine = SearchServer::start();
    let site = site(&engine).await;
    let brand = "mutation($name: String!) { createBrand(input: { name: $name }) { id revision } }";
    let brand = edit(&site, brand, json!({"name": "Nordwind"})).await["createBrand"].clone();
    let lamp = product(&site, json!({"name": "Amber lamp", "brand": {"connect": {"id": brand["id"]}}})).await;
    told(&site).await;
    assert_eq!(by_engine(&site, "nordwind").await, ["Amber lamp"]);
    let rename = "mutation($id: ID!, $revision: Int!) { updateBrand(id: $id, revision: $revision, input: { name: \"Südwind\" }) { revision } }";
    edit(&site, rename, json!({"id": brand["id"], "revision": brand["revision"]})).await;
    eventually("the engine knows the new name", async || names(&site, "sudwind").await == ["Amber lamp"]).await;
    eventually("and not the old one", async || names(&site, "nordwind").await.is_empty()).await;
    let draft = json!({"query": "amber", "stage": "DRAFT"});
    assert_eq!(found(&site, draft.clone()).await["totalCount"], 1);
    let unpublish =
        "mutation($id: ID!, $revision: Int!) { done: unpublishProduct(id: $id, revision: $revision) { revision } }";
    let done = edit(&site, unpublish, json!({"id": lamp["id"], "revision": lamp["revision"]})).await;
    // PostgreSQL has dropped it already.
    assert_eq!(names(&site, "amber").await, Vec::<String>::new());
    told(&site).await;
    assert_eq!((engine.count("typecase-product-live"), engine.count("typecase-product-draft")), (0, 1));
    let delete = "mutation($id: ID!, $revision: Int!) { deleteProduct(id: $id, revision: $revision) }";
    edit(&site, delete, json!({"id": lamp["id"], "revision": done["done"]["revision"]})).await;
    assert_eq!(found(&site, draft).await["totalCount"], 0);
    told(&site).await;
    assert_eq!(engine.count("typecase-product-draft"), 0);
    site.stop().await;
}

#[tokio::test]
async fn rules_filters_facets_keys_and_pages_are_those_of_postgresql() {
    let engine = SearchServer::start();
    let site = site(&engine).await;
    for number in 0..30 {
        let stock = if number % 3 == 0 { "OUT_OF_STOCK" } else { "IN_STOCK" };
        let variants = json!({"create": [{"sku": format!("LMP-{number}")}]});
        product(&site, json!({"name": format!("Lamp {number}"), "stockStatus": stock, "variants": variants, "externalRef": format!("ref{number}")})).await;
    }
    let input = json!({"name": "Lamp in the making", "price": {"amount": "1.00", "currency": "EUR"}});
    let create = "mutation($input: ProductCreateInput!) { createProduct(input: $input) { id } }";
    edit(&site, create, json!({ "input": input })).await;
    told(&site).await;
    let before = counted(&site, ANSWERED).await;
    let all = found(&site, json!({"query": "lamp", "first": 50})).await;
    assert_eq!((&all["totalCount"], all["nodes"].as_array().map(Vec::len)), (&json!(30), Some(30)), "a draft is none");
    let (mut after, mut paged) = (Json::Null, Vec::new());
    loop {
        let page = found(&site, json!({"query": "lamp", "first": 7, "after": after})).await;
        paged.extend(names_of(&page));
        if page["pageInfo"]["hasNextPage"] != true {
            break;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
    assert_eq!(paged, names_of(&all), "pages are parts of the whole");
    let filter = json!({"product": {"stockStatus": {"eq": "OUT_OF_STOCK"}}});
    assert_eq!(found(&site, json!({"query": "lamp", "filter": filter})).await["totalCount"], 10);
    assert_eq!(names(&site, "lmp-17").await[0], "Lamp 17", "a key comes first");
    let facets = "{ search(query: \"lamp\") { facets { product { stockStatus { value count } } } } }";
    let facets = data(&site, None, facets, json!({})).await["search"]["facets"]["product"]["stockStatus"].clone();
    assert_eq!(facets, json!([{"value": "IN_STOCK", "count": 20}, {"value": "OUT_OF_STOCK", "count": 10}]));
    assert!(counted(&site, ANSWERED).await >= before + 8.0);
    // What a role may not read finds nothing, and neither does a draft.
    let anonymous = "query($query: String!) { search(query: $query) { totalCount } }";
    for (query, count) in [("ref7", 0), ("making", 0), ("lamp", 30)] {
        assert_eq!(
            data(&site, None, anonymous, json!({"query": query})).await["search"]["totalCount"],
            count,
            "{query}"
        );
    }
    let (_, author) = account(&site, "ada@example.com", "author").await;
    let seen = data(&site, Some(&author), anonymous, json!({"query": "lamp"})).await["search"]["totalCount"].clone();
    assert_eq!(seen, 30);
    let ids = found(&site, json!({"query": "lamp 3"})).await["nodes"].clone();
    let rule = "mutation($pinned: [ID!], $hidden: [ID!]) { setSearchRule(input: { query: \"lamp 3\", pinned: $pinned, hidden: $hidden }) { query } }";
    let pinned = found(&site, json!({"query": "lmp-21"})).await["nodes"][0]["id"].clone();
    data(&site, Some(TOKEN), rule, json!({"pinned": [pinned], "hidden": [ids[0]["id"]]})).await;
    let ruled = found(&site, json!({"query": "lamp 3"})).await["nodes"].clone();
    assert_eq!(
        (&ruled[0]["id"], ruled.as_array().is_some_and(|all| all.iter().all(|one| one["id"] != ids[0]["id"]))),
        (&pinned, true)
    );
    site.stop().await;
}
