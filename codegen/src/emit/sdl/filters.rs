//! Filters and orders: how lists of a type can be filtered and sorted.

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

/// The filters of scalars, one per GraphQL type; unused ones are removed later.
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
    let about = operators_are_joined("`status`") + " At the stage `LIVE`, every entry is `PUBLISHED`.";
    let status = equal_operators("EntryStatus").into_iter().filter(|member| member.name != "isNull");
    let status =
        status.map(|member| Member { description: member.description.replace(" Matches null too.", ""), ..member });
    let status = Definition::new(Kind::Input, "EntryStatusFilter", about).members(status);
    [id, status].into_iter().chain(scalars).collect()
}

fn operators_are_joined(what: &str) -> String {
    format!("Conditions on {what}. All given conditions must match; null is not allowed.")
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
        Member::new("eq", ty, "Equals this value."),
        Member::new("ne", ty, "Does not equal this value. Matches null too."),
        Member::new("in", format!("[{ty}!]"), "Is one of these values."),
        Member::new("notIn", format!("[{ty}!]"), "Is none of these values. Matches null too."),
        Member::new("isNull", "Boolean", "`true`: is null. `false`: is not null."),
    ]
}

fn ordered_operators(ty: &str) -> [Member; 4] {
    [
        Member::new("lt", ty, "Is less than this value."),
        Member::new("lte", ty, "Is less than or equal to this value."),
        Member::new("gt", ty, "Is greater than this value."),
        Member::new("gte", ty, "Is greater than or equal to this value."),
    ]
}

fn text_operators() -> [Member; 2] {
    [
        Member::new("contains", "String", "Contains this text, ignoring case."),
        Member::new("startsWith", "String", "Starts with this text, ignoring case."),
    ]
}

fn filter(owner: &Owner) -> Definition {
    let name = format!("{}Filter", owner.pascal);
    let all = format!("[{name}!]");
    let about = format!("A filter for `{}`. All given conditions must match; null is not allowed.", owner.pascal);
    let moments = ["createdAt", "updatedAt", "publishedAt", "firstPublishedAt"];
    let system = moments.map(|moment| Member::new(moment, "DateTimeFilter", format!("Conditions on `{moment}`.")));
    let mut definition = Definition::new(Kind::Input, &name, about)
        .member(Member::new("and", &all, "All of these match. An empty list always matches."))
        .member(Member::new("or", &all, "At least one of these matches. An empty list never matches."))
        .member(Member::new("not", &name, "This does not match."))
        .member(Member::new("id", "IDFilter", "Conditions on `id`."))
        .members(owner.root.iter().flat_map(|_| system.clone()))
        .members(
            owner
                .root
                .filter(|ty| ty.drafts)
                .map(|_| Member::new("status", "EntryStatusFilter", "Conditions on `status`.")),
        )
        .members(owner.fields.iter().filter_map(|field| condition(&owner.pascal, field)));
    for inverse in owner.root.iter().flat_map(|ty| &ty.inverses) {
        let ty = format!("{}ListFilter", inverse.source.pascal());
        let about = format!("Conditions on the entries that refer to this one by `{}`.", inverse.field.camel());
        definition = definition.member(Member::new(inverse.name.camel(), ty, about));
    }
    definition
}

/// The condition on one field, if it can be filtered.
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
    let about = format!("Conditions on `{}`. All given conditions must match.", field.name.camel());
    let list = format!("[{ty}!]");
    let definition = if *many {
        Definition::new(Kind::Input, format!("{ty}ListFilter"), about)
            .member(Member::new("has", ty, "The list contains this value."))
            .member(Member::new("hasSome", &list, "The list contains at least one of these values."))
            .member(Member::new("hasEvery", &list, "The list contains all of these values."))
            .member(Member::new("isEmpty", "Boolean", "`true`: the list is empty. `false`: it is not empty."))
    } else {
        Definition::new(Kind::Input, format!("{ty}Filter"), about).members(equal_operators(ty))
    };
    Some(definition)
}

/// The filters of a relation to several types. Exactly one type is named: with several, it would be unclear whether all
/// or any must match.
fn several_filter(owner: &str, field: &Field) -> Vec<Definition> {
    let FieldKind::Relation(relation) = &field.kind else { return Vec::new() };
    if relation.to.len() < 2 {
        return Vec::new();
    }
    let name = member_type(owner, &field.name);
    let targets = relation.to.iter().map(|target| {
        let about = format!("The target is of type `{}`, and matches.", target.pascal());
        Member::new(target.camel(), format!("{}Filter", target.pascal()), about)
    });
    let about = format!("A filter for the targets of `{owner}.{}`, by their type.", field.name.camel());
    let one = Definition::new(Kind::Input, format!("{name}Filter"), about).directive("@oneOf").members(targets);
    vec![one, if relation.many { list_filter(&name) } else { relation_filter(&name, "entry") }]
}

fn relation_filter(name: &str, spoken: &str) -> Definition {
    let filter = format!("{name}Filter");
    Definition::new(Kind::Input, format!("{name}RelationFilter"), format!("Conditions on the related {spoken}."))
        .member(Member::new("is", &filter, "There is a related entry, and it matches."))
        .member(Member::new("isNot", &filter, "There is no related entry, or it does not match."))
        .member(Member::new("isNull", "Boolean", "`true`: there is no related entry. `false`: there is one."))
}

fn list_filter(name: &str) -> Definition {
    let filter = format!("{name}Filter");
    Definition::new(Kind::Input, format!("{name}ListFilter"), format!("Conditions on a list of `{name}`."))
        .member(Member::new("some", &filter, "At least one item matches."))
        .member(Member::new("none", &filter, "No item matches."))
        .member(Member::new("every", &filter, "All items match. An empty list always matches."))
}

fn order_about(field: &Field) -> String {
    let name = field.name.camel();
    match &field.kind {
        FieldKind::Enum { .. } => format!("By `{name}`, in the order in which the values are declared."),
        FieldKind::Scalar { scalar, .. } if scalar.has_currency() => {
            format!("By `{name}`: by currency code, then by amount.")
        }
        FieldKind::Scalar { scalar, .. } if scalar.mapping().filter == FilterFamily::Text => {
            match field.collation.as_str() {
                ALL_LANGUAGES => format!("By `{name}`, in the Unicode order for all languages."),
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
            ("FIRST_PUBLISHED_AT", "By `firstPublishedAt`."),
        ],
        None => &[("POSITION", "By the position in the owner's list.")],
    };
    let sortable = owner.fields.iter().filter(|field| field.sortable);
    let own = sortable.map(|field| Member::value(field.name.upper(), order_about(field)));
    let fields = Definition::new(
        Kind::Enum,
        format!("{name}OrderField"),
        format!("The fields by which `{name}` can be sorted."),
    )
    .members(system.iter().map(|(value, about)| Member::value(*value, *about)))
    .members(own);
    let key = Definition::new(Kind::Input, format!("{name}Order"), format!("A sort key of `{name}`."))
        .member(Member::new("field", format!("{name}OrderField!"), "The field to sort by."))
        .member(Member::new("direction", "OrderDirection!", "Ascending or descending.").default("ASC"))
        .member(Member::new(
            "nulls",
            "NullsOrder",
            "Where null values are sorted. By default last when ascending, first when descending.",
        ));
    [key, fields]
}
