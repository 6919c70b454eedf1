//! `TYPECASE_SEARCH_URL` and what belongs to it.

use std::fmt;
use std::time::Duration;

use base::settings::{self, Reader};
use percent_encoding::percent_decode_str;
use url::Url;

/// Characters of a prefix: names of indexes are short.
const LONGEST: usize = 40;

#[derive(Clone, PartialEq, Eq)]
pub struct Settings {
    /// Without the name and password.
    pub url: Url,
    pub user: Option<(String, String)>,
    /// What the names of all indexes begin with.
    pub prefix: String,
    /// For an answer.
    pub patience: Duration,
}

impl Settings {
    /// `None` if PostgreSQL answers alone.
    pub fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let prefix = reader.parsed(&settings::TYPECASE_SEARCH_PREFIX, prefix);
        let patience = reader.time(&settings::TYPECASE_SEARCH_TIMEOUT);
        let (url, user) = reader.parsed(&settings::TYPECASE_SEARCH_URL, address)?;
        Some(Self { url, user, prefix: prefix?, patience })
    }
}

fn address(text: &str) -> Result<(Url, Option<(String, String)>), &'static str> {
    let wrong = "it is not an address that begins with `https://` or `http://`";
    let mut url = Url::parse(text).map_err(|_| wrong)?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(wrong);
    }
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let user = match (url.username(), url.password()) {
        ("", _) => None,
        (user, password) => Some((decoded(user), decoded(password.unwrap_or_default()))),
    };
    // Neither can fail for an address with a host.
    let _ = (url.set_username(""), url.set_password(None));
    Ok((url, user))
}

fn prefix(text: &str) -> Result<String, &'static str> {
    let is_plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
    let fits = text.len() <= LONGEST && text.starts_with(|first: char| first.is_ascii_lowercase());
    if fits && text.chars().all(is_plain) { Ok(text.to_owned()) } else { Err("it cannot be used") }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("url", &self.url.as_str())
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_have_a_password_which_is_not_shown() {
        let (url, user) = address("https://me:p%40ss@search.example:9200/base").unwrap();
        assert_eq!(user, Some(("me".to_owned(), "p@ss".to_owned())));
        let settings = Settings { url, user, prefix: "shop".to_owned(), patience: Duration::from_millis(300) };
        let shown = format!("{settings:?}");
        assert!(shown.contains("https://search.example:9200/base") && !shown.contains("p@ss"), "{shown}");
        for wrong in ["search.example", "redis://host", "https://", "file:///x"] {
            assert!(address(wrong).is_err(), "{wrong}");
        }
        assert!(prefix("Shop").is_err() && prefix("1").is_err() && prefix("a-b").is_err() && prefix("shop_2").is_ok());
    }
}
