//! Searches of a large catalogue use the indexes, whatever is asked.

use std::collections::HashSet;

use runtime::serde_json::{Value as Json, json};
use runtime::store::id;
use uuid::Uuid;

use crate::client::{Node, Site};
use crate::search::{data, edit, eventually, found};

const PRODUCTS: i64 = 20_000;

/// How often the index of published entries was read as a whole, and by its indexes.
async fn scans(site: &Site) -> (i64, i64) {
    let sql = "select seq_scan, idx_scan from pg_stat_user_tables where schemaname = 'search' and relname = 'live'";
    sqlx::query_as(sql).fetch_one(&site.db.pool).await.expect("there are statistics")
}

/// A node, after it has made the index of so many published products with this name.
async fn filled(site: &Site, name: &str, products: i64) -> Node {
    let fill = format!(
        "insert into draft.product (id, revision, created_at, updated_at, published_at, name, slug, stock_status, price, price_currency)
            select md5(n::text)::uuid, 1, now(), now(), now(), {name}, 'lamp-' || n,
                (array['in_stock', 'low_stock', 'out_of_stock', 'discontinued'])[1 + n % 4], n, 'EUR'
            from generate_series(1, {products}) n;
        insert into live.product select * from draft.product;
        update search.made set by = 'nothing' where type = 'product'"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(fill)).execute(&site.db.pool).await.expect("products are stored");
    let node = site.another_node();
    eventually("the index is made", async || {
        let sql = "select by <> 'nothing' from search.made where type = 'product'";
        sqlx::query_scalar::<_, bool>(sql).fetch_one(&site.db.pool).await.expect("an answer")
    })
    .await;
    node
}

#[tokio::test]
async fn the_first_page_is_that_of_all_that_is_found() {
    let site = Site::empty().await;
    let words = "array['oak','linen','lined','river','copper','oaken','wool','slate']";
    let word = |seed: usize| format!("({words})[1 + ('x' || substr(md5(n || 's{seed}'), 1, 7))::bit(28)::int % 8]");
    let name = format!("{} || ' ' || {} || ' ' || {} || repeat(' field', n % 5)", word(1), word(2), word(3));
    let node = filled(&site, &name, 1_500).await;
    let ids = sqlx::query_scalar("select id from live.product order by id limit 2");
    let ids: Vec<Uuid> = ids.fetch_all(&site.db.pool).await.expect("ids");
    let pinned: Vec<String> = ids.iter().map(|id| id::encode("product", *id)).collect();
    let rule = "mutation($input: SearchRuleInput!) { setSearchRule(input: $input) { query } }";
    let input = json!({"input": {"query": "slate", "pinned": pinned, "hidden": []}});
    edit(&site, rule, input).await;
    let in_stock = json!({"product": {"stockStatus": {"in": ["OUT_OF_STOCK", "DISCONTINUED"]}}});
    for (query, filter) in [
        ("oak", json!({})),
        ("oak linen", json!({})),
        ("oak", in_stock.clone()),
        ("field", in_stock),
        ("lin", json!({})),
        ("slate", json!({})),
        ("oak -linen", json!({})),
        ("lamp-77", json!({})),
        ("oak or wool", json!({})),
    ] {
        let ask = async |first: usize, after: &Json| {
            let variables = json!({"query": query, "first": first, "after": after, "filter": filter});
            let text = "query($query: String!, $first: Int, $after: String, $filter: SearchFilter) {
                search(query: $query, types: [PRODUCT], first: $first, after: $after, filter: $filter) {
                    totalCount edges { score cursor node { id } } pageInfo { hasNextPage } } }";
            data(&site, None, text, variables).await["search"].clone()
        };
        let (mut seen, mut last, mut after) = (HashSet::new(), f64::MAX, Json::Null);
        let mut first = 7;
        let total = loop {
            let page = ask(first, &after).await;
            for edge in page["edges"].as_array().expect("edges") {
                let score = edge["score"].as_f64().expect("a score");
                assert!(score <= last + 1e-5, "{query}: {score} after {last}");
                assert!(seen.insert(edge["node"]["id"].clone()), "{query}: twice");
                (last, after) = (score, edge["cursor"].clone());
            }
            if page["pageInfo"]["hasNextPage"] == false {
                break page["totalCount"].as_u64();
            }
            first = 100;
        };
        // An entry that the first page lacks would come in no other.
        assert_eq!(total, Some(seen.len() as u64), "{query} {filter}");
        assert!(!seen.is_empty(), "{query} {filter}");
    }
    drop(node);
    site.stop().await;
}

#[tokio::test]
async fn no_search_reads_the_whole_index() {
    let site = Site::empty().await;
    let node = filled(&site, "'Lamp of the kind ' || md5(n::text) || ' ' || n", PRODUCTS).await;
    sqlx::raw_sql("analyze search.live; analyze live.product").execute(&site.db.pool).await.expect("it is analysed");
    // What made the index is counted a second later at the latest, when its backend has another statement.
    let mut before = scans(&site).await.0;
    loop {
        tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
        found(&node, json!({"query": "lamp 77", "types": ["PRODUCT"]})).await;
        let now = scans(&site).await.0;
        if std::mem::replace(&mut before, now) == now {
            break;
        }
    }
    let queries = [
        "lamp 77",
        "c4ca4238a0b923820dcc509a6f75849b",
        "lamp-77",
        "lam",
        "zzzz",
        "kindd",
        "lamp -kind",
        "\"kind lamp\"",
        "lamp or 77",
        "77 nothing",
        "kind lamb 77",
        "lamp\"",
        "500 g",
        "-lamp",
        "",
    ];
    let mut searched = 0;
    for query in queries {
        found(&node, json!({"query": query, "types": ["PRODUCT"]})).await;
        let suggest = format!("{{ suggest(query: {}) {{ queries nodes {{ id }} }} }}", json!(query));
        let answer = node.post(&json!({"query": suggest}), &[]).await;
        assert!(!answer.body.contains("\"errors\""), "{}", answer.body);
        searched += 1;
    }
    // What a backend has counted becomes visible when it rests, and at the latest with its next statement a second later.
    eventually("the searches are counted", async || {
        found(&node, json!({"query": "lamp 77", "types": ["PRODUCT"]})).await;
        scans(&site).await.1 >= searched
    })
    .await;
    let (after, _) = scans(&site).await;
    assert_eq!(after, before, "the index was read as a whole");
    drop(node);
    site.stop().await;
}
