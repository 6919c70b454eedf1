//! Access rules on the write path: fields, rows, checks, set values, and entries in nested inputs.

use runtime::access::{Actor, Identity, Scope};
use runtime::content::ContentInfo;
use runtime::export::{Options, StageName};
use runtime::hooks::{Cx, HookSet, Hooks};
use runtime::record::{FieldValue, Record};
use runtime::store::write::{self, BulkOptions, Outcome, UpsertItem};
use runtime::{Code, Id, Result, Store, id};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::helpers::{object, problems};
use crate::support::Shop;
use crate::support::access::with_rules;
use crate::support::schema::{BRAND, CATEGORY, POST, PRODUCT, TAG};

/// The store of an actor with a role.
pub struct Clerk(pub Store);

impl Clerk {
    /// A signed-in user with the role `clerk`.
    pub fn new(shop: &Shop, rules: &Json) -> Self {
        let identity = Identity::User { id: Uuid::from_u128(7), session: Uuid::nil() };
        Self::acting(shop, rules, Actor { identity, role: "clerk".into(), ..Actor::system() })
    }

    fn acting(shop: &Shop, rules: &Json, actor: Actor) -> Self {
        Self(shop.db.database(with_rules(rules)).acting(actor))
    }

    pub async fn create(&self, info: &'static ContentInfo, input: Json, publish: bool) -> Result<Uuid> {
        write::create(&self.0, &HookSet::default(), info, &object(input), publish).await
    }

    pub async fn update(
        &self,
        info: &'static ContentInfo,
        of: (Uuid, i64),
        input: Json,
        publish: bool,
    ) -> Result<Uuid> {
        write::update(&self.0, &HookSet::default(), info, of.0, of.1, &object(input), publish).await
    }

    pub async fn upsert(&self, info: &'static ContentInfo, items: Json, publish: bool) -> Result<Vec<Uuid>> {
        write::upsert(&self.0, &HookSet::default(), info, items.as_array().expect("a list"), publish).await
    }

    pub async fn publish(&self, info: &'static ContentInfo, of: (Uuid, i64)) -> Result<Uuid> {
        write::publish(&self.0, &HookSet::default(), info, of.0, of.1).await
    }

    pub async fn unpublish(&self, info: &'static ContentInfo, of: (Uuid, i64)) -> Result<Uuid> {
        write::unpublish(&self.0, &HookSet::default(), info, of.0, of.1, false).await
    }

    pub async fn delete(&self, info: &'static ContentInfo, of: (Uuid, i64)) -> Result<Uuid> {
        write::delete(&self.0, &HookSet::default(), info, of.0, of.1).await
    }
}

/// The result as clients see it, without the requested id.
pub fn answer<T: std::fmt::Debug>(info: &ContentInfo, asked: Uuid, result: &Result<T>) -> String {
    format!("{result:?}").replace(&id::encode(info.table, asked), "<id>").replace(&asked.to_string(), "<id>")
}

fn forbidden(path: &str) -> (Code, String) {
    (Code::Forbidden, path.to_owned())
}

#[tokio::test]
async fn what_no_rule_allows_is_refused_before_anything_is_looked_at() {
    let shop = Shop::new().await;
    let clerk = Clerk::new(&shop, &json!({"brand": {"clerk": {"read_drafts": {}}}}));
    let brand = shop.create(&BRAND, json!({"name": "Acme"})).await.unwrap();
    let missing = Uuid::from_u128(1);
    assert_eq!(problems(clerk.create(&BRAND, json!({"name": "Zeta"}), false).await), [forbidden("")]);
    for entry in [brand, missing] {
        assert_eq!(problems(clerk.update(&BRAND, (entry, 1), json!({}), false).await), [forbidden("")]);
        assert_eq!(problems(clerk.delete(&BRAND, (entry, 1)).await), [forbidden("")]);
        assert_eq!(problems(clerk.publish(&BRAND, (entry, 1)).await), [forbidden("")]);
        assert_eq!(problems(clerk.unpublish(&BRAND, (entry, 1)).await), [forbidden("")]);
    }
    let nobody = Clerk::acting(&shop, &json!({}), Actor::anonymous(Default::default()));
    assert_eq!(problems(nobody.delete(&BRAND, (brand, 1)).await), [(Code::Unauthenticated, String::new())]);
    shop.close().await;
}

#[tokio::test]
async fn an_input_names_only_fields_of_the_rule() {
    let shop = Shop::new().await;
    let fields = json!({"product": ["name", "brand", "variants"], "product_variant": ["sku"]});
    let clerk = Clerk::new(
        &shop,
        &json!({
            "product": {"clerk": {"read_drafts": {}, "create": {"fields": fields}, "update": {"fields": fields}}},
            "brand": {"clerk": {"create": {"fields": {"brand": ["name"]}}}},
        }),
    );
    let input = json!({
        "name": "Chair",
        "stock": 3,
        "sku": "not a sku",
        "brand": {"create": {"name": "Acme", "slug": "acme"}},
        "variants": {"set": [{"sku": "a"}, {"sku": "b", "price": {"amount": "1"}}]},
    });
    assert_eq!(
        problems(clerk.create(&PRODUCT, input, false).await),
        [
            forbidden("input.brand.create.slug"),
            forbidden("input.sku"),
            forbidden("input.stock"),
            forbidden("input.variants.set.1.price"),
        ]
    );
    let input = json!({"name": "Chair", "brand": {"create": {"name": "Acme"}}, "variants": {"set": [{"sku": "a"}]}});
    let chair = clerk.create(&PRODUCT, input, false).await.unwrap();
    assert_eq!(shop.value("select stock from draft.product").await, 0, "defaults are there whatever the fields");
    assert_eq!(shop.value("select slug from draft.product").await, "chair", "and what is made from another field");
    let input = json!({"variants": {"update": [{"key": {"sku": "a"}, "data": {"price": {"amount": "1"}}}]}});
    assert_eq!(
        problems(clerk.update(&PRODUCT, (chair, 1), input, false).await),
        [forbidden("input.variants.update.0.data.price")]
    );
    // The key of a new entry is part of its input; the key of an existing one is not.
    let item = |slug: &str| json!([{"key": {"slug": slug}, "data": {"name": "Seat"}}]);
    assert_eq!(problems(clerk.upsert(&PRODUCT, item("seat"), false).await), [forbidden("input.0.key.slug")]);
    clerk.upsert(&PRODUCT, item("chair"), false).await.unwrap();
    assert_eq!(shop.values("select name from draft.product").await, ["Seat"]);
    shop.close().await;
}

#[tokio::test]
async fn a_row_that_may_not_be_written_is_as_a_missing_one() {
    let shop = Shop::new().await;
    let mine = json!({"rows": {"stock": {"lt": 10}}});
    let seen = json!({"rows": {"featured": {"eq": false}}});
    let clerk = Clerk::new(
        &shop,
        &json!({"product": {"clerk": {"read_drafts": seen, "update": mine, "publish": mine, "delete": mine}}}),
    );
    let input = |name: &str, stock: i64, featured: bool| json!({"name": name, "stock": stock, "featured": featured, "price": {"amount": "1"}});
    let others = shop.create_live(&PRODUCT, input("Others", 10, false)).await.unwrap();
    let unseen = shop.create_live(&PRODUCT, input("Unseen", 1, true)).await.unwrap();
    let mine = shop.create_live(&PRODUCT, input("Mine", 1, false)).await.unwrap();
    let missing = Uuid::from_u128(1);
    for revision in [1, 5] {
        for hidden in [others, unseen] {
            let (it, none) = ((hidden, revision), (missing, revision));
            let renamed = json!({"name": "Renamed"});
            let pairs = [
                (
                    clerk.update(&PRODUCT, it, renamed.clone(), false).await,
                    clerk.update(&PRODUCT, none, renamed.clone(), false).await,
                ),
                (
                    clerk.update(&PRODUCT, it, renamed.clone(), true).await,
                    clerk.update(&PRODUCT, none, renamed, true).await,
                ),
                (clerk.publish(&PRODUCT, it).await, clerk.publish(&PRODUCT, none).await),
                (clerk.unpublish(&PRODUCT, it).await, clerk.unpublish(&PRODUCT, none).await),
                (clerk.delete(&PRODUCT, it).await, clerk.delete(&PRODUCT, none).await),
            ];
            for (denied, nothing) in pairs {
                assert_eq!(answer(&PRODUCT, hidden, &denied), answer(&PRODUCT, missing, &nothing));
                assert_eq!(problems(denied), [(Code::NotFound, "id".into())]);
            }
        }
    }
    let by_id = |id: Uuid| json!([{"key": {"id": id::encode("product", id)}, "data": {"name": "Renamed"}}]);
    let denied = clerk.upsert(&PRODUCT, by_id(others), false).await;
    assert_eq!(
        answer(&PRODUCT, others, &denied),
        answer(&PRODUCT, missing, &clerk.upsert(&PRODUCT, by_id(missing), false).await)
    );
    assert_eq!(shop.values("select name from draft.product order by name").await, ["Mine", "Others", "Unseen"]);
    assert_eq!(shop.value("select count(*) from live.product").await, 3);
    clerk.update(&PRODUCT, (mine, 1), json!({"name": "Ours"}), false).await.unwrap();
    clerk.publish(&PRODUCT, (mine, 2)).await.unwrap();
    clerk.unpublish(&PRODUCT, (mine, 2)).await.unwrap();
    clerk.delete(&PRODUCT, (mine, 2)).await.unwrap();
    shop.close().await;
}

#[tokio::test]
async fn an_entry_must_be_as_the_rules_want_it_after_the_write() {
    let shop = Shop::new().await;
    let clerk = Clerk::new(
        &shop,
        &json!({
            "product": {"clerk": {
                "read_drafts": {},
                "create": {"check": {"stock": {"lt": 5}}},
                "update": {"rows": {"stock": {"lt": 5}}},
            }},
            "brand": {"clerk": {
                "read_drafts": {},
                "create": {},
                "update": {"rows": {"name": {"eq": "Open"}}, "check": {"name": {"in": ["Open", "Closed"]}}},
            }},
        }),
    );
    let product =
        |stock: i64, brand: &str| json!({"name": "Chair", "stock": stock, "brand": {"create": {"name": brand}}});
    assert_eq!(problems(clerk.create(&PRODUCT, product(5, "Lost"), false).await), [forbidden("input")]);
    assert_eq!(shop.value("select count(*) from draft.brand").await, 0, "nothing is left of what was refused");
    let chair = clerk.create(&PRODUCT, product(4, "Open"), false).await.unwrap();
    assert_eq!(problems(clerk.update(&PRODUCT, (chair, 1), json!({"stock": 5}), false).await), [forbidden("input")]);
    clerk.update(&PRODUCT, (chair, 1), json!({"stock": 3}), false).await.unwrap();
    let items = json!([
        {"key": {"slug": "chair"}, "data": {"stock": 2}},
        {"key": {"slug": "sofa"}, "data": {"name": "Sofa", "stock": 7}},
        {"key": {"slug": "seat"}, "data": {"name": "Seat", "stock": 1}},
    ]);
    assert_eq!(problems(clerk.upsert(&PRODUCT, items, false).await), [forbidden("input.1.data")]);
    assert_eq!(shop.values("select stock from draft.product").await, [3]);
    // With its own check, the condition before the write need not hold after it.
    let brand = (shop.value("select id from draft.brand").await.as_str().unwrap().parse().unwrap(), 1);
    assert_eq!(problems(clerk.update(&BRAND, brand, json!({"name": "Other"}), false).await), [forbidden("input")]);
    clerk.update(&BRAND, brand, json!({"name": "Closed"}), false).await.unwrap();
    assert_eq!(
        problems(clerk.update(&BRAND, (brand.0, 2), json!({"name": "Open"}), false).await),
        [(Code::NotFound, "id".into())]
    );
    shop.close().await;
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Tag {
    id: Id<Self>,
    name: String,
    slug: String,
}

impl Record for Tag {
    const INFO: &'static ContentInfo = &TAG;

    fn id(&self) -> Id<Self> {
        self.id
    }

    fn set_id(&mut self, id: Id<Self>) {
        self.id = id;
    }

    fn fields(&mut self) -> Vec<&mut dyn FieldValue> {
        vec![&mut self.name, &mut self.slug]
    }
}

struct Renaming;

impl Hooks<Tag> for Renaming {
    async fn before_save(&self, cx: &mut Cx<'_>, _: Option<&Tag>, new: &mut Tag) -> Result<()> {
        if new.name == "Trusted" {
            let trusted = cx.store.trusted();
            assert!(!trusted.access.actor.is_anonymous() && trusted.access.actor.user().is_none());
        }
        new.name = new.name.replace("good", "bad");
        Ok(())
    }
}

#[tokio::test]
async fn what_a_hook_makes_of_an_entry_is_checked_and_not_what_came_in() {
    let shop = Shop::new().await;
    let clerk =
        Clerk::new(&shop, &json!({"tag": {"clerk": {"create": {"check": {"not": {"name": {"contains": "bad"}}}}}}}));
    let mut hooks = HookSet::default();
    hooks.add::<Tag>(Renaming);
    let create =
        async |name: &str| write::create(&clerk.0, &hooks, &TAG, &object(json!({ "name": name })), false).await;
    assert_eq!(problems(create("good").await), [forbidden("input")]);
    create("fine").await.unwrap();
    create("Trusted").await.unwrap();
    assert_eq!(shop.value("select count(*) from live.tag").await, 2);
    shop.close().await;
}

#[tokio::test]
async fn what_a_rule_sets_is_laid_over_the_input() {
    let shop = Shop::new().await;
    let set = json!({"set": {"stock": 1, "summary": "$user", "stock_status": "LOW"}, "fields": {"product": ["name", "stock", "slug"]}});
    let rules = json!({
        "product": {"clerk": {"read_drafts": {}, "create": set, "update": set}},
        "tag": {"clerk": {"create": {"set": {"name": "$user"}}}},
    });
    let clerk = Clerk::new(&shop, &rules);
    let stored = "select jsonb_build_array(stock, summary, stock_status) from draft.product";
    let user = id::encode("user", Uuid::from_u128(7));
    let chair = clerk.create(&PRODUCT, json!({"name": "Chair"}), false).await.unwrap();
    assert_eq!(shop.value(stored).await, json!([1, user, "low"]));
    shop.update(&PRODUCT, chair, 1, json!({"stock": 8, "summary": "other"})).await.unwrap();
    assert_eq!(
        problems(clerk.update(&PRODUCT, (chair, 2), json!({"stock": 2}), false).await),
        [forbidden("input.stock")]
    );
    assert_eq!(
        problems(clerk.update(&PRODUCT, (chair, 2), json!({"summary": "me"}), false).await),
        [forbidden("input.summary")]
    );
    clerk.update(&PRODUCT, (chair, 2), json!({"stock": 1}), false).await.unwrap();
    assert_eq!(shop.value(stored).await, json!([1, user, "low"]));

    let token = Actor { identity: Identity::Token { id: Uuid::nil() }, role: "clerk".into(), ..Actor::system() };
    let token = Clerk::acting(&shop, &rules, token);
    token.update(&PRODUCT, (chair, 3), json!({}), false).await.unwrap();
    assert_eq!(shop.value(stored).await, json!([1, null, "low"]), "anonymous is not a user");
    let required = [(Code::InvalidValue, "input.name".into()), (Code::InvalidValue, "input.slug".into())];
    assert_eq!(problems(token.create(&TAG, json!({}), false).await), required);
    clerk.create(&TAG, json!({}), false).await.unwrap();
    shop.close().await;
}

#[tokio::test]
async fn nested_inputs_reach_what_the_actor_may_reach() {
    let shop = Shop::new().await;
    let clerk = Clerk::new(
        &shop,
        &json!({
            "product": {"clerk": {"create": {}, "publish": {}}},
            "brand": {"clerk": {"read_drafts": {"rows": {"name": {"startsWith": "Open"}}}, "read": {"rows": {"name": {"contains": "public"}}}}},
            "category": {"clerk": {"create": {}}},
            "tag": {"clerk": {"create": {}}},
        }),
    );
    for (name, live) in [("Open", false), ("Secret", false), ("A public one", true), ("A public draft", false)] {
        let input = json!({"name": name, "slug": name.to_lowercase().replace(' ', "-")});
        if live { shop.create_live(&BRAND, input).await } else { shop.create(&BRAND, input).await }.unwrap();
    }
    let connect = |slug: &str| json!({"name": slug, "price": {"amount": "1"}, "brand": {"connect": {"slug": slug}}});
    for slug in ["secret", "a-public-draft", "missing"] {
        let refused = clerk.create(&PRODUCT, connect(slug), false).await;
        assert_eq!(problems(refused.clone()), [(Code::NotFound, "input.brand.connect".into())]);
        assert_eq!(refused.unwrap_err().problems[0].message, format!("no Brand has the slug `{slug}`"));
    }
    for slug in ["open", "a-public-one"] {
        clerk.create(&PRODUCT, connect(slug), false).await.unwrap();
    }
    // This holds in children and components as well, and for types that the actor may not read at all.
    let media = shop.create(&crate::support::schema::MEDIA, json!({"url": "https://a.example/1.png"})).await.unwrap();
    let key = json!({"id": id::encode("media", media)});
    let input = json!({"name": "Chair", "variants": {"set": [{"sku": "a", "images": {"set": [key]}}]}, "seo": {"title": "a", "image": key}});
    assert_eq!(
        problems(clerk.create(&PRODUCT, input, false).await),
        [(Code::NotFound, "input.seo.image".into()), (Code::NotFound, "input.variants.set.0.images.set.0".into())]
    );
    let nested = |part: &str, publish| {
        let input = json!({"name": part, "price": {"amount": "1"}, part: {"create": [{"name": part}]}});
        clerk.create(&PRODUCT, input, publish)
    };
    let brand = json!({"name": "Chair", "brand": {"create": {"name": "New"}}});
    assert_eq!(problems(clerk.create(&PRODUCT, brand, false).await), [forbidden("input.brand.create")]);
    nested("categories", false).await.unwrap();
    assert_eq!(problems(nested("categories", true).await), [forbidden("input.categories.create.0")]);
    nested("tags", true).await.unwrap();
    assert_eq!(shop.value("select count(*) from live.tag").await, 1);
    shop.close().await;
}

#[tokio::test]
async fn publishing_along_with_a_save_takes_the_right_to_publish_what_was_saved() {
    let shop = Shop::new().await;
    let few = json!({"rows": {"stock": {"lt": 5}}});
    let rules = |publish: Json| json!({"product": {"clerk": {"read_drafts": {}, "create": {}, "update": {}, "publish": publish}}});
    let clerk = Clerk::new(&shop, &rules(few));
    let product = |name: &str, stock: i64| json!({"name": name, "stock": stock, "price": {"amount": "1"}});
    assert_eq!(problems(clerk.create(&PRODUCT, product("Many", 5), true).await), [forbidden("input")]);
    let few = clerk.create(&PRODUCT, product("Few", 1), true).await.unwrap();
    assert_eq!(problems(clerk.update(&PRODUCT, (few, 1), json!({"stock": 9}), true).await), [forbidden("input")]);
    assert_eq!(shop.values("select stock from draft.product").await, [1]);
    clerk.update(&PRODUCT, (few, 1), json!({"stock": 2}), true).await.unwrap();
    assert_eq!(shop.values("select stock from live.product").await, [2]);

    let writer = Clerk::new(
        &shop,
        &json!({"product": {"clerk": {"read_drafts": {}, "create": {}, "update": {}}}, "tag": {"clerk": {"create": {}}}}),
    );
    assert_eq!(problems(writer.create(&PRODUCT, product("New", 1), true).await), [forbidden("publish")]);
    let items = json!([{"key": {"slug": "few"}, "data": {}}, {"key": {"slug": "new"}, "data": {"name": "New"}}]);
    assert_eq!(problems(writer.upsert(&PRODUCT, items, true).await), [forbidden("publish")]);
    writer.create(&TAG, json!({"name": "New"}), false).await.unwrap();
    assert_eq!(shop.value("select count(*) from live.tag").await, 1, "a type without drafts takes no right to publish");
    shop.close().await;
}

#[tokio::test]
async fn a_rule_about_the_publication_is_not_met_by_the_one_it_is_asked_about() {
    let shop = Shop::new().await;
    let clerk = |rows: Json| {
        let publish = json!({ "rows": rows });
        let rules = json!({"clerk": {"read_drafts": {}, "create": {}, "update": {}, "publish": publish}});
        Clerk::new(&shop, &json!({ "product": rules }))
    };
    let again = [json!({"publishedBy": {"eq": "$user"}}), json!({"not": {"firstPublishedAt": {"isNull": true}}})];
    let product = |name: &str| json!({"name": name, "price": {"amount": "1"}});
    let (change, changed) = (json!({"summary": "Changed"}), "select published_by from live.product");
    for (number, rows) in again.into_iter().enumerate() {
        let clerk = clerk(rows);
        assert_eq!(problems(clerk.create(&PRODUCT, product("New"), true).await), [forbidden("input")]);
        let id = shop.create(&PRODUCT, product(&format!("Product {number}"))).await.unwrap();
        assert_eq!(problems(clerk.update(&PRODUCT, (id, 1), change.clone(), true).await), [forbidden("input")]);
        assert_eq!(shop.value("select count(*) from live.product").await, 0);
        let user = Uuid::from_u128(7);
        let sql = "update draft.product set published_by = $1, first_published_at = now() where id = $2";
        sqlx::query(sql).bind(user).bind(id).execute(&shop.db.pool).await.unwrap();
        clerk.update(&PRODUCT, (id, 1), change.clone(), true).await.unwrap();
        assert_eq!(shop.value(changed).await, user.to_string());
        shop.unpublish(&PRODUCT, id, 2, false).await.unwrap();
    }
    // The first publication only.
    let first = clerk(json!({"publishedAt": {"isNull": true}}));
    let id = first.create(&PRODUCT, product("First"), true).await.unwrap();
    assert_eq!(problems(first.update(&PRODUCT, (id, 1), change.clone(), true).await), [forbidden("input")]);
    shop.close().await;
}

#[tokio::test]
async fn errors_name_no_entry_that_the_actor_may_not_read() {
    let shop = Shop::new().await;
    let clerk = Clerk::new(
        &shop,
        &json!({
            "brand": {"clerk": {"read_drafts": {}, "delete": {}}},
            "product": {"clerk": {"create": {}, "read_drafts": {"rows": {"stock": {"lt": 5}}}}},
            "post": {"clerk": {"read": {"fields": {"post": ["title"]}}, "read_drafts": {"fields": {"post": ["title"]}}}},
        }),
    );
    let acme = shop.create(&BRAND, json!({"name": "Acme"})).await.unwrap();
    let key = json!({"connect": {"slug": "acme"}});
    for (name, stock) in [("Open", 1), ("Secret", 9)] {
        let variants = json!({"set": [{"sku": format!("V-{stock}")}]});
        shop.create(&PRODUCT, json!({"name": name, "stock": stock, "brand": key, "variants": variants})).await.unwrap();
    }
    shop.create(&POST, json!({"title": "About", "about": {"brand": key}})).await.unwrap();
    let error = clerk.delete(&BRAND, (acme, 1)).await.unwrap_err();
    assert_eq!(error.problems[0].code, Code::Referenced);
    let details = error.problems[0].details.as_ref().unwrap();
    assert_eq!(details["count"], 3);
    let listed: Vec<_> = details["references"].as_array().unwrap().iter().map(|entry| &entry["title"]).collect();
    assert_eq!(listed, ["Open"], "neither the row that is hidden, nor the field");

    for (name, stock) in [("Open", 1), ("Secret", 9)] {
        let product =
            json!({"name": "New", "slug": name.to_lowercase(), "variants": {"set": [{"sku": format!("V-{stock}")}]}});
        let error = clerk.create(&PRODUCT, product, false).await.unwrap_err();
        assert_eq!(error.problems.len(), 2);
        for problem in error.problems {
            assert_eq!(problem.code, Code::Conflict);
            assert_eq!(problem.details.is_some(), name == "Open", "{problem:?}");
            let titled = problem.message.contains("“") || problem.message.contains("product_");
            assert_eq!(titled, name == "Open", "{problem:?}");
        }
    }
    // The same holds for the key of an upsert: the error only says that it is taken.
    let item = json!([{"key": {"slug": "secret"}, "data": {"name": "New"}}]);
    let error = clerk.upsert(&PRODUCT, item, false).await.unwrap_err();
    assert_eq!(error.problems[0].message, "the slug `secret` belongs to another Product");
    shop.close().await;
}

#[tokio::test]
async fn an_import_takes_the_right_to_import_and_the_rules_hold_for_each_record() {
    let shop = Shop::new().await;
    let right = json!({"check": {"stock": {"lt": 50}}});
    let rules = |import: bool| {
        let mut of_product = json!({"read_drafts": {}, "create": {"check": {"stock": {"gt": 0}}}, "update": {"fields": {"product": ["stock"]}}});
        if import {
            of_product["import"] = right.clone();
        }
        json!({"product": {"clerk": of_product}, "category": {"clerk": {"read_drafts": {}, "create": {}}}})
    };
    let options = BulkOptions { import: true, reuse: true, ..BulkOptions::default() };
    let import = async |clerk: &Clerk, records: &[Json]| {
        let items: Vec<_> =
            records.iter().map(|record| (json!({"slug": record["slug"]}), object(record["data"].clone()))).collect();
        let items: Vec<_> =
            items.iter().map(|(key, data)| UpsertItem { key: Some(key), data, publish: false }).collect();
        write::save_batch(&clerk.0, &HookSet::default(), &PRODUCT, &items, options, None).await
    };
    let record = |slug: &str, stock: i64| json!({"slug": slug, "data": {"name": slug, "stock": stock}});
    let unable = Clerk::new(&shop, &rules(false));
    assert_eq!(problems(import(&unable, &[record("a", 1), record("b", 2)]).await), [forbidden("")]);

    let clerk = Clerk::new(&shop, &rules(true));
    let nested = json!({"slug": "e", "data": {"name": "e", "stock": 1, "categories": {"create": [{"name": "New"}]}}});
    let done =
        import(&clerk, &[record("a", 1), record("b", 0), record("c", 50), record("d", 2), nested]).await.unwrap();
    let rejected = |outcome: &Outcome| match outcome {
        Outcome::Rejected(problems) => Some(problems.iter().map(|problem| problem.code).collect::<Vec<_>>()),
        _ => None,
    };
    let forbidden = Some(vec![Code::Forbidden]);
    let expected = [None, forbidden.clone(), forbidden.clone(), None, forbidden.clone()];
    assert_eq!(done.iter().map(rejected).collect::<Vec<_>>(), expected, "{done:?}");
    assert_eq!(shop.values("select slug from draft.product order by slug").await, ["a", "d"]);
    let done = import(&clerk, &[json!({"slug": "a", "data": {"stock": 3}}), record("d", 3)]).await.unwrap();
    assert_eq!(done.iter().map(rejected).collect::<Vec<_>>(), [None, forbidden]);
    shop.close().await;
}

#[tokio::test]
async fn a_token_does_what_it_is_narrowed_to() {
    let shop = Shop::new().await;
    let rules = json!({"brand": {"clerk": {"read_drafts": {}, "create": {}, "update": {}, "delete": {}}}, "category": {"clerk": {"create": {}}}});
    let scope = |action| Scope::Content { table: Some("brand".into()), action: Some(action) };
    let scopes = [runtime::access::Action::Create, runtime::access::Action::Delete].map(scope).to_vec();
    let identity = Identity::Token { id: Uuid::nil() };
    let token = Actor { identity, role: "clerk".into(), scopes: Some(scopes), ..Actor::system() };
    let token = Clerk::acting(&shop, &rules, token);
    let brand = token.create(&BRAND, json!({"name": "Acme"}), false).await.unwrap();
    assert_eq!(problems(token.update(&BRAND, (brand, 1), json!({}), false).await), [forbidden("")]);
    assert_eq!(problems(token.create(&CATEGORY, json!({"name": "New"}), false).await), [forbidden("")]);
    assert_eq!(problems(token.delete(&BRAND, (brand, 1)).await), [(Code::NotFound, "id".into())], "it sees none");
    shop.close().await;
}

#[tokio::test]
async fn an_export_has_what_its_actor_may_read_and_export() {
    let shop = Shop::new().await;
    let few = json!({"rows": {"stock": {"lt": 5}}});
    let clerk = Clerk::new(
        &shop,
        &json!({
            "product": {"clerk": {
                "read_drafts": {"fields": {"product": ["name", "slug", "stock", "brand", "tags", "variants"], "product_variant": ["sku"]}},
                "export": {"rows": few["rows"], "fields": {"product": ["name", "slug", "brand", "tags", "variants", "sku"], "product_variant": ["sku", "price"]}},
            }},
            "brand": {"clerk": {"read_drafts": {"rows": {"name": {"ne": "Secret"}}, "fields": {"brand": ["name"]}}}},
            "category": {"clerk": {"read_drafts": {}}},
        }),
    );
    for name in ["Open", "Secret"] {
        let product = json!({"name": name, "stock": 1, "brand": {"create": {"name": name}}, "tags": {"create": [{"name": name}]},
            "variants": {"set": [{"sku": name, "price": {"amount": "1"}}]}});
        shop.create(&PRODUCT, product).await.unwrap();
    }
    shop.create(&PRODUCT, json!({"name": "Many", "stock": 7})).await.unwrap();
    let brand: Uuid =
        shop.value("select id from draft.brand where name = 'Open'").await.as_str().unwrap().parse().unwrap();
    let out = std::env::temp_dir().join(format!("{}.ndjson", Uuid::now_v7()));
    let export = async |content_type: &str| {
        let options = Options { content_type: content_type.into(), stage: StageName::Draft, out: Some(out.clone()) };
        runtime::export::run(&options, &clerk.0).await
    };
    export("product").await.unwrap();
    let written = std::fs::read_to_string(&out).unwrap();
    std::fs::remove_file(&out).unwrap();
    let lines: Vec<Json> = written.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let line = |name: &str, brand: Json| json!({"name": name, "slug": name.to_lowercase(), "brand": brand, "tags": [], "variants": [{"sku": name}]});
    // A key that the actor may not read finds no entry.
    let expected = [line("Open", json!({"id": id::encode("brand", brand)})), line("Secret", Json::Null)];
    assert_eq!(lines, expected);
    assert_eq!(export("category").await.unwrap_err(), "you may not export `Category`");
    assert_eq!(export("tag").await.unwrap_err(), "you may not read drafts of `Tag`");
    assert!(!out.exists(), "nothing is begun of what is refused");
    shop.close().await;
}
