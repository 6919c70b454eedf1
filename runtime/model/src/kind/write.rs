//! Writes PostgreSQL's binary formats as JSON bytes.

use std::io::Write as _;

use uuid::Uuid;

use super::{Part, Parts};
use crate::civil::{DAY_MICROS, clock, day, moment};
use crate::currency::format_amount;
use crate::id::{self, USER_PREFIX};
use crate::json;

/// 2000-01-01, PostgreSQL's epoch, in days and microseconds of Unix time.
const EPOCH_DAYS: i64 = 10_957;
const EPOCH_MICROS: i64 = EPOCH_DAYS * DAY_MICROS;

/// Writing to a `Vec` cannot fail.
macro_rules! append {
    ($out:expr, $($format:tt)*) => {{
        let _ = write!($out, $($format)*);
    }};
}

pub static MONEY: Parts = Parts { type_name: "Money", fields: &MONEY_FIELDS };

static MONEY_FIELDS: [Part; 3] = [
    Part {
        name: "amountMinor",
        columns: &[0],
        write: |columns, out| bigint(columns[0], out),
        project: |stored, out| out.extend_from_slice(json::member(stored, "amountMinor").unwrap_or(b"null")),
    },
    Part {
        name: "currency",
        columns: &[1],
        write: |columns, out| json::write_string(columns[0], out),
        project: |stored, out| out.extend_from_slice(json::member(stored, "currency").unwrap_or(b"null")),
    },
    Part {
        name: "amount",
        columns: &[0, 1],
        write: |columns, out| {
            append!(out, "\"{}\"", format_amount(int(columns[0]), &String::from_utf8_lossy(columns[1])));
        },
        project: |stored, out| {
            let text = |key| json::member(stored, key).and_then(json::plain_string);
            let minor = text("amountMinor").and_then(|minor| minor.parse().ok());
            match (minor, text("currency")) {
                (Some(minor), Some(currency)) => append!(out, "\"{}\"", format_amount(minor, currency)),
                _ => out.extend_from_slice(b"null"),
            }
        },
    },
];

/// An integer of any width, big-endian.
fn int(binary: &[u8]) -> i64 {
    let negative = binary.first().is_some_and(|byte| byte & 0x80 != 0);
    binary.iter().fold(if negative { -1 } else { 0 }, |value, byte| value << 8 | i64::from(*byte))
}

pub fn bigint(binary: &[u8], out: &mut Vec<u8>) {
    append!(out, "\"{}\"", int(binary));
}

pub fn integer(binary: &[u8], out: &mut Vec<u8>) {
    append!(out, "{}", int(binary));
}

pub fn boolean(binary: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(if binary.first() == Some(&1) { b"true" } else { b"false" });
}

/// A version byte, then the text.
pub fn jsonb(binary: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(binary.get(1..).unwrap_or(b"null"));
}

pub fn date(binary: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    day(int(binary) + EPOCH_DAYS, out);
    out.push(b'"');
}

pub fn time(binary: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    clock(int(binary), out);
    out.push(b'"');
}

pub fn datetime(binary: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    moment(int(binary).saturating_add(EPOCH_MICROS), out);
    out.push(b'"');
}

/// A `uuid` is its 16 bytes.
pub fn user(binary: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    id::write(USER_PREFIX, Uuid::from_slice(binary).unwrap_or_default(), out);
    out.push(b'"');
}

pub fn duration(binary: &[u8], out: &mut Vec<u8>) {
    append!(out, "\"{}\"", iso_duration(int(binary)));
}

/// ISO 8601 with days of 24 hours: `P1DT2H`, `-PT0.5S`, `PT0S`.
pub fn iso_duration(milliseconds: i64) -> String {
    let total = milliseconds.unsigned_abs();
    let (days, hours, minutes) = (total / 86_400_000, total / 3_600_000 % 24, total / 60_000 % 60);
    let (seconds, fraction) = (total / 1_000 % 60, total % 1_000);
    let mut text = String::from(if milliseconds < 0 { "-P" } else { "P" });
    let part = |text: &mut String, value: u64, unit: char| {
        if value > 0 {
            text.push_str(&format!("{value}{unit}"));
        }
    };
    part(&mut text, days, 'D');
    if !total.is_multiple_of(86_400_000) || total == 0 {
        text.push('T');
    }
    part(&mut text, hours, 'H');
    part(&mut text, minutes, 'M');
    if fraction > 0 {
        let fraction = format!("{fraction:03}");
        text.push_str(&format!("{seconds}.{}S", fraction.trim_end_matches('0')));
    } else if seconds > 0 || total == 0 {
        text.push_str(&format!("{seconds}S"));
    }
    text
}
