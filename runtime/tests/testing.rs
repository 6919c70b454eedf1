//! Test databases are empty, isolated and dropped afterwards.

use runtime::testing::TestDb;

#[tokio::test]
async fn each_test_has_a_database_of_its_own() {
    let (first, second) = (TestDb::new().await, TestDb::new().await);
    sqlx::query("create table only_here (id bigint)").execute(&first.pool).await.expect("an empty database");
    let seen = "select count(*) from pg_tables where tablename = 'only_here'";
    let count: i64 = sqlx::query_scalar(seen).fetch_one(&second.pool).await.expect("the other database");
    assert_eq!(count, 0);
    first.close().await;
    second.close().await;
}
