//! The tables of the schema language: which keys stand where, what they take, and what they mean.
//!
//! The analyzer, the JSON Schema for editors and the language reference all read these tables, so they cannot disagree.

use crate::schema::{Scalar, Takes};

/// A key and what may stand after it.
#[derive(Debug)]
pub struct Key {
    pub name: &'static str,
    pub shape: Shape,
    pub required: bool,
    /// One or two sentences for editors and for the reference.
    pub about: &'static str,
}

/// What a value looks like.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// A `snake_case` name.
    Name,
    Text,
    Bool,
    /// `2026-01-31`.
    Date,
    /// A limit: a whole number in a range, with its default and unit.
    Limit {
        min: u32,
        max: u32,
        default: u32,
        unit: &'static str,
    },
    /// A number, or text that a field type reads.
    Value,
    Any,
    Word(&'static [&'static str]),
    /// The first whose outer form fits the value.
    Either(&'static [Shape]),
    List(&'static Shape),
    /// Names of the author's own, each with a value of the shape.
    Map(&'static Shape),
    Record(&'static [Key]),
    /// The type of a scalar field.
    ScalarType,
    Fields(Place),
}

/// Where fields stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Type,
    Children,
    Component,
}

/// A file of the language, by what it declares.
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

/// A field type: one of the scalars, or one with a structure of its own.
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
                "A relation to the content type `media`: an image or another file; several, in order, with `many: true`."
            }
            Self::Relation => {
                "Points at another entry by its id; at several, in order and without duplicates, with `many: true`."
            }
            Self::Component => "A group of fields declared in `schema/components/`; a list of them with `many: true`.",
            Self::Blocks => "An ordered mix of components: what a page builder edits.",
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

    /// The option that a field of the type cannot do without.
    pub fn needs(self) -> Option<&'static str> {
        match self {
            Self::Scalar(_) | Self::Structure(Structure::Media) => None,
            Self::Structure(Structure::Enum) => Some("values"),
            Self::Structure(Structure::Relation) => Some("to"),
            Self::Structure(Structure::Component | Structure::Blocks) => Some("of"),
            Self::Structure(Structure::Children) => Some("fields"),
        }
    }

    /// Fields of the type may stand there.
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

    fn is_scalar(self) -> bool {
        matches!(self, Self::Scalar(_))
    }
}

/// An option of a field, and which fields take it.
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

const fn key(name: &'static str, shape: Shape, about: &'static str) -> Key {
    Key { name, shape, required: false, about }
}

const fn needed(name: &'static str, shape: Shape, about: &'static str) -> Key {
    Key { name, shape, required: true, about }
}

const fn option(
    name: &'static str,
    shape: Shape,
    taken: fn(FieldType, Place) -> bool,
    about: &'static str,
) -> FieldOption {
    FieldOption { key: key(name, shape, about), taken }
}

const NAMES: Shape = Shape::List(&Shape::Name);
const NAME_OR_NAMES: Shape = Shape::Either(&[Shape::Name, NAMES]);
const DESCRIPTION: Key =
    key("description", Shape::Text, "What it is, for editors and for the documentation of the API.");
const WAS: Key = key(
    "was",
    Shape::Name,
    "The former name. The next migration renames instead of removing and adding; remove the key after it.",
);

/// Names that other systems have for the field types.
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

/// The options of fields. Every field type is documented with those it takes.
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
        |ty, _| ty.is_scalar() || ty.is(&[Structure::Enum]),
        "The value of a new entry that is given none, and of existing entries when the field is added.",
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
        "The lowest value; the fewest characters of a text; the fewest items of a list. Money in major units: `9.99`.",
    ),
    option(
        "max",
        Shape::Value,
        |ty, _| bounded(ty),
        "The highest value; the most characters of a text; the most items of a list.",
    ),
    option("pattern", Shape::Text, |ty, _| ty.takes().text, "A regular expression that the whole text must match."),
    option("from", Shape::Name, |ty, _| ty.takes().from, "The field that the value is made from when none is given."),
    option("schema", Shape::Any, |ty, _| ty.takes().schema, "A JSON Schema (2020-12) that the value must fit."),
    option(
        "search",
        Shape::Word(&["A", "B", "C", "D"]),
        |ty, place| place != Place::Component && ty.takes().search,
        "The field is searched, with this weight; `A` weighs most.",
    ),
    option(
        "indexed",
        Shape::Bool,
        |ty, place| place != Place::Component && columnar(ty),
        "An index is made, for code of the site's own.",
    ),
    option(
        "filterable",
        Shape::Bool,
        |ty, place| place != Place::Component && filterable(ty),
        "The API filters by the field; an index is made. Relations always are.",
    ),
    option(
        "sortable",
        Shape::Bool,
        |ty, place| place != Place::Component && (ty.takes().sortable || ty.is(&[Structure::Enum])),
        "The API orders by the field; an index is made.",
    ),
    option(
        "localized",
        Shape::Bool,
        |ty, place| place == Place::Type && !ty.is(&[Structure::Relation, Structure::Media, Structure::Children]),
        "The field has a value for each locale of the site. Accepted and checked; not yet in force.",
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
        "The field is a list, in an order of its own.",
    ),
    option(
        "to",
        NAME_OR_NAMES,
        |ty, _| ty.is(&[Structure::Relation]),
        "The content type pointed at; `self` for the type itself; a list for one of several types.",
    ),
    option(
        "on_delete",
        Shape::Word(&["restrict", "set_null", "cascade"]),
        |ty, place| place != Place::Component && ty.is(&[Structure::Relation, Structure::Media]),
        "What happens when the target is deleted. `restrict` (default): that is refused. `set_null`: the relation is emptied. `cascade`: the entry is deleted too.",
    ),
    option(
        "inverse",
        Shape::Name,
        |ty, place| place == Place::Type && ty.is(&[Structure::Relation, Structure::Media]),
        "The name under which the target shows who points at it.",
    ),
    option(
        "of",
        NAME_OR_NAMES,
        |ty, _| ty.is(&[Structure::Component, Structure::Blocks]),
        "The component; for blocks, the list of components that may stand there.",
    ),
    option(
        "fields",
        Shape::Fields(Place::Children),
        |ty, _| ty.is(&[Structure::Children]),
        "The fields of each row, as those of a content type.",
    ),
    option(
        "singular",
        Shape::Name,
        |ty, _| ty.is(&[Structure::Children]),
        "The name of one row: `variant` for `variants`. Made from the field's name when absent.",
    ),
    option("deprecated", Shape::Record(DEPRECATED), |_, _| true, "The field is shown as deprecated, with a reason."),
    option("was", Shape::Name, |_, _| true, WAS.about),
    option(
        "drop",
        Shape::Bool,
        |_, _| true,
        "The field is removed, and its values with it: the next migration drops the column. Remove the whole field after it.",
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
    needed("reason", Shape::Text, "Why, and what to use instead."),
    key("since", Shape::Date, "The day from which the field is deprecated."),
    key("date", Shape::Date, "The same as `since`."),
];

/// `schema/<type>.yaml`.
pub const TYPE: &[Key] = &[
    needed("type", Shape::Name, "The name of the content type, singular; also that of the file."),
    key("plural", Shape::Name, "The name of the list in the API. Made from the name when absent."),
    WAS,
    DESCRIPTION,
    key("title", Shape::Name, "The field that stands for the entry in lists and messages."),
    key("lifecycle", Shape::Record(LIFECYCLE), "How an entry goes public."),
    needed("fields", Shape::Fields(Place::Type), "The fields, in the order of the API."),
    key("computed", Shape::Map(&Shape::Record(COMPUTED)), "Fields that `app/` computes."),
    key("indexes", Shape::List(&Shape::Record(INDEX)), "Indexes over several fields."),
    key(
        "access",
        ACCESS,
        "Who may do what: a map of roles, each with a map of actions. Checked; in force once there are users.",
    ),
];

const LIFECYCLE: &[Key] = &[key(
    "drafts",
    Shape::Bool,
    "`true` (default): an entry is saved as a draft and then published. `false`: it is public as soon as it is saved.",
)];

const COMPUTED: &[Key] = &[
    needed("type", Shape::ScalarType, "The type of the value: a scalar field type."),
    DESCRIPTION,
    key("required", Shape::Bool, "There always is a value."),
    key("with", NAMES, "The children fields that the computation reads."),
];

const INDEX: &[Key] = &[
    needed(
        "on",
        Shape::List(&Shape::Text),
        "Fields, or `created_at`, `updated_at`, `published_at`; with ` desc` behind the name for descending.",
    ),
    key("unique", Shape::Bool, "No two entries have the same values in all of them."),
];

/// Roles that every site has.
pub const ROLES: &[&str] = &["admin", "editor", "viewer", "anonymous"];

const RULE: Shape = Shape::Either(&[Shape::Bool, Shape::Word(&["all", "none"]), Shape::Record(RULE_KEYS)]);
const ACCESS: Shape = Shape::Map(&Shape::Record(ROLE_ACTIONS));
const ROLE_ACTIONS: &[Key] = &[
    key("read", RULE, "Reads what is live."),
    key("read_drafts", RULE, "Reads drafts."),
    key("create", RULE, "Creates entries."),
    key("update", RULE, "Changes entries."),
    key("publish", RULE, "Publishes and unpublishes."),
    key("delete", RULE, "Deletes entries."),
    key("read_history", RULE, "Reads former revisions."),
    key("import", RULE, "Imports in bulk."),
    key("export", RULE, "Exports in bulk."),
];
const RULE_KEYS: &[Key] = &[
    key("where", Shape::Text, "A condition on the entry as it is: only such entries."),
    key("check", Shape::Text, "A condition on the entry as it will be after the write."),
    key("fields", Shape::Either(&[Shape::Word(&["all"]), NAMES]), "The fields that may be read or written."),
    key("set", Shape::Map(&Shape::Any), "Fields and the values that every write gives them."),
];

/// `schema/components/<component>.yaml`.
pub const COMPONENT: &[Key] = &[
    needed("component", Shape::Name, "The name of the component; also that of the file."),
    WAS,
    DESCRIPTION,
    needed("fields", Shape::Fields(Place::Component), "The fields, in the order of the API."),
];

/// `schema/cms.yaml`.
pub const SITE: &[Key] = &[
    needed("site", Shape::Record(SITE_KEYS), "What holds for the whole site."),
    key(
        "roles",
        Shape::Map(&Shape::Record(&[DESCRIPTION])),
        "Roles of the site's own, beside `admin`, `editor`, `viewer` and `anonymous`.",
    ),
    key("queries", OPERATIONS, "Queries of the site's own, implemented in `app/`."),
    key("mutations", OPERATIONS, "Mutations of the site's own, implemented in `app/`."),
];

const SITE_KEYS: &[Key] = &[
    needed("name", Shape::Text, "The name of the site."),
    needed("currency", Shape::Text, "The currency (ISO 4217) of money that is given without one."),
    key("currencies", Shape::List(&Shape::Text), "Every currency that the site takes. Only `currency` when absent."),
    key(
        "locales",
        Shape::List(&Shape::Text),
        "The languages (BCP 47) of the site, the default one first. `en` when absent.",
    ),
    key("limits", Shape::Record(LIMITS), "What one request may ask for."),
];

/// One request's limits, in the order of [`crate::schema::Limits`].
pub const LIMITS: &[Key] = &[
    key("depth", Shape::Limit { min: 3, max: 64, default: 16, unit: "levels" }, "Levels of nested fields."),
    key(
        "cost",
        Shape::Limit { min: 100, max: 10_000_000, default: 50_000, unit: "objects" },
        "The objects that the fields of a request can return, summed up.",
    ),
    key(
        "aliases",
        Shape::Limit { min: 0, max: 1_000, default: 50, unit: "aliases" },
        "Aliased fields in one operation.",
    ),
    key(
        "batch",
        Shape::Limit { min: 1, max: 100, default: 10, unit: "operations" },
        "Operations in one batched request.",
    ),
    key("page", Shape::Limit { min: 1, max: 1_000, default: 100, unit: "entries" }, "The largest `first` or `last`."),
    key(
        "list",
        Shape::Limit { min: 1, max: 100_000, default: 1_000, unit: "items" },
        "The longest list in an argument or variable.",
    ),
    key("body", Shape::Limit { min: 1, max: 65_536, default: 1_024, unit: "KiB" }, "The size of a request's body."),
];

const OPERATIONS: Shape = Shape::Map(&Shape::Record(OPERATION));
const OPERATION: &[Key] = &[
    DESCRIPTION,
    key("args", Shape::Map(&Shape::Record(ARGUMENT)), "The arguments."),
    needed("returns", Shape::Record(RETURNS), "What it answers."),
];
const ARGUMENT: &[Key] = &[
    needed("type", Shape::ScalarType, "The type of the value: a scalar field type."),
    DESCRIPTION,
    key("many", Shape::Bool, "The argument is a list."),
    key("required", Shape::Bool, "The argument must be given."),
    key("default", Shape::Any, "The value when none is given."),
];
const RETURNS: &[Key] = &[
    needed("type", Shape::Name, "A content type or a scalar field type."),
    key("many", Shape::Bool, "The answer is a list."),
];
