//! The text and the name of a migration file.

use std::collections::BTreeSet;

use super::render::Statement;
use super::step::{Phase, Step};

/// A step with all that is written about it.
#[derive(Clone, Debug)]
pub struct Planned {
    pub step: Step,
    pub title: String,
    /// Hazards with their acknowledgement.
    pub hazards: Vec<String>,
    pub statements: Vec<Statement>,
}

/// What every file sets first: a migration that has to wait for a lock gives up, instead of making everybody wait.
const SETTINGS: &str = "set lock_timeout = '5s';\nset statement_timeout = '1h';\n";

pub fn text(name: &str, command: &str, first: bool, rules: &[String], steps: &[Planned]) -> String {
    let mut text = format!(
        "-- {name}\n-- Made by `{command}` from schema/.\n-- Immutable once merged: to change it, make the next one.\n\n{SETTINGS}"
    );
    for (index, rule) in rules.iter().enumerate() {
        text.push_str(&format!("{}-- {rule}\n", if index == 0 { "\n" } else { "" }));
    }
    let of = |phase: Phase| steps.iter().filter(move |planned| planned.step.phase() == phase);
    if of(Phase::Change).next().is_some() || first {
        text.push_str("\nbegin;\n");
        if first {
            text.push_str(
                "\n-- what editors see, and what everybody sees\ncreate schema draft;\ncreate schema live;\n",
            );
        }
        of(Phase::Change).for_each(|planned| block(planned, &mut text));
        text.push_str("\ncommit;\n");
    }
    of(Phase::Concurrent).for_each(|planned| block(planned, &mut text));
    for planned in of(Phase::Validate) {
        text.push('\n');
        comments(planned, &mut text);
        for transaction in transactions(planned) {
            text.push_str("begin;\n");
            transaction.iter().for_each(|statement| line(statement, &mut text));
            text.push_str("commit;\n");
        }
    }
    text
}

/// Each stage is validated in a transaction of its own.
fn transactions(planned: &Planned) -> impl Iterator<Item = &[Statement]> {
    let stages = if matches!(planned.step, Step::SetNotNull { .. }) { 2 } else { planned.statements.len() };
    planned.statements.chunks(planned.statements.len() / stages.max(1))
}

fn block(planned: &Planned, text: &mut String) {
    text.push('\n');
    comments(planned, text);
    planned.statements.iter().for_each(|statement| line(statement, text));
}

fn comments(planned: &Planned, text: &mut String) {
    text.push_str(&format!("-- {}\n", planned.title));
    for hazard in &planned.hazards {
        text.push_str(&format!("-- {hazard}\n"));
    }
}

fn line(statement: &Statement, text: &mut String) {
    if let Some(rule) = statement.ignore {
        text.push_str(&format!("-- squawk-ignore {rule}\n"));
    }
    text.push_str(&statement.sql);
    text.push_str(";\n");
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

/// The verb and the subject of the steps that a migration is named after.
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
        Step::AddForeignKey { table, filled: true, .. } => ("change", table),
        _ => return None,
    })
}
