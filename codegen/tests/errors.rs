//! Each file of `errors/` is an invalid schema; its trailing comment is the expected report.
//!
//! Accept new reports with `UPDATE_EXPECT=1`, and review the diff.

use std::fs;
use std::path::{Path, PathBuf};

use codegen::SourceFile;
use codegen::diagnostic::Code;

const EXPECT: &str = "\n# expect:\n";
const SITE: &str = "site: { name: Test, currency: EUR }\n";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/errors")
}

fn cases() -> Vec<PathBuf> {
    let entries = fs::read_dir(folder()).expect("the folder is there");
    let mut cases: Vec<_> = entries.map(|entry| entry.expect("the folder can be read").path()).collect();
    cases.sort();
    cases
}

/// A line `# file: PATH` begins each file; `cms.yaml` is added implicitly.
fn sources(text: &str) -> Vec<SourceFile> {
    let mut sources: Vec<SourceFile> = Vec::new();
    for line in text.split_inclusive('\n') {
        if let Some(path) = line.strip_prefix("# file: ") {
            sources.push(SourceFile { path: path.trim().to_owned(), text: String::new() });
        }
        let last = sources.last_mut().expect("a case begins with `# file: PATH`");
        last.text.push_str(line);
    }
    if !sources.iter().any(|source| source.path.ends_with("cms.yaml")) && !text.contains("# without cms.yaml") {
        sources.push(SourceFile { path: "schema/cms.yaml".to_owned(), text: SITE.to_owned() });
    }
    sources
}

fn report(text: &str) -> String {
    let sources = sources(text);
    let found = match codegen::compile(&sources) {
        Ok(compiled) => compiled.warnings,
        Err(found) => found,
    };
    let report = found.render(&sources);
    // Otherwise every case would need access rules, which matter to only two.
    let beside = ["error[S405]", "error[S411]"];
    let other = report.split_inclusive("\n\n").filter(|said| !beside.iter().any(|code| said.starts_with(code)));
    let report = if text.contains("# without access") { report.clone() } else { other.collect() };
    let lines = report.trim_end().lines().map(|line| format!("# {line}").trim_end().to_owned()).collect::<Vec<_>>();
    lines.join("\n") + "\n"
}

#[test]
fn every_wrong_schema_gets_its_report() {
    let update = std::env::var_os("UPDATE_EXPECT").is_some();
    let mut wrong = Vec::new();
    for path in cases() {
        let text = fs::read_to_string(&path).expect("the case can be read");
        let (schema, expected) = text.split_once(EXPECT).unwrap_or((&text, ""));
        let schema = schema.trim_end();
        let actual = report(&format!("{schema}\n"));
        if actual != expected && update {
            fs::write(&path, format!("{schema}\n{EXPECT}{actual}")).expect("the case can be written");
        } else if actual != expected {
            wrong.push(format!("{}\n--- expected\n{expected}--- found\n{actual}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}\naccept with UPDATE_EXPECT=1", wrong.join("\n"));
}

#[test]
fn every_code_has_a_case_that_reports_it() {
    let cases: Vec<_> =
        cases().into_iter().map(|path| fs::read_to_string(path).expect("the case can be read")).collect();
    let without: Vec<_> = Code::ALL
        .iter()
        .filter(|code| !cases.iter().any(|case| case.contains(&format!("[{code}]:"))))
        .map(|code| code.as_str())
        .collect();
    assert!(without.is_empty(), "no case in tests/errors for {without:?}");
}

/// More warnings than are shown, followed by errors: in access rules, and in the resulting database layout.
#[test]
fn many_warnings_do_not_hide_an_error() {
    let warned: String = (0..120).map(|i| format!("  f_{i}: {{ type: boolean, localized: true }}\n")).collect();
    let broad: String = (0..1600).map(|i| format!("  b_{i}: {{ type: boolean }}\n")).collect();
    let good = "access: { admin: { read: all } }\n";
    for (fields, access, code) in
        [("", "access: { nobody: { read: all } }\n", Code::UnknownRole), (broad.as_str(), good, Code::TooMuch)]
    {
        let text = format!("# file: schema/broad.yaml\ntype: broad\n{access}fields:\n{warned}{fields}");
        let found = codegen::compile(&sources(&text)).expect_err("a wrong schema does not compile");
        assert!(found.iter().any(|diagnostic| diagnostic.code == code), "{}", found.render(&sources(&text)));
    }
}
