//! Amounts of money where they must be scaled while the schema changes.

use crate::schema::currency;

/// Minor units in one unit of a currency; a code that is unknown counts as most do.
pub fn factor(code: &str) -> u32 {
    10_u32.pow(currency::exponent(code).unwrap_or(2))
}

/// SQL for the minor units in one unit of the currency in this column.
pub fn factor_sql(column: &str) -> String {
    let arm = |factor_wanted: u32| {
        let codes = currency::codes().into_iter().filter(|code| factor(code) == factor_wanted);
        let codes: Vec<_> = codes.map(|code| format!("'{code}'")).collect();
        format!("when {column} in ({}) then {factor_wanted}", codes.join(", "))
    };
    format!("(case {} {} {} else 100 end)::numeric", arm(1), arm(1_000), arm(10_000))
}

/// Minor units of an amount as people write it: `12.5` euro are 1250. None when it is no number or too fine.
pub fn minor_units(amount: &str, code: &str) -> Option<i64> {
    let digits = currency::exponent(code)? as usize;
    let (sign, plain) = amount.strip_prefix('-').map_or(("", amount), |rest| ("-", rest));
    let (whole, fraction) = plain.split_once('.').unwrap_or((plain, ""));
    let fraction = fraction.trim_end_matches('0');
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_number(whole) || !is_number(fraction) || fraction.len() > digits {
        return None;
    }
    format!("{sign}{whole}{fraction:0<digits$}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_scaled_by_their_currency() {
        assert_eq!(minor_units("12.5", "EUR"), Some(1250));
        assert_eq!(minor_units("-0.01", "EUR"), Some(-1));
        assert_eq!(minor_units("12.00", "JPY"), Some(12));
        assert_eq!(minor_units("1.234", "KWD"), Some(1234));
        assert_eq!(minor_units("0.001", "EUR"), None);
        assert_eq!(minor_units("x", "EUR"), None);
    }
}
