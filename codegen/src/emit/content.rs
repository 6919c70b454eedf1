//! `generated/src/content/<type>.rs`: a content type with its children, and the registry of all of them.

use crate::catalog::{Catalog, Table};
use crate::emit::fields::{DERIVE, Owner, children};
use crate::emit::rust_file::{RustFile, comment, doc, ident, list, names, text};
use crate::schema::{Computed, ContentType, Field, Index, Inverse, Name, Schema};

/// The file of one content type, with what its tables are in the catalog.
pub fn file(ty: &ContentType, catalog: &Catalog) -> String {
    let source = format!("schema/{}.yaml", ty.name.snake());
    let mut file = RustFile::new(summary(&ty.name, &ty.description), source);
    file.uses("runtime::prelude", ["*".to_owned()]);
    file.uses("crate::content", ty.inverses.iter().map(|inverse| inverse.source.upper()));
    let owner = Owner { name: &ty.name, fields: &ty.fields, joins: true };
    owner.uses(&mut file);
    file.item(record(&owner, &ty.description, SYSTEM));
    file.item(owner.implementation("entry"));
    file.item(info(ty, &owner, catalog));
    if !ty.computed.is_empty() {
        file.item(computed_trait(ty));
    }
    file.items(owner.companions());
    for (field, child) in children(&ty.fields) {
        let owner = Owner { name: &child.name, fields: &child.fields, joins: true };
        owner.uses(&mut file);
        file.item(record(&owner, &field.description, ""));
        file.item(owner.implementation("children"));
        file.item(child_info(ty, field, &owner, catalog));
        file.items(owner.companions());
    }
    file.without("crate::content", own_names(ty));
    file.render()
}

/// `generated/src/content.rs`.
pub fn registry(schema: &Schema) -> String {
    let mut file = RustFile::new("The content types of the site.", "schema/");
    file.uses("runtime::prelude", ["ContentInfo".to_owned()]);
    let modules = |keyword: &str, ending: &str| {
        let line = |ty: &ContentType| format!("{keyword} {}{ending};", ident(&ty.name));
        schema.types.iter().map(line).collect::<Vec<_>>().join("\n")
    };
    file.item(modules("mod", ""));
    file.item(modules("pub use", "::*"));
    let infos: String = schema.types.iter().map(|ty| format!("\n    &{},", ty.name.upper())).collect();
    file.item(format!("/// Sorted by name.\npub static TYPES: &[&ContentInfo] = &[{infos}\n];"));
    file.render()
}

/// `Product`: something we sell.
pub fn summary(name: &Name, description: &str) -> String {
    let first = comment(description.trim().lines().next().unwrap_or_default());
    if first.is_empty() { format!("`{}`.", name.pascal()) } else { format!("`{}`: {first}", name.pascal()) }
}

/// What a file defines itself, and so must not import.
fn own_names(ty: &ContentType) -> [String; 2] {
    [ty.name.pascal(), ty.name.upper()]
}

/// What the server keeps of each entry.
const SYSTEM: &str = "    pub revision: i64, // Counts the changes.
    pub status: EntryStatus, // Where the entry stands between draft and published.
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub published_at: Option<Timestamp>, // When it was first published.
    pub created_by: Option<Id<User>>,
    pub updated_by: Option<Id<User>>,
";

fn record(owner: &Owner, description: &str, system: &str) -> String {
    let (about, name, members) = (doc(description, ""), owner.name.pascal(), owner.members());
    format!("{about}{DERIVE}\npub struct {name} {{\n    pub id: Id<Self>,\n{system}{members}}}")
}

fn info(ty: &ContentType, owner: &Owner, catalog: &Catalog) -> String {
    let plural = text(&ty.plural.camel());
    let inverses = lines("inverses", &ty.inverses, inverse);
    let computed = lines("computed", &ty.computed, computed);
    let more = format!("plural: {plural}, drafts: {}, owner: None, unique: &[{}]", ty.drafts, unique(ty));
    static_info(owner, &more, &(inverses + &computed), catalog)
}

fn child_info(ty: &ContentType, field: &Field, owner: &Owner, catalog: &Catalog) -> String {
    let (plural, parent) = (text(&field.name.camel()), ty.name.upper());
    let more = format!("plural: {plural}, drafts: {}, owner: Some(&{parent}), unique: &[]", ty.drafts);
    static_info(owner, &more, "    inverses: &[],\n    computed: &[],\n", catalog)
}

fn static_info(owner: &Owner, first_line: &str, end: &str, catalog: &Catalog) -> String {
    let (upper, name, table) = (owner.name.upper(), text(&owner.name.pascal()), text(owner.name.snake()));
    let fields = owner.infos();
    let stored = catalog.tables.get(owner.name.snake());
    let stored = stored.unwrap_or_else(|| panic!("codegen bug: `{}` has no table", owner.name.snake()));
    let former: Vec<_> = stored.former.iter().map(|name| text(name)).collect();
    let former = former.join(", ");
    let constraints = list("    constraints: &[", &constraints(stored), "],\n", 4);
    format!(
        "pub static {upper}: ContentInfo = ContentInfo {{
    name: {name}, table: {table}, former: &[{former}], {first_line},
{fields}{end}{constraints}}};"
    )
}

/// The names of constraints and indexes, each with the field that its first column is of.
fn constraints(table: &Table) -> Vec<String> {
    let indexes = table.indexes.iter().filter(|index| !index.gin);
    let indexes = indexes.map(|index| (&index.name, &index.on[0].column));
    let checks = table.checks.iter().map(|check| (&check.name, &check.on[0]));
    let keys = table.foreign_keys.iter().map(|key| (&key.name, &key.column));
    let of_field = |(name, column): (&String, &String)| {
        let field = table.fields.iter().find(|field| field.columns().contains(column))?;
        Some(format!("({}, {})", text(name), text(&field.name)))
    };
    indexes.chain(checks).chain(keys).filter_map(of_field).collect()
}

/// `&["name", "day"]` for each unique index.
fn unique(ty: &ContentType) -> String {
    let indexes = ty.indexes.iter().filter(|index| index.unique);
    let fields = |index: &Index| index.on.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    indexes.map(|index| format!("&{}", names(&fields(index)))).collect::<Vec<_>>().join(", ")
}

fn lines<T>(name: &str, items: &[T], line: impl Fn(&T) -> String) -> String {
    if items.is_empty() {
        return format!("    {name}: &[],\n");
    }
    let lines: String = items.iter().map(|item| format!("        {},\n", line(item))).collect();
    format!("    {name}: &[\n{lines}    ],\n")
}

fn inverse(inverse: &Inverse) -> String {
    let (name, source, field) = (text(&inverse.name.camel()), inverse.source.upper(), text(inverse.field.snake()));
    format!("InverseInfo {{ name: {name}, source: &{source}, field: {field} }}")
}

fn computed(computed: &Computed) -> String {
    let (name, kind, with) = (text(&computed.name.camel()), computed.scalar.kind(), names(&computed.with));
    format!("ComputedInfo {{ name: {name}, kind: {kind}, with: &{with} }}")
}

/// What the site must implement: a function a computed field, each for many entries at once.
fn computed_trait(ty: &ContentType) -> String {
    let name = ty.name.pascal();
    let function = |computed: &Computed| {
        let about = doc(&computed.description, "    ");
        let value = computed.scalar.mapping().rust;
        let value = if computed.required { value.to_owned() } else { format!("Option<{value}>") };
        let function = ident(&computed.name);
        let entries = ident(&ty.plural);
        let args = ["&self".to_owned(), format!("{entries}: &[{name}]"), "cx: &ReadCx<'_>".to_owned()];
        let end = format!(") -> impl Future<Output = Result<Vec<{value}>>> + Send;");
        about + &list(&format!("    fn {function}("), &args, &end, 4) + "\n"
    };
    let functions: Vec<_> = ty.computed.iter().map(function).collect();
    let about =
        format!("/// Computed fields of `{name}`, which the site implements: a value for each entry, in their order.");
    format!("{about}\npub trait {name}Computed: Send + Sync + 'static {{\n{}}}", functions.join("\n"))
}
