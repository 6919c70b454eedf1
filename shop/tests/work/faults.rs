//! The database stops and comes back, and background work resumes by itself.

use std::net::ToSocketAddrs;
use std::str::FromStr;
use std::time::Duration;

use generated::content::TAG;
use runtime::background::Work as Tasks;
use runtime::events::Followers;
use runtime::hooks::HookSet;
use runtime::jobs::{self, Jobs};
use runtime::serde_json::Map;
use runtime::store::write;
use sqlx::postgres::PgConnectOptions;

use crate::fault_proxy::{Fault, FaultProxy};
use crate::jobs::{Saying, say};
use crate::site::{Node, Recorder, Site, database_of, eventually};

fn tasks() -> Tasks {
    let mut followers = Followers::default();
    followers.add_all("all", Recorder::new("all"));
    let mut jobs = Jobs::default();
    jobs.add(Saying);
    Tasks { followers, jobs, ..Tasks::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_goes_and_comes_back_is_worked_on_again() {
    let site = Site::new().await;
    let (host, port) = (site.db.options.get_host(), site.db.options.get_port());
    let upstream = (host, port).to_socket_addrs().expect("an address").next().expect("an address");
    let proxy = FaultProxy::before(upstream).await;
    let way = PgConnectOptions::from_str(&site.db.url_by(proxy.address)).expect("an address");
    let node = Node::on(database_of(way), tasks());
    // It writes on its own connection, and leaves the rest to the other.
    let writer = site.node(Tasks { most: 0, ..Tasks::default() });
    let store = writer.database.trusted();
    let late = Fault::Late(Duration::from_millis(100));
    let mut count = 0;
    for fault in [Fault::None, Fault::Down, Fault::Hang, Fault::Cut(3000), late, Fault::Forget] {
        proxy.set(fault);
        if fault != Fault::None {
            tokio::time::sleep(Duration::from_millis(1500)).await;
        }
        proxy.set(Fault::None);
        count += 1;
        let input = Map::from_iter([("name".to_owned(), format!("Tag {count}").into())]);
        write::create(&store, &HookSet::default(), &TAG, &input, false).await.expect("a tag");
        jobs::enqueue(&store, &say(&format!("{count}"))).await.expect("a job");
        eventually(&format!("it is worked on after {fault:?}"), async || {
            site.done("say").await.len() == count && site.done("all").await.len() == 2 * count
        })
        .await;
    }
    assert_eq!(site.done("all").await, site.events().await);
    node.stop().await;
    writer.stop().await;
    site.stop().await;
}
