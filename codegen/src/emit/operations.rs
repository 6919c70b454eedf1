//! `generated/src/operations.rs`: what the site implements itself, as traits, and how the server calls them.

use std::collections::BTreeSet;

use proc_macro2::TokenStream;
use quote::quote;
use serde::Serialize;

use crate::emit::content::depends_on;
use crate::emit::rust::{self, code, codes, ident, kind, literal, pascal, upper};
use crate::emit::rust_file::{RustFile, doc};
use crate::schema::{Argument, ContentType, Operation, Returns, Schema};

#[derive(Serialize)]
struct Body {
    computed: Vec<Computed>,
    /// Queries and mutations, whose operations receive different contexts.
    roots: [Root; 2],
    bounds: String,
}

/// How the server calls a computed field.
#[derive(Serialize)]
struct Computed {
    shown: String,
    owner: String,
    function: String,
    /// The index of each argument.
    args: Vec<usize>,
}

#[derive(Serialize)]
struct Root {
    name: &'static str,
    constant: &'static str,
    about: &'static str,
    register: &'static str,
    operations: Vec<Called>,
}

/// An operation as the template writes it.
#[derive(Serialize)]
struct Called {
    doc: Vec<String>,
    shown: String,
    function: String,
    args: Vec<String>,
    infos: Vec<String>,
    returns: String,
    result: String,
    roles: Vec<String>,
    depends_on: String,
}

pub fn file(schema: &Schema) -> String {
    let mut file =
        RustFile::new("What the site implements itself: computed fields, own queries, own mutations.", "schema/");
    file.uses("runtime::prelude", ["*".to_owned()]);
    file.uses("crate::content", mentioned(schema));
    let queries = Root {
        name: "Queries",
        constant: "QUERIES",
        about: "The site's own queries.",
        register: "query",
        operations: schema.queries.iter().map(|query| called(query, quote!(&ReadCx<'_>))).collect(),
    };
    let mutations = Root {
        name: "Mutations",
        constant: "MUTATIONS",
        about: "The site's own mutations; each is one transaction.",
        register: "mutation",
        operations: schema.mutations.iter().map(|mutation| called(mutation, quote!(&mut Cx<'_>))).collect(),
    };
    let roots = [queries, mutations];
    let (computed, bounds) = (computed(schema), bounds(schema, &roots));
    file.render("operations.rs.j2", Body { computed, roots, bounds })
}

/// The content types that are returned by operations or have computed fields.
fn mentioned(schema: &Schema) -> BTreeSet<String> {
    let returned = schema.queries.iter().chain(&schema.mutations).filter_map(|operation| match &operation.returns {
        Returns::Content { of, .. } => Some([of.pascal(), of.upper()]),
        Returns::Scalar { .. } => None,
    });
    let computing = with_computed(schema).map(|ty| ty.name.pascal() + "Computed");
    returned.flatten().chain(computing).collect()
}

fn with_computed(schema: &Schema) -> impl Iterator<Item = &ContentType> {
    schema.types.iter().filter(|ty| !ty.computed.is_empty())
}

fn computed(schema: &Schema) -> Vec<Computed> {
    let all = with_computed(schema).flat_map(|ty| ty.computed.iter().map(move |computed| (ty, computed)));
    let computed = all.map(|(ty, computed)| Computed {
        shown: literal(&computed.name.camel()).to_string(),
        owner: ty.name.pascal(),
        function: ident(&computed.name).to_string(),
        args: (0..computed.args.len()).collect(),
    });
    computed.collect()
}

/// `ProductComputed + Queries + Send + Sync + 'static`
fn bounds(schema: &Schema, roots: &[Root]) -> String {
    let computing = with_computed(schema).map(|ty| ty.name.pascal() + "Computed");
    let roots = roots.iter().filter(|root| !root.operations.is_empty()).map(|root| root.name.to_owned());
    let always = ["Send", "Sync", "'static"].map(str::to_owned);
    computing.chain(roots).chain(always).collect::<Vec<_>>().join(" + ")
}

fn called(operation: &Operation, cx: TokenStream) -> Called {
    let given = operation.args.iter().map(parameter);
    let args = std::iter::once(quote!(&self)).chain(given).chain([quote!(cx: #cx)]);
    let returns = match &operation.returns {
        Returns::Scalar { scalar, many } => {
            let kind = kind(*scalar);
            quote!(Returns::Scalar { kind: #kind, many: #many })
        }
        Returns::Content { of, many } => {
            let of = upper(of);
            quote!(Returns::Content { of: &#of, many: #many })
        }
    };
    Called {
        doc: doc(&operation.description),
        shown: literal(&operation.name.camel()).to_string(),
        function: ident(&operation.name).to_string(),
        args: codes(args),
        infos: codes(operation.args.iter().map(argument_info)),
        returns: code(returns),
        result: code(result(&operation.returns)),
        roles: operation.roles.iter().map(|role| literal(role.snake()).to_string()).collect(),
        depends_on: code(depends_on(operation.depends_on.as_deref())),
    }
}

/// `first: i32`: a parameter of the site's function.
pub fn parameter(argument: &Argument) -> TokenStream {
    let (name, ty) = (ident(&argument.name), rust_type(argument));
    quote!(#name: #ty)
}

pub fn argument_info(argument: &Argument) -> TokenStream {
    let (name, kind) = (literal(&argument.name.camel()), kind(argument.scalar));
    let (many, required) = (argument.many, argument.required);
    let default = argument.default.as_ref().map(|default| literal(&default.0.to_string()));
    let default = default.map_or(quote!(None), |default| quote!(Some(#default)));
    quote!(ArgumentInfo { name: #name, kind: #kind, many: #many, required: #required, default: #default })
}

fn rust_type(argument: &Argument) -> TokenStream {
    let item = rust::scalar(argument.scalar);
    let ty = if argument.many { quote!(Vec<#item>) } else { item };
    let given = argument.required || argument.default.is_some();
    if given { ty } else { quote!(Option<#ty>) }
}

/// Operations return entries by id; the server then reads the fields that the client selected.
fn result(returns: &Returns) -> TokenStream {
    let (item, many) = match returns {
        Returns::Scalar { scalar, many } => (rust::scalar(*scalar), many),
        Returns::Content { of, many } => {
            let of = pascal(of);
            (quote!(Id<#of>), many)
        }
    };
    if *many { quote!(Vec<#item>) } else { quote!(Option<#item>) }
}
