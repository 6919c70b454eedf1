//! Paths over HTTP: what a path leads to, what a renamed entry leaves behind, and the redirects that people manage.

use runtime::serde_json::{Value as Json, json};

use crate::client::{Site, TOKEN, command, migrated};
use crate::collector::{Collector, names};

async fn told(site: &Site, query: &str, variables: Json) -> Json {
    let answer = site.ask_as_developer(query, variables).await;
    assert!(answer.get("errors").is_none(), "{answer}");
    answer["data"].clone()
}

async fn refused(site: &Site, query: &str, variables: Json) -> (String, Json) {
    let answer = site.ask_as_developer(query, variables).await;
    let error = &answer["errors"][0]["extensions"];
    (error["code"].as_str().unwrap_or_else(|| panic!("no error: {answer}")).to_owned(), error["inputPath"].clone())
}

/// What a path leads to for a visitor: the name of an entry, or status and location.
async fn resolved(site: &Site, path: &str) -> Json {
    let query = "query($path: String!) { resolve(path: $path) { __typename
        ... on Post { title path } ... on Product { name path } ... on Category { name path } ... on Redirection { status location } } }";
    let body = json!({ "query": query, "variables": { "path": path } });
    let answer = site.post(&body, &[]).await.json();
    assert!(answer.get("errors").is_none(), "{path}: {answer}");
    let found = &answer["data"]["resolve"];
    match found["__typename"].as_str() {
        None => Json::Null,
        Some("Redirection") => json!([found["status"], found["location"]]),
        Some(_) => {
            assert_eq!(found["path"], path.trim_end_matches('/'), "{found}");
            found.get("title").or(found.get("name")).cloned().unwrap_or_default()
        }
    }
}

async fn post(site: &Site, title: &str) -> String {
    let create = "mutation($input: PostCreateInput!) { made: createPost(input: $input, publish: true) { id } }";
    let made = told(site, create, json!({ "input": { "title": title, "body": "Text." } })).await;
    made["made"]["id"].as_str().unwrap().to_owned()
}

const UPDATE: &str = "mutation($id: ID!, $revision: Int!, $input: PostUpdateInput!, $publish: Boolean!) {
    made: updatePost(id: $id, revision: $revision, input: $input, publish: $publish) { revision } }";

async fn rename(site: &Site, id: &str, slug: &str, publish: bool) -> i64 {
    let read = "query($id: ID!) { post(id: $id, stage: DRAFT) { revision } }";
    let revision = told(site, read, json!({ "id": id })).await["post"]["revision"].clone();
    let input = json!({ "id": id, "revision": revision, "input": { "slug": slug }, "publish": publish });
    told(site, UPDATE, input).await["made"]["revision"].as_i64().unwrap()
}

async fn redirects(site: &Site) -> Vec<Json> {
    let list = "{ redirects(first: 100) { nodes { id from to entry status origin } } }";
    told(site, list, json!({})).await["redirects"]["nodes"].as_array().unwrap().clone()
}

async fn froms(site: &Site) -> Vec<String> {
    redirects(site).await.iter().map(|redirect| redirect["from"].as_str().unwrap().to_owned()).collect()
}

const CREATE: &str =
    "mutation($input: RedirectInput!) { made: createRedirect(input: $input) { id from to entry status } }";

#[tokio::test]
async fn the_former_paths_of_an_entry_lead_to_where_it_is() {
    let site = Site::empty().await;
    let id = post(&site, "First").await;
    assert_eq!(resolved(&site, "/journal/first").await, "First");
    rename(&site, &id, "second", true).await;
    assert_eq!(resolved(&site, "/journal/first").await, json!([301, "/journal/second"]));
    rename(&site, &id, "third", true).await;
    for path in
        ["/journal/first", "/journal/second", "journal/second/", "/journal/second/?utm=1#top", "/journal/%73econd"]
    {
        assert_eq!(resolved(&site, path).await, json!([301, "/journal/third"]), "{path}");
    }
    assert_eq!(resolved(&site, "/journal/third/").await, "First");
    // Back to an earlier name: that one is a page again.
    rename(&site, &id, "first", true).await;
    assert_eq!(resolved(&site, "/journal/first").await, "First");
    assert_eq!(resolved(&site, "/journal/third").await, json!([301, "/journal/first"]));
    assert_eq!(froms(&site).await, ["/journal/second", "/journal/third"]);
    // Changes of other fields leave nothing, and several entries at once do.
    let upsert = "mutation($input: [PostUpsertInput!]!) { upsertPosts(input: $input, publish: true) { id } }";
    let titled = json!({ "input": [{ "key": { "id": id }, "data": { "title": "Fifth" } }] });
    told(&site, upsert, titled).await;
    assert_eq!(froms(&site).await.len(), 2);
    let named = json!({ "input": [{ "key": { "id": id }, "data": { "title": "First", "slug": "fifth" } }, { "key": { "slug": "new" }, "data": { "title": "New", "body": "Text." } }] });
    told(&site, upsert, named).await;
    assert_eq!(resolved(&site, "/journal/first").await, json!([301, "/journal/fifth"]));
    assert_eq!(resolved(&site, "/journal/new").await, "New");
    for nothing in [
        "/journal",
        "/journal/fourth",
        "/First",
        "/journal/FIRST",
        "/journal/x/first",
        "/",
        "",
        "//evil.example",
        "/journal/%00",
        "/a\\b",
    ] {
        assert_eq!(resolved(&site, nothing).await, Json::Null, "{nothing}");
    }
    assert_eq!(resolved(&site, &format!("/journal/{}", "a".repeat(10_000))).await, Json::Null);
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_publication_that_moves_nothing_costs_nothing_more() {
    let collector = Collector::start().await;
    let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", &*collector.endpoint), ("OTEL_TRACES_SAMPLER_ARG", "0")];
    let site = Site::with(migrated().await, &variables).await;
    let id = post(&site, "First").await;
    let mut sent = Vec::new();
    for (round, input) in [json!({ "title": "Second" }), json!({ "slug": "second" })].into_iter().enumerate() {
        let trace = format!("4bf92f3577b34da6a3ce929d0e0e473{round}");
        let variables = json!({ "id": id, "revision": round + 1, "input": input, "publish": true });
        let (parent, token) = (format!("00-{trace}-00f067aa0ba902b7-01"), format!("Bearer {TOKEN}"));
        let headers = [("traceparent", &*parent), ("authorization", &*token)];
        let answer = site.post(&json!({ "query": UPDATE, "variables": variables }), &headers).await.json();
        assert!(answer.get("errors").is_none(), "{answer}");
        let spans = collector.trace("POST /graphql", Some(&trace)).await;
        sent.push(names(&spans).iter().map(|name| (*name).to_owned()).collect::<Vec<String>>());
    }
    let about = |names: &[String]| names.iter().filter(|name| name.contains("cms.redirect")).count();
    assert_eq!((about(&sent[0]), about(&sent[1])), (0, 4), "{sent:?}");
    site.stop().await;
}

#[tokio::test]
async fn a_draft_moves_nothing_until_it_is_published_and_shows_nothing() {
    let site = Site::empty().await;
    let id = post(&site, "First").await;
    let revision = rename(&site, &id, "second", false).await;
    assert_eq!(resolved(&site, "/journal/first").await, "First");
    assert_eq!(resolved(&site, "/journal/second").await, Json::Null);
    assert!(redirects(&site).await.is_empty());
    let drafts = "{ resolve(path: \"/journal/second\", stage: DRAFT) { ... on Post { title } } }";
    assert_eq!(told(&site, drafts, json!({})).await["resolve"]["title"], "First");
    assert_eq!(site.ask(drafts).await["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    // A scheduled publication moves it as well.
    let schedule = "mutation($id: ID!, $revision: Int) { schedulePublish(id: $id, at: \"2020-01-01T00:00:00Z\", revision: $revision) { id } }";
    told(&site, schedule, json!({ "id": id, "revision": revision })).await;
    let begun = std::time::Instant::now();
    while resolved(&site, "/journal/second").await != "First" {
        assert!(begun.elapsed().as_secs() < 60, "it is not published");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(resolved(&site, "/journal/first").await, json!([301, "/journal/second"]));
    // Unpublished, its paths lead nowhere; published under another name, all lead there.
    let unpublish = "mutation($id: ID!, $revision: Int!) { unpublishPost(id: $id, revision: $revision) { id } }";
    told(&site, unpublish, json!({ "id": id, "revision": revision })).await;
    for path in ["/journal/first", "/journal/second"] {
        assert_eq!(resolved(&site, path).await, Json::Null, "{path}");
    }
    rename(&site, &id, "third", true).await;
    for path in ["/journal/first", "/journal/second"] {
        assert_eq!(resolved(&site, path).await, json!([301, "/journal/third"]), "{path}");
    }
    // Purged, it leaves no redirect.
    let delete =
        "mutation($id: ID!, $revision: Int!) { deletePost(id: $id, revision: $revision) purgeDeleted(ids: [$id]) }";
    told(&site, delete, json!({ "id": id, "revision": 3 })).await;
    assert!(redirects(&site).await.is_empty());
    site.stop().await;
}

#[tokio::test]
async fn a_former_path_is_taken_knowingly() {
    let site = Site::empty().await;
    let id = post(&site, "First").await;
    rename(&site, &id, "second", true).await;
    // A slug that is made from the title avoids it.
    post(&site, "First").await;
    assert_eq!(resolved(&site, "/journal/first-2").await, "First");
    let input = json!({ "input": { "title": "Other", "slug": "first", "body": "Text." } });
    let create = "mutation($input: PostCreateInput!) { made: createPost(input: $input, publish: true) { id } }";
    assert_eq!(refused(&site, create, input.clone()).await, ("CONFLICT".into(), json!(["input", "slug"])));
    // As a draft it is saved, and `publishCheck` says what is in the way.
    let draft = "mutation($input: PostCreateInput!) { made: createPost(input: $input) { id } }";
    let other = told(&site, draft, input).await["made"]["id"].as_str().unwrap().to_owned();
    let check = "query($id: ID!) { publishCheck(id: $id) { code path details } }";
    let found = told(&site, check, json!({ "id": other })).await["publishCheck"][0].clone();
    assert_eq!((&found["code"], &found["path"]), (&json!("CONFLICT"), &json!(["slug"])), "{found}");
    let publish = "mutation($id: ID!) { publishPost(id: $id, revision: 1) { slug } }";
    assert_eq!(refused(&site, publish, json!({ "id": other })).await.0, "CONFLICT");
    let delete = "mutation($id: ID!) { deleteRedirect(id: $id) }";
    told(&site, delete, json!({ "id": found["details"]["redirect"] })).await;
    told(&site, publish, json!({ "id": other })).await;
    assert_eq!(resolved(&site, "/journal/first").await, "Other");
    // Two entries that exchange their slugs leave no redirect.
    for (id, slug) in [(&id, "first"), (&other, "second")] {
        rename(&site, id, &format!("{slug}-x"), false).await;
    }
    for (id, slug) in [(&id, "first"), (&other, "second")] {
        let answer = rename(&site, id, slug, false).await;
        assert!(answer > 1);
    }
    told(&site, "mutation($ids: [ID!]!) { publishPosts(ids: $ids) { id } }", json!({ "ids": [id, other] })).await;
    assert_eq!(
        (resolved(&site, "/journal/first").await, resolved(&site, "/journal/second").await),
        (json!("First"), json!("Other"))
    );
    assert!(redirects(&site).await.is_empty());
    // A former path of an entry in the bin is in nobody's way.
    let revision = rename(&site, &id, "third", true).await;
    assert_eq!(froms(&site).await, ["/journal/first"]);
    told(
        &site,
        "mutation($id: ID!, $revision: Int!) { deletePost(id: $id, revision: $revision) }",
        json!({ "id": id, "revision": revision }),
    )
    .await;
    assert_eq!(resolved(&site, "/journal/first").await, Json::Null);
    let last = json!({ "input": { "title": "Last", "slug": "first", "body": "Text." } });
    told(&site, create, last).await;
    assert_eq!(resolved(&site, "/journal/first").await, "Last");
    assert!(redirects(&site).await.is_empty());
    site.stop().await;
}

async fn category(site: &Site, name: &str, parent: Option<&str>) -> String {
    let create = "mutation($input: CategoryCreateInput!) { made: createCategory(input: $input) { id } }";
    let parent = parent.map_or(Json::Null, |parent| json!({ "connect": { "id": parent } }));
    let input = if parent.is_null() { json!({ "name": name }) } else { json!({ "name": name, "parent": parent }) };
    told(site, create, json!({ "input": input })).await["made"]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_category_takes_all_below_it_along() {
    let site = Site::empty().await;
    let drinks = category(&site, "Drinks", None).await;
    let tea = category(&site, "Tea", Some(&drinks)).await;
    category(&site, "Green", Some(&tea)).await;
    let gifts = category(&site, "Gifts", None).await;
    assert_eq!(resolved(&site, "/shop/drinks/tea/green").await, "Green");
    assert_eq!(resolved(&site, "/shop/tea/green").await, Json::Null);
    let update = "mutation($id: ID!, $revision: Int!, $input: CategoryUpdateInput!) {
        updateCategory(id: $id, revision: $revision, input: $input) { path } }";
    let moved =
        told(&site, update, json!({ "id": tea, "revision": 1, "input": { "parent": { "connect": { "id": gifts } } } }))
            .await;
    assert_eq!(moved["updateCategory"]["path"], "/shop/gifts/tea");
    told(&site, update, json!({ "id": gifts, "revision": 1, "input": { "slug": "presents" } })).await;
    for (path, to) in [
        ("/shop/drinks/tea", "/shop/presents/tea"),
        ("/shop/drinks/tea/green", "/shop/presents/tea/green"),
        ("/shop/gifts/tea/green", "/shop/presents/tea/green"),
        ("/shop/gifts", "/shop/presents"),
    ] {
        assert_eq!(resolved(&site, path).await, json!([301, to]), "{path}");
    }
    assert_eq!(resolved(&site, "/shop/presents/tea/green").await, "Green");
    assert_eq!(resolved(&site, "/shop/drinks").await, "Drinks");
    // A new one does not take a former path unnoticed, and a circle has no path.
    let create = "mutation($input: CategoryCreateInput!) { made: createCategory(input: $input) { id } }";
    assert_eq!(
        refused(&site, create, json!({ "input": { "name": "Gifts" } })).await,
        ("CONFLICT".into(), json!(["input", "slug"]))
    );
    told(&site, update, json!({ "id": drinks, "revision": 1, "input": { "parent": { "connect": { "id": drinks } } } }))
        .await;
    assert_eq!(resolved(&site, "/shop/drinks").await, Json::Null);
    site.stop().await;
}

#[tokio::test]
async fn what_moves_and_what_is_kept_is_bounded() {
    let site = Site::empty().await;
    let id = post(&site, "First").await;
    let rounds: i64 = 104;
    for round in 0..rounds {
        rename(&site, &id, &format!("round-{round}"), true).await;
    }
    assert_eq!(redirects(&site).await.len(), 100);
    assert_eq!(resolved(&site, "/journal/first").await, Json::Null);
    assert_eq!(resolved(&site, "/journal/round-4").await, json!([301, "/journal/round-103"]));
    let root = category(&site, "Root", None).await;
    category(&site, "Child", Some(&root)).await;
    for schema in ["draft", "live"] {
        let copy = format!(
            "insert into {schema}.category select (jsonb_populate_record(c, jsonb_build_object(
                'id', md5(n::text)::uuid, 'slug', 'c-' || n))).* from {schema}.category c, generate_series(1, 9999) n where c.slug = 'child'"
        );
        sqlx::query(sqlx::AssertSqlSafe(copy)).execute(&site.db.pool).await.unwrap();
    }
    let update = "mutation($id: ID!, $revision: Int!, $slug: String!) { updateCategory(id: $id, revision: $revision, input: { slug: $slug }) { path } }";
    told(&site, update, json!({ "id": root, "revision": 1, "slug": "trunk" })).await;
    assert_eq!(resolved(&site, "/shop/root/c-9999").await, json!([301, "/shop/trunk/c-9999"]));
    for number in 0..2 {
        category(&site, &format!("More {number}"), Some(&root)).await;
    }
    let input = json!({ "id": root, "revision": 2, "slug": "stem" });
    assert_eq!(refused(&site, update, input).await.0, "LIMIT_EXCEEDED");
    assert_eq!(resolved(&site, "/shop/trunk/c-9999").await, "Child");
    site.stop().await;
}

#[tokio::test]
async fn redirects_are_made_by_hand_flat_and_without_circles() {
    let site = Site::empty().await;
    let id = post(&site, "First").await;
    let make = async |from: &str, to: &str| {
        told(&site, CREATE, json!({ "input": { "from": from, "to": to, "status": 302 } })).await["made"].clone()
    };
    make("/old", "/older/").await;
    // What leads to the new one's path follows it.
    make("older", "https://shop.example/x?y=1").await;
    assert_eq!(resolved(&site, "/old").await, json!([302, "https://shop.example/x?y=1"]));
    make("/oldest", "/old").await;
    assert_eq!(resolved(&site, "/oldest").await, json!([302, "https://shop.example/x?y=1"]));
    make("/a", "/b?sort=price#top").await;
    assert_eq!(resolved(&site, "/a").await, json!([302, "/b?sort=price#top"]));
    make("/blog/1", "/journal/first").await;
    rename(&site, &id, "caf", true).await;
    assert_eq!(resolved(&site, "/blog/1").await, json!([302, "/journal/caf"]));
    let wrong = async |input: Json| refused(&site, CREATE, json!({ "input": input })).await;
    let invalid = |field: &str| ("INVALID_VALUE".to_owned(), json!(["input", field]));
    for to in ["//evil.example", "javascript:alert(1)", "/\\evil.example", "/a\tb", "shop", "", "/../x"] {
        assert_eq!(wrong(json!({ "from": "/x", "to": to })).await, invalid("to"), "{to}");
    }
    for from in ["/x?y=1", "//x", "/x\\y", "/x/../y", "/%00"] {
        assert_eq!(wrong(json!({ "from": from, "to": "/y" })).await, invalid("from"), "{from}");
    }
    assert_eq!(wrong(json!({ "from": "/x", "to": "/y", "status": 200 })).await, invalid("status"));
    assert_eq!(wrong(json!({ "from": "/x", "to": "/x/" })).await, invalid("to"));
    assert_eq!(wrong(json!({ "from": "/b", "to": "/a" })).await, invalid("to"));
    assert_eq!(wrong(json!({ "from": "/a", "to": "/c" })).await, ("CONFLICT".into(), json!(["input", "from"])));
    assert_eq!(
        wrong(json!({ "from": "/journal/caf", "to": "/c" })).await,
        ("CONFLICT".into(), json!(["input", "from"]))
    );
    assert_eq!(wrong(json!({ "from": "/x" })).await, ("BAD_USER_INPUT".into(), json!(["input", "to"])));
    let to_entry = told(&site, CREATE, json!({ "input": { "from": "/news", "entry": id, "status": 308 } })).await;
    assert_eq!(to_entry["made"]["entry"], id);
    assert_eq!(resolved(&site, "/news").await, json!([308, "/journal/caf"]));
    let update =
        "mutation($id: ID!, $input: RedirectInput!) { updateRedirect(id: $id, input: $input) { from to status } }";
    let changed =
        told(&site, update, json!({ "id": to_entry["made"]["id"], "input": { "from": "/news", "to": "/n\u{e9}w" } }))
            .await;
    assert_eq!(changed["updateRedirect"], json!({ "from": "/news", "to": "/n%C3%A9w", "status": 301 }));
    told(&site, "mutation($id: ID!) { deleteRedirect(id: $id) }", json!({ "id": to_entry["made"]["id"] })).await;
    assert_eq!(resolved(&site, "/news").await, Json::Null);
    let log = told(&site, "{ auditLog(first: 3) { nodes { action } } }", json!({})).await;
    let actions: Vec<_> =
        log["auditLog"]["nodes"].as_array().unwrap().iter().map(|line| line["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["redirect.delete", "redirect.update", "redirect.create"]);
    site.stop().await;
}

#[tokio::test]
async fn redirects_are_imported_all_or_none_listed_and_written_to_a_file() {
    let site = Site::empty().await;
    let import = "mutation($input: [RedirectInput!]!) { importRedirects(input: $input) }";
    let many: Vec<_> = (0..250).map(|number| json!({ "from": format!("/p/{number:03}"), "to": "/all" })).collect();
    assert_eq!(told(&site, import, json!({ "input": many })).await["importRedirects"], 250);
    let circle = json!([{ "from": "/x", "to": "/y" }, { "from": "/y", "to": "/x" }]);
    assert_eq!(
        refused(&site, import, json!({ "input": circle })).await,
        ("INVALID_VALUE".into(), json!(["input", 1, "to"]))
    );
    assert_eq!(resolved(&site, "/x").await, Json::Null);
    let (mut seen, mut after) = (Vec::new(), Json::Null);
    loop {
        let list =
            "query($after: String) { redirects(first: 100, after: $after, filter: { from: \"/p/\", origin: MANUAL }) {
            nodes { from } pageInfo { hasNextPage endCursor } } }";
        let page = told(&site, list, json!({ "after": after })).await["redirects"].clone();
        seen.extend(page["nodes"].as_array().unwrap().iter().map(|node| node["from"].as_str().unwrap().to_owned()));
        after = page["pageInfo"]["endCursor"].clone();
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    assert_eq!(seen, (0..250).map(|number| format!("/p/{number:03}")).collect::<Vec<_>>());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("redirects.csv");
    std::fs::write(&file, "from,to,status\r\n/p/000,/new,308\n\"/a,b\",https://shop.example/,\n").unwrap();
    let done = command(&site.db, &["redirects", "import", file.to_str().unwrap()]);
    assert!(done.status.success(), "{done:?}");
    assert_eq!(resolved(&site, "/p/000").await, json!([308, "/new"]));
    assert_eq!(resolved(&site, "/a,b").await, json!([301, "https://shop.example/"]));
    let exported = command(&site.db, &["redirects", "export"]);
    let text = String::from_utf8(exported.stdout).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[..3], ["from,to,status", "\"/a,b\",https://shop.example/,301", "/p/000,/new,308"]);
    assert_eq!(lines.len(), 252);
    // All bad lines are told at once.
    std::fs::write(&file, "from,to,status\n/q,/r,\n/s,javascript:x,\n/t,/r,soon\n/u,/r,200\n").unwrap();
    let refused = command(&site.db, &["redirects", "import", file.to_str().unwrap()]);
    assert!(!refused.status.success());
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    let lines: Vec<_> = told.lines().map(|line| line.split(": ").nth(1).unwrap()).collect();
    assert_eq!(lines, ["line 3", "line 4", "line 5"], "{told}");
    assert_eq!(resolved(&site, "/q").await, Json::Null);
    site.stop().await;
}

/// What an export writes can be imported again and changes nothing: what a moved entry has left stays what it is.
#[tokio::test]
async fn an_export_that_is_imported_leaves_all_redirects_alone() {
    let site = Site::empty().await;
    let id = post(&site, "First").await;
    rename(&site, &id, "second", true).await;
    told(&site, CREATE, json!({ "input": { "from": "/old", "to": "/shop?a=b#c", "status": 308 } })).await;
    let gone = post(&site, "Gone").await;
    rename(&site, &gone, "left", true).await;
    let delete = "mutation($id: ID!) { deletePost(id: $id, revision: 2) }";
    told(&site, delete, json!({ "id": gone })).await;
    let before = redirects(&site).await;
    let exported = command(&site.db, &["redirects", "export"]);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &exported.stdout).unwrap();
    let import = || command(&site.db, &["redirects", "import", file.path().to_str().unwrap()]);
    let done = import();
    assert_eq!(String::from_utf8_lossy(&done.stdout), "0 redirects saved, 3 unchanged\n", "{done:?}");
    assert_eq!(redirects(&site).await, before);
    assert_eq!(before.iter().filter(|redirect| redirect["origin"] == "HISTORY").count(), 2, "{before:?}");
    // A line with another value is one by hand.
    let changed = String::from_utf8(exported.stdout).unwrap().replacen(",301", ",302", 1);
    std::fs::write(file.path(), changed).unwrap();
    assert_eq!(String::from_utf8_lossy(&import().stdout), "1 redirect saved, 2 unchanged\n");
    site.stop().await;
}

#[tokio::test]
async fn only_those_who_manage_redirects_change_them() {
    let site = Site::empty().await;
    let id = post(&site, "First").await;
    rename(&site, &id, "second", true).await;
    let known = redirects(&site).await[0]["id"].clone();
    let manual = told(&site, CREATE, json!({ "input": { "from": "/x", "to": "/y" } })).await["made"]["id"].clone();
    let ask = async |role: Option<&str>, query: &str, variables: Json| {
        let token = role.map(|role| {
            let made = command(&site.db, &["token", "create", "--name", role, "--role", role]);
            assert!(made.status.success(), "{made:?}");
            format!("Bearer {}", String::from_utf8_lossy(&made.stdout).trim())
        });
        let headers: Vec<(&str, &str)> = token.as_deref().map(|token| ("authorization", token)).into_iter().collect();
        let answer = site.post(&json!({ "query": query, "variables": variables }), &headers).await.json();
        answer["errors"][0]["extensions"]["code"].as_str().map(str::to_owned)
    };
    let delete = "mutation($id: ID!) { deleteRedirect(id: $id) }";
    for query in [
        "{ redirects { nodes { id } } }",
        "mutation { importRedirects(input: []) }",
        "mutation { createRedirect(input: { from: \"/a\", to: \"/b\" }) { id } }",
    ] {
        assert_eq!(ask(Some("editor"), query, json!({})).await.as_deref(), Some("FORBIDDEN"), "{query}");
        assert_eq!(ask(None, query, json!({})).await.as_deref(), Some("UNAUTHENTICATED"), "{query}");
    }
    assert_eq!(ask(None, delete, json!({ "id": known })).await.as_deref(), Some("UNAUTHENTICATED"));
    assert_eq!(ask(Some("viewer"), delete, json!({ "id": known })).await.as_deref(), Some("NOT_FOUND"));
    assert_eq!(ask(Some("editor"), delete, json!({ "id": manual })).await.as_deref(), Some("NOT_FOUND"));
    // An editor may give up the former path of what it may publish.
    assert_eq!(ask(Some("editor"), delete, json!({ "id": known })).await, None);
    site.stop().await;
}
