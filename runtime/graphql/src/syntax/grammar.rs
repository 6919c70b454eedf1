//! Rewrites the tokens to a text that the library's parser reads as the specification defines. Errors that the parser
//! would accept are rejected; syntax that it does not know is removed or reordered.
//!
//! Each token gets its own line, so that a line number identifies the place in the document. Values are replaced by
//! numbers, since the parser does not know all escapes and numbers.

use std::collections::HashSet;

use async_graphql::parser::Pos;
use async_graphql_value::{Name, Number, Value as Literal};

use super::lexer::{Token, TokenKind, Tokens};
use super::{invalid, refused};
use crate::rules::Broken;
use base::error::Code;

/// A document in a plain form for the library's parser.
#[derive(Debug, Default)]
pub struct Plain {
    pub text: String,
    /// The place in the document of each line.
    pub lines: Vec<Pos>,
    /// Texts, numbers and enum values, indexed by their number.
    pub values: Vec<Literal>,
}

struct Grammar<'a> {
    tokens: &'a [Token<'a>],
    at: usize,
    end: Pos,
    plain: Plain,
    /// The names of operations and of fragments in the document.
    operations: HashSet<&'a str>,
    fragments: HashSet<&'a str>,
    anonymous: Option<Pos>,
}

type Checked<T = ()> = Result<T, Broken>;

pub fn plain(Tokens { tokens, end, broken }: Tokens<'_>) -> Checked<Plain> {
    let mut grammar = Grammar {
        tokens: &tokens,
        at: 0,
        end,
        plain: Plain::default(),
        operations: HashSet::new(),
        fragments: HashSet::new(),
        anonymous: None,
    };
    // A document that is too long or too deep is not parsed.
    let too_much = broken.as_ref().is_some_and(|broken| broken.problem.code == Code::LimitExceeded);
    let read = if too_much { Ok(()) } else { grammar.document() };
    // Only the first of several errors is reported.
    if let Some(broken) = broken.filter(|_| too_much || grammar.at == tokens.len()) {
        return Err(broken);
    }
    read?;
    if let Some(pos) = grammar.anonymous.filter(|_| !grammar.operations.is_empty()) {
        return Err(invalid("an operation without a name must be the only one of the document", pos));
    }
    if grammar.operations.is_empty() && grammar.anonymous.is_none() {
        return Err(invalid("the document has no operation", Pos { line: 1, column: 1 }));
    }
    Ok(grammar.plain)
}

impl<'a> Grammar<'a> {
    fn peek(&self) -> Option<&'a Token<'a>> {
        self.tokens.get(self.at)
    }

    fn next_is(&self, text: &str) -> bool {
        self.peek().is_some_and(|token| token.kind != TokenKind::Text && token.text == text)
    }

    fn pos(&self) -> Pos {
        self.peek().map_or(self.end, |token| token.pos)
    }

    fn unexpected<T>(&self, expected: &str) -> Checked<T> {
        let found = match self.peek() {
            None => "the end of the document".to_owned(),
            Some(Token { kind: TokenKind::Text, .. }) => "a text".to_owned(),
            Some(token) => format!("`{}`", token.text),
        };
        Err(refused(format!("expected {expected}, found {found}"), self.pos()))
    }

    /// Writes a line for the next token.
    fn write(&mut self, text: &str) {
        self.plain.lines.push(self.pos());
        self.plain.text.push_str(text);
        self.plain.text.push('\n');
    }

    /// Copies a token.
    fn copy(&mut self) {
        if let Some(token) = self.peek() {
            self.write(&token.text);
            self.at += 1;
        }
    }

    fn take(&mut self, text: &str) -> bool {
        let found = self.next_is(text);
        if found {
            self.copy();
        }
        found
    }

    fn expect(&mut self, text: &str) -> Checked {
        if self.take(text) { Ok(()) } else { self.unexpected(&format!("`{text}`")) }
    }

    fn name(&mut self, what: &str) -> Checked<&'a str> {
        match self.peek() {
            Some(token) if token.kind == TokenKind::Name => {
                self.copy();
                Ok(&token.text)
            }
            _ => self.unexpected(what),
        }
    }

    /// Parses items up to the closing bracket, at least this many.
    fn items(&mut self, [open, close]: [&str; 2], least: usize, mut item: impl FnMut(&mut Self) -> Checked) -> Checked {
        self.expect(open)?;
        let mut count = 0;
        while count < least || !self.next_is(close) {
            item(self)?;
            count += 1;
        }
        self.expect(close)
    }

    fn document(&mut self) -> Checked {
        self.definition()?;
        while self.at < self.tokens.len() {
            self.definition()?;
        }
        Ok(())
    }

    fn definition(&mut self) -> Checked {
        let described = self.description();
        let pos = self.pos();
        match self.peek().map(|token| (token.kind, &*token.text)) {
            Some((TokenKind::Mark, "{")) if !described => {
                if let Some(first) = self.anonymous.replace(pos) {
                    return Err(invalid("an operation without a name must be the only one of the document", first));
                }
                self.selection_set()
            }
            Some((TokenKind::Name, "query" | "mutation" | "subscription")) => self.operation(),
            Some((TokenKind::Name, "fragment")) => self.fragment(),
            Some((
                TokenKind::Name,
                "schema" | "scalar" | "type" | "interface" | "union" | "enum" | "input" | "directive" | "extend",
            )) => Err(invalid("an executable document has only operations and fragments: it cannot define types", pos)),
            _ => self.unexpected("an operation or a fragment"),
        }
    }

    /// Skips a description, which has no meaning for execution.
    fn description(&mut self) -> bool {
        let found = self.peek().is_some_and(|token| token.kind == TokenKind::Text);
        self.at += usize::from(found);
        found
    }

    fn operation(&mut self) -> Checked {
        let pos = self.pos();
        self.copy();
        match self.peek() {
            Some(name) if name.kind == TokenKind::Name => {
                if !self.operations.insert(&name.text) {
                    return Err(invalid(format!("there are two operations `{}`", name.text), name.pos));
                }
                self.copy();
            }
            _ => {
                if let Some(first) = self.anonymous.replace(pos) {
                    return Err(invalid("an operation without a name must be the only one of the document", first));
                }
            }
        }
        if self.next_is("(") {
            self.items(["(", ")"], 1, Self::variable_definition)?;
        }
        self.directives(false)?;
        self.selection_set()
    }

    fn fragment(&mut self) -> Checked {
        self.copy();
        let pos = self.pos();
        if self.next_is("on") {
            return self.unexpected("the name of a fragment");
        }
        let name = self.name("the name of a fragment")?;
        if !self.fragments.insert(name) {
            return Err(invalid(format!("there are two fragments `{name}`"), pos));
        }
        self.expect("on")?;
        self.name("a type")?;
        self.directives(false)?;
        self.selection_set()
    }

    fn variable_definition(&mut self) -> Checked {
        self.description();
        self.expect("$")?;
        self.name("the name of a variable")?;
        self.expect(":")?;
        self.ty()?;
        let default = self.plain.text.len();
        let default_lines = self.plain.lines.len();
        if self.take("=") {
            self.value(true)?;
        }
        // The library's parser accepts directives only before the default, not after it.
        let (directives, lines) = (self.plain.text.len(), self.plain.lines.len());
        self.directives(true)?;
        let behind = self.plain.text.split_off(directives);
        self.plain.text.insert_str(default, &behind);
        let moved = self.plain.lines.len() - lines;
        self.plain.lines[default_lines..].rotate_right(moved);
        Ok(())
    }

    /// Written on one line, since the library's parser accepts no space inside a type.
    fn ty(&mut self) -> Checked {
        let mut text = String::new();
        let start = self.at;
        self.ty_into(&mut text)?;
        let end = std::mem::replace(&mut self.at, start);
        self.write(&text);
        self.at = end;
        Ok(())
    }

    fn ty_into(&mut self, text: &mut String) -> Checked {
        match self.peek() {
            Some(token) if token.kind == TokenKind::Name => {
                text.push_str(&token.text);
                self.at += 1;
            }
            _ if self.next_is("[") => {
                text.push('[');
                self.at += 1;
                self.ty_into(text)?;
                if !self.next_is("]") {
                    return self.unexpected("`]`");
                }
                text.push(']');
                self.at += 1;
            }
            _ => return self.unexpected("a type"),
        }
        if self.next_is("!") {
            text.push('!');
            self.at += 1;
        }
        Ok(())
    }

    fn selection_set(&mut self) -> Checked {
        self.items(["{", "}"], 1, Self::selection)
    }

    fn selection(&mut self) -> Checked {
        if !self.take("...") {
            return self.field();
        }
        if self.take("on") {
            self.name("a type")?;
        } else if self.peek().is_some_and(|token| token.kind == TokenKind::Name) {
            self.copy();
            return self.directives(false);
        }
        self.directives(false)?;
        self.selection_set()
    }

    fn field(&mut self) -> Checked {
        self.name("a field")?;
        if self.take(":") {
            self.name("a field")?;
        }
        self.arguments(false)?;
        self.directives(false)?;
        if self.next_is("{") { self.selection_set() } else { Ok(()) }
    }

    fn arguments(&mut self, constant: bool) -> Checked {
        if !self.next_is("(") {
            return Ok(());
        }
        self.items(["(", ")"], 1, |this| {
            this.name("an argument")?;
            this.expect(":")?;
            this.value(constant)
        })
    }

    fn directives(&mut self, constant: bool) -> Checked {
        while self.take("@") {
            self.name("a directive")?;
            self.arguments(constant)?;
        }
        Ok(())
    }

    fn value(&mut self, constant: bool) -> Checked {
        let Some(token) = self.peek() else { return self.unexpected("a value") };
        match (token.kind, &*token.text) {
            (TokenKind::Text, text) => self.literal(Literal::String(text.to_owned()), |number| format!("\"{number}\"")),
            (TokenKind::Int | TokenKind::Float, text) => {
                let number = number(text).ok_or_else(|| refused("the number is too large", token.pos))?;
                self.literal(Literal::Number(number), |number| number.to_string());
            }
            (TokenKind::Name, "true" | "false" | "null") => self.copy(),
            (TokenKind::Name, name) => self.literal(Literal::Enum(Name::new(name)), |number| format!("E{number}")),
            (TokenKind::Mark, "[") => return self.items(["[", "]"], 0, |this| this.value(constant)),
            (TokenKind::Mark, "{") => return self.object(constant),
            (TokenKind::Mark, "$") if constant => return self.unexpected("a value without variables"),
            (TokenKind::Mark, "$") => {
                self.copy();
                self.name("the name of a variable")?;
            }
            (TokenKind::Mark, _) => return self.unexpected("a value"),
        }
        Ok(())
    }

    fn object(&mut self, constant: bool) -> Checked {
        let mut keys = HashSet::new();
        self.items(["{", "}"], 0, |this| {
            let pos = this.pos();
            let key = this.name("an input field")?;
            if !keys.insert(key) {
                return Err(invalid(format!("the input field `{key}` is given twice"), pos));
            }
            this.expect(":")?;
            this.value(constant)
        })
    }

    fn literal(&mut self, value: Literal, show: impl FnOnce(usize) -> String) {
        self.write(&show(self.plain.values.len()));
        self.plain.values.push(value);
        self.at += 1;
    }
}

fn number(text: &str) -> Option<Number> {
    // The only integer that would become a fraction.
    if text == "-0" { Some(Number::from(0)) } else { text.parse().ok() }
}
