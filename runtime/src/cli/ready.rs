//! `typecase ready`: the check of a load balancer, for images without another program that could send the request.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::failed;
use base::error::Result;
use base::say;

/// Longer than a healthy server needs, and shorter than the timeout of typical health checks.
const PATIENCE: Duration = Duration::from_secs(8);
/// Bytes of a response that names the failing pools.
const LONGEST: u64 = 4096;

/// Checks the server that listens on this address of this machine.
pub async fn run(listens: SocketAddr) -> Result<ExitCode> {
    let address = reached(listens);
    let answer = match timeout(PATIENCE, ask(address)).await {
        Ok(answer) => answer.map_err(|error| failed(format!("no server answers at {address}: {error}")))?,
        Err(_) => return Err(failed(format!("the server at {address} does not answer in time"))),
    };
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let is_ready = head.starts_with("HTTP/1.1 200 ");
    say!("{}", if is_ready { "ready" } else { body.trim() });
    Ok(if is_ready { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn ask(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(b"GET /ready HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await?;
    let mut answer = Vec::new();
    stream.take(LONGEST).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// A server that listens on all addresses is reached through loopback.
fn reached(listens: SocketAddr) -> SocketAddr {
    let ip = match listens.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listens.port())
}
