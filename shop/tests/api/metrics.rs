//! `/metrics` of a real server: what it counts, that no client can create a series, and that a scrape works while the database is down.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use runtime::serde_json::json;

use crate::cached::CACHE;
use crate::client::{Site, TOKEN, command, migrated, send_to};
use crate::fault_proxy::{Fault, FaultProxy};
use crate::faults::address_of;

const ANYWHERE: (&str, &str) = ("TYPECASE_METRICS_ADDRESS", "127.0.0.1:0");
/// How long a result of the database is cached, plus slack for a busy machine.
const ASKED_AGAIN: Duration = Duration::from_secs(15);

async fn scrape(site: &Site) -> String {
    let answer = send_to(&site.metrics_address(), "GET", "/metrics", &[], "").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    answer.body
}

/// The value of a series, as written.
fn number(scrape: &str, series: &str) -> Option<f64> {
    scrape.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
}

fn series(scrape: &str) -> BTreeSet<&str> {
    let lines = scrape.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.rsplit_once(' ')).map(|(series, _)| series).collect()
}

/// The declared names, each with a help text.
fn families(scrape: &str) -> BTreeSet<&str> {
    let named = |word: &str| -> BTreeSet<&str> {
        scrape.lines().filter_map(|line| line.strip_prefix(word)?.split(' ').next()).collect()
    };
    assert_eq!(named("# HELP "), named("# TYPE "));
    named("# TYPE ")
}

#[tokio::test]
async fn what_happens_is_counted() {
    let db = migrated().await;
    assert!(command(&db, &["demo"]).status.success());
    let site = Site::with(db, &[ANYWHERE]).await;
    let before = scrape(&site).await;
    site.ask("query Mine { products { totalCount } }").await;
    site.ask("query Mine { products { totalCount } }").await;
    site.ask("query Mine { nothing }").await;
    site.ask("query Mine { bestOf(category: \"mugs\", first: 1) { id } }").await;
    let sign_in = json!({ "email": "ada@shop.example", "password": "not the right one" }).to_string();
    let answer = site.send("POST", "/auth/sign-in", &[("content-type", "application/json")], &sign_in).await;
    assert_eq!(answer.status, 401);
    assert_eq!(site.send("GET", "/a-page-that-is-not", &[], "").await.status, 404);
    let after = scrape(&site).await;
    for (series, grown) in [
        ("typecase_http_requests_total{route=\"graphql\",status=\"200\"}", 3.0),
        ("typecase_http_requests_total{route=\"graphql\",status=\"400\"}", 1.0),
        ("typecase_http_requests_total{route=\"other\",status=\"404\"}", 1.0),
        ("typecase_http_request_duration_seconds_count{route=\"graphql\"}", 4.0),
        ("typecase_http_request_duration_seconds_bucket{route=\"auth\",le=\"+Inf\"}", 1.0),
        ("typecase_graphql_operations_total{operation=\"other\",code=\"OK\"}", 2.0),
        ("typecase_graphql_operations_total{operation=\"other\",code=\"GRAPHQL_VALIDATION_FAILED\"}", 1.0),
        ("typecase_graphql_operations_total{operation=\"bestOf\",code=\"OK\"}", 1.0),
        ("typecase_plan_cache_entries{cache=\"documents\"}", 2.0),
        ("typecase_plan_cache_hits_total{cache=\"documents\"}", 1.0),
        ("typecase_plan_cache_misses_total{cache=\"documents\"}", 3.0),
        ("typecase_sign_ins_total{way=\"password\",outcome=\"refused\"}", 1.0),
    ] {
        let difference = number(&after, series).unwrap_or_else(|| panic!("{series}: {after}"));
        assert_eq!(difference - number(&before, series).unwrap_or_default(), grown, "{series}");
    }
    for series in [
        "typecase_sql_statements_total",
        "typecase_sql_statement_seconds_total",
        "typecase_plan_cache_bytes{cache=\"documents\"}",
    ] {
        assert!(number(&after, series) > number(&before, series), "{series}: {after}");
    }
    assert_eq!(number(&after, "typecase_pool_size{pool=\"reads\"}"), Some(10.0));
    assert_eq!(number(&after, "typecase_database_up"), Some(1.0));
    assert!(number(&after, "process_resident_memory_bytes").is_none_or(|bytes| bytes > 1e6));
    site.stop().await;
}

#[tokio::test]
async fn jobs_consumers_and_refusals_are_shown() {
    let db = migrated().await;
    let sql = "insert into cms.job (id, kind, payload, due, attempts, state) values
        (gen_random_uuid(), 'say', '{}', now() - interval '1 minute', 0, 'waiting'),
        (gen_random_uuid(), 'say', '{}', now(), 12, 'parked');
        insert into cms.consumer (name, position) values ('search', 0)";
    sqlx::raw_sql(sql).execute(&db.pool).await.expect("jobs");
    // The server runs no jobs, so they stay in the queue.
    let site = Site::with(db, &[ANYWHERE, ("TYPECASE_JOBS", "0"), ("TYPECASE_RATE", "2/h")]).await;
    for _ in 0..4 {
        site.ask("{ __typename }").await;
    }
    let found = scrape(&site).await;
    for (series, expected) in [
        ("typecase_jobs{kind=\"say\",state=\"due\"}", 1.0),
        ("typecase_jobs{kind=\"say\",state=\"parked\"}", 1.0),
        ("typecase_consumer_lag_events{consumer=\"search\"}", 0.0),
        ("typecase_rate_limit_refusals_total{policy=\"anonymous\"}", 2.0),
        ("typecase_http_requests_total{route=\"graphql\",status=\"429\"}", 2.0),
    ] {
        assert_eq!(number(&found, series), Some(expected), "{series}: {found}");
    }
    assert!(number(&found, "typecase_jobs_oldest_due_seconds{kind=\"say\"}") >= Some(60.0), "{found}");
    site.stop().await;
}

#[tokio::test]
async fn no_client_makes_a_series_nor_has_a_secret_in_one() {
    let site = Site::with(migrated().await, &[ANYWHERE]).await;
    let ask = async |number: usize| {
        let query = format!("query Name{number} {{ a{number}: __typename }}");
        let headers = [("x-request-id", "mine"), ("authorization", &format!("Bearer {TOKEN}"))];
        let body = json!({ "query": query, "variables": { "email": format!("ada{number}@shop.example") } });
        assert_eq!(site.post(&body, &headers).await.status, 200);
        let method = format!("METHOD{number}");
        site.send(&method, &format!("/page{number}"), &[], "").await;
        site.post(&json!({ "documentId": format!("{number}") }), &[]).await;
    };
    ask(0).await;
    // The server registers its own consumer shortly after it has begun to serve.
    let before = loop {
        let found = scrape(&site).await;
        if found.contains("typecase_consumer_lag_events") {
            break found;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    for number in 1..=1000 {
        ask(number).await;
    }
    let after = scrape(&site).await;
    assert_eq!(series(&before), series(&after));
    assert!(number(&after, "typecase_graphql_operations_total{operation=\"other\",code=\"OK\"}") >= Some(1001.0));
    for secret in [TOKEN, "shop.example", "Name1", "page1", "METHOD", "mine"] {
        assert!(!after.contains(secret), "{secret}");
    }
    assert!(site.logged(TOKEN).is_empty() && site.logged("shop.example").is_empty());
    assert!(after.len() < 128 * 1024, "{}", after.len());
    site.stop().await;
}

#[tokio::test]
async fn known_documents_and_operations_of_the_site_have_names() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = "query Home { products { totalCount } }";
    std::fs::write(folder.path().join("home.graphql"), home).expect("a file");
    let path = folder.path().to_str().expect("text");
    let variables = [ANYWHERE, ("TYPECASE_DOCUMENTS", path), ("TYPECASE_DOCUMENTS_MODE", "only")];
    let site = Site::with(migrated().await, &variables).await;
    let of = "typecase_graphql_operations_total{operation=\"Home\",code=\"OK\"}";
    assert_eq!(number(&scrape(&site).await, of), Some(0.0), "it is there from the start");
    site.ask(home).await;
    site.ask("query Home { __typename }").await;
    let id = ring::digest::digest(&ring::digest::SHA256, home.as_bytes());
    let id: String = id.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    site.post(&json!({ "documentId": id }), &[]).await;
    let found = scrape(&site).await;
    assert_eq!(number(&found, of), Some(2.0), "by its text and by its id: {found}");
    assert_eq!(
        number(&found, "typecase_graphql_operations_total{operation=\"other\",code=\"REFUSED\"}"),
        Some(1.0),
        "another document of that name is not it: {found}"
    );
    for own in generated::SCHEMA.queries.iter().chain(generated::SCHEMA.mutations) {
        let series = format!("typecase_graphql_operations_total{{operation=\"{}\",code=\"OK\"}}", own.name);
        assert_eq!(number(&found, &series), Some(0.0), "{series}");
    }
    site.stop().await;
}

#[tokio::test]
async fn metrics_are_on_their_own_address_alone() {
    let site = Site::with(migrated().await, &[ANYWHERE]).await;
    assert_eq!(site.send("GET", "/metrics", &[], "").await.status, 404);
    let apart = site.metrics_address();
    for path in ["/graphql", "/health", "/auth/me", "/"] {
        assert_eq!(send_to(&apart, "GET", path, &[], "").await.status, 404, "{path}");
    }
    assert_eq!(send_to(&apart, "POST", "/metrics", &[], "").await.status, 405);
    site.stop().await;
    let silent = Site::empty().await;
    assert!(silent.logged("serving metrics").is_empty(), "nothing is served unless it is set");
    silent.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_away_keeps_no_scrape() {
    let db = migrated().await;
    let proxy = FaultProxy::before(address_of(&db)).await;
    let url = db.url_by(proxy.address);
    let site = Site::with(db, &[("DATABASE_URL", url.as_str()), ANYWHERE]).await;
    let well = async |expected: f64| {
        let begun = Instant::now();
        while number(&scrape(&site).await, "typecase_database_up") != Some(expected) {
            assert!(begun.elapsed() < ASKED_AGAIN, "{expected}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    well(1.0).await;
    let whole = scrape(&site).await;
    for fault in [Fault::Hang, Fault::Down] {
        proxy.set(fault);
        let begun = Instant::now();
        loop {
            let asked = Instant::now();
            // Two scrapes at once: the second one waits for the first.
            let (found, other) = tokio::join!(scrape(&site), scrape(&site));
            assert!(asked.elapsed() < Duration::from_secs(2), "{fault:?}: {:?}", asked.elapsed());
            assert_eq!(families(&found), families(&whole), "{fault:?}");
            assert!(number(&other, "typecase_sql_statements_total") > Some(0.0));
            if number(&found, "typecase_database_up") == Some(0.0) {
                break;
            }
            assert!(begun.elapsed() < ASKED_AGAIN, "{fault:?}: {found}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        proxy.set(Fault::None);
        well(1.0).await;
    }
    site.stop().await;
}

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").join("docs")
}

/// Words that look like the name of a series.
fn named(text: &str) -> BTreeSet<&str> {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    words
        .filter(|word| (word.starts_with("typecase_") || word.starts_with("process_")) && *word != "typecase_public")
        .collect()
}

#[tokio::test]
async fn the_dashboard_and_the_document_name_what_a_scrape_has() {
    // With every series that there can be; nothing listens at these addresses.
    let traced = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9");
    let engine = ("TYPECASE_SEARCH_URL", "http://127.0.0.1:9");
    let site = Site::with(migrated().await, &[ANYWHERE, traced, CACHE, engine]).await;
    let found = scrape(&site).await;
    let families = families(&found);
    let exists = |name: &str| {
        let histogram = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix));
        families.contains(name) || histogram.is_some_and(|family| families.contains(family))
    };
    let read = |path: PathBuf| std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    let dashboard = read(docs().join("grafana/typecase.json"));
    runtime::serde_json::from_str::<runtime::serde_json::Value>(&dashboard).expect("JSON");
    let operations = read(docs().join("operations.md"));
    for (file, text) in [("the dashboard", &dashboard), ("operations.md", &operations)] {
        for name in named(text) {
            assert!(exists(name), "{file} names `{name}`, which no scrape has");
        }
    }
    for name in &families {
        assert!(operations.contains(&format!("| `{name}`")), "`{name}` is not in the table of docs/operations.md");
    }
    site.stop().await;
}
