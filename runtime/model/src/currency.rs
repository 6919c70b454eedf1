//! The ISO 4217 currencies that money can have, with their number of decimals; no funds, metals or test codes.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

const NONE: [&str; 17] = [
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF",
    "XPF",
];
const TWO: &str = "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC \
     CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR \
     JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD \
     NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN \
     SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG";
const THREE: [&str; 7] = ["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"];
const FOUR: [&str; 2] = ["CLF", "UYW"];

/// The currencies that a site accepts.
pub trait Currencies {
    /// The currency of an amount without one.
    fn usual(&self) -> &str;

    fn takes(&self, code: &str) -> bool;

    /// The accepted currencies, for messages.
    fn list(&self) -> String;
}

/// Every currency, with this one as the default.
pub struct Every<'a>(pub &'a str);

impl Currencies for Every<'_> {
    fn usual(&self) -> &str {
        self.0
    }

    fn takes(&self, code: &str) -> bool {
        is_known(code)
    }

    fn list(&self) -> String {
        "those of ISO 4217".to_owned()
    }
}

/// Decimals: 2 for EUR, 0 for JPY, 3 for KWD.
pub fn exponent(currency: &str) -> u32 {
    match currency {
        code if NONE.contains(&code) => 0,
        code if THREE.contains(&code) => 3,
        code if FOUR.contains(&code) => 4,
        _ => 2,
    }
}

/// Whether this is an ISO 4217 code.
pub fn is_known(code: &str) -> bool {
    exponent(code) != 2 || TWO.split(' ').any(|known| known == code)
}

/// Every code, in alphabetical order.
pub fn codes() -> Vec<&'static str> {
    let mut codes: Vec<_> = NONE.into_iter().chain(THREE).chain(FOUR).chain(TWO.split(' ')).collect();
    codes.sort_unstable();
    codes
}

/// Minor units of an amount such as `12.34`. The error says what is wrong with it.
pub fn minor_units(amount: Decimal, currency: &str) -> Result<i64, String> {
    let exponent = exponent(currency);
    let amount = amount.normalize();
    if amount.scale() > exponent {
        return Err(format!("{currency} has {exponent} digits after the point, `{amount}` has {}", amount.scale()));
    }
    let factor = Decimal::from(10_i64.pow(exponent));
    let minor = amount.checked_mul(factor).and_then(|minor| minor.to_i64());
    minor.ok_or_else(|| format!("`{amount}` {currency} is out of range"))
}

/// `1234` minor units of EUR are `12.34`.
pub fn format_amount(minor: i64, currency: &str) -> String {
    let exponent = exponent(currency) as usize;
    let digits = format!("{:0>width$}", minor.unsigned_abs(), width = exponent + 1);
    let sign = if minor < 0 { "-" } else { "" };
    match exponent {
        0 => format!("{sign}{digits}"),
        _ => format!("{sign}{}.{}", &digits[..digits.len() - exponent], &digits[digits.len() - exponent..]),
    }
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use super::*;

    #[test]
    fn amounts_have_the_digits_of_their_currency() {
        for (minor, currency, amount) in [
            (1234, "EUR", "12.34"),
            (5, "EUR", "0.05"),
            (-5, "EUR", "-0.05"),
            (0, "EUR", "0.00"),
            (1234, "JPY", "1234"),
            (1234, "KWD", "1.234"),
            (i64::MIN, "EUR", "-92233720368547758.08"),
        ] {
            assert_eq!(format_amount(minor, currency), amount);
            assert_eq!(minor_units(Decimal::from_str(amount).unwrap(), currency), Ok(minor));
        }
    }

    #[test]
    fn digits_that_the_currency_does_not_have_are_refused() {
        assert_eq!(minor_units(Decimal::from_str("1.500").unwrap(), "EUR"), Ok(150));
        assert!(minor_units(Decimal::from_str("1.505").unwrap(), "EUR").is_err());
        assert!(minor_units(Decimal::from_str("92233720368547758.08").unwrap(), "EUR").is_err());
    }

    #[test]
    fn codes_are_those_of_the_standard() {
        assert!(["EUR", "JPY", "BHD", "CLF", "ZWG"].into_iter().all(is_known));
        assert!(["eur", "EURO", "", "XXX", " "].into_iter().all(|code| !is_known(code)));
        assert!(codes().windows(2).all(|pair| pair[0] < pair[1]));
    }
}
