//! The fields of `Thing`.
//!
//! Written by `cargo xtask generate` from schema/thing.yaml; do not edit.

use crate::component::Note;
use crate::content::{Maker, Media, Thing, ThingBodyBlock, ThingPiece, ThingSizes, ThingState};
use runtime::field;
use runtime::prelude::*;

pub const NAME: field::Scalar<Thing, String> = field::Scalar::new("name");
pub const SLUG: field::Scalar<Thing, String> = field::Scalar::new("slug");
pub const ABOUT: field::Scalar<Thing, String> = field::Scalar::new("about");
pub const STORY: field::Scalar<Thing, String> = field::Scalar::new("story");
pub const COUNT: field::Scalar<Thing, i32> = field::Scalar::new("count");
pub const SERIAL: field::Scalar<Thing, i64> = field::Scalar::new("serial");
pub const RATIO: field::Scalar<Thing, Decimal> = field::Scalar::new("ratio");
pub const TYPE: field::Scalar<Thing, bool> = field::Scalar::new("type"); // A word that Rust has for itself.
pub const DAY: field::Scalar<Thing, Date> = field::Scalar::new("day");
pub const OPENS: field::Scalar<Thing, Time> = field::Scalar::new("opens");
pub const SEEN_AT: field::Scalar<Thing, Timestamp> = field::Scalar::new("seenAt");
pub const LASTS: field::Scalar<Thing, Duration> = field::Scalar::new("lasts");
pub const PRICE: field::Scalar<Thing, Money> = field::Scalar::new("price");
pub const CONTACT: field::Scalar<Thing, String> = field::Scalar::new("contact");
pub const SITE: field::Scalar<Thing, String> = field::Scalar::new("site");
pub const SHADE: field::Scalar<Thing, String> = field::Scalar::new("shade");
pub const EXTRA: field::Whole<Thing, Json> = field::Whole::new("extra");
pub const STATE: field::Scalar<Thing, ThingState> = field::Scalar::new("state");
pub const SIZES: field::Whole<Thing, Vec<ThingSizes>> = field::Whole::new("sizes");
pub const OWNER: field::Scalar<Thing, Id<User>> = field::Scalar::new("owner");
pub const PICTURE: field::Link<Thing, Media> = field::Link::new("picture");
pub const PICTURES: field::Links<Thing, Media> = field::Links::new("pictures");
pub const MAKER: field::Link<Thing, Maker> = field::Link::new("maker");
pub const PART_OF: field::Link<Thing, Thing> = field::Link::new("partOf");
pub const GOES_WITH: field::Links<Thing, Thing> = field::Links::new("goesWith");
pub const SUBJECT: field::Whole<Thing, AnyId> = field::Whole::new("subject");
pub const SUBJECTS: field::Whole<Thing, Vec<AnyId>> = field::Whole::new("subjects");
pub const NOTE: field::Whole<Thing, Note> = field::Whole::new("note");
pub const NOTES: field::Whole<Thing, Vec<Note>> = field::Whole::new("notes");
pub const BODY: field::Whole<Thing, Vec<ThingBodyBlock>> = field::Whole::new("body");
pub const MATCH: field::Rows<Thing, ThingPiece> = field::Rows::new("match"); // Rows of its own.
pub const CREATED_AT: field::Kept<Thing, Timestamp> = field::Kept::new("createdAt");
pub const UPDATED_AT: field::Kept<Thing, Timestamp> = field::Kept::new("updatedAt");
pub const PUBLISHED_AT: field::Kept<Thing, Timestamp> = field::Kept::new("publishedAt");
pub const FIRST_PUBLISHED_AT: field::Kept<Thing, Timestamp> = field::Kept::new("firstPublishedAt");
pub const CREATED_BY: field::Kept<Thing, Id<User>> = field::Kept::new("createdBy");
pub const UPDATED_BY: field::Kept<Thing, Id<User>> = field::Kept::new("updatedBy");
pub const PUBLISHED_BY: field::Kept<Thing, Id<User>> = field::Kept::new("publishedBy");
pub const ID: field::Kept<Thing, Id<Thing>> = field::Kept::new("id");
