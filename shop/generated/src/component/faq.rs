//! `Faq`: Questions with their answers.
//!
//! Written by `cargo xtask generate` from schema/components/faq.yaml; do not edit.

use crate::component::{FAQ_ITEM, FaqItem};
use runtime::prelude::*;

/// Questions with their answers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Faq {
    pub heading: Option<String>, // Heading of the section.
    pub items: Vec<FaqItem>, // The questions, in order.
}

runtime::component!(Faq, FAQ, [heading, items]);

pub static FAQ: ComponentInfo = ComponentInfo {
    name: "Faq", tag: "faq",
    fields: &[
        FieldInfo::new("heading", "heading", Shape::Scalar(Kind::String)).max("200"),
        FieldInfo::new("items", "items", Shape::Components(&FAQ_ITEM)),
    ],
};
