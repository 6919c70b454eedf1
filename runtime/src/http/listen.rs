//! Accepts connections and stops without cutting an answer short. Slow headers and too many connections are bounded here.

use std::convert::Infallible;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::Request;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use super::Peer;
use super::pace::{Pace, Paced};

/// For an idle connection to be used again: longer than load balancers keep theirs (60 s), or they would send requests into a
/// connection that is just being closed. `Pace` has no such patience with a head that has begun.
const IDLE_TIME: Duration = Duration::from_secs(75);
/// Bytes of one connection's headers, and of what is read ahead.
const BUFFER: usize = 64 * 1024;
const CONNECTIONS: usize = 4096;
/// What is under way when the server is told to stop has this long to end.
const STOP_TIME: Duration = Duration::from_secs(25);

/// The socket that is this process's input.
pub fn inherited() -> std::io::Result<TcpListener> {
    let socket = std::net::TcpListener::from(std::io::stdin().as_fd().try_clone_to_owned()?);
    socket.set_nonblocking(true)?;
    TcpListener::from_std(socket)
}

/// Serves until `stop` resolves, then until the requests under way are answered.
pub async fn serve(listener: TcpListener, router: Router, stop: impl Future<Output = ()>) {
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = async {
            let place = places.clone().acquire_owned().await;
            (listener.accept().await, place)
        };
        let (accepted, place) = tokio::select! {
            accepted = accepted => accepted,
            () = &mut stop => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of files, mostly: others must end first.
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection is gone already");
            continue;
        }
        let pace = Pace::default();
        let stream = TokioIo::new(Paced { stream, pace: pace.clone() });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(IDLE_TIME)
            .max_buf_size(BUFFER)
            .serve_connection(stream, told(router.clone(), Peer(peer.ip()), pace.clone()));
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            tokio::select! {
                ended = connection => if let Err(error) = ended {
                    tracing::debug!(%error, "a connection ended early");
                },
                () = pace.too_slow() => tracing::debug!("the head of a request took too long"),
            }
            drop(place);
        });
    }
    drop(listener);
    if tokio::time::timeout(STOP_TIME, graceful.shutdown()).await.is_err() {
        tracing::warn!(seconds = STOP_TIME.as_secs(), "stopped with requests under way");
    }
}

/// The routes, which find in each request from where it comes.
fn told(
    router: Router,
    peer: Peer,
    pace: Pace,
) -> impl Service<Request<Incoming>, Response = Response, Error = Infallible, Future: Send> + Send {
    let routes = TowerToHyperService::new(router);
    service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        pace.arrived();
        let (answer, pace) = (routes.call(request), pace.clone());
        async move {
            let answer = answer.await;
            pace.answered();
            answer
        }
    })
}

/// Resolves on Ctrl-C, and on the signal by which service managers stop a program. Signals count from the call on, not from when
/// the answer is first waited for.
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
                tracing::warn!(%error, "signals cannot be watched: the server ends at once on them");
                std::future::pending::<()>().await;
            }
        }
        #[cfg(not(unix))]
        let _ = tokio::signal::ctrl_c().await;
    }
}
