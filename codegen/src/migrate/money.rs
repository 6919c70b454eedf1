//! How many digits after the point a currency has (ISO 4217), where amounts must be scaled while the schema changes.

const NONE: [&str; 16] = [
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF",
];
const THREE: [&str; 7] = ["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"];
const FOUR: [&str; 2] = ["CLF", "UYW"];

pub fn exponent(currency: &str) -> u32 {
    match currency {
        _ if NONE.contains(&currency) => 0,
        _ if THREE.contains(&currency) => 3,
        _ if FOUR.contains(&currency) => 4,
        _ => 2,
    }
}

/// SQL for the minor units in one unit of the currency in this column.
pub fn factor_sql(column: &str) -> String {
    let list = |codes: &[&str]| codes.iter().map(|code| format!("'{code}'")).collect::<Vec<_>>().join(", ");
    format!(
        "(case when {column} in ({}) then 1 when {column} in ({}) then 1000 when {column} in ({}) then 10000 else 100 end)::numeric",
        list(&NONE),
        list(&THREE),
        list(&FOUR)
    )
}

/// Minor units of an amount as people write it: `12.5` euro are 1250. None when it is no number or too fine.
pub fn minor_units(amount: &str, currency: &str) -> Option<i64> {
    let digits = exponent(currency) as usize;
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
