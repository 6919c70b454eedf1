//! `Answer`: the response to a statement. It records its end on the connection.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use futures_util::{FutureExt, Stream, StreamExt};
use sqlx::SqlStr;

use super::slow::{self, End};
use super::{Patience, State, Step};
use crate::pulse::Sign;

/// How often to check that the database is reachable and works on the statement.
const LONG: Duration = Duration::from_secs(1);
/// How long to wait for a response that the database has already sent.
const ON_ITS_WAY: Duration = Duration::from_millis(500);

pub struct Answer<'a> {
    steps: BoxStream<'a, Step>,
    state: &'a mut State,
    patience: &'a Patience,
    /// The timeout; created on the first wait and resolves when waiting is over.
    out: Option<BoxFuture<'static, sqlx::Error>>,
    sql: SqlStr,
    begun: Instant,
}

impl<'a> Answer<'a> {
    pub fn new(steps: BoxStream<'a, Step>, state: &'a mut State, sql: SqlStr, patience: &'a Patience) -> Self {
        Self { steps, state, patience, out: None, sql, begun: Instant::now() }
    }

    fn ended(&mut self, state: State, end: End<'_>) {
        *self.state = state;
        slow::note(self.sql.as_str(), self.begun, end);
    }
}

/// Traces a statement that was abandoned, for example after a request timeout.
impl Drop for Answer<'_> {
    fn drop(&mut self) {
        if *self.state == State::Asked {
            slow::trace(self.sql.as_str(), self.begun, End::GivenUp);
        }
    }
}

impl Stream for Answer<'_> {
    type Item = Step;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Step>> {
        match self.steps.poll_next_unpin(cx) {
            Poll::Ready(None) => {
                self.ended(State::Answered, End::Answered);
                Poll::Ready(None)
            }
            Poll::Ready(Some(Err(error))) => {
                self.ended(State::after(&error), End::Failed(&error));
                Poll::Ready(Some(Err(error)))
            }
            Poll::Ready(step) => Poll::Ready(step),
            Poll::Pending => {
                let patience = self.patience;
                let out = self.out.get_or_insert_with(|| run_out(patience.clone()).boxed());
                let Poll::Ready(error) = out.poll_unpin(cx) else { return Poll::Pending };
                self.ended(State::Lost, End::Failed(&error));
                Poll::Ready(Some(Err(error)))
            }
        }
    }
}

/// Resolves when waiting longer is pointless.
pub async fn run_out(patience: Patience) -> sqlx::Error {
    let begun = Instant::now();
    loop {
        let left = patience.statement.map_or(LONG, |most| most.saturating_sub(begun.elapsed()).min(LONG));
        tokio::time::sleep(left).await;
        if patience.statement.is_some_and(|most| begun.elapsed() >= most) {
            return timed_out("the database has not answered in time");
        }
        let Some(pulse) = &patience.pulse else { continue };
        match (pulse.sign().await, patience.backend) {
            (Sign::None, _) => return timed_out("the database is silent"),
            (Sign::Working(backends), Some(ours)) if !backends.contains(&ours) => {
                tokio::time::sleep(ON_ITS_WAY).await;
                return timed_out("the connection is silent, and the database is not working on it");
            }
            _ => {}
        }
    }
}

pub fn timed_out(why: &'static str) -> sqlx::Error {
    io::Error::new(io::ErrorKind::TimedOut, why).into()
}
