//! Servers that are killed under load: no event and no job is lost, handled twice or out of order.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use generated::content::Tag;
use runtime::background::Work as Tasks;
use runtime::events::Followers;
use runtime::hooks::HookSet;
use runtime::jobs::Jobs;
use runtime::prelude::*;

use crate::site::{Node, Recorder, Site, eventually, note, of_child};

const KILLS: usize = 12;

/// A job for each save.
#[derive(Serialize, Deserialize)]
struct Index {
    what: String,
}

impl Job for Index {
    const KIND: &'static str = "index";
}

struct Indexing;

impl Work<Index> for Indexing {
    async fn work(&self, cx: &mut Cx<'_>, job: Index) -> Result<()> {
        note(cx.connection, "index", &job.what, None).await?;
        // So that some are killed in between.
        tokio::time::sleep(Duration::from_millis(5)).await;
        Ok(())
    }
}

/// The same, with external effects.
#[derive(Serialize, Deserialize)]
struct Send {
    what: String,
}

impl Job for Send {
    const KIND: &'static str = "send";
}

impl OutsideWork<Send> for Indexing {
    async fn work(&self, store: &Store, _: &Attempt, job: Send) -> Result<()> {
        let mut transaction = store.writes.begin().await?;
        note(&mut transaction, "send", &job.what, None).await?;
        Ok(transaction.commit().await?)
    }
}

struct TagHooks;

impl Hooks<Tag> for TagHooks {
    async fn after_save(&self, cx: &mut Cx<'_>, _: Option<&Tag>, new: &Tag) -> Result<()> {
        cx.enqueue(&Index { what: new.name.clone() }).await?;
        cx.enqueue(&Send { what: new.name.clone() }).await?;
        Ok(())
    }
}

fn tasks() -> Tasks {
    let mut followers = Followers::default();
    followers.add_all("one", Recorder::new("one"));
    followers.add_all("other", Recorder::new("other"));
    let mut jobs = Jobs::default();
    jobs.add::<Index>(Indexing);
    jobs.add_outside::<Send>(Indexing);
    Tasks { followers, jobs, ..Tasks::default() }
}

/// In a child process this is a node until it is killed; in the test process it does nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn node() {
    let Some(database) = of_child() else { return };
    let _node = Node::on(database, tasks());
    std::future::pending::<()>().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_and_nothing_done_twice_when_servers_are_killed() {
    let site = Arc::new(Site::new().await);
    let mut children = vec![site.child("crash::node"), site.child("crash::node")];
    // It writes, and leaves the rest to the children.
    let writer = site.node(Tasks { most: 0, ..Tasks::default() });
    let is_over = Arc::<AtomicBool>::default();
    let writers: Vec<_> = (0..3)
        .map(|number| {
            let (store, is_over) = (writer.database.trusted(), Arc::clone(&is_over));
            tokio::spawn(write(store, number, is_over))
        })
        .collect();
    for kill in 0..KILLS {
        let before = site.done("one").await.len();
        eventually("they are at work", async || site.done("one").await.len() > before + 10).await;
        // From the machine's clock, so that the moment differs each time.
        let moment = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a time").subsec_nanos();
        tokio::time::sleep(Duration::from_micros(u64::from(moment % 50_000))).await;
        children[kill % 2] = site.child("crash::node");
    }
    is_over.store(true, Ordering::Relaxed);
    let mut written = Vec::new();
    for task in writers {
        written.extend(task.await.expect("it writes"));
    }
    eventually("all jobs are done", async || site.number("select count(*) from cms.job").await == 0).await;
    let events = site.events().await;
    for consumer in ["one", "other"] {
        site.followed(consumer).await;
        assert_eq!(site.done(consumer).await, events, "each event once and in order: {consumer}");
    }
    drop(children);
    check_order(&events);
    written.sort();
    let mut indexed = site.done("index").await;
    indexed.sort();
    assert_eq!(indexed, written, "each job once");
    let mut sent = site.done("send").await;
    sent.sort();
    sent.dedup();
    assert_eq!(sent, written, "at least once");
    writer.stop().await;
    let Ok(site) = Arc::try_unwrap(site) else { panic!("nobody writes any more") };
    site.stop().await;
}

/// Creates and changes tags; returns the names of all saves.
async fn write(store: Store, writer: u32, is_over: Arc<AtomicBool>) -> Vec<String> {
    let mut hooks = HookSet::default();
    hooks.add(TagHooks);
    let mut names = Vec::new();
    let mut current = None;
    while !is_over.load(Ordering::Relaxed) {
        let name = format!("Tag {writer} {}", names.len());
        let input = runtime::serde_json::Map::from_iter([("name".to_owned(), name.as_str().into())]);
        let info = &generated::content::TAG;
        current = match current {
            Some((id, revision)) if revision < 5 => {
                let updated = runtime::store::write::update(&store, &hooks, info, id, revision, &input, false).await;
                Some((updated.expect("a change"), revision + 1))
            }
            _ => Some((runtime::store::write::create(&store, &hooks, info, &input, false).await.expect("a tag"), 1)),
        };
        names.push(name);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    names
}

/// The revisions of each entry only increase.
fn check_order(events: &[String]) {
    let mut revisions: BTreeMap<&str, i64> = BTreeMap::new();
    for event in events {
        let words: Vec<&str> = event.split(' ').collect();
        let [_, _, entry, revision] = words.as_slice() else { panic!("{event}") };
        let revision: i64 = revision.parse().expect("a number");
        let before = revisions.insert(entry, revision).unwrap_or(1);
        assert!(revision == before || revision == before + 1, "{event} after revision {before}");
    }
}
