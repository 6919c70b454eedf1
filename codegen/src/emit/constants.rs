//! `generated/src/fields/<type>.rs`: a typed constant for each field, of which the site's own code makes filters, orders and inputs.

use crate::emit::fields::children;
use crate::emit::rust_file::{RustFile, comment, ident, text};
use crate::schema::{ContentType, Field, FieldKind, Name, Schema, SqlType};

/// What the server keeps of each entry, and its Rust type.
const KEPT: [(&str, &str); 6] = [
    ("created_at", "Timestamp"),
    ("updated_at", "Timestamp"),
    ("published_at", "Timestamp"),
    ("created_by", "Id<User>"),
    ("updated_by", "Id<User>"),
    ("id", "Id<Self>"),
];

/// The file of each content type, and those of its children, by name.
pub fn files(ty: &ContentType) -> Vec<(&Name, String)> {
    let own = (&ty.name, file(&ty.name, &ty.name, &ty.fields, true));
    let of_children =
        children(&ty.fields).map(|(_, child)| (&child.name, file(&ty.name, &child.name, &child.fields, false)));
    std::iter::once(own).chain(of_children).collect()
}

/// `generated/src/fields.rs`.
pub fn registry(schema: &Schema) -> String {
    let mut file = RustFile::new("The fields of the content types, for conditions, orders and inputs.", "schema/");
    let mut names: Vec<&Name> =
        schema.types.iter().flat_map(|ty| files(ty).into_iter().map(|(name, _)| name)).collect();
    names.sort();
    file.item(names.into_iter().map(|name| format!("pub mod {};", ident(name))).collect::<Vec<_>>().join("\n"));
    file.render()
}

fn file(of: &Name, name: &Name, fields: &[Field], is_entry: bool) -> String {
    let pascal = name.pascal();
    let mut file = RustFile::new(format!("The fields of `{pascal}`."), format!("schema/{}.yaml", of.snake()));
    file.uses("runtime", ["field".to_owned()]);
    file.uses("runtime::prelude", ["*".to_owned()]);
    file.uses("crate::content", [pascal.clone()]);
    let mut lines = Vec::new();
    for field in fields {
        let about = comment(field.description.trim().lines().next().unwrap_or_default());
        let about = if about.is_empty() { about } else { format!(" // {about}") };
        let (upper, camel) = (field.name.upper(), text(&field.name.camel()));
        let (kind, value) = typed(&mut file, name, field);
        lines
            .push(format!("pub const {upper}: field::{kind}<{pascal}, {value}> = field::{kind}::new({camel});{about}"));
    }
    let kept = KEPT.iter().filter(|_| is_entry).map(|(snake, value)| {
        let (upper, camel) = (snake.to_uppercase(), text(&model::names::camel(snake)));
        let value = value.replace("Self", &pascal);
        format!("pub const {upper}: field::Kept<{pascal}, {value}> = field::Kept::new({camel});")
    });
    lines.extend(kept);
    let lines: Vec<_> = lines.into_iter().map(|line| line.trim_end().to_owned()).collect();
    file.item(lines.join("\n"));
    file.render()
}

/// The type of the constant, and that of the values or the entries at its other end.
fn typed(file: &mut RustFile, owner: &Name, field: &Field) -> (&'static str, String) {
    let block = || format!("{}{}Block", owner.pascal(), field.name.pascal());
    let several = |value: String, many: bool| if many { format!("Vec<{value}>") } else { value };
    let mut uses = |path, name: String| {
        file.uses(path, [name.clone()]);
        name
    };
    match &field.kind {
        FieldKind::Scalar { scalar, .. } => {
            let kind = if scalar.mapping().sql == SqlType::Jsonb { "Whole" } else { "Scalar" };
            (kind, scalar.mapping().rust.to_owned())
        }
        FieldKind::Enum { choice, many } => {
            let value = uses("crate::content", choice.type_name.clone());
            (if *many { "Whole" } else { "Scalar" }, several(value, *many))
        }
        FieldKind::Relation(relation) => match &relation.to[..] {
            [target] => (if relation.many { "Links" } else { "Link" }, uses("crate::content", target.pascal())),
            _ => ("Whole", several("AnyId".to_owned(), relation.many)),
        },
        FieldKind::Component { component, many } => {
            ("Whole", several(uses("crate::component", component.pascal()), *many))
        }
        FieldKind::Blocks { .. } => ("Whole", format!("Vec<{}>", uses("crate::content", block()))),
        FieldKind::Children(children) => ("Rows", uses("crate::content", children.name.pascal())),
    }
}
