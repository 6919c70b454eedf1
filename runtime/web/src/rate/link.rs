//! The address of Redis and the connection to it: with TLS or without, a single server or a cluster.

use std::fmt;
use std::path::PathBuf;

use base::settings::{self, Reader, Wrong};

/// `REDIS_URL`, `TYPECASE_REDIS_CA`, `TYPECASE_REDIS_CLUSTER`.
#[derive(Clone, PartialEq, Eq)]
pub struct Redis {
    /// In a cluster, several, separated by commas.
    pub url: String,
    /// Certificates (PEM); TLS trusts no others.
    pub authority: Option<PathBuf>,
    pub is_cluster: bool,
}

impl Redis {
    /// A single server; with TLS, its certificate is checked against those of the system.
    pub fn at(url: impl Into<String>) -> Self {
        Self { url: url.into(), authority: None, is_cluster: false }
    }

    pub fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let is_cluster = reader.one_of(&settings::TYPECASE_REDIS_CLUSTER) == "on";
        let authority = reader.get(&settings::TYPECASE_REDIS_CA).map(PathBuf::from);
        let Some(url) = reader.get(&settings::REDIS_URL) else {
            let given =
                [(authority.is_some(), &settings::TYPECASE_REDIS_CA), (is_cluster, &settings::TYPECASE_REDIS_CLUSTER)];
            for (_, setting) in given.into_iter().filter(|(is_given, _)| *is_given) {
                reader.wrong(setting.name, "it is set, but REDIS_URL is not");
            }
            return None;
        };
        Some(Self { url, authority, is_cluster })
    }

    /// Checks the settings without a connection.
    pub fn check(&self) -> Result<(), Wrong> {
        #[cfg(feature = "redis")]
        return way::Way::to(self).map(drop);
        #[cfg(not(feature = "redis"))]
        return Err(wrong(&settings::REDIS_URL, "this server was built without the feature `redis`".to_owned()));
    }

    /// Sends one command, as requests do.
    #[cfg(feature = "redis")]
    pub async fn probe(&self) -> Result<String, String> {
        super::shared::Shared::new(self).map_err(|error| error.to_string())?.probe().await?;
        let cluster = if self.is_cluster { "the cluster answers" } else { "it answers" };
        let tls = if self.url.starts_with("rediss://") { "with TLS" } else { "without TLS" };
        Ok(format!("{cluster}, {tls}: all nodes share their rate limits"))
    }
}

/// The address may hold a password.
impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { url: _, authority, is_cluster } = self;
        f.debug_struct("Redis").field("authority", authority).field("is_cluster", is_cluster).finish_non_exhaustive()
    }
}

fn wrong(setting: &settings::Setting, message: String) -> Wrong {
    Wrong { variable: setting.name.into(), message }
}

#[cfg(feature = "redis")]
pub use way::{Link, Way};

#[cfg(feature = "redis")]
mod way {
    use std::time::Duration;

    use redis::aio::MultiplexedConnection;
    use redis::cluster::{ClusterClient, ClusterClientBuilder};
    use redis::cluster_async::ClusterConnection;
    use redis::{AsyncConnectionConfig, Client, Cmd, FromRedisValue, RedisResult, TlsCertificates};
    use rustls::crypto::ring;

    use super::{Redis, wrong};
    use base::settings::{self, Wrong};

    /// For one command.
    pub const PATIENCE: Duration = Duration::from_millis(250);
    /// For a connection including DNS, TLS, sign-in and the nodes of a cluster.
    pub const CONNECT: Duration = Duration::from_secs(2);

    /// How connections are made.
    #[derive(Clone)]
    pub enum Way {
        One(Client),
        Cluster(ClusterClient),
    }

    /// A connection that all requests share.
    #[derive(Clone)]
    pub enum Link {
        One(MultiplexedConnection),
        Cluster(ClusterConnection),
    }

    impl Way {
        pub fn to(redis: &Redis) -> Result<Self, Wrong> {
            let certificates = certificates(redis)?;
            // The crate's messages could contain the password of the address.
            let takes = |_| wrong(&settings::REDIS_URL, format!("it takes {}", settings::REDIS_URL.takes));
            if !redis.is_cluster {
                let client = match certificates {
                    Some(certificates) => Client::build_with_tls(redis.url.as_str(), certificates),
                    None => Client::open(redis.url.as_str()),
                };
                return client.map(Self::One).map_err(takes);
            }
            let timed = ClusterClientBuilder::new(redis.url.split(',').map(str::trim))
                .retries(1)
                .connection_timeout(CONNECT)
                .response_timeout(PATIENCE);
            let built = certificates.into_iter().fold(timed, ClusterClientBuilder::certs).build();
            built.map(Self::Cluster).map_err(takes)
        }

        pub async fn connect(&self) -> RedisResult<Link> {
            let config =
                AsyncConnectionConfig::new().set_connection_timeout(Some(CONNECT)).set_response_timeout(Some(PATIENCE));
            match self {
                Self::One(client) => client.get_multiplexed_async_connection_with_config(&config).await.map(Link::One),
                Self::Cluster(client) => client.get_async_connection().await.map(Link::Cluster),
            }
        }
    }

    impl Link {
        pub async fn ask<T: FromRedisValue>(&mut self, command: &Cmd) -> RedisResult<T> {
            match self {
                Self::One(connection) => command.query_async(connection).await,
                Self::Cluster(connection) => command.query_async(connection).await,
            }
        }
    }

    fn certificates(redis: &Redis) -> Result<Option<TlsCertificates>, Wrong> {
        let is_tls = |url: &str| url.trim().starts_with("rediss://");
        if redis.url.split(',').any(is_tls) {
            // If one is already installed, it is the same.
            let _ = ring::default_provider().install_default();
        }
        let Some(path) = &redis.authority else { return Ok(None) };
        let setting = &settings::TYPECASE_REDIS_CA;
        if !redis.url.split(',').all(is_tls) {
            return Err(wrong(setting, "it is set, but REDIS_URL does not begin with `rediss://`".to_owned()));
        }
        let text = std::fs::read(path).map_err(|error| wrong(setting, format!("{}: {error}", path.display())))?;
        if !text.windows(BEGIN.len()).any(|part| part == BEGIN) {
            return Err(wrong(setting, format!("{} has no certificate: it takes {}", path.display(), setting.takes)));
        }
        Ok(Some(TlsCertificates { client_tls: None, root_cert: Some(text) }))
    }

    /// Begins a certificate in PEM.
    const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
}

#[cfg(feature = "redis")]
pub use way::{CONNECT, PATIENCE};
