//! Errors of a site's own routes as answers.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::error::{Code, Error};

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let status = match self.problems.first().map(|problem| problem.code) {
            Some(Code::NotFound) => StatusCode::NOT_FOUND,
            Some(Code::Conflict | Code::RevisionMismatch | Code::Referenced) => StatusCode::CONFLICT,
            Some(Code::Unauthenticated) => StatusCode::UNAUTHORIZED,
            Some(Code::Forbidden) => StatusCode::FORBIDDEN,
            Some(Code::Internal) | None => StatusCode::INTERNAL_SERVER_ERROR,
            Some(_) => StatusCode::BAD_REQUEST,
        };
        (status, self.to_string()).into_response()
    }
}
