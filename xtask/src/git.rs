//! What git knows of a project: its branch, and the committed migrations. Without git both are empty.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::project::Project;

pub struct Git {
    root: PathBuf,
}

impl Git {
    /// `None` outside a work tree, and before the first commit.
    pub fn of(project: &Project) -> Option<Self> {
        let git = Self { root: project.root.clone() };
        git.ask(&["rev-parse", "--verify", "--quiet", "HEAD"])?;
        Some(git)
    }

    /// The branch, or the commit if there is none.
    pub fn branch(&self) -> Option<String> {
        self.ask(&["symbolic-ref", "--quiet", "--short", "HEAD"])
            .or_else(|| self.ask(&["rev-parse", "--short", "HEAD"]))
    }

    /// The file that changes with the branch.
    pub fn head_file(&self) -> Option<PathBuf> {
        Some(self.root.join(self.ask(&["rev-parse", "--git-path", "HEAD"])?))
    }

    /// The commits that the work tree is based on: the last one, and those that an unfinished merge, cherry-pick,
    /// revert or rebase brings in.
    pub fn heads(&self) -> Vec<String> {
        let path = |name: &str| Some(self.root.join(self.ask(&["rev-parse", "--git-path", name])?));
        let merged = path("MERGE_HEAD").and_then(|path| fs::read_to_string(path).ok()).unwrap_or_default();
        // A finished rebase may leave REBASE_HEAD behind.
        let is_rebase =
            ["rebase-merge", "rebase-apply"].iter().any(|name| path(name).is_some_and(|path| path.is_dir()));
        let others = ["CHERRY_PICK_HEAD", "REVERT_HEAD"].into_iter().chain(is_rebase.then_some("REBASE_HEAD"));
        let mut heads: Vec<String> = Vec::new();
        for revision in ["HEAD"].into_iter().chain(merged.lines()).chain(others) {
            heads.extend(self.commit(revision).filter(|commit| !heads.contains(commit)));
        }
        heads
    }

    /// The names of a folder's files in a revision.
    fn files(&self, revision: &str, folder: &str) -> Option<Vec<String>> {
        let listed = self.ask(&["ls-tree", "--name-only", revision, &format!("{folder}/")])?;
        Some(listed.lines().filter_map(|path| Some(path.rsplit_once('/')?.1.to_owned())).collect())
    }

    /// The text of a file in a revision.
    pub fn text(&self, revision: &str, path: &str) -> Option<String> {
        let shown = self.run(&["show", &format!("{revision}:./{path}")])?;
        String::from_utf8(shown).ok()
    }

    /// The schema paths of a revision, in order.
    pub fn schema(&self, revision: &str) -> Option<Vec<String>> {
        let listed = String::from_utf8(self.run(&["ls-tree", "-r", "-z", "--name-only", revision, "schema/"])?).ok()?;
        let yaml = listed.split('\0').filter(|path| path.ends_with(".yaml") || path.ends_with(".yml"));
        Some(yaml.map(str::to_owned).collect())
    }

    /// The commit that last added a file; a merge commit only if neither side has the file.
    pub fn added(&self, path: &str) -> Option<String> {
        let commit = self.ask(&["log", "-1", "-c", "--full-history", "--diff-filter=A", "--format=%H", "--", path])?;
        Some(commit.lines().next()?.to_owned())
    }

    /// The last commit up to a revision that changed a folder and contains exactly these migrations.
    pub fn last_with(&self, revision: &str, folder: &str, migrations: &[String]) -> Option<String> {
        let log = self.ask(&["rev-list", revision, "--", &format!("{folder}/")])?;
        let has = |commit: &&str| self.migrations(commit, folder).is_some_and(|files| files == migrations);
        log.lines().find(has).map(str::to_owned)
    }

    /// The names of a folder's migrations in a revision, in order.
    pub fn migrations(&self, revision: &str, folder: &str) -> Option<Vec<String>> {
        let mut files = self.files(revision, folder)?;
        files.retain(|file| file.ends_with(".sql"));
        files.sort();
        Some(files)
    }

    /// The commit hash of a revision.
    pub fn commit(&self, revision: &str) -> Option<String> {
        self.ask(&["rev-parse", "--verify", "--quiet", "--end-of-options", &format!("{revision}^{{commit}}")])
    }

    /// Whether a commit is the other or one of its ancestors.
    pub fn is_before(&self, commit: &str, other: &str) -> bool {
        self.run(&["merge-base", "--is-ancestor", commit, other]).is_some()
    }

    /// The merge base of this branch and another one.
    pub fn merge_base(&self, other: &str) -> Option<String> {
        self.ask(&["merge-base", "HEAD", other])
    }

    fn ask(&self, arguments: &[&str]) -> Option<String> {
        Some(String::from_utf8(self.run(arguments)?).ok()?.trim_end().to_owned())
    }

    fn run(&self, arguments: &[&str]) -> Option<Vec<u8>> {
        let mut command = Command::new("git");
        command.args(arguments).current_dir(&self.root).stdin(Stdio::null()).stderr(Stdio::null());
        let output = command.output().ok()?;
        output.status.success().then_some(output.stdout)
    }
}
