//! Lists by category, tag and brand: what the indexes give is what the slow way gives, whatever has happened to the entries.
//!
//! A filter inside `or` is read in the slow way, which makes the two comparable: see `store/src/read/listing.rs`.

use runtime::serde_json::{Value as Json, json};
use sqlx::AssertSqlSafe;

use crate::client::Site;
use crate::model::Dice;

const TAGS: usize = 4;
const NAMES: [&str; 6] = ["äpfel", "Apfel", "apfel", "Zebra", "birne", "100% Baum_wolle\\n"];
/// As they are written in a document.
const TEXTS: [&str; 10] =
    ["pfel", "ÄPF", "el 1", "Zebra 2", "0%", "100% b", "m_w", "baum%wolle", "wolle\\\\n", "%%%apfel"];
const ORDERS: [&str; 10] = [
    "[]",
    "[{field: NAME}]",
    "[{field: NAME, direction: DESC}]",
    "[{field: PRICE}]",
    "[{field: PRICE, direction: DESC, nulls: LAST}]",
    "[{field: CREATED_AT, direction: DESC}]",
    "[{field: UPDATED_AT}]",
    "[{field: PUBLISHED_AT, direction: DESC}]",
    "[{field: FIRST_PUBLISHED_AT, nulls: FIRST}]",
    "[{field: PRICE, direction: DESC}, {field: NAME}]",
];

async fn ask(site: &Site, query: &str, variables: Json) -> Json {
    let answer = site.ask_as_developer(query, variables.clone()).await;
    assert_eq!(answer["errors"], Json::Null, "{query} {variables}");
    answer["data"].clone()
}

fn input(dice: &mut Dice, ids: &[String]) -> Json {
    let mut picked: Vec<&String> = ids.iter().collect();
    picked.retain(|_| dice.below(2) == 0);
    let tags: Vec<Json> = picked.iter().map(|id| json!({ "id": id })).collect();
    let currency = if dice.below(4) == 0 { "USD" } else { "EUR" };
    json!({
        "name": format!("{} {}", NAMES[dice.below(NAMES.len())], dice.below(3)),
        "price": { "amountMinor": (dice.below(6) * 1000).to_string(), "currency": currency },
        "stockStatus": if dice.below(2) == 0 { "IN_STOCK" } else { "LOW_STOCK" },
        "tags": { "set": tags },
        "categories": { "set": [{ "slug": format!("category-{}", dice.below(3)) }] },
        "brand": { "connect": { "slug": format!("brand-{}", dice.below(2)) } },
    })
}

fn filter(dice: &mut Dice) -> String {
    let tag = dice.below(TAGS);
    let target = match dice.below(6) {
        0 => format!("tags: {{some: {{slug: {{eq: \"tag-{tag}\"}}}}}}"),
        1 => format!("categories: {{some: {{slug: {{eq: \"category-{}\"}}}}}}", dice.below(4)),
        2 => format!("brand: {{is: {{slug: {{eq: \"brand-{}\"}}}}}}", dice.below(2)),
        3 => format!(
            "and: [{{tags: {{some: {{slug: {{eq: \"tag-{tag}\"}}}}}}}}, {{tags: {{some: {{slug: {{eq: \"tag-{}\"}}}}}}}}]",
            dice.below(TAGS)
        ),
        4 => format!(
            "categories: {{some: {{slug: {{eq: \"category-{}\"}}}}}}, tags: {{some: {{slug: {{eq: \"tag-{tag}\"}}, name: {{ne: \"x\"}}}}}}",
            dice.below(3)
        ),
        _ => format!(
            "tags: {{some: {{slug: {{eq: \"tag-{tag}\"}}}}, none: {{slug: {{eq: \"tag-{}\"}}}}}}",
            dice.below(TAGS)
        ),
    };
    let money = |amount: usize| format!("{{amountMinor: \"{}\", currency: \"EUR\"}}", amount * 1000);
    let text = TEXTS[dice.below(TEXTS.len())];
    let target = if dice.below(4) == 0 { "id: {notIn: []}".to_owned() } else { target };
    let more = match dice.below(10) {
        0 => format!(", price: {{gte: {}, lte: {}}}", money(dice.below(3)), money(2 + dice.below(4))),
        1 => format!(", price: {{gt: {}}}, stockStatus: {{eq: IN_STOCK}}", money(dice.below(4))),
        2 => ", name: {gte: \"apfel 1\", lt: \"birne 2\"}".to_owned(),
        8 => format!(", name: {{contains: \"{text}\"}}"),
        9 => format!(", name: {{contains: \"{text}\", lt: \"z\"}}, not: {{name: {{contains: \"zeb\"}}}}"),
        3 => format!(", not: {{price: {{eq: {}}}}}", money(dice.below(6))),
        4 => format!(", or: [{{price: {{lt: {}}}}}, {{name: {{eq: \"Zebra 1\"}}}}]", money(3)),
        _ => String::new(),
    };
    target + &more
}

/// All pages of a list, from either end, with the count and the cursors that each page has.
async fn pages(site: &Site, filter: &str, order: &str, backward: bool) -> Vec<Json> {
    let mut pages = Vec::new();
    let mut cursor = Json::Null;
    loop {
        let (size, place) = if backward { ("last", "before") } else { ("first", "after") };
        let query = format!(
            "query($cursor: String) {{ products({size}: 3, {place}: $cursor, filter: {filter}, orderBy: {order}) {{
                totalCount pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} edges {{ cursor node {{ id name }} }}
            }} }}"
        );
        let answer = site.post(&json!({ "query": query, "variables": { "cursor": cursor } }), &[]).await.json();
        assert_eq!(answer["errors"], Json::Null, "{query}");
        let page = answer["data"]["products"].clone();
        let (next, end) = if backward { ("hasPreviousPage", "startCursor") } else { ("hasNextPage", "endCursor") };
        let (has_more, end) = (page["pageInfo"][next] == true, page["pageInfo"][end].clone());
        pages.push(page);
        if !has_more {
            return pages;
        }
        cursor = end;
    }
}

/// Each listing has the rows that its relation has in `live`, and each count is that of its rows.
async fn assert_kept(site: &Site) {
    assert_eq!(stale(site).await, None);
}

/// The comparison that shows a listing or a count to be wrong.
async fn stale(site: &Site) -> Option<String> {
    let listings: Vec<String> = sqlx::query_scalar(
        "select relname::text from pg_class where relnamespace = 'listing'::regnamespace and relkind = 'r' and relname <> 'count'",
    )
    .fetch_all(&site.db.pool)
    .await
    .unwrap();
    assert!(listings.len() > 5, "{listings:?}");
    for listing in listings {
        let (owner, _) = listing.split_once('_').unwrap();
        let (join, target) = match listing.strip_prefix("post_about_") {
            Some(target) => ("post_about", target),
            None => (listing.as_str(), "target_id"),
        };
        let columns: Vec<String> = sqlx::query_scalar(
            "select quote_ident(column_name) from information_schema.columns
             where table_schema = 'listing' and table_name = $1 and ordinal_position > 2 order by ordinal_position",
        )
        .bind(&listing)
        .fetch_all(&site.db.pool)
        .await
        .unwrap();
        let columns = columns.join(", ");
        let is = format!("select target_id, owner_id, {columns} from listing.{listing}");
        let ought = format!(
            "select j.{target}, j.owner_id, {columns} from live.{join} j join live.{owner} p on p.id = j.owner_id where j.{target} is not null"
        );
        let counts = format!(
            "select target_id, sum(n) from listing.count where list = '{listing}' group by 1 having sum(n) <> 0"
        );
        let counted = format!("select target_id, count(*) from listing.{listing} group by 1");
        let entries = format!("select coalesce(sum(n), 0) from listing.count where list = '{owner}'");
        let live = format!("select count(*) from live.{owner}");
        for (is, ought) in [(is, ought), (counts, counted), (entries, live)] {
            let sql =
                format!("select count(*) from (({is} except all {ought}) union all ({ought} except all {is})) wrong");
            let wrong: i64 = sqlx::query_scalar(AssertSqlSafe(sql.clone())).fetch_one(&site.db.pool).await.unwrap();
            if wrong > 0 {
                return Some(sql);
            }
        }
    }
    None
}

async fn change(site: &Site, dice: &mut Dice, tags: &[String]) {
    let found = ask(site, "{ products(first: 100, stage: DRAFT) { nodes { id revision status } } }", json!({})).await;
    let entries = found["products"]["nodes"].as_array().unwrap().clone();
    let what = if entries.len() < 12 { 0 } else { dice.below(10) };
    if what <= 1 {
        let query = "mutation($input: ProductCreateInput!, $publish: Boolean!) { createProduct(input: $input, publish: $publish) { id } }";
        ask(site, query, json!({ "input": input(dice, tags), "publish": dice.below(5) > 0 })).await;
        return;
    }
    let entry = &entries[dice.below(entries.len())];
    let (id, revision) = (&entry["id"], &entry["revision"]);
    let variables = json!({ "id": id, "revision": revision });
    match what {
        2..=5 => {
            let query = "mutation($id: ID!, $revision: Int!, $input: ProductUpdateInput!, $publish: Boolean!) {
                updateProduct(id: $id, revision: $revision, input: $input, publish: $publish) { id } }";
            let (input, publish) = (input(dice, tags), dice.below(3) > 0);
            ask(site, query, json!({ "id": id, "revision": revision, "input": input, "publish": publish })).await;
        }
        6 if entry["status"] != "DRAFT" => {
            let query = "mutation($id: ID!, $revision: Int!) { unpublishProduct(id: $id, revision: $revision) { id } }";
            ask(site, query, variables).await;
        }
        7 => {
            let query = "mutation($id: ID!, $revision: Int!) { deleteProduct(id: $id, revision: $revision) }";
            ask(site, query, variables.clone()).await;
            if dice.below(2) == 0 {
                let query = "mutation($id: ID!) { undeleteProduct(id: $id) { id } }";
                ask(site, query, json!({ "id": id })).await;
            }
        }
        8 => {
            let query = "mutation($id: ID!, $revision: Int!, $from: Int!) { restoreProduct(id: $id, revision: $revision, from: $from) { id } }";
            let from = 1 + dice.below(usize::try_from(revision.as_i64().unwrap()).unwrap());
            site.ask_as_developer(query, json!({ "id": id, "revision": revision, "from": from })).await;
        }
        _ => {
            let ids: Vec<&Json> = entries.iter().take(5).map(|entry| &entry["id"]).collect();
            ask(site, "mutation($ids: [ID!]!) { publishProducts(ids: $ids) { id } }", json!({ "ids": ids })).await;
        }
    }
}

#[tokio::test]
async fn lists_in_the_order_of_an_index_are_those_of_the_slow_way() {
    let seed = std::env::var("TYPECASE_TEST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(7);
    println!("seed {seed}");
    let (site, mut dice) = (Site::empty().await, Dice::new(seed));
    let mut tags = Vec::new();
    for at in 0..TAGS {
        let query = "mutation($input: TagCreateInput!) { createTag(input: $input) { id } }";
        let made =
            ask(&site, query, json!({ "input": { "name": format!("Tag {at}"), "slug": format!("tag-{at}") } })).await;
        tags.push(made["createTag"]["id"].as_str().unwrap().to_owned());
    }
    for at in 0..3 {
        let input = json!({ "name": format!("Category {at}"), "slug": format!("category-{at}") });
        ask(
            &site,
            "mutation($input: CategoryCreateInput!) { createCategory(input: $input) { id } }",
            json!({ "input": input }),
        )
        .await;
        let input = json!({ "name": format!("Brand {at}"), "slug": format!("brand-{at}") });
        ask(
            &site,
            "mutation($input: BrandCreateInput!) { createBrand(input: $input) { id } }",
            json!({ "input": input }),
        )
        .await;
    }
    for round in 0..80 {
        change(&site, &mut dice, &tags).await;
        assert_kept(&site).await;
        if round % 2 == 0 {
            let (filter, order, backward) = (filter(&mut dice), ORDERS[dice.below(ORDERS.len())], dice.below(3) == 0);
            let fast = pages(&site, &format!("{{{filter}}}"), order, backward).await;
            let slow = pages(&site, &format!("{{or: [{{{filter}}}]}}"), order, backward).await;
            assert_eq!(fast, slow, "{filter} {order}");
        }
    }
    nested(&site).await;
    // A tag that is deleted is gone from all lists.
    let query = "{ tagBySlug(slug: \"tag-0\", stage: DRAFT) { id revision } }";
    let tag = ask(&site, query, json!({})).await["tagBySlug"].clone();
    let query = "mutation($id: ID!, $revision: Int!) { deleteTag(id: $id, revision: $revision) }";
    ask(&site, query, json!({ "id": tag["id"], "revision": tag["revision"] })).await;
    assert_kept(&site).await;
    site.stop().await;
}

/// The lists of several targets at once, each with its own order and count.
async fn nested(site: &Site) {
    for order in ORDERS {
        let query = format!(
            "{{ tags {{ nodes {{ slug productsConnection(first: 4, orderBy: {order}) {{ totalCount nodes {{ id }} }}
                some: products(first: 2, orderBy: {order}, filter: {{price: {{gte: {{amountMinor: \"2000\", currency: \"EUR\"}}}}}}) {{ id }} }} }} }}"
        );
        let found = ask(site, &query, json!({})).await;
        for tag in found["tags"]["nodes"].as_array().unwrap() {
            let filter = format!("tags: {{some: {{slug: {{eq: {}}}}}}}", tag["slug"]);
            let query = format!(
                "{{ all: products(first: 4, orderBy: {order}, filter: {{or: [{{{filter}}}]}}) {{ totalCount nodes {{ id }} }}
                    some: products(first: 2, orderBy: {order}, filter: {{or: [{{{filter}}}], price: {{gte: {{amountMinor: \"2000\", currency: \"EUR\"}}}}}}) {{ nodes {{ id }} }} }}"
            );
            let slow = ask(site, &query, json!({})).await;
            assert_eq!(tag["productsConnection"], slow["all"], "{order}");
            assert_eq!(tag["some"], slow["some"]["nodes"], "{order}");
        }
    }
}

/// What nobody can forget: rows that are written by hand, in any order, and tables that are emptied.
#[tokio::test]
async fn listings_follow_what_is_written_by_hand() {
    let site = Site::with_demo().await;
    assert_kept(&site).await;
    for sql in [
        "update live.product set name = name || ' II', price = price + 1 where slug < 'm'",
        "update live.product_tags set position = position + 10",
        "delete from live.product_tags where position % 2 = 0",
        "insert into live.product_tags select * from draft.product_tags on conflict do nothing",
        "create table aside as select * from live.product where slug < 'm'",
        "delete from live.product where slug < 'm'",
        "insert into live.product select * from aside",
        "with gone as (delete from live.product_tags t using aside a where t.owner_id = a.id) delete from live.product p using aside a where p.id = a.id",
        "with back as (insert into live.product select * from aside) insert into live.product_tags select t.* from draft.product_tags t join aside a on a.id = t.owner_id",
        "select listing.tidy('product_tags', (select array_agg(id) from live.tag))",
        "truncate live.product_categories",
        "insert into live.product_categories select * from draft.product_categories",
        "truncate live.product, live.product_tags, live.product_categories",
    ] {
        sqlx::query(sql).execute(&site.db.pool).await.expect(sql);
        println!("{sql}");
        assert_kept(&site).await;
    }
    site.stop().await;
}

/// The comparisons above would notice it.
#[tokio::test]
async fn a_listing_that_is_stale_gives_another_list() {
    let site = Site::with_demo().await;
    let filter = "categories: {some: {slug: {eq: \"coffee\"}}}";
    let order = "[{field: PRICE}]";
    for sql in [
        "alter table live.product disable trigger product_categories_update_owner",
        "update live.product set price = 100000 - price",
    ] {
        sqlx::query(sql).execute(&site.db.pool).await.expect(sql);
    }
    let stale = stale(&site).await.expect("it is stale");
    assert!(stale.contains("listing.product_categories"), "{stale}");
    let fast = pages(&site, &format!("{{{filter}}}"), order, false).await;
    let slow = pages(&site, &format!("{{or: [{{{filter}}}]}}"), order, false).await;
    assert!(slow.len() > 1, "{slow:?}");
    assert_ne!(fast, slow, "the list is not read from the listing");
    site.stop().await;
}

/// Estimates are of PostgreSQL's statistics, and exact where a number is kept or the page shows all.
#[tokio::test]
async fn an_estimate_is_asked_for_by_its_name() {
    let site = Site::with_demo().await;
    sqlx::query("analyze").execute(&site.db.pool).await.expect("statistics");
    let query = "query($how: CountPrecision!) {
        all: products { totalCount(precision: $how) exact: totalCount }
        category: products(filter: {categories: {some: {slug: {eq: \"coffee\"}}}}) { totalCount(precision: ESTIMATE) exact: totalCount(precision: EXACT) }
        none: products(filter: {name: {eq: \"nothing\"}}) { totalCount(precision: ESTIMATE) nodes { id } }
        few: products(first: 3, filter: {stockStatus: {ne: DISCONTINUED}}) { totalCount(precision: ESTIMATE) nodes { id } }
        tags(first: 2) { nodes { productsConnection { totalCount(precision: ESTIMATE) exact: totalCount } } }
    }";
    let answer = site.post(&json!({ "query": query, "variables": { "how": "ESTIMATE" } }), &[]).await.json();
    assert_eq!(answer["errors"], Json::Null);
    let data = &answer["data"];
    assert_eq!(data["all"], json!({ "totalCount": 20, "exact": 20 }));
    assert_eq!(data["category"]["totalCount"], data["category"]["exact"], "it is kept");
    assert_eq!(data["none"], json!({ "totalCount": 0, "nodes": [] }), "the page shows that there is none");
    let few = data["few"]["totalCount"].as_i64().unwrap();
    assert!((4..=20).contains(&few), "there are more than the page shows: {few}");
    for tag in data["tags"]["nodes"].as_array().unwrap() {
        assert_eq!(tag["productsConnection"]["totalCount"], tag["productsConnection"]["exact"]);
    }
    let wrong = site.ask("{ products { totalCount(precision: GUESS) } }").await;
    assert_eq!(wrong["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED", "{wrong}");
    site.stop().await;
}

#[tokio::test]
async fn an_estimate_tells_nothing_of_what_rules_hide() {
    let site = Site::empty().await;
    let (_, author) = crate::client::account(&site, "ada@shop.example", "author").await;
    let fill = "insert into draft.post (id, revision, created_at, updated_at, title, slug, body, published_on)
        select md5(n::text)::uuid, 1, now(), now(), 'Post ' || n, 'post-' || n, 'x', '2031-05-05' from generate_series(1, 300) n";
    sqlx::raw_sql(fill).execute(&site.db.pool).await.expect("posts of others are stored");
    sqlx::raw_sql("analyze draft.post").execute(&site.db.pool).await.expect("it is analysed");
    let query = "{ posts(stage: DRAFT, filter: { publishedOn: { eq: \"2031-05-05\" } }) {
        about: totalCount(precision: ESTIMATE) exact: totalCount } }";
    let of_author = site.ask_with(&author, query, json!({})).await;
    assert_eq!(of_author["data"]["posts"], json!({"about": 0, "exact": 0}), "{of_author}");
    // Who sees all of them gets what PostgreSQL expects.
    let of_developer = site.ask_as_developer(query, json!({})).await;
    assert_eq!(of_developer["data"]["posts"]["exact"], 300, "{of_developer}");
    site.stop().await;
}
