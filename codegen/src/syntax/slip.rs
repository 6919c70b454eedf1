//! Finds the actual mistake in a file that is not valid YAML: parsers report it late, and only as what they expected.

/// A mistake, and its byte range.
#[derive(Debug, PartialEq, Eq)]
pub struct Slip {
    pub start: usize,
    pub end: usize,
    pub message: String,
    pub help: &'static str,
}

/// An unresolved merge conflict.
pub fn conflict(text: &str) -> Option<Slip> {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        if ["<<<<<<< ", ">>>>>>> "].iter().any(|mark| line.starts_with(mark)) {
            let message = "a merge conflict is not resolved".to_owned();
            let help =
                "keep the right parts of both sides, and remove the lines with `<<<<<<<`, `=======` and `>>>>>>>`";
            return Some(Slip { start, end: start + line.trim_end().len(), message, help });
        }
        start += line.len();
    }
    None
}

/// The likely cause of a parser error at this byte.
pub fn find(text: &str, at: usize) -> Option<Slip> {
    tab(text, at).or_else(|| open(text, at))
}

/// The first tab that indents a line before this position.
fn tab(text: &str, at: usize) -> Option<Slip> {
    let mut start = 0;
    for line in text.split_inclusive('\n').take_while(|line| {
        let before = start <= at;
        start += line.len();
        before
    }) {
        let begin = line.as_ptr() as usize - text.as_ptr() as usize;
        let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
        if let Some(tab) = line[..indent].find('\t').filter(|_| indent < line.trim_end().len()) {
            let message = "the line is indented with a tab, but YAML takes only spaces".to_owned();
            let help = "indent with two spaces";
            return Some(Slip { start: begin + tab, end: begin + indent, message, help });
        }
    }
    None
}

/// The innermost bracket or quote still open at this position and opened on an earlier line.
fn open(text: &str, at: usize) -> Option<Slip> {
    let bytes = &text.as_bytes()[..at.min(text.len())];
    let mut stack: Vec<(u8, usize)> = Vec::new();
    let (mut index, mut quote) = (0, None::<(u8, usize)>);
    while index < bytes.len() {
        let byte = bytes[index];
        let begins = index == 0 || b" \t\n[{,:-".contains(&bytes[index - 1]);
        match quote {
            Some((b'"', _)) if byte == b'\\' => index += 1,
            Some((mark, _)) if byte == mark => quote = None,
            Some(_) => {}
            None if (byte == b'"' || byte == b'\'') && begins => quote = Some((byte, index)),
            None if byte == b'#' && begins => {
                index += bytes[index..].iter().take_while(|byte| **byte != b'\n').count();
                continue;
            }
            None if (byte == b'{' || byte == b'[') && (begins || !stack.is_empty()) => stack.push((byte, index)),
            None if byte == b'}' || byte == b']' => drop(stack.pop()),
            None => {}
        }
        index += 1;
    }
    let (mark, start) = quote.or_else(|| stack.last().copied())?;
    let earlier = bytes[start..].contains(&b'\n');
    let message = format!("`{}` is not closed", char::from(mark));
    let help = match mark {
        b'{' => "write `}` where it ends",
        b'[' => "write `]` where it ends",
        _ => "write the same quote where the text ends",
    };
    earlier.then_some(Slip { start, end: start + 1, message, help })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asserts that the marked position is the one found.
    #[track_caller]
    fn check(marked: &str, at: &str, message: &str) {
        let start = marked.find('^').expect("a mark");
        let text = marked.replacen('^', "", 1);
        let at = text.find(at).expect("the place");
        let found = find(&text, at).unwrap_or_else(|| panic!("nothing is found in {text}"));
        assert_eq!((found.start, found.message.as_str()), (start, message), "{text}");
    }

    #[test]
    fn the_cause_is_found_and_not_the_place_where_it_is_noticed() {
        check("a:\n  b: ^{ c: d\n  e: f\n", "e", "`{` is not closed");
        check("a: ^\"b\nc: d\n", "d", "`\"` is not closed");
        check("a:\n^\tb: c\n", "b", "the line is indented with a tab, but YAML takes only spaces");
        check("a:\n  b: 1\n ^\t c: 2\nd: 3\n", "d", "the line is indented with a tab, but YAML takes only spaces");
    }

    #[test]
    fn what_is_closed_or_no_mark_is_not_blamed() {
        for text in ["a: { b: c }\nd: ]", "a: don't\nb: ]", "# { \na: ]", "a: \"{\"\nb: ]", "a: x{y\nb: ]"] {
            assert_eq!(find(text, text.len() - 1), None, "{text}");
        }
        assert_eq!(conflict("a: 1\n=======\n"), None);
        assert_eq!(conflict("a: 1\n<<<<<<< HEAD\nb: 2\n").map(|slip| (slip.start, slip.end)), Some((5, 17)));
    }
}
