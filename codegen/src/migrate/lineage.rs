//! What a draft did to each field of the last commit, so that a database with one draft applied can be moved to the
//! next.
//!
//! A field that both drafts kept from the commit is one column, whatever each draft calls it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::answers::Answers;
use super::declared::Declared;
use super::hazard;
use super::pair::{self, Hints};
use super::{Found, Plan, plan};
use crate::catalog::{self, Catalog, Role, Store};
use crate::schema::{Field, FieldKind, Name, Schema};

/// New names mapped to former names, of content types, children and components, and of their fields as
/// `product.weight`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lineage {
    owners: BTreeMap<String, String>,
    fields: BTreeMap<String, String>,
    /// What was lost, by hazard code and former name.
    lost: BTreeSet<(String, String)>,
}

/// The way from one draft to another.
#[derive(Debug)]
pub enum Rework {
    Plan(Box<Plan>),
    /// Something from the last commit is or would be lost, and the new draft does not say so.
    Loses(String),
    /// No answer allows it.
    Refused,
}

type Fields<'a> = BTreeMap<&'a str, &'a [catalog::Field]>;

impl Lineage {
    pub fn new(before: &Catalog, after: &Schema, answers: &Answers) -> Self {
        let mut lineage = Self::of_names(before, after);
        let found = Found::new(before, after, answers);
        let lost = found.hazards.iter().flatten().filter(|hazard| hazard::loses_data(hazard.code));
        lineage.lost = lost.map(|hazard| (hazard.code.to_owned(), lineage.before(&hazard.subject))).collect();
        lineage
    }

    pub fn from_json(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// A guess from the two catalogs alone: anything with another name counts as lost.
    pub fn guessed(before: &Catalog, after: &Catalog) -> Self {
        let (mut lineage, after) = (Self::default(), owners(after));
        for (owner, fields) in owners(before) {
            let Some(kept) = after.get(owner) else {
                lineage.lost.insert((String::new(), owner.to_owned()));
                continue;
            };
            lineage.owners.insert(owner.to_owned(), owner.to_owned());
            for field in fields {
                let subject = format!("{owner}.{}", field.name);
                match kept.iter().any(|kept| kept.name == field.name) {
                    true => drop(lineage.fields.insert(subject.clone(), subject)),
                    false => drop(lineage.lost.insert((String::new(), subject))),
                }
            }
        }
        lineage
    }

    fn of_names(before: &Catalog, after: &Schema) -> Self {
        let (declared, lowered, mut lineage) = (Declared::new(after), catalog::lower(after), Self::default());
        let (before_owners, after_owners) = (owners(before), owners(&lowered));
        let is_content = |name: &&str| before.tables.get(*name).is_some_and(|table| table.role == Role::Content);
        let contents: Vec<_> = before_owners.keys().copied().filter(is_content).collect();
        let components: Vec<_> = before.components.keys().map(String::as_str).collect();
        let mut pairs: Vec<_> = pair::sources(&contents, &declared.types()).into_iter().collect();
        pairs.extend(pair::sources(&components, &declared.components()));
        while let Some((name, was)) = pairs.pop() {
            let (Some(old), Some(new)) = (before_owners.get(was), after_owners.get(name)) else { continue };
            lineage.owners.insert(name.to_owned(), was.to_owned());
            let names: Vec<_> = old.iter().map(|field| field.name.as_str()).collect();
            let hints: Hints<'_> = declared.fields(name);
            for (field, source) in pair::sources(&names, &hints) {
                lineage.fields.insert(format!("{name}.{field}"), format!("{was}.{source}"));
                let (old, new) = (named(old, source), named(new, field));
                if let (Some(Store::Children { table: old }), Some(Store::Children { table: new })) = (old, new) {
                    pairs.push((new, old));
                }
            }
        }
        lineage
    }

    /// The former name of a hazard's subject.
    fn before(&self, subject: &str) -> String {
        if let Some(field) = self.fields.get(subject) {
            return field.clone();
        }
        let owner = |name: &str| self.owners.get(name).map_or(name, String::as_str).to_owned();
        match subject.split_once('.') {
            Some((name, field)) => format!("{}.{field}", owner(name)),
            None => owner(subject),
        }
    }

    fn loses(&self, subject: &str) -> bool {
        let owner = subject.split_once('.').map(|(owner, _)| owner);
        self.lost.iter().any(|(_, lost)| lost == subject || Some(lost.as_str()) == owner)
    }
}

/// Plans the way to this schema from the catalog of a draft that was applied to a database; `had` is what that draft
/// did to the last commit. Something from the commit may be lost only if the way from the commit loses it too.
pub fn rework(catalog: &Catalog, had: &Lineage, base: &Catalog, after: &Schema, answers: &Answers) -> Rework {
    let now = Lineage::new(base, after, answers);
    if let Some((_, gone)) = had.lost.iter().find(|(code, lost)| match code.is_empty() {
        true => !now.loses(lost),
        false => !now.lost.contains(&(code.clone(), lost.clone())),
    }) {
        return Rework::Loses(gone.clone());
    }
    let led = led(after, had, &now);
    let way = Lineage::new(catalog, &led, answers);
    let comes_from = |kept: &BTreeMap<String, String>,
                      wanted: &BTreeMap<String, String>,
                      way: &BTreeMap<String, String>| {
        let strays =
            |(name, base): &(&String, &String)| kept.iter().any(|(old, of)| of == *base && way.get(*name) != Some(old));
        wanted.iter().find(strays).map(|(_, base)| base.clone())
    };
    let stray = comes_from(&had.owners, &now.owners, &way.owners);
    if let Some(stray) = stray.or_else(|| comes_from(&had.fields, &now.fields, &way.fields)) {
        return Rework::Loses(stray);
    }
    // Data that only the draft created may be dropped with it.
    let of_commit = |(_, subject): &(String, String)| {
        let field = had.fields.get(subject).or_else(|| had.owners.get(subject));
        field.filter(|field| !now.loses(field)).cloned()
    };
    if let Some(lost) = way.lost.iter().find_map(of_commit) {
        return Rework::Loses(lost);
    }
    match plan(catalog, &led, answers) {
        Ok(plan) => Rework::Plan(Box::new(plan)),
        Err(_) => Rework::Refused,
    }
}

/// The schema, with each `was:` set to the name in the other draft.
fn led(schema: &Schema, had: &Lineage, now: &Lineage) -> Schema {
    let mut schema = schema.clone();
    let of = |names: &BTreeMap<String, String>, had: &BTreeMap<String, String>, name: &str| {
        let base = names.get(name)?;
        had.iter().find(|(_, of)| *of == base).map(|(old, _)| old.clone())
    };
    let owner = |name: &Name, was: &mut Option<Name>| {
        if let Some(old) = of(&now.owners, &had.owners, name.snake()) {
            *was = Some(Name::new(old));
        }
    };
    let fields = |owner: &str, fields: &mut [Field]| {
        for field in fields {
            if let Some(old) = of(&now.fields, &had.fields, &format!("{owner}.{}", field.name.snake())) {
                field.was = old.split_once('.').map(|(_, name)| Name::new(name));
            }
        }
    };
    for ty in &mut schema.types {
        owner(&ty.name, &mut ty.was);
        fields(ty.name.snake(), &mut ty.fields);
        for field in &mut ty.fields {
            if let FieldKind::Children(children) = &mut field.kind {
                fields(children.name.snake(), &mut children.fields);
            }
        }
    }
    for component in &mut schema.components {
        owner(&component.name, &mut component.was);
        fields(component.name.snake(), &mut component.fields);
    }
    schema
}

fn owners(catalog: &Catalog) -> Fields<'_> {
    let tables = catalog.tables.iter().filter(|(_, table)| !matches!(table.role, Role::List { .. }));
    let tables = tables.map(|(name, table)| (name.as_str(), table.fields.as_slice()));
    tables.chain(catalog.components.iter().map(|(name, fields)| (name.as_str(), fields.as_slice()))).collect()
}

fn named<'a>(fields: &'a [catalog::Field], name: &str) -> Option<&'a Store> {
    fields.iter().find(|field| field.name == name).map(|field| &field.store)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migrate::hazard::CODES;

    fn schema(fields: &str) -> Schema {
        let source = |path: &str, text: String| crate::SourceFile { path: format!("schema/{path}"), text };
        let head = "type: item\naccess: { admin: { read: all } }\nfields:\n  name: { type: string }\n";
        let sources = [
            source("cms.yaml", "site: { name: H, currency: EUR, currencies: [EUR], locales: [en] }\n".to_owned()),
            source("item.yaml", format!("{head}{fields}")),
        ];
        crate::compile(&sources).unwrap_or_else(|found| panic!("{}", found.render(&sources))).schema
    }

    /// The SQL for the way from one draft to the next, or what it would lose.
    fn way(base: &str, had: &str, now: &str) -> Result<String, String> {
        let allow: Vec<_> = CODES.iter().map(|(code, _)| (*code).to_owned()).collect();
        let answers = Answers::parse(&allow, true, &[]).expect("codes");
        let base = catalog::lower(&schema(base));
        let lineage = Lineage::new(&base, &schema(had), &answers);
        match rework(&catalog::lower(&schema(had)), &lineage, &base, &schema(now), &answers) {
            Rework::Plan(plan) => Ok(plan.migration(2, "").sql),
            Rework::Loses(what) => Err(what),
            Rework::Refused => Err("refused".to_owned()),
        }
    }

    const BASE: &str = "  summary: { type: string }\n";

    #[track_caller]
    fn is_renamed(had: &str, now: &str, what: &str) {
        let sql = way(BASE, had, now).expect("nothing is lost");
        assert!(sql.contains(&format!("rename column {what}")) && !sql.contains("drop column"), "{sql}");
    }

    #[test]
    fn what_two_drafts_rename_is_one_column() {
        let (teaser, blurb) =
            ("  teaser: { type: string, was: summary }\n", "  blurb: { type: string, was: summary }\n");
        let more = "  size: { type: integer }\n";
        is_renamed(teaser, blurb, "teaser to blurb");
        is_renamed(&format!("{teaser}{more}"), &format!("{BASE}{more}"), "teaser to summary");
        is_renamed(BASE, teaser, "summary to teaser");
    }

    #[test]
    fn what_a_draft_has_lost_is_not_made_again() {
        let more = "  size: { type: integer }\n";
        let dropped = "  summary: { drop: true }\n";
        assert_eq!(way(BASE, dropped, &format!("{BASE}{more}")), Err("item.summary".to_owned()));
        assert!(way(BASE, dropped, &format!("{dropped}{more}")).is_ok(), "it is dropped by both");
        assert!(way(BASE, &format!("{BASE}{more}"), dropped).is_ok(), "the draft says what it loses");
        let reused = format!("{dropped}  teaser: {{ type: string }}\n");
        let renamed = "  teaser: { type: string, was: summary }\n";
        assert_eq!(way(BASE, &reused, renamed), Err("item.summary".to_owned()), "another column has its name");
    }

    #[test]
    fn what_only_a_draft_has_may_go() {
        let more = "  size: { type: integer }\n";
        let sql = way(BASE, &format!("{BASE}{more}"), BASE).expect("it is its own");
        assert!(sql.contains("drop column size"), "{sql}");
    }

    #[test]
    fn values_that_a_draft_has_changed_come_from_the_commit() {
        let choice = |values: &str| format!("  tone: {{ type: enum, values: [{values}] }}\n");
        let (both, one) = (choice("red, blue"), choice("red"));
        assert_eq!(way(&both, &one, &both), Err("item.tone".to_owned()));
        let number = "  tone: { type: integer }\n";
        assert!(way(number, "  tone: { type: string }\n", number).is_ok());
    }

    #[test]
    fn without_its_schema_a_draft_is_taken_to_have_lost_what_has_another_name() {
        let base = catalog::lower(&schema(BASE));
        let had = catalog::lower(&schema("  teaser: { type: string, was: summary }\n"));
        let lineage = Lineage::guessed(&base, &had);
        assert!(lineage.loses("item.summary") && !lineage.loses("item.name"));
    }
}
