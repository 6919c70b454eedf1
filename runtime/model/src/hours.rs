//! Opening hours: whether a place is open, and when it opens and closes next, in local time over daylight saving and midnight.
//!
//! A row is open on each date in its period on which its day falls, while the clock on the wall shows a time within its
//! hours. So an hour that clocks skip has no opening, and in one that comes twice a place is open twice.

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp as Instant};

use crate::Timestamp;

/// How far ahead the next opening is looked for, in days.
const AHEAD: i64 = 400;
const INSTANT: SignedDuration = SignedDuration::from_nanos(1);

/// A span of local time, as schema.org's `OpeningHoursSpecification` has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hours {
    /// Every day if there is none.
    pub day: Option<Weekday>,
    /// Closed if there is none.
    pub opens: Option<Time>,
    /// On the next date if it is not after `opens`; the end of the date if there is none.
    pub closes: Option<Time>,
    pub valid_from: Option<Date>,
    pub valid_through: Option<Date>,
}

impl Hours {
    /// The field that makes no sense, and why.
    pub fn fault(&self) -> Option<(&'static str, &'static str)> {
        let reversed = self.valid_from.zip(self.valid_through).is_some_and(|(from, through)| through < from);
        match self {
            Self { opens: None, closes: Some(_), .. } => Some(("opens", "hours that close have to open as well")),
            _ if reversed => Some(("validThrough", "the last day is before the first")),
            _ => None,
        }
    }

    fn holds_on(&self, date: Date) -> bool {
        self.day.is_none_or(|day| day == date.weekday())
            && self.valid_from.is_none_or(|from| from <= date)
            && self.valid_through.is_none_or(|through| date <= through)
    }

    /// The number of days of its period. Without a bound, it reaches to the end of the calendar.
    fn period(&self) -> i64 {
        let (from, through) = (self.valid_from.unwrap_or(Date::MIN), self.valid_through.unwrap_or(Date::MAX));
        through.duration_since(from).as_hours() / 24
    }

    /// The local times between which it is open, as the row of this date.
    fn span_on(&self, date: Date) -> Option<(DateTime, DateTime)> {
        let opens = self.opens?;
        let next = || date.tomorrow().map_or(DateTime::MAX, |next| next.to_datetime(self.closes.unwrap_or_default()));
        let closes = match self.closes {
            Some(closes) if closes > opens => date.to_datetime(closes),
            _ => next(),
        };
        Some((date.to_datetime(opens), closes))
    }
}

/// The opening hours of a place.
#[derive(Clone, Debug)]
pub struct OpeningHours {
    pub zone: TimeZone,
    pub rows: Vec<Hours>,
}

/// What happens at the end of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Opens,
    Closes,
}

impl OpeningHours {
    pub fn is_open(&self, at: Timestamp) -> bool {
        Instant::try_from(at).is_ok_and(|at| self.is_open_at(at))
    }

    /// The first opening after this moment; while it is open, the one after the next closing. `None` if there is none in
    /// the next 400 days.
    pub fn next_opening(&self, from: Timestamp) -> Option<Timestamp> {
        self.next(from, Change::Opens)
    }

    /// The first closing after this moment, within the next 400 days.
    pub fn next_closing(&self, from: Timestamp) -> Option<Timestamp> {
        self.next(from, Change::Closes)
    }

    fn is_open_at(&self, at: Instant) -> bool {
        let wall = self.zone.to_datetime(at);
        let dates = [wall.date().yesterday().ok(), Some(wall.date())].into_iter().flatten();
        dates.flat_map(|date| self.spans_on(date)).any(|(opens, closes)| opens <= wall && wall < closes)
    }

    /// Of the rows that hold on a date, those of the shortest period count: an exception replaces a season, and a season
    /// what always holds.
    fn spans_on(&self, date: Date) -> impl Iterator<Item = (DateTime, DateTime)> {
        let on_date = move |row: &&Hours| row.holds_on(date);
        let shortest = self.rows.iter().filter(on_date).map(Hours::period).min();
        let counting = self.rows.iter().filter(on_date).filter(move |row| Some(row.period()) == shortest);
        counting.filter_map(move |row| row.span_on(date))
    }

    fn next(&self, from: Timestamp, change: Change) -> Option<Timestamp> {
        let from = Instant::try_from(from).ok()?;
        if self.rows.iter().all(|row| row.opens.is_none()) {
            return None;
        }
        let latest = from.checked_add(SignedDuration::from_hours(24 * AHEAD)).unwrap_or(Instant::MAX);
        let edge = self.next_edge(from, latest, change);
        // Where the clocks are changed, it may open or close at no edge of its hours.
        let until = edge.unwrap_or(latest);
        let shifts = self.zone.following(from).map(|shift| shift.timestamp()).take_while(|shift| *shift <= until);
        let shift = shifts.into_iter().find(|shift| self.changes_at(*shift, change));
        shift.into_iter().chain(edge).min().and_then(|found| Timestamp::try_from(found).ok())
    }

    /// The first edge of the hours at which it opens or closes.
    fn next_edge(&self, from: Instant, latest: Instant, change: Change) -> Option<Instant> {
        let mut date = self.zone.to_datetime(from).date().yesterday().ok()?;
        let mut found: Option<Instant> = None;
        // Hours that begin on a later date can end before those of an earlier one.
        let mut more = 2;
        for _ in 0..AHEAD + 3 {
            for (opens, closes) in self.spans_on(date) {
                let edge = if change == Change::Opens { opens } else { closes };
                let edges = self.instants(edge).into_iter().flatten().filter(|at| from < *at && *at <= latest);
                found = edges.filter(|at| self.changes_at(*at, change)).chain(found).min();
            }
            if found.is_some() {
                more -= 1;
            }
            if more < 0 {
                break;
            }
            date = date.tomorrow().ok()?;
        }
        found
    }

    fn changes_at(&self, at: Instant, change: Change) -> bool {
        let before = at.checked_sub(INSTANT).is_ok_and(|before| self.is_open_at(before));
        let opens = self.is_open_at(at);
        (change == Change::Opens) == opens && before != opens
    }

    /// The moments at which the clock shows this time: none where it is skipped, two where it comes twice.
    fn instants(&self, wall: DateTime) -> [Option<Instant>; 2] {
        match self.zone.to_ambiguous_timestamp(wall).offset() {
            AmbiguousOffset::Unambiguous { offset } => [offset.to_timestamp(wall).ok(), None],
            AmbiguousOffset::Gap { .. } => [None, None],
            AmbiguousOffset::Fold { before, after } => [before.to_timestamp(wall).ok(), after.to_timestamp(wall).ok()],
        }
    }
}

#[cfg(test)]
mod tests;
