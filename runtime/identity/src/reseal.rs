//! A change of TYPECASE_SECRET: every value in the database that is sealed with the previous secret is sealed again with the current one.

use serde_json::json;
use sqlx::{AssertSqlSafe, Row};

use super::secret::Resealed;
use super::{Accounts, keys, second_factor};
use base::error::{Error, Result};
use store::access::Actor;
use store::audit::{self, Event};

/// A column with a sealed value in each row.
struct Place {
    table: &'static str,
    key: &'static str,
    column: &'static str,
    /// Which rows are still needed.
    of_use: &'static str,
    /// The context with which a value is sealed, from the row's key.
    about: fn(&str) -> String,
}

const SIGNING_KEYS: Place = Place {
    table: "signing_key",
    key: "kid",
    column: "private",
    of_use: "verifies_until is null or verifies_until > now()",
    about: keys::about,
};
const SECOND_FACTORS: Place =
    Place { table: "totp", key: "user_id", column: "secret", of_use: "true", about: second_factor::about };

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Values sealed again.
    pub resealed: u64,
    /// Values that neither secret opens.
    pub lost: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub keys: Count,
    pub second_factors: Count,
}

impl Accounts {
    /// Can be repeated, and run while servers with both secrets are running.
    pub async fn reseal(&self, actor: &Actor) -> Result<Counts> {
        let counts = Counts {
            keys: self.reseal_in(&SIGNING_KEYS).await?,
            second_factors: self.reseal_in(&SECOND_FACTORS).await?,
        };
        let (keys, second_factors) = (counts.keys.resealed, counts.second_factors.resealed);
        if keys + second_factors > 0 {
            let mut event = Event::new("secret.reseal");
            event.after = Some(json!({ "signing_keys": keys, "second_factors": second_factors }));
            audit::record_alone(&self.pool, actor, event).await?;
        }
        Ok(counts)
    }

    /// Locks each row only for its own change; a row that changed meanwhile is left as it is.
    async fn reseal_in(&self, place: &Place) -> Result<Count> {
        let Place { table, key, column, of_use, about } = place;
        let select = format!("select {key}::text, {column} from cms.{table} where {of_use}");
        let update = format!("update cms.{table} set {column} = $3 where {key}::text = $1 and {column} = $2");
        let mut count = Count::default();
        for row in sqlx::query(AssertSqlSafe(select)).fetch_all(&self.pool).await? {
            let (id, sealed): (String, Vec<u8>) = (row.try_get(0)?, row.try_get(1)?);
            match self.sealer.reseal(&about(&id), &sealed)? {
                Resealed::Unchanged => {}
                Resealed::Lost => count.lost += 1,
                Resealed::Anew(anew) => {
                    let update = sqlx::query(AssertSqlSafe(update.clone())).bind(id).bind(sealed).bind(anew);
                    count.resealed += update.execute(&self.pool).await.map_err(Error::from)?.rows_affected();
                }
            }
        }
        Ok(count)
    }
}
