//! A look at the text of a document before it is parsed: the parser recurses, so nesting and size are bounded here.
//!
//! It also finds keys given twice in one input object (5.6.3), which the parser's map would lose.

use std::collections::HashSet;

use async_graphql::parser::Pos;

use crate::error::{Code, Problem};
use crate::graphql::rules::Broken;

/// Tokens of one document; hand-written and generated ones have hundreds.
const MAX_TOKENS: usize = 8_000;
/// Brackets inside brackets, of any kind.
const MAX_NESTING: usize = 60;
/// Characters of one name.
const MAX_NAME: usize = 128;

enum Bracket<'a> {
    /// `(` and `[`, and the braces of a selection.
    Plain,
    /// The braces of an input object, with its keys so far.
    Object(HashSet<&'a str>),
}

struct Scan<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    line_start: usize,
    tokens: usize,
    open: Vec<Bracket<'a>>,
    parentheses: usize,
    last_name: Option<&'a str>,
}

/// Refuses what is too long or too deep to be parsed. Other mistakes are left to the parser.
pub fn scan(document: &str) -> Result<(), Broken> {
    let mut scan = Scan {
        text: document,
        at: 0,
        line: 1,
        line_start: 0,
        tokens: 0,
        open: Vec::new(),
        parentheses: 0,
        last_name: None,
    };
    while let Some(byte) = scan.peek() {
        scan.token(byte)?;
    }
    Ok(())
}

impl<'a> Scan<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn token(&mut self, byte: u8) -> Result<(), Broken> {
        match byte {
            b'\n' => {
                self.at += 1;
                self.line += 1;
                self.line_start = self.at;
                return Ok(());
            }
            b' ' | b'\t' | b'\r' | b',' | 0xEF | 0xBB | 0xBF => {
                self.at += 1;
                return Ok(());
            }
            b'#' => {
                self.skip_while(|byte| byte != b'\n' && byte != b'\r');
                return Ok(());
            }
            b'"' => self.string(),
            b'(' | b'[' | b'{' => self.open(byte)?,
            b')' | b']' | b'}' => self.close(byte),
            b':' => self.key()?,
            b'_' | b'a'..=b'z' | b'A'..=b'Z' => {
                let start = self.at;
                self.skip_while(|byte| byte == b'_' || byte.is_ascii_alphanumeric());
                self.name(&self.text[start..self.at])?;
                return self.count();
            }
            b'0'..=b'9' | b'-' => {
                self.skip_while(|byte| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E'))
            }
            _ => self.at += 1,
        }
        self.last_name = None;
        self.count()
    }

    fn count(&mut self) -> Result<(), Broken> {
        self.tokens += 1;
        if self.tokens > MAX_TOKENS { Err(self.limit("document", "tokens", MAX_TOKENS)) } else { Ok(()) }
    }

    fn name(&mut self, name: &'a str) -> Result<(), Broken> {
        self.last_name = Some(name);
        if name.len() > MAX_NAME { Err(self.limit("name", "characters", MAX_NAME)) } else { Ok(()) }
    }

    fn skip_while(&mut self, skip: impl Fn(u8) -> bool) {
        while self.peek().is_some_and(&skip) {
            self.at += 1;
        }
    }

    fn string(&mut self) {
        let rest = &self.text[self.at..];
        if let Some(block) = rest.strip_prefix("\"\"\"") {
            let end = block_end(block).map_or(rest.len(), |end| end + 3);
            for (index, _) in rest[..end].match_indices('\n') {
                self.line += 1;
                self.line_start = self.at + index + 1;
            }
            self.at += end;
            return;
        }
        self.at += 1;
        while let Some(byte) = self.peek() {
            match byte {
                b'\n' => return,
                b'"' => {
                    self.at += 1;
                    return;
                }
                // The character behind a backslash is skipped whatever it is; it may have several bytes.
                b'\\' => self.at += 1 + self.text[self.at + 1..].chars().next().map_or(0, char::len_utf8),
                _ => self.at += 1,
            }
        }
    }

    fn open(&mut self, byte: u8) -> Result<(), Broken> {
        self.at += 1;
        self.parentheses += usize::from(byte == b'(');
        let is_object = byte == b'{' && self.parentheses > 0;
        self.open.push(if is_object { Bracket::Object(HashSet::new()) } else { Bracket::Plain });
        if self.open.len() > MAX_NESTING { Err(self.limit("document", "nested brackets", MAX_NESTING)) } else { Ok(()) }
    }

    fn close(&mut self, byte: u8) {
        self.at += 1;
        self.parentheses = self.parentheses.saturating_sub(usize::from(byte == b')'));
        self.open.pop();
    }

    fn key(&mut self) -> Result<(), Broken> {
        self.at += 1;
        if let (Some(Bracket::Object(keys)), Some(key)) = (self.open.last_mut(), self.last_name)
            && !keys.insert(key)
        {
            let message = format!("the input field `{key}` is given twice");
            return Err(Broken { problem: Problem::new(Code::GraphqlValidationFailed, message), pos: self.pos() });
        }
        Ok(())
    }

    fn limit(&self, what: &str, unit: &str, limit: usize) -> Broken {
        let message = format!("the {what} has more than {limit} {unit}");
        let details = serde_json::json!({"limit": limit});
        Broken { problem: Problem::new(Code::LimitExceeded, message).details(details), pos: self.pos() }
    }

    fn pos(&self) -> Pos {
        Pos { line: self.line, column: self.at.saturating_sub(self.line_start) + 1 }
    }
}

/// Behind the closing quotes of a block string, the text being what follows the opening ones.
fn block_end(text: &str) -> Option<usize> {
    let mut from = 0;
    loop {
        let quotes = from + text[from..].find("\"\"\"")?;
        if quotes == 0 || text.as_bytes()[quotes - 1] != b'\\' {
            return Some(quotes + 3);
        }
        from = quotes + 3;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_twice_in_one_object_is_refused_and_an_alias_twice_is_not() {
        let message = |document| scan(document).err().map(|broken| broken.problem.message);
        assert_eq!(message("{ a(x: {k: 1, k: 2}) }").as_deref(), Some("the input field `k` is given twice"));
        assert_eq!(message("{ k: a k: a(x: {k: {k: 1}, l: [{k: 1}, {k: 2}]}) { k: b k: b } }"), None);
        assert_eq!(message("query A($k: I = {k: 1}) { a(x: $k) }"), None);
    }

    #[test]
    fn strings_and_comments_are_no_tokens_of_theirs() {
        let text = r####"{ a(x: "{[(\"{é", y: """ { \""" ( "é """, z: "\é") # ((((
        }"####;
        assert!(scan(text).is_ok());
        assert!(scan(&format!("{{ a(x: \"{}\") }}", "(".repeat(500))).is_ok());
        assert!(scan(&"(".repeat(500)).is_err());
    }

    #[test]
    fn any_text_ends() {
        for text in ["\"", "\"\\", "\"\"\"", "\"\"\"\\\"\"\"", "é", "\u{feff}{a}", "{a(b:\"\\", "}}})))"] {
            let _ = scan(text);
        }
    }
}
