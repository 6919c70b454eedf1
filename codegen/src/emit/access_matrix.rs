//! `generated/ACCESS.md`: who may do what, as a table for each content type, so that a change of rules shows in review.

use std::fmt::Write;

use crate::schema::{Action, Area, ContentType, Operation, Role, Rule, Schema};

const INTRODUCTION: &str = "\
# Who may do what

Written by `cargo xtask generate` from the `access:` of each content type, and the `roles:` of `cms.yaml` and of its
queries and mutations; do not edit.
`all`: every entry and every field; `-`: nothing; a number: what the note of that number below the table says.
Children are read and written with the entry that they belong to.
";

/// The text of the file.
pub fn matrix(schema: &Schema) -> String {
    let mut out = INTRODUCTION.to_owned();
    roles(&mut out, &schema.roles);
    operations(&mut out, schema);
    schema.types.iter().for_each(|ty| content_type(&mut out, ty, &schema.roles));
    out
}

fn roles(out: &mut String, roles: &[Role]) {
    out.push_str("\n## Roles\n\n| role | | second factor | manages |\n|---|---|---|---|\n");
    for role in roles {
        let areas: Vec<_> = role.manages.iter().copied().map(Area::yaml).collect();
        let manages = if areas.is_empty() { "-".to_owned() } else { areas.join(", ") };
        let second = if role.second_factor { "required" } else { "optional" };
        let about = role.description.replace('|', "\\|").replace('\n', " ");
        let _ = writeln!(out, "| `{}` | {about} | {second} | {manages} |", role.name.snake());
    }
}

/// Own queries and mutations, where there are any.
fn operations(out: &mut String, schema: &Schema) {
    let Schema { queries, mutations, roles, .. } = schema;
    if queries.is_empty() && mutations.is_empty() {
        return;
    }
    let columns: String = roles.iter().map(|role| format!(" {} |", role.name.snake())).collect();
    let dashes = "---|".repeat(roles.len());
    let _ = writeln!(out, "\n## Own queries and mutations\n\n| | |{columns}\n|---|---|{dashes}");
    let mut row = |kind: &str, operation: &Operation| {
        let cell = |role: &Role| if operation.roles.contains(&role.name) { " may |" } else { " - |" };
        let cells: String = roles.iter().map(cell).collect();
        let _ = writeln!(out, "| {kind} | `{}` |{cells}", operation.name.snake());
    };
    queries.iter().for_each(|query| row("query", query));
    mutations.iter().for_each(|mutation| row("mutation", mutation));
}

fn content_type(out: &mut String, ty: &ContentType, roles: &[Role]) {
    let columns: String = Action::ALL.iter().map(|action| format!(" {} |", action.yaml())).collect();
    let dashes = "---|".repeat(Action::ALL.len());
    let _ = writeln!(out, "\n## {}\n\n| |{columns}\n|---|{dashes}", ty.name.snake());
    let mut notes = Notes::default();
    for role in roles {
        let cell = |action: &Action| {
            let rule = ty.rules.iter().find(|rule| rule.role == role.name && rule.action == *action);
            format!(" {} |", rule.map_or_else(|| "-".to_owned(), |rule| notes.cell(rule)))
        };
        let cells: String = Action::ALL.iter().map(cell).collect();
        let _ = writeln!(out, "| {} |{cells}", role.name.snake());
    }
    notes.write(out);
}

/// What the numbers of one table stand for; equal rules share one.
#[derive(Default)]
struct Notes {
    notes: Vec<String>,
}

impl Notes {
    fn cell(&mut self, rule: &Rule) -> String {
        let note = note(rule);
        if note.is_empty() {
            return "all".to_owned();
        }
        let known = self.notes.iter().position(|known| *known == note);
        let index = known.unwrap_or_else(|| {
            self.notes.push(note);
            self.notes.len() - 1
        });
        (index + 1).to_string()
    }

    fn write(self, out: &mut String) {
        for (index, note) in self.notes.iter().enumerate() {
            let start = if index == 0 { "\n" } else { "" };
            let _ = writeln!(out, "{start}{}. {note}", index + 1);
        }
    }
}

/// What narrows the rule, in the words of the YAML; empty when nothing does.
fn note(rule: &Rule) -> String {
    let mut parts = Vec::new();
    if let Some(rows) = &rule.rows {
        parts.push(format!("entries where `{}`", rows.written));
    }
    if let Some(check) = &rule.check {
        parts.push(format!("the entry afterwards must be `{}`", check.written));
    }
    if let Some(fields) = &rule.fields {
        let verb = if rule.action.writes() { "writes" } else { "reads" };
        let names: Vec<_> = fields.named.iter().map(|name| format!("`{name}`")).collect();
        let which = if fields.except { "all fields but" } else { "only" };
        parts.push(format!("{verb} {which} {}", names.join(", ")));
    }
    for given in &rule.set {
        parts.push(format!("sets `{}` to `{}`", given.field.snake(), given.written));
    }
    parts.join("; ")
}
