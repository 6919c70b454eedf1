//! `--set`: the values each field type accepts for existing rows, what is stored, and why other values are rejected.

use codegen::SourceFile;
use codegen::catalog::lower;
use codegen::migrate::{Answers, plan};
use codegen::schema::Schema;

const UUID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
const BRAND: &str = "brand_01h455vb4pex5vsknk084sn02q";

fn schema(field: Option<&str>, inside: bool) -> Schema {
    let site = "site: { name: V, currency: EUR, currencies: [EUR, USD], locales: [en] }\n";
    let access = "access: { admin: { read: all } }\n";
    let field = field.map(|field| format!("  x: {field}\n")).unwrap_or_default();
    let (own, part) = if inside { ("  x: { type: component, of: part }\n", field.as_str()) } else { (&*field, "") };
    let named = "fields:\n  name: { type: string }\n";
    let sources = [
        ("cms", site.to_owned()),
        ("item", format!("type: item\n{access}{named}{own}")),
        ("brand", format!("type: brand\n{access}{named}")),
        ("components/part", format!("component: part\n{named}{part}")),
    ];
    let sources = sources.map(|(name, text)| SourceFile { path: format!("schema/{name}.yaml"), text });
    codegen::compile(&sources).unwrap_or_else(|found| panic!("{}", found.render(&sources))).schema
}

/// The stored value, as SQL for the columns or as JSON for a component member, or why the value is rejected.
fn stored(field: &str, text: &str, inside: bool) -> Result<String, String> {
    let subject = if inside { "part.x" } else { "item.x" };
    let answers = Answers::parse(&[], false, &[format!("{subject}={text}")]).expect("well written");
    let plan = plan(&lower(&schema(None, inside)), &schema(Some(field), inside), &answers);
    let sql = match plan {
        Ok(plan) => plan.migration(2, "cargo xtask generate").sql,
        Err(refusals) => {
            let said = refusals.iter().find(|refusal| refusal.code == "M001").expect("the value is not taken");
            return Err(said.message.replace(&format!("--set {subject}: "), ""));
        }
    };
    let lines = sql.lines().filter(|line| line.contains("draft.item"));
    let between = |line: &str, from: &str, to: &str| {
        line.split_once(from).and_then(|(_, rest)| rest.rsplit_once(to)).map(|(value, _)| value.to_owned())
    };
    let values: Vec<_> = match inside {
        true => lines.filter_map(|line| between(line, "\"fill\":", "}]}}'")).collect(),
        false => lines.filter_map(|line| between(line.split_once(" add column ")?.1, " default ", ";")).collect(),
    };
    Ok(values.join(", "))
}

#[test]
fn a_value_is_stored_as_the_field_type_has_it() {
    for (field, text, column, member) in [
        ("{ type: string }", "O'Hara", "'O''Hara'", "\"O''Hara\""),
        ("{ type: text }", "a\tb", "'a\tb'", "\"a\\tb\""),
        ("{ type: integer }", "-10", "-10", "-10"),
        ("{ type: bigint }", "9000000000", "9000000000", "\"9000000000\""),
        ("{ type: decimal }", "1.50", "1.50", "\"1.50\""),
        ("{ type: boolean }", "true", "true", "true"),
        ("{ type: boolean }", "false", "false", "false"),
        ("{ type: date }", "2026-01-31", "'2026-01-31'", "\"2026-01-31\""),
        ("{ type: time }", "09:30:00", "'09:30:00'", "\"09:30:00\""),
        ("{ type: datetime }", "2026-01-31T10:30:00+01:00", "'2026-01-31T09:30:00Z'", "\"2026-01-31T09:30:00Z\""),
        ("{ type: duration }", "PT90M", "5400000", "\"PT1H30M\""),
        ("{ type: money }", "12.50", "1250, 'EUR'", "{\"amountMinor\":\"1250\",\"currency\":\"EUR\"}"),
        ("{ type: money }", "12 USD", "1200, 'USD'", "{\"amountMinor\":\"1200\",\"currency\":\"USD\"}"),
        ("{ type: json }", "{\"a\": 1}", "'{\"a\":1}'", "{\"a\":1}"),
        ("{ type: enum, values: [a, b] }", "b", "'b'", "\"b\""),
        // In the API's spelling.
        ("{ type: enum, values: [a, b] }", "B", "'b'", "\"b\""),
        ("{ type: enum, values: [a, b], many: true }", "b,a", "array['b', 'a']::text[]", "[\"b\",\"a\"]"),
        ("{ type: enum, values: [a, b], many: true }", ",a,", "array['a']::text[]", "[\"a\"]"),
        ("{ type: enum, values: [a, b], many: true }", "", "array[]::text[]", "[]"),
        ("{ type: relation, to: brand }", BRAND, &format!("'{UUID}'"), &format!("\"{UUID}\"")),
        ("{ type: relation, to: brand }", UUID, &format!("'{UUID}'"), &format!("\"{UUID}\"")),
    ] {
        assert_eq!(stored(field, text, false).as_deref(), Ok(column), "{field} {text}");
        assert_eq!(stored(field, text, true).as_deref(), Ok(member), "{field} {text}");
    }
}

#[test]
fn a_value_that_the_field_does_not_have_is_not_taken() {
    let no_entry = "it must be the id of an entry: `brand_` and 26 characters";
    let no_value = "a field of this type takes no value for existing rows";
    for (field, text, why) in [
        (
            "{ type: boolean }",
            "yes",
            "`yes` is not a valid boolean: must be true or false, not \"yes\"; write it as true",
        ),
        (
            "{ type: integer }",
            "2147483648",
            "`2147483648` is not a valid integer: must be a 32-bit integer, not 2147483648; write it as 10",
        ),
        ("{ type: enum, values: [a, b] }", "c", "`c` is not one of its values: a, b"),
        ("{ type: enum, values: [a, b], many: true }", "a,c", "`c` is not one of its values: a, b"),
        ("{ type: relation, to: brand }", "item_01h455vb4pex5vsknk084sn02q", no_entry),
        ("{ type: relation, to: brand }", "01890a5d", no_entry),
        ("{ type: relation, to: brand }", "01890a5d-ac96-774b-bcce-b302099a805g", no_entry),
        ("{ type: relation, to: brand }", "01890a5dac96-774b-bcce-b302099a80577", no_entry),
    ] {
        assert_eq!(stored(field, text, false).expect_err(field), why, "{field} {text}");
        assert_eq!(stored(field, text, true).expect_err(field), why, "{field} {text}");
    }
    assert_eq!(stored("{ type: relation, to: brand, many: true }", BRAND, true).expect_err("a list"), no_value);
    assert_eq!(stored("{ type: component, of: part }", "{}", false).expect_err("a component"), no_value);
    assert_eq!(stored("{ type: relation, to: [brand, item] }", BRAND, false).expect_err("several"), no_value);
}

#[test]
fn a_value_that_breaks_a_rule_of_its_field_is_not_taken() {
    let bound = |text: &str, rule: &str| format!("`{text}` is not accepted: it breaks the field's own rule `{rule}`");
    for (field, taken, broken, rule) in [
        ("{ type: integer, min: 5, max: 7 }", &["5", "7"][..], "4", "min: 5"),
        ("{ type: integer, min: 5, max: 7 }", &[], "8", "max: 7"),
        ("{ type: decimal, min: 0.5 }", &["0.50", "10"], "0.49", "min: 0.5"),
        ("{ type: money, min: 0.02 }", &["0.02", "1 USD"], "0.01", "min: 0.02"),
        ("{ type: money, max: 9.99 }", &["9.99"], "10", "max: 9.99"),
        ("{ type: date, max: 2026-01-31 }", &["2026-01-31", "2025-12-31"], "2026-02-01", "max: 2026-01-31"),
        ("{ type: duration, min: PT1H }", &["PT60M", "P1D"], "PT59M", "min: PT1H"),
        // Characters, not bytes.
        ("{ type: string, min: 2, max: 3 }", &["ab", "äöü"], "ä", "min: 2"),
        ("{ type: string, max: 3 }", &[""], "abcd", "max: 3"),
        ("{ type: enum, values: [a, b, c], many: true, min: 1, max: 2 }", &["a", "a,b"], "a,b,c", "max: 2"),
        ("{ type: enum, values: [a, b, c], many: true, min: 2 }", &["a,b"], "a", "min: 2"),
        // The pattern matches the whole text.
        ("{ type: string, pattern: 'a|b+' }", &["a", "bbb"], "ab", "pattern: a|b+"),
    ] {
        for inside in [false, true] {
            for text in taken {
                stored(field, text, inside).unwrap_or_else(|why| panic!("{field} {text}: {why}"));
            }
            assert_eq!(stored(field, broken, inside).expect_err(field), bound(broken, rule), "{field} {broken}");
        }
    }
    for (field, taken, broken, why) in [
        ("{ type: string, required: true }", "a", " ", "` ` is not accepted: it is blank, but the field is required"),
        (
            "{ type: enum, values: [a], many: true, required: true }",
            "a",
            "",
            "`` is not accepted: it is empty, but the field must not be",
        ),
        (
            "{ type: json, schema: { type: object } }",
            "{}",
            "[]",
            "`[]` is not accepted: it does not fit the field's JSON Schema: [] is not of type \"object\"",
        ),
    ] {
        assert!(stored(field, taken, false).is_ok(), "{field}");
        assert_eq!(stored(field, broken, false).expect_err(field), why);
    }
    assert_eq!(stored("{ type: string }", " ", false).as_deref(), Ok("' '"), "it is not required");
}
