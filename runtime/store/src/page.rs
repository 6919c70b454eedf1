//! The size of a requested page.

use base::error::{Code, Problem};
use serde_json::{Map, Value as Json};

/// The number of entries requested by `first` or `last`; `None` if the argument is missing or invalid.
pub fn size(
    arguments: &Map<String, Json>,
    name: &'static str,
    limit: u32,
    problems: &mut Vec<Problem>,
) -> Option<usize> {
    let given = arguments.get(name).filter(|value| !value.is_null())?;
    let limit = limit as usize;
    let problem = match given.as_u64().map(|size| size as usize) {
        Some(size) if size <= limit => return Some(size),
        Some(size) => {
            let details = serde_json::json!({"limit": limit, "requested": size});
            Problem::new(Code::LimitExceeded, format!("`{name}` is {size}, the limit is {limit}")).details(details)
        }
        None => Problem::new(Code::BadUserInput, format!("`{name}` must not be negative, it is {given}")),
    };
    problems.push(problem.at([name.into()]));
    None
}
