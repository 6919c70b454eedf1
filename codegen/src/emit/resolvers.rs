//! `generated/src/resolvers/<type>.rs`: what resolves each API field of a type, as plain data.

use proc_macro2::TokenStream;
use quote::quote;
use serde::Serialize;

use crate::emit::rust::{codes, ident, literal, upper, word};
use crate::emit::rust_file::RustFile;
use crate::schema::api::{self, RootField, Verb};
use crate::schema::{ContentType, Field, FieldKind, Name, Schema};

/// The resolvers of a content type or of its children.
#[derive(Serialize)]
struct Resolvers {
    of: String,
    connection: String,
    edge: String,
    change: String,
    aggregates: String,
    roots: Vec<String>,
    pages: Vec<String>,
}

/// `generated/src/resolvers.rs`.
pub fn registry(schema: &Schema) -> String {
    #[derive(Serialize)]
    struct Body {
        modules: Vec<String>,
        types: Vec<String>,
    }
    let mut file = RustFile::new("What answers the fields of the API.", "schema/");
    file.uses("runtime::content", ["TypeResolvers".to_owned()]);
    let modules = schema.types.iter().map(|ty| ident(&ty.name));
    let types = modules.clone().map(|module| quote!(#module::RESOLVERS));
    let body = Body { modules: modules.map(|module| module.to_string()).collect(), types: codes(types) };
    file.render("resolvers.rs.j2", body)
}

/// The file of one content type, with its children.
pub fn file(ty: &ContentType) -> String {
    #[derive(Serialize)]
    struct Body {
        tables: Vec<Resolvers>,
    }
    let about = format!("What answers the fields of `{}`.", ty.name.pascal());
    let mut file = RustFile::new(about, format!("schema/{}.yaml", ty.name.snake()));
    file.uses("runtime::content", ["AggregateInfo", "Resolver", "TypeResolvers", "Verb"].map(str::to_owned));
    let roots = api::reads(ty).into_iter().chain(api::writes(ty)).chain([api::changed(ty)]);
    let roots = roots.map(|root| resolver(&ty.name, &root));
    let inverses = ty.inverses.iter().map(|inverse| inverse.name.camel());
    let change = api::change(&ty.name.pascal());
    let itself = resolvers(&ty.name, &change, roots.collect(), pages(&ty.fields).chain(inverses));
    let mut tables = vec![Resolvers { aggregates: aggregates(ty).to_string(), ..itself }];
    for field in &ty.fields {
        if let FieldKind::Children(child) = &field.kind {
            tables.push(resolvers(&child.name, "", Vec::new(), pages(&child.fields)));
        }
    }
    file.uses("crate::content", tables.iter().map(|table| table.of.clone()));
    file.render("resolvers/type.rs.j2", Body { tables })
}

fn resolver(of: &Name, root: &RootField<'_>) -> TokenStream {
    let (field, of) = (literal(&root.name), upper(of));
    let verb = match root.verb {
        Verb::ByKey { field, .. } => {
            let key = literal(field.name.snake());
            quote!(ByKey(#key))
        }
        verb => {
            let verb = word(&format!("{verb:?}"));
            quote!(#verb)
        }
    };
    quote!(Resolver { field: #field, verb: Verb::#verb, of: &#of })
}

/// The lists that also have a connection.
fn pages(fields: &[Field]) -> impl Iterator<Item = String> {
    fields.iter().filter(|field| api::has_pages(field)).map(|field| field.name.camel())
}

fn resolvers(of: &Name, change: &str, roots: Vec<TokenStream>, lists: impl Iterator<Item = String>) -> Resolvers {
    let page = |list: String| {
        let (pages, list) = (literal(&api::pages(&list)), literal(&list));
        quote!((#pages, #list))
    };
    Resolvers {
        of: upper(of).to_string(),
        connection: literal(&api::connection(&of.pascal())).to_string(),
        edge: literal(&api::edge(&of.pascal())).to_string(),
        change: literal(change).to_string(),
        aggregates: quote!(None).to_string(),
        roots: codes(roots),
        pages: codes(lists.map(page)),
    }
}

/// The names of the types of aggregates, empty for those that the API does not have.
fn aggregates(ty: &ContentType) -> TokenStream {
    let names = ty.aggregates();
    let group = if ty.grouped().next().is_some() { names.group } else { String::new() };
    let sums = if ty.summed().next().is_some() { names.sums } else { String::new() };
    let (of, group, extremes, sums) = (literal(&names.of), literal(&group), literal(&names.extremes), literal(&sums));
    quote!(Some(&AggregateInfo { type_name: #of, group: #group, extremes: #extremes, sums: #sums }))
}
