//! Content types with every field shape: hand-written, in the form of the generator.

use runtime::content::{
    BlocksInfo, ComponentInfo, ContentInfo, EnumInfo, FieldInfo, InverseInfo, Limits, OnDelete, Resolver, SchemaInfo,
    Shape, SiteInfo, TypeResolvers, Verb,
};
use runtime::kind::Kind;

pub static SCHEMA: SchemaInfo = SchemaInfo {
    site: SiteInfo {
        name: "Notes",
        currency: "EUR",
        currencies: &["EUR", "JPY"],
        limits: Limits { depth: 12, cost: 10_000, aliases: 30, batch: 5, page: 100, list: 100, body: 64 },
    },
    types: &[&LABEL, &NOTE, &PERSON],
    components: &[&LINK, &QUOTE, &SEO],
    roles: &[],
    access: &[],
    reviews: &[],
    preview_urls: &[],
    resolvers: &[RESOLVERS],
    queries: &[],
    mutations: &[],
    sdl: "",
    migrations: &[],
    catalog: "",
};

static RESOLVERS: &[TypeResolvers] = &[
    TypeResolvers {
        of: &LABEL,
        connection: "LabelConnection",
        edge: "LabelEdge",
        change: "",
        aggregates: None,
        roots: &[
            Resolver { field: "label", verb: Verb::ById, of: &LABEL },
            Resolver { field: "labels", verb: Verb::List, of: &LABEL },
        ],
        pages: &[("notesConnection", "notes")],
    },
    TypeResolvers {
        of: &NOTE,
        connection: "NoteConnection",
        edge: "NoteEdge",
        change: "",
        aggregates: None,
        roots: &[
            Resolver { field: "note", verb: Verb::ById, of: &NOTE },
            Resolver { field: "noteBySlug", verb: Verb::ByKey("slug"), of: &NOTE },
            Resolver { field: "notes", verb: Verb::List, of: &NOTE },
        ],
        pages: &[("labelsConnection", "labels"), ("itemsConnection", "items"), ("repliesConnection", "replies")],
    },
    TypeResolvers {
        of: &NOTE_ITEM,
        connection: "NoteItemConnection",
        edge: "NoteItemEdge",
        change: "",
        aggregates: None,
        roots: &[],
        pages: &[],
    },
    TypeResolvers {
        of: &PERSON,
        connection: "PersonConnection",
        edge: "PersonEdge",
        change: "",
        aggregates: None,
        roots: &[
            Resolver { field: "person", verb: Verb::ById, of: &PERSON },
            Resolver { field: "persons", verb: Verb::List, of: &PERSON },
        ],
        pages: &[
            ("notesConnection", "notes"),
            ("subjectsConnection", "subjects"),
            ("mentionedConnection", "mentioned"),
        ],
    },
];

pub static STATE: EnumInfo =
    EnumInfo { name: "NoteState", values: &[("open", "OPEN"), ("on_hold", "ON_HOLD"), ("closed", "CLOSED")] };
pub static MARKS: EnumInfo = EnumInfo { name: "NoteMarks", values: &[("red", "RED"), ("dark_blue", "DARK_BLUE")] };
pub static BODY: BlocksInfo = BlocksInfo { name: "NoteBodyBlock", of: &[&QUOTE, &LINK] };

const fn scalar(name: &'static str, snake: &'static str, kind: Kind) -> FieldInfo {
    FieldInfo::new(name, snake, Shape::Scalar(kind))
}

pub static NOTE: ContentInfo = ContentInfo {
    name: "Note",
    table: "note",
    former: &[],
    plural: "notes",
    drafts: true,
    counted: false,
    retention: runtime::content::Retention::DEFAULT,
    search: None,
    owner: None,
    path: &[],
    unique: &[],
    fields: &[
        scalar("title", "title", Kind::String).required().filterable().sortable(),
        scalar("slug", "slug", Kind::Slug).unique(&[]),
        scalar("views", "views", Kind::Integer).filterable().sortable(),
        scalar("bigSize", "big_size", Kind::Bigint).filterable().sortable(),
        scalar("weight", "weight", Kind::Decimal).filterable().sortable(),
        scalar("pinned", "pinned", Kind::Boolean).filterable().sortable(),
        scalar("day", "day", Kind::Date).filterable().sortable(),
        scalar("at", "at", Kind::Time).filterable().sortable(),
        scalar("moment", "moment", Kind::Datetime).filterable().sortable(),
        scalar("length", "length", Kind::Duration).filterable().sortable(),
        scalar("price", "price", Kind::Money).filterable().sortable(),
        scalar("order", "order", Kind::Text),
        scalar("extra", "extra", Kind::Json),
        FieldInfo::new("state", "state", Shape::Enum(&STATE)).filterable().sortable(),
        FieldInfo::new("marks", "marks", Shape::Enums(&MARKS)).filterable(),
        FieldInfo::new("parent", "parent", Shape::one(&[&NOTE], "Note", OnDelete::SetNull, &["parent_id"])),
        FieldInfo::new("author", "author", Shape::one(&[&PERSON], "Person", OnDelete::Restrict, &["author_id"])),
        FieldInfo::new(
            "labels",
            "labels",
            Shape::many(&[&LABEL], "Label", OnDelete::Cascade, "note_labels", &["target_id"]),
        ),
        FieldInfo::new(
            "about",
            "about",
            Shape::one(&[&LABEL, &PERSON], "NoteAbout", OnDelete::SetNull, &["about_label_id", "about_person_id"]),
        ),
        FieldInfo::new(
            "mentions",
            "mentions",
            Shape::many(
                &[&LABEL, &PERSON],
                "NoteMentions",
                OnDelete::Cascade,
                "note_mentions",
                &["label_id", "person_id"],
            ),
        ),
        FieldInfo::new("seo", "seo", Shape::Component(&SEO)),
        FieldInfo::new("links", "links", Shape::Components(&LINK)),
        FieldInfo::new("body", "body", Shape::Blocks(&BODY)),
        FieldInfo::new("items", "items", Shape::Children(&NOTE_ITEM)),
    ],
    inverses: &[InverseInfo { name: "replies", source: &NOTE, field: "parent" }],
    computed: &[],
    constraints: &[
        ("note_state_check", "state"),
        ("note_marks_check", "marks"),
        ("note_parent_id_fkey", "parent"),
        ("note_author_id_fkey", "author"),
        ("note_about_label_id_fkey", "about"),
        ("note_about_person_id_fkey", "about"),
    ],
};

pub static NOTE_ITEM: ContentInfo = ContentInfo {
    name: "NoteItem",
    table: "note_item",
    former: &[],
    plural: "items",
    drafts: true,
    counted: false,
    retention: runtime::content::Retention::DEFAULT,
    search: None,
    owner: Some(&NOTE),
    path: &[],
    unique: &[],
    fields: &[
        scalar("text", "text", Kind::String).required().filterable().sortable(),
        scalar("count", "count", Kind::Integer).filterable().sortable(),
        FieldInfo::new("label", "label", Shape::one(&[&LABEL], "Label", OnDelete::SetNull, &["label_id"])),
    ],
    inverses: &[],
    computed: &[],
    constraints: &[("note_item_label_id_fkey", "label")],
};

pub static PERSON: ContentInfo = ContentInfo {
    name: "Person",
    table: "person",
    former: &["human"],
    plural: "persons",
    drafts: true,
    counted: false,
    retention: runtime::content::Retention::DEFAULT,
    search: None,
    owner: None,
    path: &[],
    unique: &[],
    fields: &[scalar("name", "name", Kind::String).required().filterable().sortable()],
    inverses: &[
        InverseInfo { name: "notes", source: &NOTE, field: "author" },
        InverseInfo { name: "subjects", source: &NOTE, field: "about" },
        InverseInfo { name: "mentioned", source: &NOTE, field: "mentions" },
    ],
    computed: &[],
    constraints: &[],
};

pub static LABEL: ContentInfo = ContentInfo {
    name: "Label",
    table: "label",
    former: &[],
    plural: "labels",
    drafts: true,
    counted: false,
    retention: runtime::content::Retention::DEFAULT,
    search: None,
    owner: None,
    path: &[],
    unique: &[],
    fields: &[
        scalar("name", "name", Kind::String).required().filterable().sortable(),
        scalar("rank", "rank", Kind::Integer).filterable().sortable(),
    ],
    inverses: &[InverseInfo { name: "notes", source: &NOTE, field: "labels" }],
    computed: &[],
    constraints: &[],
};

pub static SEO: ComponentInfo = ComponentInfo {
    name: "Seo",
    tag: "seo",
    fields: &[
        scalar("title", "title", Kind::String),
        FieldInfo::new("image", "image", Shape::one(&[&LABEL], "Label", OnDelete::SetNull, &["image_id"])),
        FieldInfo::new("card", "card", Shape::Component(&LINK)),
    ],
};

pub static LINK: ComponentInfo = ComponentInfo {
    name: "Link",
    tag: "link",
    fields: &[
        scalar("url", "url", Kind::Url),
        scalar("fee", "fee", Kind::Money),
        FieldInfo::new("state", "state", Shape::Enum(&STATE)),
        FieldInfo::new("marks", "marks", Shape::Enums(&MARKS)),
        FieldInfo::new("targets", "targets", Shape::many(&[&LABEL], "Label", OnDelete::SetNull, "", &[])),
    ],
};

pub static QUOTE: ComponentInfo = ComponentInfo {
    name: "Quote",
    tag: "quote",
    fields: &[
        scalar("text", "text", Kind::Text),
        scalar("extra", "extra", Kind::Json),
        FieldInfo::new("by", "by", Shape::one(&[&PERSON], "Person", OnDelete::SetNull, &["by_id"])),
        FieldInfo::new("links", "links", Shape::Components(&LINK)),
    ],
};
