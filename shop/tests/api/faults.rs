//! The database stops, hangs, goes silent and comes back while requests arrive: responses are errors within seconds, and the server
//! recovers by itself.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use runtime::serde_json::json;
use runtime::store::{Login, Pool};
use runtime::testing::TestDb;
use sqlx::{AssertSqlSafe, Executor};
use tokio::task::JoinHandle;

use crate::client::{Answer, Site, TOKEN, command, migrated};
use crate::fault_proxy::{Fault, FaultProxy};

/// No request takes longer, whatever the database does: the timeout of a statement or of a connection check, plus slack
/// for a busy machine.
const BOUND: Duration = Duration::from_secs(16);
/// The server recovers within two seconds; the rest is for a busy machine. A server that cannot recover under load
/// never does.
const WELL_AGAIN: Duration = Duration::from_secs(8);
/// A kind of request counts as healthy after this long without an error.
const WELL: Duration = Duration::from_secs(1);
const EACH: usize = 4;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Anonymous,
    /// With a token that is looked up in the database.
    Token,
    Write,
}

const KINDS: [Kind; 3] = [Kind::Anonymous, Kind::Token, Kind::Write];

/// One request.
#[derive(Debug)]
struct Asked {
    kind: Kind,
    begun: Instant,
    ended: Instant,
    /// `ok`, or the code of the error.
    result: String,
}

/// Requests that follow one another without a pause.
struct Traffic {
    log: Arc<std::sync::Mutex<Vec<Asked>>>,
    stop: Arc<AtomicBool>,
    tasks: Vec<JoinHandle<()>>,
}

struct Shop {
    site: Arc<Site>,
    proxy: FaultProxy,
    token: String,
}

impl Shop {
    async fn behind_a_proxy(variables: &[(&str, &str)]) -> Self {
        let db = migrated().await;
        assert!(command(&db, &["demo"]).status.success());
        let made = command(&db, &["token", "create", "--role", "editor", "--expires", "1d"]);
        let token = String::from_utf8(made.stdout).expect("a token").trim().to_owned();
        let proxy = FaultProxy::before(address_of(&db)).await;
        let url = db.url_by(proxy.address);
        let site = Site::with(db, &[&[("DATABASE_URL", url.as_str())], variables].concat()).await;
        Self { site: Arc::new(site), proxy, token }
    }

    fn traffic(&self) -> Traffic {
        let log = Arc::<std::sync::Mutex<Vec<Asked>>>::default();
        let stop = Arc::new(AtomicBool::new(false));
        let tasks = KINDS.into_iter().flat_map(|kind| (0..EACH).map(move |worker| (kind, worker)));
        let tasks = tasks.map(|(kind, worker)| {
            let (site, token, log, stop) =
                (Arc::clone(&self.site), self.token.clone(), Arc::clone(&log), Arc::clone(&stop));
            tokio::spawn(async move {
                let mut number = 0;
                while !stop.load(Ordering::Relaxed) {
                    number += 1;
                    let begun = Instant::now();
                    let result = ask(&site, &token, kind, &format!("{kind:?}{worker}-{number}")).await;
                    if result != "ok" {
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                    let asked = Asked { kind, begun, ended: Instant::now(), result };
                    log.lock().expect("no test has failed with it").push(asked);
                }
            })
        });
        let tasks = tasks.collect();
        Traffic { log, stop, tasks }
    }

    /// Applies the fault for this time, with requests before, during and after it.
    async fn suffers(&self, fault: Fault, time: Duration) {
        let traffic = self.traffic();
        traffic.is_well(Instant::now(), &format!("before {fault:?}")).await;
        self.proxy.set(fault);
        let begun = Instant::now();
        tokio::time::sleep(time).await;
        self.proxy.set(Fault::None);
        traffic.is_well(Instant::now(), &format!("after {fault:?}")).await;
        traffic.end(begun, &format!("{fault:?}")).await;
    }

    async fn stop(self) {
        let Ok(site) = Arc::try_unwrap(self.site) else { panic!("requests are under way") };
        site.stop().await;
    }
}

impl Traffic {
    /// Waits until every kind of request has succeeded for a while.
    async fn is_well(&self, since: Instant, when: &str) {
        loop {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let log = self.log.lock().expect("no test has failed with it");
            let is_well = |kind: Kind| {
                let of_kind = || log.iter().filter(|asked| asked.kind == kind && asked.begun >= since);
                let last_error = of_kind().filter(|asked| asked.result != "ok").map(|asked| asked.ended).max();
                let from = last_error.unwrap_or(since);
                of_kind().any(|asked| asked.result == "ok" && asked.ended >= from + WELL)
            };
            let ill: Vec<_> = KINDS.into_iter().filter(|kind| !is_well(*kind)).collect();
            if ill.is_empty() {
                return;
            }
            let late: Vec<_> = log.iter().rev().take(20).collect();
            assert!(since.elapsed() < WELL_AGAIN + WELL, "{when}: {ill:?} are not well again: {late:#?}");
        }
    }

    async fn end(self, since: Instant, of: &str) {
        self.stop.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await.expect("requests are answered");
        }
        let log = self.log.lock().expect("no test has failed with it");
        for asked in log.iter().filter(|asked| asked.begun >= since) {
            assert!(asked.ended - asked.begun < BOUND, "{of}: {asked:?}");
            assert!(matches!(asked.result.as_str(), "ok" | "UNAVAILABLE"), "{of}: {asked:?}");
        }
    }
}

async fn ask(site: &Site, token: &str, kind: Kind, name: &str) -> String {
    let authorization = format!("Bearer {token}");
    let body = match kind {
        Kind::Anonymous | Kind::Token => json!({ "query": "{ products(first: 2) { totalCount nodes { id name } } }" }),
        Kind::Write => json!({
            "query": "mutation($name: String!) { createTag(input: {name: $name}) { id } }", "variables": { "name": name }
        }),
    };
    let headers: &[(&str, &str)] = if kind == Kind::Anonymous { &[] } else { &[("authorization", &authorization)] };
    code(&site.post(&body, headers).await)
}

fn code(answer: &Answer) -> String {
    let json = answer.json();
    json["errors"][0]["extensions"]["code"].as_str().unwrap_or("ok").to_owned()
}

pub fn address_of(db: &TestDb) -> SocketAddr {
    let (host, port) = (db.options.get_host(), db.options.get_port());
    std::net::ToSocketAddrs::to_socket_addrs(&(host, port)).expect("an address").next().expect("an address")
}

const A_WHILE: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_goes_and_comes_back() {
    let shop = Shop::behind_a_proxy(&[]).await;
    for fault in [Fault::Down, Fault::Hang, Fault::Cut(2000), Fault::Late(Duration::from_millis(100))] {
        shop.suffers(fault, A_WHILE).await;
    }
    shop.stop().await;
}

/// The existing connections never respond again: only closing them helps.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_network_is_an_error_within_seconds() {
    let shop = Shop::behind_a_proxy(&[("TYPECASE_STATEMENT_TIMEOUT", "5s")]).await;
    shop.suffers(Fault::Swallow, 4 * A_WHILE).await;
    shop.stop().await;
}

/// Something on the network drops the existing connections silently; new ones work.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_are_forgotten_are_given_up() {
    let shop =
        Shop::behind_a_proxy(&[("TYPECASE_STATEMENT_TIMEOUT", "1s"), ("TYPECASE_PUBLIC_STATEMENT_TIMEOUT", "1s")])
            .await;
    shop.suffers(Fault::Forget, A_WHILE).await;
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn backends_that_are_terminated_are_replaced() {
    let shop = Shop::behind_a_proxy(&[]).await;
    let others = "from pg_stat_activity where datname = current_database() and application_name = 'typecase'";
    for backends in [format!("select pid {others} order by backend_start limit 1"), format!("select pid {others}")] {
        let traffic = shop.traffic();
        traffic.is_well(Instant::now(), "before").await;
        let begun = Instant::now();
        let terminate = format!("select pg_terminate_backend(pid) from ({backends}) backend");
        let terminated = shop.site.db.pool.execute(AssertSqlSafe(terminate)).await.expect("a superuser");
        assert!(terminated.rows_affected() > 0);
        traffic.is_well(Instant::now(), &backends).await;
        traffic.end(begun, &backends).await;
    }
    shop.stop().await;
}

/// After a failover, connections that otherwise work would refuse every write for as long as they are kept.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_that_is_promoted_takes_writes_again() {
    let shop = Shop::behind_a_proxy(&[]).await;
    let mut operator = shop.site.db.pool.acquire().await.expect("a connection");
    let name: String = sqlx::query_scalar("select current_database()").fetch_one(&mut *operator).await.expect("a name");
    let reads_only = async |operator: &mut sqlx::PgConnection, is: &str| {
        let alter = format!("alter database \"{name}\" set default_transaction_read_only = {is}");
        operator.execute(AssertSqlSafe(alter)).await.expect("a setting");
    };
    reads_only(&mut operator, "on").await;
    let terminate = "select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and application_name = 'typecase'";
    operator.execute(terminate).await.expect("a superuser");
    let begun = Instant::now();
    for _ in 0..3 {
        assert_eq!(ask(&shop.site, &shop.token, Kind::Write, "refused").await, "UNAVAILABLE");
    }
    while ask(&shop.site, &shop.token, Kind::Token, "").await != "ok" {
        assert!(begun.elapsed() < WELL_AGAIN, "reads go on");
    }
    reads_only(&mut operator, "off").await;
    let traffic = shop.traffic();
    traffic.is_well(Instant::now(), "promoted").await;
    traffic.end(begun, "promoted").await;
    drop(operator);
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readiness_names_the_pools_that_fail() {
    let shop = Shop::behind_a_proxy(&[]).await;
    let ready = async || shop.site.send("GET", "/ready", &[], "").await;
    assert_eq!((ready().await.status, ready().await.body.as_str()), (200, "ready"));
    for fault in [Fault::Down, Fault::Hang] {
        shop.proxy.set(fault);
        let answer = ready().await;
        assert_eq!(answer.status, 503);
        assert_eq!(answer.body, "the database does not answer: public reads, reads, writes", "{fault:?}");
        shop.proxy.set(Fault::None);
        let begun = Instant::now();
        while ready().await.status != 200 {
            assert!(begun.elapsed() < WELL_AGAIN, "{fault:?}");
        }
    }
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_takes_too_long_is_ended_by_the_database() {
    let shop =
        Shop::behind_a_proxy(&[("TYPECASE_STATEMENT_TIMEOUT", "4s"), ("TYPECASE_PUBLIC_STATEMENT_TIMEOUT", "200ms")])
            .await;
    // Reads wait for the lock on the table.
    let mut locked = shop.site.db.pool.begin().await.expect("a transaction");
    locked.execute("lock table live.tag, draft.tag").await.expect("a lock");
    let filter = "filter: {name: {eq: \"a secret\"}}";
    let read = json!({ "query": format!("query WhatIsLocked {{ tags({filter}) {{ totalCount }} }}") });
    let begun = Instant::now();
    assert_eq!(code(&shop.site.post(&read, &[]).await), "TIMEOUT");
    assert!(begun.elapsed() < Duration::from_secs(3), "an anonymous visitor has less time");
    let authorization = format!("Bearer {TOKEN}");
    let begun = Instant::now();
    assert_eq!(code(&shop.site.post(&read, &[("authorization", &authorization)]).await), "TIMEOUT");
    assert!(begun.elapsed() >= Duration::from_secs(4), "who signed in has more");
    assert_eq!(ask(&shop.site, TOKEN, Kind::Write, "late").await, "TIMEOUT");
    let told = shop.site.logged("a statement was slow");
    assert!(told.iter().any(|line| line.contains("WhatIsLocked") && line.contains("live.tag")), "{told:?}");
    assert!(shop.site.logged("a secret").is_empty() && shop.site.logged("totalCount").is_empty());
    assert!(!told.iter().any(|line| line.contains("SELECT")), "{told:?}");
    locked.rollback().await.expect("the lock goes");
    assert_eq!(code(&shop.site.post(&read, &[]).await), "ok");
    shop.stop().await;
}

/// A client with more requests than there are connections must not make others wait for all of its earlier ones.
#[tokio::test]
async fn a_free_connection_goes_to_whoever_has_the_fewest() {
    let db = TestDb::new().await;
    let pool = Pool::new("test", Login::plain(db.options.clone()), 2);
    let (first, second) = (pool.lend_to(Some(1)).await.unwrap(), pool.lend_to(Some(1)).await.unwrap());
    let (sender, mut served) = tokio::sync::mpsc::unbounded_channel();
    for party in [1, 1, 1, 2, 3] {
        let (pool, sender) = (pool.clone(), sender.clone());
        tokio::spawn(async move { sender.send((party, pool.lend_to(Some(party)).await.unwrap())).unwrap() });
        tokio::task::yield_now().await;
    }
    drop(first);
    let (party, of_two) = served.recv().await.unwrap();
    assert_eq!(party, 2);
    drop(second);
    // None of the waiting clients holds a connection now, so the one that has waited longest gets it.
    let (party, of_one) = served.recv().await.unwrap();
    assert_eq!(party, 1);
    drop(of_two);
    let (party, of_three) = served.recv().await.unwrap();
    assert_eq!(party, 3);
    drop((of_one, of_three));
    for _ in 0..2 {
        assert_eq!(served.recv().await.unwrap().0, 1);
    }
    pool.close().await;
    db.close().await;
}
