//! GraphQL from request to response bytes. Documents are parsed, validated and planned once, and run for each request.

mod again;
pub mod answer;
pub mod cache;
mod changes;
pub mod coerce;
pub mod compile;
pub mod document;
mod encoded;
mod execute;
mod hooked;
pub mod limits;
pub mod pieces;
pub mod read;
pub mod registry;
pub mod routes;
pub mod rules;
mod site;
pub mod subscribe;
pub mod syntax;
pub mod types;
mod weigh;

use std::sync::Arc;

use async_graphql::parser::types::OperationType;
use serde_json::{Map, Value as Json};

use self::again::{Asked, Looked};
use self::answer::{Answer, Failure, Outcome, Spent};
use self::cache::{Cache, Usage};
use self::coerce::Variables;
use self::compile::{Compiled, ConditionalPlans, Prepared, Site};
use self::execute::Execution;
use self::registry::Introspection;
use self::routes::Routes;
pub use self::site::Preview;
use self::types::Types;
use ::cache::Responses;
use base::error::{Code, Result};
use base::memory::Ration;
use base::seen;
use lifecycle::preview_link::{self, Previews};
use model::content::{Limits, Shape};
use store::access::{Actor, Origin};
use store::hooks::HookSet;
use store::site::SiteCode;
use store::{Database, OPERATION, Standing, Store};
use uuid::Uuid;
use webhooks::Webhooks;

/// The maximum size of cached documents, plans and introspection responses, in bytes.
pub const KEPT: usize = 32 * 1024 * 1024;

/// A request, independent of the transport.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    /// Empty if `document` is given.
    pub query: String,
    /// The id of a persisted document; the transport replaces it with the text.
    pub document: Option<String>,
    pub operation_name: Option<String>,
    pub variables: Map<String, Json>,
    /// Whether it is read even if its response is kept: for accounts and tokens.
    pub anew: bool,
}

/// The HTTP method of the request: GET must not change anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Get,
    Post,
}

/// Decides by the cost of an operation whether a client may run it.
pub trait Meter: Sync {
    fn pay(&self, cost: u64) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// The meter of the server's own queries.
struct Free;

impl Meter for Free {
    async fn pay(&self, _: u64) -> Result<(), Failure> {
        Ok(())
    }
}

/// Who may use introspection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Audience {
    #[default]
    Everybody,
    SignedIn,
    Nobody,
}

/// The API of a site.
pub struct Api {
    pub database: Database,
    hooks: Arc<HookSet>,
    site: SiteCode,
    types: Types,
    routes: Routes,
    introspection: Introspection,
    audience: Audience,
    /// Looks up a client's actor again before each change.
    standing: Arc<dyn Standing>,
    /// `None` on a server that has none.
    webhooks: Option<Webhooks>,
    /// `None` on a server that makes no links.
    previews: Option<Previews>,
    /// By document and operation name.
    prepared: Cache<(String, Option<String>), Prepared>,
    conditional: ConditionalPlans,
    introspected: Cache<u64, Vec<u8>>,
    /// `None`: no responses are kept.
    responses: Option<Responses>,
}

/// A request that may run.
struct Ready {
    store: Store,
    variables: Variables,
    compiled: Arc<Compiled>,
    spent: Spent,
    /// See [`again::is_of_live`].
    is_of_live: bool,
}

impl Api {
    pub fn new(
        database: Database,
        standing: Arc<dyn Standing>,
        hooks: impl Into<Arc<HookSet>>,
        site: SiteCode,
    ) -> Result<Self> {
        let types = Types::of(database.schema)?;
        let routes = Routes::of(database.schema);
        routes.check(&types)?;
        let introspection = Introspection::new(&types);
        let api = Self {
            database,
            hooks: hooks.into(),
            site,
            types,
            routes,
            introspection,
            audience: Audience::default(),
            standing,
            webhooks: None,
            previews: None,
            prepared: Cache::new(0),
            conditional: Cache::new(0),
            introspected: Cache::new(0),
            responses: None,
        };
        Ok(api.keeping(KEPT))
    }

    /// Sets the size of the caches, in bytes.
    pub fn keeping(self, bytes: usize) -> Self {
        let eighth = bytes / 8;
        Self {
            prepared: Cache::new(6 * eighth),
            conditional: Cache::new(eighth),
            introspected: Cache::new(eighth),
            ..self
        }
    }

    /// Sets who may use introspection.
    pub fn with_introspection_for(self, audience: Audience) -> Self {
        Self { audience, ..self }
    }

    /// With which webhooks are made.
    pub fn with_webhooks(self, webhooks: Webhooks) -> Self {
        Self { webhooks: Some(webhooks), ..self }
    }

    /// With which preview links are made.
    pub fn with_previews(self, previews: Previews) -> Self {
        Self { previews: Some(previews), ..self }
    }

    /// What a preview link shows; `None` if it has ended.
    pub async fn preview(&self, link: Uuid) -> Result<Option<Preview>> {
        let opened = preview_link::open(&self.database, &*self.standing, link).await?;
        Ok(opened.map(|(link, overlay)| Preview::new(&link, overlay)))
    }

    /// The page of the entry that a preview shows, if its type has one.
    pub async fn preview_page(&self, shown: &Preview, token: &str) -> Result<Option<String>> {
        let own = self.previews.as_ref().map_or("", |previews| &previews.public_url);
        preview_link::page(&self.database, &shown.target, own, token).await
    }

    pub fn limits(&self) -> &'static Limits {
        &self.database.schema.site.limits
    }

    /// An example query for the playground.
    pub fn example(&self) -> String {
        let Some(info) = self.database.schema.types.iter().find(|info| info.drafts) else {
            return "{ __typename }".into();
        };
        let scalar =
            info.fields.iter().find(|field| matches!(field.shape, Shape::Scalar(kind) if kind.parts().is_none()));
        let field = scalar.map_or("id", |field| field.name);
        format!(
            "{{\n  {}(first: 5) {{\n    nodes {{\n      id\n      {field}\n    }}\n    totalCount\n  }}\n}}\n",
            info.plural
        )
    }

    /// Runs a request of the server's own code.
    pub async fn execute(&self, request: &Request, actor: Actor, verb: Verb) -> Answer {
        let store = self.database.acting(actor);
        self.execute_on(store, request, verb, &Free, (None, None)).await
    }

    /// Runs a client's request with this much memory, if the meter allows its cost.
    pub async fn execute_within(
        &self,
        ration: &Arc<Ration>,
        meter: &impl Meter,
        request: &Request,
        (actor, preview): (Actor, Option<&Preview>),
        verb: Verb,
    ) -> Answer {
        let store = self.database.acting(actor).of_client(Arc::clone(ration), Arc::clone(&self.standing));
        let store = match preview {
            Some(preview) => store.over(Arc::clone(&preview.overlay)),
            None => store,
        };
        let asked = match self.looked_up(&store, request, preview).await {
            Some(Looked::Kept(kept)) => {
                let again = self.again(kept, &store.ration, meter).await;
                return again.unwrap_or_else(|failures| Self::refused(failures, self.introspects(&store.access.actor)));
            }
            Some(Looked::Asked(asked)) => Some(asked),
            None => None,
        };
        self.execute_on(store, request, verb, meter, (preview, asked)).await
    }

    async fn execute_on(
        &self,
        store: Store,
        request: &Request,
        verb: Verb,
        meter: &impl Meter,
        (preview, asked): (Option<&Preview>, Option<Asked<'_>>),
    ) -> Answer {
        let introspects = self.introspects(&store.access.actor);
        match self.run(store, request, verb, meter, (preview, asked)).await {
            Ok(answer) => answer,
            Err(failures) => Self::refused(failures, introspects),
        }
    }

    /// Suggestions are for those who may introspect.
    fn refused(failures: Vec<Failure>, introspects: bool) -> Answer {
        let shown = |failure: Failure| if introspects { failure } else { failure.without_suggestion() };
        Answer::refused(&failures.into_iter().map(shown).collect::<Vec<_>>())
    }

    /// Whether the actor may use introspection.
    fn introspects(&self, actor: &Actor) -> bool {
        match self.audience {
            Audience::Everybody => true,
            Audience::SignedIn => !actor.is_anonymous(),
            Audience::Nobody => false,
        }
    }

    /// The usage of each cache, by name.
    pub fn kept(&self) -> [(&'static str, Usage); 3] {
        [
            ("documents", self.prepared.usage()),
            ("conditional", self.conditional.usage()),
            ("introspection", self.introspected.usage()),
        ]
    }

    pub fn hooks(&self) -> &HookSet {
        &self.hooks
    }

    /// The store of anonymous visitors, for custom routes: `api.visitors().at(Stage::Live).find().first(10).all()`.
    pub fn visitors(&self) -> Store {
        self.database.acting(Actor::anonymous(Origin::default()))
    }

    async fn run(
        &self,
        store: Store,
        request: &Request,
        verb: Verb,
        meter: &impl Meter,
        (preview, asked): (Option<&Preview>, Option<Asked<'_>>),
    ) -> Result<Answer, Vec<Failure>> {
        let prepared = self.prepare(request).await?;
        seen::operation(&prepared.about);
        let is_mutation = prepared.ty == OperationType::Mutation;
        if is_mutation && verb == Verb::Get {
            let failure = Failure::new(Code::BadRequest, "a mutation cannot be sent by GET: use POST");
            return Ok(Answer { outcome: Outcome::MutationByGet, ..Answer::refused(&[failure]) });
        }
        let (store, preview) = match preview {
            Some(Preview { by_cookie: true, .. }) if is_mutation => (store.plain(), None),
            preview => (store, preview),
        };
        if is_mutation && preview.is_some() {
            let message = "a preview can only be read: send the mutation without it";
            return Err(vec![Failure::new(Code::Forbidden, message)]);
        }
        if prepared.ty == OperationType::Subscription {
            let message = "a subscription needs a WebSocket (`graphql-transport-ws`) or `Accept: text/event-stream`";
            return Err(vec![Failure::new(Code::BadRequest, message)]);
        }
        let ready = self.ready(&prepared, store, request, meter).await?;
        match asked {
            None => Ok(self.executed(&prepared, ready, preview).await),
            Some(asked) => self.read_once(asked, &prepared, ready, preview).await,
        }
    }

    async fn executed(&self, prepared: &Prepared, ready: Ready, preview: Option<&Preview>) -> Answer {
        let Ready { store, variables, compiled, spent, .. } = ready;
        let is_mutation = prepared.ty == OperationType::Mutation;
        let ration = Arc::clone(&store.ration);
        let execution = Execution::new(self, store, &variables);
        let running = execution.run(&compiled, is_mutation);
        let (data, failures) = OPERATION.scope(Arc::clone(&prepared.about.name), running).await;
        let mut answer = Answer::executed(data, &failures, (spent, preview), &ration);
        let has = |code| failures.iter().any(|failure| failure.problem.code == code);
        if has(Code::Internal) {
            answer.outcome = Outcome::Failed;
        } else if !is_mutation && has(Code::Unavailable) {
            answer.outcome = Outcome::Refused(Code::Unavailable);
        }
        answer
    }

    /// Checks everything that must hold before anything runs, and pays for it.
    async fn ready(
        &self,
        prepared: &Prepared,
        store: Store,
        request: &Request,
        meter: &impl Meter,
    ) -> Result<Ready, Vec<Failure>> {
        let limits = self.limits();
        let variables = coerce::variables(&self.types, &prepared.variables, &request.variables, limits.list as usize);
        let variables = variables.map_err(|problems| {
            problems.into_iter().map(|(problem, pos)| Failure::from(problem).at(pos)).collect::<Vec<_>>()
        })?;
        let undecided = prepared.undecided(&variables);
        if !undecided.is_empty() {
            return Err(undecided);
        }
        let compiled = prepared.compiled(self.plans(), &variables, &self.conditional);
        let parts = prepared.cost.check(&self.types, &variables, compiled.statements, limits);
        let parts = parts.map_err(|broken| broken.into_iter().map(Failure::from).collect::<Vec<_>>())?;
        let execution = Execution::new(self, store, &variables);
        let denied = execution.denied(&compiled);
        let is_of_live = again::is_of_live(prepared.ty, &execution, &compiled);
        let store = execution.store;
        if !denied.is_empty() {
            return Err(denied);
        }
        let requested = parts.total();
        meter.pay(requested).await.map_err(|refused| vec![refused])?;
        let spent = Spent { requested, limit: u64::from(limits.cost), statements: compiled.statements, parts };
        Ok(Ready { store, variables, compiled, spent, is_of_live })
    }

    fn plans(&self) -> Site<'_> {
        Site { schema: self.database.schema, types: &self.types, routes: &self.routes }
    }

    async fn prepare(&self, request: &Request) -> Result<Arc<Prepared>, Vec<Failure>> {
        let key = (request.query.clone(), request.operation_name.clone());
        if let Some(known) = self.prepared.get(&key) {
            return Ok(known);
        }
        let operation = request.operation_name.as_deref();
        let document =
            document::prepare(&self.types, &self.introspection, self.limits(), &request.query, operation).await?;
        let prepared = Arc::new(Prepared::new(self.plans(), document, &request.query));
        let weight = prepared.weight() + key.0.len() + operation.map_or(0, str::len);
        self.prepared.insert(key, prepared.clone(), weight);
        Ok(prepared)
    }
}
