//! An open-loop load: requests arrive at a constant rate, whether or not the server keeps up. A latency counts from the time at which
//! a request was to be sent, so a pause of the server counts for all requests that fall into it (no coordinated omission).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::sync::Semaphore;

use super::{Sample, Source, Wire, micros};

/// Requests at once; later ones wait, and their latency counts meanwhile.
const CONNECTIONS: usize = 128;

pub async fn run<S: Source + 'static>(
    address: &str,
    rate: f64,
    time: Duration,
    source: impl Fn(usize) -> S,
) -> Result<Sample> {
    let mut wires = Vec::new();
    for _ in 0..CONNECTIONS {
        wires.push(Wire::connect(address).await?);
    }
    let arrivals = Arc::new(Arrivals {
        start: Instant::now() + Duration::from_millis(20),
        rate,
        number: (rate * time.as_secs_f64()) as u32,
        next: AtomicU32::new(0),
        arrived: Semaphore::new(0),
        is_over: AtomicBool::new(false),
    });
    let clock = std::thread::spawn({
        let arrivals = Arc::clone(&arrivals);
        move || arrivals.arrive()
    });
    let tasks: Vec<_> = wires
        .into_iter()
        .enumerate()
        .map(|(number, wire)| tokio::spawn(connection(wire, source(number), Arc::clone(&arrivals))))
        .collect();
    let mut latencies = Vec::new();
    for task in tasks {
        let done = task.await?;
        arrivals.is_over.fetch_or(done.is_err(), Ordering::Relaxed);
        latencies.extend(done?);
    }
    let seconds = (Instant::now() - arrivals.start).as_secs_f64();
    // It ends by itself, and cannot fail.
    let _ = clock.join();
    Ok(Sample::new(seconds, latencies))
}

struct Arrivals {
    start: Instant,
    rate: f64,
    number: u32,
    next: AtomicU32,
    arrived: Semaphore,
    is_over: AtomicBool,
}

impl Arrivals {
    fn at(&self, number: u32) -> Instant {
        self.start + Duration::from_secs_f64(f64::from(number) / self.rate)
    }

    /// In a thread of its own, since tokio's timer is exact to a millisecond only.
    fn arrive(&self) {
        for number in 0..self.number {
            let wait = self.at(number).saturating_duration_since(Instant::now());
            if !wait.is_zero() {
                std::thread::sleep(wait);
            }
            if self.is_over.load(Ordering::Relaxed) {
                break;
            }
            self.arrived.add_permits(1);
        }
        self.arrived.add_permits(CONNECTIONS);
    }
}

async fn connection(mut wire: Wire, mut source: impl Source, arrivals: Arc<Arrivals>) -> Result<Vec<u32>> {
    let mut latencies = Vec::new();
    loop {
        arrivals.arrived.acquire().await?.forget();
        let number = arrivals.next.fetch_add(1, Ordering::Relaxed);
        if number >= arrivals.number {
            return Ok(latencies);
        }
        let body = wire.ask(source.next()).await?;
        source.got(body)?;
        latencies.push(micros(Instant::now().saturating_duration_since(arrivals.at(number))));
    }
}
