//! Parses the text of a document. The library's parser runs between two passes of our own, which implement all of
//! sections 2 and 2.1 of the specification.

mod grammar;
mod lexer;
mod restore;

use async_graphql::parser::types::ExecutableDocument;
use async_graphql::parser::{Pos, parse_query};

use super::rules::Broken;
use base::error::{Code, Problem};

/// The syntax tree, or the first error. Documents that are too long or too deep are rejected before any recursion.
pub fn parse(text: &str) -> Result<ExecutableDocument, Broken> {
    let mut plain = grammar::plain(lexer::tokens(text))?;
    let mut document = parse_query(&plain.text).map_err(|error| {
        let mut pos = error.positions().next().unwrap_or_default();
        plain.place(&mut pos);
        refused("it cannot be read", pos)
    })?;
    restore::document(&mut plain, &mut document);
    Ok(document)
}

/// The names of the operations in a text; empty if it cannot be parsed.
pub fn operation_names(text: &str) -> Vec<String> {
    let document = parse(text).ok();
    let operations = document.iter().flat_map(|document| document.operations.iter());
    operations.filter_map(|(name, _)| name.map(ToString::to_string)).collect()
}

fn refused(message: impl std::fmt::Display, pos: Pos) -> Broken {
    let message = format!("the document is not GraphQL: {message}");
    Broken { problem: Problem::new(Code::GraphqlParseFailed, message), pos }
}

fn invalid(message: impl Into<String>, pos: Pos) -> Broken {
    Broken { problem: Problem::new(Code::GraphqlValidationFailed, message), pos }
}

fn too_many(what: &str, unit: &str, limit: usize, pos: Pos) -> Broken {
    let message = format!("the {what} has more than {limit} {unit}");
    let details = serde_json::json!({"limit": limit});
    Broken { problem: Problem::new(Code::LimitExceeded, message).details(details), pos }
}
