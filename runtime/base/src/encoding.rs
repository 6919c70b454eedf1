//! Content codings of responses (RFC 9110, 8.4.1): which one a client takes, and compression.
//!
//! Each has one level, so that the same response always has the same bytes in it, and one `ETag`. For 23 KB of products in JSON,
//! zstd takes 0.05 ms and leaves 15 %, brotli 0.25 ms and 12 %, gzip 0.27 ms and 15 %.

use std::io::{self, Write as _};

use brotli::CompressorWriter;
use brotli::enc::BrotliEncoderParams;
use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::task::yield_now;

/// Of what is smaller, the headers are most, and it fits into one packet.
pub const LEAST: usize = 1024;
/// What is compressed at once: a longer body would keep other requests waiting.
const CHUNK: usize = 32 * 1024;

const GZIP: u32 = 5;
const BROTLI: i32 = 5;
const ZSTD: i32 = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Brotli,
    Zstd,
    Gzip,
}

impl Encoding {
    pub const COUNT: usize = 3;
    /// The smallest first, for what is compressed once and sent often.
    const OFTEN: [Self; Self::COUNT] = [Self::Brotli, Self::Zstd, Self::Gzip];
    /// The fastest first, for what is sent once.
    const ONCE: [Self; Self::COUNT] = [Self::Zstd, Self::Brotli, Self::Gzip];

    /// Its name in headers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
        }
    }

    /// Chooses by the values of `Accept-Encoding` (RFC 9110, 12.5.3); `None` is no coding at all, also for clients that
    /// accept none and refuse this too.
    pub fn choose<'a>(accept: impl Iterator<Item = &'a str>, is_sent_often: bool) -> Option<Self> {
        let accepted: Vec<_> = accept.flat_map(|line| line.split(',')).filter_map(quality).collect();
        let named = |name: &str| accepted.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        let others = named("*").map(|(_, quality)| *quality);
        let of = |encoding: Self| {
            let alias = || named("x-gzip").filter(|_| encoding == Self::Gzip);
            named(encoding.name()).or_else(alias).map(|(_, quality)| *quality).or(others).unwrap_or(0)
        };
        // Unless it is named, anything else that is accepted comes first.
        let plain = named("identity").map_or(1, |(_, quality)| *quality);
        let order = if is_sent_often { Self::OFTEN } else { Self::ONCE };
        let best = order.into_iter().rev().max_by_key(|encoding| of(*encoding))?;
        (of(best) > 0 && of(best) >= plain).then_some(best)
    }

    /// Compresses the parts as one body of this length, and lets other work run in between.
    pub async fn encode<'a>(self, parts: impl Iterator<Item = &'a [u8]>, length: usize) -> io::Result<Vec<u8>> {
        let mut encoder = Encoder::new(self, length)?;
        let mut left = length;
        for chunk in parts.flat_map(|part| part.chunks(CHUNK)) {
            encoder.write(chunk)?;
            left = left.saturating_sub(chunk.len());
            if left > 0 && length > CHUNK {
                yield_now().await;
            }
        }
        encoder.finish()
    }
}

enum Encoder {
    Gzip(GzEncoder<Vec<u8>>),
    Zstd(zstd::Encoder<'static, Vec<u8>>),
    Brotli(Box<CompressorWriter<Vec<u8>>>),
}

impl Encoder {
    fn new(encoding: Encoding, length: usize) -> io::Result<Self> {
        let sent = Vec::with_capacity(length / 4);
        Ok(match encoding {
            Encoding::Gzip => Self::Gzip(GzEncoder::new(sent, Compression::new(GZIP))),
            Encoding::Zstd => {
                let mut encoder = zstd::Encoder::new(sent, ZSTD)?;
                // With the length, it takes no more memory than the body needs.
                encoder.set_pledged_src_size(Some(length as u64))?;
                Self::Zstd(encoder)
            }
            Encoding::Brotli => {
                let window = i32::try_from(length.max(2).ilog2()).unwrap_or(20) + 1;
                let parameters = BrotliEncoderParams {
                    quality: BROTLI,
                    lgwin: window.clamp(16, 20),
                    size_hint: length,
                    ..BrotliEncoderParams::default()
                };
                Self::Brotli(Box::new(CompressorWriter::with_params(sent, 4096, &parameters)))
            }
        })
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Gzip(encoder) => encoder.write_all(bytes),
            Self::Zstd(encoder) => encoder.write_all(bytes),
            Self::Brotli(encoder) => encoder.write_all(bytes),
        }
    }

    fn finish(self) -> io::Result<Vec<u8>> {
        match self {
            Self::Gzip(encoder) => encoder.finish(),
            Self::Zstd(encoder) => encoder.finish(),
            Self::Brotli(encoder) => Ok(encoder.into_inner()),
        }
    }
}

/// `gzip;q=0.5`: the name, and the quality in thousandths.
fn quality(text: &str) -> Option<(&str, u16)> {
    let mut parts = text.split(';').map(str::trim);
    let name = parts.next().filter(|name| !name.is_empty())?;
    let weight = parts.find_map(|part| {
        let (key, value) = part.split_once('=')?;
        key.trim().eq_ignore_ascii_case("q").then(|| value.trim())
    });
    let quality = match weight {
        None => 1.0,
        Some(value) => value.parse::<f32>().ok().filter(|quality| (0.0..=1.0).contains(quality))?,
    };
    Some((name, (quality * 1000.0).round() as u16))
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn the_client_chooses_and_the_server_decides_between_equals() {
        use Encoding::{Brotli, Gzip, Zstd};
        for (accept, often, once) in [
            (&[][..], None, None),
            (&[""], None, None),
            (&["gzip, deflate, br, zstd"], Some(Brotli), Some(Zstd)),
            (&["gzip, deflate, br"], Some(Brotli), Some(Brotli)),
            (&["gzip"], Some(Gzip), Some(Gzip)),
            (&["x-GZIP"], Some(Gzip), Some(Gzip)),
            (&["br;q=0.5, gzip;q=0.8"], Some(Gzip), Some(Gzip)),
            (&["br ; Q = 0.5", "zstd;q=0.501"], Some(Zstd), Some(Zstd)),
            (&["br;q=0, *"], Some(Zstd), Some(Zstd)),
            (&["*"], Some(Brotli), Some(Zstd)),
            (&["*;q=0"], None, None),
            (&["deflate, compress"], None, None),
            (&["identity"], None, None),
            (&["identity, gzip;q=0.5"], None, None),
            (&["identity;q=0.5, gzip;q=0.5"], Some(Gzip), Some(Gzip)),
            (&["identity;q=0"], None, None),
            (&["gzip;q=0"], None, None),
            (&["gzip;q=0.001"], Some(Gzip), Some(Gzip)),
            (&["gzip;q=2"], None, None),
            (&["gzip;q=nothing, br"], Some(Brotli), Some(Brotli)),
        ] {
            let chosen = [true, false].map(|is_sent_often| Encoding::choose(accept.iter().copied(), is_sent_often));
            assert_eq!(chosen, [often, once], "{accept:?}");
        }
    }

    #[tokio::test]
    async fn what_is_compressed_is_what_it_was() {
        let text = "{\"name\":\"Chair\",\"price\":1} ".repeat(4000);
        let body = text.as_bytes();
        for length in [0, 1, 1024, body.len()] {
            let body = &body[..length];
            let parts = || body.chunks(70_000);
            for encoding in Encoding::OFTEN {
                let sent = encoding.encode(parts(), body.len()).await.unwrap();
                assert_eq!(
                    sent,
                    encoding.encode(parts(), body.len()).await.unwrap(),
                    "{encoding:?} always has the same bytes"
                );
                let mut found = Vec::new();
                match encoding {
                    Encoding::Gzip => drop(flate2::read::GzDecoder::new(&*sent).read_to_end(&mut found).unwrap()),
                    Encoding::Zstd => found = zstd::decode_all(&*sent).unwrap(),
                    Encoding::Brotli => drop(brotli::Decompressor::new(&*sent, 4096).read_to_end(&mut found).unwrap()),
                }
                assert!(found == body, "{encoding:?} {length}");
                assert!(length < LEAST || sent.len() < body.len() / 4, "{encoding:?} {length}");
            }
        }
    }
}
