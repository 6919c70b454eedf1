//! Writes of hooks and custom mutations inside their transaction: typed, with all rules and hooks, all or nothing.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use runtime::field;
use runtime::hooks::HookSet;
use runtime::prelude::*;
use runtime::store::write::{self, Transacted};
use serde_json::json;

use crate::helpers::object;
use crate::support::Shop;
use crate::support::schema::BRAND;

#[derive(Clone, Debug, Default, PartialEq)]
struct Brand {
    id: Id<Self>,
    revision: i64,
    status: EntryStatus,
    created_at: Timestamp,
    updated_at: Timestamp,
    published_at: Option<Timestamp>,
    first_published_at: Option<Timestamp>,
    created_by: Option<Id<User>>,
    updated_by: Option<Id<User>>,
    published_by: Option<Id<User>>,
    name: String,
    slug: String,
    parent: Option<Id<Self>>,
}

runtime::entry!(Brand, BRAND, [name, slug, parent]);

const NAME: field::Scalar<Brand, String> = field::Scalar::new("name");
const SLUG: field::Scalar<Brand, String> = field::Scalar::new("slug");
const PARENT: field::Link<Brand, Brand> = field::Link::new("parent");

/// Custom code of a test, as a site would have it.
struct Work<F>(F);

impl<F, T> Transacted for Work<F>
where
    F: for<'c, 'd> Fn(&'c mut Cx<'d>) -> BoxFuture<'c, Result<T>> + Sync,
    T: Send,
{
    type Output = T;

    fn run<'c>(&'c self, cx: &'c mut Cx<'_>) -> BoxFuture<'c, Result<T>> {
        (self.0)(cx)
    }
}

async fn transact<T: Send>(
    shop: &Shop,
    hooks: &HookSet,
    work: impl for<'c, 'd> Fn(&'c mut Cx<'d>) -> BoxFuture<'c, Result<T>> + Sync,
) -> Result<T> {
    write::transact(&shop.store, hooks, &Work(work)).await
}

#[tokio::test]
async fn several_writes_are_one_transaction() {
    let shop = Shop::new().await;
    let hooks = HookSet::default();
    let child = transact(&shop, &hooks, |cx| {
        async move {
            let parent = cx.create([NAME.set("Parent")]).await?;
            let parent = cx.update(&parent, [NAME.set("Renamed")]).await?;
            assert_eq!((parent.revision, parent.name.as_str(), parent.status), (2, "Renamed", EntryStatus::Draft));
            let parent = cx.publish(&parent).await?;
            assert_eq!((parent.status, parent.published_at.is_some()), (EntryStatus::Published, true));
            let child = cx.create([NAME.set("Child"), PARENT.set(parent.id)]).await?;
            // Uncommitted changes are visible inside the transaction.
            let found = cx.find().filter(PARENT.to(NAME.is("Renamed"))).all().await?;
            assert_eq!(found, std::slice::from_ref(&child));
            assert_eq!(cx.get(child.id).await?, Some(child.clone()));
            Ok(child)
        }
        .boxed()
    })
    .await
    .expect("it is done");
    assert_eq!(shop.store.at(Stage::Draft).get(child.id).await, Ok(Some(child)));
    assert_eq!(shop.values("select name from live.brand").await, ["Renamed"]);
    let actions = shop.values("select action from cms.audit order by id").await;
    assert_eq!(actions, ["brand.create", "brand.update", "brand.publish", "brand.create"]);
    shop.close().await;
}

#[tokio::test]
async fn what_is_refused_halfway_leaves_nothing() {
    let shop = Shop::new().await;
    let (hooks, mut heard) = (HookSet::default(), HookSet::default());
    heard.add::<Brand>(Heard::default());
    let refused = transact(&shop, &heard, |cx| {
        async move {
            let one = cx.create([NAME.set("One")]).await?;
            cx.publish(&one).await?;
            cx.create([NAME.set("Two"), SLUG.set("no slug at all")]).await
        }
        .boxed()
    })
    .await
    .expect_err("a slug has no spaces");
    assert_eq!(
        (refused.problems[0].code, json!(refused.problems[0].path)),
        (Code::InvalidValue, json!(["input", "slug"]))
    );
    assert_eq!(shop.value("select count(*) from draft.brand").await, 0);
    assert_eq!(shop.value("select count(*) from cms.audit").await, 0);

    // If the code continues after a rejected part, only that part is rolled back.
    transact(&shop, &hooks, |cx| {
        async move {
            cx.create([NAME.set("Taken"), SLUG.set("taken")]).await?;
            let taken = cx.create([NAME.set("Other"), SLUG.set("taken")]).await.expect_err("the slug is taken");
            assert_eq!(taken.problems[0].code, Code::Conflict);
            cx.create([NAME.set("Third")]).await
        }
        .boxed()
    })
    .await
    .expect("it goes on");
    assert_eq!(shop.values("select name from draft.brand order by name").await, ["Taken", "Third"]);
    shop.close().await;
}

#[tokio::test]
async fn entries_are_upserted_unpublished_and_deleted() {
    let shop = Shop::new().await;
    transact(&shop, &HookSet::default(), |cx| {
        async move {
            let made = cx.upsert(SLUG.set("north"), [NAME.set("North")]).await?;
            let same = cx.upsert(SLUG.set("north"), [NAME.set("North pole")]).await?;
            assert_eq!((made.id, same.revision, same.name.as_str()), (same.id, 2, "North pole"));
            let stale = cx.update(&made, [NAME.set("South")]).await.expect_err("it was changed since");
            assert_eq!(stale.problems[0].code, Code::RevisionMismatch);
            let collides = cx.merge(&made, [NAME.set("South")]).await.expect_err("both gave it a name");
            assert_eq!(collides.problems[0].code, Code::RevisionMismatch);
            let merged = cx.merge(&made, [SLUG.set("pole")]).await?;
            assert_eq!((merged.name.as_str(), merged.slug.as_str(), merged.revision), ("North pole", "pole", 3));
            let same = merged;
            let live = cx.publish(&same).await?;
            let changed = cx.update(&live, [NAME.set("Pole")]).await?;
            assert_eq!(changed.status, EntryStatus::Changed);
            let draft = cx.unpublish(&changed).await?;
            assert_eq!(draft.status, EntryStatus::Draft);
            cx.delete(&draft).await?;
            assert_eq!(cx.get(draft.id).await?, None);
            Ok(())
        }
        .boxed()
    })
    .await
    .expect("it is done");
    assert_eq!(shop.value("select count(*) from draft.brand").await, 0);
    shop.close().await;
}

/// Records commits, and saves more entries for brands with certain names.
#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl Hooks<Brand> for Heard {
    async fn after_save(&self, cx: &mut Cx<'_>, old: Option<&Brand>, new: &Brand) -> Result<()> {
        if old.is_none() && new.name == "First" {
            cx.create([NAME.set("Twin"), PARENT.set(new.id)]).await?;
        }
        if new.name.starts_with("Endless") {
            cx.create([NAME.set("Endless")]).await?;
        }
        if new.name == "First refused" {
            cx.create([NAME.set("Twin of it")]).await?;
            return Err(refuse("not that one", ["name".into()]));
        }
        if new.name == "Itself" {
            cx.update(new, [NAME.set("Another")]).await?;
        }
        Ok(())
    }

    async fn after_commit(&self, store: &Store, event: Event<Brand>) {
        let brand = store.at(Stage::Draft).get(event.id).await.ok().flatten().unwrap_or_default();
        self.0.lock().unwrap().push(format!("{:?} {}", event.kind, brand.name));
    }
}

#[tokio::test]
async fn a_hook_saves_entries_whose_hooks_run_too() {
    let shop = Shop::new().await;
    let heard = std::sync::Arc::new(Heard::default());
    let mut hooks = HookSet::default();
    hooks.add::<Brand>(Shared(heard.clone()));
    write::create(&shop.store, &hooks, &BRAND, &object(json!({"name": "First"})), false).await.expect("it is made");
    assert_eq!(shop.values("select name from draft.brand order by name").await, ["First", "Twin"]);
    assert_eq!(*heard.0.lock().unwrap(), ["Created Twin", "Created First"]);

    for wrong in ["Endless", "Itself"] {
        let error = write::create(&shop.store, &hooks, &BRAND, &object(json!({"name": wrong})), false).await;
        assert_eq!(error.expect_err(wrong).problems[0].code, Code::Internal);
    }
    assert_eq!(shop.value("select count(*) from draft.brand").await, 2);
    shop.close().await;
}

struct Shared(std::sync::Arc<Heard>);

impl Hooks<Brand> for Shared {
    async fn after_save(&self, cx: &mut Cx<'_>, old: Option<&Brand>, new: &Brand) -> Result<()> {
        self.0.after_save(cx, old, new).await
    }

    async fn after_commit(&self, store: &Store, event: Event<Brand>) {
        self.0.after_commit(store, event).await;
    }
}

#[tokio::test]
async fn what_was_undone_with_its_part_is_not_told_after_the_commit() {
    let shop = Shop::new().await;
    let heard = std::sync::Arc::new(Heard::default());
    let mut hooks = HookSet::default();
    hooks.add::<Brand>(Shared(heard.clone()));
    transact(&shop, &hooks, |cx| {
        async move {
            // Its hook saves a twin first, then it is rejected itself.
            cx.create([NAME.set("First refused")]).await.expect_err("the hook refuses");
            cx.create([NAME.set("Kept")]).await
        }
        .boxed()
    })
    .await
    .expect("it goes on");
    assert_eq!(shop.values("select name from draft.brand").await, ["Kept"]);
    assert_eq!(*heard.0.lock().unwrap(), ["Created Kept"]);
    shop.close().await;
}

#[tokio::test]
async fn an_error_of_sql_that_is_passed_over_is_no_success() {
    let shop = Shop::new().await;
    let done = transact(&shop, &HookSet::default(), |cx| {
        async move {
            cx.create([NAME.set("Lost")]).await?;
            let _ = sqlx::query("select 1 / 0").execute(&mut *cx.connection).await;
            Ok(())
        }
        .boxed()
    })
    .await;
    assert_eq!(done.expect_err("nothing is kept").problems[0].code, Code::Internal);
    assert_eq!(shop.value("select count(*) from draft.brand").await, 0);
    shop.close().await;
}

/// The site's code may put a timeout on a write, or race several.
#[tokio::test]
async fn a_write_that_is_given_up_half_way_keeps_nothing_of_its_transaction() {
    let shop = Shop::new().await;
    let mut refused = 0;
    for step in 0..60 {
        let done = transact(&shop, &HookSet::default(), |cx| {
            async move {
                let limit = std::time::Duration::from_micros(step * 200);
                let _ = tokio::time::timeout(limit, cx.create([NAME.set(format!("Brand {step}"))])).await;
                Ok(())
            }
            .boxed()
        })
        .await;
        if let Err(error) = done {
            assert_eq!(error.problems[0].code, Code::Internal, "{error:?}");
            refused += 1;
        }
        let entries = shop.value("select count(*) from draft.brand").await;
        let events = shop.value("select count(*) from cms.outbox where kind = 'created'").await;
        assert_eq!(entries, events, "step {step}: an entry without its event");
    }
    assert!(refused > 0, "none was given up half way");
    shop.close().await;
}

/// The read is abandoned by the site's code, not by the database.
#[tokio::test]
async fn a_read_that_is_given_up_half_way_keeps_nothing_of_its_transaction_either() {
    let (shop, hooks) = (Shop::new().await, HookSet::default());
    let done = transact(&shop, &hooks, |cx| {
        async move {
            cx.create([NAME.set("North")]).await?;
            let read = cx.find::<Brand>().ids();
            assert!(
                tokio::time::timeout(std::time::Duration::ZERO, read).await.is_err(),
                "it takes longer than nothing"
            );
            Ok(())
        }
        .boxed()
    });
    assert_eq!(done.await.expect_err("it is refused").problems[0].code, Code::Internal);
    assert_eq!(shop.value("select count(*) from draft.brand").await, 0);
    shop.close().await;
}

#[tokio::test]
async fn numbers_that_are_counted_up_at_once_are_counted_all() {
    let shop = Shop::new().await;
    let id =
        write::create(&shop.store, &HookSet::default(), &BRAND, &object(json!({"name": "0"})), false).await.unwrap();
    let attempts = AtomicUsize::new(0);
    let count = || async {
        transact(&shop, &HookSet::default(), |cx| {
            attempts.fetch_add(1, Ordering::Relaxed);
            async move {
                let brand = cx.get_for_update::<Brand>(Id::new(id)).await?.expect("it is there");
                let next = brand.name.parse::<u32>().unwrap() + 1;
                cx.update(&brand, [NAME.set(next.to_string())]).await
            }
            .boxed()
        })
        .await
        .expect("it is counted")
    };
    futures_util::future::join_all((0..20).map(|_| count())).await;
    assert_eq!(shop.values("select name from draft.brand").await, ["20"]);
    assert_eq!(attempts.load(Ordering::Relaxed), 20, "nobody was in the way");
    shop.close().await;
}

#[tokio::test]
async fn two_that_lock_each_other_are_tried_again() {
    let shop = Shop::new().await;
    let make = async |name: &str| {
        write::create(&shop.store, &HookSet::default(), &BRAND, &object(json!({"name": name})), false).await.unwrap()
    };
    let (one, two) = (make("One").await, make("Two").await);
    let meet = tokio::sync::Barrier::new(2);
    let first = AtomicUsize::new(0);
    let both = |ids: [uuid::Uuid; 2]| {
        let (meet, first) = (&meet, &first);
        let work = Locking { ids, meet, attempts: first };
        let shop = &shop;
        async move { write::transact(&shop.store, &HookSet::default(), &work).await }
    };
    let (left, right) = futures_util::join!(both([one, two]), both([two, one]));
    left.expect("it is done");
    right.expect("it is done");
    assert_eq!(first.load(Ordering::Relaxed), 3, "one of them was tried again");
    assert_eq!(shop.values("select revision::text from draft.brand").await, ["3", "3"]);
    shop.close().await;
}

/// Changes two entries, and meets another writer after the first.
struct Locking<'a> {
    ids: [uuid::Uuid; 2],
    meet: &'a tokio::sync::Barrier,
    attempts: &'a AtomicUsize,
}

impl Transacted for Locking<'_> {
    type Output = ();

    fn run<'c>(&'c self, cx: &'c mut Cx<'_>) -> BoxFuture<'c, Result<()>> {
        async move {
            let attempt = self.attempts.fetch_add(1, Ordering::SeqCst);
            for (index, id) in self.ids.into_iter().enumerate() {
                if index == 1 && attempt < 2 {
                    self.meet.wait().await;
                }
                let brand = cx.get_for_update::<Brand>(Id::new(id)).await?.expect("it is there");
                let name = format!("{}+", brand.name);
                cx.update(&brand, [NAME.set(name)]).await?;
            }
            Ok(())
        }
        .boxed()
    }
}
