//! The runner: run once, several times concurrently, after a failure, and with migrations that it refuses.

use runtime::migrate::{Error, Migrations, State, check, migrate, status};
use runtime::store::Login;
use runtime::testing::TestDb;

fn refused(result: Result<impl std::fmt::Debug, Error>) -> String {
    match result {
        Err(Error::Refused(why)) => why,
        Err(Error::Obstructed(obstacle)) => obstacle.to_string(),
        other => panic!("expected a refusal, not {other:?}"),
    }
}

#[tokio::test]
async fn several_at_once_do_the_work_once() {
    let db = TestDb::new().await;
    const FILES: &[(&str, &str)] = &[(
        "0001_start.sql",
        "create table here (id bigint);
        insert into here values (1);
        create index concurrently if not exists here_idx on public.here (id);
        select pg_sleep(0.2);",
    )];
    let migrations = Migrations { files: FILES, catalog: "a" };
    let runs = (0..4).map(|_| {
        let options = db.options.clone();
        tokio::spawn(async move { migrate(&options, migrations).await })
    });
    let mut applied = 0;
    for run in runs.collect::<Vec<_>>() {
        let report = run.await.expect("no panic").expect("it works");
        applied += report.applied.iter().filter(|file| file.name == "0001_start.sql").count();
    }
    assert_eq!(applied, 1);
    let rows: i64 = sqlx::query_scalar("select count(*) from here").fetch_one(&db.pool).await.expect("the table");
    assert_eq!(rows, 1);
    check(&db.server_pool(), migrations).await.expect("the database is current");
    db.close().await;
}

#[tokio::test]
async fn a_failure_outside_of_a_transaction_is_taken_up_again() {
    let db = TestDb::new().await;
    let first = ("0001_start.sql", "create table t (a bigint); insert into t values (1), (1);");
    let sql = "set lock_timeout = '5s';\nbegin;\nalter table t add column b bigint;\ncommit;\n\ncreate unique index concurrently if not exists t_a_key on public.t (a);\ninsert into t values (9);\n";
    let migrations = Migrations { files: &[first, ("0002_unique.sql", sql)], catalog: "b" };
    let error = migrate(&db.options, migrations).await.expect_err("there are duplicates").to_string();
    assert!(error.contains("0002_unique.sql:6: statement 5 of 6"), "{error}");
    assert!(error.contains("(a)=(1) is duplicated") && error.contains("typecase migrate"), "{error}");
    let now = status(&db.options, migrations).await.expect("a status");
    let (name, state) = now.files.last().expect("a file");
    assert!(name == "0002_unique.sql" && matches!(state, State::Unfinished { statements: 4, .. }), "{now}");
    refused(check(&db.server_pool(), migrations).await);
    sqlx::query("delete from t where ctid = (select min(ctid) from t)").execute(&db.pool).await.expect("mended");
    migrate(&db.options, migrations).await.expect("it goes on where it stopped");
    let rows: i64 = sqlx::query_scalar("select count(*) from t").fetch_one(&db.pool).await.expect("the table");
    assert_eq!(rows, 2);
    db.close().await;
}

#[tokio::test]
async fn a_failure_in_a_transaction_leaves_nothing_behind() {
    let db = TestDb::new().await;
    let sql = "set lock_timeout = '5s'; begin; create table t (a bigint); select 1 / 0; commit;";
    let error = migrate(&db.options, Migrations { files: &[("0001_start.sql", sql)], catalog: "a" }).await;
    assert!(error.expect_err("it divides by zero").to_string().contains("nothing in this file was executed"));
    let fixed = Migrations { files: &[("0001_start.sql", "begin; create table t (a bigint); commit;")], catalog: "a" };
    migrate(&db.options, fixed).await.expect("a file that was never finished may be mended");
    db.close().await;
}

#[tokio::test]
async fn files_and_database_must_fit() {
    let db = TestDb::new().await;
    let one = ("0001_start.sql", "select 1");
    let three = ("0003_more.sql", "select 3");
    let empty = Migrations { files: &[one], catalog: "a" };
    assert!(refused(check(&db.server_pool(), empty).await).contains("0001_start.sql; run `typecase migrate`"));
    migrate(&db.options, Migrations { files: &[one, three], catalog: "b" }).await.expect("both apply");

    assert!(refused(check(&db.server_pool(), empty).await).contains("ahead of this build: it has had 0003_more.sql"));
    assert!(refused(migrate(&db.options, empty).await).contains("0003_more.sql"));
    let edited = Migrations { files: &[one, ("0003_more.sql", "select 4")], catalog: "b" };
    assert!(refused(migrate(&db.options, edited).await).contains("0003_more.sql was changed after"));
    let late = Migrations { files: &[one, ("0002_late.sql", "select 2"), three], catalog: "c" };
    assert!(refused(migrate(&db.options, late).await).contains("0002_late.sql comes before 0003_more.sql"));
    let other = Migrations { files: &[one, three], catalog: "c" };
    assert!(refused(check(&db.server_pool(), other).await).contains("the catalog of the database is not the one"));
    db.close().await;
}

#[tokio::test]
async fn the_servers_own_files_come_first_and_in_a_row_of_their_own() {
    let db = TestDb::new().await;
    let one = Migrations { files: &[("0001_start.sql", "select 'cms.audit'::regclass")], catalog: "a" };
    let report = migrate(&db.options, one).await.expect("the tables of the server are there");
    let names: Vec<_> = report.applied.iter().map(|file| file.name.as_str()).collect();
    assert_eq!((names.first(), names.last()), (Some(&"system/0001_identity.sql"), Some(&"0001_start.sql")));
    let shown = status(&db.options, one).await.expect("a status").to_string();
    assert!(shown.contains("applied     system/0001_identity.sql"), "{shown}");
    // Like a database older than this file: the migration does not count as late.
    sqlx::query("delete from cms.migration where name like 'system/%'")
        .execute(&db.pool)
        .await
        .expect("no system file");
    let before = status(&db.options, one).await.expect("a status");
    assert_eq!(before.obstacle(), None, "{before}");
    db.close().await;
}

#[tokio::test]
async fn the_audit_log_is_only_added_to() {
    let db = TestDb::new().await;
    migrate(&db.options, Migrations { files: &[], catalog: "a" }).await.expect("the tables of the server");
    let mut connection = Login::plain(db.options.clone()).connect().await.expect("a connection");
    let entry = runtime::id::new_uuid();
    let event = runtime::audit::Event::new("update").on("product", entry).changed("name", "a".into(), "b".into());
    runtime::audit::record(&mut connection, &runtime::access::Actor::system(), event).await.expect("a line");
    let line: (String, String, String, Vec<String>) =
        sqlx::query_as("select actor_kind, action, after ->> 'name', fields from cms.audit where entry = $1")
            .bind(entry)
            .fetch_one(&mut connection)
            .await
            .expect("the line");
    assert_eq!(line, ("system".into(), "update".into(), "b".into(), vec!["name".into()]));
    for sql in ["update cms.audit set action = 'x'", "delete from cms.audit", "truncate cms.audit"] {
        let error = sqlx::query(sql).execute(&mut connection).await.expect_err(sql);
        assert!(error.to_string().contains("only ever added to"), "{sql}: {error}");
    }
    drop(connection);
    db.close().await;
}

#[tokio::test]
async fn a_text_that_is_too_long_for_an_index_stops_with_its_row() {
    let db = TestDb::new().await;
    let first = (
        "0001_start.sql",
        "create table t (id bigint, label text, code text);
         insert into t select n, string_agg(md5(i::text), ''), 'x' from (values (1, 2), (7, 94)) as v(n, parts), generate_series(1, parts) as i group by n;",
    );
    let sql = "select cms.assert_short('public.t', array['label', 'code']);\ncreate index concurrently if not exists t_label_idx on public.t (label, code);\n";
    let migrations = Migrations { files: &[first, ("0002_index.sql", sql)], catalog: "b" };
    let error = migrate(&db.options, migrations).await.expect_err("a label is too long").to_string();
    assert!(error.contains("label and code of row 7 of public.t has 3009 bytes"), "{error}");
    let indexes: i64 = sqlx::query_scalar("select count(*) from pg_index where indrelid = 't'::regclass")
        .fetch_one(&db.pool)
        .await
        .expect("the catalog");
    assert_eq!(indexes, 0);
    sqlx::query("update t set label = left(label, 2499)").execute(&db.pool).await.expect("shortened");
    migrate(&db.options, migrations).await.expect("it goes on where it stopped");
    db.close().await;
}

#[tokio::test]
async fn columns_that_were_dropped_are_named_where_they_are_in_the_way() {
    let db = TestDb::new().await;
    let sql = "create table wide (id bigint);
        do $$ begin execute (select 'alter table wide ' || string_agg('add c' || n || ' boolean', ', ') from generate_series(1, 1599) n); end $$;
        alter table wide drop column c1;
        alter table wide add column d boolean;";
    let migrations = Migrations { files: &[("0001_start.sql", sql)], catalog: "a" };
    let error = migrate(&db.options, migrations).await.expect_err("the table is full").to_string();
    assert!(error.contains("at most 1600 columns") && error.contains("pg_dump"), "{error}");
    db.close().await;
}
