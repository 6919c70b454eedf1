//! The private PostgreSQL: available to its owner, isolated from others, and stopped with its owner however that ends.
#![cfg(target_os = "linux")]

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

/// An empty checkout; its database is stopped and deleted at the end.
struct Checkout {
    folder: TempDir,
}

impl Checkout {
    fn new(mode: u32) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("xtask")).expect("a folder");
        std::fs::write(folder.path().join("xtask/Cargo.toml"), "").expect("a file");
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(mode)).expect("a mode");
        Self { folder }
    }

    fn xtask(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        command.env_remove("DATABASE_URL").env_remove("TYPECASE_TEST_DATABASE_URL").env("PGPORT", "1");
        command
    }

    fn output(&self, arguments: &[&str]) -> Output {
        self.xtask(arguments).output().expect("xtask runs")
    }

    /// `xtask postgres`, after it has printed its address.
    fn started(&self) -> (Child, String) {
        let mut command = self.xtask(&["postgres"]);
        let mut child = command.stdout(Stdio::piped()).spawn().expect("xtask runs");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
        assert!(line.starts_with("postgres://"), "{line:?}");
        (child, line.trim().to_owned())
    }

    fn private(&self) -> PathBuf {
        self.folder.path().join(".dev/postgres")
    }

    /// The database's folder if its user cannot enter the checkout.
    fn elsewhere(&self) -> Option<PathBuf> {
        let text = std::fs::read_to_string(self.private().join("README")).ok()?;
        Some(PathBuf::from(text.split(" are in ").nth(1)?.trim().trim_end_matches('.')))
    }

    fn state(&self) -> PathBuf {
        self.elsewhere().unwrap_or_else(|| self.private())
    }
}

impl Drop for Checkout {
    fn drop(&mut self) {
        if let Some(folder) = self.elsewhere() {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

/// The processes with this text in their command line.
fn processes(text: &Path) -> Vec<Pid> {
    let text = text.to_str().expect("a plain path");
    let all = std::fs::read_dir("/proc").expect("/proc").flatten();
    let numbers = all.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let named = numbers.filter(|number| {
        std::fs::read_to_string(format!("/proc/{number}/cmdline")).is_ok_and(|line| line.contains(text))
    });
    named.map(Pid::from_raw).collect()
}

#[track_caller]
fn eventually(what: &str, condition: impl Fn() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < Duration::from_secs(15), "not within 15 s: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn accepts(url: &str) -> bool {
    let address = url.split(['@', '/']).nth(3).expect("host and port");
    TcpStream::connect(address).is_ok()
}

fn send(child: &Child, signal: Signal) {
    kill(Pid::from_raw(i32::try_from(child.id()).expect("a process number")), signal).expect("it is there");
}

#[test]
fn a_command_gets_a_database_and_its_exit_code_is_ours() {
    let checkout = Checkout::new(0o755);
    let output = checkout.output(&["postgres", "--passing", "--", "sh", "-c", "echo $DATABASE_URL; exit 7"]);
    assert_eq!(output.status.code(), Some(7), "{output:?}");
    let url = String::from_utf8(output.stdout).expect("text");
    assert!(url.starts_with("postgres://typecase:"), "{url:?}");
    assert!(!accepts(url.trim()));
    assert!(processes(checkout.folder.path()).is_empty());
    let left = std::fs::read_dir(checkout.state())
        .expect("the folder")
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("passing") && entry.path().is_dir());
    assert_eq!(left.count(), 0);
}

#[test]
fn nothing_is_left_running_when_the_owner_is_killed() {
    // 0700 under root: the database's user cannot enter, so the cluster is elsewhere.
    for mode in [0o755, 0o700] {
        let checkout = Checkout::new(mode);
        let (mut owner, url) = checkout.started();
        assert!(accepts(&url));
        send(&owner, Signal::SIGKILL);
        owner.wait().expect("its end");
        eventually("the port is closed", || !accepts(&url));
        eventually("no process is left", || processes(&checkout.state()).is_empty());
    }
}

#[test]
fn nothing_is_left_running_when_owner_and_guard_are_killed() {
    let checkout = Checkout::new(0o755);
    let (mut owner, url) = checkout.started();
    for process in processes(&checkout.state()) {
        let is_server = std::fs::read_link(format!("/proc/{process}/exe")).is_ok_and(|exe| exe.ends_with("postgres"));
        if !is_server {
            kill(process, Signal::SIGKILL).expect("the guard");
        }
    }
    send(&owner, Signal::SIGKILL);
    owner.wait().expect("its end");
    eventually("the port is closed", || !accepts(&url));
    eventually("no process is left", || processes(&checkout.state()).is_empty());
}

#[test]
fn a_signal_stops_the_database_in_order_and_a_killed_server_starts_again() {
    let checkout = Checkout::new(0o755);
    let (mut first, url) = checkout.started();
    send(&first, Signal::SIGTERM);
    first.wait().expect("its end");
    assert!(!accepts(&url));
    assert!(!checkout.state().join("dev/data/postmaster.pid").exists());
    let (mut second, _) = checkout.started();
    for process in processes(&checkout.state()) {
        let _ = kill(process, Signal::SIGKILL);
    }
    send(&second, Signal::SIGKILL);
    second.wait().expect("its end");
    let (mut third, url) = checkout.started();
    assert!(accepts(&url));
    send(&third, Signal::SIGINT);
    third.wait().expect("its end");
}

#[test]
fn a_second_command_joins_the_database_and_passing_ones_are_apart() {
    let checkout = Checkout::new(0o755);
    let (mut owner, url) = checkout.started();
    let print = ["--", "sh", "-c", "echo $DATABASE_URL"];
    let joined = checkout.output(&[&["postgres"], &print[..]].concat());
    assert_eq!(String::from_utf8_lossy(&joined.stdout).trim(), url);
    let [first, second] = [(); 2].map(|()| {
        let mut command = checkout.xtask(&[&["postgres", "--passing"], &print[..]].concat());
        command.stdout(Stdio::piped()).spawn().expect("xtask runs")
    });
    let urls = [first, second].map(|child| child.wait_with_output().expect("its end").stdout);
    assert_ne!(urls[0], urls[1]);
    assert!(urls.iter().all(|url| url.starts_with(b"postgres://")));
    assert!(accepts(&url));
    send(&owner, Signal::SIGTERM);
    owner.wait().expect("its end");
}

#[test]
fn a_command_is_not_told_which_package_cargo_runs() {
    let checkout = Checkout::new(0o755);
    let mut command = checkout.xtask(&["postgres", "--passing", "--", "sh", "-c", "env"]);
    let output =
        command.env("CARGO_MANIFEST_DIR", "/xtask").env("CARGO_PKG_NAME", "xtask").output().expect("xtask runs");
    let text = String::from_utf8(output.stdout).expect("text");
    // ring's build script reads it, and everything that depends on ring would be rebuilt.
    assert!(
        text.contains("DATABASE_URL=") && !text.contains("CARGO_MANIFEST_DIR") && !text.contains("CARGO_PKG_"),
        "{text}"
    );
}

#[test]
fn a_database_that_is_named_is_used() {
    let checkout = Checkout::new(0o755);
    let mut command = checkout.xtask(&["postgres", "--", "sh", "-c", "echo $DATABASE_URL"]);
    let output = command.env("DATABASE_URL", "postgres://me:secret@db.example/shop").output().expect("xtask runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "postgres://me:secret@db.example/shop");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("me@db.example/shop") && !said.contains("secret"), "{said}");
    assert!(!checkout.private().exists());
}
