//! `Area`: A region.
//!
//! Written by `cargo xtask generate` from schema/components/area.yaml; do not edit.

use runtime::prelude::*;

/// A region.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Area {
    pub name: String, // Name, such as a city or region.
    pub country: Option<String>, // Country (ISO 3166-1 alpha-2).
    pub postal_codes: Option<String>, // Postal codes or ranges, separated by commas.
}

runtime::component!(Area, AREA, [name, country, postal_codes]);

pub static AREA: ComponentInfo = ComponentInfo {
    name: "Area", tag: "area",
    fields: &[
        FieldInfo::new("name", "name", Shape::Scalar(Kind::String)).required().max("200"),
        FieldInfo::new("country", "country", Shape::Scalar(Kind::String)).pattern("[A-Z]{2}"),
        FieldInfo::new("postalCodes", "postal_codes", Shape::Scalar(Kind::String)).max("500"),
    ],
};
