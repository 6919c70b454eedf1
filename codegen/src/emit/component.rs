//! `generated/src/component/<name>.rs`: a component, and the registry of all components.

use serde::Serialize;

use crate::emit::content::{Registry, summary};
use crate::emit::fields::{Companion, Member, Owner};
use crate::emit::rust::literal;
use crate::emit::rust_file::{RustFile, doc};
use crate::schema::{Component, Schema};

/// The file of one component.
pub fn file(component: &Component) -> String {
    #[derive(Serialize)]
    struct Body {
        doc: Vec<String>,
        name: String,
        constant: String,
        shown: String,
        tag: String,
        fields: Vec<Member>,
        names: Vec<String>,
        infos: Vec<String>,
        companions: Vec<Companion>,
    }
    let source = format!("schema/components/{}.yaml", component.name.snake());
    let mut file = RustFile::new(summary(&component.name, &component.description), source);
    file.uses("runtime::prelude", ["*".to_owned()]);
    let owner = Owner { name: &component.name, fields: &component.fields, joins: false };
    owner.uses(&mut file);
    let fields = owner.members();
    let body = Body {
        doc: doc(&component.description),
        name: component.name.pascal(),
        constant: component.name.upper(),
        shown: literal(&component.name.pascal()).to_string(),
        tag: literal(component.name.snake()).to_string(),
        names: fields.iter().map(|field| field.name.clone()).collect(),
        infos: fields.iter().map(|field| field.info.clone()).collect(),
        fields,
        companions: owner.companions(),
    };
    file.render("component/component.rs.j2", body)
}

/// `generated/src/component.rs`.
pub fn registry(schema: &Schema) -> String {
    let mut file = RustFile::new("The components of the site.", "schema/components/");
    file.uses("runtime::prelude", ["ComponentInfo".to_owned()]);
    file.render("component.rs.j2", Registry::of(schema.components.iter().map(|component| &component.name)))
}
