//! Values of every kind: what is accepted, what is rejected, and the round trip through PostgreSQL.

use serde_json::json;

use super::*;

struct Site;

impl Currencies for Site {
    fn usual(&self) -> &str {
        "EUR"
    }

    fn takes(&self, code: &str) -> bool {
        matches!(code, "EUR" | "JPY")
    }

    fn list(&self) -> String {
        "EUR, JPY".into()
    }
}

static SITE: Site = Site;

#[track_caller]
fn takes(kind: Kind, input: Json, shown: Json) {
    let value = kind.parse(&input, &SITE).unwrap_or_else(|message| panic!("{input}: {message}"));
    assert_eq!(kind.json(&value), shown, "{input}");
    // A value read from the API can be written back.
    assert_eq!(kind.parse(&shown, &SITE), Ok(value));
}

#[track_caller]
fn refuses(kind: Kind, inputs: &[Json]) {
    for input in inputs {
        assert!(kind.parse(input, &SITE).is_err(), "{kind:?} takes {input}");
    }
}

#[test]
fn numbers() {
    takes(Kind::Integer, json!(-2147483648), json!(-2147483648));
    refuses(Kind::Integer, &[json!(2147483648_i64), json!(1.5), json!("1"), json!(true)]);
    takes(Kind::Bigint, json!("-9223372036854775808"), json!("-9223372036854775808"));
    takes(Kind::Bigint, json!(7), json!("7"));
    refuses(Kind::Bigint, &[json!("9223372036854775808"), json!("1.0"), json!(""), json!(1.5)]);
    takes(Kind::Decimal, json!("12.50"), json!("12.50"));
    takes(Kind::Decimal, json!(12.34), json!("12.34"));
    takes(Kind::Decimal, json!("-0"), json!("0"));
    let digits: Json = serde_json::from_str("0.1234567890123456789").unwrap();
    takes(Kind::Decimal, digits, json!("0.1234567890123456789"));
    let exponent: Json = serde_json::from_str("12.5e3").unwrap();
    takes(Kind::Decimal, exponent, json!("12500"));
    takes(Kind::Decimal, json!("-0.0000000000000000000000000001"), json!("-0.0000000000000000000000000001"));
    refuses(
        Kind::Decimal,
        &[json!("1e3"), json!(1e40), json!("NaN"), json!(""), json!("123456789012345678901234567890"), json!([])],
    );
}

/// The position of a number in a text makes no difference.
#[test]
fn a_number_in_a_text_is_digits() {
    let money = |amount: &str| json!({"amount": amount});
    let minor = |amount: &str| json!({"amountMinor": amount});
    let eur = |minor: &str| json!({"amountMinor": minor, "currency": "EUR"});
    for (text, shown) in [("5", "5"), ("+5", "5"), ("-5", "-5"), ("007", "7"), ("-0", "0")] {
        takes(Kind::Bigint, json!(text), json!(shown));
        takes(Kind::Decimal, json!(text), json!(shown));
        takes(Kind::Money, minor(text), eur(shown));
    }
    for (text, shown, cents) in
        [("5.", "5", "500"), (".5", "0.5", "50"), ("-.5", "-0.5", "-50"), ("+5.50", "5.50", "550")]
    {
        takes(Kind::Decimal, json!(text), json!(shown));
        takes(Kind::Money, money(text), eur(cents));
        refuses(Kind::Bigint, &[json!(text)]);
    }
    for text in [
        "1_000", "_1", "1_", "1._5", "1,5", "1'000", " 5", "5 ", "1 000", "5\n", "1e3", "1E3", "0x10", "５", "٥",
        "1.2.3", "++5", "--5", "+-5", "5-", "-", "+", ".", "-.", "", "inf", "NaN", "½",
    ] {
        refuses(Kind::Bigint, &[json!(text)]);
        refuses(Kind::Decimal, &[json!(text)]);
        refuses(Kind::Money, &[money(text), minor(text)]);
        refuses(Kind::Integer, &[json!(text)]);
    }
}

#[test]
fn dates_and_times() {
    takes(Kind::Date, json!("2024-02-29"), json!("2024-02-29"));
    refuses(
        Kind::Date,
        &[json!("2023-02-29"), json!("20240229"), json!("2024-02-29T00:00:00Z"), json!("-000001-01-01"), json!(1)],
    );
    takes(Kind::Time, json!("09:30"), json!("09:30:00"));
    takes(Kind::Time, json!("23:59:59.5"), json!("23:59:59.500000"));
    refuses(
        Kind::Time,
        &[json!("24:00:00"), json!("24:30"), json!("23:59:60"), json!("9:30"), json!("09:30:00Z"), json!("0930")],
    );
    for (text, advice) in [("24:00", "00:00"), ("24:00:00", "00:00"), ("23:59:60", "23:59:59")] {
        let refused = Kind::Time.parse(&json!(text), &SITE).unwrap_err();
        assert!(refused.contains(&format!("write `{advice}`")), "{refused}");
    }
    takes(Kind::Datetime, json!("2026-01-31T10:30:00+01:00"), json!("2026-01-31T09:30:00Z"));
    takes(Kind::Datetime, json!("2026-01-31T09:30:00.1234567Z"), json!("2026-01-31T09:30:00.123456Z"));
    takes(Kind::Datetime, json!("2026-01-31T09:30:00.5Z"), json!("2026-01-31T09:30:00.500000Z"));
    refuses(Kind::Datetime, &[json!("2026-01-31T09:30:00"), json!("2026-01-31"), json!("-000001-01-01T00:00:00Z")]);
    refuses(Kind::Datetime, &[json!("2026-01-31T09:30:00+01:00[Europe/Berlin]")]);
}

#[test]
fn durations_have_one_normal_form() {
    for (input, shown) in [
        ("PT90M", "PT1H30M"),
        ("P1W", "P7D"),
        ("PT26H", "P1DT2H"),
        ("PT0S", "PT0S"),
        ("P0D", "PT0S"),
        ("-PT0.5S", "-PT0.5S"),
        ("PT61.25S", "PT1M1.25S"),
    ] {
        takes(Kind::Duration, json!(input), json!(shown));
    }
    refuses(
        Kind::Duration,
        &[
            json!("P"),
            json!("PT"),
            json!("P1DT"),
            json!("P1Y"),
            json!("P1M"),
            json!("1H"),
            json!("PT9999999999999999999S"),
        ],
    );
}

#[test]
fn money_has_a_currency_of_the_site_and_its_digits() {
    takes(Kind::Money, json!({"amount": "12.5"}), json!({"amountMinor": "1250", "currency": "EUR"}));
    let amount: Json = serde_json::from_str(r#"{"amount": 12345678901234567.89}"#).unwrap();
    takes(Kind::Money, amount, json!({"amountMinor": "1234567890123456789", "currency": "EUR"}));
    takes(Kind::Money, json!({"amountMinor": 7, "currency": "JPY"}), json!({"amountMinor": "7", "currency": "JPY"}));
    takes(Kind::Money, json!({"amountMinor": "7", "amount": null}), json!({"amountMinor": "7", "currency": "EUR"}));
    let wrong = [json!({}), json!({"amount": "1", "amountMinor": 100}), json!({"amount": "0.001"}), json!("12.50")];
    refuses(Kind::Money, &wrong);
    refuses(Kind::Money, &[json!({"amount": "0.5", "currency": "JPY"}), json!({"amount": 1, "currency": "USD"})]);
}

#[test]
fn texts_with_a_syntax() {
    takes(Kind::Slug, json!("a-1-b"), json!("a-1-b"));
    refuses(Kind::Slug, &[json!("-a"), json!("a--b"), json!("A"), json!(""), json!("a".repeat(97))]);
    takes(Kind::Email, json!("ann.o'neil+x@mail.example.org"), json!("ann.o'neil+x@mail.example.org"));
    refuses(
        Kind::Email,
        &[json!("ann"), json!("ann@host"), json!("a b@example.org"), json!("a@b@example.org"), json!("a@-x.org")],
    );
    takes(Kind::Email, json!("Ada@Shop.Example"), json!("ada@shop.example"));
    takes(Kind::Url, json!("https://example.org:8080/a?b=c#d"), json!("https://example.org:8080/a?b=c#d"));
    takes(Kind::Url, json!("HTTPS://Example.ORG:443"), json!("https://example.org/"));
    takes(Kind::Url, json!("https://example.org/<script>?<b>"), json!("https://example.org/%3Cscript%3E?%3Cb%3E"));
    takes(Kind::Url, json!("https://münchen.example/straße"), json!("https://xn--mnchen-3ya.example/stra%C3%9Fe"));
    takes(Kind::Url, json!("/a/../b c".replace(' ', "%20")), json!("/b%20c"));
    takes(Kind::Url, json!("/media/a.jpg"), json!("/media/a.jpg"));
    takes(Kind::Url, json!("/"), json!("/"));
    refuses(
        Kind::Url,
        &[
            json!("javascript:alert(1)"),
            json!("//evil.example"),
            json!("/\\evil.example"),
            json!("https://"),
            json!("https://a b"),
            json!("a/b"),
            json!("https://user:pw@example.org/"),
            json!("https://user@example.org/"),
            json!("https://@/"),
            json!("https:example.org"),
            json!("https:\\\\example.org"),
            json!("https:///example.org"),
            json!("https://example.org/a\u{a0}b"),
            json!("https://example.org/\u{202e}gpj.exe"),
            json!("https://example.org/\u{200b}"),
            json!("https://exa\nmple.org/"),
            json!(" https://example.org/"),
            json!("https://<script>/"),
            json!("/.//evil.example"),
            json!("/\t/evil.example"),
            json!("https://[::1"),
            json!("https://example.org:99999/"),
        ],
    );
    takes(Kind::Color, json!("#FFcc00"), json!("#ffcc00"));
    refuses(Kind::Color, &[json!("#fc0"), json!("red"), json!("#ffcc0")]);
    refuses(Kind::Text, &[json!("a\0b"), json!(1)]);
    takes(Kind::Text, json!("a\nb"), json!("a\nb"));
    takes(Kind::String, json!(" One, zwei, 三 "), json!(" One, zwei, 三 "));
    refuses(Kind::String, &[json!("\u{1b}[1m"), json!("a\tb"), json!("\u{7f}")]);
    for end in ["\n", "\r", "\r\n", "\u{b}", "\u{c}", "\u{85}", "\u{2028}", "\u{2029}"] {
        refuses(Kind::String, &[json!(format!("a{end}b")), json!(format!("a{end}")), json!(end)]);
        takes(Kind::Text, json!(format!("a{end}b")), json!(format!("a{end}b")));
    }
}

#[test]
fn texts_are_in_normal_form_c() {
    for kind in [Kind::String, Kind::Text, Kind::Markdown] {
        takes(kind, json!("Cafe\u{301} Zu\u{308}rich \u{1100}\u{1161}\u{11b7}"), json!("Café Zürich 감"));
    }
    takes(Kind::Email, json!("E\u{301}@example.org"), json!("é@example.org"));
}

#[test]
fn what_was_stored_under_another_rule_is_still_read() {
    for (kind, stored) in [(Kind::String, "a\nb"), (Kind::Url, "https://a b"), (Kind::Email, "Ada@host")] {
        assert_eq!(kind.from_stored(&json!(stored)), Ok(Value::Text(stored.into())));
    }
}

#[test]
fn json_is_kept_but_for_what_would_break_an_answer() {
    takes(Kind::Json, json!({"a": [1, null, "x"]}), json!({"a": [1, null, "x"]}));
    let mut deep = json!(1);
    for _ in 0..70 {
        deep = json!([deep]);
    }
    refuses(Kind::Json, &[deep, json!({"a": {"$serde_json::private::RawValue": "]"}}), json!(["\0"])]);
    let written: Json = serde_json::from_str("[12345678901234567890123, 0.1234567890123456789, 1.10, 1e3]").unwrap();
    assert_eq!(
        Kind::Json.json(&Kind::Json.parse(&written, &SITE).unwrap()).to_string(),
        written.to_string().replace("1e3", "1e+3")
    );
    refuses(Kind::Json, &[serde_json::from_str("[1e401]").unwrap(), serde_json::from_str("1e-999999").unwrap()]);
    let other: Json = serde_json::from_str(r#"{"z": [1.1, 1000.0], "a": 1}"#).unwrap();
    let one: Json = serde_json::from_str(r#"{"a": 1, "z": [1.10, 1e3]}"#).unwrap();
    assert_eq!(Value::Json(one), Value::Json(other));
}

#[test]
fn users_are_named_by_their_ids() {
    let id = "user_01h455vb4pex5vsknk084sn02q";
    takes(Kind::User, json!(id), json!(id));
    let others = [json!("product_01h455vb4pex5vsknk084sn02q"), json!("$user"), json!(""), json!(1)];
    refuses(Kind::User, &others);
    let (uuid, mut shown) = (crate::id::decode_as("user", id).unwrap(), Vec::new());
    Kind::User.write(uuid.as_bytes(), &mut shown);
    assert_eq!(shown, format!("\"{id}\"").into_bytes());
}

#[test]
fn binary_moments_are_rfc_3339() {
    let written = |kind: Kind, binary: &[u8]| {
        let mut out = Vec::new();
        kind.write(binary, &mut out);
        String::from_utf8(out).unwrap()
    };
    assert_eq!(written(Kind::Datetime, &0_i64.to_be_bytes()), r#""2000-01-01T00:00:00Z""#);
    assert_eq!(written(Kind::Datetime, &(-1_i64).to_be_bytes()), r#""1999-12-31T23:59:59.999999Z""#);
    assert_eq!(written(Kind::Date, &(-1_i32).to_be_bytes()), r#""1999-12-31""#);
    assert_eq!(written(Kind::Date, &59_i32.to_be_bytes()), r#""2000-02-29""#);
    assert_eq!(written(Kind::Time, &34_200_000_000_i64.to_be_bytes()), r#""09:30:00""#);
    assert_eq!(written(Kind::Bigint, &(-5_i64).to_be_bytes()), r#""-5""#);
    assert_eq!(written(Kind::Integer, &i64::from(i32::MIN).to_be_bytes()), "-2147483648");
}

#[test]
fn a_text_that_shows_nothing_is_blank() {
    for text in ["", "  ", "\t\n", "\u{a0}", "\u{200b}", "\u{feff} \u{2060}", "\u{3164}", "\u{2800}", "\u{ad}"] {
        assert!(is_blank(text), "{text:?}");
    }
    for text in ["a", "\u{200b}a", "-", "🙂", "\u{e000}"] {
        assert!(!is_blank(text), "{text:?}");
    }
}

#[test]
fn what_was_found_is_shown_by_its_beginning() {
    let long = "x".repeat(100_000);
    for kind in [Kind::Slug, Kind::Url, Kind::Email, Kind::Date, Kind::Decimal, Kind::Color, Kind::Money, Kind::User] {
        let told = kind.parse(&json!(long), &SITE).expect_err("it is none");
        assert!(told.len() < 300, "{kind:?}: {} bytes", told.len());
    }
    let address = format!("https://shop.example/{}", "a".repeat(3_000));
    assert_eq!(Kind::Url.parse(&json!(address), &SITE), Err("must have at most 2048 bytes, it has 3021".to_owned()));
}
