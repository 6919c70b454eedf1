//! Each rule of the schema rejects invalid values with their path, all at once.

use runtime::Code;
use serde_json::{Value as Json, json};

use crate::helpers::problems;
use crate::support::Shop;
use crate::support::schema::PRODUCT;

#[tokio::test]
async fn all_that_is_wrong_is_told_at_once() {
    let shop = Shop::new().await;
    let input = json!({
        "name": "", "slug": "Not A Slug", "sku": "lower", "summary": "ab", "stock": 1001, "views": "1.5", "weight": "99.6",
        "releasedOn": "1999-12-31", "opensAt": "25:00", "seenAt": "yesterday", "assembly": "PT8H1S", "contact": "nobody",
        "homepage": "ftp://x", "accent": "red", "attributes": {"power": "high"}, "stockStatus": "GONE",
        "colors": ["RED", "BLUE", "DARK_GREEN"], "price": {"amount": "-1"}, "featured": "yes", "unknown": 1,
        "seo": {"title": "x".repeat(21), "keywords": "a"}, "openingHours": [{"day": "Monday"}, {"opens": "8"}],
        "body": [{"text": {}}, {"text": {"body": "a"}, "gallery": {}}, {"video": {}}],
        "variants": {"create": [{"sku": "A"}, {"price": {"amount": "1", "currency": "GBP"}}, {"sku": "A"}]},
        "brand": {"connect": {"slug": "nobody"}},
    });
    let invalid = |path: &str| (Code::InvalidValue, format!("input.{path}"));
    let malformed = |path: &str| (Code::BadUserInput, format!("input.{path}"));
    let mut expected = vec![
        invalid("accent"),
        invalid("assembly"),
        invalid("attributes"),
        invalid("body.0.text.body"),
        malformed("body.1"),
        malformed("body.2"),
        (Code::NotFound, "input.brand.connect".into()),
        invalid("colors"),
        invalid("contact"),
        invalid("featured"),
        invalid("homepage"),
        invalid("name"),
        invalid("openingHours.1.opens"),
        invalid("opensAt"),
        invalid("price"),
        invalid("releasedOn"),
        invalid("seenAt"),
        malformed("seo.keywords"),
        invalid("sku"),
        invalid("slug"),
        invalid("stock"),
        invalid("stockStatus"),
        invalid("summary"),
        malformed("unknown"),
        invalid("variants.create.1.price"),
        invalid("variants.create.1.sku"),
        (Code::Conflict, "input.variants.create.2.sku".into()),
        invalid("views"),
        invalid("weight"),
    ];
    // A list with an item that cannot be parsed is not validated further, so its other items report nothing yet.
    expected.retain(|(_, path)| path != "input.body.0.text.body");
    assert_eq!(problems(shop.create(&PRODUCT, input).await), expected);
    assert_eq!(shop.value("select count(*) from draft.product").await, 0);
    shop.close().await;
}

#[tokio::test]
async fn components_are_checked_where_they_are() {
    let shop = Shop::new().await;
    let input = json!({
        "name": "Chair", "seo": {"noIndex": true}, "openingHours": [{"day": "Monday"}, {"opens": "08:00"}],
        "body": [{"text": {}}, {"gallery": {"seo": {"title": "x".repeat(21)}, "images": [{"url": "https://example.org/no"}]}}],
    });
    let expected = [
        (Code::NotFound, "input.body.1.gallery.images.0".to_owned()),
        (Code::InvalidValue, "input.openingHours.1.day".into()),
        (Code::InvalidValue, "input.seo.title".into()),
    ];
    assert_eq!(problems(shop.create(&PRODUCT, input).await), expected);
    let input = json!({"name": "Chair", "body": [{"text": {}}, {"gallery": {"seo": {"title": "x".repeat(21)}}}]});
    let expected = [
        (Code::InvalidValue, "input.body.0.text.body".to_owned()),
        (Code::InvalidValue, "input.body.1.gallery.seo.title".into()),
    ];
    assert_eq!(problems(shop.create(&PRODUCT, input).await), expected);
    shop.close().await;
}

#[tokio::test]
async fn what_is_required_cannot_be_cleared() {
    let shop = Shop::new().await;
    let id = shop.create(&PRODUCT, json!({"name": "Chair"})).await.unwrap();
    let clear = json!({"name": null, "stockStatus": null, "summary": null, "price": null});
    let expected = [(Code::InvalidValue, "input.name".to_owned()), (Code::InvalidValue, "input.stockStatus".into())];
    assert_eq!(problems(shop.update(&PRODUCT, id, 1, clear).await), expected);
    // A generated slug is generated again when it is cleared.
    shop.update(&PRODUCT, id, 1, json!({"name": "Table", "slug": null})).await.unwrap();
    assert_eq!(shop.value("select slug from draft.product").await, "table");
    shop.close().await;
}

#[tokio::test]
async fn rules_that_came_later_do_not_refuse_other_changes() {
    let shop = Shop::new().await;
    let id = shop.create(&PRODUCT, json!({"name": "Chair", "summary": "A chair"})).await.unwrap();
    sqlx::query("update draft.product set summary = 'x'").execute(&shop.store.writes).await.unwrap();
    shop.update(&PRODUCT, id, 1, json!({"stock": 1})).await.unwrap();
    let expected = [(Code::InvalidValue, "price".to_owned()), (Code::InvalidValue, "summary".into())];
    assert_eq!(problems(shop.publish(&PRODUCT, id, 2).await), expected);
    shop.close().await;
}

#[tokio::test]
async fn texts_that_postgresql_cannot_hold_are_refused() {
    let shop = Shop::new().await;
    let input: Json = json!({"name": "a\u{0}b", "attributes": {"a": "\u{0}"}, "seo": {"title": "\u{0}"}});
    let paths: Vec<_> = problems(shop.create(&PRODUCT, input).await).into_iter().map(|(_, path)| path).collect();
    assert_eq!(paths, ["input.attributes", "input.name", "input.seo.title"]);
    shop.close().await;
}
