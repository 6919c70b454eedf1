//! Field options at their limits: the last value allowed, and the first rejected.

use codegen::SourceFile;

/// The error codes for a type with this one field.
fn codes(field: &str) -> Vec<&'static str> {
    let text = format!(
        "type: item\naccess: {{ admin: {{ read: all }} }}\nfields:\n  x: {field}\n  other: {{ type: string }}\n"
    );
    let sources =
        [("cms", "site: { name: O, currency: EUR, currencies: [EUR], locales: [en] }\n".to_owned()), ("item", text)];
    let sources = sources.map(|(name, text)| SourceFile { path: format!("schema/{name}.yaml"), text });
    match codegen::compile(&sources) {
        Ok(compiled) => compiled.warnings.iter().map(|found| found.code.as_str()).collect(),
        Err(found) => found.iter().map(|found| found.code.as_str()).collect(),
    }
}

#[test]
fn bounds_hold_at_their_edges() {
    for (field, expected) in [
        ("{ type: integer, min: 5, max: 5 }", &[][..]),
        ("{ type: integer, min: 6, max: 5 }", &["S303"]),
        ("{ type: string, min: 3, max: 3 }", &[]),
        ("{ type: string, min: 4, max: 3 }", &["S303"]),
        ("{ type: date, min: 2026-01-02, max: 2026-01-01 }", &["S303"]),
        ("{ type: date, min: 2026-01-01, max: 2026-01-01 }", &[]),
        ("{ type: duration, min: PT1H, max: PT59M }", &["S303"]),
        ("{ type: money, min: 0.02, max: 0.01 }", &["S303"]),
        ("{ type: money, min: 9.99 EUR }", &["S304"]),
        ("{ type: string, min: -1 }", &["S304"]),
        ("{ type: string, max: 4294967295 }", &[]),
        ("{ type: string, max: 4294967296 }", &["S304"]),
        ("{ type: enum, values: [a], many: true, max: 1 }", &[]),
        ("{ type: enum, values: [a], max: 1 }", &["S304"]),
        ("{ type: enum, values: [a], many: true, max: x }", &["S304"]),
        ("{ type: integer, min: x }", &["S304"]),
        // Without any bounds, the message does not mention them.
        ("{ type: boolean, min: x }", &["S301"]),
        ("{ type: json, max: x }", &["S301"]),
    ] {
        assert_eq!(codes(field), expected, "{field}");
    }
}

#[test]
fn a_default_keeps_the_rules_of_its_field() {
    for (field, expected) in [
        ("{ type: integer, min: 5, max: 7, default: 5 }", &[][..]),
        ("{ type: integer, min: 5, max: 7, default: 7 }", &[]),
        ("{ type: integer, min: 5, max: 7, default: 4 }", &["S302"]),
        ("{ type: integer, min: 5, max: 7, default: 8 }", &["S302"]),
        ("{ type: integer, default: 1.5 }", &["S302"]),
        ("{ type: string, min: 2, max: 3, default: ab }", &[]),
        ("{ type: string, min: 2, max: 3, default: abc }", &[]),
        ("{ type: string, min: 2, max: 3, default: a }", &["S302"]),
        ("{ type: string, min: 2, max: 3, default: äöüß }", &["S302"]),
        ("{ type: string, max: 3, default: äöü }", &[]),
        ("{ type: string, pattern: '[a-z]+', default: abc }", &[]),
        ("{ type: string, pattern: '[a-z]+', default: abc1 }", &["S302"]),
        ("{ type: string, pattern: '[a-z' }", &["S305"]),
        ("{ type: string, unique: true, default: a }", &["S302"]),
        ("{ type: string, unique: [other], default: a }", &[]),
        ("{ type: enum, values: [a, b], default: b }", &[]),
        ("{ type: enum, values: [a, b], default: c }", &["S302"]),
        ("{ type: enum, values: [a, b], many: true, default: [a, b] }", &[]),
        ("{ type: enum, values: [a, b], many: true, default: [a, c] }", &["S302"]),
        ("{ type: enum, values: [] }", &["S309"]),
        ("{ type: enum, values: [a_1, a1] }", &["S309"]),
        ("{ type: enum, values: [{ name: a, was: b }, b] }", &["S311"]),
        ("{ type: json, schema: { type: object }, default: {} }", &[]),
        ("{ type: json, schema: { type: object }, default: [1] }", &["S302"]),
        ("{ type: json, schema: { type: 5 } }", &["S315"]),
        ("{ type: json, schema: 5 }", &["S315"]),
        ("{ type: json, schema: true }", &[]),
    ] {
        assert_eq!(codes(field), expected, "{field}");
    }
}

#[test]
fn what_does_nothing_yet_says_so_where_it_is_asked_for() {
    for (field, expected) in [
        ("{ type: string, localized: true }", &["S501"][..]),
        ("{ type: string, localized: false }", &[]),
        ("{ type: string, search: A }", &[]),
        ("{ type: string, search: A, localized: true }", &["S501"]),
    ] {
        assert_eq!(codes(field), expected, "{field}");
    }
}
