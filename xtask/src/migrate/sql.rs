//! Splits a migration into statements with the comments above them.
//!
//! The lexical rules match those of the runner's splitter, which this crate cannot use: its build would wait for the
//! server's.

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Statement {
    /// Without the semicolon and dollar-quoted strings.
    pub text: String,
    /// Its first line, counted from 1.
    pub line: usize,
    /// The comment lines above it, without the dashes.
    pub comments: Vec<String>,
}

pub fn split(sql: &str) -> Vec<Statement> {
    let mut statements = Vec::new();
    let mut current = Statement::default();
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => comment(rest),
            '\'' | '"' => rest[1..].find(first).map_or(rest.len(), |end| end + 2),
            '$' => dollar_quoted(rest).unwrap_or(1),
            _ => first.len_utf8(),
        };
        let token = &rest[..length];
        rest = &rest[length..];
        match token {
            ";" => {
                let done = std::mem::take(&mut current);
                if !done.text.trim().is_empty() {
                    statements.push(done);
                }
            }
            _ if token.starts_with("--") && current.text.is_empty() => {
                current.comments.push(token.trim_start_matches('-').trim().to_owned());
            }
            _ if token.starts_with("--") || token.starts_with("/*") => {}
            _ if token.starts_with('$') && token.len() > 1 => current.text.push_str("''"),
            _ if current.text.is_empty() && token.trim().is_empty() => {}
            _ => {
                if current.text.is_empty() {
                    current.line = sql[..sql.len() - rest.len() - token.len()].matches('\n').count() + 1;
                }
                current.text.push_str(token);
            }
        }
    }
    if !current.text.trim().is_empty() {
        statements.push(current);
    }
    statements
}

/// The length of a comment, including nested comments.
fn comment(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (mut depth, mut at) = (0_usize, 0);
    while at < bytes.len() {
        match &bytes[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    bytes.len()
}

/// The length of `$tag$...$tag$`; `None` if the dollar sign does not open a quote.
fn dollar_quoted(text: &str) -> Option<usize> {
    let end = text[1..].find('$')? + 2;
    let tag = &text[..end];
    let is_name = tag[1..end - 1].chars().all(|char| char.is_alphanumeric() || char == '_');
    is_name.then(|| text[end..].find(tag).map_or(text.len(), |at| end + at + tag.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_belong_to_the_statement_below_them() {
        let found = split("-- a\n-- b\nselect ';'; do $x$ ; $x$;\n-- c\n");
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].comments.as_slice(), found[0].line), (["a".to_owned(), "b".to_owned()].as_slice(), 3));
        assert_eq!((found[1].text.as_str(), found[1].comments.len()), ("do ''", 0));
    }
}
