//! `generated/src/resolvers/<type>.rs`: what answers each field of the API that the type has, as plain data.

use crate::emit::rust_file::{RustFile, ident, list, text};
use crate::schema::api::{self, RootField, Verb};
use crate::schema::{ContentType, FieldKind, Name, Schema};

/// `generated/src/resolvers.rs`.
pub fn registry(schema: &Schema) -> String {
    let mut file = RustFile::new("What answers the fields of the API.", "schema/");
    file.uses("runtime::content", ["TypeResolvers".to_owned()]);
    let modules: Vec<_> = schema.types.iter().map(|ty| format!("mod {};", ident(&ty.name))).collect();
    file.item(modules.join("\n"));
    let types: String = schema.types.iter().map(|ty| format!("\n    {}::RESOLVERS,", ident(&ty.name))).collect();
    file.item(format!("pub static TYPES: &[&[TypeResolvers]] = &[{types}\n];"));
    file.render()
}

/// The file of one content type, with its children.
pub fn file(ty: &ContentType) -> String {
    let about = format!("What answers the fields of `{}`.", ty.name.pascal());
    let mut file = RustFile::new(about, format!("schema/{}.yaml", ty.name.snake()));
    file.uses("runtime::content", ["Resolver", "TypeResolvers", "Verb"].map(str::to_owned));
    file.uses("crate::content", [ty.name.upper()]);
    let roots = api::reads(ty).into_iter().chain(api::writes(ty));
    let roots: String = roots.map(|root| format!("\n            {},", resolver(&ty.name, &root))).collect();
    let inverses = ty.inverses.iter().map(|inverse| inverse.name.camel());
    let mut types = vec![resolvers(&ty.name, &format!("{roots}\n        "), pages(&ty.fields).chain(inverses))];
    for field in &ty.fields {
        if let FieldKind::Children(child) = &field.kind {
            file.uses("crate::content", [child.name.upper()]);
            types.push(resolvers(&child.name, "", pages(&child.fields)));
        }
    }
    file.item(format!("pub static RESOLVERS: &[TypeResolvers] = &[\n{}];", types.concat()));
    file.render()
}

fn resolver(of: &Name, root: &RootField<'_>) -> String {
    let verb = match root.verb {
        Verb::ByKey { field, .. } => format!("ByKey({})", text(field.name.snake())),
        verb => format!("{verb:?}"),
    };
    format!("Resolver {{ field: {}, verb: Verb::{verb}, of: &{} }}", text(&root.name), of.upper())
}

fn pages(fields: &[crate::schema::Field]) -> impl Iterator<Item = String> {
    fields.iter().filter(|field| api::has_pages(field)).map(|field| field.name.camel())
}

fn resolvers(of: &Name, roots: &str, lists: impl Iterator<Item = String>) -> String {
    let (connection, edge) = (text(&api::connection(&of.pascal())), text(&api::edge(&of.pascal())));
    let pages: Vec<_> = lists.map(|list| format!("({}, {})", text(&api::pages(&list)), text(&list))).collect();
    let pages = list("        pages: &[", &pages, "],\n", 8);
    format!(
        "    TypeResolvers {{
        of: &{}, connection: {connection}, edge: {edge},
        roots: &[{roots}],
{pages}    }},
",
        of.upper()
    )
}
