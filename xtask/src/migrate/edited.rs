//! Detects whether a generated migration was edited by hand.
//!
//! A migration that this checkout did not write is generated again from the committed schema and catalog, as far as
//! they are available.

use codegen::SourceFile;
use codegen::schema::Schema;

use crate::git::Git;
use crate::history::draft;
use crate::history::next::{self, CATALOG, FOLDER, History};
use crate::project::Project;

const EDITED: &str = "has other SQL than the generator writes for it: it was edited";

/// Why a migration may contain more than the schema implies; `None` if it does not.
pub fn doubt(project: &Project, git: &Git, file: &str) -> Option<&'static str> {
    if draft::is_as_written(project, file) {
        return None;
    }
    match again(project, git, file) {
        None if draft::catalog_after(project, file).is_some() => Some(EDITED),
        None => Some(
            "was not written in this checkout, and the commits do not show what the generator wrote, so it may have SQL that was added by hand",
        ),
        Some((text, made)) if statements(&text).eq(statements(&made)) => None,
        Some(_) => Some(EDITED),
    }
}

/// A migration's text, and the generator's output for the schema of the commit that added it.
fn again(project: &Project, git: &Git, file: &str) -> Option<(String, String)> {
    let text = draft::text(project, file)?;
    let answers = draft::made_by(&text)?;
    let commit = git.added(&format!("{FOLDER}/{file}"))?;
    let is_last = codegen::catalog::last_migration(&git.text(&commit, CATALOG)?)? == file.strip_suffix(".sql")?;
    let mut files = git.migrations(&commit, FOLDER)?;
    files.truncate(files.iter().position(|other| other == file).filter(|_| is_last)?);
    let catalog = match files.is_empty() {
        true => String::new(),
        false => git.text(&git.last_with(&commit, FOLDER, &files)?, CATALOG)?,
    };
    let schema = schema_of(git, &commit)?;
    Some((text, next::unasked(&History { files, catalog }, &schema, &answers)?.sql))
}

/// The schema of a revision, if it has one that is valid.
pub fn schema_of(git: &Git, revision: &str) -> Option<Schema> {
    let source = |path: String| Some(SourceFile { text: git.text(revision, &path)?, path });
    let sources: Vec<_> = git.schema(revision)?.into_iter().map(source).collect::<Option<_>>()?;
    Some(codegen::compile(&sources).ok()?.schema)
}

/// Comments have no effect, and the header varies with the given answers.
fn statements(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim_end).filter(|line| !line.is_empty() && !line.starts_with("--"))
}
