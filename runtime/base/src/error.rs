//! `Error`: all errors of a request, with the codes that all interfaces use.

use std::any::Any;
use std::fmt;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;

use sqlx::postgres::{PgDatabaseError, PgSeverity};

use crate::cause;

/// A stable code, the same in GraphQL's `extensions.code` and, later, in REST's problem details.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// The body, its media type or its parameters are not a GraphQL request.
    BadRequest,
    /// The document is not GraphQL.
    GraphqlParseFailed,
    /// The document does not match the schema.
    GraphqlValidationFailed,
    /// A variable or argument has a value that is invalid for its type.
    BadUserInput,
    /// A value violates a rule of the schema: required, too long, out of range, not in the list.
    InvalidValue,
    /// The cursor belongs to another list or order.
    InvalidCursor,
    /// No entry has this key.
    NotFound,
    /// The changes after this position are no longer kept.
    PositionGone,
    /// Another entry already has this value.
    Conflict,
    /// The entry was changed since the given revision.
    RevisionMismatch,
    /// Other entries point at this one.
    Referenced,
    /// The target of a required relation is not published.
    NotPublished,
    /// The revision is not at the last stage of its review, or has too few approvals for a stage.
    NotApproved,
    /// A hook of the site rejected the write.
    Refused,
    /// The request has no valid token.
    Unauthenticated,
    Forbidden,
    /// The password is correct, but a second-factor code is needed as well.
    SecondFactorRequired,
    /// The session may only set up a second factor, which its role requires.
    EnrolmentRequired,
    /// The link was used, has expired or never existed.
    InvalidLink,
    /// No document with this id is known.
    PersistedDocumentNotFound,
    /// The request is deeper, costlier or longer than the site's limits.
    LimitExceeded,
    /// Too many requests in a short time.
    RateLimited,
    /// A subscription was not read as quickly as its changes came.
    TooSlow,
    /// The database is down, or the server is overloaded.
    Unavailable,
    /// The request took too long.
    Timeout,
    /// The server failed; its log has the cause under the request's id.
    Internal,
}

impl Code {
    /// Ordered by number (`code as usize`).
    pub const ALL: [Self; 26] = [
        Self::BadRequest,
        Self::GraphqlParseFailed,
        Self::GraphqlValidationFailed,
        Self::BadUserInput,
        Self::InvalidValue,
        Self::InvalidCursor,
        Self::NotFound,
        Self::PositionGone,
        Self::Conflict,
        Self::RevisionMismatch,
        Self::Referenced,
        Self::NotPublished,
        Self::NotApproved,
        Self::Refused,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::SecondFactorRequired,
        Self::EnrolmentRequired,
        Self::InvalidLink,
        Self::PersistedDocumentNotFound,
        Self::LimitExceeded,
        Self::RateLimited,
        Self::TooSlow,
        Self::Unavailable,
        Self::Timeout,
        Self::Internal,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::BadRequest => "BAD_REQUEST",
            Self::GraphqlParseFailed => "GRAPHQL_PARSE_FAILED",
            Self::GraphqlValidationFailed => "GRAPHQL_VALIDATION_FAILED",
            Self::BadUserInput => "BAD_USER_INPUT",
            Self::InvalidValue => "INVALID_VALUE",
            Self::InvalidCursor => "INVALID_CURSOR",
            Self::NotFound => "NOT_FOUND",
            Self::PositionGone => "POSITION_GONE",
            Self::Conflict => "CONFLICT",
            Self::RevisionMismatch => "REVISION_MISMATCH",
            Self::Referenced => "REFERENCED",
            Self::NotPublished => "NOT_PUBLISHED",
            Self::NotApproved => "NOT_APPROVED",
            Self::Refused => "REFUSED",
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::Forbidden => "FORBIDDEN",
            Self::SecondFactorRequired => "SECOND_FACTOR_REQUIRED",
            Self::EnrolmentRequired => "ENROLMENT_REQUIRED",
            Self::InvalidLink => "INVALID_LINK",
            Self::PersistedDocumentNotFound => "PERSISTED_DOCUMENT_NOT_FOUND",
            Self::LimitExceeded => "LIMIT_EXCEEDED",
            Self::RateLimited => "RATE_LIMITED",
            Self::TooSlow => "TOO_SLOW",
            Self::Unavailable => "UNAVAILABLE",
            Self::Timeout => "TIMEOUT",
            Self::Internal => "INTERNAL",
        }
    }
}

/// The maximum length of a message, in characters.
const LONGEST_MESSAGE: usize = 1_000;

/// A problem and its place in the input.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    pub code: Code,
    pub message: String,
    /// Starts at the argument: `["input", "variants", 2, "price"]`. Empty if the problem is not in the input.
    pub path: Vec<Step>,
    /// Machine-readable details, shown in `extensions`: `{"references": [...]}`, `{"revision": 7}`.
    pub details: Option<serde_json::Value>,
}

/// A step of a path into an input or a response.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(untagged)]
pub enum Step {
    Key(String),
    Index(usize),
}

/// All problems of a request. Never empty.
#[derive(Clone, Debug, PartialEq)]
pub struct Error {
    pub problems: Vec<Problem>,
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Problem {
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        let mut message = message.into();
        // A message may quote input at many places; this keeps the response from growing larger than the request.
        if let Some((end, _)) = message.char_indices().nth(LONGEST_MESSAGE) {
            message.truncate(end);
            message.push('…');
        }
        Self { code, message, path: Vec::new(), details: None }
    }

    pub fn at(mut self, path: impl IntoIterator<Item = Step>) -> Self {
        self.path = path.into_iter().collect();
        self
    }

    pub fn details(mut self, details: serde_json::Value) -> Self {
        self.details = Some(details);
        self
    }

    /// Whether the same request may succeed later.
    pub fn is_passing(&self) -> bool {
        matches!(self.code, Code::Internal | Code::Unavailable | Code::Timeout)
    }
}

impl Error {
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Problem::new(code, message).into()
    }

    /// The same problems, with this step before their paths.
    pub fn under(mut self, step: impl Into<Step>) -> Self {
        let step = step.into();
        self.problems.iter_mut().for_each(|problem| problem.path.insert(0, step.clone()));
        self
    }

    /// The database is down. Logs the cause.
    pub fn unavailable(cause: impl fmt::Display) -> Self {
        tracing::error!(%cause, "the database does not answer");
        Self::new(Code::Unavailable, "the database does not answer; try again shortly")
    }

    pub fn timeout() -> Self {
        Self::new(Code::Timeout, "the time limit was exceeded")
    }

    pub fn in_the_way() -> Self {
        Self::new(Code::Conflict, "the write conflicted with other writes; try again")
    }

    /// Whether the server is the cause, so that only a retry can help.
    pub fn is_of_the_server(&self) -> bool {
        let is_ours = |problem: &Problem| matches!(problem.code, Code::Internal | Code::Unavailable | Code::Timeout);
        self.problems.iter().any(is_ours)
    }

    /// Logs the cause and hides it from the client.
    pub fn internal(cause: impl fmt::Display) -> Self {
        tracing::error!(%cause, "an internal error");
        cause::note(&cause);
        Self::new(Code::Internal, "internal error; the server's log has the cause")
    }
}

/// Runs code that may panic, mostly the site's own. A panic becomes an error, so its writes are rolled back and the server
/// continues. Not an `async fn`, which would store the future twice; it is the largest part of a request.
pub fn caught<T>(work: impl Future<Output = T>) -> impl Future<Output = Result<T>> {
    AssertUnwindSafe(work).catch_unwind().map(|done| done.map_err(|panic| Error::panicked(&*panic)))
}

impl Error {
    fn panicked(panic: &(dyn Any + Send)) -> Self {
        let text = panic.downcast_ref::<&str>().copied();
        let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message");
        Self::internal(format!("panic: {text}"))
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self { problems: vec![problem] }
    }
}

impl From<sqlx::Error> for Error {
    fn from(cause: sqlx::Error) -> Self {
        let sqlx::Error::Database(refusal) = &cause else {
            return match cause {
                sqlx::Error::Io(_)
                | sqlx::Error::Tls(_)
                | sqlx::Error::Protocol(_)
                | sqlx::Error::BeginFailed
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed => Self::unavailable(crate::cause::of_database(&cause)),
                cause => Self::internal(cause),
            };
        };
        let is_end = |refusal: &PgDatabaseError| matches!(refusal.severity(), PgSeverity::Fatal | PgSeverity::Panic);
        let code = refusal.code().unwrap_or_default();
        match (&*code, code.get(..2)) {
            (sqlstate::QUERY_CANCELED, _) => Self::timeout(),
            (sqlstate::SERIALIZATION_FAILURE | sqlstate::DEADLOCK_DETECTED, _) => Self::in_the_way(),
            (_, Some(sqlstate::CONNECTION | sqlstate::RESOURCES | sqlstate::OPERATOR)) => Self::unavailable(&cause),
            _ if sqlstate::is_of_connection(&code) => Self::unavailable(&cause),
            _ if refusal.try_downcast_ref().is_some_and(is_end) => Self::unavailable(&cause),
            _ => Self::internal(cause),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let messages: Vec<_> = self.problems.iter().map(|problem| problem.message.as_str()).collect();
        f.write_str(&messages.join("; "))
    }
}

impl std::error::Error for Error {}

impl From<&str> for Step {
    fn from(key: &str) -> Self {
        Self::Key(key.to_owned())
    }
}

impl From<usize> for Step {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

/// PostgreSQL's error codes (SQLSTATE), which do not depend on the language. Two digits are a class of codes.
pub mod sqlstate {
    pub const CONNECTION: &str = "08";
    pub const RESOURCES: &str = "53";
    /// An operator stops the database or a backend.
    pub const OPERATOR: &str = "57";
    pub const QUERY_CANCELED: &str = "57014";
    /// Usually a disk that cannot be read.
    pub const SYSTEM: &str = "58";
    /// The server is a standby; another one takes the writes now.
    pub const READ_ONLY: &str = "25006";
    pub const LOCK_NOT_AVAILABLE: &str = "55P03";
    pub const UNKNOWN_STATEMENT: &str = "26000";
    pub const SERIALIZATION_FAILURE: &str = "40001";
    pub const DEADLOCK_DETECTED: &str = "40P01";
    pub const NOT_NULL: &str = "23502";
    pub const FOREIGN_KEY: &str = "23503";
    pub const RESTRICT: &str = "23001";
    pub const UNIQUE: &str = "23505";
    pub const CHECK: &str = "23514";

    /// Whether the connection or its server is the cause, so that another connection may work.
    pub fn is_of_connection(code: &str) -> bool {
        matches!(code, READ_ONLY | UNKNOWN_STATEMENT) || code.starts_with(SYSTEM)
    }
}
