//! Why a write failed, and how the database's errors are reported to a client.

use sqlx::postgres::PgDatabaseError;

use crate::write::check::LONGEST_INDEXED;
use crate::write::row::Faults;
use crate::write::table;
use base::error::sqlstate::{CHECK, DEADLOCK_DETECTED, FOREIGN_KEY, NOT_NULL, RESTRICT, SERIALIZATION_FAILURE, UNIQUE};
use base::error::{Code, Error, Problem, Step};
use model::content::{ContentInfo, SchemaInfo};

pub type Result<T, E = Failure> = std::result::Result<T, E>;

#[derive(Debug)]
pub enum Failure {
    /// By input, so that the others of a batch can still be saved.
    Faults(Faults),
    Refused(Error),
    /// A value was free when looked up, but is taken now.
    Taken,
    /// A hook or a custom mutation conflicted with another writer.
    Again(Error),
    Database(sqlx::Error),
}

const REFERENCED: &str = "other entries refer to this one";
/// An index row must fit into a third of a page, a table row into a page.
const TOO_LARGE: &str = "54000";

impl Failure {
    /// Whether the write conflicted with another writer: its checks are out of date. A retry succeeds, or is rejected with all details.
    pub fn is_race(&self) -> bool {
        let codes = [SERIALIZATION_FAILURE, DEADLOCK_DETECTED, UNIQUE, FOREIGN_KEY, RESTRICT];
        match self {
            Self::Database(error) => codes.contains(&code(error).unwrap_or_default().as_str()),
            Self::Taken | Self::Again(_) => true,
            _ => false,
        }
    }

    /// `removes`: rows were to be deleted. The database has one code for a reference to a missing row and for a row that is still
    /// referenced, and tells them apart only in its localized message.
    pub fn into_error(self, schema: &'static SchemaInfo, removes: bool) -> Error {
        match self {
            Self::Faults(faults) => Error { problems: faults.0.into_iter().map(|(_, problem)| problem).collect() },
            Self::Refused(error) | Self::Again(error) => error,
            Self::Taken => Error::in_the_way(),
            Self::Database(error) => translated(error, schema, removes),
        }
    }
}

impl From<Faults> for Failure {
    fn from(faults: Faults) -> Self {
        Self::Faults(faults)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

fn code(error: &sqlx::Error) -> Option<String> {
    Some(error.as_database_error()?.code()?.into_owned())
}

fn translated(error: sqlx::Error, schema: &'static SchemaInfo, removes: bool) -> Error {
    let Some(refusal) = error.as_database_error().and_then(|error| error.try_downcast_ref::<PgDatabaseError>()) else {
        return error.into();
    };
    let info = refusal.table().and_then(|name| by_table(schema, name));
    let field = info.and_then(|info| {
        match refusal.column() {
            Some(column) => table::columns(info).iter().find(|known| known.name == column).map(|known| known.field),
            None => constrained(refusal, info),
        }
        .map(|index| &info.fields[index])
    });
    let path: Vec<Step> = field.into_iter().map(|field| Step::from(field.name)).collect();
    let what = field.map_or_else(|| "a value".to_owned(), |field| format!("the {}", field.name));
    let (code, message) = match refusal.code() {
        UNIQUE => (Code::Conflict, format!("{what} belongs to another entry")),
        RESTRICT => (Code::Referenced, REFERENCED.to_owned()),
        FOREIGN_KEY if removes => (Code::Referenced, REFERENCED.to_owned()),
        FOREIGN_KEY => (Code::NotFound, format!("the target of {what} does not exist")),
        NOT_NULL => (Code::InvalidValue, format!("{what} is required")),
        CHECK => (Code::InvalidValue, format!("{what} has a value that its column does not accept")),
        // PostgreSQL names the table for an index row, but not for a table row.
        TOO_LARGE if refusal.table().is_none() => {
            (Code::InvalidValue, "too many fields have a value: together they take more than 8160 bytes".to_owned())
        }
        TOO_LARGE => {
            (Code::InvalidValue, format!("{what} is too long for its index, which takes {LONGEST_INDEXED} bytes"))
        }
        _ => return error.into(),
    };
    Problem::new(code, message).at(path).into()
}

/// Index of the field that the constraint is about.
fn constrained(refusal: &PgDatabaseError, info: &ContentInfo) -> Option<usize> {
    let name = refusal.constraint()?;
    let (_, field) = info.constraints.iter().find(|(known, _)| *known == name)?;
    info.fields.iter().position(|known| known.snake == *field)
}

fn by_table(schema: &'static SchemaInfo, name: &str) -> Option<&'static ContentInfo> {
    let children = schema.types.iter().flat_map(|info| table::children(info).map(|(_, child)| child));
    schema.types.iter().copied().chain(children).find(|info| info.table == name)
}
