//! Numbers with separators, as people write them: `1,234.50`, `1.234,50`, `1 234,50`, `12,34,567.80`, `0,500`.

/// Which character is the decimal separator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// Guessed from the text: the last of two different separators; a single `.`; a single `,` unless it can separate
    /// thousands.
    Guess,
    Dot,
    Comma,
    /// No fraction: all separators are between groups.
    None,
}

/// Returns digits with at most one `.`; `None` if the separators do not form groups. Every digit is kept.
pub fn plain(text: &str, point: Point) -> Option<String> {
    let digits: String = text.chars().map(mark).collect::<Option<_>>()?;
    let at = match point {
        Point::Dot => only(&digits, '.')?,
        Point::Comma => only(&digits, ',')?,
        Point::None => None,
        Point::Guess => guess(&digits),
    };
    let (whole, fraction) = match at {
        Some(at) => (&digits[..at], &digits[at + 1..]),
        None => (digits.as_str(), ""),
    };
    let point = at.map(|at| digits.as_bytes()[at] as char);
    let whole = ungroup(whole, point)?;
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        whole => whole,
    };
    Some(if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") })
}

/// Apostrophes count as one separator, and blanks of all kinds as another. A line end or tab separates two numbers.
fn mark(letter: char) -> Option<char> {
    match letter {
        '0'..='9' | '.' | ',' => Some(letter),
        '\'' | '’' | '‘' | 'ʼ' | '´' | '`' => Some('\''),
        '\u{2028}' | '\u{2029}' => None,
        other => (other.is_whitespace() && !other.is_control()).then_some(' '),
    }
}

/// The position of the separator, which must not occur twice.
fn only(digits: &str, mark: char) -> Option<Option<usize>> {
    let mut found = digits.match_indices(mark).map(|(at, _)| at);
    let first = found.next();
    found.next().is_none().then_some(first)
}

fn guess(digits: &str) -> Option<usize> {
    let (dots, commas) = (digits.matches('.').count(), digits.matches(',').count());
    match (dots, commas) {
        (1, 0) => digits.find('.'),
        (0, 1) => digits.find(',').filter(|at| !groups_thousands(digits, *at)),
        (0, _) | (_, 0) => None,
        _ => digits.rfind(['.', ',']),
    }
}

/// `1,234` but not `0,234`, `1234,500`, `,500` or `1'234,500`.
fn groups_thousands(digits: &str, at: usize) -> bool {
    let whole = &digits[..at];
    digits.len() - at == 4
        && (1..=3).contains(&whole.len())
        && !whole.starts_with('0')
        && whole.bytes().all(|byte| byte.is_ascii_digit())
}

/// Removes the separators between groups, which must have three digits, all with the same separator and not the decimal
/// one.
fn ungroup(whole: &str, point: Option<char>) -> Option<String> {
    let Some(mark) = whole.chars().find(|character| !character.is_ascii_digit()) else { return Some(whole.to_owned()) };
    if point == Some(mark) {
        return None;
    }
    let mut groups = whole.split(mark);
    let first = groups.next().is_some_and(|group| (1..=3).contains(&group.len()));
    // Groups of two digits, as written in India with commas, are allowed too; the last one has three.
    let fits = |group: &str| group.len() == 3 || (mark == ',' && group.len() == 2);
    let sizes = groups.clone().all(fits) && groups.next_back()?.len() == 3;
    let joined: String = whole.chars().filter(|character| *character != mark).collect();
    (first && sizes && joined.bytes().all(|byte| byte.is_ascii_digit())).then_some(joined)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_read_as_they_are_meant() {
        for (text, number) in [
            ("52", "52"),
            ("1,234.50", "1234.50"),
            ("1.234,50", "1234.50"),
            ("40.000", "40.000"),
            ("1,234", "1234"),
            ("0,500", "0.500"),
            ("00,500", "0.500"),
            (",89", "0.89"),
            ("1234,500", "1234.500"),
            ("1 299,000", "1299.000"),
            ("1\u{202f}299,00", "1299.00"),
            ("1’234.50", "1234.50"),
            ("12,34,567.80", "1234567.80"),
            ("1.234.567", "1234567"),
            ("12345678901234567890.12", "12345678901234567890.12"),
        ] {
            assert_eq!(plain(text, Point::Guess).as_deref(), Some(number), "{text}");
        }
        for text in [
            "",
            ".",
            "1.2.3",
            "1,23,4",
            "9.99.99",
            "1 2",
            "12 34,5",
            "1.234,5.6",
            "1,234,5",
            "１２",
            "1e2",
            "12.34.567",
            "1_000",
            "1_000,5",
            "1\n234",
            "1\t234",
            "1\u{2028}234",
            "..7",
            ",,7",
            "1..2",
            "1.,2",
        ] {
            assert_eq!(plain(text, Point::Guess), None, "{text}");
        }
    }

    #[test]
    fn a_point_that_is_named_is_not_guessed() {
        assert_eq!(plain("1.234", Point::Comma).as_deref(), Some("1234"));
        assert_eq!(plain("1,234", Point::Dot).as_deref(), Some("1234"));
        assert_eq!(plain("0,234", Point::Comma).as_deref(), Some("0.234"));
        assert_eq!(plain("1,234", Point::Comma).as_deref(), Some("1.234"));
        for (text, point) in
            [("12,50", Point::Dot), ("1.234.567", Point::Dot), ("12.50", Point::Comma), ("1,5", Point::None)]
        {
            assert_eq!(plain(text, point), None, "{text}");
        }
    }
}
