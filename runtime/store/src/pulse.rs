//! `Pulse`: checks whether the database is reachable and works on a statement. Uses a separate connection when a statement takes
//! long.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::Row as _;
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::connection::Login;

/// Timeout of the check.
const SIGN: Duration = Duration::from_secs(3);
/// A backend in an unknown state counts as working.
const AT_WORK: &str =
    "select pid from pg_stat_activity where state is null or state in ('active', 'disabled', 'fastpath function call')";

#[derive(Debug)]
pub struct Pulse {
    login: Login,
    /// The time and result of the last check.
    last: Mutex<Option<(Instant, Sign)>>,
}

/// The result of a check.
#[derive(Clone, Debug)]
pub enum Sign {
    None,
    /// The database is reachable, but gave no list of backends.
    Beats,
    /// The backends that are working.
    Working(Arc<[i32]>),
}

impl Pulse {
    pub fn of(login: Login) -> Self {
        Self { login, last: Mutex::default() }
    }

    pub async fn beats(&self) -> bool {
        !matches!(self.sign().await, Sign::None)
    }

    /// One check serves all callers that asked before it began.
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
            // An error of the database is a sign of life as well, such as too many connections.
            Err(sqlx::Error::Database(_)) => Sign::Beats,
            Err(_) => Sign::None,
        }
    }
}
