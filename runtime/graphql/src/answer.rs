//! The response to one GraphQL request: data as bytes, errors with locations, paths and codes, and the cost.

use async_graphql::ServerError;
use async_graphql::parser::Pos;
use serde::Serialize;
use serde_json::{Map, Value as Json};

use super::limits::cost::Parts;
use super::pieces::Pieces;
use super::rules::Broken;
use super::site::Preview;
use base::error::{Code, Error, Problem, Step};
use base::memory::Ration;
use base::seen;
pub use cache::Cached;

/// One entry of `errors`.
#[derive(Clone, Debug)]
pub struct Failure {
    pub problem: Problem,
    /// In the document; empty if the problem is in the request itself.
    pub locations: Vec<Pos>,
    /// The response path of the failed field; empty if nothing was executed.
    pub path: Vec<Step>,
}

/// The result of a request, from which the transport chooses a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// There is `data`, even if only null for a failed field.
    Executed,
    /// Data is missing because of the server or the site's own code.
    Failed,
    /// Rejected before execution.
    Refused(Code),
    /// Rejected because it is a mutation.
    MutationByGet,
}

#[derive(Debug)]
pub struct Answer {
    pub outcome: Outcome,
    /// The code of the first error.
    pub code: Option<Code>,
    /// `{"data": ...}` as JSON.
    pub body: Pieces,
    /// `None` without a cache, and if nothing was to be executed.
    pub cached: Option<Cached>,
}

/// The requested cost and the statements sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Spent {
    pub requested: u64,
    pub limit: u64,
    pub statements: u64,
    pub parts: Parts,
}

#[derive(Serialize)]
struct Shown<'a> {
    message: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    locations: Vec<Location>,
    #[serde(skip_serializing_if = "<[Step]>::is_empty")]
    path: &'a [Step],
    extensions: Map<String, Json>,
}

#[derive(Serialize)]
struct Location {
    line: usize,
    column: usize,
}

impl Failure {
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Problem::new(code, message).into()
    }

    pub fn at(mut self, pos: Pos) -> Self {
        self.locations = vec![pos];
        self
    }

    /// Removes suggestions, which would reveal the types of the API one by one.
    pub fn without_suggestion(mut self) -> Self {
        let message = &mut self.problem.message;
        let proposals = [" Did you mean ", ": did you mean ", ": the values are "];
        if let Some(length) = proposals.iter().find_map(|proposal| message.find(proposal)) {
            message.truncate(length);
        }
        self
    }

    /// Adds that the write is committed, although its response failed.
    pub fn after_write(mut self) -> Self {
        self.problem.message.push_str("; the change is committed");
        let details = self.problem.details.get_or_insert_with(|| Json::Object(Map::new()));
        if let Json::Object(details) = details {
            details.insert("committed".to_owned(), true.into());
        }
        self
    }

    pub fn validation(error: ServerError) -> Self {
        let found = Self::new(Code::GraphqlValidationFailed, plain(error.message));
        Self { locations: error.locations, ..found }
    }

    /// The problems of a response field.
    pub fn of_field(error: Error, pos: Pos, path: &[Step]) -> Vec<Self> {
        let failure = |problem| Self { problem, locations: vec![pos], path: path.to_vec() };
        error.problems.into_iter().map(failure).collect()
    }

    fn shown(&self) -> Shown<'_> {
        let mut extensions = Map::new();
        extensions.insert("code".to_owned(), self.problem.code.as_str().into());
        if !self.problem.path.is_empty() {
            extensions.insert("inputPath".to_owned(), serde_json::json!(self.problem.path));
        }
        if let Some(Json::Object(details)) = &self.problem.details {
            extensions.extend(details.iter().map(|(key, value)| (key.clone(), value.clone())));
        }
        let locations = self.locations.iter().map(|pos| Location { line: pos.line, column: pos.column }).collect();
        Shown { message: &self.problem.message, locations, path: &self.path, extensions }
    }
}

/// Of a missing argument, the library tells the type that has the field, where a reader expects the type of the argument. Of an
/// input with several keys, it tells no reader what to do.
fn plain(message: String) -> String {
    const KEYS: &str = "Oneof input objects requires have exactly one field";
    if let Some(place) = message.strip_suffix(KEYS) {
        return format!("{place}expected exactly one key");
    }
    const MISSING: &str = " is required but not provided";
    let told = message.strip_suffix(MISSING).filter(|told| told.starts_with("Field \""));
    match told.and_then(|told| told.rsplit_once(" of type ")) {
        Some((place, _)) => format!("{place}{MISSING}"),
        None => message,
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self { problem, locations: Vec::new(), path: Vec::new() }
    }
}

impl From<Broken> for Failure {
    fn from(broken: Broken) -> Self {
        Self::from(broken.problem).at(broken.pos)
    }
}

impl Answer {
    /// `data` is JSON already and is not parsed.
    pub fn executed(
        data: Pieces,
        failures: &[Failure],
        (spent, preview): (Spent, Option<&Preview>),
        ration: &Ration,
    ) -> Self {
        let mut body = Self::begun(data, failures, ration);
        let end = body.end();
        end.extend_from_slice(b",\"extensions\":{\"cost\":");
        write_json(&spent, end);
        if let Some(preview) = preview {
            end.extend_from_slice(b",\"preview\":");
            write_json(&preview.about, end);
        }
        end.extend_from_slice(b"}}");
        body.count();
        let code = failures.first().map(|failure| failure.problem.code);
        Self { outcome: Outcome::Executed, code, body, cached: None }
    }

    /// Adds `extensions.cache`, for developers: the body is a copy then, even if it is kept.
    pub fn telling(self) -> Self {
        const END: &[u8] = b"}}";
        let (Some(cached), Outcome::Executed) = (self.cached, self.outcome) else { return self };
        let told = match cached {
            Cached::Hit { age } => serde_json::json!({ "result": "hit", "age": age.as_secs() }),
            Cached::Miss => serde_json::json!({ "result": "miss" }),
            Cached::Bypass(why) => serde_json::json!({ "result": "bypass", "reason": why.as_str() }),
        };
        let mut bytes = self.body.to_vec();
        if !bytes.ends_with(END) {
            return self;
        }
        bytes.truncate(bytes.len() - END.len());
        let mut body = Pieces::new(self.body.memory(), 0);
        let end = body.end();
        *end = bytes;
        end.extend_from_slice(b",\"cache\":");
        write_json(&told, end);
        end.extend_from_slice(END);
        body.count();
        Self { body, ..self }
    }

    /// A response without `data`, since nothing was executed.
    pub fn refused(failures: &[Failure]) -> Self {
        let code = failures.first().map_or(Code::Internal, |failure| failure.problem.code);
        let mut body = Pieces::new(Ration::unbounded().memory(), 256);
        let end = body.end();
        end.push(b'{');
        write_errors(failures, end);
        end.push(b'}');
        Self { outcome: Outcome::Refused(code), code: Some(code), body, cached: None }
    }

    /// A response with `data` and its errors, up to its last members.
    fn begun(data: Pieces, failures: &[Failure], ration: &Ration) -> Pieces {
        let mut body = Pieces::new(ration.memory(), data.len_of_small() + 128);
        body.push(b"{\"data\":");
        body.append(data);
        if !failures.is_empty() {
            let end = body.end();
            end.push(b',');
            write_errors(failures, end);
        }
        body
    }

    /// `{"data": ...}` of one change.
    pub fn event(data: Pieces, failures: &[Failure], ration: &Ration) -> Pieces {
        let mut body = Self::begun(data, failures, ration);
        body.end().push(b'}');
        body.count();
        body
    }

    /// The list of errors of an answer that was refused, as JSON.
    pub fn errors(&self) -> Vec<u8> {
        let mut body = self.body.to_vec();
        let prefix = b"{\"errors\":".len();
        match body.len() > prefix {
            true => body.drain(prefix..body.len() - 1).collect(),
            false => b"[]".to_vec(),
        }
    }
}

fn write_errors(failures: &[Failure], body: &mut Vec<u8>) {
    seen::codes(failures.iter().map(|failure| failure.problem.code));
    body.extend_from_slice(b"\"errors\":");
    write_json(&failures.iter().map(Failure::shown).collect::<Vec<_>>(), body);
}

fn write_json(value: &impl Serialize, body: &mut Vec<u8>) {
    if let Err(error) = serde_json::to_writer(&mut *body, value) {
        // Cannot happen: maps have text keys, and writing to memory does not fail. The client would still get JSON.
        tracing::error!(%error, "a response could not be written as JSON");
        body.extend_from_slice(b"null");
    }
}
