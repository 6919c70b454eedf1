//! Access rules for the history and the bin, and what imports do with the ids of deleted entries.

use runtime::Code;
use runtime::content::ContentInfo;
use runtime::hooks::HookSet;
use runtime::store::write::{self, BulkOptions, Outcome, UpsertItem, revisions};
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use crate::access::Clerk;
use crate::helpers::object;
use crate::support::Shop;
use crate::support::schema::{BRAND, POST, PRODUCT};

const INFO: &ContentInfo = &PRODUCT;

/// A product that was called `Chair`, then `Seat`, with a price and a variant that changed as well.
async fn seat(shop: &Shop) -> Uuid {
    let input = json!({"name": "Chair", "price": {"amount": "1"}, "variants": {"create": [{"sku": "a", "price": {"amount": "1"}}]}});
    let id = shop.create(INFO, input).await.unwrap();
    let input = json!({
        "name": "Seat", "price": {"amount": "2"},
        "variants": {"update": [{"key": {"sku": "a"}, "data": {"price": {"amount": "2"}}}]},
    });
    shop.update(INFO, id, 1, input).await.unwrap();
    id
}

fn code<T: std::fmt::Debug>(result: Result<T, runtime::Error>) -> Code {
    result.unwrap_err().problems[0].code
}

#[tokio::test]
async fn a_history_is_read_by_those_who_see_the_entry_as_it_is_and_as_it_was() {
    let shop = Shop::new().await;
    let id = seat(&shop).await;
    let named = |name: &str| json!({"rows": {"name": {"eq": name}}});
    let list = async |rules: Json| revisions::revisions(&Clerk::new(&shop, &rules).0, INFO, id, None, 9).await;
    let at =
        async |rules: Json, revision| revisions::at_revision(&Clerk::new(&shop, &rules).0, INFO, id, revision).await;
    let all = json!({"product": {"clerk": {"read_drafts": {}, "read_history": {}}}});
    assert_eq!(list(all.clone()).await.unwrap().len(), 2);
    assert!(at(all, 1).await.is_ok());
    let none = json!({"product": {"clerk": {"read_drafts": {}}}});
    assert_eq!((code(list(none.clone()).await), code(at(none, 1).await)), (Code::Forbidden, Code::Forbidden));
    // Rows of either rule, as the entry is or was.
    for (drafts, history, sees, sees_first) in [
        (named("Seat"), json!({}), true, false),
        (named("Chair"), json!({}), false, false),
        (json!({}), named("Seat"), true, false),
        (json!({}), named("Chair"), false, false),
    ] {
        let rules = json!({"product": {"clerk": {"read_drafts": drafts, "read_history": history}}});
        assert_eq!(list(rules.clone()).await.is_ok(), sees, "{rules}");
        assert_eq!(at(rules.clone(), 1).await.is_ok(), sees_first, "{rules}");
        let difference = revisions::difference(&Clerk::new(&shop, &rules).0, INFO, id, 1, 2).await;
        assert_eq!(difference.is_ok(), sees_first, "{rules}");
    }
    shop.close().await;
}

#[tokio::test]
async fn fields_that_are_hidden_are_in_no_history() {
    let shop = Shop::new().await;
    let id = seat(&shop).await;
    let open = json!({"product": ["name", "variants"], "product_variant": ["sku"]});
    for rules in [
        json!({"product": {"clerk": {"read_drafts": {"fields": open}, "read_history": {}, "update": {}}}}),
        json!({"product": {"clerk": {"read_drafts": {}, "read_history": {"fields": open}, "update": {}}}}),
    ] {
        let clerk = Clerk::new(&shop, &rules).0;
        let found = revisions::difference(&clerk, INFO, id, 1, 2).await.unwrap();
        assert_eq!(found.iter().map(|diff| diff.field).collect::<Vec<_>>(), ["name"], "{rules}");
        let lines = revisions::revisions(&clerk, INFO, id, Some(3), 1).await.unwrap();
        assert_eq!(lines[0].fields, ["name", "variants"], "{rules}");
        // A restore does not bring them back either, where they could be read or guessed.
        let revision = shop.value("select revision from draft.product").await;
        let revision = revision.as_i64().unwrap();
        write::restore(&clerk, &HookSet::default(), INFO, id, revision, 1, &Map::new()).await.unwrap();
        assert_eq!(shop.value("select name from draft.product").await, "Chair");
        assert_eq!(shop.value("select price from draft.product").await, 200);
        assert_eq!(shop.value("select price from draft.product_variant").await, 200);
        shop.update(INFO, id, revision + 1, json!({"name": "Seat"})).await.unwrap();
    }
    shop.close().await;
}

#[tokio::test]
async fn the_bin_shows_what_the_actor_could_delete() {
    let shop = Shop::new().await;
    let id = seat(&shop).await;
    shop.delete(INFO, id, 2).await.unwrap();
    let named = |name: &str| json!({"rows": {"name": {"eq": name}}});
    for (rules, count) in [
        (json!({"read_drafts": {}, "delete": {}, "create": {}}), Ok(1)),
        (json!({"read_drafts": {}, "delete": named("Seat"), "create": {}}), Ok(1)),
        (json!({"read_drafts": named("Chair"), "delete": {}, "create": {}}), Ok(0)),
        (json!({"read_drafts": {}, "delete": named("Chair"), "create": {}}), Ok(0)),
        (json!({"read_drafts": {}, "create": {}}), Err(Code::Forbidden)),
    ] {
        let clerk = Clerk::new(&shop, &json!({"product": {"clerk": rules}})).0;
        let found = revisions::bin(&clerk, Some(INFO), None, 9).await;
        assert_eq!(found.map(|found| found.len()).map_err(|error| error.problems[0].code), count, "{rules}");
        if count != Ok(1) {
            let denied = if count.is_ok() { Code::NotFound } else { Code::Forbidden };
            assert_eq!(
                code(write::undelete(&clerk, &HookSet::default(), INFO, id, &Map::new()).await),
                denied,
                "{rules}"
            );
            assert_eq!(code(revisions::purge(&clerk, &[(INFO, id)]).await), denied, "{rules}");
        }
    }
    let clerk = Clerk::new(&shop, &json!({"product": {"clerk": {"read_drafts": {}, "delete": {}}}})).0;
    assert_eq!(code(write::undelete(&clerk, &HookSet::default(), INFO, id, &Map::new()).await), Code::Forbidden);
    shop.close().await;
}

#[tokio::test]
async fn an_import_that_brings_a_deleted_entry_back_goes_on_with_its_history() {
    let shop = Shop::new().await;
    let id = seat(&shop).await;
    shop.delete(INFO, id, 2).await.unwrap();
    let (key, data) = (json!({"id": runtime::id::encode("product", id)}), object(json!({"name": "Back"})));
    let item = UpsertItem { key: Some(&key), data: &data, publish: false };
    let options = BulkOptions { publish: false, reuse: true, keep_ids: true, import: true, ..BulkOptions::default() };
    let outcomes = write::save_batch(&shop.store, &HookSet::default(), INFO, &[item], options, None).await.unwrap();
    assert_eq!(outcomes, [Outcome::Created(id)]);
    let found = revisions::revisions(&shop.store, INFO, id, None, 9).await.unwrap();
    assert_eq!(
        found.iter().map(|line| (line.revision, line.is_draft)).collect::<Vec<_>>(),
        [(3, true), (2, false), (1, false)]
    );
    assert!(revisions::bin(&shop.store, None, None, 9).await.unwrap().is_empty());
    let before = revisions::difference(&shop.store, INFO, id, 2, 3).await.unwrap();
    assert!(before.iter().any(|diff| diff.field == "name" && diff.before == "Seat"));
    shop.close().await;
}

#[tokio::test]
async fn references_of_one_entry_and_of_children_come_back_into_the_same_revisions() {
    let shop = Shop::new().await;
    let price = json!({"amount": "1"});
    let variant = json!({"sku": "1", "price": price, "supplier": {"create": {"name": "Acme"}}});
    let input = json!({"name": "Chair", "price": price, "variants": {"create": [variant]}});
    let product = shop.create_live(INFO, input).await.unwrap();
    let of_chair = |title: &str| json!({"title": title, "product": {"connect": {"slug": "chair"}}});
    shop.create_live(&POST, of_chair("A")).await.unwrap();
    let changed = shop.create_live(&POST, of_chair("B")).await.unwrap();
    shop.update(&POST, changed, 1, json!({"title": "C"})).await.unwrap();
    let brand: Uuid = shop.value("select id from draft.brand").await.as_str().unwrap().parse().unwrap();
    for (info, id) in [(&BRAND, brand), (INFO, product)] {
        shop.delete(info, id, 1).await.unwrap();
        for stage in ["draft", "live"] {
            let cleared = match info.table {
                "brand" => format!("select count(*) from {stage}.product_variant where supplier_id is null"),
                _ => format!("select count(*) - 1 from {stage}.post where product_id is null"),
            };
            assert_eq!(shop.value(&cleared).await, 1, "{cleared}");
        }
        write::undelete(&shop.store, &HookSet::default(), info, id, &Map::new()).await.unwrap();
        // What is not live points at it as well, for when it is.
        for stage in ["draft", "live"] {
            let suppliers = format!("select supplier_id from {stage}.product_variant");
            if info.table == "brand" {
                assert_eq!(shop.values(&suppliers).await, [json!(brand.to_string())], "{stage}");
            }
            let posts = format!("select product_id from {stage}.post");
            assert_eq!(shop.values(&posts).await, [json!(product.to_string()), json!(product.to_string())], "{stage}");
        }
    }
    let revisions = "select revision from draft.post order by revision";
    assert_eq!(shop.values(revisions).await, [json!(1), json!(2)]);
    shop.close().await;
}
