//! The files that exist only once: the SDL, `SCHEMA` and the list of migrations.

use quote::quote;
use serde::Serialize;

use crate::catalog;
use crate::emit::MigrationsInput;
use crate::emit::rust::{code, codes, literal};
use crate::emit::rust_file::RustFile;
use crate::emit::sdl;
use crate::schema::{ContentType, Limits, Schema, Site};

/// `generated/schema.graphql`.
pub fn sdl(schema: &Schema) -> String {
    let header = "# The API of this site. Written by `cargo xtask generate` from schema/; do not edit.\n\n";
    header.to_owned() + &sdl::document(schema).to_string()
}

/// `generated/src/lib.rs`.
pub fn library(schema: &Schema) -> String {
    #[derive(Serialize)]
    struct Body<'a> {
        name: String,
        currency: String,
        currencies: String,
        limits: &'a Limits,
        preview_urls: String,
    }
    let preview_url = |ty: &ContentType| {
        let (table, pattern) = (literal(ty.name.snake()), literal(ty.preview_url.as_deref()?));
        Some(quote!((#table, #pattern)))
    };
    let preview_urls = schema.types.iter().filter_map(preview_url);
    let Site { name, currency, currencies, limits, .. } = &schema.site;
    let currencies = currencies.iter().map(|currency| literal(currency));
    let body = Body {
        name: literal(name).to_string(),
        currency: literal(currency).to_string(),
        currencies: code(quote!(#(#currencies),*)),
        limits,
        preview_urls: code(quote!(#(#preview_urls),*)),
    };
    let mut file = RustFile::new("What the schema says, as Rust.", "schema/");
    file.uses("runtime::prelude", ["Limits", "SchemaInfo", "SiteInfo"].map(str::to_owned));
    file.render("lib.rs.j2", body)
}

/// `generated/src/migrations.rs`.
pub fn migrations(input: &MigrationsInput) -> String {
    #[derive(Serialize)]
    struct Body {
        files: Vec<String>,
        hash: String,
    }
    let file = |name: &String| {
        let (path, name) = (literal(&format!("../../migrations/{name}")), literal(name));
        quote!((#name, include_str!(#path)))
    };
    let hash = literal(&catalog::hash(&input.catalog)).to_string();
    let body = Body { files: codes(input.files.iter().map(file)), hash };
    RustFile::new("The migrations that the server brings along.", "migrations/").render("migrations.rs.j2", body)
}
