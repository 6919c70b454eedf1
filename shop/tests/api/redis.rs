//! Redis as in production: TLS with a private CA, a user with few rights, a cluster; and the messages when it is configured wrongly.

use std::net::SocketAddr;

use runtime::serde_json::json;

use crate::client::{Answer, Site, command_with, migrated};
use crate::fault_proxy::FaultProxy;
use crate::redis_server::{Certificates, Redis, free_port, until};

/// All rights that the limits need; a cluster also needs the last three.
const RIGHTS: &str =
    "resetchannels ~typecase:rate:* -@all +evalsha +eval +time +get +set +ping +readonly +cluster|slots";
const PASSWORD: &str = "p@ss:word/1";
/// As written in an address.
const WRITTEN: &str = "p%40ss%3Aword%2F1";
const RATE: [(&str, &str); 2] = [("TYPECASE_RATE", "100/h"), ("TYPECASE_TRUSTED_PROXIES", "127.0.0.1")];

async fn ask(site: &Site, client: &str) -> Answer {
    site.post(&json!({ "query": "{ __typename }" }), &[("x-forwarded-for", client)]).await
}

/// How many requests a client has left.
fn left(answer: &Answer) -> u32 {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let told = answer.header("ratelimit").and_then(|told| told.split_once("r=")?.1.split(';').next()?.parse().ok());
    told.unwrap_or_else(|| panic!("{:?}", answer.headers))
}

fn user(redis: &Redis) {
    redis.told(&format!("ACL SETUSER site on >{PASSWORD} {RIGHTS}"));
}

fn local(port: u16) -> SocketAddr {
    ([127, 0, 0, 1], port).into()
}

fn all<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    [&RATE, more].concat()
}

#[tokio::test]
async fn limits_are_kept_with_tls_by_a_private_authority_and_a_user_with_few_rights() {
    let certificates = Certificates::new();
    let redis = Redis::with_tls(&certificates);
    user(&redis);
    let url = format!("rediss://site:{WRITTEN}@127.0.0.1:{}", redis.tls_port);
    let authority = certificates.file("authority.pem");
    let variables = all(&[("REDIS_URL", &url), ("TYPECASE_REDIS_CA", authority.to_str().expect("a text"))]);
    let site = Site::with(migrated().await, &variables).await;
    for (client, expected) in [("198.51.100.1", 99), ("198.51.100.1", 98), ("198.51.100.2", 99)] {
        assert_eq!(left(&ask(&site, client).await), expected, "{:?}", site.logged("Redis"));
    }
    assert_eq!((redis.keys(), site.logged("Redis is unreachable")), (2, vec![]));
    // An idle connection closed by Redis does not count as an outage.
    assert!(redis.ask("CLIENT KILL TYPE normal").is_ok());
    assert_eq!(left(&ask(&site, "198.51.100.1").await), 97);
    assert_eq!(site.logged("Redis is unreachable"), Vec::<String>::new());
    let doctor = command_with(&site.db, &variables, &["doctor"]);
    let report = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(report.contains("ok     redis: it answers, with TLS"), "{report}");
    site.stop().await;
}

#[tokio::test]
async fn what_is_wrong_with_redis_is_told_without_its_password_and_requests_are_served() {
    let (certificates, others) = (Certificates::new(), Certificates::new());
    let redis = Redis::with_tls(&certificates);
    user(&redis);
    redis
        .told(&format!("ACL SETUSER blind on >{PASSWORD} resetchannels ~other:* -@all +evalsha +eval +time +get +set"));
    let file = |certificates: &Certificates| certificates.file("authority.pem").to_string_lossy().into_owned();
    let (right, wrong) = (file(&certificates), file(&others));
    let tls = redis.tls_port;
    let cases = [
        (format!("rediss://site:hidden@127.0.0.1:{tls}"), &right, "Password authentication failed"),
        (format!("rediss://blind:{WRITTEN}@127.0.0.1:{tls}"), &right, "no permissions to access"),
        (format!("rediss://site:{WRITTEN}@127.0.0.1:{tls}"), &wrong, "invalid peer certificate"),
        (format!("rediss://site:{WRITTEN}@127.0.0.1:{}", redis.port), &right, "it does not answer in time"),
    ];
    for (url, authority, words) in &cases {
        let variables = all(&[("REDIS_URL", url), ("TYPECASE_REDIS_CA", authority)]);
        let site = Site::with(migrated().await, &variables).await;
        // The node counts for itself.
        for expected in [99, 98, 97] {
            assert_eq!(left(&ask(&site, "198.51.100.1").await), expected, "{url}");
        }
        until("it is logged", || !site.logged("Redis is unreachable").is_empty());
        let told = site.logged("Redis");
        assert!(told.len() == 1 && told[0].contains(words), "{words}: {told:?}");
        let doctor = command_with(&site.db, &variables, &["doctor"]);
        let report = String::from_utf8_lossy(&doctor.stdout).into_owned();
        assert!(report.contains("note   redis: ") && report.contains(words), "{report}");
        for text in [report, told.concat()] {
            assert!(!text.contains("hidden") && !text.contains(WRITTEN) && !text.contains(PASSWORD), "{text}");
        }
        site.stop().await;
    }
    assert_eq!(redis.keys(), 0);
}

#[tokio::test]
async fn limits_are_kept_by_a_cluster_with_tls_from_any_of_its_nodes() {
    let certificates = Certificates::new();
    let nodes = Redis::cluster(&certificates);
    nodes.iter().for_each(user);
    let urls = nodes.each_ref().map(|node| format!("rediss://site:{WRITTEN}@127.0.0.1:{}", node.tls_port));
    let authority = certificates.file("authority.pem").to_string_lossy().into_owned();
    let of = |url| all(&[("REDIS_URL", url), ("TYPECASE_REDIS_CA", &authority), ("TYPECASE_REDIS_CLUSTER", "on")]);
    let by_one = Site::with(migrated().await, &of(&urls[0])).await;
    let list = format!("{}, {}", urls[2], urls[1]);
    let by_others = Site::with(migrated().await, &of(&list)).await;
    for number in 0..30 {
        // On a very busy machine Redis may respond too late, and a node then counts for itself for a while, as its log
        // shows.
        for again in 0.. {
            let client = format!("198.51.{again}.{number}");
            let counted = (left(&ask(&by_one, &client).await), left(&ask(&by_others, &client).await));
            if counted == (99, 98) {
                break;
            }
            let late = [&by_one, &by_others].map(|site| site.logged("it does not answer in time"));
            assert!(late.iter().any(|lines| !lines.is_empty()) && again < 100, "{counted:?} {late:?}");
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
    }
    let keys = nodes.each_ref().map(Redis::keys);
    assert!(keys.iter().sum::<u32>() >= 30 && keys.iter().all(|keys| *keys > 0), "{keys:?}");
    let report = command_with(&by_one.db, &of(&urls[1]), &["doctor"]);
    let report = String::from_utf8_lossy(&report.stdout).into_owned();
    assert!(report.contains("ok     redis: the cluster answers, with TLS"), "{report}");
    // A node that takes it for a single server logs what to set, and counts for itself.
    let alone = all(&[("REDIS_URL", &urls[0]), ("TYPECASE_REDIS_CA", &authority)]);
    let alone = Site::with(migrated().await, &alone).await;
    for number in 0..30 {
        left(&ask(&alone, &format!("203.0.113.{number}")).await);
    }
    until("it is logged", || !alone.logged("set TYPECASE_REDIS_CLUSTER=on").is_empty());
    for site in [alone, by_one, by_others] {
        site.stop().await;
    }
}

#[tokio::test]
async fn a_setting_of_redis_that_cannot_be_used_is_refused_at_start() {
    let db = migrated().await;
    let certificates = Certificates::new();
    let authority = certificates.file("authority.pem").to_string_lossy().into_owned();
    let key = certificates.file("node.key").to_string_lossy().into_owned();
    for (variables, words) in [
        ([("REDIS_URL", "http://me:hidden@localhost"), ("PORT", "")], "REDIS_URL: it takes an address like"),
        ([("REDIS_URL", "rediss://localhost"), ("TYPECASE_REDIS_CA", "/nowhere.pem")], "/nowhere.pem: No such file"),
        ([("REDIS_URL", "rediss://localhost"), ("TYPECASE_REDIS_CA", &key)], "has no certificate"),
        ([("REDIS_URL", "redis://localhost"), ("TYPECASE_REDIS_CA", &authority)], "does not begin with `rediss://`"),
    ] {
        let refused = command_with(&db, &variables, &["serve", "--port", "0"]);
        let told = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && told.contains(words) && !told.contains("hidden"), "{words}: {told}");
    }
    db.close().await;
}

/// A managed Redis changes its primary behind the same name, and keeps connections to the former one open, which is now
/// a replica.
#[tokio::test]
async fn limits_are_kept_by_the_new_primary_after_a_failover_that_closes_no_connection() {
    let (old, new) = (Redis::start(free_port()), Redis::start(free_port()));
    let name = FaultProxy::before(local(old.port)).await;
    let url = format!("redis://{}", name.address);
    let site = Site::with(migrated().await, &all(&[("REDIS_URL", &url)])).await;
    assert_eq!(left(&ask(&site, "198.51.100.1").await), 99);
    old.told(&format!("REPLICAOF 127.0.0.1 {}", new.port));
    name.lead(local(new.port));
    left(&ask(&site, "198.51.100.1").await);
    until("it is told", || !site.logged("Redis is unreachable").is_empty());
    let told = site.logged("Redis is unreachable").concat();
    assert!(told.contains("read only replica"), "{told}");
    let end = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while site.logged("Redis is reachable again").is_empty() {
        assert!(std::time::Instant::now() < end, "{:?}", site.logged("Redis"));
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        left(&ask(&site, "198.51.100.1").await);
    }
    assert_eq!(new.keys(), 1);
    site.stop().await;
}
