//! Stricter and looser rules: their questions, how a database's count changes them, and what `catalog.json` records.

use std::collections::BTreeSet;

use codegen::SourceFile;
use codegen::catalog::{Catalog, lower};
use codegen::migrate::{Answers, Refusal, known_rules, plan};
use codegen::schema::Schema;

/// The fields of a type, and of a component that it contains.
fn schema(fields: &str, members: &str) -> Schema {
    let site = "site: { name: R, currency: EUR, currencies: [EUR], locales: [en] }\n";
    let item = "type: item\naccess: { admin: { read: all } }\nfields:\n  part: { type: component, of: part }\n";
    let part = "component: part\nfields:\n  name: { type: string }\n";
    let files = [
        ("cms", site.to_owned()),
        ("item", format!("{item}{fields}")),
        ("components/part", format!("{part}{members}")),
    ];
    let sources = files.map(|(name, text)| SourceFile { path: format!("schema/{name}.yaml"), text });
    codegen::compile(&sources).unwrap_or_else(|found| panic!("{}", found.render(&sources))).schema
}

fn catalog(fields: &str, members: &str) -> Catalog {
    lower(&schema(fields, members))
}

fn refused(before: &str, after: &str, answers: &Answers) -> Vec<Refusal> {
    plan(&catalog(before, ""), &schema(after, ""), answers).err().unwrap_or_default()
}

#[test]
fn a_bound_is_tighter_on_one_side_only() {
    let told = |before: &str, after: &str| -> Vec<String> {
        let field = |options: &str| format!("  x: {{ type: {options} }}\n");
        let found = refused(&field(before), &field(after), &Answers::default());
        let rule = |refusal: Refusal| {
            let (rule, _) = refusal.message.split_once(": ")?;
            Some(rule.replacen(" now takes", " takes", 1))
        };
        found.into_iter().filter(|refusal| refusal.code == "M205").filter_map(rule).collect()
    };
    for (before, after, expected) in [
        ("decimal, min: 1.5", "decimal, min: 1.25", &[][..]),
        ("decimal, min: 1.5", "decimal, min: 1.75", &["item.x takes at least 1.75"]),
        ("decimal, max: 9.5", "decimal, max: 10", &[]),
        ("decimal, max: 10", "decimal, max: 9.5", &["item.x takes at most 9.5"]),
        ("duration, max: PT90M", "duration, max: PT2H", &[]),
        ("duration, max: PT2H", "duration, max: PT90M", &["item.x takes at most PT90M"]),
        ("string, max: 10", "string, max: 1", &["item.x takes at most 1 character"]),
        ("string, min: 2", "string, min: 1", &[]),
        // A number of characters cannot be compared with a date.
        ("string, max: 10", "date, max: 2026-01-31", &["item.x takes at most 2026-01-31"]),
    ] {
        assert_eq!(told(before, after), expected, "{before} to {after}");
    }
}

#[test]
fn a_count_says_how_many_entries_break_a_rule() {
    let (before, after) = ("  x: { type: string }\n", "  x: { type: string, max: 5 }\n");
    let asked = refused(before, after, &Answers::default());
    let question = asked[0].question.clone().expect("a database can tell");
    let message = |entries: u64| {
        let mut answers = Answers::default();
        answers.count(&question, entries);
        assert_eq!(answers.counted(&question), Some(entries));
        refused(before, after, &answers).first().map(|refusal| refusal.message.clone())
    };
    let told = "item.x now takes at most 5 characters: ";
    assert_eq!(message(0), None, "nothing breaks it");
    assert_eq!(
        message(1),
        Some(format!("{told}1 entry breaks this; it stays as it is, and cannot be saved until it is corrected"))
    );
    assert_eq!(
        message(2),
        Some(format!("{told}2 entries that break this stay as they are, and cannot be saved until they are corrected"))
    );
    assert_eq!(Answers::default().counted(&question), None);
}

#[test]
fn rules_that_are_all_that_changed_are_recorded_without_a_migration() {
    let short = "  x: { type: string, max: 5 }\n";
    let long = "  x: { type: string, max: 6 }\n";
    let before = catalog(short, "").to_json("0001_start");
    let recorded = |after: &str| {
        let catalog = Catalog::from_json(&before).expect("what was written can be read");
        let plan = plan(&catalog, &schema(after, ""), &Answers::default()).expect("nothing is asked");
        (plan.is_empty(), plan.recorded(&before))
    };
    assert_eq!(recorded(short), (true, None), "nothing changed");
    assert_eq!(recorded(long), (true, Some(catalog(long, "").to_json("0001_start"))));
    assert_eq!(recorded(&format!("{long}  y: {{ type: string }}\n")), (false, None), "the migration records it");
    assert_eq!(recorded(&format!("{short}  y: {{ type: string }}\n")), (false, None));
}

#[test]
fn a_rule_that_another_catalog_knows_is_not_asked_about_again() {
    let (plain, short) = ("  x: { type: string }\n", "  x: { type: string, max: 5 }\n");
    let before = catalog(plain, plain);
    let known = |other: &Catalog, fields: &str, members: &str| known_rules(&before, other, &schema(fields, members));
    let subjects = |subjects: &[&str]| subjects.iter().map(|&subject| subject.to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(known(&catalog(short, short), short, short), subjects(&["item.x", "part.x"]));
    assert_eq!(known(&catalog(short, plain), short, short), subjects(&["item.x"]));
    assert_eq!(known(&catalog(plain, short), short, short), subjects(&["part.x"]));
    assert_eq!(known(&before, short, short), subjects(&[]));
    // A field missing from the other catalog was never confirmed.
    assert_eq!(known(&catalog("", ""), short, short), subjects(&[]));
    assert_eq!(known(&catalog("  y: { type: string }\n", short), short, plain), subjects(&[]));
}
