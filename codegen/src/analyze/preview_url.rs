//! `preview_url`: the address of the page that shows an entry.

use super::declared::{Declared, Owner};
use super::fields::named;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::source::Spanned;
use crate::syntax::node::Node;

/// Characters of a pattern.
const LONGEST: usize = 500;
/// What is no field.
const KNOWN: [&str; 2] = ["id", "token"];

pub fn check(declared: &Declared<'_>, found: &mut Diagnostics) {
    for owner in declared.types.values() {
        let Some(pattern) = owner.node.get("preview_url").and_then(Node::spanned_text) else { continue };
        match names(&pattern.value) {
            Err(reason) => found.push(bad(&pattern, reason)),
            Ok(names) => names.into_iter().for_each(|name| check_name(owner, &pattern, name, found)),
        }
    }
}

fn bad(pattern: &Spanned<String>, reason: &str) -> Diagnostic {
    let message = format!("`{}` is not a pattern of addresses: {reason}", pattern.value);
    let help = "write `https://shop.example/products/{slug}?preview={token}`";
    Diagnostic::error(Code::BadPreviewUrl, pattern.span, message).help(help)
}

/// The names in braces, or why the text is no pattern.
fn names(pattern: &str) -> Result<Vec<&str>, &'static str> {
    let host = pattern.strip_prefix("https://").or_else(|| pattern.strip_prefix("http://"));
    let is_path = pattern.starts_with('/') && !pattern.starts_with("//");
    if !is_path && host.is_none_or(|rest| rest.is_empty() || rest.starts_with(['/', '{'])) {
        return Err("it begins neither with `https://` and a host, nor with `/`");
    }
    if pattern.len() > LONGEST {
        return Err("it is longer than 500 characters");
    }
    if pattern.chars().any(|letter| letter.is_whitespace() || letter.is_control() || letter == '\\') {
        return Err("it has a space, a control character or a backslash");
    }
    let mut names = Vec::new();
    let mut rest = pattern;
    while let Some(open) = rest.find(['{', '}']) {
        let Some(inside) = rest[open..].strip_prefix('{') else { return Err("it has a `}` without a `{`") };
        let Some(close) = inside.find(['{', '}']).filter(|at| inside[*at..].starts_with('}')) else {
            return Err("it has a `{` without a `}`");
        };
        names.push(&inside[..close]);
        rest = &inside[close + 1..];
    }
    Ok(names)
}

fn check_name(owner: &Owner<'_>, pattern: &Spanned<String>, name: &str, found: &mut Diagnostics) {
    if KNOWN.contains(&name) {
        return;
    }
    match named(&Spanned { value: name.to_owned(), span: pattern.span }, &owner.fields) {
        Err(unknown) => found.push(*unknown),
        Ok(field) => {
            if field.ty.is_some() && !(field.takes().text && field.is_line()) {
                let message = format!("`{name}` is not a line of text");
                let diagnostic = Diagnostic::error(Code::BadPreviewUrl, pattern.span, message);
                found.push(diagnostic.also(field.name.span, "declared here"));
            }
        }
    }
}
