//! `cargo xtask generate`: reads schema/ and writes what changed; with `--check` it only reports what would change.

use std::collections::BTreeMap;
use std::fs;
use std::process::ExitCode;

use anyhow::{Context, anyhow, bail};
use codegen::SourceFile;
use codegen::emit::breaking::breaking;
use codegen::emit::{MigrationsInput, Output};
use codegen::migrate::Migration;
use codegen::schema::Schema;

use crate::drift::{self, Drift};
use crate::history::draft::{self, Draft};
use crate::history::next::{self, AnswerArgs, History, Next};
use crate::project::Project;

/// Exit code when `--check` finds outdated files; every other failure is 1.
const STALE: u8 = 4;
const SDL: &str = "generated/schema.graphql";
const SHOP: &str = "shop";

#[derive(clap::Args, Clone, Debug, Default)]
pub struct Args {
    /// Write nothing; exit with 0 if current, 4 if stale, 1 if the schema has errors
    #[arg(long)]
    check: bool,
    /// Fail if the API changes in a way that breaks its clients
    #[arg(long)]
    deny_breaking: bool,
    #[command(flatten)]
    answers: AnswerArgs,
}

pub fn run(project: &Project, args: Args) -> anyhow::Result<ExitCode> {
    let Some(schema) = compile(project)? else { return Ok(ExitCode::FAILURE) };
    let Some(Wanted { files: wanted, removed, migration }) = wanted(project, &schema, &args.answers)? else {
        return Ok(if args.check { ExitCode::from(STALE) } else { ExitCode::FAILURE });
    };
    let shop = shop(project)?;
    let breaks = report_breaking(project, &wanted)?;
    if breaks && args.deny_breaking {
        eprintln!("error: the API would break its clients; nothing is written because of --deny-breaking");
        return Ok(ExitCode::FAILURE);
    }
    let drift = Drift::between(project, &wanted, &Output::OWNED)?.and(shop).removing(project, &removed)?;
    if drift.is_empty() {
        println!("all generated files are current");
        return Ok(ExitCode::SUCCESS);
    }
    if args.check {
        print!("{}", drift.diff());
        eprintln!("error: generated files are stale; run `cargo xtask generate`");
        return Ok(ExitCode::from(STALE));
    }
    drift.mend(project)?;
    if let Some(migration) = migration {
        draft::remember(project, &migration)?;
    }
    print!("{}", drift.summary());
    Ok(ExitCode::SUCCESS)
}

/// The drift of the site that the product is tested on, if the project has it. Nobody uses that site, so its database
/// always consists of one migration, and no change needs an answer.
fn shop(project: &Project) -> anyhow::Result<Drift> {
    let shop = Project { root: project.path(SHOP) };
    if !shop.path("schema").is_dir() {
        return Ok(Drift::default());
    }
    let sources = sources(&shop)?;
    let compiled = codegen::compile(&sources)
        .map_err(|found| anyhow!("{}the schema in {SHOP}/ has errors", found.render(&sources)))?;
    let next = next::next(&History::default(), &compiled.schema, &AnswerArgs::default())?;
    let Some(Wanted { files: mut wanted, .. }) = made(&compiled.schema, History::default(), next)? else {
        bail!("the migration of {SHOP} was refused");
    };
    // The language reference and JSON Schema are in the project itself.
    wanted.retain(|path, _| path.starts_with("generated/") || path.starts_with("migrations/"));
    Ok(Drift::between(&shop, &wanted, &[Output::OWNED.as_slice(), &[next::FOLDER]].concat())?.within(SHOP))
}

/// The schema, or `None` if it is invalid; diagnostics have been printed.
pub fn compile(project: &Project) -> anyhow::Result<Option<Schema>> {
    let sources = sources(project)?;
    match codegen::compile(&sources) {
        Ok(compiled) => {
            eprint!("{}", compiled.warnings.render(&sources));
            Ok(Some(compiled.schema))
        }
        Err(found) => {
            eprint!("{}", found.render(&sources));
            eprintln!("error: the schema has errors; nothing is written");
            Ok(None)
        }
    }
}

/// The schema if it is valid, without printing diagnostics.
pub fn compile_quietly(project: &Project) -> anyhow::Result<Option<Schema>> {
    Ok(codegen::compile(&sources(project)?).ok().map(|compiled| compiled.schema))
}

/// The files of `schema/`, sorted by path.
fn sources(project: &Project) -> anyhow::Result<Vec<SourceFile>> {
    let paths = drift::files(project, "schema")?;
    let yaml = paths.into_iter().filter(|path| path.ends_with(".yaml") || path.ends_with(".yml"));
    let source = |path: String| {
        let text = fs::read(project.path(&path)).with_context(|| format!("{path} cannot be read"))?;
        let text = String::from_utf8(text).with_context(|| format!("{path} is not UTF-8"))?;
        Ok(SourceFile { path, text })
    };
    yaml.map(source).collect()
}

/// Every file generated from the schema.
pub struct Wanted {
    pub files: BTreeMap<String, String>,
    /// Migrations that are replaced by the one among the files.
    pub removed: Vec<String>,
    /// The new migration.
    pub migration: Option<Migration>,
}

/// The files generated from the schema, including the next migration; `None` if that is refused.
fn wanted(project: &Project, schema: &Schema, answers: &AnswerArgs) -> anyhow::Result<Option<Wanted>> {
    let conflicts = conflicts(project)?;
    if !conflicts.is_empty() {
        conflicts.iter().for_each(|place| eprintln!("error: {place}: a merge conflict is not resolved"));
        return Ok(None);
    }
    let history = History::read(project)?;
    history.check(project)?;
    if answers.is_empty() && next::is_current(&history, schema)? {
        return made(schema, history, Next::Current);
    }
    let Some(draft) = Draft::to_make_anew(project, &history) else {
        let mut answers = answers.clone();
        if let Some(draft) = Draft::of(project, &history) {
            // Reverting a rule that an edited draft relaxed is not a new rule.
            answers = answers.with_known_rules(&history, &draft.base, schema)?;
        }
        let next = next::next(&history, schema, &answers)?;
        return made(schema, history, next);
    };
    // The rules in the current catalog were acknowledged, whether or not they led to a migration.
    let all = answers.with_former(draft.answers.clone(), &draft.base, schema)?;
    let all = all.with_known_rules(&draft.base, &history, schema)?;
    match next::next(&draft.base, schema, &all)? {
        // A declaration made for the draft may be gone from the schema; the next file may still be possible.
        refused @ Next::Refused(..) if !refused.is_wrong_answer() => {
            let answers = answers.clone().with_known_rules(&history, &draft.base, schema)?;
            match next::next(&history, schema, &answers)? {
                next @ Next::Migration(_) => made(schema, history, next),
                _ => made(schema, draft.base, refused),
            }
        }
        next => anew(schema, draft, next),
    }
}

/// With a migration in place of the draft, or none if the schema is that of the last commit again.
pub fn anew(schema: &Schema, draft: Draft, next: Next) -> anyhow::Result<Option<Wanted>> {
    let catalog = draft.base.catalog.clone();
    let made = made(schema, draft.base, next)?;
    Ok(made.map(|mut wanted| {
        wanted.removed = draft.files.iter().map(|file| format!("{}/{file}", next::FOLDER)).collect();
        wanted.removed.retain(|path| !wanted.files.contains_key(path));
        match catalog.is_empty() {
            true if wanted.migration.is_none() => wanted.removed.push(next::CATALOG.to_owned()),
            true => {}
            false => drop(wanted.files.entry(next::CATALOG.to_owned()).or_insert(catalog)),
        }
        wanted
    }))
}

fn made(schema: &Schema, history: History, next: Next) -> anyhow::Result<Option<Wanted>> {
    let History { mut files, mut catalog } = history;
    let (mut written, mut new) = (BTreeMap::new(), None);
    match next {
        Next::Current => {}
        Next::Rules(recorded) => {
            written.insert(next::CATALOG.to_owned(), recorded.clone());
            catalog = recorded;
        }
        Next::Migration(migration) => {
            files.push(format!("{}.sql", migration.name));
            written.insert(format!("{}/{}.sql", next::FOLDER, migration.name), migration.sql.clone());
            written.insert(next::CATALOG.to_owned(), migration.catalog.clone());
            catalog.clone_from(&migration.catalog);
            new = Some(migration);
        }
        Next::Refused(refusals, command) => {
            refusals.iter().for_each(|refusal| eprintln!("{}\n", refusal.render()));
            eprintln!("error: the next migration needs an answer; nothing is written");
            if let Some(command) = command {
                eprintln!("  = help: to continue with all of it: {command}");
            }
            return Ok(None);
        }
    }
    let mut files = codegen::emit::emit(schema, &MigrationsInput { files, catalog }).into_files();
    files.extend(written);
    Ok(Some(Wanted { files, removed: Vec::new(), migration: new }))
}

/// Files of `migrations/` with merge conflict markers, one per line. Purely generated files are simply written again.
fn conflicts(project: &Project) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    for path in drift::files(project, next::FOLDER)? {
        let text = fs::read(project.path(&path)).with_context(|| format!("{path} cannot be read"))?;
        let text = String::from_utf8_lossy(&text);
        found.extend(text.lines().position(is_mark).map(|line| format!("{path}:{}", line + 1)));
    }
    Ok(found)
}

fn is_mark(line: &str) -> bool {
    line.starts_with("<<<<<<< ") || line.starts_with(">>>>>>> ")
}

/// Compares the API with the last generated one.
fn report_breaking(project: &Project, wanted: &BTreeMap<String, String>) -> anyhow::Result<bool> {
    let before = fs::read_to_string(project.path(SDL)).ok().filter(|text| !text.lines().any(is_mark));
    // Two sides of a merge cannot be compared.
    let Some(before) = before else { return Ok(false) };
    let Some(breaks) = wanted.get(SDL).and_then(|after| breaking(&before, after)) else {
        eprintln!("warning: {SDL} is not SDL, so breaking changes cannot be found");
        return Ok(false);
    };
    breaks.iter().for_each(|found| eprintln!("{found}"));
    Ok(!breaks.is_empty())
}
