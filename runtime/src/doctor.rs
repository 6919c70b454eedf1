//! `typecase doctor`: checks everything that a server needs, and reports what is wrong, why, and which command fixes it.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;

use web::Environment;

use crate::config::{self, Config, Wrong};
use crate::traces;
use base::settings::{self, Takes, Unknown, Unset};
use migrate::{Obstacle, public_login};
use model::content::SchemaInfo;
use store::PublicRole;
use store::{Database, Limits, Pool, Sizes, Way};

/// The oldest PostgreSQL version with the features that our statements use.
const OLDEST_POSTGRES: i32 = 14_00_00;
const ANSWER_TIME: Duration = Duration::from_secs(5);

/// The result of one check.
#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    pub about: Cow<'static, str>,
    pub state: State,
}

#[derive(Debug, PartialEq, Eq)]
pub enum State {
    Good(String),
    /// It works, but perhaps not as intended.
    Notice {
        why: String,
        mend: String,
    },
    Wrong {
        why: String,
        mend: String,
    },
}

/// Runs all checks, in the order in which problems can be fixed; checks that depend on a failed one are skipped.
pub async fn examine(config: Result<&Config, &[Wrong]>, schema: &'static SchemaInfo) -> Vec<Finding> {
    let config = match config {
        Ok(config) => config,
        Err(wrong) => return wrong.iter().map(variable).chain(config::unknown().iter().map(unknown)).collect(),
    };
    let mut findings = vec![good("settings", "all environment variables are valid".to_owned())];
    findings.extend(config::unknown().iter().map(unknown));
    findings.extend(config.check_for_serving().err().into_iter().flatten().map(|wrong| variable(&wrong)));
    findings.extend((config.environment == Environment::Development).then(|| token(config)));
    findings.extend(config.identity.previous_secret.is_some().then(previous_secret));
    findings.push(mail(config));
    findings.push(address(config).await);
    findings.extend(redis(config).await);
    #[cfg(feature = "search-engine")]
    findings.extend(search_engine(config).await);
    findings.extend(traces(config));
    let store = match Database::connect_lazy(&config.database, Limits::COMMAND, schema) {
        Ok(store) => store,
        Err(error) => {
            findings.push(wrong(
                "database",
                error.to_string(),
                "export DATABASE_URL=postgres://user:password@host/database",
            ));
            return findings;
        }
    };
    let database = database(&store.writes).await;
    let answers = matches!(database.state, State::Good(_));
    findings.push(database);
    if answers {
        findings.push(connections(&store.writes, config));
        findings.push(catalog(&store.writes, schema).await);
        findings.extend(order_of_texts(&store.writes).await);
        match &config.public_login {
            Some(login) => findings.push(public_login(&store.writes, config, login).await),
            None => findings.extend([public_role(&store.writes, config).await, no_public_login(config)]),
        }
    }
    findings
}

/// The findings as text for a terminal.
pub fn report(findings: &[Finding]) -> String {
    let mut text = String::new();
    for Finding { about, state } in findings {
        let (mark, why, mend) = match state {
            State::Good(why) => ("ok    ", why, None),
            State::Notice { why, mend } => ("note  ", why, Some(mend)),
            State::Wrong { why, mend } => ("WRONG ", why, Some(mend)),
        };
        // Writing to a `String` cannot fail.
        let _ = writeln!(text, "{mark} {about}: {why}");
        if let Some(mend) = mend {
            let _ = writeln!(text, "       do: {mend}");
        }
    }
    text
}

/// All settings and their values, without secrets; settings of providers are omitted unless set.
pub fn settings(variable: impl Fn(&str) -> Option<String>) -> String {
    let given = |name: &str| variable(name).filter(|value| !value.is_empty());
    let is_development = given(settings::TYPECASE_ENV.name).as_deref() == Some("development");
    let providers = given(settings::TYPECASE_OIDC.name).unwrap_or_default();
    let providers: Vec<_> = providers.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    let mut text = "\nsettings, where `*` is what the environment has set:\n".to_owned();
    for setting in settings::ALL {
        for name in settings::names(setting, &providers) {
            let (mark, value) = match (given(&name), &setting.takes, &setting.unset) {
                (Some(_), Takes::Secret(_), _) => ("*", "(not shown)".to_owned()),
                (Some(value), ..) => ("*", value),
                (None, _, Unset::Otherwise(words)) => (" ", format!("({words})")),
                (None, ..) => (" ", setting.default(is_development).unwrap_or_default().to_owned()),
            };
            let _ = writeln!(text, "{mark} {name:<39} {value}");
        }
    }
    text
}

pub fn is_well(findings: &[Finding]) -> bool {
    !findings.iter().any(|finding| matches!(finding.state, State::Wrong { .. }))
}

fn variable(wrong: &Wrong) -> Finding {
    let mend = match &*wrong.variable {
        "TYPECASE_SECRET" => "export TYPECASE_SECRET=$(openssl rand -base64 32)".to_owned(),
        "TYPECASE_DEV_TOKEN" => "unset TYPECASE_DEV_TOKEN, or export TYPECASE_ENV=development".to_owned(),
        variable => {
            let setting = settings::ALL.iter().find(|setting| setting.name == variable);
            let default = setting.and_then(|setting| setting.default(false)).unwrap_or("...");
            format!("export {variable}='{default}'")
        }
    };
    Finding { about: wrong.variable.clone(), state: State::Wrong { why: wrong.message.clone(), mend } }
}

fn unknown(unknown: &Unknown) -> Finding {
    let mend = format!("unset {}", unknown.variable);
    Finding { about: "settings".into(), state: State::Notice { why: unknown.to_string(), mend } }
}

fn token(config: &Config) -> Finding {
    match (&config.token, config.environment) {
        (Some(_), _) => good("token", "anyone with TYPECASE_DEV_TOKEN can read drafts and write".to_owned()),
        (None, _) => Finding {
            about: "token".into(),
            state: State::Notice {
                why: "TYPECASE_DEV_TOKEN is not set, so nobody can read drafts or write".to_owned(),
                mend: "export TYPECASE_DEV_TOKEN=$(openssl rand -hex 20)".to_owned(),
            },
        },
    }
}

fn previous_secret() -> Finding {
    let why = "TYPECASE_SECRET_PREVIOUS is set: keys that it sealed can still be opened".to_owned();
    let mend = "typecase keys reseal && unset TYPECASE_SECRET_PREVIOUS".to_owned();
    Finding { about: "previous secret".into(), state: State::Notice { why, mend } }
}

fn mail(config: &Config) -> Finding {
    match &config.identity.mail {
        Some(mail) => good("mail", format!("invitations and new passwords are sent from {}", mail.from)),
        None => Finding {
            about: "mail".into(),
            state: State::Notice {
                why: "TYPECASE_SMTP_URL is not set: the response to an invitation has its link, and nobody can request a new \
                    password"
                    .to_owned(),
                mend: "export TYPECASE_SMTP_URL=smtps://user:password@host TYPECASE_MAIL_FROM='Shop <shop@example.com>'"
                    .to_owned(),
            },
        },
    }
}

async fn address(config: &Config) -> Finding {
    let about = match config.environment {
        Environment::Development => "address (development: GraphiQL is served)",
        Environment::Production => "address",
    };
    match tokio::net::TcpListener::bind(config.address).await {
        Ok(_) => good(about, format!("{} is free", config.address)),
        Err(error) => Finding {
            about: about.into(),
            state: State::Notice {
                why: format!("cannot listen on {}: {error}; perhaps a server is already running", config.address),
                mend: "typecase serve --port 4001".to_owned(),
            },
        },
    }
}

/// `None` without a search engine.
#[cfg(feature = "search-engine")]
async fn search_engine(config: &Config) -> Option<Finding> {
    let settings = config.search.as_ref()?;
    let probed = match search_engine::Engine::new(settings) {
        Ok(engine) => engine.probe().await,
        Err(error) => Err(error),
    };
    Some(match probed {
        Ok(what) => good("search", what),
        Err(error) => {
            let mend = "correct TYPECASE_SEARCH_URL; until then PostgreSQL searches alone";
            Finding { about: "search".into(), state: State::Notice { why: error.to_string(), mend: mend.to_owned() } }
        }
    })
}

/// `None` without Redis, or if its settings are already wrong.
async fn redis(config: &Config) -> Option<Finding> {
    let redis = config.protection.rates.redis.as_ref().filter(|redis| redis.check().is_ok())?;
    #[cfg(feature = "redis")]
    return Some(match redis.probe().await {
        Ok(why) => good("redis", why),
        Err(why) => {
            let mend = "correct REDIS_URL, TYPECASE_REDIS_CA or TYPECASE_REDIS_CLUSTER; until then each node counts for itself";
            Finding { about: "redis".into(), state: State::Notice { why, mend: mend.to_owned() } }
        }
    });
    #[cfg(not(feature = "redis"))]
    {
        let _ = redis;
        None
    }
}

/// `None` if traces are not exported.
fn traces(config: &Config) -> Option<Finding> {
    let traces::Settings { endpoint, share, .. } = config.traces.as_ref()?;
    if cfg!(feature = "otlp") {
        return Some(good("traces", format!("{share} of the traces that begin here are sent to {endpoint}")));
    }
    let mend = "unset OTEL_EXPORTER_OTLP_ENDPOINT, or build the server with --features runtime/otlp".to_owned();
    Some(Finding { about: "traces".into(), state: State::Notice { why: traces::WITHOUT.to_owned(), mend } })
}

async fn database(pool: &Pool) -> Finding {
    let version = sqlx::query_scalar::<_, i32>("select current_setting('server_version_num')::int").fetch_one(pool);
    match tokio::time::timeout(ANSWER_TIME, version).await {
        Ok(Ok(version)) if version < OLDEST_POSTGRES => {
            let why = format!("PostgreSQL {} is older than {}", version / 10_000, OLDEST_POSTGRES / 10_000);
            wrong("database", why, "upgrade PostgreSQL")
        }
        Ok(Ok(version)) => good("database", format!("PostgreSQL {}.{} answers", version / 10_000, version % 10_000)),
        Ok(Err(error)) => wrong("database", base::cause::of_database(&error), "psql \"$DATABASE_URL\" -c 'select 1'"),
        Err(_) => {
            let why = format!("it has not answered within {} seconds", ANSWER_TIME.as_secs());
            wrong("database", why, "psql \"$DATABASE_URL\" -c 'select 1'")
        }
    }
}

/// Runs after the database has responded, so that the connection is known to work.
fn connections(pool: &Pool, config: &Config) -> Finding {
    let Sizes { public, reads, writes, background } = config.limits.connections;
    let why = format!(
        "at most {} at once: {public} for reads by anonymous visitors, {reads} for other reads, {writes} for writes, \
        {background} for events and jobs, and those that listen",
        config.limits.connections.sum()
    );
    match pool.login().way() {
        Way::Direct => good("connections", why),
        Way::Pooled => Finding {
            about: "connections".into(),
            state: State::Notice {
                why: format!(
                    "{why}. There is a connection pooler in front of the database: every statement runs in its own transaction, \
                    which takes longer"
                ),
                mend:
                    "export DATABASE_URL=... with the address of PostgreSQL itself, if it allows that many connections"
                        .to_owned(),
            },
        },
    }
}

async fn catalog(pool: &Pool, schema: &'static SchemaInfo) -> Finding {
    match migrate::check(pool, schema).await {
        Ok(()) => good("catalog", "the database is the one that this server was compiled for".to_owned()),
        Err(migrate::Error::Obstructed(Obstacle { why, mend })) => wrong("catalog", why, &mend),
        Err(error) => wrong("catalog", error.to_string(), "typecase migrate"),
    }
}

/// `None` before the first migration.
async fn order_of_texts(pool: &Pool) -> Option<Finding> {
    let about = "text order";
    let sql = "select string_agg(quote_ident(collname), ', ' order by collname),
            string_agg(quote_ident(collname), ', ' order by collname) filter (where collprovider <> 'i'),
            string_agg(quote_ident(collname), ', ' order by collname)
                filter (where collversion <> pg_collation_actual_version(oid)),
            max(pg_collation_actual_version(oid))
        from pg_collation where collnamespace = to_regnamespace('sort')";
    type Facts = (Option<String>, Option<String>, Option<String>, Option<String>);
    let facts: Facts = match sqlx::query_as(sql).fetch_one(pool).await {
        Ok(facts) => facts,
        Err(error) => return Some(wrong(about, error.to_string(), "psql \"$DATABASE_URL\" -c 'select 1'")),
    };
    Some(match facts {
        (None, ..) => return None,
        (_, Some(without), ..) => {
            let why = format!(
                "this PostgreSQL was built without ICU: text is ordered by its lower-case letters without accents, by code point, \
                 for all of {without} alike"
            );
            let mend =
                "pg_dump --schema=draft --schema=live --schema=cms --data-only, into a new database of a PostgreSQL \
                        with ICU that has had `typecase migrate`"
                    .to_owned();
            Finding { about: about.into(), state: State::Notice { why, mend } }
        }
        (_, None, Some(changed), version) => {
            let why = format!(
                "indexes were built with another version of ICU than {}, which may sort some texts differently: {changed}",
                version.unwrap_or_default()
            );
            let first = changed.split(", ").next().unwrap_or_default();
            let mend =
                format!("reindex the database, then for each of them: alter collation sort.{first} refresh version");
            Finding { about: about.into(), state: State::Notice { why, mend } }
        }
        (Some(all), None, None, version) => {
            good(about, format!("text is in the order of ICU {}: {all}", version.unwrap_or_default()))
        }
    })
}

async fn public_role(pool: &Pool, config: &Config) -> Finding {
    let about = "public role";
    let Some(role) = &config.public_role else {
        let why = "TYPECASE_PUBLIC_ROLE is `none`: public reads have every right of the server".to_owned();
        let mend = "unset TYPECASE_PUBLIC_ROLE && typecase migrate".to_owned();
        return Finding { about: about.into(), state: State::Notice { why, mend } };
    };
    let checked = async {
        match migrate::public_role::check(role, &mut *pool.lend().await?).await? {
            Ok(()) => runs_as(pool, role).await,
            missing => Ok(missing),
        }
    };
    match (checked.await, config.environment) {
        (Ok(Ok(())), _) => good(about, format!("public reads run as `{role}`, which can read only published content")),
        (Ok(Err(why)), Environment::Development) => {
            Finding { about: about.into(), state: State::Notice { why, mend: "typecase migrate".to_owned() } }
        }
        (Ok(Err(why)), Environment::Production) => wrong(about, why, "typecase migrate"),
        (Err(error), _) => wrong(about, error.to_string(), "typecase migrate"),
    }
}

/// Sets the role as public reads do, including behind a pooler.
async fn runs_as(pool: &Pool, role: &PublicRole) -> Result<Result<(), String>, sqlx::Error> {
    let mut connection = pool.login().clone().with_role(role).read_only().connect().await?;
    let user: String = sqlx::query_scalar("select current_user::text").fetch_one(&mut connection).await?;
    let wrong = || {
        format!(
            "public reads run as `{user}` and not as `{role}`: something between the server and the database changes it"
        )
    };
    Ok(if user == role.as_str() { Ok(()) } else { Err(wrong()) })
}

async fn public_login(pool: &Pool, config: &Config, login: &PgConnectOptions) -> Finding {
    let about = "public login";
    let checked = async { public_login::check(login, config.public_role.as_ref(), &mut *pool.lend().await?).await };
    match checked.await {
        Ok(Ok(name)) => good(about, format!("public reads sign in as `{name}`, which can read only published content")),
        Ok(Err(unfit)) => wrong(about, unfit.why, &unfit.mend),
        Err(error) => wrong(about, error.to_string(), "psql \"$DATABASE_URL\" -c 'select 1'"),
    }
}

fn no_public_login(config: &Config) -> Finding {
    let why = "TYPECASE_PUBLIC_DATABASE_URL is not set: public reads use the server's login".to_owned();
    let mend = format!(
        "{} then export TYPECASE_PUBLIC_DATABASE_URL=postgres://shop_public:...@host/database",
        public_login::own_login(config.public_role.as_ref())
    );
    Finding { about: "public login".into(), state: State::Notice { why, mend } }
}

fn good(about: &'static str, why: String) -> Finding {
    Finding { about: about.into(), state: State::Good(why) }
}

fn wrong(about: &'static str, why: String, mend: &str) -> Finding {
    Finding { about: about.into(), state: State::Wrong { why, mend: mend.to_owned() } }
}
