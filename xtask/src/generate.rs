//! `cargo xtask generate`: reads schema/, writes what changed, or with `--check` only says what would change.

use std::collections::BTreeMap;
use std::fs;
use std::process::ExitCode;

use anyhow::{Context, anyhow, bail};
use codegen::SourceFile;
use codegen::emit::breaking::breaking;
use codegen::emit::{MigrationsInput, Output};
use codegen::schema::Schema;

use crate::drift::{self, Drift};
use crate::migrate::next::{self, AnswerArgs, History, Next};
use crate::project::Project;

/// `--check` found that something is to be generated; all else that fails is 1.
const STALE: u8 = 4;
const SDL: &str = "generated/schema.graphql";
const SHOP: &str = "shop";

#[derive(clap::Args, Clone, Debug, Default)]
pub struct Args {
    /// Write nothing; exit 0 when current, 4 when stale, 1 when the schema is wrong
    #[arg(long)]
    check: bool,
    /// Fail when the API changes in a way that breaks its clients
    #[arg(long)]
    deny_breaking: bool,
    #[command(flatten)]
    answers: AnswerArgs,
}

pub fn run(project: &Project, args: Args) -> anyhow::Result<ExitCode> {
    let Some(schema) = compile(project)? else { return Ok(ExitCode::FAILURE) };
    let Some(wanted) = wanted(project, &schema, &args.answers)? else {
        return Ok(if args.check { ExitCode::from(STALE) } else { ExitCode::FAILURE });
    };
    let shop = shop(project)?;
    let breaks = report_breaking(project, &wanted)?;
    if breaks && args.deny_breaking {
        eprintln!("error: the API would break its clients; nothing is written because of --deny-breaking");
        return Ok(ExitCode::FAILURE);
    }
    let drift = Drift::between(project, &wanted, &Output::OWNED)?.and(shop);
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
    print!("{}", drift.summary());
    Ok(ExitCode::SUCCESS)
}

/// What differs in the site that the product is tested on, where the project has it. It is in nobody's use, so that its
/// database is always made by one migration, and no change of it needs an answer.
fn shop(project: &Project) -> anyhow::Result<Drift> {
    let shop = Project { root: project.path(SHOP) };
    if !shop.path("schema").is_dir() {
        return Ok(Drift::default());
    }
    let sources = sources(&shop)?;
    let compiled = codegen::compile(&sources)
        .map_err(|found| anyhow!("{}the schema in {SHOP}/ is wrong", found.render(&sources)))?;
    let Some(mut wanted) = made(&compiled.schema, History::default(), &AnswerArgs::default())? else {
        bail!("the migration of {SHOP} was refused");
    };
    // What is said of the language stands in the project's own docs.
    wanted.retain(|path, _| path.starts_with("generated/") || path.starts_with("migrations/"));
    Ok(Drift::between(&shop, &wanted, &[Output::OWNED.as_slice(), &[next::FOLDER]].concat())?.within(SHOP))
}

/// The schema, or none when it is wrong; what is to be said about it has been printed.
pub fn compile(project: &Project) -> anyhow::Result<Option<Schema>> {
    let sources = sources(project)?;
    match codegen::compile(&sources) {
        Ok(compiled) => {
            eprint!("{}", compiled.warnings.render(&sources));
            Ok(Some(compiled.schema))
        }
        Err(found) => {
            eprint!("{}", found.render(&sources));
            eprintln!("error: the schema is wrong; nothing is written");
            Ok(None)
        }
    }
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

/// Every file that is made from the schema, the next migration among them; none when that is refused.
fn wanted(
    project: &Project,
    schema: &Schema,
    answers: &AnswerArgs,
) -> anyhow::Result<Option<BTreeMap<String, String>>> {
    made(schema, History::read(project)?, answers)
}

fn made(schema: &Schema, history: History, answers: &AnswerArgs) -> anyhow::Result<Option<BTreeMap<String, String>>> {
    let mut written = BTreeMap::new();
    let next = next::next(&history, schema, answers)?;
    let History { mut files, mut catalog } = history;
    match next {
        Next::Current => {}
        Next::Migration(migration) => {
            files.push(format!("{}.sql", migration.name));
            written.insert(format!("{}/{}.sql", next::FOLDER, migration.name), migration.sql);
            written.insert(next::CATALOG.to_owned(), migration.catalog.clone());
            catalog = migration.catalog;
        }
        Next::Refused(refusals, command) => {
            refusals.iter().for_each(|refusal| eprintln!("{}\n", refusal.render()));
            eprintln!("error: the next migration needs an answer; nothing is written");
            if let Some(command) = command {
                eprintln!("  = help: to go on with all of it: {command}");
            }
            return Ok(None);
        }
    }
    let mut wanted = codegen::emit::emit(schema, &MigrationsInput { files, catalog }).into_files();
    wanted.extend(written);
    Ok(Some(wanted))
}

/// Compares the API with the one that was generated last.
fn report_breaking(project: &Project, wanted: &BTreeMap<String, String>) -> anyhow::Result<bool> {
    let Ok(before) = fs::read_to_string(project.path(SDL)) else { return Ok(false) };
    let Some(breaks) = wanted.get(SDL).and_then(|after| breaking(&before, after)) else {
        eprintln!("warning: {SDL} is no SDL, so that breaking changes cannot be found");
        return Ok(false);
    };
    breaks.iter().for_each(|found| eprintln!("{found}"));
    Ok(!breaks.is_empty())
}
