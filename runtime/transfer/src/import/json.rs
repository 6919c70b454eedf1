//! Parses a line of JSON to a record. A duplicate key is refused, because one of its values would be lost.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value as Json};

use model::json::{RESERVED_KEY, holds_reserved_key};

/// The most values in one record: each takes more memory than its text.
const MOST: u32 = 250_000;
/// How serde_json passes on a number with all its digits.
const NUMBER: &str = "$serde_json::private::Number";

/// The error states the position, in characters from 1.
pub fn parse(line: &[u8]) -> Result<Json, String> {
    let text = std::str::from_utf8(line).map_err(|error| {
        let at = error.valid_up_to();
        format!("the line is not UTF-8, as JSON is: byte {} is 0x{:02X}", at + 1, line[at])
    })?;
    if holds_reserved_key(line) {
        return Err(format!("the line has a key that starts with `{RESERVED_KEY}`, which is reserved"));
    }
    let left = Cell::new(MOST);
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let parsed =
        Value { left: &left }.deserialize(&mut deserializer).and_then(|json| deserializer.end().map(|()| json));
    parsed.map_err(|error| reason(text, &error))
}

fn reason(text: &str, error: &serde_json::Error) -> String {
    let said = error.to_string();
    let said = said.split(" at line ").next().unwrap_or_default();
    let column = error.column();
    if said.starts_with("recursion limit") {
        return "the line has lists and objects nested more than 128 levels deep".to_owned();
    }
    let ends_in_return = ["}\r{", "}\r\r{"].iter().any(|ends| text.contains(ends));
    if ends_in_return && said.starts_with("trailing characters") {
        return "the line holds several records with carriage returns between them: lines end in a line feed"
            .to_owned();
    }
    if said.contains("hex escape") || said.contains("surrogate") {
        return format!("the line is not JSON: a lone surrogate in a \\u escape at character {column}");
    }
    match error.is_data() {
        true => said.to_owned(),
        false if error.is_eof() => format!("the line is not JSON: it ends too early, after character {column}"),
        false => format!("the line is not JSON: {said} at character {column}"),
    }
}

#[derive(Clone, Copy)]
struct Value<'c> {
    left: &'c Cell<u32>,
}

impl Value<'_> {
    fn count<E: Error>(self) -> Result<(), E> {
        match self.left.get().checked_sub(1) {
            Some(left) => {
                self.left.set(left);
                Ok(())
            }
            None => Err(E::custom(format!("the record has more than {MOST} values"))),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        self.count()?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(Number::from_f64(value).map_or(Json::Null, Json::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(text.into())
    }

    fn visit_string<E>(self, text: String) -> Result<Json, E> {
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(self)? {
            items.push(item);
        }
        Ok(Json::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
        let mut object = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            if key == NUMBER && object.is_empty() {
                let digits: String = access.next_value()?;
                return digits.parse().map(Json::Number).map_err(A::Error::custom);
            }
            if object.contains_key(&key) {
                return Err(A::Error::custom(format!("duplicate key `{key}`")));
            }
            let value = access.next_value_seed(self)?;
            object.insert(key, value);
        }
        Ok(Json::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_wrong_with_a_line_is_named() {
        for (line, said) in [
            (&b"{\"a\":1,\"b\":{\"c\":1,\"c\":2}}"[..], "duplicate key `c`"),
            (b"{\"a\":\"\xff\"}", "not UTF-8, as JSON is: byte 7 is 0xFF"),
            (b"{\"a\":1,}", "trailing comma at character 8"),
            (b"{\"a\":1", "ends too early"),
            (b"{\"a\":1}\r{\"a\":2}", "carriage returns"),
            (b"{\"a\":\"\\ud83d\"}", "lone surrogate"),
            (b"{} {}", "trailing characters"),
            (b"{\"a\":{\"$serde_json::private::Number\":\"1\"}}", "which is reserved"),
            (b"{\"a\":{\"\\u0024serde_json::private::Number\":\"1\"}}", "which is reserved"),
            ("[".repeat(1000).as_bytes(), "more than 128 levels deep"),
            (format!("[{}1]", "1,".repeat(300_000)).as_bytes(), "more than 250000 values"),
        ] {
            let reason = parse(line).unwrap_err();
            assert!(reason.contains(said), "{reason}");
        }
    }

    proptest! {
        #[test]
        fn a_record_is_what_its_text_says(text in "[{}\\[\\]\",:a-c0-9.eE\\\\ -]{0,24}") {
            let ours = parse(text.as_bytes());
            match serde_json::from_str::<Json>(&text) {
                Ok(theirs) => prop_assert!(ours == Ok(theirs) || ours.is_err_and(|reason| reason.contains("duplicate key"))),
                Err(_) => prop_assert!(ours.is_err()),
            }
        }
    }

    #[test]
    fn values_are_kept() {
        let line = r#"{"a":[1,-2,1.5,true,null,"x\u00e9"],"b":{}}"#;
        assert_eq!(parse(line.as_bytes()).unwrap(), json!({"a": [1, -2, 1.5, true, null, "xé"], "b": {}}));
    }
}
