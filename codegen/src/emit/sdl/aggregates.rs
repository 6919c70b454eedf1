//! Aggregates: how many entries match a filter, by group, with their least and greatest values and sums.

use crate::emit::sdl::{Definition, Kind, Member, reason, words};
use crate::schema::aggregate::scalar;
use crate::schema::{ContentType, Field, FieldKind};

const MOMENTS: [&str; 4] = ["createdAt", "updatedAt", "publishedAt", "firstPublishedAt"];

/// The field of `Query`.
pub fn root(ty: &ContentType, name: String) -> Member {
    let names = ty.aggregates();
    let many = words(&ty.plural);
    let about = format!(
        "Counts the {many} that match a filter, with the least and greatest values and the sums of their fields: the largest groups first."
    );
    let filter = format!("Only {many} that match. If omitted or null, all of them.");
    let mut args = vec![Member::new("filter", format!("{}Filter", ty.name.pascal()), filter)];
    if ty.grouped().next().is_some() {
        let about = "Makes a group of the entries with the same values of these fields, of three at most. An entry that has several \
            values of a field is in several groups. By default, all entries are one group.";
        args.push(Member::new("groupBy", format!("[{}!]", names.group_by), about));
        args.push(Member::new("first", "Int", "The number of groups to return at most."));
    }
    Member::new(name, format!("[{}!]!", names.of), about).args(args)
}

pub fn definitions(ty: &ContentType) -> Vec<Definition> {
    let names = ty.aggregates();
    let many = words(&ty.plural);
    let has_groups = ty.grouped().next().is_some();
    let group = Member::new("group", format!("{}!", names.group), "What the entries of the group have in common.");
    let sum = Member::new("sum", format!("{}!", names.sums), "The sums of values.");
    let has_sums = ty.summed().next().is_some();
    let of = Definition::new(Kind::Object, &names.of, format!("A group of {many}."))
        .members(has_groups.then_some(group))
        .members([
            Member::new("count", "Int!", "The number of entries."),
            Member::new("min", format!("{}!", names.extremes), "The least values; of moments, the earliest."),
            Member::new("max", format!("{}!", names.extremes), "The greatest values; of moments, the latest."),
        ])
        .members(has_sums.then_some(sum));
    let moments =
        MOMENTS.map(|moment| Member::new(moment, "DateTime", format!("Of `{moment}`; null if no entry has one.")));
    let extremes = Definition::new(Kind::Object, &names.extremes, format!("The least or greatest values of {many}."))
        .members(moments)
        .members(ty.measured().filter_map(|field| measured(field, scalar(field)?.mapping().graphql)));
    let mut definitions = vec![of, extremes];
    if has_sums {
        let sums = ty.summed().filter_map(|field| measured(field, scalar(field)?.mapping().sum?));
        definitions
            .push(Definition::new(Kind::Object, &names.sums, format!("The sums of values of {many}.")).members(sums));
    }
    if has_groups {
        let about = format!("What the {many} of a group have in common: null for what they are not grouped by.");
        definitions.push(Definition::new(Kind::Object, &names.group, about).members(ty.grouped().map(shared)));
        let about = format!("The fields by which {many} are grouped.");
        let values = ty
            .grouped()
            .map(|field| Member::value(field.name.upper().to_string(), format!("By `{}`.", field.name.camel())));
        definitions.push(Definition::new(Kind::Enum, &names.group_by, about).members(values));
    }
    definitions
}

/// The least, greatest or summed value of a field. Amounts of several currencies are not comparable.
fn measured(field: &Field, ty: &str) -> Option<Member> {
    let name = field.name.camel();
    let has_currency = scalar(field)?.has_currency();
    let (ty, about) = match has_currency {
        true => (format!("[{ty}!]!"), format!("Of `{name}`, one for each currency, in the order of their codes.")),
        false => (ty.to_owned(), format!("Of `{name}`; null if no entry has one.")),
    };
    Some(Member::new(name, ty, about).deprecated(reason(field.deprecated.as_ref())))
}

/// What the entries of a group have in common.
fn shared(field: &Field) -> Member {
    let ty = match &field.kind {
        FieldKind::Enum { choice, .. } => choice.type_name.clone(),
        FieldKind::Relation(relation) => relation.to[0].pascal(),
        _ => "Boolean".to_owned(),
    };
    let about =
        format!("The value of `{}`; null if the entries have none, or none that you may see.", field.name.camel());
    Member::new(field.name.camel(), ty, about).deprecated(reason(field.deprecated.as_ref()))
}
