//! `cargo xtask new`: the file compiles, and an existing file is never overwritten.

use std::path::Path;
use std::process::{Command, Output};

fn new_type(root: &Path, name: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(["new", "type", name]).current_dir(root).output().expect("xtask runs")
}

#[test]
fn a_new_content_type_begins_with_a_file() {
    let folder = tempfile::tempdir().expect("a folder");
    for path in ["xtask", "schema"] {
        std::fs::create_dir(folder.path().join(path)).expect("a folder");
    }
    std::fs::write(folder.path().join("xtask/Cargo.toml"), "").expect("a file");
    let made = new_type(folder.path(), "event");
    assert!(made.status.success(), "{made:?}");
    let path = folder.path().join("schema/event.yaml");
    let text = std::fs::read_to_string(&path).expect("the file");
    assert!(text.contains("\ntype: event\n") && !text.contains("\n  anonymous:"), "it is public to nobody: {text}");

    std::fs::write(&path, "mine").expect("a file");
    let again = new_type(folder.path(), "event");
    assert!(!again.status.success());
    assert!(String::from_utf8_lossy(&again.stderr).contains("schema/event.yaml already exists"));
    assert_eq!(std::fs::read_to_string(&path).expect("the file"), "mine");

    let wrong = new_type(folder.path(), "../Event");
    assert!(!wrong.status.success());
    assert_eq!(std::fs::read_dir(folder.path()).expect("the folder").count(), 2);
}
