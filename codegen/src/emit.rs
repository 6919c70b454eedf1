//! `Schema` to the files of `generated/`. Emitters cannot fail.
//!
//! Templates in `codegen/templates/` define the shape of each file; the functions here fill them in, with Rust as
//! `quote` tokens. `syn` checks each Rust file before it is written.

mod access;
mod access_matrix;
pub mod breaking;
mod component;
mod constants;
mod content;
mod fields;
pub mod json_schema;
mod operations;
mod output;
pub mod reference;
mod resolvers;
mod root;
mod rust;
mod rust_file;
pub mod sdl;

use crate::catalog::{self, Catalog};
use crate::schema::Schema;
pub use output::{Output, check};

/// Compiled into the server besides the schema: its migrations.
#[derive(Clone, Debug, Default)]
pub struct MigrationsInput {
    /// Names of the files in `migrations/`, in order: `0001_start.sql`.
    pub files: Vec<String>,
    /// The text of `migrations/catalog.json`.
    pub catalog: String,
}

impl MigrationsInput {
    /// The tables of the schema, with what only the last migration records about them.
    fn known(&self, schema: &Schema) -> Catalog {
        match Catalog::from_json(&self.catalog) {
            Ok(catalog) => catalog::lower(schema).with_past(&catalog),
            Err(_) => catalog::lower(schema),
        }
    }
}

/// Every file generated from the schema.
pub fn emit(schema: &Schema, migrations: &MigrationsInput) -> Output {
    let mut output = Output::default();
    let catalog = migrations.known(schema);
    output.add("docs/schema-language.md", reference::reference());
    output.add("schema/schema.json", json_schema::json_schema());
    output.add("generated/schema.graphql", root::sdl(schema));
    output.add("generated/ACCESS.md", access_matrix::matrix(schema));
    output.add("generated/src/lib.rs", root::library(schema));
    output.add("generated/src/migrations.rs", root::migrations(migrations));
    output.add("generated/src/operations.rs", operations::file(schema));
    output.add("generated/src/access.rs", access::registry(schema));
    output.add("generated/src/content.rs", content::registry(schema));
    output.add("generated/src/component.rs", component::registry(schema));
    output.add("generated/src/fields.rs", constants::registry(schema));
    output.add("generated/src/resolvers.rs", resolvers::registry(schema));
    for ty in &schema.types {
        output.add(format!("generated/src/content/{}.rs", ty.name.snake()), content::file(ty, &catalog));
        output.add(format!("generated/src/access/{}.rs", ty.name.snake()), access::file(ty));
        output.add(format!("generated/src/resolvers/{}.rs", ty.name.snake()), resolvers::file(ty));
        for (name, file) in constants::files(ty) {
            output.add(format!("generated/src/fields/{}.rs", name.snake()), file);
        }
    }
    for component in &schema.components {
        output.add(format!("generated/src/component/{}.rs", component.name.snake()), component::file(component));
    }
    output
}
