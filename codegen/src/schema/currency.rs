//! The currencies of ISO 4217 that money can have, with the digits after the point.

/// Codes by their exponent. Funds, metals and test codes are left out.
const CODES: [(u32, &str); 4] = [
    (0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"),
    (3, "BHD IQD JOD KWD LYD OMR TND"),
    (4, "CLF UYW"),
    (
        2,
        "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC \
         CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR \
         JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD \
         NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN \
         SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG",
    ),
];

/// Digits after the point, or `None` for a code that is no currency.
pub fn exponent(code: &str) -> Option<u32> {
    let known = |codes: &str| codes.split_whitespace().any(|known| known == code);
    CODES.iter().find(|(_, codes)| known(codes)).map(|(exponent, _)| *exponent)
}

/// Every code, in alphabetical order.
pub fn codes() -> Vec<&'static str> {
    let mut codes: Vec<_> = CODES.iter().flat_map(|(_, codes)| codes.split_whitespace()).collect();
    codes.sort_unstable();
    codes
}

#[cfg(test)]
mod tests {
    #[test]
    fn exponents_are_those_of_the_standard() {
        assert_eq!(super::exponent("EUR"), Some(2));
        assert_eq!(super::exponent("JPY"), Some(0));
        assert_eq!(super::exponent("BHD"), Some(3));
        assert_eq!(super::exponent("eur"), None);
        assert!(super::codes().windows(2).all(|pair| pair[0] < pair[1]));
    }
}
