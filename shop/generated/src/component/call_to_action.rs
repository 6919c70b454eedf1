//! `CallToAction`: An invitation to go somewhere.
//!
//! Written by `cargo xtask generate` from schema/components/call_to_action.yaml; do not edit.

use crate::content::{MEDIA, Media, PRODUCT, Product};
use runtime::prelude::*;

/// An invitation to go somewhere.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CallToAction {
    pub heading: Option<String>, // The invitation.
    pub text: Option<String>, // A sentence below it.
    pub label: String, // What the button says.
    pub url: String, // Where it leads.
    pub image: Option<Id<Media>>, // Picture behind it.
    pub products: Vec<Id<Product>>, // Products that it shows.
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
