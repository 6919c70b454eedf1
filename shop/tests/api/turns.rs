//! What is due at about the same time: in order, whoever is slow, and not failed for what another change is about to mend.

use std::time::{Duration, Instant};

use runtime::serde_json::{Value as Json, json};

use crate::client::{Site, command};

async fn told(site: &Site, query: &str, variables: Json) -> Json {
    let answer = site.ask_as_developer(query, variables).await;
    assert!(answer.get("errors").is_none(), "{answer}");
    answer["data"]["made"].clone()
}

async fn product(site: &Site, name: &str, publish: bool, related: &[&str]) -> String {
    let query = "mutation($input: ProductCreateInput!, $publish: Boolean!) { made: createProduct(input: $input, publish: $publish) { id } }";
    let input = json!({ "name": name, "price": { "amount": "1" }, "related": { "set": related.iter().map(|id| json!({ "id": id })).collect::<Vec<_>>() } });
    let made = told(site, query, json!({ "input": input, "publish": publish })).await;
    made["id"].as_str().unwrap().to_owned()
}

async fn unpublish_at(site: &Site, id: &str, at: &str, force: bool) {
    let query = "mutation($id: ID!, $at: String!, $force: Boolean!) { made: scheduleUnpublish(id: $id, at: $at, force: $force) { force } }";
    assert_eq!(told(site, query, json!({ "id": id, "at": at, "force": force })).await["force"], force);
}

async fn release_at(site: &Site, entries: &[&str], at: &str) -> String {
    let made = told(site, "mutation { made: createRelease(title: \"R\") { id } }", json!({})).await;
    let id = made["id"].as_str().unwrap().to_owned();
    let changes: Vec<Json> = entries.iter().map(|entry| json!({ "entry": entry })).collect();
    let add = "mutation($id: ID!, $changes: [ReleaseChangeInput!]!) { made: addToRelease(id: $id, changes: $changes) { size } }";
    told(site, add, json!({ "id": id, "changes": changes })).await;
    let schedule = "mutation($id: ID!, $at: String!) { made: scheduleRelease(id: $id, at: $at) { state } }";
    told(site, schedule, json!({ "id": id, "at": at })).await;
    id
}

/// The states of all changes and releases, once none is pending.
async fn ended(site: &Site) -> Vec<Json> {
    let query = "{ changes: scheduledChanges { state problems { code } } releases { state problems { code } } }";
    let begun = Instant::now();
    loop {
        let answer = site.ask_as_developer(query, json!({})).await;
        let all = ["changes", "releases"].map(|list| answer["data"][list].as_array().expect("a list").clone()).concat();
        if !all.iter().any(|one| ["PENDING", "SCHEDULED"].iter().any(|state| one["state"] == *state)) {
            return all;
        }
        assert!(begun.elapsed() < Duration::from_secs(90), "{all:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn is_live(site: &Site, id: &str) -> bool {
    !told(site, "query($id: ID!) { made: product(id: $id) { id } }", json!({ "id": id })).await.is_null()
}

async fn until(site: &Site, what: &str, sql: &'static str) {
    let begun = Instant::now();
    while !sqlx::query_scalar::<_, bool>(sql).fetch_one(&site.db.pool).await.expect(what) {
        assert!(begun.elapsed() < Duration::from_secs(30), "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

const HAS_WAITED: &str = "select exists (select from cms.job where payload->>'tries' <> '0')";

/// A transaction that holds the entry, as a slow writer does.
async fn held<'p>(site: &'p Site, name: &str) -> sqlx::Transaction<'p, sqlx::Postgres> {
    let mut held = site.db.pool.begin().await.expect("a transaction");
    sqlx::query("select from draft.product where name = $1 for no key update")
        .bind(name)
        .execute(&mut *held)
        .await
        .expect("it is held");
    held
}

#[tokio::test]
async fn a_change_waits_for_a_release_of_the_same_entry_that_was_due_before() {
    let site = Site::empty().await;
    let (slow, both) = (product(&site, "Slow", false, &[]).await, product(&site, "Both", false, &[]).await);
    let held = held(&site, "Slow").await;
    release_at(&site, &[&slow, &both], "2020-01-01T00:00:00Z").await;
    unpublish_at(&site, &both, "2020-01-02T00:00:00Z", false).await;
    until(&site, "it has waited", HAS_WAITED).await;
    held.rollback().await.expect("it ends");
    let states: Vec<Json> = ended(&site).await.iter().map(|one| one["state"].clone()).collect();
    assert_eq!(states, ["DONE", "PUBLISHED"]);
    assert_eq!((is_live(&site, &slow).await, is_live(&site, &both).await), (true, false));
    site.stop().await;
}

#[tokio::test]
async fn a_release_waits_for_changes_and_releases_of_its_entries_that_were_due_before() {
    let site = Site::empty().await;
    let (slow, last) = (product(&site, "Slow", true, &[]).await, product(&site, "Last", false, &[]).await);
    let held = held(&site, "Slow").await;
    let first = release_at(&site, &[&slow, &last], "2020-01-01T00:00:00Z").await;
    unpublish_at(&site, &slow, "2020-01-02T00:00:00Z", false).await;
    let second = release_at(&site, &[&last], "2020-01-03T00:00:00Z").await;
    let third = release_at(&site, &[&slow], "2020-01-04T00:00:00Z").await;
    let all_waited = "select count(*) = 3 from cms.job where payload->>'tries' <> '0'";
    until(&site, "they have waited", all_waited).await;
    held.rollback().await.expect("it ends");
    ended(&site).await;
    let sql = "select array_agg(entry order by at) from cms.audit where action = 'release.publish'";
    let order: Vec<String> = sqlx::query_scalar::<_, Vec<sqlx::types::Uuid>>(sql)
        .fetch_one(&site.db.pool)
        .await
        .expect("their order")
        .into_iter()
        .map(|id| runtime::store::id::encode("release", id))
        .collect();
    assert_eq!(order[0], first);
    assert!(order.contains(&second) && order.contains(&third), "{order:?}");
    // Unpublished by the second, and published again by the last.
    assert!(is_live(&site, &slow).await);
    site.stop().await;
}

#[tokio::test]
async fn what_another_change_of_the_same_moment_mends_is_not_failed() {
    let site = Site::empty().await;
    let target = product(&site, "Target", true, &[]).await;
    let pointing = product(&site, "Pointing", true, &[&target]).await;
    unpublish_at(&site, &target, "2020-01-01T00:00:00Z", false).await;
    unpublish_at(&site, &pointing, "2020-01-01T00:00:00Z", false).await;
    assert_eq!(ended(&site).await, vec![json!({ "state": "DONE", "problems": [] }); 2]);
    assert_eq!((is_live(&site, &target).await, is_live(&site, &pointing).await), (false, false));
    site.stop().await;
}

#[tokio::test]
async fn an_unpublication_is_refused_for_references_unless_it_is_forced() {
    let site = Site::empty().await;
    let target = product(&site, "Target", true, &[]).await;
    product(&site, "Pointing", true, &[&target]).await;
    unpublish_at(&site, &target, "2020-01-01T00:00:00Z", false).await;
    assert_eq!(ended(&site).await, [json!({ "state": "FAILED", "problems": [{ "code": "REFERENCED" }] })]);
    assert!(is_live(&site, &target).await);
    unpublish_at(&site, &target, "2020-01-02T00:00:00Z", true).await;
    assert_eq!(ended(&site).await[1]["state"], "DONE");
    assert!(!is_live(&site, &target).await);

    // The same in a release, whose problems name the entry.
    let other = product(&site, "Other", true, &[]).await;
    product(&site, "Pointing too", true, &[&other]).await;
    let gone = product(&site, "Gone", false, &[]).await;
    let made = told(&site, "mutation { made: createRelease(title: \"R\") { id } }", json!({})).await;
    let add = "mutation($id: ID!, $changes: [ReleaseChangeInput!]!) { made: addToRelease(id: $id, changes: $changes) { size } }";
    let changes = json!([{ "entry": other, "action": "UNPUBLISH" }, { "entry": gone }]);
    told(&site, add, json!({ "id": made["id"], "changes": changes })).await;
    told(&site, "mutation($id: ID!) { made: deleteProduct(id: $id, revision: 1) }", json!({ "id": gone })).await;
    let check = "query($id: ID!) { made: releaseCheck(id: $id) { code path } }";
    let found = told(&site, check, json!({ "id": made["id"] })).await;
    assert_eq!(found, json!([{ "code": "NOT_FOUND", "path": [gone] }]));
    let remove =
        "mutation($id: ID!, $entries: [ID!]!) { made: removeFromRelease(id: $id, entries: $entries) { size } }";
    told(&site, remove, json!({ "id": made["id"], "entries": [gone] })).await;
    let found = told(&site, check, json!({ "id": made["id"] })).await;
    assert_eq!(found, json!([{ "code": "REFERENCED", "path": [other] }]));
    let changes = json!([{ "entry": other, "action": "UNPUBLISH", "force": true }]);
    told(&site, add, json!({ "id": made["id"], "changes": changes })).await;
    told(&site, "mutation($id: ID!) { made: publishRelease(id: $id) { state } }", json!({ "id": made["id"] })).await;
    assert!(!is_live(&site, &other).await);
    site.stop().await;
}

#[tokio::test]
async fn what_no_attempt_could_make_is_failed_and_told() {
    let site = Site::empty().await;
    let (id, released) = (product(&site, "A", false, &[]).await, product(&site, "B", false, &[]).await);
    let publish = "mutation($id: ID!) { made: schedulePublish(id: $id, at: \"2035-01-01T00:00:00Z\") { id } }";
    told(&site, publish, json!({ "id": id })).await;
    release_at(&site, &[&released], "2035-01-01T00:00:00Z").await;
    for sql in [
        "update cms.scheduled_change set at = now()",
        "update cms.release set at = now()",
        // As after twelve attempts whose nodes were killed.
        "update cms.job set attempts = 12, due = now() where kind like 'typecase.scheduled%'",
        "select pg_notify('typecase_jobs', '')",
    ] {
        sqlx::query(sql).execute(&site.db.pool).await.expect(sql);
    }
    let failed = json!({ "state": "FAILED", "problems": [{ "code": "UNAVAILABLE" }] });
    assert_eq!(ended(&site).await, [failed.clone(), failed]);
    let retry = "mutation($id: ID!) { made: retryScheduledChange(id: $id) { state } }";
    let change = told(&site, "{ made: scheduledChanges { id } }", json!({})).await[0]["id"].clone();
    told(&site, retry, json!({ "id": change })).await;
    assert_eq!(ended(&site).await[0]["state"], "DONE");
    site.stop().await;
}

#[tokio::test]
async fn an_operator_sees_what_failed_and_retries_it() {
    let site = Site::empty().await;
    let target = product(&site, "Target", true, &[]).await;
    let pointing = product(&site, "Pointing", true, &[&target]).await;
    unpublish_at(&site, &target, "2020-01-01T00:00:00Z", false).await;
    release_at(&site, &[&target], "2035-01-01T00:00:00Z").await;
    until(&site, "it has failed", "select exists (select from cms.scheduled_change where state = 'failed')").await;
    let listed = command(&site.db, &["scheduled", "list", "--json"]);
    let lines: Vec<Json> = String::from_utf8_lossy(&listed.stdout)
        .lines()
        .map(|line| runtime::serde_json::from_str(line).unwrap())
        .collect();
    let told = |line: &Json| ["action", "state", "subject"].map(|name| line[name].clone());
    assert_eq!(told(&lines[0]), [json!("unpublish"), json!("failed"), json!(target)]);
    assert_eq!(lines[0]["problems"][0]["code"], "REFERENCED");
    assert_eq!(told(&lines[1]), [json!("release"), json!("pending"), json!("R")]);
    let id = lines[0]["id"].as_str().unwrap();
    assert!(!command(&site.db, &["scheduled", "retry", lines[1]["id"].as_str().unwrap()]).status.success());
    let free = "mutation($id: ID!) { made: unpublishProduct(id: $id, revision: 1) { id } }";
    let answer = site.ask_as_developer(free, json!({ "id": pointing })).await;
    assert!(answer.get("errors").is_none(), "{answer}");
    assert!(command(&site.db, &["scheduled", "retry", id]).status.success());
    until(&site, "it is done", "select exists (select from cms.scheduled_change where state = 'done')").await;
    let listed = command(&site.db, &["scheduled", "list", "--state", "failed"]);
    assert_eq!(String::from_utf8_lossy(&listed.stdout), "");
    site.stop().await;
}

/// A clock can be set back, and after a failover it is that of another machine.
#[tokio::test]
async fn what_a_clock_that_went_back_finds_too_early_is_made_at_its_time() {
    let site = Site::empty().await;
    let (one, two) = (product(&site, "One", true, &[]).await, product(&site, "Two", false, &[]).await);
    unpublish_at(&site, &one, "2035-01-01T00:00:00Z", false).await;
    release_at(&site, &[&two], "2035-01-01T00:00:00Z").await;
    let early = "update cms.scheduled_change set at = now() + interval '3 seconds';
        update cms.release set at = now() + interval '3 seconds';
        update cms.job set due = now() where kind like 'typecase.scheduled_%';
        select pg_notify('typecase_jobs', '')";
    sqlx::raw_sql(early).execute(&site.db.pool).await.expect("the jobs are due");
    let states: Vec<Json> = ended(&site).await.iter().map(|one| one["state"].clone()).collect();
    assert_eq!(states, ["DONE", "PUBLISHED"]);
    assert_eq!((is_live(&site, &one).await, is_live(&site, &two).await), (false, true));
    site.stop().await;
}
