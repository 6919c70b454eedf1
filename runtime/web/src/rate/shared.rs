//! The same limits for all nodes: one script in Redis or Valkey reads and moves a key's moment.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, RedisResult, Script};

use super::Rate;
use base::error::{Error, Result};

/// A request waits for Redis no longer than this.
const PATIENCE: Duration = Duration::from_millis(250);
/// After a failure Redis is left alone this long, so that requests do not wait for it one after the other.
const PAUSE: Duration = Duration::from_secs(2);

/// GCRA as in `Generations::take`, by the clock of Redis in microseconds. Numbers are written out: Lua would round them.
const GCRA: &str = "
    local time = redis.call('TIME')
    local now = time[1] * 1000000 + time[2]
    local empty = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now)
    local next = empty + tonumber(ARGV[1])
    if next - now > tonumber(ARGV[2]) then return {0, string.format('%.0f', empty - now)} end
    redis.call('SET', KEYS[1], string.format('%.0f', next), 'PX', math.ceil((next - now) / 1000))
    return {1, string.format('%.0f', next - now)}";

pub struct Shared {
    client: Client,
    connection: Mutex<ConnectionManager>,
    script: Script,
    begin: Instant,
    /// Milliseconds since `begin` until which Redis counts as away; 0 while it is there.
    away_until: AtomicU64,
}

impl Shared {
    /// Connects when first used.
    pub fn new(url: &str) -> Result<Self> {
        // Its message could hold the password of the address.
        let wrong = |_| Error::internal("REDIS_URL is no address of a Redis: `redis://host:6379`");
        let client = Client::open(url).map_err(wrong)?;
        let connection = Mutex::new(connection(&client).map_err(wrong)?);
        let script = Script::new(GCRA);
        Ok(Self { client, connection, script, begin: Instant::now(), away_until: AtomicU64::new(0) })
    }

    /// Whether so many more are allowed, and how far ahead its bucket is, in microseconds. `None` while Redis is away.
    pub async fn take(&self, key: &str, rate: Rate, count: u32) -> Option<(bool, u64)> {
        if !self.may_ask() {
            return None;
        }
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut call = self.script.key(key);
        call.arg(rate.steps(count)).arg(rate.micros());
        let answer = tokio::time::timeout(PATIENCE, call.invoke_async::<(bool, u64)>(&mut connection)).await;
        match answer {
            Ok(Ok(taken)) => {
                if self.away_until.swap(0, Ordering::Relaxed) > 0 {
                    tracing::info!("Redis is back: limits of requests hold for all nodes together");
                }
                Some(taken)
            }
            Ok(Err(error)) => self.away(&error.to_string()),
            Err(_) => self.away("it does not answer in time"),
        }
    }

    /// While Redis is away, one request in each pause finds out whether it is back; no other waits for it.
    fn may_ask(&self) -> bool {
        let away_until = self.away_until.load(Ordering::Relaxed);
        away_until == 0
            || self.now() >= away_until
                && self
                    .away_until
                    .compare_exchange(away_until, self.next_try(), Ordering::Relaxed, Ordering::Relaxed)
                    .is_ok()
    }

    /// Told once, until it is back. A connection that hangs may have lost its other end without being told, so the next try
    /// has a new one.
    fn away<T>(&self, cause: &str) -> Option<T> {
        if self.away_until.swap(self.next_try(), Ordering::Relaxed) == 0 {
            tracing::warn!(cause, "Redis is away: each node counts requests for itself");
        }
        if let Ok(new) = connection(&self.client) {
            *self.connection.lock().unwrap_or_else(PoisonError::into_inner) = new;
        }
        None
    }

    fn next_try(&self) -> u64 {
        self.now() + u64::try_from(PAUSE.as_millis()).unwrap_or(u64::MAX)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.begin.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// Connects when first used.
fn connection(client: &Client) -> RedisResult<ConnectionManager> {
    let config = ConnectionManagerConfig::new()
        .set_number_of_retries(1)
        .set_response_timeout(Some(PATIENCE))
        .set_connection_timeout(Some(PATIENCE));
    ConnectionManager::new_lazy_with_config(client.clone(), config)
}
