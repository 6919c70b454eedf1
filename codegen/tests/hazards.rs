//! Each hazard: its code, what it loses, and the command that allows it. Plan tests would not notice a missing one.

use std::collections::BTreeMap;

use codegen::SourceFile;
use codegen::catalog::{Catalog, lower};
use codegen::migrate::{Answers, Refusal, hazard, plan};
use codegen::schema::Schema;

/// The fields of a type, followed by a component if there is one.
fn schema(fields: &str) -> Schema {
    let (fields, component) = fields.split_at(fields.find("component: part").unwrap_or(fields.len()));
    let mut types = vec![
        ("cms", "site: { name: H, currency: EUR, currencies: [EUR], locales: [en] }\n".to_owned()),
        (
            "item",
            format!(
                "type: item\naccess: {{ admin: {{ read: all }} }}\nfields:\n  id_name: {{ type: string }}\n{fields}"
            ),
        ),
        ("other", "type: other\naccess: { admin: { read: all } }\nfields: { a: { type: string } }\n".to_owned()),
        ("third", "type: third\naccess: { admin: { read: all } }\nfields: { a: { type: string } }\n".to_owned()),
    ];
    if !component.is_empty() {
        types.push(("components/part", component.to_owned()));
    }
    let sources: Vec<_> =
        types.into_iter().map(|(name, text)| SourceFile { path: format!("schema/{name}.yaml"), text }).collect();
    codegen::compile(&sources).unwrap_or_else(|found| panic!("{}", found.render(&sources))).schema
}

/// `(code, subject, argument)` of each refusal.
fn refused(before: &str, after: &str, answers: &Answers) -> Vec<Refusal> {
    plan(&lower(&schema(before)), &schema(after), answers).err().unwrap_or_default()
}

#[track_caller]
fn check(before: &str, after: &str, expected: &[(&str, &str)]) {
    let found = refused(before, after, &Answers::default());
    let arguments: Vec<_> = found.iter().map(|refusal| (refusal.code, refusal.arguments.join(" "))).collect();
    let told: Vec<_> = arguments.iter().map(|(code, arguments)| (*code, arguments.as_str())).collect();
    assert_eq!(told, expected, "{before} to {after}");
    // With the suggested arguments, the migration succeeds.
    let all = found.iter().flat_map(|refusal| &refusal.arguments);
    let of = |option: &str| -> Vec<String> {
        all.clone().filter_map(|argument| argument.strip_prefix(option)).map(str::to_owned).collect()
    };
    let answers = Answers::parse(&of("--allow "), false, &of("--set ")).expect("arguments");
    assert_eq!(refused(before, after, &answers), [], "{before} to {after}");
}

#[test]
fn what_may_go_wrong_is_asked_about() {
    let many = "  x: { type: relation, to: other, many: true }\n";
    let one = "  x: { type: relation, to: other }\n";
    check(many, one, &[("M106", "--allow M106=item.x")]);
    check(one, many, &[]);
    check(many, "", &[("M102", "--allow M102=item.x")]);
    check(one, "", &[("M103", "--allow M103=item.x")]);
    check("  x: { type: relation, to: [item, other] }\n", one, &[("M107", "--allow M107=item.x")]);
    check("  x: { type: relation, to: [item, other], many: true }\n", many, &[("M107", "--allow M107=item.x")]);
    check(
        "  x: { type: decimal }\n",
        "  x: { type: money }\n",
        &[
            ("M301", "--allow M301=item.x"),
            ("M203", "--allow M203=item.x"),
            ("M203", "--allow M203=item.x"),
            ("M203", "--allow M203=item.x"),
        ],
    );
    check(
        "  x: { type: integer }\n",
        "  x: { type: money }\n",
        &[("M203", "--allow M203=item.x"), ("M203", "--allow M203=item.x")],
    );
    check("  x: { type: money }\n", "  x: { type: bigint }\n", &[("M105", "--allow M105=item.x")]);
    check("  x: { type: string }\n", "  x: { type: string, unique: true }\n", &[("M202", "--allow M202=item.x")]);
    check(
        "  x: { type: string }\n",
        "  x: { type: integer }\n",
        &[("M301", "--allow M301=item.x"), ("M203", "--allow M203=item.x"), ("M203", "--allow M203=item.x")],
    );
    check(
        "  x: { type: datetime }\n",
        "  x: { type: date }\n",
        &[("M301", "--allow M301=item.x"), ("M105", "--allow M105=item.x")],
    );
    check("", "  x: { type: integer, required: true }\n", &[("M201", "--set item.x=10")]);
    check(
        "  x: { type: enum, values: [a, b] }\n",
        "  x: { type: enum, values: [a] }\n",
        &[("M104", "--allow M104=item.x")],
    );
    check(
        "  x: { type: enum, values: [a, b], required: true }\n",
        "  x: { type: enum, values: [a], required: true }\n",
        &[("M104", "--set item.x=a --allow M104=item.x")],
    );
    let part =
        |field: &str| format!("  x: {{ type: component, of: part, many: true }}\ncomponent: part\nfields:\n{field}");
    check(
        &part("  y: { type: enum, values: [a, b], required: true }\n"),
        &part("  y: { type: enum, values: [a], required: true }\n"),
        &[("M104", "--set part.y=a --allow M104=part.y"), ("M201", "--set part.y=a")],
    );
    check(
        &part("  y: { type: string }\n"),
        &part("  y: { type: string }\n  z: { type: integer, required: true }\n"),
        &[("M201", "--set part.z=10")],
    );
    check("  x: { type: children, fields: { a: { type: string } } }\n", "", &[("M101", "--allow M101=item.x")]);
    check("  x: { type: string }\n", "  x: { type: string, max: 5 }\n", &[("M205", "--allow M205=item.x")]);
    check("  x: { type: string, max: 5 }\n", "  x: { type: string, max: 6 }\n", &[]);
    check("  x: { type: string, max: 5 }\n", "  x: { type: string, max: 5 }\n", &[]);
    check("  x: { type: integer, min: 5 }\n", "  x: { type: integer, min: 4 }\n", &[]);
    check("  x: { type: integer, min: 5 }\n", "  x: { type: integer, min: 6 }\n", &[("M205", "--allow M205=item.x")]);
    // A rename is reported, and needs no answer.
    check("  x: { type: string }\n", "  y: { type: string, was: x }\n", &[]);
}

#[test]
fn what_is_given_or_has_a_default_is_not_asked_for() {
    check("  x: { type: integer }\n", "  x: { type: integer, required: true, default: 5 }\n", &[]);
    check("", "  x: { type: integer, required: true, default: 5 }\n", &[]);
    // Each number becomes an amount of the site's currency.
    let money = [("M203", "--allow M203=item.x"); 2];
    check("  x: { type: integer, required: true }\n", "  x: { type: money, required: true }\n", &money);
    // With the same value in every row, the other field must distinguish them.
    let pair = "  x: { type: string, required: true, default: a, unique: [id_name] }\n";
    check("", pair, &[("M202", "--allow M202=item.x")]);
    check("", "  x: { type: string, unique: [id_name] }\n", &[]);
    check(
        "  x: { type: relation, to: other }\n",
        "  x: { type: relation, to: other, unique: true }\n",
        &[("M202", "--allow M202=item.x")],
    );
    // The first item of an empty list is null.
    check(
        "  x: { type: enum, values: [a, b], many: true, required: true }\n",
        "  x: { type: enum, values: [a, b], required: true }\n",
        &[("M301", "--allow M301=item.x"), ("M105", "--allow M105=item.x"), ("M201", "--set item.x=a")],
    );
    // Rows that are already distinguished by another field can all get the same value.
    check(
        "  x: { type: string }\n  y: { type: string, unique: true }\n",
        "  x: { type: string, required: true }\n  y: { type: string, unique: true }\n",
        &[("M201", "--set item.x='Two words'")],
    );
}

#[test]
fn relations_to_several_types_lose_only_what_they_no_longer_point_at() {
    let one = |to: &str, required: bool| format!("  x: {{ type: relation, to: [{to}], required: {required} }}\n");
    let many = |to: &str| format!("  x: {{ type: relation, to: [{to}], many: true }}\n");
    let (lost, doubtful) = (("M107", "--allow M107=item.x"), ("M203", "--allow M203=item.x"));
    check(&many("other"), &many("item, other"), &[]);
    check(&many("item, other"), &many("item, third"), &[lost]);
    check(&one("item, other", true), &one("item, other", false), &[]);
    check(&one("item, other", false), &one("item, other", true), &[doubtful]);
    check(&one("other", true), &one("item, other", true), &[]);
    check(&one("other", false), &one("item, other", false), &[]);
    check(&one("item, other, third", false), &one("item, other", false), &[lost]);
    check(&one("item, other", false), &one("item, other, third", true), &[doubtful]);
    check(&one("item, other, third", true), &one("item, other", true), &[lost, doubtful]);
}

#[test]
fn stored_components_are_asked_about_only_where_they_change() {
    let part = |fields: &str| format!("  x: {{ type: component, of: part }}\ncomponent: part\nfields:\n{fields}");
    let state = |options: &str| part(&format!("  y: {{ type: enum, {options} }}\n"));
    let kept = "  y: { type: enum, values: [a, b], required: true }\n";
    check(&part(kept), &part(&format!("{kept}  z: {{ type: string }}\n")), &[]);
    check(&state("values: [a, b]"), &state("values: [a]"), &[("M104", "--allow M104=part.y")]);
    check(
        &state("values: [a, b], many: true, required: true"),
        &state("values: [a], many: true, required: true"),
        &[("M104", "--allow M104=part.y")],
    );
    check(&state("values: [a, b]"), &state("values: [{ name: one, was: a }, b]"), &[]);
    check(&state("values: [a]"), &state("values: [a], required: true"), &[("M201", "--set part.y=a")]);
    check(&state("values: [a]"), &state("values: [a], required: true, default: a"), &[]);
    let relation = part("  y: { type: relation, to: other, required: true }\n");
    let asked = refused(&part("  y: { type: relation, to: other }\n"), &relation, &Answers::default());
    let arguments: Vec<_> = asked.iter().flat_map(|refusal| &refusal.arguments).collect();
    assert_eq!(arguments, ["--set part.y=other_..."], "which entry it is cannot be known here");
    check(
        &part("  y: { type: string }\n"),
        &part("  y: { type: string }\n  z: { type: enum, values: [a], many: true, required: true }\n"),
        &[],
    );
}

#[test]
fn who_only_renamed_is_told_how_to_say_so() {
    let help = |before: &str| {
        let found = refused(before, "", &Answers::default());
        found.into_iter().map(|refusal| refusal.help).next().expect("something is lost")
    };
    let to_go_on = |code: &str| format!("to continue: cargo xtask generate --allow {code}=item.x");
    assert_eq!(
        help("  x: { type: string }\n"),
        ["if it was renamed, write `was: x` at the new name".to_owned(), to_go_on("M103")]
    );
    assert_eq!(help("  x: { type: children, fields: { a: { type: string } } }\n"), [to_go_on("M101")]);
    let before = lower(&schema(""));
    let mut without = before.clone();
    without.tables.insert("old".to_owned(), before.tables["other"].clone());
    let gone = plan(&without, &schema(""), &Answers::default()).expect_err("a type is lost");
    assert_eq!(gone[0].help[0], "if the type was renamed, write `was: old` in it");
    assert!(!gone[0].is_wrong_answer());
}

#[test]
fn what_loses_data_is_what_allow_data_loss_allows() {
    let lost: BTreeMap<_, _> = hazard::CODES.iter().map(|(code, _)| (*code, hazard::loses_data(code))).collect();
    for (code, loses) in lost {
        assert_eq!(loses, code.starts_with("M1"), "{code}");
        let answers = Answers::parse(&[], true, &[]).expect("no code");
        assert_eq!(answers.allows(code, "item.x").is_some(), loses, "{code}");
    }
    let answers = Answers::parse(&["M103=item.x".into(), "M202".into()], false, &[]).expect("codes");
    assert_eq!(answers.allows("M103", "item.x").as_deref(), Some("--allow M103=item.x"));
    assert_eq!(answers.allows("M103", "item.y"), None);
    assert_eq!(answers.allows("M202", "item.y").as_deref(), Some("--allow M202"));
    for wrong in [Answers::parse(&["M999".into()], false, &[]), Answers::parse(&[], false, &["x=1".into()])] {
        assert!(wrong.is_err());
    }
}

#[test]
fn the_command_goes_on() {
    let two = refused("  x: { type: string }\n  y: { type: string }\n", "", &Answers::default());
    let command = hazard::command(&two, " --allow M202").expect("a command");
    assert_eq!(command, "cargo xtask generate --allow M202 --allow M103=item.x --allow M103=item.y");
    let repeated: Vec<_> = [&two[..], &two[..1]].concat();
    assert_eq!(hazard::command(&repeated, " --allow M202"), Some(command));
    let wrong = Answers::parse(&[], false, &["item.nothing=1".into()]).expect("well written");
    let unused = refused("  x: { type: string }\n", "  x: { type: string }\n", &wrong);
    assert_eq!(unused[0].code, "M001");
    assert_eq!(hazard::command(&unused, ""), None);
    let arguments: Vec<_> = two.iter().flat_map(|refusal| refusal.arguments.clone()).collect();
    let allow: Vec<_> = arguments.iter().filter_map(|text| text.strip_prefix("--allow ")).map(str::to_owned).collect();
    let answers = Answers::parse(&allow, false, &[]).expect("codes");
    assert!(refused("  x: { type: string }\n  y: { type: string }\n", "", &answers).is_empty());
    assert!(plan(&Catalog::default(), &schema(""), &Answers::default()).is_ok());
}
