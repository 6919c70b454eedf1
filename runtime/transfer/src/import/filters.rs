//! The functions of mappings: minijinja's filters and tests where they fit, and our own for money, HTML, slugs and tables.

mod compare;
mod lists;
mod texts;

use std::sync::LazyLock;

use minijinja::functions::Function;
use minijinja::value::{FunctionArgs, FunctionResult, Rest, Value, ValueKind, ValueOrKwargs};
use minijinja::{Environment, Error, ErrorKind, State, UndefinedBehavior, filters, functions, tests};

use crate::import::expr::{FUEL, RUN, Run};
use crate::import::value::{is_nothing, message};

/// The environment of all mappings, and the names it defines.
pub struct Language {
    pub environment: Environment<'static>,
    pub filters: Vec<&'static str>,
    pub tests: Vec<&'static str>,
}

pub use texts::pattern;

pub static LANGUAGE: LazyLock<Language> = LazyLock::new(Language::new);
pub const FUNCTIONS: [&str; 3] = ["dict", "range", "zip"];
/// The cost of each item that one of these filters visits.
const ITEM: u64 = 4;
/// Bytes of text per unit of fuel.
const BYTES: usize = 16;
/// The filter at the end of every expression; no mapping can name it.
pub const SPENT: &str = "spent";
/// The filter that replaces `<` and similar operators; no mapping can name it either.
pub const COMPARED: &str = "compared";

impl Language {
    fn new() -> Self {
        let mut environment = Environment::empty();
        environment.set_undefined_behavior(UndefinedBehavior::Chainable);
        environment.set_fuel(Some(FUEL));
        environment.set_debug(false);
        environment.add_filter(SPENT, spent);
        environment.add_filter(COMPARED, compare::compared);
        environment.add_function("dict", functions::dict);
        environment.add_function("range", functions::range);
        environment.add_function("zip", lists::zip);
        let mut language = Self { environment, filters: Vec::new(), tests: Vec::new() };
        language.add_tests();
        language.filter("default", filters::default);
        language.filter("d", filters::default);
        language.filter("length", filters::length);
        language.filter("count", filters::length);
        language.filter("items", filters::items);
        language.filter("dictsort", filters::dictsort);
        language.filter("format", filters::format);
        // `int` and `float` are left out, because they return zero for text that they cannot parse.
        for (name, filter) in
            [("round", Value::from_function(filters::round)), ("abs", Value::from_function(filters::abs))]
        {
            language.filter(name, move |state: &mut State, value: &Value, args: Rest<ValueOrKwargs>| {
                if is_nothing(value) {
                    return Ok(Value::UNDEFINED);
                }
                call(&filter, state, value.clone(), args.into_values())
            });
        }
        lists::add(&mut language);
        texts::add(&mut language);
        language
    }

    fn filter<F, Rv, Args>(&mut self, name: &'static str, filter: F)
    where
        F: Function<Rv, Args>,
        Rv: FunctionResult,
        Args: for<'a> FunctionArgs<'a>,
    {
        self.environment.add_filter(name, filter);
        self.filters.push(name);
    }

    fn test<F, Rv, Args>(&mut self, name: &'static str, test: F)
    where
        F: Function<Rv, Args>,
        Rv: FunctionResult,
        Args: for<'a> FunctionArgs<'a>,
    {
        self.environment.add_test(name, test);
        self.tests.push(name);
    }

    fn add_tests(&mut self) {
        self.test("defined", tests::is_defined);
        self.test("undefined", tests::is_undefined);
        self.test("none", |value: &Value| is_nothing(value));
        self.test("boolean", tests::is_boolean);
        self.test("number", tests::is_number);
        self.test("string", tests::is_string);
        self.test("sequence", tests::is_sequence);
        self.test("mapping", tests::is_mapping);
        self.test("odd", tests::is_odd);
        self.test("even", tests::is_even);
        self.test("divisibleby", tests::is_divisibleby);
        self.test("startingwith", tests::is_startingwith);
        self.test("endingwith", tests::is_endingwith);
        self.test("matching", texts::is_matching);
        self.test("in", tests::is_in);
        self.test("true", tests::is_true);
        self.test("false", tests::is_false);
        for (names, test) in
            [(["eq", "equalto", "=="], tests::is_eq as fn(&Value, &Value) -> bool), (["ne", "ne", "!="], tests::is_ne)]
        {
            names.into_iter().for_each(|name| self.test(name, test));
        }
        for (names, test) in [
            (["lt", "lessthan", "<"], compare::is_less as fn(&Value, &Value) -> Result<bool, Error>),
            (["le", "le", "<="], compare::is_at_most),
            (["gt", "greaterthan", ">"], compare::is_more),
            (["ge", "ge", ">="], compare::is_at_least),
        ] {
            names.into_iter().for_each(|name| self.test(name, test));
        }
    }
}

/// Counts the cost of the expression.
fn spent(state: &State, value: Value) -> Result<Value, Error> {
    let run = state.lookup(RUN);
    if let (Some(run), Some((used, _))) =
        (run.as_ref().and_then(Value::downcast_object_ref::<Run>), state.fuel_levels())
    {
        run.spend(used).map_err(refused)?;
    }
    Ok(value)
}

/// The cost of visiting a value once. It is charged before the work, most of which is on long texts.
fn price(value: &Value) -> u64 {
    let weight = match value.as_str() {
        Some(text) => text.len() / BYTES,
        None => value.len().unwrap_or_default(),
    };
    ITEM + weight as u64
}

/// Applies to a value, or to each item of a list; undefined stays undefined.
fn each(state: &State, value: &Value, change: &mut dyn FnMut(&Value) -> Result<Value, String>) -> Result<Value, Error> {
    if is_nothing(value) {
        return Ok(Value::UNDEFINED);
    }
    if !matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable) {
        state.consume_fuel(price(value))?;
        return change(value).map_err(refused);
    }
    let mut changed = Vec::new();
    for item in value.try_iter()?.checked() {
        let item = item?;
        state.consume_fuel(price(&item))?;
        let item = if is_nothing(&item) { Value::UNDEFINED } else { change(&item).map_err(refused)? };
        changed.push(item);
    }
    Ok(Value::from(changed))
}

/// The defined items of a list; a single value counts as a list of one.
fn listed(state: &State, value: &Value) -> Result<Vec<Value>, Error> {
    if !matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable) {
        return Ok(if is_nothing(value) { Vec::new() } else { vec![value.clone()] });
    }
    let mut items = Vec::new();
    for item in value.try_iter()?.checked() {
        let item = item?;
        state.consume_fuel(price(&item))?;
        items.push(item);
    }
    items.retain(|item| !is_nothing(item));
    Ok(items)
}

/// An error in a value.
fn refused(message: String) -> Error {
    Error::new(ErrorKind::InvalidOperation, message)
}

/// An error in the mapping, independent of the record.
fn wrong(message: String) -> Error {
    Error::new(ErrorKind::SyntaxError, message)
}

/// Calls a filter of minijinja.
fn call(filter: &Value, state: &mut State, value: Value, mut args: Vec<Value>) -> Result<Value, Error> {
    args.insert(0, value);
    filter.call(state, &args).map_err(|error| match error.kind() {
        ErrorKind::InvalidOperation => refused(message(error)),
        _ => error,
    })
}
