//! `ToMany`: a list of rows in a record, which may not be loaded.
//!
//! Hooks and the functions of the store load every list. A computed field gets the lists that its declaration names under
//! `with:`. A list that was not loaded must not look empty.

use std::fmt;
use std::ops::{Deref, DerefMut};

use super::FieldType;
use crate::value::Value;

/// Used like the `Vec` that it holds. Reading a list that was not loaded panics; the server reports an internal error with the
/// computed field's name.
#[derive(Clone, PartialEq)]
pub struct ToMany<T>(Option<Vec<T>>);

impl<T> ToMany<T> {
    /// `None` if the list was not loaded.
    pub fn loaded(&self) -> Option<&[T]> {
        self.0.as_deref()
    }
}

impl<T> Default for ToMany<T> {
    /// Empty, as in a new entry.
    fn default() -> Self {
        Self(Some(Vec::new()))
    }
}

impl<T> Deref for ToMany<T> {
    type Target = Vec<T>;

    fn deref(&self) -> &Vec<T> {
        match &self.0 {
            Some(items) => items,
            None => {
                panic!("the list was not loaded: name it under `with:` of the computed field, or leave `bare()` out")
            }
        }
    }
}

impl<T> DerefMut for ToMany<T> {
    fn deref_mut(&mut self) -> &mut Vec<T> {
        // A caller that changes the list determines its content.
        self.0.get_or_insert_default()
    }
}

impl<T: fmt::Debug> fmt::Debug for ToMany<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(items) => items.fmt(f),
            None => f.write_str("not loaded"),
        }
    }
}

impl<T> From<Vec<T>> for ToMany<T> {
    fn from(items: Vec<T>) -> Self {
        Self(Some(items))
    }
}

impl<T> FromIterator<T> for ToMany<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self(Some(items.into_iter().collect()))
    }
}

impl<'a, T> IntoIterator for &'a ToMany<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a, T> IntoIterator for &'a mut ToMany<T> {
    type Item = &'a mut T;
    type IntoIter = std::slice::IterMut<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}

impl<T: FieldType> FieldType for ToMany<T> {
    /// Null means that the list was not loaded.
    fn from_value(value: Value) -> Result<Self, String> {
        match value {
            Value::Null => Ok(Self(None)),
            value => Vec::from_value(value).map(Self::from),
        }
    }

    fn to_value(&self) -> Value {
        self.0.as_ref().map_or(Value::Null, FieldType::to_value)
    }
}
