//! Settings of a server, from the environment: all that is wrong with them is told at once.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;

use crate::background;
use base::error::{Code, Error, Problem};
use identity::WrongSetting;
use identity::settings::Settings;
use store::Limits;
use store::PublicRole;
use web::Environment;
use web::protection;

/// Where to listen when nothing says so: this machine only.
const ADDRESS: &str = "127.0.0.1:4000";
const PLAN_MEMORY: u32 = 32;
/// For reads of anonymous visitors 10, for those of others 10, for writes 5, in the background 4, and two that are listened on.
const CONNECTIONS: u32 = 31;
/// Jobs at once.
const MOST_JOBS: u32 = 64;
/// For a statement, and for one of an anonymous visitor.
const STATEMENT: Duration = Duration::from_secs(10);
const PUBLIC_STATEMENT: Duration = Duration::from_secs(5);
/// Below the time of a request, which ends with a worse answer.
const LONGEST_STATEMENT: Duration = Duration::from_secs(29);
/// A shorter token could be guessed.
const SHORTEST_TOKEN: usize = 16;

#[derive(Clone, Debug)]
pub struct Config {
    /// Checked to be an address of PostgreSQL.
    pub database: String,
    /// Connections to the database and the time of its statements.
    pub limits: Limits,
    /// `TYPECASE_JOBS`: jobs at once on this node; with 0 it does none, and follows no events.
    pub jobs: u32,
    /// `TYPECASE_EVENTS_KEEP`: for how long events are kept that all have passed.
    pub events_keep: Duration,
    /// MiB for documents that are kept ready to run.
    pub plan_memory: u32,
    pub address: SocketAddr,
    /// `TYPECASE_HEALTH_ADDRESS`: where `/health` and `/ready` are answered besides.
    pub health_address: Option<SocketAddr>,
    pub environment: Environment,
    /// Lets its holder read drafts and write, in development.
    pub token: Option<String>,
    /// `TYPECASE_PUBLIC_ROLE`: as which role of PostgreSQL the public reads; `none` for the server's own.
    pub public_role: Option<PublicRole>,
    /// `TYPECASE_PUBLIC_DATABASE_URL`: the login of public reads, if they have one of their own.
    pub public_login: Option<PgConnectOptions>,
    /// Limits, proxies, origins, documents.
    pub protection: protection::Settings,
    /// Secrets, public address, mail.
    pub identity: Settings,
}

/// A variable of the environment that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    pub variable: Cow<'static, str>,
    pub message: String,
}

impl Config {
    pub fn from_env() -> Result<Self, Vec<Wrong>> {
        Self::read(|name| std::env::var(name).ok())
    }

    /// An empty variable counts as one that is not set.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, Vec<Wrong>> {
        let mut reader = Reader { variable, wrong: Vec::new() };
        let database = reader.database();
        let jobs = reader.jobs();
        let limits = reader.limits(jobs);
        let events_keep = reader.events_keep();
        let plan_memory = reader.parsed("TYPECASE_PLAN_MEMORY", "a number from 1 to 65536").unwrap_or(PLAN_MEMORY);
        let address = reader.address();
        let health_address = reader.parsed("TYPECASE_HEALTH_ADDRESS", "an address and a port like `0.0.0.0:4001`");
        let environment = reader.environment();
        let token = reader.token();
        let public_role = reader.public_role();
        let public_login = reader.get("TYPECASE_PUBLIC_DATABASE_URL");
        let public_login = public_login.and_then(|url| reader.postgres("TYPECASE_PUBLIC_DATABASE_URL", &url));
        let protection = reader.protection(environment);
        let identity = reader.identity(address, environment);
        let config = Self {
            database,
            limits,
            jobs,
            events_keep,
            plan_memory,
            address,
            health_address,
            environment,
            token,
            public_role,
            public_login,
            protection,
            identity,
        };
        if !(1..=65_536).contains(&config.plan_memory) {
            reader.wrong("TYPECASE_PLAN_MEMORY", "it must be a number from 1 to 65536");
        }
        if reader.wrong.is_empty() { Ok(config) } else { Err(reader.wrong) }
    }

    /// What commands can do without, and a server in production cannot.
    pub fn check_for_serving(&self) -> Result<(), Vec<Wrong>> {
        let mut wrong = Vec::new();
        if let Err(missing) = self.identity.check_for_serving() {
            wrong.push(missing.into());
        }
        if self.token.is_some() && self.environment == Environment::Production {
            let message = "it is for development only: make users with `typecase user create`, and tokens for programs with \
                `typecase token create`";
            wrong.push(Wrong { variable: "TYPECASE_DEV_TOKEN".into(), message: message.into() });
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }
}

impl From<WrongSetting> for Wrong {
    fn from((variable, message): WrongSetting) -> Self {
        Self { variable, message }
    }
}

struct Reader<F> {
    variable: F,
    wrong: Vec<Wrong>,
}

impl<F: Fn(&str) -> Option<String>> Reader<F> {
    fn get(&self, name: &str) -> Option<String> {
        (self.variable)(name).filter(|value| !value.is_empty())
    }

    fn wrong(&mut self, variable: &'static str, message: impl Into<String>) {
        self.wrong.push(Wrong { variable: variable.into(), message: message.into() });
    }

    fn parsed<T: FromStr>(&mut self, name: &'static str, expected: &str) -> Option<T> {
        let value = self.get(name)?;
        let parsed = value.parse().ok();
        if parsed.is_none() {
            self.wrong(name, format!("`{value}` is not {expected}"));
        }
        parsed
    }

    fn jobs(&mut self) -> u32 {
        let expected = format!("a number from 0 to {MOST_JOBS}");
        let jobs = self.parsed("TYPECASE_JOBS", &expected).unwrap_or(background::JOBS);
        if jobs > MOST_JOBS {
            self.wrong("TYPECASE_JOBS", format!("`{jobs}` is not {expected}"));
        }
        jobs
    }

    /// `7d`.
    fn events_keep(&mut self) -> Duration {
        let Some(value) = self.get("TYPECASE_EVENTS_KEEP") else { return background::KEEP };
        let days = value.strip_suffix('d').and_then(|days| days.parse::<u64>().ok()).filter(|days| *days <= 3650);
        days.map(|days| Duration::from_secs(days * 86_400)).unwrap_or_else(|| {
            self.wrong("TYPECASE_EVENTS_KEEP", format!("`{value}` is no number of days from `0d` to `3650d`"));
            background::KEEP
        })
    }

    /// Consumers and jobs take a transaction each.
    fn limits(&mut self, jobs: u32) -> Limits {
        let expected = format!("a number from {} to 1000", Limits::FEWEST);
        let connections = self.parsed("TYPECASE_CONNECTIONS", &expected).unwrap_or(CONNECTIONS);
        if !(Limits::FEWEST..=1000).contains(&connections) {
            self.wrong("TYPECASE_CONNECTIONS", format!("`{connections}` is not {expected}"));
        }
        Limits {
            connections,
            statement: Some(self.time("TYPECASE_STATEMENT_TIMEOUT", STATEMENT)),
            public_statement: Some(self.time("TYPECASE_PUBLIC_STATEMENT_TIMEOUT", PUBLIC_STATEMENT)),
            background: jobs.saturating_mul(2),
        }
    }

    /// `10s` or `500ms`.
    fn time(&mut self, name: &'static str, default: Duration) -> Duration {
        let Some(value) = self.get(name) else { return default };
        let milliseconds = match (value.strip_suffix("ms"), value.strip_suffix('s')) {
            (Some(number), _) => number.parse().ok(),
            (None, Some(number)) => number.parse::<u64>().ok().and_then(|seconds| seconds.checked_mul(1000)),
            (None, None) => None,
        };
        let time = milliseconds.map(Duration::from_millis);
        time.filter(|time| (Duration::from_millis(1)..=LONGEST_STATEMENT).contains(time)).unwrap_or_else(|| {
            self.wrong(name, format!("`{value}` is not a time from `1ms` to `29s`"));
            default
        })
    }

    fn database(&mut self) -> String {
        let Some(url) = self.get("DATABASE_URL") else {
            self.wrong(
                "DATABASE_URL",
                "it is not set: `postgres://user:password@host/database` (`cargo xtask dev` brings its own)",
            );
            return String::new();
        };
        self.postgres("DATABASE_URL", &url);
        url
    }

    /// The address may hold a password, so it is not shown. Its parser takes any scheme.
    fn postgres(&mut self, name: &'static str, url: &str) -> Option<PgConnectOptions> {
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            self.wrong(name, "it is no address of a PostgreSQL: it begins with `postgres://`");
            return None;
        }
        PgConnectOptions::from_str(url)
            .map_err(|error| self.wrong(name, format!("it is no address of a PostgreSQL: {error}")))
            .ok()
    }

    /// `PORT` is what hosting services set; the address wins.
    fn address(&mut self) -> SocketAddr {
        let default = || SocketAddr::from(([127, 0, 0, 1], 4000));
        let address =
            self.parsed("TYPECASE_ADDRESS", &format!("an address and a port like `{ADDRESS}` or `0.0.0.0:8080`"));
        let port = self.parsed("PORT", "a port").map(|port: u16| SocketAddr::from(([0, 0, 0, 0], port)));
        address.or(port).unwrap_or_else(default)
    }

    fn environment(&mut self) -> Environment {
        match self.get("TYPECASE_ENV").as_deref() {
            None | Some("production") => Environment::Production,
            Some("development") => Environment::Development,
            Some(other) => {
                let message = format!("`{other}` is neither `development` nor `production`");
                self.wrong("TYPECASE_ENV", message);
                Environment::Production
            }
        }
    }

    fn protection(&mut self, environment: Environment) -> protection::Settings {
        let is_development = environment == Environment::Development;
        protection::Settings::read(|name| self.get(name), is_development).unwrap_or_else(|found| {
            self.wrong.extend(found.into_iter().map(Wrong::from));
            protection::Settings::default()
        })
    }

    fn identity(&mut self, address: SocketAddr, environment: Environment) -> Settings {
        let is_development = environment == Environment::Development;
        Settings::read(|name| self.get(name), address, is_development).unwrap_or_else(|found| {
            self.wrong.extend(found.into_iter().map(Wrong::from));
            Settings::of(address, is_development)
        })
    }

    fn public_role(&mut self) -> Option<PublicRole> {
        match self.get("TYPECASE_PUBLIC_ROLE").as_deref() {
            None => Some(PublicRole::default()),
            Some("none") => None,
            Some(name) => match name.parse() {
                Ok(role) => Some(role),
                Err(why) => {
                    self.wrong("TYPECASE_PUBLIC_ROLE", format!("`{name}` cannot be used: {why}"));
                    None
                }
            },
        }
    }

    fn token(&mut self) -> Option<String> {
        let token = self.get("TYPECASE_DEV_TOKEN")?;
        if token.len() < SHORTEST_TOKEN || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            self.wrong(
                "TYPECASE_DEV_TOKEN",
                format!("it must have {SHORTEST_TOKEN} characters or more, none of them a space"),
            );
        }
        Some(token)
    }
}

/// Every setting that is wrong, as one error.
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
        assert_eq!(config.address.to_string(), ADDRESS);
        assert_eq!(
            (config.environment, config.token, config.limits.connections),
            (Environment::Production, None, CONNECTIONS)
        );
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
    }

    #[test]
    fn a_hosts_port_is_served_to_everybody_and_an_address_wins() {
        let database = ("DATABASE_URL", "postgres://localhost/shop");
        assert_eq!(read(&[database, ("PORT", "80")]).unwrap().address.to_string(), "0.0.0.0:80");
        let both = read(&[database, ("PORT", "80"), ("TYPECASE_ADDRESS", "[::1]:9")]).unwrap();
        assert_eq!(both.address.to_string(), "[::1]:9");
    }

    #[test]
    fn all_that_is_wrong_is_told_by_name_and_no_password_is() {
        let wrong = read(&[
            ("DATABASE_URL", "mysql://me:hidden@localhost/shop"),
            ("TYPECASE_CONNECTIONS", "4"),
            ("TYPECASE_JOBS", "65"),
            ("TYPECASE_EVENTS_KEEP", "7"),
            ("TYPECASE_STATEMENT_TIMEOUT", "30s"),
            ("TYPECASE_PUBLIC_STATEMENT_TIMEOUT", "500ms"),
            ("TYPECASE_ADDRESS", "here"),
            ("TYPECASE_ENV", "dev"),
            ("TYPECASE_DEV_TOKEN", "short"),
            ("TYPECASE_PUBLIC_DATABASE_URL", "shop_public:hidden@localhost/shop"),
        ]);
        let wrong = wrong.unwrap_err();
        let names: Vec<_> = wrong.iter().map(|wrong| &*wrong.variable).collect();
        let expected = [
            "DATABASE_URL",
            "TYPECASE_JOBS",
            "TYPECASE_CONNECTIONS",
            "TYPECASE_STATEMENT_TIMEOUT",
            "TYPECASE_EVENTS_KEEP",
            "TYPECASE_ADDRESS",
            "TYPECASE_ENV",
            "TYPECASE_DEV_TOKEN",
            "TYPECASE_PUBLIC_DATABASE_URL",
        ];
        assert_eq!(names, expected);
        assert!(wrong.iter().all(|wrong| !wrong.message.contains("hidden")), "{wrong:?}");
    }
}
