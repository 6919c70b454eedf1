//! Opens the input of an import: a file or standard input, compressed or not, in its encoding, as lines of JSON or a table.

use std::fs::File;
use std::io::{self, BufReader, Chain, Cursor, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use flate2::read::MultiGzDecoder;

use crate::import::decode::Decoded;
use crate::import::dialect::Dialect;

/// Bytes that are examined to detect the format of a file.
const SAMPLE: u64 = 1 << 18;
/// Text never compresses better than this; a file that does would fill any disk.
const TIGHTEST: u64 = 250;
/// The ratio is not checked up to this size.
const FREE: u64 = 64 << 20;

pub type Input = Box<dyn Read + Send>;

/// What the user states about the file; the rest is detected.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Reading {
    /// The format of the file; by default it is detected from its name or its first bytes
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub format: Option<Format>,
    /// The encoding of the text, such as utf-8, utf-16le, windows-1252
    #[arg(long, value_name = "NAME", value_parser = encoding)]
    pub encoding: Option<&'static Encoding>,
    /// The delimiter between the cells of a table: a character, or `tab`
    #[arg(long, value_name = "CHARACTER", value_parser = delimiter)]
    pub delimiter: Option<u8>,
    /// The quote around cells of a table: a character, or `none`
    #[arg(long, value_name = "CHARACTER", value_parser = quote)]
    pub quote: Option<Quote>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// One JSON object per line
    Ndjson,
    /// A header row, then a row for each record
    Csv,
    /// As CSV, with tabs
    Tsv,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quote {
    Of(u8),
    None,
}

/// Text in UTF-8, without a byte order mark.
pub struct Source {
    pub input: BufReader<Input>,
    pub name: String,
    /// For a table.
    pub dialect: Option<Dialect>,
    /// `windows-1252, gzip`.
    pub about: String,
}

pub fn encoding(name: &str) -> Result<&'static Encoding, String> {
    Encoding::for_label(name.as_bytes())
        .ok_or_else(|| format!("unknown encoding `{name}`: use utf-8, utf-16le or windows-1252, for example"))
}

fn delimiter(text: &str) -> Result<u8, String> {
    match text {
        "tab" | "\\t" => Ok(b'\t'),
        _ => character(text),
    }
}

fn quote(text: &str) -> Result<Quote, String> {
    if text == "none" { Ok(Quote::None) } else { character(text).map(Quote::Of) }
}

fn character(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        [byte] if byte.is_ascii() && !byte.is_ascii_alphanumeric() => Ok(*byte),
        _ => Err("expected one ASCII character that is neither a letter nor a digit".into()),
    }
}

/// `is_mapped`: there is a mapping, which a table needs.
pub fn open(file: &Path, reading: &Reading, is_mapped: bool) -> Result<Source, String> {
    let name = if file.as_os_str() == "-" { "standard input".to_owned() } else { file.display().to_string() };
    let raw: Input = match file.as_os_str() == "-" {
        true => Box::new(io::stdin()),
        false => Box::new(File::open(file).map_err(|error| format!("{name}: {error}"))?),
    };
    from(raw, name, extension(file).as_deref(), reading, is_mapped)
}

fn from(
    raw: Input,
    name: String,
    extension: Option<&str>,
    reading: &Reading,
    is_mapped: bool,
) -> Result<Source, String> {
    let fail = |error: io::Error| format!("{name}: {error}");
    let (mut sample, mut input) = peek(raw).map_err(fail)?;
    let mut about = Vec::new();
    if sample.starts_with(&[0x1f, 0x8b]) {
        (sample, input) = peek(Box::new(Unpacked::new(input))).map_err(fail)?;
        about.push("gzip");
    }
    let format = reading.format.or_else(|| by_name(extension?)).unwrap_or_else(|| by_content(&sample, is_mapped));
    let is_table = format != Format::Ndjson;
    let guessed = if is_table { guess(&sample) } else { by_mark(&sample) };
    let encoding = reading.encoding.unwrap_or(guessed);
    if !is_table && encoding != UTF_8 && reading.encoding.is_none() {
        return Err(format!(
            "{name}: the file is in {}, and JSON is read in UTF-8: give `--encoding {}`, or convert it",
            encoding.name(),
            encoding.name().to_lowercase()
        ));
    }
    about.insert(0, encoding.name());
    // Invalid UTF-8 is reported with its line.
    let input: Input = match encoding == UTF_8 {
        true => Box::new(without_mark(input).map_err(fail)?),
        false => Box::new(Decoded::new(input, encoding)),
    };
    let (sample, input) = peek(input).map_err(fail)?;
    let dialect = is_table.then(|| Dialect::guess(&sample, reading, format == Format::Tsv));
    Ok(Source { input: BufReader::with_capacity(1 << 18, input), name, dialect, about: about.join(", ") })
}

/// `csv` for `products.csv.gz`.
fn extension(file: &Path) -> Option<String> {
    let lower = |file: &Path| file.extension().map(|end| end.to_string_lossy().to_lowercase());
    match lower(file)?.as_str() {
        "gz" => lower(Path::new(file.file_stem()?)),
        end => Some(end.to_owned()),
    }
}

fn by_name(extension: &str) -> Option<Format> {
    match extension {
        "csv" => Some(Format::Csv),
        "tsv" | "tab" => Some(Format::Tsv),
        "ndjson" | "jsonl" | "json" => Some(Format::Ndjson),
        _ => None,
    }
}

fn by_content(sample: &[u8], is_mapped: bool) -> Format {
    let text: Vec<u8> = sample.iter().copied().filter(|byte| byte.is_ascii_graphic()).take(1).collect();
    match text.first() {
        Some(b'{' | b'[') | None => Format::Ndjson,
        _ if is_mapped => Format::Csv,
        _ => Format::Ndjson,
    }
}

/// The first bytes, and the input including them.
fn peek(mut input: Input) -> io::Result<(Vec<u8>, Input)> {
    let mut sample = Vec::new();
    (&mut input).take(SAMPLE).read_to_end(&mut sample)?;
    let whole: Chain<Cursor<Vec<u8>>, Input> = Cursor::new(sample.clone()).chain(input);
    Ok((sample, Box::new(whole)))
}

/// Detected by the byte order mark, or by the zero bytes of UTF-16.
fn by_mark(sample: &[u8]) -> &'static Encoding {
    if let Some((encoding, _)) = Encoding::for_bom(sample) {
        return encoding;
    }
    let head = &sample[..sample.len().min(1024)];
    let zeros = |odd: usize| head.iter().skip(odd).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd, half) = (zeros(0), zeros(1), head.len() / 2);
    match (even, odd) {
        (0, odd) if half > 1 && odd * 2 > half => UTF_16LE,
        (even, 0) if half > 1 && even * 2 > half => UTF_16BE,
        _ => UTF_8,
    }
}

/// UTF-8, unless the sample has bytes that are invalid in it and hardly any sequence that is typical of it.
fn guess(sample: &[u8]) -> &'static Encoding {
    let marked = by_mark(sample);
    if marked != UTF_8 {
        return marked;
    }
    let (mut wide, mut bad) = (0_usize, 0_usize);
    for chunk in sample.utf8_chunks() {
        wide += chunk.valid().chars().filter(|letter| !letter.is_ascii()).count();
        // The sample may end in the middle of a character.
        bad += usize::from(!chunk.invalid().is_empty());
    }
    let cut = sample.len() as u64 == SAMPLE;
    if bad > usize::from(cut) && bad > wide { WINDOWS_1252 } else { UTF_8 }
}

fn without_mark(mut input: Input) -> io::Result<Chain<Cursor<Vec<u8>>, Input>> {
    let mut head = Vec::new();
    (&mut input).take(3).read_to_end(&mut head)?;
    if head == b"\xef\xbb\xbf" {
        head.clear();
    }
    Ok(Cursor::new(head).chain(input))
}

/// An unpacked gzip file; fails for a decompression bomb.
struct Unpacked {
    inner: MultiGzDecoder<Counted>,
    packed: Arc<AtomicU64>,
    unpacked: u64,
}

struct Counted {
    inner: Input,
    count: Arc<AtomicU64>,
}

impl Unpacked {
    fn new(inner: Input) -> Self {
        let packed = Arc::new(AtomicU64::new(0));
        let counted = Counted { inner, count: Arc::clone(&packed) };
        Self { inner: MultiGzDecoder::new(counted), packed, unpacked: 0 }
    }
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.count.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

impl Read for Unpacked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.unpacked += read as u64;
        let most = FREE.saturating_add(self.packed.load(Ordering::Relaxed).saturating_mul(TIGHTEST));
        match self.unpacked > most {
            true => Err(io::Error::other(format!(
                "the file decompresses to more than {TIGHTEST} times its size: if that is intended, decompress it first"
            ))),
            false => Ok(read),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn read(bytes: &[u8], extension: Option<&str>, reading: &Reading) -> Result<(String, String), String> {
        let raw: Input = Box::new(Cursor::new(bytes.to_vec()));
        let mut source = from(raw, "x".into(), extension, reading, true)?;
        let mut text = String::new();
        source.input.read_to_string(&mut text).map_err(|error| error.to_string())?;
        Ok((text, format!("{} {}", if source.dialect.is_some() { "table" } else { "lines" }, source.about)))
    }

    fn utf16(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    #[test]
    fn what_a_file_is_is_found_out() {
        let plain = Reading::default();
        for (bytes, text, about) in [
            (b"a,b\n1,2\n".to_vec(), "a,b\n1,2\n", "table UTF-8"),
            (b"\xef\xbb\xbfa,b\n".to_vec(), "a,b\n", "table UTF-8"),
            ("a;ü\n".as_bytes().to_vec(), "a;ü\n", "table UTF-8"),
            (b"a;\xfc\n".to_vec(), "a;ü\n", "table windows-1252"),
            (b"10 \x80\n".to_vec(), "10 €\n", "table windows-1252"),
            ([b"\xff\xfe".to_vec(), utf16("a;ü\n")].concat(), "a;ü\n", "table UTF-16LE"),
            (utf16("name;x\n"), "name;x\n", "table UTF-16LE"),
            (b"{\"a\":1}\n".to_vec(), "{\"a\":1}\n", "lines UTF-8"),
            (packed(b"\n{\"a\":1}\n"), "\n{\"a\":1}\n", "lines UTF-8, gzip"),
            ([packed(b"a\n"), packed(b"b\n")].concat(), "a\nb\n", "table UTF-8, gzip"),
            (b"".to_vec(), "", "lines UTF-8"),
        ] {
            assert_eq!(read(&bytes, None, &plain).unwrap(), (text.to_owned(), about.to_owned()));
        }
        let bad = read(&[b"\xff\xfe".to_vec(), utf16("{}\n")].concat(), Some("ndjson"), &plain).unwrap_err();
        assert!(bad.contains("UTF-16LE") && bad.contains("--encoding"), "{bad}");
        let named = Reading { encoding: Some(UTF_16LE), ..Reading::default() };
        assert_eq!(read(&utf16("{}\n"), Some("ndjson"), &named).unwrap().0, "{}\n");
        let latin = Reading { encoding: encoding("iso-8859-2").ok(), ..Reading::default() };
        assert_eq!(read(b"a\xb3", Some("csv"), &latin).unwrap().0, "ał");
        assert!(encoding("klingon").is_err() && delimiter("ab").is_err() && quote("x").is_err());
    }

    #[test]
    fn a_bomb_is_not_unpacked() {
        let bomb = packed(&vec![b' '; 200 << 20]);
        assert!(bomb.len() < 1 << 19);
        let error = read(&bomb, Some("csv"), &Reading::default()).unwrap_err();
        assert!(error.contains("more than 250 times"), "{error}");
        let cut = &packed(b"a,b\n1,2\n")[..12];
        assert!(read(cut, Some("csv"), &Reading::default()).is_err());
    }
}
