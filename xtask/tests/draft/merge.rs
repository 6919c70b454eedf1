//! Two branches that both added a migration: the other branch's migration is committed and stays.

use std::fs;

use crate::site::{Site, field};

const BRAND: &str = "type: brand\ndescription: A make.\ntitle: name\naccess: { anonymous: { read: all } }\nfields:\n  name: { type: string, description: A name. }\n";
pub const OURS: &str = "0002_add_tag_a1.sql";
const THEIRS: &str = "0002_add_brand_b1.sql";

/// `feat` is checked out and changes tags, `main` changes brands; both are committed.
pub fn two_branches() -> Site {
    let site = Site::new();
    site.write("schema/brand.yaml", BRAND);
    fs::remove_dir_all(site.path("migrations")).expect("it is there");
    site.generate(&[]);
    site.commit();
    site.git(&["switch", "--quiet", "--create", "feat"]);
    site.fields(&field("a1"));
    site.generate(&[]);
    site.commit();
    site.git(&["switch", "--quiet", "main"]);
    site.write("schema/brand.yaml", &format!("{BRAND}{}", field("b1")));
    site.generate(&[]);
    site.commit();
    site.git(&["switch", "--quiet", "feat"]);
    site
}

impl Site {
    pub fn conflict(&self, arguments: &[&str]) {
        let (done, said) = self.try_git(arguments);
        assert!(!done && said.contains("CONFLICT"), "{said}");
    }

    /// Resolves the conflict as described in the README.
    pub fn resolve(&self, side: &str, own: &str) {
        self.git(&["checkout", side, "migrations/catalog.json"]);
        fs::remove_file(self.path("migrations").join(own)).expect("it is there");
        self.generate(&[]);
    }

    fn catalog(&self) -> String {
        fs::read_to_string(self.path("migrations/catalog.json")).expect("text")
    }

    fn last_sql(&self) -> String {
        fs::read_to_string(self.path("migrations").join(self.drafts().pop().expect("a draft"))).expect("text")
    }
}

#[test]
fn a_merge_keeps_what_the_other_branch_has_committed() {
    let site = two_branches();
    site.conflict(&["merge", "--quiet", "main"]);
    site.resolve("--theirs", OURS);
    assert_eq!(site.drafts(), [THEIRS, "0003_add_tag_a1.sql"]);
    assert!(site.last_sql().contains("add column a1") && !site.last_sql().contains("b1"), "{}", site.last_sql());
    // Only the branch's own draft is generated again, and it is removed when its change is.
    site.fields(&(field("a1") + &field("a2")));
    site.generate(&[]);
    assert_eq!(site.drafts(), [THEIRS, "0003_change_tag.sql"]);
    assert!(!site.last_sql().contains("b1"), "{}", site.last_sql());
    site.generate(&["--check"]);
    site.fields("");
    site.generate(&[]);
    assert_eq!(site.drafts(), [THEIRS]);
    assert_eq!(site.catalog(), site.git(&["show", "main:migrations/catalog.json"]));
    site.fields(&field("a1"));
    site.generate(&[]);
    site.commit();
    site.generate(&["--check"]);
    assert_eq!(site.drafts(), [THEIRS, "0003_add_tag_a1.sql"]);
}

#[test]
fn a_merge_may_keep_the_own_migration_instead() {
    let site = two_branches();
    site.conflict(&["merge", "--quiet", "main"]);
    site.resolve("--ours", THEIRS);
    assert_eq!(site.drafts(), [OURS, "0003_add_brand_b1.sql"]);
    site.write("schema/brand.yaml", &format!("{BRAND}{}{}", field("b1"), field("b2")));
    site.generate(&[]);
    assert_eq!(site.drafts(), [OURS, "0003_change_brand.sql"]);
    assert!(!site.last_sql().contains("a1"), "{}", site.last_sql());
}

#[test]
fn in_a_merge_only_the_own_draft_is_taken_back() {
    let site = two_branches();
    site.conflict(&["merge", "--quiet", "main"]);
    site.git(&["checkout", "--theirs", "migrations/catalog.json"]);
    fs::remove_file(site.path("migrations").join(OURS)).expect("it is there");
    site.refused(&["migrate", "undo"], "every migration is in a commit");
    site.refused(&["migrate", "squash"], "is under way");
    site.generate(&[]);
    let (done, said) = site.xtask(&["migrate", "undo"]);
    assert!(done && said.contains("removed  migrations/0003_add_tag_a1.sql"), "{said}");
    assert_eq!(site.drafts(), [THEIRS]);
    assert_eq!(site.catalog(), site.git(&["show", "main:migrations/catalog.json"]));
    site.generate(&[]);
    assert_eq!(site.drafts(), [THEIRS, "0003_add_tag_a1.sql"]);
}

#[test]
fn a_rebase_and_a_pick_keep_it_too() {
    let site = two_branches();
    site.conflict(&["rebase", "main"]);
    site.resolve("--ours", OURS);
    site.fields(&(field("a1") + &field("a2")));
    site.generate(&[]);
    assert_eq!(site.drafts(), [THEIRS, "0003_change_tag.sql"]);
    site.git(&["clean", "--quiet", "--force", "-d"]);
    site.git(&["rebase", "--abort"]);
    site.conflict(&["cherry-pick", "main"]);
    site.resolve("--theirs", OURS);
    site.fields(&(field("a1") + &field("a2")));
    site.generate(&[]);
    assert_eq!(site.drafts(), [THEIRS, "0003_change_tag.sql"]);
}
