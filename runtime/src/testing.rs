//! A separate database for each test, on the real PostgreSQL that `cargo xtask test` starts, and servers on it.

mod site;

use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Executor, PgPool};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::hooked;
use crate::server::Routes;
use graphql::Api;
use identity::Accounts;
use identity::mail::Mailer;
use identity::settings::Settings;
use model::content::SchemaInfo;
use store::PublicRole;
use store::hooks::HookSet;
use store::site::SiteCode;
use store::{Database, Limits, Login, Pool, Sizes};
use web::Environment;
use web::protection::{self, Protection};
use web::traffic::Traffic;
use web::{self, App, listen};
use webhooks::Allowed;

pub use base::trace;
pub use site::{Answer, Client, Response, TestSite, run};

/// `(content type, lines of JSON)`.
type Demo = &'static [(&'static model::content::ContentInfo, &'static str)];

/// The address of a PostgreSQL on which tests may create databases.
pub const DATABASE_VARIABLE: &str = "TYPECASE_TEST_DATABASE_URL";

/// The limits of servers and stores in tests.
pub const LIMITS: Limits = Limits {
    connections: Sizes { public: 8, reads: 8, writes: 4, background: 0 },
    statement: None,
    public_statement: None,
};

/// A new, empty database; `close` drops it.
pub struct TestDb {
    pub pool: PgPool,
    pub options: PgConnectOptions,
    name: String,
}

impl TestDb {
    /// Panics with instructions when PostgreSQL is missing: a test without its database has failed.
    pub async fn new() -> Self {
        let name = format!("test_{}", Uuid::now_v7().simple());
        let admin = admin_options();
        execute(&admin, format!("create database {name}")).await;
        let options = admin.database(&name);
        let pool = PgPoolOptions::new().max_connections(8).connect_with(options.clone()).await;
        Self { pool: pool.unwrap_or_else(|error| panic!("the new database does not answer: {error}")), options, name }
    }

    /// A connection pool like that of a server.
    pub fn server_pool(&self) -> Pool {
        Pool::new("test", Login::plain(self.options.clone()), 2)
    }

    /// The database as a server uses it, but without a timeout of statements.
    pub fn database(&self, schema: &'static SchemaInfo) -> Database {
        Database::new(self.options.clone(), LIMITS, schema)
    }

    /// The address of the database, for a process that is started on it.
    pub fn url(&self) -> String {
        self.options.to_url_lossy().to_string()
    }

    /// The address of the database through a proxy.
    pub fn url_by(&self, way: SocketAddr) -> String {
        self.options.clone().host(&way.ip().to_string()).port(way.port()).to_url_lossy().to_string()
    }

    pub async fn close(self) {
        self.pool.close().await;
        execute(&admin_options(), format!("drop database if exists {} with (force)", self.name)).await;
    }
}

/// A server in this process on a port of its own: one node. Its password hashing costs next to nothing.
pub struct TestServer {
    pub address: SocketAddr,
    pub app: Arc<App>,
    tasks: Vec<JoinHandle<()>>,
}

/// The options of a test server.
pub struct Node {
    pub schema: &'static SchemaInfo,
    /// The address of the database, if it is not the default.
    pub database: Option<String>,
    pub limits: Limits,
    pub site: SiteCode,
    pub settings: Settings,
    /// The development token.
    pub token: Option<String>,
    pub mailer: Option<Arc<dyn Mailer>>,
    /// By default there are no limits.
    pub protection: protection::Settings,
    /// The site's hooks.
    pub hooks: Arc<HookSet>,
    pub routes: Routes,
    /// The role of public reads, in a cluster that has it.
    pub public_role: Option<PublicRole>,
}

impl TestServer {
    /// Starts a server on a migrated database.
    pub async fn start(db: &TestDb, node: Node) -> Self {
        let mut store = Database::connect_lazy(&node.database.unwrap_or_else(|| db.url()), node.limits, node.schema)
            .expect("an address of a database");
        if let Some(role) = &node.public_role {
            store = store.with_public_role(role);
        }
        let mut accounts = Accounts::for_tests(store.writes.clone(), node.schema, &node.settings).expect("accounts");
        if let Some(mailer) = node.mailer {
            accounts = accounts.with_mailer(mailer);
        }
        accounts.tokens.keys.start(node.settings.is_development).await.expect("signing keys");
        let keys = tokio::spawn(accounts.tokens.keys.clone().watch());
        let protection = Arc::new(Protection::new(&node.protection).expect("the protection"));
        let app = Arc::new(App {
            traffic: Traffic::of(node.schema, &protection.documents),
            api: Api::new(store, Arc::new(identity::Roles::of(node.schema)), node.hooks, node.site)
                .expect("the API")
                .with_introspection_for(node.protection.introspection)
                .with_webhooks(hooked::webhooks(&node.settings, &Allowed::default()))
                .with_previews(hooked::previews(&accounts)),
            protection,
            accounts,
            environment: if node.settings.is_development { Environment::Development } else { Environment::Production },
            token: node.token,
            stopping: AtomicBool::new(false),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let router = web::router(Arc::clone(&app), node.routes);
        let protection = Arc::clone(&app.protection);
        let serving =
            tokio::spawn(async move { listen::serve(listener, router, &protection, std::future::pending()).await });
        Self { address, app, tasks: vec![keys, serving] }
    }

    pub async fn stop(self) {
        for task in self.tasks {
            task.abort();
        }
        self.app.api.database.close().await;
    }
}

fn admin_options() -> PgConnectOptions {
    let url = std::env::var(DATABASE_VARIABLE)
        .unwrap_or_else(|_| panic!("{DATABASE_VARIABLE} is not set: run the tests with `cargo xtask test`"));
    PgConnectOptions::from_str(&url).unwrap_or_else(|error| panic!("{DATABASE_VARIABLE} is not an address: {error}"))
}

async fn execute(options: &PgConnectOptions, sql: String) {
    let mut connection = options
        .connect()
        .await
        .unwrap_or_else(|error| panic!("PostgreSQL does not answer ({error}): run the tests with `cargo xtask test`"));
    if let Err(error) = connection.execute(AssertSqlSafe(sql.clone())).await {
        panic!("`{sql}` failed: {error}");
    }
}
