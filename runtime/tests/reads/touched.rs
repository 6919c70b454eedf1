//! Compares the tables that a store records as read with those in PostgreSQL's `EXPLAIN`, for every statement of random queries
//! under random rules.

use std::collections::BTreeSet;

use runtime::access::{Actor, Identity, Origin};
use runtime::store::Limits;
use runtime::{Database, Stage, Store, id};
use serde_json::Value as Json;
use sqlx::{AssertSqlSafe, Row as _};

use crate::access::{rules, schema};
use crate::database::{Data, Rng, run, with};
use crate::property::Writer;
use crate::schema::SCHEMA;

const CASES: u64 = 60;

type Tables = BTreeSet<(String, String)>;

#[tokio::test]
async fn the_tables_that_are_noted_are_those_that_postgresql_reads() {
    let seed = std::env::var("TOUCHED_SEED").ok().and_then(|seed| seed.parse().ok());
    let first = seed.unwrap_or_else(|| id::new_uuid().as_u128() as u64);
    let data = Data::random(&mut Rng(first), 24);
    let (db, _) = with(&data).await;
    let (mut asked, mut exact, mut several, mut joins) = (0, 0, 0, 0);
    for case in 0..CASES {
        let mut rng = Rng(first ^ (case + 1).wrapping_mul(0x2545_f491_4f6c_dd1d));
        let schema = if case % 3 == 0 { &SCHEMA } else { schema(&rules(&mut rng, &data)) };
        let database = Database::connect_lazy(&db.url(), Limits::COMMAND, schema).expect("an address");
        let actor = match case % 3 {
            0 => Actor::system(),
            _ => Actor { identity: Identity::Developer, role: "reader".into(), ..Actor::anonymous(Origin::default()) },
        };
        let (store, touched) = database.acting(actor).noting();
        let mut writer = Writer::new(Rng(rng.next()), &data);
        let query = writer.query();
        let variables = Json::Object(std::mem::take(&mut writer.variables));
        let told = format!("TOUCHED_SEED={first}, case {case}: {query}\nvariables: {variables}");
        if run(&store, &query, variables).await.is_ok() {
            let noted: Tables =
                touched.tables().into_iter().map(|(stage, table)| (schema_of(stage), table.into())).collect();
            let explained = explained(&store).await;
            assert!(noted.is_superset(&explained), "{told}\nnoted {noted:?}\nread {explained:?}");
            // PostgreSQL leaves out tables that cannot change the result, such as the rest of an OR with `true`.
            exact += usize::from(noted == explained);
            assert!(!touched.by_hand(), "{told}");
            asked += 1;
            several += usize::from(noted.len() > 2);
            joins += usize::from(noted.iter().any(|(_, table)| table == "note_labels"));
        }
        database.close().await;
    }
    assert!(exact * 4 > asked * 3, "{exact} of {asked} are exact");
    assert!(asked > 20 && several > 10 && joins > 3, "{asked} asked, {several} of several tables, {joins} of joins");
    db.close().await;
}

fn schema_of(stage: Stage) -> String {
    if stage == Stage::Live { "live" } else { "draft" }.to_owned()
}

/// The content tables in the plans of all statements that the only read connection has prepared.
async fn explained(store: &Store) -> Tables {
    let mut connection = store.at(Stage::Draft).lend().await.expect("there is a connection");
    let generic = sqlx::query("set plan_cache_mode = force_generic_plan");
    generic.execute(&mut *connection).await.expect("it is set");
    let statements =
        "select name, cardinality(parameter_types) from pg_prepared_statements where statement ~ '(draft|live)\\.'";
    let statements = sqlx::query(statements).fetch_all(&mut *connection).await.expect("they are listed");
    let mut tables = Tables::new();
    for statement in statements {
        let (name, parameters): (String, i32) = (statement.get(0), statement.get(1));
        let nulls = vec!["null"; parameters as usize].join(", ");
        let arguments = if parameters == 0 { String::new() } else { format!("({nulls})") };
        let explain = format!("explain (verbose, format json) execute {name}{arguments}");
        let plan = sqlx::query(AssertSqlSafe(explain)).fetch_one(&mut *connection).await.expect("a plan");
        let plan: String = plan.get_unchecked(0);
        collect(&serde_json::from_str(&plan).expect("a plan is JSON"), &mut tables);
    }
    tables
}

fn collect(plan: &Json, tables: &mut Tables) {
    if let (Some(schema), Some(table)) = (plan["Schema"].as_str(), plan["Relation Name"].as_str()) {
        tables.insert((schema.to_owned(), table.to_owned()));
    }
    let below: Vec<&Json> = match plan {
        Json::Array(items) => items.iter().collect(),
        Json::Object(members) => members.values().collect(),
        _ => Vec::new(),
    };
    below.into_iter().for_each(|below| collect(below, tables));
}
