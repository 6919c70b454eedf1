//! A schema with every shape of field, and a database made for it: what the tests of reads and writes share.

pub mod access;
pub mod schema;
pub mod tables;

use runtime::testing::TestDb;
use runtime::{Database, Store};

/// A database that holds the tables of [`schema::SHOP`], empty.
pub struct Shop {
    pub db: TestDb,
    pub store: Store,
}

impl Shop {
    pub async fn new() -> Self {
        let db = TestDb::new().await;
        let sql = tables::create(&schema::SHOP);
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql.clone()))
            .execute(&db.pool)
            .await
            .unwrap_or_else(|error| panic!("{error}\n{sql}"));
        let store = Database::new(db.pool.clone(), &schema::SHOP).trusted();
        Self { db, store }
    }

    pub async fn close(self) {
        self.db.close().await;
    }
}
