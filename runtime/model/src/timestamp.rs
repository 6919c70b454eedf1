//! `Timestamp`: a moment in UTC from the year 1 to the end of the year 9999, to the microsecond.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;
/// The largest accepted UTC offset, in minutes.
const MOST_OFFSET: i64 = 18 * 60;

/// The value of a `datetime` field, in microseconds of Unix time. Wider than jiff's `Timestamp`, which ends a day
/// before the year 9999 does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// `0001-01-01T00:00:00Z`.
    pub const MIN: Self = Self(-62_135_596_800 * SECOND);
    /// `9999-12-31T23:59:59.999999Z`.
    pub const MAX: Self = Self(253_402_300_800 * SECOND - 1);

    /// `None` outside the years 1 to 9999.
    pub fn from_microsecond(microsecond: i64) -> Option<Self> {
        Some(Self(microsecond)).filter(|moment| (Self::MIN..=Self::MAX).contains(moment))
    }

    pub fn as_microsecond(self) -> i64 {
        self.0
    }

    /// The current time of this machine.
    pub fn now() -> Self {
        Self(jiff::Timestamp::now().as_microsecond())
    }

    /// This much later, or earlier for a negative duration; clamped to [`Self::MIN`] and [`Self::MAX`].
    pub fn after(self, time: jiff::SignedDuration) -> Self {
        let moved = i64::try_from(time.as_micros()).unwrap_or(if time.is_negative() { i64::MIN } else { i64::MAX });
        Self(self.0.saturating_add(moved)).clamp(Self::MIN, Self::MAX)
    }

    /// This much earlier.
    pub fn before(self, time: jiff::SignedDuration) -> Self {
        let moved = i64::try_from(time.as_micros()).unwrap_or(if time.is_negative() { i64::MIN } else { i64::MAX });
        Self(self.0.saturating_sub(moved)).clamp(Self::MIN, Self::MAX)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Vec::with_capacity(27);
        crate::civil::moment(self.0, &mut text);
        f.write_str(&String::from_utf8_lossy(&text))
    }
}

impl TryFrom<jiff::Timestamp> for Timestamp {
    type Error = String;

    fn try_from(moment: jiff::Timestamp) -> Result<Self, String> {
        Self::from_microsecond(moment.as_microsecond()).ok_or_else(|| format!("{moment} is not in the years 1 to 9999"))
    }
}

impl TryFrom<Timestamp> for jiff::Timestamp {
    type Error = jiff::Error;

    fn try_from(moment: Timestamp) -> Result<Self, jiff::Error> {
        Self::from_microsecond(moment.0)
    }
}

/// RFC 3339: `2026-01-31T09:30:00+01:00`. Seconds are optional. The error completes "must be a moment, ...".
impl FromStr for Timestamp {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = || "such as `2026-01-31T09:30:00Z`, with its offset".to_owned();
        let (date, rest) = text.split_at_checked(10).ok_or_else(form)?;
        let date = self::date(date).ok_or_else(form)?;
        let rest = rest.strip_prefix(['T', 't', ' ']).ok_or_else(form)?;
        let zone = rest.find(['Z', 'z', '+', '-']).ok_or_else(form)?;
        let (clock, zone) = rest.split_at(zone);
        let clock = self::clock(clock).map_err(|wrong| match wrong {
            WrongClock::EndOfDay => "and `24:00` is written as `00:00` of the next day".to_owned(),
            WrongClock::LeapSecond => "and leap seconds are not kept: write `23:59:59`".to_owned(),
            WrongClock::Form => form(),
        })?;
        let offset = minutes(zone).ok_or_else(form)?;
        if offset.abs() > MOST_OFFSET {
            return Err("and offsets go from -18:00 to +18:00".to_owned());
        }
        let moment = days(date) * DAY + clock - offset * 60 * SECOND;
        Self::from_microsecond(moment).ok_or_else(|| "from the year 1 to 9999 in UTC".to_owned())
    }
}

/// Why a text is not a valid time of day.
pub enum WrongClock {
    EndOfDay,
    LeapSecond,
    Form,
}

/// `09:30`, `09:30:00`, `09:30:00.5` as microseconds of the day; finer digits are truncated.
pub fn clock(text: &str) -> Result<i64, WrongClock> {
    let bytes = text.as_bytes();
    let two = |at: usize| match bytes.get(at..at + 2) {
        Some([a, b]) if a.is_ascii_digit() && b.is_ascii_digit() => Ok(i64::from((a - b'0') * 10 + (b - b'0'))),
        _ => Err(WrongClock::Form),
    };
    let (hour, minute) = (two(0)?, two(3)?);
    let has_seconds = bytes.len() > 5;
    let second = if has_seconds { two(6)? } else { 0 };
    let colons = bytes.get(2) == Some(&b':') && (!has_seconds || bytes.get(5) == Some(&b':'));
    let fraction = match bytes.get(8..) {
        None | Some([]) => 0,
        Some([b'.' | b',', digits @ ..]) if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) => digits
            .iter()
            .map(|digit| i64::from(digit - b'0'))
            .chain(std::iter::repeat(0))
            .take(6)
            .fold(0, |all, digit| all * 10 + digit),
        Some(_) => return Err(WrongClock::Form),
    };
    match (hour, minute, second) {
        _ if !colons => Err(WrongClock::Form),
        (24, 0, 0) if fraction == 0 => Err(WrongClock::EndOfDay),
        (0..=23, 0..=59, 60) => Err(WrongClock::LeapSecond),
        (0..=23, 0..=59, 0..=59) => Ok(((hour * 60 + minute) * 60 + second) * SECOND + fraction),
        _ => Err(WrongClock::Form),
    }
}

/// `2026-01-31`, from the year 1 on.
pub fn date(text: &str) -> Option<Date> {
    let bytes = text.as_bytes();
    let looks = bytes.len() == 10
        && bytes
            .iter()
            .enumerate()
            .all(|(at, byte)| if at == 4 || at == 7 { *byte == b'-' } else { byte.is_ascii_digit() });
    Date::from_str(text).ok().filter(|date| looks && date.year() >= 1)
}

/// Minutes east of UTC: `Z`, `+01:00`, `-0530`, `+01`.
fn minutes(zone: &str) -> Option<i64> {
    if matches!(zone, "Z" | "z") {
        return Some(0);
    }
    let (sign, digits) = (if zone.starts_with('-') { -1 } else { 1 }, zone.get(1..)?);
    let (hours, minutes) = match digits.len() {
        2 => (digits, "0"),
        4 => digits.split_at_checked(2)?,
        5 => digits.split_once(':')?,
        _ => return None,
    };
    let number =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<i64>().ok()).flatten();
    Some(sign * (number(hours)? * 60 + number(minutes).filter(|minutes| *minutes < 60)?))
}

/// Days of Unix time (Howard Hinnant's `days_from_civil`).
fn days(date: Date) -> i64 {
    let (month, day) = (i64::from(date.month()), i64::from(date.day()));
    let year = i64::from(date.year()) - i64::from(month <= 2);
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_first_and_the_last_moment_are_kept() {
        for (text, shown) in [
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
            ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
            ("9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59.999999Z"),
            ("9999-12-31T23:59:59+14:00", "9999-12-31T09:59:59Z"),
            ("1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z"),
            ("2026-01-31 09:30-0530", "2026-01-31T15:00:00Z"),
            ("2026-01-31T09:30:00+18:00", "2026-01-30T15:30:00Z"),
        ] {
            assert_eq!(text.parse::<Timestamp>().map(|moment| moment.to_string()).as_deref(), Ok(shown), "{text}");
        }
    }

    #[test]
    fn what_is_no_moment_says_why() {
        for (text, reason) in [
            ("9999-12-31T23:59:59-12:00", "9999"),
            ("0001-01-01T00:00:00+00:01", "year 1"),
            ("2026-01-31T24:00:00Z", "00:00"),
            ("2026-01-31T23:59:60Z", "leap"),
            ("2026-01-31T23:00:00+18:01", "18:00"),
            ("2026-01-31T24:30:00Z", "such as"),
            ("2026-02-30T00:00:00Z", "such as"),
            ("2026-01-31T09:30:00", "such as"),
            ("2026-01-31T09:30:00+01:00[Europe/Berlin]", "such as"),
            ("é", "such as"),
            ("", "such as"),
        ] {
            let refused = text.parse::<Timestamp>().unwrap_err();
            assert!(refused.contains(reason), "{text}: {refused}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_again(micros in Timestamp::MIN.0..=Timestamp::MAX.0) {
            let moment = Timestamp(micros);
            prop_assert_eq!(moment.to_string().parse(), Ok(moment));
        }

        #[test]
        fn moments_are_those_of_jiff(seconds in -60_000_000_000_i64..250_000_000_000) {
            let theirs = jiff::Timestamp::from_second(seconds).unwrap().to_string();
            prop_assert_eq!(theirs.parse::<Timestamp>().map(|moment| moment.as_microsecond()), Ok(seconds * SECOND));
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,40}|[0-9TZ:+ .-]{0,30}") {
            let _ = text.parse::<Timestamp>();
            let _ = clock(&text);
        }
    }
}
