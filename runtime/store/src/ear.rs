//! `Ear`: listens for PostgreSQL notifications on a separate connection, and polls if they cannot be received.

use std::time::Duration;

use sqlx::postgres::{PgListener, PgPoolOptions};
use tokio::time::{sleep, timeout};

use super::connection::{Login, Way};

/// The polling interval, since notifications can get lost.
const AT_LEAST: Duration = Duration::from_secs(30);
/// Timeout of a response on the listening connection.
const ANSWER: Duration = Duration::from_secs(5);
/// Pause after a lost connection; grows with each failed attempt.
const PAUSE: Duration = Duration::from_secs(1);

pub struct Ear {
    login: Login,
    channels: &'static [&'static str],
    listener: Option<PgListener>,
    /// The connection was lost, and maybe notifications with it.
    was_deaf: bool,
    /// The pause before the next attempt.
    pause: Duration,
}

impl Ear {
    pub fn new(login: &Login, channels: &'static [&'static str]) -> Self {
        Self { login: login.clone(), channels, listener: None, was_deaf: false, pause: PAUSE }
    }

    /// Returns the notified channel, or `None` after half a minute without one and whenever one may have been missed.
    pub async fn hear(&mut self) -> Option<String> {
        if self.was_deaf {
            sleep(self.pause).await;
        }
        // A connection pooler does not forward notifications.
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
            // Notifications before this point may have been missed.
            return None;
        }
        let Some(listener) = &mut self.listener else {
            sleep(AT_LEAST).await;
            return None;
        };
        let lost = match timeout(AT_LEAST, listener.recv()).await {
            Ok(Ok(heard)) => return Some(heard.channel().to_owned()),
            Ok(Err(error)) => Some(error),
            // Either nothing happened, or the network is down.
            Err(_) => is_silent(listener).await,
        };
        if let Some(error) = lost {
            self.lose(&error);
        }
        None
    }

    /// Uses its own pool, since a listener would keep a connection of another pool forever.
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
