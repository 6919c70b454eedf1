//! A search engine for one test, with the API of OpenSearch. It persists nothing and ends with the test.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use runtime::serde_json::{self, Value as Json};

const PROGRAM: &str = "TYPECASE_TEST_SEARCH_ENGINE";

pub struct SearchServer {
    pub address: SocketAddr,
    process: Child,
}

impl SearchServer {
    pub fn start() -> Self {
        Self::at("127.0.0.1:0".parse().expect("an address"))
    }

    /// Empty, at an address that another one had.
    pub fn at(address: SocketAddr) -> Self {
        let program = std::env::var_os(PROGRAM);
        let program = program.expect("`cargo xtask test` finds or fetches `osmem-server` (the package of PyPI, 0.1.6)");
        let mut command = Command::new(program);
        command.args(["-addr", &address.to_string(), "-no-ja", "-parent-pid", &std::process::id().to_string()]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().expect("the search engine starts");
        let mut lines = BufReader::new(process.stdout.take().expect("its output")).lines();
        let line = lines.next().expect("it tells its address").expect("a line");
        let told: Json = serde_json::from_str(&line).expect("it tells JSON");
        let url = told["url"].as_str().and_then(|url| url.strip_prefix("http://")).expect("its address");
        Self { address: url.parse().expect("an address"), process }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its answer to a request.
    pub fn ask(&self, method: &str, path: &str, body: &Json) -> Json {
        let mut stream = TcpStream::connect(self.address).expect("it accepts");
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let head = format!(
            "{method} {path} HTTP/1.0\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(format!("{head}{body}").as_bytes()).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
        serde_json::from_str(body).unwrap_or(Json::Null)
    }

    /// The names of its indexes.
    pub fn indexes(&self) -> Vec<String> {
        let all = self.ask("GET", "/*/_alias", &Json::Null);
        all.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect()
    }

    /// Documents that the index of an alias shows.
    pub fn count(&self, alias: &str) -> u64 {
        self.ask("GET", &format!("/{alias}/_count"), &Json::Null)["count"].as_u64().unwrap_or_default()
    }

    pub fn signal(&self, signal: &str) {
        let told = Command::new("kill").args([signal, &self.process.id().to_string()]).status().expect("kill runs");
        assert!(told.success());
    }
}

impl Drop for SearchServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
