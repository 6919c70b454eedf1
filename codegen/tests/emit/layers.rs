//! Layering: field types are known to two files, and no crate that serves any site knows the shop's content types.

use crate::support::{compile, files, root, shop, sources};
use codegen::schema::Scalar;

/// A new field type needs a row in each of these, and nothing else.
const TABLES: [&str; 2] = ["codegen/src/schema/field_kind.rs", "runtime/model/src/kind.rs"];

#[test]
fn field_types_are_matched_in_their_two_tables_only() {
    let variants: Vec<_> = Scalar::ALL.iter().map(|scalar| format!("{scalar:?}")).collect();
    let mut found = Vec::new();
    for folder in ["codegen/src", "runtime/model/src", "runtime/src", "xtask/src", "generated/../app/src"] {
        for (path, text) in files(&root().join(folder), ".rs") {
            let path = format!("{folder}/{path}");
            if TABLES.contains(&path.as_str()) || path.ends_with("/tests.rs") {
                continue;
            }
            found.extend(arms(&text, &variants).map(|line| format!("{path}: {line}")));
        }
    }
    assert!(found.is_empty(), "put it into a column of {TABLES:?}: {found:#?}");
}

/// Lines that branch on a variant: a match arm, a pattern, a comparison.
fn arms<'a>(text: &'a str, variants: &'a [String]) -> impl Iterator<Item = &'a str> {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    code.lines().filter(|line| {
        let arm = line.split_once("=>").map(|(pattern, _)| pattern);
        let pattern = ["matches!", "if let"].iter().any(|mark| line.contains(mark)) || line.trim().starts_with('|');
        let compared = line
            .split(" && ")
            .flat_map(|part| part.split(" || "))
            .filter(|part| [" == ", " != "].iter().any(|sign| part.split(sign).skip(1).any(is_variant_first)));
        let deciding = arm.into_iter().chain(pattern.then_some(*line)).chain(compared);
        let mut deciding = deciding.filter(|text| !text.trim().is_empty());
        deciding.any(|text| variants.iter().any(|name| names(text, "Scalar::", name) || names(text, "Kind::", name)))
    })
}

/// The right side of a comparison begins with a path such as `Kind::Money`.
fn is_variant_first(right: &str) -> bool {
    let path = right.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).next().unwrap_or_default();
    path.contains("Kind::") || path.contains("Scalar::")
}

/// `Kind::Money`, but neither `FieldKind::Money` nor `Kind::MoneyRange`.
fn names(line: &str, prefix: &str, variant: &str) -> bool {
    let whole = format!("{prefix}{variant}");
    line.match_indices(&whole).any(|(at, _)| {
        let word = |c: char| c.is_alphanumeric() || c == '_';
        !line[..at].ends_with(word) && !line[at + whole.len()..].starts_with(word)
    })
}

#[test]
fn the_rule_finds_what_it_forbids() {
    let variants = ["Money".to_owned()];
    assert_eq!(arms("Kind::Money => 1,\nScalar::Money => 2,\nx == Kind::Money", &variants).count(), 3);
    assert_eq!(
        arms("_ => Kind::Money\nShape::Scalar(Kind::Money)\nFieldKind::Money => 1\nKind::MoneyRange => 1", &variants)
            .count(),
        0
    );
}

#[test]
fn the_runtime_names_no_content_type() {
    // `tag` and `media` are also ordinary words of the field.
    let schema = compile(&sources(&shop()));
    let types = schema.types.iter().filter(|ty| !["tag", "media"].contains(&ty.name.snake()));
    let names: Vec<_> = types.map(|ty| (format!("\"{}\"", ty.name.snake()), ty.name.pascal())).collect();
    assert!(names.len() > 3, "the shop has more types");
    let mut found = Vec::new();
    for (path, text) in files(&root().join("runtime/src"), ".rs") {
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
            let named = |(quoted, pascal): &(String, String)| {
                line.contains(quoted) || line.contains(&format!("generated::{pascal}"))
            };
            if !path.ends_with("tests.rs") && names.iter().any(named) {
                found.push(format!("{path}: {}", line.trim()));
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}
