//! One attempt at a delivery: what is sent, its signatures, and what the answer means.

use std::time::{Duration, Instant};

use bytes::Bytes;
use jiff::Timestamp as Now;
use serde_json::{Map, Value as Json, json};
use tokio::time::timeout;

use crate::client::{Answer, Client, Failed, Message};
use crate::delivery::DELIVERY_PREFIX;
use crate::document::{Asked, Documents};
use crate::manage::Webhooks;
use crate::queue::{self, Claimed, End, Told};
use crate::results::{self, Result as Counted};
use crate::webhook::Webhook;
use crate::{retry, secret};
use base::error::Result;
use model::timestamp::Timestamp;
use store::{Database, id};

/// For the answer of a document.
const DOCUMENT: Duration = Duration::from_secs(20);
/// Bytes of what is sent.
const LONGEST: usize = 1 << 20;
/// Letters of an error that are kept.
const LONGEST_ERROR: usize = 500;

/// What attempts are made with.
pub(crate) struct Tools {
    pub database: Database,
    pub webhooks: Webhooks,
    pub documents: std::sync::Arc<dyn Documents>,
    pub client: Client,
}

impl Tools {
    /// Whether it was delivered. Its end is written down whatever it is; where that fails, its lease ends by itself.
    pub async fn attempt(&self, job: &Claimed) -> Result<bool> {
        let Some((webhook, sealed)) = queue::load(&self.database, job.webhook).await? else { return Ok(true) };
        let (sent, latency) = self.send(job, &webhook, &sealed).await;
        let (end, told, asked) = judge(job, sent, latency);
        if let Some(asked) = asked {
            queue::pause(&self.database, job.webhook, asked).await?;
        }
        let is_ours = queue::end(&self.database, job, &webhook, &end, &told).await?;
        let (message, address) = (id::encode(DELIVERY_PREFIX, job.id), crate::target::origin(&webhook.wanted.url));
        if !is_ours {
            tracing::warn!(delivery = %message, "a webhook's delivery was taken over by another node, or cancelled");
            return Ok(true);
        }
        let error = told.error.as_deref().unwrap_or_default();
        match &end {
            End::Delivered => {
                results::count(Counted::Delivered);
                tracing::debug!(delivery = %message, address, attempt = job.attempts, "a webhook was delivered");
            }
            End::Later(wait) => {
                results::count(Counted::Failed);
                tracing::warn!(delivery = %message, address, error, ?wait, "a webhook failed, and will be tried again");
            }
            End::Dead => {
                results::count(Counted::Dead);
                tracing::error!(delivery = %message, address, error, "a webhook failed its last attempt, and is dead");
            }
            End::Gone => {
                results::count(Counted::Dead);
                tracing::error!(delivery = %message, address, "a receiver has answered 410, and its webhook is disabled");
            }
        }
        Ok(matches!(end, End::Delivered))
    }

    /// And how long the receiver took.
    async fn send(&self, job: &Claimed, webhook: &Webhook, sealed: &[Vec<u8>]) -> (Result<Answer, Failed>, Duration) {
        let (keys, body) = match self.prepare(job, webhook, sealed).await {
            Ok(prepared) => prepared,
            Err(failed) => return (Err(failed), Duration::ZERO),
        };
        let id = id::encode(DELIVERY_PREFIX, job.id);
        let timestamp = Now::now().as_second();
        let signatures = secret::signatures(&keys, &id, timestamp, &body);
        let message =
            Message { url: &webhook.wanted.url, id: &id, timestamp, signatures: &signatures, body: Bytes::from(body) };
        let begun = Instant::now();
        let sent = self.client.post(&message).await;
        (sent, begun.elapsed())
    }

    async fn prepare(
        &self,
        job: &Claimed,
        webhook: &Webhook,
        sealed: &[Vec<u8>],
    ) -> Result<(Vec<secret::Key>, String), Failed> {
        let keys: Option<Vec<_>> = sealed.iter().map(|sealed| self.webhooks.open(webhook.id, sealed)).collect();
        let keys = keys.ok_or_else(|| {
            Failed(
                "its secret was sealed with another TYPECASE_SECRET: give it a new one with `rotateWebhookSecret`"
                    .into(),
            )
        })?;
        match &job.body {
            Some(body) => Ok((keys, body.clone())),
            None => Ok((keys, self.body(job, webhook).await?)),
        }
    }

    /// The answer of the webhook's document, at the first attempt that gets one.
    async fn body(&self, job: &Claimed, webhook: &Webhook) -> Result<String, Failed> {
        let data = match &webhook.wanted.document {
            // It was taken away since.
            None => thin(job),
            Some(document) => {
                let asked = Asked {
                    webhook: webhook.id,
                    document: document.clone(),
                    role: webhook.wanted.role.clone(),
                    variables: variables(job),
                };
                let answered = timeout(DOCUMENT, self.documents.answer(asked)).await;
                let answered = answered.unwrap_or_else(|_| Err("it took too long".to_owned()));
                answered.map_err(|why| Failed(format!("its document: {why}")))?
            }
        };
        let at = Timestamp::from_microsecond(job.at).unwrap_or(Timestamp::MIN).to_string();
        let body = json!({ "type": job.event, "timestamp": at, "data": data }).to_string();
        if body.len() > LONGEST {
            return Err(Failed(format!("its document: the answer has {} bytes, the limit is {LONGEST}", body.len())));
        }
        match queue::keep_body(&self.database, job, &body).await {
            Ok(true) => Ok(body),
            Ok(false) => Err(Failed("it was taken over by another node".to_owned())),
            Err(error) => Err(Failed(error.to_string())),
        }
    }
}

fn entry(job: &Claimed) -> Json {
    let entry = job.entry.zip(job.table.as_deref());
    entry.map_or(Json::Null, |(entry, table)| id::encode(table, entry).into())
}

fn variables(job: &Claimed) -> Map<String, Json> {
    let pairs = [("id", entry(job)), ("revision", json!(job.revision)), ("kind", json!(job.kind))];
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn thin(job: &Claimed) -> Json {
    json!({ "id": entry(job), "revision": job.revision })
}

/// The end of an attempt, what is kept of it, and for how long the receiver wants to be left alone.
fn judge(job: &Claimed, sent: Result<Answer, Failed>, latency: Duration) -> (End, Told, Option<Duration>) {
    let is_test = job.entry.is_none();
    let again = |asked: Option<Duration>| match retry::wait(job.attempts, asked, base::background::random()) {
        Some(wait) if !is_test => End::Later(wait),
        _ => End::Dead,
    };
    let answer = match sent {
        Ok(answer) => answer,
        Err(Failed(why)) => {
            let error = why.chars().filter(|letter| *letter != '\0').take(LONGEST_ERROR).collect();
            return (again(None), Told { latency, error: Some(error), ..Told::default() }, None);
        }
    };
    let status = answer.status;
    let told = |error: Option<String>| Told { status: Some(status), latency, answer: Some(answer.head.clone()), error };
    match status {
        200..300 => (End::Delivered, told(None), None),
        410 => (End::Gone, told(Some("the receiver has answered 410 (Gone)".to_owned())), None),
        _ => {
            let asked = answer.retry_after.as_deref().and_then(|header| retry::after(header, Now::now()));
            let is_redirect = (300..400).contains(&status);
            let error =
                if is_redirect { "a redirect, which is not followed" } else { "the status is not from 200 to 299" };
            let is_throttled = matches!(status, 429 | 502 | 503 | 504);
            (again(asked), told(Some(error.to_owned())), asked.filter(|_| is_throttled))
        }
    }
}
