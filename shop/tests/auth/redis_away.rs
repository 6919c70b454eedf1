//! Redis hangs, stops and comes back while requests are served. The test has its own Redis, which it stops, kills and starts again.

use std::time::Duration;

use runtime::http::rate;
use runtime::serde_json::json;
use runtime::testing::TestServer;

use crate::abuse::{behind_a_proxy, rates};
use crate::client::{Answer, Outbox, Site, eventually, protected, send, settings};
use crate::redis_server::{Redis, free_port};

/// For hangs. Redis does nothing until the requests are finished, so one that waited for it would wait forever.
const HANGS: Duration = Duration::from_secs(120);

struct Nodes {
    one: Site,
    two: TestServer,
    addresses: u32,
}

impl Nodes {
    async fn new(redis: &Redis) -> Self {
        let url = format!("redis://127.0.0.1:{}", redis.port);
        let protection =
            behind_a_proxy(rate::Settings { redis: Some(rate::Redis::at(url)), ..rates(Some("4/h"), None) });
        let one = Site::with_both(settings(), protection.clone()).await;
        let two = protected(&one.db, &Outbox::default(), protection).await;
        Self { one, two, addresses: 0 }
    }

    /// A client without earlier requests.
    fn new_client(&mut self) -> String {
        self.addresses += 1;
        format!("10.{}.{}.{}", self.addresses >> 16, self.addresses >> 8 & 255, self.addresses & 255)
    }

    /// Whether the nodes count together: the second one knows the requests to the first one.
    async fn share(&mut self) -> bool {
        let client = self.new_client();
        let left = async |node| {
            let answer = ask(node, &client).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
            let told =
                answer.header("ratelimit").and_then(|told| told.split_once("r=")?.1.split(';').next()?.parse().ok());
            told.unwrap_or_else(|| panic!("{:?}", answer.headers))
        };
        let (first, second): (u32, u32) = (left(self.one.server.address).await, left(self.two.address).await);
        assert_eq!(first, 3, "nobody has asked before");
        second == 2
    }

    /// Many requests at once are served in time, and a client with too many is still refused.
    async fn are_well(&mut self) {
        let clients: Vec<_> = (0..40).map(|_| self.new_client()).collect();
        let answers = clients.iter().map(|client| ask(self.one.server.address, client));
        for answer in futures_util::future::join_all(answers).await {
            assert_eq!(answer.status, 200, "{}", answer.body);
        }
        let client = self.new_client();
        let mut refused = 0;
        for _ in 0..10 {
            refused += u32::from(ask(self.one.server.address, &client).await.status == 429);
        }
        // Redis may stop or come back meanwhile, and has its own quota.
        assert!((2..=6).contains(&refused), "{refused} of 10 are refused where 4 are allowed");
    }

    async fn stop(self) {
        self.two.stop().await;
        self.one.stop().await;
    }
}

async fn ask(node: std::net::SocketAddr, client: &str) -> Answer {
    let headers = [("content-type", "application/json"), ("x-forwarded-for", client)];
    let body = json!({ "query": "{ __typename }" });
    let answer = tokio::time::timeout(HANGS, send(node, "POST", "/graphql", &headers, &body)).await;
    answer.expect("no request waits for Redis")
}

#[tokio::test]
async fn requests_are_answered_while_redis_hangs_and_goes_and_counted_together_when_it_is_back() {
    let port = free_port();
    let mut redis = Redis::start(port);
    let mut nodes = Nodes::new(&redis).await;
    assert!(nodes.share().await);

    redis.signal("-STOP");
    nodes.are_well().await;
    assert!(!nodes.share().await, "it hangs");
    redis.signal("-CONT");
    eventually("the nodes count together after a hang", async || nodes.share().await).await;

    drop(redis);
    nodes.are_well().await;
    assert!(!nodes.share().await, "it is gone");
    redis = Redis::start(port);
    eventually("the nodes count together with a new one", async || nodes.share().await).await;

    // Redis is killed while it hangs, so its connections are not closed.
    redis.signal("-STOP");
    nodes.are_well().await;
    drop(redis);
    let redis = Redis::start(port);
    eventually("the nodes count together once more", async || nodes.share().await).await;
    nodes.are_well().await;
    nodes.stop().await;
    drop(redis);
}
