//! Limits of values in columns, children, components and blocks: digits, texts, timestamps, and sizes in an index.

use runtime::Code;
use runtime::hooks::HookSet;
use runtime::store::write::{self, BulkOptions, Outcome, UpsertItem};
use serde_json::{Value as Json, json};

use crate::helpers::{object, problems};
use crate::support::Shop;
use crate::support::schema::{BRAND, MEDIA, PRODUCT, TAG};

fn parsed(text: &str) -> Json {
    runtime::json::parse(text.as_bytes()).expect("JSON")
}

/// Random letters, since a repeated one would be compressed in an index.
fn long(length: usize) -> String {
    let mut state = 88_172_645_463_325_252_u64;
    let letters = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"[(state % 36) as usize])
    });
    letters.take(length).collect()
}

#[tokio::test]
async fn every_digit_of_a_number_is_kept_in_both_stages() {
    let shop = Shop::new().await;
    let input = parsed(
        r#"{"name": "Exact", "price": {"amount": 12345678901234567.89}, "weight": 0.1234567890123456789, "views": 9007199254740993,
            "openingHours": [{"day": "Monday", "fee": {"amount": 99999999999999.99}}],
            "attributes": {"serial": 12345678901234567890123, "list": [1.10, 0.30000000000000000001]},
            "variants": {"create": [{"sku": "X", "price": {"amount": 0.1}, "options": {"n": 123456789012345678901.5}}]}}"#,
    );
    let id = shop.create_live(&PRODUCT, input.clone()).await.unwrap();
    for stage in ["draft", "live"] {
        let text = async |column: &str, table: &str| {
            shop.value(&format!("select ({column})::text from {stage}.{table}")).await.as_str().unwrap().to_owned()
        };
        assert_eq!(text("price", "product").await, "1234567890123456789");
        assert_eq!(text("weight", "product").await, "0.1234567890123456789");
        assert_eq!(text("views", "product").await, "9007199254740993");
        assert_eq!(text("opening_hours->0->'fee'->>'amountMinor'", "product").await, "9999999999999999");
        assert_eq!(text("attributes->>'serial'", "product").await, "12345678901234567890123");
        assert_eq!(text("attributes->'list'", "product").await, "[1.10, 0.30000000000000000001]");
        assert_eq!(text("options->>'n'", "product_variant").await, "123456789012345678901.5");
        assert_eq!(text("price", "product_variant").await, "10");
    }
    // The same values, with numbers and keys written differently, change nothing.
    let again =
        parsed(r#"{"attributes": {"list": [1.1, 30000000000000000001e-20], "serial": 12345678901234567890123.0}}"#);
    shop.update(&PRODUCT, id, 1, again).await.unwrap();
    assert_eq!(shop.value("select revision from draft.product").await, 1);
    for (wrong, at) in [
        (r#"{"price": {"amount": 123456789012345678901234567.89}}"#, "input.price"),
        (r#"{"weight": 12345678901234567890.123456789012}"#, "input.weight"),
        (r#"{"views": 9223372036854775808}"#, "input.views"),
        (r#"{"attributes": {"x": 1e999}}"#, "input.attributes"),
        (r#"{"stock": 1.5}"#, "input.stock"),
    ] {
        let refused = problems(shop.update(&PRODUCT, id, 1, parsed(wrong)).await);
        assert_eq!(refused, [(Code::InvalidValue, at.to_owned())], "{wrong}");
    }
    shop.close().await;
}

#[tokio::test]
async fn texts_are_kept_in_one_normal_form_and_unique_in_it() {
    let shop = Shop::new().await;
    let (nfd, nfc) = ("Cafe\u{301} Zu\u{308}rich \u{1100}\u{1161}\u{11b7}", "Café Zürich 감");
    shop.create(&TAG, json!({"name": nfd})).await.unwrap();
    shop.create(&TAG, json!({"name": nfc})).await.unwrap();
    assert_eq!(shop.values("select distinct name from live.tag").await, [nfc]);
    assert_eq!(shop.values("select slug from live.tag order by 1").await, ["cafe-zurich-gam", "cafe-zurich-gam-2"]);
    let input = |sku: &str| {
        json!({"name": "Cup", "variants": {"create": [{"sku": sku}]},
        "seo": {"title": nfd}, "body": [{"text": {"body": nfd}}]})
    };
    let cup = shop.create(&PRODUCT, input(nfd)).await.unwrap();
    let refused = problems(shop.create(&PRODUCT, input(nfc)).await);
    assert_eq!(refused, [(Code::Conflict, "input.variants.create.0.sku".into())]);
    assert_eq!(shop.value("select seo->>'title' from draft.product").await, nfc);
    assert_eq!(shop.value("select body->0->>'body' from draft.product").await, nfc);
    // A key in the other normalization form finds it, through the API and an import.
    let key = json!({"variants": {"update": [{"key": {"sku": nfc}, "data": {"price": {"amount": "1"}}}]}});
    shop.update(&PRODUCT, cup, 1, key).await.unwrap();
    let line = object(json!({"name": "Cup", "variants": {"set": [{"sku": nfc}]}}));
    let cup_key = json!({"slug": "cup"});
    let items = [UpsertItem { key: Some(&cup_key), data: &line, publish: false }];
    let done =
        write::save_batch(&shop.store, &HookSet::default(), &PRODUCT, &items, BulkOptions::default(), None).await;
    assert_eq!(done.unwrap(), [Outcome::Unchanged(cup)]);
    shop.close().await;
}

#[tokio::test]
async fn lines_blanks_addresses_and_times_are_held_to_their_form_everywhere() {
    let shop = Shop::new().await;
    let refused = problems(
        shop.create(
            &PRODUCT,
            json!({"name": "two\nlines", "contact": "a@b", "homepage": "https://user:pw@example.org/", "accent": "red",
                "opensAt": "24:00", "seenAt": "9999-12-31T23:59:59-12:00",
                "seo": {"title": " \u{a0}"}, "openingHours": [{"day": "Mon\u{7}", "opens": "23:59:60"}],
                "body": [{"gallery": {"seo": {"title": "a\rb"}}}],
                "variants": {"create": [{"sku": "\u{2003}"}, {"sku": "a\tb"}]}}),
        )
        .await,
    );
    let paths: Vec<_> = refused.iter().map(|(code, path)| (*code == Code::InvalidValue, path.as_str())).collect();
    let expected = [
        "input.accent",
        "input.body.0.gallery.seo.title",
        "input.contact",
        "input.homepage",
        "input.name",
        "input.openingHours.0.day",
        "input.openingHours.0.opens",
        "input.opensAt",
        "input.seenAt",
        "input.seo.title",
        "input.variants.create.0.sku",
        "input.variants.create.1.sku",
    ];
    assert_eq!(paths, expected.map(|path| (true, path)));
    let blank = json!({"name": " \u{3000}", "seo": {"title": "\u{a0}"}, "variants": {"create": [{"sku": "\u{2003}"}]}});
    let refused = problems(shop.create(&PRODUCT, blank).await);
    let expected = ["input.name", "input.seo.title", "input.slug", "input.variants.create.0.sku"];
    assert_eq!(refused, expected.map(|path| (Code::InvalidValue, path.to_owned())));
    let kept = json!({"name": "Fine", "price": {"amount": "1"}, "contact": "Ada@Shop.Example", "homepage": "HTTPS://Example.ORG/<b>", "seenAt": "9999-12-31T23:59:59.999999Z"});
    shop.create_live(&PRODUCT, kept).await.unwrap();
    for stage in ["draft", "live"] {
        let row = format!("select array[contact, homepage, (seen_at at time zone 'UTC')::text] from {stage}.product");
        assert_eq!(
            shop.value(&row).await,
            json!(["ada@shop.example", "https://example.org/%3Cb%3E", "9999-12-31 23:59:59.999999"])
        );
    }
    shop.close().await;
}

#[tokio::test]
async fn a_text_that_is_too_long_for_its_index_is_refused_by_its_path_alone() {
    let shop = Shop::new().await;
    let chair = shop.create(&PRODUCT, json!({"name": "Chair"})).await.unwrap();
    let refused = problems(shop.update(&PRODUCT, chair, 1, json!({"sku": long(3000)})).await);
    assert_eq!(refused, [(Code::InvalidValue, "input.sku".into())]);
    let emoji: String = ('\u{1f300}'..='\u{1f5ff}').cycle().take(900).collect();
    let refused = problems(shop.update(&PRODUCT, chair, 1, json!({"variants": {"create": [{"sku": emoji}]}})).await);
    assert_eq!(refused, [(Code::InvalidValue, "input.variants.create.0.sku".into())]);
    shop.update(&PRODUCT, chair, 1, json!({"sku": long(2500)})).await.unwrap();

    let lines = [
        object(json!({"url": "/a"})),
        object(json!({"url": format!("/{}", long(2040))})),
        object(json!({"url": "/c"})),
    ];
    let items: Vec<_> = lines.iter().map(|data| UpsertItem { key: None, data, publish: false }).collect();
    let done = write::save_batch(&shop.store, &HookSet::default(), &MEDIA, &items, BulkOptions::default(), None)
        .await
        .unwrap();
    assert!(done.iter().all(|outcome| matches!(outcome, Outcome::Created(_))), "{done:?}");
    let lines =
        [long(10), long(2600), "Z".repeat(2600), long(11)].map(|sku| object(json!({"name": "Imported", "sku": sku})));
    let items: Vec<_> = lines.iter().map(|data| UpsertItem { key: None, data, publish: false }).collect();
    let done = write::save_batch(&shop.store, &HookSet::default(), &PRODUCT, &items, BulkOptions::default(), None)
        .await
        .unwrap();
    let rejected: Vec<_> = done.iter().map(|outcome| matches!(outcome, Outcome::Rejected(_))).collect();
    assert_eq!(rejected, [false, true, true, false], "{done:?}");
    shop.close().await;
}

/// Like a type with more filled fields than a PostgreSQL row can hold; here with columns that the server does not know.
#[tokio::test]
async fn an_entry_that_does_not_fit_into_a_row_is_an_invalid_value_and_no_matter_of_an_index() {
    let shop = Shop::new().await;
    let sql = "do $$ begin execute (select 'alter table draft.brand '
        || string_agg('add other_' || n || ' bigint default 1', ', ') from generate_series(1, 1200) n); end $$";
    sqlx::query(sql).execute(&shop.store.writes).await.unwrap();
    let refused = shop.create(&BRAND, json!({"name": "Acme"})).await.expect_err("9 kB do not fit");
    let [problem] = refused.problems.as_slice() else { panic!("{refused:?}") };
    assert_eq!(problem.code, Code::InvalidValue);
    assert!(problem.message.contains("8160 bytes") && !problem.message.contains("index"), "{problem:?}");
    shop.close().await;
}

/// The generator may have created an index that the server does not know.
#[tokio::test]
async fn what_an_unknown_index_does_not_take_is_an_invalid_value_too() {
    let shop = Shop::new().await;
    sqlx::query("create index product_summary_idx on draft.product (summary, id)")
        .execute(&shop.store.writes)
        .await
        .unwrap();
    let input = json!({"name": "Long", "summary": long(3000)});
    assert_eq!(problems(shop.create(&PRODUCT, input.clone()).await), [(Code::InvalidValue, "input.summary".into())]);
    let (wrong, fine) = (object(input), object(json!({"name": "Short"})));
    let items =
        [UpsertItem { key: None, data: &wrong, publish: false }, UpsertItem { key: None, data: &fine, publish: false }];
    let done = write::save_batch(&shop.store, &HookSet::default(), &PRODUCT, &items, BulkOptions::default(), None)
        .await
        .unwrap();
    assert!(matches!(done.as_slice(), [Outcome::Rejected(_), Outcome::Created(_)]), "{done:?}");
    shop.close().await;
}

#[tokio::test]
async fn unpublishing_asks_whatever_the_reference_is_kept_in() {
    let shop = Shop::new().await;
    let price = json!({"amount": "1"});
    let live = async |input: Json| shop.create_live(&PRODUCT, input).await.unwrap();
    let brand = shop.create_live(&BRAND, json!({"name": "Acme"})).await.unwrap();
    let acme = json!({"connect": {"slug": "acme"}});
    let first = live(json!({"name": "In a child", "price": price,
        "variants": {"create": [{"sku": "S", "price": price, "supplier": acme}]}}))
    .await;
    assert_eq!(problems(shop.unpublish(&BRAND, brand, 1, false).await), [(Code::Referenced, "id".into())]);
    let target = runtime::id::encode("product", first);
    live(json!({"name": "In a list", "price": price, "related": {"connect": [{"product": {"id": target}}]}})).await;
    let error = shop.unpublish(&PRODUCT, first, 1, false).await.unwrap_err();
    let details = error.problems[0].details.as_ref().unwrap();
    assert_eq!((&details["count"], &details["references"][0]["field"]), (&json!(1), &json!("related")));
    shop.unpublish(&PRODUCT, first, 1, true).await.unwrap();
    shop.unpublish(&BRAND, brand, 1, false).await.unwrap();
    shop.close().await;
}
