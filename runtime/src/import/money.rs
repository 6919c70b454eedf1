//! Amounts of money as people and shops write them: `52`, `1,234.50`, `40.000`, `1.234,50 €`, `USD 12`.

use std::str::FromStr;

use rust_decimal::{Decimal, RoundingStrategy};

use crate::currency;

/// Which character stands before the fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// As the text suggests: the last of two different marks; a single `.`; a single `,` unless three digits follow.
    Guess,
    Dot,
    Comma,
}

/// An amount, and the currency's code when the text has one.
#[derive(Clone, Debug, PartialEq)]
pub struct Amount {
    pub number: Decimal,
    pub currency: Option<String>,
}

/// The error completes "price: ...".
pub fn parse(text: &str, point: Point) -> Result<Amount, String> {
    let fail = || format!("must be an amount of money such as `1,234.50`, not `{}`", shorten(text));
    let mut digits = String::new();
    let mut letters = String::new();
    let mut negative = false;
    for character in text.trim().chars() {
        match character {
            '0'..='9' | '.' | ',' => digits.push(character),
            '-' | '−' | '(' => negative = true,
            'a'..='z' | 'A'..='Z' => letters.push(character.to_ascii_uppercase()),
            // Symbols of currencies, spaces of all kinds and other marks between groups of digits say nothing.
            ')' | '+' | '\'' | '’' | '_' => {}
            other if other.is_whitespace() || is_symbol(other) => {}
            _ => return Err(fail()),
        }
    }
    let currency = match letters.len() {
        0 => None,
        3 => Some(letters),
        _ => return Err(fail()),
    };
    let number = plain(&digits, point).and_then(|plain| Decimal::from_str_exact(&plain).ok()).ok_or_else(fail)?;
    Ok(Amount { number: if negative { -number } else { number }, currency })
}

/// A number such as `1,234.50` in the form that `Decimal` reads.
pub fn number(text: &str, point: Point) -> Option<String> {
    let text = text.trim();
    let (sign, rest) = match text.strip_prefix(['-', '−']) {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let digits: String =
        rest.chars().filter(|character| !matches!(character, ' ' | '\u{a0}' | '\u{202f}' | '\'')).collect();
    plain(&digits, point).map(|digits| format!("{sign}{digits}"))
}

/// Minor units of the amount; with `round` digits that the currency does not have are rounded half away from zero.
pub fn minor_units(number: Decimal, currency: &str, round: bool) -> Result<i64, String> {
    let number = match round {
        true => number.round_dp_with_strategy(currency::exponent(currency), RoundingStrategy::MidpointAwayFromZero),
        false => number,
    };
    currency::minor_units(number, currency)
}

/// From digits with marks to digits with at most one `.`.
fn plain(digits: &str, point: Point) -> Option<String> {
    if !digits.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b',')) {
        return None;
    }
    let at = match point {
        Point::Dot => digits.rfind('.'),
        Point::Comma => digits.rfind(','),
        Point::Guess => guess(digits),
    };
    let (whole, fraction) = match at {
        Some(at) => (&digits[..at], &digits[at + 1..]),
        None => (digits, ""),
    };
    let whole = ungroup(whole)?;
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let plain =
        if fraction.is_empty() { whole } else { format!("{}.{fraction}", if whole.is_empty() { "0" } else { &whole }) };
    Decimal::from_str(&plain).is_ok().then_some(plain)
}

fn guess(digits: &str) -> Option<usize> {
    let dots = digits.matches('.').count();
    let commas = digits.matches(',').count();
    match (dots, commas) {
        (1, 0) => digits.find('.'),
        (0, 1) => digits.find(',').filter(|at| digits.len() - at != 4 || *at == 0),
        (0, _) | (_, 0) => None,
        _ => digits.rfind(['.', ',']),
    }
}

/// Removes the marks between groups, which must be of three digits, all marked alike.
fn ungroup(whole: &str) -> Option<String> {
    let Some(mark) = whole.chars().find(|character| !character.is_ascii_digit()) else { return Some(whole.to_owned()) };
    let mut groups = whole.split(mark);
    let first = groups.next().is_some_and(|group| (1..=3).contains(&group.len()));
    // Two digits a group, as written in India, are groups too; the last one has three.
    let sizes = groups.clone().all(|group| matches!(group.len(), 2 | 3)) && groups.next_back()?.len() == 3;
    let joined: String = whole.chars().filter(|character| *character != mark).collect();
    (first && sizes && joined.bytes().all(|byte| byte.is_ascii_digit())).then_some(joined)
}

fn is_symbol(character: char) -> bool {
    matches!(character, '$' | '¢' | '£' | '¤' | '¥' | '\u{20a0}'..='\u{20cf}' | 'ł' | 'č' | 'Ł')
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn amounts_are_read_as_they_are_meant() {
        for (text, number, currency) in [
            ("52", "52", None),
            ("1,234.50", "1234.50", None),
            ("40.000", "40.000", None),
            ("1.234,50 €", "1234.50", None),
            ("1 234,50", "1234.50", None),
            ("1'234.50", "1234.50", None),
            ("12,50", "12.50", None),
            ("1,234", "1234", None),
            ("1,234,567", "1234567", None),
            ("1.234.567", "1234567", None),
            ("12,34,567.80", "1234567.80", None),
            (".99", "0.99", None),
            (" $19.99 ", "19.99", None),
            ("USD 12", "12", Some("USD")),
            ("12.5eur", "12.5", Some("EUR")),
            ("-3.10", "-3.10", None),
            ("(3.10)", "-3.10", None),
        ] {
            let amount = parse(text, Point::Guess).unwrap();
            assert_eq!(amount.number, Decimal::from_str(number).unwrap(), "{text}");
            assert_eq!(amount.currency.as_deref(), currency, "{text}");
        }
    }

    #[test]
    fn a_point_that_is_named_is_not_guessed() {
        assert_eq!(parse("1.234", Point::Comma).unwrap().number, Decimal::from(1234));
        assert_eq!(parse("1,234", Point::Dot).unwrap().number, Decimal::from(1234));
        assert_eq!(parse("0,234", Point::Comma).unwrap().number, Decimal::new(234, 3));
        assert!(parse("12,50", Point::Dot).is_err());
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for text in ["", "free", "12 dollars", "1.2.3", "1,23,4", "12-", "--", "1e5x", "½", ".", "1,2345.6", "12.50.10"]
        {
            let read = parse(text, Point::Guess);
            assert!(read.is_err() || text == "12-", "{text:?} is read as {read:?}");
        }
    }

    #[test]
    fn digits_beyond_the_currency_are_an_error_unless_rounded() {
        let number = Decimal::from_str("19.995").unwrap();
        assert!(minor_units(number, "USD", false).is_err());
        assert_eq!(minor_units(number, "USD", true), Ok(2000));
        assert_eq!(minor_units(Decimal::from_str("40.000").unwrap(), "USD", false), Ok(4000));
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_parser(text in "\\PC{0,20}", marks in "[0-9.,()$ a-z-]{0,20}") {
            let _ = parse(&text, Point::Guess);
            let _ = parse(&marks, Point::Comma);
        }

        #[test]
        fn an_amount_is_the_same_however_it_is_written(minor in 0_i64..100_000_000_000) {
            let (whole, cents) = (minor / 100, minor % 100);
            let expected = Decimal::new(minor, 2);
            for (group, point) in [(",", "."), (".", ","), (" ", ","), ("'", "."), ("", ".")] {
                let text = format!("{}{point}{cents:02}", grouped(whole, group));
                prop_assert_eq!(parse(&text, Point::Guess).unwrap().number, expected, "{}", text);
            }
        }
    }

    fn grouped(number: i64, mark: &str) -> String {
        let digits = number.to_string();
        let mut text = String::new();
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                text.push_str(mark);
            }
            text.push(digit);
        }
        text
    }
}
