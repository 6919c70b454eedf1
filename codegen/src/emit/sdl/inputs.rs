//! Inputs of mutations: how to create, change and identify an entry, with its relations and children.

use crate::emit::sdl::{Definition, Kind, Member, Owner, block_type, described, member_type, reason, spoken, words};
use crate::schema::{Component, Field, FieldKind, Name, Relation, Required};

/// Whether an input creates a row, and so needs the required fields, or changes one.
#[derive(Clone, Copy, PartialEq)]
enum Purpose {
    Create,
    Update,
}

/// The inputs of a content type or of children.
pub fn owner(owner: &Owner) -> Vec<Definition> {
    let mut section = match owner.root {
        Some(ty) => entry_inputs(owner, &words(&ty.name)),
        None => child_inputs(owner),
    };
    section.push(key(owner));
    section.extend(owner.fields.iter().flat_map(|field| companions(&owner.pascal, field)));
    section
}

/// The input of a component.
pub fn component(component: &Component) -> Vec<Definition> {
    let name = component.name.pascal();
    let about = described(&component.description, || spoken(&component.name));
    let members = component.fields.iter().map(|field| match &field.kind {
        FieldKind::Relation(relation) => linked(field, relation),
        _ => member(&name, field, Purpose::Create),
    });
    let mut section = vec![Definition::new(Kind::Input, format!("{name}Input"), about).members(members)];
    section.extend(
        component
            .fields
            .iter()
            .filter(|field| matches!(field.kind, FieldKind::Blocks { .. }))
            .flat_map(|field| companions(&name, field)),
    );
    section
}

fn entry_inputs(owner: &Owner, spoken: &str) -> Vec<Definition> {
    let name = &owner.pascal;
    let create = Definition::new(Kind::Input, format!("{name}CreateInput"), format!("A new {spoken}."));
    let update = format!("Changes to {}. Omitted fields stay as they are; null clears a field.", article(spoken));
    let update = Definition::new(Kind::Input, format!("{name}UpdateInput"), update);
    let upsert = format!("{} to update, or to create if the key is not found.", capital_article(spoken));
    let upsert = Definition::new(Kind::Input, format!("{name}UpsertInput"), upsert)
        .member(Member::new(
            "key",
            format!("{name}Key!"),
            "The key that identifies the entry. A new entry gets it as its value.",
        ))
        .member(Member::new("revision", "Int", "The revision that was read. If omitted, any revision is updated."))
        .member(Member::new("data", format!("{name}UpdateInput!"), "The values to write."));
    let mut section =
        vec![create.members(members(owner, Purpose::Create)), update.members(members(owner, Purpose::Update)), upsert];
    section.extend(references(name, spoken));
    section
}

/// How other entries refer to this type: a single reference, or a list.
fn references(name: &str, spoken: &str) -> [Definition; 2] {
    let (key, keys) = (format!("{name}Key"), format!("[{name}Key!]"));
    let create = format!("{name}CreateInput");
    let one = format!("A reference to {}. Null clears the reference.", article(spoken));
    let one = Definition::new(Kind::Input, format!("{name}ReferenceInput"), one)
        .directive("@oneOf")
        .member(Member::new("connect", &key, "An existing entry."))
        .member(Member::new("create", &create, "A new entry, created in the same transaction."));
    let many = "Changes to a list of references. `set` is applied first, then the others in this order.";
    let many = Definition::new(Kind::Input, format!("{name}ReferencesInput"), many)
        .member(Member::new("set", &keys, "Replaces the whole list."))
        .member(Member::new("connect", &keys, "Existing entries to add at the end."))
        .member(Member::new("create", format!("[{create}!]"), "New entries to create and add at the end."))
        .member(Member::new("disconnect", &keys, "Entries to remove from the list."));
    [one, many]
}

fn child_inputs(owner: &Owner) -> Vec<Definition> {
    let name = &owner.pascal;
    let id = Member::new("id", "ID", "The id of an existing row.");
    let whole = Definition::new(Kind::Input, format!("{name}Input"), format!("All fields of one `{name}`."));
    let patch = Definition::new(
        Kind::Input,
        format!("{name}Patch"),
        format!("Changes to one `{name}`. Omitted fields stay as they are; null clears a field."),
    );
    let update =
        Definition::new(Kind::Input, format!("{name}UpdateInput"), format!("Changes to one existing `{name}`."))
            .member(Member::new("key", format!("{name}Key!"), "The key that identifies the row."))
            .member(Member::new("data", format!("{name}Patch!"), "The values to write."));
    vec![
        whole.member(id).members(members(owner, Purpose::Create)),
        patch.members(members(owner, Purpose::Update)),
        update,
    ]
}

/// The ways to identify a row: its id, and each field that is unique alone.
fn key(owner: &Owner) -> Definition {
    let keys = owner.keys().map(|(field, row)| {
        let name = field.name.camel();
        let about = format!("By `{name}`.");
        Member::new(name, row.input, about)
    });
    Definition::new(Kind::Input, format!("{}Key", owner.pascal), format!("The key of one `{}`.", owner.pascal))
        .directive("@oneOf")
        .member(Member::new("id", "ID", "By `id`."))
        .members(keys)
}

fn members(owner: &Owner, purpose: Purpose) -> impl Iterator<Item = Member> {
    owner.fields.iter().map(move |field| member(&owner.pascal, field, purpose))
}

fn member(owner: &str, field: &Field, purpose: Purpose) -> Member {
    let ty = match &field.kind {
        FieldKind::Scalar { scalar, .. } => scalar.mapping().input.to_owned(),
        FieldKind::Enum { choice, many: false } => choice.type_name.clone(),
        FieldKind::Enum { choice, many: true } => format!("[{}!]", choice.type_name),
        FieldKind::Relation(relation) => {
            let target = match &relation.to[..] {
                [target] => target.pascal(),
                _ => member_type(owner, &field.name),
            };
            target + if relation.many { "ReferencesInput" } else { "ReferenceInput" }
        }
        FieldKind::Component { component, many: false } => format!("{}Input", component.pascal()),
        FieldKind::Component { component, many: true } => format!("[{}Input!]", component.pascal()),
        FieldKind::Blocks { .. } => format!("[{}Input!]", block_type(owner, &field.name)),
        FieldKind::Children(_) => children_type(owner, &field.name),
    };
    input(field, ty, purpose)
}

/// A relation inside a component: it can only refer to existing entries.
fn linked(field: &Field, relation: &Relation) -> Member {
    let key = format!("{}Key", relation.to[0].pascal());
    let ty = if relation.many { format!("[{key}!]") } else { key };
    input(field, ty, Purpose::Create)
}

fn input(field: &Field, ty: String, purpose: Purpose) -> Member {
    let slug_from_field = matches!(field.kind, FieldKind::Scalar { slug_from: Some(_), .. });
    let needed = field.required == Required::Save && field.default.is_none() && !slug_from_field;
    let needed = needed && purpose == Purpose::Create;
    let mut about = described(&field.description, || spoken(&field.name));
    if let (Some(default), Purpose::Create) = (&field.default, purpose) {
        about += &format!(" Default: `{}`.", default.0);
    }
    let member = Member::new(field.name.camel(), if needed { ty + "!" } else { ty }, about);
    // GraphQL does not allow deprecation of required inputs.
    if needed { member } else { member.deprecated(reason(field.deprecated.as_ref())) }
}

fn children_type(owner: &str, field: &Name) -> String {
    member_type(owner, field) + "Input"
}

/// The inputs that one field needs.
fn companions(owner: &str, field: &Field) -> Vec<Definition> {
    match &field.kind {
        FieldKind::Blocks { of } => vec![block(owner, field, of)],
        FieldKind::Children(children) => vec![children_list(owner, field, &children.name.pascal())],
        FieldKind::Relation(relation) if relation.to.len() > 1 => polymorphic(owner, field, relation),
        _ => Vec::new(),
    }
}

fn block(owner: &str, field: &Field, of: &[Name]) -> Definition {
    let about = format!("A block of `{}.{}`.", owner, field.name.camel());
    let blocks = of.iter().map(|component| {
        let about = format!("A block of type `{}`.", component.pascal());
        Member::new(component.camel(), format!("{}Input", component.pascal()), about)
    });
    let name = format!("{}Input", block_type(owner, &field.name));
    Definition::new(Kind::Input, name, about).directive("@oneOf").members(blocks)
}

fn children_list(owner: &str, field: &Field, child: &str) -> Definition {
    let about =
        format!("Changes to `{owner}.{}`. `set` is applied first, then the others in this order.", field.name.camel());
    let whole = "Replaces the whole list. Rows are matched by their id or first unique field; existing rows without a match are deleted.";
    let rows = format!("[{child}Input!]");
    Definition::new(Kind::Input, children_type(owner, &field.name), about)
        .member(Member::new("set", &rows, whole))
        .member(Member::new("create", &rows, "New rows to add at the end."))
        .member(Member::new("update", format!("[{child}UpdateInput!]"), "Changes to existing rows."))
        .member(Member::new("delete", format!("[{child}Key!]"), "Rows to delete."))
}

fn polymorphic(owner: &str, field: &Field, relation: &Relation) -> Vec<Definition> {
    let name = member_type(owner, &field.name);
    let variants = |ending: &'static str| {
        relation.to.iter().map(move |target| {
            let about = format!("Of type `{}`.", target.pascal());
            Member::new(target.camel(), format!("{}{ending}", target.pascal()), about)
        })
    };
    let place = format!("{owner}.{}", field.name.camel());
    if !relation.many {
        let about = format!("The target of `{place}`. Null clears the reference.");
        let one = Definition::new(Kind::Input, format!("{name}ReferenceInput"), about).directive("@oneOf");
        return vec![one.members(variants("ReferenceInput"))];
    }
    let keys = format!("[{name}Key!]");
    let about = format!("Changes to `{place}`. `set` is applied first, then the others in this order.");
    let many = Definition::new(Kind::Input, format!("{name}ReferencesInput"), about)
        .member(Member::new("set", &keys, "Replaces the whole list."))
        .member(Member::new("connect", &keys, "Existing entries to add at the end."))
        .member(Member::new("disconnect", &keys, "Entries to remove from the list."));
    let key =
        Definition::new(Kind::Input, format!("{name}Key"), format!("The key that identifies a target of `{place}`."))
            .directive("@oneOf")
            .members(variants("Key"));
    vec![many, key]
}

fn article(noun: &str) -> String {
    let article = if noun.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {noun}")
}

fn capital_article(noun: &str) -> String {
    article(noun).replacen('a', "A", 1)
}
