//! A closed-loop load: each connection sends its next request after reading the last response.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The result of one run of the load.
pub struct Sample {
    pub requests: u64,
    pub seconds: f64,
    /// Microseconds, sorted.
    latencies: Vec<u32>,
}

impl Sample {
    pub fn rate(&self) -> f64 {
        self.requests as f64 / self.seconds
    }

    /// The latency in milliseconds below which this share of the requests stayed.
    pub fn percentile(&self, share: f64) -> f64 {
        let last = self.latencies.len().saturating_sub(1);
        let index = ((self.latencies.len() as f64 * share) as usize).min(last);
        self.latencies.get(index).map_or(0.0, |micros| f64::from(*micros) / 1000.0)
    }
}

/// Sends the bodies in turn over this many connections for this duration.
pub async fn run(
    address: &str,
    path: &str,
    bodies: &Arc<Vec<String>>,
    connections: usize,
    time: Duration,
) -> Result<Sample> {
    let started = Instant::now();
    let end = started + time;
    let tasks: Vec<_> = (0..connections)
        .map(|number| tokio::spawn(connection(address.to_owned(), requests(address, path, bodies), number, end)))
        .collect();
    let mut latencies = Vec::new();
    for task in tasks {
        latencies.extend(task.await??);
    }
    let seconds = started.elapsed().as_secs_f64();
    latencies.sort_unstable();
    Ok(Sample { requests: latencies.len() as u64, seconds, latencies })
}

/// The body of a single response, for comparison.
pub async fn once(address: &str, path: &str, body: &str) -> Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(request(address, path, body).as_bytes()).await?;
    let mut buffer = Vec::new();
    let body = answer(&mut stream, &mut buffer).await?;
    Ok(String::from_utf8(buffer[body..].to_vec())?)
}

fn requests(address: &str, path: &str, bodies: &Arc<Vec<String>>) -> Vec<String> {
    bodies.iter().map(|body| request(address, path, body)).collect()
}

fn request(address: &str, path: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\naccept: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

async fn connection(address: String, requests: Vec<String>, number: usize, end: Instant) -> Result<Vec<u32>> {
    let mut stream = TcpStream::connect(&address).await.with_context(|| format!("{address} does not answer"))?;
    stream.set_nodelay(true)?;
    let (mut buffer, mut latencies) = (Vec::with_capacity(64 * 1024), Vec::with_capacity(16 * 1024));
    // Connections start at different offsets, so that they do not request the same entry at the same time.
    let mut next = number * 7;
    while Instant::now() < end {
        let sent = Instant::now();
        stream.write_all(requests[next % requests.len()].as_bytes()).await?;
        answer(&mut stream, &mut buffer).await?;
        latencies.push(u32::try_from(sent.elapsed().as_micros()).unwrap_or(u32::MAX));
        next += 1;
    }
    Ok(latencies)
}

/// Reads one response into the buffer and returns the offset of its body.
async fn answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<usize> {
    buffer.clear();
    let body = loop {
        if let Some(end) = find(buffer, b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(buffer).await? == 0 {
            bail!("the server closed the connection");
        }
    };
    let head = std::str::from_utf8(&buffer[..body])?.to_ascii_lowercase();
    if !head.starts_with("http/1.1 200") {
        bail!("the server answered {}", head.lines().next().unwrap_or_default());
    }
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")).context("no content-length")?;
    let length: usize = length.trim().parse()?;
    while buffer.len() < body + length {
        if stream.read_buf(buffer).await? == 0 {
            bail!("the server closed the connection in an answer");
        }
    }
    Ok(body)
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}
