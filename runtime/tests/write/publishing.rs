//! Publishing copies the saved entry with its children and relations, and nothing else.

use runtime::Code;
use serde_json::{Value as Json, json};

use crate::helpers::problems;
use crate::support::Shop;
use crate::support::schema::{BRAND, CATEGORY, POST, PRODUCT};

/// The products of a stage without timestamps.
async fn products(shop: &Shop, stage: &str) -> Vec<Json> {
    let sql = format!(
        "select jsonb_build_array(to_jsonb(p) - 'updated_at', \
            (select coalesce(jsonb_agg(to_jsonb(v) || (select jsonb_build_object('images', coalesce(jsonb_agg(i.target_id order by i.position), '[]')) \
                from {stage}.product_variant_images i where i.owner_id = v.id) order by v.position), '[]') from {stage}.product_variant v where v.parent_id = p.id), \
            (select coalesce(jsonb_agg(j.target_id order by j.position), '[]') from {stage}.product_tags j where j.owner_id = p.id), \
            (select coalesce(jsonb_agg(coalesce(j.post_id, j.product_id) order by j.position), '[]') from {stage}.product_related j where j.owner_id = p.id)) \
        from {stage}.product p order by p.id"
    );
    shop.values(&sql).await
}

/// When the product that is live was published; as its draft says too.
async fn published(shop: &Shop) -> Json {
    let of = "select jsonb_build_object('last', published_at, 'first', first_published_at) from";
    let live = shop.value(&format!("{of} live.product")).await;
    assert_eq!(shop.value(&format!("{of} draft.product")).await, live);
    live
}

#[tokio::test]
async fn publishing_copies_the_entry_with_all_that_it_owns() {
    let shop = Shop::new().await;
    let post = shop.create(&POST, json!({"title": "P"})).await.unwrap();
    let input = json!({
        "name": "Chair", "price": {"amount": "9.99"}, "tags": {"create": [{"name": "A"}, {"name": "B"}]},
        "related": {"connect": [{"post": {"id": runtime::id::encode("post", post)}}]}, "seo": {"title": "T"},
        "variants": {"create": [{"sku": "1", "price": {"amount": "1"}, "images": {"create": [{"url": "/a.jpg"}]}}, {"sku": "2", "price": {"amount": "2"}}]},
    });
    let id = shop.create(&PRODUCT, input).await.unwrap();
    assert!(products(&shop, "live").await.is_empty());
    shop.publish(&PRODUCT, id, 1).await.unwrap();
    assert_eq!(products(&shop, "live").await, products(&shop, "draft").await);
    let first = published(&shop).await;
    assert_eq!(first["last"], first["first"]);
    assert_ne!(first["first"], Json::Null);

    // A change is live only once published, and then completely; the time of the first publication stays.
    let change = json!({"name": "Big chair", "variants": {"set": [{"sku": "2"}, {"sku": "3", "price": {"amount": "3"}}]}, "tags": {"disconnect": [{"slug": "a"}]}});
    shop.update(&PRODUCT, id, 1, change).await.unwrap();
    assert_eq!(shop.value("select name || revision from live.product").await, "Chair1");
    assert_eq!(problems(shop.publish(&PRODUCT, id, 1).await), [(Code::RevisionMismatch, "revision".into())]);
    shop.publish(&PRODUCT, id, 2).await.unwrap();
    assert_eq!(products(&shop, "live").await, products(&shop, "draft").await);
    let second = published(&shop).await;
    assert_eq!(second["first"], first["first"]);
    assert!(second["last"].as_str() > first["last"].as_str(), "{second}");
    shop.publish(&PRODUCT, id, 2).await.unwrap();
    assert_eq!(published(&shop).await, second, "nothing is published again");

    // A row of a server that did not know the two moments apart has only one.
    for (stage, revision) in [("draft", 3), ("live", 2)] {
        let sql = format!(
            "update {stage}.product set published_at = '2020-01-01', first_published_at = null, revision = {revision}"
        );
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&shop.db.pool).await.unwrap();
    }
    shop.publish(&PRODUCT, id, 3).await.unwrap();
    let third = published(&shop).await;
    assert!(third["first"].as_str().unwrap().starts_with("2020-01-01"), "{third}");
    assert!(third["last"].as_str() > second["last"].as_str(), "{third}");
    let change = json!({"name": "Huge chair"});
    shop.update_live(&PRODUCT, id, 3, change).await.unwrap();
    let fourth = published(&shop).await;
    assert_eq!(fourth["first"], third["first"]);
    assert!(fourth["last"].as_str() > third["last"].as_str(), "{fourth}");

    shop.unpublish(&PRODUCT, id, 4, false).await.unwrap();
    for table in ["product", "product_variant", "product_tags", "product_related", "product_variant_images"] {
        assert_eq!(shop.value(&format!("select count(*) from live.{table}")).await, 0, "{table}");
    }
    shop.unpublish(&PRODUCT, id, 4, false).await.unwrap();
    shop.close().await;
}

#[tokio::test]
async fn what_is_required_to_publish_is_asked_for_then() {
    let shop = Shop::new().await;
    let input = json!({"name": "Chair", "variants": {"create": [{"sku": "1"}]}});
    let expected =
        [(Code::InvalidValue, "input.price".to_owned()), (Code::InvalidValue, "input.variants.create.0.price".into())];
    assert_eq!(problems(shop.create_live(&PRODUCT, input.clone()).await), expected);
    let id = shop.create(&PRODUCT, input).await.unwrap();
    let expected = [(Code::InvalidValue, "price".to_owned()), (Code::InvalidValue, "variants.0.price".into())];
    assert_eq!(problems(shop.publish(&PRODUCT, id, 1).await), expected);
    shop.close().await;
}

#[tokio::test]
async fn publishing_never_loses_relations_that_point_at_the_entry() {
    let shop = Shop::new().await;
    let brand = shop.create_live(&BRAND, json!({"name": "Acme"})).await.unwrap();
    let price = json!({"amount": "1"});
    shop.create_live(&PRODUCT, json!({"name": "Chair", "price": price, "brand": {"connect": {"slug": "acme"}}}))
        .await
        .unwrap();
    shop.update(&BRAND, brand, 1, json!({"name": "Acme 2"})).await.unwrap();
    shop.publish(&BRAND, brand, 2).await.unwrap();
    let joined = "select b.name from live.product p join live.brand b on b.id = p.brand_id";
    assert_eq!(shop.values(joined).await, ["Acme 2"]);
    shop.close().await;
}

#[tokio::test]
async fn a_value_that_is_live_elsewhere_is_a_conflict_that_names_its_entry() {
    let shop = Shop::new().await;
    let a = shop.create_live(&BRAND, json!({"name": "A"})).await.unwrap();
    let b = shop.create_live(&BRAND, json!({"name": "B"})).await.unwrap();
    shop.update(&BRAND, a, 1, json!({"slug": "c"})).await.unwrap();
    shop.update(&BRAND, b, 1, json!({"slug": "a"})).await.unwrap();
    let error = shop.publish(&BRAND, b, 2).await.unwrap_err();
    assert_eq!(error.problems[0].code, Code::Conflict);
    let entry = json!({"entry": {"id": runtime::id::encode("brand", a), "title": "A"}});
    assert_eq!(error.problems[0].details, Some(entry));
    shop.publish(&BRAND, a, 2).await.unwrap();
    shop.publish(&BRAND, b, 2).await.unwrap();
    assert_eq!(shop.values("select slug from live.brand order by name").await, ["c", "a"]);
    shop.close().await;
}

#[tokio::test]
async fn unpublishing_what_others_point_at_asks_first() {
    let shop = Shop::new().await;
    let brand = shop.create_live(&BRAND, json!({"name": "Acme"})).await.unwrap();
    let input = json!({"name": "Chair", "price": {"amount": "1"}, "brand": {"connect": {"slug": "acme"}}});
    let product = shop.create_live(&PRODUCT, input).await.unwrap();
    let error = shop.unpublish(&BRAND, brand, 1, false).await.unwrap_err();
    assert_eq!(error.problems[0].code, Code::Referenced);
    let references =
        json!([{"type": "Product", "id": runtime::id::encode("product", product), "field": "brand", "title": "Chair"}]);
    assert_eq!(error.problems[0].details.as_ref().unwrap()["references"], references);
    shop.unpublish(&BRAND, brand, 1, true).await.unwrap();
    assert_eq!(shop.value("select count(*) from live.brand").await, 0);
    shop.publish(&BRAND, brand, 1).await.unwrap();
    shop.unpublish(&PRODUCT, product, 1, false).await.unwrap();
    shop.unpublish(&BRAND, brand, 1, false).await.unwrap();
    shop.close().await;
}

#[tokio::test]
async fn a_branch_of_a_tree_is_unpublished_with_its_root() {
    let shop = Shop::new().await;
    let parent = json!({"create": {"name": "Men"}});
    shop.create_live(&CATEGORY, json!({"name": "Tops", "parent": parent})).await.unwrap();
    assert_eq!(shop.values("select slug from live.category order by slug").await, ["men", "tops"]);
    let men = shop.value("select id from draft.category where slug = 'men'").await;
    let men = men.as_str().unwrap().parse().unwrap();
    shop.unpublish(&CATEGORY, men, 1, false).await.unwrap();
    assert_eq!(shop.value("select count(*) from live.category").await, 0);
    assert_eq!(shop.value("select count(*) from draft.category").await, 2);
    shop.close().await;
}
