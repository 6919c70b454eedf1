//! Syntax of documents: what sections 2 and 2.1 of the specification allow is parsed correctly, all else is rejected.

use async_graphql::parser::types::{ExecutableDocument, Selection};
use async_graphql_value::Value as Literal;
use proptest::prelude::*;
use runtime::graphql::syntax::parse;

/// `line:column message` of a syntax error.
fn refusal(text: &str) -> Option<String> {
    let broken = parse(text).err()?;
    Some(format!("{}:{} {}", broken.pos.line, broken.pos.column, broken.problem.message))
}

/// The first argument of the first field.
fn argument(literal: &str) -> Result<Literal, String> {
    let text = format!("{{ a(x: {literal}) }}");
    let document = parse(&text).map_err(|broken| broken.problem.message)?;
    Ok(first(&document).arguments[0].1.node.clone())
}

fn first(document: &ExecutableDocument) -> &async_graphql::parser::types::Field {
    let (_, operation) = document.operations.iter().next().unwrap();
    match &operation.node.selection_set.node.items[0].node {
        Selection::Field(field) => &field.node,
        _ => panic!("a field is first"),
    }
}

fn text(literal: &str) -> String {
    match argument(literal) {
        Ok(Literal::String(text)) => text,
        other => panic!("{literal}: {other:?}"),
    }
}

#[test]
fn what_is_no_document_is_refused() {
    for text in [
        "",
        " # nothing",
        "{}",
        "{ }",
        "{ a { } }",
        "{ a() }",
        "query Q() { a }",
        "query(){ a }",
        "queryQ{ a }",
        "query Q{ a",
        "{ a } }",
        "{ a: }",
        "{ :a }",
        "{ a b: c: d }",
        "{ ...on }",
        "{ ... on }",
        "{ ...on on }",
        "{ ... }",
        "{ .. { a } }",
        "{ ....F }",
        "fragment on on Query { a } { ...on }",
        "fragment F Query { a } { ...F }",
        "fragment F on { a } { ...F }",
        "fragment F($a: Int) on Query { a } { ...F }",
        "fragment F on on Query { a } { ...F }",
        "{ a @ }",
        "{ a @b() }",
        "{ a(b) }",
        "{ a(b:) }",
        "{ a(b: $) }",
        "{ a(b: 1 c) }",
        "{ a(b: {c}) }",
        "{ a(b: {1: 2}) }",
        "{ a(b: [1) }",
        "{ a(b: (1)) }",
        "{ a(b: @c) }",
        "query Q($a) { b }",
        "query Q($a: ) { b }",
        "query Q($a: [B) { b }",
        "query Q($a: B!!) { b }",
        "query Q($a: [B]]) { b }",
        "query Q($a: B = $c) { b }",
        "query Q($a: B = [$c]) { b }",
        "query Q($a: B = {c: $d}) { b }",
        "query Q($a: B @c(d: $a)) { b }",
        "query Q($a: B @c = 1) { b }",
        "query Q(a: B) { b }",
        "query Q R { a }",
        "query { a } b",
        "\"d\" { a }",
        "\"d\" \"e\" query { a }",
        "{ \"d\" a }",
        "\"d\"",
        "{ a ? }",
        "{ a; b }",
        "{ a % }",
        "{ é }",
        "{ a\u{a0}b }",
        "{ a\u{2028}b }",
        "{ a\0 }",
        "type Query { a: Int }",
        "extend type Query { a: Int } { a }",
        "query Q { a } query Q { b }",
        "{ a } { b }",
        "{ a } query Q { b }",
        "query Q { a } { b }",
        "fragment F on Query { a } fragment F on Query { b } { ...F }",
        "fragment F on Query { a }",
        "{ a(b: {c: 1, c: 2}) }",
        "{ a(b: [{c: {d: 1, e: 2, d: 3}}]) }",
    ] {
        assert!(refusal(text).is_some(), "{text:?}");
    }
}

#[test]
fn what_is_a_document_is_read() {
    for text in [
        "{a}",
        "\u{feff}{a}",
        "{\u{feff}a,,,,b}",
        "#c\r{a#c\r\n}",
        "query{a}",
        "query Q{a}",
        "query query { query }",
        "mutation subscription { mutation: fragment }",
        "{ on on: true false: null null true { type } }",
        "fragment fragment on on { on } { ...fragment ... on on { on } }",
        "{...on#c\nQuery{a}}",
        "{...on,Query{a}}",
        "{...onward ...on_ ...@b{c}} fragment onward on Query{a} fragment on_ on Query{a}",
        "{ ... { a } ... @b { c } }",
        "query Q($a: [ [ B ! ] ] ! = [[1]] @c(d: 1) @e, $b: C) @d { f(g: $a) }",
        "query Q(\"one\" $a: B, \"\"\"two\"\"\" $b: C) { d }",
        "\"\"\"d\"\"\" query Q { a }",
        "\"d\" mutation { a }",
        "{ ...F } \"d\" fragment F on Query { a }",
        "{ a(b: {}, c: [], d: {e: []}, f: nullable, g: trueish, h: [falsey null nulls]) }",
        "{ __proto__ constructor: toString(valueOf: hasOwnProperty) }",
        "query __proto__($__proto__: __proto__ = {__proto__: __proto__}) { a }",
        "{ a(b: 1,c:2 d:3) @e(f:1)@g { h } }",
        "{ k: a k: a(x: {k: {k: 1}, l: [{k: 1}, {k: 2}]}) { k: b k: b } }",
        "{ a(b: \"{[(#\") # \"{[(\n }",
    ] {
        assert_eq!(refusal(text), None, "{text:?}");
    }
}

#[test]
fn numbers_are_read_by_their_grammar() {
    for (literal, json) in [
        ("0", "0"),
        ("-0", "0"),
        ("7", "7"),
        ("-12", "-12"),
        ("9007199254740993", "9007199254740993"),
        ("1.5", "1.5"),
        ("-1.5e3", "-1500.0"),
        ("1E+2", "100.0"),
        ("0.0", "0.0"),
        ("0e0", "0.0"),
        ("1e-2", "0.01"),
    ] {
        let found = argument(literal).unwrap().into_json().unwrap();
        let (found, json): (f64, f64) = (found.to_string().parse().unwrap(), json.parse().unwrap());
        assert!((found - json).abs() < 1e-9, "{literal}: {found}");
    }
    assert!(matches!(argument("-0"), Ok(Literal::Number(number)) if number.as_i64() == Some(0)));
    for literal in [
        "00",
        "01",
        "0123",
        "-01",
        "-",
        "--1",
        "+1",
        "1.",
        ".5",
        "1.e1",
        "1e",
        "1e+",
        "1.0.0",
        "1..2",
        "0x1",
        "1a",
        "1_000",
        "1.5a",
        "1e5a",
        "-a",
        "- 1",
        "1.a",
        "0b1",
        "1L",
        "Infinity.0",
        "1é",
    ] {
        assert!(argument(literal).is_err(), "{literal}");
    }
    // A name needs no space after a bracket or a string, but needs one after a number.
    assert!(parse("{ a(x:\"1\"y:[1]z:2) }").is_ok());
    assert!(parse("{ a(x:1y:2) }").is_err());
}

#[test]
fn texts_are_read_with_every_escape() {
    for (literal, expected) in [
        (r#""""#, ""),
        (r#""a b""#, "a b"),
        (r#""\" \\ \/ \b \f \n \r \t""#, "\" \\ / \u{8} \u{c} \n \r \t"),
        (r#""\u0041\u00e9\u00E9""#, "Aéé"),
        (r#""\u{41}\u{1F600}\u{000041}\u{10FFFF}""#, "A😀A\u{10ffff}"),
        (r#""\uD83D\uDE00 \ud83d\ude00""#, "😀 😀"),
        (r#""\\u0041 \\\"""#, r#"\u0041 \""#),
        ("\"é 😀 \u{2028} \u{7f} \u{feff} #, {\"", "é 😀 \u{2028} \u{7f} \u{feff} #, {"),
        ("\"a\tb\"", "a\tb"),
    ] {
        assert_eq!(text(literal), expected, "{literal}");
    }
    for literal in [
        r#"""#,
        r#""a"#,
        "\"a\nb\"",
        "\"a\rb\"",
        r#""\""#,
        r#""\q""#,
        r#""\x41""#,
        r#""\ ""#,
        r#""\U0041""#,
        r#""\u""#,
        r#""\u12""#,
        r#""\u00G0""#,
        r#""\u+041""#,
        r#""\u{}""#,
        r#""\u{""#,
        r#""\u{41""#,
        r#""\u{G}""#,
        r#""\u{+1}""#,
        r#""\u{ 41}""#,
        r#""\u{110000}""#,
        r#""\u{FFFFFFFF}""#,
        r#""\u{D83D}""#,
        r#""\u{D83D}\u{DE00}""#,
        r#""\uD83D""#,
        r#""\uDE00""#,
        r#""\uD83Dx""#,
        r#""\uD83D\n""#,
        r#""\uD83D\u0041""#,
        r#""\uD83D\uD83D""#,
        r#""\uDE00\uD83D""#,
        r#""\uD83D\u{DE00}""#,
        "\"\\é\"",
        "'a'",
        "\"\"\"a",
        "\"\"\"a\"\"",
        "\"\"\"a\\\"\"\"",
    ] {
        assert!(argument(literal).is_err(), "{literal}");
    }
}

#[test]
fn blocks_of_text_lose_their_indentation_and_nothing_else() {
    let q = "\"\"\"";
    for (inside, expected) in [
        ("", ""),
        ("a", "a"),
        ("  a ", "  a "),
        ("\n  a\n    b\n  c\n", "a\n  b\nc"),
        ("a\n  b\n    c", "a\nb\n  c"),
        ("\n\n  \t\n  a\n\n  b\n \n\n", "a\n\nb"),
        ("\r\n  a\r  b\n  c", "a\nb\nc"),
        ("\n\ta\n\t b", "a\n b"),
        ("\n  a\n     \n  b", "a\n   \nb"),
        ("\n  a\n \n  b", "a\n\nb"),
        ("\n é\n \u{a0}x", "é\n\u{a0}x"),
        ("a\\\"\"\"b", "a\"\"\"b"),
        ("\"a\" \"\" b", "\"a\" \"\" b"),
        ("\\n \\u0041 \\ ", "\\n \\u0041 \\ "),
        ("\n  \\\"\"\"\n   x", "\"\"\"\n x"),
        ("   ", ""),
        ("\n\n", ""),
    ] {
        assert_eq!(text(&format!("{q}{inside}{q}")), expected, "{inside:?}");
    }
    assert_eq!(refusal("{ a(x: \"\"\"\n\n\"\"\") é }").as_deref().map(|told| &told[..4]), Some("3:6 "));
}

#[test]
fn names_of_enum_values_may_begin_like_other_words() {
    for name in ["nullable", "trueish", "falsey", "NULL", "True", "E5", "E0", "on", "query", "__proto__"] {
        assert_eq!(argument(name), Ok(Literal::Enum(async_graphql_value::Name::new(name))));
    }
    assert_eq!(argument("[true false null]").unwrap().to_string(), "[true, false, null]");
    assert_eq!(argument("[nullable 1 \"E0\" E0 0]").unwrap().to_string(), r#"[nullable, 1, "E0", E0, 0]"#);
    assert_eq!(argument("{a: {b: [E1 \"2\"]}, c: $d}").unwrap().to_string(), r#"{a: {b: [E1, "2"]}, c: $d}"#);
}

#[test]
fn places_are_told_in_lines_and_columns_of_utf_16() {
    for (text, place) in [
        ("{ a ? }", "1:5"),
        ("{\n  a ? }", "2:5"),
        ("{\r\n  a ? }", "2:5"),
        ("{\r  a ? }", "2:5"),
        ("{\n\r  a ? }", "3:5"),
        ("{ a(x: \"é\") ? }", "1:13"),
        ("{ a(x: \"😀\") ? }", "1:14"),
        ("{ a(x: \"\"\"é\n é\"\"\") ? }", "2:8"),
        ("\u{feff}{ a ? }", "1:6"),
        ("# é😀\n{ ? }", "2:3"),
        ("{ a \t, ? }", "1:8"),
        ("{ a", "1:4"),
        ("{ a # no end", "1:13"),
        ("{ a(x: \"b\n\") }", "1:10"),
        ("{ a(x: \"b \\q\") }", "1:11"),
        ("{ a(x: 01) }", "1:9"),
        ("{ a { } ? }", "1:7"),
    ] {
        let told = refusal(text).unwrap();
        assert!(told.starts_with(&format!("{place} ")), "{text:?}: {told}");
    }
    let document = parse("query Q($é: Int) { a }").err();
    assert!(document.is_some());
    let document = parse("query Q(\n $a: [ Int ] = 1 @d\n) { a(\n\"é\"\n).").err();
    assert!(document.is_some());
    let document = parse("{ x: a(é: 1) }");
    assert!(document.is_err());
    let document = parse("{\n  x: a(y: \"😀\", z: {b: \"é\"}) { b } }").unwrap();
    let field = first(&document);
    let at = |pos: async_graphql::Pos| (pos.line, pos.column);
    assert_eq!((at(field.alias.as_ref().unwrap().pos), at(field.name.pos)), ((2, 3), (2, 6)));
    assert_eq!((at(field.arguments[0].1.pos), at(field.arguments[1].0.pos)), ((2, 11), (2, 17)));
    assert_eq!(at(field.selection_set.pos), (2, 30));
}

#[test]
fn what_is_too_long_or_too_deep_is_refused_before_it_is_read() {
    let told = |text: &str| refusal(text).unwrap_or_default();
    assert!(told(&format!("{{ {} }}", "a ".repeat(8_000))).contains("more than 8000 tokens"));
    assert!(told(&format!("{{ {} }}", "a".repeat(129))).contains("more than 128 characters"));
    let nested = |open: &str, close: &str| format!("{{ a(x: {}1{}) }}", open.repeat(100_000), close.repeat(100_000));
    for (open, close) in [("[", "]"), ("{a: ", "}")] {
        assert!(told(&nested(open, close)).contains("nested brackets"));
    }
    for text in ["{a".repeat(100_000), format!("query Q($a: {}B", "[".repeat(100_000)), "{...{".repeat(50_000)] {
        assert!(told(&text).contains("tokens") || told(&text).contains("nested brackets"));
    }
}

/// Tokens of documents, some of them invalid.
const WORDS: &[&str] = &[
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    ":",
    "!",
    "$",
    "@",
    "...",
    "=",
    "|",
    "&",
    "\"",
    "\"\"\"",
    "\\",
    "\\\"\"\"",
    "on",
    "query",
    "fragment",
    "true",
    "null",
    "nullX",
    "0",
    "-0",
    "01",
    "1.",
    "1.5e3",
    "-",
    "a",
    "b1",
    "é",
    "😀",
    "\u{feff}",
    "#c\n",
    "\n",
    "\r",
    "\r\n",
    ",",
    "\t",
    " ",
    "\\u0041",
    "\\u{41}",
    "\\uD83D\\uDE00",
    "\\uD83D",
    "\"q\"",
    "...F",
    "?",
];

proptest! {
    #[test]
    fn any_text_is_read_or_refused_in_its_place(words in proptest::collection::vec(proptest::sample::select(WORDS), 0..40)) {
        let text = words.concat();
        if let Err(broken) = parse(&text) {
            let lines = text.replace("\r\n", "\n").replace('\r', "\n");
            let line = lines.split('\n').nth(broken.pos.line - 1).unwrap_or_else(|| panic!("{text:?}: {:?}", broken.pos));
            prop_assert!(broken.pos.column <= line.encode_utf16().count() + 1, "{text:?}: {:?}", broken.pos);
        }
    }

    #[test]
    fn any_text_at_all_ends(text in any::<String>()) {
        let _ = parse(&text);
        let _ = parse(&format!("{{ a(x: \"{text}"));
        let _ = parse(&format!("{{ a(x: \"\"\"{text}"));
    }

    #[test]
    fn a_text_is_what_was_written(characters in proptest::collection::vec((any::<char>(), 0..4u8), 0..20)) {
        let mut written = String::new();
        for (character, form) in &characters {
            let code = u32::from(*character);
            match form {
                0 => written += &format!("\\u{{{code:x}}}"),
                1 => character.encode_utf16(&mut [0; 2]).iter().for_each(|unit| written += &format!("\\u{unit:04X}")),
                _ if matches!(character, '"' | '\\' | '\n' | '\r') => written += &format!("\\u{code:04x}"),
                _ => written.push(*character),
            }
        }
        let expected: String = characters.iter().map(|(character, _)| character).collect();
        prop_assert_eq!(text(&format!("\"{}\"", written)), expected);
    }

    /// Each line starts with an `x`, so that the indentation is known.
    #[test]
    fn a_block_of_text_is_what_was_written(lines in proptest::collection::vec("x[a-c \t\"\\\\é]{0,8}", 1..6), indent in 0..4usize) {
        let escape = |line: &String| line.replace("\"\"\"", "\\\"\"\"");
        // A quote at the end, and a backslash before quotes, would be read with what follows.
        let plain = |line: &String| if line.contains('\\') { line.replace('"', "'") } else { line.clone() };
        let lines: Vec<_> = lines.iter().map(|line| format!("{}.", plain(line))).collect();
        let inside: String = lines.iter().map(|line| format!("\r\n{}{}", " ".repeat(indent), escape(line))).collect();
        prop_assert_eq!(text(&format!("\"\"\"{inside}\n   \"\"\"")), lines.join("\n"));
    }

    /// Ignored tokens change only positions.
    #[test]
    fn commas_comments_and_line_ends_mean_nothing(gaps in proptest::collection::vec(proptest::sample::select(&[" ", ",", "\t", "\n", "\r", "\r\n", "#c\n", "#\r", "\u{feff}", " , # é \"\"\"\n"]), 64)) {
        let tokens = [
            "query", "Q", "(", "$", "a", ":", "[", "B", "!", "]", "!", "=", "[", "1", "]", "@", "d", ")", "{", "x", ":", "a",
            "(", "y", ":", "{", "b", ":", "-1.5", "}", "z", ":", "nulls", ")", "@", "e", "{", "...", "on", "B", "{", "c",
            "}", "...", "F", "}", "}", "fragment", "F", "on", "B", "{", "c", "}",
        ];
        let text: String = tokens.iter().zip(&gaps).flat_map(|(token, gap)| [*token, gap]).collect();
        let plain = format!("{:?}", parse(&tokens.join(" ")).unwrap().operations);
        let same = format!("{:?}", parse(&text).unwrap().operations);
        prop_assert_eq!(without_places(&same), without_places(&plain));
    }
}

fn without_places(tree: &str) -> String {
    tree.split("Pos(").map(|part| part.split_once(')').map_or(part, |(_, rest)| rest)).collect()
}
