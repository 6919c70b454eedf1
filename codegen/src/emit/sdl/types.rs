//! Output types: objects, their enums and unions, edges and connections.

use crate::emit::sdl::{Definition, Kind, Member, Owner, block_type, described, member_type, reason, spoken, words};
use crate::schema::api;
use crate::schema::{Component, Computed, Enum, Field, FieldKind, Inverse, Relation, Required};

/// Page size of a nested list when none is given.
const LIST: &str = "20";
/// Children are few and belong together.
const CHILDREN: &str = "100";

/// The object of a content type or of children, with its enums, unions and connection.
pub fn owner(owner: &Owner) -> Vec<Definition> {
    let name = &owner.pascal;
    let description = described(owner.description, || format!("{}.", name));
    let id = Member::new("id", "ID!", "Names the object among all objects of the API, for good.");
    let mut object = Definition::new(Kind::Object, name, description).implements("Node").member(id);
    if let Some(ty) = owner.root {
        object = object.members(system_fields());
        let inverses = ty.inverses.iter().flat_map(inverse);
        let own = owner.fields.iter().flat_map(|field| field_members(name, field));
        object = object.members(own).members(inverses).members(ty.computed.iter().map(computed));
    } else {
        object = object.members(owner.fields.iter().flat_map(|field| field_members(name, field)));
    }
    let mut section = vec![object];
    section.extend(companions(name, owner.fields));
    section.extend(connection(owner));
    section
}

/// The object of a component, with its enums and unions.
pub fn component(component: &Component) -> Vec<Definition> {
    let name = component.name.pascal();
    let description = described(&component.description, || spoken(&component.name));
    let members = component.fields.iter().map(|field| component_member(&name, field));
    let mut section = vec![Definition::new(Kind::Object, &name, description).members(members)];
    section.extend(companions(&name, &component.fields));
    section
}

fn system_fields() -> [Member; 7] {
    [
        Member::new("revision", "Int!", "Counts the changes; give it back with the next one."),
        Member::new("status", "EntryStatus!", "Where the entry stands between draft and published."),
        Member::new("createdAt", "DateTime!", "When the entry was made."),
        Member::new("updatedAt", "DateTime!", "When the entry was last saved."),
        Member::new("publishedAt", "DateTime", "When the entry was first published; null while it never was."),
        Member::new("createdBy", "ID", "The user who made the entry; null when no user did."),
        Member::new("updatedBy", "ID", "The user who last saved the entry; null when no user did."),
    ]
}

/// The fields that one field of the schema becomes: a to-many relation is a list and a connection.
fn field_members(owner: &str, field: &Field) -> Vec<Member> {
    match &field.kind {
        FieldKind::Relation(relation) if relation.many && relation.to.len() == 1 => {
            let target = relation.to[0].pascal();
            let description = described(&field.description, || spoken(&field.name));
            list_and_connection(&field.name.camel(), &target, LIST, &description, "in their own order")
                .map(|member| member.deprecated(reason(field.deprecated.as_ref())))
                .into()
        }
        FieldKind::Children(children) => {
            let description = described(&field.description, || spoken(&field.name));
            let target = children.name.pascal();
            list_and_connection(&field.name.camel(), &target, CHILDREN, &description, "in their own order")
                .map(|member| member.deprecated(reason(field.deprecated.as_ref())))
                .into()
        }
        FieldKind::Relation(relation) if relation.many => {
            let ty = format!("[{}!]!", member_type(owner, &field.name));
            vec![member(field, ty).args([limit(LIST)])]
        }
        _ => vec![plain_member(owner, field)],
    }
}

/// In a component, a to-many relation is a list of ids in JSON: no filter and no order of its own.
fn component_member(owner: &str, field: &Field) -> Member {
    match &field.kind {
        FieldKind::Relation(relation) if relation.many => {
            member(field, format!("[{}!]!", target_type(owner, field, relation))).args([limit(LIST)])
        }
        _ => plain_member(owner, field),
    }
}

/// A field without arguments.
fn plain_member(owner: &str, field: &Field) -> Member {
    let ty = match &field.kind {
        FieldKind::Scalar { scalar, .. } => scalar.mapping().graphql.to_owned(),
        FieldKind::Enum { choice, many: false } => choice.type_name.clone(),
        FieldKind::Enum { choice, many: true } => return member(field, format!("[{}!]!", choice.type_name)),
        // Null also where it is required: the target may not be live.
        FieldKind::Relation(relation) => return member(field, target_type(owner, field, relation)),
        FieldKind::Component { component, many: false } => component.pascal(),
        FieldKind::Component { component, many: true } => return member(field, format!("[{}!]!", component.pascal())),
        FieldKind::Blocks { .. } => return member(field, format!("[{}!]!", block_type(owner, &field.name))),
        FieldKind::Children(children) => return member(field, format!("[{}!]!", children.name.pascal())),
    };
    let bang = if field.required == Required::Save { "!" } else { "" };
    member(field, ty + bang)
}

fn member(field: &Field, ty: String) -> Member {
    Member::new(field.name.camel(), ty, described(&field.description, || spoken(&field.name)))
        .deprecated(reason(field.deprecated.as_ref()))
}

fn target_type(owner: &str, field: &Field, relation: &Relation) -> String {
    match &relation.to[..] {
        [target] => target.pascal(),
        _ => member_type(owner, &field.name),
    }
}

fn inverse(inverse: &Inverse) -> [Member; 2] {
    let description = format!("The entries that point here with `{}`.", inverse.field.camel());
    list_and_connection(&inverse.name.camel(), &inverse.source.pascal(), LIST, &description, "newest first")
}

fn computed(computed: &Computed) -> Member {
    let bang = if computed.required { "!" } else { "" };
    let ty = computed.scalar.mapping().graphql.to_owned() + bang;
    Member::new(computed.name.camel(), ty, described(&computed.description, || spoken(&computed.name)))
}

fn list_and_connection(name: &str, target: &str, default: &str, description: &str, order: &str) -> [Member; 2] {
    let about = format!("{description} At most `first` of them: `{}` has all, in pages.", api::pages(name));
    let list = Member::new(name, format!("[{target}!]!"), about).args(list_args(target, default, order));
    let pages = Member::new(api::pages(name), format!("{}!", api::connection(target)), description);
    [list, pages.args(page_args(target, order))]
}

fn limit(default: &str) -> Member {
    Member::new("first", "Int!", "How many at most.").default(default)
}

fn list_args(target: &str, default: &str, order: &str) -> [Member; 3] {
    let [filter, order_by] = select_args(target, order);
    [limit(default), filter, order_by]
}

fn select_args(target: &str, order: &str) -> [Member; 2] {
    [
        Member::new("filter", format!("{target}Filter"), "Only those that match; all when left out. Null means no filter."),
        Member::new(
            "orderBy",
            format!("[{target}Order!]"),
            format!("The order, by the first key, then the next; {order} without it."),
        ),
    ]
}

/// The arguments of a connection.
pub fn page_args(target: &str, order: &str) -> [Member; 6] {
    let [filter, order_by] = select_args(target, order);
    [
        Member::new("first", "Int", "How many at most, from the start or from `after`."),
        Member::new("after", "String", "The cursor after which the page starts."),
        Member::new("last", "Int", "How many at most, up to the end or to `before`."),
        Member::new("before", "String", "The cursor before which the page ends."),
        filter,
        order_by,
    ]
}

fn connection(owner: &Owner) -> [Definition; 2] {
    let name = &owner.pascal;
    let plural = owner.root.map_or_else(|| format!("`{name}`"), |ty| words(&ty.plural));
    let pages = Definition::new(Kind::Object, api::connection(name), format!("A page of {plural}."))
        .member(Member::new("edges", format!("[{}!]!", api::edge(name)), "The page's entries, each with its cursor."))
        .member(Member::new("nodes", format!("[{name}!]!"), "The page's entries."))
        .member(Member::new("pageInfo", "PageInfo!", "Whether there is more, and how to get it."))
        .member(Member::new("totalCount", "Int!", "How many there are on all pages; counted only when asked for."));
    let edge = Definition::new(Kind::Object, api::edge(name), format!("One of the {plural} of a page."))
        .member(Member::new("cursor", "String!", "The entry's place in this order, for `after` and `before`."))
        .member(Member::new("node", format!("{name}!"), "The entry."));
    [pages, edge]
}

/// The enums and unions that fields bring along.
fn companions(owner: &str, fields: &[Field]) -> Vec<Definition> {
    fields.iter().filter_map(|field| companion(owner, field)).collect()
}

fn companion(owner: &str, field: &Field) -> Option<Definition> {
    match &field.kind {
        FieldKind::Enum { choice, .. } => Some(enumeration(field, choice)),
        FieldKind::Blocks { of } => {
            let description = format!("One block of `{owner}.{}`.", field.name.camel());
            let members = of.iter().map(|component| Member::of_union(component.pascal()));
            Some(Definition::new(Kind::Union, block_type(owner, &field.name), description).members(members))
        }
        FieldKind::Relation(relation) if relation.to.len() > 1 => {
            let description = format!("What `{owner}.{}` points at.", field.name.camel());
            let members = relation.to.iter().map(|target| Member::of_union(target.pascal()));
            Some(Definition::new(Kind::Union, member_type(owner, &field.name), description).members(members))
        }
        _ => None,
    }
}

fn enumeration(field: &Field, choice: &Enum) -> Definition {
    let description = described(&field.description, || spoken(&field.name));
    let values = choice
        .values
        .iter()
        .map(|value| Member::value(value.name.upper(), described(&value.description, || spoken(&value.name))));
    Definition::new(Kind::Enum, &choice.type_name, description).members(values)
}
