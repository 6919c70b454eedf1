//! How long the head of a request may take from its first byte on: whoever drips headers must not keep a connection.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// As long as a body has.
const HEAD_TIME: Duration = Duration::from_secs(10);

/// What a connection is at. Shared by its stream, which sees the first byte, and its service, which sees whole heads.
#[derive(Clone, Default)]
pub struct Pace(Arc<Shared>);

#[derive(Default)]
struct Shared {
    phase: Mutex<Phase>,
    begun: Notify,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum Phase {
    /// Nothing of a request has come. For how long that may last is not decided here.
    #[default]
    Idle,
    /// A part of a head has.
    Head(Instant),
    Answering,
}

impl Pace {
    pub fn arrived(&self) {
        *self.phase() = Phase::Answering;
    }

    pub fn answered(&self) {
        *self.phase() = Phase::Idle;
    }

    /// Resolves when a head has taken too long.
    pub async fn too_slow(&self) {
        loop {
            let phase = *self.phase();
            let Phase::Head(since) = phase else {
                self.0.begun.notified().await;
                continue;
            };
            sleep_until(since + HEAD_TIME).await;
            if *self.phase() == phase {
                return;
            }
        }
    }

    fn read(&self) {
        let mut phase = self.phase();
        if *phase == Phase::Idle {
            *phase = Phase::Head(Instant::now());
            self.0.begun.notify_one();
        }
    }

    fn phase(&self) -> MutexGuard<'_, Phase> {
        self.0.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A stream that tells its pace of what comes.
pub struct Paced<S> {
    pub stream: S,
    pub pace: Pace,
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

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
