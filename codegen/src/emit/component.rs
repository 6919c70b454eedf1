//! `generated/src/component/<name>.rs`: a component, and the registry of all of them.

use crate::emit::content::summary;
use crate::emit::fields::{DERIVE, Owner};
use crate::emit::rust_file::{RustFile, doc, ident, text};
use crate::schema::{Component, Schema};

/// The file of one component.
pub fn file(component: &Component) -> String {
    let source = format!("schema/components/{}.yaml", component.name.snake());
    let mut file = RustFile::new(summary(&component.name, &component.description), source);
    file.uses("runtime::prelude", ["*".to_owned()]);
    let owner = Owner { name: &component.name, fields: &component.fields, joins: false };
    owner.uses(&mut file);
    let (name, upper) = (component.name.pascal(), component.name.upper());
    let (about, members) = (doc(&component.description, ""), owner.members());
    file.item(format!("{about}{DERIVE}\npub struct {name} {{\n{members}}}"));
    file.item(owner.implementation("component"));
    let (shown, tag, fields) = (text(&name), text(component.name.snake()), owner.infos());
    file.item(format!(
        "pub static {upper}: ComponentInfo = ComponentInfo {{\n    name: {shown}, tag: {tag},\n{fields}}};"
    ));
    file.items(owner.companions());
    file.render()
}

/// `generated/src/component.rs`.
pub fn registry(schema: &Schema) -> String {
    let mut file = RustFile::new("The components of the site.", "schema/components/");
    file.uses("runtime::prelude", ["ComponentInfo".to_owned()]);
    let lines = |keyword: &str, ending: &str| {
        let line = |component: &Component| format!("{keyword} {}{ending};", ident(&component.name));
        schema.components.iter().map(line).collect::<Vec<_>>().join("\n")
    };
    if !schema.components.is_empty() {
        file.item(lines("mod", ""));
        file.item(lines("pub use", "::*"));
    }
    let infos: String =
        schema.components.iter().map(|component| format!("\n    &{},", component.name.upper())).collect();
    let end = if infos.is_empty() { "" } else { "\n" };
    file.item(format!("/// Sorted by name.\npub static COMPONENTS: &[&ComponentInfo] = &[{infos}{end}];"));
    file.render()
}
