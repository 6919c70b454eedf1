//! The settings of a server: the type, default and meaning of each environment variable.

mod read;
mod table;

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

pub use self::read::Reader;
pub use self::table::*;

/// The placeholder for a provider's name in variables that exist once per provider.
const PROVIDER: &str = "NAME";

/// A row of the table.
#[derive(Debug)]
pub struct Setting {
    pub name: &'static str,
    /// Its heading in the documentation.
    pub group: &'static str,
    pub takes: Takes,
    pub unset: Unset,
    pub meaning: &'static str,
}

#[derive(Debug)]
pub enum Takes {
    Number {
        unit: &'static str,
        least: u32,
        most: u32,
    },
    /// `10s`, `500ms`.
    Time {
        least: Duration,
        most: Duration,
    },
    OneOf(&'static [&'static str]),
    /// A description of the value, which is validated where it is used.
    Text(&'static str),
    /// Like `Text`, but never shown.
    Secret(&'static str),
}

/// What an unset variable means.
#[derive(Debug)]
pub enum Unset {
    /// The same as this value.
    Value(&'static str),
    ByEnvironment {
        production: &'static str,
        development: &'static str,
    },
    /// A description.
    Otherwise(&'static str),
}

/// An invalid variable and the reason, never with a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    pub variable: Cow<'static, str>,
    pub message: String,
}

impl Setting {
    /// The value used if the variable is not set.
    pub fn default(&self, is_development: bool) -> Option<&'static str> {
        match self.unset {
            Unset::Value(value) => Some(value),
            Unset::ByEnvironment { production, development } => {
                Some(if is_development { development } else { production })
            }
            Unset::Otherwise(_) => None,
        }
    }

    pub fn is_secret(&self) -> bool {
        matches!(self.takes, Takes::Secret(_))
    }

    /// Whether the variable exists once per provider.
    pub fn is_by_provider(&self) -> bool {
        self.name.split('_').any(|part| part == PROVIDER)
    }

    /// The name of the variable for this provider.
    pub fn of_provider(&self, provider: &str) -> String {
        self.name.replace(PROVIDER, &provider.to_ascii_uppercase())
    }
}

impl fmt::Display for Takes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number { unit: "", least, most } => write!(f, "a number from {least} to {most}"),
            Self::Number { unit, least, most } => write!(f, "a number of {unit} from {least} to {most}"),
            Self::Time { least, most } => {
                write!(f, "a time from `{}ms` to `{}s`, like `10s` or `500ms`", least.as_millis(), most.as_secs())
            }
            Self::OneOf([first @ .., last]) => {
                let first: Vec<_> = first.iter().map(|word| format!("`{word}`")).collect();
                write!(f, "{} or `{last}`", first.join(", "))
            }
            Self::OneOf([]) => Ok(()),
            Self::Text(words) | Self::Secret(words) => f.write_str(words),
        }
    }
}

/// The table as Markdown, with a section for each group.
pub fn document() -> String {
    let mut text = String::new();
    let mut group = "";
    for setting in ALL {
        if setting.group != group {
            group = setting.group;
            text += &format!("\n## {group}\n\n| variable | meaning | takes | default |\n|---|---|---|---|\n");
        }
        let default = match setting.unset {
            Unset::Value(value) => format!("`{value}`"),
            Unset::ByEnvironment { production, development } => {
                format!("`{production}`; in development `{development}`")
            }
            Unset::Otherwise(words) => words.to_owned(),
        };
        let Setting { name, meaning, takes, .. } = setting;
        text += &format!("| `{name}` | {meaning} | {takes} | {default} |\n");
    }
    text
}

/// An unknown name with our prefix, and the nearest known one.
#[derive(Debug, PartialEq, Eq)]
pub struct Unknown {
    pub variable: String,
    pub nearest: String,
}

/// Finds unknown variables. Skips those of tests and tools, which a server that they start inherits.
pub fn unknown<'a>(variables: impl IntoIterator<Item = &'a str>, providers: &[&str]) -> Vec<Unknown> {
    let known: Vec<String> = ALL.iter().flat_map(|setting| names(setting, providers)).collect();
    let is_unknown = |name: &&str| {
        name.starts_with("TYPECASE_") && !name.starts_with("TYPECASE_TEST_") && !known.iter().any(|one| one == name)
    };
    let nearest = |name: &str| known.iter().min_by_key(|one| strsim::osa_distance(one, name)).cloned();
    let found = variables.into_iter().filter(is_unknown);
    found.filter_map(|name| Some(Unknown { variable: name.to_owned(), nearest: nearest(name)? })).collect()
}

/// The variables of a row.
pub fn names(setting: &Setting, providers: &[&str]) -> Vec<String> {
    match setting.is_by_provider() {
        true => providers.iter().map(|provider| setting.of_provider(provider)).collect(),
        false => vec![setting.name.to_owned()],
    }
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is not a setting of this server; did you mean {}?", self.variable, self.nearest)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_default_is_a_value_that_could_be_given() {
        for setting in ALL {
            for is_development in [false, true] {
                let Some(default) = setting.default(is_development) else { continue };
                let given = |name: &str| (name == setting.name).then(|| default.to_owned());
                let mut reader = Reader::new(&given);
                reader.check(setting);
                assert_eq!(reader.finish(), [], "{}", setting.name);
            }
        }
    }

    #[test]
    fn a_name_is_there_once_and_its_group_in_one_place() {
        let names: BTreeSet<_> = ALL.iter().map(|setting| setting.name).collect();
        assert_eq!(names.len(), ALL.len());
        let mut groups: Vec<_> = ALL.iter().map(|setting| setting.group).collect();
        groups.dedup();
        assert_eq!(groups.iter().collect::<BTreeSet<_>>().len(), groups.len(), "{groups:?}");
        for setting in ALL {
            let is_sentence = setting.meaning.ends_with('.') && !setting.meaning.contains(['\n', '|']);
            assert!(is_sentence && !setting.takes.to_string().contains('|'), "{}", setting.name);
        }
    }

    #[test]
    fn a_misspelt_name_is_told_with_the_nearest() {
        let given =
            ["TYPECASE_RATES", "TYPECASE_OIDC_GOGLE_ISSUER", "TYPECASE_RATE", "TYPECASE_TEST_REDIS_URL", "PATH"];
        let found = unknown(given, &["google"]);
        let found: Vec<_> = found.iter().map(|one| (one.variable.as_str(), one.nearest.as_str())).collect();
        let expected =
            [("TYPECASE_RATES", "TYPECASE_RATE"), ("TYPECASE_OIDC_GOGLE_ISSUER", "TYPECASE_OIDC_GOOGLE_ISSUER")];
        assert_eq!(found, expected);
        assert_eq!(unknown(["TYPECASE_OIDC_GOOGLE_ISSUER"], &["google"]), []);
        assert_eq!(unknown(["TYPECASE_OIDC_GOOGLE_ISSUER"], &[]).len(), 1, "no provider is listed");
    }
}
