//! Timeouts of a connection: for the head of a request from its first byte on, for a response that the client does not read, and for
//! closing. A slow client must not hold a connection and its memory.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use base::memory::Memory;

/// The same as for a body.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// For a response that is not read, while memory is short.
const SHORT_TIME: Duration = Duration::from_secs(2);
/// How long a refused client has to read its response.
const END_TIME: Duration = Duration::from_secs(2);
/// Bytes of an unread request that are discarded so that its client reads the response.
const LAST_BYTES: usize = 2 * 1024 * 1024;
/// How often the memory is checked.
const LOOK: Duration = Duration::from_millis(500);

/// The state of a connection. Shared by its stream, which sees bytes, and its service, which sees whole heads.
#[derive(Clone, Default)]
pub struct Pace(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    begun: Notify,
}

#[derive(Clone, Copy, Default)]
struct State {
    is_answering: bool,
    /// Since when a part of a head has been received.
    head: Option<Instant>,
    /// Since when the client has not read its response.
    blocked: Option<Instant>,
    /// A part of the last request is unread.
    is_unread: bool,
    ending: Option<Instant>,
}

impl Pace {
    pub fn arrived(&self) {
        let mut state = self.state();
        state.is_answering = true;
        state.head = None;
    }

    pub fn answered(&self) {
        self.state().is_answering = false;
    }

    /// The connection is closed after the response to a request of which more may arrive.
    pub fn leaves_unread(&self) {
        self.state().is_unread = true;
    }

    /// Resolves with the cause when something has taken too long. Unread responses are cut sooner while memory is
    /// short.
    pub async fn too_slow(&self, patience: Duration, memory: &Memory) -> &'static str {
        loop {
            let state = *self.state();
            let now = Instant::now();
            let for_answer = if memory.is_short() { SHORT_TIME.min(patience) } else { patience };
            let head = state.head.map(|since| (since + HEAD_TIME, "the head of a request took too long"));
            let blocked = state.blocked.map(|since| (since + for_answer, "a response was not read"));
            let ending = state.ending.map(|since| (since + END_TIME, "a request continued after its response"));
            let Some((at, what)) = [head, blocked, ending].into_iter().flatten().min() else {
                self.0.begun.notified().await;
                continue;
            };
            if at <= now {
                return what;
            }
            let look = if blocked.is_some() { at.min(now + LOOK) } else { at };
            // In either case the state is checked again.
            let _ = timeout_at(look, self.0.begun.notified()).await;
        }
    }

    fn read(&self) {
        let mut state = self.state();
        if !state.is_answering && state.head.is_none() {
            state.head = Some(Instant::now());
            self.0.begun.notify_one();
        }
    }

    fn blocked(&self, is_blocked: bool) {
        self.state().blocked = is_blocked.then(Instant::now);
        self.0.begun.notify_one();
    }

    /// Whether the rest of the request should be discarded before closing.
    fn ends_unread(&self) -> bool {
        let mut state = self.state();
        if state.is_unread && state.ending.is_none() {
            state.ending = Some(Instant::now());
            self.0.begun.notify_one();
        }
        state.is_unread
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A stream that reports its reads and writes to its pace.
pub struct Paced<S> {
    stream: S,
    pace: Pace,
    is_blocked: bool,
    /// Bytes received after the last response.
    last_bytes: usize,
}

impl<S> Paced<S> {
    pub fn new(stream: S, pace: Pace) -> Self {
        Self { stream, pace, is_blocked: false, last_bytes: 0 }
    }

    fn wrote(&mut self, written: &Poll<io::Result<usize>>) {
        if written.is_pending() != self.is_blocked {
            self.is_blocked = written.is_pending();
            self.pace.blocked(self.is_blocked);
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.pace.read();
        }
        read
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.wrote(&written);
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    /// Closing at once would reset a connection whose request is unread, and its client would never read the response.
    /// What it still sends is therefore discarded for a while (RFC 9112, 9.6).
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
        if !self.pace.ends_unread() {
            return Poll::Ready(Ok(()));
        }
        let mut bytes = [0; 8 * 1024];
        while self.last_bytes < LAST_BYTES {
            let mut buffer = ReadBuf::new(&mut bytes);
            let read = ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer));
            if read.is_err() || buffer.filled().is_empty() {
                break;
            }
            self.last_bytes += buffer.filled().len();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.wrote(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
