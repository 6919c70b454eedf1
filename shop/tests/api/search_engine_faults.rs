//! Searches while the search engine is away, hangs, or has lost its indexes: PostgreSQL answers, and what was missed is made up for.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use runtime::serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::client::{Site, command_with, migrated};
use crate::fault_proxy::{Fault, FaultProxy};
use crate::redis_server::Certificates;
use crate::search::{eventually, names, product};
use crate::search_engine::{ANSWERED, built, by_engine, counted, site, site_at, told, variables};
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
    traffic_of(site, 1, time).await
}

async fn traffic_of(site: &Site, count: usize, time: Duration) -> usize {
    let end = Instant::now() + time;
    let visitor = async || {
        let mut slow = 0;
        while Instant::now() < end {
            let start = Instant::now();
            assert_eq!(names(site, "amber").await.len(), count);
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

/// A proxy with TLS in front of the engine. It keeps the beginning of each connection, and ends with the test.
async fn with_tls(certificates: &Certificates, engine: SocketAddr) -> (SocketAddr, Arc<Mutex<String>>) {
    let chain = CertificateDer::pem_file_iter(certificates.file("node.pem")).expect("a certificate");
    let chain = chain.collect::<Result<Vec<_>, _>>().expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(certificates.file("node.key")).expect("a key");
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).expect("they fit");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let seen = Arc::new(Mutex::new(String::new()));
    let kept = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let (acceptor, kept) = (acceptor.clone(), Arc::clone(&kept));
            tokio::spawn(async move {
                let mut client = acceptor.accept(client).await?;
                let mut server = TcpStream::connect(engine).await?;
                let mut head = vec![0; 4096];
                let count = client.read(&mut head).await?;
                kept.lock().expect("no test has failed with it").push_str(&String::from_utf8_lossy(&head[..count]));
                server.write_all(&head[..count]).await?;
                copy_bidirectional(&mut client, &mut server).await.map(drop)
            });
        }
    });
    (address, seen)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_is_reached_with_tls_and_a_password_that_is_not_told() {
    let (certificates, others) = (Certificates::new(), Certificates::new());
    let engine = SearchServer::start();
    let (address, seen) = with_tls(&certificates, engine.address).await;
    let url = format!("https://site:p%40ss@127.0.0.1:{}", address.port());
    let authority = |certificates: &Certificates| certificates.file("authority.pem").to_string_lossy().into_owned();
    let trusted = authority(&certificates);
    let all = [&variables(&url)[..], &[("SSL_CERT_FILE", trusted.as_str())]].concat();
    let site = Site::with(migrated().await, &all).await;
    built(&site).await;
    product(&site, json!({"name": "Amber lamp"})).await;
    told(&site).await;
    assert_eq!(by_engine(&site, "amber").await, ["Amber lamp"]);
    let head = seen.lock().expect("no test has failed with it").to_lowercase();
    // `site:p@ss` in base64.
    assert!(head.contains(&format!("authorization: basic {}", "c2l0ZTpwQHNz".to_lowercase())), "{head}");
    let doctor = |file: &str| {
        let all = [&variables(&url)[..], &[("SSL_CERT_FILE", file)]].concat();
        String::from_utf8_lossy(&command_with(&site.db, &all, &["doctor"]).stdout).into_owned()
    };
    let report = doctor(&trusted);
    assert!(report.contains("ok     search: opensearch"), "{report}");
    let report = doctor(&authority(&others));
    assert!(
        report.contains("search: the search engine: ") && !report.contains("p@ss") && !report.contains("p%40ss"),
        "{report}"
    );
    assert!(site.logged("p@ss").is_empty() && site.logged("p%40ss").is_empty());
    site.stop().await;
}

#[tokio::test]
async fn what_is_no_search_engine_is_told_and_postgresql_searches() {
    let other = Site::empty().await;
    let url = format!("http://{}", other.address);
    let site = Site::with(migrated().await, &variables(&url)).await;
    product(&site, json!({"name": "Amber lamp"})).await;
    for _ in 0..5 {
        assert_eq!(names(&site, "amber").await, ["Amber lamp"]);
    }
    let doctor = command_with(&site.db, &variables(&url), &["doctor"]);
    let report = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(report.contains("search: the search engine: 404"), "{report}");
    other.stop().await;
    site.stop().await;
}

#[tokio::test]
async fn an_engine_that_is_late_is_not_asked_until_it_knows_the_changes() {
    let engine = SearchServer::start();
    let site = site(&engine).await;
    product(&site, json!({"name": "Amber lamp"})).await;
    told(&site).await;
    assert_eq!(by_engine(&site, "amber").await, ["Amber lamp"]);
    // Nobody can send while this is held.
    let mut held = site.db.pool.begin().await.expect("a transaction");
    let lock = "select pg_advisory_xact_lock(hashtextextended('typecase.search engine', 0))";
    sqlx::query(lock).execute(&mut *held).await.expect("the lock");
    product(&site, json!({"name": "Amber vase"})).await;
    assert_eq!(by_engine(&site, "amber").await, ["Amber lamp"], "it does not know of it yet");
    eventually("PostgreSQL answers", async || names(&site, "amber").await.len() == 2).await;
    let before = counted(&site, ANSWERED).await;
    assert_eq!((names(&site, "amber").await.len(), counted(&site, ANSWERED).await), (2, before));
    assert!(counted(&site, "typecase_search_engine_lag_seconds").await > 10.0);
    held.rollback().await.expect("the lock is given back");
    told(&site).await;
    assert_eq!(by_engine(&site, "amber").await.len(), 2);
    // A stopped process accepts connections and says nothing.
    engine.signal("-STOP");
    assert!(traffic_of(&site, 2, Duration::from_secs(8)).await <= 4);
    engine.signal("-CONT");
    eventually("it is asked again", async || {
        let before = counted(&site, ANSWERED).await;
        names(&site, "amber").await.len() == 2 && counted(&site, ANSWERED).await > before
    })
    .await;
    site.stop().await;
}
