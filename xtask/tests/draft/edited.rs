//! Hand edits in a generated migration are in no schema, and are not lost without asking.

use std::fs;

use crate::merge::{OURS, two_branches};
use crate::site::{Site, field};

const HAND: &str = "update draft.tag set shade = 'hand';\n";

/// A branch with two migrations in one commit each.
fn branch(edit: &str) -> Site {
    let site = Site::new();
    site.git(&["switch", "--quiet", "--create", "more"]);
    site.fields(&field("shade"));
    site.generate(&[]);
    let first = site.sql() + edit;
    site.write("migrations/0002_add_tag_shade.sql", &first);
    site.commit();
    site.fields(&(field("shade") + &field("size")));
    site.generate(&[]);
    site.commit();
    site
}

impl Site {
    /// Deletes the record of what this checkout wrote, as in another checkout.
    fn forget(&self) {
        fs::remove_dir_all(self.path(".dev")).expect("it is there");
    }

    #[track_caller]
    fn squashed(&self, arguments: &[&str]) {
        let (done, said) = self.xtask(&[&["migrate", "squash"], arguments].concat());
        assert!(done, "{said}");
        self.generate(&["--check"]);
    }
}

const TWO: [&str; 2] = ["0002_add_tag_shade.sql", "0003_add_tag_size.sql"];

#[test]
fn a_squash_does_not_lose_what_was_written_by_hand() {
    let why = "migrations/0002_add_tag_shade.sql has other SQL than the generator writes for it: it was edited";
    let site = branch(HAND);
    site.refused(&["migrate", "squash"], why);
    site.has_migrations_of_the_commit();
    site.forget();
    site.refused(&["migrate", "squash"], why);
    assert_eq!(site.drafts(), TWO);
    site.squashed(&["--edited"]);
    assert!(!site.sql().contains("hand") && site.sql().contains("add column size"), "{}", site.sql());
}

#[test]
fn an_edit_is_found_in_whatever_is_no_comment() {
    let site = branch("-- looked at by Ada\n");
    site.squashed(&[]);
    let site = branch("");
    let file = "migrations/0003_add_tag_size.sql";
    let text = fs::read_to_string(site.path(file)).expect("text");
    site.write(file, &text.replace("5s", "9s"));
    site.refused(&["migrate", "squash"], "0003_add_tag_size.sql has other SQL");
    site.commit();
    site.refused(&["migrate", "squash"], "0003_add_tag_size.sql has other SQL");
}

#[test]
fn another_checkout_squashes_what_the_commits_explain() {
    let site = branch("");
    site.forget();
    site.squashed(&[]);
    // Once committed, the result is also recognised by its commit.
    site.commit();
    site.fields(&(field("shade") + &field("size") + &field("weight")));
    site.generate(&[]);
    site.commit();
    site.forget();
    site.squashed(&[]);
    assert_eq!(site.drafts(), ["0002_change_tag.sql"]);
}

#[test]
fn answers_of_a_migration_are_part_of_what_was_made() {
    let site = Site::new();
    site.git(&["switch", "--quiet", "--create", "more"]);
    let weight = "  weight: { type: integer, required: true, description: How heavy. }\n";
    site.fields(weight);
    site.generate(&["--set", "tag.weight=7"]);
    site.commit();
    site.fields(&field("size"));
    site.refused(&["generate"], "M103");
    site.generate(&["--allow", "M103=tag.weight"]);
    site.commit();
    site.forget();
    site.squashed(&[]);
}

#[test]
fn what_the_commits_do_not_explain_is_asked_about() {
    let site = branch("");
    site.git(&["reset", "--quiet", "--soft", "HEAD~2"]);
    site.commit();
    site.forget();
    site.refused(&["migrate", "squash"], "0002_add_tag_shade.sql was not written in this checkout");
    assert_eq!(site.drafts(), TWO);
    site.squashed(&["--edited"]);
}

#[test]
fn a_migration_that_a_merge_made_is_known_by_it() {
    let site = two_branches();
    site.conflict(&["merge", "--quiet", "main"]);
    site.resolve("--theirs", OURS);
    site.commit();
    site.fields(&(field("a1") + &field("a2")));
    site.generate(&[]);
    site.commit();
    site.forget();
    site.squashed(&[]);
    assert_eq!(site.drafts(), ["0002_add_brand_b1.sql", "0003_change_tag.sql"]);
}

#[test]
fn what_was_written_by_hand_is_kept_when_its_file_is_taken_back() {
    let site = Site::new();
    site.fields(&field("shade"));
    site.generate(&[]);
    let edited = site.sql() + HAND;
    site.write("migrations/0002_add_tag_shade.sql", &edited);
    let (done, said) = site.xtask(&["migrate", "undo"]);
    assert!(done && said.contains("kept     .dev/undone/0002_add_tag_shade.sql"), "{said}");
    assert_eq!(fs::read_to_string(site.path(".dev/undone/0002_add_tag_shade.sql")).expect("text"), edited);
    site.generate(&[]);
    let (done, said) = site.xtask(&["migrate", "undo"]);
    assert!(done && !said.contains("kept"), "{said}");
}
