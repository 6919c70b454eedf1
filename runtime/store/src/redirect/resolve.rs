//! What a path of the site leads to: an entry, or a redirect.

use uuid::Uuid;

use super::{LeadsTo, from};
use crate::Scope;
use base::error::Result;
use model::content::ContentInfo;
use model::path;

/// What a path leads to.
#[derive(Clone, Debug)]
pub enum Found {
    Entry(&'static ContentInfo, Uuid),
    Redirect { status: i16, location: String },
}

/// What a requested path leads to for the actor. An entry comes before a redirect.
pub async fn resolve(scope: Scope<'_>, requested: &str) -> Result<Option<Found>> {
    let Some(path) = path::requested(requested) else { return Ok(None) };
    if let Some((info, id)) = scope.entry_at(&path).await? {
        return Ok(Some(Found::Entry(info, id)));
    }
    let Some(redirect) = from(scope.store, &path).await? else { return Ok(None) };
    let to = match redirect.leads_to {
        LeadsTo::Address(to) => Some(to),
        LeadsTo::Entry(ref table, id) => {
            let info = scope.store.schema.types.iter().find(|info| info.is_called(table));
            match info {
                Some(info) => scope.path_of(info, id).await?.filter(|found| *found != path),
                None => None,
            }
        }
    };
    let location = to.map(|to| path::Target { to, suffix: redirect.suffix.clone() }.location());
    Ok(location.map(|location| Found::Redirect { status: redirect.status, location }))
}
