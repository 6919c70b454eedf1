//! `tests/plans/*.txt`: a schema, its changed version, and the migration between them, or why there is none.
//!
//! A file has the parts `==== before`, `==== after`, `==== answers` (arguments of the command, optional) and
//! `==== migration`. In the first two, `# file: product.yaml` begins a file of `schema/`. UPDATE_EXPECT=1 rewrites the
//! last part.

use std::path::Path;

use codegen::SourceFile;
use codegen::catalog::{Catalog, lower};
use codegen::migrate::{Answers, plan};
use codegen::schema::Schema;

const SITE: &str = "site: { name: Plans, currency: EUR, currencies: [EUR], locales: [en] }\n";

fn part<'a>(text: &'a str, name: &str) -> &'a str {
    let rest = text.split_once(&format!("==== {name}\n")).map_or("", |(_, rest)| rest);
    rest.split("==== ").next().unwrap_or("")
}

fn schema(text: &str) -> Schema {
    let mut sources = vec![SourceFile { path: "schema/cms.yaml".into(), text: SITE.into() }];
    for file in text.split("# file: ").skip(1) {
        let (path, text) = file.split_once('\n').expect("a file has a name and a text");
        // Access rules do not affect the database.
        let access = if text.starts_with("type:") { "access: { admin: { read: all } }\n" } else { "" };
        sources.push(SourceFile { path: format!("schema/{path}"), text: format!("{}\n{access}", text.trim_end()) });
    }
    match codegen::compile(&sources) {
        Ok(compiled) => compiled.schema,
        Err(found) => panic!("{}", found.render(&sources)),
    }
}

fn answers(text: &str) -> Answers {
    let values =
        |name: &str| text.lines().filter_map(|line| line.strip_prefix(name)).map(str::to_owned).collect::<Vec<_>>();
    let loss = text.lines().any(|line| line == "--allow-data-loss");
    Answers::parse(&values("--allow "), loss, &values("--set ")).expect("the answers are well written")
}

fn outcome(text: &str) -> String {
    let before = part(text, "before");
    let before = if before.trim().is_empty() { Catalog::default() } else { lower(&schema(before)) };
    let after = schema(part(text, "after"));
    match plan(&before, &after, &answers(part(text, "answers"))) {
        Ok(plan) if plan.is_empty() => "nothing to do\n".to_owned(),
        Ok(plan) => {
            let migration = plan.migration(2, "cargo xtask generate");
            let json = Catalog::from_json(&migration.catalog).expect("what was written can be read");
            assert_eq!(json, lower(&after).with_past(&json), "catalog.json is the catalog");
            let warnings: String = plan.warnings.iter().map(|warning| format!("warning: {warning}\n")).collect();
            warnings + &migration.sql
        }
        Err(refusals) => refusals.iter().map(|refusal| refusal.render() + "\n").collect(),
    }
}

#[test]
fn schemas_become_the_migrations_that_are_expected() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/plans");
    let mut paths: Vec<_> =
        std::fs::read_dir(folder).expect("the folder").map(|entry| entry.expect("a file").path()).collect();
    paths.sort();
    let mut wrong = Vec::new();
    for path in &paths {
        let text = std::fs::read_to_string(path).expect("the file can be read");
        let (input, expected) = text.split_once("==== migration\n").unwrap_or((&text, ""));
        let found = outcome(input);
        if found == expected {
            continue;
        }
        if std::env::var("UPDATE_EXPECT").is_ok() {
            std::fs::write(path, format!("{}\n==== migration\n{found}", input.trim_end()))
                .expect("the file can be written");
        } else {
            let diff = similar::TextDiff::from_lines(expected, found.as_str()).unified_diff().to_string();
            wrong.push(format!("{}\n{diff}", path.display()));
        }
    }
    assert!(!paths.is_empty());
    assert!(wrong.is_empty(), "{}\nrun with UPDATE_EXPECT=1 to accept", wrong.join("\n"));
}

#[test]
fn what_entries_did_not_have_in_an_earlier_version_is_added() {
    let schema = schema("# file: product.yaml\ntype: product\nfields:\n  name: { type: string }\n");
    let mut before = lower(&schema);
    let product = before.tables.get_mut("product").expect("the table");
    product.columns.retain(|column| column.name != "created_by");
    let migration = plan(&before, &schema, &Answers::default()).expect("nothing is lost").migration(2, "x");
    let statements: Vec<_> = migration.sql.lines().filter(|line| line.starts_with("alter ")).collect();
    let add = |stage: &str| format!("alter table {stage}.product add column created_by uuid;");
    assert_eq!(statements, [add("draft"), add("live")]);
}

#[test]
fn the_first_publication_is_the_known_one_of_an_earlier_version() {
    let of_types = "# file: product.yaml\ntype: product\nfields:\n  parts: { type: children, fields: { published_at: { type: datetime } } }\n";
    let more = of_types.replace("{ type: datetime }", "{ type: datetime }, first_published_at: { type: datetime }");
    let mut before = lower(&schema(of_types));
    let product = before.tables.get_mut("product").expect("the table");
    product.columns.retain(|column| column.name != "first_published_at");
    product.indexes.retain(|index| index.on[0].column != "first_published_at");
    let migration = plan(&before, &schema(&more), &Answers::default()).expect("nothing is lost").migration(2, "x");
    let statements: Vec<_> = migration.sql.lines().filter(|line| line.starts_with("update ")).collect();
    let fill = |stage: &str| {
        format!("update {stage}.product set first_published_at = published_at where first_published_at is null;")
    };
    assert_eq!(statements, [fill("draft"), fill("live")], "only entries are published");
    let [added, filled, indexed] =
        ["add column", "update live", "create index concurrently"].map(|part| migration.sql.find(part));
    assert!(added < filled && filled < indexed && added.is_some(), "{}", migration.sql);
}

#[test]
fn a_hundred_types_are_planned_and_read_back() {
    let type_of = |index: usize| {
        let fields: String = (0..12)
            .map(|field| format!("  f{field}: {{ type: string, filterable: true, description: F. }}\n"))
            .collect();
        format!("# file: t{index}.yaml\ntype: t{index}\nplural: t{index}s\ndescription: A type.\nfields:\n{fields}")
    };
    let schema = schema(&(0..100).map(type_of).collect::<String>());
    let first = plan(&Catalog::default(), &schema, &Answers::default()).expect("no hazards");
    let migration = first.migration(1, "cargo xtask generate");
    let after = Catalog::from_json(&migration.catalog).expect("what was written can be read");
    assert!(plan(&after, &schema, &Answers::default()).expect("no hazards").is_empty());
}
