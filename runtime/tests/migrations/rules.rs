//! Stored content that violates stricter rules, and components that lack required values.

use codegen::migrate::{Answers, plan};
use runtime::migrate::Error;

use super::history::{Retention, compile, source};

const BEFORE: &str = include_str!("../../../codegen/tests/plans/rules_tightened.txt");

/// The sources in one part of a plan test.
fn sources(text: &str, part: &str) -> Vec<codegen::SourceFile> {
    let rest = text.split_once(&format!("==== {part}\n")).map_or("", |(_, rest)| rest);
    let files = rest.split("==== ").next().unwrap_or("").split("# file: ").skip(1);
    let mut sources =
        vec![source("schema/cms.yaml", "site: { name: Rules, currency: EUR, currencies: [EUR], locales: [en] }\n")];
    for file in files {
        let (path, text) = file.split_once('\n').expect("a name and a text");
        let access = if text.starts_with("type:") { "access: { admin: { read: all } }\n" } else { "" };
        sources.push(source(&format!("schema/{path}"), &format!("{}\n{access}", text.trim_end())));
    }
    sources
}

const ROWS: &str = "
    insert into draft.product (id, revision, created_at, updated_at, name, count, day, lasts, price, price_currency, sizes) values
        (gen_random_uuid(), 1, now(), now(), 'a long name', 99, '2025-01-01', 7200000, 50, 'EUR', '{s,m}'),
        (gen_random_uuid(), 1, now(), now(), 'short', 9, '2026-01-01', 1, 100, 'EUR', '{s}'),
        (gen_random_uuid(), 1, now(), now(), null, null, null, null, null, null, '{}');
    insert into live.product select * from draft.product where name is not null;
    update draft.product set code = case when name = 'short' then 'O''H' else 'low' end where name is not null;
    insert into draft.product_part (id, parent_id, position, sku) select gen_random_uuid(), id, 0, 'ab' from draft.product;";

#[tokio::test]
async fn a_tighter_rule_tells_how_many_entries_break_it() {
    let mut history = Retention::new().await;
    history.generate(&compile(&sources(BEFORE, "before")), &[]).expect("an empty database has no hazards");
    history.migrate().await.expect("the first migration");
    history.run(ROWS).await;
    let after = compile(&sources(BEFORE, "after"));
    let refusals = plan(&history.catalog, &after, &Answers::default()).expect_err("rules are tighter");
    let mut answers = Answers::default();
    let mut counts = Vec::new();
    for refusal in &refusals {
        let Some(question) = &refusal.question else { continue };
        let count: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(question.clone()))
            .fetch_one(&history.db.pool)
            .await
            .unwrap_or_else(|error| panic!("{question}: {error}"));
        answers.count(question, count as u64);
        let rule = refusal.message.split(": ").next().unwrap_or_default();
        counts.push((rule.replacen(" now takes", " takes", 1), count));
    }
    let expected = [
        ("product.label takes at most 5 characters", 1),
        ("product.code takes a text that matches `[A-Z']+`", 1),
        ("product.code takes a value to be published", 2),
        ("product.count takes at most 50", 1),
        ("product.count takes at least 5", 0),
        ("product.price takes at least 1", 1),
        ("product.day takes at least 2026-01-01", 1),
        ("product.lasts takes at most PT1H", 1),
        ("product.sizes takes at most 1 item", 1),
        ("product.sizes takes at least one item", 1),
        ("product.tags takes at least 2 items", 0),
        ("product.tags takes at least one item", 3),
        ("product.parts takes at least one item", 2),
        ("product_part.sku takes at least 3 characters", 3),
        ("product.body takes at least one item", 3),
        ("product.seo takes a value to be published", 2),
    ];
    assert_eq!(counts, expected.map(|(about, count)| (about.to_owned(), count)));
    // Rules without violations raise no question; the others are reported with their number.
    let again = plan(&history.catalog, &after, &answers).expect_err("most are broken");
    assert_eq!(again.len(), refusals.len() - 2);
    assert!(again[0].message.contains("1 entry"), "{}", again[0].message);
    history.db.close().await;
}

#[tokio::test]
async fn a_rule_alone_needs_no_migration_and_no_other_database() {
    let mut history = Retention::new().await;
    let text = |max: u32| {
        let files = format!("==== a\n# file: item.yaml\ntype: item\nfields:\n  name: {{ type: string, max: {max} }}\n");
        compile(&sources(&files, "a"))
    };
    history.generate(&text(9), &[]).expect("an empty database has no hazards");
    let allowed = Answers::parse(&["M205".to_owned()], false, &[]).expect("a code");
    let plan = plan(&history.catalog, &text(5), &allowed).expect("it is allowed");
    assert!(plan.is_empty());
    let recorded = plan.recorded(&history.catalog_json).expect("the catalog records the rule");
    assert_ne!(recorded, history.catalog_json);
    assert_eq!(codegen::catalog::hash(&recorded), codegen::catalog::hash(&history.catalog_json));
    history.db.close().await;
}

#[tokio::test]
async fn a_component_without_what_it_must_have_stops_the_migration_at_every_depth() {
    let text = |title: &str, robots: &str| {
        let files = format!(
            "==== a\n# file: item.yaml\ntype: item\nfields:\n  body: {{ type: blocks, of: [section] }}\n\
             # file: components/section.yaml\ncomponent: section\nfields:\n  parts: {{ type: component, of: seo, many: true }}\n\
             # file: components/seo.yaml\ncomponent: seo\nfields:\n  title: {{ type: string{title} }}\n{robots}"
        );
        compile(&sources(&files, "a"))
    };
    let mut history = Retention::new().await;
    history.generate(&text("", ""), &[]).expect("an empty database has no hazards");
    history.migrate().await.expect("the first migration");
    history
        .run(r#"insert into draft.item (id, revision, created_at, updated_at, body) values (gen_random_uuid(), 1, now(), now(),
            '[{"_type":"section","parts":[{"_type":"seo","title":"Told"},{"_type":"seo"}]}]')"#)
        .await;
    let after = text(", required: true", "  robots: { type: enum, values: [index, none], required: true }\n");
    let allow = |arguments: &[&str]| arguments.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    history.generate(&after, &allow(&["--allow M201"])).expect("it is allowed");
    match history.migrate().await {
        Err(Error::Failed(failure)) => assert!(failure.to_string().contains("seo.robots"), "{failure}"),
        other => panic!("expected a failure, not {other:?}"),
    }
    history.run("delete from cms.migration where finished_at is null").await;
    history.files.pop();
    history.catalog = codegen::catalog::lower(&text("", ""));
    let arguments = allow(&["--set seo.title=Untitled", "--set seo.robots=index"]);
    history.generate(&after, &arguments).expect("values are given");
    history.migrate().await.expect("every component has a value");
    let body: String =
        sqlx::query_scalar("select body::text from draft.item").fetch_one(&history.db.pool).await.expect("it");
    assert_eq!(body.matches("Untitled").count(), 1, "{body}");
    assert_eq!(body.matches(r#""robots": "index""#).count(), 2, "{body}");
    history.db.close().await;
}
