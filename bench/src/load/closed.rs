//! A closed-loop load: each connection sends its next request after reading the last response. It shows the most that a server does.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::{Sample, Source, Wire, micros};

/// `source` makes what a connection asks, by its number.
pub async fn run<S: Source + 'static>(
    address: &str,
    connections: usize,
    time: Duration,
    source: impl Fn(usize) -> S,
) -> Result<Sample> {
    let started = Instant::now();
    let end = started + time;
    let tasks: Vec<_> =
        (0..connections).map(|number| tokio::spawn(connection(address.to_owned(), source(number), end))).collect();
    let mut latencies = Vec::new();
    for task in tasks {
        latencies.extend(task.await??);
    }
    Ok(Sample::new(started.elapsed().as_secs_f64(), latencies))
}

async fn connection(address: String, mut source: impl Source, end: Instant) -> Result<Vec<u32>> {
    let (mut wire, mut latencies) = (Wire::connect(&address).await?, Vec::with_capacity(16 * 1024));
    let mut sent = Instant::now();
    while sent < end {
        let body = wire.ask(source.next()).await?;
        source.got(body)?;
        let now = Instant::now();
        latencies.push(micros(now - sent));
        sent = now;
    }
    Ok(latencies)
}
