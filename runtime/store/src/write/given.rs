//! Lays an input over an entry that comes from the history, so that it can come back where something else has taken its place.

use std::collections::HashSet;

use serde_json::{Map, Value as Json};
use uuid::Uuid;

use crate::access::Action;
use crate::write::batch::refuse;
use crate::write::failure::Result;
use crate::write::guard::Guard;
use crate::write::input::Overlay;
use crate::write::keys::{Collector, Keys};
use crate::write::remove::refused;
use crate::write::row::{At, Faults, Item};
use crate::write::slug;
use crate::{Connection, Store};
use base::error::Step;

/// The input, an `XUpdateInput`, is about the last item; its problems have paths in it, whether something is given or not. Entries that the
/// input creates come first. A slug that is given as null is made again.
pub async fn lay_over(
    connection: &mut Connection,
    store: &Store,
    mut items: Vec<Item>,
    input: &Map<String, Json>,
    again: bool,
) -> Result<Vec<Item>> {
    let Some(item) = items.last_mut() else { return Ok(items) };
    let path: Vec<Step> = vec!["input".into()];
    item.new.path.clone_from(&path);
    if input.is_empty() {
        return Ok(items);
    }
    let guard = Guard::new(store, false);
    let action = if item.old.is_none() { Action::Create } else { Action::Update };
    let rights = guard.rights(item.info, action).map_err(refused)?;
    let (mut keys, mut faults, mut nested) = (Keys::default(), Faults::default(), Vec::new());
    let site = &store.schema.site;
    Collector { keys: &mut keys, site, reuse: false }.fields(item.info, input);
    keys.resolve(connection, store).await?;
    let mut overlay = Overlay {
        site,
        guard,
        rights,
        publish: false,
        keys: &mut keys,
        faults: &mut faults,
        items: &mut nested,
        root: item.root,
        reuse: false,
    };
    overlay.entry(item.info, &mut item.new, None, input, At::Steps(&path));
    refuse(faults)?;
    let new: HashSet<Uuid> = items.iter().chain(&nested).map(|item| item.new.id).collect();
    keys.hold(connection, &new).await?;
    nested.append(&mut items);
    slug::assign(&mut nested, connection, again).await?;
    Ok(nested)
}
