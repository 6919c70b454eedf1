//! What can go wrong with a step on tables that hold rows: its code, its meaning, and the argument that allows it.

use std::collections::BTreeSet;

use super::answers::{Answers, PLACEHOLDER};
use super::diff::Tightened;
use super::literal;
use super::refusal::Refusal;
use super::step::{ColumnLoss, Fit, Instead, Rows, Step};
use crate::catalog::{Catalog, Field, Store};
use crate::schema::{Scalar, SqlType};

/// Every code with its meaning, for the documentation and for checking `--allow`.
pub const CODES: [(&str, &str); 16] = [
    ("M101", "a table is dropped: its entries are lost"),
    ("M102", "a list relation is dropped: its links are lost"),
    ("M103", "a column is dropped: its values are lost"),
    ("M104", "an enum value is removed: entries that have it lose it"),
    ("M105", "a conversion keeps only a part of each value"),
    ("M106", "a list becomes one: all but the first item of each are lost"),
    ("M107", "a relation no longer points at a type: links to it are lost"),
    ("M108", "a component's field is dropped: its values in stored components are lost"),
    ("M109", "a kind of component is removed from a field: stored ones are lost"),
    ("M201", "a value is required that existing rows may not have"),
    ("M202", "values must be unique that may have duplicates"),
    ("M203", "existing values may not fit the new type or rule"),
    ("M204", "a type no longer has drafts, and nothing publishes the existing ones"),
    (
        "M205",
        "a rule becomes stricter: entries that break it stay as they are, and cannot be saved until they are corrected",
    ),
    ("M301", "a table is rewritten while it is locked"),
    ("M401", "servers that are still running know only the old name"),
];

/// The code of a stricter rule.
pub const TIGHTENED: &str = "M205";

/// Whether the hazard is shown above its statement and on the terminal, but does not stop the migration: servers are
/// replaced in the order of a deployment, not in the order in which the schema is written.
pub fn is_notice(code: &str) -> bool {
    code == "M401"
}

/// Whether values are permanently lost.
pub fn loses_data(code: &str) -> bool {
    code.starts_with("M1")
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hazard {
    pub code: &'static str,
    /// `product` or `product.legacy`.
    pub subject: String,
    pub message: String,
    /// Arguments that remove the hazard, which is better than allowing it.
    pub mended_by: Option<String>,
    /// How to avoid it where no argument helps.
    pub advice: Option<String>,
    /// SQL that counts the affected entries.
    pub question: Option<String>,
    /// False if there is nothing to do once it is allowed.
    pub allowable: bool,
}

impl Hazard {
    fn new(code: &'static str, subject: &str, message: String) -> Self {
        Self {
            code,
            subject: subject.to_owned(),
            message,
            mended_by: None,
            advice: None,
            question: None,
            allowable: true,
        }
    }
}

/// The command that proceeds despite all of these; `None` if an answer must be corrected first.
pub fn command(refusals: &[Refusal], given: &str) -> Option<String> {
    if refusals.iter().any(|refusal| refusal.arguments.is_empty()) {
        return None;
    }
    let mut seen = BTreeSet::new();
    let arguments = refusals.iter().flat_map(|refusal| &refusal.arguments).map(String::as_str);
    let arguments: Vec<_> = arguments.filter(|argument| seen.insert(*argument)).map(to_paste).collect();
    Some(format!("cargo xtask generate{given} {}", arguments.join(" ")))
}

/// An argument in a command that people paste: an example must not fill all rows.
fn to_paste(argument: &str) -> String {
    match argument.split_once('=').filter(|(option, _)| option.starts_with("--set ")) {
        Some((set, _)) => format!("{set}='{PLACEHOLDER}'"),
        None => argument.to_owned(),
    }
}

/// The hazards of one step; none for changes to a table that the same migration creates.
pub fn hazards(step: &Step, after: &Catalog, is_dropped: &dyn Fn(&str) -> bool) -> Vec<Hazard> {
    let found = Hazard::new;
    match step {
        Step::DropTable { table, subject, rows, .. } | Step::DropCarriedTable { table, subject, rows } => match rows {
            Rows::Entries => vec![found("M101", subject, format!("every entry in table {table} is lost"))],
            Rows::Children => vec![found("M101", subject, format!("every row of table {table} is lost"))],
            Rows::Links => vec![found("M102", subject, format!("every link of {subject} in table {table} is lost"))],
            Rows::Carried => Vec::new(),
            Rows::AllButFirst => {
                vec![found("M106", subject, format!("only the first item of each list in {subject} is kept"))]
            }
        },
        Step::DropColumns { subject, loss, .. } | Step::DropCarriedColumns { subject, loss, .. } => match loss {
            ColumnLoss::Values => {
                let declared = if is_dropped(subject) { "" } else { " (the field vanished from the schema)" };
                vec![found("M103", subject, format!("every value of {subject} is lost{declared}"))]
            }
            ColumnLoss::Unconvertible => {
                vec![found("M103", subject, format!("the values of {subject} cannot be converted and are lost"))]
            }
            ColumnLoss::Links => {
                vec![found("M107", subject, format!("links of {subject} to a type it no longer has are lost"))]
            }
            ColumnLoss::Currency => {
                vec![found("M105", subject, format!("the currency of each amount in {subject} is lost"))]
            }
            ColumnLoss::Carried => Vec::new(),
        },
        Step::RenameTable { from, to, subject, .. } => {
            vec![found(
                "M401",
                subject,
                format!("servers that are still running know {to} as {from}, and fail until they are replaced"),
            )]
        }
        Step::RenameColumn { table, from, to, subject, .. } => vec![found(
            "M401",
            subject,
            format!("servers that are still running know {table}.{to} as {from}, and fail until they are replaced"),
        )],
        // Publishing drafts without asking could expose content that was never meant to be public.
        Step::EndDrafts { table } => vec![found(
            "M204",
            table,
            format!("existing drafts of {table} remain drafts until their entries are saved again, which publishes them"),
        )],
        Step::MapEnum { subject, renamed, removed, instead, .. } => {
            enum_hazards(subject, renamed, removed, instead, after)
        }
        Step::RewriteJson { losses, .. } => losses
            .iter()
            .map(|loss| {
                let mended_by = loss.needs_value.then(|| set_argument(&loss.subject, after)).flatten();
                Hazard {
                    mended_by,
                    allowable: !loss.needs_value,
                    ..found(loss.code, &loss.subject, loss.about.clone())
                }
            })
            .collect(),
        Step::RequireMembers { subjects, .. } => {
            let hazard = |subject: &String| Hazard {
                mended_by: set_argument(subject, after),
                ..found(
                    "M201",
                    subject,
                    format!("a stored component without a value of {subject} makes the migration fail, with nothing changed"),
                )
            };
            subjects.iter().map(hazard).collect()
        }
        Step::Convert { table, subject, fit, about, .. } => {
            let mut hazards = vec![found("M301", subject, format!("{table} is rewritten and locked meanwhile"))];
            match fit {
                Fit::Exact => {}
                Fit::Checked => hazards.push(found(
                    "M203",
                    subject,
                    format!("a value of {subject} that cannot be converted ({about}) makes the migration fail, with nothing changed"),
                )),
                Fit::Lossy => {
                    hazards.push(found("M105", subject, format!("a part of each value of {subject} is lost ({about})")));
                }
            }
            hazards
        }
        Step::FillCurrency { subject, currency, .. } => {
            vec![found(
                "M203",
                subject,
                format!("the numbers in {subject} become amounts of {currency}; whole numbers count its minor units"),
            )]
        }
        Step::BringBack { subject, lost, .. } if !lost.is_empty() => {
            vec![found("M107", subject, format!("links of {subject} to {} are lost", lost.join(" and ")))]
        }
        Step::AddCheck { check, subject, filled: true, doubtful: true, .. } => {
            vec![found(
                "M203",
                subject,
                format!("a row that breaks {} makes the migration fail, with nothing changed", check.name),
            )]
        }
        Step::Require { table, column, subject, sure: false } => vec![Hazard {
            mended_by: set_argument(subject, after).filter(|_| !is_unique(table, subject, after)),
            advice: is_unique(table, subject, after).then(|| {
                format!("each row needs a different value: omit `required` of {subject}, migrate, fill it in every row, and make it required in a later migration")
            }),
            ..found(
                "M201",
                subject,
                format!("a row of {table} without a value in {column} makes the migration fail, with nothing changed"),
            )
        }],
        Step::CreateIndex { table, index, subject, doubtful: true } => {
            let columns: Vec<_> = index.on.iter().map(|key| key.column.as_str()).collect();
            let message = format!(
                "rows of {table} with the same {} make the migration fail, with nothing changed",
                columns.join(" and ")
            );
            vec![found("M202", subject, message)]
        }
        _ => Vec::new(),
    }
}

/// The hazard of a stricter rule; `None` if a database reports that no entry breaks it.
pub fn tightened(rule: &Tightened, answers: &Answers) -> Option<Hazard> {
    let Tightened { subject, about, question, live } = rule;
    let counted = question.as_deref().and_then(|question| answers.counted(question));
    let done = if *live { "published" } else { "saved" };
    let how_many = match counted {
        Some(0) => return None,
        Some(1) => format!("1 entry breaks this; it stays as it is, and cannot be {done} until it is corrected"),
        counted => {
            let count = counted.map_or_else(String::new, |count| format!("{count} "));
            format!("{count}entries that break this stay as they are, and cannot be {done} until they are corrected")
        }
    };
    let advice = match (counted, question) {
        (Some(_), _) => "`typecase check` lists them, once the new server is built".to_owned(),
        (None, Some(question)) => format!("to count them, `--database URL`, or: {question}"),
        (None, None) => "`typecase check` lists them, once the new server is built".to_owned(),
    };
    let message = format!("{subject} now takes {about}: {how_many}");
    Some(Hazard { advice: Some(advice), question: question.clone(), ..Hazard::new(TIGHTENED, subject, message) })
}

fn enum_hazards(
    subject: &str,
    renamed: &[(String, String)],
    removed: &[String],
    instead: &Instead,
    after: &Catalog,
) -> Vec<Hazard> {
    let mut hazards = Vec::new();
    let found = |code, message| Hazard::new(code, subject, message);
    if !renamed.is_empty() {
        let names: Vec<_> = renamed.iter().map(|(from, to)| format!("{from} to {to}")).collect();
        let message =
            format!("servers that are still running do not know the new values of {subject} ({})", names.join(", "));
        hazards.push(found("M401", message));
    }
    if !removed.is_empty() {
        let what = match instead {
            Instead::Null => "lose it".to_owned(),
            Instead::Value(value) => format!("get {value}"),
            Instead::Missing => "need another value, because the field is required".to_owned(),
        };
        let message = format!("entries whose {subject} is {} {what}", removed.join(" or "));
        let missing = *instead == Instead::Missing;
        let mended_by = missing.then(|| set_argument(subject, after)).flatten();
        hazards.push(Hazard { mended_by, allowable: !missing, ..found("M104", message) });
    }
    hazards
}

/// Whether the field is unique, so that at most one row can get the value of `--set`.
fn is_unique(table: &str, subject: &str, after: &Catalog) -> bool {
    let name = subject.rsplit('.').next().unwrap_or(subject);
    after.tables.get(table).is_some_and(|table| {
        let columns = table.fields.iter().find(|field| field.name == name).map(Field::columns).unwrap_or_default();
        table.indexes.iter().any(|index| index.unique && index.on.iter().map(|key| &key.column).eq(&columns))
    })
}

/// `--set product.weight=10`, with a value that the field accepts.
fn set_argument(subject: &str, after: &Catalog) -> Option<String> {
    let (owner, name) = subject.split_once('.')?;
    let table = after.tables.get(owner).map(|table| &table.fields);
    let fields: &Vec<Field> = table.or_else(|| after.components.get(owner))?;
    let field = fields.iter().find(|field| field.name == name)?;
    let example = match &field.store {
        Store::Scalar { scalar } => {
            let mapping = Scalar::named(scalar)?.mapping();
            // The examples are YAML; this needs JSON.
            let usual = if mapping.sql == SqlType::Jsonb { "{}" } else { mapping.example };
            let rules = after.rules.get(owner).and_then(|rules| rules.get(name)).cloned().unwrap_or_default();
            let is_taken = |text: &&str| {
                literal::parse(field, text).is_ok_and(|value| literal::broken(field, &rules, &value).is_none())
            };
            let bounds = [rules.min.as_deref(), rules.max.as_deref()].into_iter().flatten();
            // If not even a bound is a valid value, the author has to choose one.
            std::iter::once(usual).chain(bounds).find(is_taken).unwrap_or("...").to_owned()
        }
        Store::Enum { values } => values.first()?.clone(),
        // The entry cannot be known here. A relation to several types has no required column.
        Store::One { to } => format!("{}_...", to.first()?),
        _ => return None,
    };
    let plain = example.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-:".contains(&byte));
    Some(if plain { format!("--set {subject}={example}") } else { format!("--set {subject}='{example}'") })
}

/// The hazard's line above its statement, or the reason for refusal.
pub fn answer(hazard: &Hazard, answers: &Answers) -> Result<String, Refusal> {
    let Hazard { code, subject, message, mended_by, advice, question, allowable } = hazard;
    if is_notice(code) {
        return Ok(format!("hazard {code}: {message}."));
    }
    if let Some(argument) = answers.allows(code, subject).filter(|_| *allowable) {
        return Ok(format!("hazard {code}: {message}. Acknowledged with {argument}."));
    }
    let allow = format!("--allow {code}={subject}");
    let mut help = Vec::new();
    if *code == "M103" {
        help.push(format!(
            "if it was renamed, write `was: {}` at the new name",
            subject.rsplit('.').next().unwrap_or(subject)
        ));
    }
    if *code == "M101" && !subject.contains('.') {
        help.push(format!("if the type was renamed, write `was: {subject}` in it"));
    }
    // Replacing lost values does not keep them: the loss must be allowed as well.
    let arguments: Vec<_> = match mended_by {
        Some(value) if *allowable => vec![value.clone()],
        Some(value) => vec![value.clone(), allow.clone()],
        None => allowable.then(|| allow.clone()).into_iter().collect(),
    };
    if let Some((_, example)) = mended_by.as_deref().and_then(|value| value.split_once('=')) {
        let arguments: Vec<_> = arguments.iter().map(|argument| to_paste(argument)).collect();
        let command = format!("cargo xtask generate {}", arguments.join(" "));
        help.push(format!("to give existing rows a value, such as {example}: {command}"));
    }
    help.extend(advice.clone());
    if *allowable {
        help.push(format!("to continue: cargo xtask generate {allow}"));
    }
    let message = if *allowable { message.clone() } else { format!("{message}: it needs --set") };
    Err(Refusal { code, subject: subject.clone(), message, help, arguments, question: question.clone() })
}
