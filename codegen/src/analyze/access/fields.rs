//! `fields:` of a rule: names of fields, computed fields and children's fields, or all except those named.

use std::collections::{BTreeMap, BTreeSet};

use super::Author;
use crate::analyze::relations::written_twice;
use crate::diagnostic::{Code, Diagnostic};
use crate::schema::{Action, Children, ContentType, Field, FieldKind, Fields, Name};
use crate::source::{Span, Spanned};
use crate::syntax::node::{Entry, Node, Value};

/// Fields by table and name.
type Chosen = BTreeSet<(Name, Name)>;

impl<'a> Author<'a, '_> {
    /// `None` means all fields.
    pub fn fields(&mut self, action: Action, part: &'a Entry) -> Option<Fields> {
        let (list, except) = match &part.node.value {
            Value::List(_) => (&part.node, false),
            Value::Map(_) => (part.node.get("except")?, true),
            _ => return None,
        };
        if list.items().is_empty() && matches!(list.value, Value::List(_)) {
            let help = "write `none` for the action instead, or name fields";
            self.push(Diagnostic::error(Code::BadFields, list.span, "the list of fields is empty").help(help));
        }
        let mut seen: BTreeMap<String, Span> = BTreeMap::new();
        let mut chosen = Chosen::new();
        for name in list.items().iter().filter_map(Node::spanned_text) {
            if let Some(first) = seen.insert(name.value.clone(), name.span) {
                self.push(written_twice(&name.value, name.span, first));
            }
            chosen.extend(self.named(action, &name, except));
        }
        let of_table = |(table, fields): (&Name, Vec<&Name>)| {
            let may = |field: &&Name| chosen.contains(&(table.clone(), (*field).clone())) != except;
            (table.clone(), fields.into_iter().filter(may).cloned().collect())
        };
        let tables = tables(self.ty, action).into_iter().map(of_table).collect();
        let named = list.items().iter().filter_map(Node::text).map(str::to_owned).collect();
        Some(Fields { tables, named, except })
    }

    /// The fields that a name selects. A selected field of children includes the children; an excluded one does not.
    fn named(&mut self, action: Action, name: &Spanned<String>, except: bool) -> Chosen {
        let (first, inner) = match name.value.split_once('.') {
            Some((first, inner)) => (first, Some(inner)),
            None => (name.value.as_str(), None),
        };
        let ty = self.ty;
        let itself = (ty.name.clone(), Name::new(first));
        let Some(field) = ty.fields.iter().find(|field| field.name.snake() == first) else {
            return if self.is_computed(action, name) { Chosen::from([itself]) } else { Chosen::new() };
        };
        match (children(field), inner) {
            (None, None) => Chosen::from([itself]),
            (Some(children), None) => {
                let all = children.fields.iter().map(|inner| (children.name.clone(), inner.name.clone()));
                all.chain([itself]).collect()
            }
            (Some(children), Some(inner)) => match children.fields.iter().find(|field| field.name.snake() == inner) {
                Some(found) => {
                    let inner = (children.name.clone(), found.name.clone());
                    if except { Chosen::from([inner]) } else { Chosen::from([inner, itself]) }
                }
                None => {
                    let known = children.fields.iter().map(|field| field.name.snake());
                    let shown = Spanned { value: inner.to_owned(), span: name.span };
                    self.unknown_field(&shown, known);
                    Chosen::new()
                }
            },
            (None, Some(_)) => {
                let message = format!("`{first}` is not a field of type `children`");
                self.push(Diagnostic::error(Code::BadFields, name.span, message).help(format!("write `{first}`")));
                Chosen::new()
            }
        }
    }

    /// Whether the name is a computed field that the action can use; anything else is reported.
    fn is_computed(&mut self, action: Action, name: &Spanned<String>) -> bool {
        let ty = self.ty;
        if ty.computed.iter().any(|computed| computed.name.snake() == name.value) {
            if action.writes() {
                let message = format!("`{}` is computed and cannot be written", name.value);
                self.push(Diagnostic::error(Code::BadFields, name.span, message).help("remove it"));
            }
            return !action.writes();
        }
        if let Some(inverse) = ty.inverses.iter().find(|inverse| inverse.name.snake() == name.value) {
            let message = format!(
                "`{}` shows entries of `{}`, which have their own access rules",
                name.value,
                inverse.source.snake()
            );
            self.push(Diagnostic::error(Code::BadFields, name.span, message).help("remove it"));
            return false;
        }
        let computed = ty.computed.iter().map(|computed| computed.name.snake());
        self.unknown_field(name, ty.fields.iter().map(|field| field.name.snake()).chain(computed));
        false
    }
}

fn children(field: &Field) -> Option<&Children> {
    match &field.kind {
        FieldKind::Children(children) => Some(children),
        _ => None,
    }
}

/// The type's table and those of its children, each with the fields that the action can use.
fn tables(ty: &ContentType, action: Action) -> Vec<(&Name, Vec<&Name>)> {
    let computed = ty.computed.iter().map(|computed| &computed.name).filter(|_| !action.writes());
    let own = ty.fields.iter().map(|field| &field.name).chain(computed).collect();
    let inner = ty.fields.iter().filter_map(children);
    let inner = inner.map(|children| (&children.name, children.fields.iter().map(|field| &field.name).collect()));
    std::iter::once((&ty.name, own)).chain(inner).collect()
}
