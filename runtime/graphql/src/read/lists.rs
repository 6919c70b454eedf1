//! The arguments of the lists of a plan, from the arguments of their fields in the document.

use std::borrow::Cow;

use serde_json::{Map, Value as Json};

use super::Arguments;
use super::shape::Given;
use base::error::{Problem, Result};
use store::read::ListArguments;
use store::read::asked::Asked;

/// The arguments of a plan's lists, each coerced when it is asked for.
pub struct Lists<'a> {
    pub given: &'a [Given],
    pub arguments: &'a dyn Arguments,
    /// Those of the root, which are coerced already and which a page at the root has, as the first of the lists.
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
