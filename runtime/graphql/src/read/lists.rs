//! The arguments of a plan's lists, from the fields in the document.

use std::borrow::Cow;

use serde_json::{Map, Value as Json};

use super::Arguments;
use super::shape::Given;
use base::error::{Problem, Result};
use store::read::ListArguments;
use store::read::asked::Asked;

/// The arguments of a plan's lists, coerced on demand.
pub struct Lists<'a> {
    pub given: &'a [Given],
    pub arguments: &'a dyn Arguments,
    /// The coerced arguments of the root; if the root is a page, it is the first list.
    pub root: Option<&'a Map<String, Json>>,
}

impl ListArguments for Lists<'_> {
    fn of(&self, slot: usize) -> Result<Asked<'_>, Vec<Problem>> {
        let arguments = match (slot, self.root) {
            (0, Some(arguments)) => Cow::Borrowed(arguments),
            _ => {
                let given = &self.given[slot];
                Cow::Owned(self.arguments.coerce(given.parent, &given.field, &given.arguments)?)
            }
        };
        Ok(Asked::Client(arguments))
    }
}
