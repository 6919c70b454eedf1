//! `generated/src/content/<type>.rs`: a content type with its children, and the registry of all content types.

use proc_macro2::TokenStream;
use quote::quote;
use serde::Serialize;

use crate::catalog::{self, Catalog};
use crate::emit::fields::{Companion, Member, Owner, children};
use crate::emit::operations::{argument_info, parameter};
use crate::emit::rust::{self, code, codes, ident, kind, literal, literals, pascal, upper};
use crate::emit::rust_file::{RustFile, doc, first_line};
use crate::schema::{
    Boost, Computed, ContentType, Index, Inverse, Name, PathPart, Retention, Schema, Search, SearchText,
};

/// A content type or its children, as the template writes it.
#[derive(Serialize)]
struct Table {
    is_entry: bool,
    doc: Vec<String>,
    name: String,
    constant: String,
    fields: Vec<Member>,
    /// The names of the fields.
    names: Vec<String>,
    infos: Vec<String>,
    info: Info,
    inverses: Vec<String>,
    computed: Vec<String>,
    constraints: Vec<String>,
    functions: Vec<Function>,
    companions: Vec<Companion>,
}

/// The first line of the server's `ContentInfo`.
#[derive(Serialize)]
struct Info {
    name: String,
    table: String,
    former: String,
    plural: String,
    drafts: String,
    counted: String,
    retention: String,
    owner: String,
    path: String,
    search: String,
    unique: String,
}

/// The function the site implements for a computed field.
#[derive(Serialize)]
struct Function {
    doc: Vec<String>,
    name: String,
    args: Vec<String>,
    value: String,
}

/// The file of one content type; `catalog` has its tables.
pub fn file(ty: &ContentType, catalog: &Catalog) -> String {
    #[derive(Serialize)]
    struct Body {
        tables: Vec<Table>,
    }
    let source = format!("schema/{}.yaml", ty.name.snake());
    let mut file = RustFile::new(summary(&ty.name, &ty.description), source);
    file.uses("runtime::prelude", ["*".to_owned()]);
    file.uses("crate::content", ty.inverses.iter().map(|inverse| inverse.source.upper()));
    let owner = Owner { name: &ty.name, fields: &ty.fields, joins: true };
    owner.uses(&mut file);
    let mut entry = table(ty, &owner, &ty.description, &ty.plural, catalog);
    entry.is_entry = true;
    entry.info.path = code(path(&ty.path));
    entry.info.search = code(search(ty));
    entry.info.unique = unique(ty);
    entry.inverses = codes(ty.inverses.iter().map(inverse));
    entry.computed = codes(ty.computed.iter().map(computed));
    entry.functions = ty.computed.iter().map(|computed| function(ty, computed)).collect();
    let mut tables = vec![entry];
    for (field, child) in children(&ty.fields) {
        let owner = Owner { name: &child.name, fields: &child.fields, joins: true };
        owner.uses(&mut file);
        let mut table = table(ty, &owner, &field.description, &field.name, catalog);
        let parent = upper(&ty.name);
        table.info.owner = code(quote!(Some(&#parent)));
        tables.push(table);
    }
    file.without("crate::content", [ty.name.pascal(), ty.name.upper()]);
    file.render("content/type.rs.j2", Body { tables })
}

/// `generated/src/content.rs`.
pub fn registry(schema: &Schema) -> String {
    let mut file = RustFile::new("The content types of the site.", "schema/");
    file.uses("runtime::prelude", ["ContentInfo".to_owned()]);
    file.render("content.rs.j2", Registry::of(schema.types.iter().map(|ty| &ty.name)))
}

/// The modules of content types or components, and the constants that describe them to the server.
#[derive(Serialize)]
pub struct Registry {
    modules: Vec<String>,
    infos: Vec<String>,
}

impl Registry {
    pub fn of<'a>(names: impl Iterator<Item = &'a Name> + Clone) -> Self {
        let modules = names.clone().map(|name| ident(name).to_string());
        Self { modules: modules.collect(), infos: names.map(|name| format!("&{}", name.upper())).collect() }
    }
}

/// `Product`: something we sell.
pub fn summary(name: &Name, description: &str) -> String {
    let first = first_line(description);
    if first.is_empty() { format!("`{}`.", name.pascal()) } else { format!("`{}`: {first}", name.pascal()) }
}

/// The part that content types and children share.
fn table(ty: &ContentType, owner: &Owner, description: &str, plural: &Name, catalog: &Catalog) -> Table {
    let fields = owner.members();
    let stored = catalog.tables.get(owner.name.snake());
    let stored = stored.unwrap_or_else(|| panic!("codegen bug: `{}` has no table", owner.name.snake()));
    let former = stored.former.iter().map(|name| literal(name));
    Table {
        is_entry: false,
        doc: doc(description),
        name: owner.name.pascal(),
        constant: owner.name.upper(),
        names: fields.iter().map(|field| field.name.clone()).collect(),
        infos: fields.iter().map(|field| field.info.clone()).collect(),
        fields,
        info: Info {
            name: literal(&owner.name.pascal()).to_string(),
            table: literal(owner.name.snake()).to_string(),
            former: code(quote!(#(#former),*)),
            plural: literal(&plural.camel()).to_string(),
            drafts: ty.drafts.to_string(),
            counted: stored.counted.to_string(),
            retention: code(retention(&ty.retention)),
            owner: "None".to_owned(),
            path: String::new(),
            search: "None".to_owned(),
            unique: String::new(),
        },
        inverses: Vec::new(),
        computed: Vec::new(),
        constraints: codes(constraints(stored)),
        functions: Vec::new(),
        companions: owner.companions(),
    }
}

/// The names of constraints and indexes, each with the field of its first column. What is only in `live` is about values
/// that `draft` has accepted.
fn constraints(table: &catalog::Table) -> Vec<TokenStream> {
    let indexes = table.indexes.iter().filter(|index| !index.gin && !index.live);
    let indexes = indexes.map(|index| (&index.name, &index.on[0].column));
    let checks = table.checks.iter().map(|check| (&check.name, &check.on[0]));
    let keys = table.foreign_keys.iter().map(|key| (&key.name, &key.column));
    let of_field = |(name, column): (&String, &String)| {
        let field = table.fields.iter().find(|field| field.columns().contains(column))?;
        let (name, field) = (literal(name), literal(&field.name));
        Some(quote!((#name, #field)))
    };
    indexes.chain(checks).chain(keys).filter_map(of_field).collect()
}

/// `PathPart::Text("blog"), PathPart::Slug("slug")`
fn path(parts: &[PathPart]) -> TokenStream {
    let part = |part: &PathPart| {
        let (kind, of) = match part {
            PathPart::Text(text) => ("Text", text.as_str()),
            PathPart::Slug(field) => ("Slug", field.snake()),
            PathPart::Above(relation) => ("Above", relation.snake()),
        };
        let (kind, of) = (rust::word(kind), literal(of));
        quote!(PathPart::#kind(#of))
    };
    let parts = parts.iter().map(part);
    quote!(#(#parts),*)
}

fn search(ty: &ContentType) -> TokenStream {
    let Some(Search { language, texts, synonyms, stop_words, boosts, recency }) = &ty.search else {
        return quote!(None);
    };
    let texts = texts.iter().map(|SearchText { path, weight, exact }| {
        let path = literals(path);
        let weight = match weight {
            Some(weight) => {
                let weight = rust::word(&format!("{weight:?}"));
                quote!(Some(SearchWeight::#weight))
            }
            None => quote!(None),
        };
        quote!(SearchText { path: &[#(#path),*], weight: #weight, exact: #exact })
    });
    let synonyms = synonyms.iter().map(|words| quote!(&[#(#words),*]));
    let boosts = boosts.iter().map(|Boost { field, value, factor }| {
        let field = literal(field.snake());
        let factor = proc_macro2::Literal::f32_unsuffixed(*factor);
        quote!((#field, #value, #factor))
    });
    let recency = match recency {
        Some(days) => {
            let days = proc_macro2::Literal::u32_unsuffixed(*days);
            quote!(Some(#days))
        }
        None => quote!(None),
    };
    let facets = ty.facets();
    let facets_type = if facets.is_empty() { String::new() } else { ty.facets_type() };
    let facets = facets.iter().map(|facet| {
        let (field, type_name) = (literal(facet.field.name.snake()), facet.type_name());
        quote!(FacetInfo { field: #field, type_name: #type_name })
    });
    quote!(Some(&SearchInfo { language: #language, texts: &[#(#texts),*], synonyms: &[#(#synonyms),*], stop_words: &[#(#stop_words),*], boosts: &[#(#boosts),*], recency: #recency, facets_type: #facets_type, facets: &[#(#facets),*] }))
}

/// `&["name", "day"]` for each unique index.
fn unique(ty: &ContentType) -> String {
    let indexes = ty.indexes.iter().filter(|index| index.unique);
    let list = |index: &Index| {
        let fields = literals(index.on.iter().map(|(name, _)| name));
        quote!(&[#(#fields),*])
    };
    let lists = indexes.map(list);
    code(quote!(#(#lists),*))
}

fn inverse(inverse: &Inverse) -> TokenStream {
    let (name, source) = (literal(&inverse.name.camel()), upper(&inverse.source));
    let field = literal(inverse.field.snake());
    quote!(InverseInfo { name: #name, source: &#source, field: #field })
}

fn computed(computed: &Computed) -> TokenStream {
    let (name, kind, with) = (literal(&computed.name.camel()), kind(computed.scalar), literals(&computed.with));
    let args = computed.args.iter().map(argument_info);
    let depends_on = depends_on(computed.depends_on.as_deref());
    quote!(ComputedInfo { name: #name, kind: #kind, with: &[#(#with),*], args: &[#(#args),*], depends_on: #depends_on })
}

/// The function computes the field for many entries at once.
fn function(ty: &ContentType, computed: &Computed) -> Function {
    let (entries, name, value) = (ident(&ty.plural), pascal(&ty.name), rust::scalar(computed.scalar));
    let given = computed.args.iter().map(parameter);
    let args = [quote!(&self), quote!(#entries: &[#name])].into_iter().chain(given).chain([quote!(cx: &ReadCx<'_>)]);
    Function {
        doc: doc(&computed.description),
        name: ident(&computed.name).to_string(),
        args: codes(args),
        value: code(if computed.required { value } else { quote!(Option<#value>) }),
    }
}

fn retention(retention: &Retention) -> TokenStream {
    if *retention == Retention::default() {
        return quote!(Retention::DEFAULT);
    }
    let keep = match (retention.keep, &retention.keep_for) {
        (Some(keep), _) => quote!(Some(#keep)),
        (None, Some(_)) => quote!(None),
        (None, None) => quote!(Retention::DEFAULT.keep),
    };
    let keep_for = match &retention.keep_for {
        Some(period) => quote!(Some(#period)),
        None => quote!(None),
    };
    let bin = match &retention.bin {
        Some(period) => quote!(#period),
        None => quote!(Retention::DEFAULT.bin),
    };
    quote!(Retention { keep: #keep, keep_for: #keep_for, bin: #bin })
}

/// The tables of the content types that the site's own code says it reads.
pub fn depends_on(types: Option<&[Name]>) -> TokenStream {
    match types {
        None => quote!(None),
        Some(types) => {
            let tables = types.iter().map(|name| literal(name.snake()));
            quote!(Some(&[#(#tables),*]))
        }
    }
}
