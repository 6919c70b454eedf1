//! Tables of other shops: several rows form one product, in the formats that spreadsheets and shops write.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::catalogue::Catalogue;

/// Products as exported by Shopify: the first row of a handle has the product, the others a variant, a picture or both.
const CAPS: &str = "Handle,Title,Body (HTML),Vendor,Tags,Published,Option1 Name,Option1 Value,Variant SKU,Variant Price,Image Src,Image Alt Text\r
cord-cap,Cord Cap,\"<p>Warm, \"\"soft\"\" &amp; <b>dry</b></p>\",Hatter,\"winter, cord\",TRUE,Size,S,,24.00,https://img.example/1.jpg,Front\r
cord-cap,,,,,,,M,,24.00,https://img.example/2.jpg,\r
tin-mug,Tin Mug,,Smith,,FALSE,Title,Default Title,,9.5,,\r
cord-cap,,,,,,,,,,https://img.example/3.jpg,Back\r
";

const SHOPIFY: &str = "key: slug
group_by: Handle
publish: Published == 'TRUE'
fields:
  slug: Handle
  name: Title
  description: item['Body (HTML)'] | markdown
  brand: { value: Vendor, lookup: { create: true } }
  tags: { value: \"Tags | split(',')\", lookup: { create: true } }
  price: rows | map(attribute='Variant Price') | lowest | money('EUR')
  images:
    value: rows | selectattr('Image Src')
    lookup: { key: \"item['Image Src']\", create: true, fields: { alt: \"item['Image Alt Text']\" } }
  options:
    - where: item['Option1 Value'] is defined and item['Option1 Value'] != 'Default Title'
      fields:
        name: item['Option1 Name']
        values: rows | map(attribute='Option1 Value') | unique
  variants:
    each: rows
    where: item['Variant Price']
    fields:
      sku: (item['Variant SKU'] or record.Handle ~ '-' ~ item['Option1 Value']) | slug
      options: \"{record['Option1 Name']: item['Option1 Value']}\"
      price: item['Variant Price'] | money('EUR')
";

#[tokio::test]
async fn rows_of_one_handle_are_one_product() {
    let shop = Catalogue::new().await;
    let import = async |text: &str| {
        shop.try_import("product", Some(SHOPIFY), ("caps.csv", text.as_bytes()), |_| {}).await.unwrap()
    };
    let first = import(CAPS).await;
    assert_eq!((first.counts(), first.summary.read), ((2, 0, 0, 0), 2), "{:?}", first.report);
    let products = "select concat_ws(' | ', slug, name, description, price, jsonb_path_query_array(options, '$[*].name'), jsonb_path_query_array(options, '$[*].values[*]')) from draft.product order by slug";
    assert_eq!(
        shop.column(products).await,
        [
            r#"cord-cap | Cord Cap | Warm, "soft" & **dry** | 2400 | ["Size"] | ["S", "M"]"#,
            "tin-mug | Tin Mug | 950 | [] | []"
        ]
    );
    let variants = "select sku || ' ' || options::text from draft.product_variant order by sku";
    assert_eq!(
        shop.column(variants).await,
        [
            r#"cord-cap-m {"Size": "M"}"#,
            r#"cord-cap-s {"Size": "S"}"#,
            r#"tin-mug-default-title {"Title": "Default Title"}"#
        ]
    );
    let images = "select m.url || coalesce(' ' || m.alt, '') from draft.product_images i join draft.media m on m.id = i.target_id order by i.position";
    assert_eq!(
        shop.column(images).await,
        ["https://img.example/1.jpg Front", "https://img.example/2.jpg", "https://img.example/3.jpg Back"]
    );
    assert_eq!(shop.column("select slug from live.product").await, ["cord-cap"]);
    assert_eq!(import(CAPS).await.counts(), (0, 0, 2, 0));
    let known = "select id::text from draft.product_variant where sku in ('cord-cap-m', 'cord-cap-s') order by sku";
    let ids = shop.column(known).await;
    let more = CAPS.replace("tin-mug,Tin", "cord-cap,,,,,,,L,,24.00,,\r\ntin-mug,Tin");
    assert_eq!(import(&more).await.counts(), (0, 1, 1, 0));
    assert_eq!((shop.column(known).await, shop.count("select count(*) from draft.product_variant").await), (ids, 4));
    // A file with few columns leaves everything else unchanged.
    let sparse = "Handle,Title\ncord-cap,Corduroy Cap\n";
    assert_eq!(import(sparse).await.counts(), (0, 1, 0, 0));
    assert_eq!(shop.count("select count(*) from draft.product_variant").await, 4);
    assert_eq!(shop.count("select count(*) from draft.product_images").await, 3);
    shop.close().await;
}

#[tokio::test]
async fn a_table_is_read_however_it_is_written() {
    let text = "name;slug;price\nGrün;gruen;\"1.234,50 €\"\nRot\u{e9};rote;49,-\n";
    let windows: Vec<u8> =
        text.replace('€', "\u{80}").chars().map(|letter| u8::try_from(u32::from(letter)).unwrap()).collect();
    let wide = |to: fn(u16) -> [u8; 2]| format!("\u{feff}{text}").encode_utf16().flat_map(to).collect::<Vec<u8>>();
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(text.as_bytes()).unwrap();
    let map = "fields: { name: name, slug: slug, price: price | money('EUR') }\n";
    let shop = Catalogue::new().await;
    let mut expected = (2, 0, 0, 0);
    for (name, content) in [
        ("x.csv", text.as_bytes().to_vec()),
        ("x.csv", format!("\u{feff}{}", text.replace('\n', "\r\n")).into_bytes()),
        ("x.csv", windows),
        ("x.csv", wide(u16::to_le_bytes)),
        ("x.csv", wide(u16::to_be_bytes)),
        ("x.csv", text.replace('\n', "\r").into_bytes()),
        ("x.csv", format!("sep=;\n{text}").into_bytes()),
        ("x.tsv", text.replace(';', "\t").into_bytes()),
        ("x.csv", text.replace(';', "|").into_bytes()),
        ("x.csv", text.replace('"', "'").replace("name;slug;price", "'name';'slug';'price'").into_bytes()),
        ("x", text.as_bytes().to_vec()),
        ("x.csv.gz", packed.finish().unwrap()),
    ] {
        let imported = shop.try_import("product", Some(map), (name, &content), |_| {}).await.unwrap();
        let counts = std::mem::replace(&mut expected, (0, 0, 2, 0));
        assert_eq!(imported.counts(), counts, "{:?} of {}", imported.report, String::from_utf8_lossy(&content));
    }
    assert_eq!(
        shop.column("select name || ' ' || price from draft.product order by slug").await,
        ["Grün 123450", "Rot\u{e9} 4900"]
    );
    shop.close().await;
}

#[tokio::test]
async fn rows_that_are_no_records_are_rejected_with_their_line() {
    let shop = Catalogue::new().await;
    let map = "fields: { name: name, slug: slug, summary: extra }\n";
    let file = b"name,slug,extra\nTwo,two,\"two\nlines\"\nshort,s\nlong,l,x,y\n,,\nBad \xff \xc3\xa4\xc3\xb6,bad,x\nfine,fine,\n\"open,o,x\nlost,lost,x\n";
    let imported = shop.try_import("product", Some(map), ("x.csv", file), |_| {}).await.unwrap();
    assert_eq!(imported.summary.read, 6);
    assert_eq!(shop.column("select slug from draft.product order by slug").await, ["fine", "two"]);
    let said = imported.report.iter().map(|entry| entry["line"].as_u64().unwrap()).collect::<Vec<_>>();
    assert_eq!(said, [4, 5, 7, 9]);
    assert!(imported.message(4).contains("the row has 2 cells, the header has 3"), "{}", imported.message(4));
    assert!(imported.message(7).contains("--encoding"), "{}", imported.message(7));
    assert!(imported.message(9).contains("never closed"), "{}", imported.message(9));
    let unmapped = shop.try_import("product", None, ("x.csv", b"name,slug\na,b\n"), |_| {}).await.err().unwrap();
    assert!(unmapped.contains("--map"), "{unmapped}");
    shop.close().await;
}

/// Products as exported by WooCommerce: variations are separate rows that name their parent.
#[tokio::test]
async fn variations_find_their_parent_wherever_it_stands() {
    let shop = Catalogue::new().await;
    let map = r#"key: external_ref
group_by: Parent or SKU
fields:
  external_ref: Parent or SKU
  name: rows | rejectattr("Type", "eq", "variation") | map(attribute="Name") | first
  categories:
    value: rows | map(attribute="Categories") | split(",") | unique(case_sensitive=true)
    lookup: { create: true, tree: { split: ">" } }
  options:
    - each: rows | rejectattr("Type", "eq", "variation")
      where: item["Attribute 1 name"]
      fields:
        name: item["Attribute 1 name"]
        values: item["Attribute 1 value(s)"] | split(",")
    - each: rows | rejectattr("Type", "eq", "variation")
      where: item["Attribute 2 name"]
      fields:
        name: item["Attribute 2 name"]
        values: item["Attribute 2 value(s)"] | split(",")
  variants:
    - each: rows | selectattr("Type", "eq", "variation")
      fields:
        sku: SKU
        price: item["Regular price"] | money("EUR")
        options: >-
          {item["Attribute 1 name"]: item["Attribute 1 value(s)"], item["Attribute 2 name"]: item["Attribute 2 value(s)"]}
    - where: Type == "simple"
      fields: { sku: SKU, price: 'item["Regular price"] | money("EUR")' }
"#;
    let file = "ID,Type,SKU,Name,Regular price,Categories,Parent,Attribute 1 name,Attribute 1 value(s),Attribute 2 name,Attribute 2 value(s)\n\
        1,variation,tee-red,,20,,tee,Colour,Red,Size,L\n\
        2,simple,mug,Mug,7.50,Home > Kitchen,,,,,\n\
        3,variable,tee,Tee,,Clothing,,Colour,\"Red, Blue\",Size,\"L, M\"\n\
        4,variation,tee-blue,,21,,tee,Colour,Blue,,\n";
    let import = async || shop.try_import("product", Some(map), ("woo.csv", file.as_bytes()), |_| {}).await.unwrap();
    let first = import().await;
    assert_eq!(first.counts(), (2, 0, 0, 0), "{:?}", first.report);
    assert_eq!(
        shop.column(
            "select sku || ' ' || price || coalesce(' ' || options::text, '') from draft.product_variant order by sku"
        )
        .await,
        ["mug 750", r#"tee-blue 2100 {"Colour": "Blue"}"#, r#"tee-red 2000 {"Size": "L", "Colour": "Red"}"#]
    );
    assert_eq!(
        shop.column("select slug from draft.category order by slug").await,
        ["clothing", "home", "home-kitchen"]
    );
    assert_eq!(import().await.counts(), (0, 0, 2, 0));
    shop.close().await;
}
