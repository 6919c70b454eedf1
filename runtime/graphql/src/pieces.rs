//! A response in pieces: small parts are joined, large ones are never copied, and each piece is freed once it is sent.

use std::sync::Arc;

use base::encoding::Encoding;
use base::memory::{Held, Memory, Text};
use cache::Kept;

/// Copying fewer bytes than this costs less than another piece.
const SMALL: usize = 16 * 1024;

#[derive(Debug)]
pub struct Pieces {
    memory: Arc<Memory>,
    done: Vec<Piece>,
    end: Vec<u8>,
    held: Held,
}

#[derive(Debug)]
pub enum Piece {
    Own(Text),
    /// Of the cache, and of all who get it.
    Shared(Arc<Kept>),
    /// The same, compressed.
    Encoded(Arc<Kept>, Encoding),
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Own(text) => &text.bytes,
            Self::Shared(kept) => kept.body(),
            // It is made only of one that has it.
            Self::Encoded(kept, encoding) => kept.encoded(*encoding).unwrap_or_default(),
        }
    }
}

impl Pieces {
    pub fn new(memory: &Arc<Memory>, capacity: usize) -> Self {
        let (done, end, held) = (Vec::new(), Vec::with_capacity(capacity), Held::nothing(memory));
        Self { memory: Arc::clone(memory), done, end, held }
    }

    /// A response that is kept; nothing is copied.
    pub fn shared(memory: &Arc<Memory>, kept: Arc<Kept>) -> Self {
        Self { done: vec![Piece::Shared(kept)], ..Self::new(memory, 0) }
    }

    /// A whole response.
    pub(crate) fn one(memory: &Arc<Memory>, text: Text) -> Self {
        Self { done: vec![Piece::Own(text)], ..Self::new(memory, 0) }
    }

    /// A response that is kept in this coding; `None` if it is not.
    pub(crate) fn encoded(memory: &Arc<Memory>, kept: &Arc<Kept>, encoding: Encoding) -> Option<Self> {
        kept.encoded(encoding)?;
        Some(Self { done: vec![Piece::Encoded(Arc::clone(kept), encoding)], ..Self::new(memory, 0) })
    }

    /// The memory of which it takes.
    pub(crate) fn memory(&self) -> &Arc<Memory> {
        &self.memory
    }

    pub fn len(&self) -> usize {
        self.slices().map(<[u8]>::len).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The kept response, if this is one.
    pub fn kept(&self) -> Option<&Arc<Kept>> {
        match (self.done.as_slice(), self.end.is_empty()) {
            ([Piece::Shared(kept)], true) => Some(kept),
            _ => None,
        }
    }

    /// The buffer for the next bytes.
    pub fn end(&mut self) -> &mut Vec<u8> {
        &mut self.end
    }

    pub fn push(&mut self, bytes: &[u8]) {
        self.end.extend_from_slice(bytes);
    }

    pub fn add(&mut self, text: Text) {
        if text.bytes.len() < SMALL {
            self.push(&text.bytes);
        } else {
            self.close();
            self.done.push(Piece::Own(text));
        }
    }

    pub fn append(&mut self, other: Self) {
        let end = Text { bytes: other.end, held: other.held };
        for piece in other.done.into_iter().chain([Piece::Own(end)]) {
            match piece {
                Piece::Own(text) => self.add(text),
                Piece::Shared(kept) if kept.body().len() < SMALL => self.push(kept.body()),
                shared @ (Piece::Shared(_) | Piece::Encoded(..)) => {
                    self.close();
                    self.done.push(shared);
                }
            }
        }
    }

    /// How many bytes [`Self::append`] would copy.
    pub fn len_of_small(&self) -> usize {
        self.slices().map(<[u8]>::len).filter(|length| *length < SMALL).sum()
    }

    /// Counts the bytes of the buffer against the memory limit; the other pieces are already counted.
    pub fn count(&mut self) {
        self.held.count(self.end.capacity());
    }

    pub fn clear(&mut self) {
        self.done.clear();
        self.end.clear();
    }

    pub fn finish(mut self) -> Vec<Piece> {
        self.close();
        self.done
    }

    /// All bytes, in order.
    pub fn slices(&self) -> impl Iterator<Item = &[u8]> {
        self.done.iter().map(AsRef::as_ref).chain([&*self.end])
    }

    pub fn to_vec(&self) -> Vec<u8> {
        let mut whole = Vec::with_capacity(self.len());
        self.slices().for_each(|slice| whole.extend_from_slice(slice));
        whole
    }

    fn close(&mut self) {
        if self.end.is_empty() {
            return;
        }
        self.count();
        let held = std::mem::replace(&mut self.held, Held::nothing(&self.memory));
        self.done.push(Piece::Own(Text { bytes: std::mem::take(&mut self.end), held }));
    }
}
