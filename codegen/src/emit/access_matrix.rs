//! `generated/ACCESS.md`: who may do what, one table per content type, so that changed rules are visible in review.

use serde::Serialize;

use crate::schema::{Action, Area, ContentType, Operation, Role, Rule, Schema};
use crate::template;

#[derive(Serialize)]
struct Matrix<'a> {
    roles: Vec<ShownRole<'a>>,
    operations: Vec<ShownOperation<'a>>,
    actions: Vec<&'static str>,
    types: Vec<Table<'a>>,
}

#[derive(Serialize)]
struct ShownRole<'a> {
    name: &'a str,
    about: String,
    second_factor: bool,
    manages: String,
}

/// An own query or mutation, and whether each role may call it.
#[derive(Serialize)]
struct ShownOperation<'a> {
    kind: &'static str,
    name: &'a str,
    allowed: Vec<bool>,
}

#[derive(Serialize)]
struct Table<'a> {
    name: &'a str,
    rows: Vec<Row<'a>>,
    notes: Vec<String>,
}

#[derive(Serialize)]
struct Row<'a> {
    role: &'a str,
    cells: Vec<String>,
}

/// The text of the file.
pub fn matrix(schema: &Schema) -> String {
    let queries = schema.queries.iter().map(|query| operation("query", query, &schema.roles));
    let mutations = schema.mutations.iter().map(|mutation| operation("mutation", mutation, &schema.roles));
    let matrix = Matrix {
        roles: schema.roles.iter().map(role).collect(),
        operations: queries.chain(mutations).collect(),
        actions: Action::ALL.iter().map(|action| action.as_str()).collect(),
        types: schema.types.iter().map(|ty| table(ty, &schema.roles)).collect(),
    };
    template::render("ACCESS.md.j2", matrix)
}

fn role(role: &Role) -> ShownRole<'_> {
    let areas: Vec<_> = role.manages.iter().copied().map(Area::as_str).collect();
    ShownRole {
        name: role.name.snake(),
        about: role.description.replace('|', "\\|").replace('\n', " "),
        second_factor: role.second_factor,
        manages: areas.join(", "),
    }
}

fn operation<'a>(kind: &'static str, operation: &'a Operation, roles: &[Role]) -> ShownOperation<'a> {
    let allowed = roles.iter().map(|role| operation.roles.contains(&role.name)).collect();
    ShownOperation { kind, name: operation.name.snake(), allowed }
}

fn table<'a>(ty: &'a ContentType, roles: &'a [Role]) -> Table<'a> {
    let mut notes = Notes::default();
    let mut cell = |role: &Role, action: &Action| {
        let rule = ty.rules.iter().find(|rule| rule.role == role.name && rule.action == *action);
        rule.map_or_else(|| "-".to_owned(), |rule| notes.cell(rule))
    };
    let row = |role: &'a Role| Row {
        role: role.name.snake(),
        cells: Action::ALL.iter().map(|action| cell(role, action)).collect(),
    };
    let rows = roles.iter().map(row).collect();
    Table { name: ty.name.snake(), rows, notes: notes.0 }
}

/// The numbered notes below a table; equal rules share a note.
#[derive(Default)]
struct Notes(Vec<String>);

impl Notes {
    fn cell(&mut self, rule: &Rule) -> String {
        let note = note(rule);
        if note.is_empty() {
            return "all".to_owned();
        }
        let known = self.0.iter().position(|known| *known == note);
        let index = known.unwrap_or_else(|| {
            self.0.push(note);
            self.0.len() - 1
        });
        (index + 1).to_string()
    }
}

/// What restricts the rule, in YAML notation; empty if nothing does.
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
