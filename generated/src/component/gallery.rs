//! `Gallery`: A gallery of pictures.
//!
//! Written by `cargo xtask generate` from schema/components/gallery.yaml; do not edit.

use crate::content::{MEDIA, Media};
use runtime::prelude::*;

/// A gallery of pictures.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gallery {
    pub heading: Option<String>, // Heading of the section.
    pub images: Vec<Id<Media>>, // The pictures, in order.
    pub layout: Option<GalleryLayout>, // Layout of the pictures.
}

runtime::component!(Gallery, GALLERY, [heading, images, layout]);

pub static GALLERY: ComponentInfo = ComponentInfo {
    name: "Gallery", tag: "gallery",
    fields: &[
        FieldInfo::new("heading", "heading", Shape::Scalar(Kind::String)).max("200"),
        FieldInfo::new("images", "images", Shape::many(&[&MEDIA], "Media", OnDelete::Restrict, "", &[])),
        FieldInfo::new("layout", "layout", Shape::Enum(&GALLERY_LAYOUT)).default(r#""GRID""#),
    ],
};

runtime::choice! {
    /// Layout of the pictures.
    pub enum GalleryLayout { Grid = "grid", Carousel = "carousel" }
}

pub static GALLERY_LAYOUT: EnumInfo = EnumInfo { name: "GalleryLayout", values: &[
    ("grid", "GRID"), ("carousel", "CAROUSEL"),
] };
