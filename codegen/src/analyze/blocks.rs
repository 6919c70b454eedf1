//! Blocks with fields that cannot be selected together: GraphQL allows one type per response name.
//!
//! This is GraphQL's rule FieldsInSetCanMerge, which also affects relations to several types.

use std::collections::BTreeMap;

use super::declared::{Declared, FieldDecl, Owner};
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::schema::Name;
use crate::source::Span;
use crate::syntax::language::{FieldType, Structure};

pub fn check(declared: &Declared<'_>, found: &mut Diagnostics) {
    for (name, owner) in &declared.types {
        for field in owner.all_fields().filter(|field| !field.dropped) {
            let members: Vec<_> = match field.ty {
                Some(FieldType::Structure(Structure::Blocks)) => {
                    let named = field.components().into_iter();
                    named.filter_map(|(name, span)| Some((declared.components.get(name)?, span))).collect()
                }
                Some(FieldType::Structure(Structure::Relation)) => {
                    let named = field.targets(name).into_iter();
                    named.filter_map(|(name, span)| Some((declared.types.get(name)?, span))).collect()
                }
                _ => continue,
            };
            check_members(&members, declared, found);
        }
    }
}

fn check_members(members: &[(&Owner<'_>, Span)], declared: &Declared<'_>, found: &mut Diagnostics) {
    let mut seen: BTreeMap<&str, (&Owner<'_>, &FieldDecl<'_>)> = BTreeMap::new();
    for (owner, span) in members {
        for field in owner.fields.iter().filter(|field| !field.dropped) {
            match seen.get(field.name.value.as_str()) {
                None => _ = seen.insert(&field.name.value, (owner, field)),
                Some(&(other, first)) if !agree((other, first), (owner, field), declared) => {
                    found.push(disagreement((other, first), (owner, field), *span));
                }
                Some(_) => {}
            }
        }
    }
}

/// What a field is in a response.
#[derive(PartialEq)]
struct Answer<'a> {
    /// The `!` and `[]` around its type.
    wrapping: &'static str,
    what: What<'a>,
}

#[derive(PartialEq)]
enum What<'a> {
    /// A scalar or an enum, by its API name.
    Leaf(String),
    Component(&'a str),
    Object,
    /// Its declaration is invalid, which has been reported.
    Unknown,
}

fn answer<'a>(owner: &Owner<'_>, field: &FieldDecl<'a>) -> Answer<'a> {
    let is_required =
        field.node.get("required").is_some_and(|node| node.bool() == Some(true) || node.text() == Some("save"));
    let one = if is_required { "!" } else { "" };
    let several = |many| if many { "[]" } else { one };
    let (wrapping, what) = match field.ty {
        Some(FieldType::Scalar(scalar)) if scalar.has_currency() => (one, What::Object),
        Some(FieldType::Scalar(scalar)) => (one, What::Leaf(scalar.mapping().graphql.to_owned())),
        Some(FieldType::Structure(Structure::Enum)) => {
            let name = Name::new(&owner.name.value).pascal() + &Name::new(&field.name.value).pascal();
            (several(field.many()), What::Leaf(name))
        }
        Some(FieldType::Structure(Structure::Component)) => {
            let of = field.components().first().map_or(What::Unknown, |(name, _)| What::Component(name));
            (several(field.many()), of)
        }
        // Nullable even if required: the target may not be live.
        Some(FieldType::Structure(Structure::Relation | Structure::Media)) => {
            (if field.many() { "[]" } else { "" }, What::Object)
        }
        Some(FieldType::Structure(Structure::Blocks | Structure::Children)) => ("[]", What::Object),
        None => ("", What::Unknown),
    };
    Answer { wrapping, what }
}

type Member<'m, 'a> = (&'m Owner<'a>, &'m FieldDecl<'a>);

fn agree(first: Member<'_, '_>, second: Member<'_, '_>, declared: &Declared<'_>) -> bool {
    let (a, b) = (answer(first.0, first.1), answer(second.0, second.1));
    match (&a.what, &b.what) {
        (What::Unknown, _) | (_, What::Unknown) => true,
        (What::Leaf(one), What::Leaf(other)) => one == other && a.wrapping == b.wrapping,
        (What::Leaf(_), _) | (_, What::Leaf(_)) => false,
        (What::Component(one), What::Component(other)) if one != other => {
            let fields = |name: &str| declared.components.get(name).map(|owner| (owner, &owner.fields));
            let (Some((one, ours)), Some((other, theirs))) = (fields(one), fields(other)) else { return true };
            let pairs =
                ours.iter().filter_map(|field| Some((field, super::declared::find(theirs, &field.name.value)?)));
            a.wrapping == b.wrapping && pairs.into_iter().all(|(a, b)| agree((one, a), (other, b), declared))
        }
        _ => a.wrapping == b.wrapping,
    }
}

fn disagreement(first: Member<'_, '_>, second: Member<'_, '_>, span: Span) -> Diagnostic {
    let shown = |(owner, field): Member<'_, '_>| format!("`{}.{}`", owner.name.value, field.name.value);
    let (a, b) = (answer(first.0, first.1), answer(second.0, second.1));
    let message = format!("{} and {} cannot be queried together", shown(first), shown(second));
    let alias = Name::new(format!("{}_{}", second.0.name.value, second.1.name.value)).camel();
    let alias = format!("{alias}: {}", Name::new(&second.1.name.value).camel());
    let way = match a.what == b.what {
        true => "give both the same `required` (for `publish`, the API type stays nullable)",
        false => "rename one of them",
    };
    Diagnostic::warning(Code::CannotMerge, span, message)
        .also(first.1.name.span, described(&a))
        .also(second.1.name.span, described(&b))
        .help(format!("{way}; or let clients query one under an alias: `{alias}`"))
}

fn described(answer: &Answer<'_>) -> String {
    let what = match &answer.what {
        What::Leaf(name) => format!("`{name}`"),
        _ => "an object".to_owned(),
    };
    match answer.wrapping {
        "!" => format!("{what}, never null"),
        "[]" => format!("a list of {what}"),
        _ => format!("{what} or null"),
    }
}
