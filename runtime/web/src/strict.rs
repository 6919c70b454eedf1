//! The strict mode of the response cache in Redis or Valkey: see `store/src/generations/shared.rs`.
//!
//! A commit takes a lease: the script `BEGIN` marks what is about to change with a new number and counts a lease of each mark, the
//! script `END` marks it again. A response is read after the number `count` was, and holds while no mark of it has a greater number or
//! a lease. So a writer that dies leaves leases that keep others from caching until `KEEP` ends them, and never a stale response.
//!
//! **What Redis forgets.** All of this is worth nothing without its past: after `FLUSHALL`, or a restart with data from before. So an
//! `epoch` is a part of each comparison: it begins with the id of the running server, which each connection asks for, and it is
//! gone with the rest of the data. A new one is made only when all commits are done whose leases may have been forgotten.
//! A policy that evicts keys without an expiry would forget some of them, and is refused.
//!
//! **While Redis is away or slow**, nothing waits for it: a request that had no answer in time drops the connection, and until the keeper
//! has a new one, all is read from the database.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use redis::aio::MultiplexedConnection;
use redis::{Cmd, FromRedisValue, Script};
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use super::rate::Redis;
use super::rate::link::{CONNECT, Link, Way};
use base::error::{Code, Error, Result};
use store::generations::{Shared, Time};

/// For a read: what Redis takes longer for, the database does too.
const HIT: Duration = Duration::from_millis(60);
/// For a commit.
const COMMIT: Duration = Duration::from_millis(250);
/// Between looks of the keeper.
const LOOK: Duration = Duration::from_millis(500);
/// After a failure, so that requests do not each lose time.
const PAUSE: Duration = Duration::from_secs(2);
/// A commit is done so long after its lease began, in milliseconds.
const LEASE: u64 = 5_000;

/// Arguments: the prefix, the lease, its time, the marks.
const BEGIN: &str = "
    local p, time, marks = ARGV[1], redis.call('TIME'), {}
    local count = redis.call('INCR', p .. 'count')
    for i = 4, #ARGV do
        redis.call('SET', p .. 'n:' .. ARGV[i], string.format('%.0f', count))
        redis.call('INCR', p .. 'l:' .. ARGV[i])
        marks[#marks + 1] = ARGV[i]
    end
    redis.call('ZADD', p .. 'leases', string.format('%.0f', time[1] * 1000 + time[2] / 1000 + ARGV[3]), ARGV[2])
    redis.call('HSET', p .. 'of', ARGV[2], table.concat(marks, ' '))
    return 1";

/// The end of a lease; nothing if it has ended.
macro_rules! finish {
    () => {
        "
    local p = ARGV[1]
    local function finish(lease)
        if redis.call('ZREM', p .. 'leases', lease) == 0 then return end
        local marks = redis.call('HGET', p .. 'of', lease) or ''
        redis.call('HDEL', p .. 'of', lease)
        local count = redis.call('INCR', p .. 'count')
        for mark in string.gmatch(marks, '%S+') do
            redis.call('SET', p .. 'n:' .. mark, string.format('%.0f', count))
            if redis.call('DECR', p .. 'l:' .. mark) <= 0 then redis.call('DEL', p .. 'l:' .. mark) end
        end
    end"
    };
}

/// Arguments: the prefix, the lease.
const END: &str = concat!(finish!(), " finish(ARGV[2]) return 1");

/// Ends leases whose time is over, and makes an epoch when there has been none for so long. Arguments: the prefix, the id of the running
/// server, the rest of a new epoch, the time of a lease.
const KEEP: &str = concat!(
    finish!(),
    "
    local time = redis.call('TIME')
    local now, run = time[1] * 1000 + time[2] / 1000, ARGV[2] .. ':'
    for _, lease in ipairs(redis.call('ZRANGEBYSCORE', p .. 'leases', '-inf', string.format('%.0f', now), 'LIMIT', 0, 100)) do
        finish(lease)
    end
    local function is_of_run(text) return text and string.sub(text, 1, #run) == run end
    if is_of_run(redis.call('GET', p .. 'epoch')) then return 1 end
    local begun = redis.call('GET', p .. 'begun')
    if not is_of_run(begun) then
        redis.call('SET', p .. 'begun', run .. string.format('%.0f', now))
    elseif now - string.sub(begun, #run + 1) >= ARGV[4] + 0 then
        redis.call('SET', p .. 'epoch', run .. ARGV[3])
        redis.call('DEL', p .. 'begun')
        return 1
    end
    return 0"
);

/// The shared place, and what keeps it.
pub struct Strict {
    way: Way,
    prefix: String,
    live: Mutex<Option<Live>>,
    begin: Script,
    end: Script,
    keep: Script,
}

/// A connection to a running server.
#[derive(Clone)]
struct Live {
    link: MultiplexedConnection,
    /// `run_id` of the server, and `:`.
    run: Arc<str>,
    /// Tells connections apart.
    id: Uuid,
}

impl fmt::Debug for Strict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Strict").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl Strict {
    /// For a site of this name; [`Strict::keep`] connects.
    pub fn new(redis: &Redis, site: &str) -> Result<Self> {
        let way = Way::to(redis)
            .map_err(|wrong| Error::new(Code::BadRequest, format!("{}: {}", wrong.variable, wrong.message)))?;
        Ok(Self {
            way,
            prefix: format!("typecase:cache:{site}:"),
            live: Mutex::default(),
            begin: Script::new(BEGIN),
            end: Script::new(END),
            keep: Script::new(KEEP),
        })
    }

    /// Runs as long as the server.
    pub async fn keep(self: Arc<Self>) {
        let mut was_told = false;
        loop {
            let kept = match self.live() {
                None => self.connect().await,
                Some(live) => self.kept(live).await,
            };
            match kept {
                Ok(()) if was_told => {
                    was_told = false;
                    tracing::info!("Redis is reachable again: responses are cached when all nodes agree");
                }
                Ok(()) => {}
                Err(cause) => {
                    if !was_told {
                        tracing::warn!(
                            cause,
                            "Redis cannot be used: no response is given from the cache, and a change that is published waits a second"
                        );
                    }
                    was_told = true;
                    sleep(PAUSE).await;
                }
            }
            sleep(LOOK).await;
        }
    }

    async fn connect(&self) -> Result<(), String> {
        let connected = async {
            let Link::One(mut link) = self.way.connect().await.map_err(|error| error.to_string())? else {
                return Err("a cluster cannot be used for the strict mode".to_owned());
            };
            let info: String = redis::cmd("INFO").query_async(&mut link).await.map_err(|error| error.to_string())?;
            let value = |name: &str| info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            if value("maxmemory_policy").is_some_and(|policy| policy.starts_with("allkeys"))
                && value("maxmemory") != Some("0")
            {
                return Err(
                    "its `maxmemory-policy` lets it forget keys without an expiry: set `noeviction` or `volatile-lru`"
                        .to_owned(),
                );
            }
            let run = value("run_id").ok_or("it does not tell its `run_id`")?;
            Ok(Live { link, run: format!("{run}:").into(), id: Uuid::new_v4() })
        };
        let live = timeout(CONNECT, connected).await.map_err(|_| "it does not answer in time".to_owned())??;
        *self.held() = Some(live);
        Ok(())
    }

    async fn kept(&self, live: Live) -> Result<(), String> {
        let run = live.run.trim_end_matches(':').to_owned();
        let mut invocation = self.keep.prepare_invoke();
        invocation.arg(&self.prefix).arg(run).arg(Uuid::new_v4().to_string()).arg(LEASE);
        let mut link = live.link.clone();
        let done = timeout(COMMIT, invocation.invoke_async::<i64>(&mut link)).await;
        match done {
            Ok(Ok(_)) => Ok(()),
            failed => {
                self.drop_link(&live);
                Err(failed.map_or("it does not answer in time".to_owned(), |failed| {
                    failed.err().map_or_else(String::new, |error| error.to_string())
                }))
            }
        }
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Option<Live>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn live(&self) -> Option<Live> {
        self.held().clone()
    }

    fn drop_link(&self, live: &Live) {
        let mut held = self.held();
        if held.as_ref().is_some_and(|held| held.id == live.id) {
            *held = None;
        }
    }

    /// The answer, if it comes in time.
    async fn ask<T: FromRedisValue>(&self, live: &Live, command: &Cmd) -> Option<T> {
        let mut link = live.link.clone();
        let asked = timeout(HIT, command.query_async(&mut link)).await;
        let answer = asked.ok().and_then(std::result::Result::ok);
        if answer.is_none() {
            self.drop_link(live);
        }
        answer
    }

    async fn run(&self, live: &Live, script: &Script, arguments: &[&str]) -> Option<()> {
        let mut invocation = script.prepare_invoke();
        invocation.arg(&self.prefix).arg(arguments);
        let mut link = live.link.clone();
        let done = timeout(COMMIT, invocation.invoke_async::<i64>(&mut link)).await;
        if !matches!(done, Ok(Ok(_))) {
            self.drop_link(live);
            return None;
        }
        Some(())
    }
}

impl Shared for Strict {
    fn begin<'a>(&'a self, marks: &'a [String]) -> BoxFuture<'a, Option<Uuid>> {
        async move {
            let live = self.live()?;
            let (lease, time) = (Uuid::new_v4(), LEASE.to_string());
            let name = lease.to_string();
            let arguments: Vec<&str> = [&*name, &*time].into_iter().chain(marks.iter().map(String::as_str)).collect();
            self.run(&live, &self.begin, &arguments).await?;
            Some(lease)
        }
        .boxed()
    }

    fn end<'a>(&'a self, lease: Uuid, _: &'a [String]) -> BoxFuture<'a, ()> {
        async move {
            if let Some(live) = self.live() {
                // If it fails, the keeper of some node ends the lease.
                let _ = self.run(&live, &self.end, &[&lease.to_string()]).await;
            }
        }
        .boxed()
    }

    fn now(&self) -> BoxFuture<'_, Option<Time>> {
        async move {
            let live = self.live()?;
            let mut command = redis::cmd("MGET");
            command.arg(format!("{}epoch", self.prefix)).arg(format!("{}count", self.prefix));
            let (epoch, count): (Option<String>, Option<u64>) = self.ask(&live, &command).await?;
            let epoch = epoch.filter(|epoch| epoch.starts_with(&*live.run))?;
            Some(Time { epoch: epoch.into(), count: count.unwrap_or(0) })
        }
        .boxed()
    }

    fn holds<'a>(&'a self, time: &'a Time, marks: &'a [String]) -> BoxFuture<'a, bool> {
        async move {
            let Some(live) = self.live().filter(|live| time.epoch.starts_with(&*live.run)) else { return false };
            let mut command = redis::cmd("MGET");
            command.arg(format!("{}epoch", self.prefix));
            for mark in marks {
                command.arg(format!("{}n:{mark}", self.prefix)).arg(format!("{}l:{mark}", self.prefix));
            }
            let Some(found) = self.ask::<Vec<Option<String>>>(&live, &command).await else { return false };
            let Some((epoch, found)) = found.split_first() else { return false };
            let number = |text: &Option<String>| text.as_ref().map_or(Some(0), |text| text.parse::<u64>().ok());
            epoch.as_deref() == Some(&*time.epoch)
                && found.len() == 2 * marks.len()
                && found.chunks(2).all(|mark| {
                    number(&mark[0]).is_some_and(|changed| changed <= time.count) && number(&mark[1]) == Some(0)
                })
        }
        .boxed()
    }
}
