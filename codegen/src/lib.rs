//! Compiles content types in YAML to Rust, SDL and SQL: text in, text out. No IO, no clock, no async.
//!
//! In the order of the data:
//! 1. `syntax`: YAML to declarations that keep their position in the file.
//! 2. `analyze`: declarations to a [`schema::Schema`]; every mistake is reported as a [`diagnostic::Diagnostic`].
//! 3. `emit`: `Schema` to the files of `generated/`.
//! 4. `catalog`: `Schema` to the database model; `migrate`: the difference of two models to SQL and its hazards.

mod analyze;
pub mod catalog;
pub mod diagnostic;
pub mod emit;
pub mod migrate;
mod scaffold;
pub mod schema;
pub mod source;
mod syntax;
mod template;

pub use diagnostic::Diagnostics;
pub use scaffold::scaffold;
pub use source::SourceFile;

/// A valid schema, and warnings for its author.
#[derive(Debug)]
pub struct Compiled {
    pub schema: schema::Schema,
    pub warnings: Diagnostics,
}

/// Compiles the files of `schema/`, or returns all errors at once.
pub fn compile(sources: &[SourceFile]) -> Result<Compiled, Diagnostics> {
    let mut found = Diagnostics::default();
    let files = syntax::file::read(sources, &mut found);
    let schema = analyze::analyze(&files, &mut found);
    found.sort(sources);
    match found.has_errors() {
        true => Err(found),
        false => Ok(Compiled { schema, warnings: found }),
    }
}
