//! `Cache-Control` of responses to GET (RFC 9111, 5.2; RFC 5861, 3), and the tags by which CDNs remove what they keep.

use std::time::Duration;

use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::Response;

use base::settings::{self, Reader};

/// Fastly separates keys by spaces, Cloudflare by commas.
const SURROGATE_KEY: HeaderName = HeaderName::from_static("surrogate-key");
const CACHE_TAG: HeaderName = HeaderName::from_static("cache-tag");

/// How long caches may keep what is shown to visitors without asking; nothing of it by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Freshness {
    /// `TYPECASE_MAX_AGE`, in seconds, as the others.
    pub max_age: u32,
    /// `TYPECASE_SHARED_MAX_AGE`: of caches that many visitors share.
    pub shared: u32,
    /// `TYPECASE_STALE_WHILE_REVALIDATE`: how much longer, while they ask.
    pub stale: u32,
}

/// What is known of a response that caches may keep.
#[derive(Debug)]
pub struct Steady {
    /// For how long nothing that it shows is scheduled to change.
    pub lasts: Duration,
    /// What it shows.
    pub tags: Vec<String>,
}

impl Freshness {
    pub fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            max_age: reader.number(&settings::TYPECASE_MAX_AGE),
            shared: reader.number(&settings::TYPECASE_SHARED_MAX_AGE),
            stale: reader.number(&settings::TYPECASE_STALE_WHILE_REVALIDATE),
        }
    }

    pub fn is_any(&self) -> bool {
        self.max_age > 0 || self.shared > 0
    }

    /// For a response of which nothing that it shows is scheduled to change for so long.
    fn control(&self, lasts: Duration) -> String {
        let most = u32::try_from(lasts.as_secs()).unwrap_or(u32::MAX);
        let (max_age, shared) = (self.max_age.min(most), self.shared.min(most));
        if max_age == 0 && shared == 0 {
            return "no-cache".to_owned();
        }
        let mut control = format!("public, max-age={max_age}");
        if shared > 0 {
            control.push_str(&format!(", s-maxage={shared}"));
        }
        let stale = self.stale.min(most - max_age.max(shared));
        if stale > 0 {
            control.push_str(&format!(", stale-while-revalidate={stale}"));
        }
        control
    }

    /// Tells caches how long they may keep a response to a visitor.
    pub fn tell(&self, response: &mut Response, steady: &Steady) {
        let headers = response.headers_mut();
        if let Ok(control) = HeaderValue::try_from(self.control(steady.lasts)) {
            headers.insert(CACHE_CONTROL, control);
        }
        if self.shared == 0 {
            return;
        }
        for (name, separator) in [(SURROGATE_KEY, " "), (CACHE_TAG, ",")] {
            if let Ok(tags) = HeaderValue::try_from(steady.tags.join(separator)) {
                headers.insert(name, tags);
            }
        }
    }
}

/// Whether the client wants no response that is kept: the directive `no-cache` (RFC 9111, 5.2.1.4).
pub fn is_wanted(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(CACHE_CONTROL).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|directive| directive.trim().eq_ignore_ascii_case("no-cache"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_kept_beyond_the_next_scheduled_change() {
        let all = Freshness { max_age: 10, shared: 60, stale: 30 };
        let own = Freshness { shared: 0, ..all };
        let shared = Freshness { max_age: 0, ..all };
        for (freshness, lasts, expected) in [
            (Freshness::default(), 1_000_000, "no-cache"),
            (all, u64::MAX, "public, max-age=10, s-maxage=60, stale-while-revalidate=30"),
            (all, 90, "public, max-age=10, s-maxage=60, stale-while-revalidate=30"),
            (all, 70, "public, max-age=10, s-maxage=60, stale-while-revalidate=10"),
            (all, 60, "public, max-age=10, s-maxage=60"),
            (all, 5, "public, max-age=5, s-maxage=5"),
            (all, 0, "no-cache"),
            (own, 1000, "public, max-age=10, stale-while-revalidate=30"),
            (shared, 1000, "public, max-age=0, s-maxage=60, stale-while-revalidate=30"),
        ] {
            assert_eq!(freshness.control(Duration::from_secs(lasts)), expected, "{freshness:?} {lasts}");
        }
        assert_eq!(all.control(Duration::from_millis(999)), "no-cache", "a part of a second does not count");
    }
}
