//! What fields become in Rust, in content types, children and components alike: members of a struct, lines of its
//! `INFO`, and the enums that they bring along.

use std::collections::BTreeSet;

use crate::catalog::names::{ALL_LANGUAGES, collation, join_table, relation_columns};
use crate::emit::rust_file::{RustFile, comment, doc, ident, list, names, text};
use crate::schema::{Children, Enum, EnumValue, Field, FieldKind, Name, OnDelete, Relation, Required};

/// What has fields.
pub struct Owner<'a> {
    pub name: &'a Name,
    pub fields: &'a [Field],
    /// Relations of components have no join tables.
    pub joins: bool,
}

/// The traits that a generated struct derives; all from the standard library, whose derives cost little.
pub const DERIVE: &str = "#[derive(Clone, Debug, Default, PartialEq)]";

impl Owner<'_> {
    /// `    pub name: String, // Name as customers see it.`, a line a field.
    pub fn members(&self) -> String {
        let member = |field: &Field| {
            let (name, ty) = (ident(&field.name), self.rust_type(field));
            let about = comment(field.description.trim().lines().next().unwrap_or_default());
            let about = if about.is_empty() { String::new() } else { format!(" // {about}") };
            format!("    pub {name}: {ty},{about}\n")
        };
        self.fields.iter().map(member).collect()
    }

    /// `runtime::record!(Product, PRODUCT, [name, slug]);`, the fields in the order of `INFO`.
    pub fn implementation(&self, name: &str) -> String {
        let fields: Vec<_> = self.fields.iter().map(|field| ident(&field.name)).collect();
        let open = format!("runtime::{name}!({}, {}, [", self.name.pascal(), self.name.upper());
        list(&open, &fields, "]);", 0)
    }

    /// `fields: &[...],` of the owner's `INFO`, a line a field.
    pub fn infos(&self) -> String {
        if self.fields.is_empty() {
            return "    fields: &[],\n".to_owned();
        }
        let lines: String = self.fields.iter().map(|field| format!("        {},\n", self.info(field))).collect();
        format!("    fields: &[\n{lines}    ],\n")
    }

    /// Enums and unions of blocks.
    pub fn companions(&self) -> Vec<String> {
        self.fields.iter().flat_map(|field| self.companion(field)).collect()
    }

    /// Imports what the fields name.
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

    fn rust_type(&self, field: &Field) -> String {
        let one = |ty: String| if field.required == Required::Save { ty } else { format!("Option<{ty}>") };
        let several = |ty: String, many: bool| if many { format!("Vec<{ty}>") } else { one(ty) };
        match &field.kind {
            FieldKind::Scalar { scalar, .. } => one(scalar.mapping().rust.to_owned()),
            FieldKind::Enum { choice, many } => several(choice.type_name.clone(), *many),
            FieldKind::Relation(relation) => {
                let id = match &relation.to[..] {
                    [target] => format!("Id<{}>", target.pascal()),
                    _ => "AnyId".to_owned(),
                };
                match (relation.many, self.joins) {
                    (true, true) => format!("ToMany<{id}>"),
                    (true, false) => format!("Vec<{id}>"),
                    (false, _) => format!("Option<{id}>"),
                }
            }
            FieldKind::Component { component, many } => several(component.pascal(), *many),
            FieldKind::Blocks { .. } => format!("Vec<{}>", self.block_type(field)),
            FieldKind::Children(children) => format!("ToMany<{}>", children.name.pascal()),
        }
    }

    fn info(&self, field: &Field) -> String {
        let (camel, snake) = (text(&field.name.camel()), text(field.name.snake()));
        let mut line = format!("FieldInfo::new({camel}, {snake}, {})", self.shape(field));
        line += match field.required {
            Required::No => "",
            Required::Save => ".required()",
            Required::Publish => ".required_to_publish()",
        };
        let mut option = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                line += &format!(".{name}({value})");
            }
        };
        option("default", field.default.as_ref().map(|default| text(&default.0.to_string())));
        option("unique", field.unique.as_ref().map(|with| format!("&{}", names(with))));
        option("filterable", field.filterable.then(String::new));
        option("sortable", field.sortable.then(String::new));
        let collation = (field.collation != ALL_LANGUAGES).then(|| text(&collation(&field.collation)));
        option("collation", collation.filter(|_| field.sortable || field.filterable));
        option("min", field.rules.min.as_deref().map(text));
        option("max", field.rules.max.as_deref().map(text));
        option("pattern", field.rules.pattern.as_deref().map(text));
        if let FieldKind::Scalar { slug_from, json_schema, .. } = &field.kind {
            option("from", slug_from.as_ref().map(|name| text(name.snake())));
            option("schema", json_schema.as_ref().map(|schema| text(&schema.to_string())));
        }
        line
    }

    fn shape(&self, field: &Field) -> String {
        let companion = || format!("{}_{}", self.name.upper(), field.name.upper());
        let plural = |name: &str, many: bool| if many { format!("{name}s") } else { name.to_owned() };
        match &field.kind {
            FieldKind::Scalar { scalar, .. } => format!("Shape::Scalar({})", scalar.kind()),
            FieldKind::Enum { many, .. } => format!("Shape::{}(&{})", plural("Enum", *many), companion()),
            FieldKind::Relation(relation) => self.relation(field, relation),
            FieldKind::Component { component, many } => {
                format!("Shape::{}(&{})", plural("Component", *many), component.upper())
            }
            FieldKind::Blocks { .. } => format!("Shape::Blocks(&{}_BLOCK)", companion()),
            FieldKind::Children(children) => format!("Shape::Children(&{})", children.name.upper()),
        }
    }

    fn relation(&self, field: &Field, relation: &Relation) -> String {
        let targets: Vec<_> = relation.to.iter().map(|target| format!("&{}", target.upper())).collect();
        let type_name = match &relation.to[..] {
            [target] => target.pascal(),
            _ => self.name.pascal() + &field.name.pascal(),
        };
        let on_delete = match relation.on_delete {
            OnDelete::Restrict => "Restrict",
            OnDelete::SetNull => "SetNull",
            OnDelete::Cascade => "Cascade",
        };
        let common = format!("&[{}], {}, OnDelete::{on_delete}", targets.join(", "), text(&type_name));
        let join = if self.joins { join_table(self.name.snake(), &field.name) } else { String::new() };
        let columns = if self.joins { relation_columns(field, relation) } else { Vec::new() };
        let columns: Vec<_> = columns.iter().map(|column| text(column)).collect();
        let columns = columns.join(", ");
        match relation.many {
            true => format!("Shape::many({common}, {}, &[{columns}])", text(&join)),
            false => format!("Shape::one({common}, &[{columns}])"),
        }
    }

    fn companion(&self, field: &Field) -> Vec<String> {
        let upper = format!("{}_{}", self.name.upper(), field.name.upper());
        match &field.kind {
            FieldKind::Enum { choice, .. } => vec![enumeration(field, choice), enum_info(&upper, choice)],
            FieldKind::Blocks { of } => {
                let name = self.block_type(field);
                vec![blocks(&name, of, self.name, field), blocks_info(&upper, &name, of)]
            }
            _ => Vec::new(),
        }
    }

    fn block_type(&self, field: &Field) -> String {
        format!("{}{}Block", self.name.pascal(), field.name.pascal())
    }
}

/// The fields that are children.
pub fn children(fields: &[Field]) -> impl Iterator<Item = (&Field, &Children)> {
    fields.iter().filter_map(|field| match &field.kind {
        FieldKind::Children(children) => Some((field, &**children)),
        _ => None,
    })
}

/// The values line by line when they are described, else as many on a line as fit.
fn enumeration(field: &Field, choice: &Enum) -> String {
    let value = |value: &EnumValue| format!("{} = {}", variant(&value.name), text(value.name.snake()));
    let about = doc(&field.description, "    ");
    let open = format!("    pub enum {} {{ ", choice.type_name);
    let described = choice.values.iter().any(|value| !value.description.is_empty());
    let values = if described {
        let line = |one: &EnumValue| format!("\n{}        {},", doc(&one.description, "        "), value(one));
        open.trim_end().to_owned() + &choice.values.iter().map(line).collect::<String>() + "\n    }"
    } else {
        list(&open, &choice.values.iter().map(value).collect::<Vec<_>>(), " }", 4)
    };
    format!("runtime::choice! {{\n{about}{values}\n}}")
}

/// A value that is called `self` would be the one word that cannot name a variant.
fn variant(name: &Name) -> String {
    let pascal = name.pascal();
    if pascal == "Self" { "Self_".to_owned() } else { pascal }
}

fn enum_info(upper: &str, choice: &Enum) -> String {
    let pair = |name: &Name| format!("({}, {})", text(name.snake()), text(&name.upper()));
    let values: Vec<_> = choice.values.iter().map(|value| pair(&value.name)).collect();
    let open = format!("pub static {upper}: EnumInfo = EnumInfo {{ name: {}, values: &[", text(&choice.type_name));
    list(&open, &values, "] };", 0)
}

fn blocks(name: &str, of: &[Name], owner: &Name, field: &Field) -> String {
    let of: BTreeSet<_> = of.iter().collect();
    let variants: Vec<_> = of.into_iter().map(|name| format!("{} = {}", name.pascal(), text(name.snake()))).collect();
    let variants = list(&format!("    pub enum {name} {{ "), &variants, " }", 4);
    format!("runtime::blocks! {{\n    /// One block of `{}.{}`.\n{variants}\n}}", owner.pascal(), field.name.snake())
}

fn blocks_info(upper: &str, name: &str, of: &[Name]) -> String {
    let of: Vec<_> = of.iter().map(|name| format!("&{}", name.upper())).collect();
    let open = format!("pub static {upper}_BLOCK: BlocksInfo = BlocksInfo {{ name: {}, of: &[", text(name));
    list(&open, &of, "] };", 0)
}
