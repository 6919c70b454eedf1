//! Converts stored values to another field type through the API's text form, so that the result is what people saw.

use super::money;
use super::step::Fit;
use crate::schema::{Mapping, Scalar, SqlType, Unit};

/// A conversion of one column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversion {
    pub fit: Fit,
    /// SQL with `$col` for the column and `$currency` for its currency column; `None` if the stored values stay the
    /// same.
    pub using: Option<String>,
}

/// `None`: no value of one type is a value of the other.
pub fn column(from: Scalar, to: Scalar) -> Option<Conversion> {
    let (from, to) = (from.mapping(), to.mapping());
    if from.sql == to.sql && from.unit == to.unit {
        let narrower = to.check.is_some() && to.check != from.check;
        return Some(Conversion { fit: if narrower { Fit::Checked } else { Fit::Exact }, using: None });
    }
    let (fit, using) = direct(&from, &to).or_else(|| through_text(&from, &to))?;
    Some(Conversion { fit, using: Some(using) })
}

/// Pairs that need no conversion through text, or that would lose something by it.
fn direct(from: &Mapping, to: &Mapping) -> Option<(Fit, String)> {
    let (fit, using) = match ((from.sql, from.unit), (to.sql, to.unit)) {
        ((SqlType::Bigint, Unit::Plain), (SqlType::Numeric, _)) => (Fit::Exact, "$col::numeric"),
        // A fraction makes the cast fail: nobody asked for a rounded number.
        ((SqlType::Numeric, _), (SqlType::Bigint, Unit::Plain)) => (Fit::Checked, "trim_scale($col)::text::bigint"),
        ((SqlType::Boolean, _), (SqlType::Bigint, Unit::Plain)) => (Fit::Exact, "$col::integer::bigint"),
        ((SqlType::Date, _), (SqlType::Timestamptz, _)) => (Fit::Exact, "$col::timestamp at time zone 'UTC'"),
        ((SqlType::Timestamptz, _), (SqlType::Date, _)) => (Fit::Lossy, "($col at time zone 'UTC')::date"),
        ((SqlType::Timestamptz, _), (SqlType::Time, _)) => (Fit::Lossy, "($col at time zone 'UTC')::time"),
        _ => return None,
    };
    Some((fit, using.to_owned()))
}

fn through_text(from: &Mapping, to: &Mapping) -> Option<(Fit, String)> {
    let text = match (from.sql, from.unit) {
        (SqlType::Text, _) => "$col",
        (SqlType::Bigint, Unit::Milliseconds) => "cms.duration_text($col)",
        (SqlType::Timestamptz, _) => "cms.datetime_text($col)",
        (SqlType::Jsonb, _) => "($col #>> '{}')",
        (SqlType::Bigint | SqlType::Numeric | SqlType::Boolean | SqlType::Date | SqlType::Time, Unit::Plain) => {
            "$col::text"
        }
        // The database does not know the API form of ids, and money has more than one column.
        _ => return None,
    };
    match to.sql {
        SqlType::Text => return Some((Fit::Exact, text.to_owned())),
        // The API shows every other type as a string.
        SqlType::Jsonb if matches!(from.graphql, "Int" | "Boolean") => {
            return Some((Fit::Exact, "to_jsonb($col)".to_owned()));
        }
        SqlType::Jsonb => return Some((Fit::Exact, format!("to_jsonb({text})"))),
        _ => {}
    }
    let pattern = match (to.sql, to.unit) {
        (SqlType::Bigint, Unit::Milliseconds) => "cms.as_duration($text)",
        (SqlType::Bigint, Unit::Plain) => "($text)::bigint",
        (SqlType::Numeric, _) => "($text)::numeric",
        (SqlType::Boolean, _) => "($text)::boolean",
        (SqlType::Date, _) => "cms.as_date($text)",
        (SqlType::Time, _) => "($text)::time",
        (SqlType::Timestamptz, _) => "cms.as_datetime($text)",
        _ => return None,
    };
    let textual = matches!(from.sql, SqlType::Text | SqlType::Jsonb);
    textual.then(|| (Fit::Checked, pattern.replace("$text", text)))
}

/// The same for a value inside a stored component, which has the API's JSON form: the argument of `cms.convert`.
pub fn json(from: Scalar, to: Scalar) -> Option<(Fit, Option<&'static str>)> {
    let (source, target) = (from.mapping(), to.mapping());
    if source.graphql == target.graphql {
        return Some((Fit::Exact, None));
    }
    if source.unit == Unit::MinorUnits {
        return (target.sql == SqlType::Jsonb).then_some((Fit::Exact, None));
    }
    column(from, to).map(|conversion| (conversion.fit, Some(target.graphql)))
}

/// Money from a number: a decimal counts units of the site's currency, an integer counts minor units.
pub fn to_money(from: Scalar, currency: &str) -> Option<Conversion> {
    let mapping = from.mapping();
    match (mapping.sql, mapping.unit) {
        (SqlType::Bigint, Unit::Plain) => Some(Conversion { fit: Fit::Checked, using: None }),
        (SqlType::Numeric, _) => {
            let factor = money::factor(currency);
            let using = format!("trim_scale($col * {factor})::text::bigint");
            Some(Conversion { fit: Fit::Checked, using: Some(using) })
        }
        _ => None,
    }
}

/// A number from money. Text keeps the currency; numbers lose it.
pub fn from_money(to: Scalar) -> Option<Conversion> {
    let mapping = to.mapping();
    let (fit, using) = match (mapping.sql, mapping.unit) {
        (SqlType::Bigint, Unit::Plain) => (Fit::Lossy, None),
        (SqlType::Numeric, _) => (Fit::Lossy, Some(format!("trim_scale($col / {})", money::factor_sql("$currency")))),
        (SqlType::Text, _) => (Fit::Exact, Some(format!("trim_scale($col / {})::text || ' ' || $currency", money::factor_sql("$currency")))),
        (SqlType::Jsonb, _) => (
            Fit::Exact,
            Some("case when $col is null then null else jsonb_build_object('amountMinor', $col::text, 'currency', $currency) end".to_owned()),
        ),
        _ => return None,
    };
    Some(Conversion { fit, using })
}
