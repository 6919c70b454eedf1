//! Paths of a site: their normal form, and how they are written in an address.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::kind::nfc;

/// Bytes of a path in its normal form, and of an address.
pub const LONGEST: usize = 2_000;

/// What may stand in a path as it is, by RFC 3986.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b':')
    .remove(b'@');

/// The normal form of a path without query and fragment: decoded, with a slash at its beginning and none at its end. The
/// error completes "`from` ...".
pub fn normal(path: &str) -> Result<String, &'static str> {
    if path.contains(['?', '#']) {
        return Err("is a path without query and fragment; a `?` that belongs to the path is written `%3F`");
    }
    // Decoding shortens it to a third at most.
    if path.len() > 3 * LONGEST {
        return Err("is too long: a path has at most 2,000 bytes");
    }
    let decoded = percent_decode_str(path).decode_utf8().map_err(|_| "is not UTF-8 once it is decoded")?;
    let decoded = nfc(&decoded);
    let rest = decoded.strip_prefix('/').unwrap_or(&decoded);
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    if rest.chars().any(|letter| letter.is_control() || letter == '\\') {
        return Err("has control characters or backslashes");
    }
    if !rest.is_empty() && rest.split('/').any(|segment| matches!(segment, "" | "." | "..")) {
        return Err("has an empty segment, `.` or `..`");
    }
    if rest.len() >= LONGEST {
        return Err("is too long: a path has at most 2,000 bytes");
    }
    Ok(format!("/{rest}"))
}

/// The normal form of a path that a visitor requested; `None` if no page can have it.
pub fn requested(path: &str) -> Option<String> {
    let end = path.find(['?', '#']).unwrap_or(path.len());
    normal(&path[..end]).ok()
}

/// A path in its normal form as it is written in an address.
pub fn encoded(path: &str) -> String {
    utf8_percent_encode(path, ESCAPED).to_string()
}

/// Where a redirect leads besides entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// A path in its normal form, or an address.
    pub to: String,
    /// `?query#fragment` of a path, or empty.
    pub suffix: String,
}

impl Target {
    /// A path of the site, or an address with `http:` or `https:`. The error completes "`to` ...".
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.chars().any(|letter| letter.is_control() || letter.is_whitespace() || letter == '\\') {
            return Err("has blanks, control characters or backslashes");
        }
        if text.len() > 3 * LONGEST {
            return Err("is too long: it has at most 2,000 bytes");
        }
        if !text.starts_with('/') {
            return Self::address(text);
        }
        if text.starts_with("//") {
            return Err("begins with `//`, which leads to another site");
        }
        let (path, suffix) = text.split_at(text.find(['?', '#']).unwrap_or(text.len()));
        let suffix: String = utf8_percent_encode(suffix, percent_encoding::CONTROLS).to_string();
        if suffix.contains(['"', '<', '>']) || suffix.len() > LONGEST {
            return Err("has a query or fragment that is too long, or has `\"`, `<` or `>` in it");
        }
        Ok(Self { to: normal(path)?, suffix })
    }

    fn address(text: &str) -> Result<Self, &'static str> {
        let help = "is neither a path of the site, such as `/shop`, nor an address with `https:` or `http:`";
        let url = url::Url::parse(text).map_err(|_| help)?;
        let has_host = url.host_str().is_some_and(|host| !host.is_empty());
        if !matches!(url.scheme(), "http" | "https") || !has_host {
            return Err(help);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("has a user name or a password");
        }
        let to = url.to_string();
        if to.len() > LONGEST {
            Err("is too long: it has at most 2,000 bytes")
        } else {
            Ok(Self { to, suffix: String::new() })
        }
    }

    pub fn is_path(&self) -> bool {
        self.to.starts_with('/')
    }

    /// As it is written in the header `Location`.
    pub fn location(&self) -> String {
        match self.is_path() {
            true => encoded(&self.to) + &self.suffix,
            false => self.to.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_path_has_one_normal_form() {
        for (given, expected) in [
            ("/blog/hello", "/blog/hello"),
            ("blog/hello/", "/blog/hello"),
            ("", "/"),
            ("/", "/"),
            ("/caf%C3%A9", "/café"),
            ("/cafe\u{301}", "/café"),
            ("/Blog", "/Blog"),
            ("/a%3Fb", "/a?b"),
            ("/100%", "/100%"),
        ] {
            assert_eq!(normal(given).as_deref(), Ok(expected), "{given}");
        }
        for wrong in
            ["//evil.example", "/a//b", "/a/../b", "/a/.", "/a\\b", "/a%00", "/a?b", "/a#b", "/%FF", "/a%2F..%2Fb"]
        {
            assert!(normal(wrong).is_err(), "{wrong}");
        }
        assert!(normal(&format!("/{}", "a".repeat(LONGEST))).is_err());
        assert_eq!(requested("/a?b=/c#d").as_deref(), Some("/a"));
    }

    #[test]
    fn targets_stay_on_the_site_or_name_another() {
        let location = |text: &str| Target::parse(text).map(|target| target.location());
        assert_eq!(location("/caf\u{e9}/?q=1#top").as_deref(), Ok("/caf%C3%A9?q=1#top"));
        assert_eq!(location("https://shop.example/a b").ok(), None);
        assert_eq!(location("https://shop.example").as_deref(), Ok("https://shop.example/"));
        for wrong in [
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "javascript:alert(1)",
            "data:text/html,x",
            "https:evil",
            "https://",
            "https://user:pass@evil.example/",
            "/a\nb",
            "/%0d%0aSet-Cookie:x",
            " /a",
            "ftp://files.example/",
            "/a?<script>",
            "shop",
            "",
        ] {
            let parsed = Target::parse(wrong);
            // Browsers read this one as an address with a host.
            if wrong == "https:evil" {
                assert_eq!(parsed.unwrap().location(), "https://evil/");
                continue;
            }
            assert!(parsed.is_err(), "{wrong}: {parsed:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_normal_stays_so_however_it_is_written(text in "[/a-z.%äé0-9 ?+]{0,20}") {
            if let Ok(path) = normal(&text) {
                prop_assert_eq!(normal(&encoded(&path)), Ok(path.clone()));
                prop_assert!(path.starts_with('/') && !path.starts_with("//"));
            }
            if let Ok(target) = Target::parse(&text) {
                prop_assert!(target.location().is_ascii());
                prop_assert!(!target.location().starts_with("//"));
            }
        }
    }
}
