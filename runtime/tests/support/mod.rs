//! A schema with every field shape and its database, shared by the tests of reads and writes.

pub mod access;
pub mod schema;
pub mod tables;

use runtime::Store;
use runtime::content::SchemaInfo;
use runtime::testing::TestDb;

/// The server's own tables, and the text order.
const SYSTEM: &str = concat!(
    include_str!("../../migrate/src/system/0001_identity.sql"),
    include_str!("../../migrate/src/system/0002_order.sql"),
    include_str!("../../migrate/src/system/0003_outbox.sql"),
    include_str!("../../migrate/src/system/0004_job.sql"),
    include_str!("../../migrate/src/system/0005_job_lanes.sql"),
    include_str!("../../migrate/src/system/0006_job_under_way.sql"),
    include_str!("../../migrate/src/system/0007_revisions.sql"),
    include_str!("../../migrate/src/system/0008_webhooks.sql"),
    include_str!("../../migrate/src/system/0009_scheduled_change.sql"),
    include_str!("../../migrate/src/system/0010_release.sql"),
    include_str!("../../migrate/src/system/0011_preview_link.sql"),
    include_str!("../../migrate/src/system/0012_redirect.sql"),
    include_str!("../../migrate/src/system/0013_collaboration.sql"),
    include_str!("../../migrate/src/system/0014_review.sql"),
    include_str!("../../migrate/src/system/0015_schedule_order.sql"),
    include_str!("../../migrate/src/system/0016_bin_entry.sql"),
    include_str!("../../migrate/src/system/0017_kept_values.sql"),
    include_str!("../../migrate/src/system/0018_search.sql"),
    include_str!("../../migrate/src/system/0019_search_batch.sql"),
    include_str!("../../migrate/src/system/0020_listing.sql"),
    include_str!("../../migrate/src/system/0021_search_engine.sql"),
    include_str!("../../migrate/src/system/0022_search_words.sql"),
);

/// An empty database with the tables of [`schema::SHOP`].
pub struct Shop {
    pub db: TestDb,
    pub store: Store,
}

impl Shop {
    pub async fn new() -> Self {
        Self::of(&schema::SHOP).await
    }

    /// A database with the tables of another schema.
    pub async fn of(schema: &'static SchemaInfo) -> Self {
        let db = TestDb::new().await;
        let sql = tables::create(schema) + SYSTEM;
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql.clone()))
            .execute(&db.pool)
            .await
            .unwrap_or_else(|error| panic!("{error}\n{sql}"));
        let store = db.database(schema).trusted();
        Self { db, store }
    }

    pub async fn close(self) {
        self.db.close().await;
    }
}
