//! Numbers and amounts of money in text, and the minimum, maximum and sum of lists of them.

use minijinja::Value;
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Value as Json, json};

use crate::import::money;
use crate::import::number::Point;
use crate::import::value::{is_number, text_of};
use model::content::SiteInfo;

/// Reads a number from text, multiplies it by a factor, and rounds it to this many digits.
#[derive(Debug)]
pub struct Number {
    pub point: Point,
    pub times: Option<Decimal>,
    pub round: Option<u32>,
}

#[derive(Clone, Copy, Debug)]
pub struct Fold {
    pub to: To,
    pub point: Point,
}

#[derive(Clone, Copy, Debug)]
pub enum To {
    Lowest,
    Highest,
    Sum,
}

#[derive(Debug)]
pub struct Money {
    /// If it is `None`: the code in the text, or else the site's currency.
    pub currency: Option<String>,
    pub point: Point,
    /// The number counts minor units.
    pub minor: bool,
    pub round: bool,
}

impl Number {
    pub fn apply(&self, value: &Value) -> Result<Value, String> {
        let text = text_of(value).ok_or("an object or a list is not a number: name one of its keys")?;
        let point = point_of(value, self.point);
        let plain = money::number(&text, point).ok_or_else(|| {
            format!("must be a number such as `1234.5`, not `{}`{}", money::shorten(&text), money::hint(point))
        })?;
        if self.times.is_none() && self.round.is_none() {
            return Ok(numeric(plain));
        }
        let mut number = Decimal::from_str_exact(&plain).map_err(|_| format!("`{text}` has too many digits"))?;
        if let Some(times) = self.times {
            number = number.checked_mul(times).ok_or_else(|| format!("`{text}` is too large"))?.normalize();
        }
        if let Some(digits) = self.round {
            number = number.round_dp_with_strategy(digits, RoundingStrategy::MidpointAwayFromZero);
        }
        Ok(numeric(number.to_string()))
    }
}

/// A JSON number uses a point, whatever separator texts use.
fn point_of(value: &Value, point: Point) -> Point {
    if is_number(value) { Point::Dot } else { point }
}

/// A number if that keeps every digit, so that its separators are not guessed later; text otherwise.
fn numeric(plain: String) -> Value {
    let same = |number: &serde_json::Number| number.to_string() == plain;
    match plain.parse::<serde_json::Number>().ok().filter(same) {
        Some(number) => crate::import::value::value(&Json::Number(number), false),
        None => Value::from(plain),
    }
}

impl Fold {
    /// For numbers or amounts. Amounts in different currencies cannot be compared.
    pub fn apply(self, items: impl Iterator<Item = Value>, site: &SiteInfo) -> Result<Value, String> {
        let mut result: Option<(Decimal, Option<String>)> = None;
        for item in items {
            let (number, currency) = self.item(&item, site)?;
            result = match result {
                Some((_, known)) if known != currency => {
                    return Err("the amounts are in different currencies: choose one of them".into());
                }
                Some((before, known)) => Some((self.two(before, number).ok_or("the numbers are too large")?, known)),
                None => Some((number, currency)),
            };
        }
        Ok(match result {
            Some((number, Some(currency))) => amount(money::minor_units(number, &currency, false)?, &currency),
            Some((number, None)) => numeric(number.to_string()),
            None => Value::UNDEFINED,
        })
    }

    fn item(self, item: &Value, site: &SiteInfo) -> Result<(Decimal, Option<String>), String> {
        if let Some((minor, currency)) = amount_of(item) {
            return Ok((Decimal::new(minor, model::currency::exponent(&currency)), Some(currency)));
        }
        let text = text_of(item).ok_or("expected a list of numbers or amounts, but it has other objects")?;
        let amount = money::parse(&text, point_of(item, self.point))?;
        let currency = match amount.currencies.is_empty() {
            true => None,
            false => Some(currency(&text, &amount.currencies, None, site)?),
        };
        Ok((amount.number, currency))
    }

    fn two(self, one: Decimal, other: Decimal) -> Option<Decimal> {
        match self.to {
            To::Lowest => Some(one.min(other)),
            To::Highest => Some(one.max(other)),
            To::Sum => one.checked_add(other),
        }
    }
}

/// An amount in the form of the API.
fn amount(minor: i64, currency: &str) -> Value {
    Value::from_pairs([("amountMinor", minor.to_string()), ("currency", currency.to_owned())])
}

fn amount_of(value: &Value) -> Option<(i64, String)> {
    let minor = value.get_attr("amountMinor").ok()?.as_str()?.parse().ok()?;
    Some((minor, value.get_attr("currency").ok()?.as_str()?.to_owned()))
}

impl Money {
    pub fn apply(&self, value: &Value, site: &SiteInfo) -> Result<Value, String> {
        let given = self.currency.as_deref();
        if let Some((_, currency)) = amount_of(value) {
            return match given.filter(|given| *given != currency) {
                Some(given) => Err(format!("the amount is in {currency}, but its currency is given as {given}")),
                None => Ok(value.clone()),
            };
        }
        let text = text_of(value)
            .ok_or("an object or a list is not an amount of money: name the key that holds the amount")?;
        let (minor, currency) = self.minor_units(&text, point_of(value, self.point), site)?;
        Ok(amount(minor, &currency))
    }

    fn minor_units(&self, text: &str, point: Point, site: &SiteInfo) -> Result<(i64, String), String> {
        let parsed = money::parse(text, point)?;
        let currency = currency(text, &parsed.currencies, self.currency.as_deref(), site)?;
        let minor = match self.minor {
            true => whole(parsed.number)
                .ok_or_else(|| format!("`{}` is not a whole number of minor units", money::shorten(text)))?,
            false => money::minor_units(parsed.number, &currency, self.round)
                .map_err(|error| unclear(text, point, &error))?,
        };
        Ok((minor, currency))
    }
}

/// Three digits after a separator may be thousands.
fn unclear(text: &str, point: Point, error: &str) -> String {
    let text = money::shorten(text);
    match point {
        Point::Guess => {
            format!("{error} (`{text}`): `decimal` of `money` names the decimal separator, `round=true` rounds")
        }
        _ => format!("{error} (`{text}`): `round=true` rounds"),
    }
}

/// The given currency, else the one in the text, else the site's. `named`: the currencies that the text may mean.
fn currency(text: &str, named: &[String], given: Option<&str>, site: &SiteInfo) -> Result<String, String> {
    let text = money::shorten(text);
    let may = |code: &str| named.iter().any(|named| named == code);
    match (given, named) {
        (Some(given), []) => Ok(given.to_owned()),
        (Some(given), _) if may(given) => Ok(given.to_owned()),
        (Some(given), _) => Err(format!("`{text}` is in {}, but its currency is given as {given}", named.join(" or "))),
        (None, []) => Ok(site.currency.to_owned()),
        (None, [only]) => Ok(only.clone()),
        (None, _) if may(site.currency) => Ok(site.currency.to_owned()),
        (None, _) => match site.currencies.iter().filter(|code| may(code)).collect::<Vec<_>>().as_slice() {
            [only] => Ok((**only).to_owned()),
            _ => Err(format!("`{text}` may be in {}: name the currency in `money`", named.join(", "))),
        },
    }
}

fn whole(number: Decimal) -> Option<i64> {
    number.is_integer().then(|| i64::try_from(number).ok()).flatten()
}

/// Money in text without a filter: in the currency of the text, or else the site's.
pub fn plain_money(text: &str, site: &SiteInfo) -> Result<Json, String> {
    let money = Money { currency: None, point: Point::Guess, minor: false, round: false };
    let (minor, currency) = money.minor_units(text, money.point, site)?;
    Ok(json!({ "amountMinor": minor.to_string(), "currency": currency }))
}
