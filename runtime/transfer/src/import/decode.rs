//! Decodes a stream of bytes to UTF-8. Invalid bytes are an error, since a wrong guess of the encoding would garble everything.

use std::io::{self, Read};

use encoding_rs::{Decoder, DecoderResult, Encoding};

const PIECE: usize = 1 << 16;

pub struct Decoded<R> {
    inner: R,
    encoding: &'static Encoding,
    decoder: Decoder,
    /// Read but not yet decoded.
    raw: Vec<u8>,
    start: usize,
    /// Decoded but not yet returned.
    text: Vec<u8>,
    given: usize,
    decoded: u64,
    is_over: bool,
}

impl<R: Read> Decoded<R> {
    pub fn new(inner: R, encoding: &'static Encoding) -> Self {
        let decoder = encoding.new_decoder_with_bom_removal();
        Self {
            inner,
            encoding,
            decoder,
            raw: Vec::new(),
            start: 0,
            text: Vec::new(),
            given: 0,
            decoded: 0,
            is_over: false,
        }
    }

    fn more(&mut self) -> io::Result<()> {
        if self.start == self.raw.len() {
            self.raw.resize(PIECE, 0);
            let read = self.inner.read(&mut self.raw)?;
            self.raw.truncate(read);
            self.start = 0;
            self.is_over = read == 0;
        }
        // One byte becomes at most three.
        self.text.resize(3 * PIECE + 16, 0);
        let raw = &self.raw[self.start..];
        let (result, read, written) =
            self.decoder.decode_to_utf8_without_replacement(raw, &mut self.text, self.is_over);
        self.text.truncate(written);
        self.given = 0;
        self.start += read;
        self.decoded += read as u64;
        match result {
            DecoderResult::Malformed(..) => {
                let message = format!(
                    "byte {} is not valid in {}: give the encoding with `--encoding`",
                    self.decoded,
                    self.encoding.name()
                );
                Err(io::Error::new(io::ErrorKind::InvalidData, message))
            }
            DecoderResult::InputEmpty | DecoderResult::OutputFull => Ok(()),
        }
    }
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.text.len() && !self.is_over {
            self.more()?;
        }
        let length = buffer.len().min(self.text.len() - self.given);
        buffer[..length].copy_from_slice(&self.text[self.given..self.given + length]);
        self.given += length;
        Ok(length)
    }
}
