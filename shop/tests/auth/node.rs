//! Third-party servers written for Node, in separate processes (`shop/tests/oidc`, `app/tests/smtp`).

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};

pub struct NodeServer {
    pub address: SocketAddr,
    /// Its output after the line that says that it listens.
    pub lines: Receiver<String>,
    process: Child,
}

impl NodeServer {
    /// `name` is a folder of `shop/tests`; the server prints `listening ADDRESS`.
    pub fn start(name: &str) -> Self {
        let mut command = Command::new("node");
        command.arg(installed(name).join("server.mjs"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().unwrap_or_else(|error| panic!("node cannot be started ({error}): {NEEDED}"));
        let mut lines = BufReader::new(process.stdout.take().expect("its output")).lines().map_while(Result::ok);
        let address = lines
            .find_map(|line| line.strip_prefix("listening ").map(|address| address.parse().expect("an address")))
            .unwrap_or_else(|| panic!("{name} did not start: {NEEDED}"));
        let (say, said) = channel();
        // The output must be drained, even if nothing receives it, or the process would block.
        std::thread::spawn(move || lines.for_each(|line| drop(say.send(line))));
        Self { address, lines: said, process }
    }
}

impl Drop for NodeServer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

const NEEDED: &str = "the tests of mail and of sign-in with others need Node 20 or newer with npm, and once its registry; \
    install it from https://nodejs.org, or see the end of `npm ci` above";

/// The folder with the server's packages, which are installed once per lock file.
fn installed(name: &str) -> PathBuf {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let copy = |name: &str, to: &Path| {
        std::fs::copy(source.join(name), to.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    };
    let lock = |folder: &Path| std::fs::read(folder.join("package-lock.json")).unwrap_or_default();
    let is_done = folder.join("done").exists() && lock(&folder) == lock(&source);
    if !is_done {
        // An existing folder belongs to an older lock file, or its installation was interrupted.
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("a folder in target");
        copy("package.json", &folder);
        copy("package-lock.json", &folder);
        let mut npm = Command::new("npm");
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&folder).stdin(Stdio::null());
        let status = npm.status().unwrap_or_else(|error| panic!("npm cannot be started ({error}): {NEEDED}"));
        assert!(status.success(), "`npm ci` failed in {}: {NEEDED}", folder.display());
        std::fs::write(folder.join("done"), "").expect("a file in target");
    }
    copy("server.mjs", &folder);
    folder
}
