//! Reads SDL that the emitter wrote earlier, to compare the previous API with the new one.
//!
//! It accepts GraphQL type definitions except extensions, and skips descriptions and directives.

use crate::emit::sdl::{Definition, Document, Kind, Member};

/// `None` if the text is not SDL, for example after a merge conflict.
pub fn read(text: &str) -> Option<Document> {
    let tokens = tokens(text)?;
    let mut reader = Reader { tokens: &tokens };
    let mut document = Document::default();
    while !reader.tokens.is_empty() {
        reader.skip_description();
        document.definitions.push(reader.definition()?);
    }
    Some(document)
}

/// Names, numbers, strings with their quotes, and single marks. It works on bytes: the file is large and read often.
fn tokens(text: &str) -> Option<Vec<&str>> {
    let bytes = text.as_bytes();
    let mut tokens = Vec::with_capacity(bytes.len() / 16);
    let mut at = 0;
    while let Some(&first) = bytes.get(at) {
        let length = match first {
            b' ' | b'\t' | b'\r' | b'\n' | b',' => {
                at += 1;
                continue;
            }
            b'#' => {
                at += bytes[at..].iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len() - at);
                continue;
            }
            b'"' => string_length(text.get(at..)?)?,
            _ => bytes[at..].iter().position(|byte| !is_word(*byte)).unwrap_or(bytes.len() - at).max(1),
        };
        tokens.push(text.get(at..at + length)?);
        at += length;
    }
    Some(tokens)
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

fn string_length(text: &str) -> Option<usize> {
    let quotes = if text.starts_with("\"\"\"") { "\"\"\"" } else { "\"" };
    let mut from = quotes.len();
    loop {
        let end = from + text.get(from..)?.find(quotes)?;
        let slashes = text.as_bytes()[..end].iter().rev().take_while(|byte| **byte == b'\\').count();
        if slashes % 2 == 0 {
            return Some(end + quotes.len());
        }
        from = end + 1;
    }
}

struct Reader<'a> {
    tokens: &'a [&'a str],
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Option<&'a str> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first)
    }

    /// Consumes the token if it is next.
    fn take(&mut self, token: &str) -> bool {
        let found = self.tokens.first() == Some(&token);
        if found {
            self.tokens = &self.tokens[1..];
        }
        found
    }

    fn skip_description(&mut self) {
        if self.tokens.first().is_some_and(|token| token.starts_with('"')) {
            self.tokens = &self.tokens[1..];
        }
    }

    /// Directives, as written.
    fn directives(&mut self) -> Option<String> {
        let mut text = String::new();
        while self.take("@") {
            text += &format!("@{}", self.next()?);
            if self.take("(") {
                while !self.take(")") {
                    self.next()?;
                }
            }
        }
        Some(text)
    }

    fn definition(&mut self) -> Option<Definition> {
        let keyword = self.next()?;
        let kind = Kind::ALL.into_iter().find(|kind| kind.keyword() == keyword)?;
        let mut definition = Definition::new(kind, self.next()?, "");
        if self.take("implements") {
            self.take("&");
            definition.implements.push(self.next()?.to_owned());
            while self.take("&") {
                definition.implements.push(self.next()?.to_owned());
            }
        }
        definition.directive = self.directives()?;
        if kind == Kind::Union && self.take("=") {
            self.take("|");
            definition.members.push(Member::of_union(self.next()?));
            while self.take("|") {
                definition.members.push(Member::of_union(self.next()?));
            }
        }
        if self.take("{") {
            definition.members = self.members("}")?;
        }
        Some(definition)
    }

    /// Members up to the closing bracket.
    fn members(&mut self, end: &str) -> Option<Vec<Member>> {
        let mut members = Vec::new();
        loop {
            self.skip_description();
            if self.take(end) {
                return Some(members);
            }
            let mut member = Member::new(self.next()?, "", "");
            if self.take("(") {
                member.args = self.members(")")?;
            }
            if self.take(":") {
                member.ty = self.ty()?;
            }
            if self.take("=") {
                member.default = Some(self.value()?);
            }
            self.directives()?;
            members.push(member);
        }
    }

    fn ty(&mut self) -> Option<String> {
        let mut ty = if self.take("[") {
            let item = self.ty()?;
            self.take("]").then(|| format!("[{item}]"))?
        } else {
            self.next()?.to_owned()
        };
        if self.take("!") {
            ty.push('!');
        }
        Some(ty)
    }

    /// A literal; lists and objects include everything up to their closing bracket.
    fn value(&mut self) -> Option<String> {
        let first = self.next()?;
        if !matches!(first, "[" | "{") {
            return Some(first.to_owned());
        }
        let mut depth = 1;
        let mut parts = vec![first];
        while depth > 0 {
            let token = self.next()?;
            match token {
                "[" | "{" => depth += 1,
                "]" | "}" => depth -= 1,
                _ => {}
            }
            parts.push(token);
        }
        Some(parts.join(" "))
    }
}
