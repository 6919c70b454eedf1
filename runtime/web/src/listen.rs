//! Accepts connections, and shuts down without cutting a response short. Slow clients and too many connections are bounded here.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::header::{CONNECTION, EXPECT, HOST, UPGRADE};
use axum::http::{HeaderValue, Request, Version};
use axum::response::{IntoResponse, Response};
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::pace::{Pace, Paced};
use super::places::{NoPlace, Place};
use super::protection::Protection;
use super::{Peer, is_about_health};
use base::error::{Code, Error};
use store::access::Network;

/// How long an idle connection is kept: longer than load balancers keep theirs (60 s), or they would send requests into
/// a connection that is being closed. `Pace` is stricter with a head that has begun.
const IDLE_TIME: Duration = Duration::from_secs(75);
/// Bytes of one connection's headers and read buffer.
const BUFFER: usize = 16 * 1024;
/// Connections beyond the limit: each may send one health check. When all of them are taken, the oldest is closed.
const BESIDE: usize = 64;
/// How long running requests may take to finish once the server is told to stop.
const STOP_TIME: Duration = Duration::from_secs(25);

/// The socket that is this process's standard input.
pub fn inherited() -> std::io::Result<TcpListener> {
    let socket = std::net::TcpListener::from(std::io::stdin().as_fd().try_clone_to_owned()?);
    socket.set_nonblocking(true)?;
    TcpListener::from_std(socket)
}

/// Serves until `stop` resolves, then until running requests are finished.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    protection: &Arc<Protection>,
    stop: impl Future<Output = ()>,
) {
    // Connections hold the receivers until they end.
    let graceful = watch::Sender::new(());
    let mut beside = VecDeque::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Usually there are no more file descriptors: other connections must end first.
                tracing::warn!(%error, "a connection was not accepted");
                make_room(&mut beside, 0);
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection is gone already");
            continue;
        }
        let connection = Connection::new(router.clone(), protection, peer);
        match connection.place() {
            Ok(place) => {
                tokio::spawn(connection.run(stream, Ok(place), graceful.subscribe()));
            }
            Err(why) => {
                make_room(&mut beside, BESIDE - 1);
                let task = tokio::spawn(connection.run(stream, Err(why), graceful.subscribe()));
                beside.push_back(task.abort_handle());
            }
        }
    }
    drop(listener);
    graceful.send_replace(());
    if tokio::time::timeout(STOP_TIME, graceful.closed()).await.is_err() {
        tracing::warn!(seconds = STOP_TIME.as_secs(), "stopped with requests under way");
    }
}

/// Closes the oldest connections until this many are left.
fn make_room(beside: &mut VecDeque<AbortHandle>, left: usize) {
    beside.retain(|task| !task.is_finished());
    while beside.len() > left {
        if let Some(oldest) = beside.pop_front() {
            oldest.abort();
        }
    }
}

/// The places that a request holds, for as long as it is there.
#[derive(Clone, Debug)]
pub struct HeldPlaces(
    #[expect(dead_code, reason = "it is held")] Option<Arc<Place>>,
    #[expect(dead_code, reason = "it is held")] Option<Arc<Place>>,
);

struct Connection {
    router: Router,
    protection: Arc<Protection>,
    peer: IpAddr,
    is_proxy: bool,
    pace: Pace,
}

impl Connection {
    fn new(router: Router, protection: &Arc<Protection>, peer: SocketAddr) -> Self {
        let peer = peer.ip().to_canonical();
        let is_proxy = protection.proxies.trusts(peer);
        Self { router, protection: Arc::clone(protection), peer, is_proxy, pace: Pace::default() }
    }

    fn place(&self) -> Result<Place, NoPlace> {
        self.protection.connections.take((!self.is_proxy).then_some(self.peer))
    }

    /// With a place, a connection lasts as long as its client is fast enough; without one, it gets a single health
    /// check.
    async fn run(self, stream: TcpStream, place: Result<Place, NoPlace>, mut stop: watch::Receiver<()>) {
        let place = place.map(Arc::new);
        let (pace, protection) = (self.pace.clone(), Arc::clone(&self.protection));
        let stream = TokioIo::new(Paced::new(stream, pace.clone()));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(IDLE_TIME)
            .keep_alive(place.is_ok())
            .max_buf_size(BUFFER)
            .serve_connection(stream, self.service(place.clone()))
            .with_upgrades();
        let mut connection = std::pin::pin!(connection);
        let ended = async {
            tokio::select! {
                ended = connection.as_mut() => return ended,
                _ = stop.changed() => connection.as_mut().graceful_shutdown(),
            }
            connection.await
        };
        tokio::select! {
            ended = ended => if let Err(error) = ended {
                tracing::debug!(%error, "a connection ended early");
            },
            why = pace.too_slow(protection.bounds.patience, &protection.answers) => tracing::debug!(why, "a connection was cut"),
        }
        drop(place);
    }

    /// The routes, with the client address added to each request.
    fn service(
        self,
        of_connection: Result<Arc<Place>, NoPlace>,
    ) -> impl Service<Request<Incoming>, Response = Response, Error = Infallible, Future: Send> + Send {
        let Self { router, protection, peer, is_proxy, pace } = self;
        let routes = TowerToHyperService::new(router);
        service_fn(move |request: Request<Incoming>| {
            pace.arrived();
            let (mut parts, body) = request.into_parts();
            let client = if is_proxy { protection.proxies.client(peer, &parts.headers) } else { peer };
            parts.extensions.insert(Peer(client));
            let is_about_health = is_about_health(&parts.uri);
            let is_addressed = parts.version < Version::HTTP_11 || parts.headers.get_all(HOST).iter().count() == 1;
            // Behind a proxy, a connection does not identify a client.
            let place = match &of_connection {
                Err(why) if !is_about_health => Err(*why),
                Ok(_) if is_proxy && !is_about_health => {
                    protection.proxied.take(Some(client)).map(|place| Some(Arc::new(place)))
                }
                _ => Ok(None),
            };
            // A WebSocket outlives its request, and the connection as HTTP knows it.
            if parts.headers.contains_key(UPGRADE) {
                let of_request = place.as_ref().ok().cloned().flatten();
                parts.extensions.insert(HeldPlaces(of_connection.clone().ok(), of_request));
            }
            let waits = parts.headers.contains_key(EXPECT);
            let (body, intake) = match body.is_end_stream() {
                true => (axum::body::Body::empty(), None),
                false => {
                    let (body, intake) = protection.bodies.take(body, Network::of(client));
                    parts.extensions.insert(intake.clone());
                    (body, Some(intake))
                }
            };
            let place =
                place.map_err(refused).and_then(|place| is_addressed.then_some(place).ok_or_else(not_addressed));
            let place = place.map(|place| (routes.call(Request::from_parts(parts, body)), place));
            let pace = pace.clone();
            async move {
                let mut answer = match place {
                    Ok((answer, _place)) => answer.await?,
                    Err(refusal) => refusal,
                };
                if let Some(intake) = intake
                    && !intake.is_read(waits).await
                {
                    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                    pace.leaves_unread();
                }
                pace.answered();
                Ok(answer)
            }
        })
    }
}

fn refused(why: NoPlace) -> Response {
    let error = match why {
        NoPlace::All => Error::new(Code::Unavailable, "the server has too many connections: try again"),
        NoPlace::OfNetwork => Error::new(Code::RateLimited, "your address has too many connections: close some"),
    };
    let mut answer = error.into_response();
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    answer
}

/// RFC 9112, 3.2. A proxy in front may have used the other host.
fn not_addressed() -> Response {
    let mut answer = Error::new(Code::BadRequest, "a request has one header `Host`").into_response();
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    answer
}

/// The limit of open files, after raising it to the maximum.
#[cfg(unix)]
pub fn open_files() -> usize {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let Ok((now, most)) = getrlimit(Resource::RLIMIT_NOFILE) else { return usize::MAX };
    let raised = setrlimit(Resource::RLIMIT_NOFILE, most, most).is_ok();
    usize::try_from(if raised { most } else { now }).unwrap_or(usize::MAX)
}

#[cfg(not(unix))]
pub fn open_files() -> usize {
    usize::MAX
}

/// Resolves on Ctrl-C, and on the signal by which service managers stop a program. Signals count from the call on, not
/// from the first poll of the future.
pub fn told_to_stop() -> impl Future<Output = ()> {
    #[cfg(unix)]
    let terminated = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate());
    #[cfg(unix)]
    let interrupted = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt());
    async move {
        #[cfg(unix)]
        match (terminated, interrupted) {
            (Ok(mut terminated), Ok(mut interrupted)) => {
                tokio::select! {
                    _ = terminated.recv() => {}
                    _ = interrupted.recv() => {}
                }
            }
            (Err(error), _) | (_, Err(error)) => {
                tracing::warn!(%error, "signals cannot be handled: they will end the server at once");
                std::future::pending::<()>().await;
            }
        }
        #[cfg(not(unix))]
        let _ = tokio::signal::ctrl_c().await;
    }
}
