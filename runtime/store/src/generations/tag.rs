//! The tags by which caches in front of the server know what a response shows. No name of a type has a hyphen.

use uuid::Uuid;

use crate::id;
use model::content::ContentInfo;

/// Of a response that depends on any entry of the type.
pub fn of_type(info: &ContentInfo) -> String {
    info.table.to_owned()
}

/// Of a response that shows this entry; `None`: that shows some single entries of the type.
pub fn of_entry(info: &ContentInfo, entry: Option<Uuid>) -> String {
    match entry {
        Some(entry) => id::encode(info.table, entry),
        None => format!("{}-entries", info.table),
    }
}
