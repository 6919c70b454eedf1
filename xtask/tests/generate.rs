//! `cargo xtask generate` on a copy of the shop: what it writes, what it leaves alone, and its exit codes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

const CURRENT: i32 = 0;
const BROKEN: i32 = 1;
const STALE: i32 = 4;

/// A copy of the files that the generator reads and writes.
struct Shop {
    folder: TempDir,
}

impl Shop {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
        for part in ["schema", "generated", "migrations"] {
            copy(&root.join("shop").join(part), &folder.path().join(part));
        }
        let shop = Self { folder };
        // Files that exist once per project, such as the reference, are not in the shop.
        shop.generate(&[], CURRENT);
        shop
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    #[track_caller]
    fn generate(&self, args: &[&str], expected: i32) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        let output = command.arg("--root").arg(self.folder.path()).arg("generate").args(args).output();
        let Output { status, stdout, stderr } = output.expect("xtask runs");
        let said = String::from_utf8_lossy(&stdout).into_owned() + &String::from_utf8_lossy(&stderr);
        assert_eq!(status.code(), Some(expected), "{said}");
        said
    }

    #[track_caller]
    fn edit(&self, path: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(path)).expect("the file");
        assert!(text.contains(from), "`{from}` is not in {path}");
        fs::write(self.path(path), text.replacen(from, to, 1)).expect("a file that can be written");
    }

    /// Every file with its bytes and modification time.
    fn files(&self) -> BTreeMap<PathBuf, (Vec<u8>, SystemTime)> {
        let mut found = BTreeMap::new();
        collect(self.folder.path(), &mut found);
        found
    }

    /// Makes every file an hour old, so that each write is visible.
    fn age(&self) {
        let then = SystemTime::now() - Duration::from_secs(3600);
        for path in self.files().keys() {
            let file = fs::File::options().append(true).open(path).expect("a file");
            file.set_modified(then).expect("a time that can be set");
        }
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).into_iter().flatten() {
        let entry = entry.expect("a readable folder").path();
        let target = to.join(entry.file_name().expect("a name"));
        if entry.is_dir() {
            copy(&entry, &target);
        } else {
            fs::copy(&entry, &target).expect("a copy");
        }
    }
}

fn collect(folder: &Path, found: &mut BTreeMap<PathBuf, (Vec<u8>, SystemTime)>) {
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable folder").path();
        if path.is_dir() {
            collect(&path, found);
        } else {
            let written = fs::metadata(&path).and_then(|data| data.modified()).expect("a time");
            found.insert(path.clone(), (fs::read(&path).expect("bytes"), written));
        }
    }
}

#[test]
fn what_is_current_is_not_touched() {
    let shop = Shop::new();
    shop.age();
    let before = shop.files();
    shop.generate(&[], CURRENT);
    shop.generate(&["--check"], CURRENT);
    assert_eq!(before, shop.files());
}

#[test]
fn a_stale_file_is_shown_by_check_and_written_by_generate() {
    let shop = Shop::new();
    shop.edit("schema/tag.yaml", "fields:\n", "fields:\n  shade: { type: string, description: How dark it is. }\n");
    shop.age();
    let before = shop.files();

    let said = shop.generate(&["--check"], STALE);
    assert!(said.contains("+++ b/generated/src/content/tag.rs"), "{said}");
    assert!(said.contains("+    pub shade: Option<String>, // How dark it is."), "{said}");
    assert!(said.contains("+++ b/migrations/"), "a missing migration is stale, too: {said}");
    assert!(said.contains("run `cargo xtask generate`"), "{said}");
    assert_eq!(before, shop.files(), "--check wrote something");

    shop.generate(&[], CURRENT);
    let after = shop.files();
    let product = shop.path("generated/src/content/product.rs");
    assert_eq!(before[&product], after[&product], "product.rs was touched");
    let tag = shop.path("generated/src/content/tag.rs");
    assert_ne!(before[&tag], after[&tag]);
    shop.generate(&["--check"], CURRENT);
}

#[test]
fn a_wrong_schema_writes_nothing_and_says_everything() {
    let shop = Shop::new();
    shop.edit("schema/tag.yaml", "type: slug", "type: slugg");
    shop.edit("schema/brand.yaml", "type: slug", "type: sluggg");
    let before = shop.files();
    for args in [&[][..], &["--check"]] {
        let said = shop.generate(args, BROKEN);
        assert!(said.contains("schema/tag.yaml:") && said.contains("schema/brand.yaml:"), "{said}");
    }
    assert_eq!(before, shop.files());
}

#[test]
fn a_loss_that_nobody_declared_writes_nothing() {
    let shop = Shop::new();
    shop.edit("schema/brand.yaml", "  website:", "  homepage:");
    let before = shop.files();
    shop.generate(&[], BROKEN);
    assert_eq!(before, shop.files());
}

#[test]
fn files_of_types_that_are_gone_are_removed() {
    let shop = Shop::new();
    let orphan = shop.path("generated/src/content/ghost.rs");
    fs::write(&orphan, "//! Nobody asked for this.\n").expect("a file that can be written");
    let said = shop.generate(&["--check"], STALE);
    assert!(said.contains("--- a/generated/src/content/ghost.rs"), "{said}");
    assert!(orphan.exists());
    let said = shop.generate(&[], CURRENT);
    assert!(said.contains("removed  generated/src/content/ghost.rs"), "{said}");
    assert!(!orphan.exists());
}

#[test]
fn what_breaks_clients_is_reported_and_can_be_refused() {
    let shop = Shop::new();
    shop.edit("schema/cms.yaml", "  best_of:", "  pick_of:");
    let said = shop.generate(&["--check"], STALE);
    assert!(said.contains("breaking[B201]: Query.bestOf: the field was removed"), "{said}");
    let before = shop.files();
    shop.generate(&["--deny-breaking"], BROKEN);
    assert_eq!(before, shop.files());
    shop.generate(&[], CURRENT);
    assert!(!shop.generate(&[], CURRENT).contains("breaking"));
}

#[test]
fn generated_files_that_were_deleted_come_back() {
    let shop = Shop::new();
    let before = fs::read(shop.path("generated/src/lib.rs")).expect("bytes");
    fs::remove_dir_all(shop.path("generated/src")).expect("a folder to remove");
    fs::remove_file(shop.path("generated/schema.graphql")).expect("a file to remove");
    shop.generate(&["--check"], STALE);
    shop.generate(&[], CURRENT);
    assert_eq!(before, fs::read(shop.path("generated/src/lib.rs")).expect("bytes"));
    shop.generate(&["--check"], CURRENT);
}
