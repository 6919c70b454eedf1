//! A response in pieces: small parts are joined, large ones are never copied, and each piece is freed once it is sent.

use std::sync::Arc;

use base::memory::{Held, Memory, Text};

/// Copying fewer bytes than this costs less than another piece.
const SMALL: usize = 16 * 1024;

#[derive(Debug)]
pub struct Pieces {
    memory: Arc<Memory>,
    done: Vec<Text>,
    end: Vec<u8>,
    held: Held,
}

impl Pieces {
    pub fn new(memory: &Arc<Memory>, capacity: usize) -> Self {
        let (done, end, held) = (Vec::new(), Vec::with_capacity(capacity), Held::nothing(memory));
        Self { memory: Arc::clone(memory), done, end, held }
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
            self.done.push(text);
        }
    }

    pub fn append(&mut self, other: Self) {
        let end = Text { bytes: other.end, held: other.held };
        other.done.into_iter().chain([end]).for_each(|text| self.add(text));
    }

    /// How many bytes [`Self::append`] would copy.
    pub fn len_of_small(&self) -> usize {
        self.done.iter().map(|text| text.bytes.len()).chain([self.end.len()]).filter(|length| *length < SMALL).sum()
    }

    /// Counts the bytes of the buffer against the memory limit; the other pieces are already counted.
    pub fn count(&mut self) {
        self.held.count(self.end.capacity());
    }

    pub fn clear(&mut self) {
        self.done.clear();
        self.end.clear();
    }

    pub fn finish(mut self) -> Vec<Text> {
        self.close();
        self.done
    }

    /// All bytes, in order.
    pub fn slices(&self) -> impl Iterator<Item = &[u8]> {
        self.done.iter().map(|text| &*text.bytes).chain([&*self.end])
    }

    pub fn to_vec(&self) -> Vec<u8> {
        let mut whole: Vec<u8> = self.done.iter().flat_map(|text| text.bytes.iter().copied()).collect();
        whole.extend_from_slice(&self.end);
        whole
    }

    fn close(&mut self) {
        if self.end.is_empty() {
            return;
        }
        self.count();
        let held = std::mem::replace(&mut self.held, Held::nothing(&self.memory));
        self.done.push(Text { bytes: std::mem::take(&mut self.end), held });
    }
}
