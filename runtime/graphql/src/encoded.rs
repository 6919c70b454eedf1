//! Compressed responses. Of a response that is kept, each coding is made once.

use std::sync::Arc;

use super::Api;
use super::pieces::Pieces;
use base::encoding::Encoding;
use base::memory::{Held, Text};

impl Api {
    /// The body in this coding; `None` if it cannot be compressed, as without memory.
    pub async fn encoded(&self, body: &Pieces, encoding: Encoding) -> Option<Pieces> {
        let memory = Arc::clone(body.memory());
        let kept = body.kept();
        if let Some(pieces) = kept.and_then(|kept| Pieces::encoded(&memory, kept, encoding)) {
            return Some(pieces);
        }
        let length = body.len();
        // Of JSON, less than half is left.
        let mut held = Held::nothing(&memory);
        if !held.resize(length / 2) {
            return None;
        }
        let encoded = encoding.encode(body.slices(), length).await;
        let log = |error| tracing::warn!(%error, coding = encoding.name(), "a response could not be compressed");
        let bytes = encoded.map_err(log).ok()?;
        let bytes = match (kept, self.responses()) {
            (Some(kept), Some(responses)) => match responses.keep_encoded(kept, encoding, bytes) {
                Ok(()) => return Pieces::encoded(&memory, kept, encoding),
                Err(bytes) => bytes,
            },
            _ => bytes,
        };
        held.count(bytes.capacity());
        Some(Pieces::one(&memory, Text { bytes, held }))
    }
}
