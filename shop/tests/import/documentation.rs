//! The importer accepts every mapping in docs/import.md, and those for shops read the files that the shops write.

use std::path::Path;

use crate::catalogue::Catalogue;

#[tokio::test]
async fn every_example_is_a_mapping() {
    let shop = Catalogue::new().await;
    let nothing = tempfile::NamedTempFile::new().unwrap();
    let examples = examples();
    assert!(examples.len() >= 7, "{} examples are found", examples.len());
    for example in examples {
        let map = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(map.path(), whole(&example)).unwrap();
        // A refused mapping panics with its faults.
        let imported =
            shop.import_with("product", "", nothing.path(), |options| options.map = Some(map.path().to_owned())).await;
        assert_eq!(imported.summary.read, 0);
    }
    shop.close().await;
}

fn examples() -> Vec<String> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/import.md");
    let docs = std::fs::read_to_string(docs).unwrap();
    docs.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap_or_default().to_owned()).collect()
}

const SHOPIFY: &str = "Handle,Title,Body (HTML),Vendor,Tags,Status,Option1 Name,Option1 Value,Option2 Name,Option2 Value,Variant SKU,Variant Price,Image Src,Image Alt Text
cap,Cap,<b>Warm</b>,Hatter,\"wool, warm\",active,Size,S,Colour,Red,,24.00,https://img.example/1.jpg,Front
cap,,,,,,,M,,Red,CAP-M,22.50,,
mug,Mug,,,,draft,Title,Default Title,,,,9.5,,
";

const WOOCOMMERCE: &str = "Type,SKU,Name,Description,Regular price,Categories,Tags,Images,Parent,Attribute 1 name,Attribute 1 value(s),Attribute 2 name,Attribute 2 value(s)
variation,tee-red,,,20,,,,tee,Colour,Red,Size,L
simple,mug,Mug,One\\nTwo,7.50,Home > Kitchen,\"clay, blue\",,,,,,
variable,tee,Tee,,,Clothing,,\"https://img.example/a.jpg, https://img.example/b.jpg\",,Colour,\"Red, Blue\",Size,\"L, M\"
variation,tee-blue,,,21,,,,tee,Colour,Blue,,
";

#[tokio::test]
async fn the_mappings_of_shops_read_their_tables() {
    let held = "select concat_ws(' | ', p.slug, p.name, p.description, p.price, (select string_agg(concat_ws(' ', v.sku, v.price, v.options), ', ' order by v.sku) from draft.product_variant v where v.parent_id = p.id), \
                jsonb_path_query_array(p.options, '$[*].values[*]'), (select count(*) from draft.product_tags t where t.owner_id = p.id), (select count(*) from draft.product_images i where i.owner_id = p.id), p.published_at is not null) \
                from draft.product p order by p.slug";
    for (begin, table, expected) in [
        (
            "group_by: Handle",
            SHOPIFY,
            [
                r#"cap | Cap | **Warm** | 2250 | CAP-M 2250 {"Size": "M", "Colour": "Red"}, cap-S-Red 2400 {"Size": "S", "Colour": "Red"} | ["S", "M", "Red"] | 2 | 1 | t"#,
                r#"mug | Mug | 950 | mug-Default Title 950 | [] | 0 | 0 | f"#,
            ],
        ),
        (
            "group_by: Parent or SKU",
            WOOCOMMERCE,
            [
                "mug | Mug | One\nTwo | 750 | mug 750 | [] | 2 | 0 | f",
                r#"tee | Tee | 2000 | tee-blue 2100 {"Colour": "Blue"}, tee-red 2000 {"Size": "L", "Colour": "Red"} | ["Red", "Blue", "L", "M"] | 0 | 2 | f"#,
            ],
        ),
    ] {
        let shop = Catalogue::new().await;
        let map = examples().into_iter().find(|example| example.contains(begin)).unwrap();
        let import =
            async || shop.try_import("product", Some(&map), ("x.csv", table.as_bytes()), |_| {}).await.unwrap();
        let first = import().await;
        assert_eq!(first.counts(), (2, 0, 0, 0), "{:?}", first.report);
        assert_eq!(shop.column(held).await, expected);
        assert_eq!(import().await.counts(), (0, 0, 2, 0));
        shop.close().await;
    }
}

/// Completes an example, since most are a few lines of `fields`.
fn whole(example: &str) -> String {
    if example.starts_with("type:") {
        return example.to_owned();
    }
    let lines: Vec<String> = example.lines().map(|line| format!("  {line}\n")).collect();
    let name = if example.starts_with("name:") { "" } else { "  name: name\n" };
    let slug = if example.lines().any(|line| line.starts_with("slug:")) { "" } else { "  slug: slug\n" };
    format!("fields:\n{name}{slug}{}", lines.concat())
}
