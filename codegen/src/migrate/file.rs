//! The text and the name of a migration file.

use std::collections::BTreeSet;

use serde::Serialize;

use super::render::Statement;
use super::step::{Phase, Step};
use crate::template;

/// A step with everything that is written about it.
#[derive(Clone, Debug)]
pub struct Planned {
    pub step: Step,
    pub title: String,
    /// Hazards, with their acknowledgement.
    pub hazards: Vec<String>,
    pub statements: Vec<Statement>,
}

/// The parts of a migration, as the template writes them.
#[derive(Serialize)]
struct Migration<'a> {
    name: &'a str,
    command: &'a str,
    first: bool,
    rules: &'a [String],
    changes: Vec<Part<'a>>,
    concurrent: Vec<Part<'a>>,
    validated: Vec<Part<'a>>,
}

#[derive(Serialize)]
struct Part<'a> {
    title: &'a str,
    hazards: &'a [String],
    transactions: Vec<&'a [Statement]>,
}

pub fn text(name: &str, command: &str, first: bool, rules: &[String], steps: &[Planned]) -> String {
    let of = |phase: Phase| {
        let steps = steps.iter().filter(move |planned| planned.step.phase() == phase);
        steps.map(move |planned| Part {
            title: &planned.title,
            hazards: &planned.hazards,
            transactions: transactions(planned, phase),
        })
    };
    let (changes, concurrent) = (of(Phase::Change).collect(), of(Phase::Concurrent).collect());
    let validated = of(Phase::Validate).collect();
    template::render("migration.sql.j2", Migration { name, command, first, rules, changes, concurrent, validated })
}

/// Each stage is validated in a separate transaction.
fn transactions(planned: &Planned, phase: Phase) -> Vec<&[Statement]> {
    let all = planned.statements.len();
    let transactions = match (&planned.step, phase) {
        (_, Phase::Change | Phase::Concurrent) => 1,
        (Step::SetNotNull { .. }, Phase::Validate) => 2,
        (_, Phase::Validate) => all,
    };
    planned.statements.chunks((all / transactions.max(1)).max(1)).collect()
}

/// `0007_add_product_stock`
pub fn name(number: u32, first: bool, steps: &[Planned]) -> String {
    let slug = if first { "start".to_owned() } else { slug(steps) };
    format!("{number:04}_{slug}")
}

fn slug(steps: &[Planned]) -> String {
    let subjects: BTreeSet<(&'static str, &str)> = steps.iter().filter_map(|planned| about(&planned.step)).collect();
    let mut slug = match subjects.iter().collect::<Vec<_>>().as_slice() {
        [(verb, subject)] => format!("{verb}_{}", subject.replace('.', "_")),
        _ => {
            let tables: BTreeSet<_> =
                subjects.iter().map(|(_, subject)| subject.split('.').next().unwrap_or("")).collect();
            let tables: Vec<_> = tables.into_iter().take(3).collect();
            format!("change_{}", if tables.is_empty() { "schema".to_owned() } else { tables.join("_") })
        }
    };
    slug.truncate(56);
    slug.trim_end_matches('_').to_owned()
}

/// The verb and the subject, for steps that give a migration its name.
fn about(step: &Step) -> Option<(&'static str, &str)> {
    Some(match step {
        Step::CreateTable { table, rank: 0 | 1 } => ("add", table),
        Step::DropTable { subject, .. } | Step::DropColumns { subject, .. } => ("drop", subject),
        Step::RenameTable { subject, .. } | Step::RenameColumn { subject, .. } => ("rename", subject),
        Step::AddColumn { subject, .. } => ("add", subject),
        Step::EndDrafts { table } => ("change", table),
        Step::Convert { subject, .. } | Step::MapEnum { subject, .. } | Step::Relabel { subject, .. } => {
            ("change", subject)
        }
        Step::FillList { subject, .. } | Step::TakeFirst { subject, .. } | Step::BringBack { subject, .. } => {
            ("change", subject)
        }
        Step::RewriteJson { table, .. } => ("rewrite", table),
        Step::DropNotNull { subject, .. } => ("relax", subject),
        Step::Require { subject, .. } => ("require", subject),
        Step::RequireMembers { subjects, .. } => ("require", subjects.first()?),
        Step::CreateIndex { subject, .. } => ("index", subject),
        Step::CreateListing { owner, .. } => ("list", owner),
        Step::AddForeignKey { table, filled: true, .. } => ("change", table),
        _ => return None,
    })
}
