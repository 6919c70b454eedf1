//! Checks the fields that other keys of the same file name: the title, the source of a slug, unique combinations.

use super::components::check_not_empty;
use super::declared::{Declared, FieldDecl, Owner, find};
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::schema::Takes;
use crate::source::{Span, Spanned};
use crate::syntax::language::{FieldType, Structure};
use crate::syntax::node::{Node, Value};
use crate::syntax::shape::suggest;

pub fn check(declared: &Declared<'_>, found: &mut Diagnostics) {
    for owner in declared.owners() {
        check_not_empty(owner.node.get("fields"), found);
        check_fields(&owner.fields, found);
        for children in owner.fields.iter().filter(|field| field.is(Structure::Children)) {
            check_not_empty(children.node.get("fields"), found);
            check_fields(&children.fields, found);
        }
    }
    for owner in declared.types.values() {
        check_title(owner, found);
        check_computed(owner, found);
    }
}

fn check_fields(fields: &[FieldDecl<'_>], found: &mut Diagnostics) {
    for field in fields.iter().filter(|field| !field.dropped) {
        check_slug_source(field, fields, found);
        check_unique(field, fields, found);
    }
}

impl FieldDecl<'_> {
    pub fn takes(&self) -> Takes {
        match self.ty {
            Some(FieldType::Scalar(scalar)) => scalar.mapping().takes,
            _ => Takes::default(),
        }
    }

    /// Whether the type accepts it. An unknown type counts as accepting, so that other mistakes are still reported.
    pub fn may(&self, taken: bool) -> bool {
        taken || self.ty.is_none()
    }

    /// Whether the text has a single line.
    pub(super) fn is_line(&self) -> bool {
        self.takes().text && self.takes().unique
    }

    /// Whether a single column holds the whole value.
    fn can_be_unique(&self) -> bool {
        let money = matches!(self.ty, Some(FieldType::Scalar(scalar)) if scalar.has_currency());
        self.is_column() && !money
    }

    /// Whether a column holds a comparable value.
    pub fn is_column(&self) -> bool {
        let one_target = self.node.get("to").is_none_or(|to| to.one_or_many().len() == 1);
        let single = self.is(Structure::Enum) || (self.is_relation() && one_target);
        self.takes().unique || self.takes().sortable || (single && !self.many())
    }
}

/// The field with this name, or an error that there is none.
pub fn named<'f, 'a>(
    name: &Spanned<String>,
    fields: &'f [FieldDecl<'a>],
) -> Result<&'f FieldDecl<'a>, Box<Diagnostic>> {
    if let Some(field) = find(fields, &name.value) {
        return Ok(field);
    }
    let diagnostic = Diagnostic::error(Code::UnknownField, name.span, format!("unknown field `{}`", name.value));
    Err(Box::new(match fields.iter().find(|field| field.name.value == name.value) {
        Some(dropped) => diagnostic.also(dropped.name.span, "removed here by `drop: true`"),
        None => suggest(
            diagnostic,
            &name.value,
            fields.iter().filter(|field| !field.dropped).map(|field| field.name.value.as_str()),
        ),
    }))
}

fn check_title(owner: &Owner<'_>, found: &mut Diagnostics) {
    let Some(title) = owner.node.get("title").and_then(Node::spanned_text) else { return };
    match named(&title, &owner.fields) {
        Err(unknown) => found.push(*unknown),
        Ok(field) if field.ty.is_some() && !field.takes().text => {
            let message = format!("the title must be text, and `{}` is not", title.value);
            let diagnostic = Diagnostic::error(Code::BadTitle, title.span, message);
            found.push(diagnostic.also(field.name.span, "declared here").help("name a field of type `string`"));
        }
        Ok(_) => {}
    }
}

fn check_slug_source(field: &FieldDecl<'_>, fields: &[FieldDecl<'_>], found: &mut Diagnostics) {
    let Some(from) = field.node.get("from").and_then(Node::spanned_text).filter(|_| field.may(field.takes().from))
    else {
        return;
    };
    match named(&from, fields) {
        Err(unknown) => found.push(*unknown),
        Ok(source) if source.name.value == field.name.value || (source.ty.is_some() && !source.is_line()) => {
            let message = format!("a slug cannot be made from `{}`", from.value);
            let diagnostic = Diagnostic::error(Code::BadSlugSource, from.span, message);
            found.push(diagnostic.also(source.name.span, "declared here").help("name a field of type `string`"));
        }
        Ok(_) => {}
    }
}

fn check_unique(field: &FieldDecl<'_>, fields: &[FieldDecl<'_>], found: &mut Diagnostics) {
    let Some(unique) = field.node.entry("unique") else { return };
    if matches!(unique.node.value, Value::Bool(false)) {
        return;
    }
    if field.ty.is_some() && !field.can_be_unique() {
        return found.push(not_a_column(&field.name.value, unique.key.span, field.name.span));
    }
    for name in unique.node.items().iter().filter_map(Node::spanned_text) {
        match named(&name, fields) {
            Err(unknown) => found.push(*unknown),
            Ok(other) if other.name.value == field.name.value => {
                let message = "a field is unique together with others, not with itself";
                found.push(Diagnostic::error(Code::BadUnique, name.span, message).help("write `unique: true`"));
            }
            Ok(other) if other.ty.is_some() && !other.can_be_unique() => {
                found.push(not_a_column(&name.value, name.span, other.name.span));
            }
            Ok(_) => {}
        }
    }
}

fn not_a_column(name: &str, span: Span, declared: Span) -> Diagnostic {
    let message = format!("`{name}` cannot be unique");
    let help = "long text, JSON, lists, components and relations to several types cannot be unique; use `string` for short text";
    Diagnostic::error(Code::BadUnique, span, message).also(declared, "declared here").help(help)
}

fn check_computed(owner: &Owner<'_>, found: &mut Diagnostics) {
    for entry in owner.node.get("computed").map_or(&[][..], Node::entries) {
        for name in entry.node.get("with").map_or(&[][..], Node::items).iter().filter_map(Node::spanned_text) {
            match named(&name, &owner.fields) {
                Err(unknown) => found.push(*unknown),
                Ok(field)
                    if field.ty.is_some()
                        && !field.is(Structure::Children)
                        && !(field.is_relation() && field.many()) =>
                {
                    let message = format!("`{}` is neither children nor a relation with `many: true`", name.value);
                    let help = "all other fields of the entry are always loaded: remove the name";
                    found.push(Diagnostic::error(Code::UnknownField, name.span, message).help(help));
                }
                Ok(_) => {}
            }
        }
    }
}
