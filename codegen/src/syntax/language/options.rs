//! The options of fields, and which field types take them.

use super::{DESCRIPTION, FieldType, Key, NAME_OR_NAMES, NAMES, Place, Shape, Structure, WAS, key, needed};

/// An option of a field, and the field types that take it.
#[derive(Debug)]
pub struct FieldOption {
    pub key: Key,
    taken: fn(FieldType, Place) -> bool,
}

impl FieldOption {
    pub fn taken_by(&self, field_type: FieldType, place: Place) -> bool {
        (self.taken)(field_type, place)
    }

    pub fn named(name: &str) -> Option<&'static Self> {
        OPTIONS.iter().find(|option| option.key.name == name)
    }
}

const fn option(
    name: &'static str,
    shape: Shape,
    taken: fn(FieldType, Place) -> bool,
    about: &'static str,
) -> FieldOption {
    FieldOption { key: key(name, shape, about), taken }
}

/// The options of fields. The reference lists them per field type.
pub static OPTIONS: &[FieldOption] = &[
    option("type", Shape::Text, |_, _| true, "The field type."),
    option("description", Shape::Text, |_, _| true, DESCRIPTION.about),
    option(
        "required",
        Shape::Either(&[Shape::Bool, Shape::Word(&["save", "publish"])]),
        |_, _| true,
        "`true` or `save`: an entry cannot be saved without a value. `publish`: it can be saved, but not published. A list needs at least one item.",
    ),
    option(
        "default",
        Shape::Any,
        |ty, _| ty.takes().default || ty.is(&[Structure::Enum]),
        "The value of a new entry if none is given, and of existing entries when the field is added.",
    ),
    option(
        "unique",
        Shape::Either(&[Shape::Bool, NAMES]),
        |ty, place| {
            place != Place::Component
                && (ty.takes().unique || ty.is(&[Structure::Enum, Structure::Relation, Structure::Media]))
        },
        "`true`: no two entries have the same value. A list of fields: no two have the same value together with those.",
    ),
    option(
        "min",
        Shape::Value,
        |ty, _| bounded(ty),
        "The lowest value, the fewest characters of a text, or the fewest items of a list. Money is in major units: `9.99`.",
    ),
    option(
        "max",
        Shape::Value,
        |ty, _| bounded(ty),
        "The highest value, the most characters of a text, or the most items of a list.",
    ),
    option("pattern", Shape::Text, |ty, _| ty.takes().text, "A regular expression that the whole text must match."),
    option("from", Shape::Name, |ty, _| ty.takes().from, "The field from which the value is made if none is given."),
    option("schema", Shape::Any, |ty, _| ty.takes().schema, "A JSON Schema (2020-12) that validates the value."),
    option(
        "search",
        Shape::Word(&["A", "B", "C", "D"]),
        |ty, place| {
            place != Place::Component && (ty.takes().search || ty.is(&[Structure::Component, Structure::Blocks]))
        },
        "The field is searched, with this weight; `A` is the highest. Of a component or blocks, all texts are searched.",
    ),
    option(
        "indexed",
        Shape::Bool,
        |ty, place| place != Place::Component && columnar(ty),
        "The column has an index, for the site's own code.",
    ),
    option(
        "filterable",
        Shape::Bool,
        |ty, place| place != Place::Component && filterable(ty),
        "The API can filter by the field, and the column has an index. Relations are always filterable.",
    ),
    option(
        "sortable",
        Shape::Bool,
        |ty, place| place != Place::Component && (ty.takes().sortable || ty.is(&[Structure::Enum])),
        "The API can sort by the field, and the column has an index. Text is in the order of `collation`, an enum in the order of its declaration, money by currency and then by amount.",
    ),
    option(
        "collation",
        Shape::Text,
        |ty, place| place != Place::Component && ty.takes().text && ty.takes().sortable,
        "The language (BCP 47) in whose order the field is sorted and compared. Default: that of the site.",
    ),
    option(
        "localized",
        Shape::Bool,
        |ty, place| place == Place::Type && !ty.is(&[Structure::Relation, Structure::Media, Structure::Children]),
        "The field has a value for each locale of the site. Accepted and checked, but without effect yet.",
    ),
    option(
        "values",
        Shape::Either(&[
            Shape::List(&Shape::Either(&[Shape::Name, Shape::Record(VALUE)])),
            Shape::Map(&Shape::Either(&[Shape::Text, Shape::Record(VALUE_OPTIONS)])),
        ]),
        |ty, _| ty.is(&[Structure::Enum]),
        "The values, in `snake_case`; shown as `UPPER_CASE` by the API. A list of names, a list of records, or a map from names to descriptions.",
    ),
    option(
        "many",
        Shape::Bool,
        |ty, _| ty.is(&[Structure::Enum, Structure::Media, Structure::Relation, Structure::Component]),
        "The field is an ordered list.",
    ),
    option(
        "to",
        NAME_OR_NAMES,
        |ty, _| ty.is(&[Structure::Relation]),
        "The target content type; `self` for the type itself; a list if the target may have one of several types.",
    ),
    option(
        "on_delete",
        Shape::Word(&["restrict", "set_null", "cascade"]),
        |ty, place| place != Place::Component && ty.is(&[Structure::Relation, Structure::Media]),
        "What happens when the target is deleted. `restrict` (default): the deletion is refused. `set_null`: the relation is emptied. `cascade`: the entry is deleted too.",
    ),
    option(
        "inverse",
        Shape::Name,
        |ty, place| place == Place::Type && ty.is(&[Structure::Relation, Structure::Media]),
        "The field of the target that lists the entries with this relation to it.",
    ),
    option(
        "of",
        NAME_OR_NAMES,
        |ty, _| ty.is(&[Structure::Component, Structure::Blocks]),
        "The component; for blocks, the list of allowed components.",
    ),
    option(
        "fields",
        Shape::Fields(Place::Children),
        |ty, _| ty.is(&[Structure::Children]),
        "The fields of each row, declared like those of a content type.",
    ),
    option(
        "singular",
        Shape::Name,
        |ty, _| ty.is(&[Structure::Children]),
        "The name of one row: `variant` for `variants`. Derived from the field's name by default.",
    ),
    option("deprecated", Shape::Record(DEPRECATED), |_, _| true, "The field is marked as deprecated, with a reason."),
    option("was", Shape::Name, |_, _| true, WAS.about),
    option(
        "drop",
        Shape::Bool,
        |_, _| true,
        "The field and its values are removed: the next migration drops the column. Remove the whole field afterwards.",
    ),
];

fn bounded(ty: FieldType) -> bool {
    ty.takes().range || ty.takes().text || matches!(ty, FieldType::Structure(_))
}

fn columnar(ty: FieldType) -> bool {
    ty.takes().sortable || ty.takes().filterable || ty.is(&[Structure::Enum])
}

fn filterable(ty: FieldType) -> bool {
    ty.takes().filterable || ty.is(&[Structure::Enum])
}

const VALUE_OPTIONS: &[Key] = &[DESCRIPTION, WAS];
const VALUE: &[Key] = &[needed("name", Shape::Name, "The value."), DESCRIPTION, WAS];
const DEPRECATED: &[Key] = &[
    needed("reason", Shape::Text, "The reason, and what to use instead."),
    key("since", Shape::Date, "The date from which the field is deprecated."),
    key("date", Shape::Date, "The same as `since`."),
];
