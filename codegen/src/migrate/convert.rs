//! How stored values become values of another field type: through the text form that the API shows, so that what is
//! converted is what people saw.

use super::money;
use super::step::Fit;
use crate::schema::{Mapping, Scalar, SqlType, Unit};

/// A conversion of one column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversion {
    pub fit: Fit,
    /// SQL with `$col` for the column and `$currency` for the one of its currency; none when the stored values stay as they are.
    pub using: Option<String>,
}

/// None: the two have no values in common.
pub fn column(from: Scalar, to: Scalar) -> Option<Conversion> {
    let (from, to) = (from.mapping(), to.mapping());
    if from.sql == to.sql && from.unit == to.unit {
        let narrower = to.check.is_some() && to.check != from.check;
        return Some(Conversion { fit: if narrower { Fit::Checked } else { Fit::Exact }, using: None });
    }
    let (fit, using) = direct(&from, &to).or_else(|| through_text(&from, &to))?;
    Some(Conversion { fit, using: Some(using) })
}

/// Pairs that need no detour, or whose detour would lose something.
fn direct(from: &Mapping, to: &Mapping) -> Option<(Fit, String)> {
    let (fit, using) = match ((from.sql, from.unit), (to.sql, to.unit)) {
        ((SqlType::Bigint, Unit::Plain), (SqlType::Numeric, _)) => (Fit::Exact, "$col::numeric".to_owned()),
        ((SqlType::Boolean, _), (SqlType::Bigint, Unit::Plain)) => (Fit::Exact, "$col::integer::bigint".to_owned()),
        ((SqlType::Date, _), (SqlType::Timestamptz, _)) => {
            (Fit::Exact, "$col::timestamp at time zone 'UTC'".to_owned())
        }
        ((SqlType::Timestamptz, _), (SqlType::Date, _)) => (Fit::Lossy, "($col at time zone 'UTC')::date".to_owned()),
        ((SqlType::Timestamptz, _), (SqlType::Time, _)) => (Fit::Lossy, "($col at time zone 'UTC')::time".to_owned()),
        _ => return None,
    };
    Some((fit, using))
}

fn through_text(from: &Mapping, to: &Mapping) -> Option<(Fit, String)> {
    let text = match (from.sql, from.unit) {
        (SqlType::Text, _) => "$col".to_owned(),
        (SqlType::Bigint, Unit::Milliseconds) => "cms.duration_text($col)".to_owned(),
        (_, Unit::MinorUnits) => return None,
        (SqlType::Numeric, _) => "trim_scale($col)::text".to_owned(),
        (SqlType::Timestamptz, _) => "cms.datetime_text($col)".to_owned(),
        (SqlType::Jsonb, _) => "($col #>> '{}')".to_owned(),
        (SqlType::Bigint | SqlType::Boolean | SqlType::Date | SqlType::Time, Unit::Plain) => "$col::text".to_owned(),
        // The database does not know the form in which the API shows ids.
        _ => return None,
    };
    let (fit, pattern) = match (to.sql, to.unit) {
        (SqlType::Text, _) => return Some((Fit::Exact, text)),
        (SqlType::Jsonb, _) => return Some((Fit::Exact, "to_jsonb($col)".to_owned())),
        (_, Unit::MinorUnits) => return None,
        (SqlType::Bigint, Unit::Milliseconds) => (Fit::Checked, "cms.as_duration($text)"),
        (SqlType::Bigint, Unit::Plain) => (Fit::Checked, "($text)::bigint"),
        (SqlType::Numeric, _) => (Fit::Checked, "($text)::numeric"),
        (SqlType::Boolean, _) => (Fit::Checked, "($text)::boolean"),
        (SqlType::Date, _) => (Fit::Checked, "cms.as_date($text)"),
        (SqlType::Time, _) => (Fit::Checked, "($text)::time"),
        (SqlType::Timestamptz, _) => (Fit::Checked, "cms.as_datetime($text)"),
        _ => return None,
    };
    let textual = matches!(from.sql, SqlType::Text | SqlType::Jsonb);
    let numbers = from.sql == SqlType::Numeric && to.sql == SqlType::Bigint && to.unit == Unit::Plain;
    (textual || numbers).then(|| (fit, pattern.replace("$text", &text)))
}

/// The same for a value inside a stored component, where it has the API's JSON form: what `cms.convert` is told.
pub fn json(from: Scalar, to: Scalar) -> Option<(Fit, Option<&'static str>)> {
    let (source, target) = (from.mapping(), to.mapping());
    if source.graphql == target.graphql {
        return Some((Fit::Exact, None));
    }
    if source.unit == Unit::MinorUnits || target.unit == Unit::MinorUnits {
        let json = target.sql == SqlType::Jsonb;
        return json.then_some((Fit::Exact, None));
    }
    column(from, to).map(|conversion| {
        let fit = if source.sql == target.sql && target.check == source.check { Fit::Exact } else { conversion.fit };
        (fit, Some(target.graphql))
    })
}

/// Money from a number: a decimal counts units of the site's currency, a whole number counts minor units.
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

/// A number from money. The text form keeps the currency, numbers lose it.
pub fn from_money(to: Scalar) -> Option<Conversion> {
    let mapping = to.mapping();
    let (fit, using) = match (mapping.sql, mapping.unit) {
        (SqlType::Bigint, Unit::Plain) => (Fit::Lossy, None),
        (SqlType::Numeric, _) => (Fit::Lossy, Some(format!("$col / {}", money::factor_sql("$currency")))),
        (SqlType::Text, _) => (Fit::Exact, Some(format!("trim_scale($col / {})::text || ' ' || $currency", money::factor_sql("$currency")))),
        (SqlType::Jsonb, _) => (
            Fit::Exact,
            Some("case when $col is null then null else jsonb_build_object('amountMinor', $col::text, 'currency', $currency) end".to_owned()),
        ),
        _ => return None,
    };
    Some(Conversion { fit, using })
}
