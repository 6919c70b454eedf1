//! `typecase check` lists stored values that a write would reject, by path, in both stages.

use runtime::check::{Options, run};
use runtime::id;
use serde_json::json;

use crate::support::Shop;
use crate::support::schema::PRODUCT;

#[tokio::test]
async fn entries_that_break_a_rule_are_listed_by_path() {
    let shop = Shop::new().await;
    let input = json!({
        "name": "Lamp", "sku": "L-1", "price": {"amount": "1"}, "seo": {"title": "Lamp"},
        "variants": {"create": [{"sku": "A", "price": {"amount": "1"}}, {"sku": "B", "price": {"amount": "1"}}]},
    });
    let product = shop.create_live(&PRODUCT, input).await.expect("it is saved");
    let all = Options { content_type: "all".into() };
    let report = run(&all, &shop.store).await.expect("it runs");
    assert_eq!((report.entries, report.faults.as_slice()), (2, &[][..]));
    // Values from before a rule existed, which the server itself would not write.
    let change = "update draft.product set sku = 'low', seo = jsonb_set(seo, '{title}', to_jsonb(repeat('x', 21)));
        update live.product set price = null, price_currency = null;
        update live.product_variant set sku = '' where sku = 'B'";
    sqlx::raw_sql(change).execute(&shop.store.writes).await.expect("the rows are changed");
    let report = run(&Options { content_type: "product".into() }, &shop.store).await.expect("it runs");
    let shown = id::encode("product", product);
    let expected = [
        format!("draft {shown}: sku: must match `[A-Z0-9-]+`"),
        format!("draft {shown}: seo.title: must have at most 20 characters, not 21"),
        format!("live {shown}: price: is required to publish"),
        format!("live {shown}: variants.1.sku: is required"),
    ];
    assert_eq!(report.faults, expected);
    assert!(run(&Options { content_type: "nothing".into() }, &shop.store).await.is_err());
    shop.close().await;
}
