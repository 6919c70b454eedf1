//! One private PostgreSQL cluster: created once, started on a free loopback port, stopped with its owner.

use std::fs::File;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use nix::sys::signal::{Signal, kill};

use super::account::{Account, without_postgres_settings};
use super::binaries::Binaries;
use super::orphan;
use crate::guard::{self, Guarded, Terms};
use crate::interrupt;

const USER: &str = "typecase";
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// The files of a cluster: `data/`, `password`, and `log` of the last start.
#[derive(Clone, Debug)]
pub struct Cluster {
    pub folder: PathBuf,
}

/// A running cluster; dropping it stops it.
pub struct Running {
    pub url: String,
    /// Stops PostgreSQL on drop.
    _server: Guarded,
}

impl Cluster {
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    pub fn is_made(&self) -> bool {
        self.data().join("PG_VERSION").is_file()
    }

    /// The major version that created it.
    pub fn major(&self) -> Option<u32> {
        std::fs::read_to_string(self.data().join("PG_VERSION")).ok()?.trim().parse().ok()
    }

    /// Creates it with `initdb`: UTF-8, bytewise collation, and Unicode case mapping if the system supports it.
    pub fn make(&self, account: Account, binaries: &Binaries) -> anyhow::Result<()> {
        let unfinished = Self::new(self.folder.with_extension("unfinished"));
        remove(&unfinished.folder)?;
        unfinished.make_folder(account)?;
        let password = unfinished.folder.join("password");
        crate::project::write_secret(&password, &crate::random::hex(16)?)?;
        account.own(&password)?;
        let mut last = Ok(());
        for ctype in ["C.UTF-8", "en_US.UTF-8", "C"] {
            last = unfinished.initdb(account, binaries, ctype);
            if last.is_ok() {
                break;
            }
        }
        last?;
        std::fs::rename(&unfinished.folder, &self.folder).context("cannot keep the new database")
    }

    fn initdb(&self, account: Account, binaries: &Binaries, ctype: &str) -> anyhow::Result<()> {
        let terms = Terms { account: account.ids(), ..Terms::stop_with(Signal::SIGTERM) };
        let mut command = guard::command(binaries.program("initdb"), &terms)?;
        without_postgres_settings(&mut command);
        // The password never leaves this machine, and SCRAM takes unoptimised code 35 ms.
        command.args(["--username", USER, "--auth=password", "--encoding=UTF8", "--locale=C", "--no-sync"]);
        command.arg(format!("--lc-ctype={ctype}")).arg("--pwfile").arg(self.folder.join("password"));
        command.arg("--pgdata").arg(self.data()).current_dir("/");
        let log = File::create(self.log())?;
        command.stdout(log.try_clone()?).stderr(log);
        match interrupt::wait(&mut Guarded::spawn(command)?)? {
            0 => Ok(()),
            code => bail!("initdb failed with code {code}:\n{}", self.end_of_log()),
        }
    }

    /// Creates it as a copy of a stopped one.
    pub fn copy_from(&self, template: &Self, account: Account) -> anyhow::Result<()> {
        let unfinished = Self::new(self.folder.with_extension("unfinished"));
        remove(&unfinished.folder)?;
        copy(&template.folder, &unfinished.folder, account)?;
        std::fs::rename(&unfinished.folder, &self.folder).context("cannot keep the new database")
    }

    fn make_folder(&self, account: Account) -> anyhow::Result<()> {
        std::fs::create_dir_all(&self.folder).with_context(|| format!("cannot make {}", self.folder.display()))?;
        std::fs::set_permissions(&self.folder, PermissionsExt::from_mode(0o700))?;
        account.own(&self.folder)
    }

    /// Starts it; with `passing`, its folder is deleted once it has stopped.
    pub fn start(
        &self,
        account: Account,
        binaries: &Binaries,
        settings: &[&str],
        passing: bool,
    ) -> anyhow::Result<Running> {
        self.start_again(account, binaries, settings, passing, None)
    }

    /// Starts it on its previous port if that is still free, so that clients find it again.
    pub fn start_again(
        &self,
        account: Account,
        binaries: &Binaries,
        settings: &[&str],
        passing: bool,
        mut former: Option<u16>,
    ) -> anyhow::Result<Running> {
        self.stop_orphan()?;
        // Another program may take a free port before PostgreSQL does, so this is retried.
        for _ in 0..5 {
            let port = former.take().map_or_else(free_port, Ok)?;
            let mut server = self.spawn(account, binaries, settings, passing, port)?;
            if self.wait_until_ready(&mut server, port)? {
                return Ok(Running { url: self.url(port)?, _server: server });
            }
        }
        bail!("PostgreSQL found no free port")
    }

    fn spawn(
        &self,
        account: Account,
        binaries: &Binaries,
        settings: &[&str],
        passing: bool,
        port: u16,
    ) -> anyhow::Result<Guarded> {
        let terms = Terms {
            // A cluster that will be deleted needs no orderly shutdown.
            signal: if passing { Signal::SIGQUIT } else { Signal::SIGINT },
            account: account.ids(),
            remove: passing.then(|| self.folder.clone()),
            socket: None,
        };
        let mut command = guard::command(binaries.program("postgres"), &terms)?;
        without_postgres_settings(&mut command);
        command.arg("-D").arg(self.data()).args(["-p", &port.to_string()]).current_dir("/");
        // No socket files: their paths are limited to 107 bytes, and a project's path is often longer.
        let fixed = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=200", "timezone=UTC"];
        for setting in fixed.iter().chain(settings) {
            command.args(["-c", setting]);
        }
        let log = File::create(self.log()).with_context(|| format!("cannot write {}", self.log().display()))?;
        Guarded::spawn({
            command.stdout(Stdio::null()).stderr(log);
            command
        })
    }

    /// False if another program took the port first.
    fn wait_until_ready(&self, server: &mut Guarded, port: u16) -> anyhow::Result<bool> {
        let started = Instant::now();
        loop {
            if let Some(code) = server.ended()? {
                let log = self.end_of_log();
                if log.contains("could not bind") {
                    return Ok(false);
                }
                bail!("PostgreSQL ended with code {code}:\n{log}");
            }
            if self.ready_port() == Some(port) {
                return Ok(true);
            }
            if interrupt::requested() {
                bail!("interrupted");
            }
            if started.elapsed() > START_TIMEOUT {
                bail!("PostgreSQL is not ready after {} s:\n{}", START_TIMEOUT.as_secs(), self.end_of_log());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The address of a cluster that another process started and that accepts connections.
    pub fn running_url(&self) -> Option<String> {
        self.url(self.ready_port()?).ok()
    }

    fn url(&self, port: u16) -> anyhow::Result<String> {
        let password =
            std::fs::read_to_string(self.folder.join("password")).context("the password of the database is missing")?;
        Ok(format!("postgres://{USER}:{password}@127.0.0.1:{port}/postgres?sslmode=disable"))
    }

    /// A line of the server's pid file: 0 is its process, 3 its port, 7 its state.
    fn pid_file_line(&self, line: usize) -> Option<String> {
        let text = std::fs::read_to_string(self.data().join("postmaster.pid")).ok()?;
        Some(text.lines().nth(line)?.trim().to_owned())
    }

    pub fn ready_port(&self) -> Option<u16> {
        let ready = self.pid_file_line(7)? == "ready";
        ready.then(|| self.pid_file_line(3)?.parse().ok()).flatten()
    }

    /// Stops a server that has outlived its owner. The caller must hold the cluster's lock.
    pub fn stop_orphan(&self) -> anyhow::Result<()> {
        let started = Instant::now();
        while let Some(process) = orphan::server(&self.data(), self.pid_file_line(0)) {
            // It is usually shutting down already; the signals are for when it is not.
            let signal = if started.elapsed() < Duration::from_secs(10) { Signal::SIGINT } else { Signal::SIGQUIT };
            let _ = kill(process, signal);
            if started.elapsed() > Duration::from_secs(20) {
                bail!("the PostgreSQL of an earlier run (process {process}) does not stop");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        // A killed server leaves its pid file, and PostgreSQL trusts it as long as the process is a zombie.
        if orphan::is_deserted(&self.data()) {
            let _ = std::fs::remove_file(self.data().join("postmaster.pid"));
        }
        Ok(())
    }

    fn end_of_log(&self) -> String {
        let text = std::fs::read(self.log()).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }
}

pub fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").context("no free port on 127.0.0.1")?;
    Ok(listener.local_addr()?.port())
}

/// Deletes a folder if it exists.
pub fn remove(folder: &Path) -> anyhow::Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot delete {}", folder.display()))
        }
        _ => Ok(()),
    }
}

fn copy(from: &Path, to: &Path, account: Account) -> anyhow::Result<()> {
    std::fs::create_dir_all(to).with_context(|| format!("cannot make {}", to.display()))?;
    std::fs::set_permissions(to, PermissionsExt::from_mode(0o700))?;
    account.own(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target, account)?;
        } else {
            std::fs::copy(entry.path(), &target)?;
            account.own(&target)?;
        }
    }
    Ok(())
}
