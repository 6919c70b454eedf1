//! `Args`: the arguments of a custom operation or of a computed field, as typed values.

use serde_json::{Map, Value as Json};

use crate::page;
use crate::record::FieldType;
use crate::value::Value;
use base::error::{Code, Error, Problem, Result, Step};
use model::content::{ArgumentInfo, OperationInfo, SiteInfo};

/// In the order of the schema.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Args {
    values: Vec<Value>,
}

impl Args {
    /// Parses coerced arguments of an operation with defaults applied. Reports each value that is invalid for its type.
    pub fn parse(info: &OperationInfo, site: &SiteInfo, given: &Map<String, Json>) -> Result<Self> {
        let mut problems = Vec::new();
        let args = Self::values(info.args, site, given, &mut problems);
        for arg in info.args.iter().filter(|arg| info.is_page(arg)) {
            page::size(given, arg.name, site.limits.page, &mut problems);
        }
        if problems.is_empty() { Ok(args) } else { Err(Error { problems }) }
    }

    /// As [`Args::parse`], for a computed field.
    pub fn of_field(args: &[ArgumentInfo], site: &SiteInfo, given: &Map<String, Json>) -> Result<Self> {
        let mut problems = Vec::new();
        let args = Self::values(args, site, given, &mut problems);
        if problems.is_empty() { Ok(args) } else { Err(Error { problems }) }
    }

    fn values(args: &[ArgumentInfo], site: &SiteInfo, given: &Map<String, Json>, problems: &mut Vec<Problem>) -> Self {
        Self { values: args.iter().map(|arg| argument(arg, site, given, problems)).collect() }
    }

    /// The argument with this index.
    pub fn get<T: FieldType>(&self, index: usize) -> Result<T> {
        let value = self.values.get(index).cloned().unwrap_or(Value::Null);
        T::from_value(value).map_err(Error::internal)
    }
}

/// Null counts as a missing argument.
fn argument(arg: &ArgumentInfo, site: &SiteInfo, given: &Map<String, Json>, problems: &mut Vec<Problem>) -> Value {
    let default = || arg.default.and_then(|json| serde_json::from_str(json).ok());
    let given = given.get(arg.name).filter(|json| !json.is_null()).cloned().or_else(default);
    let mut parse = |json: &Json, path: Vec<Step>| {
        let parsed = arg.kind.parse(json, site);
        let problem = |message| problems.push(Problem::new(Code::BadUserInput, message).at(path));
        parsed.map_err(problem).unwrap_or(Value::Null)
    };
    match given {
        None => Value::Null,
        Some(Json::Array(items)) if arg.many => {
            let item = |(index, item)| parse(item, vec![arg.name.into(), Step::Index(index)]);
            Value::List(items.iter().enumerate().map(item).collect())
        }
        Some(json) => parse(&json, vec![arg.name.into()]),
    }
}
