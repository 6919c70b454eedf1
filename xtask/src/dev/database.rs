//! The development database, kept at one with the migrations of the checkout: a branch has its own, and a migration that was
//! rewritten or taken back before it was committed is rewritten or taken back there too.

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

/// The SQL from the draft that the database has had to the one that stands there now.
const REWORK: &str = "rework.sql";
/// In the folder of a database that has had a draft: what the draft did to the tables of the last commit.
const LINEAGE: &str = "lineage.json";

pub struct Database<'a> {
    project: &'a Project,
    postgres: Postgres,
    branch: Option<String>,
}

/// How the database stands to the migrations.
pub enum Standing {
    /// They begin with what it has had.
    Ready,
    /// So does the copy that is in its place now.
    Replaced,
    /// It has had another version of the last ones; this file leads from there to them.
    Rework(PathBuf),
    /// It has had what is not there, and nothing is known that leads back.
    Ahead(String),
}

/// A way from another version of the last migrations.
enum Way {
    File(PathBuf),
    /// It would lose this, which the last commit has and the files keep.
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

    /// Where it is, if it is this checkout's own.
    pub fn folder(&self) -> Option<PathBuf> {
        match &self.postgres.kept {
            Kept::Here(folder) => Some(folder.clone()),
            Kept::Elsewhere => None,
        }
    }

    /// Goes over to the database of the branch that is checked out now; says whether it did.
    pub fn follow_branch(&mut self) -> anyhow::Result<bool> {
        let now = branch(self.project);
        if now == self.branch || self.folder().is_none() {
            return Ok(false);
        }
        say("Branch", now.as_deref().unwrap_or("none"));
        self.branch = now;
        // It may be the one that the other begins as a copy of.
        self.postgres.stop();
        self.postgres = Postgres::start_or_join(self.project)?;
        Ok(true)
    }

    /// Compares what the database has had with the files; where a copy leads to them, it takes the database's place. Whoever works on
    /// it is told before it stops.
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

    /// Puts a copy from before what is not there any more in the place of the database.
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

    /// The way from another draft to the one that is there, which keeps what was entered since.
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
            // Several that were made one, or one that was taken apart again, lead to the same.
            Way::Unknown if all_made && before.same_database(&now) => self.write_rework("").map(Way::File),
            way => Ok(way),
        }
    }

    fn between_drafts(&self, before: &Catalog, had: &Had, draft: &Draft, schema: &Schema) -> anyhow::Result<Way> {
        let Ok(base) = next::catalog(&draft.base.catalog) else { return Ok(Way::Unknown) };
        // What may be lost here was made since the last commit, or is lost by the file that will be committed, which says it itself.
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

    /// What the draft that the database has had did, if it began from this.
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

    /// Keeps a copy before a migration that no commit has is applied; copies that nobody needs any more go.
    pub fn before_migrating(&mut self, stops: &mut dyn FnMut()) -> anyhow::Result<()> {
        let Some(folder) = self.folder() else { return Ok(()) };
        let history = History::read(self.project)?;
        let draft = Draft::of(self.project, &history);
        if std::mem::take(&mut self.postgres.is_new) {
            // The copy is then of an empty database, which is taken to any commit, and gets the demo of that.
            Had::default().write(&folder)?;
        }
        let Some(had) = Had::read(&folder) else { return Ok(()) };
        let committed = draft.as_ref().map_or(history.files.len(), |draft| draft.base.files.len());
        if let Some((shelf, cluster)) = self.postgres.shelf() {
            match draft {
                Some(_) => shelf.prune(cluster, &history.files[..committed])?,
                // What is entered from now on is in none of them.
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

    /// The database has had all that is there.
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
