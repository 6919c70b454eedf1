//! Undoes the last migration, or squashes several into one, if no other database has applied them.

use std::fs;
use std::process::ExitCode;
use std::slice;

use anyhow::{Context, bail};
use codegen::emit::{MigrationsInput, Output};
use codegen::schema::Schema;

use crate::dev::database::{Database, Standing};
use crate::drift::Drift;
use crate::generate;
use crate::git::Git;
use crate::history::draft::{self, Draft};
use crate::history::next::{self, AnswerArgs, CATALOG, FOLDER, History};
use crate::migrate::edited;
use crate::postgres::Lock;
use crate::project::Project;

/// The server's list of migrations, which is derived from the files.
const EMBEDDED: &str = "generated/src/migrations.rs";

#[derive(clap::Args)]
pub struct Squash {
    /// Make one of all that came after this revision [default: where this branch left main or master, on these where they left origin, else the last commit]
    #[arg(long, value_name = "REVISION")]
    since: Option<String>,
    /// Go on although a migration was edited by hand, or may have been: what was written into it is lost
    #[arg(long)]
    edited: bool,
    #[command(flatten)]
    answers: AnswerArgs,
}

/// Undoes the last uncommitted migration: its file, the catalog, and the development database.
pub fn undo(project: &Project) -> anyhow::Result<ExitCode> {
    let git = Git::of(project)
        .context("without git it is unknown which migrations others have: take the last one back by hand")?;
    let history = History::read(project)?;
    let instead = match Draft::to_make_anew(project, &history) {
        Some(draft) if !draft.files.is_empty() => {
            "take the change in schema/ back instead: `dev` then takes the migration back by itself"
        }
        _ => "stop it, run this again, and then start it again",
    };
    let _only = no_dev(project, instead)?;
    let heads = git.heads();
    let Some(draft) = Draft::since(project, &history, &git, &heads) else {
        let committed: Vec<_> = heads.iter().filter_map(|head| git.migrations(head, FOLDER)).flatten().collect();
        if let Some(file) = history.files.iter().find(|file| !committed.contains(file)) {
            bail!(
                "{FOLDER}/{file} is in no commit, but the state before it is unknown: `git stash` takes all changes back"
            );
        }
        bail!("every migration is in a commit, which others may have: write the way back in the next one");
    };
    let Some((last, before)) = draft.files.split_last() else { bail!("no migration to take back") };
    let is_made = codegen::catalog::last_migration(&history.catalog).is_some_and(|name| *last == format!("{name}.sql"));
    let is_squash = before.is_empty() && !draft.replaced.is_empty();
    let catalog = match before.iter().rfind(|file| draft::is_generated(project, file)) {
        _ if !is_made => history.catalog.clone(),
        // The migrations that it replaced are restored.
        None if is_squash => git.text("HEAD", CATALOG).with_context(|| format!("{CATALOG} is in no commit"))?,
        None => draft.base.catalog.clone(),
        Some(earlier) => draft::catalog_after(project, earlier)
            .with_context(|| format!("the catalog after {earlier} is unknown: `git stash` takes all changes back"))?,
    };
    let missing = draft.replaced.iter().filter(|_| is_squash && is_made);
    let restored: Vec<_> = missing.map(|file| as_committed(&git, file)).collect::<anyhow::Result<_>>()?;
    let kept = keep_edited(project, last)?;
    remove(project, last)?;
    match catalog.is_empty() {
        true => fs::remove_file(project.path(CATALOG)),
        false => fs::write(project.path(CATALOG), &catalog),
    }
    .with_context(|| format!("{CATALOG} cannot be written"))?;
    println!("  removed  {FOLDER}/{last}\n  changed  {CATALOG}");
    if let Some(kept) = kept {
        println!("  kept     {kept}: it was written by hand, or edited");
    }
    for (path, text) in restored {
        fs::write(project.path(&path), text).with_context(|| format!("{path} cannot be written"))?;
        println!("  restored {path}");
    }
    if let Some(schema) = generate::compile_quietly(project)? {
        let history = History::read(project)?;
        let is_current = next::is_current(&history, &schema)?;
        // Where schema/ still has the change, generated/ goes back to the schema before it, or it would not fit the migrations.
        let earlier = if is_current { None } else { edited::schema_of(&git, "HEAD") };
        let earlier = earlier.filter(|earlier| next::is_current(&history, earlier).unwrap_or(false));
        write_generated(project, earlier.as_ref().unwrap_or(&schema), is_current || earlier.is_some())?;
        if !is_current {
            println!(
                "note: schema/ still has the change, and the next `cargo xtask generate` writes the migration again"
            );
        }
    }
    take_back_in_database(project)
}

fn take_back_in_database(project: &Project) -> anyhow::Result<ExitCode> {
    let mut database = Database::open(project)?;
    match database.stand(None, &mut || {})? {
        Standing::Ahead(why) => {
            eprintln!("warning: {why}");
            Ok(ExitCode::FAILURE)
        }
        Standing::Ready | Standing::Replaced | Standing::Rework(_) => Ok(ExitCode::SUCCESS),
    }
}

/// Squashes several migrations that no other database has applied into one.
pub fn squash(project: &Project, args: Squash) -> anyhow::Result<ExitCode> {
    let git = Git::of(project).context("without git the starting point is unknown")?;
    let _only = no_dev(project, "stop it first")?;
    if git.heads().len() > 1 {
        bail!(
            "a merge, rebase, revert or cherry-pick with the changes of others is under way: finish it and commit, then squash"
        );
    }
    let Beginning { name, commit } = match args.since {
        Some(name) => {
            let commit = git.commit(&name).with_context(|| format!("unknown revision `{name}`"))?;
            Beginning { name, commit }
        }
        None => beginning(&git)?,
    };
    let begun = format!("{name} ({})", commit.get(..7).unwrap_or(&commit));
    let history = History::read(project)?;
    let Some(mut draft) =
        Draft::since(project, &history, &git, slice::from_ref(&commit)).filter(|draft| draft.files.len() > 1)
    else {
        println!("nothing to do: there is at most one migration after {begun}");
        return Ok(ExitCode::SUCCESS);
    };
    println!("Squash everything after {begun}");
    if let Some(file) = draft.by_hand(project).next() {
        bail!("{FOLDER}/{file} is written by hand, and its changes are in no schema: it cannot be merged with others");
    }
    let doubt = |file: &String| Some(format!("{FOLDER}/{file} {}", edited::doubt(project, &git, file)?));
    if let Some(doubt) = draft.files.iter().filter(|_| !args.edited).find_map(doubt) {
        bail!(
            "{doubt}\n  = help: the added SQL is in no schema and would be lost: copy it, continue with --edited, and put it into a file of `cargo xtask migrate new`"
        );
    }
    let Some(schema) = generate::compile(project)? else { return Ok(ExitCode::FAILURE) };
    draft.answers = args.answers.with_former(draft.answers, &draft.base, &schema)?;
    let next = next::next(&draft.base, &schema, &draft.answers)?;
    let Some(wanted) = generate::anew(&schema, draft, next)? else { return Ok(ExitCode::FAILURE) };
    let drift = Drift::between(project, &wanted.files, &Output::OWNED)?.removing(project, &wanted.removed)?;
    drift.mend(project)?;
    wanted.migration.iter().try_for_each(|migration| draft::remember(project, migration))?;
    print!("{}", drift.summary());
    println!("note: commit this; until then it is a draft, which the next change of schema/ generates again");
    Ok(ExitCode::SUCCESS)
}

struct Beginning {
    /// The name for people: `main`.
    name: String,
    commit: String,
}

/// Where this branch left code that others have: the local or the remote trunk, whichever it left later, so that
/// neither contains what is rewritten. The trunk itself counts as shared as far as it was pushed.
fn beginning(git: &Git) -> anyhow::Result<Beginning> {
    let local = ["main", "master"];
    let is_trunk = git.branch().is_some_and(|branch| local.contains(&branch.as_str()));
    let left = |name: &str, of: &str| Some(Beginning { name: name.to_owned(), commit: git.merge_base(of)? });
    let remote = left("origin/HEAD", "refs/remotes/origin/HEAD");
    let trunk = local.into_iter().find_map(|name| left(name, &format!("refs/heads/{name}"))).filter(|_| !is_trunk);
    let later = match (trunk, remote) {
        (Some(trunk), Some(remote)) if git.is_before(&remote.commit, &trunk.commit) => Some(trunk),
        (trunk, remote) => remote.or(trunk),
    };
    let last = || Some(Beginning { name: "the last commit".to_owned(), commit: git.commit("HEAD")? });
    later.or_else(last).context("no commit to begin after")
}

/// Ensures that nobody else is working on the files and the database.
fn no_dev(project: &Project, instead: &str) -> anyhow::Result<Lock> {
    fs::create_dir_all(project.private()).context("cannot make .dev")?;
    let lock = Lock::take(&project.private().join("dev.lock"))?;
    lock.with_context(|| format!("`cargo xtask dev` is running in this checkout: {instead}"))
}

fn remove(project: &Project, file: &str) -> anyhow::Result<()> {
    fs::remove_file(project.path(FOLDER).join(file)).with_context(|| format!("{FOLDER}/{file} cannot be removed"))
}

/// Keeps a copy of an uncommitted file that only a person could write again.
fn keep_edited(project: &Project, file: &str) -> anyhow::Result<Option<String>> {
    if draft::is_as_written(project, file) {
        return Ok(None);
    }
    let folder = project.private().join("undone");
    fs::create_dir_all(&folder).context("cannot make .dev/undone")?;
    fs::copy(project.path(FOLDER).join(file), folder.join(file))
        .with_context(|| format!("{FOLDER}/{file} cannot be kept in .dev/undone"))?;
    Ok(Some(format!(".dev/undone/{file}")))
}

/// The path of a migration, and its text in the last commit.
fn as_committed(git: &Git, file: &str) -> anyhow::Result<(String, String)> {
    let path = format!("{FOLDER}/{file}");
    let text = git.text("HEAD", &path).with_context(|| format!("{path} is in no commit"))?;
    Ok((path, text))
}

/// Writes the server's list of migrations and, if the schema matches the catalog, everything generated from it.
fn write_generated(project: &Project, schema: &Schema, all: bool) -> anyhow::Result<()> {
    let History { files, catalog } = History::read(project)?;
    let mut wanted = codegen::emit::emit(schema, &MigrationsInput { files, catalog }).into_files();
    wanted.retain(|path, _| all || path == EMBEDDED);
    let owned = if all { Output::OWNED.as_slice() } else { &[] };
    let drift = Drift::between(project, &wanted, owned)?;
    drift.mend(project)?;
    if all {
        print!("{}", drift.summary());
    }
    Ok(())
}
