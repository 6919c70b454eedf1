//! `Note`: Some words.
//!
//! Written by `cargo xtask generate` from schema/components/note.yaml; do not edit.

use runtime::prelude::*;

/// Some words.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Note {
    pub text: String,
    pub mood: Option<NoteMood>,
    pub written: Option<Date>,
}

runtime::component!(Note, NOTE, [text, mood, written]);

pub static NOTE: ComponentInfo = ComponentInfo {
    name: "Note", tag: "note",
    fields: &[
        FieldInfo::new("text", "text", Shape::Scalar(Kind::Text)).required().max("500"),
        FieldInfo::new("mood", "mood", Shape::Enum(&NOTE_MOOD)).default(r#""GOOD""#),
        FieldInfo::new("written", "written", Shape::Scalar(Kind::Date)),
    ],
};

runtime::choice! {
    pub enum NoteMood { Good = "good", Bad = "bad" }
}

pub static NOTE_MOOD: EnumInfo = EnumInfo { name: "NoteMood", values: &[("good", "GOOD"), ("bad", "BAD")] };
