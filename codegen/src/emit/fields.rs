//! What fields become in Rust, in content types, children and components alike: members of a struct, lines of its
//! `INFO`, and the enums that they bring along.

use std::collections::BTreeSet;

use crate::catalog::names::join_table;
use crate::emit::rust_file::{RustFile, doc, ident, list, names, text};
use crate::schema::{Children, Enum, Field, FieldKind, Name, OnDelete, Relation, Required};

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
    /// `    pub name: String,` with its description, for each field.
    pub fn members(&self) -> String {
        let member = |field: &Field| {
            let ty = self.rust_type(field);
            format!("{}    pub {}: {ty},\n", doc(&field.description, "    "), ident(&field.name))
        };
        self.fields.iter().map(member).collect()
    }

    /// The function that lists the fields, in the order of `INFO`.
    pub fn list(&self) -> String {
        let fields: Vec<_> = self.fields.iter().map(|field| format!("&mut self.{}", ident(&field.name))).collect();
        let fields = list("vec![", &fields, "]", 8);
        format!("    fn fields(&mut self) -> Vec<&mut dyn FieldValue> {{\n        {fields}\n    }}\n")
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
                if relation.many { format!("Vec<{id}>") } else { format!("Option<{id}>") }
            }
            FieldKind::Component { component, many } => several(component.pascal(), *many),
            FieldKind::Blocks { .. } => format!("Vec<{}>", self.block_type(field)),
            FieldKind::Children(children) => format!("Vec<{}>", children.name.pascal()),
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
        if relation.many { format!("Shape::many({common}, {})", text(&join)) } else { format!("Shape::one({common})") }
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

fn enumeration(field: &Field, choice: &Enum) -> String {
    let value = |value: &crate::schema::EnumValue| {
        let about = doc(&value.description, "        ");
        format!("{about}        {} = {},\n", variant(&value.name), text(value.name.snake()))
    };
    let values: String = choice.values.iter().map(value).collect();
    let about = doc(&field.description, "    ");
    format!("runtime::choice! {{\n{about}    pub enum {} {{\n{values}    }}\n}}", choice.type_name)
}

/// A value that is called `self` would be the one word that cannot name a variant.
fn variant(name: &Name) -> String {
    let pascal = name.pascal();
    if pascal == "Self" { "Self_".to_owned() } else { pascal }
}

fn enum_info(upper: &str, choice: &Enum) -> String {
    let pair = |name: &Name| format!("({}, {})", text(name.snake()), text(&name.upper()));
    let values: Vec<_> = choice.values.iter().map(|value| pair(&value.name)).collect();
    let values = list("    values: &[", &values, "],", 4);
    let name = text(&choice.type_name);
    format!("pub static {upper}: EnumInfo = EnumInfo {{\n    name: {name},\n{values}\n}};")
}

fn blocks(name: &str, of: &[Name], owner: &Name, field: &Field) -> String {
    let of: BTreeSet<_> = of.iter().collect();
    let variants: String =
        of.into_iter().map(|name| format!("        {} = {},\n", name.pascal(), text(name.snake()))).collect();
    let about = format!("    /// One block of `{}.{}`.\n", owner.pascal(), field.name.snake());
    format!("runtime::blocks! {{\n{about}    pub enum {name} {{\n{variants}    }}\n}}")
}

fn blocks_info(upper: &str, name: &str, of: &[Name]) -> String {
    let of: Vec<_> = of.iter().map(|name| format!("&{}", name.upper())).collect();
    let of = list("    of: &[", &of, "],", 4);
    format!("pub static {upper}_BLOCK: BlocksInfo = BlocksInfo {{\n    name: {},\n{of}\n}};", text(name))
}
