//! `render`: fills in a template of `codegen/templates/`, which shows what a generated file looks like.
//!
//! Values passed to a template are ready to be written: `emit::rust` makes the names, types and literals of Rust.

mod list;

use std::sync::LazyLock;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;

pub use list::fill;

macro_rules! texts {
    ($($name:literal)*) => { [$(($name, include_str!(concat!("../templates/", $name)))),*] };
}

const TEMPLATES: [(&str, &str); 19] = texts![
    "ACCESS.md.j2"
    "access.rs.j2"
    "access/type.rs.j2"
    "companions.rs.j2"
    "component.rs.j2"
    "component/component.rs.j2"
    "content.rs.j2"
    "content/type.rs.j2"
    "fields.rs.j2"
    "fields/type.rs.j2"
    "keys.md.j2"
    "lib.rs.j2"
    "migration.sql.j2"
    "migrations.rs.j2"
    "operations.rs.j2"
    "resolvers.rs.j2"
    "resolvers/type.rs.j2"
    "rust_file.rs.j2"
    "schema-language.md.j2"
];

/// A line with only a block tag adds no line to the output. An undefined variable is an error.
static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build();
    let mut environment = Environment::empty();
    environment.set_syntax(syntax.unwrap_or_else(|error| panic!("codegen bug: the syntax of templates: {error}")));
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.add_filter("filled", list::filled);
    environment.add_filter("lines", list::lines);
    for (name, text) in TEMPLATES {
        environment.add_template(name, text).unwrap_or_else(|error| panic!("codegen bug: {name}: {error}"));
    }
    environment
});

/// The rendered template, with its final line ending unchanged.
pub fn render(name: &str, context: impl Serialize) -> String {
    let rendered = ENVIRONMENT.get_template(name).and_then(|template| template.render(Serde(context)));
    rendered.unwrap_or_else(|error| panic!("codegen bug: the template {name}: {error:#}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_says_what_it_is_for() {
        for (name, text) in TEMPLATES {
            assert!(text.starts_with("{# ") && ENVIRONMENT.get_template(name).is_ok(), "{name}");
        }
    }
}
