//! `Server`: combines the schema with the site's own code, and runs the commands.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinHandle;

use web::Environment;

use crate::background::{self, Background, Work};
use crate::config::{self, Config};
use crate::hooked::{self, Answers, Delivering};
use crate::traces::Exporter;
use base::error::{Error, Result};
use events::{Follow, FollowAll, Followers};
use graphql::Api;
use identity::Accounts;
use jobs::{Job, Jobs, OutsideWork};
use migrate::public_login;
use model::content::{ContentInfo, SchemaInfo};
use store::hooks::{HookSet, Hooks};
use store::record::Record;
use store::site::SiteCode;
use store::{Database, Sizes, Statements};
use web::protection::{self, Protection};
use web::traffic::Traffic;
use web::{self, App, listen};

/// Open files besides client connections: those to the database, logs, connections that are refused.
const OTHER_FILES: usize = 256;
/// Connections that wait to be accepted. The system drops any beyond, and the client retries after a second.
const WAITING: u32 = 4096;

/// A site's own routes; handlers take `State<Arc<App>>`.
pub type Routes = Router<Arc<App>>;

pub struct Server {
    pub(crate) schema: &'static SchemaInfo,
    pub(crate) hooks: HookSet,
    pub(crate) followers: Followers,
    pub(crate) jobs: Jobs,
    /// The listening socket is this process's standard input: the parent process holds the port, also between two
    /// servers.
    pub(crate) inherits_socket: bool,
    pub(crate) site: SiteCode,
    pub(crate) routes: Routes,
    /// `(content type, lines of JSON)`, in the order of loading.
    pub(crate) demo: &'static [(&'static ContentInfo, &'static str)],
}

impl Server {
    pub fn new(schema: &'static SchemaInfo) -> Self {
        Self {
            schema,
            hooks: HookSet::default(),
            followers: Followers::default(),
            jobs: Jobs::default(),
            inherits_socket: false,
            site: SiteCode::default(),
            routes: Router::new(),
            demo: &[],
        }
    }

    /// Adds hooks on writes of a content type.
    pub fn hooks<T: Record>(mut self, hooks: impl Hooks<T>) -> Self {
        self.hooks.add(hooks);
        self
    }

    /// Adds a consumer that handles each change of a content type once, under a name that must not change.
    pub fn follow<T: Record>(mut self, name: &'static str, follow: impl Follow<T>) -> Self {
        self.followers.add(name, follow);
        self
    }

    /// As [`Self::follow`], for the changes of all content types in one order.
    pub fn follow_all(mut self, name: &'static str, follow: impl FollowAll) -> Self {
        self.followers.add_all(name, follow);
        self
    }

    /// Adds the handler of a job whose effects are in the database: they happen exactly once.
    pub fn job<J: Job>(mut self, work: impl jobs::Work<J>) -> Self {
        self.jobs.add(work);
        self
    }

    /// Adds the handler of a job whose effects are elsewhere: they happen at least once.
    pub fn outside_job<J: Job>(mut self, work: impl OutsideWork<J>) -> Self {
        self.jobs.add_outside(work);
        self
    }

    /// Adds a job that is due at this interval.
    pub fn every<J: Job>(mut self, interval: impl TryInto<Duration>, job: &J) -> Self {
        self.jobs.every(interval, job);
        self
    }

    /// Adds a job that is due daily at a time of a zone: `.daily("03:30", "Europe/Vienna", &CleanUp {})`.
    pub fn daily<J: Job>(mut self, time: &str, zone: &str, job: &J) -> Self {
        self.jobs.daily(time, zone, job);
        self
    }

    /// The site's computed fields, queries and mutations: `generated::site(Site)`.
    pub fn site(mut self, site: SiteCode) -> Self {
        self.site = site;
        self
    }

    /// Routes beside the API.
    pub fn routes(mut self, routes: Routes) -> Self {
        self.routes = self.routes.merge(routes);
        self
    }

    /// The content that `typecase demo` loads.
    pub fn demo(mut self, demo: &'static [(&'static ContentInfo, &'static str)]) -> Self {
        self.demo = demo;
        self
    }

    /// Serves until the process is told to stop.
    pub(crate) async fn serve(mut self, mut config: Config) -> Result<()> {
        config.check_for_serving().map_err(config::unusable)?;
        hooked::follow(&mut self.followers);
        search::follow(&mut self.followers);
        if let Some(settings) = config.purge.take() {
            purge::add(&mut self.followers, &mut self.jobs, settings)?;
        }
        #[cfg(feature = "search-engine")]
        let engine = match &config.search {
            Some(settings) => {
                let engine = Arc::new(search_engine::Engine::new(settings)?);
                search_engine::add(&mut self.followers, &mut self.jobs, &engine);
                Some(engine)
            }
            None => None,
        };
        self.jobs.check()?;
        self.followers.check()?;
        config.limits.connections.background += background::for_consumers(&self.followers, config.limits.connections);
        #[cfg(feature = "search-engine")]
        if engine.is_some() && config.jobs > 0 {
            // What is sent waits for the engine with a connection, while another one looks how late it is.
            config.limits.connections.background += 2;
        }
        let database = Database::connect_lazy(&config.database, config.limits, self.schema)?;
        migrate::check(&database.writes, self.schema).await?;
        let database = with_public_reads(database, &config).await?;
        #[cfg(feature = "search-engine")]
        let database = match &engine {
            Some(engine) => database.with_search(Arc::clone(engine) as _),
            None => database,
        };
        #[cfg(feature = "redis")]
        if let Some(redis) = config.protection.rates.redis.as_ref().filter(|_| config.is_strict && config.cache > 0) {
            let strict = Arc::new(web::strict::Strict::new(redis, self.schema.site.name)?);
            database.generations.share(Arc::clone(&strict) as _);
            tokio::spawn(strict.keep());
        }
        Statements::slow_from(config.slow_statement);
        let traces = match &config.traces {
            Some(settings) => Exporter::start(settings, self.schema.site.name)?,
            None => None,
        };
        let Sizes { public, reads, writes, background } = config.limits.connections;
        tracing::info!(
            sum = config.limits.connections.sum(),
            public,
            reads,
            writes,
            background,
            "connections to the database at most"
        );
        let is_development = config.environment == Environment::Development;
        let protection = protection(&config)?;
        let told_to_stop = listen::told_to_stop();
        let listener = match self.inherits_socket {
            true => listen::inherited().map_err(|error| no_listener(config.address, "TYPECASE_ADDRESS", &error))?,
            false => bind(config.address, "TYPECASE_ADDRESS or --port")?,
        };
        let address = listener.local_addr().unwrap_or(config.address);
        config.identity.listens_on(address);
        let accounts = Accounts::new(database.writes.clone(), self.schema, &config.identity)?;
        accounts.tokens.keys.start(is_development).await?;
        tokio::spawn(accounts.tokens.keys.clone().watch());
        let consumers = self.followers.names();
        background::add_upkeep(&mut self.jobs, accounts.clone(), config.events_keep, consumers);
        search::add_jobs(&mut self.jobs);
        lifecycle::add_jobs(&mut self.jobs, Arc::new(identity::Roles::of(self.schema)));
        let hooks = Arc::new(self.hooks);
        let webhooks = hooked::webhooks(&config.identity, &config.webhook_networks);
        let work = Work {
            hooks: Arc::clone(&hooks),
            followers: self.followers,
            jobs: self.jobs,
            most: config.jobs,
            foresees: config.cache > 0 && protection.freshness.is_any(),
            ..Work::default()
        };
        let in_background = database.clone();
        if config.jobs > 0 {
            search::begin(&database).await?;
        }
        store::search::rules::load(&database).await?;
        let searches = tokio::spawn(search::watch(database.clone()));
        #[cfg(feature = "search-engine")]
        let told = match engine {
            Some(engine) => {
                if config.jobs > 0 {
                    search_engine::begin(&engine, &database).await?;
                }
                Some(tokio::spawn(search_engine::watch(engine, database.clone(), config.jobs > 0)))
            }
            None => None,
        };
        #[cfg(not(feature = "search-engine"))]
        let told: Option<JoinHandle<()>> = None;
        let previews = hooked::previews(&accounts);
        let app = Arc::new(App {
            accounts,
            api: Api::new(database, Arc::new(identity::Roles::of(self.schema)), hooks, self.site)?
                .with_introspection_for(config.protection.introspection)
                .keeping(config.plan_memory as usize * 1024 * 1024)
                .with_responses(config.cache as usize * 1024 * 1024)
                .with_webhooks(webhooks.clone())
                .with_previews(previews),
            traffic: Traffic::of(self.schema, &protection.documents),
            protection,
            environment: config.environment,
            token: config.token,
            stopping: AtomicBool::new(false),
        });
        let health = match config.health_address {
            Some(address) => Some(tokio::spawn(health(address, Arc::clone(&app))?)),
            None => None,
        };
        let metrics = match config.metrics_address {
            Some(address) => Some(tokio::spawn(metrics(address, Arc::clone(&app))?)),
            None => None,
        };
        let documents = Arc::new(Answers(Arc::clone(&app)));
        let work = Work { webhooks: Some(Delivering { webhooks, documents }), ..work };
        let background = Background::start(&in_background, work);
        let mut background = background.map_err(Error::internal)?;
        let drain = background.drain();
        tracing::info!(%address, site = self.schema.site.name, "serving GraphQL at /graphql");
        let stop = async {
            told_to_stop.await;
            tracing::info!("stopping after the requests under way");
            app.stopping.store(true, Ordering::Relaxed);
            app.protection.subscriptions.stop();
            drain();
        };
        let protection = Arc::clone(&app.protection);
        listen::serve(listener, web::router(app.clone(), self.routes), &protection, stop).await;
        protection.subscriptions.closed().await;
        background.stop().await;
        if let Some(traces) = traces {
            traces.finish().await;
        }
        health.iter().chain(&metrics).chain([&searches]).chain(&told).for_each(JoinHandle::abort);
        // What was asked since the last round; a server that cannot store it stops all the same.
        if let Err(error) = store::search::asked::store(&in_background).await {
            tracing::warn!(%error, "the last counts of searches are lost");
        }
        app.api.database.close().await;
        Ok(())
    }
}

fn bind(address: SocketAddr, variable: &str) -> Result<TcpListener> {
    let listener = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        #[cfg(unix)]
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(WAITING)
    };
    listener().map_err(|error| no_listener(address, variable, &error))
}

fn no_listener(address: SocketAddr, variable: &str, error: &std::io::Error) -> Error {
    Error::new(base::error::Code::BadRequest, format!("cannot listen on {address}: {error} ({variable} changes it)"))
}

/// Serves the health routes on a separate address until it is aborted.
fn health(address: SocketAddr, app: Arc<App>) -> Result<impl Future<Output = ()> + use<>> {
    apart(bind(address, "TYPECASE_HEALTH_ADDRESS")?, web::health_router(app))
}

/// As [`health`], for the metrics.
fn metrics(address: SocketAddr, app: Arc<App>) -> Result<impl Future<Output = ()> + use<>> {
    let listener = bind(address, "TYPECASE_METRICS_ADDRESS")?;
    tracing::info!(metrics = %listener.local_addr().unwrap_or(address), "serving metrics at /metrics");
    apart(listener, crate::metrics::router(app))
}

fn apart(listener: TcpListener, router: Router) -> Result<impl Future<Output = ()> + use<>> {
    let protection = Arc::new(Protection::new(&protection::Settings::default())?);
    Ok(async move {
        listen::serve(listener, router, &protection, std::future::pending()).await;
    })
}

/// Each connection is an open file, and the system may allow fewer.
fn protection(config: &Config) -> Result<Arc<Protection>> {
    let mut settings = config.protection.clone();
    let possible = listen::open_files().saturating_sub(OTHER_FILES).max(1);
    let bounds = &mut settings.bounds;
    if bounds.connections > possible {
        tracing::warn!(connections = possible, "fewer connections than set: the system does not allow more open files");
        bounds.connections = possible;
        bounds.by_address = bounds.by_address.min(possible.div_ceil(4));
    }
    Ok(Arc::new(Protection::new(&settings)?))
}

/// A separate login for public reads, if one is set, must be safe. Otherwise they use a separate role, which a
/// production server requires.
async fn with_public_reads(database: Database, config: &Config) -> Result<Database> {
    if let Some(login) = &config.public_login {
        let mut connection = database.writes.lend().await?;
        let checked = public_login::check(login, config.public_role.as_ref(), &mut connection).await?;
        drop(connection);
        return match checked {
            Ok(_) => Ok(database.with_public_login(login.clone())),
            Err(unfit) => {
                Err(Error::new(base::error::Code::BadRequest, format!("{}\n  do: {}", unfit.why, unfit.mend)))
            }
        };
    }
    let Some(role) = &config.public_role else { return Ok(database) };
    let mut connection = database.writes.lend().await?;
    match (migrate::public_role::check(role, &mut connection).await?, config.environment) {
        (Ok(()), _) => {
            drop(connection);
            Ok(database.with_public_role(role))
        }
        (Err(missing), Environment::Production) => Err(Error::new(base::error::Code::BadRequest, missing)),
        (Err(missing), Environment::Development) => {
            tracing::warn!("{missing}");
            drop(connection);
            Ok(database)
        }
    }
}
