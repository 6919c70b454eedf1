//! What generated files and a site's own code name: the types of fields, records and hooks.

pub use crate::access::{Actor, Identity, User};
pub use crate::content::*;
pub use crate::error::{Code, Error, Problem, Result, Step};
pub use crate::hooks::{Cx, Event, EventKind, Hooks, refuse};
pub use crate::id::Id;
pub use crate::kind::Kind;
pub use crate::record::{
    AnyId, Component, Date, Duration, FieldType, FieldValue, Json, Money, Record, Time, Timestamp, ToMany,
};
pub use crate::site::{ReadCx, SiteBuilder, SiteCode};
pub use crate::store::{Database, Stage, Store};
pub use crate::value::Value;
pub use rust_decimal::Decimal;
