//! Chooses the media type of a response: of the two in GraphQL over HTTP, the one that the client prefers.

/// A media type of responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Media {
    /// `application/graphql-response+json`: the status reports the outcome of the request.
    Response,
    /// `application/json`, for older clients: well-formed requests get status 200 whatever their outcome.
    Legacy,
}

impl Media {
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Response => "application/graphql-response+json; charset=utf-8",
            Self::Legacy => "application/json; charset=utf-8",
        }
    }

    fn essence(self) -> (&'static str, &'static str) {
        match self {
            Self::Response => ("application", "graphql-response+json"),
            Self::Legacy => ("application", "json"),
        }
    }
}

/// `None` if the client accepts neither. A client that names no type, or any, gets the one that every client
/// understands.
pub fn negotiate(accept: Option<&str>) -> Option<Media> {
    let Some(accept) = accept.filter(|accept| !accept.trim().is_empty()) else { return Some(Media::Legacy) };
    let ranges: Vec<_> = accept.split(',').filter_map(Range::parse).collect();
    // The most specific range decides, whatever its quality (RFC 9110, 12.5.1).
    let exact = |media: Media| ranges.iter().filter(|range| range.fits(media)).max_by_key(|range| range.precision());
    let quality = |media: Media| exact(media).map_or(0, |range| range.quality);
    let is_named = exact(Media::Response).is_some_and(|range| range.precision() == 2);
    match (quality(Media::Response), quality(Media::Legacy)) {
        (0, 0) => None,
        (response, legacy) if response > legacy || response == legacy && is_named => Some(Media::Response),
        _ => Some(Media::Legacy),
    }
}

/// Whether the client takes server-sent events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Events {
    No,
    /// As well as JSON: for subscriptions.
    Also,
    /// For whatever it asks.
    Only,
}

pub fn events(accept: Option<&str>) -> Events {
    let ranges: Vec<_> = accept.unwrap_or_default().split(',').filter_map(Range::parse).collect();
    let is_stream = |range: &&Range<'_>| {
        range.kind.eq_ignore_ascii_case("text")
            && range.subtype.eq_ignore_ascii_case("event-stream")
            && !range.other_charset
    };
    let quality = ranges.iter().find(is_stream).map_or(0, |range| range.quality);
    let of_json = [Media::Response, Media::Legacy].map(|media| {
        ranges
            .iter()
            .filter(|range| range.fits(media))
            .max_by_key(|range| range.precision())
            .map_or(0, |range| range.quality)
    });
    match quality {
        0 => Events::No,
        _ if of_json.iter().all(|json| *json < quality) => Events::Only,
        _ => Events::Also,
    }
}

/// `application/*;q=0.8`
struct Range<'a> {
    kind: &'a str,
    subtype: &'a str,
    /// In thousandths.
    quality: u16,
    /// A charset other than UTF-8.
    other_charset: bool,
}

impl<'a> Range<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let (kind, subtype) = parts.next()?.split_once('/')?;
        let mut range = Self { kind, subtype, quality: 1000, other_charset: false };
        for (name, value) in parts.filter_map(|parameter| parameter.split_once('=')) {
            let value = value.trim().trim_matches('"');
            match name.trim() {
                name if name.eq_ignore_ascii_case("q") => {
                    let quality = value.parse::<f32>().ok().filter(|quality| (0.0..=1.0).contains(quality))?;
                    range.quality = (quality * 1000.0).round() as u16;
                }
                name if name.eq_ignore_ascii_case("charset") => range.other_charset = !is_utf8(value),
                _ => {}
            }
        }
        Some(range)
    }

    fn fits(&self, media: Media) -> bool {
        let (kind, subtype) = media.essence();
        let kind_fits = self.kind == "*" || self.kind.eq_ignore_ascii_case(kind);
        let subtype_fits = self.subtype == "*" || self.subtype.eq_ignore_ascii_case(subtype);
        kind_fits && subtype_fits && !self.other_charset
    }

    fn precision(&self) -> u8 {
        u8::from(self.kind != "*") + u8::from(self.subtype != "*")
    }
}

/// Whether a body with this `Content-Type` is JSON that we accept.
pub fn is_json(content_type: &str) -> bool {
    let mut parts = content_type.split(';').map(str::trim);
    let json = parts.next().is_some_and(|essence| essence.eq_ignore_ascii_case("application/json"));
    let charset = |parameter: &str| match parameter.split_once('=') {
        Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => is_utf8(value.trim().trim_matches('"')),
        _ => true,
    };
    json && parts.all(charset)
}

fn is_utf8(charset: &str) -> bool {
    charset.eq_ignore_ascii_case("utf-8") || charset.eq_ignore_ascii_case("utf8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_chooses() {
        let cases = [
            (None, Some(Media::Legacy)),
            (Some("*/*"), Some(Media::Legacy)),
            (Some("application/*"), Some(Media::Legacy)),
            (Some("application/graphql-response+json, */*"), Some(Media::Response)),
            (Some("application/json"), Some(Media::Legacy)),
            (Some("application/json, application/graphql-response+json"), Some(Media::Response)),
            (Some("application/graphql-response+json;q=0.8, application/json;q=0.9"), Some(Media::Legacy)),
            (Some("application/json;q=0, */*;q=0.1"), Some(Media::Response)),
            (Some("application/graphql-response+json;q=0, */*"), Some(Media::Legacy)),
            (Some("APPLICATION/JSON; charset=UTF-8"), Some(Media::Legacy)),
            (Some("application/json; charset=latin1"), None),
            (Some("text/html"), None),
            (Some("text/html, */*;q=0"), None),
            (Some("application/json;q=2"), None),
            (Some("nonsense"), None),
        ];
        for (accept, expected) in cases {
            assert_eq!(negotiate(accept), expected, "{accept:?}");
        }
    }

    #[test]
    fn events_are_for_those_who_name_them() {
        for (accept, expected) in [
            (None, Events::No),
            (Some("*/*"), Events::No),
            (Some("text/*"), Events::No),
            (Some("text/event-stream"), Events::Only),
            (Some("text/event-stream;q=0"), Events::No),
            (Some("application/json;q=0.5, text/event-stream"), Events::Only),
            (Some("application/json, text/event-stream, multipart/mixed"), Events::Also),
            (Some("application/graphql-response+json, text/event-stream;q=0.5"), Events::Also),
        ] {
            assert_eq!(events(accept), expected, "{accept:?}");
        }
    }

    #[test]
    fn bodies_are_json_in_utf8() {
        for good in ["application/json", "Application/JSON;charset=utf-8", "application/json; charset=\"UTF-8\""] {
            assert!(is_json(good), "{good}");
        }
        for bad in ["", "text/plain", "application/jsonp", "application/json; charset=latin1", "application/graphql"] {
            assert!(!is_json(bad), "{bad}");
        }
    }
}
