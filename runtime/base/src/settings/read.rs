//! `Reader`: reads environment variables by the table of settings and collects all invalid values.

use std::borrow::Cow;
use std::time::Duration;

use super::{Setting, TYPECASE_ENV, Takes, Wrong};

pub struct Reader<'a> {
    variable: &'a dyn Fn(&str) -> Option<String>,
    pub is_development: bool,
    wrong: Vec<Wrong>,
}

impl<'a> Reader<'a> {
    pub fn new(variable: &'a dyn Fn(&str) -> Option<String>) -> Self {
        let mut reader = Self { variable, is_development: false, wrong: Vec::new() };
        reader.is_development = reader.one_of(&TYPECASE_ENV) == "development";
        reader
    }

    /// The raw value; an empty variable counts as not set.
    pub fn get(&self, setting: &Setting) -> Option<String> {
        self.named(setting.name)
    }

    /// Like [`Self::get`], for a variable with a provider's name.
    pub fn named(&self, name: &str) -> Option<String> {
        (self.variable)(name).filter(|value| !value.is_empty())
    }

    /// The number, or the default if the variable is not set or invalid.
    pub fn number(&mut self, setting: &'static Setting) -> u32 {
        self.checked(setting, |text| number(&setting.takes, text)).unwrap_or_default()
    }

    pub fn time(&mut self, setting: &'static Setting) -> Duration {
        self.checked(setting, |text| time(&setting.takes, text)).unwrap_or_default()
    }

    /// A word of the list, in the list's spelling.
    pub fn one_of(&mut self, setting: &'static Setting) -> &'static str {
        self.checked(setting, |text| word(&setting.takes, text)).unwrap_or_default()
    }

    /// Parses the value or the default. The error is shown, so it must not contain a secret.
    pub fn parsed<T, E: ToString>(
        &mut self,
        setting: &'static Setting,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<T> {
        let given = self.get(setting);
        let value = given.as_deref().or(setting.default(self.is_development))?;
        parse(value).map_err(|why| self.refuse(setting, &why.to_string())).ok()
    }

    /// Records an invalid value. `why` is the beginning of a sentence; the accepted values are appended.
    pub fn refuse(&mut self, setting: &'static Setting, why: &str) {
        self.wrong(setting.name, format!("{why}: it takes {}", setting.takes));
    }

    pub fn wrong(&mut self, variable: impl Into<Cow<'static, str>>, message: impl Into<String>) {
        let wrong = Wrong { variable: variable.into(), message: message.into() };
        // A setting may be read twice, but is reported once.
        if !self.wrong.iter().any(|known| (&known.variable, &known.message) == (&wrong.variable, &wrong.message)) {
            self.wrong.push(wrong);
        }
    }

    pub fn finish(self) -> Vec<Wrong> {
        self.wrong
    }

    /// Validates the setting by its row in the table.
    pub fn check(&mut self, setting: &'static Setting) {
        match setting.takes {
            Takes::Number { .. } => drop(self.number(setting)),
            Takes::Time { .. } => drop(self.time(setting)),
            Takes::OneOf(_) => drop(self.one_of(setting)),
            Takes::Text(_) | Takes::Secret(_) => {}
        }
    }

    fn checked<T>(&mut self, setting: &'static Setting, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        let default = setting.default(self.is_development);
        let Some(value) = self.get(setting) else { return parse(default?) };
        parse(&value).or_else(|| {
            self.refuse(setting, &format!("`{value}` cannot be used"));
            parse(default?)
        })
    }
}

fn number(takes: &Takes, text: &str) -> Option<u32> {
    let Takes::Number { least, most, .. } = takes else { return None };
    text.parse().ok().filter(|number| (least..=most).contains(&number))
}

fn time(takes: &Takes, text: &str) -> Option<Duration> {
    let Takes::Time { least, most } = takes else { return None };
    let milliseconds = match (text.strip_suffix("ms"), text.strip_suffix('s')) {
        (Some(number), _) => number.parse().ok(),
        (None, Some(number)) => number.parse::<u64>().ok().and_then(|seconds| seconds.checked_mul(1000)),
        (None, None) => None,
    };
    milliseconds.map(Duration::from_millis).filter(|time| (least..=most).contains(&time))
}

fn word(takes: &Takes, text: &str) -> Option<&'static str> {
    let Takes::OneOf(words) = takes else { return None };
    words.iter().copied().find(|word| word.eq_ignore_ascii_case(text))
}
