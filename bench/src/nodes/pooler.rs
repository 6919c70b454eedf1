//! PgBouncer in transaction mode, in front of the private PostgreSQL.

use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::process::free_port;

/// Connections to PostgreSQL: more than one server has.
const POOL: u32 = 40;
/// It refuses to run as root.
const NOBODY: u32 = 65_534;

/// Stopped when it is dropped.
pub struct PgBouncer {
    pub url: String,
    process: Child,
    _folder: tempfile::TempDir,
}

impl PgBouncer {
    /// `None` if it is not installed.
    pub async fn start(upstream: &str) -> Result<Option<Self>> {
        let Ok(program) = std::env::var("BENCH_PGBOUNCER") else { return Ok(None) };
        let (login, rest) = upstream.split_once("://").and_then(|(_, rest)| rest.split_once('@')).context("a login")?;
        let (user, password) = login.split_once(':').context("a password")?;
        let (address, database) = rest.split_once('/').context("a database")?;
        let (host, server_port) = address.split_once(':').context("a port")?;
        let (folder, port) = (tempfile::tempdir()?, free_port()?);
        let (users, file) = (folder.path().join("users.txt"), folder.path().join("pgbouncer.ini"));
        std::fs::write(&users, format!("\"{user}\" \"{password}\"\n"))?;
        let settings = format!(
            "[databases]\n* = host={host} port={server_port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
            unix_socket_dir =\nauth_type = trust\nauth_file = {}\npool_mode = transaction\ndefault_pool_size = {POOL}\n",
            users.display()
        );
        std::fs::write(&file, settings)?;
        let mut command = Command::new(program);
        command.arg(&file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let me = std::fs::metadata(folder.path()).map(|folder| std::os::unix::fs::MetadataExt::uid(&folder))?;
        if me == 0 {
            for path in [folder.path(), &file, &users] {
                std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))?;
            }
            command.uid(NOBODY).gid(NOBODY);
        }
        let process = command.spawn()?;
        let url = format!("postgres://{login}@127.0.0.1:{port}/{database}");
        let pooler = Self { url, process, _folder: folder };
        let end = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            ensure!(Instant::now() < end, "PgBouncer does not listen");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(Some(pooler))
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        // It may have exited already, which is fine here.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
