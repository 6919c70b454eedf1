//! `Strip`: Pictures in a row.
//!
//! Written by `cargo xtask generate` from schema/components/strip.yaml; do not edit.

use crate::component::{NOTE, Note};
use crate::content::{MEDIA, Media, THING, Thing};
use runtime::prelude::*;

/// Pictures in a row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Strip {
    pub pictures: Vec<Id<Media>>,
    pub first: Option<Id<Thing>>,
    pub note: Option<Note>,
    pub notes: Vec<Note>,
}

runtime::component!(Strip, STRIP, [pictures, first, note, notes]);

pub static STRIP: ComponentInfo = ComponentInfo {
    name: "Strip", tag: "strip",
    fields: &[
        FieldInfo::new("pictures", "pictures", Shape::many(&[&MEDIA], "Media", OnDelete::Restrict, "", &[])),
        FieldInfo::new("first", "first", Shape::one(&[&THING], "Thing", OnDelete::Restrict, &[])),
        FieldInfo::new("note", "note", Shape::Component(&NOTE)),
        FieldInfo::new("notes", "notes", Shape::Components(&NOTE)),
    ],
};
