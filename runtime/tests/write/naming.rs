//! A lookup of an entry reveals data: a key requires the right to read its value, an id the right to see the entry.

use runtime::access::Identity;
use runtime::{Code, id};
use serde_json::json;

use crate::access::Clerk;
use crate::helpers::problems;
use crate::support::Shop;
use crate::support::schema::{PRODUCT, TAG};

#[tokio::test]
async fn an_entry_is_not_named_by_a_field_that_may_not_be_read() {
    let shop = Shop::new().await;
    let without_slug = json!({"tag": ["name"]});
    let without_sku = json!({"product": ["name", "slug", "variants"], "product_variant": ["price"]});
    let clerk = Clerk::new(
        &shop,
        &json!({
            "product": {"clerk": {"read_drafts": {"fields": without_sku}, "create": {}, "update": {}}},
            "tag": {"clerk": {"read": {"fields": without_slug}, "read_drafts": {"fields": without_slug}, "create": {}, "update": {}}},
        }),
    );
    assert!(matches!(clerk.0.access.actor.identity, Identity::User { .. }));
    let tag = shop.create(&TAG, json!({"name": "Hidden", "slug": "hidden"})).await.unwrap();
    let chair = json!({"name": "Chair", "variants": {"create": [{"sku": "a"}]}});
    let chair = shop.create(&PRODUCT, chair).await.unwrap();
    for slug in ["hidden", "nothing"] {
        let forbidden = |path: &str| [(Code::Forbidden, path.to_owned())];
        let input = json!({"name": "Seat", "tags": {"connect": [{"slug": slug}]}});
        assert_eq!(problems(clerk.create(&PRODUCT, input, false).await), forbidden("input.tags.connect.0"));
        let item = json!([{"key": {"slug": slug}, "data": {"name": "Seen"}}]);
        assert_eq!(problems(clerk.upsert(&TAG, item, false).await), forbidden("input.0.key"));
        let row = json!({"variants": {"update": [{"key": {"sku": slug}, "data": {}}]}});
        assert_eq!(
            problems(clerk.update(&PRODUCT, (chair, 1), row, false).await),
            forbidden("input.variants.update.0.key")
        );
    }
    // It cannot be hidden that a value is taken, but its owner can.
    let error = clerk.create(&TAG, json!({"name": "Other", "slug": "hidden"}), false).await.unwrap_err();
    assert_eq!(error.problems[0].code, Code::Conflict);
    let told = format!("{error:?}");
    assert!(!told.contains("Hidden") && !told.contains(&id::encode("tag", tag)), "{told}");
    let input = json!({"name": "Seat", "tags": {"connect": [{"id": id::encode("tag", tag)}]}});
    clerk.create(&PRODUCT, input, false).await.unwrap();
    shop.close().await;
}

#[tokio::test]
async fn an_entry_is_named_by_what_is_live_where_drafts_are_not_read() {
    let shop = Shop::new().await;
    let rules = json!({
        "product": {"clerk": {"read": {}}},
        "post": {"clerk": {"read_drafts": {}, "create": {}}},
    });
    let clerk = Clerk::new(&shop, &rules);
    let input = json!({"name": "Chair", "slug": "chair", "price": {"amount": "1"}});
    let chair = shop.create_live(&PRODUCT, input).await.unwrap();
    shop.update(&PRODUCT, chair, 1, json!({"slug": "secret-plan"})).await.unwrap();
    let about = |slug: &str| json!({"title": slug, "product": {"connect": {"slug": slug}}});
    let post = &crate::support::schema::POST;
    assert_eq!(
        problems(clerk.create(post, about("secret-plan"), false).await),
        [(Code::NotFound, "input.product.connect".into())]
    );
    clerk.create(post, about("chair"), false).await.unwrap();
    assert_eq!(shop.value("select product_id from draft.post").await, json!(chair.to_string()));
    shop.close().await;
}

#[tokio::test]
async fn who_reads_no_drafts_writes_only_what_is_live() {
    let shop = Shop::new().await;
    let rules = json!({"product": {"clerk": {"read": {}, "update": {}, "publish": {}, "delete": {}}}});
    let clerk = Clerk::new(&shop, &rules);
    let input = |name: &str| json!({"name": name, "price": {"amount": "1"}});
    let live = shop.create_live(&PRODUCT, input("Chair")).await.unwrap();
    let draft = shop.create(&PRODUCT, input("Secret plan")).await.unwrap();
    for denied in [
        clerk.update(&PRODUCT, (draft, 1), json!({"name": "Renamed"}), false).await,
        clerk.update(&PRODUCT, (draft, 1), json!({"name": "Renamed"}), true).await,
        clerk.publish(&PRODUCT, (draft, 1)).await,
        clerk.unpublish(&PRODUCT, (draft, 1)).await,
        clerk.delete(&PRODUCT, (draft, 1)).await,
    ] {
        assert_eq!(problems(denied), [(Code::NotFound, "id".into())]);
    }
    clerk.update(&PRODUCT, (live, 1), json!({"name": "Seat"}), false).await.unwrap();
    assert_eq!(shop.values("select name from draft.product order by name").await, ["Seat", "Secret plan"]);
    shop.close().await;
}
