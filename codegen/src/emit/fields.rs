//! Fields in Rust, for content types, children and components: struct members, the lines of `INFO`, and enums.

use std::collections::BTreeSet;

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};
use serde::Serialize;

use crate::catalog::listing_names;
use crate::catalog::names::{ALL_LANGUAGES, collation, join_table, relation_columns};
use crate::emit::rust::{self, code, codes, ident, kind, literal, literals, pascal, upper, word};
use crate::emit::rust_file::{RustFile, doc, first_line};
use crate::schema::{Children, Field, FieldKind, Name, OnDelete, Relation, Required};

/// Something with fields.
pub struct Owner<'a> {
    pub name: &'a Name,
    pub fields: &'a [Field],
    /// False for components: their relations have no join tables.
    pub joins: bool,
}

/// A field, as the templates write it.
#[derive(Serialize)]
pub struct Member {
    pub name: String,
    rust_type: String,
    about: String,
    pub info: String,
}

/// An enum of values or of blocks, and its description for the server.
#[derive(Default, Serialize)]
pub struct Companion {
    /// The runtime's macro: `choice` or `blocks`.
    macro_name: &'static str,
    doc: Vec<String>,
    name: String,
    shown: String,
    constant: String,
    variants: Vec<Variant>,
    /// The variants alone, if none has a description.
    codes: Vec<String>,
    described: bool,
    values: Vec<String>,
}

#[derive(Serialize)]
struct Variant {
    doc: Vec<String>,
    code: String,
}

impl Owner<'_> {
    pub fn members(&self) -> Vec<Member> {
        let member = |field: &Field| Member {
            name: ident(&field.name).to_string(),
            rust_type: code(self.rust_type(field)),
            about: first_line(&field.description),
            info: code(self.info(field)),
        };
        self.fields.iter().map(member).collect()
    }

    /// Enums and unions of blocks.
    pub fn companions(&self) -> Vec<Companion> {
        self.fields.iter().filter_map(|field| self.companion(field)).collect()
    }

    /// Adds imports for the types that the fields name.
    pub fn uses(&self, file: &mut RustFile) {
        for field in self.fields {
            match &field.kind {
                FieldKind::Relation(relation) => {
                    let typed = relation.to.len() == 1;
                    let structs = relation.to.iter().filter(|_| typed).map(Name::pascal);
                    file.uses("crate::content", relation.to.iter().map(Name::upper).chain(structs));
                }
                FieldKind::Component { component, .. } => {
                    file.uses("crate::component", [component.upper(), component.pascal()]);
                }
                FieldKind::Blocks { of } => {
                    file.uses("crate::component", of.iter().flat_map(|name| [name.upper(), name.pascal()]));
                }
                FieldKind::Scalar { .. } | FieldKind::Enum { .. } | FieldKind::Children(_) => {}
            }
        }
    }

    fn rust_type(&self, field: &Field) -> TokenStream {
        let one = |ty: TokenStream| if field.required == Required::Save { ty } else { quote!(Option<#ty>) };
        let several = |ty: TokenStream, many: bool| if many { quote!(Vec<#ty>) } else { one(ty) };
        match &field.kind {
            FieldKind::Scalar { scalar, .. } => one(rust::scalar(*scalar)),
            FieldKind::Enum { choice, many } => several(word(&choice.type_name).into_token_stream(), *many),
            FieldKind::Relation(relation) => {
                let id = match &relation.to[..] {
                    [target] => {
                        let target = pascal(target);
                        quote!(Id<#target>)
                    }
                    _ => quote!(AnyId),
                };
                match (relation.many, self.joins) {
                    (true, true) => quote!(ToMany<#id>),
                    (true, false) => quote!(Vec<#id>),
                    (false, _) => quote!(Option<#id>),
                }
            }
            FieldKind::Component { component, many } => several(pascal(component).into_token_stream(), *many),
            FieldKind::Blocks { .. } => {
                let block = block_type(self.name, field);
                quote!(Vec<#block>)
            }
            FieldKind::Children(children) => {
                let child = pascal(&children.name);
                quote!(ToMany<#child>)
            }
        }
    }

    /// `FieldInfo::new("name", "name", Shape::Scalar(Kind::String)).required()`
    fn info(&self, field: &Field) -> TokenStream {
        let (camel, snake, shape) = (literal(&field.name.camel()), literal(field.name.snake()), self.shape(field));
        let mut info = quote!(FieldInfo::new(#camel, #snake, #shape));
        info.extend(match field.required {
            Required::No => TokenStream::new(),
            Required::Save => quote!(.required()),
            Required::Publish => quote!(.required_to_publish()),
        });
        let mut option = |name: &str, value: Option<TokenStream>| {
            let name = word(name);
            info.extend(value.map(|value| quote!(.#name(#value))));
        };
        let text = |text: &str| literal(text).into_token_stream();
        option("default", field.default.as_ref().map(|default| text(&default.0.to_string())));
        let unique = field.unique.as_ref().map(literals);
        option("unique", unique.map(|with| quote!(&[#(#with),*])));
        option("filterable", field.filterable.then(TokenStream::new));
        option("sortable", field.sortable.then(TokenStream::new));
        let collation = (field.collation != ALL_LANGUAGES).then(|| text(&collation(&field.collation)));
        option("collation", collation.filter(|_| field.sortable || field.filterable));
        option("min", field.rules.min.as_deref().map(text));
        option("max", field.rules.max.as_deref().map(text));
        option("pattern", field.rules.pattern.as_deref().map(text));
        if let FieldKind::Scalar { slug_from, json_schema, .. } = &field.kind {
            option("from", slug_from.as_ref().map(|name| text(name.snake())));
            option("schema", json_schema.as_ref().map(|schema| text(&schema.to_string())));
        }
        info
    }

    fn shape(&self, field: &Field) -> TokenStream {
        let of = |shape: &str, constant: &str| {
            let (shape, constant) = (word(shape), word(constant));
            quote!(Shape::#shape(&#constant))
        };
        match &field.kind {
            FieldKind::Scalar { scalar, .. } => {
                let kind = kind(*scalar);
                quote!(Shape::Scalar(#kind))
            }
            FieldKind::Enum { many, .. } => of(if *many { "Enums" } else { "Enum" }, &self.constant(field)),
            FieldKind::Relation(relation) => self.relation(field, relation),
            FieldKind::Component { component, many } => {
                of(if *many { "Components" } else { "Component" }, &component.upper())
            }
            FieldKind::Blocks { .. } => of("Blocks", &self.constant(field)),
            FieldKind::Children(children) => of("Children", &children.name.upper()),
        }
    }

    fn relation(&self, field: &Field, relation: &Relation) -> TokenStream {
        let targets = relation.to.iter().map(upper);
        let type_name = match &relation.to[..] {
            [target] => target.pascal(),
            _ => self.name.pascal() + &field.name.pascal(),
        };
        let type_name = literal(&type_name);
        let on_delete = word(match relation.on_delete {
            OnDelete::Restrict => "Restrict",
            OnDelete::SetNull => "SetNull",
            OnDelete::Cascade => "Cascade",
        });
        let common = quote!(&[#(&#targets),*], #type_name, OnDelete::#on_delete);
        let join = literal(&if self.joins { join_table(self.name.snake(), &field.name) } else { String::new() });
        let columns = if self.joins { relation_columns(field, relation) } else { Vec::new() };
        let columns = columns.iter().map(|column| literal(column));
        let listings = listing_names(self.name.snake(), field, relation);
        match relation.many {
            true if self.joins && listings.iter().any(|name| !name.is_empty()) => {
                let listings = listings.iter().map(|name| literal(name));
                quote!(Shape::many(#common, #join, &[#(#columns),*]).listed(&[#(#listings),*]))
            }
            true => quote!(Shape::many(#common, #join, &[#(#columns),*])),
            false => quote!(Shape::one(#common, &[#(#columns),*])),
        }
    }

    /// `PRODUCT_STOCK_STATUS`, which describes an enum or blocks to the server.
    fn constant(&self, field: &Field) -> String {
        let end = if matches!(field.kind, FieldKind::Blocks { .. }) { "_BLOCK" } else { "" };
        format!("{}_{}{end}", self.name.upper(), field.name.upper())
    }

    fn companion(&self, field: &Field) -> Option<Companion> {
        match &field.kind {
            FieldKind::Enum { choice, .. } => {
                let values = choice.values.iter().map(|value| {
                    let (snake, upper) = (literal(value.name.snake()), literal(&value.name.upper()));
                    quote!((#snake, #upper))
                });
                let variants = choice.values.iter().map(|value| Variant::of(&value.name, &value.description)).collect();
                Some(Companion {
                    macro_name: "choice",
                    doc: doc(&field.description),
                    values: codes(values),
                    ..self.named(field, &choice.type_name, variants)
                })
            }
            FieldKind::Blocks { of } => {
                let sorted: BTreeSet<_> = of.iter().collect();
                let variants = sorted.into_iter().map(|name| Variant::of(name, "")).collect();
                let constants = of.iter().map(upper);
                Some(Companion {
                    macro_name: "blocks",
                    doc: vec![format!("One block of `{}.{}`.", self.name.pascal(), field.name.snake())],
                    values: codes(constants.map(|constant| quote!(&#constant))),
                    ..self.named(field, &block_type(self.name, field).to_string(), variants)
                })
            }
            _ => None,
        }
    }

    fn named(&self, field: &Field, name: &str, variants: Vec<Variant>) -> Companion {
        Companion {
            name: name.to_owned(),
            shown: literal(name).to_string(),
            constant: self.constant(field),
            codes: variants.iter().map(|variant| variant.code.clone()).collect(),
            described: variants.iter().any(|variant| !variant.doc.is_empty()),
            variants,
            ..Companion::default()
        }
    }
}

impl Variant {
    /// `InStock = "in_stock"`
    fn of(name: &Name, description: &str) -> Self {
        let (variant, snake) = (pascal(name), literal(name.snake()));
        // The only keyword that cannot name a variant.
        let variant = if variant == "Self" { word("Self_") } else { variant };
        Self { doc: doc(description), code: code(quote!(#variant = #snake)) }
    }
}

/// `ProductBodyBlock`
pub fn block_type(owner: &Name, field: &Field) -> Ident {
    word(&format!("{}{}Block", owner.pascal(), field.name.pascal()))
}

/// The fields of type `children`.
pub fn children(fields: &[Field]) -> impl Iterator<Item = (&Field, &Children)> {
    fields.iter().filter_map(|field| match &field.kind {
        FieldKind::Children(children) => Some((field, &**children)),
        _ => None,
    })
}
