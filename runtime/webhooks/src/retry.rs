//! When a delivery that has failed is tried again.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// Before each attempt after the first: a day and a half in all.
const WAITS: [Duration; 7] = [
    Duration::from_secs(5),
    Duration::from_secs(5 * MINUTE),
    Duration::from_secs(30 * MINUTE),
    Duration::from_secs(2 * HOUR),
    Duration::from_secs(5 * HOUR),
    Duration::from_secs(10 * HOUR),
    Duration::from_secs(18 * HOUR),
];
/// A wait is longer by up to this share of it, so that what failed together does not come back together.
const JITTER: f64 = 0.1;
/// However long a receiver asks to be left alone.
const LONGEST: Duration = Duration::from_secs(24 * HOUR);

/// A weekday that does not fit says nothing.
static DATES: DateTimeParser = DateTimeParser::new().relaxed_weekday(true);

/// Of one delivery.
#[cfg(test)]
const ATTEMPTS: u32 = 8;

/// For how long to wait after this many attempts; `None` after the last one. `asked`: what the receiver has asked for, which is not
/// fallen short of.
pub(crate) fn wait(attempts: u32, asked: Option<Duration>, random: f64) -> Option<Duration> {
    let wait = WAITS.get(attempts.saturating_sub(1) as usize)?;
    Some(wait.mul_f64(1.0 + JITTER * random).max(asked.unwrap_or_default()))
}

/// `Retry-After`: seconds, or the date of HTTP.
pub(crate) fn after(header: &str, now: Timestamp) -> Option<Duration> {
    let header = header.trim();
    let asked = match header.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) if !header.is_empty() && header.bytes().all(|byte| byte.is_ascii_digit()) => LONGEST,
        Err(_) => {
            let until = DATES.parse_zoned(header).ok()?.timestamp();
            Duration::try_from(until.duration_since(now)).unwrap_or_default()
        }
    };
    Some(asked.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_go_on_for_a_day_and_a_half() {
        let waits: Vec<_> = (1..ATTEMPTS).map(|attempts| wait(attempts, None, 0.0).expect("another attempt")).collect();
        assert_eq!(waits, WAITS);
        assert_eq!(wait(ATTEMPTS, None, 0.0), None);
        assert_eq!(wait(ATTEMPTS, Some(Duration::from_secs(1)), 0.0), None);
        let total: Duration = waits.iter().sum();
        assert!((35 * HOUR..37 * HOUR).contains(&total.as_secs()), "{total:?}");
        assert_eq!(wait(1, None, 1.0), Some(Duration::from_millis(5500)));
    }

    #[test]
    fn a_receiver_that_asks_for_time_has_it() {
        assert_eq!(wait(1, Some(Duration::from_secs(90)), 0.5), Some(Duration::from_secs(90)));
        assert_eq!(
            wait(2, Some(Duration::from_secs(90)), 0.0),
            Some(Duration::from_secs(300)),
            "not less than without it"
        );
    }

    #[test]
    fn seconds_and_dates_are_read_up_to_a_bound() {
        let now: Timestamp = "1994-11-06T08:49:07Z".parse().expect("a moment");
        let seconds = |header: &str| after(header, now).map(|asked| asked.as_secs());
        assert_eq!(seconds("120"), Some(120));
        assert_eq!(seconds(" 0 "), Some(0));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:49:37 GMT"), Some(30));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:49:00 GMT"), Some(0), "it is over");
        assert_eq!(seconds("Sun, 06 Nov 2094 08:49:37 GMT"), Some(86_400));
        assert_eq!(seconds("99999999999999999999999"), Some(86_400));
        assert_eq!([seconds("soon"), seconds(""), seconds("-5"), seconds("1.5")], [None; 4]);
    }
}
