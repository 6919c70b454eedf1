//! The development database, kept in step with the checkout's migrations.
//!
//! Each branch has its own. When an uncommitted migration is rewritten or undone, so is its effect on the database.

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use codegen::catalog::Catalog;
use codegen::migrate::lineage::{self, Lineage, Rework};
use codegen::migrate::{Answers, hazard};
use codegen::schema::Schema;

use crate::generate;
use crate::git::Git;
use crate::history::draft::Draft;
use crate::history::next::{self, AnswerArgs, History};
use crate::postgres::shelf::{self, Entry, Had};
use crate::postgres::{Kept, Postgres};
use crate::progress::say;
use crate::project::Project;

/// SQL from the draft that the database has applied to the current one.
const REWORK: &str = "rework.sql";
/// In the folder of a database with a draft applied: what the draft did to the tables of the last commit.
const LINEAGE: &str = "lineage.json";

pub struct Database<'a> {
    project: &'a Project,
    postgres: Postgres,
    branch: Option<String>,
}

/// The state of the database relative to the migrations.
pub enum Standing {
    /// They begin with the applied ones.
    Ready,
    /// They do, after a copy has replaced the database.
    Replaced,
    /// Other versions of the last migrations were applied; this file leads from there to the current ones.
    Rework(PathBuf),
    /// Migrations were applied that no longer exist, and there is no known way back.
    Ahead(String),
}

/// A way from another version of the last migrations.
enum Way {
    File(PathBuf),
    /// It would lose this, which is in the last commit and kept by the files.
    Loses(String),
    Unknown,
}

impl<'a> Database<'a> {
    pub fn open(project: &'a Project) -> anyhow::Result<Self> {
        Ok(Self { project, postgres: Postgres::start_or_join(project)?, branch: branch(project) })
    }

    pub fn url(&self) -> &str {
        &self.postgres.url
    }

    /// Its folder, if it belongs to this checkout.
    pub fn folder(&self) -> Option<PathBuf> {
        match &self.postgres.kept {
            Kept::Here(folder) => Some(folder.clone()),
            Kept::Elsewhere => None,
        }
    }

    /// Switches to the database of the branch that is checked out now; returns whether it did.
    pub fn follow_branch(&mut self) -> anyhow::Result<bool> {
        let now = branch(self.project);
        if now == self.branch || self.folder().is_none() {
            return Ok(false);
        }
        say("Branch", now.as_deref().unwrap_or("none"));
        self.branch = now;
        // The new branch's database may start as a copy of this one.
        self.postgres.stop();
        self.postgres = Postgres::start_or_join(self.project)?;
        Ok(true)
    }

    /// Compares the applied migrations with the files. A copy that leads to the files replaces the database; `stops` is
    /// called before the database stops.
    pub fn stand(&mut self, schema: Option<&Schema>, stops: &mut dyn FnMut()) -> anyhow::Result<Standing> {
        let Some(had) = self.folder().and_then(|folder| Had::read(&folder)) else { return Ok(Standing::Ready) };
        let files = shelf::files(self.project)?;
        if had.leads_to(&files) {
            return Ok(Standing::Ready);
        }
        match self.rework(&had, &files, schema)? {
            Way::File(file) => Ok(Standing::Rework(file)),
            Way::Loses(what) => self.go_back(&files, Some(&what), stops),
            Way::Unknown => self.go_back(&files, None, stops),
        }
    }

    /// Replaces the database with a copy from before the migrations that no longer exist.
    fn go_back(&mut self, files: &[Entry], lost: Option<&str>, stops: &mut dyn FnMut()) -> anyhow::Result<Standing> {
        stops();
        let replaced = self.postgres.pause(|shelf, cluster| {
            let best = shelf.best(cluster, files)?;
            best.map(|best| Ok((shelf.replace(cluster, &best)?, best))).transpose()
        })?;
        match replaced.flatten() {
            Some((aside, best)) => {
                let name = |path: &PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let why = lost.map(|what| format!("{}: ", without_loss(what)));
                say(
                    "Database",
                    format!(
                        "{}went back to {}; the previous one, with what was entered since, is kept in {}",
                        why.unwrap_or_default(),
                        name(&best),
                        aside.display()
                    ),
                );
                Ok(Standing::Replaced)
            }
            None if lost.is_some() => Ok(Standing::Ahead(format!(
                "{}, and no copy from before it exists; restore schema/ as it was with that draft, or stop this and run \
                 `cargo xtask dev --reset`, which creates the database anew with the demo",
                without_loss(lost.unwrap_or_default())
            ))),
            None => Ok(Standing::Ahead(
                "the database has had migrations that are not in migrations/, and no copy from before them exists; \
                 stop this and run `cargo xtask dev --reset`, which creates it anew with the demo, or restore the files"
                    .to_owned(),
            )),
        }
    }

    /// The way from another draft to the current one, keeping data entered since.
    fn rework(&self, had: &Had, files: &[Entry], schema: Option<&Schema>) -> anyhow::Result<Way> {
        let same = had.migrations.iter().zip(files).take_while(|(had, file)| had == file).count();
        let history = History::read(self.project)?;
        let all_made = had.migrations[same..].iter().chain(&files[same..]).all(|entry| entry.generated);
        let (Ok(before), Ok(now)) = (next::catalog(&had.catalog), next::catalog(&history.catalog)) else {
            return Ok(Way::Unknown);
        };
        let way = match (Draft::of(self.project, &history), schema) {
            (Some(draft), Some(schema)) if all_made && (draft.base.files.len()..files.len()).contains(&same) => {
                self.between_drafts(&before, had, &draft, schema)?
            }
            _ => Way::Unknown,
        };
        match way {
            // Squashed or split migrations lead to the same database.
            Way::Unknown if all_made && before.same_database(&now) => self.write_rework("").map(Way::File),
            way => Ok(way),
        }
    }

    fn between_drafts(&self, before: &Catalog, had: &Had, draft: &Draft, schema: &Schema) -> anyhow::Result<Way> {
        let Ok(base) = next::catalog(&draft.base.catalog) else { return Ok(Way::Unknown) };
        // Losses here affect only data created since the last commit, or are declared by the file to be committed.
        let had_history = History { files: Vec::new(), catalog: had.catalog.clone() };
        let used = AnswerArgs::default().with_former(draft.answers.clone(), &had_history, schema)?;
        let answers = any_loss(used.values())?;
        let lineage = self.lineage(&draft.base).unwrap_or_else(|| Lineage::guessed(&base, before));
        Ok(match lineage::rework(before, &lineage, &base, schema, &answers) {
            Rework::Plan(plan) if plan.is_empty() => Way::File(self.write_rework("")?),
            Rework::Plan(plan) => Way::File(self.write_rework(&plan.migration(0, "cargo xtask dev").sql)?),
            Rework::Loses(what) => Way::Loses(what),
            Rework::Refused => Way::Unknown,
        })
    }

    /// What the applied draft did, if it started from this base.
    fn lineage(&self, base: &History) -> Option<Lineage> {
        let text = fs::read_to_string(self.folder()?.join(LINEAGE)).ok()?;
        let (begun, lineage) = text.split_once('\n')?;
        (begun == codegen::catalog::hash(&base.catalog)).then(|| Lineage::from_json(lineage))?
    }

    fn write_rework(&self, sql: &str) -> anyhow::Result<PathBuf> {
        let path = self.project.private().join(REWORK);
        fs::write(&path, sql).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }

    /// Keeps a copy before an uncommitted migration is applied, and removes copies that are no longer needed.
    pub fn before_migrating(&mut self, stops: &mut dyn FnMut()) -> anyhow::Result<()> {
        let Some(folder) = self.folder() else { return Ok(()) };
        let history = History::read(self.project)?;
        let draft = Draft::of(self.project, &history);
        if std::mem::take(&mut self.postgres.is_new) {
            // The copy is then of an empty database, which can be migrated to any commit and gets that commit's demo.
            Had::default().write(&folder)?;
        }
        let Some(had) = Had::read(&folder) else { return Ok(()) };
        let committed = draft.as_ref().map_or(history.files.len(), |draft| draft.base.files.len());
        if let Some((shelf, cluster)) = self.postgres.shelf() {
            match draft {
                Some(_) => shelf.prune(cluster, &history.files[..committed])?,
                // Data entered from now on would be missing from the copies.
                None => shelf.delete_copies(cluster)?,
            }
        }
        let first = had.migrations.len().max(committed);
        let Some(next) = history.files.get(first).filter(|_| draft.is_some()) else { return Ok(()) };
        let next = next.trim_end_matches(".sql");
        if self.postgres.shelf().is_some_and(|(shelf, cluster)| !shelf.keeps(cluster, next)) {
            stops();
            self.postgres.pause(|shelf, cluster| shelf.keep(cluster, next))?;
        }
        Ok(())
    }

    /// Records that the database has applied all migrations.
    pub fn migrated(&self) -> anyhow::Result<()> {
        let Some(folder) = self.folder() else { return Ok(()) };
        let history = History::read(self.project)?;
        let draft = Draft::of(self.project, &history);
        if let (Some(draft), Some(schema)) = (draft, generate::compile_quietly(self.project)?) {
            let lineage =
                Lineage::new(&next::catalog(&draft.base.catalog)?, &schema, &any_loss(draft.answers.values())?);
            let text = format!("{}\n{}", codegen::catalog::hash(&draft.base.catalog), lineage.to_json());
            let path = folder.join(LINEAGE);
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        }
        Had { migrations: shelf::files(self.project)?, catalog: history.catalog }.write(&folder)
    }
}

fn without_loss(what: &str) -> String {
    format!("the draft that the database has had cannot become this one without losing values of {what}")
}

/// Answers that allow everything, with these values for existing rows.
fn any_loss(values: &[String]) -> anyhow::Result<Answers> {
    let allow: Vec<_> = hazard::CODES.iter().map(|(code, _)| (*code).to_owned()).collect();
    Answers::parse(&allow, true, values).map_err(anyhow::Error::msg)
}

fn branch(project: &Project) -> Option<String> {
    Git::of(project).and_then(|git| git.branch())
}
