//! Writes days, times of day and moments as ISO 8601, from counts of days and microseconds.

pub const DAY_MICROS: i64 = 86_400_000_000;

/// A moment in UTC, from microseconds of Unix time.
pub fn moment(micros: i64, out: &mut Vec<u8>) {
    day(micros.div_euclid(DAY_MICROS), out);
    out.push(b'T');
    clock(micros.rem_euclid(DAY_MICROS), out);
    out.push(b'Z');
}

/// A number padded with zeros.
fn digits(mut value: i64, width: usize, out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + width, b'0');
    for place in out[start..].iter_mut().rev() {
        *place += (value % 10) as u8;
        value /= 10;
    }
}

/// The civil date of a day in Unix time (Howard Hinnant's `civil_from_days`).
pub fn day(days: i64, out: &mut Vec<u8>) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    digits(year, 4, out);
    out.push(b'-');
    digits(month, 2, out);
    out.push(b'-');
    digits(day_of_year - (153 * march_month + 2) / 5 + 1, 2, out);
}

/// `09:30:00`, with microseconds if there are any.
pub fn clock(micros: i64, out: &mut Vec<u8>) {
    let seconds = micros / 1_000_000;
    digits(seconds / 3_600, 2, out);
    out.push(b':');
    digits(seconds / 60 % 60, 2, out);
    out.push(b':');
    digits(seconds % 60, 2, out);
    if micros % 1_000_000 != 0 {
        out.push(b'.');
        digits(micros % 1_000_000, 6, out);
    }
}
