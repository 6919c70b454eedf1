//! The next migration: what `cargo xtask generate` writes into `migrations/`, or why it refuses to.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context, bail};
use codegen::catalog::Catalog;
use codegen::migrate::{Answers, Migration, Refusal, hazard};
use codegen::schema::Schema;

use super::ask;
use crate::drift;
use crate::project::Project;

pub const FOLDER: &str = "migrations";
pub const CATALOG: &str = "migrations/catalog.json";

/// What is said about the hazards of the next migration.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct AnswerArgs {
    /// Go on in spite of a hazard: M103, or only for M103=product.legacy
    #[arg(long, value_name = "CODE[=WHAT]")]
    allow: Vec<String>,
    /// Go on in spite of every hazard that loses data
    #[arg(long)]
    allow_data_loss: bool,
    /// What existing rows get in a field that is required now: product.weight=0
    #[arg(long, value_name = "FIELD=VALUE")]
    set: Vec<String>,
    /// Where to count the entries that a tighter rule is about; without it the database of DATABASE_URL, if that is set
    #[arg(long, value_name = "URL")]
    database: Option<String>,
}

/// The existing migrations.
#[derive(Clone, Default)]
pub struct History {
    /// File names in order: `0001_start.sql`.
    pub files: Vec<String>,
    /// The text of `catalog.json`; empty if there is none.
    pub catalog: String,
}

pub enum Next {
    /// The schema and the catalog are equal.
    Current,
    /// The database is unchanged, but the catalog must record other rules: its new text.
    Rules(String),
    Migration(Migration),
    /// The reasons, and the command that proceeds.
    Refused(Vec<Refusal>, Option<String>),
}

impl Next {
    /// Whether an answer makes no sense.
    pub fn is_wrong_answer(&self) -> bool {
        matches!(self, Self::Refused(refusals, _) if refusals.iter().any(Refusal::is_wrong_answer))
    }
}

impl AnswerArgs {
    /// Adds earlier answers.
    pub fn extend(&mut self, other: Self) {
        let add = |all: &mut Vec<String>, new: Vec<String>| {
            for text in new {
                if !all.contains(&text) {
                    all.push(text);
                }
            }
        };
        add(&mut self.allow, other.allow);
        // The last answer for a field wins.
        let fields: Vec<_> = self.set.iter().map(|text| field_of(text).to_owned()).collect();
        add(&mut self.set, other.set.into_iter().filter(|text| !fields.iter().any(|f| f == field_of(text))).collect());
        self.allow_data_loss |= other.allow_data_loss;
    }

    /// Whether there are no answers.
    pub fn is_empty(&self) -> bool {
        self.allow.is_empty() && !self.allow_data_loss && self.set.is_empty()
    }

    /// Adds earlier answers that are still asked for; the others would answer questions that nobody has seen.
    pub fn with_former(&self, former: Self, base: &History, schema: &Schema) -> anyhow::Result<Self> {
        let mut all = self.clone();
        all.extend(former.clone());
        let unused = codegen::migrate::unused(&catalog(&base.catalog)?, schema, &all.parse()?);
        let mut all = self.clone();
        all.extend(former.without(&unused));
        Ok(all)
    }

    /// Also allows each rule that is stricter than in `base`, but no stricter than in the catalog of `known`.
    pub fn with_known_rules(mut self, base: &History, known: &History, schema: &Schema) -> anyhow::Result<Self> {
        let answers = self.parse()?;
        let rules = codegen::migrate::known_rules(&catalog(&base.catalog)?, &catalog(&known.catalog)?, schema);
        let unanswered = rules.into_iter().filter(|subject| answers.allows(hazard::TIGHTENED, subject).is_none());
        self.allow.extend(unanswered.map(|subject| format!("{}={subject}", hazard::TIGHTENED)));
        Ok(self)
    }

    /// Removes the arguments that nothing asks for.
    fn without(&self, unused: &BTreeSet<String>) -> Self {
        let mut used = self.clone();
        used.allow.retain(|text| !unused.contains(&format!("--allow {text}")));
        used.set.retain(|text| !unused.contains(&format!("--set {}", field_of(text))));
        used.allow_data_loss &= !unused.contains("--allow-data-loss");
        used
    }

    fn parse(&self) -> anyhow::Result<Answers> {
        Answers::parse(&self.allow, self.allow_data_loss, &self.set).map_err(anyhow::Error::msg)
    }

    /// Values for existing rows, as on the command line.
    pub fn values(&self) -> &[String] {
        &self.set
    }

    /// As on the command line.
    pub fn given(&self) -> String {
        let allow = self.allow.iter().map(|text| format!(" --allow {}", shell(text)));
        let loss = self.allow_data_loss.then(|| " --allow-data-loss".to_owned());
        let set = self.set.iter().map(|text| format!(" --set {}", shell(text)));
        allow.chain(loss).chain(set).collect()
    }
}

/// The names of the migrations in a folder, in order; empty if the folder does not exist.
pub fn files(project: &Project, folder: &str) -> anyhow::Result<Vec<String>> {
    let files = drift::files(project, folder)?;
    let names = files.iter().filter_map(|path| path.strip_prefix(folder)?.strip_prefix('/'));
    Ok(names.filter(|name| name.ends_with(".sql")).map(str::to_owned).collect())
}

impl History {
    pub fn read(project: &Project) -> anyhow::Result<Self> {
        let files = files(project, FOLDER)?;
        let catalog = match fs::read_to_string(project.path(CATALOG)) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error).context("migrations/catalog.json cannot be read"),
        };
        Ok(Self { files, catalog })
    }

    /// Refuses files that `catalog.json` does not know, as after a merge: the next plan would ignore their changes.
    pub fn check(&self, project: &Project) -> anyhow::Result<()> {
        let wrong = super::numbering(FOLDER, &self.files);
        if !wrong.is_empty() {
            bail!("{}", wrong.join("\n\n"));
        }
        let Some(last) = codegen::catalog::last_migration(&self.catalog) else { return Ok(()) };
        let file = format!("{last}.sql");
        if !self.files.contains(&file) {
            bail!(
                "{CATALOG} belongs to {last}, which is not in {FOLDER}/\n  = help: restore {FOLDER}/{file}, or the {CATALOG} of the last existing file: `git restore {FOLDER}` does both"
            );
        }
        let unknown = |name: &&String| **name > file && super::draft::is_generated(project, name);
        if let Some(unknown) = self.files.iter().find(unknown) {
            bail!(
                "{FOLDER}/{unknown} is not in {CATALOG}, which belongs to {last}\n  = help: two branches have added a migration, or one was only partly taken back: delete the file that is not merged yet, and run `cargo xtask generate` again"
            );
        }
        Ok(())
    }

    /// The number of the migration after the last one.
    pub fn next_number(&self) -> u32 {
        self.files.iter().filter_map(|name| number(name)).max().unwrap_or(0) + 1
    }
}

/// The number at the start of a file name.
pub fn number(name: &str) -> Option<u32> {
    name.split_once('_')?.0.parse().ok()
}

/// Parses `catalog.json`; an empty text is the catalog of an empty database.
pub fn catalog(text: &str) -> anyhow::Result<Catalog> {
    if text.is_empty() {
        return Ok(Catalog::default());
    }
    Catalog::from_json(text).map_err(|error| {
        anyhow::anyhow!("{CATALOG} cannot be used: {error}\n  = help: two branches may both have added a migration: keep the other branch's catalog.json, delete your own migration, and run `cargo xtask generate` again")
    })
}

/// Whether the schema equals the catalog of the last migration.
pub fn is_current(history: &History, schema: &Schema) -> anyhow::Result<bool> {
    let before = catalog(&history.catalog)?;
    // A difference is found without a plan; the plan is only needed to act on it.
    if !codegen::catalog::lower(schema).with_past(&before).same_database(&before) {
        return Ok(false);
    }
    let plan = codegen::migrate::plan(&before, schema, &Answers::default());
    Ok(plan.is_ok_and(|plan| plan.is_empty() && plan.recorded(&history.catalog).is_none()))
}

/// Plans the way from the last migration to the schema.
pub fn next(history: &History, schema: &Schema, args: &AnswerArgs) -> anyhow::Result<Next> {
    let before = catalog(&history.catalog)?;
    let mut answers = args.parse()?;
    let mut planned = codegen::migrate::plan(&before, schema, &answers);
    let database = args.database.clone().or_else(|| std::env::var("DATABASE_URL").ok());
    if let (Err(refusals), Some(database)) = (&planned, database) {
        match ask::count(refusals, &database, &mut answers) {
            Ok(true) => planned = codegen::migrate::plan(&before, schema, &answers),
            Ok(false) => {}
            Err(error) => {
                eprintln!("warning: the database could not be queried for entries that break the rules: {error:#}")
            }
        }
    }
    match planned {
        Ok(plan) => {
            plan.warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
            if plan.is_empty() {
                return Ok(plan.recorded(&history.catalog).map_or(Next::Current, Next::Rules));
            }
            let unused = codegen::migrate::unused(&before, schema, &answers);
            let command = format!("cargo xtask generate{}", args.without(&unused).given());
            Ok(Next::Migration(plan.migration(history.next_number(), &command)))
        }
        Err(refusals) => {
            let command = hazard::command(&refusals, &args.given());
            Ok(Next::Refused(refusals, command))
        }
    }
}

/// The next migration as it was first generated, with every hazard answered.
pub fn unasked(history: &History, schema: &Schema, args: &AnswerArgs) -> Option<Migration> {
    let allow: Vec<_> = hazard::CODES.iter().map(|(code, _)| (*code).to_owned()).collect();
    let answers = Answers::parse(&allow, true, args.values()).ok()?;
    let plan = codegen::migrate::plan(&catalog(&history.catalog).ok()?, schema, &answers).ok()?;
    (!plan.is_empty()).then(|| plan.migration(history.next_number(), ""))
}

fn field_of(set: &str) -> &str {
    set.split_once('=').map_or(set, |(field, _)| field)
}

fn shell(text: &str) -> String {
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-:=,/@".contains(&byte));
    if plain { text.to_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}
