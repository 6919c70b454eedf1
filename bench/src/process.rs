//! The measured processes: the two servers as children of this one, and PostgreSQL.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use sqlx::PgPool;

/// Connections to PostgreSQL per server.
pub const CONNECTIONS: u32 = 8;

/// A server in a separate process, which is stopped when this value is dropped.
pub struct Server {
    pub name: &'static str,
    pub address: String,
    child: Child,
}

impl Server {
    /// This program again, serving the floor.
    pub fn floor(url: &str) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["serve", "floor"]);
        Self::start("floor", command, url)
    }

    /// The site's own server, built next to this program.
    pub fn ours(url: &str) -> Result<Self> {
        let mut command = server()?;
        command.arg("serve");
        Self::start("ours", command, url)
    }

    fn start(name: &'static str, mut command: Command, url: &str) -> Result<Self> {
        let address = format!("127.0.0.1:{}", free_port()?);
        let command = command.env("DATABASE_URL", url).env("TYPECASE_ADDRESS", &address);
        // Valid for this benchmark only; production requires a secret.
        let command = command.env("TYPECASE_SECRET", "bench-9fK2pXw7Lq4ZtR8mVd3HsY6nBc1GjA5eUo0iTxPk");
        // A single client sends more requests here than a thousand people would.
        let command = command.env("TYPECASE_RATE", "off");
        // What is measured is reads, not what was read before.
        let command = command.env("TYPECASE_CACHE", "0");
        // The measured reads are anonymous.
        let command = command.env("TYPECASE_PUBLIC_CONNECTIONS", CONNECTIONS.to_string());
        let child = command.env("RUST_LOG", "warn").stdout(Stdio::null()).spawn()?;
        let server = Self { name, address, child };
        let end = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(&server.address).is_err() {
            ensure!(Instant::now() < end, "the {name} server does not answer");
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(server)
    }

    pub fn cpu(&self) -> f64 {
        cpu_seconds(self.child.id())
    }

    /// Resident memory in MiB.
    pub fn memory(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<f64>().ok());
        kib.map_or(0.0, |kib| kib / 1024.0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have exited already, which is fine here.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The server from the same build: that of `shop`, whose schema is not changed by a site.
pub fn server() -> Result<Command> {
    let path = std::env::current_exe()?.with_file_name("shop");
    ensure!(path.is_file(), "{} is missing: run `cargo xtask bench`", path.display());
    Ok(Command::new(path))
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0").context("no free port")?.local_addr()?.port())
}

/// CPU seconds used so far by all processes of the PostgreSQL cluster; 0 if it runs elsewhere.
pub async fn database_cpu(pool: &PgPool) -> Result<f64> {
    let backend: i32 = sqlx::query_scalar("select pg_backend_pid()").fetch_one(pool).await?;
    let Some(postmaster) = parent(backend.unsigned_abs()) else { return Ok(0.0) };
    let running: f64 = processes().filter(|id| parent(*id) == Some(postmaster)).map(cpu_seconds).sum();
    Ok(running + ticks(postmaster, 12))
}

fn processes() -> impl Iterator<Item = u32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// The fields of `/proc/ID/stat` after the command, which may itself contain blanks.
fn stat(id: u32) -> Option<Vec<u64>> {
    let text = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let (_, rest) = text.rsplit_once(')')?;
    Some(rest.split_whitespace().skip(1).map(|field| field.parse().unwrap_or(0)).collect())
}

fn parent(id: u32) -> Option<u32> {
    stat(id)?.first().and_then(|parent| u32::try_from(*parent).ok())
}

fn cpu_seconds(id: u32) -> f64 {
    ticks(id, 10)
}

/// CPU seconds of this process's children that have exited.
pub fn children_cpu() -> f64 {
    ticks(std::process::id(), 12)
}

/// User and system time together. Linux reports ticks of 10 ms whatever the kernel's own rate (USER_HZ is 100).
fn ticks(id: u32, field: usize) -> f64 {
    let ticks = stat(id).map_or(0, |fields| fields.get(field).unwrap_or(&0) + fields.get(field + 1).unwrap_or(&0));
    ticks as f64 / 100.0
}
