//! The migrations of a checkout and what comes next: the history, the uncommitted draft, the next file.

mod ask;
pub mod draft;
pub mod next;

use std::collections::BTreeMap;

use next::number;

/// Reports duplicate numbers: two branches that both added a migration use the same one.
pub fn numbering(folder: &str, files: &[String]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut by_number: BTreeMap<u32, Vec<&str>> = BTreeMap::new();
    for file in files {
        match number(file) {
            Some(number) if file.starts_with(&format!("{number:04}_")) => {
                by_number.entry(number).or_default().push(file)
            }
            _ => wrong.push(format!(
                "error[M505]: {folder}/{file} has no number\n  = help: name it like 0007_fill_weights.sql"
            )),
        }
    }
    for (number, files) in by_number {
        if files.len() > 1 {
            wrong.push(format!(
                "error[M506]: two migrations have the number {number}: {}\n  = help: delete the one that is not merged yet, and run `cargo xtask generate` again; give a hand-written one the next number",
                files.join(", ")
            ));
        }
    }
    wrong
}
