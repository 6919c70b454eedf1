//! Escapes text for Markdown, so that it cannot become emphasis, a link, tag, entity, table, heading, list or bare address.

/// `more`: something follows on the same line, so markup that begins at the end could continue there.
pub fn text(plain: &str, more: bool) -> String {
    let mut out = String::with_capacity(plain.len() + plain.len() / 8);
    let mut before = None;
    for (at, letter) in plain.char_indices() {
        let rest = &plain[at + letter.len_utf8()..];
        let next = rest.chars().next();
        let escaped = match letter {
            '\\' | '`' | '*' | '[' | ']' | '<' | '~' | '|' => true,
            // Inside a word it marks nothing.
            '_' => !(is_word(before) && is_word(next)),
            '&' => is_entity(rest, more),
            // With GitHub's extensions, bare addresses become links.
            ':' => rest.starts_with("//") || (more && matches!(rest, "" | "/")),
            '.' => at >= 3 && plain.as_bytes()[at - 3..at].eq_ignore_ascii_case(b"www"),
            '@' => before.is_some_and(|letter| !letter.is_whitespace()),
            _ => false,
        };
        if escaped {
            out.push('\\');
        }
        out.push(letter);
        before = Some(letter);
    }
    out
}

fn is_word(letter: Option<char>) -> bool {
    letter.is_some_and(|letter| letter.is_ascii_alphanumeric())
}

/// Whether `&` followed by this would be parsed as an entity.
fn is_entity(rest: &str, more: bool) -> bool {
    let end = rest.find(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '#')).unwrap_or(rest.len());
    match rest[end..].chars().next() {
        Some(letter) => letter == ';' && end > 0,
        None => more,
    }
}

/// Escapes the start of a paragraph's line if it could start another block.
pub fn line(line: &str) -> String {
    let marks = |letter: char| matches!(letter, '-' | '=' | ':' | ' ' | '+' | '|' | '\\');
    let bytes = line.as_bytes();
    let spaced = |at: usize| bytes.get(at).is_none_or(|byte| matches!(byte, b' ' | b'\t'));
    let at = match bytes.first() {
        Some(b'#') => {
            let level = line.find(|letter| letter != '#').unwrap_or(line.len());
            (level <= 6 && spaced(level)).then_some(0)
        }
        Some(b'>') => Some(0),
        Some(b'-' | b'+') => (spaced(1) || line.chars().all(marks)).then_some(0),
        Some(b'=' | b':') => line.chars().all(marks).then_some(0),
        Some(b'0'..=b'9') => {
            let digits = line.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(line.len());
            (digits <= 9 && matches!(bytes.get(digits), Some(b'.' | b')')) && spaced(digits + 1)).then_some(digits)
        }
        _ => None,
    };
    match at {
        Some(at) => format!("{}\\{}", &line[..at], &line[at..]),
        None => line.to_owned(),
    }
}

/// Escapes the title after an address, in quotes.
pub fn title(plain: &str) -> String {
    let mut out = String::with_capacity(plain.len());
    for letter in plain.chars() {
        if matches!(letter, '"' | '\\' | '&' | '<' | '`' | '|' | '[' | ']') {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}

/// Escapes the address of a link, in angle brackets if it contains characters that would end it.
pub fn address(to: &str) -> String {
    let mut out = String::with_capacity(to.len());
    for (at, letter) in to.char_indices() {
        if letter == '&' && is_entity(&to[at + 1..], false) {
            out.push('\\');
        }
        out.push(letter);
    }
    let ends = |letter: char| letter.is_whitespace() || matches!(letter, '(' | ')' | '[' | ']' | '*' | '_');
    if to.contains(ends) { format!("<{out}>") } else { out }
}
