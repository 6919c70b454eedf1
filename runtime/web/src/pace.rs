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

/// As long as a body has.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// For an answer that is not read, while memory is short.
const SHORT_TIME: Duration = Duration::from_secs(2);
/// In which a client that was sent away takes notice.
const END_TIME: Duration = Duration::from_secs(2);
/// Bytes of a request that is not read, which are let pass so that its client reads the answer.
const LAST_BYTES: usize = 2 * 1024 * 1024;
/// Whether memory is short is looked at so often.
const LOOK: Duration = Duration::from_millis(500);

/// What a connection is at. Shared by its stream, which sees bytes, and its service, which sees whole heads.
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
    /// A part of a head has come.
    head: Option<Instant>,
    /// The client takes nothing of an answer.
    blocked: Option<Instant>,
    /// A part of the last request is not read.
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

    /// The connection is closed after an answer to a request of which more may come.
    pub fn leaves_unread(&self) {
        self.state().is_unread = true;
    }

    /// Resolves when something has taken too long, with what it was. Answers that nobody reads go sooner while memory is short.
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
            // Either way there is something to look at.
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

    /// Whether a client should be heard to the end.
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

/// A stream that tells its pace of what comes and goes.
pub struct Paced<S> {
    stream: S,
    pace: Pace,
    is_blocked: bool,
    /// After the end of the answers.
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

    /// Where a request was not read, closing at once would reset the connection, and its client would never read the answer: what
    /// it still sends is let pass for a while (RFC 9112, 9.6).
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
