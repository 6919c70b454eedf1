//! Access rules for discarding, copying and publishing whole drafts.

use runtime::content::{ContentInfo, FieldInfo, OnDelete, Shape};
use runtime::hooks::HookSet;
use runtime::kind::Kind;
use runtime::store::write;
use runtime::{Code, id};
use serde_json::json;

use crate::access::Clerk;
use crate::helpers::{object, problems};
use crate::support::Shop;
use crate::support::access::schema;
use crate::support::schema::{PRODUCT, SHOP};

const DENIED: Code = Code::Forbidden;

#[tokio::test]
async fn what_may_not_be_written_is_not_discarded_either() {
    let shop = Shop::new().await;
    let fields = json!({"product": ["name", "variants"], "product_variant": ["sku"]});
    let clerk = Clerk::new(&shop, &json!({"product": {"clerk": {"read_drafts": {}, "update": {"fields": fields}}}}));
    let discard =
        async |id, revision| write::discard_draft(&clerk.0, &HookSet::default(), &PRODUCT, id, revision).await;
    let input = json!({"name": "Chair", "price": {"amount": "1"}, "variants": {"create": [{"sku": "a", "price": {"amount": "1"}}]}});
    let chair = shop.create_live(&PRODUCT, input).await.unwrap();
    shop.update(&PRODUCT, chair, 1, json!({"name": "Seat"})).await.unwrap();
    discard(chair, 2).await.unwrap();
    assert_eq!(shop.value("select name from draft.product").await, "Chair");
    // The price, a variant's price, and a variant with a price that would come back.
    for (revision, input, path) in [
        (3, json!({"name": "Seat", "price": {"amount": "2"}}), "product.price"),
        (
            4,
            json!({"price": {"amount": "1"}, "variants": {"update": [{"key": {"sku": "a"}, "data": {"price": {"amount": "2"}}}]}}),
            "product_variant.price",
        ),
        (5, json!({"variants": {"set": []}}), "product_variant.price"),
    ] {
        shop.update(&PRODUCT, chair, revision, input).await.unwrap();
        let error = discard(chair, revision + 1).await.unwrap_err();
        assert_eq!(
            error.problems.iter().map(|problem| problem.code).collect::<Vec<_>>(),
            [DENIED],
            "{path}: {error:?}"
        );
        assert!(error.problems[0].message.to_lowercase().contains("price"), "{path}: {error:?}");
    }
    assert_eq!(shop.value("select revision from draft.product").await, 6);
    shop.close().await;
}

#[tokio::test]
async fn a_copy_takes_the_right_to_see_the_other_and_has_what_may_be_written() {
    let shop = Shop::new().await;
    let fields = json!({"product": ["name", "variants"], "product_variant": ["sku"]});
    let own = json!({"name": {"startsWith": "C"}});
    let clerk =
        Clerk::new(&shop, &json!({"product": {"clerk": {"read_drafts": {"rows": own}, "create": {"fields": fields}}}}));
    let duplicate = async |clerk: &Clerk, id| {
        write::duplicate(&clerk.0, &HookSet::default(), &PRODUCT, id, &object(json!({}))).await
    };
    let input = |name: &str| {
        json!({
            "name": name, "price": {"amount": "1"}, "variants": {"create": [{"sku": name, "price": {"amount": "1"}}]}
        })
    };
    let chair = shop.create(&PRODUCT, input("Chair")).await.unwrap();
    let table = shop.create(&PRODUCT, input("Table")).await.unwrap();
    assert_eq!(problems(duplicate(&clerk, table).await), [(Code::NotFound, "id".into())]);
    let copy = duplicate(&clerk, chair).await.unwrap();
    assert_ne!(copy, chair);
    let sql = "select jsonb_agg(jsonb_build_array(p.name, p.price, v.sku, v.price) order by p.created_at, p.id)
        from draft.product p left join draft.product_variant v on v.parent_id = p.id where p.name = 'Chair'";
    let copied = shop.value(sql).await;
    assert_eq!(
        (&copied[1][0], &copied[1][1], &copied[1][3]),
        (&json!("Chair"), &json!(null), &json!(null)),
        "{copied}"
    );
    assert_eq!(copied[1][2], "Chair-copy", "{copied}");
    // A field that may be written but not read could be read in a published copy.
    let seen = json!({"fields": {"product": ["name", "variants"], "product_variant": ["sku"]}});
    let blind = Clerk::new(&shop, &json!({"product": {"clerk": {"read": {}, "read_drafts": seen, "create": {}}}}));
    let copy = duplicate(&blind, chair).await.unwrap();
    let sql = format!("select count(*) from draft.product where id = '{copy}' and name = 'Chair' and price is null");
    assert_eq!(shop.value(&sql).await, 1);
    let sql = format!("select count(*) from draft.product_variant where parent_id = '{copy}' and price is null");
    assert_eq!(shop.value(&sql).await, 1);
    let reader = Clerk::new(&shop, &json!({"product": {"clerk": {"read": {}, "create": {}}}}));
    assert_eq!(duplicate(&reader, chair).await.unwrap_err().problems[0].code, DENIED);
    let viewer = Clerk::new(&shop, &json!({"product": {"clerk": {"read_drafts": {}, "update": {}}}}));
    assert_eq!(duplicate(&viewer, chair).await.unwrap_err().problems[0].code, DENIED);
    shop.close().await;
}

#[tokio::test]
async fn many_are_published_by_whom_each_may_be_published() {
    let shop = Shop::new().await;
    let own = json!({"name": {"startsWith": "C"}});
    let clerk = Clerk::new(&shop, &json!({"product": {"clerk": {"read_drafts": {}, "publish": {"rows": own}}}}));
    let publish = async |ids: &[_]| write::publish_all(&clerk.0, &HookSet::default(), &PRODUCT, ids).await;
    let input = |name: &str| json!({"name": name, "price": {"amount": "1"}});
    let chair = shop.create(&PRODUCT, input("Chair")).await.unwrap();
    let table = shop.create(&PRODUCT, input("Table")).await.unwrap();
    assert_eq!(problems(publish(&[chair, table]).await), [(Code::NotFound, "ids.1".into())]);
    assert_eq!(shop.value("select count(*) from live.product").await, 0);
    publish(&[chair]).await.unwrap();
    assert!(publish(&[]).await.unwrap().is_empty());
    assert_eq!(shop.value("select count(*) from cms.outbox where kind = 'published'").await, 1);
    shop.close().await;
}

/// A type with a required relation to products.
static LINE: ContentInfo = ContentInfo {
    name: "Line",
    table: "line",
    former: &[],
    plural: "lines",
    drafts: true,
    counted: false,
    retention: runtime::content::Retention::DEFAULT,
    search: None,
    owner: None,
    path: &[],
    unique: &[],
    fields: &[
        FieldInfo::new("title", "title", Shape::Scalar(Kind::String)).required(),
        FieldInfo::new("product", "product", Shape::one(&[&PRODUCT], "Product", OnDelete::Restrict, &["product_id"]))
            .required_to_publish(),
        FieldInfo::new(
            "related",
            "related",
            Shape::many(&[&PRODUCT], "Product", OnDelete::Cascade, "line_related", &["target_id"]),
        )
        .required_to_publish(),
    ],
    inverses: &[],
    computed: &[],
    constraints: &[],
};

#[tokio::test]
async fn what_a_required_relation_refers_to_is_live_first_or_goes_along() {
    let types: &'static [&'static ContentInfo] = Box::leak([SHOP.types, &[&LINE]].concat().into_boxed_slice());
    let shop = Shop::of(schema(types, &json!({}))).await;
    let input = |name: &str| json!({"name": name, "price": {"amount": "1"}});
    let mut products = Vec::new();
    for name in ["Chair", "Table", "Stool"] {
        products.push(shop.create(&PRODUCT, input(name)).await.unwrap());
    }
    let of = |product: usize| json!({"id": id::encode("product", products[product])});
    let line = json!({"title": "Wood", "product": {"connect": of(0)}, "related": {"connect": [of(1), of(2)]}});
    let line = shop.create(&LINE, line).await.unwrap();
    let missing =
        |paths: &[&str]| paths.iter().map(|path| (Code::NotPublished, (*path).to_owned())).collect::<Vec<_>>();
    let found = write::publish_check(&shop.store, &LINE, line).await.unwrap();
    assert_eq!(found.iter().map(|problem| problem.code).collect::<Vec<_>>(), [Code::NotPublished; 2]);
    assert_eq!(found[0].details, Some(json!({"targets": [id::encode("product", products[0])]})));
    assert_eq!(problems(shop.publish(&LINE, line, 1).await), missing(&["product", "related"]));
    // One live target of a list is enough, since others are left out.
    shop.publish(&PRODUCT, products[2], 1).await.unwrap();
    assert_eq!(problems(shop.publish(&LINE, line, 1).await), missing(&["product"]));
    assert_eq!(
        problems(
            write::update(&shop.store, &HookSet::default(), &LINE, line, 1, &object(json!({"title": "Oak"})), true)
                .await
        ),
        missing(&["input.product"])
    );
    shop.publish(&PRODUCT, products[0], 1).await.unwrap();
    assert!(write::publish_check(&shop.store, &LINE, line).await.unwrap().is_empty());
    shop.publish(&LINE, line, 1).await.unwrap();
    // A target that is created and published with its line is accepted.
    let whole = json!({"title": "Ash", "product": {"create": input("Bench")}, "related": {"create": [input("Shelf")]}});
    write::create(&shop.store, &HookSet::default(), &LINE, &object(whole), true).await.unwrap();
    assert_eq!(shop.value("select count(*) from live.line").await, 2);
    shop.close().await;
}

#[tokio::test]
async fn an_entry_is_published_with_what_it_depends_on_if_all_of_it_may_be() {
    let types: &'static [&'static ContentInfo] = Box::leak([SHOP.types, &[&LINE]].concat().into_boxed_slice());
    let rules = json!({
        "line": {"clerk": {"read_drafts": {}, "publish": {}}},
        "product": {"clerk": {"read_drafts": {}, "publish": {"rows": {"name": {"startsWith": "C"}}}}},
    });
    let shop = Shop::of(schema(types, &rules)).await;
    let input = |name: &str| json!({"name": name, "price": {"amount": "1"}});
    let mut products = Vec::new();
    for name in ["Chair", "Table", "Couch"] {
        products.push(shop.create(&PRODUCT, input(name)).await.unwrap());
    }
    let of = |product: usize| json!({"id": id::encode("product", products[product])});
    let line =
        |related: usize| json!({"title": "Wood", "product": {"connect": of(0)}, "related": {"connect": [of(related)]}});
    let clerk = Clerk::new(&shop, &rules).0;
    let publish = async |line| write::publish_with_dependencies(&clerk, &HookSet::default(), &LINE, line, 1).await;
    let names = async |line| {
        let found = write::dependencies(&clerk, &LINE, line).await.unwrap();
        let mut names: Vec<String> = found.into_iter().filter_map(|dependency| dependency.title).collect();
        names.sort();
        names
    };
    // A table may not be published by the clerk.
    let closed = shop.create(&LINE, line(1)).await.unwrap();
    assert_eq!(names(closed).await, ["Chair"]);
    let refused = problems(publish(closed).await);
    assert_eq!(refused, [(Code::NotFound, id::encode("product", products[1]))]);
    assert_eq!(shop.value("select count(*) from live.product").await, 0);
    let open = shop.create(&LINE, line(2)).await.unwrap();
    assert_eq!(names(open).await, ["Chair", "Couch"]);
    publish(open).await.unwrap();
    assert_eq!(shop.value("select jsonb_agg(name order by name) from live.product").await, json!(["Chair", "Couch"]));
    assert_eq!(shop.value("select count(*) from live.line").await, 1);
    assert!(names(open).await.is_empty());
    let error = write::publish_with_dependencies(&clerk, &HookSet::default(), &LINE, open, 7).await.unwrap_err();
    assert_eq!(error.problems[0].code, Code::RevisionMismatch);
    shop.close().await;
}
