//! JSON as bytes: parses input, writes strings, and walks stored JSON without building a tree.
//!
//! Stored JSON is copied, never parsed by serde: a tree would cost time, and serde gives some keys a special meaning.

use serde_json::Value as Json;

use crate::number;

/// `serde_json` interprets objects with such keys as numbers or raw JSON, whoever wrote them.
pub const RESERVED_KEY: &str = "$serde_json::private";

/// Parses input from outside, keeping every digit of its numbers. Keys reserved by `serde_json` are refused.
pub fn parse(text: &[u8]) -> Result<Json, String> {
    if holds_reserved_key(text) {
        return Err(format!("it has a key that starts with `{RESERVED_KEY}`"));
    }
    serde_json::from_slice(text).map_err(|error| error.to_string())
}

/// Whether the text contains a reserved key, however it is escaped. Checked before parsing, which would remove the key.
pub fn holds_reserved_key(text: &[u8]) -> bool {
    // A key can be disguised by an escape; only in that rare case is each key examined.
    let may = |(at, byte): (usize, &u8)| match byte {
        b'$' => text[at..].starts_with(RESERVED_KEY.as_bytes()),
        b'\\' => text.get(at + 1) == Some(&b'u'),
        _ => false,
    };
    if !text.iter().enumerate().any(may) {
        return false;
    }
    let mut rest = text;
    while let Some(start) = rest.iter().position(|byte| *byte == b'"') {
        let length = string_length(&rest[start..]);
        let string = &rest[start..start + length];
        rest = &rest[start + length..];
        let is_key = rest.trim_ascii_start().first() == Some(&b':');
        if is_key && serde_json::from_slice::<String>(string).is_ok_and(|key| key.starts_with(RESERVED_KEY)) {
            return true;
        }
    }
    false
}

/// Whether both are the same value: the order of keys and the notation of numbers do not matter.
pub fn same(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Number(a), Json::Number(b)) => number::same(a, b),
        (Json::Array(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Json::Object(a), Json::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        (a, b) => a == b,
    }
}

/// Appends text as a JSON string. The text must be UTF-8; PostgreSQL stores nothing else.
pub fn write_string(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    let mut from = 0;
    for (index, &byte) in text.iter().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&text[from..index]);
        from = index + 1;
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            _ => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
        }
    }
    out.extend_from_slice(&text[from..]);
    out.push(b'"');
}

/// The value of a key in a JSON object, as bytes. Keys are compared as written, which is enough for ASCII names.
pub fn member<'a>(object: &'a [u8], key: &str) -> Option<&'a [u8]> {
    Members::of(object).find(|(found, _)| *found == key.as_bytes()).map(|(_, value)| value)
}

/// The text of a JSON string without escapes, which ids, names and codes never have.
pub fn plain_string(value: &[u8]) -> Option<&str> {
    let inner = value.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    std::str::from_utf8(inner).ok().filter(|text| !text.contains('\\'))
}

pub fn is_null(value: &[u8]) -> bool {
    value == b"null"
}

/// `(key, value)` of each member of an object; empty for other values.
pub struct Members<'a>(Cursor<'a>);

impl<'a> Members<'a> {
    pub fn of(object: &'a [u8]) -> Self {
        Self(Cursor::inside(object, b'{'))
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let key = self.0.value()?;
        let value = self.0.value()?;
        Some((key.strip_prefix(b"\"")?.strip_suffix(b"\"")?, value))
    }
}

/// Each item of an array; empty for other values.
pub struct Items<'a>(Cursor<'a>);

impl<'a> Items<'a> {
    pub fn of(array: &'a [u8]) -> Self {
        Self(Cursor::inside(array, b'['))
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<Self::Item> {
        self.0.value()
    }
}

/// A position in JSON that PostgreSQL wrote, which is therefore well-formed.
struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    fn inside(value: &'a [u8], open: u8) -> Self {
        let value = value.trim_ascii();
        Self { rest: if value.first() == Some(&open) { &value[1..] } else { &[] } }
    }

    /// The next value, after skipping separators; `None` at the end of the array or object.
    fn value(&mut self) -> Option<&'a [u8]> {
        let start = self.rest.iter().position(|byte| !matches!(byte, b' ' | b'\n' | b'\r' | b'\t' | b',' | b':'))?;
        let rest = &self.rest[start..];
        let length = match rest[0] {
            b']' | b'}' => return None,
            b'"' => string_length(rest),
            b'[' | b'{' => nested_length(rest),
            _ => rest.iter().position(|byte| matches!(byte, b',' | b']' | b'}' | b' ' | b'\n')).unwrap_or(rest.len()),
        };
        self.rest = &rest[length..];
        Some(&rest[..length])
    }
}

/// Length in bytes of the string that starts here, including quotes.
fn string_length(rest: &[u8]) -> usize {
    let mut index = 1;
    while index < rest.len() {
        match rest[index] {
            b'"' => return index + 1,
            b'\\' => index += 2,
            _ => index += 1,
        }
    }
    rest.len()
}

/// Length in bytes of the array or object that starts here. It counts instead of recursing: stored JSON may be
/// arbitrarily deep.
fn nested_length(rest: &[u8]) -> usize {
    let mut depth = 0_usize;
    let mut index = 0;
    while index < rest.len() {
        match rest[index] {
            b'"' => {
                index += string_length(&rest[index..]);
                continue;
            }
            b'[' | b'{' => depth += 1,
            b']' | b'}' => {
                depth -= 1;
                if depth == 0 {
                    return index + 1;
                }
            }
            _ => {}
        }
        index += 1;
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn members_and_items_are_the_bytes_that_were_stored() {
        let object = br#"{"a": "x\"}", "b": [1, {"c": "]"}, "\\"], "d": null, "e": -1.5e3}"#;
        assert_eq!(member(object, "a"), Some(br#""x\"}""#.as_slice()));
        assert_eq!(member(object, "d"), Some(b"null".as_slice()));
        assert_eq!(member(object, "e"), Some(b"-1.5e3".as_slice()));
        assert_eq!(member(object, "c"), None);
        let items: Vec<_> = Items::of(member(object, "b").unwrap()).collect();
        assert_eq!(items, [b"1".as_slice(), br#"{"c": "]"}"#, br#""\\""#]);
        assert_eq!(Items::of(b"[]").count() + Items::of(b"null").count() + Members::of(b"{}").count(), 0);
    }

    #[test]
    fn keys_of_serde_are_refused_however_they_are_written() {
        for text in [
            r#"{"a": {"$serde_json::private::Number": "1e5"}}"#,
            r#"[{"\u0024serde_json::private::RawValue" : "[1]"}]"#,
            r#"{"$serde_\u006ason::private::Number":"1"}"#,
        ] {
            assert!(parse(text.as_bytes()).unwrap_err().contains("private"), "{text}");
        }
        for text in [r#"{"a": "$serde_json::private::Number"}"#, r#"["\u0024serde_json::private::Number", "x:"]"#] {
            assert!(parse(text.as_bytes()).is_ok(), "{text}");
        }
    }

    #[test]
    fn numbers_keep_their_digits() {
        let text = r#"{"a":12345678901234567890123,"b":[0.1234567890123456789,1.10,-0]}"#;
        assert_eq!(parse(text.as_bytes()).unwrap().to_string(), text);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,40}|[\"\\\\u:$a{}]{0,20}") {
            let _ = parse(text.as_bytes());
        }

        #[test]
        fn strings_are_what_serde_reads(text: String) {
            let mut out = Vec::new();
            write_string(text.as_bytes(), &mut out);
            prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        }
    }
}
