//! From the last catalog and the schema to the next migration, or to the refusals that must be resolved first.
//!
//! `diff` finds the steps, `hazard` finds what could go wrong with them, `render` writes the SQL; the passes do not
//! know each other. Nothing is guessed and there are no prompts: people and CI see the same.

pub mod answers;
mod convert;
mod declared;
mod diff;
mod file;
pub mod hazard;
pub mod lineage;
mod literal;
mod money;
mod pair;
mod refusal;
mod render;
mod step;

pub use answers::Answers;
pub use refusal::Refusal;

use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::{self, Catalog};
use crate::schema::Schema;
use declared::Declared;
use file::Planned;
use pair::Pair;

/// The way from one catalog to the next.
#[derive(Debug)]
pub struct Plan {
    after: Catalog,
    steps: Vec<Planned>,
    /// Whether the catalogs differ; a plan without steps still records what a column means now.
    changed: bool,
    /// Whether the rules differ. The catalog records rules; no migration changes them.
    ruled: bool,
    first: bool,
    pub warnings: Vec<String>,
    /// Stricter rules, with their acknowledgement.
    rules: Vec<String>,
}

/// A migration as written to `migrations/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migration {
    /// `0007_add_product_stock`, without `.sql`.
    pub name: String,
    pub sql: String,
    /// The new text of `catalog.json`.
    pub catalog: String,
}

/// Plans the way from the catalog to the schema; an empty catalog stands for an empty database.
pub fn plan(before: &Catalog, after: &Schema, answers: &Answers) -> Result<Plan, Vec<Refusal>> {
    let found = Found::new(before, after, answers);
    let unused = found.unused(answers);
    let Found { mut lowered, difference, hazards } = found;
    let diff::Difference { steps, warnings, mut refusals, tables, tightened } = difference;
    // A code without a subject applies to whatever it matches, possibly nothing.
    refusals.extend(unused.iter().filter(|argument| argument.contains('=')).map(|text| Refusal::unused_answer(text)));
    remember(before, &mut lowered, &tables);
    let first = before.tables.is_empty() && before.components.is_empty();
    let mut planned = Vec::new();
    for (step, hazards) in steps.into_iter().zip(hazards) {
        let mut acknowledged = Vec::new();
        for hazard in hazards {
            match hazard::answer(&hazard, answers) {
                Ok(line) => acknowledged.push(line),
                Err(refusal) if refusals.iter().any(|earlier| earlier.asks_the_same(&refusal)) => {}
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

/// The arguments that nothing asks for on the way from the catalog to the schema: `--allow M103=product.legacy`,
/// `--allow M103`, `--allow-data-loss`, `--set product.weight`.
pub fn unused(before: &Catalog, after: &Schema, answers: &Answers) -> BTreeSet<String> {
    // The usual case: without answers none can be unused, so a second diff is skipped.
    if *answers == Answers::default() {
        return BTreeSet::new();
    }
    Found::new(before, after, answers).unused(answers)
}

/// The fields whose rules are stricter than in the catalog, but not stricter than in `other`, which has the field too:
/// the author of `other` has already confirmed them.
pub fn known_rules(before: &Catalog, other: &Catalog, after: &Schema) -> BTreeSet<String> {
    let tightened = |catalog: &Catalog| -> BTreeSet<String> {
        let found = Found::new(catalog, after, &Answers::default());
        found.difference.tightened.into_iter().map(|rule| rule.subject).collect()
    };
    let fields = |owner: &str| {
        let table = other.tables.get(owner).map(|table| &table.fields);
        table.or_else(|| other.components.get(owner)).map(Vec::as_slice).unwrap_or_default()
    };
    let has = |subject: &String| {
        subject.split_once('.').is_some_and(|(owner, name)| fields(owner).iter().any(|field| field.name == name))
    };
    let asked: BTreeSet<_> = tightened(before).into_iter().filter(has).collect();
    if asked.is_empty() { asked } else { &asked - &tightened(other) }
}

/// The steps with their hazards, before answers are applied.
struct Found {
    lowered: Catalog,
    difference: diff::Difference,
    /// One list per step.
    hazards: Vec<Vec<hazard::Hazard>>,
}

impl Found {
    fn new(before: &Catalog, after: &Schema, answers: &Answers) -> Self {
        let declared = Declared::new(after);
        let lowered = catalog::lower(after);
        let difference = diff::diff(Pair { before, after: &lowered }, &declared, answers);
        let is_dropped =
            |subject: &str| subject.split_once('.').is_some_and(|(owner, field)| declared.is_dropped(owner, field));
        let hazards = difference.steps.iter().map(|step| hazard::hazards(step, &lowered, &is_dropped)).collect();
        Self { lowered, difference, hazards }
    }

    fn unused(&self, answers: &Answers) -> BTreeSet<String> {
        let of_steps = self.hazards.iter().flatten().map(|hazard| (hazard.code, hazard.subject.as_str()));
        let of_rules = self.difference.tightened.iter().map(|rule| (hazard::TIGHTENED, rule.subject.as_str()));
        let mut unused = answers.allowed();
        for argument in of_steps.chain(of_rules).filter_map(|(code, subject)| answers.allows(code, subject)) {
            unused.remove(&argument);
        }
        let refused = |subject: &&str| self.difference.refusals.contains(&Refusal::unused_value(subject));
        unused.extend(answers.subjects().filter(refused).map(|subject| format!("--set {subject}")));
        unused
    }
}

/// Tables keep their former names, for ids made under them; a name that is reused belongs to the new table only.
fn remember(before: &Catalog, after: &mut Catalog, tables: &BTreeMap<String, String>) {
    let present: BTreeSet<_> = after.tables.keys().cloned().collect();
    for (from, to) in tables {
        let (Some(old), Some(table)) = (before.tables.get(from), after.tables.get_mut(to)) else { continue };
        let names: BTreeSet<_> = old.former.iter().chain([from]).filter(|name| !present.contains(*name)).collect();
        table.former = names.into_iter().cloned().collect();
    }
}

impl Plan {
    /// Whether the schema and the catalog are equal.
    pub fn is_empty(&self) -> bool {
        !self.changed
    }

    /// The text of `catalog.json` with the schema's rules, if only rules changed; `before` is the current text.
    pub fn recorded(&self, before: &str) -> Option<String> {
        let last = catalog::last_migration(before).filter(|_| !self.changed && self.ruled)?;
        Some(self.after.to_json(&last))
    }

    /// The file with this number; `command` is the generating command, for its header.
    pub fn migration(&self, number: u32, command: &str) -> Migration {
        let name = file::name(number, self.first, &self.steps);
        let sql = file::text(&name, command, self.first, &self.rules, &self.steps);
        let catalog = self.after.to_json(&name);
        Migration { name, sql, catalog }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(fields: &str) -> Schema {
        let source = |path: &str, text: String| crate::SourceFile { path: format!("schema/{path}"), text };
        let sources = [
            source("cms.yaml", "site: { name: H, currency: EUR, currencies: [EUR], locales: [en] }\n".to_owned()),
            source(
                "item.yaml",
                format!(
                    "type: item\naccess: {{ admin: {{ read: all }} }}\nfields:\n  name: {{ type: string }}\n{fields}"
                ),
            ),
        ];
        crate::compile(&sources).unwrap_or_else(|found| panic!("{}", found.render(&sources))).schema
    }

    fn planned(before: &str, after: &str, allow: &[&str]) -> Result<Plan, Vec<Refusal>> {
        let allow: Vec<_> = allow.iter().map(|&text| text.to_owned()).collect();
        let answers = Answers::parse(&allow, false, &[]).expect("codes");
        plan(&catalog::lower(&schema(before)), &schema(after), &answers)
    }

    #[test]
    fn an_answer_that_nothing_asks_for_is_refused() {
        let text = "  x: { type: string }\n";
        for (before, after) in [(text, text), ("", text)] {
            let refusals = planned(before, after, &["M202=item.x"]).expect_err("nothing asks");
            assert_eq!(refusals.len(), 1);
            assert_eq!(refusals[0].message, "--allow M202=item.x: no hazard needs it");
            assert!(refusals[0].is_wrong_answer() && refusals[0].arguments.is_empty());
            assert!(planned(before, after, &["M202"]).is_ok(), "a code is meant for whatever there may be");
        }
        assert!(planned(text, "  x: { type: string, unique: true }\n", &["M202=item.x"]).is_ok());
        let shorter = "  x: { type: string, max: 5 }\n";
        assert!(planned(text, shorter, &["M205=item.x"]).is_ok());
        assert_eq!(planned(text, shorter, &["M205=item.y"]).expect_err("another field").len(), 2);
    }

    #[test]
    fn what_is_not_used_is_known() {
        let allow = ["M103", "M103=item.x", "M202"].map(str::to_owned);
        let answers = Answers::parse(&allow, true, &["item.y=1".to_owned()]).expect("well written");
        let (before, after) = (catalog::lower(&schema("  x: { type: string }\n")), schema(""));
        let unused: Vec<_> = unused(&before, &after, &answers).into_iter().collect();
        assert_eq!(unused, ["--allow M103", "--allow M202", "--allow-data-loss", "--set item.y"]);
    }

    #[test]
    fn money_that_is_required_is_asked_about_once() {
        let refusals = planned("  x: { type: money }\n", "  x: { type: money, required: true }\n", &[])
            .expect_err("rows may have none");
        assert_eq!(refusals.iter().map(|refusal| refusal.code).collect::<Vec<_>>(), ["M201"]);
    }

    #[test]
    fn a_count_that_cannot_run_is_not_suggested() {
        let question = |before: &str, after: &str| {
            let refusals = planned(before, after, &[]).expect_err("it is tighter");
            let rule = refusals.into_iter().find(|refusal| refusal.code == hazard::TIGHTENED);
            rule.expect("the rule").question.is_some()
        };
        assert!(!question("  x: { type: string }\n", "  x: { type: integer, min: 0 }\n"));
        assert!(!question("  x: { type: integer }\n", "  x: { type: string, max: 5 }\n"));
        assert!(question("  x: { type: slug }\n", "  x: { type: string, max: 5 }\n"));
        assert!(question("  x: { type: integer }\n", "  x: { type: integer, min: 0 }\n"));
    }
}
