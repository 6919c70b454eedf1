//! `PublicRole`: the name of the PostgreSQL role of public reads.

use std::fmt;
use std::str::FromStr;

/// The default name.
const DEFAULT: &str = "typecase_public";
/// PostgreSQL truncates longer names.
const LONGEST: usize = 63;

/// A name that needs no quotes: lower-case letters, digits and `_`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicRole(String);

impl PublicRole {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PublicRole {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let is_plain = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        let begins = name.starts_with(|first: char| first.is_ascii_lowercase() || first == '_');
        if !is_plain || !begins || name.len() > LONGEST || name.starts_with("pg_") || name == "public" {
            return Err("it must be the name of a PostgreSQL role in lower-case letters, digits and `_`, or `none`");
        }
        Ok(Self(name.to_owned()))
    }
}

impl Default for PublicRole {
    fn default() -> Self {
        Self(DEFAULT.to_owned())
    }
}

impl fmt::Display for PublicRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
