//! `ProductOption`: A property in which the variants of a product differ.
//!
//! Written by `cargo xtask generate` from schema/components/product_option.yaml; do not edit.

use runtime::prelude::*;

/// A property in which the variants of a product differ.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProductOption {
    pub name: String, // Name, such as `Size`.
    pub values: Option<Json>, // Its values, in order.
}

runtime::component!(ProductOption, PRODUCT_OPTION, [name, values]);

pub static PRODUCT_OPTION: ComponentInfo = ComponentInfo {
    name: "ProductOption", tag: "product_option",
    fields: &[
        FieldInfo::new("name", "name", Shape::Scalar(Kind::String)).required().max("60"),
        FieldInfo::new("values", "values", Shape::Scalar(Kind::Json)).schema(r#"{"type":"array","items":{"type":"string"}}"#),
    ],
};
