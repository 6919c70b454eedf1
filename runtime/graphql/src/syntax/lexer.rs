//! The tokens of a document, as section 2.1 of the specification defines them. Rejects text that is not a token.

use std::borrow::Cow;

use async_graphql::parser::Pos;

use super::{refused, too_many};
use crate::rules::Broken;

/// The maximum number of tokens; usual documents have hundreds.
const MAX_TOKENS: usize = 8_000;
/// The maximum nesting of brackets of any kind, since all document code recurses.
const MAX_NESTING: usize = 60;
/// The maximum length of a name.
const MAX_NAME: usize = 128;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// A bracket, `:`, `...` or similar.
    Mark,
    Name,
    Int,
    Float,
    /// A string in either form of quotes.
    Text,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Token<'a> {
    pub kind: TokenKind,
    /// The source text; for a string, its value.
    pub text: Cow<'a, str>,
    pub pos: Pos,
}

struct Lexer<'a> {
    source: &'a str,
    at: usize,
    line: usize,
    nesting: usize,
    /// Columns are counted in UTF-16 code units, as editors and other servers do, up to `counted`.
    column: usize,
    counted: usize,
}

/// The tokens of a document, up to its end or the first error.
pub struct Tokens<'a> {
    pub tokens: Vec<Token<'a>>,
    pub end: Pos,
    /// The error after the last token, if it is not the end.
    pub broken: Option<Broken>,
}

pub fn tokens(source: &str) -> Tokens<'_> {
    let mut lexer = Lexer { source, at: 0, line: 1, nesting: 0, column: 1, counted: 0 };
    let mut tokens = Vec::new();
    loop {
        lexer.skip_ignored();
        let end = lexer.pos();
        let broken = match lexer.token(end) {
            Ok(Some(token)) if tokens.len() < MAX_TOKENS => {
                tokens.push(token);
                continue;
            }
            Ok(Some(_)) => Some(too_many("document", "tokens", MAX_TOKENS, end)),
            Ok(None) => None,
            Err(broken) => Some(broken),
        };
        return Tokens { tokens, end, broken };
    }
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.source[self.at..]
    }

    fn byte(&self) -> Option<u8> {
        self.source.as_bytes().get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.byte() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// The position of the next byte.
    fn pos(&mut self) -> Pos {
        let passed = &self.source[self.counted..self.at];
        self.column += passed.chars().map(char::len_utf16).sum::<usize>();
        self.counted = self.at;
        Pos { line: self.line, column: self.column }
    }

    fn line_ends(&mut self) {
        self.at += if self.rest().starts_with("\r\n") { 2 } else { 1 };
        self.line += 1;
        self.column = 1;
        self.counted = self.at;
    }

    fn skip_ignored(&mut self) {
        while let Some(byte) = self.byte() {
            match byte {
                b' ' | b'\t' | b',' => self.at += 1,
                b'\n' | b'\r' => self.line_ends(),
                b'#' => self.at += self.rest().find(['\n', '\r']).unwrap_or(self.rest().len()),
                _ if self.rest().starts_with('\u{feff}') => self.at += '\u{feff}'.len_utf8(),
                _ => return,
            }
        }
    }

    fn token(&mut self, pos: Pos) -> Result<Option<Token<'a>>, Broken> {
        let start = self.at;
        let Some(byte) = self.byte() else { return Ok(None) };
        let kind = match byte {
            b'!' | b'$' | b'&' | b'(' | b')' | b':' | b'=' | b'@' | b'[' | b']' | b'{' | b'|' | b'}' => {
                self.at += 1;
                self.nest(byte, pos)?;
                TokenKind::Mark
            }
            b'.' if self.rest().starts_with("...") => {
                self.at += 3;
                TokenKind::Mark
            }
            b'_' | b'a'..=b'z' | b'A'..=b'Z' => {
                let is_part = |byte: &u8| *byte == b'_' || byte.is_ascii_alphanumeric();
                self.at += self.rest().bytes().take_while(is_part).count();
                if self.at - start > MAX_NAME {
                    return Err(too_many("name", "characters", MAX_NAME, pos));
                }
                TokenKind::Name
            }
            b'-' | b'0'..=b'9' => self.number()?,
            b'"' => {
                let text = if self.rest().starts_with("\"\"\"") { self.block()? } else { self.string()? };
                return Ok(Some(Token { kind: TokenKind::Text, text: text.into(), pos }));
            }
            _ => return Err(self.unexpected("it has no meaning")),
        };
        Ok(Some(Token { kind, text: self.source[start..self.at].into(), pos }))
    }

    fn nest(&mut self, mark: u8, pos: Pos) -> Result<(), Broken> {
        match mark {
            b'(' | b'[' | b'{' => self.nesting += 1,
            b')' | b']' | b'}' => self.nesting = self.nesting.saturating_sub(1),
            _ => {}
        }
        if self.nesting > MAX_NESTING { Err(too_many("document", "nested brackets", MAX_NESTING, pos)) } else { Ok(()) }
    }

    fn number(&mut self) -> Result<TokenKind, Broken> {
        let mut kind = TokenKind::Int;
        self.eat(b'-');
        if self.eat(b'0') {
            if self.byte().is_some_and(|byte| byte.is_ascii_digit()) {
                return Err(self.unexpected("a number cannot have a leading 0"));
            }
        } else {
            self.digits()?;
        }
        if self.eat(b'.') {
            kind = TokenKind::Float;
            self.digits()?;
        }
        if self.eat(b'e') || self.eat(b'E') {
            kind = TokenKind::Float;
            let _ = self.eat(b'+') || self.eat(b'-');
            self.digits()?;
        }
        if self.byte().is_some_and(|byte| byte == b'.' || byte == b'_' || byte.is_ascii_alphabetic()) {
            return Err(self.unexpected("a number has ended: a space is missing, or there is one letter too many"));
        }
        Ok(kind)
    }

    fn digits(&mut self) -> Result<(), Broken> {
        let digits = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            return Err(self.unexpected("expected a digit"));
        }
        self.at += digits;
        Ok(())
    }

    /// Reads a string with its quotes.
    fn string(&mut self) -> Result<String, Broken> {
        self.at += 1;
        let mut text = String::new();
        loop {
            let plain = self.rest().find(['"', '\\', '\n', '\r']).unwrap_or(self.rest().len());
            text.push_str(&self.rest()[..plain]);
            self.at += plain;
            match self.byte() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(text);
                }
                Some(b'\\') => text.push(self.escape()?),
                _ => return Err(refused("the string has no closing quote on its line", self.pos())),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Broken> {
        let pos = self.pos();
        let rest = &self.rest()[1..];
        let (character, length) = match rest.as_bytes().first() {
            Some(b'"') => (Some('"'), 1),
            Some(b'\\') => (Some('\\'), 1),
            Some(b'/') => (Some('/'), 1),
            Some(b'b') => (Some('\u{8}'), 1),
            Some(b'f') => (Some('\u{c}'), 1),
            Some(b'n') => (Some('\n'), 1),
            Some(b'r') => (Some('\r'), 1),
            Some(b't') => (Some('\t'), 1),
            Some(b'u') => unicode(&rest[1..]).map_or((None, 0), |(code, length)| (char::from_u32(code), 1 + length)),
            _ => (None, 0),
        };
        self.at += 1 + length;
        character.ok_or_else(|| {
            let shown: String = rest.chars().take(6).take_while(|character| !character.is_control()).collect();
            refused(format!("`\\{shown}` begins with no escape of a character"), pos)
        })
    }

    /// Reads a block string with its quotes.
    fn block(&mut self) -> Result<String, Broken> {
        self.at += 3;
        let mut lines = vec![String::new()];
        loop {
            let rest = self.rest();
            let plain = rest.find(['"', '\\', '\n', '\r']).unwrap_or(rest.len());
            let (line, rest) = (lines.len() - 1, &rest[plain..]);
            lines[line].push_str(&self.rest()[..plain]);
            self.at += plain;
            if rest.starts_with("\"\"\"") {
                self.at += 3;
                return Ok(unindented(&lines));
            }
            if rest.starts_with("\\\"\"\"") {
                lines[line].push_str("\"\"\"");
                self.at += 4;
                continue;
            }
            match rest.chars().next() {
                Some('\n' | '\r') => {
                    self.line_ends();
                    lines.push(String::new());
                }
                Some(quote_or_backslash) => {
                    lines[line].push(quote_or_backslash);
                    self.at += 1;
                }
                None => return Err(refused("the block string has no closing quotes", self.pos())),
            }
        }
    }

    fn unexpected(&mut self, expected: &str) -> Broken {
        let found = self.rest().chars().next();
        let found = found.map_or("the end of the document".to_owned(), |found| format!("`{}`", found.escape_debug()));
        refused(format!("{found} stands where {expected}"), self.pos())
    }
}

/// The code point after `\u` and its length; two escapes may be surrogate halves of one character.
fn unicode(text: &str) -> Option<(u32, usize)> {
    if let Some(braced) = text.strip_prefix('{') {
        // Eight digits suffice for any code point with leading zeros.
        let length = braced.find('}').filter(|length| (1..=8).contains(length))?;
        return Some((hex(&braced[..length])?, length + 2));
    }
    let first = hex(text.get(..4)?)?;
    if !(0xD800..0xDC00).contains(&first) {
        return Some((first, 4));
    }
    let second = hex(text.get(4..)?.strip_prefix("\\u")?.get(..4)?)?;
    let is_second_half = (0xDC00..0xE000).contains(&second);
    is_second_half.then(|| (0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00), 10))
}

fn hex(digits: &str) -> Option<u32> {
    // `from_str_radix` would accept a sign.
    let all_digits = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    u32::from_str_radix(digits, 16).ok().filter(|_| all_digits)
}

/// `BlockStringValue` of the specification: removes the common indentation and empty lines at both ends.
fn unindented(lines: &[String]) -> String {
    let indent = |line: &str| line.len() - line.trim_start_matches([' ', '\t']).len();
    let has_content = |line: &String| indent(line) < line.len();
    let common = lines.iter().skip(1).filter(|line| has_content(line)).map(|line| indent(line)).min().unwrap_or(0);
    let first = lines.iter().position(has_content).unwrap_or(lines.len());
    let last = lines.iter().rposition(has_content).map_or(first, |last| last + 1);
    let shown = lines.iter().enumerate().take(last).skip(first).map(|(index, line)| match index {
        0 => line.as_str(),
        _ => line.get(common..).unwrap_or_default(),
    });
    shown.collect::<Vec<_>>().join("\n")
}
