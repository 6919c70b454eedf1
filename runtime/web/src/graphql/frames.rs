//! The frames of a WebSocket. What a connection keeps is bounded: long texts are sent in parts, since the library's buffers never shrink,
//! and what a client has begun to send is weighed as it comes.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::frame::{CloseFrame, Frame};
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

use base::memory::{Held, Memory};

const READ_BUFFER: usize = 4 * 1024;
/// Bytes of a part. A message of several is one to the client (RFC 6455, section 5.4).
const PART: usize = 16 * 1024;
/// What a connection may keep unweighed: most messages are shorter.
const FREE: usize = 8 * 1024;

/// Bytes before the payload of a ping or pong of a client: two, and the mask.
const CONTROL_HEADER: usize = 6;

/// An open WebSocket.
pub struct Frames(WebSocketStream<Weighed>);

/// What a client has sent.
pub enum Received {
    Text(String),
    Binary,
    /// Pings are answered by the library.
    Beat,
    Gone,
    TooLarge,
    /// All connections together keep too much.
    Overloaded,
}

impl Frames {
    /// `longest`: bytes of a message. `memory`: of all connections.
    pub async fn over(connection: Upgraded, longest: usize, memory: &Arc<Memory>) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(0)
            .max_message_size(Some(longest))
            .max_frame_size(Some(longest));
        let weighed = Weighed { inner: TokioIo::new(connection), since: 0, held: Held::nothing(memory) };
        Self(WebSocketStream::from_raw_socket(weighed, Role::Server, Some(config)).await)
    }

    /// The next message. Losing the future loses nothing.
    pub async fn receive(&mut self) -> Received {
        let received = match self.0.next().await {
            Some(Ok(received)) => received,
            Some(Err(Error::Capacity(_))) => return Received::TooLarge,
            Some(Err(Error::Io(error))) if error.kind() == io::ErrorKind::OutOfMemory => return Received::Overloaded,
            Some(Err(_)) | None => return Received::Gone,
        };
        match received {
            Message::Text(text) => {
                self.0.get_mut().since = 0;
                Received::Text(text.to_string())
            }
            Message::Binary(_) => Received::Binary,
            // It may come between two parts of a message, whose weight stays.
            Message::Ping(payload) | Message::Pong(payload) => {
                let since = &mut self.0.get_mut().since;
                *since = since.saturating_sub(payload.len() + CONTROL_HEADER);
                Received::Beat
            }
            Message::Frame(_) => Received::Beat,
            Message::Close(_) => Received::Gone,
        }
    }

    /// Returns once the client's side has taken all of it.
    pub async fn send(&mut self, text: String) -> Result<(), Error> {
        let mut rest = Bytes::from(text);
        let mut kind = Data::Text;
        while rest.len() > PART {
            let part = Frame::message(rest.split_to(PART), OpCode::Data(kind), false);
            self.0.send(Message::Frame(part)).await?;
            kind = Data::Continue;
        }
        self.0.send(Message::Frame(Frame::message(rest, OpCode::Data(kind), true))).await
    }

    pub async fn ping(&mut self) -> Result<(), Error> {
        self.0.send(Message::Ping(Bytes::new())).await
    }

    pub async fn close(&mut self, code: u16, reason: String) -> Result<(), Error> {
        self.0.send(Message::Close(Some(CloseFrame { code: code.into(), reason: reason.into() }))).await
    }

    /// Until the client has closed it too.
    pub async fn closed(&mut self) {
        while let Some(Ok(_)) = self.0.next().await {}
    }
}

/// Weighs what is read for a message. The library keeps a buffer of the longest one, and so does the weight.
struct Weighed {
    inner: TokioIo<Upgraded>,
    /// Bytes since the last whole message.
    since: usize,
    held: Held,
}

impl AsyncRead for Weighed {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(cx, buffer))?;
        self.since += buffer.filled().len() - before;
        let kept = self.since.saturating_sub(FREE);
        if kept > self.held.bytes() && !self.held.resize(kept) {
            return Poll::Ready(Err(io::ErrorKind::OutOfMemory.into()));
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Weighed {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
