//! `Ear`: listens for PostgreSQL notifications on a separate connection, and polls where they cannot be received.

use std::time::Duration;

use sqlx::postgres::{PgListener, PgPoolOptions};
use tokio::time::{sleep, timeout};

use super::connection::{Login, Way};

/// How often there is something to hear at least, since a notification may not have come through.
const AT_LEAST: Duration = Duration::from_secs(30);
/// For an answer on the connection that is listened on.
const ANSWER: Duration = Duration::from_secs(5);
/// After a connection was lost; longer after each attempt in vain.
const PAUSE: Duration = Duration::from_secs(1);

pub struct Ear {
    login: Login,
    channels: &'static [&'static str],
    listener: Option<PgListener>,
    /// The connection was lost, and what was said meanwhile with it.
    was_deaf: bool,
    /// Before the next attempt.
    pause: Duration,
}

impl Ear {
    pub fn new(login: &Login, channels: &'static [&'static str]) -> Self {
        Self { login: login.clone(), channels, listener: None, was_deaf: false, pause: PAUSE }
    }

    /// The channel that was notified; `None` half a minute after the last one, and whenever something may have been missed.
    pub async fn hear(&mut self) -> Option<String> {
        if self.was_deaf {
            sleep(self.pause).await;
        }
        // A connection pooler passes no notifications on.
        if self.listener.is_none() && self.login.way() == Way::Direct {
            match self.listen().await {
                Ok(listener) => self.listener = Some(listener),
                Err(error) => {
                    self.lose(&error);
                    self.pause = (self.pause * 2).min(AT_LEAST);
                    return None;
                }
            }
            self.pause = PAUSE;
            self.was_deaf = false;
            // Until now nothing was heard.
            return None;
        }
        let Some(listener) = &mut self.listener else {
            sleep(AT_LEAST).await;
            return None;
        };
        let lost = match timeout(AT_LEAST, listener.recv()).await {
            Ok(Ok(heard)) => return Some(heard.channel().to_owned()),
            Ok(Err(error)) => Some(error),
            // Nothing is heard where nothing happens, and where the network is silent.
            Err(_) => is_silent(listener).await,
        };
        if let Some(error) = lost {
            self.lose(&error);
        }
        None
    }

    /// One of the pool's connections would be missing there for ever.
    async fn listen(&self) -> Result<PgListener, sqlx::Error> {
        let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(self.login.options().clone());
        let listening = async {
            let mut listener = PgListener::connect_with(&pool).await?;
            listener.listen_all(self.channels.iter().copied()).await?;
            Ok(listener)
        };
        timeout(ANSWER, listening).await.unwrap_or(Err(sqlx::Error::PoolTimedOut))
    }

    fn lose(&mut self, error: &sqlx::Error) {
        tracing::warn!(%error, channels = self.channels.join(", "), "notifications cannot be received");
        self.listener = None;
        self.was_deaf = true;
    }
}

async fn is_silent(listener: &mut PgListener) -> Option<sqlx::Error> {
    let answered = timeout(ANSWER, sqlx::Executor::execute(listener, "select 1")).await;
    answered.unwrap_or(Err(sqlx::Error::PoolTimedOut)).err()
}
