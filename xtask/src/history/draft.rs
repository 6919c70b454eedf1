//! The draft: the uncommitted migration, which is generated again from the last commit as the schema changes.
//!
//! It is one file. It comes after any files that were written or edited by hand, which are never touched. During a
//! merge there are two last commits.

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use clap::Parser;
use codegen::migrate::Migration;

use super::next::{AnswerArgs, CATALOG, FOLDER, History};
use crate::git::Git;
use crate::project::Project;

/// The start of the header line with the generating command.
const MADE: &str = "-- Made by `cargo xtask generate";
/// Hashes of the migrations written here, to detect later edits. One line each: `NAME HASH`.
const WRITTEN: &str = "written-migrations";

pub struct Draft {
    /// The history before it.
    pub base: History,
    /// Its files in order; there is more than one if any was edited or written by hand.
    pub files: Vec<String>,
    /// Migrations of the last commit that its files replace, as when several are squashed.
    pub replaced: Vec<String>,
    /// The answers to its hazards.
    pub answers: AnswerArgs,
}

impl Draft {
    /// The existing migrations that are in none of the commits the work tree is based on; `None` without git.
    pub fn of(project: &Project, history: &History) -> Option<Self> {
        let git = Git::of(project)?;
        Self::since(project, history, &git, &git.heads())
    }

    /// The same for other revisions, the own one first.
    pub fn since(project: &Project, history: &History, git: &Git, revisions: &[String]) -> Option<Self> {
        let lists: Vec<_> =
            revisions.iter().map(|revision| (revision, git.migrations(revision, FOLDER).unwrap_or_default())).collect();
        let ((own, committed), others) = lists.split_first()?;
        // A file made here may have the same name as one in another head.
        let is_in = |file: &String, (revision, files): &(&String, Vec<String>)| {
            files.contains(file) && is_as_in(project, git, revision, file)
        };
        let is_committed = |file: &String| committed.contains(file) || others.iter().any(|other| is_in(file, other));
        let (before, files): (Vec<_>, Vec<_>) = history.files.iter().cloned().partition(is_committed);
        if files.is_empty() || !history.files.starts_with(&before) {
            return None;
        }
        let mut replaced = Vec::new();
        let catalog = match lists.iter().find(|(_, files)| *files == before) {
            Some(_) if before.is_empty() => String::new(),
            Some((revision, _)) => git.text(revision, CATALOG)?,
            None => {
                replaced.extend(committed.iter().filter(|file| !before.contains(file)).cloned());
                match before.is_empty() {
                    true => String::new(),
                    false => git.text(&git.last_with(own, FOLDER, &before)?, CATALOG)?,
                }
            }
        };
        let mut answers = AnswerArgs::default();
        files.iter().filter_map(|file| made_by(&text(project, file)?)).for_each(|made| answers.extend(made));
        Some(Self { base: History { files: before, catalog }, files, replaced, answers })
    }

    /// The part that may be generated again: the last file, if it is exactly as the generator wrote it here, whatever
    /// comes before it; or no file, if only rules differ from the last commit, which the catalog alone records.
    pub fn to_make_anew(project: &Project, history: &History) -> Option<Self> {
        let git = Git::of(project)?;
        let heads = git.heads();
        match Self::since(project, history, &git, &heads) {
            Some(draft) => draft.last(project),
            None => heads.iter().find_map(|head| Self::of_rules(history, &git, head)),
        }
    }

    /// The draft reduced to its last file: earlier files, hand-written or edited, are left unchanged.
    fn last(mut self, project: &Project) -> Option<Self> {
        let last = self.files.pop().filter(|file| is_as_written(project, file))?;
        if let Some(made) = self.files.iter().rfind(|file| is_generated(project, file)) {
            self.base.catalog = catalog_after(project, made)?;
        }
        if !self.files.is_empty() {
            self.answers = made_by(&text(project, &last)?)?;
        }
        self.base.files.append(&mut self.files);
        self.files.push(last);
        Some(self)
    }

    fn of_rules(history: &History, git: &Git, head: &str) -> Option<Self> {
        let catalog = git.text(head, CATALOG)?;
        let same = git.migrations(head, FOLDER)? == history.files
            && codegen::catalog::last_migration(&catalog) == codegen::catalog::last_migration(&history.catalog)
            && codegen::catalog::hash(&catalog) == codegen::catalog::hash(&history.catalog);
        let base = History { files: history.files.clone(), catalog };
        same.then(|| Self { base, files: Vec::new(), replaced: Vec::new(), answers: AnswerArgs::default() })
    }

    /// The files that were written or edited by hand.
    pub fn by_hand<'a>(&'a self, project: &'a Project) -> impl Iterator<Item = &'a String> {
        self.files.iter().filter(|file| !is_generated(project, file))
    }
}

/// Whether the file was written by the generator.
pub fn is_generated(project: &Project, file: &str) -> bool {
    text(project, file).is_some_and(|text| made_by(&text).is_some())
}

/// Whether a file equals the one in a revision; git may have changed the line endings.
fn is_as_in(project: &Project, git: &Git, revision: &str, file: &str) -> bool {
    let committed = git.text(revision, &format!("{FOLDER}/{file}"));
    text(project, file).zip(committed).is_some_and(|(text, committed)| text.lines().eq(committed.lines()))
}

pub fn text(project: &Project, file: &str) -> Option<String> {
    fs::read_to_string(project.path(FOLDER).join(file)).ok()
}

/// The answers in the header of a generated file; `None` for a hand-written one.
pub fn made_by(text: &str) -> Option<AnswerArgs> {
    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        answers: AnswerArgs,
    }
    let line = text.lines().find_map(|line| line.strip_prefix(MADE))?;
    let arguments = line.rsplit_once('`')?.0;
    let words = words(arguments);
    Line::try_parse_from(std::iter::once("generate".to_owned()).chain(words)).ok().map(|line| line.answers)
}

/// Splits a command line in the format of `AnswerArgs::given`: separated by blanks, some words in single quotes.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), None::<String>, false);
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\'' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            '\\' if !quoted => word.get_or_insert_default().extend(letters.next()),
            ' ' if !quoted => words.extend(word.take()),
            _ => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}

/// Whether a file is exactly as the generator wrote it in this checkout.
pub fn is_as_written(project: &Project, file: &str) -> bool {
    let written = fs::read_to_string(project.private().join(WRITTEN)).unwrap_or_default();
    text(project, file).is_some_and(|text| written.lines().any(|line| line == entry(file, &text)))
}

fn entry(file: &str, text: &str) -> String {
    format!("{file} {}", codegen::catalog::hash(text))
}

/// Records a migration written here, and its resulting catalog.
pub fn remember(project: &Project, migration: &Migration) -> anyhow::Result<()> {
    if Git::of(project).is_none() {
        return Ok(());
    }
    fs::create_dir_all(project.private()).context("cannot make .dev")?;
    let path = project.private().join(WRITTEN);
    let file = format!("{}.sql", migration.name);
    let written = fs::read_to_string(&path).unwrap_or_default();
    let others = written.lines().filter(|line| line.split(' ').next() != Some(&file));
    let lines: String =
        others.map(str::to_owned).chain([entry(&file, &migration.sql)]).map(|line| line + "\n").collect();
    fs::write(&path, lines).with_context(|| format!("cannot write {}", path.display()))?;
    let path = catalog_path(project, &file);
    fs::create_dir_all(path.parent().unwrap_or(&path)).context("cannot make .dev/catalogs")?;
    fs::write(&path, &migration.catalog).with_context(|| format!("cannot write {}", path.display()))
}

/// The catalog after a migration that was written here.
pub fn catalog_after(project: &Project, file: &str) -> Option<String> {
    fs::read_to_string(catalog_path(project, file)).ok()
}

fn catalog_path(project: &Project, file: &str) -> PathBuf {
    project.private().join("catalogs").join(file).with_extension("json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_back_from_the_header() {
        let text = "-- 0002_x\n-- Made by `cargo xtask generate --allow M103=product.legacy --set 'product.name=it'\\''s new'` from schema/.\n";
        let answers = made_by(text).expect("it is generated");
        assert_eq!(answers.given(), " --allow M103=product.legacy --set 'product.name=it'\\''s new'");
        assert!(made_by("-- 0002_x\n-- Written by hand.\n").is_none());
    }
}
