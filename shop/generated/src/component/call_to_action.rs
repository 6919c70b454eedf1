//! `CallToAction`: A call to action.
//!
//! Written by `cargo xtask generate` from schema/components/call_to_action.yaml; do not edit.

use crate::content::{MEDIA, Media, PRODUCT, Product};
use runtime::prelude::*;

/// A call to action.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CallToAction {
    pub heading: Option<String>, // Text of the call to action.
    pub text: Option<String>, // A sentence below the heading.
    pub label: String, // Label of the button.
    pub url: String, // Target of the link.
    pub image: Option<Id<Media>>, // Background picture.
    pub products: Vec<Id<Product>>, // Products to show.
}

runtime::component!(CallToAction, CALL_TO_ACTION, [heading, text, label, url, image, products]);

pub static CALL_TO_ACTION: ComponentInfo = ComponentInfo {
    name: "CallToAction", tag: "call_to_action",
    fields: &[
        FieldInfo::new("heading", "heading", Shape::Scalar(Kind::String)).required_to_publish().max("200"),
        FieldInfo::new("text", "text", Shape::Scalar(Kind::Text)).max("500"),
        FieldInfo::new("label", "label", Shape::Scalar(Kind::String)).required().max("60"),
        FieldInfo::new("url", "url", Shape::Scalar(Kind::Url)).required(),
        FieldInfo::new("image", "image", Shape::one(&[&MEDIA], "Media", OnDelete::Restrict, &[])),
        FieldInfo::new("products", "products", Shape::many(&[&PRODUCT], "Product", OnDelete::Restrict, "", &[])),
    ],
};
