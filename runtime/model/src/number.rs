//! JSON numbers as digits: nothing here goes through a float.

use std::cmp::Ordering;

use rust_decimal::Decimal;
use serde_json::Number;

/// Maximum digits of a number written without an exponent, which is how PostgreSQL stores it.
pub const MAX_DIGITS: usize = 400;

/// A number as `0.digits × 10^exponent`, without leading or trailing zeros; zero has no digits.
#[derive(PartialEq, Eq)]
struct Parts {
    negative: bool,
    digits: String,
    exponent: i64,
}

impl Parts {
    /// `None` for an absurdly large exponent.
    fn of(text: &str) -> Option<Self> {
        let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let exponent: i64 = exponent.parse().ok().filter(|exponent: &i64| exponent.abs() < 1_000_000)?;
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{fraction}");
        let digits = all.trim_start_matches('0');
        let leading = all.len() - digits.len();
        let digits = digits.trim_end_matches('0');
        let exponent = exponent + i64::try_from(whole.len()).ok()? - i64::try_from(leading).ok()?;
        let is_zero = digits.is_empty();
        Some(Self {
            negative: negative && !is_zero,
            digits: digits.to_owned(),
            exponent: if is_zero { 0 } else { exponent },
        })
    }
}

/// Whether PostgreSQL would store it in a reasonable size.
pub fn is_short(number: &Number) -> bool {
    let text = number.to_string();
    if !text.contains(['e', 'E']) {
        return text.len() <= MAX_DIGITS;
    }
    let Some(parts) = Parts::of(&text) else { return false };
    let most = MAX_DIGITS as i64;
    parts.digits.len() <= MAX_DIGITS && (-most..=most).contains(&parts.exponent)
}

/// The number without an exponent: `1.5e3` becomes `1500`. A number without one stays as written.
pub fn plain(number: &Number) -> Option<String> {
    let text = number.to_string();
    if !text.contains(['e', 'E']) {
        return Some(text);
    }
    let Parts { negative, digits, exponent } = is_short(number).then(|| Parts::of(&text)).flatten()?;
    let sign = if negative { "-" } else { "" };
    let length = i64::try_from(digits.len()).ok()?;
    Some(match exponent {
        _ if digits.is_empty() => "0".to_owned(),
        ..=0 => format!("{sign}0.{}{digits}", "0".repeat(usize::try_from(-exponent).ok()?)),
        _ if exponent >= length => format!("{sign}{digits}{}", "0".repeat(usize::try_from(exponent - length).ok()?)),
        _ => {
            let (whole, fraction) = digits.split_at(usize::try_from(exponent).ok()?);
            format!("{sign}{whole}.{fraction}")
        }
    })
}

/// A decimal number in text: ASCII digits with an optional sign, and an optional point before, among or after them.
/// Thousands separators, exponents and blanks are not allowed.
pub fn decimal(text: &str) -> Option<Decimal> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    is_plain.then(|| Decimal::from_str_exact(text).ok()).flatten()
}

/// Whether both are the same number in any notation: `1.10`, `1.1` and `11e-1`.
pub fn same(a: &Number, b: &Number) -> bool {
    let (a, b) = (a.to_string(), b.to_string());
    a == b || matches!((Parts::of(&a), Parts::of(&b)), (Some(a), Some(b)) if a == b)
}

/// Compares two numbers without exponents, with any number of digits.
pub fn order(a: &str, b: &str) -> Option<Ordering> {
    let is_number = |text: &str| {
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        digits.contains(|c: char| c.is_ascii_digit())
            && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
    };
    if !is_number(a) || !is_number(b) {
        return None;
    }
    let (a, b) = (Parts::of(a)?, Parts::of(b)?);
    let size = |parts: &Parts| match (parts.digits.is_empty(), parts.negative) {
        (true, _) => 0,
        (false, negative) => {
            if negative {
                -1
            } else {
                1
            }
        }
    };
    let of_size = size(&a).cmp(&size(&b));
    let greater = a.exponent.cmp(&b.exponent).then_with(|| a.digits.cmp(&b.digits));
    Some(of_size.then(if a.negative { greater.reverse() } else { greater }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number(text: &str) -> Number {
        text.parse().unwrap_or_else(|_| panic!("{text}"))
    }

    #[test]
    fn exponents_are_written_out() {
        for (written, shown) in [
            ("1e3", "1000"),
            ("1.5e3", "1500"),
            ("-1.25E1", "-12.5"),
            ("12e-1", "1.2"),
            ("5e-4", "0.0005"),
            ("0e9", "0"),
            ("1.10", "1.10"),
            ("12345678901234567890123", "12345678901234567890123"),
        ] {
            assert_eq!(plain(&number(written)).as_deref(), Some(shown), "{written}");
        }
        for endless in ["1e401", "1e-402", "1e99999999999999999999", "1e1000000"] {
            assert_eq!(plain(&number(endless)), None, "{endless}");
        }
    }

    #[test]
    fn numbers_are_compared_by_their_value() {
        for (a, b) in [("1.10", "1.1"), ("1e3", "1000.0"), ("0", "-0.0"), ("0.1", "1e-1"), ("100", "1e2")] {
            assert!(same(&number(a), &number(b)), "{a} = {b}");
        }
        assert!(!same(&number("12345678901234567.89"), &number("12345678901234567.88")));
    }

    proptest! {
        #[test]
        fn the_order_is_that_of_integers(a: i64, b: i64) {
            prop_assert_eq!(order(&a.to_string(), &b.to_string()), Some(a.cmp(&b)));
        }

        #[test]
        fn an_exponent_changes_no_number(digits in "-?[1-9][0-9]{0,20}", exponent in -60_i64..60) {
            let written = number(&format!("{digits}e{exponent}"));
            prop_assert!(same(&written, &number(&plain(&written).unwrap())));
        }
    }
}
