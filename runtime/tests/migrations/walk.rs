//! Random walks: a schema is changed again and again over filled tables, and no data may be lost without confirmation.

use futures_util::StreamExt;
use runtime::migrate::Error;

use super::change::{Changes, change};
use super::data;
use super::history::{Retention, compile};
use super::introspect::{compare, compare_listings, expected, introspect};
use super::model::{Field, Kind, Model};
use super::random::Random;
use super::verify::{State, complete};

const STEPS: usize = 6;

/// `TYPECASE_WALKS=200` runs more walks; `TYPECASE_SEED=7` runs only that one.
#[tokio::test]
async fn nothing_is_lost_on_random_walks() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seeds = match number("TYPECASE_SEED") {
        Some(seed) => seed..seed + 1,
        None => 1..number("TYPECASE_WALKS").unwrap_or(6) + 1,
    };
    let (mut applied, mut refused) = (0, 0);
    let mut walks = futures_util::stream::iter(seeds.map(walk)).buffer_unordered(4);
    while let Some((good, bad)) = walks.next().await {
        applied += good;
        refused += bad;
    }
    println!("{applied} changes applied, {refused} refused by the data");
    assert!(applied > 3 * refused, "most changes must apply, or the walk proves little");
}

async fn walk(seed: u64) -> (usize, usize) {
    let mut random = Random::new(seed);
    let mut model = Model::random(&mut random);
    let mut history = Retention::new().await;
    history.generate(&compile(&model.sources()), &[]).expect("an empty database has no hazards");
    history.migrate().await.expect("the first migration");
    let (mut applied, mut refused) = (0, 0);
    for step in 0..STEPS {
        data::fill(&history.db.pool, &history.catalog, &mut random).await;
        compare_listings(&history.db.pool, &history.catalog, &format!("seed {seed}, step {step}")).await;
        let before = (model.clone(), history.catalog.clone(), history.catalog_json.clone());
        let data_before = data::read(&history.db.pool, &history.catalog).await;
        let mut changes = Changes::default();
        for _ in 0..1 + random.below(3) {
            change(&mut model, &mut random, &mut changes);
        }
        let context = format!("seed {seed}, step {step}: {:?}", changes.about);
        if std::env::var("TYPECASE_SEED").is_ok() {
            println!("{context}");
        }
        let schema = compile(&model.sources());
        match history.generate_answering(&schema) {
            Ok(true) => {}
            Ok(false) => continue,
            Err(refusals) => panic!("{context}: {refusals:?}"),
        }
        let sql = history.files.last().expect("a file").1.clone();
        keep(seed, step, &sql);
        match history.migrate().await {
            Ok(_) => {
                applied += 1;
                history.check().await.unwrap_or_else(|error| panic!("{context}: {error}"));
                compare(&introspect(&history.db.pool).await, &expected(&history.catalog), &context);
                compare_listings(&history.db.pool, &history.catalog, &context).await;
                let data_after = data::read(&history.db.pool, &history.catalog).await;
                let state = State { context: &context, sql: &sql, changes: &changes, old: &before.0, new: &model };
                state.verify(&data_before, &before.1, &data_after, &history.catalog);
                complete(&data_after, &history.catalog, &context);
                forget_hints(&mut model, &mut random);
            }
            Err(Error::Failed(failure)) => {
                refused += 1;
                assert!(
                    failure.code.starts_with("22") || failure.code.starts_with("235"),
                    "{context}: {failure}\n{sql}"
                );
                let same = data::read(&history.db.pool, &before.1).await == data_before;
                assert!(same, "{context}: it failed and changed data all the same: {failure}");
                history.files.pop();
                history.run("delete from cms.migration where finished_at is null").await;
                (model, history.catalog, history.catalog_json) = before;
            }
            Err(other) => panic!("{context}: {other}"),
        }
    }
    let found = introspect(&history.db.pool).await;
    let mut fresh = Retention::new().await;
    fresh.generate(&compile(&model.sources()), &[]).expect("an empty database has no hazards");
    fresh.migrate().await.expect("the first migration");
    compare(&found, &introspect(&fresh.db.pool).await, &format!("seed {seed}: through the steps and from nothing"));
    fresh.db.close().await;
    history.db.close().await;
    (applied, refused)
}

/// `TYPECASE_WALK_FILES=folder` writes the files there, for other tools.
fn keep(seed: u64, step: usize, sql: &str) {
    if let Ok(folder) = std::env::var("TYPECASE_WALK_FILES") {
        std::fs::write(format!("{folder}/{seed:04}_{step}.sql"), sql).expect("the folder can be written");
    }
}

/// Rename hints stay in a schema for a while; they must not be applied again.
fn forget_hints(model: &mut Model, random: &mut Random) {
    if random.one_in(2) {
        return;
    }
    for ty in &mut model.types {
        ty.was = None;
        ty.dropped.clear();
        ty.fields.iter_mut().for_each(forget_field);
    }
    for part in &mut model.components {
        part.was = None;
        part.dropped.clear();
        part.fields.iter_mut().for_each(forget_field);
    }
}

fn forget_field(field: &mut Field) {
    field.was = None;
    match &mut field.kind {
        Kind::Enum { values, .. } => values.iter_mut().for_each(|(_, was)| *was = None),
        Kind::Children { fields, dropped, .. } => {
            dropped.clear();
            fields.iter_mut().for_each(forget_field);
        }
        _ => {}
    }
}
