//! The measured servers, as children of this process: ours in several modes, the floors, the static answer.

mod usage;

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

pub use usage::{backends, children_cpu, database_cpu};

use crate::load::{self, Wire};

/// Connections to PostgreSQL per server.
pub const CONNECTIONS: u32 = 8;

/// Valid for this benchmark only; production requires a secret.
const SECRET: &str = "bench-9fK2pXw7Lq4ZtR8mVd3HsY6nBc1GjA5eUo0iTxPk";

/// A server in a separate process, which is stopped when this value is dropped.
pub struct Server {
    pub address: String,
    /// Seconds from its start to its first answer.
    pub start: f64,
    child: Child,
}

impl Server {
    /// This program again, serving the floors.
    pub async fn floor(url: &str) -> Result<Self> {
        Self::own("floor", url).await
    }

    /// This program again, serving static answers.
    pub async fn fixed(url: &str) -> Result<Self> {
        Self::own("static", url).await
    }

    async fn own(what: &str, url: &str) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["serve", what]);
        Self::start(what, command, url, &[], load::request("/static/2", None, "{}")).await
    }

    /// The site's own server, built next to this program.
    pub async fn ours(url: &str, settings: &[(&str, String)]) -> Result<Self> {
        let mut command = server()?;
        command.arg("serve");
        let question = load::request("/graphql", None, r#"{"query":"{ products { totalCount } }"}"#);
        Self::start("ours", command, url, settings, question).await
    }

    async fn start(
        name: &str,
        mut command: Command,
        url: &str,
        settings: &[(&str, String)],
        question: Vec<u8>,
    ) -> Result<Self> {
        let address = format!("127.0.0.1:{}", free_port()?);
        let began = Instant::now();
        let command = command
            .env("DATABASE_URL", url)
            .env("TYPECASE_ADDRESS", &address)
            .env("TYPECASE_SECRET", SECRET)
            // A single client sends more requests here than a thousand people would.
            .env("TYPECASE_RATE", "off")
            .env("TYPECASE_PUBLIC_CONNECTIONS", CONNECTIONS.to_string())
            .env("RUST_LOG", "warn")
            .envs(settings.iter().map(|(name, value)| (name, value)))
            .stdout(Stdio::null());
        let mut server = Self { address, start: 0.0, child: command.spawn()? };
        let end = began + Duration::from_secs(30);
        while TcpStream::connect(&server.address).is_err() {
            ensure!(Instant::now() < end, "the {name} server does not answer");
            std::thread::sleep(Duration::from_millis(1));
        }
        if name == "ours" {
            Wire::connect(&server.address).await?.ask(&question).await?;
        }
        server.start = began.elapsed().as_secs_f64();
        Ok(server)
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn cpu(&self) -> f64 {
        usage::cpu_seconds(self.child.id())
    }

    /// Resident memory in MiB.
    pub fn memory(&self) -> f64 {
        usage::memory(self.child.id())
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

/// An API token of an administrator.
pub fn token(url: &str) -> Result<String> {
    let mut command = server()?;
    command.args(["token", "create", "--role", "admin"]).env("DATABASE_URL", url).env("TYPECASE_SECRET", SECRET);
    let output = command.output()?;
    ensure!(output.status.success(), "`token create` failed: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0").context("no free port")?.local_addr()?.port())
}
