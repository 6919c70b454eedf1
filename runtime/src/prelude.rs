//! The names that generated files and a site's own code import: the types of fields, records and hooks.

pub use base::error::{Code, Error, Problem, Result, Step};
pub use events::{Change, ChangeOf, Follow, FollowAll, StartAt};
pub use jobs::{Attempt, Enqueue, Job, OutsideWork, Work};
pub use lifecycle::Later;
pub use model::content::*;
pub use model::kind::Kind;
pub use rust_decimal::Decimal;
pub use serde::{Deserialize, Serialize};
pub use store::access::{Actor, Identity, User};
pub use store::hooks::Cx;
pub use store::hooks::{Event, EventKind, Hooks, refuse};
pub use store::id::Id;
pub use store::record::{
    AnyId, Component, Date, Duration, EntryStatus, FieldType, FieldValue, Json, Money, Record, Time, Timestamp, ToMany,
};
pub use store::site::{ReadCx, SiteBuilder, SiteCode};
pub use store::value::Value;
pub use store::{Database, Stage, Store};
