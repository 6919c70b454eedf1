//! The work of consumers and jobs is traced, with a span for each batch and each attempt, and without the texts of
//! errors.

use std::sync::atomic::Ordering;

use runtime::background::Work as Tasks;
use runtime::events::Followers;
use runtime::hooks::HookSet;
use runtime::testing::trace::{BATCH, Export, Fact, Kind, Span};

use crate::site::{Recorder, Site, eventually};

fn text<'a>(span: &'a Span, key: &str) -> Option<&'a str> {
    span.facts.iter().find_map(|(known, fact)| match fact {
        Fact::Text(text) if *known == key => Some(text.as_ref()),
        _ => None,
    })
}

/// From now on other tests of this process are traced as well; their spans are bounded.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_of_a_consumer_is_a_trace_of_its_own() {
    let export = Export::begin(1.0).expect("nothing else exports");
    let site = Site::new().await;
    let recorder = Recorder::new("traced");
    let is_broken = recorder.is_broken.clone();
    is_broken.store(true, Ordering::Relaxed);
    let mut followers = Followers::default();
    followers.add_all("traced", recorder);
    let node = site.node(Tasks { followers, ..Tasks::default() });
    site.create(&HookSet::default(), "North").await;
    runtime::events::give_positions(&site.store).await.expect("an order");
    let mut spans: Vec<Span> = Vec::new();
    let mut seen = async |has_failed: bool| {
        loop {
            let taken = export.take();
            let is_all = taken.len() < BATCH;
            spans.extend(taken);
            let is_it = |span: &&Span| span.name == "consumer traced" && span.has_failed == has_failed;
            if let Some(root) = spans.iter().find(is_it) {
                let below = |span: &&Span| span.trace == root.trace && span.parent == Some(root.id);
                return (root.clone(), spans.iter().filter(below).cloned().collect::<Vec<_>>());
            }
            if is_all {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        }
    };
    let (failed, _) = seen(true).await;
    assert_eq!((failed.kind, failed.parent), (Kind::Consumer, None));
    assert_eq!(text(&failed, "error.type"), Some("failed"));
    assert!(!format!("{failed:?}").contains("the index is away"), "{failed:?}");
    is_broken.store(false, Ordering::Relaxed);
    let (moved, below) = seen(false).await;
    assert_eq!(text(&moved, "typecase.consumer.name"), Some("traced"));
    assert!(below.iter().any(|span| span.name == "update cms.consumer"), "{below:?}");
    assert!(below.iter().any(|span| span.name == "commit"), "{below:?}");
    eventually("it has followed", async || site.done("traced").await == site.events().await).await;
    node.stop().await;
    site.stop().await;
}
