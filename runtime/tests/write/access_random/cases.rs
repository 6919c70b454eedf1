//! Random access rules for one type, and random writes of its entries.

use runtime::content::{ContentInfo, FieldInfo, OnDelete, Shape};
use runtime::id;
use runtime::kind::Kind;
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

pub const SLUGS: [&str; 5] = ["a", "b", "c", "d", "e"];

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
        FieldInfo::new("slug", "slug", Shape::Scalar(Kind::Slug)).required().unique(&[]),
        FieldInfo::new("stock", "stock", Shape::Scalar(Kind::Integer)).default("0"),
        FieldInfo::new("open", "open", Shape::Scalar(Kind::Boolean)).default("false"),
        FieldInfo::new("author", "author", Shape::Scalar(Kind::User)),
        FieldInfo::new("near", "near", Shape::one(&[&NOTE], "Note", OnDelete::SetNull, &["near_id"])),
    ],
    inverses: &[],
    computed: &[],
    constraints: &[("note_slug_key", "slug"), ("note_near_id_fkey", "near")],
};
pub static TYPES: &[&ContentInfo] = &[&NOTE];
pub const FIELDS: [&str; 5] = ["slug", "stock", "open", "author", "near"];

/// SplitMix64 (Steele, Lea, Flood 2014).
pub struct Rng(pub u64);

impl Rng {
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len() as u64) as usize]
    }

    pub fn filter(&mut self, depth: u64) -> Json {
        let kinds = if depth == 0 { 6 } else { 10 };
        match self.below(kinds) {
            0 => json!({"stock": {self.pick(&["lt", "gte", "ne"]): self.below(4)}}),
            1 => json!({"open": {"eq": self.chance(50)}}),
            2 => {
                json!({self.pick(&["createdBy", "updatedBy", "publishedBy", "author"]): {self.pick(&["eq", "ne"]): "$user"}})
            }
            3 => json!({"status": {"eq": self.pick(&["DRAFT", "CHANGED", "PUBLISHED"])}}),
            4 => json!({"author": {"isNull": self.chance(50)}}),
            5 => json!({"near": {"isNull": self.chance(50)}}),
            6 => json!({"near": {self.pick(&["is", "isNot"]): self.filter(depth - 1)}}),
            7 => json!({"not": self.filter(depth - 1)}),
            8 => json!({"or": [self.filter(depth - 1), self.filter(depth - 1)]}),
            _ => json!({"and": [self.filter(depth - 1), self.filter(depth - 1)]}),
        }
    }

    pub fn rules(&mut self) -> Json {
        let mut rules = Map::new();
        for action in ["read", "read_drafts", "create", "update", "publish", "delete"] {
            if self.chance(12) {
                continue;
            }
            let mut rule = Map::new();
            if action != "create" && self.chance(50) {
                rule.insert("rows".into(), self.filter(2));
            }
            if matches!(action, "create" | "update") {
                if self.chance(35) {
                    rule.insert("check".into(), self.filter(2));
                }
                if self.chance(40) {
                    let fields: Vec<_> = FIELDS.into_iter().filter(|_| self.chance(80)).collect();
                    rule.insert("fields".into(), json!({ "note": fields }));
                }
                let set = [("stock", json!(self.below(4))), ("open", json!(true)), ("author", json!("$user"))];
                let set: Map<_, _> = set
                    .into_iter()
                    .filter(|_| self.chance(15))
                    .map(|(field, value)| (field.to_owned(), value))
                    .collect();
                rule.insert("set".into(), set.into());
            }
            rules.insert(action.into(), rule.into());
        }
        json!({"note": {"clerk": rules}})
    }

    pub fn input(&mut self) -> Map<String, Json> {
        let mut input = Map::new();
        let author = self.pick(&[Json::Null, shown(1), shown(2)].each_ref()).clone();
        let near = if self.chance(25) { Json::Null } else { json!({"connect": {"slug": self.pick(&SLUGS)}}) };
        for (field, value) in
            [("stock", json!(self.below(4))), ("open", json!(self.chance(50))), ("author", author), ("near", near)]
        {
            if self.chance(30) {
                input.insert(field.into(), value);
            }
        }
        input
    }

    pub fn step(&mut self) -> Step {
        let slug = self.pick(&SLUGS);
        let publish = self.chance(30);
        match self.below(12) {
            0 | 1 => Step::Save { items: vec![(slug, self.input())], publish, how: How::Create },
            2..=5 => {
                Step::Save { items: vec![(slug, self.input())], publish, how: How::Update { stale: self.chance(8) } }
            }
            6 | 7 => {
                let other = self.pick(&SLUGS);
                let slugs = if slug == other { vec![slug] } else { vec![slug, other] };
                let items = slugs.into_iter().map(|slug| (slug, self.input())).collect();
                Step::Save { items, publish, how: How::Upsert }
            }
            8 | 9 => Step::Publish(slug),
            10 => Step::Unpublish(slug),
            _ => Step::Delete(slug),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum How {
    Create,
    Update { stale: bool },
    Upsert,
}

#[derive(Clone, Debug)]
pub enum Step {
    Save { items: Vec<(&'static str, Map<String, Json>)>, publish: bool, how: How },
    Publish(&'static str),
    Unpublish(&'static str),
    Delete(&'static str),
}

pub fn user(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

pub fn shown(number: u128) -> Json {
    id::encode("user", user(number)).into()
}
