//! A site in a separate folder, with a git repository and `cargo xtask`.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use tempfile::TempDir;

/// A small site in a separate git repository with one commit.
pub struct Site {
    folder: TempDir,
}

const CMS: &str = "site: { name: Test, currency: EUR, currencies: [EUR], locales: [en] }\n";
pub const TAG: &str = "type: tag\ndescription: A topic.\ntitle: name\naccess: { anonymous: { read: all } }\nfields:\n  name: { type: string, description: A name. }\n";

pub fn field(name: &str) -> String {
    format!("  {name}: {{ type: string, description: More. }}\n")
}

impl Site {
    pub fn new() -> Self {
        let site = Self { folder: tempfile::tempdir().expect("a folder") };
        site.write("xtask/Cargo.toml", "");
        site.write(".gitignore", ".dev\n");
        site.write("schema/cms.yaml", CMS);
        site.write("schema/tag.yaml", TAG);
        site.git(&["init", "--quiet", "--initial-branch=main"]);
        site.generate(&[]);
        site.commit();
        site
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    /// Writes the content type with these additional lines.
    pub fn fields(&self, more: &str) {
        self.write("schema/tag.yaml", &format!("{TAG}{more}"));
    }

    pub fn git(&self, arguments: &[&str]) -> String {
        let (done, said) = self.try_git(arguments);
        assert!(done, "{arguments:?}: {said}");
        said
    }

    pub fn try_git(&self, arguments: &[&str]) -> (bool, String) {
        let identity = ["-c", "user.name=Ada", "-c", "user.email=ada@shop.example"];
        let output = Command::new("git").args(identity).args(arguments).current_dir(self.folder.path()).output();
        let Output { status, stdout, .. } = output.expect("git runs");
        (status.success(), String::from_utf8(stdout).expect("text"))
    }

    pub fn commit(&self) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", "One more"]);
    }

    pub fn xtask(&self, arguments: &[&str]) -> (bool, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.env_remove("DATABASE_URL").args(arguments).current_dir(self.folder.path());
        let Output { status, stdout, stderr } = command.output().expect("xtask runs");
        (status.success(), String::from_utf8_lossy(&stdout).into_owned() + &String::from_utf8_lossy(&stderr))
    }

    #[track_caller]
    pub fn generate(&self, arguments: &[&str]) {
        let (done, said) = self.xtask(&[&["generate"], arguments].concat());
        assert!(done, "{said}");
    }

    #[track_caller]
    pub fn refused(&self, arguments: &[&str], why: &str) {
        let (done, said) = self.xtask(arguments);
        assert!(!done && said.contains(why), "{said}");
    }

    /// The migrations except the first.
    pub fn drafts(&self) -> Vec<String> {
        let names = fs::read_dir(self.path("migrations")).expect("the folder");
        let names = names.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
        let mut names: Vec<_> = names.filter(|name| name.ends_with(".sql") && !name.starts_with("0001")).collect();
        names.sort();
        names
    }

    pub fn sql(&self) -> String {
        let drafts = self.drafts();
        let [file] = drafts.as_slice() else { panic!("one draft, not {drafts:?}") };
        fs::read_to_string(self.path("migrations").join(file)).expect("text")
    }

    #[track_caller]
    pub fn has_migrations_of_the_commit(&self) {
        assert_eq!(self.git(&["status", "--porcelain", "migrations"]), "");
    }
}
