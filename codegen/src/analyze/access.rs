//! Turns `access:` into the rules of each content type. Invalid rules are reported here and in the submodules.

mod condition;
mod fields;
mod operand;
mod operations;
mod reviews;
mod roles;

use super::declared::{Declared, FieldDecl, Owner, find};
use super::options::broken_rule;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::schema::{Action, Condition, ContentType, FieldKind, Given, Literal, Name, Role, Rule, Schema, literal};
use crate::source::Spanned;
use crate::syntax::language::FieldType;
use crate::syntax::node::{Entry, Node, Value};
use crate::syntax::shape::suggest;
use operand::Operand;

/// The example suggested for a content type without rules; also the end of a new file.
pub const EXAMPLE: &str = "\
access:
  anonymous: { read: all }
  viewer: { read: all, read_drafts: all }
  editor: { read: all, read_drafts: all, create: all, update: all, publish: all, delete: all, read_history: all }
  admin: { read: all, read_drafts: all, create: all, update: all, publish: all, delete: all, read_history: all, import: all, export: all }
";

/// Fills in the roles and rules of an otherwise complete schema.
pub fn check(declared: &Declared<'_>, schema: &mut Schema, found: &mut Diagnostics) {
    schema.roles = roles::all(declared, found);
    let rules = declared.types.values().map(|owner| rules_of(declared, owner, schema, found)).collect::<Vec<_>>();
    for (ty, rules) in schema.types.iter_mut().zip(rules) {
        ty.rules = rules;
    }
    let stages = declared.types.values().map(|owner| reviews::of(owner, &schema.roles, found)).collect::<Vec<_>>();
    for (ty, stages) in schema.types.iter_mut().zip(stages) {
        ty.stages = stages;
        reviews::check_names(ty, declared, found);
    }
    operations::check(declared, schema, found);
}

/// Reports an unknown role.
fn unknown_role(name: &Spanned<String>, known: &[Role]) -> Diagnostic {
    let diagnostic = Diagnostic::error(Code::UnknownRole, name.span, format!("unknown role `{}`", name.value));
    suggest(diagnostic, &name.value, known.iter().map(|role| role.name.snake()))
}

fn rules_of(declared: &Declared<'_>, owner: &Owner<'_>, schema: &Schema, found: &mut Diagnostics) -> Vec<Rule> {
    let Some(access) = owner.node.entry("access") else {
        let message = format!("`{}` has no access rules", owner.name.value);
        let drafts = schema.types.iter().any(|ty| ty.name.snake() == owner.name.value && ty.drafts);
        let example = if drafts { EXAMPLE.to_owned() } else { EXAMPLE.replace("publish: all, ", "") };
        let help = format!("add rules, such as\n{example}");
        found.push(Diagnostic::error(Code::NoAccess, owner.name.span, message).help(help.trim_end()));
        return Vec::new();
    };
    check_empty(access, found);
    let Some(ty) = schema.types.iter().find(|ty| ty.name.snake() == owner.name.value) else { return Vec::new() };
    let mut rules = Vec::new();
    for role in access.node.entries() {
        // If the site's file is missing, its roles are unknown.
        if declared.site.is_some() && !schema.roles.iter().any(|known| known.name.snake() == role.key.value) {
            found.push(unknown_role(&role.key, &schema.roles));
        }
        check_empty(role, found);
        let mut author = Author { declared, schema, owner, ty, role: &role.key.value, found };
        rules.extend(role.node.entries().iter().filter_map(|action| author.rule(action)));
    }
    let place = |rule: &Rule| schema.roles.iter().position(|role| role.name == rule.role);
    rules.sort_by_key(|rule| (place(rule), rule.action));
    rules
}

/// A map without keys neither allows nor denies anything.
fn check_empty(entry: &Entry, found: &mut Diagnostics) {
    if matches!(&entry.node.value, Value::Null) || matches!(&entry.node.value, Value::Map(keys) if keys.is_empty()) {
        let message = format!("`{}` says nothing", entry.key.value);
        found.push(
            Diagnostic::error(Code::BadAccess, entry.key.span, message).help("remove it, or write what is allowed"),
        );
    }
}

/// Reads the rules of one role on one content type.
struct Author<'a, 'd> {
    declared: &'a Declared<'a>,
    schema: &'a Schema,
    owner: &'a Owner<'a>,
    ty: &'a ContentType,
    role: &'a str,
    found: &'d mut Diagnostics,
}

impl<'a> Author<'a, '_> {
    fn rule(&mut self, entry: &'a Entry) -> Option<Rule> {
        // Unknown actions have been reported.
        let action = Action::named(&entry.key.value)?;
        if action.needs_drafts() && !self.ty.drafts {
            let message = format!("entries of `{}` are never published: the type has no drafts", self.ty.name.snake());
            self.push(Diagnostic::error(Code::BadAccess, entry.key.span, message).help("remove it"));
        }
        let rule = Rule { role: Name::new(self.role), action, rows: None, check: None, fields: None, set: Vec::new() };
        match &entry.node.value {
            Value::Bool(true) => Some(rule),
            Value::Text(word) if word == "all" => Some(rule),
            Value::Map(_) => {
                check_empty(entry, self.found);
                self.check_parts(action, entry);
                Some(Rule {
                    rows: entry.node.entry("where").and_then(|part| self.condition(part)),
                    check: entry.node.entry("check").and_then(|part| self.condition(part)),
                    fields: entry.node.entry("fields").and_then(|part| self.fields(action, part)),
                    set: entry
                        .node
                        .get("set")
                        .map_or(&[][..], Node::entries)
                        .iter()
                        .filter_map(|part| self.set(part))
                        .collect(),
                    ..rule
                })
            }
            _ => None,
        }
    }

    fn check_parts(&mut self, action: Action, entry: &Entry) {
        for part in entry.node.entries() {
            let fits = match part.key.value.as_str() {
                "check" | "set" => action.writes(),
                "where" => action.has_entry(),
                "fields" => action.has_fields(),
                _ => true,
            };
            if !fits {
                let message = format!("`{}` takes no `{}`", entry.key.value, part.key.value);
                let help = match part.key.value.as_str() {
                    "where" => "there is no entry before it is created: write `check`, for the entry afterwards",
                    "check" => "the action writes nothing that could be checked: write `where`",
                    _ => "remove it",
                };
                self.push(Diagnostic::error(Code::BadAccess, part.key.span, message).help(help));
            }
        }
    }

    fn condition(&mut self, part: &'a Entry) -> Option<Condition> {
        let Value::Map(_) = part.node.value else { return None };
        let filter = self.conditions(condition::Rows::Entries(self.ty), &part.node, &part.key);
        Some(Condition { filter, written: part.node.written().flow() })
    }

    /// A field, and the value that every write assigns to it.
    fn set(&mut self, part: &'a Entry) -> Option<Given> {
        let name = &part.key;
        let Some(field) = self.ty.fields.iter().find(|field| field.name.snake() == name.value) else {
            self.unknown_field(name, self.ty.fields.iter().map(|field| field.name.snake()));
            return None;
        };
        let Some(operand) = Operand::of_field(field) else {
            let message = format!("a rule cannot set `{}`", name.value);
            let help = "it can set fields with a single value, and lists of an enum";
            self.push(Diagnostic::error(Code::BadAccess, name.span, message).help(help));
            return None;
        };
        let json = match (&field.kind, &part.node.value) {
            (FieldKind::Enum { many: true, .. }, Value::List(items)) => {
                items.iter().map(|item| self.value(&operand, item, name)).collect()
            }
            (FieldKind::Enum { many: true, .. }, _) => {
                let message = format!("`{}` is a list", name.value);
                self.push(Diagnostic::error(Code::BadConditionValue, part.node.span, message).help("write a list"));
                return None;
            }
            _ => self.value(&operand, &part.node, name),
        };
        self.check_bounds(part);
        Some(Given { field: field.name.clone(), value: Literal(json), written: part.node.written().flow() })
    }

    /// A value set by a rule must satisfy the field's own rules, or nothing could be written.
    fn check_bounds(&mut self, part: &Entry) {
        let Some(field) = find(&self.owner.fields, &part.key.value) else { return };
        let Some(FieldType::Scalar(scalar)) = field.ty else { return };
        let parsed = literal::parse(scalar.mapping(), &part.node.written(), &literal::ANY);
        if let Some(broken) = parsed.ok().and_then(|parsed| broken_rule(field, &parsed)) {
            let message = format!("the value breaks the field's own rule: {broken}");
            self.push(Diagnostic::error(Code::BadConditionValue, part.node.span, message));
        }
    }

    /// Reports an unknown field, unless a declared field of that name was already reported as invalid.
    fn unknown_field<'n>(&mut self, name: &Spanned<String>, known: impl Iterator<Item = &'n str> + Clone) {
        let is_broken = |field: &FieldDecl<'_>| match field.ty {
            Some(ty) => ty.needs().is_some_and(|needed| field.node.get(needed).is_none()),
            None => true,
        };
        let mut declared = self.declared.owners().flat_map(Owner::all_fields);
        let is_declared = declared.any(|field| field.name.value == name.value && !field.dropped && is_broken(field));
        if !is_declared {
            let diagnostic =
                Diagnostic::error(Code::UnknownField, name.span, format!("unknown field `{}`", name.value));
            self.push(suggest(diagnostic, &name.value, known));
        }
    }

    fn is_anonymous(&self) -> bool {
        self.role == Role::ANONYMOUS
    }

    fn push(&mut self, diagnostic: Diagnostic) {
        self.found.push(diagnostic);
    }
}
