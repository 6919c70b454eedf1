//! The fields of `ThingPiece`.
//!
//! Written by `cargo xtask generate` from schema/thing.yaml; do not edit.

use crate::component::Note;
use crate::content::{Maker, Thing, ThingPiece, ThingPieceBodyBlock, ThingPieceGrade};
use runtime::field;
use runtime::prelude::*;

pub const CODE: field::Scalar<ThingPiece, String> = field::Scalar::new("code");
pub const COST: field::Scalar<ThingPiece, Money> = field::Scalar::new("cost");
pub const BUYER: field::Scalar<ThingPiece, Id<User>> = field::Scalar::new("buyer");
pub const GRADE: field::Scalar<ThingPiece, ThingPieceGrade> = field::Scalar::new("grade");
pub const MAKER: field::Link<ThingPiece, Maker> = field::Link::new("maker");
pub const EXTRAS: field::Links<ThingPiece, Thing> = field::Links::new("extras");
pub const NOTE: field::Whole<ThingPiece, Note> = field::Whole::new("note");
pub const BODY: field::Whole<ThingPiece, Vec<ThingPieceBodyBlock>> = field::Whole::new("body");
