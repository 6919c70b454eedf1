//! `Subscriber`: who subscribes. It is looked up again and again, since a subscription lasts longer than a request.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::header::{AUTHORIZATION, COOKIE, HOST, ORIGIN};
use axum::http::request::Parts;
use axum::http::{HeaderName, Request};
use tokio::sync::Mutex;
use tokio::time::sleep;

use super::{Payer, Purse, REQUEST_TIME, refusal};
use crate::{App, Peer, RequestId, auth};
use ::graphql::answer::{Answer, Failure};
use ::graphql::subscribe::{Gate, Started};
use ::graphql::{self, Verb};
use base::background::backoff;
use base::error::{Code, Error, Result};
use base::memory::Ration;
use base::seen::{self, Seen};
use store::access::Actor;

/// What is known of an actor counts for so long before a change is delivered; a quiet subscription is looked at less often.
const FRESH: Duration = Duration::from_secs(1);
pub const LOOK: Duration = Duration::from_secs(4);
/// Attempts to look it up while the database does not answer, before a change is delivered.
const ATTEMPTS: u32 = 6;
const FIRST: Duration = Duration::from_millis(500);
const MOST: Duration = Duration::from_secs(5);

pub struct Subscriber {
    pub app: Arc<App>,
    /// What tells who it is, and nothing else of the request.
    pub parts: Parts,
    pub actor: Actor,
    checked: Mutex<Instant>,
}

/// Who sends the request, and from where.
pub fn credentials(parts: &Parts) -> Parts {
    let (mut own, ()) = Request::new(()).into_parts();
    own.method = parts.method.clone();
    for name in [AUTHORIZATION, COOKIE, HOST, ORIGIN, HeaderName::from_static("sec-fetch-site")] {
        for value in parts.headers.get_all(&name) {
            own.headers.append(name.clone(), value.clone());
        }
    }
    if let Some(peer) = parts.extensions.get::<Peer>() {
        own.extensions.insert(*peer);
    }
    if let Some(id) = parts.extensions.get::<RequestId>() {
        own.extensions.insert(id.clone());
    }
    own
}

impl Subscriber {
    pub fn new(app: Arc<App>, parts: Parts, actor: Actor) -> Self {
        Self { app, parts, actor, checked: Mutex::new(Instant::now()) }
    }

    /// Refuses an actor whose session ended or whose rights changed. A database that does not answer says nothing.
    pub async fn check(&self) -> Result<()> {
        match self.look_up().await {
            Err(error) if error.is_of_the_server() => Ok(()),
            looked_up => looked_up,
        }
    }

    async fn look_up(&self) -> Result<()> {
        if self.actor.is_anonymous() {
            return Ok(());
        }
        let mut checked = self.checked.lock().await;
        if checked.elapsed() < FRESH {
            return Ok(());
        }
        let Actor { identity, role, scopes, .. } = auth::authenticate_again(&self.app, &self.parts).await?;
        if identity != self.actor.identity || role != self.actor.role || scopes != self.actor.scopes {
            return Err(Error::new(Code::Forbidden, "your rights have changed: subscribe again"));
        }
        *checked = Instant::now();
        Ok(())
    }

    /// Runs an operation, and counts it by its name.
    pub async fn start(&self, mut request: graphql::Request, verb: Verb, resume: Option<i64>) -> Started {
        let (app, began) = (&self.app, Instant::now());
        seen::begin_operation();
        let resolved = app.protection.documents.resolve(&mut request);
        let is_known = matches!(resolved, Ok(true));
        let started = match resolved {
            Ok(_) => self.run(&request, verb, resume).await,
            Err(unknown) => Started::Answered(Answer::refused(&[unknown])),
        };
        let about = seen::with(Seen::operation);
        let name = about.as_ref().and_then(|about| if is_known { Some(&*about.name) } else { about.own });
        let code = match &started {
            Started::Answered(answer) => answer.code,
            Started::Subscribed(_) => {
                app.protection.subscriptions.begin();
                None
            }
        };
        app.traffic.operation(name, code, began.elapsed());
        started
    }

    async fn run(&self, request: &graphql::Request, verb: Verb, resume: Option<i64>) -> Started {
        let app = &self.app;
        let ration = app.protection.ration();
        if let Err(full) = ration.memory().has_room().await {
            return Started::Answered(refusal(full));
        }
        let purse = Purse::without_preview(app, &self.parts);
        let payer = Payer { purse: &purse, actor: &self.actor };
        let run = app.api.start(&ration, &payer, request, (self.actor.clone(), verb), resume);
        tokio::time::timeout(REQUEST_TIME, run).await.unwrap_or_else(|_| {
            Started::Answered(Answer::refused(&[Failure::new(Code::Timeout, "the request exceeded its time limit")]))
        })
    }
}

impl Gate for Subscriber {
    async fn admit(&self, cost: u64) -> Result<Arc<Ration>, Failure> {
        let mut failures = 0;
        while let Err(error) = self.look_up().await {
            failures += 1;
            if !error.is_of_the_server() || failures >= ATTEMPTS {
                return Err(failure(error));
            }
            sleep(backoff(failures, FIRST, MOST)).await;
        }
        let protection = &self.app.protection;
        while let Some(wait) = protection.limiter.change(&self.parts, &self.actor, cost).await {
            sleep(wait).await;
        }
        let ration = protection.ration();
        while ration.memory().has_room().await.is_err() {
            tracing::debug!("a subscription waits for memory");
        }
        Ok(ration)
    }
}

pub fn failure(error: Error) -> Failure {
    let problem = error.problems.into_iter().next();
    problem.map_or_else(|| Failure::new(Code::Internal, "the server failed"), Failure::from)
}
