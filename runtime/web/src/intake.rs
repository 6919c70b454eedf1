//! Reads the body of a request: its memory is counted as it arrives, and its time is limited.

use std::collections::HashMap;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use hyper::body::{Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep, sleep};

use base::memory::{Held, MIB, Memory};
use store::access::Network;

/// A whole body must arrive within this time.
const BODY_TIME: Duration = Duration::from_secs(10);
/// Bodies up to this size are not counted by address, so that one client cannot shut out others with the same address.
const TINY: usize = 4 * 1024;
/// One network may hold this fraction of the memory for bodies: one half.
const SHARE: usize = 2;
/// How many bytes of an unread body are discarded, and for how long; then its connection is closed.
const UNREAD: usize = 64 * 1024;
const UNREAD_TIME: Duration = Duration::from_millis(250);
/// How long a client that has sent a whole body waits for memory.
const ROOM_TIME: Duration = Duration::from_secs(3);
const ROOM_LOOK: Duration = Duration::from_millis(20);

/// The memory of all request bodies.
#[derive(Debug)]
pub struct Bodies {
    memory: Arc<Memory>,
    by_network: usize,
    held: Mutex<HashMap<Network, usize>>,
}

/// The memory that one request holds. An extension of the request.
#[derive(Clone, Debug)]
pub struct Intake(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    bodies: Arc<Bodies>,
    network: Network,
    held: Held,
    /// The part of `held` that is counted for the network.
    of_network: usize,
    /// A body that was dropped before its end.
    unread: Option<Incoming>,
    /// The body was followed by trailers.
    has_trailers: bool,
}

/// Why a body is not read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TooMuch {
    /// All requests together hold the limit.
    All,
    /// The requests of one address hold their limit.
    OfNetwork,
    Time,
    /// One request would exceed the limit.
    One(usize),
}

impl fmt::Display for TooMuch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::One(most) => {
                return write!(f, "the parsed request is larger than {} MiB: send less at once", most / MIB);
            }
            Self::All => "the server is overloaded: try again in a few seconds",
            Self::OfNetwork => "your address sends too much at once: try again in a few seconds",
            Self::Time => "the body took too long to arrive",
        };
        f.write_str(text)
    }
}

impl std::error::Error for TooMuch {}

impl Bodies {
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { memory: Memory::new(limit), by_network: limit / SHARE, held: Mutex::default() })
    }

    pub fn used(&self) -> usize {
        self.memory.used()
    }

    /// For a request without a body that still has something to parse.
    pub fn intake(self: &Arc<Self>, network: Network) -> Intake {
        let held = Held::nothing(&self.memory);
        let state = State { bodies: Arc::clone(self), network, held, of_network: 0, unread: None, has_trailers: false };
        Intake(Arc::new(Mutex::new(state)))
    }

    /// Returns the body of a request, and the memory that it holds until both are dropped.
    pub fn take(self: &Arc<Self>, body: Incoming, network: Network) -> (Body, Intake) {
        let intake = self.intake(network);
        let body = Weighed { inner: Some(body), intake: intake.clone(), length: 0, time: None };
        (Body::new(body), intake)
    }

    fn resize(&self, network: Network, before: usize, now: usize) -> bool {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let of_network = held.entry(network).or_default();
        let wanted = *of_network - before + now;
        let has_room = wanted <= self.by_network || now <= before;
        if has_room {
            *of_network = wanted;
        }
        if *of_network == 0 {
            held.remove(&network);
        }
        has_room
    }
}

impl Intake {
    /// The request now holds this many bytes; on an error it keeps what it held before.
    pub fn hold(&self, bytes: usize) -> Result<(), TooMuch> {
        let mut state = self.state();
        let State { bodies, network, held, of_network, .. } = &mut *state;
        if bytes > TINY || *of_network > 0 {
            if !bodies.resize(*network, *of_network, bytes) {
                return Err(TooMuch::OfNetwork);
            }
            *of_network = bytes;
        }
        if held.resize(bytes) { Ok(()) } else { Err(TooMuch::All) }
    }

    /// As [`Self::hold`], but waits for others if necessary. It does not wait for more than one address may hold.
    pub async fn hold_soon(&self, bytes: usize) -> Result<(), TooMuch> {
        let most = self.state().bodies.by_network;
        if bytes > most {
            return Err(TooMuch::One(most));
        }
        let until = Instant::now() + ROOM_TIME;
        loop {
            match self.hold(bytes) {
                Err(_) if Instant::now() < until => sleep(ROOM_LOOK).await,
                held => return held,
            }
        }
    }

    /// Whether the connection can be reused after the response: the request has been read, or its rest was small enough
    /// to discard. After trailers it cannot: hyper treats a lone line feed among them as their beginning, where a
    /// proxy may see the end of the request.
    pub async fn is_read(&self, is_waited_for: bool) -> bool {
        if self.state().has_trailers {
            return false;
        }
        let Some(unread) = self.state().unread.take() else { return true };
        if unread.is_end_stream() {
            return true;
        }
        // A client that waits for `100 Continue` has not sent its body, and must not start now.
        if is_waited_for || unread.size_hint().lower() > UNREAD as u64 {
            return false;
        }
        tokio::time::timeout(UNREAD_TIME, let_pass(unread)).await.unwrap_or(false)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for State {
    fn drop(&mut self) {
        if self.of_network > 0 {
            self.bodies.resize(self.network, self.of_network, 0);
        }
    }
}

async fn let_pass(mut body: Incoming) -> bool {
    let mut length = 0;
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        match frame.ok().as_ref().and_then(Frame::data_ref) {
            Some(chunk) if length + chunk.len() <= UNREAD => length += chunk.len(),
            _ => return false,
        }
    }
    true
}

struct Weighed {
    inner: Option<Incoming>,
    intake: Intake,
    length: usize,
    /// Only for a body that is waited for.
    time: Option<Pin<Box<Sleep>>>,
}

impl HttpBody for Weighed {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = &mut *self;
        let Some(inner) = this.inner.as_mut() else { return Poll::Ready(None) };
        let Poll::Ready(frame) = Pin::new(inner).poll_frame(cx) else {
            let time = this.time.get_or_insert_with(|| Box::pin(sleep(BODY_TIME)));
            ready!(time.as_mut().poll(cx));
            return Poll::Ready(Some(Err(TooMuch::Time.into())));
        };
        let Some(frame) = frame else {
            this.inner = None;
            return Poll::Ready(None);
        };
        let frame = frame?;
        if frame.is_trailers() {
            this.intake.state().has_trailers = true;
        }
        let is_first = this.length == 0;
        this.length += frame.data_ref().map_or(0, Bytes::len);
        // Several pieces are joined in a buffer that grows by doubling.
        this.intake.hold(if is_first { this.length } else { 2 * this.length })?;
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map_or_else(|| SizeHint::with_exact(0), HttpBody::size_hint)
    }
}

impl Drop for Weighed {
    fn drop(&mut self) {
        self.intake.state().unread = self.inner.take();
    }
}
