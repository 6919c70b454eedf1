//! Tests of expressions in mappings: the values they find, undefined values, limits, and arbitrary text as an
//! expression.

use proptest::prelude::*;

use super::*;

#[test]
fn keys_of_any_name_are_named() {
    let record = json!({"Body (HTML)": "a", "in": {"a.b": ["x", "y"]}, "item": "z"});
    for (expression, expected) in [
        ("item['Body (HTML)']", "a"),
        ("record['Body (HTML)'] | upper", "A"),
        ("item['in']['a.b'][-1]", "y"),
        ("(record['in'] | pick('a.b'))['a.b'] | last", "y"),
        ("item.item", "z"),
        ("loop.index0 ~ loop.index", "01"),
    ] {
        gives(&format!("  description: {expression}"), record.clone(), json!(expected));
    }
}

#[test]
fn what_is_missing_is_nothing_and_one_value_is_a_list_of_one() {
    let record = json!({"one": "Oak", "blank": " ", "null": null, "two": ["Oak", null, "", "Ash"], "zero": 0});
    for (expression, expected) in [
        ("missing.deep.down | slug | prefix('/')", Json::Null),
        ("blank | upper", Json::Null),
        ("null | default('x')", json!("x")),
        ("blank or one", json!("Oak")),
        ("zero | default(7)", json!("0")),
        ("[missing, one] | join('-')", json!("Oak")),
        ("one | join('-')", json!("Oak")),
        ("one | first", json!("Oak")),
        ("two | lower | join('-')", json!("oak-ash")),
        ("[two, one, missing] | flatten | unique | join(' ')", json!("Oak Ash")),
        ("[one, two] | map('slug') | flatten | last", json!("ash")),
        ("two | map(attribute='x') | join", Json::Null),
        ("'yes' if missing else 'no'", json!("no")),
        ("{'Oak': 'hard'}[one]", json!("hard")),
        ("two[:1] | join", json!("Oak")),
        ("one | replace(missing | default('O'), 'A')", json!("Aak")),
        ("1 | number(times=missing)", json!("1")),
        ("'5' | money(missing, round=missing) | omit('currency') | items | first | last", json!("500")),
        ("'2026-01-31' | date(offset=missing)", json!("2026-01-31")),
        ("missing | round(1) | abs", Json::Null),
        ("(0 - 2.55) | round(1) | abs", json!("2.5")),
        ("(missing | split(','))[:2]", Json::Null),
        ("missing[:2] | first", Json::Null),
        ("'less' if missing < 5 else 'no'", json!("less")),
        ("missing in ['a'] or 'no'", json!("no")),
        ("two | select('matching', 'a') | reject('eq', 'Oak') | join", Json::Null),
        ("one is matching('^O') and two is sequence", json!("true")),
    ] {
        gives(&format!("  description: \"{expression} | string\""), record.clone(), expected);
    }
}

#[test]
fn an_empty_list_in_the_record_is_meant_and_one_that_is_left_is_not() {
    let empty = json!({"set": []});
    for (expression, record, expected) in [
        ("cats | map(attribute='x')", json!({"cats": []}), &empty),
        ("cats | map(attribute='x')", json!({"cats": [{"y": 1}]}), &Json::Null),
        ("cats | map(attribute='x')", json!({}), &Json::Null),
        ("[cats, more] | flatten", json!({"cats": []}), &empty),
        ("cats or more", json!({"more": []}), &empty),
        ("cats | select('eq', 'a')", json!({"cats": ["b"]}), &Json::Null),
    ] {
        gives(&format!("  categories: \"{expression}\""), record, expected.clone());
    }
}

#[test]
fn lists_side_by_side_make_objects() {
    let options =
        |expression: &str| format!("  variants: {{ each: item, fields: {{ sku: name, options: \"{expression}\" }} }}");
    for (expression, record, expected) in [
        (
            "zip(name=n | split('|'), value=v | split('|'))",
            json!({"n": "a|b", "v": "1|2"}),
            json!([{"name": "a", "value": "1"}, {"name": "b", "value": "2"}]),
        ),
        (
            "zip(name=n | split('|', blanks=true), value=v | split('|', blanks=true)) | to_object",
            json!({"n": "a|b|c", "v": "1||3"}),
            json!({"a": "1", "c": "3"}),
        ),
        ("{n: v, missing: v, v: missing}", json!({"n": "a", "v": 1.5}), json!({"a": 1.5})),
        (
            "big | omit('x')",
            serde_json::from_str(r#"{"big": {"x": 1, "a": 99999999999999.99, "b": 12345678901234567890123}}"#).unwrap(),
            serde_json::from_str(r#"{"a": 99999999999999.99, "b": 12345678901234567890123}"#).unwrap(),
        ),
    ] {
        let data = item(&options(expression), &record).data;
        assert_eq!(data["variants"]["set"][0]["options"], expected, "{expression}");
    }
    rejects(&options("zip(a=n, b=v)"), json!({"n": ["a", "b"], "v": ["1"]}), "differ in length: `a` has 2, `b` has 1");
}

#[test]
fn amounts_keep_every_digit() {
    let record: Json = serde_json::from_str(r#"{"price": 99999999999999.99, "less": 12.30}"#).unwrap();
    for (expression, amount) in [
        ("price", "9999999999999999"),
        ("price | money", "9999999999999999"),
        ("[price] | highest", "9999999999999999"),
        ("less | money('EUR', decimal=',')", "1230"),
        ("price | money('EUR', decimal=',')", "9999999999999999"),
    ] {
        gives(&format!("  price: \"{expression}\""), record.clone(), json!({"amountMinor": amount, "currency": "EUR"}));
    }
}

#[test]
fn a_record_that_takes_too_much_is_rejected() {
    let rows: Vec<Json> = (0..5_000).map(Json::from).collect();
    let record = json!({"rows": rows, "text": "a".repeat(1 << 16)});
    for field in [
        "  description: \"range(99999) | map('string') | join(text)\"",
        "  description: text * 1000000000",
        "  description: range(1000000000) | join",
        "  description: \"text | replace('a', text)\"",
        "  categories: \"range(99999) | map('prefix', text)\"",
        "  categories: \"([text] * 100000) | unique\"",
        "  description: \"([text] * 100000) | slug | first\"",
        "  description: \"([text] * 100000) | truncate(65536) | last\"",
        "  description: \"([text] * 100000) | select('matching', text) | first\"",
        "  variants: { each: rows, fields: { sku: \"record.rows | join\" } }",
        "  variants: { each: rows, fields: { sku: \"'x'\", options: record.rows } }",
        "  variants: { each: rows, fields: { sku: item, options: record } }",
    ] {
        let begin = std::time::Instant::now();
        rejects(field, record.clone(), "");
        assert!(begin.elapsed().as_secs() < 60, "{field}");
    }
}

#[test]
fn every_filter_is_documented() {
    let docs = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/import.md");
    let docs = std::fs::read_to_string(docs).unwrap();
    let language = &crate::import::filters::LANGUAGE;
    for name in language.filters.iter().filter(|name| !["d", "count"].contains(name)) {
        let is_named = ["`", "(", " "].iter().any(|end| docs.contains(&format!("`{name}{end}")));
        assert!(is_named, "`{name}` is not in docs/import.md");
    }
}

proptest! {
    /// Any damage to a mapping results in faults, never in a panic.
    #[test]
    fn no_damage_to_a_mapping_breaks_the_compiler(from in 0_usize..600, length in 0_usize..12, with in "[a-z:{}\\[\\]'\\n|. -]{0,6}") {
        let whole = "key: slug\ntrim: true\nwhere: a == 1\nfields:\n  name: (a or b ~ '-' ~ loop.index) | choose(dict(x='y'), a)\n  slug: { value: s, numbered: true }\n  price: p | selectattr('currency', 'eq', 'USD') | map(attribute='amount') | money(c, round=true)\n  categories: { value: c, lookup: { create: true, tree: { split: '/' } } }\n  body: [{ block: text, fields: { body: b } }]\n  variants:\n    each: v\n    where: a or not b\n    fields: { sku: sku, weight: w | number(times=2.5) }\n";
        let mut damaged = whole.to_owned();
        let from = from.min(whole.len());
        damaged.replace_range(from..(from + length).min(whole.len()), &with);
        let record = json!({"a": 1, "b": "x", "s": "s", "p": [], "c": ["a/b"], "v": [{"sku": "1", "w": "2"}]});
        if let Ok(mapping) = compile(&damaged, &PRODUCT, &SCHEMA) {
            Mapper::new(mapping, &SCHEMA.site).apply(1, &record);
        }
    }

    /// Any text is either an expression or a fault, and terminates within its limits.
    #[test]
    fn no_text_breaks_an_expression(text in "[a-c\\[\\](){}|.,:'\"~*+=!<>0-9 -]{0,40}") {
        any_expression(&text);
    }

    #[test]
    fn no_words_break_an_expression(words in proptest::collection::vec(proptest::sample::select(WORDS), 0..14)) {
        any_expression(&words.join(" "));
    }

    #[test]
    fn any_key_can_be_named_with_quotes(key in "[^\"\\\\\\p{Cc}]{1,12}") {
        let fields = format!("fields: {{ name: name, slug: slug, description: {} }}", serde_json::to_string(&format!("outer[\"{key}\"]")).unwrap());
        let mapping = compile(&fields, &PRODUCT, &SCHEMA).unwrap_or_else(|faults| panic!("{faults:?}"));
        let record = json!({"name": "a", "slug": "a", "outer": {key.clone(): "7"}});
        let Applied::Item(item) = Mapper::new(mapping, &SCHEMA.site).apply(1, &record) else { panic!("{key:?}") };
        prop_assert_eq!(&item.data["description"], "7");
    }
}

const WORDS: &[&str] = &[
    "a",
    "b",
    "item",
    "record",
    "parent",
    "loop.index",
    "|",
    "|",
    "|",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    "~",
    "*",
    "+",
    "-",
    "/",
    "**",
    "==",
    "<",
    "in",
    "not",
    "and",
    "or",
    "if",
    "else",
    "is",
    "1",
    "0.5",
    "99999999999",
    "'x'",
    "''",
    "range(9)",
    "map('slug')",
    "map(attribute='a')",
    "split(',')",
    "join('-')",
    "first",
    "last",
    "unique",
    "money('EUR')",
    "number",
    "date('%Y')",
    "slug",
    "markdown",
    "truncate(3)",
    "replace('a', 'b')",
    "regex_replace('.', '$0$0')",
    "flatten",
    "zip(a=b)",
    "to_object",
    "pick('a')",
    "lowest",
    "sum",
    "default(a)",
    "length",
    "round(2)",
    "format(a)",
    "sort",
    "groupby('a')",
    "reverse",
    "defined",
    "matching('a')",
    "sequence",
    "items",
    "dictsort",
    "[:1]",
    "[-1]",
    ".b",
    "abs",
    "from_json",
    "choose({'1': 2}, a)",
];

fn any_expression(text: &str) {
    let fields = format!("fields: {{ name: name, slug: slug, description: {} }}", serde_json::to_string(text).unwrap());
    if let Ok(mapping) = compile(&fields, &PRODUCT, &SCHEMA) {
        let record = json!({"name": "a", "slug": "a", "a": [{"b": [1, "c"]}, null, "x"], "b": "1,5", "c": {"a": 0.5}});
        Mapper::new(mapping, &SCHEMA.site).apply(1, &record);
    }
}

#[test]
fn long_expressions_end() {
    for text in [
        "'%999999999d' | format(1)".to_owned(),
        "'%.999999999f' | format(1.5)".to_owned(),
        "10 ** 99999 ~ 9 ** 99 ** 9".to_owned(),
        "1.5 | round(999999999) ~ 1.5 | round(-999999999)".to_owned(),
        "range(100000) | list | map('string') | join | regex_replace('', 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx')"
            .to_owned(),
        "range(100000) | sort | groupby(0) | dictsort".to_owned(),
        "9223372036854775807 + 1 - 9223372036854775807 // -1 % 0".to_owned(),
        "1+".repeat(900) + "1",
        "a|d".to_owned() + &"|d".repeat(900),
        "(".repeat(1900),
        "[".repeat(1900),
        "not ".repeat(400) + "a",
        "-".repeat(1900) + "a",
        "a".to_owned() + &".a".repeat(900),
        "a".to_owned() + &"[0]".repeat(600),
        "a if b else ".repeat(150) + "c",
        "a~".repeat(900) + "a",
        "a or ".repeat(390) + "a",
        "1 ".repeat(9_000),
    ] {
        any_expression(&text);
    }
}

/// Sources often write prices and stocks as texts.
#[test]
fn a_text_is_not_compared_with_a_number() {
    let record = json!({"price": "9.99", "before": "12.10", "stock": "0", "count": 3, "day": "2026-01-31", "no": null,
        "exact": 3, "rows": [{"stock": "5"}, {"stock": "12"}], "sku": "B-2", "code": "0012"});
    let mut record = record;
    record["exact"] = serde_json::from_str("0.12345678901234567890123").unwrap();
    for expression in [
        "stock > 0",
        "0 < stock",
        "stock >= count",
        "(stock) > (0)",
        "'a' if stock > 0",
        "count == 3 and (stock | trim) > 0",
        "not stock > 0",
        "[stock > 0] | first",
        "{'a': stock > 0} | items | length",
        "rows | selectattr('stock', 'gt', 4) | length",
        "rows | map(attribute='stock') | select('>', 4) | length",
        "exact > 1",
        "rows > 1",
    ] {
        rejects(&format!("  description: \"{expression}\""), record.clone(), "cannot be compared");
    }
    for expression in ["before > price", "price < before", "rows | selectattr('stock', 'lt', '6') | length"] {
        rejects(&format!("  description: \"{expression}\""), record.clone(), "write `number` behind each");
    }
    for (expression, expected) in [
        ("stock | number > 0", "false"),
        ("(before | number) > (price | number)", "true"),
        ("(count + 1) * 2 >= 2 ** 3 and not count > 3", "true"),
        ("day < '2026-02-01'", "true"),
        ("sku > 'A-9'", "true"),
        ("code < '0013'", "true"),
        ("no < 5", "true"),
        ("no >= 0", "false"),
        ("'' > 5 or 5 < none", "false"),
        ("-count < 0", "true"),
        ("((count)) <= ((3))", "true"),
        ("count | abs > 2", "true"),
        ("'x' if count > 2 and (1 < count or 5 < 4) else 'y'", "x"),
        ("(1 < count) == (count > 2)", "true"),
        ("((1 < count) | string ~ (count < 1) | string) | upper", "TRUEFALSE"),
        ("rows | selectattr('stock', 'defined') | length > 1", "true"),
        ("'é <' if count < 4", "é <"),
        ("rows[1 if count > 2 else 0].stock", "12"),
        ("'a>b' < 'b>a'", "true"),
        ("3 == count == 3 and count > 2", "true"),
    ] {
        gives(&format!("  description: \"({expression}) | string\""), record.clone(), json!(expected));
    }
    refuses("fields:\n  name: name\n  slug: slug\n  description: 1 < count < 5", "4:20: comparisons stand one by one");
}
