//! A change of TYPECASE_SECRET: the secrets of webhooks are sealed again with the current one.

use sqlx::{AssertSqlSafe, Row as _};
use uuid::Uuid;

use crate::manage::Webhooks;
use crate::secret;
use base::error::Result;
use base::secret::Resealed;
use store::Database;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resealing {
    /// Secrets that are sealed anew.
    pub resealed: u64,
    /// Those that neither secret opens.
    pub lost: u64,
}

impl Webhooks {
    /// Can be done again, and while servers run that have both secrets.
    pub async fn reseal(&self, database: &Database) -> Result<Resealing> {
        let mut count = Resealing::default();
        for column in ["secret", "previous_secret"] {
            let select = format!("select id, {column} from cms.webhook where {column} is not null");
            let update = format!("update cms.webhook set {column} = $3 where id = $1 and {column} = $2");
            for row in sqlx::query(AssertSqlSafe(select)).fetch_all(&database.writes).await? {
                let (id, sealed): (Uuid, Vec<u8>) = (row.try_get(0)?, row.try_get(1)?);
                match self.sealer().reseal(&secret::about(id), &sealed)? {
                    Resealed::Unchanged => {}
                    Resealed::Lost => count.lost += 1,
                    Resealed::Anew(anew) => {
                        let update = sqlx::query(AssertSqlSafe(update.clone())).bind(id).bind(sealed).bind(anew);
                        count.resealed += update.execute(&database.writes).await?.rows_affected();
                    }
                }
            }
        }
        Ok(count)
    }
}
