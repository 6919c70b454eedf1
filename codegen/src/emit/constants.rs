//! `generated/src/fields/<type>.rs`: typed constants, from which the site's own code builds filters, orders and inputs.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};
use serde::Serialize;

use crate::emit::fields::{block_type, children};
use crate::emit::rust::{self, code, ident, literal, pascal, word};
use crate::emit::rust_file::{RustFile, first_line};
use crate::schema::{ContentType, Field, FieldKind, Name, Schema, SqlType};

/// The system fields of an entry, with their Rust types.
const KEPT: [(&str, &str); 8] = [
    ("created_at", "Timestamp"),
    ("updated_at", "Timestamp"),
    ("published_at", "Timestamp"),
    ("first_published_at", "Timestamp"),
    ("created_by", "Id<User>"),
    ("updated_by", "Id<User>"),
    ("published_by", "Id<User>"),
    ("id", "Id<Self>"),
];

/// The files of a content type and of its children, by name.
pub fn files(ty: &ContentType) -> Vec<(&Name, String)> {
    let own = (&ty.name, file(&ty.name, &ty.name, &ty.fields, true));
    let of_children =
        children(&ty.fields).map(|(_, child)| (&child.name, file(&ty.name, &child.name, &child.fields, false)));
    std::iter::once(own).chain(of_children).collect()
}

/// `generated/src/fields.rs`.
pub fn registry(schema: &Schema) -> String {
    #[derive(Serialize)]
    struct Body {
        modules: Vec<String>,
    }
    let file = RustFile::new("The fields of the content types, for conditions, orders and inputs.", "schema/");
    let with_children = schema.types.iter().flat_map(|ty| {
        let of_children = children(&ty.fields).map(|(_, child)| &child.name);
        std::iter::once(&ty.name).chain(of_children)
    });
    let mut names: Vec<&Name> = with_children.collect();
    names.sort();
    file.render("fields.rs.j2", Body { modules: names.into_iter().map(|name| ident(name).to_string()).collect() })
}

/// A field as the template writes it: the kind of its constant, and the type of its values or referenced entries.
#[derive(Serialize)]
struct Constant {
    name: String,
    kind: &'static str,
    value: String,
    shown: String,
    about: String,
}

fn file(of: &Name, name: &Name, fields: &[Field], is_entry: bool) -> String {
    #[derive(Serialize)]
    struct Body {
        name: String,
        constants: Vec<Constant>,
    }
    let pascal = name.pascal();
    let mut file = RustFile::new(format!("The fields of `{pascal}`."), format!("schema/{}.yaml", of.snake()));
    file.uses("runtime", ["field".to_owned()]);
    file.uses("runtime::prelude", ["*".to_owned()]);
    file.uses("crate::content", [pascal.clone()]);
    let mut constants = Vec::new();
    for field in fields {
        let (kind, value) = typed(&mut file, name, field);
        constants.push(Constant {
            name: field.name.upper(),
            kind,
            value: code(value),
            shown: literal(&field.name.camel()).to_string(),
            about: first_line(&field.description),
        });
    }
    constants.extend(KEPT.iter().filter(|_| is_entry).map(|(snake, value)| Constant {
        name: snake.to_uppercase(),
        kind: "Kept",
        value: value.replace("Self", &pascal),
        shown: literal(&model::names::camel(snake)).to_string(),
        about: String::new(),
    }));
    file.render("fields/type.rs.j2", Body { name: pascal, constants })
}

/// The kind of the constant, and the type of the values or of the entries it refers to.
fn typed(file: &mut RustFile, owner: &Name, field: &Field) -> (&'static str, TokenStream) {
    let several = |value: TokenStream, many: bool| if many { quote!(Vec<#value>) } else { value };
    let mut uses = |path, name: Ident| {
        file.uses(path, [name.to_string()]);
        name.into_token_stream()
    };
    match &field.kind {
        FieldKind::Scalar { scalar, .. } => {
            let kind = if scalar.mapping().sql == SqlType::Jsonb { "Whole" } else { "Scalar" };
            (kind, rust::scalar(*scalar))
        }
        FieldKind::Enum { choice, many } => {
            let value = uses("crate::content", word(&choice.type_name));
            (if *many { "Whole" } else { "Scalar" }, several(value, *many))
        }
        FieldKind::Relation(relation) => match &relation.to[..] {
            [target] => (if relation.many { "Links" } else { "Link" }, uses("crate::content", pascal(target))),
            _ => ("Whole", several(quote!(AnyId), relation.many)),
        },
        FieldKind::Component { component, many } => {
            ("Whole", several(uses("crate::component", pascal(component)), *many))
        }
        FieldKind::Blocks { .. } => ("Whole", several(uses("crate::content", block_type(owner, field)), true)),
        FieldKind::Children(children) => ("Rows", uses("crate::content", pascal(&children.name))),
    }
}
