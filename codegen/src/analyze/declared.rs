//! Index of everything the files declare, by name, for use by the rules.

use std::collections::BTreeMap;

use crate::source::{Span, Spanned};
use crate::syntax::file::{File, Files};
use crate::syntax::language::{FieldType, FileKind, Place, Structure};
use crate::syntax::node::Node;

pub struct Declared<'a> {
    pub site: Option<&'a Node>,
    pub types: BTreeMap<&'a str, Owner<'a>>,
    pub components: BTreeMap<&'a str, Owner<'a>>,
    pub files: &'a Files,
}

/// A content type or a component.
pub struct Owner<'a> {
    pub name: &'a Spanned<String>,
    pub node: &'a Node,
    pub fields: Vec<FieldDecl<'a>>,
}

pub struct FieldDecl<'a> {
    pub name: &'a Spanned<String>,
    pub node: &'a Node,
    /// `None` if the type is missing or unknown.
    pub ty: Option<FieldType>,
    pub place: Place,
    /// Removed by `drop: true`.
    pub dropped: bool,
    /// The fields of children.
    pub fields: Vec<FieldDecl<'a>>,
}

impl<'a> Declared<'a> {
    pub fn new(files: &'a Files) -> Self {
        let owners = |kind: FileKind, place: Place| {
            let of_kind = files.files.iter().filter(move |file| file.kind == kind);
            of_kind.rev().map(move |file| (file.name.value.as_str(), owner(file, place))).collect()
        };
        let site = files.files.iter().find(|file| file.kind == FileKind::Site);
        Self {
            site: site.map(|file| &file.node),
            types: owners(FileKind::Type, Place::Type),
            components: owners(FileKind::Component, Place::Component),
            files,
        }
    }

    pub fn owners(&self) -> impl Iterator<Item = &Owner<'a>> {
        self.types.values().chain(self.components.values())
    }

    /// Whether the type is declared, or would be if its file were readable.
    pub fn knows_type(&self, name: &str) -> bool {
        self.types.contains_key(name) || self.files.type_stems.contains(name)
    }

    pub fn knows_component(&self, name: &str) -> bool {
        self.components.contains_key(name) || self.files.component_stems.contains(name)
    }
}

fn owner(file: &File, place: Place) -> Owner<'_> {
    Owner { name: &file.name, node: &file.node, fields: fields(file.node.get("fields"), place) }
}

fn fields(node: Option<&Node>, place: Place) -> Vec<FieldDecl<'_>> {
    let entries = node.map_or(&[][..], Node::entries);
    entries
        .iter()
        .map(|entry| {
            let node = &entry.node;
            let ty = node.text_of("type").and_then(FieldType::named);
            let children = ty == Some(FieldType::Structure(Structure::Children));
            let inner = if children && place == Place::Type { node.get("fields") } else { None };
            let dropped = node.flag("drop");
            FieldDecl { name: &entry.key, node, ty, place, dropped, fields: fields(inner, Place::Children) }
        })
        .collect()
}

impl<'a> Owner<'a> {
    /// Every field; the fields of children follow their owner's.
    pub fn all_fields(&self) -> impl Iterator<Item = &FieldDecl<'a>> {
        self.fields.iter().flat_map(|field| std::iter::once(field).chain(&field.fields))
    }
}

/// The field with this name, unless it is dropped.
pub fn find<'f, 'a>(fields: &'f [FieldDecl<'a>], name: &str) -> Option<&'f FieldDecl<'a>> {
    fields.iter().find(|field| field.name.value == name && !field.dropped)
}

impl<'a> FieldDecl<'a> {
    pub fn is(&self, structure: Structure) -> bool {
        self.ty == Some(FieldType::Structure(structure))
    }

    pub fn is_relation(&self) -> bool {
        self.is(Structure::Relation) || self.is(Structure::Media)
    }

    pub fn many(&self) -> bool {
        self.node.flag("many")
    }

    /// Whether the value is a list of rows or items.
    pub fn is_list(&self) -> bool {
        self.many() || self.is(Structure::Blocks) || self.is(Structure::Children)
    }

    pub fn required(&self) -> bool {
        self.node.get("required").is_some_and(|node| node.bool() == Some(true) || node.text().is_some())
    }

    /// The content types that a relation points at, with `self` resolved, each with its position.
    pub fn targets(&self, owner: &'a str) -> Vec<(&'a str, Span)> {
        if self.is(Structure::Media) {
            return vec![("media", self.node.get("type").map_or(self.name.span, |node| node.span))];
        }
        let named = self.node.get("to").map_or(&[][..], Node::one_or_many);
        let resolve = |name: &'a str| if name == "self" { owner } else { name };
        named.iter().filter_map(|node| Some((resolve(node.text()?), node.span))).collect()
    }

    /// The components of a component or blocks field.
    pub fn components(&self) -> Vec<(&'a str, Span)> {
        if !self.is(Structure::Component) && !self.is(Structure::Blocks) {
            return Vec::new();
        }
        let named = self.node.get("of").map_or(&[][..], Node::one_or_many);
        named.iter().filter_map(|node| Some((node.text()?, node.span))).collect()
    }

    /// `variant` for `variants`.
    pub fn singular(&self) -> String {
        match self.node.text_of("singular") {
            Some(name) => name.to_owned(),
            None => super::names::singular(&self.name.value),
        }
    }
}
