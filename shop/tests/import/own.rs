//! The project's own records, in the formats of other systems.

use crate::catalogue::{Catalogue, own};

#[tokio::test]
async fn good_records_are_in_and_bad_ones_are_reported_with_their_line() {
    let shop = Catalogue::new().await;
    let first = shop.import("product", "magento", &own("magento")).await;
    assert_eq!(first.counts(), (4, 0, 0, 4));
    assert_eq!((first.summary.read, first.summary.left_out), (8, 1));
    let mut rejected: Vec<String> = first
        .report
        .iter()
        .map(|entry| {
            let problem = &entry["problems"][0];
            format!("{} {} {}", entry["line"], problem["code"].as_str().unwrap(), problem["path"].as_str().unwrap())
        })
        .collect();
    rejected.sort();
    assert_eq!(
        rejected,
        ["4 INVALID_VALUE name", "5 INVALID_VALUE price", "6 BAD_USER_INPUT ", "7 CONFLICT variants[0].sku"]
    );
    assert_eq!(first.report[0]["record"]["sku"], "TC-L4");

    let slugs = shop.column("select slug from live.product order by external_ref").await;
    assert_eq!(slugs, ["walnut-desk-lamp", "wool-blanket", "wool-blanket-2", "oak-tray"]);
    let paths = "with recursive tree as (
        select id, name as path from live.category where parent_id is null
        union all select c.id, path || '/' || c.name from live.category c join tree on c.parent_id = tree.id
    ) select path from tree order by path";
    let expected = [
        "Collections",
        "Collections/Wood",
        "Home",
        "Home/Kitchen",
        "Home/Lighting",
        "Home/Lighting/Desk & Table",
        "Home/Textiles",
        "Office",
        "Office/Textiles",
    ];
    assert_eq!(shop.column(paths).await, expected);
    let variants = "select concat_ws(' ', sku, price, price_currency, compare_at_price, stock_status, weight, options ->> 'size', m.url)
        from live.product_variant v left join live.media m on m.id = v.image_id where sku like 'TC-L1%' order by v.position";
    assert_eq!(
        shop.column(variants).await,
        [
            "TC-L1-S-Dark 124950 USD 124950 in_stock 907 S /media/lamp_dark.jpg",
            "TC-L1-M-Dark 120000 USD 134950 out_of_stock 1134 M /media/lamp_dark.jpg"
        ]
    );
    let related = "select a.external_ref || ' ' || b.external_ref from live.product_related r
        join live.product a on a.id = r.owner_id join live.product b on b.id = r.target_id order by 1";
    assert_eq!(shop.column(related).await, ["TC-L1 TC-L2", "TC-L2 TC-L1"]);
    let description = shop.column("select description from live.product where slug = 'walnut-desk-lamp'").await;
    assert_eq!(description, ["A lamp for long evenings.\n\n• Turned by hand  \n• Oiled"]);
    shop.close().await;
}

#[tokio::test]
async fn a_second_run_changes_nothing_and_a_changed_record_is_one_update() {
    let shop = Catalogue::new().await;
    for (content_type, map, records) in [
        ("product", "magento", 4),
        ("product", "saleor", 2),
        ("product", "shopify", 2),
        ("post", "posts", 2),
        ("post", "pages", 2),
    ] {
        let first = shop.import(content_type, map, &own(map)).await;
        assert_eq!(first.counts().0, records, "{map}: {:?}", first.report);
        let second = shop.import(content_type, map, &own(map)).await;
        assert_eq!(second.counts(), (0, 0, records, first.counts().3), "{map}");
    }
    let revisions = shop.column("select max(revision)::text from live.post").await;
    assert_eq!(revisions, ["1"]);

    let changed = std::fs::read_to_string(own("shopify")).unwrap().replace("\"18\"", "\"19\"");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), changed).unwrap();
    assert_eq!(shop.import("product", "shopify", file.path()).await.counts(), (0, 1, 1, 0));
    assert_eq!(shop.column("select price::text from live.product where slug = 'clay-cup'").await, ["1900"]);
    shop.close().await;
}

#[tokio::test]
async fn a_dry_run_checks_everything_and_saves_nothing() {
    let shop = Catalogue::new().await;
    let checked = shop.import_with("product", "magento", &own("magento"), |options| options.dry_run = true).await;
    assert_eq!(checked.counts(), (4, 0, 0, 4));
    assert_eq!(shop.count("select count(*) from draft.product").await, 0);
    assert_eq!(shop.count("select count(*) from draft.category").await, 0);
    shop.close().await;
}

#[tokio::test]
async fn without_publish_nothing_is_live() {
    let shop = Catalogue::new().await;
    shop.import_with("product", "shopify", &own("shopify"), |options| options.publish = false).await;
    assert_eq!(shop.count("select count(*) from draft.product").await, 2);
    assert_eq!(shop.count("select count(*) from live.product").await, 0);
    shop.close().await;
}

#[tokio::test]
async fn batches_of_one_record_give_the_same_as_one_batch() {
    let shop = Catalogue::new().await;
    let imported = shop.import_with("product", "magento", &own("magento"), |options| options.batch = 1).await;
    assert_eq!(imported.counts(), (4, 0, 0, 4));
    assert_eq!(shop.count("select count(*) from live.category").await, 9);
    shop.close().await;
}
