//! Turns the text of a document into an executable operation: parses, limits and validates it.

use async_graphql::parser::types::{DocumentOperations, ExecutableDocument, OperationDefinition, OperationType};
use async_graphql_value::Name;

use super::answer::Failure;
use super::registry::Introspection;
use super::types::Types;
use super::{limits, rules, syntax};
use base::error::Code;
use model::content::Limits;

/// A valid document and the operation to run.
pub struct Document {
    pub document: ExecutableDocument,
    pub operation: OperationDefinition,
}

/// How many errors are reported at once, so that a document full of errors does not cause a long response.
const MAX_FAILURES: usize = 20;

/// Returns the document, or all errors of the first stage that fails.
pub async fn prepare(
    types: &Types,
    introspection: &Introspection,
    limits: &Limits,
    text: &str,
    operation_name: Option<&str>,
) -> Result<Document, Vec<Failure>> {
    check(types, introspection, limits, text, operation_name).await.map_err(|mut failures| {
        failures.truncate(MAX_FAILURES);
        failures
    })
}

async fn check(
    types: &Types,
    introspection: &Introspection,
    limits: &Limits,
    text: &str,
    operation_name: Option<&str>,
) -> Result<Document, Vec<Failure>> {
    let document = syntax::parse(text).map_err(|broken| vec![broken.into()])?;
    let operation = operation(&document, operation_name).map_err(|failure| vec![failure])?;
    let broken = limits::check(&document, operation, limits);
    if !broken.is_empty() {
        return Err(broken.into_iter().map(Failure::from).collect());
    }
    let subscription = document.operations.iter().find(|(_, other)| other.node.ty == OperationType::Subscription);
    if let Some((_, subscription)) = subscription.filter(|_| types.get("Subscription").is_none()) {
        let refused = Failure::new(Code::GraphqlValidationFailed, "the API has no subscriptions");
        return Err(vec![refused.at(subscription.pos)]);
    }
    let broken = rules::before::check(types, &document);
    if !broken.is_empty() {
        return Err(broken.into_iter().map(Failure::from).collect());
    }
    let errors = introspection.validate(rules::before::for_library(&document), operation_name).await;
    if !errors.is_empty() {
        return Err(errors.into_iter().map(Failure::validation).collect());
    }
    let broken = rules::check(types, &document, limits.list as usize);
    if !broken.is_empty() {
        return Err(broken.into_iter().map(Failure::from).collect());
    }
    let operation = operation.clone();
    Ok(Document { document, operation })
}

fn operation<'a>(document: &'a ExecutableDocument, name: Option<&str>) -> Result<&'a OperationDefinition, Failure> {
    let refused = |message: String| Failure::new(Code::BadRequest, message);
    match (&document.operations, name) {
        (DocumentOperations::Single(operation), None) => Ok(&operation.node),
        (DocumentOperations::Single(_), Some(name)) => {
            Err(refused(format!("unknown operation `{name}`: the only operation of the document has no name")))
        }
        (DocumentOperations::Multiple(operations), Some(name)) => {
            let found = operations.get(&Name::new(name)).map(|operation| &operation.node);
            found.ok_or_else(|| refused(format!("unknown operation `{name}`")))
        }
        (DocumentOperations::Multiple(operations), None) => match operations.values().next() {
            Some(operation) if operations.len() == 1 => Ok(&operation.node),
            _ => Err(refused("the document has several operations: name one in `operationName`".to_owned())),
        },
    }
}
