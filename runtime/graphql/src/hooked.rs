//! The documents of webhooks: checked when one is made, and run for each event.

use std::sync::Arc;

use async_graphql::parser::types::OperationType;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::{Map, Value as Json};
use uuid::Uuid;

use crate::answer::{Failure, Outcome};
use crate::execute::Execution;
use crate::{Api, Free, Request, Verb, coerce};
use base::error::{Code, Problem};
use base::memory::{Memory, Ration};
use store::access::{Actor, Identity, Origin};
use webhooks::{Asked, Documents};

/// What a document may declare, with the types that its values have.
const VARIABLES: [(&str, [&str; 2]); 3] =
    [("id", ["ID!", "ID"]), ("revision", ["Int", "Int!"]), ("kind", ["String", "String!"])];
/// Bytes of rows and of the answer.
const MEMORY: usize = 16 << 20;

impl Api {
    /// What is wrong with the document of a webhook that reads as this role; `None` for `anonymous`.
    pub async fn check_document(&self, document: &str, role: Option<&str>) -> Result<(), Vec<Problem>> {
        let problems = |failures: Vec<Failure>| failures.into_iter().map(placed).collect::<Vec<_>>();
        let request = Request { query: document.to_owned(), ..Request::default() };
        let prepared = self.prepare(&request).await.map_err(problems)?;
        if prepared.ty != OperationType::Query {
            return Err(vec![Problem::new(Code::BadUserInput, "the document must be a query")]);
        }
        for definition in prepared.variables.iter() {
            let (name, ty) = (definition.node.name.node.as_str(), definition.node.var_type.node.to_string());
            let known = VARIABLES.iter().find(|(known, _)| *known == name);
            if known.is_none_or(|(_, types)| !types.contains(&ty.as_str())) {
                let message = format!(
                    "the document declares `${name}: {ty}`: it may declare `$id: ID!`, `$revision: Int` and `$kind: String`"
                );
                return Err(vec![Problem::new(Code::BadUserInput, message)]);
            }
        }
        let sample = [("id", Json::from("none")), ("revision", Json::from(1)), ("kind", Json::from("published"))];
        let sample: Map<String, Json> = sample.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let limits = self.limits();
        let variables = coerce::variables(&self.types, &prepared.variables, &sample, limits.list as usize);
        let variables = variables.map_err(|wrong| wrong.into_iter().map(|(problem, _)| problem).collect::<Vec<_>>())?;
        let undecided = prepared.undecided(&variables);
        if !undecided.is_empty() {
            return Err(problems(undecided));
        }
        let compiled = prepared.compiled(self.plans(), &variables, &self.conditional);
        let cost = prepared.cost.check(&self.types, &variables, compiled.statements, limits);
        cost.map_err(|broken| problems(broken.into_iter().map(Failure::from).collect()))?;
        let store = self.database.acting(reader(Uuid::nil(), role));
        let denied = Execution::new(self, store, &variables).denied(&compiled);
        if denied.is_empty() { Ok(()) } else { Err(problems(denied)) }
    }

    async fn answer_document(&self, asked: Asked) -> Result<Json, String> {
        let request = Request { query: asked.document, variables: asked.variables, ..Request::default() };
        let ration = Ration::new(&Memory::new(MEMORY), MEMORY);
        let actor = reader(asked.webhook, asked.role.as_deref());
        let store = self.database.acting(actor).of_client(ration, Arc::clone(&self.standing));
        let answer = self.execute_on(store, &request, Verb::Get, &Free, (None, None)).await;
        let body: Json = serde_json::from_slice(&answer.body.to_vec()).map_err(|error| error.to_string())?;
        let messages = body["errors"].as_array().map_or(&[][..], Vec::as_slice).iter();
        let messages: Vec<_> = messages.filter_map(|error| error["message"].as_str()).collect();
        match answer.outcome {
            Outcome::Executed if messages.is_empty() => Ok(body["data"].clone()),
            _ if messages.is_empty() => Err("it was not answered".to_owned()),
            _ => Err(messages.join("; ")),
        }
    }
}

impl Documents for Api {
    fn answer(&self, asked: Asked) -> BoxFuture<'_, Result<Json, String>> {
        self.answer_document(asked).boxed()
    }
}

/// Whose eyes a document reads with: a role without a user.
fn reader(webhook: Uuid, role: Option<&str>) -> Actor {
    match role {
        None => Actor::anonymous(Origin::default()),
        Some(role) => Actor {
            identity: Identity::Token { id: webhook },
            role: role.to_owned(),
            scopes: None,
            origin: Origin::default(),
        },
    }
}

/// Where in the document it is, in words: an input has no lines.
fn placed(failure: Failure) -> Problem {
    let at = failure.locations.first().map(|pos| format!(" (line {}, column {})", pos.line, pos.column));
    let message = failure.problem.message.clone() + at.as_deref().unwrap_or_default();
    Problem { message, ..failure.problem }
}
