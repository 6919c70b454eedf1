//! The load: an HTTP/1.1 client that costs little, since it shares its cores with what it measures. `closed` and `open` send requests.

pub mod closed;
pub mod open;
mod wire;

use std::sync::Arc;

pub use wire::{Wire, once};

/// What a connection asks next.
pub trait Source: Send {
    /// A complete request.
    fn next(&mut self) -> &[u8];

    /// Reads the body of its response.
    fn got(&mut self, _body: &[u8]) -> anyhow::Result<()> {
        Ok(())
    }
}

/// The same requests in turn.
pub struct Cycle {
    requests: Arc<Vec<Vec<u8>>>,
    next: usize,
}

impl Cycle {
    /// Connections start at different offsets, so that they do not ask for the same entry at the same time.
    pub fn new(requests: &Arc<Vec<Vec<u8>>>, connection: usize) -> Self {
        Self { requests: Arc::clone(requests), next: connection * 7 }
    }
}

impl Source for Cycle {
    fn next(&mut self) -> &[u8] {
        self.next += 1;
        &self.requests[self.next % self.requests.len()]
    }
}

/// A complete request for a body of JSON.
pub fn request(path: &str, token: Option<&str>, body: &str) -> Vec<u8> {
    let length = body.len();
    let token = token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
    format!(
        "POST {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\naccept: application/json\r\n{token}content-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

pub fn requests(path: &str, bodies: &[String]) -> Arc<Vec<Vec<u8>>> {
    Arc::new(bodies.iter().map(|body| request(path, None, body)).collect())
}

/// The result of a load.
pub struct Sample {
    pub seconds: f64,
    /// Microseconds, sorted.
    latencies: Vec<u32>,
}

impl Sample {
    fn new(seconds: f64, mut latencies: Vec<u32>) -> Self {
        latencies.sort_unstable();
        Self { seconds, latencies }
    }

    pub fn requests(&self) -> usize {
        self.latencies.len()
    }

    pub fn rate(&self) -> f64 {
        self.latencies.len() as f64 / self.seconds
    }

    /// The latency in milliseconds below which this share of the requests stayed.
    pub fn percentile(&self, share: f64) -> f64 {
        let last = self.latencies.len().saturating_sub(1);
        let index = ((self.latencies.len() as f64 * share) as usize).min(last);
        self.latencies.get(index).map_or(0.0, |micros| f64::from(*micros) / 1000.0)
    }
}

fn micros(time: std::time::Duration) -> u32 {
    u32::try_from(time.as_micros()).unwrap_or(u32::MAX)
}
