//! Comparison by order: numbers by value, texts by characters. Values without an order are refused, since otherwise a price that is a text
//! would be greater than every number.

use std::cmp::Ordering;

use minijinja::Error;
use minijinja::value::{Value, ValueKind};
use rust_decimal::Decimal;

use super::refused;
use crate::import::money::{number, shorten};
use crate::import::number::Point;
use crate::import::value::{is_nothing, is_number, text_of};

/// Longer texts are not numbers.
const LONGEST: usize = 40;

pub fn is_less(left: &Value, right: &Value) -> Result<bool, Error> {
    Ok(order(left, right)?.is_lt())
}

pub fn is_at_most(left: &Value, right: &Value) -> Result<bool, Error> {
    Ok(order(left, right)?.is_le())
}

pub fn is_more(left: &Value, right: &Value) -> Result<bool, Error> {
    Ok(order(left, right)?.is_gt())
}

pub fn is_at_least(left: &Value, right: &Value) -> Result<bool, Error> {
    Ok(order(left, right)?.is_ge())
}

pub fn compared(left: &Value, operator: &str, right: &Value) -> Result<bool, Error> {
    match operator {
        "<" => is_less(left, right),
        "<=" => is_at_most(left, right),
        ">" => is_more(left, right),
        _ => is_at_least(left, right),
    }
}

/// An undefined value is less than any other.
fn order(left: &Value, right: &Value) -> Result<Ordering, Error> {
    if is_nothing(left) || is_nothing(right) {
        return Ok(is_nothing(right).cmp(&is_nothing(left)));
    }
    let order = left.cmp(right);
    let told = |why: &str| Err(refused(format!("{} and {} {why}", shown(left), shown(right))));
    if let (Some(one), Some(other)) = (left.as_str(), right.as_str()) {
        let by_value = counted(one).zip(counted(other)).map(|(one, other)| one.cmp(&other));
        return match by_value {
            Some(by_value) if by_value != order => {
                told("are compared as texts, which is not their order as numbers: write `number` behind each")
            }
            _ => Ok(order),
        };
    }
    let is_counted = |value: &Value| value.kind() == ValueKind::Number;
    match (is_number(left), is_number(right)) {
        (true, true) if is_counted(left) && is_counted(right) => Ok(order),
        (true, true) => told("cannot be compared, as one has more digits than can be counted with"),
        _ if left.kind() == right.kind() => Ok(order),
        _ => told("cannot be compared, as they are of different kinds: `number` makes a number of a text"),
    }
}

fn counted(text: &str) -> Option<Decimal> {
    let number = number(Some(text).filter(|text| text.len() <= LONGEST)?, Point::Guess)?;
    Decimal::from_str_exact(&number).ok()
}

fn shown(value: &Value) -> String {
    match (value.as_str(), text_of(value)) {
        (Some(text), _) => format!("\"{}\"", shorten(text)),
        (None, Some(text)) => shorten(&text),
        (None, None) => format!("a {}", value.kind()),
    }
}
