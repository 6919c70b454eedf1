//! The difference of two catalogs as steps. The next pass (`hazard`) decides what could go wrong with them.

mod components;
mod fields;
mod listings;
mod relations;
mod rules;
mod tables;

use std::collections::{BTreeMap, BTreeSet};

use super::answers::Answers;
use super::declared::Declared;
use super::pair::{self, Pair};
use super::refusal::Refusal;
use super::step::{Rows, Step};
use crate::catalog::rules::Rules;
use crate::catalog::{Catalog, Field, Role, Store, Table};
use components::ComponentColumn;
pub use rules::Tightened;

/// The result of the diff.
#[derive(Debug, Default)]
pub struct Difference {
    /// In execution order.
    pub steps: Vec<Step>,
    pub warnings: Vec<String>,
    /// Answers that make no sense, and changes that no answer can allow.
    pub refusals: Vec<Refusal>,
    /// Tables of entries and children that are kept: name before to name after.
    pub tables: BTreeMap<String, String>,
    pub tightened: Vec<Tightened>,
}

pub fn diff(catalogs: Pair<&Catalog>, declared: &Declared<'_>, answers: &Answers) -> Difference {
    let mut differ = Differ {
        before: catalogs.before,
        after: catalogs.after,
        declared,
        answers,
        tables: BTreeMap::new(),
        components: BTreeMap::new(),
        component_columns: Vec::new(),
        table_renames: Vec::new(),
        index_renames: Vec::new(),
        answered: BTreeSet::new(),
        found: Difference::default(),
    };
    differ.run();
    differ.listings();
    let mut found = differ.found;
    found.steps.sort();
    found.steps.dedup();
    found
}

struct Differ<'a> {
    before: &'a Catalog,
    after: &'a Catalog,
    declared: &'a Declared<'a>,
    answers: &'a Answers,
    /// Content types that are kept: name before to name after.
    tables: BTreeMap<&'a str, &'a str>,
    components: BTreeMap<&'a str, &'a str>,
    /// Kept columns that hold components; their JSON may need rewriting.
    component_columns: Vec<ComponentColumn>,
    table_renames: Vec<(Pair<String>, String)>,
    /// From, to, and whether it is in `live` only.
    index_renames: Vec<(String, String, bool)>,
    /// Subjects of `--set` that were used.
    answered: BTreeSet<String>,
    found: Difference,
}

impl<'a> Differ<'a> {
    fn run(&mut self) {
        let contents: Vec<_> = content_tables(self.before).collect();
        let types = pair::sources(&contents, &self.declared.types());
        self.tables = types.iter().map(|(after, before)| (*before, *after)).collect();
        let components: Vec<_> = self.before.components.keys().map(String::as_str).collect();
        let components = pair::sources(&components, &self.declared.components());
        self.components = components.iter().map(|(after, before)| (*before, *after)).collect();

        self.refuse_taken("", &contents, &self.declared.types());
        self.refuse_taken(
            "",
            &self.before.components.keys().map(String::as_str).collect::<Vec<_>>(),
            &self.declared.components(),
        );

        for name in content_tables(self.after) {
            match types.get(name) {
                Some(before) => self.fields(Pair { before: *before, after: name }, name),
                None => self.create_with_owned(name),
            }
        }
        for name in contents {
            if !self.tables.contains_key(name) {
                self.drop_with_owned(name, Rows::Entries, name);
            }
        }
        for tag in self.after.languages().difference(&self.before.languages()) {
            self.push(Step::AddCollation { tag: (*tag).to_owned() });
        }
        self.stored_components();
        self.renames();
        self.unused_answers();
    }

    /// A new name cannot be taken from something that still has it: the current holder would be lost silently.
    fn refuse_taken(&mut self, owner: &str, before: &[&str], after: &pair::Hints<'_>) {
        for (name, was) in pair::taken(before, after) {
            let of = |name: &str| if owner.is_empty() { name.to_owned() } else { subject(owner, name) };
            let refusal = Refusal::taken(&of(name), &of(was), was);
            if !self.found.refusals.contains(&refusal) {
                self.found.refusals.push(refusal);
            }
        }
    }

    fn push(&mut self, step: Step) {
        self.found.steps.push(step);
    }

    /// The table before and after; both must exist.
    fn both(&self, table: Pair<&str>) -> Pair<&'a Table> {
        Pair { before: &self.before.tables[table.before], after: &self.after.tables[table.after] }
    }

    /// A new table, with those of its children and list relations.
    fn create_with_owned(&mut self, table: &str) {
        self.create(table);
        for owned in owned_tables(self.after, table) {
            self.create_with_owned(owned);
        }
    }

    fn create(&mut self, name: &str) {
        let table = &self.after.tables[name];
        self.push(Step::CreateTable { rank: rank(&table.role), table: name.to_owned() });
        for key in &table.foreign_keys {
            self.push(Step::AddForeignKey { table: name.to_owned(), key: key.clone(), filled: false });
        }
        for index in &table.indexes {
            self.push(Step::CreateNewIndex { table: name.to_owned(), index: index.clone() });
        }
    }

    /// A removed table, with those of its children and list relations.
    fn drop_with_owned(&mut self, table: &str, rows: Rows, subject: &str) {
        for owned in owned_tables(self.before, table) {
            let rows = if matches!(self.before.tables[owned].role, Role::List { .. }) { Rows::Links } else { rows };
            self.drop_with_owned(owned, rows, subject);
        }
        let gone = &self.before.tables[table];
        for key in &gone.foreign_keys {
            // Types that are dropped together may refer to each other; owned tables are dropped before their owner.
            let owner = gone.role.owner().unwrap_or(table);
            if key.table != owner {
                let (table, name) = (table.to_owned(), key.name.clone());
                self.push(Step::DropForeignKey { table, name, reach: key.reach });
            }
        }
        let rank = 2 - rank(&gone.role);
        self.push(Step::DropTable { rank, table: table.to_owned(), subject: subject.to_owned(), rows });
    }

    /// The store, with the names that types and components have afterwards.
    fn renamed(&self, store: &Store) -> Store {
        let ty = |name: &String| self.tables.get(name.as_str()).map_or(name.clone(), |&after| after.to_owned());
        let component =
            |name: &String| self.components.get(name.as_str()).map_or(name.clone(), |&after| after.to_owned());
        match store {
            Store::One { to } => Store::One { to: to.iter().map(ty).collect() },
            Store::Many { to } => Store::Many { to: to.iter().map(ty).collect() },
            Store::Component { of } => Store::Component { of: component(of) },
            Store::Components { of } => Store::Components { of: component(of) },
            Store::Blocks { of } => Store::Blocks { of: of.iter().map(component).collect() },
            other => other.clone(),
        }
    }

    /// The value for existing rows in this field, as SQL for its columns: `--set`, otherwise the default if required.
    fn fill(&mut self, owner: &str, field: &Field) -> Option<Vec<String>> {
        self.fill_with(owner, field, super::literal::sql)
    }

    fn fill_with<T>(
        &mut self,
        owner: &str,
        field: &Field,
        render: fn(&Field, &serde_json::Value, &str) -> Result<T, String>,
    ) -> Option<T> {
        let (subject, currency) = (subject(owner, &field.name), &self.declared.schema.site.currency);
        if let Some(text) = self.answers.value(&subject) {
            self.answered.insert(subject.clone());
            let none = Rules::default();
            let rules = self.after.rules.get(owner).and_then(|rules| rules.get(&field.name)).unwrap_or(&none);
            let kept = |value: serde_json::Value| match super::literal::broken(field, rules, &value) {
                Some(why) => Err(format!("`{text}` is not accepted: {why}")),
                None => Ok(value),
            };
            let value =
                super::literal::parse(field, text).and_then(kept).and_then(|value| render(field, &value, currency));
            return value.map_err(|why| self.found.refusals.push(Refusal::bad_value(&subject, &why))).ok();
        }
        // A default is meant for new entries; if it does not apply to existing ones, the hazard asks.
        let default = self.declared.default(owner, &field.name).filter(|_| field.required)?;
        render(field, &default.0, currency).ok()
    }

    fn unused_answers(&mut self) {
        let unused = self.answers.subjects().filter(|&subject| !self.answered.contains(subject));
        let refusals = unused.map(Refusal::unused_value).collect::<Vec<_>>();
        self.found.refusals.extend(refusals);
    }

    fn renames(&mut self) {
        let renames = std::mem::take(&mut self.table_renames);
        let subjects: BTreeMap<_, _> = renames.iter().map(|(names, subject)| (names.after.clone(), subject)).collect();
        let pairs = renames.iter().map(|(names, _)| (names.before.clone(), names.after.clone())).collect();
        for (order, (from, to)) in pair::in_order(pairs).into_iter().enumerate() {
            let subject = subjects.get(&to).map_or_else(|| from.clone(), |&subject| subject.clone());
            self.push(Step::RenameTable { order, from, to, subject });
        }
        let renames = std::mem::take(&mut self.index_renames);
        let pairs = renames.iter().map(|(from, to, _)| (from.clone(), to.clone())).collect();
        for (order, (from, to)) in pair::in_order(pairs).into_iter().enumerate() {
            let live = renames.iter().any(|(_, known, live)| *live && *known == to);
            self.push(Step::RenameIndex { order, from, to, live });
        }
        self.free_index_names();
    }

    /// A dropped index must go immediately if the index of a renamed or new table takes its name.
    fn free_index_names(&mut self) {
        let taken: BTreeSet<_> = self
            .found
            .steps
            .iter()
            .filter_map(|step| match step {
                Step::RenameIndex { to, .. } => Some(to.clone()),
                Step::CreateNewIndex { index, .. } => Some(index.name.clone()),
                _ => None,
            })
            .collect();
        for step in &mut self.found.steps {
            if let Step::DropIndex { name } = step
                && taken.contains(name)
            {
                *step = Step::DropIndexNow { name: std::mem::take(name) };
            }
        }
    }
}

/// The name of a field in messages and answers.
fn subject(owner: &str, field: &str) -> String {
    format!("{owner}.{field}")
}

fn content_tables(catalog: &Catalog) -> impl Iterator<Item = &str> {
    catalog.tables.iter().filter(|(_, table)| table.role == Role::Content).map(|(name, _)| name.as_str())
}

/// The tables of this table's children and list relations.
fn owned_tables<'a>(catalog: &'a Catalog, owner: &str) -> Vec<&'a str> {
    let owned = catalog.tables.iter().filter(|(_, table)| table.role.owner() == Some(owner));
    owned.map(|(name, _)| name.as_str()).collect()
}

/// Owners come before the tables that they own.
fn rank(role: &Role) -> u8 {
    match role {
        Role::Content => 0,
        Role::Children { .. } => 1,
        Role::List { .. } => 2,
    }
}
