//! `search`: what is found, by whom, in which order, and that the index follows every change.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use runtime::serde_json::{Value as Json, json};

use crate::client::{Node, Site, TOKEN, account};

const CREATE: &str = "mutation($input: ProductCreateInput!, $publish: Boolean!) { createProduct(input: $input, publish: $publish) { id revision } }";

/// The names of the entries that are found, in order.
pub async fn names(site: &Node, query: &str) -> Vec<String> {
    names_of(&found(site, json!({"query": query})).await)
}

pub fn names_of(connection: &Json) -> Vec<String> {
    let name = |node: &Json| node["name"].as_str().or_else(|| node["title"].as_str()).expect("a name").to_owned();
    connection["nodes"].as_array().expect("nodes").iter().map(name).collect()
}

pub async fn found(site: &Node, variables: Json) -> Json {
    let query = "query($query: String!, $types: [SearchType!], $filter: SearchFilter, $orderBy: SearchOrder! = RELEVANCE, $first: Int, $after: String, $stage: Stage! = LIVE) {
        search(query: $query, types: $types, filter: $filter, orderBy: $orderBy, first: $first, after: $after, stage: $stage) {
            totalCount correctedQuery isPartial pageInfo { hasNextPage hasPreviousPage endCursor }
            nodes { __typename id ... on Product { name } ... on Service { name } ... on Category { name } ... on Post { title } }
            edges { cursor score highlights { field text html ranges { start end } } }
        }
    }";
    edit(site, query, variables).await["search"].clone()
}

pub async fn data(site: &Node, token: Option<&str>, query: &str, variables: Json) -> Json {
    let token = token.map(|token| format!("Bearer {token}"));
    let headers: Vec<(&str, &str)> = token.iter().map(|token| ("authorization", token.as_str())).collect();
    let answer = site.post(&json!({"query": query, "variables": variables}), &headers).await.json();
    assert_eq!(answer["errors"], Json::Null, "{query} {variables}");
    answer["data"].clone()
}

pub async fn edit(site: &Node, query: &str, variables: Json) -> Json {
    data(site, Some(TOKEN), query, variables).await
}

pub async fn product(site: &Node, input: Json) -> Json {
    let mut whole = json!({"price": {"amount": "10.00", "currency": "EUR"}});
    whole.as_object_mut().expect("an object").extend(input.as_object().expect("an object").clone());
    edit(site, CREATE, json!({"input": whole, "publish": true})).await["createProduct"].clone()
}

pub async fn eventually(what: &str, mut is: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !is().await {
        assert!(start.elapsed() < Duration::from_secs(30), "not within 30 s: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn words_are_found_in_their_forms_and_the_best_comes_first() {
    let site = Site::empty().await;
    for (name, summary, description) in [
        ("Blue running shoes", "For the road.", "Light, and **soft**."),
        ("Red socks", "Worn with running shoes.", "Cotton."),
        ("Café Crème 500g", "A coffee.", "It is roasted. See [blue mountains](https://example.com/hidden)."),
        ("Wasserflasche", "Holds 0,5 l.", "Steel."),
        ("Linen trousers", "Cool.", "For the summer, with a pocket for a writing pad."),
    ] {
        product(&site, json!({"name": name, "summary": summary, "description": description})).await;
    }
    assert_eq!(names(&site, "shoe").await, ["Blue running shoes", "Red socks"], "in any form, the name counts most");
    let partial = found(&site, json!({"query": "red shoes sandals"})).await;
    assert_eq!(names_of(&partial), ["Red socks", "Blue running shoes"], "nothing has all words, and these have some");
    assert_eq!((&partial["isPartial"], &partial["totalCount"]), (&json!(true), &json!(2)));
    let whole = found(&site, json!({"query": "red shoes"})).await;
    assert_eq!(names_of(&whole), ["Red socks"], "all words are needed as long as something has them");
    assert_eq!(whole["isPartial"], false);
    assert_eq!(names(&site, "sandals -shoes").await, Vec::<String>::new(), "an exclusion is kept");
    assert_eq!(names(&site, "blue").await, ["Blue running shoes", "Café Crème 500g"], "a link's text is searched");
    assert_eq!(names(&site, "hidden").await, Vec::<String>::new(), "and its address is not");
    assert_eq!(names(&site, "blue -coffee").await, ["Blue running shoes"]);
    assert_eq!(names(&site, "\"running shoes\" -blue").await, ["Red socks"]);
    assert_eq!(names(&site, "\"shoes running\"").await, Vec::<String>::new());
    assert_eq!(names(&site, "socks or cafe").await.len(), 2);
    for query in ["cafe", "CAFÉ", "creme", "500 g", "500g", "café 500 g", "caf"] {
        assert_eq!(names(&site, query).await, ["Café Crème 500g"], "{query}");
    }
    for query in ["wasser", "0.5l", "0,5 L"] {
        assert_eq!(names(&site, query).await, ["Wasserflasche"], "{query}");
    }
    for query in ["pants", "pant", "linen PANTS", "notebook", "\"writing pad\"", "trousers -writing or notebook"] {
        assert_eq!(names(&site, query).await, ["Linen trousers"], "{query}: synonyms");
    }
    product(&site, json!({"name": "Zed holder 3-in-1"})).await;
    for query in ["zed 3 in 1", "holder -500g", "holder -pants", "zed or 500g -cafe"] {
        assert_eq!(names(&site, query).await, ["Zed holder 3-in-1"], "{query}");
    }
    assert_eq!(names(&site, "cafe -500g").await, Vec::<String>::new(), "a measure is excluded");
    assert_eq!(names(&site, "-blue").await, Vec::<String>::new(), "an exclusion alone finds nothing");
    assert_eq!(names(&site, "the").await, Vec::<String>::new());
    assert_eq!(names(&site, " ").await, Vec::<String>::new());
    site.stop().await;
}

#[tokio::test]
async fn a_key_comes_first_and_only_for_those_who_may_read_it() {
    let site = Site::empty().await;
    product(&site, json!({"name": "Holder for AB-12", "description": "AB-12 AB-12 AB-12"})).await;
    let variants = json!({"create": [{"sku": "AB-12", "gtin": "4006381333931"}]});
    product(&site, json!({"name": "Lamp", "externalRef": "erp 77", "variants": variants})).await;
    for query in ["AB-12", "ab-12 "] {
        assert_eq!(names(&site, query).await[0], "Lamp", "{query}");
    }
    assert_eq!(names(&site, "4006381333931").await, ["Lamp"]);
    product(&site, json!({"name": "Of no key", "externalRef": ""})).await;
    assert_eq!(names(&site, " ").await, Vec::<String>::new(), "an empty key is none");
    assert_eq!(names(&site, "ERP 77").await, ["Lamp"]);
    let anonymous = |query: &str| format!("{{ search(query: \"{query}\") {{ totalCount nodes {{ id }} }} }}");
    assert_eq!(
        data(&site, None, &anonymous("ERP 77"), json!({})).await["search"]["totalCount"],
        0,
        "anonymous readers cannot read it"
    );
    assert_eq!(data(&site, None, &anonymous("4006381333931"), json!({})).await["search"]["totalCount"], 1);
    site.stop().await;
}

#[tokio::test]
async fn the_index_follows_every_change_of_an_entry() {
    let site = Site::empty().await;
    let live = async |query: &str| found(&site, json!({"query": query})).await["totalCount"].clone();
    let draft = async |query: &str| found(&site, json!({"query": query, "stage": "DRAFT"})).await["totalCount"].clone();
    let input = json!({"name": "Amber lamp", "price": {"amount": "1.00", "currency": "EUR"}});
    let made = edit(&site, CREATE, json!({"input": input, "publish": false})).await["createProduct"].clone();
    assert_eq!((live("amber").await, draft("amber").await), (json!(0), json!(1)), "a draft is no public content");
    let id = made["id"].as_str().expect("an id").to_owned();
    let change = async |mutation: &str| {
        let field = format!("mutation($id: ID!, $revision: Int!) {{ done: {mutation} }}");
        let now =
            format!("{{ search(query: \"\") {{ totalCount }} product(id: \"{id}\", stage: DRAFT) {{ revision }} }}");
        let revision = edit(&site, &now, json!({})).await["product"]["revision"].clone();
        edit(&site, &field, json!({"id": id, "revision": revision})).await
    };
    change("publishProduct(id: $id, revision: $revision) { id }").await;
    assert_eq!(live("amber").await, 1);
    change("updateProduct(id: $id, revision: $revision, input: { name: \"Green lamp\" }) { id }").await;
    assert_eq!((live("amber").await, live("green").await), (json!(1), json!(0)), "until it is published");
    assert_eq!((draft("amber").await, draft("green").await), (json!(0), json!(1)));
    change("discardProductDraft(id: $id, revision: $revision) { id }").await;
    assert_eq!((draft("amber").await, draft("green").await), (json!(1), json!(0)));
    change("unpublishProduct(id: $id, revision: $revision) { id }").await;
    assert_eq!((live("amber").await, draft("amber").await), (json!(0), json!(1)));
    change("publishProduct(id: $id, revision: $revision) { id }").await;
    change("deleteProduct(id: $id, revision: $revision)").await;
    assert_eq!((live("amber").await, draft("amber").await), (json!(0), json!(0)));
    let undelete = format!("mutation {{ undeleteProduct(id: \"{id}\") {{ id }} }}");
    edit(&site, &undelete, json!({})).await;
    assert_eq!((live("amber").await, draft("amber").await), (json!(0), json!(1)), "it comes back as a draft");
    site.stop().await;
}

#[tokio::test]
async fn texts_of_other_entries_are_found_and_stay_right() {
    let site = Site::empty().await;
    let brand = "mutation { createBrand(input: { name: \"Norvik\" }) { id revision } }";
    let brand = edit(&site, brand, json!({})).await["createBrand"].clone();
    let tag = "mutation { createTag(input: { name: \"Handmade\" }) { id revision } }";
    let tag = edit(&site, tag, json!({})).await["createTag"].clone();
    let related =
        json!({"name": "Chair", "brand": {"connect": {"id": brand["id"]}}, "tags": {"set": [{"id": tag["id"]}]}});
    product(&site, related).await;
    assert_eq!(names(&site, "norvik chair").await, ["Chair"], "words of several fields");
    assert_eq!(names(&site, "handmade").await, ["Chair"]);
    let rename = "mutation($id: ID!, $revision: Int!) { updateBrand(id: $id, revision: $revision, input: { name: \"Sudvik\" }) { revision } }";
    let variables = json!({"id": brand["id"], "revision": brand["revision"]});
    edit(&site, rename, variables).await;
    let is_renamed = async |stage: &str| {
        let of = async |query: &str| found(&site, json!({"query": query, "stage": stage, "types": ["PRODUCT"]})).await;
        names_of(&of("sudvik").await) == ["Chair"] && of("norvik").await["totalCount"] == 0
    };
    eventually("the new name is found", async || is_renamed("LIVE").await && is_renamed("DRAFT").await).await;
    let delete = "mutation($id: ID!, $revision: Int!) { deleteTag(id: $id, revision: $revision) }";
    edit(&site, delete, json!({"id": tag["id"], "revision": tag["revision"]})).await;
    eventually("the tag is not found", async || names(&site, "handmade").await.is_empty()).await;
    let undelete = "mutation($id: ID!) { undeleteTag(id: $id) { id } }";
    edit(&site, undelete, json!({"id": tag["id"]})).await;
    assert_eq!(names(&site, "handmade").await, ["Chair"], "what was deleted is back");
    site.stop().await;
}

/// The save has read the former name, and its row of the index cannot be found by those who look for it until it is committed.
#[tokio::test]
async fn a_rename_beside_a_save_is_followed() {
    let site = Site::empty().await;
    let tag = edit(&site, "mutation { createTag(input: { name: \"Oldname\" }) { id revision } }", json!({})).await;
    let tag = tag["createTag"].clone();
    sqlx::raw_sql(
        "create function public.wait() returns trigger language plpgsql as $$ begin
            if new.type = 'product' then perform pg_sleep(2); end if; return new; end $$;
        create trigger wait before insert on cms.outbox for each row execute function public.wait()",
    )
    .execute(&site.db.pool)
    .await
    .expect("saves of products wait");
    let save = product(&site, json!({"name": "Chair", "tags": {"set": [{"id": tag["id"]}]}}));
    let rename = async {
        eventually("the save waits", async || {
            let waiting =
                "select count(*) from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()";
            sqlx::query_scalar::<_, i64>(waiting).fetch_one(&site.db.pool).await.expect("a number") > 0
        })
        .await;
        let rename = "mutation($id: ID!, $revision: Int!) { updateTag(id: $id, revision: $revision, input: { name: \"Newname\" }) { id } }";
        edit(&site, rename, json!({"id": tag["id"], "revision": tag["revision"]})).await;
    };
    futures_util::future::join(save, rename).await;
    eventually("the new name is found", async || {
        names(&site, "newname").await == ["Chair"] && names(&site, "oldname").await.is_empty()
    })
    .await;
    site.stop().await;
}

#[tokio::test]
async fn misspelt_words_are_corrected_to_words_of_titles() {
    let site = Site::empty().await;
    for name in ["Nike running shoes", "Leather belt", "Porcelain teapot"] {
        product(&site, json!({"name": name})).await;
    }
    for (asked, meant, first) in [
        ("nikke", "nike", "Nike running shoes"),
        ("runing sheos", "running shoes", "Nike running shoes"),
        ("lether belt", "leather belt", "Leather belt"),
        ("porcelian", "porcelain", "Porcelain teapot"),
    ] {
        let connection = found(&site, json!({"query": asked})).await;
        assert_eq!(
            (names_of(&connection)[0].as_str(), &connection["correctedQuery"]),
            (first, &json!(meant)),
            "{asked}"
        );
    }
    let right = found(&site, json!({"query": "nike"})).await;
    assert_eq!(right["correctedQuery"], Json::Null);
    let nothing = found(&site, json!({"query": "xylophone"})).await;
    assert_eq!((nothing["totalCount"].clone(), nothing["correctedQuery"].clone()), (json!(0), Json::Null));
    site.stop().await;
}

#[tokio::test]
async fn pages_filters_types_and_orders_fit_together() {
    let site = Site::with_demo().await;
    for index in 0..25 {
        let stock = if index % 5 == 0 { "OUT_OF_STOCK" } else { "IN_STOCK" };
        product(&site, json!({"name": format!("Quaich {index}"), "stockStatus": stock})).await;
    }
    let variables = |more: Json| {
        let mut all = json!({"query": "quaich", "first": 7, "types": ["PRODUCT"]});
        all.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        all
    };
    for order in ["RELEVANCE", "CREATED_AT"] {
        let (mut seen, mut after, mut scores) = (Vec::new(), Json::Null, Vec::new());
        loop {
            let page = found(&site, variables(json!({"after": after, "orderBy": order}))).await;
            assert_eq!(page["totalCount"], 25);
            assert_eq!(page["pageInfo"]["hasPreviousPage"], json!(!seen.is_empty()));
            seen.extend(names_of(&page));
            scores.extend(page["edges"].as_array().expect("edges").iter().map(|edge| edge["score"].as_f64()));
            after = page["pageInfo"]["endCursor"].clone();
            if page["pageInfo"]["hasNextPage"] == false {
                break;
            }
        }
        assert_eq!(seen.len(), 25);
        assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 25, "each once");
        match order {
            "RELEVANCE" => {
                assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
                let sold_out = ["Quaich 0", "Quaich 5", "Quaich 10", "Quaich 15", "Quaich 20"];
                assert!(
                    seen[20..].iter().all(|name| sold_out.contains(&name.as_str())),
                    "what is sold out is last: {seen:?}"
                );
            }
            _ => assert_eq!(seen[0], "Quaich 24"),
        }
    }
    let filter = json!({"filter": {"product": {"stockStatus": {"eq": "OUT_OF_STOCK"}}}});
    let wrong = json!({"query": "quaich", "filter": {"product": {"stockStatus": {"equal": "OUT_OF_STOCK"}}}});
    let filter_text = filter.to_string();
    let page = found(&site, variables(filter)).await;
    assert_eq!(page["totalCount"], 5, "{filter_text}");
    let refused = site.post(&json!({"query": "query($query: String!, $filter: SearchFilter) { search(query: $query, filter: $filter) { totalCount } }", "variables": wrong}), &[]).await;
    assert!(refused.body.contains("equal"), "{}", refused.body);
    let both = found(&site, json!({"query": "coffee"})).await;
    let types: BTreeSet<_> =
        both["nodes"].as_array().expect("nodes").iter().map(|node| node["__typename"].clone().to_string()).collect();
    assert!(types.len() > 1, "{types:?}");
    site.stop().await;
}

#[tokio::test]
async fn words_are_shown_in_their_texts_and_nothing_is_html() {
    let site = Site::empty().await;
    let long =
        format!("{} A crème <script>alert(1)</script> here. {}", "Some words. ".repeat(60), "More words. ".repeat(60));
    product(&site, json!({"name": "Crème & <b>brûlée</b>", "description": long})).await;
    let connection = found(&site, json!({"query": "creme"})).await;
    let highlights = connection["edges"][0]["highlights"].as_array().expect("highlights").clone();
    let of = |field: &str| highlights.iter().find(|highlight| highlight["field"] == field).expect("it is marked");
    assert_eq!(of("name")["html"], "<mark>Crème</mark> &amp; &lt;b&gt;brûlée&lt;/b&gt;");
    assert_eq!(of("name")["ranges"], json!([{"start": 0, "end": 5}]));
    let text = of("description")["text"].as_str().expect("a text");
    assert!(text.contains("crème") && text.chars().count() <= 240, "{text}");
    site.stop().await;
}

#[tokio::test]
async fn drafts_of_others_are_not_found() {
    let site = Site::empty().await;
    let (_, author) = account(&site, "author@example.com", "author").await;
    let create = |title: &str| format!("mutation {{ createPost(input: {{ title: \"{title}\" }}) {{ id }} }}");
    edit(&site, &create("Of the editor"), json!({})).await;
    data(&site, Some(&author), &create("Of the author"), json!({})).await;
    let search = "{ search(query: \"of\", types: [POST], stage: DRAFT) { totalCount } byTitle: search(query: \"author or editor\", types: [POST], stage: DRAFT) { totalCount nodes { ... on Post { title } } } }";
    let answer = data(&site, Some(&author), search, json!({})).await;
    assert_eq!(answer["byTitle"]["totalCount"], 1);
    assert_eq!(answer["byTitle"]["nodes"][0]["title"], "Of the author");
    let refused = site.post(&json!({"query": search}), &[]).await;
    assert!(refused.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED", "{}", refused.body);
    site.stop().await;
}

#[tokio::test]
async fn no_text_is_an_error_of_the_server() {
    let site = Site::with_demo().await;
    let long = "word ".repeat(60);
    let hostile = [
        "'",
        "''",
        "\\",
        "a'b''c",
        "&",
        "|",
        "!",
        "( ) <-> :*",
        "a:* & b",
        "\"",
        "\"a",
        "-",
        "--",
        "- - -",
        "or or or",
        "<1>",
        "%",
        "_",
        "\u{1}\u{2}\u{3}",
        "😀😀",
        "ﬁ",
        "ß",
        "İstanbul",
        "١٢٣ ٤",
        "500 g 1 kg 3 ml",
        "0,5",
        "1.2.3.4 g",
        "a@b.example",
        "https://x.example/?a=b&c=d",
        "日本語 テキスト",
        "a\nb\tc",
        "x<script>",
        "((((((((((",
        "{\"a\":1}",
        "$1 $2",
        "{} []",
        "-500 g",
        "\"500 g\"",
        "t-shirt",
        "o'neil",
        &long,
    ];
    for query in hostile {
        let connection = found(&site, json!({"query": query})).await;
        assert!(connection["totalCount"].is_number(), "{query}: {connection}");
    }
    let mut random: u64 = 7;
    for _ in 0..200 {
        let query: String = (0..12)
            .map(|_| {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let signs = [
                    '\'', '"', '-', ' ', 'a', 'é', '&', '|', '!', '(', ')', ':', '*', '<', '>', '\\', '5', 'g', ',',
                    '.',
                ];
                signs[(random >> 33) as usize % signs.len()]
            })
            .collect();
        let connection = found(&site, json!({"query": query})).await;
        assert!(connection["totalCount"].is_number(), "{query}: {connection}");
    }
    let too_long = site
        .post(&json!({"query": format!("{{ search(query: \"{}\") {{ totalCount }} }}", "a".repeat(301))}), &[])
        .await;
    assert_eq!(too_long.json()["errors"][0]["extensions"]["code"], "LIMIT_EXCEEDED");
    for cursor in ["", "x", "WyJzY29yZSIsIk5hTiIsIngiLG51bGxd"] {
        let query = format!("{{ search(query: \"a\", after: \"{cursor}\") {{ totalCount }} }}");
        assert_eq!(
            site.post(&json!({"query": query}), &[]).await.json()["errors"][0]["extensions"]["code"],
            "INVALID_CURSOR",
            "{cursor}"
        );
    }
    site.stop().await;
}

#[tokio::test]
async fn an_index_that_was_made_otherwise_is_made_again() {
    let site = Site::with_demo().await;
    let count = "select count(*) from search.live";
    eventually("the server has made each index", async || {
        let made = "select count(*) from search.made where length(by) = 64";
        sqlx::query_scalar::<_, i64>(made).fetch_one(&site.db.pool).await.expect("a number") == 4
    })
    .await;
    let before: i64 = sqlx::query_scalar(count).fetch_one(&site.db.pool).await.expect("a number");
    assert!(before > 0);
    sqlx::raw_sql("delete from search.live; delete from search.draft; update search.made set by = 'an earlier schema'; insert into search.live (type, entry, document, exact, title, parts, others) values ('gone', gen_random_uuid(), '', '{}', '', '[]', '{}')")
        .execute(&site.db.pool)
        .await
        .expect("the index is emptied");
    let node = site.another_node();
    eventually("the index is whole", async || {
        sqlx::query_scalar::<_, i64>(count).fetch_one(&site.db.pool).await.expect("a number") == before
    })
    .await;
    assert!(!names(&node, "coffee").await.is_empty());
    drop(node);
    // Rows that have the right texts, and words of another language.
    sqlx::raw_sql("update search.live set document = 'zzzstale:1A' where type = 'product'; update search.made set by = 'an earlier language'")
        .execute(&site.db.pool)
        .await
        .expect("the index is changed");
    let node = site.another_node();
    eventually("the words are right", async || {
        let stale = "select count(*) from search.live where document @@ 'zzzstale'";
        sqlx::query_scalar::<_, i64>(stale).fetch_one(&site.db.pool).await.expect("a number") == 0
    })
    .await;
    drop(node);
    site.stop().await;
}
