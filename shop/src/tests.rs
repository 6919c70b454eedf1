//! Tests of the site's own code, on a real server and a separate database: `cargo xtask test -p PACKAGE`.

use generated::content::{Product, ProductStockStatus, ProductVariantStockStatus};
use generated::fields::product;
use runtime::prelude::*;
use runtime::testing;

#[test]
fn a_variant_below_its_cost_is_refused() {
    testing::run(crate::site(), async |site| {
        let variant = |price: &str| {
            format!(
                r#"mutation {{ createProduct(input: {{name: "Cup", variants: {{create: [{{sku: "C-1",
                cost: {{amount: "5.00", currency: "EUR"}}, price: {{amount: "{price}", currency: "EUR"}}}}]}}}}) {{ slug }} }}"#
            )
        };
        let editor = site.with_role("editor").await;
        let refused = editor.ask(&variant("4.99")).await;
        assert_eq!(refused.codes(), ["REFUSED"], "{refused:?}");
        let made = editor.ask(&variant("5.00")).await;
        assert_eq!(made.data["createProduct"]["slug"], "cup", "{made:?}");
        let stored = site.trusted().at(Stage::Draft).find::<Product>().all().await.expect("they are read");
        assert_eq!(stored.iter().map(|product| product.slug.as_str()).collect::<Vec<_>>(), ["cup"]);
    });
}

#[test]
fn reduced_products_come_first_and_say_so() {
    testing::run(crate::site(), async |site| {
        site.load_demo().await;
        let answer = site.visitor().ask(r#"{ bestOf(category: "tea", first: 100) { slug onSale } }"#).await;
        let best = answer.data["bestOf"].as_array().cloned().unwrap_or_default();
        assert!(!best.is_empty(), "{answer:?}");
        let on_sale: Vec<_> = best.iter().map(|product| product["onSale"] == true).collect();
        let mut sorted = on_sale.clone();
        sorted.sort_by_key(|reduced| !reduced);
        assert_eq!(on_sale, sorted, "{best:?}");
        let nothing = site.visitor().ask(r#"{ bestOf(category: "no-such") { slug } }"#).await;
        assert_eq!(nothing.data["bestOf"].as_array().map(Vec::len), Some(0));
    });
}

#[test]
fn the_sitemap_has_what_is_live_and_nothing_else() {
    testing::run(crate::site(), async |site| {
        let editor = site.with_role("editor").await;
        for (name, publish) in [("Draft", false), ("Live", true)] {
            let query = "mutation($input: ProductCreateInput!, $publish: Boolean!) {
                createProduct(input: $input, publish: $publish) { id } }";
            let price = runtime::serde_json::json!({"amount": "1.00", "currency": "EUR"});
            let input = runtime::serde_json::json!({"input": {"name": name, "price": price}, "publish": publish});
            let made = editor.ask_with(query, input).await;
            assert_eq!(made.codes(), [""; 0], "{made:?}");
        }
        let sitemap = site.visitor().get("/sitemap.txt").await;
        assert_eq!((sitemap.status, sitemap.body.as_str()), (200, "/products/live\n"));
        let viewer = site.store("viewer");
        let live = viewer.at(Stage::Live).find::<Product>().filter(product::NAME.is("Live"));
        assert_eq!(live.ids().await.expect("they are read").len(), 1);
    });
}

#[test]
fn what_is_sold_out_is_so_with_its_variants_and_live_at_once() {
    testing::run(crate::site(), async |site| {
        site.load_demo().await;
        let store = site.trusted();
        let find = |slug: &str| store.at(Stage::Live).find::<Product>().filter(product::SLUG.is(slug));
        let with_variants = store.at(Stage::Live).find::<Product>().first(100).all().await.expect("they are read");
        let before = with_variants.into_iter().find(|product| product.variants.len() > 1).expect("one with variants");
        let sell_out =
            format!(r#"mutation {{ sellOut(product: "{}") {{ stockStatus revision status }} }}"#, before.slug);
        let denied = site.with_role("viewer").await.ask(&sell_out).await;
        assert_eq!(denied.codes(), ["FORBIDDEN"], "{denied:?}");
        let answer = site.with_role("editor").await.ask(&sell_out).await;
        let product = &answer.data["sellOut"];
        assert_eq!(
            (&product["stockStatus"], &product["status"]),
            (&"OUT_OF_STOCK".into(), &"PUBLISHED".into()),
            "{answer:?}"
        );
        assert_eq!(product["revision"], before.revision + 1);
        let live = find(&before.slug).one().await.expect("it is read").expect("it is live");
        assert_eq!(live.stock_status, ProductStockStatus::OutOfStock);
        let ids = |product: &Product| {
            product.variants.iter().map(|variant| (variant.id, variant.sku.clone())).collect::<Vec<_>>()
        };
        assert_eq!(ids(&live), ids(&before));
        let is_out = |status: ProductVariantStockStatus| status == ProductVariantStockStatus::OutOfStock;
        assert!(live.variants.iter().all(|variant| is_out(variant.stock_status)));
        let nothing = site.with_role("admin").await.ask(r#"mutation { sellOut(product: "no-such") { id } }"#).await;
        assert_eq!((nothing.codes(), nothing.data["sellOut"].is_null()), (vec![], true));
    });
}
