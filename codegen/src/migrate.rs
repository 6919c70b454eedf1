//! From the last catalog and the schema to the next migration, or to what has to be said before there can be one.
//!
//! `diff` finds the steps, `hazard` what could go wrong with them, `render` writes the SQL; the passes do not know each
//! other. Nothing is guessed and nothing is asked: people and CI see the same.

pub mod answers;
mod convert;
mod declared;
mod diff;
mod file;
pub mod hazard;
mod literal;
mod money;
mod pair;
mod render;
mod step;

pub use answers::Answers;
pub use hazard::Refusal;

use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::{self, Catalog};
use crate::schema::Schema;
use declared::Declared;
use file::Planned;
use pair::Pair;

/// What takes the database from one catalog to the next.
#[derive(Debug)]
pub struct Plan {
    after: Catalog,
    steps: Vec<Planned>,
    /// The catalogs differ; a plan without a step still records what a column means now.
    changed: bool,
    /// The rules differ, which the catalog records and no migration changes.
    ruled: bool,
    first: bool,
    pub warnings: Vec<String>,
    /// Rules that are tighter now, with their acknowledgement.
    rules: Vec<String>,
}

/// A migration as it is written into `migrations/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migration {
    /// `0007_add_product_stock`, without `.sql`.
    pub name: String,
    pub sql: String,
    /// The new text of `catalog.json`.
    pub catalog: String,
}

/// Plans the way from the catalog to the schema; an empty catalog is that of an empty database.
pub fn plan(before: &Catalog, after: &Schema, answers: &Answers) -> Result<Plan, Vec<Refusal>> {
    let declared = Declared::new(after);
    let mut lowered = catalog::lower(after);
    let diff::Difference { steps, warnings, mut refusals, tables, tightened } =
        diff::diff(Pair { before, after: &lowered }, &declared, answers);
    remember(before, &mut lowered, &tables);
    let first = before.tables.is_empty() && before.components.is_empty();
    let is_dropped =
        |subject: &str| subject.split_once('.').is_some_and(|(owner, field)| declared.is_dropped(owner, field));
    let mut planned = Vec::new();
    for step in steps {
        let mut acknowledged = Vec::new();
        for hazard in hazard::hazards(&step, &lowered, &is_dropped) {
            match hazard::answer(&hazard, answers) {
                Ok(line) => acknowledged.push(line),
                Err(refusal) if refusals.contains(&refusal) => {}
                Err(refusal) => refusals.push(refusal),
            }
        }
        let render::Rendered { title, statements } = render::render(&step, &lowered);
        planned.push(Planned { step, title, hazards: acknowledged, statements });
    }
    let mut rules = Vec::new();
    for hazard in tightened.iter().filter_map(|rule| hazard::tightened(rule, answers)) {
        match hazard::answer(&hazard, answers) {
            Ok(line) => rules.push(line),
            Err(refusal) => refusals.push(refusal),
        }
    }
    if refusals.iter().any(Refusal::is_taken) {
        refusals.retain(Refusal::is_taken);
    }
    if !refusals.is_empty() {
        return Err(refusals);
    }
    let changed = !before.same_database(&lowered);
    let ruled = before.rules != lowered.rules;
    Ok(Plan { after: lowered, steps: planned, changed, ruled, first, warnings, rules })
}

/// Tables keep the names that they had, for the ids that were made under them; a name that is taken again is the new table's alone.
fn remember(before: &Catalog, after: &mut Catalog, tables: &BTreeMap<String, String>) {
    let present: BTreeSet<_> = after.tables.keys().cloned().collect();
    for (from, to) in tables {
        let (Some(old), Some(table)) = (before.tables.get(from), after.tables.get_mut(to)) else { continue };
        let names: BTreeSet<_> = old.former.iter().chain([from]).filter(|name| !present.contains(*name)).collect();
        table.former = names.into_iter().cloned().collect();
    }
}

impl Plan {
    /// The schema says what the catalog says.
    pub fn is_empty(&self) -> bool {
        !self.changed
    }

    /// The text of `catalog.json` with the rules of the schema, where they are all that changed; `before` is the text as it is.
    pub fn recorded(&self, before: &str) -> Option<String> {
        let last = catalog::last_migration(before).filter(|_| !self.changed && self.ruled)?;
        Some(self.after.to_json(&last))
    }

    /// The file with this number; `command` is what made it, for its header.
    pub fn migration(&self, number: u32, command: &str) -> Migration {
        let name = file::name(number, self.first, &self.steps);
        let sql = file::text(&name, command, self.first, &self.rules, &self.steps);
        let catalog = self.after.to_json(&name);
        Migration { name, sql, catalog }
    }
}
