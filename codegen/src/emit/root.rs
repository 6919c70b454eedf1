//! What is there once: the SDL, `SCHEMA`, and the list of migrations.

use crate::catalog;
use crate::emit::MigrationsInput;
use crate::emit::rust_file::{RustFile, text};
use crate::emit::sdl;
use crate::schema::{Schema, Site};

/// `generated/schema.graphql`.
pub fn sdl(schema: &Schema) -> String {
    let header = "# The API of this site. Written by `cargo xtask generate` from schema/; do not edit.\n\n";
    header.to_owned() + &sdl::document(schema).to_string()
}

/// `generated/src/lib.rs`.
pub fn library(schema: &Schema) -> String {
    let mut file = RustFile::new("What the schema says, as Rust.", "schema/");
    file.uses("runtime::prelude", ["Limits", "SchemaInfo", "SiteInfo"].map(str::to_owned));
    file.item("pub mod access;\npub mod component;\npub mod content;\npub mod fields;\npub mod migrations;\npub mod operations;\npub mod resolvers;");
    file.item("pub use operations::site;");
    let site = site(&schema.site);
    file.item(format!(
        "/// All that the runtime needs to know.
pub static SCHEMA: SchemaInfo = SchemaInfo {{
{site}    types: content::TYPES,
    components: component::COMPONENTS,
    roles: access::ROLES,
    access: access::TYPES,
    resolvers: resolvers::TYPES,
    queries: operations::QUERIES,
    mutations: operations::MUTATIONS,
    sdl: include_str!(\"../schema.graphql\"),
    migrations: migrations::FILES,
    catalog: migrations::CATALOG,
}};"
    ));
    file.render()
}

fn site(site: &Site) -> String {
    let currencies: Vec<_> = site.currencies.iter().map(|currency| text(currency)).collect();
    let (name, currency, currencies) = (text(&site.name), text(&site.currency), currencies.join(", "));
    let limits = &site.limits;
    format!(
        "    site: SiteInfo {{
        name: {name},
        currency: {currency},
        currencies: &[{currencies}],
        limits: Limits {{
            depth: {},
            cost: {},
            aliases: {},
            batch: {},
            page: {},
            list: {},
            body: {},
        }},
    }},
",
        limits.depth, limits.cost, limits.aliases, limits.batch, limits.page, limits.list, limits.body
    )
}

/// `generated/src/migrations.rs`.
pub fn migrations(input: &MigrationsInput) -> String {
    let mut file = RustFile::new("The migrations that the server brings along.", "migrations/");
    let line = |name: &String| {
        let path = text(&format!("../../migrations/{name}"));
        format!("    ({}, include_str!({path})),\n", text(name))
    };
    let lines: String = input.files.iter().map(line).collect();
    let lines = if lines.is_empty() { lines } else { format!("\n{lines}") };
    file.item(format!("/// In order.\npub static FILES: &[(&str, &str)] = &[{lines}];"));
    let hash = text(&catalog::hash(&input.catalog));
    file.item(format!("/// SHA-256 of `migrations/catalog.json`.\npub static CATALOG: &str = {hash};"));
    file.render()
}
