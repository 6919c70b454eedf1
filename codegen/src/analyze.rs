//! Checked nodes to a [`Schema`]: every rule that needs more than one key, each a small function.
//!
//! Rules never stop: each reports what it finds and leaves alone what another has reported.

mod build;
mod declared;
mod names;

use crate::diagnostic::Diagnostics;
use crate::schema::Schema;
use crate::syntax::file::Files;
use declared::Declared;

/// The schema; to be used only when nothing of what was found is an error.
pub fn analyze(files: &Files, found: &mut Diagnostics) -> Schema {
    let declared = Declared::new(files);
    let _ = found;
    build::schema(&declared)
}
