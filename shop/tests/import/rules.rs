//! Rules of every mapping: an empty value keeps the stored one, a dry run reports the same as the run, and publishing is reported.

use crate::catalogue::Catalogue;

const FIELDS: &str = "key: external_ref
fields:
  external_ref: ref
  slug: handle
  name: title
  summary: teaser
  price: price | money('EUR')
  tags: { value: \"tags | split(',')\", lookup: { create: true } }
  categories: { value: shelves, lookup: { create: true } }
  options: { each: options, where: name, fields: { name: name, values: values } }
  variants: { each: variants, where: sku, fields: { sku: sku, gtin: barcode } }
";

const FULL: &str = r#"{"ref":"K","handle":"keep","title":"Keep","teaser":"Short","price":"12.50","tags":"oak,red","shelves":["A"],"options":[{"name":"Size","values":["S"]}],"variants":[{"sku":"K-A","barcode":"12345670"},{"sku":"K-B"}]}"#;

/// Everything that the product contains.
async fn held(shop: &Catalogue) -> Vec<String> {
    let sql = "select concat_ws('/', summary, price, (select count(*) from draft.product_tags), (select count(*) from draft.product_categories), \
               jsonb_array_length(options), (select string_agg(concat_ws(' ', sku, gtin), ',' order by sku) from draft.product_variant)) from draft.product";
    shop.column(sql).await
}

#[tokio::test]
async fn what_is_empty_keeps_what_is_there() {
    let shop = Catalogue::new().await;
    let import = async |map: &str, record: &str| {
        shop.try_import("product", Some(map), ("x.ndjson", record.as_bytes()), |_| {}).await.unwrap().counts()
    };
    assert_eq!(import(FIELDS, FULL).await, (1, 0, 0, 0));
    let all = held(&shop).await;
    assert_eq!(all, ["Short/1250/2/1/1/K-A 12345670,K-B"]);
    for sparse in [
        r#"{"ref":"K","handle":"keep","title":"Keep"}"#,
        r#"{"ref":"K","handle":"keep","title":"Keep","teaser":"","price":null,"tags":"  ","shelves":"","options":"","variants":null}"#,
        r#"{"ref":"K","handle":"keep","title":"Keep","tags":" , ","shelves":["", null, " "],"options":[{}],"variants":[{"sku":""}]}"#,
        r#"{"ref":"K","handle":"keep","title":"Keep","shelves":[null],"options":[null],"variants":[{"sku":"K-A","barcode":" "},{"sku":"K-B"}]}"#,
    ] {
        assert_eq!(import(FIELDS, sparse).await, (0, 0, 1, 0), "{sparse}");
        assert_eq!(held(&shop).await, all, "{sparse}");
    }
    // An empty list in the source is intended.
    let emptied = r#"{"ref":"K","handle":"keep","title":"Keep","shelves":[],"options":[],"variants":[]}"#;
    assert_eq!(import(FIELDS, emptied).await, (0, 1, 0, 0));
    assert_eq!(held(&shop).await, ["Short/1250/2/0/0"]);
    let clear = FIELDS.replace("summary: teaser", "summary: { value: teaser, when_missing: clear }").replace(
        "lookup: { create: true } }\n  categories",
        "lookup: { create: true }, when_missing: clear }\n  categories",
    );
    assert_eq!(import(&clear, r#"{"ref":"K","handle":"keep","title":"Keep","tags":" "}"#).await, (0, 1, 0, 0));
    assert_eq!(held(&shop).await, ["1250/0/0/0"]);
    shop.close().await;
}

/// Lines 2, 6, 7 and 8 are wrong: a missing target, a unit and an address of another line, a unit that comes too early.
const WRONG: &str = r#"{"ref":"1","handle":"d-1","title":"D","variants":[{"sku":"D-1"}]}
{"ref":"2","handle":"d-2","title":"D","variants":[{"sku":"D-2"}],"related":["none"]}
{"ref":"3","handle":"d-3","title":"D","variants":[{"sku":"D-3"}],"related":["9"]}
{"ref":"4","handle":"d-4","title":"D","variants":[{"sku":"D-4"}]}
{"ref":"5","handle":"d-5","title":"D","variants":[{"sku":"D-5"}]}
{"ref":"6","handle":"d-6","title":"D","variants":[{"sku":"D-1"}]}
{"ref":"7","handle":"d-2","title":"D","variants":[{"sku":"D-7"}]}
{"ref":"8","handle":"d-8","title":"","variants":[{"sku":"D-8"}]}
{"ref":"9","handle":"d-9","title":"D","variants":[{"sku":"D-9"}]}
"#;

#[tokio::test]
async fn a_dry_run_says_what_the_run_will_say_whatever_the_batch() {
    let map = "key: external_ref
fields:
  external_ref: ref
  slug: handle
  name: title
  variants: { each: variants, fields: { sku: sku } }
  related: { value: related, lookup: { by: external_ref, later: true } }
";
    let expected = ["2 NOT_FOUND related[0]", "6 CONFLICT variants[0].sku", "7 CONFLICT slug", "8 INVALID_VALUE name"];
    let mut said = Vec::new();
    for batch in [1, 2, 3, 500] {
        let shop = Catalogue::new().await;
        for dry_run in [true, false, true] {
            let set = |options: &mut runtime::import::Options| (options.batch, options.dry_run) = (batch, dry_run);
            let imported = shop.try_import("product", Some(map), ("x.ndjson", WRONG.as_bytes()), set).await.unwrap();
            assert_eq!(imported.problems(), expected, "batch {batch}, dry run {dry_run}");
            if dry_run && said.len() % 3 == 0 {
                assert_eq!(shop.count("select count(*) from draft.product").await, 0, "a dry run stores nothing");
            }
            said.push(imported.counts());
        }
        shop.close().await;
    }
    for counts in said.chunks(3) {
        assert_eq!(counts, [(5, 0, 0, 4), (5, 0, 0, 4), (0, 0, 5, 4)]);
    }
}

#[tokio::test]
async fn a_value_that_an_earlier_line_gives_up_can_be_taken_by_a_later_one() {
    let shop = Catalogue::new().await;
    let map = "key: external_ref\nfields: { external_ref: ref, slug: handle, name: handle }\n";
    let lines = |count: usize, handle: &dyn Fn(usize) -> String| {
        (0..count).map(|line| format!("{{\"ref\":\"{line}\",\"handle\":\"{}\"}}\n", handle(line))).collect::<String>()
    };
    let import = async |file: String| {
        shop.try_import("product", Some(map), ("x.ndjson", file.as_bytes()), |options| options.batch = 1).await.unwrap()
    };
    assert_eq!(import(lines(40, &|line| format!("p-{line}"))).await.counts(), (40, 0, 0, 0));
    // Each takes the value that the previous one had.
    let moved = import(lines(40, &|line| if line == 0 { "new".into() } else { format!("p-{}", line - 1) })).await;
    assert_eq!(moved.counts(), (0, 40, 0, 0), "{:?}", moved.report);
    shop.close().await;
}

#[tokio::test]
async fn a_mapping_says_what_is_published() {
    let shop = Catalogue::new().await;
    let map = |publish: &str| {
        format!("publish: {publish}\nfields: {{ slug: slug, name: name, price: price | money('EUR') }}\n")
    };
    let file = b"{\"slug\":\"a\",\"name\":\"A\",\"price\":1,\"state\":\"active\"}\n{\"slug\":\"b\",\"name\":\"B\",\"price\":1,\"state\":\"draft\"}\n{\"slug\":\"c\",\"name\":\"C\",\"state\":\"active\"}\n";
    let import = async |publish: &str| {
        shop.try_import("product", Some(&map(publish)), ("x.ndjson", file), |_| {}).await.unwrap()
    };
    let live = async || shop.column("select slug from live.product order by slug").await;
    let some = import("state == 'active'").await;
    assert_eq!(some.problems(), ["3 INVALID_VALUE price"]);
    assert_eq!(live().await, ["a"]);
    assert_eq!(import("false").await.counts(), (1, 0, 2, 0));
    assert_eq!(live().await, ["a"]);
    assert_eq!(import("true").await.counts(), (0, 1, 1, 1));
    assert_eq!(live().await, ["a", "b"]);
    assert_eq!(shop.count("select count(*) from draft.product where published_at is null").await, 1);
    shop.close().await;
}

#[tokio::test]
async fn a_problem_has_the_place_of_the_file() {
    let shop = Catalogue::new().await;
    let file = r#"{"id":"product_01h455vb4pex5vsknk084sn02q","name":"With id","slug":"with-id"}
{"id":"product_01h455vb4pex5vsknk084sn02q","name":"Again","slug":"with-id-2"}
{"id":"brand_01h455vb4pex5vsknk084sn02q","name":"Brand","slug":"with-id-3"}
{"id":"12","name":"Foreign","slug":"with-id-4"}
{"id":null,"name":"Null","slug":"with-id-5"}
{"name":"Upper","slug":"With Id"}
"#;
    let import = async || shop.try_import("product", None, ("x.ndjson", file.as_bytes()), |_| {}).await.unwrap();
    let first = import().await;
    let expected = ["2 CONFLICT id", "3 BAD_USER_INPUT id", "4 BAD_USER_INPUT id", "6 INVALID_VALUE slug"];
    assert_eq!((first.counts(), first.problems()), ((2, 0, 0, 4), expected.map(str::to_owned).to_vec()));
    assert_eq!(import().await.counts(), (0, 0, 2, 4));
    shop.close().await;
}

#[tokio::test]
async fn escaped_separators_are_kept_by_a_recipe() {
    let shop = Catalogue::new().await;
    let map = "key: external_ref
fields:
  external_ref: sku
  name: title
  options:
    each: attributes
    fields:
      name: name
      values: values | replace('\\\\,', '‚') | split(',') | replace('‚', ',')
";
    let file = br#"{"sku":"W","title":"Shirt","attributes":[{"name":"Fit","values":"Slim\\, short, Wide"}]}"#;
    let import = async || shop.try_import("product", Some(map), ("x.ndjson", file), |_| {}).await.unwrap().counts();
    assert_eq!((import().await, import().await), ((1, 0, 0, 0), (0, 0, 1, 0)));
    assert_eq!(shop.column("select options->0->>'values' from draft.product").await, [r#"["Slim, short", "Wide"]"#]);
    shop.close().await;
}

#[tokio::test]
async fn a_day_is_the_one_that_the_source_means() {
    let shop = Catalogue::new().await;
    let file =
        b"slug,iso,local\na,2024-03-10T23:30:00-05:00,10/03/2024 00:30\nb,2024-03-10T00:30:00+01:00,10/03/2024 23:30\n";
    for from in [
        "iso",
        "iso | date",
        "\"local | date('%d/%m/%Y %H:%M', offset='+02:00')\"",
        "\"local | date('%d/%m/%Y %H:%M', offset='-08:00')\"",
    ] {
        let map = format!("key: slug\nfields: {{ slug: slug, title: slug, published_on: {from} }}\n");
        shop.try_import("post", Some(&map), ("x.csv", file), |_| {}).await.unwrap();
        let days = shop.column("select published_on::text from draft.post order by slug").await;
        assert_eq!(days, ["2024-03-10", "2024-03-10"], "{from}");
    }
    shop.close().await;
}
