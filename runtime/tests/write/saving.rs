//! Creating, updating and upserting entries with all kinds of fields.

use runtime::Code;
use runtime::content::ContentInfo;
use serde_json::{Value as Json, json};

use crate::helpers::{object, problems};
use crate::support::Shop;
use crate::support::schema::{BRAND, CATEGORY, MEDIA, POST, PRODUCT, TAG};

/// Fails to compile if the future is not `Send`, since a server runs it on any of its threads.
fn sendable<T: Send>(future: T) -> T {
    future
}

#[tokio::test]
async fn every_kind_of_field_is_stored_and_read_back() {
    let shop = Shop::new().await;
    shop.create(&MEDIA, json!({"url": "https://example.org/a.jpg"})).await.unwrap();
    shop.create(&BRAND, json!({"name": "Acme"})).await.unwrap();
    let input = json!({
        "name": "Crème brûlée", "sku": "CB-1", "summary": "Sweet", "description": "# Sweet\n",
        "price": {"amount": "12.50"}, "stock": 7, "views": "9007199254740993", "weight": "1.250", "featured": true,
        "releasedOn": "2026-01-31", "opensAt": "09:30", "seenAt": "2026-01-31T10:30:00+01:00", "assembly": "PT1H30M",
        "contact": "ann@example.org", "homepage": "https://example.org", "accent": "#FFAA00",
        "attributes": {"power": 3, "nested": ["x", null]}, "stockStatus": "LOW", "colors": ["BLUE", "RED", "BLUE"],
        "brand": {"connect": {"slug": "acme"}},
        "categories": {"create": [{"name": "Food"}, {"name": "Sweets", "parent": {"create": {"name": "All"}}}]},
        "tags": {"create": [{"name": "New"}]},
        "seo": {"title": "Cream", "image": {"url": "https://example.org/a.jpg"}},
        "openingHours": [{"day": "Monday", "opens": "08:00", "fee": {"amountMinor": "500", "currency": "JPY"}}],
        "body": [{"text": {"body": "Hello"}}, {"gallery": {"images": [{"url": "https://example.org/a.jpg"}]}}],
        "variants": {"set": [{"sku": "CB-1-S", "price": {"amount": "5"}}, {"sku": "CB-1-L", "images": {"connect": [{"url": "https://example.org/a.jpg"}]}}]},
    });
    let id = sendable(shop.create(&PRODUCT, input.clone())).await.unwrap();
    let row =
        shop.value("select to_jsonb(t) - 'created_at' - 'updated_at' - 'id' - 'brand_id' from draft.product t").await;
    let media = shop.value("select id from draft.media").await;
    assert_eq!(
        row,
        json!({
            "revision": 1, "published_at": null, "first_published_at": null, "created_by": null, "updated_by": null,
            "published_by": null,
            "name": "Crème brûlée", "slug": "creme-brulee", "sku": "CB-1",
            "summary": "Sweet", "description": "# Sweet\n", "price": 1250, "price_currency": "EUR", "stock": 7,
            "views": 9_007_199_254_740_993_i64, "weight": runtime::json::parse(b"1.250").unwrap(), "featured": true, "released_on": "2026-01-31",
            "opens_at": "09:30:00", "seen_at": "2026-01-31T09:30:00+00:00", "assembly": 5_400_000,
            "contact": "ann@example.org", "homepage": "https://example.org/", "accent": "#ffaa00",
            "attributes": {"power": 3, "nested": ["x", null]}, "stock_status": "low", "colors": ["blue", "red"],
            "seo": {"_type": "seo", "title": "Cream", "no_index": false, "image": media},
            "opening_hours": [{"_type": "opening_hours", "day": "Monday", "opens": "08:00:00",
                "fee": {"amountMinor": "500", "currency": "JPY"}}],
            "body": [{"_type": "text", "body": "Hello"}, {"_type": "gallery", "images": [media]}],
        })
    );
    let categories =
        "select c.slug from draft.product_categories j join draft.category c on c.id = j.target_id order by j.position";
    assert_eq!(shop.values(categories).await, ["food", "sweets"]);
    assert_eq!(
        shop.values("select p.slug from draft.category c join draft.category p on p.id = c.parent_id").await,
        ["all"]
    );
    assert_eq!(shop.values("select name from live.tag").await, ["New"], "types without drafts are live at once");
    assert_eq!(shop.values("select sku from draft.product_variant order by position").await, ["CB-1-S", "CB-1-L"]);
    assert_eq!(shop.value("select count(*) from live.product").await, 0);

    // Saving the same values changes nothing; a difference adds one revision.
    let same = json!({"seo": input["seo"], "price": input["price"], "colors": ["BLUE", "RED"], "opensAt": "09:30:00", "weight": "1.250",
        "seenAt": "2026-01-31T09:30:00Z", "attributes": {"nested": ["x", null], "power": 3}, "body": input["body"],
        "variants": {"set": [{"sku": "CB-1-S", "price": {"amountMinor": "500"}}, {"sku": "CB-1-L"}]}});
    shop.update(&PRODUCT, id, 1, same).await.unwrap();
    assert_eq!(shop.value("select revision from draft.product").await, 1);
    shop.update(&PRODUCT, id, 1, json!({"variants": {"set": [{"sku": "CB-1-L"}]}, "brand": null, "tags": null}))
        .await
        .unwrap();
    assert_eq!(shop.value("select revision from draft.product").await, 2);
    assert_eq!(shop.values("select sku from draft.product_variant").await, ["CB-1-L"]);
    assert_eq!(
        shop.value("select count(*) from draft.product_variant_images").await,
        1,
        "a kept row keeps its relations"
    );
    assert_eq!(shop.value("select brand_id from draft.product").await, json!(null));
    assert_eq!(shop.value("select count(*) from draft.product_tags").await, 0);
    shop.close().await;
}

#[tokio::test]
async fn an_update_needs_the_current_revision() {
    let shop = Shop::new().await;
    let id = shop.create(&BRAND, json!({"name": "Acme"})).await.unwrap();
    shop.update(&BRAND, id, 1, json!({"name": "Acme & Sons"})).await.unwrap();
    let error = shop.update(&BRAND, id, 1, json!({"name": "Other"})).await.unwrap_err();
    assert_eq!(error.problems[0].code, Code::RevisionMismatch);
    let details = error.problems[0].details.clone().unwrap();
    assert_eq!((&details["expected"], &details["actual"]), (&json!(1), &json!(2)));
    assert_eq!(shop.value("select name from draft.brand").await, "Acme & Sons");
    assert_eq!(
        problems(shop.update(&BRAND, uuid::Uuid::now_v7(), 1, json!({})).await),
        [(Code::NotFound, "id".into())]
    );
    shop.close().await;
}

#[tokio::test]
async fn slugs_made_of_names_step_aside_and_given_ones_do_not() {
    let shop = Shop::new().await;
    for _ in 0..3 {
        shop.create(&BRAND, json!({"name": "Acme Ltd."})).await.unwrap();
    }
    shop.create(&BRAND, json!({"name": "¿?"})).await.unwrap();
    let slugs = shop.values("select slug from draft.brand order by id").await;
    assert_eq!(slugs, ["acme-ltd", "acme-ltd-2", "acme-ltd-3", "brand"]);
    let error = shop.create(&BRAND, json!({"name": "Other", "slug": "acme-ltd"})).await.unwrap_err();
    assert_eq!(error.problems[0].code, Code::Conflict);
    assert_eq!(error.problems[0].details.as_ref().unwrap()["entry"]["title"], "Acme Ltd.");
    let both = json!([
        {"key": {"slug": "new"}, "data": {"name": "Acme Ltd."}},
        {"key": {"slug": "acme-ltd-4"}, "data": {"name": "Four"}},
    ]);
    shop.upsert(&BRAND, both).await.unwrap();
    let id = shop.create(&BRAND, json!({"name": "Acme Ltd."})).await.unwrap();
    assert_eq!(shop.value(&format!("select slug from draft.brand where id = '{id}'")).await, "acme-ltd-5");
    shop.close().await;
}

#[tokio::test]
async fn an_upsert_is_all_or_nothing_and_says_which_item() {
    let shop = Shop::new().await;
    shop.create(&BRAND, json!({"name": "Acme"})).await.unwrap();
    let items = json!([
        {"key": {"slug": "acme"}, "revision": 4, "data": {"name": "x".repeat(61)}},
        {"key": {"slug": "bravo"}, "data": {"name": "Bravo"}},
        {"key": {"slug": "bravo"}, "data": {"name": "Bravo again"}},
        {"key": {"slug": "charly"}, "data": {}},
    ]);
    let expected = [
        (Code::InvalidValue, "input.0.data.name".to_owned()),
        (Code::RevisionMismatch, "input.0.revision".into()),
        (Code::Conflict, "input.2.key".into()),
        (Code::InvalidValue, "input.3.data.name".into()),
    ];
    assert_eq!(problems(shop.upsert(&BRAND, items).await), expected);
    assert_eq!(shop.values("select slug from draft.brand").await, ["acme"]);
    let items = json!([
        {"key": {"slug": "bravo"}, "data": {"name": "Bravo"}},
        {"key": {"slug": "acme"}, "revision": 1, "data": {"name": "Acme 2"}},
    ]);
    let ids = shop.upsert(&BRAND, items.clone()).await.unwrap();
    assert_eq!(shop.upsert(&BRAND, json!([items[0]])).await.unwrap(), ids[..1]);
    assert_eq!(shop.values("select name from draft.brand order by slug").await, ["Acme 2", "Bravo"]);
    shop.close().await;
}

#[tokio::test]
async fn fields_that_are_unique_together_are_told_with_the_entry_that_has_them() {
    let shop = Shop::new().await;
    let product = json!({"create": {"name": "Chair"}});
    shop.create(&POST, json!({"title": "One", "rank": 1, "product": product})).await.unwrap();
    let again = json!({"title": "Two", "rank": 1, "product": {"connect": {"slug": "chair"}}});
    assert_eq!(problems(shop.create(&POST, again).await), [(Code::Conflict, "input.rank".into())]);
    shop.create(&POST, json!({"title": "Nulls differ", "rank": 1})).await.unwrap();
    shop.create(&POST, json!({"title": "Nulls differ", "rank": 1})).await.unwrap();
    shop.close().await;
}

/// The message of the first problem.
fn message<T: std::fmt::Debug>(result: runtime::Result<T>) -> String {
    result.unwrap_err().problems.remove(0).message
}

#[tokio::test]
async fn a_unique_index_is_asked_for_with_all_else_that_is_wrong() {
    let shop = Shop::new().await;
    let chair = |slug: &str, more: Json| {
        let mut input = json!({"name": "Chair", "slug": slug, "releasedOn": "2026-05-01"});
        input.as_object_mut().unwrap().extend(object(more));
        input
    };
    shop.create(&PRODUCT, chair("first", json!({"sku": "A"}))).await.unwrap();
    let again = shop.create(&PRODUCT, chair("again", json!({"sku": "A", "stock": -1}))).await;
    let expected = [
        (Code::Conflict, "input.name".to_owned()),
        (Code::Conflict, "input.sku".into()),
        (Code::InvalidValue, "input.stock".into()),
    ];
    assert_eq!(problems(again), expected);
    let again = shop.create(&PRODUCT, chair("again", json!({}))).await;
    let message = message(again);
    assert!(
        message.starts_with("this name with the same releasedOn belongs to another Product: product_"),
        "{message}"
    );
    assert!(message.ends_with("“Chair”"), "{message}");
    // A generated slug does not make the entry different.
    let again = shop.create(&PRODUCT, json!({"name": "Chair", "releasedOn": "2026-05-01"})).await;
    assert_eq!(problems(again), [(Code::Conflict, "input.name".into())]);
    // Nulls are never equal, and one of the two values may be the same.
    for input in
        [json!({"name": "Chair"}), json!({"name": "Chair"}), json!({"name": "Sofa", "releasedOn": "2026-05-01"})]
    {
        shop.create(&PRODUCT, input).await.unwrap();
    }
    let sofa = shop.value("select id from draft.product where name = 'Sofa'").await;
    let sofa = sofa.as_str().unwrap().parse().unwrap();
    let renamed = shop.update(&PRODUCT, sofa, 1, json!({"name": "Chair"})).await;
    assert_eq!(problems(renamed), [(Code::Conflict, "input.name".into())]);
    shop.update(&PRODUCT, sofa, 1, json!({"name": "Chair", "releasedOn": "2026-06-01"})).await.unwrap();
    let item = |slug: &str| json!({"key": {"slug": slug}, "data": {"name": "Bed", "releasedOn": "2026-05-01"}});
    let twice = shop.upsert(&PRODUCT, json!([item("bed"), item("bed-2")])).await;
    assert_eq!(problems(twice), [(Code::Conflict, "input.1.data.name".into())]);
    shop.close().await;
}

#[tokio::test]
async fn values_move_between_rows_of_one_entry() {
    let shop = Shop::new().await;
    let id = shop
        .create(&PRODUCT, json!({"name": "Chair", "variants": {"create": [{"sku": "A"}, {"sku": "B"}]}}))
        .await
        .unwrap();
    let swap = json!({"variants": {"delete": [{"sku": "A"}], "create": [{"sku": "C"}], "update": [{"key": {"sku": "B"}, "data": {"sku": "D"}}]}});
    shop.update(&PRODUCT, id, 1, swap).await.unwrap();
    let again = json!({"variants": {"delete": [{"sku": "C"}]}});
    shop.update(&PRODUCT, id, 2, again).await.unwrap();
    let renewed = json!({"variants": {"delete": [{"sku": "D"}], "create": [{"sku": "E"}]}});
    shop.update(&PRODUCT, id, 3, renewed).await.unwrap();
    assert_eq!(shop.values("select sku from draft.product_variant").await, ["E"]);
    let missing = json!({"variants": {"delete": [{"sku": "X"}], "update": [{"key": {"sku": "Y"}, "data": {}}]}});
    let expected = [
        (Code::NotFound, "input.variants.delete.0".to_owned()),
        (Code::NotFound, "input.variants.update.0.key".into()),
    ];
    assert_eq!(problems(shop.update(&PRODUCT, id, 4, missing).await), expected);
    shop.close().await;
}

#[tokio::test]
async fn a_list_of_keys_can_be_set_extended_and_shortened() {
    let shop = Shop::new().await;
    let types: [&'static ContentInfo; 2] = [&TAG, &CATEGORY];
    for info in types {
        for name in ["A", "B", "C"] {
            shop.create(info, json!({"name": name})).await.unwrap();
        }
    }
    let id = shop
        .create(&PRODUCT, json!({"name": "Chair", "tags": {"connect": [{"slug": "b"}, {"slug": "a"}, {"slug": "b"}]}}))
        .await
        .unwrap();
    let tags = "select t.slug from draft.product_tags j join draft.tag t on t.id = j.target_id order by j.position";
    assert_eq!(shop.values(tags).await, ["b", "a"]);
    let change =
        json!({"tags": {"connect": [{"slug": "c"}], "disconnect": [{"slug": "b"}], "create": [{"name": "D"}]}});
    shop.update(&PRODUCT, id, 1, change).await.unwrap();
    assert_eq!(shop.values(tags).await, ["a", "c", "d"]);
    shop.update(&PRODUCT, id, 2, json!({"tags": {"set": [{"slug": "d"}, {"slug": "a"}]}})).await.unwrap();
    assert_eq!(shop.values(tags).await, ["d", "a"]);
    let post =
        shop.create(&POST, json!({"title": "P", "about": {"product": {"connect": {"slug": "chair"}}}})).await.unwrap();
    let related = json!({"related": {"set": [{"post": {"id": runtime::id::encode("post", post)}}, {"product": {"slug": "chair"}}]}});
    shop.update(&PRODUCT, id, 3, related).await.unwrap();
    let related =
        "select case when post_id is null then 'product' else 'post' end from draft.product_related order by position";
    assert_eq!(shop.values(related).await, ["post", "product"]);
    let wrong = json!({"tags": {"connect": [{"slug": "x"}, {"name": "A"}], "keep": []}, "about": 1, "brand": {"connect": {"slug": "x"}, "create": {}}});
    let expected = [
        (Code::BadUserInput, "input.about".to_owned()),
        (Code::BadUserInput, "input.brand".into()),
        (Code::NotFound, "input.tags.connect.0".into()),
        (Code::BadUserInput, "input.tags.connect.1".into()),
        (Code::BadUserInput, "input.tags.keep".into()),
    ];
    assert_eq!(problems(shop.update(&PRODUCT, id, 4, wrong).await), expected);
    shop.close().await;
}

#[tokio::test]
async fn a_row_that_is_set_is_another_one_when_its_key_is_another() {
    let shop = Shop::new().await;
    let variants =
        |skus: [&str; 2]| json!({"variants": {"set": skus.map(|sku| json!({"sku": sku, "options": {"of": sku}}))}});
    let mut input = variants(["A", "B"]);
    input["name"] = "Chair".into();
    let id = shop.create(&PRODUCT, input).await.unwrap();
    let ids = async || shop.values("select id from draft.product_variant order by sku").await;
    let first = ids().await;
    shop.update(&PRODUCT, id, 1, variants(["C", "B"])).await.unwrap();
    let second = ids().await;
    assert_eq!(second[0], first[1], "B is B");
    assert!(!first.contains(&second[1]), "C is not A");
    assert_eq!(shop.values("select sku from draft.product_variant order by position").await, ["C", "B"]);
    shop.close().await;
}
