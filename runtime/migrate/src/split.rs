//! Splits SQL text into statements, by the lexical rules of PostgreSQL.

/// One statement of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement<'a> {
    /// Starts at its first word, without the semicolon.
    pub text: &'a str,
    /// The line where it starts, from 1.
    pub line: usize,
}

impl Statement<'_> {
    /// Compares its first words in lower case, separated by single spaces: `create unique index concurrently`.
    pub fn starts_with(&self, words: &str) -> bool {
        let mut own = self.text.split_whitespace().map(str::to_ascii_lowercase);
        words.split(' ').all(|word| own.next().is_some_and(|own| own == word))
    }

    /// It opens a transaction.
    pub fn begins(&self) -> bool {
        self.starts_with("begin") || self.starts_with("start transaction")
    }

    /// It cannot run in a transaction.
    pub fn is_concurrent(&self) -> bool {
        let mut words = self.text.split_whitespace().take(4);
        self.starts_with("vacuum") || words.any(|word| word.eq_ignore_ascii_case("concurrently"))
    }

    /// It ends a transaction and commits.
    pub fn commits(&self) -> bool {
        self.starts_with("commit") || self.starts_with("end")
    }
}

/// Splits at semicolons, except in strings, quoted names, dollar quotes, comments (which nest), parentheses and the
/// bodies of SQL-standard functions (`begin atomic ... end`).
pub fn split(sql: &str) -> Vec<Statement<'_>> {
    let mut lexer = Lexer { sql, at: 0 };
    let mut statements = Vec::new();
    let mut body = Body::default();
    let mut start = None;
    let mut end = 0;
    while lexer.at < sql.len() {
        let from = lexer.at;
        let token = lexer.next();
        match token {
            Token::Blank => continue,
            Token::Semicolon if body.is_open() => {}
            Token::Semicolon => {
                if let Some(start) = start.take() {
                    statements.push(statement(sql, start, end));
                }
                body = Body::default();
                continue;
            }
            Token::Word(word) => body.word(word),
            Token::Open => body.parentheses += 1,
            Token::Close => body.parentheses = body.parentheses.saturating_sub(1),
            Token::Other => {}
        }
        start.get_or_insert(from);
        end = lexer.at;
    }
    statements.extend(start.map(|start| statement(sql, start, end)));
    statements
}

fn statement(sql: &str, start: usize, end: usize) -> Statement<'_> {
    Statement { text: &sql[start..end], line: sql[..start].matches('\n').count() + 1 }
}

/// Tracks whether a semicolon is inside an open construct.
#[derive(Default)]
struct Body {
    parentheses: usize,
    words: usize,
    /// `create [or replace] function` or `procedure` was read.
    routine: bool,
    first: String,
    blocks: usize,
}

impl Body {
    fn is_open(&self) -> bool {
        self.parentheses > 0 || self.blocks > 0
    }

    fn word(&mut self, word: &str) {
        let word = word.to_ascii_lowercase();
        self.words += 1;
        if self.words <= 4 && self.first == "create" && (word == "function" || word == "procedure") {
            self.routine = true;
        }
        match word.as_str() {
            "begin" if self.routine => self.blocks += 1,
            "case" if self.blocks > 0 => self.blocks += 1,
            "end" => self.blocks = self.blocks.saturating_sub(1),
            _ => {}
        }
        if self.words == 1 {
            self.first = word;
        }
    }
}

enum Token<'a> {
    /// White space or a comment.
    Blank,
    Word(&'a str),
    Semicolon,
    Open,
    Close,
    Other,
}

struct Lexer<'a> {
    sql: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    /// The next token. `at` is before the end and on a character boundary, and advances.
    fn next(&mut self) -> Token<'a> {
        let rest = &self.sql[self.at..];
        let Some(first) = rest.chars().next() else { return Token::Blank };
        if rest.starts_with("--") {
            self.at += rest.find('\n').unwrap_or(rest.len());
            return Token::Blank;
        }
        if rest.starts_with("/*") {
            self.at += comment(rest);
            return Token::Blank;
        }
        let escapes = matches!(rest.as_bytes(), [b'e' | b'E', b'\'', ..]);
        if first == '\'' || escapes {
            self.at += usize::from(escapes) + quoted(&rest[usize::from(escapes)..], b'\'', escapes);
            return Token::Other;
        }
        if first == '"' {
            self.at += quoted(rest, b'"', false);
            return Token::Other;
        }
        if first == '$'
            && let Some(length) = dollar_quoted(rest)
        {
            self.at += length;
            return Token::Other;
        }
        if first.is_alphabetic() || first == '_' {
            // A dollar sign may be part of a name, where it does not open a quote.
            let length = rest.find(|char: char| !char.is_alphanumeric() && char != '_' && char != '$');
            let word = &rest[..length.unwrap_or(rest.len())];
            self.at += word.len();
            return Token::Word(word);
        }
        self.at += first.len_utf8();
        match first {
            ';' => Token::Semicolon,
            '(' => Token::Open,
            ')' => Token::Close,
            blank if blank.is_whitespace() => Token::Blank,
            _ => Token::Other,
        }
    }
}

/// The length of a comment, including nested ones; to the end of the text if it is not closed.
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

/// The length of a string or name in these quotes; a doubled quote is an escaped one.
fn quoted(text: &str, quote: u8, escapes: bool) -> usize {
    let bytes = text.as_bytes();
    let mut at = 1;
    while at < bytes.len() {
        if escapes && bytes[at] == b'\\' {
            at += 2;
        } else if bytes[at] == quote {
            at += 1;
            if bytes.get(at) != Some(&quote) {
                return at;
            }
            at += 1;
        } else {
            at += 1;
        }
    }
    let mut end = at.min(bytes.len());
    while !text.is_char_boundary(end) {
        end += 1;
    }
    end
}

/// The length of `$tag$...$tag$`; `None` if the dollar sign does not open a quote.
fn dollar_quoted(text: &str) -> Option<usize> {
    let tag_end = text[1..].find('$')? + 2;
    let (tag, name) = (&text[..tag_end], &text[1..tag_end - 1]);
    let is_name = name.chars().all(|char| char.is_alphanumeric() || char == '_');
    if !is_name || name.starts_with(|char: char| char.is_ascii_digit()) {
        return None;
    }
    Some(text[tag_end..].find(tag).map_or(text.len(), |end| tag_end + end + tag.len()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(sql: &str, expected: &[&str]) {
        let texts: Vec<_> = split(sql).into_iter().map(|statement| statement.text).collect();
        assert_eq!(texts, expected);
    }

    #[test]
    fn semicolons_split_where_they_are_not_quoted() {
        check("select 1; select ';' ;", &["select 1", "select ';'"]);
        check("select 'it''s; here'; select 2", &["select 'it''s; here'", "select 2"]);
        check(r"select e'\';'; select 2", &[r"select e'\';'", "select 2"]);
        check(r#"select "a;""b"; x"#, &[r#"select "a;""b""#, "x"]);
        check("do $$ begin; end $$; x", &["do $$ begin; end $$", "x"]);
        check("do $a$ $b$ ; $$ ; $a$; x", &["do $a$ $b$ ; $$ ; $a$", "x"]);
        check("select $1; select a$b$; x", &["select $1", "select a$b$", "x"]);
    }

    #[test]
    fn comments_are_no_statements() {
        check("-- a; b\nselect 1 -- c; d\n, 2; -- e", &["select 1 -- c; d\n, 2"]);
        check("/* a; /* b; */ c; */ select 1; /* d", &["select 1"]);
        check(";;\n;", &[]);
    }

    #[test]
    fn bodies_stay_whole() {
        let body = "create function f() returns int begin atomic select case when true then 1 end; select 2; end";
        check(&format!("{body}; select 3"), &[body, "select 3"]);
        check(
            "create rule r as on insert to t do (select 1; select 2); x",
            &["create rule r as on insert to t do (select 1; select 2)", "x"],
        );
        check("begin; select 1; commit", &["begin", "select 1", "commit"]);
    }

    #[test]
    fn statements_know_their_line() {
        let lines: Vec<_> =
            split("\n-- x\nselect\n1;\n\nselect 2").into_iter().map(|statement| statement.line).collect();
        assert_eq!(lines, [3, 6]);
    }

    proptest! {
        #[test]
        fn what_is_joined_is_split_again(parts in prop::collection::vec(
            prop::sample::select(vec!["select 1", "select ';'", "do $x$ ; $$; $x$", "select \"a;b\" /* ; */ + 1", "x -- ;\n y", "e'\\'; '"]), 0..8)
        ) {
            let texts: Vec<_> = parts.join(" ;\n /* ; */").to_owned().lines().map(str::to_owned).collect();
            let joined = texts.join("\n");
            let found: Vec<_> = split(&joined).into_iter().map(|statement| statement.text).collect();
            prop_assert_eq!(found, parts);
        }

        #[test]
        fn no_text_is_too_odd(sql in "[a-z;'\"$/*\\-\\\\é()\n ]{0,60}") {
            for statement in split(&sql) {
                prop_assert!(!statement.text.trim().is_empty());
                prop_assert!(sql.contains(statement.text));
            }
        }
    }
}
