//! `Text`: A section of text.
//!
//! Written by `cargo xtask generate` from schema/components/text.yaml; do not edit.

use runtime::prelude::*;

/// A section of text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Text {
    pub heading: Option<String>, // Heading of the section.
    pub body: String, // The text.
}

runtime::component!(Text, TEXT, [heading, body]);

pub static TEXT: ComponentInfo = ComponentInfo {
    name: "Text", tag: "text",
    fields: &[
        FieldInfo::new("heading", "heading", Shape::Scalar(Kind::String)).max("200"),
        FieldInfo::new("body", "body", Shape::Scalar(Kind::Markdown)).required(),
    ],
};
