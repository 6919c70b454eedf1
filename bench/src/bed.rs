//! The test bed: the database, all servers that are compared, and what one measurement of one of them takes.

use std::time::Duration;

use anyhow::Result;
use sqlx::PgPool;

use crate::figures::{Load, Row, target};
use crate::load::{self, Cycle, Sample, Source};
use crate::process::{self, Server};

pub struct Bed {
    pub pool: PgPool,
    pub url: String,
    /// Without it the strict mode is not measured.
    pub redis: Option<String>,
    pub off: Server,
    pub memory: Server,
    pub strict: Option<Server>,
    pub floor: Server,
    pub fixed: Server,
    pub token: String,
    pub options: Options,
}

#[derive(Clone, Debug)]
pub struct Options {
    /// Length of one measurement.
    pub seconds: f64,
    /// How often it is repeated, all targets in turn.
    pub rounds: usize,
    pub connections: Vec<usize>,
    /// Only the cases whose names begin with one of these.
    pub only: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self { seconds: 1.0, rounds: 3, connections: vec![1, 16, 64], only: Vec::new() }
    }
}

impl Options {
    pub fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| name.starts_with(only.as_str()))
    }
}

impl Bed {
    pub async fn start(pool: PgPool, url: &str, redis: Option<String>, options: Options) -> Result<Self> {
        let off = [("TYPECASE_CACHE", "0".to_owned())];
        let strict = match &redis {
            Some(redis) => Some(Server::ours(url, &strict(redis)).await?),
            None => None,
        };
        Ok(Self {
            off: Server::ours(url, &off).await?,
            memory: Server::ours(url, &[]).await?,
            strict,
            floor: Server::floor(url).await?,
            fixed: Server::fixed(url).await?,
            token: process::token(url)?,
            url: url.to_owned(),
            pool,
            redis,
            options,
        })
    }

    pub fn server(&self, of: &str) -> Option<&Server> {
        match of {
            target::OFF => Some(&self.off),
            target::MEMORY => Some(&self.memory),
            target::STRICT => self.strict.as_ref(),
            target::FIXED => Some(&self.fixed),
            _ => Some(&self.floor),
        }
    }

    /// One measurement with a closed load, or an open one.
    pub async fn measure<S: Source + 'static>(
        &self,
        server: &Server,
        (load, amount): (Load, f64),
        source: impl Fn(usize) -> S,
    ) -> Result<Row> {
        let time = Duration::from_secs_f64(self.options.seconds);
        let (cpu, database) = (server.cpu(), process::database_cpu(&self.pool).await?);
        let sample: Sample = match load {
            Load::Closed => load::closed::run(&server.address, amount as usize, time, source).await?,
            Load::Open => load::open::run(&server.address, amount, time, source).await?,
        };
        let (cpu, database) = (server.cpu() - cpu, process::database_cpu(&self.pool).await? - database);
        let each = 1000.0 / sample.requests().max(1) as f64;
        Ok(Row {
            load,
            amount,
            rate: sample.rate(),
            p50: sample.percentile(0.5),
            p99: sample.percentile(0.99),
            p999: sample.percentile(0.999),
            server_cpu: cpu * each,
            database_cpu: database * each,
            ..Row::default()
        })
    }

    /// The same, with requests in turn.
    pub async fn cycle(
        &self,
        server: &Server,
        how: (Load, f64),
        requests: &std::sync::Arc<Vec<Vec<u8>>>,
    ) -> Result<Row> {
        self.measure(server, how, |connection| Cycle::new(requests, connection)).await
    }
}

/// The settings of a strict cache.
pub fn strict(redis: &str) -> [(&'static str, String); 2] {
    [("TYPECASE_CACHE_MODE", "strict".to_owned()), ("REDIS_URL", redis.to_owned())]
}
