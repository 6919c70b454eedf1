//! The settings of a server, read from the environment. All mistakes are reported at once.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use tracing_subscriber::EnvFilter;

use crate::traces;
use base::error::{Code, Error, Problem};
use base::settings::{self, Reader, Unknown};
use identity::settings::Settings;
use store::{Limits, PublicRole, Sizes};
use web::Environment;
use web::protection;
use webhooks::Allowed;

pub use base::settings::Wrong;

/// A shorter token could be guessed.
const SHORTEST_TOKEN: usize = 16;

#[derive(Clone, Debug)]
pub struct Config {
    /// A valid PostgreSQL address; this is checked.
    pub database: String,
    /// Limits on database connections and on the time of their statements.
    pub limits: Limits,
    /// `TYPECASE_JOBS`: the most jobs at once on this node; with 0 it runs none and follows no events.
    pub jobs: u32,
    /// `TYPECASE_EVENTS_KEEP`: how long events are kept after all consumers have handled them.
    pub events_keep: Duration,
    /// MiB for cached plans of documents.
    pub plan_memory: u32,
    /// For cached responses, in MiB.
    pub cache: u32,
    pub address: SocketAddr,
    /// `TYPECASE_HEALTH_ADDRESS`: an additional address for `/health` and `/ready`.
    pub health_address: Option<SocketAddr>,
    /// `TYPECASE_METRICS_ADDRESS`: the address of `/metrics`.
    pub metrics_address: Option<SocketAddr>,
    /// The time from which a statement counts as slow.
    pub slow_statement: Duration,
    /// Where traces are sent.
    pub traces: Option<traces::Settings>,
    pub environment: Environment,
    /// The development token: its holder may read drafts and write.
    pub token: Option<String>,
    /// `TYPECASE_PUBLIC_ROLE`: the PostgreSQL role of public reads; `None` for the server's own.
    pub public_role: Option<PublicRole>,
    /// `TYPECASE_PUBLIC_DATABASE_URL`: the separate login of public reads, if there is one.
    pub public_login: Option<PgConnectOptions>,
    /// Rate limits, proxies, origins, documents.
    pub protection: protection::Settings,
    /// Secrets, public address, mail.
    pub identity: Settings,
    /// `TYPECASE_WEBHOOK_ALLOWED_NETWORKS`: where webhooks may be sent beside the public internet.
    pub webhook_networks: Allowed,
    /// `TYPECASE_CACHE_MODE`: whether no node gives a response that is not valid on all of them.
    pub is_strict: bool,
    /// `TYPECASE_PURGE`: the CDN that is told of changes.
    pub purge: Option<purge::Settings>,
    /// `TYPECASE_SEARCH_URL` and what belongs to it.
    #[cfg(feature = "search-engine")]
    pub search: Option<search_engine::Settings>,
    /// `SSL_CERT_FILE`: the certificates that TLS trusts.
    pub certificates: Option<PathBuf>,
}

impl Config {
    pub fn from_env() -> Result<Self, Vec<Wrong>> {
        let mut read = Self::read(|name| std::env::var(name).ok());
        for setting in settings::ALL {
            if let Err(std::env::VarError::NotUnicode(_)) = std::env::var(setting.name) {
                let wrong = Wrong { variable: setting.name.into(), message: "the value is not UTF-8".to_owned() };
                read = Err(read.err().into_iter().flatten().chain([wrong]).collect());
            }
        }
        read
    }

    /// An empty variable counts as unset.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, Vec<Wrong>> {
        let mut reader = Reader::new(&variable);
        let is_development = reader.is_development;
        let database = database(&mut reader);
        let address = address(&mut reader);
        reader.parsed(&settings::RUST_LOG, |text| EnvFilter::try_new(text).map_err(|_| format!("`{text}` is wrong")));
        reader.check(&settings::TYPECASE_LOG);
        let config = Self {
            database,
            limits: limits(&mut reader),
            jobs: reader.number(&settings::TYPECASE_JOBS),
            events_keep: Duration::from_secs(u64::from(reader.number(&settings::TYPECASE_EVENTS_KEEP)) * 86_400),
            plan_memory: reader.number(&settings::TYPECASE_PLAN_MEMORY),
            cache: reader.number(&settings::TYPECASE_CACHE),
            address,
            health_address: reader.parsed(&settings::TYPECASE_HEALTH_ADDRESS, socket),
            metrics_address: reader.parsed(&settings::TYPECASE_METRICS_ADDRESS, socket),
            slow_statement: reader.time(&settings::TYPECASE_SLOW_STATEMENT),
            traces: traces::Settings::read(&mut reader),
            environment: if is_development { Environment::Development } else { Environment::Production },
            token: reader.parsed(&settings::TYPECASE_DEV_TOKEN, token),
            public_role: reader.parsed(&settings::TYPECASE_PUBLIC_ROLE, public_role).flatten(),
            public_login: reader.parsed(&settings::TYPECASE_PUBLIC_DATABASE_URL, postgres),
            protection: protection::Settings::read(&mut reader),
            identity: Settings::read(&mut reader, address),
            webhook_networks: reader
                .parsed(&settings::TYPECASE_WEBHOOK_ALLOWED_NETWORKS, Allowed::parse)
                .unwrap_or_default(),
            is_strict: strict(&mut reader),
            purge: purge::Settings::read(&mut reader),
            #[cfg(feature = "search-engine")]
            search: search_engine::Settings::read(&mut reader),
            certificates: reader.get(&settings::SSL_CERT_FILE).map(PathBuf::from),
        };
        let wrong = reader.finish();
        if wrong.is_empty() { Ok(config) } else { Err(wrong) }
    }

    /// Checks settings that commands can do without, but a production server cannot.
    pub fn check_for_serving(&self) -> Result<(), Vec<Wrong>> {
        let mut wrong = self.protection.check_for_serving();
        if let Err(missing) = self.identity.check_for_serving() {
            wrong.push(missing);
        }
        if let Err(error) = self.certificates.as_ref().map_or(Ok(()), |file| readable(file)) {
            wrong.push(Wrong { variable: settings::SSL_CERT_FILE.name.into(), message: error });
        }
        if self.token.is_some() && self.environment == Environment::Production {
            let message = "it is for development only: create users with `typecase user create`, and tokens for programs with \
                `typecase token create`";
            wrong.push(Wrong { variable: settings::TYPECASE_DEV_TOKEN.name.into(), message: message.into() });
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }
}

/// It compares numbers of several keys at one moment, which a cluster has on several servers.
fn strict(reader: &mut Reader<'_>) -> bool {
    let is_strict = reader.one_of(&settings::TYPECASE_CACHE_MODE) == "strict";
    if is_strict && reader.get(&settings::REDIS_URL).is_none() {
        reader.wrong(settings::TYPECASE_CACHE_MODE.name, "`strict` needs REDIS_URL");
    }
    if is_strict && reader.one_of(&settings::TYPECASE_REDIS_CLUSTER) == "on" {
        reader.wrong(settings::TYPECASE_CACHE_MODE.name, "`strict` needs a single Redis, and not a cluster");
    }
    is_strict
}

/// The TLS library silently ignores a file that it cannot read, and then trusts no certificate.
fn readable(file: &Path) -> Result<(), String> {
    std::fs::File::open(file).map(drop).map_err(|error| format!("`{}`: {error}", file.display()))
}

/// Variables that look like settings but are not.
pub fn unknown() -> Vec<Unknown> {
    let names: Vec<String> = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()).collect();
    let providers = std::env::var(settings::TYPECASE_OIDC.name).unwrap_or_default();
    let providers: Vec<_> = providers.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    settings::unknown(names.iter().map(String::as_str), &providers)
}

fn limits(reader: &mut Reader<'_>) -> Limits {
    Limits {
        connections: Sizes {
            public: reader.number(&settings::TYPECASE_PUBLIC_CONNECTIONS),
            reads: reader.number(&settings::TYPECASE_READ_CONNECTIONS),
            writes: reader.number(&settings::TYPECASE_WRITE_CONNECTIONS),
            // Each consumer and each job has its own transaction.
            background: reader.number(&settings::TYPECASE_JOBS).saturating_mul(2),
        },
        statement: Some(reader.time(&settings::TYPECASE_STATEMENT_TIMEOUT)),
        public_statement: Some(reader.time(&settings::TYPECASE_PUBLIC_STATEMENT_TIMEOUT)),
    }
}

fn database(reader: &mut Reader<'_>) -> String {
    reader.parsed(&settings::DATABASE_URL, postgres);
    reader.get(&settings::DATABASE_URL).unwrap_or_else(|| {
        reader.refuse(&settings::DATABASE_URL, "it is not set (`cargo xtask dev` starts a database of its own)");
        String::new()
    })
}

/// The address may hold a password, so it is not shown. Its parser accepts any scheme.
fn postgres(url: &str) -> Result<PgConnectOptions, String> {
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        return Err("it is not the address of a PostgreSQL database".to_owned());
    }
    PgConnectOptions::from_str(url).map_err(|error| format!("it is not the address of a PostgreSQL database ({error})"))
}

/// `PORT` is set by hosting services; the address takes precedence.
fn address(reader: &mut Reader<'_>) -> SocketAddr {
    let address = reader.parsed(&settings::TYPECASE_ADDRESS, socket);
    let port = u16::try_from(reader.number(&settings::PORT)).unwrap_or_default();
    let is_hosted = reader.get(&settings::PORT).is_some() && reader.get(&settings::TYPECASE_ADDRESS).is_none();
    let hosted = is_hosted.then(|| SocketAddr::from(([0, 0, 0, 0], port)));
    hosted.or(address).unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 4000)))
}

fn socket(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| format!("`{text}` cannot be used"))
}

fn public_role(name: &str) -> Result<Option<PublicRole>, String> {
    match name {
        "none" => Ok(None),
        _ => name.parse().map(Some).map_err(|why| format!("`{name}` cannot be used ({why})")),
    }
}

fn token(token: &str) -> Result<String, &'static str> {
    let is_good = token.len() >= SHORTEST_TOKEN && token.bytes().all(|byte| byte.is_ascii_graphic());
    if is_good { Ok(token.to_owned()) } else { Err("it cannot be used") }
}

/// All wrong settings as one error.
pub(crate) fn unusable(wrong: Vec<Wrong>) -> Error {
    let problems =
        wrong.into_iter().map(|wrong| Problem::new(Code::BadRequest, format!("{}: {}", wrong.variable, wrong.message)));
    Error { problems: problems.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Config, Vec<Wrong>> {
        let variables: Vec<_> = variables.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        Config::read(|name| variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()))
    }

    #[test]
    fn a_database_is_all_that_must_be_set() {
        let config = read(&[("DATABASE_URL", "postgres://localhost/shop"), ("PORT", "")]).unwrap();
        assert_eq!(config.address.to_string(), "127.0.0.1:4000");
        assert_eq!(
            (config.environment, config.token, config.limits.connections.sum()),
            (Environment::Production, None, 31)
        );
    }

    /// A setting that would have no effect without another one.
    #[test]
    fn settings_that_need_another_one_are_told() {
        let database = ("DATABASE_URL", "postgres://localhost/shop");
        for (name, value) in [
            ("TYPECASE_REDIS_CA", "/etc/redis.pem"),
            ("TYPECASE_REDIS_CLUSTER", "on"),
            ("TYPECASE_DOCUMENTS_MODE", "only"),
            ("TYPECASE_TRUSTED_PROXIES", ","),
            ("TYPECASE_CORS_ORIGINS", ","),
            ("TYPECASE_CORS_ORIGINS", "https://*.shop.example"),
            ("TYPECASE_MAIL_TEMPLATES", "/nowhere"),
        ] {
            let wrong = read(&[database, (name, value)]).expect_err(name);
            assert_eq!(wrong.iter().map(|wrong| &*wrong.variable).collect::<Vec<_>>(), [name], "{value}");
        }
        read(&[database, ("TYPECASE_DOCUMENTS_MODE", "also"), ("TYPECASE_REDIS_CLUSTER", "off")]).unwrap();
        #[cfg(feature = "smtp")]
        {
            let mail = [("TYPECASE_SMTP_URL", "mail.host"), ("TYPECASE_MAIL_FROM", "foo")];
            let wrong = read(&[database, mail[0], mail[1]]).unwrap_err();
            assert_eq!(wrong.iter().map(|wrong| &*wrong.variable).collect::<Vec<_>>(), mail.map(|(name, _)| name));
        }
    }

    #[test]
    fn production_is_not_served_without_a_secret_nor_with_the_token_of_development() {
        let database = ("DATABASE_URL", "postgres://localhost/shop");
        let token = ("TYPECASE_DEV_TOKEN", "a-token-for-tests-only");
        let names = |variables: &[(&str, &str)]| -> Vec<String> {
            let checked = read(variables).unwrap().check_for_serving();
            checked.err().into_iter().flatten().map(|wrong| wrong.variable.into_owned()).collect()
        };
        assert_eq!(names(&[database, token]), ["TYPECASE_SECRET", "TYPECASE_DEV_TOKEN"]);
        let secret = ("TYPECASE_SECRET", "hnDmOGZ8EkxUoGvXlEjfB2wTZ3xq0Yb5k9mUq1C7v4s=");
        assert!(names(&[database, secret]).is_empty());
        assert!(names(&[database, token, ("TYPECASE_ENV", "development")]).is_empty());
        assert_eq!(names(&[database, secret, ("SSL_CERT_FILE", "/nowhere/ca.pem")]), ["SSL_CERT_FILE"]);
    }

    #[test]
    fn a_hosts_port_is_served_to_everybody_and_an_address_wins() {
        let database = ("DATABASE_URL", "postgres://localhost/shop");
        assert_eq!(read(&[database, ("PORT", "80")]).unwrap().address.to_string(), "0.0.0.0:80");
        let both = read(&[database, ("PORT", "80"), ("TYPECASE_ADDRESS", "[::1]:9")]).unwrap();
        assert_eq!(both.address.to_string(), "[::1]:9");
    }

    #[test]
    fn all_that_is_wrong_is_told_by_name_with_what_it_takes_and_no_secret_is() {
        let wrong = read(&[
            ("DATABASE_URL", "mysql://me:hidden@localhost/shop"),
            ("TYPECASE_READ_CONNECTIONS", "0"),
            ("TYPECASE_WRITE_CONNECTIONS", "1"),
            ("TYPECASE_JOBS", "65"),
            ("TYPECASE_EVENTS_KEEP", "7d"),
            ("TYPECASE_STATEMENT_TIMEOUT", "30s"),
            ("TYPECASE_PUBLIC_STATEMENT_TIMEOUT", "500ms"),
            ("TYPECASE_ADDRESS", "here"),
            ("PORT", "-1"),
            ("TYPECASE_ENV", "dev"),
            ("TYPECASE_DEV_TOKEN", "hidden"),
            ("TYPECASE_PUBLIC_DATABASE_URL", "shop_public:hidden@localhost/shop"),
            ("TYPECASE_PUBLIC_ROLE", "No Role"),
            ("TYPECASE_RATE", "many"),
            ("TYPECASE_SIGN_IN_RATE", "off"),
            ("TYPECASE_TRUSTED_PROXIES", "10.0.0.0/8, there"),
            ("TYPECASE_BODY_MEMORY", "1"),
            ("TYPECASE_INTROSPECTION", "maybe"),
            ("TYPECASE_SECRET", "hidden"),
            ("TYPECASE_SMTP_URL", "smtps://me:hidden@localhost"),
            ("RUST_LOG", "info=sqlx=debug"),
        ]);
        let wrong = wrong.unwrap_err();
        let mut names: Vec<_> = wrong.iter().map(|wrong| &*wrong.variable).collect();
        names.sort_unstable();
        let expected = [
            "DATABASE_URL",
            "PORT",
            "RUST_LOG",
            "TYPECASE_ADDRESS",
            "TYPECASE_BODY_MEMORY",
            "TYPECASE_DEV_TOKEN",
            "TYPECASE_ENV",
            "TYPECASE_EVENTS_KEEP",
            "TYPECASE_INTROSPECTION",
            "TYPECASE_JOBS",
            "TYPECASE_MAIL_FROM",
            "TYPECASE_PUBLIC_DATABASE_URL",
            "TYPECASE_PUBLIC_ROLE",
            "TYPECASE_RATE",
            "TYPECASE_READ_CONNECTIONS",
            "TYPECASE_SECRET",
            "TYPECASE_STATEMENT_TIMEOUT",
            "TYPECASE_TRUSTED_PROXIES",
            "TYPECASE_WRITE_CONNECTIONS",
        ];
        assert_eq!(names, expected);
        for wrong in &wrong {
            let setting = settings::ALL.iter().find(|setting| setting.name == wrong.variable).unwrap();
            assert!(wrong.message.contains(&setting.takes.to_string()), "{wrong:?}");
            assert!(!wrong.message.contains("hidden"), "{wrong:?}");
        }
    }
}
