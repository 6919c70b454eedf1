//! `FaqItem`: One question with its answer.
//!
//! Written by `cargo xtask generate` from schema/components/faq_item.yaml; do not edit.

use runtime::prelude::*;

/// One question with its answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FaqItem {
    pub question: String, // The question.
    pub answer: String, // The answer.
}

runtime::component!(FaqItem, FAQ_ITEM, [question, answer]);

pub static FAQ_ITEM: ComponentInfo = ComponentInfo {
    name: "FaqItem", tag: "faq_item",
    fields: &[
        FieldInfo::new("question", "question", Shape::Scalar(Kind::String)).required().max("300"),
        FieldInfo::new("answer", "answer", Shape::Scalar(Kind::Markdown)).required(),
    ],
};
