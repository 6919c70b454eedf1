//! `Thing`: Something with a field of every type; "quoted" and \ escaped.
//!
//! Written by `cargo xtask generate` from schema/thing.yaml; do not edit.

use crate::component::{NOTE, Note, STRIP, Strip};
use crate::content::{MAKER, MEDIA, Maker, Media};
use runtime::prelude::*;

/// Something with a field of every type; "quoted" and \ escaped.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Thing {
    pub id: Id<Self>,
    pub revision: i64, // Counts the changes.
    pub status: EntryStatus, // Where the entry stands between draft and published.
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub published_at: Option<Timestamp>, // When it was last published.
    pub first_published_at: Option<Timestamp>,
    pub created_by: Option<Id<User>>,
    pub updated_by: Option<Id<User>>,
    pub published_by: Option<Id<User>>, // Who last published it.
    pub name: String,
    pub slug: String,
    pub about: Option<String>,
    pub story: Option<String>,
    pub count: i32,
    pub serial: Option<i64>,
    pub ratio: Option<Decimal>,
    pub r#type: Option<bool>, // A word that Rust has for itself.
    pub day: Option<Date>,
    pub opens: Option<Time>,
    pub seen_at: Option<Timestamp>,
    pub lasts: Option<Duration>,
    pub price: Option<Money>,
    pub contact: Option<String>,
    pub site: Option<String>,
    pub shade: Option<String>,
    pub extra: Option<Json>,
    pub state: ThingState,
    pub sizes: Vec<ThingSizes>,
    pub owner: Option<Id<User>>,
    pub picture: Option<Id<Media>>,
    pub pictures: ToMany<Id<Media>>,
    pub maker: Option<Id<Maker>>,
    pub part_of: Option<Id<Thing>>,
    pub goes_with: ToMany<Id<Thing>>,
    pub subject: Option<AnyId>,
    pub subjects: ToMany<AnyId>,
    pub note: Option<Note>,
    pub notes: Vec<Note>,
    pub body: Vec<ThingBodyBlock>,
    pub r#match: ToMany<ThingPiece>, // Rows of its own.
}

runtime::entry!(Thing, THING, [
    name, slug, about, story, count, serial, ratio, r#type, day, opens, seen_at, lasts, price, contact, site, shade,
    extra, state, sizes, owner, picture, pictures, maker, part_of, goes_with, subject, subjects, note, notes, body,
    r#match,
]);

pub static THING: ContentInfo = ContentInfo {
    name: "Thing", table: "thing", former: &[], plural: "things", drafts: true, counted: true, retention: Retention::DEFAULT, owner: None, path: &[PathPart::Text("things"), PathPart::Slug("slug")], search: Some(&SearchInfo { language: "simple", texts: &[SearchText { path: &["name"], weight: Some(SearchWeight::A), exact: false }, SearchText { path: &["about"], weight: Some(SearchWeight::B), exact: false }], synonyms: &[], stop_words: &[], boosts: &[], recency: None, facets_type: "ThingFacets", facets: &[FacetInfo { field: "count", type_name: "" }, FacetInfo { field: "ratio", type_name: "" }, FacetInfo { field: "type", type_name: "FacetValue" }, FacetInfo { field: "lasts", type_name: "" }, FacetInfo { field: "price", type_name: "" }, FacetInfo { field: "state", type_name: "FacetValue" }, FacetInfo { field: "sizes", type_name: "FacetValue" }, FacetInfo { field: "picture", type_name: "MediaFacet" }, FacetInfo { field: "pictures", type_name: "MediaFacet" }, FacetInfo { field: "maker", type_name: "MakerFacet" }, FacetInfo { field: "part_of", type_name: "ThingFacet" }, FacetInfo { field: "goes_with", type_name: "ThingFacet" }] }), unique: &[&["name", "maker"], &["state"]],
    fields: &[
        FieldInfo::new("name", "name", Shape::Scalar(Kind::String)).required().filterable().sortable().max("80").pattern(r#"[^"\\]+"#),
        FieldInfo::new("slug", "slug", Shape::Scalar(Kind::Slug)).required().unique(&[]).from("name"),
        FieldInfo::new("about", "about", Shape::Scalar(Kind::Text)),
        FieldInfo::new("story", "story", Shape::Scalar(Kind::Markdown)),
        FieldInfo::new("count", "count", Shape::Scalar(Kind::Integer)).required().default("1").filterable().sortable().min("0").max("100"),
        FieldInfo::new("serial", "serial", Shape::Scalar(Kind::Bigint)).unique(&[]),
        FieldInfo::new("ratio", "ratio", Shape::Scalar(Kind::Decimal)).default(r#""0.5""#).filterable(),
        FieldInfo::new("type", "type", Shape::Scalar(Kind::Boolean)).default("false").filterable(),
        FieldInfo::new("day", "day", Shape::Scalar(Kind::Date)).filterable(),
        FieldInfo::new("opens", "opens", Shape::Scalar(Kind::Time)).filterable(),
        FieldInfo::new("seenAt", "seen_at", Shape::Scalar(Kind::Datetime)).filterable().sortable(),
        FieldInfo::new("lasts", "lasts", Shape::Scalar(Kind::Duration)).filterable().min("PT1M"),
        FieldInfo::new("price", "price", Shape::Scalar(Kind::Money)).required_to_publish().filterable().sortable().min("0"),
        FieldInfo::new("contact", "contact", Shape::Scalar(Kind::Email)),
        FieldInfo::new("site", "site", Shape::Scalar(Kind::Url)),
        FieldInfo::new("shade", "shade", Shape::Scalar(Kind::Color)),
        FieldInfo::new("extra", "extra", Shape::Scalar(Kind::Json)).schema(r#"{"type":"object"}"#),
        FieldInfo::new("state", "state", Shape::Enum(&THING_STATE)).required().default(r#""NEW""#).filterable().sortable(),
        FieldInfo::new("sizes", "sizes", Shape::Enums(&THING_SIZES)).filterable(),
        FieldInfo::new("owner", "owner", Shape::Scalar(Kind::User)).unique(&[]).filterable(),
        FieldInfo::new("picture", "picture", Shape::one(&[&MEDIA], "Media", OnDelete::SetNull, &["picture_id"])),
        FieldInfo::new("pictures", "pictures", Shape::many(&[&MEDIA], "Media", OnDelete::Restrict, "thing_pictures", &["target_id"])),
        FieldInfo::new("maker", "maker", Shape::one(&[&MAKER], "Maker", OnDelete::Restrict, &["maker_id"])),
        FieldInfo::new("partOf", "part_of", Shape::one(&[&THING], "Thing", OnDelete::SetNull, &["part_of_id"])),
        FieldInfo::new("goesWith", "goes_with", Shape::many(&[&THING], "Thing", OnDelete::Cascade, "thing_goes_with", &["target_id"])),
        FieldInfo::new("subject", "subject", Shape::one(&[&MAKER, &THING], "ThingSubject", OnDelete::SetNull, &["subject_maker_id", "subject_thing_id"])),
        FieldInfo::new("subjects", "subjects", Shape::many(&[&MAKER, &THING], "ThingSubjects", OnDelete::SetNull, "thing_subjects", &["maker_id", "thing_id"]).listed(&["thing_subjects_maker_id", ""])),
        FieldInfo::new("note", "note", Shape::Component(&NOTE)),
        FieldInfo::new("notes", "notes", Shape::Components(&NOTE)).max("3"),
        FieldInfo::new("body", "body", Shape::Blocks(&THING_BODY_BLOCK)),
        FieldInfo::new("match", "match", Shape::Children(&THING_PIECE)),
    ],
    inverses: &[
        InverseInfo { name: "mentionedBy", source: &THING, field: "subjects" },
        InverseInfo { name: "parts", source: &THING, field: "part_of" },
    ],
    computed: &[
        ComputedInfo { name: "worth", kind: Kind::Money, with: &["match"], args: &[], depends_on: None },
        ComputedInfo { name: "rare", kind: Kind::Boolean, with: &[], args: &[], depends_on: None },
        ComputedInfo { name: "worthOn", kind: Kind::Decimal, with: &["match"], args: &[ArgumentInfo { name: "on", kind: Kind::Date, many: false, required: true, default: None }, ArgumentInfo { name: "places", kind: Kind::Integer, many: false, required: false, default: Some("2") }], depends_on: None },
    ],
    constraints: &[
        ("thing_name__sort", "name"), ("thing_slug_key", "slug"), ("thing_count_idx", "count"),
        ("thing_serial_key", "serial"), ("thing_ratio_idx", "ratio"), ("thing_type_idx", "type"),
        ("thing_day_idx", "day"), ("thing_opens_idx", "opens"), ("thing_seen_at_idx", "seen_at"),
        ("thing_lasts_idx", "lasts"), ("thing_price__sort", "price"), ("thing_state_idx", "state"),
        ("thing_state__sort", "state"), ("thing_owner_key", "owner"), ("thing_picture_id_idx", "picture"),
        ("thing_maker_id_idx", "maker"), ("thing_part_of_id_idx", "part_of"), ("thing_subject_maker_id_idx", "subject"),
        ("thing_subject_thing_id_idx", "subject"), ("thing_maker_id_created_at_idx", "maker"),
        ("thing_name_maker_id_key", "name"), ("thing_state_key", "state"), ("thing_count_check", "count"),
        ("thing_price_check", "price"), ("thing_state_check", "state"), ("thing_sizes_check", "sizes"),
        ("thing_subject_check", "subject"), ("thing_picture_id_fkey", "picture"), ("thing_maker_id_fkey", "maker"),
        ("thing_part_of_id_fkey", "part_of"), ("thing_subject_maker_id_fkey", "subject"),
        ("thing_subject_thing_id_fkey", "subject"),
    ],
};

/// Computed fields of `Thing`, which the site implements: a value for each entry, in their order.
pub trait ThingComputed: Send + Sync + 'static {
    /// What it is worth.
    fn worth(&self, things: &[Thing], cx: &ReadCx<'_>) -> impl Future<Output = Result<Vec<Option<Money>>>> + Send;

    fn rare(&self, things: &[Thing], cx: &ReadCx<'_>) -> impl Future<Output = Result<Vec<bool>>> + Send;

    fn worth_on(
        &self, things: &[Thing], on: Date, places: i32, cx: &ReadCx<'_>,
    ) -> impl Future<Output = Result<Vec<Option<Decimal>>>> + Send;
}

runtime::choice! {
    pub enum ThingState { New = "new", Used = "used" }
}

pub static THING_STATE: EnumInfo = EnumInfo { name: "ThingState", values: &[("new", "NEW"), ("used", "USED")] };

runtime::choice! {
    pub enum ThingSizes {
        /// Fits a hand.
        Small = "small",
        /// Fits nothing.
        XLarge = "x_large",
    }
}

pub static THING_SIZES: EnumInfo = EnumInfo { name: "ThingSizes", values: &[
    ("small", "SMALL"), ("x_large", "X_LARGE"),
] };

runtime::blocks! {
    /// One block of `Thing.body`.
    pub enum ThingBodyBlock { Note = "note", Strip = "strip" }
}

pub static THING_BODY_BLOCK: BlocksInfo = BlocksInfo { name: "ThingBodyBlock", of: &[&NOTE, &STRIP] };

/// Rows of its own.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ThingPiece {
    pub id: Id<Self>,
    pub code: String,
    pub cost: Option<Money>,
    pub buyer: Option<Id<User>>,
    pub grade: Option<ThingPieceGrade>,
    pub maker: Option<Id<Maker>>,
    pub extras: ToMany<Id<Thing>>,
    pub note: Option<Note>,
    pub body: Vec<ThingPieceBodyBlock>,
}

runtime::children!(ThingPiece, THING_PIECE, [code, cost, buyer, grade, maker, extras, note, body]);

pub static THING_PIECE: ContentInfo = ContentInfo {
    name: "ThingPiece", table: "thing_piece", former: &[], plural: "match", drafts: true, counted: false, retention: Retention::DEFAULT, owner: Some(&THING), path: &[], search: None, unique: &[],
    fields: &[
        FieldInfo::new("code", "code", Shape::Scalar(Kind::String)).required().unique(&[]).filterable().sortable(),
        FieldInfo::new("cost", "cost", Shape::Scalar(Kind::Money)),
        FieldInfo::new("buyer", "buyer", Shape::Scalar(Kind::User)),
        FieldInfo::new("grade", "grade", Shape::Enum(&THING_PIECE_GRADE)),
        FieldInfo::new("maker", "maker", Shape::one(&[&MAKER], "Maker", OnDelete::Restrict, &["maker_id"])),
        FieldInfo::new("extras", "extras", Shape::many(&[&THING], "Thing", OnDelete::Restrict, "thing_piece_extras", &["target_id"])),
        FieldInfo::new("note", "note", Shape::Component(&NOTE)),
        FieldInfo::new("body", "body", Shape::Blocks(&THING_PIECE_BODY_BLOCK)),
    ],
    inverses: &[],
    computed: &[],
    constraints: &[
        ("thing_piece_code__sort", "code"), ("thing_piece_code_key", "code"), ("thing_piece_maker_id_idx", "maker"),
        ("thing_piece_cost_check", "cost"), ("thing_piece_grade_check", "grade"),
        ("thing_piece_maker_id_fkey", "maker"),
    ],
};

runtime::choice! {
    pub enum ThingPieceGrade { A = "a", B = "b" }
}

pub static THING_PIECE_GRADE: EnumInfo = EnumInfo { name: "ThingPieceGrade", values: &[("a", "A"), ("b", "B")] };

runtime::blocks! {
    /// One block of `ThingPiece.body`.
    pub enum ThingPieceBodyBlock { Strip = "strip" }
}

pub static THING_PIECE_BODY_BLOCK: BlocksInfo = BlocksInfo { name: "ThingPieceBodyBlock", of: &[&STRIP] };
