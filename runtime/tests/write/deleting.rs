//! Deleting treats references to the entry as each relation declares, in both stages.

use runtime::Code;
use serde_json::json;

use crate::helpers::problems;
use crate::support::Shop;
use crate::support::schema::{BRAND, CATEGORY, MEDIA, POST, PRODUCT, TAG};

#[tokio::test]
async fn restrict_refuses_with_the_entries_that_point_there() {
    let shop = Shop::new().await;
    let brand = shop.create(&BRAND, json!({"name": "Acme"})).await.unwrap();
    let input = json!({"name": "Chair", "price": {"amount": "1"}, "brand": {"connect": {"slug": "acme"}}});
    let product = shop.create_live(&PRODUCT, input).await.unwrap();
    let error = shop.delete(&BRAND, brand, 1).await.unwrap_err();
    assert_eq!(error.problems[0].code, Code::Referenced);
    assert_eq!(error.problems[0].details.as_ref().unwrap()["count"], 1);
    // The draft no longer points at it, but the live entry does.
    shop.update(&PRODUCT, product, 1, json!({"brand": null})).await.unwrap();
    assert_eq!(problems(shop.delete(&BRAND, brand, 1).await), [(Code::Referenced, "id".into())]);
    shop.publish(&PRODUCT, product, 2).await.unwrap();
    shop.delete(&BRAND, brand, 1).await.unwrap();
    assert_eq!(shop.value("select count(*) from draft.brand").await, 0);
    assert_eq!(problems(shop.delete(&BRAND, brand, 1).await), [(Code::NotFound, "id".into())]);
    shop.close().await;
}

#[tokio::test]
async fn set_null_forgets_the_entry_in_both_stages() {
    let shop = Shop::new().await;
    let price = json!({"amount": "1"});
    let input = json!({"name": "Chair", "price": price, "tags": {"create": [{"name": "A"}, {"name": "B"}]},
        "variants": {"create": [{"sku": "1", "price": price, "supplier": {"create": {"name": "Acme"}}}]}});
    let product = shop.create_live(&PRODUCT, input).await.unwrap();
    shop.create_live(&POST, json!({"title": "P", "product": {"connect": {"slug": "chair"}}})).await.unwrap();
    let tag = shop.value("select id from draft.tag where slug = 'a'").await.as_str().unwrap().parse().unwrap();
    shop.delete(&TAG, tag, 1).await.unwrap();
    let brand = shop.value("select id from draft.brand").await.as_str().unwrap().parse().unwrap();
    shop.delete(&BRAND, brand, 1).await.unwrap();
    shop.delete(&PRODUCT, product, 1).await.unwrap();
    for stage in ["draft", "live"] {
        assert_eq!(shop.value(&format!("select count(*) from {stage}.product_tags")).await, 0);
        assert_eq!(shop.value(&format!("select count(*) from {stage}.product_variant")).await, 0);
        assert_eq!(shop.values(&format!("select product_id from {stage}.post")).await, [json!(null)], "{stage}");
    }
    shop.close().await;
}

#[tokio::test]
async fn set_null_in_children_and_lists_leaves_the_rest() {
    let shop = Shop::new().await;
    let price = json!({"amount": "1"});
    let input = json!({"name": "Chair", "price": price, "tags": {"create": [{"name": "A"}, {"name": "B"}]},
        "variants": {"create": [{"sku": "1", "price": price, "supplier": {"create": {"name": "Acme"}}}]}});
    shop.create_live(&PRODUCT, input).await.unwrap();
    for (info, slug) in [(&TAG, "a"), (&BRAND, "acme")] {
        let sql = format!("select id from draft.{} where slug = '{slug}'", info.table);
        let id = shop.value(&sql).await.as_str().unwrap().parse().unwrap();
        shop.delete(info, id, 1).await.unwrap();
    }
    for stage in ["draft", "live"] {
        let tags = format!("select t.slug from {stage}.product_tags j join {stage}.tag t on t.id = j.target_id");
        assert_eq!(shop.values(&tags).await, ["b"], "{stage}");
        let suppliers = format!("select supplier_id from {stage}.product_variant");
        assert_eq!(shop.values(&suppliers).await, [json!(null)], "{stage}");
    }
    shop.close().await;
}

#[tokio::test]
async fn cascade_takes_a_whole_tree_and_nothing_beside_it() {
    let shop = Shop::new().await;
    let tree =
        json!({"name": "Hoodies", "parent": {"create": {"name": "Tops", "parent": {"create": {"name": "Men"}}}}});
    shop.create_live(&CATEGORY, tree).await.unwrap();
    shop.create_live(&CATEGORY, json!({"name": "Women"})).await.unwrap();
    let categories = json!({"connect": [{"slug": "hoodies"}, {"slug": "women"}]});
    shop.create_live(&PRODUCT, json!({"name": "Chaz", "price": {"amount": "1"}, "categories": categories}))
        .await
        .unwrap();
    let men = shop.value("select id from draft.category where slug = 'men'").await.as_str().unwrap().parse().unwrap();
    shop.delete(&CATEGORY, men, 1).await.unwrap();
    for stage in ["draft", "live"] {
        assert_eq!(shop.values(&format!("select slug from {stage}.category")).await, ["women"], "{stage}");
        assert_eq!(shop.value(&format!("select count(*) from {stage}.product_categories")).await, 1, "{stage}");
    }
    shop.close().await;
}

#[tokio::test]
async fn pictures_that_variants_show_are_kept() {
    let shop = Shop::new().await;
    let media = shop.create(&MEDIA, json!({"url": "/a.jpg"})).await.unwrap();
    let images = json!({"connect": [{"url": "/a.jpg"}]});
    let product = shop
        .create(&PRODUCT, json!({"name": "Chair", "variants": {"create": [{"sku": "1", "images": images}]}}))
        .await
        .unwrap();
    let error = shop.delete(&MEDIA, media, 1).await.unwrap_err();
    let reference = &error.problems[0].details.as_ref().unwrap()["references"][0];
    assert_eq!(reference["id"], runtime::id::encode("product", product), "the entry, not its variant");
    shop.close().await;
}

/// Simulates a database whose messages are in another language.
#[tokio::test]
async fn what_the_database_refuses_is_told_apart_in_any_language() {
    let shop = Shop::new().await;
    let brand = shop.create(&BRAND, json!({"name": "Acme"})).await.unwrap();
    let refusal = "create function refuse() returns trigger language plpgsql as $$ begin
            raise exception 'Fremdschlüssel verletzt' using errcode = 'foreign_key_violation', schema = 'draft',
                table = 'product', constraint = 'product_brand_id_fkey', detail = 'Auf den Schlüssel wird verwiesen';
        end $$;
        create trigger refuse before delete on draft.brand for each row execute function refuse();
        create trigger refuse before insert on draft.product for each row execute function refuse();";
    sqlx::raw_sql(refusal).execute(&shop.db.pool).await.unwrap();
    assert_eq!(shop.delete(&BRAND, brand, 1).await.unwrap_err().problems[0].code, Code::Referenced);
    let input = json!({"name": "Chair", "price": {"amount": "1"}, "brand": {"connect": {"slug": "acme"}}});
    assert_eq!(problems(shop.create(&PRODUCT, input).await), [(Code::NotFound, "input.brand".into())]);
    shop.close().await;
}
