//! Encodes spans as OTLP protocol buffers (`opentelemetry/proto/collector/trace/v1`), with only the dozen fields that are used. A test of
//! the shop decodes them with the types that OpenTelemetry generates.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base::trace::{Fact, Kind, Span};

/// Wire types.
const VARINT: u64 = 0;
const FIXED64: u64 = 1;
const BYTES: u64 = 2;
const FIXED32: u64 = 5;

/// `Status.code` of a failed span.
const ERROR: u64 = 2;
/// `Span.flags`: sampled; whether the parent is remote is known; it is remote.
const SAMPLED: u32 = 0x001;
const HAS_IS_REMOTE: u32 = 0x100;
const IS_REMOTE: u32 = 0x200;

/// Encodes an `ExportTraceServiceRequest`. `resource` holds the attributes shared by all spans.
pub fn request(resource: &[(&'static str, Fact)], spans: &[Span]) -> Vec<u8> {
    let mut request = Message::default();
    request.message(1, |resource_spans| {
        resource_spans.message(1, |message| attributes(message, 1, resource));
        resource_spans.message(2, |scope_spans| {
            scope_spans.message(1, |scope| scope.text(1, "typecase"));
            spans.iter().for_each(|one| scope_spans.message(2, |message| span(message, one)));
        });
    });
    request.0
}

fn span(message: &mut Message, span: &Span) {
    message.bytes(1, &span.trace.to_be_bytes());
    message.bytes(2, &span.id.to_be_bytes());
    if let Some(state) = &span.state {
        message.text(3, state);
    }
    if let Some(parent) = span.parent {
        message.bytes(4, &parent.to_be_bytes());
    }
    message.text(5, &span.name);
    message.number(
        6,
        match span.kind {
            Kind::Internal => 1,
            Kind::Server => 2,
            Kind::Client => 3,
            Kind::Consumer => 5,
        },
    );
    message.fixed64(7, nanoseconds(span.begun));
    message.fixed64(8, nanoseconds(span.begun + span.took));
    attributes(message, 9, &span.facts);
    if span.has_failed {
        message.message(15, |status| status.number(3, ERROR));
    }
    message.fixed32(16, SAMPLED | HAS_IS_REMOTE | if span.is_entry { IS_REMOTE } else { 0 });
}

fn attributes(message: &mut Message, field: u64, facts: &[(&'static str, Fact)]) {
    for (key, fact) in facts {
        message.message(field, |pair| {
            pair.text(1, key);
            pair.message(2, |value| any_value(value, fact));
        });
    }
}

fn any_value(value: &mut Message, fact: &Fact) {
    match fact {
        Fact::Text(text) => value.text(1, text),
        Fact::Number(number) => value.number(3, number.cast_unsigned()),
        Fact::Texts(texts) => value.message(5, |array| {
            texts.iter().for_each(|text| array.message(1, |value| value.text(1, text)));
        }),
    }
}

/// Since 1970.
fn nanoseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push((number & 0x7f) as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    fn key(&mut self, field: u64, kind: u64) {
        self.varint(field << 3 | kind);
    }

    fn number(&mut self, field: u64, number: u64) {
        self.key(field, VARINT);
        self.varint(number);
    }

    fn fixed64(&mut self, field: u64, number: u64) {
        self.key(field, FIXED64);
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    fn fixed32(&mut self, field: u64, number: u32) {
        self.key(field, FIXED32);
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    fn bytes(&mut self, field: u64, bytes: &[u8]) {
        self.key(field, BYTES);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    fn text(&mut self, field: u64, text: &str) {
        self.bytes(field, text.as_bytes());
    }

    fn message(&mut self, field: u64, write: impl FnOnce(&mut Self)) {
        let mut inner = Self::default();
        write(&mut inner);
        self.bytes(field, &inner.0);
    }
}
