//! Access rules at their limits: what is just accepted, and that a mistake is reported once.

use codegen::SourceFile;

/// The error codes for a type with this rule for editors, and with additional `fields` and `roles`.
fn codes(rule: &str, fields: &str, roles: &str) -> Vec<&'static str> {
    let site = format!("site: {{ name: A, currency: EUR, currencies: [EUR], locales: [en] }}\n{roles}");
    let item = format!(
        "type: item\naccess: {{ editor: {{ {rule} }} }}\nfields:\n  name: {{ type: string }}\n  state: {{ type: enum, values: [open, closed] }}\n  sizes: {{ type: enum, values: [s, m], many: true }}\n{fields}"
    );
    let other = "type: other\naccess: { admin: { read: all } }\nfields: { elsewhere: { type: string } }\n".to_owned();
    let sources = [("cms", site), ("item", item), ("other", other)];
    let sources = sources.map(|(name, text)| SourceFile { path: format!("schema/{name}.yaml"), text });
    match codegen::compile(&sources) {
        Ok(compiled) => compiled.warnings.iter().map(|found| found.code.as_str()).collect(),
        Err(found) => found.iter().map(|found| found.code.as_str()).collect(),
    }
}

#[test]
fn values_of_rules_are_those_of_the_field() {
    for (rule, expected) in [
        ("create: { set: { state: open } }", &[][..]),
        ("create: { set: { sizes: [s, m] } }", &[]),
        ("create: { set: { sizes: [] } }", &[]),
        ("create: { set: { sizes: s } }", &["S407"]),
        ("create: { set: { sizes: [s, l] } }", &["S407"]),
        ("read: { where: { id: item_01h455vb4pex5vsknk084sn02q } }", &[]),
        ("read: { where: { id: item_01h455vb4pex5vsknk084sn02 } }", &["S407"]),
        ("read: { where: { id: other_01h455vb4pex5vsknk084sn02q } }", &["S407"]),
        ("read: { where: { state: null } }", &["S407"]),
        // A value that is not part of the language is reported only once.
        ("read: { where: { state: *open } }", &["S102"]),
        ("create: { set: { state: *open } }", &["S102"]),
    ] {
        assert_eq!(codes(rule, "", ""), expected, "{rule}");
    }
}

#[test]
fn a_field_that_is_wrong_itself_is_told_once() {
    for (rule, fields, expected) in [
        ("create: { set: { nothing: x } }", "", &["S211"][..]),
        ("create: { set: { elsewhere: x } }", "", &["S211"]),
        ("create: { set: { gone: x } }", "  gone: { drop: true }\n", &["S211"]),
        ("create: { set: { wrong: x } }", "  wrong: { type: strin }\n", &["S204"]),
        ("create: { set: { wrong: x } }", "  wrong: { type: enum }\n", &["S107"]),
        ("read: { where: { wrong: x } }", "  wrong: { type: component }\n", &["S107"]),
    ] {
        assert_eq!(codes(rule, fields, ""), expected, "{rule} {fields}");
    }
}

#[test]
fn an_admin_manages_everything() {
    for (manages, expected) in [
        ("[users, tokens, audit, webhooks, redirects, search]", &[][..]),
        ("[users, tokens, audit, webhooks, redirects]", &["S410"]),
        ("[]", &["S410"]),
    ] {
        let roles = format!("roles: {{ admin: {{ manages: {manages} }} }}\n");
        assert_eq!(codes("read: all", "", &roles), expected, "{manages}");
    }
}
