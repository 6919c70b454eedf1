//! Checked nodes to a [`Schema`]: every rule that involves more than one key, each as a small function.
//!
//! Rules never stop early: each reports what it finds and skips what another rule has reported.

pub mod access;
mod blocks;
mod build;
mod collisions;
mod components;
mod declared;
mod fields;
mod indexes;
mod limits;
pub mod names;
mod options;
mod paths;
mod preview_url;
mod relations;
mod removals;
mod reserved;
mod search;
mod site;

use crate::diagnostic::Diagnostics;
use crate::schema::Schema;
use crate::syntax::file::Files;
use declared::Declared;

/// Builds the schema. Use it only if `found` has no errors.
pub fn analyze(files: &Files, found: &mut Diagnostics) -> Schema {
    let declared = Declared::new(files);
    reserved::check(&declared, found);
    relations::check(&declared, found);
    components::check(&declared, found);
    blocks::check(&declared, found);
    fields::check(&declared, found);
    options::check(&declared, found);
    indexes::check(&declared, found);
    paths::check(&declared, found);
    preview_url::check(&declared, found);
    search::check(&declared, found);
    removals::check(&declared, found);
    collisions::check(&declared, found);
    site::check(&declared, found);
    let mut schema = build::schema(&declared);
    access::check(&declared, &mut schema, found);
    if !found.has_errors() {
        limits::check(&declared, &schema, found);
    }
    schema
}
