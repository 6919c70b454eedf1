//! Working together over HTTP: conflicts and merges, soft locks, comments.

use std::time::{Duration, Instant};

use runtime::serde_json::{Value as Json, json};

use crate::client::{Site, command, command_with_input};
use crate::history::prune;

const PASSWORD: &str = "velvet anchor drifting sundial";

/// A user of the site.
struct Person {
    id: Json,
    token: String,
}

async fn person(site: &Site, name: &str, role: &str) -> Person {
    let email = format!("{name}@shop.example");
    let create = ["user", "create", "--email", &email, "--name", name, "--role", role, "--password-stdin"];
    let made = command_with_input(&site.db, &create, PASSWORD);
    assert!(made.status.success(), "{made:?}");
    let body = json!({ "email": email, "password": PASSWORD }).to_string();
    let answer = site.send("POST", "/auth/sign-in", &[("content-type", "application/json")], &body).await;
    let token = answer.json()["accessToken"].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned();
    let mut person = Person { id: Json::Null, token };
    person.id = told(site, &person, "{ me { id } }", json!({})).await["me"]["id"].clone();
    person
}

async fn ask(site: &Site, who: &Person, query: &str, variables: Json) -> Json {
    let body = json!({ "query": query, "variables": variables });
    site.post(&body, &[("authorization", &format!("Bearer {}", who.token))]).await.json()
}

async fn told(site: &Site, who: &Person, query: &str, variables: Json) -> Json {
    let answer = ask(site, who, query, variables).await;
    assert!(answer.get("errors").is_none(), "{answer}");
    answer["data"].clone()
}

fn refusal(answer: &Json) -> (&str, &Json) {
    let error = &answer["errors"][0]["extensions"];
    (error["code"].as_str().unwrap_or_else(|| panic!("no error: {answer}")), &error["inputPath"])
}

const UPDATE: &str = "mutation($id: ID!, $revision: Int!, $input: ProductUpdateInput!, $on: OnConflict! = FAIL) {
    made: updateProduct(id: $id, revision: $revision, input: $input, onConflict: $on) {
        revision name summary stockStatus variants { id sku name } } }";

async fn chair(site: &Site, who: &Person) -> String {
    let create = "mutation($input: ProductCreateInput!) { made: createProduct(input: $input) { id } }";
    let input = json!({ "name": "Chair", "summary": "To sit on", "price": {"amount": "49.90"},
        "variants": {"create": [{"sku": "A", "name": "low"}, {"sku": "B", "name": "high"}]} });
    told(site, who, create, json!({ "input": input })).await["made"]["id"].as_str().unwrap().to_owned()
}

fn input(id: &str, revision: i64, input: Json, on: &str) -> Json {
    json!({ "id": id, "revision": revision, "input": input, "on": on })
}

#[tokio::test]
async fn what_a_deletion_took_does_not_collide() {
    let site = Site::empty().await;
    let ada = person(&site, "ada", "editor").await;
    let (id, gone, new) = (chair(&site, &ada).await, json!({ "name": "Oak" }), json!({ "name": "New" }));
    let made = told(&site, &ada, UPDATE, input(&id, 1, json!({ "tags": {"create": [gone, new]} }), "FAIL")).await;
    assert_eq!(made["made"]["revision"], 2);
    let tags = told(&site, &ada, "{ tags(first: 9, orderBy: [{ field: NAME }]) { nodes { id } } }", json!({})).await;
    let tag = |place: usize| tags["tags"]["nodes"][place]["id"].clone();
    told(&site, &ada, "mutation($id: ID!) { deleteTag(id: $id, revision: 1) }", json!({ "id": tag(1) })).await;
    told(&site, &ada, UPDATE, input(&id, 2, json!({ "summary": "Of oak" }), "FAIL")).await;
    // The revision that the input was made from has it.
    let ours = json!({ "tags": {"disconnect": [{ "id": tag(0) }]} });
    let merged = told(&site, &ada, UPDATE, input(&id, 2, ours, "MERGE")).await;
    assert_eq!((&merged["made"]["revision"], &merged["made"]["summary"]), (&json!(4), &json!("Of oak")));
    site.stop().await;
}

#[tokio::test]
async fn a_conflict_shows_both_sides_and_a_merge_keeps_both() {
    let site = Site::empty().await;
    let (ada, bob) = (person(&site, "ada", "editor").await, person(&site, "bob", "editor").await);
    let id = chair(&site, &ada).await;
    let theirs =
        json!({ "name": "Armchair", "variants": {"update": [{"key": {"sku": "A"}, "data": {"name": "lower"}}]} });
    told(&site, &bob, UPDATE, input(&id, 1, theirs, "FAIL")).await;
    let ours = json!({ "name": "Stool", "summary": "Three legs" });
    let answer = ask(&site, &ada, UPDATE, input(&id, 1, ours.clone(), "FAIL")).await;
    assert_eq!(refusal(&answer), ("REVISION_MISMATCH", &json!(["revision"])));
    let conflict = &answer["errors"][0]["extensions"];
    let change = &conflict["changes"][0];
    assert_eq!((&change["revision"], &change["actor"]), (&json!(2), &bob.id));
    assert_eq!((&change["actorKind"], &change["fields"]), (&json!("USER"), &json!(["name", "variants"])));
    assert_eq!((&conflict["expected"], &conflict["actual"]), (&json!(1), &json!(2)));
    assert_eq!(conflict["theirs"][0], json!({ "field": "name", "before": "Chair", "after": "Armchair" }));
    let row = &conflict["theirs"][1];
    assert_eq!((&row["kind"], &row["after"]), (&json!("CHANGED"), &json!({ "name": "lower" })));
    let expected = json!([{ "field": "name", "after": "Stool" }, { "field": "summary", "after": "Three legs" }]);
    assert_eq!((&conflict["ours"], &conflict["collisions"]), (&expected, &json!([["name"]])));
    assert_eq!((&conflict["truncated"], &conflict["baseKept"]), (&json!(false), &json!(true)));
    // A merge is refused as a whole.
    let answer = ask(&site, &ada, UPDATE, input(&id, 1, ours, "MERGE")).await;
    assert_eq!(refusal(&answer), ("REVISION_MISMATCH", &json!(["revision"])));
    let ours = json!({ "name": "Armchair", "summary": "Three legs",
        "variants": {"update": [{"key": {"sku": "B"}, "data": {"name": "higher"}}]} });
    let made = told(&site, &ada, UPDATE, input(&id, 1, ours, "MERGE")).await["made"].clone();
    assert_eq!(
        (&made["revision"], &made["name"], &made["summary"]),
        (&json!(3), &json!("Armchair"), &json!("Three legs"))
    );
    assert_eq!((&made["variants"][0]["name"], &made["variants"][1]["name"]), (&json!("lower"), &json!("higher")));
    let upsert = "mutation($input: [ProductUpsertInput!]!) { made: upsertProducts(input: $input, onConflict: MERGE) { revision } }";
    let item = json!([{ "key": {"id": id}, "revision": 1, "data": {"stockStatus": "PREORDER"} }]);
    assert_eq!(told(&site, &ada, upsert, json!({ "input": item })).await["made"], json!([{ "revision": 4 }]));
    site.stop().await;
}

#[tokio::test]
async fn a_conflict_with_a_revision_that_is_gone_or_that_is_large_says_so() {
    let site = Site::empty().await;
    let ada = person(&site, "ada", "editor").await;
    let id = chair(&site, &ada).await;
    told(&site, &ada, UPDATE, input(&id, 1, json!({ "description": "x".repeat(50_000) }), "FAIL")).await;
    let ours = json!({ "description": "y".repeat(50_000) });
    let answer = ask(&site, &ada, UPDATE, input(&id, 1, ours.clone(), "MERGE")).await;
    let conflict = &answer["errors"][0]["extensions"];
    assert_eq!((&conflict["truncated"], &conflict["collisions"]), (&json!(true), &json!([["description"]])));
    assert!(conflict.to_string().len() < 70_000 && conflict["ours"][0].get("after").is_none());
    runtime_sql(&site, "update cms.revision set content = null").await;
    let answer = ask(&site, &ada, UPDATE, input(&id, 1, ours, "MERGE")).await;
    let conflict = &answer["errors"][0]["extensions"];
    assert_eq!((refusal(&answer).0, &conflict["baseKept"]), ("REVISION_MISMATCH", &json!(false)));
    site.stop().await;
}

async fn runtime_sql(site: &Site, sql: &'static str) {
    sqlx::query(sql).execute(&site.db.pool).await.expect(sql);
}

const LOCK: &str = "mutation($id: ID!) { made: lockEntry(id: $id) { entry actor actorKind isMine since until } }";
const TAKE: &str = "mutation($id: ID!) { made: takeOverLock(id: $id) { actor isMine } }";
const LOCKS: &str = "query($ids: [ID!]!) { found: entryLocks(ids: $ids) { entry actor isMine since } }";

#[tokio::test]
async fn people_see_who_edits_an_entry_and_take_it_over_knowingly() {
    let site = Site::empty().await;
    let (ada, bob) = (person(&site, "ada", "editor").await, person(&site, "bob", "editor").await);
    let eve = person(&site, "eve", "author").await;
    let id = chair(&site, &ada).await;
    let locked = told(&site, &ada, LOCK, json!({ "id": id })).await["made"].clone();
    assert_eq!((&locked["actor"], &locked["isMine"], &locked["entry"]), (&ada.id, &json!(true), &json!(id)));
    let again = told(&site, &ada, LOCK, json!({ "id": id })).await["made"].clone();
    assert_eq!(again["since"], locked["since"]);
    assert!(again["until"].as_str() > locked["until"].as_str(), "{again}");
    let seen = told(&site, &bob, LOCKS, json!({ "ids": [id] })).await["found"].clone();
    let expected = json!([{ "entry": id, "actor": ada.id, "isMine": false, "since": locked["since"] }]);
    assert_eq!(seen, expected);
    assert_eq!(told(&site, &eve, LOCKS, json!({ "ids": [id] })).await["found"], json!([]));
    let answer = ask(&site, &bob, LOCK, json!({ "id": id })).await;
    assert_eq!(refusal(&answer), ("CONFLICT", &json!(["id"])));
    assert_eq!(answer["errors"][0]["extensions"]["lock"]["takenFromYou"], false);
    // A soft lock refuses no update; the conflict says who edits the entry.
    told(&site, &bob, UPDATE, input(&id, 1, json!({ "name": "Seat" }), "FAIL")).await;
    let late = ask(&site, &bob, UPDATE, input(&id, 1, json!({ "name": "Bench" }), "FAIL")).await;
    assert_eq!(late["errors"][0]["extensions"]["lock"]["actor"], ada.id);
    told(&site, &bob, TAKE, json!({ "id": id })).await;
    let answer = ask(&site, &ada, LOCK, json!({ "id": id })).await;
    let lock = &answer["errors"][0]["extensions"]["lock"];
    assert_eq!((refusal(&answer).0, &lock["actor"], &lock["takenFromYou"]), ("CONFLICT", &bob.id, &json!(true)));
    let unlock = "mutation($id: ID!) { done: unlockEntry(id: $id) }";
    assert_eq!(told(&site, &ada, unlock, json!({ "id": id })).await["done"], false);
    assert_eq!(told(&site, &bob, unlock, json!({ "id": id })).await["done"], true);
    assert_eq!(told(&site, &ada, LOCK, json!({ "id": id })).await["made"]["isMine"], true);
    let log = "query($id: ID!) { auditLog(filter: { entry: $id, action: [\"product.take_over_lock\"] }) { nodes { actor before } } }";
    let log = site.ask_as_developer(log, json!({ "id": id })).await;
    assert_eq!(
        log["data"]["auditLog"]["nodes"],
        json!([{ "actor": bob.id, "before": { "actor": ada.id, "actorKind": "user" } }])
    );
    assert_eq!(refusal(&ask(&site, &eve, LOCK, json!({ "id": id })).await).0, "FORBIDDEN");
    let visitor = site.ask(&format!("{{ entryLocks(ids: [\"{id}\"]) {{ entry }} }}")).await;
    assert_eq!(refusal(&visitor).0, "UNAUTHENTICATED");
    // Without a call, it ends by itself.
    runtime_sql(&site, "update cms.entry_lock set until = now()").await;
    assert_eq!(told(&site, &bob, LOCKS, json!({ "ids": [id] })).await["found"], json!([]));
    assert_eq!(told(&site, &bob, LOCK, json!({ "id": id })).await["made"]["isMine"], true);
    site.stop().await;
}

#[tokio::test]
async fn an_account_edits_at_most_a_hundred_entries_at_once() {
    let site = Site::empty().await;
    let ada = person(&site, "ada", "editor").await;
    let id = chair(&site, &ada).await;
    runtime_sql(
        &site,
        "insert into cms.entry_lock (type, entry, actor_kind, actor, until)
        select 'product', gen_random_uuid(), 'user', u.id, now() + make_interval(mins => case when n > 99 then -1 else 1 end)
        from cms.user u, generate_series(0, 120) n where u.name = 'ada'",
    )
    .await;
    assert_eq!(refusal(&ask(&site, &ada, LOCK, json!({ "id": id })).await).0, "LIMIT_EXCEEDED");
    runtime_sql(
        &site,
        "update cms.entry_lock set until = now() where entry = (select entry from cms.entry_lock where until > now() limit 1)",
    )
    .await;
    told(&site, &ada, LOCK, json!({ "id": id })).await;
    site.stop().await;
}

const COMMENT: &str = "mutation($id: ID!, $field: String, $text: String!, $mentions: [ID!]) {
    made: commentOn(id: $id, field: $field, text: $text, mentions: $mentions) { id field text actor mentions resolvedAt } }";
const REPLY: &str = "mutation($id: ID!, $text: String!) { made: replyToComment(id: $id, text: $text) { id replies { id text actor } } }";
const COMMENTS: &str = "query($entry: ID!, $field: String, $resolved: Boolean, $first: Int! = 20, $after: ID) {
    found: entryComments(entry: $entry, field: $field, resolved: $resolved, first: $first, after: $after) {
        id field text resolvedBy editedAt replies { text } } }";

fn texts(found: &Json) -> Vec<&str> {
    found["found"].as_array().unwrap().iter().map(|comment| comment["text"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn entries_are_talked_about_in_threads() {
    let site = Site::empty().await;
    let (ada, vera) = (person(&site, "ada", "editor").await, person(&site, "vera", "viewer").await);
    let id = chair(&site, &ada).await;
    let on = |field: Json, text: &str| json!({ "id": id, "field": field, "text": text });
    let whole = told(&site, &vera, COMMENT, on(Json::Null, "Nice")).await["made"].clone();
    assert_eq!((&whole["text"], &whole["actor"], &whole["field"]), (&json!("Nice"), &vera.id, &Json::Null));
    let price = told(&site, &vera, COMMENT, on(json!("price"), "Too much?")).await["made"]["id"].clone();
    let rows = "query($id: ID!) { product(id: $id, stage: DRAFT) { variants { id } } }";
    let row = told(&site, &ada, rows, json!({ "id": id })).await["product"]["variants"][0]["id"].clone();
    let sku = format!("variants.{}.sku", row.as_str().unwrap());
    told(&site, &ada, COMMENT, on(json!(sku), "Wrong")).await;
    told(&site, &ada, COMMENT, on(json!("seo.title"), "Longer")).await;
    for wrong in ["nothing", "price.amount", "variants.1.sku", "seo.nothing", "", "variants."] {
        let answer = ask(&site, &ada, COMMENT, on(json!(wrong), "x")).await;
        assert_eq!(refusal(&answer), ("INVALID_VALUE", &json!(["field"])), "{wrong}");
    }
    let replied = told(&site, &ada, REPLY, json!({ "id": price, "text": "No." })).await["made"].clone();
    assert_eq!((&replied["id"], &replied["replies"][0]["actor"]), (&price, &ada.id));
    // A reply to a reply is in the same thread.
    let reply = replied["replies"][0]["id"].clone();
    told(&site, &vera, REPLY, json!({ "id": reply, "text": "Well." })).await;
    let all = told(&site, &vera, COMMENTS, json!({ "entry": id })).await;
    assert_eq!(texts(&all), ["Nice", "Too much?", "Wrong", "Longer"]);
    assert_eq!(all["found"][1]["replies"], json!([{ "text": "No." }, { "text": "Well." }]));
    let page = told(&site, &vera, COMMENTS, json!({ "entry": id, "first": 1, "after": price })).await;
    assert_eq!(texts(&page), ["Wrong"]);
    let of_rows = told(&site, &vera, COMMENTS, json!({ "entry": id, "field": "variants" })).await;
    assert_eq!(texts(&of_rows), ["Wrong"]);
    let resolve = "mutation($id: ID!) { made: resolveComment(id: $id) { resolvedAt resolvedBy } }";
    assert_eq!(told(&site, &ada, resolve, json!({ "id": reply })).await["made"]["resolvedBy"], ada.id);
    assert_eq!(texts(&told(&site, &ada, COMMENTS, json!({ "entry": id, "resolved": true })).await), ["Too much?"]);
    let reopen = "mutation($id: ID!) { made: reopenComment(id: $id) { resolvedAt resolvedBy } }";
    let reopened = told(&site, &vera, reopen, json!({ "id": price })).await;
    assert_eq!(reopened["made"], json!({ "resolvedAt": null, "resolvedBy": null }));
    let log = "query($id: ID!) { auditLog(filter: { entry: $id }, first: 3) { nodes { action } } }";
    let log = site.ask_as_developer(log, json!({ "id": id })).await;
    let lines = ["product.reopen_comment", "product.resolve_comment", "product.comment"]
        .map(|action| json!({ "action": action }));
    assert_eq!(log["data"]["auditLog"]["nodes"], json!(lines));
    site.stop().await;
}

#[tokio::test]
async fn comments_are_changed_by_their_authors_and_read_by_those_who_read_drafts() {
    let site = Site::empty().await;
    let (ada, vera) = (person(&site, "ada", "editor").await, person(&site, "vera", "viewer").await);
    let eve = person(&site, "eve", "author").await;
    let id = chair(&site, &ada).await;
    let of_vera = told(&site, &vera, COMMENT, json!({ "id": id, "text": "Nice" })).await["made"]["id"].clone();
    let of_ada = told(&site, &ada, COMMENT, json!({ "id": id, "text": "Thanks" })).await["made"]["id"].clone();
    let edit = "mutation($id: ID!, $text: String!) { made: editComment(id: $id, text: $text) { text editedAt } }";
    let edited = told(&site, &vera, edit, json!({ "id": of_vera, "text": "Very nice" })).await["made"].clone();
    assert!(edited["text"] == "Very nice" && !edited["editedAt"].is_null(), "{edited}");
    let foreign = ask(&site, &ada, edit, json!({ "id": of_vera, "text": "Bad" })).await;
    assert_eq!(refusal(&foreign).0, "FORBIDDEN");
    // Who may not read the draft finds no comment.
    assert_eq!(refusal(&ask(&site, &eve, COMMENTS, json!({ "entry": id })).await).0, "FORBIDDEN");
    assert_eq!(refusal(&ask(&site, &eve, REPLY, json!({ "id": of_ada, "text": "x" })).await).0, "NOT_FOUND");
    assert_eq!(refusal(&ask(&site, &eve, COMMENT, json!({ "id": id, "text": "x" })).await).0, "FORBIDDEN");
    let visitor = site.ask(&format!("mutation {{ commentOn(id: \"{id}\", text: \"x\") {{ id }} }}")).await;
    assert_eq!(refusal(&visitor).0, "UNAUTHENTICATED");
    for text in ["", " ", &"x".repeat(10_001)] {
        let answer = ask(&site, &ada, COMMENT, json!({ "id": id, "text": text })).await;
        assert_eq!(refusal(&answer), ("INVALID_VALUE", &json!(["text"])), "{text:?}");
    }
    let delete = "mutation($id: ID!) { gone: removeComment(id: $id) }";
    assert_eq!(refusal(&ask(&site, &vera, delete, json!({ "id": of_ada })).await).0, "FORBIDDEN");
    assert_eq!(told(&site, &ada, delete, json!({ "id": of_vera })).await["gone"], of_vera);
    assert_eq!(texts(&told(&site, &ada, COMMENTS, json!({ "entry": id })).await), ["Thanks"]);
    // A deleted entry keeps its comments until it is purged.
    let remove = "mutation($id: ID!) { deleteProduct(id: $id, revision: 1) }";
    told(&site, &ada, remove, json!({ "id": id })).await;
    assert_eq!(refusal(&ask(&site, &ada, COMMENTS, json!({ "entry": id })).await).0, "NOT_FOUND");
    let undelete = "mutation($id: ID!) { undeleteProduct(id: $id) { revision } }";
    let back = told(&site, &ada, undelete, json!({ "id": id })).await["undeleteProduct"]["revision"].clone();
    assert_eq!(texts(&told(&site, &ada, COMMENTS, json!({ "entry": id })).await), ["Thanks"]);
    let remove =
        "mutation($id: ID!, $revision: Int!) { deleteProduct(id: $id, revision: $revision) purgeDeleted(ids: [$id]) }";
    told(&site, &ada, remove, json!({ "id": id, "revision": back })).await;
    let left: i64 = sqlx::query_scalar("select count(*) from cms.comment").fetch_one(&site.db.pool).await.unwrap();
    assert_eq!(left, 0);
    site.stop().await;
}

#[tokio::test]
async fn those_who_are_mentioned_get_one_mail() {
    let site = Site::empty().await;
    let (ada, vera) = (person(&site, "ada", "editor").await, person(&site, "vera", "viewer").await);
    let eve = person(&site, "eve", "author").await;
    let id = chair(&site, &ada).await;
    let mention = |who: &[&Json], text: &str| json!({ "id": id, "field": "price", "text": text, "mentions": who });
    for (wrong, path) in
        [(&eve.id, json!(["mentions", 1])), (&json!("user_00000000000000000000000000"), json!(["mentions", 1]))]
    {
        let answer = ask(&site, &ada, COMMENT, mention(&[&vera.id, wrong], "Look")).await;
        assert_eq!(refusal(&answer), ("INVALID_VALUE", &path), "{answer}");
    }
    let made =
        told(&site, &ada, COMMENT, mention(&[&vera.id, &ada.id, &vera.id], "Is this right?")).await["made"].clone();
    assert_eq!(made["mentions"], json!([vera.id, ada.id]));
    let edit = "mutation($id: ID!, $text: String!, $mentions: [ID!]) {
        made: editComment(id: $id, text: $text, mentions: $mentions) { mentions } }";
    told(&site, &ada, edit, json!({ "id": made["id"], "text": "Is it?", "mentions": [vera.id] })).await;
    let begun = Instant::now();
    let mails = loop {
        let mails = site.logged("mentioned in a comment");
        let waiting: i64 = sqlx::query_scalar("select count(*) from cms.job where kind = 'typecase.mention'")
            .fetch_one(&site.db.pool)
            .await
            .unwrap();
        if !mails.is_empty() && waiting == 0 {
            break mails;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "no mail: {mails:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert!(mails.len() == 1 && mails[0].contains("vera@shop.example"), "{mails:?}");
    assert!(mails[0].contains("You are mentioned in a comment on Chair"), "{mails:?}");
    assert!(site.logged("Is this right?").len() == 1 && site.logged("ada mentioned you").len() == 1);
    // A program has a name too.
    let made = command(&site.db, &["token", "create", "--name", "Importer", "--role", "editor"]);
    let token = String::from_utf8_lossy(&made.stdout).trim().to_owned();
    let said = site.ask_with(&token, COMMENT, mention(&[&vera.id], "By a program")).await;
    assert!(said.get("errors").is_none(), "{said}");
    while site.logged("Importer mentioned you").is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", site.logged("mentioned you"));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    site.stop().await;
}

#[tokio::test]
async fn of_two_who_lock_an_entry_at_once_one_does() {
    let site = Site::empty().await;
    let (ada, bob) = (person(&site, "ada", "editor").await, person(&site, "bob", "editor").await);
    let id = chair(&site, &ada).await;
    for _ in 0..20 {
        let variables = json!({ "id": id });
        let (one, other) =
            tokio::join!(ask(&site, &ada, LOCK, variables.clone()), ask(&site, &bob, LOCK, variables.clone()));
        let (winner, loser) = if one.get("errors").is_none() { (&ada, other) } else { (&bob, one) };
        assert_eq!(loser["errors"][0]["extensions"]["code"], "CONFLICT", "{loser}");
        assert_eq!(loser["errors"][0]["extensions"]["lock"]["actor"], winner.id);
        let unlock = "mutation($id: ID!) { done: unlockEntry(id: $id) }";
        assert_eq!(told(&site, winner, unlock, variables).await["done"], true);
    }
    site.stop().await;
}

#[tokio::test]
async fn what_nobody_needs_any_more_is_removed_daily() {
    let site = Site::empty().await;
    let ada = person(&site, "ada", "editor").await;
    let kept = chair(&site, &ada).await;
    let create = "mutation { made: createProduct(input: {name: \"Gone\"}) { id } }";
    let gone = told(&site, &ada, create, json!({})).await["made"]["id"].as_str().unwrap().to_owned();
    for id in [&kept, &gone] {
        told(&site, &ada, LOCK, json!({ "id": id })).await;
        told(&site, &ada, COMMENT, json!({ "id": id, "text": "Hm" })).await;
    }
    told(&site, &ada, "mutation($id: ID!) { deleteProduct(id: $id, revision: 1) }", json!({ "id": gone })).await;
    for sql in [
        "update cms.entry_lock set until = now() - interval '2 hours' where entry = (select entry from cms.bin)",
        "insert into cms.review select 'product', id, n, 'approved' from draft.product, generate_series(1, 2) n",
        "insert into cms.review select 'product', entry, 1, 'approved' from cms.bin",
        "insert into cms.review_step (id, type, entry, revision, kind, from_stage, to_stage, actor_kind)
            select gen_random_uuid(), 'product', entry, 1, 'move', 'a', 'b', 'system' from cms.review",
        "update cms.bin set at = now() - interval '31 days'",
    ] {
        runtime_sql(&site, sql).await;
    }
    prune(&site).await;
    // A revision that the draft has keeps its review; the second one never was.
    for (table, count) in [("entry_lock", 1_i64), ("comment", 1), ("review", 1), ("review_step", 2)] {
        let sql = format!("select count(*) from cms.{table}");
        let left: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&site.db.pool).await.unwrap();
        assert_eq!(left, count, "{table}");
    }
    site.stop().await;
}
