//! The server behind a connection pooler, in transaction mode and in session mode. Needs PgBouncer (`apt-get install pgbouncer`).

use std::collections::BTreeSet;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use runtime::migrate::{Migrations, migrate};
use runtime::serde_json::json;
use runtime::testing::TestDb;

use crate::client::{Site, TOKEN, command_with, migrated};
use crate::redis_server::free_port;

const DEADLINE: Duration = Duration::from_secs(20);

/// Killed when the test ends, even if it fails.
struct PgBouncer {
    port: u16,
    process: Child,
    _folder: tempfile::TempDir,
}

impl PgBouncer {
    fn before(db: &TestDb, mode: &str, connections: u32, more: &str) -> Self {
        let program = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer", "/opt/homebrew/bin/pgbouncer"];
        let program = program.into_iter().find(|program| Path::new(program).exists());
        let program = program.expect("the tests want PgBouncer: apt-get install pgbouncer, or brew install pgbouncer");
        let folder = tempfile::tempdir().expect("a folder");
        let port = free_port();
        let (host, upstream, user) = (db.options.get_host(), db.options.get_port(), db.options.get_username());
        let users = folder.path().join("users.txt");
        // PgBouncer accepts clients without a password; the database requires one.
        let url = db.url();
        let login = url.split_once("://").and_then(|(_, rest)| rest.split_once('@')).map(|(login, _)| login);
        let password = login.and_then(|login| login.split_once(':')).map_or("", |(_, password)| password);
        std::fs::write(&users, format!("\"{user}\" \"{password}\"\n")).expect("a file");
        let settings = format!(
            "[databases]\n* = host={host} port={upstream}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
            unix_socket_dir =\nauth_type = trust\nauth_file = {}\npool_mode = {mode}\ndefault_pool_size = {connections}\n{more}\n",
            users.display()
        );
        let file = folder.path().join("pgbouncer.ini");
        std::fs::write(&file, settings).expect("a file");
        let mut command = Command::new(program);
        command.arg(&file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        // PgBouncer refuses to run as root.
        if is_root() {
            use std::os::unix::fs::PermissionsExt as _;
            use std::os::unix::process::CommandExt as _;
            for path in [folder.path(), &file, &users] {
                std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("others may read it");
            }
            command.uid(65_534).gid(65_534);
        }
        let process = command.spawn().expect("PgBouncer starts");
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(began.elapsed() < DEADLINE, "PgBouncer does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { port, process, _folder: folder }
    }

    fn url(&self, db: &TestDb) -> String {
        db.url_by(([127, 0, 0, 1], self.port).into())
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().expect("id runs");
    id.stdout.trim_ascii() == b"0"
}

/// Two pooling modes, each refusing (the default) or silently ignoring settings of connections.
const WAYS: [(&str, u32, &str); 4] = [
    ("transaction", 4, ""),
    ("transaction", 4, "ignore_startup_parameters = options, extra_float_digits"),
    ("session", 40, ""),
    ("session", 40, "ignore_startup_parameters = options"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_site_is_served_behind_pgbouncer() {
    for (mode, connections, more) in WAYS {
        let db = TestDb::new().await;
        let bouncer = PgBouncer::before(&db, mode, connections, more);
        let url = bouncer.url(&db);
        let through = [("DATABASE_URL", url.as_str())];
        // Two at once: one does the work, the other finds it done.
        let (one, other) = std::thread::scope(|scope| {
            let other = scope.spawn(|| command_with(&db, &through, &["migrate"]));
            (command_with(&db, &through, &["migrate"]), other.join().expect("a thread"))
        });
        for migrated in [&one, &other] {
            assert!(migrated.status.success(), "{mode} {more}: {migrated:?}");
        }
        let did = |output: &std::process::Output| String::from_utf8_lossy(&output.stdout).contains("applied");
        assert_ne!(did(&one), did(&other), "{mode} {more}: {one:?}\n{other:?}");
        assert!(command_with(&db, &through, &["demo"]).status.success());
        let doctor = command_with(&db, &through, &["doctor"]);
        let report = String::from_utf8_lossy(&doctor.stdout).into_owned();
        assert!(doctor.status.success() && report.contains("connection pooler"), "{mode} {more}: {report}");
        assert!(report.contains("ok     public role"), "{mode} {more}: {report}");
        let site = Site::with(db, &through).await;
        let authorization = format!("Bearer {TOKEN}");
        let asked = (0..120).map(|number| {
            let (site, authorization) = (&site, &authorization);
            async move {
                let read = "{ products(first: 3) { totalCount nodes { name brand { name } variants { sku } } } }";
                let (query, signed_in) = match number % 3 {
                    0 => (read.to_owned(), false),
                    1 => (read.to_owned(), true),
                    _ => (format!("mutation {{ createTag(input: {{name: \"T{number}\"}}) {{ id }} }}"), true),
                };
                let headers: &[_] = if signed_in { &[("authorization", authorization.as_str())] } else { &[] };
                let answer = site.post(&json!({ "query": query }), headers).await.json();
                assert!(answer["errors"].is_null(), "{mode} {more}: {query}: {answer}");
                assert!(number % 3 == 2 || answer["data"]["products"]["totalCount"].as_i64() > Some(0), "{answer}");
            }
        });
        join_all(asked).await;
        // Public reads fail without this privilege, whatever connection they get.
        sqlx::query("revoke select on live.tag from typecase_public").execute(&site.db.pool).await.expect("an owner");
        let tags = json!({ "query": "{ tags(first: 100) { nodes { id } } }" });
        let (public, own) =
            (site.post(&tags, &[]).await.json(), site.post(&tags, &[("authorization", &authorization)]).await.json());
        assert_eq!(public["errors"][0]["extensions"]["code"], "INTERNAL", "{mode} {more}: {public}");
        assert!(own["data"]["tags"]["nodes"].as_array().is_some_and(|tags| tags.len() >= 40), "{mode} {more}: {own}");
        // No setting stays behind for other clients.
        let roles: BTreeSet<String> = join_all((0..8).map(|_| whoever_comes(&url))).await.into_iter().collect();
        assert_eq!(roles.len(), 1, "{mode} {more}: {roles:?}");
        assert!(!roles.contains("typecase_public"));
        site.stop().await;
    }
}

async fn whoever_comes(url: &str) -> String {
    use sqlx::ConnectOptions as _;
    let options: sqlx::postgres::PgConnectOptions = url.parse().expect("an address");
    let options = options.statement_cache_capacity(0).extra_float_digits(None);
    let mut connection = options.connect().await.expect("PgBouncer lets everybody in");
    let row = sqlx::Executor::fetch_one(&mut connection, "select current_user::text").await.expect("a row");
    sqlx::Row::try_get(&row, 0).expect("a name")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn indexes_are_built_concurrently_behind_it() {
    let db = migrated().await;
    let bouncer = PgBouncer::before(&db, "transaction", 4, "");
    let file = "set lock_timeout = '3s';\ncreate table live.later (id int);\n\
        create index concurrently later_idx on live.later (id);\n\
        begin;\ninsert into live.later select extract(epoch from current_setting('lock_timeout')::interval);\ncommit;";
    let files = [generated::SCHEMA.migrations, &[("9999_later.sql", file)]].concat();
    let options = bouncer.url(&db).parse().expect("an address");
    let report = migrate(&options, Migrations { files: &files, catalog: "later" }).await.expect("it migrates");
    assert_eq!(report.applied.len(), 1);
    let (valid, set): (bool, i32) = sqlx::query_as(
        "select indisvalid, (select id from live.later) from pg_index where indexrelid = 'live.later_idx'::regclass",
    )
    .fetch_one(&db.pool)
    .await
    .expect("the index");
    assert_eq!((valid, set), (true, 3), "a file's settings hold in its transactions");
    drop(bouncer);
    db.close().await;
}
