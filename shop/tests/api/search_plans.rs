//! Searches of a large catalogue use the indexes, whatever is asked.

use runtime::serde_json::json;

use crate::client::Site;
use crate::search::{eventually, found};

const PRODUCTS: i64 = 20_000;

/// How often the index of published entries was read as a whole, and by its indexes.
async fn scans(site: &Site) -> (i64, i64) {
    let sql = "select seq_scan, idx_scan from pg_stat_user_tables where schemaname = 'search' and relname = 'live'";
    sqlx::query_as(sql).fetch_one(&site.db.pool).await.expect("there are statistics")
}

#[tokio::test]
async fn no_search_reads_the_whole_index() {
    let site = Site::empty().await;
    let fill = format!(
        "insert into draft.product (id, revision, created_at, updated_at, published_at, name, slug, stock_status, price, price_currency)
            select md5(n::text)::uuid, 1, now(), now(), now(), 'Lamp of the kind ' || md5(n::text) || ' ' || n, 'lamp-' || n, 'in_stock', n, 'EUR'
            from generate_series(1, {PRODUCTS}) n;
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
    sqlx::raw_sql("analyze search.live; analyze live.product").execute(&site.db.pool).await.expect("it is analysed");
    let (before, _) = scans(&site).await;
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
