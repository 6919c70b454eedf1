//! Starts a built server and waits until it responds.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use super::scratch::{SERVER, Scratch};

const PATIENCE: Duration = Duration::from_secs(30);

/// Killed on drop: nothing of it needs to be kept.
pub struct Running {
    process: Child,
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only if it has already exited.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Migrates, serves, and sends requests until there is a response.
pub fn start(scratch: &Scratch, database: &str) -> anyhow::Result<Running> {
    let command = |args: &[&str]| {
        let mut command = Command::new(scratch.target.join("debug").join(SERVER));
        command.args(args).env("DATABASE_URL", database).env("TYPECASE_ENV", "development");
        command.env("TYPECASE_DEV_TOKEN", "bench-compile-token-of-no-use").env("RUST_LOG", "warn");
        command
    };
    super::succeed(&mut command(&["migrate"]))?;
    let port = free_port()?;
    let mut serve = command(&["serve", "--port", &port.to_string()]);
    let process = serve.stdin(Stdio::null()).spawn().context("the built server does not start")?;
    let mut running = Running { process };
    let start = Instant::now();
    while !answers(port) {
        if let Some(status) = running.process.try_wait()? {
            bail!("the built server ended with {status}");
        }
        if start.elapsed() > PATIENCE {
            bail!("the built server gives no answer on port {port}");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(running)
}

fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("no port is free")?;
    Ok(listener.local_addr()?.port())
}

/// Whether a GraphQL query returns data.
fn answers(port: u16) -> bool {
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        let body = r#"{"query":"{ __typename }"}"#;
        let length = body.len();
        write!(
            stream,
            "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| answer.contains("\"Query\""))
}
