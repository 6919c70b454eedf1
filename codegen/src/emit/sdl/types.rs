//! Output types: objects, their enums and unions, edges and connections.

use crate::emit::sdl::roots::argument;
use crate::emit::sdl::{Definition, Kind, Member, Owner, block_type, described, member_type, reason, spoken, words};
use crate::schema::api;
use crate::schema::{Component, Computed, Enum, Field, FieldKind, Inverse, Relation, Required};

/// Default page size of a nested list.
const LIST: &str = "20";
/// Default page size of children, which are few and belong together.
const CHILDREN: &str = "100";

/// The object of a content type or of children, with its enums, unions and connection.
pub fn owner(owner: &Owner) -> Vec<Definition> {
    let name = &owner.pascal;
    let description = described(owner.description, || format!("{}.", name));
    let id = Member::new("id", "ID!", "The globally unique, permanent id of the object.");
    let mut object = Definition::new(Kind::Object, name, description).implements("Node").member(id);
    if let Some(ty) = owner.root {
        object = object.members(system_fields(ty.drafts)).members((!ty.path.is_empty()).then(path));
        if !ty.stages.is_empty() {
            let about = "The stage of the entry in its review, as in the schema; null in published content.";
            object = object.member(Member::new("reviewStage", "String", about));
        }
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

/// What subscriptions report of a content type.
pub fn change(owner: &Owner) -> Option<Definition> {
    owner.root?;
    let name = &owner.pascal;
    let fields = "The fields that were saved with other values than before. Empty for other kinds of changes.";
    let entry = "The entry as it is now, which may be later than this change; null if it is `GONE`.";
    let change = Definition::new(Kind::Object, api::change(name), format!("One change of an entry of `{name}`."))
        .members([
            Member::new("position", "String!", "The place in the order of all changes, for `after`."),
            Member::new("kind", "ChangeKind!", "What happened."),
            Member::new("id", "ID!", "The id of the entry."),
            Member::new("revision", "Int", "The revision of the entry after the change; null if it is `GONE`."),
            Member::new("fields", "[String!]!", fields),
            Member::new("entry", name, entry),
        ]);
    Some(change)
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

fn system_fields(drafts: bool) -> Vec<Member> {
    let scheduled = Member::new(
        "scheduledAt",
        "DateTime",
        "When the next scheduled change of the entry or a scheduled release with it is due; null if there is none, and in what is published.",
    );
    let fields = plain_system_fields();
    fields.into_iter().chain(drafts.then_some(scheduled)).collect()
}

fn plain_system_fields() -> [Member; 9] {
    [
        Member::new("revision", "Int!", "The number of the current revision. Send it with the next change."),
        Member::new("status", "EntryStatus!", "The publication status of the entry."),
        Member::new("createdAt", "DateTime!", "When the entry was created."),
        Member::new("updatedAt", "DateTime!", "When the entry was last saved."),
        Member::new("publishedAt", "DateTime", "When the entry was last published; null if it never was."),
        Member::new("firstPublishedAt", "DateTime", "When the entry was first published; null if it never was."),
        Member::new("createdBy", "ID", "The id of the user who created the entry; null if it was not a user."),
        Member::new("updatedBy", "ID", "The id of the user who last saved the entry; null if it was not a user."),
        Member::new(
            "publishedBy",
            "ID",
            "The id of the user who last published the entry; null if it never was published, or not by a user.",
        ),
    ]
}

fn path() -> Member {
    let about =
        "The path of the entry on the site, at the stage that is read; null while an entry above it is missing there.";
    Member::new("path", "String", about)
}

/// The members that one schema field becomes: a to-many relation is a list and a connection.
fn field_members(owner: &str, field: &Field) -> Vec<Member> {
    match &field.kind {
        FieldKind::Relation(relation) if relation.many && relation.to.len() == 1 => {
            let target = relation.to[0].pascal();
            let description = described(&field.description, || spoken(&field.name));
            list_and_connection(&field.name.camel(), &target, LIST, &description, "the order of the list")
                .map(|member| member.deprecated(reason(field.deprecated.as_ref())))
                .into()
        }
        FieldKind::Children(children) => {
            let description = described(&field.description, || spoken(&field.name));
            let target = children.name.pascal();
            list_and_connection(&field.name.camel(), &target, CHILDREN, &description, "the order of the list")
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

/// In a component, a to-many relation is a list of ids in JSON, without a filter or order.
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
        // Nullable even if required: the target may not be live.
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
    let description = format!("The entries that refer to this one by `{}`.", inverse.field.camel());
    list_and_connection(&inverse.name.camel(), &inverse.source.pascal(), LIST, &description, "newest first")
}

fn computed(computed: &Computed) -> Member {
    let bang = if computed.required { "!" } else { "" };
    let ty = computed.scalar.mapping().graphql.to_owned() + bang;
    Member::new(computed.name.camel(), ty, described(&computed.description, || spoken(&computed.name)))
        .args(computed.args.iter().map(argument))
}

fn list_and_connection(name: &str, target: &str, default: &str, description: &str, order: &str) -> [Member; 2] {
    let about = format!("{description} Returns at most `first` items; `{}` reads all, in pages.", api::pages(name));
    let list = Member::new(name, format!("[{target}!]!"), about).args(list_args(target, default, order));
    let pages = Member::new(api::pages(name), format!("{}!", api::connection(target)), description);
    [list, pages.args(page_args(target, order))]
}

fn limit(default: &str) -> Member {
    Member::new("first", "Int!", "The number of items to return at most.").default(default)
}

fn list_args(target: &str, default: &str, order: &str) -> [Member; 3] {
    let [filter, order_by] = select_args(target, order);
    [limit(default), filter, order_by]
}

fn select_args(target: &str, order: &str) -> [Member; 2] {
    [
        Member::new(
            "filter",
            format!("{target}Filter"),
            "Return only entries that match. If omitted or null, all are returned.",
        ),
        Member::new(
            "orderBy",
            format!("[{target}Order!]"),
            format!("The sort keys, in order of precedence. Default: {order}."),
        ),
    ]
}

/// The arguments of a connection.
pub fn page_args(target: &str, order: &str) -> [Member; 6] {
    let [filter, order_by] = select_args(target, order);
    [
        Member::new("first", "Int", "The number of items to return at most, from the start or after `after`."),
        Member::new("after", "String", "Return items after this cursor."),
        Member::new("last", "Int", "The number of items to return at most, from the end or before `before`."),
        Member::new("before", "String", "Return items before this cursor."),
        filter,
        order_by,
    ]
}

fn connection(owner: &Owner) -> [Definition; 2] {
    let name = &owner.pascal;
    let plural = owner.root.map_or_else(|| format!("`{name}`"), |ty| words(&ty.plural));
    let pages = Definition::new(Kind::Object, api::connection(name), format!("A page of {plural}."))
        .member(Member::new(
            "edges",
            format!("[{}!]!", api::edge(name)),
            "The entries of this page, each with its cursor.",
        ))
        .member(Member::new("nodes", format!("[{name}!]!"), "The entries of this page."))
        .member(Member::new("pageInfo", "PageInfo!", "Information for reading more pages."))
        .member(
            Member::new("totalCount", "Int!", "The number of items on all pages. It is counted only if selected.")
                .args([
                    Member::new("precision", "CountPrecision!", "Whether an estimate is good enough.").default("EXACT")
                ]),
        );
    let edge = Definition::new(Kind::Object, api::edge(name), format!("An edge of a page of {plural}."))
        .member(Member::new("cursor", "String!", "The cursor of the entry in this order, for `after` and `before`."))
        .member(Member::new("node", format!("{name}!"), "The entry."));
    [pages, edge]
}

/// The enums and unions that fields need.
fn companions(owner: &str, fields: &[Field]) -> Vec<Definition> {
    fields.iter().filter_map(|field| companion(owner, field)).collect()
}

fn companion(owner: &str, field: &Field) -> Option<Definition> {
    match &field.kind {
        FieldKind::Enum { choice, .. } => Some(enumeration(field, choice)),
        FieldKind::Blocks { of } => {
            let description = format!("A block of `{owner}.{}`.", field.name.camel());
            let members = of.iter().map(|component| Member::of_union(component.pascal()));
            Some(Definition::new(Kind::Union, block_type(owner, &field.name), description).members(members))
        }
        FieldKind::Relation(relation) if relation.to.len() > 1 => {
            let description = format!("A target of `{owner}.{}`.", field.name.camel());
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
