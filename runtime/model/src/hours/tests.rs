//! Opening hours against a clock that is read every minute.

use jiff::ToSpan as _;
use jiff::civil::{date, time};
use proptest::prelude::*;

use super::*;

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

fn weekly(day: Weekday, opens: Time, closes: Time) -> Hours {
    Hours { day: Some(day), opens: Some(opens), closes: Some(closes), ..Hours::default() }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn shown(found: Option<Timestamp>) -> String {
    found.map_or_else(|| "never".to_owned(), |found| found.to_string())
}

#[test]
fn hours_are_those_of_the_clock_on_the_wall() {
    let every_day = |opens, closes| Hours { opens: Some(opens), closes: Some(closes), ..Hours::default() };
    let morning =
        OpeningHours { zone: zone("Europe/Berlin"), rows: vec![every_day(time(8, 0, 0, 0), time(12, 0, 0, 0))] };
    // An hour earlier in UTC once clocks have gone forward.
    assert_eq!(shown(morning.next_opening(at("2026-03-28T06:59:00Z"))), "2026-03-28T07:00:00Z");
    assert_eq!(shown(morning.next_opening(at("2026-03-28T07:00:00Z"))), "2026-03-29T06:00:00Z");
    assert_eq!(shown(morning.next_closing(at("2026-03-29T06:00:00Z"))), "2026-03-29T10:00:00Z");
    // 02:30 is skipped: it opens when the clock shows 03:00.
    let early =
        OpeningHours { zone: zone("Europe/Berlin"), rows: vec![every_day(time(2, 30, 0, 0), time(4, 0, 0, 0))] };
    assert_eq!(shown(early.next_opening(at("2026-03-29T00:00:00Z"))), "2026-03-29T01:00:00Z");
    // From 02:00 to 02:30, which comes twice.
    let twice =
        OpeningHours { zone: zone("Europe/Berlin"), rows: vec![every_day(time(2, 0, 0, 0), time(2, 30, 0, 0))] };
    assert_eq!(shown(twice.next_opening(at("2026-10-24T23:00:00Z"))), "2026-10-25T00:00:00Z");
    assert_eq!(shown(twice.next_closing(at("2026-10-25T00:00:00Z"))), "2026-10-25T00:30:00Z");
    assert_eq!(shown(twice.next_opening(at("2026-10-25T00:00:00Z"))), "2026-10-25T01:00:00Z");
    assert_eq!(shown(twice.next_closing(at("2026-10-25T01:00:00Z"))), "2026-10-25T01:30:00Z");
    // The same times around the clock are 24 hours, which never end.
    let always =
        OpeningHours { zone: zone("Europe/Berlin"), rows: vec![every_day(time(6, 0, 0, 0), time(6, 0, 0, 0))] };
    assert!(always.is_open(at("2026-03-29T01:00:00Z")));
    assert_eq!(shown(always.next_closing(at("2026-01-01T00:00:00Z"))), "never");
}

#[test]
fn a_night_belongs_to_the_date_on_which_it_begins() {
    let closed = |from, through| Hours { valid_from: Some(from), valid_through: Some(through), ..Hours::default() };
    let late = OpeningHours {
        zone: zone("Europe/Vienna"),
        rows: vec![
            weekly(Weekday::Wednesday, time(20, 0, 0, 0), time(2, 0, 0, 0)),
            weekly(Weekday::Thursday, time(20, 0, 0, 0), time(2, 0, 0, 0)),
            closed(date(2026, 12, 24), date(2026, 12, 26)),
        ],
    };
    // Thursday the 24th is closed, but the night before goes on until two.
    assert!(late.is_open(at("2026-12-24T00:30:00Z")));
    assert!(!late.is_open(at("2026-12-24T20:00:00Z")));
    assert_eq!(shown(late.next_opening(at("2026-12-24T00:30:00Z"))), "2026-12-30T19:00:00Z");
}

#[test]
fn the_shortest_period_counts() {
    let of = |from: Option<Date>, through: Option<Date>, opens: i8| Hours {
        opens: Some(time(opens, 0, 0, 0)),
        closes: Some(time(18, 0, 0, 0)),
        valid_from: from,
        valid_through: through,
        ..Hours::default()
    };
    let (june, august) = (date(2026, 6, 1), date(2026, 8, 31));
    let day = date(2026, 7, 14);
    let rows = vec![
        of(None, None, 9),
        of(Some(date(2026, 5, 1)), None, 10),
        of(Some(june), Some(august), 11),
        of(Some(day), Some(day), 15),
        of(Some(day), Some(day), 12),
    ];
    let hours = OpeningHours { zone: TimeZone::UTC, rows };
    for (from, opens) in [
        ("2026-04-01T00:00:00Z", "2026-04-01T09:00:00Z"),
        ("2026-05-02T00:00:00Z", "2026-05-02T10:00:00Z"),
        ("2026-06-02T00:00:00Z", "2026-06-02T11:00:00Z"),
        ("2026-07-14T00:00:00Z", "2026-07-14T12:00:00Z"),
    ] {
        assert_eq!(shown(hours.next_opening(at(from))), opens);
    }
}

#[test]
fn a_search_ends() {
    let day = date(2030, 1, 1);
    let once =
        Hours { opens: Some(time(9, 0, 0, 0)), valid_from: Some(day), valid_through: Some(day), ..Hours::default() };
    let hours = OpeningHours { zone: zone("America/New_York"), rows: vec![once] };
    assert_eq!(shown(hours.next_opening(at("2028-11-01T00:00:00Z"))), "never");
    assert_eq!(shown(hours.next_opening(at("2029-01-01T00:00:00Z"))), "2030-01-01T14:00:00Z");
    assert_eq!(shown(hours.next_closing(at("2029-01-01T00:00:00Z"))), "2030-01-02T05:00:00Z");
    for edge in [Timestamp::MIN, Timestamp::MAX, at("9999-12-30T00:00:00Z")] {
        let always =
            OpeningHours { rows: vec![Hours { opens: Some(time(9, 0, 0, 0)), ..Hours::default() }], ..hours.clone() };
        let _ = (always.is_open(edge), always.next_opening(edge), always.next_closing(edge));
    }
}

#[test]
fn faults_are_named() {
    let (first, last) = (Some(date(2026, 1, 2)), Some(date(2026, 1, 1)));
    let fault = |hours: Hours| hours.fault().map(|(field, _)| field);
    assert_eq!(fault(Hours { closes: Some(Time::MIN), ..Hours::default() }), Some("opens"));
    assert_eq!(fault(Hours { valid_from: first, valid_through: last, ..Hours::default() }), Some("validThrough"));
    assert_eq!(fault(Hours::default()), None);
}

/// Days around which clocks are changed: forward and back, by half an hour, at midnight, and a day that was left out.
const PLACES: &[(&str, Date)] = &[
    ("Europe/Berlin", date(2026, 3, 29)),
    ("Europe/Berlin", date(2026, 10, 25)),
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("Pacific/Apia", date(2011, 12, 30)),
    ("America/Sao_Paulo", date(2018, 11, 4)),
    ("America/Sao_Paulo", date(2018, 2, 18)),
    ("Africa/Casablanca", date(2026, 2, 15)),
    ("UTC", date(2026, 6, 1)),
];
const DAYS: i32 = 6;

/// Often in the hours in which clocks are changed.
fn clock() -> impl Strategy<Value = Time> {
    prop_oneof![0..48_i32, 0..8_i32].prop_map(|half| time((half / 2) as i8, (half % 2 * 30) as i8, 0, 0))
}

fn row(around: Date) -> impl Strategy<Value = Hours> {
    let day = prop::option::of((1..=7_i8).prop_map(|day| Weekday::from_monday_one_offset(day).unwrap()));
    let dates = (-7..7_i32, 0..5_i32).prop_map(move |(start, length)| {
        let from = around.checked_add(start.days()).unwrap();
        (Some(from), Some(from.checked_add(length.days()).unwrap()))
    });
    let dates = prop_oneof![2 => Just((None, None)), 1 => dates.clone(), 1 => dates.prop_map(|(from, _)| (from, None))];
    let times = prop_oneof![1 => Just((None, None)), 6 => (clock(), prop::option::weighted(0.9, clock())).prop_map(|(opens, closes)| (Some(opens), closes))];
    (day, times, dates).prop_map(|(day, (opens, closes), (valid_from, valid_through))| Hours {
        day,
        opens,
        closes,
        valid_from,
        valid_through,
    })
}

fn minute_of(time: Time) -> i32 {
    i32::from(time.hour()) * 60 + i32::from(time.minute())
}

/// The rows that count on a date, said in another way than above.
fn counting(rows: &[Hours], date: Date) -> Vec<Hours> {
    let days = |date: Date| date.duration_since(jiff::civil::date(2000, 1, 1)).as_hours() / 24;
    let length = |row: &Hours| row.valid_through.map_or(10_000_000, days) - row.valid_from.map_or(-10_000_000, days);
    let on: Vec<_> = rows
        .iter()
        .filter(|row| row.day.is_none() || row.day == Some(date.weekday()))
        .filter(|row| row.valid_from.is_none_or(|from| date >= from))
        .filter(|row| row.valid_through.is_none_or(|through| date <= through))
        .collect();
    let least = on.iter().map(|row| length(row)).min();
    on.into_iter().filter(|row| Some(length(row)) == least).copied().collect()
}

/// Whether it is open at this minute of the wall, by the rows of the date and of the one before.
fn shows_open(today: &[Hours], yesterday: &[Hours], now: i32) -> bool {
    let opened_today = today.iter().any(|row| {
        let Some(opens) = row.opens.map(minute_of) else { return false };
        let closes = row.closes.map_or(1440, minute_of);
        now >= opens && (now < closes || closes <= opens)
    });
    let goes_on = yesterday.iter().any(|row| {
        let (Some(opens), Some(closes)) = (row.opens.map(minute_of), row.closes.map(minute_of)) else { return false };
        closes <= opens && now < closes
    });
    opened_today || goes_on
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(250))]

    #[test]
    fn it_is_what_a_clock_read_every_minute_says(
        (place, rows) in (0..PLACES.len()).prop_flat_map(|place| {
            (Just(place), prop::collection::vec(row(PLACES[place].1), 0..6))
        }),
        asked in prop::collection::vec(prop_oneof![0..DAYS * 1440, DAYS * 720 - 1440..DAYS * 720 + 1440], 10),
    ) {
        let (name, around) = PLACES[place];
        let hours = OpeningHours { zone: zone(name), rows };
        let start = around.checked_sub((DAYS / 2).days()).unwrap().to_zoned(TimeZone::UTC).unwrap().timestamp();
        let minute = |index: i32| start.checked_add(SignedDuration::from_mins(index.into())).unwrap();
        let mut by_date = std::collections::HashMap::new();
        let open: Vec<bool> = (0..DAYS * 1440)
            .map(|index| {
                let wall = hours.zone.to_datetime(minute(index));
                let mut on = |date: Date| by_date.entry(date).or_insert_with(|| counting(&hours.rows, date)).clone();
                let (today, yesterday) = (on(wall.date()), on(wall.date().yesterday().unwrap()));
                shows_open(&today, &yesterday, minute_of(wall.time()))
            })
            .collect();
        for (index, open) in open.iter().enumerate() {
            let at = minute(index as i32);
            prop_assert_eq!(hours.is_open(at.try_into().unwrap()), *open, "{} {}", name, at);
        }
        for from in asked {
            for change in [Change::Opens, Change::Closes] {
                let expected = (from + 1..DAYS * 1440).find(|index| {
                    let at = *index as usize;
                    open[at] == (change == Change::Opens) && open[at - 1] != open[at]
                });
                let found = hours.next(minute(from).try_into().unwrap(), change);
                let found = found.map(|found| Instant::try_from(found).unwrap());
                match expected {
                    Some(index) => prop_assert_eq!(found, Some(minute(index)), "{} {:?} after {}", name, change, minute(from)),
                    None => prop_assert!(found.is_none_or(|found| found >= minute(DAYS * 1440)), "{} {:?} {:?}", name, change, found),
                }
            }
        }
    }
}
