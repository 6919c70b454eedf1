//! Responses as HTTP bodies, piece by piece: the memory of each piece is freed once it is sent.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};

use ::graphql::pieces::Pieces;

pub fn body(pieces: Pieces) -> Body {
    let mut pieces: Vec<_> = pieces.finish().into_iter().map(Bytes::from_owner).collect();
    if pieces.len() < 2 {
        return pieces.pop().map_or_else(Body::empty, Body::from);
    }
    let left = pieces.iter().map(|piece| piece.len() as u64).sum();
    Body::new(Sent { pieces: pieces.into_iter(), left })
}

struct Sent {
    pieces: std::vec::IntoIter<Bytes>,
    left: u64,
}

impl HttpBody for Sent {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let piece = self.pieces.next();
        self.left -= piece.as_ref().map_or(0, |piece| piece.len() as u64);
        Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
