//! YAML to nodes: the only file that names the YAML crate.
//!
//! Anchors, aliases, tags and merge keys are refused: no schema needs them, and they let small files expand into large
//! ones. So the work is linear in the file size, which is limited.

use std::borrow::Cow;
use std::collections::BTreeMap;

use granit_parser::{Event, Parser, ScalarStyle, ScanError, StrInput};

use super::node::{Entry, Node, Value};
use super::slip::{self, Slip};
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::source::{Span, Spanned};

/// Maximum bytes of one file.
const LARGEST: usize = 1 << 20;
/// Maximum nesting of lists and maps.
const DEEPEST: usize = 40;

/// The value of a file; `None` if there is no usable value, which has been reported.
pub fn parse(file: usize, text: &str, found: &mut Diagnostics) -> Option<Node> {
    if text.len() > LARGEST {
        let message = format!("the file has {} bytes, the most is {LARGEST}", text.len());
        found.push(Diagnostic::error(Code::TooBig, Span { file, start: 0, end: 0 }, message));
        return None;
    }
    if let Some(Slip { start, end, message, help }) = slip::conflict(text) {
        found.push(Diagnostic::error(Code::NotYaml, Span { file, start, end }, message).help(help));
        return None;
    }
    let options = granit_parser::options! {
        flow_nesting_limit: DEEPEST,
        block_nesting_limit: DEEPEST,
        emit_unresolved_aliases: true,
        emit_anchor_events: true,
    };
    let mut reader = Reader { file, text, events: Parser::new_from_str_with_options(text, options), found };
    reader.document()
}

struct Reader<'a> {
    file: usize,
    text: &'a str,
    events: Parser<'a, StrInput<'a>>,
    found: &'a mut Diagnostics,
}

/// Parsing cannot continue; the reason has been reported.
struct Stop;

impl<'a> Reader<'a> {
    fn document(&mut self) -> Option<Node> {
        let mut root = None;
        loop {
            match self.next() {
                Err(Stop) => return None,
                Ok(None) => break,
                Ok(Some((Event::StreamStart | Event::DocumentEnd | Event::StreamEnd, _))) => {}
                Ok(Some((Event::DocumentStart(..), span))) if root.is_some() => {
                    let second = Diagnostic::error(Code::NotYaml, span, "a second document begins here");
                    self.found.push(second.help("write one document per file, without `---`"));
                    return root;
                }
                Ok(Some((Event::DocumentStart(..), _))) => {}
                Ok(Some(event)) => root = Some(self.node(event).ok()?),
            }
        }
        let start = Span { file: self.file, start: 0, end: 0 };
        Some(root.unwrap_or(Node { span: start, value: Value::Null }))
    }

    fn next(&mut self) -> Result<Option<(Event<'a>, Span)>, Stop> {
        // Comment events are skipped.
        match self.events.by_ref().find(|event| !matches!(event, Ok((Event::Comment(..), _)))) {
            None => Ok(None),
            Some(Ok((event, span))) => Ok(Some((event, self.span(span)))),
            Some(Err(error)) => Err(self.fail(&error)),
        }
    }

    fn node(&mut self, (event, span): (Event<'a>, Span)) -> Result<Node, Stop> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_properties(anchor, tag.is_some(), span)?;
                Ok(Node { span, value: scalar(text, style) })
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.refuse_properties(anchor, tag.is_some(), span)?;
                self.list(span)
            }
            Event::MappingStart(_, anchor, tag) => {
                self.refuse_properties(anchor, tag.is_some(), span)?;
                self.map(span)
            }
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                self.refuse(span, "an alias");
                Ok(Node { span, value: Value::Broken })
            }
            _ => Ok(Node { span, value: Value::Broken }),
        }
    }

    fn list(&mut self, start: Span) -> Result<Node, Stop> {
        let mut items = Vec::new();
        while let Some((event, span)) = self.next()? {
            if event == Event::SequenceEnd {
                return Ok(Node { span: Span { end: span.end.max(start.end), ..start }, value: Value::List(items) });
            }
            items.push(self.node((event, span))?);
        }
        Err(Stop)
    }

    fn map(&mut self, start: Span) -> Result<Node, Stop> {
        let mut entries = Vec::new();
        let mut seen = BTreeMap::new();
        while let Some((event, span)) = self.next()? {
            if event == Event::MappingEnd {
                return Ok(Node { span: Span { end: span.end.max(start.end), ..start }, value: Value::Map(entries) });
            }
            let key = self.node((event, span))?;
            let Some(value) = self.next()? else { break };
            let merge = matches!(&key.value, Value::Text(text) if text == "<<");
            let node = match value {
                // Reporting the merge key is enough.
                (Event::Alias(_) | Event::UnresolvedAlias(_), span) if merge => Node { span, value: Value::Broken },
                value => self.node(value)?,
            };
            let Some(key) = self.key(key) else { continue };
            if let Some(first) = seen.insert(key.value.clone(), key.span) {
                let message = format!("`{}` is written twice", key.value);
                let diagnostic = Diagnostic::error(Code::DuplicateKey, key.span, message).also(first, "first here");
                self.found.push(diagnostic.help("remove one of them"));
                seen.insert(key.value, first);
                continue;
            }
            entries.push(Entry { key, node });
        }
        Err(Stop)
    }

    /// The text of a key; other keys are reported.
    fn key(&mut self, node: Node) -> Option<Spanned<String>> {
        let text = match node.value {
            Value::Text(text) | Value::Number(text) => text,
            Value::Bool(value) => value.to_string(),
            Value::Broken => return None,
            Value::Null | Value::List(_) | Value::Map(_) => {
                let message = format!("a key must be a name, not {}", node.what());
                self.found.push(Diagnostic::error(Code::WrongShape, node.span, message));
                return None;
            }
        };
        if text == "<<" {
            self.refuse(node.span, "a merge key");
            return None;
        }
        Some(Spanned { value: text, span: node.span })
    }

    /// The event of an anchor, with its position, follows that of the node.
    fn refuse_properties(&mut self, anchor: usize, tag: bool, span: Span) -> Result<(), Stop> {
        if anchor > 0
            && let Some((Event::Anchor(..), place)) = self.next()?
        {
            self.refuse(place, "an anchor");
        }
        if tag {
            self.refuse(span, "a tag");
        }
        Ok(())
    }

    fn refuse(&mut self, span: Span, what: &str) {
        let message = format!("{what} is not part of the schema language");
        let help = "write the value out wherever it is needed";
        self.found.push(Diagnostic::error(Code::UnsupportedYaml, span, message).help(help));
    }

    fn fail(&mut self, error: &ScanError) -> Stop {
        let start = error.marker().byte_offset().unwrap_or(0);
        let span = Span { file: self.file, start, end: start + 1 };
        let info = error.info();
        self.found.push(match info.contains("nesting") || info.contains("recursion") {
            true => {
                let message = format!("lists and maps are nested deeper than {DEEPEST} levels");
                Diagnostic::error(Code::TooBig, span, message)
            }
            false => self.not_yaml(span, &info),
        });
        Stop
    }

    /// Points at the cause if it can be found, otherwise at the parser's position.
    fn not_yaml(&self, noticed: Span, info: &str) -> Diagnostic {
        match slip::find(self.text, noticed.start) {
            Some(Slip { start, end, message, help }) => {
                let span = Span { file: self.file, start, end };
                Diagnostic::error(Code::NotYaml, span, format!("this is not YAML: {message}")).help(help)
            }
            None => Diagnostic::error(Code::NotYaml, noticed, format!("this is not YAML: {info}")),
        }
    }

    fn span(&self, span: granit_parser::Span) -> Span {
        let start = span.start.byte_offset().unwrap_or(0);
        Span { file: self.file, start, end: span.end.byte_offset().unwrap_or(start).max(start) }
    }
}

/// A plain scalar per the YAML 1.2 core schema; any other style is text.
fn scalar(text: Cow<'_, str>, style: ScalarStyle) -> Value {
    match (style, text.as_ref()) {
        (ScalarStyle::Plain, "" | "~" | "null" | "Null" | "NULL") => Value::Null,
        (ScalarStyle::Plain, "true" | "True" | "TRUE") => Value::Bool(true),
        (ScalarStyle::Plain, "false" | "False" | "FALSE") => Value::Bool(false),
        (ScalarStyle::Plain, plain) if is_number(plain) => Value::Number(text.into_owned()),
        _ => Value::Text(text.into_owned()),
    }
}

/// `[-+]?[0-9]+(\.[0-9]+)?`: the schema language needs no other numbers.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    all_digits(whole) && all_digits(fraction)
}
