//! Searches while the search engine is away, hangs, or has lost its indexes: PostgreSQL answers, and what was missed is made up for.

use std::time::{Duration, Instant};

use runtime::serde_json::json;
use tokio::time::sleep;

use crate::client::Site;
use crate::fault_proxy::{Fault, FaultProxy};
use crate::search::{eventually, names, product};
use crate::search_engine::{ANSWERED, by_engine, counted, site, site_at, told};
use crate::search_server::SearchServer;

/// Time that a search takes at most while nobody waits for the engine.
const SOON: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn searches_go_on_while_the_engine_is_away_and_it_learns_what_it_has_missed() {
    let engine = SearchServer::start();
    let proxy = FaultProxy::before(engine.address).await;
    let site = site_at(&format!("http://{}", proxy.address)).await;
    product(&site, json!({"name": "Amber lamp"})).await;
    told(&site).await;
    assert_eq!(by_engine(&site, "amber").await, ["Amber lamp"]);
    for fault in [Fault::Down, Fault::Hang, Fault::Cut(40), Fault::Swallow] {
        proxy.set(fault);
        let made = format!("Beryl {}", format!("{fault:?}").to_lowercase().replace(['(', ')'], "x"));
        product(&site, json!({ "name": made })).await;
        // The first may wait for it; then one at a time does, every few seconds.
        let slow = traffic(&site, Duration::from_secs(8)).await;
        assert!(slow <= 4, "{fault:?}: {slow} searches have waited");
        assert_eq!(names(&site, &made).await, [made.as_str()], "{fault:?}: PostgreSQL knows of it at once");
        let ready = site.send("GET", "/ready", &[], "").await.status;
        assert_eq!(ready, 200, "{fault:?}");
        proxy.set(Fault::None);
        told(&site).await;
        eventually("the engine is asked again", async || {
            let before = counted(&site, ANSWERED).await;
            names(&site, "amber").await == ["Amber lamp"] && counted(&site, ANSWERED).await > before
        })
        .await;
        assert_eq!(by_engine(&site, &made).await, [made.as_str()], "{fault:?}: it has learned what it has missed");
    }
    let warnings = site.logged("the search engine does not answer");
    assert_eq!(warnings.len(), 4, "once for each fault, not for each search: {warnings:?}");
    site.stop().await;
}

/// Searches for a time, of several visitors; returns how many were not answered soon. All are answered.
async fn traffic(site: &Site, time: Duration) -> usize {
    let end = Instant::now() + time;
    let visitor = async || {
        let mut slow = 0;
        while Instant::now() < end {
            let start = Instant::now();
            assert_eq!(names(site, "amber").await, ["Amber lamp"]);
            slow += usize::from(start.elapsed() > SOON);
            sleep(Duration::from_millis(50)).await;
        }
        slow
    };
    let (one, other) = tokio::join!(visitor(), visitor());
    one + other
}

#[tokio::test]
async fn an_engine_that_has_lost_everything_gets_its_indexes_again() {
    let engine = SearchServer::start();
    let address = engine.address;
    let site = site(&engine).await;
    for number in 0..20 {
        product(&site, json!({"name": format!("Amber {number}")})).await;
    }
    told(&site).await;
    drop(engine);
    assert_eq!(names(&site, "amber").await.len(), 20, "while it is away");
    let engine = SearchServer::at(address);
    product(&site, json!({"name": "Amber of later"})).await;
    eventually("the index is there again", async || {
        names(&site, "amber").await;
        engine.count("typecase-product-live") == 21
    })
    .await;
    // No index was made by the way, with mappings of the engine's own.
    assert!(engine.indexes().iter().all(|name| !name.ends_with("-in")), "{:?}", engine.indexes());
    told(&site).await;
    eventually("it is asked again", async || {
        let before = counted(&site, ANSWERED).await;
        let found = names(&site, "amber later").await;
        found == ["Amber of later"] && counted(&site, ANSWERED).await > before
    })
    .await;
    site.stop().await;
}
