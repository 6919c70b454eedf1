//! Consumers: which events they get, that a failing one does not block others, where they begin, what is pruned.

use std::sync::atomic::Ordering;
use std::time::Duration;

use generated::content::{BRAND, Brand, TAG};
use runtime::background::Work as Tasks;
use runtime::events::{Followers, prune};
use runtime::hooks::HookSet;
use runtime::prelude::*;
use runtime::serde_json::{Map, json};
use runtime::store::write;

use crate::site::{Recorder, Site, eventually, note};

/// Follows only brands, and records everything about their events.
struct Brands;

impl Follow<Brand> for Brands {
    async fn follow(&self, cx: &mut Cx<'_>, changes: &[ChangeOf<Brand>]) -> Result<()> {
        for change in changes {
            let what = format!(
                "{} {} {} by {} {:?}",
                change.kind.as_str(),
                change.revision,
                change.fields.join(","),
                change.actor.kind,
                change.actor.id
            );
            assert_eq!(change.id.uuid(), change.entry);
            note(cx.connection, "brands", &what, Some(change.position)).await?;
        }
        Ok(())
    }

    fn start_at(&self) -> StartAt {
        StartAt::Beginning
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_typed_consumer_gets_the_changes_of_its_type_with_fields_and_actor() {
    let site = Site::new().await;
    let mut followers = Followers::default();
    followers.add("brands", Brands);
    let node = site.node(Tasks { followers, ..Tasks::default() });
    let hooks = HookSet::default();
    site.create(&hooks, "A tag").await;
    let input = |name: &str| Map::from_iter([("name".to_owned(), json!(name))]);
    let brand = write::create(&site.store, &hooks, &BRAND, &input("Acme"), false).await.expect("a brand");
    write::update(&site.store, &hooks, &BRAND, brand, 1, &input("Acme Ltd"), true).await.expect("it is changed");
    // Nothing has changed.
    write::update(&site.store, &hooks, &BRAND, brand, 2, &input("Acme Ltd"), false).await.expect("it stays");
    write::delete(&site.store, &hooks, &BRAND, brand, 2).await.expect("it goes");
    runtime::events::give_positions(&site.store).await.expect("an order");
    site.followed("brands").await;
    let by = "by system None";
    let mut done = site.done("brands").await;
    done.retain(|line| !line.starts_with("published"));
    assert_eq!(done, [format!("created 1 name,slug {by}"), format!("updated 2 name {by}"), format!("deleted 2  {by}")]);
    assert!(site.done("brands").await.contains(&format!("published 2  {by}")));
    node.stop().await;
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_that_fails_waits_with_its_error_and_the_others_go_on() {
    let site = Site::new().await;
    let (good, bad) = (Recorder::new("good"), Recorder::new("bad"));
    let is_broken = bad.is_broken.clone();
    is_broken.store(true, Ordering::Relaxed);
    let mut followers = Followers::default();
    followers.add_all("good", good);
    followers.add_all("bad", bad);
    let node = site.node(Tasks { followers, ..Tasks::default() });
    for number in 0..30 {
        site.create(&HookSet::default(), &format!("Tag {number}")).await;
    }
    runtime::events::give_positions(&site.store).await.expect("an order");
    site.followed("good").await;
    eventually("it has failed twice", async || site.lag("bad").await.is_some_and(|lag| lag.failures >= 2)).await;
    let failing = site.lag("bad").await.expect("it is known");
    assert_eq!((failing.error.as_deref(), failing.behind), (Some("the index is away"), 60));
    assert!(failing.seconds > 0.0);
    assert!(site.done("bad").await.is_empty(), "nothing of an attempt that failed is kept");
    assert_eq!(site.done("good").await, site.events().await);
    is_broken.store(false, Ordering::Relaxed);
    site.followed("bad").await;
    assert_eq!(site.done("bad").await, site.events().await);
    let well = site.lag("bad").await.expect("it is known");
    assert_eq!((well.failures, well.error, well.seconds), (0, None, 0.0));
    node.stop().await;
    site.stop().await;
}

struct Panics;

impl FollowAll for Panics {
    async fn follow(&self, _: &mut Cx<'_>, changes: &[Change]) -> Result<()> {
        panic!("{} changes are too many", changes.len());
    }

    fn start_at(&self) -> StartAt {
        StartAt::Beginning
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_is_an_error_of_that_consumer() {
    let site = Site::new().await;
    let mut followers = Followers::default();
    followers.add_all("panics", Panics);
    followers.add_all("good", Recorder::new("good"));
    let node = site.node(Tasks { followers, ..Tasks::default() });
    site.create(&HookSet::default(), "A tag").await;
    runtime::events::give_positions(&site.store).await.expect("an order");
    eventually("it has failed twice", async || site.lag("panics").await.is_some_and(|lag| lag.failures >= 2)).await;
    site.followed("good").await;
    node.stop().await;
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_consumer_begins_where_it_says_and_what_all_have_passed_is_pruned() {
    let site = Site::new().await;
    site.create(&HookSet::default(), "Before").await;
    let mut followers = Followers::default();
    followers.add_all("all", Recorder::new("all"));
    followers.add_all("new", Recorder { start_at: StartAt::End, ..Recorder::new("new") });
    let node = site.node(Tasks { followers: followers.clone(), ..Tasks::default() });
    eventually("both are known", async || site.lag("new").await.is_some() && site.lag("all").await.is_some()).await;
    site.create(&HookSet::default(), "After").await;
    runtime::events::give_positions(&site.store).await.expect("an order");
    site.followed("all").await;
    site.followed("new").await;
    assert_eq!((site.done("all").await.len(), site.done("new").await.len()), (4, 2));

    let day = Duration::from_secs(86_400);
    assert_eq!(prune(&site.store, day).await.expect("it is pruned"), 0, "they are young");
    site.run("update cms.outbox set at = now() - interval '25 hours'").await;
    site.run("update cms.consumer set position = 3 where name = 'new'").await;
    assert_eq!(prune(&site.store, 2 * day).await.expect("it is pruned"), 0);
    assert_eq!(prune(&site.store, day).await.expect("it is pruned"), 3, "one has not passed the last");
    node.stop().await;
    // Positions continue where they were.
    site.run("delete from cms.outbox").await;
    let node = site.node(Tasks { followers, ..Tasks::default() });
    site.create(&HookSet::default(), "Later").await;
    runtime::events::give_positions(&site.store).await.expect("an order");
    site.followed("all").await;
    assert_eq!(site.number("select max(position) from public.done where who = 'all'").await, 6);
    assert_eq!(site.done("all").await.len(), 6);
    node.stop().await;
    site.stop().await;
}

/// One statement for any number of events.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_tells_of_each_entry_in_its_order() {
    let site = Site::new().await;
    let data: Vec<_> = (0..500).map(|n| Map::from_iter([("name".to_owned(), json!(format!("Tag {n:03}")))])).collect();
    let items: Vec<_> = data.iter().map(|data| write::UpsertItem { key: None, data, publish: false }).collect();
    let options = write::BulkOptions { import: true, ..write::BulkOptions::default() };
    let hooks = HookSet::default();
    write::save_batch(&site.store, &hooks, &TAG, &items, options, None).await.expect("they are saved");
    assert_eq!(site.number("select count(*) from cms.outbox where kind = 'created'").await, 500);
    assert_eq!(
        site.number("select count(*) from cms.outbox where kind = 'created' and fields = '{name,slug}'").await,
        500
    );
    let in_order = "select count(*) from (
            select name < lag(name) over (order by seq) as is_wrong
            from cms.outbox join draft.tag on tag.id = entry where kind = 'created'
        ) as pairs where is_wrong";
    assert_eq!(site.number(in_order).await, 0);
    let rehearsal = write::Rehearsal::begin(&site.store).await.expect("a rehearsal");
    let others: Vec<_> = (0..5).map(|n| Map::from_iter([("name".to_owned(), json!(format!("Other {n}")))])).collect();
    let items: Vec<_> = others.iter().map(|data| write::UpsertItem { key: None, data, publish: false }).collect();
    write::save_batch(&site.store, &hooks, &TAG, &items, options, Some(&rehearsal)).await.expect("they would be");
    rehearsal.end().await.expect("it ends");
    assert_eq!(site.number("select count(*) from cms.outbox where kind = 'created'").await, 500);
    site.stop().await;
}

/// Fails with a text that PostgreSQL cannot store, or continues after an error of its own SQL.
struct Swallows;

impl FollowAll for Swallows {
    async fn follow(&self, cx: &mut Cx<'_>, _: &[Change]) -> Result<()> {
        let _ = sqlx::query("select 1 / 0").execute(&mut *cx.connection).await;
        Ok(())
    }

    fn start_at(&self) -> StartAt {
        StartAt::Beginning
    }
}

struct Nul;

impl FollowAll for Nul {
    async fn follow(&self, _: &mut Cx<'_>, _: &[Change]) -> Result<()> {
        Err(refuse("a \0 in it", []))
    }

    fn start_at(&self) -> StartAt {
        StartAt::Beginning
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_consumer_failed_with_is_told_whatever_it_is() {
    let site = Site::new().await;
    let mut followers = Followers::default();
    followers.add_all("swallows", Swallows);
    followers.add_all("nul", Nul);
    let node = site.node(Tasks { followers, ..Tasks::default() });
    site.create(&HookSet::default(), "A tag").await;
    runtime::events::give_positions(&site.store).await.expect("an order");
    for (name, said) in [("swallows", "an error of its own SQL"), ("nul", "a \u{fffd} in it")] {
        eventually("it has failed twice", async || site.lag(name).await.is_some_and(|lag| lag.failures >= 2)).await;
        let told = site.lag(name).await.and_then(|lag| lag.error).unwrap_or_default();
        assert!(told.contains(said), "{name}: {told}");
    }
    node.stop().await;
    site.stop().await;
}
