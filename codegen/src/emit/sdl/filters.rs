//! Filters and orders: what of a type can be asked for, and how its lists can be sorted.

use std::collections::BTreeMap;

use crate::catalog::names::ALL_LANGUAGES;
use crate::emit::sdl::{Definition, Kind, Member, Owner, member_type, words};
use crate::schema::{Field, FieldKind, FilterFamily, Relation, Scalar};

/// The filter, the order and the relation filters of a content type or of children.
pub fn owner(owner: &Owner) -> Vec<Definition> {
    let mut section = vec![filter(owner)];
    section.extend(order(owner));
    section.extend(owner.root.map(|ty| relation_filter(&ty.name.pascal(), &words(&ty.name))));
    section.push(list_filter(&owner.pascal));
    section.extend(owner.fields.iter().filter_map(enum_filter));
    section.extend(owner.fields.iter().flat_map(|field| several_filter(&owner.pascal, field)));
    section
}

/// The filters of scalars, one a GraphQL type; those that nobody uses are left out later.
pub fn shared() -> Vec<Definition> {
    let id = equal_operators("ID").into_iter().filter(|member| member.name != "isNull");
    let id = Definition::new(Kind::Input, "IDFilter", operators_are_joined("an id")).members(id);
    let scalars: BTreeMap<_, _> =
        Scalar::ALL.into_iter().map(Scalar::mapping).map(|row| (row.filter_name, row)).collect();
    let scalars = scalars.into_values().map(|row| {
        let about = operators_are_joined(&format!("a value of type `{}`", row.graphql));
        Definition::new(Kind::Input, format!("{}Filter", row.filter_name), about)
            .members(operators(row.filter, row.input))
    });
    std::iter::once(id).chain(scalars).collect()
}

fn operators_are_joined(what: &str) -> String {
    format!("Conditions on {what}; all that are given must hold, and null is none.")
}

fn operators(family: FilterFamily, ty: &str) -> Vec<Member> {
    match family {
        FilterFamily::Equal => equal_operators(ty).into(),
        FilterFamily::Ordered => [&equal_operators(ty)[..], &ordered_operators(ty)].concat(),
        FilterFamily::Text => [&equal_operators(ty)[..], &ordered_operators(ty), &text_operators()].concat(),
    }
}

fn equal_operators(ty: &str) -> [Member; 5] {
    [
        Member::new("eq", ty, "Is this value."),
        Member::new("ne", ty, "Is not this value; null is not."),
        Member::new("in", format!("[{ty}!]"), "Is one of these values."),
        Member::new("notIn", format!("[{ty}!]"), "Is none of these values; null is none."),
        Member::new("isNull", "Boolean", "Is null, or with `false` is not."),
    ]
}

fn ordered_operators(ty: &str) -> [Member; 4] {
    [
        Member::new("lt", ty, "Is less than this value."),
        Member::new("lte", ty, "Is this value or less."),
        Member::new("gt", ty, "Is greater than this value."),
        Member::new("gte", ty, "Is this value or greater."),
    ]
}

fn text_operators() -> [Member; 2] {
    [
        Member::new("contains", "String", "Has this text in it, whatever the case of its letters."),
        Member::new("startsWith", "String", "Begins with this text, whatever the case of its letters."),
    ]
}

fn filter(owner: &Owner) -> Definition {
    let name = format!("{}Filter", owner.pascal);
    let all = format!("[{name}!]");
    let about = format!("Which `{}`; all conditions that are given must hold, and null is none.", owner.pascal);
    let moments = ["createdAt", "updatedAt", "publishedAt"];
    let system = moments.map(|moment| Member::new(moment, "DateTimeFilter", format!("Conditions on `{moment}`.")));
    let mut definition = Definition::new(Kind::Input, &name, about)
        .member(Member::new("and", &all, "All of these hold; true for an empty list."))
        .member(Member::new("or", &all, "One of these holds; false for an empty list."))
        .member(Member::new("not", &name, "This does not hold."))
        .member(Member::new("id", "IDFilter", "Conditions on `id`."))
        .members(owner.root.iter().flat_map(|_| system.clone()))
        .members(owner.fields.iter().filter_map(|field| condition(&owner.pascal, field)));
    for inverse in owner.root.iter().flat_map(|ty| &ty.inverses) {
        let ty = format!("{}ListFilter", inverse.source.pascal());
        let about = format!("Conditions on the entries that point here with `{}`.", inverse.field.camel());
        definition = definition.member(Member::new(inverse.name.camel(), ty, about));
    }
    definition
}

/// The condition on one field, where it has one.
fn condition(owner: &str, field: &Field) -> Option<Member> {
    let ty = match &field.kind {
        FieldKind::Relation(Relation { to, many, .. }) => {
            let target = match &to[..] {
                [target] => target.pascal(),
                _ => member_type(owner, &field.name),
            };
            target + if *many { "ListFilter" } else { "RelationFilter" }
        }
        FieldKind::Children(children) => format!("{}ListFilter", children.name.pascal()),
        _ if !field.filterable => return None,
        FieldKind::Scalar { scalar, .. } => format!("{}Filter", scalar.mapping().filter_name),
        FieldKind::Enum { choice, many: false } => format!("{}Filter", choice.type_name),
        FieldKind::Enum { choice, many: true } => format!("{}ListFilter", choice.type_name),
        FieldKind::Component { .. } | FieldKind::Blocks { .. } => return None,
    };
    let name = field.name.camel();
    let about = format!("Conditions on `{name}`.");
    Some(Member::new(name, ty, about))
}

fn enum_filter(field: &Field) -> Option<Definition> {
    let FieldKind::Enum { choice, many } = &field.kind else { return None };
    let ty = &choice.type_name;
    let about = format!("Conditions on `{}`; all that are given must hold.", field.name.camel());
    let list = format!("[{ty}!]");
    let definition = if *many {
        Definition::new(Kind::Input, format!("{ty}ListFilter"), about)
            .member(Member::new("has", ty, "This value is in the list."))
            .member(Member::new("hasSome", &list, "One of these values is in the list."))
            .member(Member::new("hasEvery", &list, "All of these values are in the list."))
            .member(Member::new("isEmpty", "Boolean", "The list is empty, or with `false` is not."))
    } else {
        Definition::new(Kind::Input, format!("{ty}Filter"), about).members(equal_operators(ty))
    };
    Some(definition)
}

/// The filters of a relation to several types. One type is named: several could be meant to hold together or one for the other.
fn several_filter(owner: &str, field: &Field) -> Vec<Definition> {
    let FieldKind::Relation(relation) = &field.kind else { return Vec::new() };
    if relation.to.len() < 2 {
        return Vec::new();
    }
    let name = member_type(owner, &field.name);
    let targets = relation.to.iter().map(|target| {
        let about = format!("It is of type `{}`, and this holds for it.", target.pascal());
        Member::new(target.camel(), format!("{}Filter", target.pascal()), about)
    });
    let about = format!("Which of `{owner}.{}`, by its type.", field.name.camel());
    let one = Definition::new(Kind::Input, format!("{name}Filter"), about).directive("@oneOf").members(targets);
    vec![one, if relation.many { list_filter(&name) } else { relation_filter(&name, "entry") }]
}

fn relation_filter(name: &str, spoken: &str) -> Definition {
    let filter = format!("{name}Filter");
    Definition::new(Kind::Input, format!("{name}RelationFilter"), format!("Conditions on the {spoken} pointed at."))
        .member(Member::new("is", &filter, "There is one, and this holds for it."))
        .member(Member::new("isNot", &filter, "There is none, or this does not hold for it."))
        .member(Member::new("isNull", "Boolean", "There is none, or with `false` there is one."))
}

fn list_filter(name: &str) -> Definition {
    let filter = format!("{name}Filter");
    Definition::new(Kind::Input, format!("{name}ListFilter"), format!("Conditions on a list of `{name}`."))
        .member(Member::new("some", &filter, "This holds for one of the list at least."))
        .member(Member::new("none", &filter, "This holds for none of the list."))
        .member(Member::new("every", &filter, "This holds for all of the list, as it does when the list is empty."))
}

fn order_about(field: &Field) -> String {
    let name = field.name.camel();
    match &field.kind {
        FieldKind::Enum { .. } => format!("By `{name}`, in the order in which its values are declared."),
        FieldKind::Scalar { scalar, .. } if scalar.has_currency() => {
            format!("By the currency of `{name}`, in the order of its code, and then by the amount.")
        }
        FieldKind::Scalar { scalar, .. } if scalar.mapping().filter == FilterFamily::Text => {
            match field.collation.as_str() {
                ALL_LANGUAGES => format!("By `{name}`, in the order that Unicode has for all languages."),
                language => format!("By `{name}`, in the order of the language `{language}`."),
            }
        }
        _ => format!("By `{name}`."),
    }
}

fn order(owner: &Owner) -> [Definition; 2] {
    let name = &owner.pascal;
    let system: &[(&str, &str)] = match owner.root {
        Some(_) => &[
            ("CREATED_AT", "By `createdAt`."),
            ("UPDATED_AT", "By `updatedAt`."),
            ("PUBLISHED_AT", "By `publishedAt`."),
        ],
        None => &[("POSITION", "By the place in the owner's list.")],
    };
    let sortable = owner.fields.iter().filter(|field| field.sortable);
    let own = sortable.map(|field| Member::value(field.name.upper(), order_about(field)));
    let fields = Definition::new(Kind::Enum, format!("{name}OrderField"), format!("What `{name}` can be sorted by."))
        .members(system.iter().map(|(value, about)| Member::value(*value, *about)))
        .members(own);
    let key = Definition::new(Kind::Input, format!("{name}Order"), format!("One key of an order of `{name}`."))
        .member(Member::new("field", format!("{name}OrderField!"), "What to sort by."))
        .member(Member::new("direction", "OrderDirection!", "Smallest or greatest first.").default("ASC"))
        .member(Member::new("nulls", "NullsOrder", "Where nulls go: last when ascending, first when descending."));
    [key, fields]
}
