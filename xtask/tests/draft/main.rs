//! Uncommitted migrations: one file that is generated again as the schema changes, undone, or squashed from several.

mod edited;
mod merge;
mod site;

use std::fs;
use std::path::Path;

use site::{Site, TAG, field};

#[test]
fn the_draft_is_one_file_that_says_what_it_does() {
    let site = Site::new();
    site.fields("  shade: { type: string, description: How dark. }\n");
    site.generate(&[]);
    assert_eq!(site.drafts(), ["0002_add_tag_shade.sql"]);
    site.fields(
        "  shade: { type: string, description: How dark. }\n  size: { type: integer, description: How big. }\n",
    );
    site.generate(&[]);
    assert_eq!(site.drafts(), ["0002_change_tag.sql"]);
    let sql = site.sql();
    assert!(sql.contains("add column shade") && sql.contains("add column size"), "{sql}");
    site.generate(&["--check"]);
    site.fields("  size: { type: integer, description: How big. }\n");
    site.generate(&[]);
    assert_eq!(site.drafts(), ["0002_add_tag_size.sql"]);
    assert!(!site.sql().contains("shade"), "what was never committed is not dropped either");
    site.fields("");
    site.generate(&[]);
    site.has_migrations_of_the_commit();
}

#[test]
fn what_is_committed_stays_as_it_is() {
    let site = Site::new();
    site.fields("  shade: { type: string, description: How dark. }\n");
    site.generate(&[]);
    site.commit();
    site.fields("");
    site.refused(&["generate"], "M103");
    site.fields(
        "  shade: { type: string, description: How dark. }\n  size: { type: integer, description: How big. }\n",
    );
    site.generate(&[]);
    assert_eq!(site.drafts(), ["0002_add_tag_shade.sql", "0003_add_tag_size.sql"]);
}

#[test]
fn answers_hold_as_long_as_the_draft() {
    let site = Site::new();
    let weight = "  weight: { type: integer, required: true, description: How heavy. }\n";
    site.fields(weight);
    site.refused(&["generate"], "--set tag.weight=");
    site.generate(&["--set", "tag.weight=7"]);
    site.fields(&format!("{weight}  size: {{ type: integer, description: How big. }}\n"));
    site.generate(&[]);
    let sql = site.sql();
    assert!(sql.contains('7') && sql.contains("size"), "{sql}");
    site.generate(&["--check"]);
    // The changes can be reverted, alone and with the rest.
    site.fields("  size: { type: integer, description: How big. }\n");
    site.generate(&[]);
    assert!(!site.sql().contains("weight"), "{}", site.sql());
    site.fields(weight);
    site.generate(&["--set", "tag.weight=7"]);
    site.fields("");
    site.generate(&[]);
    site.has_migrations_of_the_commit();
}

#[test]
fn what_a_draft_renames_keeps_its_rules() {
    let site = Site::new();
    site.fields("  note: { type: string, max: 50, description: A note. }\n");
    site.generate(&[]);
    site.commit();
    let renamed = "  remark: { type: string, max: 50, was: note, description: A note. }\n";
    site.fields(renamed);
    site.generate(&[]);
    site.fields(&format!("{renamed}  size: {{ type: integer, description: How big. }}\n"));
    site.generate(&[]);
    let file = site.drafts().pop().expect("a draft");
    let sql = fs::read_to_string(site.path("migrations").join(file)).expect("text");
    assert!(sql.contains("size") && !sql.contains("M205"), "{sql}");
    site.fields(&renamed.replace("50", "5"));
    site.refused(&["generate"], "M205");
}

#[test]
fn a_migration_that_somebody_has_edited_is_left_alone() {
    let site = Site::new();
    site.fields("  shade: { type: string, description: How dark. }\n");
    site.generate(&[]);
    let edited = site.sql() + "\n-- edited\n";
    site.write("migrations/0002_add_tag_shade.sql", &edited);
    site.fields(
        "  shade: { type: string, description: How dark. }\n  size: { type: integer, description: How big. }\n",
    );
    site.generate(&[]);
    assert_eq!(site.drafts(), ["0002_add_tag_shade.sql", "0003_add_tag_size.sql"]);
    assert_eq!(fs::read_to_string(site.path("migrations/0002_add_tag_shade.sql")).expect("text"), edited);
}

#[test]
fn the_draft_behind_a_migration_by_hand_is_one_file_too() {
    let site = Site::new();
    site.fields(&field("shade"));
    site.generate(&[]);
    site.commit();
    let (done, said) = site.xtask(&["migrate", "new", "books"]);
    assert!(done, "{said}");
    site.generate(&[]);
    let renamed = |name: &str| field(name).replace("string", "string, was: shade");
    site.fields(&renamed("tone"));
    site.generate(&[]);
    site.fields(&(renamed("tint") + &field("size")));
    site.generate(&[]);
    assert_eq!(site.drafts().len(), 3, "{:?}", site.drafts());
    site.fields(&field("shade"));
    site.generate(&[]);
    assert_eq!(site.drafts(), ["0002_add_tag_shade.sql", "0003_books.sql"]);
    site.generate(&["--check"]);
    assert_eq!(site.git(&["status", "--porcelain", "migrations"]), "?? migrations/0003_books.sql\n");
}

#[test]
fn the_draft_behind_one_that_was_edited_is_one_file_too() {
    let site = Site::new();
    site.fields(&field("shade"));
    site.generate(&[]);
    site.write("migrations/0002_add_tag_shade.sql", &(site.sql() + "\n-- edited\n"));
    for more in ["size", "shape"] {
        site.fields(&(field("shade") + &field(more)));
        site.generate(&[]);
        assert_eq!(site.drafts(), ["0002_add_tag_shade.sql".to_owned(), format!("0003_add_tag_{more}.sql")]);
    }
    site.fields(&field("shade"));
    site.generate(&[]);
    assert_eq!(site.drafts(), ["0002_add_tag_shade.sql"]);
}

#[test]
fn the_last_migration_is_taken_back() {
    let site = Site::new();
    site.refused(&["migrate", "undo"], "every migration is in a commit");
    site.fields("  shade: { type: string, description: How dark. }\n");
    site.generate(&[]);
    let (done, said) = site.xtask(&["migrate", "undo"]);
    assert!(done && said.contains("schema/ still has the change"), "{said}");
    site.has_migrations_of_the_commit();
    assert!(said.contains("changed  generated/schema.graphql"), "{said}");
    assert_eq!(site.git(&["status", "--porcelain", "generated", "migrations"]), "");
    site.generate(&[]);
    assert_eq!(site.drafts(), ["0002_add_tag_shade.sql"]);
    // If the schema has already gone back, no generated files are left behind.
    site.fields("");
    let (done, said) = site.xtask(&["migrate", "undo"]);
    assert!(done && said.contains("generated/schema.graphql"), "{said}");
    site.generate(&["--check"]);
    assert_eq!(site.git(&["status", "--porcelain", "generated", "migrations"]), "");
}

#[test]
fn several_migrations_become_one() {
    let site = Site::new();
    site.git(&["switch", "--quiet", "--create", "more"]);
    for (count, name) in ["shade", "size", "shape"].into_iter().enumerate() {
        site.fields(&["shade", "size", "shape"][..=count].iter().copied().map(field).collect::<String>());
        site.generate(&[]);
        if name != "shape" {
            site.commit();
        }
    }
    assert_eq!(site.drafts().len(), 3);
    let (done, said) = site.xtask(&["migrate", "squash"]);
    assert!(done, "{said}");
    assert_eq!(site.drafts(), ["0002_change_tag.sql"]);
    let sql = site.sql();
    assert!(["shade", "size", "shape"].iter().all(|name| sql.contains(&format!("add column {name}"))), "{sql}");
    site.generate(&["--check"]);
    let (done, said) = site.xtask(&["migrate", "squash"]);
    assert!(done && said.contains("nothing to do"), "{said}");
}

#[test]
fn a_squash_that_is_not_committed_is_a_draft() {
    let site = Site::new();
    site.git(&["switch", "--quiet", "--create", "more"]);
    let mut fields = String::new();
    for name in ["shade", "size"] {
        fields += &field(name);
        site.fields(&fields);
        site.generate(&[]);
        site.commit();
    }
    let (done, said) = site.xtask(&["migrate", "squash"]);
    assert!(done && said.contains("commit this"), "{said}");
    site.fields(&(fields.clone() + &field("shape")));
    site.generate(&[]);
    assert!(["shade", "size", "shape"].iter().all(|name| site.sql().contains(name)), "{}", site.sql());
    site.generate(&["--check"]);
    let (done, said) = site.xtask(&["migrate", "undo"]);
    assert!(done && said.contains("restored migrations/0003_add_tag_size.sql"), "{said}");
    site.has_migrations_of_the_commit();
    site.generate(&[]);
    assert_eq!(site.drafts(), ["0002_add_tag_shade.sql", "0003_add_tag_size.sql", "0004_add_tag_shape.sql"]);
}

#[test]
fn a_squash_begins_where_the_branch_left_the_trunk() {
    let site = Site::new();
    let mut fields = String::new();
    let mut add = |name: &str| {
        fields += &field(name);
        site.fields(&fields);
        site.generate(&[]);
        site.commit();
    };
    site.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
    site.git(&["symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main"]);
    add("shade");
    let main = site.git(&["rev-parse", "--short=7", "HEAD"]);
    site.git(&["switch", "--quiet", "--create", "more"]);
    add("size");
    add("shape");
    site.refused(&["migrate", "squash", "--since", "nowhere"], "unknown revision `nowhere`");
    let (done, said) = site.xtask(&["migrate", "squash"]);
    assert!(done && said.contains(&format!("Squash everything after main ({})", main.trim())), "{said}");
    assert_eq!(site.drafts(), ["0002_add_tag_shade.sql", "0003_change_tag.sql"]);

    // The trunk itself is squashed only as far as it was not pushed, and not at all without a remote.
    site.commit();
    site.git(&["branch", "--quiet", "--force", "main", "HEAD"]);
    site.git(&["switch", "--quiet", "main"]);
    let (done, said) = site.xtask(&["migrate", "squash"]);
    assert!(done && said.contains("Squash everything after origin/HEAD"), "{said}");
    assert_eq!(site.drafts(), ["0002_change_tag.sql"]);
    site.git(&["reset", "--quiet", "--hard"]);
    site.git(&["symbolic-ref", "--delete", "refs/remotes/origin/HEAD"]);
    let (done, said) = site.xtask(&["migrate", "squash"]);
    assert!(done && said.contains("at most one migration after the last commit"), "{said}");
}

#[test]
fn what_was_made_looser_is_taken_back_unasked() {
    let site = Site::new();
    let weight = "  weight: { type: integer, min: 0, description: How heavy. }\n";
    let loose = &weight.replace("min: 0, ", "");
    let size = field("size");
    site.fields(weight);
    site.generate(&[]);
    site.commit();
    let as_committed = || (site.generate(&[]), site.has_migrations_of_the_commit());
    // With another type, whose values cannot be checked against this one's rules.
    site.fields(&loose.replace("integer", "string"));
    site.refused(&["generate"], "M301");
    site.generate(&["--allow", "M301=tag.weight"]);
    site.fields(weight);
    as_committed();
    // Rules alone, and together with another field, in full or in part.
    site.fields(loose);
    site.generate(&[]);
    assert_ne!(site.git(&["status", "--porcelain", "migrations"]), "");
    site.fields(weight);
    as_committed();
    site.fields(&format!("{loose}{size}"));
    site.generate(&[]);
    site.fields(&format!("{weight}{size}"));
    site.generate(&[]);
    site.fields(weight);
    as_committed();
    // An edited draft is left unchanged, and asks nothing more.
    site.fields(&format!("{loose}{size}"));
    site.generate(&[]);
    let edited = fs::read_to_string(site.path("migrations/0003_add_tag_size.sql")).expect("text") + "\n-- edited\n";
    site.write("migrations/0003_add_tag_size.sql", &edited);
    site.fields(&format!("{weight}{size}"));
    site.generate(&[]);
    site.fields(&format!("{}{size}", weight.replace('0', "1")));
    site.refused(&["generate"], "M205");
}

#[test]
fn a_rule_is_acknowledged_once() {
    let site = Site::new();
    let name = |max: u8| TAG.replace("type: string", &format!("type: string, max: {max}"));
    let size = field("size");
    site.write("schema/tag.yaml", &name(50));
    site.refused(&["generate"], "M205");
    site.generate(&["--allow", "M205=tag.name"]);
    assert!(site.drafts().is_empty(), "the catalog alone records it");
    site.write("schema/tag.yaml", &(name(50) + &size));
    site.generate(&[]);
    site.write("schema/tag.yaml", &(name(50) + &field("shade")));
    site.generate(&[]);
    assert_eq!(site.drafts(), ["0002_add_tag_shade.sql"]);
    site.write("schema/tag.yaml", TAG);
    site.generate(&[]);
    site.has_migrations_of_the_commit();
}

#[test]
fn an_answer_that_nothing_asks_for_is_refused() {
    let site = Site::new();
    let unique = |unique: bool| format!("  code: {{ type: string, unique: {unique}, description: A code. }}\n");
    let size = field("size");
    site.fields(&unique(false));
    site.generate(&[]);
    site.commit();
    let early = ["generate", "--allow", "M202=tag.code"];
    site.refused(&early, "--allow M202=tag.code: no hazard needs it");
    site.fields(&format!("{}{size}", unique(false)));
    site.refused(&early, "--allow M202=tag.code: no hazard needs it");
    site.generate(&["--allow", "M202", "--allow-data-loss"]);
    let header =
        || fs::read_to_string(site.path("migrations").join(site.drafts().pop().expect("a draft"))).expect("text");
    assert!(header().contains("generate` from"), "what nothing asked for is not kept: {}", header());
    // An answer given twice was needed; once its change is reverted, it must not answer later questions.
    site.fields(&format!("{}{size}", unique(true)));
    site.refused(&["generate"], "M202");
    site.generate(&early[1..]);
    site.generate(&early[1..]);
    assert!(header().contains("--allow M202=tag.code"), "{}", header());
    site.fields(&format!("{}{size}", unique(false)));
    site.generate(&[]);
    assert!(!header().contains("M202"), "{}", header());
    site.fields(&format!("{}{size}", unique(true)));
    site.refused(&["generate"], "M202");
    // Dropping something that was never committed is not a loss, so nothing asks.
    site.fields(&unique(false));
    site.refused(&["generate", "--allow", "M103=tag.size"], "no hazard needs it");
    site.generate(&[]);
    site.has_migrations_of_the_commit();
}

#[test]
fn files_that_the_catalog_does_not_know_are_noticed() {
    let site = Site::new();
    site.fields("  shade: { type: string, description: How dark. }\n");
    site.generate(&[]);
    let sql = site.sql();
    let copy = |name: &str| site.write(&format!("migrations/{name}"), &sql);
    copy("0003_add_tag_other.sql");
    site.refused(&["generate"], "migrations/0003_add_tag_other.sql is not in migrations/catalog.json");
    fs::remove_file(site.path("migrations/0003_add_tag_other.sql")).expect("it is there");
    copy("0002_add_tag_other.sql");
    site.refused(&["generate", "--check"], "two migrations have the number 2");
    fs::remove_file(site.path("migrations/0002_add_tag_other.sql")).expect("it is there");
    fs::remove_file(site.path("migrations/0002_add_tag_shade.sql")).expect("it is there");
    site.refused(&["generate"], "migrations/catalog.json belongs to 0002_add_tag_shade, which is not in migrations/");
    assert!(Path::new(&site.path("migrations/catalog.json")).exists());
}
