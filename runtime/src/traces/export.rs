//! `Exporter`: sends queued spans in batches, and logs a failure once. Spans that cannot be sent are counted and dropped.

use std::time::Duration;

use axum::body::Bytes;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::client::{Client, Refused};
use super::{Settings, encode};
use base::background::{Stop, Stopper, backoff};
use base::error::Result;
use base::trace::{Export, Fact};

/// How long a span waits at most for others.
const PAUSE: Duration = Duration::from_secs(1);
/// For each batch.
const ATTEMPTS: u32 = 4;
/// The delay after the first failure, and the longest one.
const FIRST: Duration = Duration::from_secs(1);
const MOST: Duration = Duration::from_secs(8);
/// For the remaining spans when the server stops.
const FAREWELL: Duration = Duration::from_secs(3);

#[derive(Debug)]
pub struct Exporter {
    stopper: Stopper,
    task: JoinHandle<()>,
}

struct Sending {
    export: &'static Export,
    client: Client,
    resource: Vec<(&'static str, Fact)>,
    stop: Stop,
    is_failing: bool,
}

impl Exporter {
    /// `None` if something in this process already exports.
    pub fn start(settings: &Settings, site: &'static str) -> Result<Option<Self>> {
        let client = Client::new(settings)?;
        let Some(export) = Export::begin(settings.share) else { return Ok(None) };
        let version = env!("CARGO_PKG_VERSION");
        let service = settings.service.clone().map_or(Fact::from(site), Fact::from);
        let resource = vec![
            ("service.name", service),
            ("service.instance.id", uuid::Uuid::new_v4().to_string().into()),
            ("telemetry.sdk.name", "typecase".into()),
            ("telemetry.sdk.language", "rust".into()),
            ("telemetry.sdk.version", version.into()),
        ];
        let (stopper, stop) = Stopper::new();
        tracing::info!(endpoint = %settings.endpoint, share = settings.share, "traces are exported");
        let sending = Sending { export, client, resource, stop, is_failing: false };
        Ok(Some(Self { stopper, task: tokio::spawn(sending.run()) }))
    }

    /// Sends the remaining spans while there is time.
    pub async fn finish(self) {
        self.stopper.drain();
        let mut task = self.task;
        if timeout(FAREWELL, &mut task).await.is_err() {
            task.abort();
            tracing::warn!(seconds = FAREWELL.as_secs(), "stopped with spans that were not exported");
        }
    }
}

impl Sending {
    async fn run(mut self) {
        while !self.stop.is_draining() {
            tokio::select! {
                () = sleep(PAUSE) => {}
                () = self.export.enough() => {}
                () = self.stop.draining() => {}
            }
            self.send_a_batch().await;
        }
        while self.send_a_batch().await {}
    }

    /// Returns whether there may be more to send.
    async fn send_a_batch(&mut self) -> bool {
        let spans = self.export.take();
        if spans.is_empty() {
            return false;
        }
        let body = Bytes::from(encode::request(&self.resource, &spans));
        let many = spans.len();
        drop(spans);
        let sent = self.deliver(body).await;
        if sent {
            self.export.sent(many)
        } else {
            self.export.lost(many)
        }
        sent
    }

    /// While a batch is retried, others wait; when too many wait, new ones are dropped.
    async fn deliver(&mut self, body: Bytes) -> bool {
        for attempt in 1..=ATTEMPTS {
            let Refused { why, is_for_now } = match self.client.send(body.clone()).await {
                Ok(()) => {
                    if std::mem::take(&mut self.is_failing) {
                        tracing::info!("traces are exported again");
                    }
                    return true;
                }
                Err(refused) => refused,
            };
            if !std::mem::replace(&mut self.is_failing, true) {
                tracing::warn!(why, "traces cannot be exported; spans are dropped until they can");
            }
            if !is_for_now || self.stop.is_draining() {
                break;
            }
            if attempt < ATTEMPTS {
                tokio::select! {
                    () = sleep(backoff(attempt, FIRST, MOST)) => {}
                    () = self.stop.draining() => {}
                }
            }
        }
        false
    }
}
