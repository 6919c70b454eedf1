//! `Rhythm`: the schedule of a periodic job.

use std::time::Duration;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// The longest wait for the first run of a schedule with an interval.
const SOON: Duration = Duration::from_secs(60);

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Rhythm {
    Every(Duration),
    Daily { time: Time, zone: TimeZone },
}

impl Rhythm {
    pub fn every(interval: Duration) -> Result<Self, String> {
        let is_possible = (Duration::from_millis(100)..=Duration::from_secs(366 * 86_400)).contains(&interval);
        if is_possible {
            Ok(Self::Every(interval))
        } else {
            Err("an interval must be from 100 ms to a year".to_owned())
        }
    }

    pub fn daily(time: &str, zone: &str) -> Result<Self, String> {
        let time: Time = time.parse().map_err(|_| format!("`{time}` is not a time of day like `03:30`"))?;
        let zone = TimeZone::get(zone).map_err(|_| format!("`{zone}` is not a time zone like `Europe/Vienna`"))?;
        Ok(Self::Daily { time, zone })
    }

    /// A changed text means a changed rhythm.
    pub fn text(&self) -> String {
        match self {
            Self::Every(interval) => format!("every {}s", interval.as_secs_f64()),
            Self::Daily { time, zone } => format!("daily {time} {}", zone.iana_name().unwrap_or_default()),
        }
    }

    pub fn first(&self, now: Timestamp) -> Timestamp {
        match self {
            Self::Every(interval) => later(now, (*interval).min(SOON)),
            Self::Daily { .. } => self.next(now, now),
        }
    }

    /// The next time after both; missed times are skipped.
    pub fn next(&self, due: Timestamp, now: Timestamp) -> Timestamp {
        match self {
            Self::Every(interval) => {
                let late = now.duration_since(due).as_nanos().max(0).unsigned_abs();
                let missed = late / interval.as_nanos().max(1);
                let steps = u32::try_from(missed).unwrap_or(u32::MAX).saturating_add(1);
                later(due, interval.saturating_mul(steps))
            }
            Self::Daily { time, zone } => {
                let today = now.to_zoned(zone.clone()).date();
                // A time that is skipped when clocks go forward moves with them; of a time that occurs twice, the first counts.
                let at =
                    |date: jiff::civil::Date| Some(date.to_datetime(*time).to_zoned(zone.clone()).ok()?.timestamp());
                let days = [Some(today), today.tomorrow().ok()];
                let next = days.into_iter().flatten().filter_map(at).find(|moment| *moment > now);
                next.unwrap_or_else(|| later(now, Duration::from_secs(86_400)))
            }
        }
    }
}

fn later(moment: Timestamp, by: Duration) -> Timestamp {
    let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
    moment.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(text: &str) -> Timestamp {
        text.parse().expect("a moment")
    }

    #[test]
    fn an_interval_keeps_its_beat_and_leaves_out_what_was_missed() {
        let hourly = Rhythm::every(Duration::from_secs(3600)).expect("a rhythm");
        let due = moment("2026-05-01T10:00:00Z");
        for (now, next) in [
            ("2026-05-01T10:00:00Z", "2026-05-01T11:00:00Z"),
            ("2026-05-01T10:00:01Z", "2026-05-01T11:00:00Z"),
            ("2026-05-01T14:59:59Z", "2026-05-01T15:00:00Z"),
        ] {
            assert_eq!(hourly.next(due, moment(now)), moment(next), "{now}");
        }
        assert_eq!(hourly.first(due), moment("2026-05-01T10:01:00Z"));
    }

    #[test]
    fn a_day_is_that_of_the_zone_whatever_its_clocks_do() {
        let nightly = Rhythm::daily("02:30", "Europe/Berlin").expect("a rhythm");
        for (now, next) in [
            ("2026-01-10T00:00:00Z", "2026-01-10T01:30:00Z"),
            ("2026-01-10T01:30:00Z", "2026-01-11T01:30:00Z"),
            // 02:30 does not exist on the day when clocks go forward.
            ("2026-03-28T12:00:00Z", "2026-03-29T01:30:00Z"),
            ("2026-03-29T12:00:00Z", "2026-03-30T00:30:00Z"),
            // 02:30 occurs twice when clocks go back; the first counts.
            ("2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z"),
            ("2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"),
        ] {
            assert_eq!(nightly.next(moment(now), moment(now)), moment(next), "{now}");
        }
    }

    #[test]
    fn what_is_no_time_and_no_zone_is_told() {
        assert!(Rhythm::daily("25:00", "UTC").unwrap_err().contains("25:00"));
        assert!(Rhythm::daily("03:00", "Europe/Nowhere").unwrap_err().contains("Nowhere"));
        assert!(Rhythm::every(Duration::ZERO).is_err());
    }
}
