//! The ids of [`model::id`], and new ones.

use uuid::Uuid;

pub use model::id::{Id, Named, USER_PREFIX, decode, decode_as, encode, write};

/// A new id, ordered after those made before.
pub fn new_uuid() -> Uuid {
    Uuid::now_v7()
}
