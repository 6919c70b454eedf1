//! The moment of a scheduled change: with an offset, or a local time in a time zone.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use base::error::{Code, Problem, Step};
use model::timestamp::Timestamp;

/// Changes can be scheduled this far ahead.
const MOST_YEARS: i64 = 10;

/// When a change is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    pub at: Timestamp,
    /// The local time and the IANA zone, if it was given so.
    pub local: Option<(DateTime, String)>,
}

impl Moment {
    /// `2026-12-24T08:00:00+01:00`, or `2026-12-24T08:00` with the zone `Europe/Vienna`.
    pub fn parse(at: &str, zone: Option<&str>) -> Result<Self, Problem> {
        let wrong =
            |argument: &str, message: String| Problem::new(Code::InvalidValue, message).at([Step::from(argument)]);
        let moment = match zone {
            None => {
                let parsed: Result<Timestamp, _> = at.parse();
                let moment = parsed.map_err(|_| {
                    let shown = model::cut(at);
                    wrong("at", format!("`{shown}` is not a time with an offset, such as `2026-12-24T08:00:00+01:00`; for a local time give the `zone` as well"))
                })?;
                Self { at: moment, local: None }
            }
            Some(zone) => {
                let local: DateTime = at.parse().map_err(|_| {
                    wrong("at", format!("`{}` is not a local time such as `2026-12-24T08:00`", model::cut(at)))
                })?;
                if at.ends_with(['Z', 'z', ']']) || at.rfind(['+', '-']).is_some_and(|sign| sign > 9) {
                    return Err(wrong("at", "with a `zone`, the time has no offset".to_owned()));
                }
                let at = resolve(local, zone).map_err(|message| wrong("zone", message))?;
                Self { at, local: Some((local, zone.to_owned())) }
            }
        };
        let latest = Timestamp::now().as_microsecond() + MOST_YEARS * 366 * 86_400 * 1_000_000;
        match moment.at.as_microsecond() > latest {
            true => Err(wrong("at", format!("a change can be scheduled at most {MOST_YEARS} years ahead"))),
            false => Ok(moment),
        }
    }

    /// A moment in microseconds since 1970, with the local time and the zone as the database writes them.
    pub(crate) fn of(at: i64, local: Option<String>, zone: Option<String>) -> Self {
        let local = local.zip(zone).and_then(|(local, zone)| Some((local.replace(' ', "T").parse().ok()?, zone)));
        Self { at: Timestamp::from_microsecond(at).unwrap_or_default(), local }
    }

    /// The local time and its zone, as the database takes them.
    pub(crate) fn stored(&self) -> (Option<String>, Option<String>) {
        self.local.as_ref().map(|(local, zone)| (local.to_string(), zone.clone())).unzip()
    }

    /// The moment as the rules of the time zone are now, which governments change.
    pub fn again(&self) -> Timestamp {
        let Some((local, zone)) = &self.local else { return self.at };
        resolve(*local, zone).unwrap_or(self.at)
    }
}

/// A local time that is skipped when clocks go forward is as much later, one that comes twice is the first of them.
fn resolve(local: DateTime, zone: &str) -> Result<Timestamp, String> {
    let of_zone = TimeZone::get(zone)
        .map_err(|_| format!("`{}` is not an IANA time zone such as `Europe/Vienna`", model::cut(zone)))?;
    let zoned = local.to_zoned(of_zone).map_err(|_| "the time is out of range".to_owned())?;
    Timestamp::from_microsecond(zoned.timestamp().as_microsecond()).ok_or_else(|| "the time is out of range".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(at: &str, zone: Option<&str>) -> Result<String, String> {
        Moment::parse(at, zone).map(|moment| moment.at.to_string()).map_err(|problem| problem.message)
    }

    #[test]
    fn a_local_time_keeps_its_wall_clock_over_daylight_saving() {
        let vienna = Some("Europe/Vienna");
        assert_eq!(shown("2030-03-30T08:00", vienna).unwrap(), "2030-03-30T07:00:00Z");
        assert_eq!(shown("2030-03-31T08:00", vienna).unwrap(), "2030-03-31T06:00:00Z");
        // Skipped, and twice there.
        assert_eq!(shown("2030-03-31T02:30", vienna).unwrap(), "2030-03-31T01:30:00Z");
        assert_eq!(shown("2030-10-27T02:30", vienna).unwrap(), "2030-10-27T00:30:00Z");
    }

    #[test]
    fn a_moment_has_an_offset_or_a_zone() {
        assert_eq!(shown("2030-01-01T08:00:00+01:00", None).unwrap(), "2030-01-01T07:00:00Z");
        assert!(shown("2030-01-01T08:00", None).unwrap_err().contains("zone"));
        for with_offset in ["2030-01-01T08:00:00+01:00", "2030-01-01T08:00:00Z", "2030-01-01T08:00-05:00"] {
            assert!(shown(with_offset, Some("Europe/Vienna")).is_err(), "{with_offset}");
        }
        assert!(shown("2030-01-01T08:00", Some("Europe/Atlantis")).unwrap_err().contains("IANA"));
        assert!(shown("9000-01-01T08:00:00Z", None).unwrap_err().contains("10 years"));
        assert!(shown("tomorrow", Some("UTC")).is_err());
    }
}
