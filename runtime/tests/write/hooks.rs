//! Hooks see the typed entry inside the transaction, may change or reject it, and learn of commits.

use std::sync::{Arc, Mutex};

use runtime::content::ContentInfo;
use runtime::hooks::{Cx, Event, EventKind, HookSet, Hooks, refuse};
use runtime::record::{FieldValue, Record};
use runtime::store::write;
use runtime::{Code, Id, Result, Store};
use serde_json::json;

use crate::helpers::{object, path};
use crate::support::Shop;
use crate::support::schema::BRAND;

#[derive(Clone, Debug, Default, PartialEq)]
struct Brand {
    id: Id<Self>,
    name: String,
    slug: String,
    parent: Option<Id<Self>>,
}

impl Record for Brand {
    const INFO: &'static ContentInfo = &BRAND;

    fn id(&self) -> Id<Self> {
        self.id
    }

    fn set_id(&mut self, id: Id<Self>) {
        self.id = id;
    }

    fn fields(&mut self) -> Vec<&mut dyn FieldValue> {
        vec![&mut self.name, &mut self.slug, &mut self.parent]
    }
}

type Log = Arc<Mutex<Vec<String>>>;

struct Trimmed(Log);

impl Trimmed {
    fn note(&self, text: String) {
        self.0.lock().unwrap().push(text);
    }
}

impl Hooks<Brand> for Trimmed {
    async fn before_save(&self, cx: &mut Cx<'_>, old: Option<&Brand>, new: &mut Brand) -> Result<()> {
        new.name = new.name.trim().to_owned();
        if new.name == "Forbidden" {
            return Err(refuse("no such brand here", ["name".into()]));
        }
        if new.name == "Twin" {
            // The hook can use the write's transaction.
            let twins: i64 =
                sqlx::query_scalar("select count(*) from draft.brand").fetch_one(&mut *cx.connection).await?;
            new.name = format!("Twin of {twins}");
        }
        self.note(format!("before {:?} {}", old.map(|old| &old.name), new.name));
        Ok(())
    }

    async fn after_save(&self, _: &mut Cx<'_>, _: Option<&Brand>, new: &Brand) -> Result<()> {
        self.note(format!("saved {} {}", new.name, new.slug));
        Ok(())
    }

    async fn before_publish(&self, _: &mut Cx<'_>, brand: &Brand) -> Result<()> {
        if brand.name == "Secret" { Err(refuse("a secret", ["name".into()])) } else { Ok(()) }
    }

    async fn after_publish(&self, cx: &mut Cx<'_>, brand: &Brand) -> Result<()> {
        // The published row is visible inside the transaction.
        let live: i64 = sqlx::query_scalar("select count(*) from live.brand").fetch_one(&mut *cx.connection).await?;
        self.note(format!("published {} of {live}", brand.name));
        if brand.name == "Too late" { Err(refuse("not that one", ["name".into()])) } else { Ok(()) }
    }

    async fn before_unpublish(&self, cx: &mut Cx<'_>, brand: &Brand) -> Result<()> {
        let live: i64 = sqlx::query_scalar("select count(*) from live.brand").fetch_one(&mut *cx.connection).await?;
        self.note(format!("unpublishing {} of {live}", brand.name));
        if brand.name == "Evergreen" { Err(refuse("it stays", ["name".into()])) } else { Ok(()) }
    }

    async fn after_unpublish(&self, cx: &mut Cx<'_>, brand: &Brand) -> Result<()> {
        let live: i64 = sqlx::query_scalar("select count(*) from live.brand").fetch_one(&mut *cx.connection).await?;
        self.note(format!("unpublished {}, {live} left", brand.name));
        Ok(())
    }

    async fn after_delete(&self, cx: &mut Cx<'_>, brand: &Brand) -> Result<()> {
        let left: i64 = sqlx::query_scalar("select count(*) from draft.brand").fetch_one(&mut *cx.connection).await?;
        self.note(format!("deleted {}, {left} left", brand.name));
        if brand.name == "Precious" { Err(refuse("never", ["name".into()])) } else { Ok(()) }
    }

    async fn before_delete(&self, _: &mut Cx<'_>, brand: &Brand) -> Result<()> {
        self.note(format!("deleting {}", brand.name));
        Ok(())
    }

    async fn after_commit(&self, _: &Store, event: Event<Brand>) {
        self.note(format!("{:?} at {}", event.kind, event.revision));
    }
}

#[tokio::test]
async fn hooks_change_refuse_and_hear() {
    let shop = Shop::new().await;
    let (log, mut hooks) = (Log::default(), HookSet::default());
    hooks.add::<Brand>(Trimmed(log.clone()));
    let create = async |name: &str, publish| {
        write::create(&shop.store, &hooks, &BRAND, &object(json!({"name": name})), publish).await
    };

    let id = create("  Acme ", true).await.unwrap();
    let update = object(json!({"name": "Acme"}));
    write::update(&shop.store, &hooks, &BRAND, id, 1, &update, false).await.unwrap();
    let error = create(" Forbidden", false).await.unwrap_err();
    assert_eq!((error.problems[0].code, path(&error.problems[0].path)), (Code::Refused, "input.name".into()));
    let error = create("Secret", true).await.unwrap_err();
    assert_eq!(error.problems[0].code, Code::Refused);
    create("Twin", false).await.unwrap();
    let long = create(&"x".repeat(61), false).await.unwrap_err();
    assert_eq!(long.problems[0].code, Code::InvalidValue);
    write::delete(&shop.store, &hooks, &BRAND, id, 1).await.unwrap();

    assert_eq!(shop.values("select name from draft.brand").await, ["Twin of 1"]);
    let expected = [
        "before None Acme",
        "saved Acme acme",
        "published Acme of 1",
        &format!("{:?} at 1", EventKind::Created),
        "Published at 1",
        "before None Secret",
        "saved Secret secret",
        "before None Twin of 1",
        "saved Twin of 1 twin",
        "Created at 1",
        "deleting Acme",
        "deleted Acme, 1 left",
        "Deleted at 1",
    ];
    assert_eq!(*log.lock().unwrap(), expected);
    shop.close().await;
}

#[tokio::test]
async fn hooks_around_publishing_and_deleting_run_in_the_transaction() {
    let shop = Shop::new().await;
    let (log, mut hooks) = (Log::default(), HookSet::default());
    hooks.add::<Brand>(Trimmed(log.clone()));
    let create = async |name: &str, publish| {
        write::create(&shop.store, &hooks, &BRAND, &object(json!({"name": name})), publish).await
    };
    let acme = create("Acme", false).await.unwrap();
    write::publish(&shop.store, &hooks, &BRAND, acme, 1).await.unwrap();
    write::unpublish(&shop.store, &hooks, &BRAND, acme, 1, false).await.unwrap();
    // A second call would change nothing, so no hook is called.
    write::unpublish(&shop.store, &hooks, &BRAND, acme, 1, false).await.unwrap();
    write::delete(&shop.store, &hooks, &BRAND, acme, 1).await.unwrap();
    let expected = [
        "before None Acme",
        "saved Acme acme",
        "Created at 1",
        "published Acme of 1",
        "Published at 1",
        "unpublishing Acme of 1",
        "unpublished Acme, 0 left",
        "Unpublished at 1",
        "deleting Acme",
        "deleted Acme, 0 left",
        "Deleted at 1",
    ];
    assert_eq!(*log.lock().unwrap(), expected);

    // A rejected write leaves nothing behind.
    for name in ["Too late", "Evergreen", "Precious"] {
        let made = create(name, name == "Evergreen").await.unwrap();
        let refused = match name {
            "Too late" => write::publish(&shop.store, &hooks, &BRAND, made, 1).await,
            "Evergreen" => write::unpublish(&shop.store, &hooks, &BRAND, made, 1, false).await,
            _ => write::delete(&shop.store, &hooks, &BRAND, made, 1).await,
        };
        let error = refused.unwrap_err();
        assert_eq!((error.problems[0].code, path(&error.problems[0].path)), (Code::Refused, "name".into()), "{name}");
    }
    assert_eq!(shop.values("select name from live.brand").await, ["Evergreen"]);
    assert_eq!(shop.value("select count(*) from draft.brand").await, 3);
    shop.close().await;
}
