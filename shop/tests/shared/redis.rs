//! A Redis server for one test: a single server or a node of a cluster, with or without TLS. It persists nothing and ends with the test.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

const START: Duration = Duration::from_secs(60);

pub struct Redis {
    /// Without TLS.
    pub port: u16,
    /// With TLS, if there are certificates.
    pub tls_port: u16,
    bus: u16,
    process: Child,
    _folder: tempfile::TempDir,
}

/// A private CA for the test, and certificates that it has signed for this machine.
pub struct Certificates(tempfile::TempDir);

impl Redis {
    pub fn start(port: u16) -> Self {
        Self::spawn(port, free_port(), &[])
    }

    pub fn with_tls(certificates: &Certificates) -> Self {
        let tls_port = free_port();
        Self::spawn(free_port(), tls_port, &tls(tls_port, certificates))
    }

    /// Three nodes with TLS, also between them, which share all slots.
    pub fn cluster(certificates: &Certificates) -> [Self; 3] {
        let nodes = [0, 1, 2].map(|_| {
            let (tls_port, bus) = (free_port(), free_port());
            let own = ["--cluster-enabled", "yes", "--tls-cluster", "yes", "--cluster-port"].map(str::to_owned);
            let arguments = [tls(tls_port, certificates), own.to_vec(), vec![bus.to_string()]].concat();
            let mut node = Self::spawn(free_port(), tls_port, &arguments);
            node.bus = bus;
            node
        });
        for (node, slots) in nodes.iter().zip(["0 5460", "5461 10922", "10923 16383"]) {
            node.told(&format!("CLUSTER ADDSLOTSRANGE {slots}"));
        }
        for other in &nodes[1..] {
            nodes[0].told(&format!("CLUSTER MEET 127.0.0.1 {} {}", other.tls_port, other.bus));
        }
        let is_whole = |node: &Self| {
            let state = node.ask("CLUSTER INFO").unwrap_or_default();
            ["cluster_state:ok", "cluster_known_nodes:3", "cluster_slots_ok:16384"].iter().all(|so| state.contains(so))
        };
        until("the cluster is whole", || nodes.iter().all(is_whole));
        nodes
    }

    fn spawn(port: u16, tls_port: u16, more: &[String]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = Command::new(program());
        command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
        command.arg("--dir").arg(folder.path()).args(more).current_dir("/");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut process = command.spawn().expect("Redis starts");
        until("Redis answers", || {
            let ended = process.try_wait().expect("its state");
            assert!(ended.is_none(), "Redis has ended with {ended:?}: was it built with TLS?");
            ask(port, "PING").is_ok_and(|answer| answer == "+PONG")
        });
        Self { port, tls_port, bus: 0, process, _folder: folder }
    }

    /// The reply to a command: a line, or a text.
    pub fn ask(&self, command: &str) -> std::io::Result<String> {
        ask(self.port, command)
    }

    pub fn told(&self, command: &str) {
        let answer = self.ask(command).expect("Redis answers");
        assert_eq!(answer, "+OK", "{command}");
    }

    pub fn keys(&self) -> u32 {
        let answer = self.ask("DBSIZE").expect("Redis answers");
        answer.trim_start_matches(':').parse().unwrap_or_else(|_| panic!("{answer}"))
    }

    pub fn signal(&self, name: &str) {
        let told = Command::new("kill").args([name, &self.process.id().to_string()]).status().expect("kill runs");
        assert!(told.success());
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Certificates {
    pub fn new() -> Self {
        let made = Self(tempfile::tempdir().expect("a folder"));
        let settings = "[req]\ndistinguished_name = name\n[name]\n[authority]\nbasicConstraints = critical, CA:TRUE\n\
            keyUsage = critical, keyCertSign\n[node]\nbasicConstraints = CA:FALSE\nsubjectAltName = IP:127.0.0.1\n";
        std::fs::write(made.file("settings"), settings).expect("a file");
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -config settings";
        made.openssl(&format!(
            "req -x509 {key} -keyout authority.key -out authority.pem -subj /CN=authority -days 2 -extensions authority"
        ));
        made.openssl(&format!("req -new {key} -keyout node.key -out node.csr -subj /CN=node"));
        made.openssl(
            "x509 -req -in node.csr -CA authority.pem -CAkey authority.key -CAcreateserial -out node.pem -days 2 \
             -extfile settings -extensions node",
        );
        made
    }

    /// `authority.pem`, `node.pem`, `node.key`.
    pub fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn openssl(&self, arguments: &str) {
        let mut command = Command::new("openssl");
        let made = command.args(arguments.split_whitespace()).current_dir(self.0.path()).output();
        let made = made.unwrap_or_else(|error| panic!("install openssl ({error})"));
        assert!(made.status.success(), "{arguments}: {made:?}");
    }
}

fn tls(port: u16, certificates: &Certificates) -> Vec<String> {
    let file = |name: &str| certificates.file(name).to_string_lossy().into_owned();
    let options = [
        ("--tls-port", port.to_string()),
        ("--tls-cert-file", file("node.pem")),
        ("--tls-key-file", file("node.key")),
        ("--tls-ca-cert-file", file("authority.pem")),
        ("--tls-auth-clients", "no".to_owned()),
    ];
    options.into_iter().flat_map(|(name, value)| [name.to_owned(), value]).collect()
}

/// From below those that systems give to outgoing connections, which could take it before it is used.
pub fn free_port() -> u16 {
    static TRIED: AtomicU32 = AtomicU32::new(0);
    let next = || (20_000 + (std::process::id() * 37 + TRIED.fetch_add(1, Ordering::Relaxed)) % 12_000) as u16;
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    std::iter::repeat_with(next).take(1_000).find(is_free).expect("a port")
}

fn program() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = |name: &str| std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file());
    found("redis-server").or_else(|| found("valkey-server")).expect("install redis-server or valkey-server")
}

fn ask(port: u16, command: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.write_all(format!("{command}\r\n").as_bytes())?;
    let mut answer = BufReader::new(stream);
    let mut line = String::new();
    answer.read_line(&mut line)?;
    match line.strip_prefix('$').and_then(|length| length.trim().parse().ok()) {
        None => Ok(line.trim().to_owned()),
        Some(length) => {
            let mut text = vec![0; length];
            answer.read_exact(&mut text)?;
            Ok(String::from_utf8_lossy(&text).into_owned())
        }
    }
}

pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + START;
    while !is_so() {
        assert!(Instant::now() < end, "it does not come to pass: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
