//! A TCP proxy between a server and its database that fails on demand.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    None,
    /// Connections are reset, and new ones are refused.
    Down,
    /// Nothing passes until it is over; new connections are accepted, and wait.
    Hang,
    /// Received data are dropped, and the connection stays silent forever.
    Swallow,
    /// As `Swallow` for existing connections; new ones work.
    Forget,
    /// Each connection is reset after this many bytes.
    Cut(usize),
    /// Everything is delayed.
    Late(Duration),
}

pub struct FaultProxy {
    pub address: SocketAddr,
    fault: Arc<watch::Sender<Fault>>,
    upstream: Arc<watch::Sender<SocketAddr>>,
    accepting: JoinHandle<()>,
}

impl FaultProxy {
    pub async fn before(upstream: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let fault = Arc::new(watch::channel(Fault::None).0);
        let upstream = Arc::new(watch::channel(upstream).0);
        let (told, leads) = (Arc::clone(&fault), upstream.subscribe());
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let upstream = *leads.borrow();
                tokio::spawn(connection(client, upstream, told.subscribe()));
            }
        });
        Self { address, fault, upstream, accepting }
    }

    /// Directs new connections there.
    pub fn lead(&self, upstream: SocketAddr) {
        self.upstream.send_replace(upstream);
    }

    pub fn set(&self, fault: Fault) {
        self.fault.send_replace(fault);
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn connection(client: TcpStream, upstream: SocketAddr, mut fault: watch::Receiver<Fault>) {
    if *fault.borrow_and_update() == Fault::Down {
        return reset(&client);
    }
    let _ = fault.wait_for(|fault| *fault != Fault::Hang).await;
    let Ok(server) = TcpStream::connect(upstream).await else { return reset(&client) };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    // Dropping the sockets now resets the connections.
    let (_, _) = (client.set_zero_linger(), server.set_zero_linger());
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    // An error in one direction ends the other.
    let _ = tokio::try_join!(pass(from_client, to_server, fault.clone()), pass(from_server, to_client, fault));
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut fault: watch::Receiver<Fault>) -> io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    let mut passed = 0;
    loop {
        let now = *fault.borrow_and_update();
        match now {
            Fault::Down => return Err(io::ErrorKind::ConnectionReset.into()),
            Fault::Swallow => {
                // Kept open for as long as the other side keeps it open.
                while from.read(&mut buffer).await? > 0 {}
                return Err(io::ErrorKind::ConnectionReset.into());
            }
            _ => {}
        }
        let read = tokio::select! {
            biased;
            changed = fault.changed() => match changed {
                Ok(()) if *fault.borrow() == Fault::Forget => {
                    while from.read(&mut buffer).await? > 0 {}
                    return Err(io::ErrorKind::ConnectionReset.into());
                }
                Ok(()) => continue,
                Err(_) => return Err(io::ErrorKind::ConnectionReset.into()),
            },
            read = from.read(&mut buffer), if now != Fault::Hang => read?,
        };
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if let Fault::Late(time) = now {
            sleep(time).await;
        }
        passed += read;
        if matches!(now, Fault::Cut(most) if passed > most) {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        to.write_all(&buffer[..read]).await?;
    }
}

fn reset(stream: &TcpStream) {
    let _ = stream.set_zero_linger();
}
