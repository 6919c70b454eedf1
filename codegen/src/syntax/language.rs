//! The tables of the schema language: which keys are allowed where, what values they take, and what they mean.
//!
//! The analyzer, the JSON Schema for editors and the language reference all read these tables, so they cannot disagree.

mod files;
mod options;

use crate::schema::{Scalar, Takes};
pub use files::{COMPONENT, LIMITS, SITE, TYPE};
pub use options::{FieldOption, OPTIONS};

/// A key and the shape of its value.
#[derive(Debug)]
pub struct Key {
    pub name: &'static str,
    pub shape: Shape,
    pub required: bool,
    /// One or two sentences for editors and the reference.
    pub about: &'static str,
}

/// The shape of a value.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// A `snake_case` name.
    Name,
    Text,
    Bool,
    /// `2026-01-31`.
    Date,
    /// Years, months, weeks and days, as ISO 8601 writes them: `P1Y6M`.
    Period,
    /// A limit: a whole number in a range, with its default and unit.
    Limit {
        min: u32,
        max: u32,
        default: u32,
        unit: &'static str,
    },
    /// A number, or text that a field type parses.
    Value,
    Any,
    Word(&'static [&'static str]),
    /// The first shape whose outer form matches the value.
    Either(&'static [Shape]),
    List(&'static Shape),
    /// A map with keys chosen by the author; the values have this shape.
    Map(&'static Shape),
    Record(&'static [Key]),
    /// A record whose other keys are paths of fields, such as `brand.name`, with values of this shape.
    Paths(&'static [Key], &'static Shape),
    /// A field, or `variants.sku`.
    Path,
    /// A map of fields and operators, whose keys depend on the schema, not the language.
    Condition,
    /// The type of a scalar field.
    ScalarType,
    Fields(Place),
}

/// Where fields can be declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Type,
    Children,
    Component,
}

/// A kind of file, by what it declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    Site,
    Type,
    Component,
}

impl FileKind {
    pub fn keys(self) -> &'static [Key] {
        match self {
            Self::Site => SITE,
            Self::Type => TYPE,
            Self::Component => COMPONENT,
        }
    }
}

/// A field type: a scalar, or one with a structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldType {
    Scalar(Scalar),
    Structure(Structure),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Structure {
    Enum,
    Media,
    Relation,
    Component,
    Blocks,
    Children,
}

impl Structure {
    pub const ALL: [Self; 6] = [Self::Enum, Self::Media, Self::Relation, Self::Component, Self::Blocks, Self::Children];

    pub fn yaml(self) -> &'static str {
        match self {
            Self::Enum => "enum",
            Self::Media => "media",
            Self::Relation => "relation",
            Self::Component => "component",
            Self::Blocks => "blocks",
            Self::Children => "children",
        }
    }

    pub fn about(self) -> &'static str {
        match self {
            Self::Enum => "One of a list of `values`; several of them with `many: true`.",
            Self::Media => {
                "A relation to the content type `media`: an image or another file; with `many: true`, several, in order."
            }
            Self::Relation => {
                "Refers to another entry by its id; with `many: true`, to several, in order and without duplicates."
            }
            Self::Component => "A group of fields declared in `schema/components/`; a list of them with `many: true`.",
            Self::Blocks => "An ordered mix of components, for page builders.",
            Self::Children => {
                "Rows owned by the entry, with fields of their own, such as the variants of a product. They are saved and published with it."
            }
        }
    }
}

impl FieldType {
    /// In the order of the reference.
    pub fn all() -> impl Iterator<Item = Self> + Clone {
        Scalar::ALL.into_iter().map(Self::Scalar).chain(Structure::ALL.into_iter().map(Self::Structure))
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::all().find(|field_type| field_type.yaml() == name)
    }

    pub fn yaml(self) -> &'static str {
        match self {
            Self::Scalar(scalar) => scalar.mapping().yaml,
            Self::Structure(structure) => structure.yaml(),
        }
    }

    pub fn about(self) -> &'static str {
        match self {
            Self::Scalar(scalar) => scalar.mapping().about,
            Self::Structure(structure) => structure.about(),
        }
    }

    /// The option that a field of this type requires.
    pub fn needs(self) -> Option<&'static str> {
        match self {
            Self::Scalar(_) | Self::Structure(Structure::Media) => None,
            Self::Structure(Structure::Enum) => Some("values"),
            Self::Structure(Structure::Relation) => Some("to"),
            Self::Structure(Structure::Component | Structure::Blocks) => Some("of"),
            Self::Structure(Structure::Children) => Some("fields"),
        }
    }

    /// Whether fields of this type are allowed in this place.
    pub fn stands_in(self, place: Place) -> bool {
        match self {
            Self::Structure(Structure::Children) => place == Place::Type,
            Self::Structure(Structure::Blocks) => place != Place::Component,
            _ => true,
        }
    }

    fn takes(self) -> Takes {
        match self {
            Self::Scalar(scalar) => scalar.mapping().takes,
            Self::Structure(_) => Takes::default(),
        }
    }

    fn is(self, structures: &[Structure]) -> bool {
        matches!(self, Self::Structure(structure) if structures.contains(&structure))
    }
}

const fn key(name: &'static str, shape: Shape, about: &'static str) -> Key {
    Key { name, shape, required: false, about }
}

const fn needed(name: &'static str, shape: Shape, about: &'static str) -> Key {
    Key { name, shape, required: true, about }
}

const NAMES: Shape = Shape::List(&Shape::Name);
const NAME_OR_NAMES: Shape = Shape::Either(&[Shape::Name, NAMES]);
const DESCRIPTION: Key = key("description", Shape::Text, "A description, for editors and for the API documentation.");
const WAS: Key = key(
    "was",
    Shape::Name,
    "The former name. The next migration then renames instead of removing and adding; remove the key afterwards.",
);

/// Names that other systems use for these field types.
pub const SYNONYMS: &[(&str, &str)] = &[
    ("array", "component"),
    ("bool", "boolean"),
    ("double", "decimal"),
    ("file", "media"),
    ("float", "decimal"),
    ("group", "component"),
    ("image", "media"),
    ("int", "integer"),
    ("long", "bigint"),
    ("number", "decimal"),
    ("object", "component"),
    ("ref", "relation"),
    ("reference", "relation"),
    ("rich_text", "markdown"),
    ("richtext", "markdown"),
    ("select", "enum"),
    ("str", "string"),
    ("textarea", "text"),
    ("timestamp", "datetime"),
    ("uri", "url"),
    ("varchar", "string"),
];
