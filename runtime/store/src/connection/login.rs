//! `Login`: opens connections. Settings are sent when the connection is opened; a connection pooler would lose them, so behind
//! one they begin each transaction instead.

use std::fmt::Write as _;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Executor as _, PgConnection, Row as _};
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use super::answer::timed_out;
use super::prepared::KEPT;
use super::{Connection, Patience, State};
use crate::generations::Generations;
use crate::public_role::PublicRole;
use crate::pulse::Pulse;

/// Timeout to open a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// When to start a second attempt: it works once the network is back, while the first may still wait for a slow database.
const ANOTHER: Duration = Duration::from_secs(1);
/// Extra time for the database to report its statement timeout.
const GRACE: Duration = Duration::from_secs(1);
/// PgBouncer rejects settings with `protocol_violation`, others with `feature_not_supported`.
const SETTINGS_REFUSED: [&str; 2] = ["08P01", "0A000"];
/// A setting that only our connections have.
const MARK: &str = "typecase.connection";
const ARRIVED: &str = "select current_setting('typecase.connection', true), pg_backend_pid()";

#[derive(Clone, Debug)]
pub struct Login {
    options: PgConnectOptions,
    settings: Vec<(&'static str, String)>,
    read_only: bool,
    patience: Patience,
    generations: Arc<Generations>,
    /// Whether the first connection found a pooler.
    pooled: Arc<AtomicBool>,
}

/// How connections reach the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Direct,
    /// Through a connection pooler such as PgBouncer.
    Pooled,
}

impl Login {
    /// A login without timeouts, for long-running commands.
    pub fn plain(options: PgConnectOptions) -> Self {
        // Binary values always have all digits, and poolers reject this setting.
        let options = options.application_name("typecase").extra_float_digits(None).disable_statement_logging();
        Self {
            options,
            settings: Vec::new(),
            read_only: false,
            patience: Patience::default(),
            generations: Arc::default(),
            pooled: Arc::default(),
        }
    }

    /// Settings for a server. Plans are generic: parameters are ids and bounds, and planning for each execution costs as much as
    /// executing. The page cost is that of a solid-state disk. A statement whose client is gone ends within two seconds.
    pub fn tuned(mut self) -> Self {
        for (name, value) in [
            ("plan_cache_mode", "force_generic_plan"),
            ("random_page_cost", "1.1"),
            ("jit", "off"),
            ("client_connection_check_interval", "2s"),
            // Words that may be meant by a misspelt one: see `search/near.rs`.
            ("pg_trgm.word_similarity_threshold", "0.3"),
        ] {
            self.settings.push((name, value.to_owned()));
        }
        self
    }

    /// Adds a statement timeout. Idle transactions time out as well, which releases their locks.
    pub fn limited(mut self, statement: Duration) -> Self {
        self.settings.push(("statement_timeout", statement.as_millis().to_string()));
        self.settings.push(("idle_in_transaction_session_timeout", "60s".to_owned()));
        self.patience.statement = Some(statement + GRACE);
        self
    }

    pub fn with_role(mut self, role: &PublicRole) -> Self {
        self.settings.push(("role", role.to_string()));
        self
    }

    pub fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    pub fn watched(mut self, pulse: Arc<Pulse>) -> Self {
        self.patience.pulse = Some(pulse);
        self
    }

    /// Commits over its connections let these numbers grow.
    pub fn counted_by(mut self, generations: &Arc<Generations>) -> Self {
        self.generations = Arc::clone(generations);
        self
    }

    /// The same login as another user, who may authenticate in another way.
    pub fn signed_in_by(self, options: PgConnectOptions) -> Self {
        let login = Self::plain(options);
        let pulse = self.patience.pulse.is_some().then(|| Arc::new(Pulse::of(login.clone())));
        let patience = Patience { pulse, ..self.patience };
        Self { options: login.options, pooled: Arc::default(), patience, ..self }
    }

    pub fn options(&self) -> &PgConnectOptions {
        &self.options
    }

    /// Opens a connection, with several attempts if needed.
    pub async fn connect(&self) -> Result<Connection, sqlx::Error> {
        let mut attempts = FuturesUnordered::new();
        attempts.push(self.attempt());
        let first_of = async {
            loop {
                tokio::select! {
                    biased;
                    Some(done) = attempts.next() => match done {
                        Err(_) if !attempts.is_empty() => {}
                        done => return done,
                    },
                    () = sleep(ANOTHER) => attempts.push(self.attempt()),
                }
            }
        };
        let made = timeout(CONNECT, first_of).await;
        let made = made.unwrap_or_else(|_| Err(timed_out("no connection within five seconds")));
        made.map_err(|error| match error {
            sqlx::Error::Io(error) => io::Error::new(error.kind(), format!("{}: {error}", self.address())).into(),
            error => error,
        })
    }

    /// The server's address for messages, without user and password.
    fn address(&self) -> String {
        match self.options.get_socket() {
            Some(socket) => socket.display().to_string(),
            None => format!("{}:{}", self.options.get_host(), self.options.get_port()),
        }
    }

    async fn attempt(&self) -> Result<Connection, sqlx::Error> {
        if !self.pooled.load(Ordering::Relaxed) {
            if let Some((inner, backend)) = self.direct().await? {
                let mut made = self.made(inner, None);
                made.patience.backend = Some(backend);
                return Ok(made);
            }
            self.pooled.store(true, Ordering::Relaxed);
            tracing::warn!(
                "there is a connection pooler in front of the database: every statement runs in its own transaction, which \
                takes longer than with a direct connection"
            );
        }
        let inner = self.options.clone().statement_cache_capacity(0).connect().await?;
        Ok(self.made(inner, Some(self.setup().into())))
    }

    /// `None` if the settings did not arrive.
    async fn direct(&self) -> Result<Option<(PgConnection, i32)>, sqlx::Error> {
        let mark = Uuid::new_v4().simple().to_string();
        let settings = self.settings.iter().map(|(name, value)| (*name, value.as_str()));
        let read_only = self.read_only.then_some(("default_transaction_read_only", "on"));
        let options = self.options.clone().statement_cache_capacity(KEPT);
        let connected = options.options(settings.chain(read_only).chain([(MARK, mark.as_str())])).connect().await;
        let mut inner = match connected {
            Err(error) if is_refusal(&error) => return Ok(None),
            connected => connected?,
        };
        let row = inner.fetch_one(ARRIVED).await?;
        let arrived: Option<&str> = row.try_get(0)?;
        let is_direct = arrived == Some(&mark);
        let backend = row.try_get(1)?;
        Ok(is_direct.then_some((inner, backend)))
    }

    /// The setup as one message to the database.
    fn setup(&self) -> String {
        let mut setup = if self.read_only { "begin read only" } else { "begin" }.to_owned();
        for (name, value) in &self.settings {
            // Names are constants; values are numbers, words and role names. Writing to a string cannot fail.
            let _ = write!(setup, "; set local {name} = '{value}'");
        }
        setup
    }

    fn made(&self, inner: PgConnection, setup: Option<Arc<str>>) -> Connection {
        Connection {
            inner,
            state: State::Answered,
            in_transaction: false,
            setup,
            parts: 0,
            bells: Vec::new(),
            generations: Arc::clone(&self.generations),
            changed: Default::default(),
            patience: self.patience.clone(),
            made: Instant::now(),
        }
    }

    pub fn patience(&self) -> &Patience {
        &self.patience
    }

    /// The way as known so far; the first connection determines it.
    pub fn way(&self) -> Way {
        if self.pooled.load(Ordering::Relaxed) { Way::Pooled } else { Way::Direct }
    }
}

fn is_refusal(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.is_some_and(|code| SETTINGS_REFUSED.contains(&&*code))
}
