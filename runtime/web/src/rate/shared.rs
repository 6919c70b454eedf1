//! Limits shared by all nodes: a script in Redis or Valkey reads and updates the state of a key.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::{self, BoxFuture};
use redis::{Cmd, ErrorKind, RedisError, RedisResult, Script, ServerErrorKind};

use super::Rate;
use super::link::{CONNECT, Link, PATIENCE, Redis, Way};
use base::error::{Code, Error, Result};

/// After a failure Redis is not used for this long, so that requests do not each wait for it.
const PAUSE: Duration = Duration::from_secs(2);

/// Also if only one side speaks TLS.
const SILENT: &str = "it does not answer in time";

/// GCRA as in `Generations::take`, by the clock of Redis in microseconds. Numbers are written out, because Lua would
/// round them. It uses one key, so that a cluster knows the node.
const GCRA: &str = "
    local time = redis.call('TIME')
    local now = time[1] * 1000000 + time[2]
    local empty = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now)
    local next = empty + tonumber(ARGV[1])
    if next - now > tonumber(ARGV[2]) then return {0, string.format('%.0f', empty - now)} end
    redis.call('SET', KEYS[1], string.format('%.0f', next), 'PX', math.ceil((next - now) / 1000))
    return {1, string.format('%.0f', next - now)}";

/// A connection, or the attempt to make one. The attempt continues even if no request waits for it.
type Connecting = future::Shared<BoxFuture<'static, std::result::Result<Link, Arc<str>>>>;

pub struct Shared {
    way: Way,
    link: Mutex<Option<Connecting>>,
    /// The script's SHA-1, by which Redis caches it.
    hash: String,
    begin: Instant,
    /// Milliseconds since `begin` until which Redis counts as unreachable; 0 while it is reachable.
    away_until: AtomicU64,
}

impl Shared {
    /// Connects at the first use.
    pub fn new(redis: &Redis) -> Result<Self> {
        let told = |wrong: base::settings::Wrong| {
            Error::new(Code::BadRequest, format!("{}: {}", wrong.variable, wrong.message))
        };
        let way = Way::to(redis).map_err(told)?;
        let hash = Script::new(GCRA).get_hash().to_owned();
        Ok(Self { way, link: Mutex::default(), hash, begin: Instant::now(), away_until: AtomicU64::new(0) })
    }

    /// Whether this many requests are allowed, and how far ahead the bucket's moment is, in microseconds. `None` while
    /// Redis is unreachable.
    pub async fn take(&self, key: &str, rate: Rate, count: u32) -> Option<(bool, u64)> {
        if !self.may_ask() {
            return None;
        }
        match tokio::time::timeout(PATIENCE, self.ask(key, rate.steps(count), rate.micros())).await {
            Ok(Ok(taken)) => {
                if self.away_until.swap(0, Ordering::Relaxed) > 0 {
                    tracing::info!("Redis is reachable again: all nodes share their rate limits");
                }
                Some(taken)
            }
            Ok(Err(cause)) => self.away(&cause),
            Err(_) => self.away(SILENT),
        }
    }

    /// Runs the script once, on a separate key.
    pub async fn probe(&self) -> std::result::Result<(), String> {
        let asked = self.ask("typecase:rate:probe", 1, 1_000_000);
        let answer = tokio::time::timeout(CONNECT + PATIENCE, asked).await;
        answer.map_err(|_| SILENT.to_owned())?.map(drop)
    }

    async fn ask(&self, key: &str, step: u64, window: u64) -> std::result::Result<(bool, u64), String> {
        let held = self.link();
        let was_there = held.peek().is_some();
        let asked = match self.run(held.clone(), key, step, window).await {
            // The connection was closed while it was idle.
            Err(Failure::Asked(error)) if was_there && error.is_connection_dropped() => {
                self.forget(&held);
                self.run(self.link(), key, step, window).await
            }
            asked => asked,
        };
        asked.map_err(|failure| match failure {
            Failure::NoLink(cause) => cause.to_string(),
            Failure::Asked(error) => told(&error),
        })
    }

    async fn run(
        &self,
        held: Connecting,
        key: &str,
        step: u64,
        window: u64,
    ) -> std::result::Result<(bool, u64), Failure> {
        let mut link = held.await.map_err(Failure::NoLink)?;
        let known = self.command("EVALSHA", &self.hash, key, step, window);
        let asked = match link.ask(&known).await {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                link.ask(&self.command("EVAL", GCRA, key, step, window)).await
            }
            asked => asked,
        };
        asked.map_err(Failure::Asked)
    }

    fn command(&self, name: &str, script: &str, key: &str, step: u64, window: u64) -> Cmd {
        let mut command = redis::cmd(name);
        command.arg(script).arg(1).arg(key).arg(step).arg(window);
        command
    }

    fn link(&self) -> Connecting {
        let mut held = self.link.lock().unwrap_or_else(PoisonError::into_inner);
        let link = held.get_or_insert_with(|| connecting(self.way.clone()));
        link.clone()
    }

    /// Makes the next request connect again, unless this connection is still being made.
    fn forget(&self, link: &Connecting) {
        let mut held = self.link.lock().unwrap_or_else(PoisonError::into_inner);
        if held.as_ref().is_some_and(|held| held.ptr_eq(link) && held.peek().is_some()) {
            *held = None;
        }
    }

    /// While Redis is unreachable, one request per pause tries it; the others do not wait.
    fn may_ask(&self) -> bool {
        let away_until = self.away_until.load(Ordering::Relaxed);
        away_until == 0
            || self.now() >= away_until
                && self
                    .away_until
                    .compare_exchange(away_until, self.next_try(), Ordering::Relaxed, Ordering::Relaxed)
                    .is_ok()
    }

    /// Logged once per outage. A connection that hangs may have lost its peer unnoticed, so the next attempt makes a
    /// new one.
    fn away<T>(&self, cause: &str) -> Option<T> {
        if self.away_until.swap(self.next_try(), Ordering::Relaxed) == 0 {
            tracing::warn!(cause, "Redis is unreachable: each node counts requests for itself");
        }
        let held = self.link.lock().unwrap_or_else(PoisonError::into_inner).clone();
        held.iter().for_each(|link| self.forget(link));
        None
    }

    fn next_try(&self) -> u64 {
        self.now() + u64::try_from(PAUSE.as_millis()).unwrap_or(u64::MAX)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.begin.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

enum Failure {
    NoLink(Arc<str>),
    Asked(RedisError),
}

fn connecting(way: Way) -> Connecting {
    let made = async move {
        let made: RedisResult<Link> = match tokio::time::timeout(CONNECT, way.connect()).await {
            Ok(made) => made,
            Err(_) => return Err(SILENT.into()),
        };
        made.map_err(|error| told(&error).into())
    };
    let made = made.boxed().shared();
    tokio::spawn(made.clone());
    made
}

/// The message with a hint for the fix, if known.
fn told(error: &RedisError) -> String {
    if error.is_timeout() {
        return SILENT.to_owned();
    }
    let hint = match error.kind() {
        ErrorKind::Server(ServerErrorKind::Moved) => "; it is a cluster: set TYPECASE_REDIS_CLUSTER=on",
        _ => "",
    };
    format!("{error}{hint}")
}
