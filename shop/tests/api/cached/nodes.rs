//! What a node serves from its cache while it does not hear of the others.

use std::time::{Duration, Instant};

use runtime::serde_json::json;
use sqlx::Executor as _;

use super::{BOUND, CACHE, get, heard, is_caching, is_hit, make, product, site, told};
use crate::fault_proxy::{Fault, FaultProxy};
use crate::faults::address_of;

const NAMES: &str = "{ products { nodes { name } } }";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_loses_the_database_serves_nothing_old() {
    let site = site().await;
    let proxy = FaultProxy::before(address_of(&site.db)).await;
    let url = site.db.url_by(proxy.address);
    let far = site.another_node_with(&[CACHE, ("DATABASE_URL", &url)]);
    is_caching(&far).await;
    product(&site, "Chair").await;
    for fault in [Fault::Down, Fault::Forget, Fault::Swallow] {
        let begun = Instant::now();
        while !is_hit(&get(&far, NAMES).await) {
            assert!(begun.elapsed() < Duration::from_secs(40), "{fault:?}: nothing is cached");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        proxy.set(fault);
        let number = format!("{fault:?}");
        product(&site, &number).await;
        tokio::time::sleep(BOUND + Duration::from_millis(50)).await;
        // It may fail, or know; it may not answer from before.
        let asked = tokio::time::timeout(Duration::from_secs(3), get(&far, NAMES)).await;
        if let Ok(answer) = asked {
            assert!(!is_hit(&answer) || answer.body.contains(&number), "{fault:?}: {answer:?}");
        }
        proxy.set(Fault::None);
    }
    drop(far);
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_served_while_the_order_of_events_is_held_up() {
    let site = site().await;
    let other = site.another_node_with(&[CACHE]);
    is_caching(&other).await;
    product(&site, "Chair").await;
    let mut holder = site.db.pool.begin().await.unwrap();
    holder.execute("select from cms.outbox_head for update").await.unwrap();
    product(&site, "Bench").await;
    // Neither node hears of it, but the one that wrote it knows.
    assert!(get(&site, NAMES).await.body.contains("Bench"));
    tokio::time::sleep(BOUND + Duration::from_millis(50)).await;
    for node in [&*site, &other] {
        for _ in 0..2 {
            let answer = get(node, NAMES).await;
            assert_eq!(told(&answer), "bypass; reason=unknown");
            assert!(answer.body.contains("Bench"), "{answer:?}");
        }
    }
    holder.rollback().await.unwrap();
    is_caching(&other).await;
    get(&other, NAMES).await;
    assert!(is_hit(&get(&other, NAMES).await));
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_gets_no_notifications_is_not_later_than_the_bound() {
    let site = site().await;
    // It runs no jobs, and does not listen.
    let other = site.another_node_with(&[CACHE, ("TYPECASE_JOBS", "0")]);
    is_caching(&other).await;
    let id = json!({ "id": product(&site, "0").await });
    for number in 1..=5 {
        heard().await;
        get(&other, NAMES).await;
        assert!(is_hit(&get(&other, NAMES).await), "before {number}");
        make(&site, &rename(number, &number.to_string()), id.clone()).await;
        let written = Instant::now();
        loop {
            let begun = written.elapsed();
            let answer = get(&other, NAMES).await;
            if answer.body.contains(&format!("\"{number}\"")) {
                break;
            }
            assert!(begun <= BOUND, "{begun:?} after it was written: {answer:?}");
        }
    }
    drop(other);
    site.stop().await;
}

/// Makes each commit of a published product take this long.
const SLOW: &str =
    "create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(1.5); return null; end $$;
    create constraint trigger slow after insert on live.product deferrable initially deferred
        for each row execute function slow()";

fn rename(revision: i64, name: &str) -> String {
    format!(
        "mutation($id: ID!) {{ made: updateProduct(id: $id, revision: {revision}, input: {{ name: \"{name}\" }}, publish: true) {{ id }} }}"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_a_commit_is_under_way_nothing_is_given_again() {
    let site = site().await;
    let id = json!({ "id": product(&site, "Chair").await });
    heard().await;
    get(&site, NAMES).await;
    // Until it commits, a write changes nothing.
    let mut lock = site.db.pool.begin().await.unwrap();
    lock.execute("lock table live.product in share mode").await.unwrap();
    let (query, waiting) = (rename(1, "Stool"), Duration::from_millis(400));
    let reading = async {
        tokio::time::sleep(waiting).await;
        assert!(is_hit(&get(&site, NAMES).await), "nothing is committed yet");
        lock.rollback().await.unwrap();
    };
    tokio::join!(make(&site, &query, id.clone()), reading);
    let answer = get(&site, NAMES).await;
    assert!(answer.body.contains("Stool") && !is_hit(&answer), "{answer:?}");
    heard().await;
    get(&site, NAMES).await;
    sqlx::raw_sql(SLOW).execute(&site.db.pool).await.unwrap();
    let query = rename(2, "Bench");
    let reading = async {
        tokio::time::sleep(waiting).await;
        let answer = get(&site, NAMES).await;
        assert_eq!(told(&answer), "bypass; reason=changed", "the commit may be visible at any moment");
        assert!(answer.body.contains("Stool"), "{answer:?}");
    };
    tokio::join!(make(&site, &query, id.clone()), reading);
    assert!(get(&site, NAMES).await.body.contains("Bench"));
    // The client goes away, the write does not.
    heard().await;
    get(&site, NAMES).await;
    let query = rename(3, "Table");
    let gone = tokio::time::timeout(waiting, make(&site, &query, id)).await;
    assert!(gone.is_err(), "it was too quick");
    let begun = Instant::now();
    let committed = "select exists (select from live.product where name = 'Table')";
    while !sqlx::query_scalar::<_, bool>(committed).fetch_one(&site.db.pool).await.unwrap() {
        let answer = get(&site, NAMES).await;
        assert!(!is_hit(&answer), "{answer:?}");
        assert!(begun.elapsed() < Duration::from_secs(10), "it is not committed");
    }
    assert!(get(&site, NAMES).await.body.contains("Table"));
    site.stop().await;
}
