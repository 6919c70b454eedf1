//! `Purge`: the job that tells the CDN. It is repeated until the CDN has taken it, which removes nothing wrong.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use base::error::{Code, Error, Result};
use jobs::{Attempt, Job, OutsideWork};
use store::Store;
use store::generations::BOUND;

use crate::client::Client;
use crate::request::requests;
use crate::settings::Settings;

/// After this time every node knows of the change, and what was on its way to the CDN has arrived.
pub const AGAIN: Duration = Duration::from_secs(BOUND.as_secs() + 4);

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Purge {
    pub tags: Vec<String>,
    /// It has been sent before.
    pub again: bool,
}

impl Job for Purge {
    const KIND: &'static str = "typecase.purge";
    const ATTEMPTS: u32 = 20;
    const TIME: Duration = Duration::from_secs(120);
    /// Until it is done, visitors may see what was.
    const PRIORITY: i16 = 10;
}

#[derive(Debug)]
pub struct Purging {
    settings: Settings,
    client: Client,
}

impl Purging {
    pub fn new(settings: Settings) -> Result<Self> {
        Ok(Self { settings, client: Client::new()? })
    }
}

impl OutsideWork<Purge> for Purging {
    async fn work(&self, _: &Store, attempt: &Attempt, job: Purge) -> Result<()> {
        for request in requests(&self.settings, &job.tags, &attempt.job.to_string(), Timestamp::now())? {
            let failed = |why: String| Error::new(Code::Unavailable, format!("the CDN could not be told: {why}"));
            let (status, head) = self.client.send(request).await.map_err(failed)?;
            if !(200..300).contains(&status) {
                return Err(failed(format!("it has answered {status}: {head}")));
            }
        }
        Ok(())
    }
}
