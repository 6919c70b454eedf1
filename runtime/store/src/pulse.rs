//! `Pulse`: whether the database is reachable and working on a statement; checked on a separate connection when a statement takes
//! long.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::Row as _;
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::connection::Login;

/// For the database to say anything.
const SIGN: Duration = Duration::from_secs(3);
/// What is not known of a backend counts as work.
const AT_WORK: &str =
    "select pid from pg_stat_activity where state is null or state in ('active', 'disabled', 'fastpath function call')";

#[derive(Debug)]
pub struct Pulse {
    login: Login,
    /// When it was looked last, and what was seen.
    last: Mutex<Option<(Instant, Sign)>>,
}

/// What the database gives.
#[derive(Clone, Debug)]
pub enum Sign {
    None,
    /// It is there; it had no time for more.
    Beats,
    /// The backends that are at work.
    Working(Arc<[i32]>),
}

impl Pulse {
    pub fn of(login: Login) -> Self {
        Self { login, last: Mutex::default() }
    }

    pub async fn beats(&self) -> bool {
        !matches!(self.sign().await, Sign::None)
    }

    /// One look is for all who have asked before it began.
    pub async fn sign(&self) -> Sign {
        let asked = Instant::now();
        let mut last = self.last.lock().await;
        if let Some((begun, sign)) = &*last
            && *begun >= asked
        {
            return sign.clone();
        }
        let begun = Instant::now();
        let sign = timeout(SIGN, self.look()).await.unwrap_or(Sign::None);
        *last = Some((begun, sign.clone()));
        sign
    }

    async fn look(&self) -> Sign {
        let seen = async {
            let mut connection = self.login.connect().await?;
            let rows = sqlx::query(AT_WORK).fetch_all(&mut connection).await?;
            let _ = connection.close().await;
            rows.iter().map(|row| row.try_get(0)).collect::<Result<Vec<i32>, _>>()
        };
        match seen.await {
            Ok(working) => Sign::Working(working.into()),
            // A refusal is a sign as well: of too many connections, say.
            Err(sqlx::Error::Database(_)) => Sign::Beats,
            Err(_) => Sign::None,
        }
    }
}
