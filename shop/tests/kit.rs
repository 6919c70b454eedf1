//! The test kit as a site uses it: a consumer that writes entries through the typed API, a nightly job, and hooks on those writes.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use generated::content::{Brand, Product, ProductComputed, Service, ServiceComputed, Tag};
use generated::fields::{brand, product, tag};
use generated::operations::{Mutations, Queries};
use runtime::prelude::*;
use runtime::serde::{Deserialize, Serialize};
use runtime::testing;

/// Tags each new product as new; a nightly job removes the tag from all products.
#[derive(Clone, Default)]
struct Shop {
    saved: Arc<Mutex<Vec<String>>>,
    committed: Arc<AtomicUsize>,
}

impl ServiceComputed for Shop {
    async fn is_open(&self, services: &[Service], _: Option<Timestamp>, _: &ReadCx<'_>) -> Result<Vec<bool>> {
        Ok(vec![false; services.len()])
    }

    async fn next_opening(
        &self,
        services: &[Service],
        _: Option<Timestamp>,
        _: &ReadCx<'_>,
    ) -> Result<Vec<Option<Timestamp>>> {
        Ok(vec![None; services.len()])
    }

    async fn next_closing(
        &self,
        services: &[Service],
        _: Option<Timestamp>,
        _: &ReadCx<'_>,
    ) -> Result<Vec<Option<Timestamp>>> {
        Ok(vec![None; services.len()])
    }
}

impl ProductComputed for Shop {
    async fn on_sale(&self, products: &[Product], _: &ReadCx<'_>) -> Result<Vec<bool>> {
        Ok(products.iter().map(|product| product.status == EntryStatus::Published).collect())
    }
}

impl Queries for Shop {
    async fn best_of(&self, _: String, first: i32, cx: &ReadCx<'_>) -> Result<Vec<Id<Product>>> {
        cx.find().order_by(product::NAME.asc()).first(usize::try_from(first).unwrap_or_default()).ids().await
    }
}

impl Mutations for Shop {
    async fn sell_out(&self, name: String, cx: &mut Cx<'_>) -> Result<Option<Id<Product>>> {
        let made = cx.create([product::NAME.set(name)]).await?;
        // Refused halfway: a product without a price cannot be published.
        cx.publish(&made).await?;
        Ok(Some(made.id))
    }
}

impl Follow<Product> for Shop {
    async fn follow(&self, cx: &mut Cx<'_>, changes: &[ChangeOf<Product>]) -> Result<()> {
        for change in changes.iter().filter(|change| change.kind == EventKind::Created) {
            let new = cx.upsert(tag::SLUG.set("new"), [tag::NAME.set("New")]).await?;
            if let Some(product) = cx.get_for_update::<Product>(change.id).await? {
                cx.update(&product, [product::TAGS.connect([new.id])]).await?;
            }
        }
        Ok(())
    }
}

#[derive(Serialize, Deserialize)]
#[serde(crate = "runtime::serde")]
struct Age {}

impl Job for Age {
    const KIND: &'static str = "age";
}

impl Work<Age> for Shop {
    async fn work(&self, cx: &mut Cx<'_>, _: Age) -> Result<()> {
        let Some(new) = cx.find::<Tag>().filter(tag::SLUG.is("new")).one().await? else { return Ok(()) };
        let tagged = cx.find::<Product>().filter(product::TAGS.has(new.id)).first(1000).all().await?;
        for product in &tagged {
            cx.update(product, [product::TAGS.disconnect([new.id])]).await?;
        }
        Ok(())
    }
}

impl Hooks<Product> for Shop {
    async fn after_save(&self, _: &mut Cx<'_>, _: Option<&Product>, new: &Product) -> Result<()> {
        self.saved.lock().unwrap().push(format!("{} {}", new.slug, new.revision));
        Ok(())
    }

    async fn after_commit(&self, _: &Store, _: Event<Product>) {
        self.committed.fetch_add(1, Ordering::Relaxed);
    }
}

fn site(shop: &Shop) -> runtime::Server {
    runtime::Server::new(&generated::SCHEMA)
        .hooks::<Product>(shop.clone())
        .site(generated::site(shop.clone()))
        .follow::<Product>("tag-new", shop.clone())
        .job::<Age>(shop.clone())
        .daily("03:30", "Europe/Vienna", &Age {})
}

#[test]
fn a_consumer_and_a_nightly_job_write_as_everybody_does() {
    let shop = Shop::default();
    testing::run(site(&shop), async |site| {
        let editor = site.with_role("editor").await;
        let made = editor.ask(r#"mutation { createProduct(input: {name: "Cup"}) { id } }"#).await;
        assert_eq!(made.codes(), [""; 0], "{made:?}");
        site.settle().await;
        let store = site.trusted();
        let product = store.at(Stage::Draft).find::<Product>().one().await.expect("it is read").expect("it is there");
        let tag = store.at(Stage::Draft).find::<Tag>().one().await.expect("it is read").expect("it is there");
        assert_eq!((product.revision, product.tags.to_vec()), (2, vec![tag.id]));
        site.enqueue(&Age {}).await;
        site.settle().await;
        let aged = store.at(Stage::Draft).get(product.id).await.expect("it is read").expect("it is there");
        assert_eq!((aged.revision, aged.tags.len()), (3, 0));
        assert_eq!((aged.updated_by, product.created_by), (None, None), "the server is not a user");
        assert_eq!(*shop.saved.lock().unwrap(), ["cup 1", "cup 2", "cup 3"]);
        assert_eq!(shop.committed.load(Ordering::Relaxed), 3);
    });
}

#[test]
fn a_mutation_that_is_refused_halfway_leaves_nothing() {
    let shop = Shop::default();
    testing::run(site(&shop), async |site| {
        let editor = site.with_role("editor").await;
        let refused = editor.ask(r#"mutation { sellOut(product: "half-way") { id } }"#).await;
        assert_eq!(refused.codes(), ["INVALID_VALUE"], "{refused:?}");
        site.settle().await;
        let left = site.trusted().at(Stage::Draft).find::<Product>().ids().await.expect("they are read");
        assert_eq!((left.len(), shop.committed.load(Ordering::Relaxed)), (0, 0));
        let events: i64 = sqlx::query_scalar("select count(*) from cms.outbox").fetch_one(&site.db.pool).await.unwrap();
        assert_eq!(events, 0);
    });
}

#[test]
fn a_role_finds_and_changes_what_its_rules_allow() {
    let shop = Shop::default();
    testing::run(site(&shop), async |site| {
        let editor = site.with_role("editor").await;
        let made = editor.ask(r#"mutation { createBrand(input: {name: "North"}) { id } }"#).await;
        assert_eq!(made.codes(), [""; 0], "{made:?}");
        let found = async |role: &str| {
            let store = site.store(role);
            store.at(Stage::Draft).find::<Brand>().ids().await.map(|ids| ids.len())
        };
        assert_eq!((found("editor").await, found("anonymous").await), (Ok(1), Ok(0)));
        let visitor = site.visitor().ask("{ bestOf(category: \"x\", first: 5) { onSale } }").await;
        assert_eq!(visitor.data["bestOf"].as_array().map(Vec::len), Some(0));
        let page = site.visitor().get("/health").await;
        assert_eq!((page.status, page.header("content-type").is_some()), (200, true));
    });
}

#[test]
fn a_test_has_a_transaction_and_counts_what_there_is() {
    let shop = Shop::default();
    testing::run(site(&shop), async |site| {
        let store = site.store("editor");
        let made = site
            .transact(&store, async |cx| {
                let mut brands = Vec::new();
                for name in ["North", "South"] {
                    let made = cx.create([brand::NAME.set(name)]).await?;
                    cx.create([product::NAME.set(format!("{name} cup")), product::BRAND.set(made.id)]).await?;
                    brands.push(made.id);
                }
                Ok(brands)
            })
            .await
            .expect("they are made");
        let find = || site.trusted().at(Stage::Draft).find::<Product>();
        assert_eq!(find().first(1).count().await, Ok(2));
        assert_eq!(find().filter(product::BRAND.one_of([made[0]])).count().await, Ok(1));
        assert_eq!(find().filter(product::BRAND.one_of(made)).count().await, Ok(2));
        let refused = site.transact(&store, async |cx| {
            cx.create([brand::NAME.set("East")]).await?;
            Err::<(), _>(refuse("not today", []))
        });
        assert_eq!(refused.await.expect_err("it is refused").problems[0].code, Code::Refused);
        assert_eq!(site.trusted().at(Stage::Draft).find::<Brand>().count().await, Ok(2));
    });
}

#[test]
fn site_code_goes_back_in_history_and_schedules_what_is_to_come() {
    testing::run(site(&Shop::default()), async |site| {
        let store = site.store("editor");
        let first: Timestamp = "2034-01-01T00:00:00Z".parse().expect("a moment");
        let price = Money { amount_minor: 100, currency: "EUR".to_owned() };
        let (id, change) = site
            .transact(&store, async |cx| {
                let made = cx.create([product::NAME.set("Cup"), product::PRICE.set(price.clone())]).await?;
                let made = cx.update(&made, [product::NAME.set("Mug")]).await?;
                let made = cx.publish_revision(&made, 1).await?;
                assert_eq!((made.revision, made.status), (2, EntryStatus::Changed));
                let made = cx.restore(&made, 1).await?;
                assert_eq!((made.revision, made.name.as_str()), (3, "Cup"));
                cx.schedule_publish_of(&made, 2, first).await?;
                Ok((made.id, cx.schedule_unpublish(&made, first).await?))
            })
            .await
            .expect("all is done");
        let pending = "select count(*) from cms.scheduled_change where state = 'pending'";
        let count = async || sqlx::query_scalar::<_, i64>(pending).fetch_one(&site.db.pool).await.expect("a count");
        assert_eq!(count().await, 2);
        // The consumer that tags new products is done.
        site.settle().await;
        let back = site
            .transact(&store, async |cx| {
                cx.cancel_scheduled(change).await?;
                let cup = cx.get::<Product>(id).await?.expect("the cup");
                cx.delete(&cup).await?;
                cx.undelete(id).await
            })
            .await
            .expect("it is back");
        assert_eq!((back.name.as_str(), back.status), ("Cup", EntryStatus::Draft));
        assert_eq!(count().await, 1);
    });
}

#[derive(Serialize, Deserialize)]
#[serde(crate = "runtime::serde")]
struct Print {}

impl Job for Print {
    const KIND: &'static str = "print";
    const ATTEMPTS: u32 = 1;
}

impl Work<Print> for Shop {
    async fn work(&self, _: &mut Cx<'_>, _: Print) -> Result<()> {
        Err(Error::internal("the printer is on fire"))
    }
}

#[test]
fn an_operator_sees_why_a_job_has_failed() {
    let shop = Shop::default();
    testing::run(site(&shop).job::<Print>(shop.clone()), async |site| {
        site.enqueue(&Print {}).await;
        site.settle().await;
        let error: String = sqlx::query_scalar("select error from cms.job where kind = 'print'")
            .fetch_one(&site.db.pool)
            .await
            .unwrap();
        assert_eq!(error, "the printer is on fire");
    });
}

#[test]
fn a_name_is_one_consumers_and_a_kind_has_one_rhythm() {
    let shop = Shop::default();
    let mut followers = runtime::events::Followers::default();
    followers.add::<Product>("one", shop.clone());
    assert_eq!(followers.check(), Ok(()));
    followers.add::<Product>("one", shop.clone());
    assert!(followers.check().unwrap_err().problems[0].message.contains("two consumers are named `one`"));
    let mut jobs = runtime::jobs::Jobs::default();
    jobs.add::<Age>(shop);
    jobs.every(Duration::from_secs(60), &Age {});
    assert_eq!(jobs.check(), Ok(()));
    jobs.daily("03:30", "Europe/Vienna", &Age {});
    assert!(jobs.check().unwrap_err().problems[0].message.contains("`age` has two schedules"));
}

/// The calls of each hook of tags.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<String>>>);

impl Told {
    fn tell(&self, what: &str, tag: &str) {
        self.0.lock().unwrap().push(format!("{what} {tag}"));
    }

    /// A tag is published at once, so a write of one is two events.
    fn take(&self) -> Vec<String> {
        let mut told = std::mem::take(&mut *self.0.lock().unwrap());
        told.sort();
        told.dedup();
        told
    }
}

impl Hooks<Tag> for Told {
    async fn after_save(&self, cx: &mut Cx<'_>, old: Option<&Tag>, new: &Tag) -> Result<()> {
        let stored = cx.get(new.id).await?.map(|stored| (stored.name, stored.revision));
        assert_eq!(stored, Some((new.name.clone(), new.revision)), "what is stored is what the hook is told");
        self.tell(if old.is_some() { "changed" } else { "made" }, &new.slug);
        Ok(())
    }

    async fn before_delete(&self, _: &mut Cx<'_>, tag: &Tag) -> Result<()> {
        self.tell("deleting", &tag.slug);
        Ok(())
    }

    async fn after_commit(&self, store: &Store, event: Event<Tag>) {
        let tag = store.trusted().at(Stage::Draft).get(event.id).await.ok().flatten();
        self.tell("committed", &tag.map_or_else(|| "nothing".into(), |tag| tag.slug));
    }
}

#[test]
fn the_hooks_of_a_type_are_called_whichever_way_its_entries_are_written() {
    let (shop, told) = (Shop::default(), Told::default());
    let server = runtime::Server::new(&generated::SCHEMA).site(generated::site(shop)).hooks::<Tag>(told.clone());
    testing::run(server, async |site| {
        let editor = site.with_role("editor").await;
        for (document, expected) in [
            ("createTag(input: {name: \"One\"}) { id }", &["committed one", "made one"][..]),
            (
                "createProduct(input: {name: \"Cup\", tags: {create: [{name: \"Two\"}, {name: \"Three\"}]}}) { id }",
                &["committed three", "committed two", "made three", "made two"],
            ),
            (
                "upsertTags(input: [{key: {slug: \"one\"}, data: {name: \"One!\"}}, \
                 {key: {slug: \"four\"}, data: {name: \"Four\"}}]) { id }",
                &["changed one", "committed four", "committed one", "made four"],
            ),
        ] {
            let answer = editor.ask(&format!("mutation {{ {document} }}")).await;
            assert_eq!(answer.codes(), [""; 0], "{answer:?}");
            assert_eq!(told.take(), expected, "{document}");
        }
        let tags = site.trusted().at(Stage::Draft).find::<Tag>().filter(tag::SLUG.one_of(["one", "four"]));
        let deletions: Vec<String> = tags
            .all()
            .await
            .expect("they are read")
            .iter()
            .enumerate()
            .map(|(n, tag)| format!("t{n}: deleteTag(id: \"{}\", revision: {})", tag.id, tag.revision))
            .collect();
        let answer = editor.ask(&format!("mutation {{ {} }}", deletions.join(" "))).await;
        assert_eq!(answer.codes(), [""; 0], "{answer:?}");
        assert_eq!(told.take(), ["committed nothing", "deleting four", "deleting one"]);
    });
}

#[test]
fn entries_are_found_by_words() {
    let shop = Shop::default();
    testing::run(site(&shop), async |site| {
        let editor = site.with_role("editor").await;
        for name in ["Blue lamp", "Lamp shade", "Chair"] {
            let create = format!(r#"mutation {{ createProduct(input: {{name: "{name}"}}) {{ id }} }}"#);
            assert_eq!(editor.ask(&create).await.codes(), [""; 0]);
        }
        let store = site.trusted();
        let search = |text: &str| store.at(Stage::Draft).search::<Product>(text);
        let names = |found: Vec<Product>| found.into_iter().map(|product| product.name).collect::<Vec<_>>();
        assert_eq!(names(search("lamps").first(5).all().await.expect("it is searched")).len(), 2);
        let blue = search("lamp").filter(product::NAME.is("Blue lamp"));
        assert_eq!(names(blue.bare().all().await.expect("it is searched")), ["Blue lamp"]);
        assert_eq!(search("lamp").first(1).ids().await.expect("it is searched").len(), 1);
        assert_eq!(search("lamp").count().await.expect("it is counted"), 2);
        assert_eq!(store.at(Stage::Live).search::<Product>("lamp").count().await.expect("it is counted"), 0);
        let refused = search(&"a".repeat(301)).ids().await.expect_err("it is too long");
        assert_eq!(refused.problems[0].code, Code::LimitExceeded);
        let refused = store.at(Stage::Draft).search::<Brand>("lamp").ids().await.expect_err("brands are not searched");
        assert_eq!(refused.problems[0].code, Code::BadUserInput);
    });
}
