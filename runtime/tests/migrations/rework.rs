//! Random walks of a draft migration: it is generated again with each change, and a database with its last version is migrated
//! to the new one without losing data.

use futures_util::StreamExt;
use runtime::migrate::{Error, Migrations};

use super::change::{Changes, change};
use super::data;
use super::history::{Retention, compile};
use super::introspect::{compare, expected, introspect};
use super::model::Model;
use super::random::Random;
use super::verify::{State, complete};

const STEPS: usize = 5;

#[derive(Default)]
struct Walked {
    applied: usize,
    refused: usize,
}

/// `TYPECASE_WALKS=200` runs more walks; `TYPECASE_SEED=7` runs only that one.
#[tokio::test]
async fn a_draft_is_reworked_without_loss() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seeds = match number("TYPECASE_SEED") {
        Some(seed) => seed..seed + 1,
        None => 1..number("TYPECASE_WALKS").unwrap_or(4) + 1,
    };
    let mut all = Walked::default();
    let mut walks = futures_util::stream::iter(seeds.map(walk)).buffer_unordered(4);
    while let Some(walked) = walks.next().await {
        all.applied += walked.applied;
        all.refused += walked.refused;
    }
    println!("{} changes applied, {} refused", all.applied, all.refused);
    assert!(all.applied > all.refused, "most changes must apply, or the walk proves little");
}

async fn walk(seed: u64) -> Walked {
    let mut random = Random::new(seed);
    let mut model = Model::random(&mut random);
    let mut history = Retention::new().await;
    history.generate(&compile(&model.sources()), &[]).expect("an empty database has no hazards");
    history.migrate().await.expect("the first migration");
    let base = (history.files.clone(), history.catalog.clone(), history.catalog_json.clone());
    let mut walked = Walked::default();
    for step in 0..STEPS {
        data::fill(&history.db.pool, &history.catalog, &mut random).await;
        let before = model.clone();
        let had = (history.files.clone(), history.catalog.clone(), history.catalog_json.clone());
        let data_before = data::read(&history.db.pool, &had.1).await;
        let mut changes = Changes::default();
        for _ in 0..1 + random.below(2) {
            change(&mut model, &mut random, &mut changes);
        }
        let context = format!("seed {seed}, step {step}: {:?}", changes.about);
        let schema = compile(&model.sources());
        // From the state of the database: this is the rework.
        let sql = match history.generate_answering(&schema) {
            Ok(true) => history.files.pop().expect("a file").1,
            Ok(false) => continue,
            Err(refusals) => panic!("{context}: {refusals:?}"),
        };
        // From the last commit: this is the draft.
        (history.files, history.catalog, history.catalog_json) = base.clone();
        let drafted = history.generate_answering(&schema);
        let files: Vec<_> = history.files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        let catalog = codegen::catalog::hash(&history.catalog_json);
        let migrations = Migrations { files: &files, catalog: &catalog };
        let done = match drafted {
            Ok(_) => runtime::migrate::rework(&history.db.options, migrations, &sql).await,
            // Two steps cannot always be expressed as one.
            Err(_) => Err(Error::Refused("no draft".to_owned())),
        };
        match done {
            Ok(()) => {
                walked.applied += 1;
                history.check().await.unwrap_or_else(|error| panic!("{context}: {error}"));
                compare(&introspect(&history.db.pool).await, &expected(&history.catalog), &context);
                let data_after = data::read(&history.db.pool, &history.catalog).await;
                let state = State { context: &context, sql: &sql, changes: &changes, old: &before, new: &model };
                state.verify(&data_before, &had.1, &data_after, &history.catalog);
                complete(&data_after, &history.catalog, &context);
            }
            Err(Error::Refused(_)) => {
                walked.refused += 1;
                (history.files, history.catalog, history.catalog_json) = had;
                model = before;
                let same = data::read(&history.db.pool, &history.catalog).await == data_before;
                assert!(same, "{context}: it failed and changed data all the same");
                history.check().await.unwrap_or_else(|error| panic!("{context}: {error}"));
            }
            Err(other) => panic!("{context}: {other}"),
        }
    }
    let found = introspect(&history.db.pool).await;
    let reworked = std::mem::replace(&mut history.db, runtime::testing::TestDb::new().await);
    history.migrate().await.expect("the last commit and the draft");
    compare(&found, &introspect(&history.db.pool).await, &format!("seed {seed}: reworked and from nothing"));
    history.db.close().await;
    reworked.close().await;
    walked
}
