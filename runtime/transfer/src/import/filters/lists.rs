//! Filters for lists and objects. A single value counts as a list of one item, and undefined items are skipped.

use minijinja::value::{Kwargs, Rest, Value, ValueKind, ValueOrKwargs};
use minijinja::{Error, State, filters};

use super::texts::{decimal, site};
use super::{Language, call, each, listed, refused};
use crate::import::amount::{Fold, To};
use crate::import::value::{is_nothing, text_of};

pub fn add(language: &mut Language) {
    for (name, filter) in [
        ("first", Value::from_function(filters::first)),
        ("last", Value::from_function(filters::last)),
        ("join", Value::from_function(filters::join)),
        ("unique", Value::from_function(filters::unique)),
        ("map", Value::from_function(filters::map)),
        ("select", Value::from_function(filters::select)),
        ("reject", Value::from_function(filters::reject)),
        ("selectattr", Value::from_function(filters::selectattr)),
        ("rejectattr", Value::from_function(filters::rejectattr)),
        ("sort", Value::from_function(filters::sort)),
        ("groupby", Value::from_function(filters::groupby)),
        ("reverse", Value::from_function(filters::reverse)),
        ("list", Value::from_function(filters::list)),
    ] {
        language.filter(name, move |state: &mut State, value: &Value, args: Rest<ValueOrKwargs>| {
            let items = listed(state, value)?;
            call(&filter, state, Value::from(items), args.into_values())
        });
    }
    for (name, to) in [("lowest", To::Lowest), ("highest", To::Highest), ("sum", To::Sum)] {
        language.filter(name, move |state: &State, value: &Value, options: Kwargs| {
            let fold = Fold { to, point: decimal(&options)? };
            options.assert_all_used()?;
            fold.apply(listed(state, value)?.into_iter(), site(state)?).map_err(refused)
        });
    }
    language.filter("flatten", flatten);
    language.filter("split", split);
    language.filter("to_object", to_object);
    language
        .filter("pick", |value: &Value, keys: Rest<String>| keep(value, |key| keys.iter().any(|known| known == key)));
    language
        .filter("omit", |value: &Value, keys: Rest<String>| keep(value, |key| !keys.iter().any(|known| known == key)));
}

/// Nested lists are flattened.
fn flatten(state: &State, value: &Value) -> Result<Value, Error> {
    let mut flat = Vec::new();
    for item in listed(state, value)? {
        flat.extend(listed(state, &item)?);
    }
    Ok(Value::from(flat))
}

/// A text with nothing but separators has no parts.
fn split(state: &State, value: &Value, by: &str, options: Kwargs) -> Result<Value, Error> {
    let blanks: Option<bool> = options.get("blanks")?;
    options.assert_all_used()?;
    if by.is_empty() {
        return Err(super::wrong("the separator of `split` is empty".into()));
    }
    let part = |part: &str| if part.is_empty() { Value::UNDEFINED } else { Value::from(part) };
    let lists = each(state, value, &mut |item| {
        let text = text_of(item).ok_or("an object or a list of lists cannot be split: name one of its keys")?;
        let parts = text.split(by).map(str::trim).filter(|part| blanks == Some(true) || !part.is_empty());
        Ok(parts.map(part).collect())
    })?;
    match value.kind() {
        ValueKind::Seq | ValueKind::Iterable if blanks != Some(true) => flatten(state, &lists),
        _ => Ok(lists),
    }
}

/// `zip(name=names, value=values)`: an object for each index. Indices without any value are omitted; lists of different
/// lengths are refused.
pub fn zip(state: &State, columns: Kwargs) -> Result<Value, Error> {
    let mut lists: Vec<(&str, Vec<Value>)> = Vec::new();
    for name in columns.args() {
        let value: Value = columns.get(name)?;
        let items = match value.kind() {
            ValueKind::Seq | ValueKind::Iterable => value.try_iter()?.checked().collect::<Result<Vec<_>, _>>()?,
            _ => listed(state, &value)?,
        };
        state.consume_fuel(items.len() as u64)?;
        if !items.is_empty() {
            lists.push((name, items));
        }
    }
    let Some(length) = lists.first().map(|(_, items)| items.len()) else { return Ok(Value::UNDEFINED) };
    if lists.iter().any(|(_, items)| items.len() != length) {
        let lengths: Vec<_> = lists.iter().map(|(name, items)| format!("`{name}` has {}", items.len())).collect();
        return Err(refused(format!("the lists of `zip` differ in length: {}", lengths.join(", "))));
    }
    let row = |place: usize| {
        let row = lists.iter().map(|(name, items)| (*name, items[place].clone()));
        row.filter(|(_, item)| !is_nothing(item)).collect::<Vec<_>>()
    };
    Ok((0..length).map(row).filter(|row| !row.is_empty()).map(Value::from_pairs).collect())
}

fn to_object(state: &State, value: &Value, key: Option<&str>, of: Option<&str>) -> Result<Value, Error> {
    let (key, of) = (key.unwrap_or("name"), of.unwrap_or("value"));
    let mut pairs = Vec::new();
    for item in listed(state, value)? {
        let name = item.get_attr(key).ok().as_ref().and_then(text_of);
        let name = name.ok_or_else(|| refused(format!("an item of `to_object` has no `{key}`")))?;
        pairs.push((name, item.get_attr(of)?));
    }
    Ok(Value::from_pairs(pairs.into_iter().filter(|(_, value)| !is_nothing(value))))
}

fn keep(value: &Value, which: impl Fn(&str) -> bool) -> Result<Value, Error> {
    if value.kind() != ValueKind::Map {
        return Ok(value.clone());
    }
    let mut kept = Vec::new();
    for key in value.try_iter()?.checked() {
        let key = key?;
        if key.as_str().is_some_and(&which) {
            let item = value.get_item(&key)?;
            kept.push((key, item));
        }
    }
    Ok(Value::from_pairs(kept))
}
