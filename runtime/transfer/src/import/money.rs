//! Amounts of money as people and shops write them: `52`, `1,234.50`, `1.234,50 €`, `USD 12`, `49,-`, `CHF 19.–`, `199,99 zł`.

use std::str::FromStr;

use rust_decimal::{Decimal, RoundingStrategy};

use crate::import::number::{self, Point};
use model::currency;

/// An amount, and the currencies that its text may mean; empty if it names none.
#[derive(Clone, Debug, PartialEq)]
pub struct Amount {
    pub number: Decimal,
    pub currencies: Vec<String>,
}

/// Names and symbols of currencies in lower case. With several codes, the text alone is ambiguous.
const NAMES: [(&str, &[&str]); 52] = [
    ("€", &["EUR"]),
    ("euro", &["EUR"]),
    ("euros", &["EUR"]),
    ("£", &["GBP"]),
    ("$", &["USD", "CAD", "AUD", "NZD", "SGD", "HKD", "TWD", "MXN", "ARS", "CLP", "COP"]),
    ("us$", &["USD"]),
    ("ca$", &["CAD"]),
    ("c$", &["CAD"]),
    ("au$", &["AUD"]),
    ("a$", &["AUD"]),
    ("nz$", &["NZD"]),
    ("s$", &["SGD"]),
    ("hk$", &["HKD"]),
    ("nt$", &["TWD"]),
    ("mx$", &["MXN"]),
    ("r$", &["BRL"]),
    ("¥", &["JPY", "CNY"]),
    ("￥", &["JPY", "CNY"]),
    ("円", &["JPY"]),
    ("元", &["CNY"]),
    ("zł", &["PLN"]),
    ("zl", &["PLN"]),
    ("kč", &["CZK"]),
    ("kc", &["CZK"]),
    ("ft", &["HUF"]),
    ("lei", &["RON", "MDL"]),
    ("лв", &["BGN"]),
    ("kr", &["SEK", "NOK", "DKK", "ISK"]),
    ("fr", &["CHF"]),
    ("sfr", &["CHF"]),
    ("₽", &["RUB"]),
    ("руб", &["RUB"]),
    ("₴", &["UAH"]),
    ("грн", &["UAH"]),
    ("₺", &["TRY"]),
    ("tl", &["TRY"]),
    ("₹", &["INR"]),
    ("rs", &["INR", "PKR", "LKR", "NPR", "MUR"]),
    ("₩", &["KRW"]),
    ("₫", &["VND"]),
    ("฿", &["THB"]),
    ("₪", &["ILS"]),
    ("₱", &["PHP"]),
    ("₦", &["NGN"]),
    ("₡", &["CRC"]),
    ("₸", &["KZT"]),
    ("₲", &["PYG"]),
    ("₵", &["GHS"]),
    ("₾", &["GEL"]),
    ("r", &["ZAR"]),
    ("rm", &["MYR"]),
    ("rp", &["IDR"]),
];

/// The error completes "price: ...".
pub fn parse(text: &str, point: Point) -> Result<Amount, String> {
    let (number, currencies) = read(text, point).ok_or_else(|| {
        format!("must be an amount of money such as `1,234.50`, not `{}`{}", shorten(text), hint(point))
    })?;
    let number = Decimal::from_str_exact(&number).map_err(|_| format!("`{}` has too many digits", shorten(text)))?;
    Ok(Amount { number, currencies })
}

/// A number such as `1,234.50` in JSON's form, without a unit.
pub fn number(text: &str, point: Point) -> Option<String> {
    read(text, point).filter(|(_, currencies)| currencies.is_empty()).map(|(number, _)| number)
}

/// A hint for a text that is refused although the mapping states its separators.
pub fn hint(point: Point) -> &'static str {
    match point {
        Point::Dot => "; the mapping says `decimal=\".\"`",
        Point::Comma => "; the mapping says `decimal=\",\"`",
        Point::Guess | Point::None => "",
    }
}

fn read(text: &str, point: Point) -> Option<(String, Vec<String>)> {
    let text: String = text.chars().filter(|letter| !is_invisible(*letter)).collect();
    let start = text.find(|letter: char| letter.is_ascii_digit())?;
    let end = text.rfind(|letter: char| letter.is_ascii_digit())? + 1;
    let start = start - usize::from(has_point_before(&text[..start]));
    let (before, digits, after) = (&text[..start], &text[start..end], &text[end..]);
    let is_ended = after.starts_with('.');
    let (after, whole) = without_cents(after)?;
    // After digits with a point, another point is an error.
    if is_ended && whole.is_none() && digits.contains('.') {
        return None;
    }
    let plain = match whole {
        // `49,-` is `49,00`, whatever the mapping says about commas.
        Some('.') => number::plain(&format!("{digits}.0"), Point::Dot)?.strip_suffix(".0")?.to_owned(),
        Some(',') => number::plain(&format!("{digits},0"), Point::Comma)?.strip_suffix(".0")?.to_owned(),
        Some(_) => number::plain(digits, Point::None)?,
        None => number::plain(digits, point)?,
    };
    let (negative, currencies) = signs(before, after)?;
    Some((if negative { format!("-{plain}") } else { plain }, currencies))
}

/// Whether the first digit is preceded by a decimal point, as in `.89`; the one of `Fr.` does not count.
fn has_point_before(before: &str) -> bool {
    let mut letters = before.chars().rev();
    let is_other = |letter: char| !letter.is_alphanumeric() && !matches!(letter, '.' | ',');
    matches!(letters.next(), Some('.' | ',')) && letters.next().is_none_or(is_other)
}

/// The placeholder for cents, as in `49,-`, `19.–`, `49:-` and `12.`, and the rest.
fn without_cents(after: &str) -> Option<(&str, Option<char>)> {
    let Some(mark) = after.chars().next().filter(|mark| matches!(mark, '.' | ',' | ':')) else {
        return Some((after, None));
    };
    let rest = &after[1..];
    let dashes = rest.trim_start_matches(['-', '–', '—', '−']);
    match (rest.len() > dashes.len(), mark) {
        (true, _) => Some((dashes, Some(mark))),
        (false, '.') if rest.trim().is_empty() => Some((rest, None)),
        (false, _) => None,
    }
}

/// Whether the amount is negative, and the currencies that the text around it may mean.
fn signs(before: &str, after: &str) -> Option<(bool, Vec<String>)> {
    let (mut name, mut minus, mut plus, mut open) = (String::new(), 0, 0, 0);
    for letter in before.chars() {
        match letter {
            '-' | '−' | '–' => minus += 1,
            '+' => plus += 1,
            '(' => open += 1,
            letter => name.push(letter),
        }
    }
    let (behind, closed) = match after.trim().strip_suffix(')') {
        Some(inside) => (inside, 1),
        None => match after.trim().strip_prefix(')') {
            Some(outside) => (outside, 1),
            None => (after, 0),
        },
    };
    if open != closed || minus + plus + open > 1 {
        return None;
    }
    let mut meant: Vec<String> = Vec::new();
    for name in [name.as_str(), behind] {
        let named = currencies(name)?;
        match (meant.is_empty(), named.is_empty()) {
            (true, _) => meant = named,
            (false, true) => {}
            (false, false) => {
                meant.retain(|code| named.contains(code));
                if meant.is_empty() {
                    return None;
                }
            }
        }
    }
    Some((minus + open > 0, meant))
}

/// An empty text names no currency; else it must be a known name or symbol, or a currency code.
fn currencies(name: &str) -> Option<Vec<String>> {
    let name = name.trim();
    if name.is_empty() || name == "¤" {
        return Some(Vec::new());
    }
    // A point ends an abbreviation, as in `Fr.`; a point alone belongs to no number.
    let name = name.strip_suffix('.').unwrap_or(name).trim();
    let lower = name.to_lowercase();
    if let Some((_, codes)) = NAMES.iter().find(|(known, _)| *known == lower) {
        return Some(codes.iter().map(|&code| code.to_owned()).collect());
    }
    (name.len() == 3 && name.bytes().all(|byte| byte.is_ascii_alphabetic())).then(|| vec![name.to_uppercase()])
}

fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{202a}'..='\u{202e}' | '\u{feff}' | '\u{ad}')
}

/// The amount in minor units; with `round`, digits beyond those of the currency are rounded half away from zero.
pub fn minor_units(number: Decimal, currency: &str, round: bool) -> Result<i64, String> {
    let number = match round {
        true => number.round_dp_with_strategy(currency::exponent(currency), RoundingStrategy::MidpointAwayFromZero),
        false => number,
    };
    currency::minor_units(number, currency)
}

pub fn shorten(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Writes out a number with an exponent, as JSON allows.
pub fn written_out(text: &str) -> String {
    match text.contains(['e', 'E']) {
        true => Decimal::from_scientific(text)
            .or_else(|_| Decimal::from_str(text))
            .map_or_else(|_| text.to_owned(), |number| number.normalize().to_string()),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn amounts_are_read_as_they_are_meant() {
        for (text, number, currency) in [
            ("52", "52", ""),
            ("1.234,50 €", "1234.50", "EUR"),
            ("€1.234,50", "1234.50", "EUR"),
            ("1 234,50", "1234.50", ""),
            ("1\u{2009}299,00 Kč", "1299.00", "CZK"),
            (".99", "0.99", ""),
            ("€ ,99", "0.99", "EUR"),
            (" £19.99 ", "19.99", "GBP"),
            ("USD 12", "12", "USD"),
            ("US$ 12", "12", "USD"),
            ("$12 CAD", "12", "CAD"),
            ("12.5eur", "12.5", "EUR"),
            ("Fr. 19.–", "19", "CHF"),
            ("CHF 1'299.—", "1299", "CHF"),
            ("49,-", "49", ""),
            ("49.-", "49", ""),
            ("1.299,- €", "1299", "EUR"),
            ("1 299:-", "1299", ""),
            ("199,99 zł", "199.99", "PLN"),
            ("12.", "12", ""),
            ("0,500", "0.500", ""),
            ("-3.10", "-3.10", ""),
            ("−3,10 €", "-3.10", "EUR"),
            ("€ -3,10", "-3.10", "EUR"),
            ("(3.10)", "-3.10", ""),
            ("(€3.10)", "-3.10", "EUR"),
            ("+3", "3", ""),
        ] {
            let amount = parse(text, Point::Guess).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(amount.number, Decimal::from_str(number).unwrap(), "{text}");
            assert_eq!(amount.currencies.concat(), currency, "{text}");
        }
        assert!(parse("$5", Point::Guess).unwrap().currencies.len() > 5);
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for text in [
            "",
            "free",
            "12 dollars",
            "from 12",
            "1.2.3",
            "1,23,4",
            "12-",
            "3,10-",
            "--",
            "--1",
            "-(1)",
            "(1",
            "1)",
            "1e2",
            "1e5x",
            "½",
            ".",
            "1,2345.6",
            "12.50.10",
            "9.99,-5",
            "9.99.-",
            "99¢",
            "99 ct",
            "12-15",
            "12/2",
            "12 %",
            "１２",
            "€12 USD",
            "12,",
            "5 m²",
            "1 2",
            "49,- -",
            "..7",
            ",,7",
            ",.7",
            ". 7",
            ".7.",
            "7..",
            "7 .",
            "7. .",
            "1.5.",
            "1..2",
            "1,,2",
            "-.-5",
            ".-5",
            "-..5",
            "€..7",
            "€,,7",
            "Fr..7",
            "Fr.. 7",
            "1_000",
            "EUR 1_000",
            "1\n000",
            "12\n345",
        ] {
            let read = parse(text, Point::Guess);
            assert!(read.is_err(), "{text:?} is read as {read:?}");
        }
        assert!(parse("12,50", Point::Dot).unwrap_err().contains("`decimal=\".\"`"));
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
        fn no_text_breaks_the_parser(text in "\\PC{0,20}", marks in "[0-9.,()$ a-z–-]{0,20}") {
            let _ = parse(&text, Point::Guess);
            let _ = parse(&marks, Point::Comma);
        }

        #[test]
        fn an_amount_is_the_same_however_it_is_written(
            minor in 0_i64..100_000_000_000,
            negative in any::<bool>(),
            name in prop_oneof![Just(""), Just("€"), Just("EUR"), Just("$"), Just("zł"), Just("Fr.")],
            ahead in any::<bool>(),
            space in prop_oneof![Just(""), Just(" "), Just("\u{a0}")],
        ) {
            let (whole, cents) = (minor / 100, minor % 100);
            let expected = Decimal::new(if negative { -minor } else { minor }, 2);
            for (group, point) in [(",", "."), (".", ","), (" ", ","), ("\u{202f}", ","), ("'", "."), ("’", ","), ("", "."), ("", ",")] {
                let digits = format!("{}{point}{cents:02}", grouped(whole, group));
                let sign = if negative { "-" } else { "" };
                let text = if ahead { format!("{sign}{name}{space}{digits}") } else { format!("{sign}{digits}{space}{name}") };
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
