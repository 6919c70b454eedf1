//! Writes components and blocks from their stored JSON.

use super::super::shape::{Missing, Projection, Shape, StoredShape, StoredWhat};
use super::{Result, Writer};
use base::error::{Code, Problem};
use model::json;
use store::read::load::{Loaded, Related, stored_id};
use store::read::plan::{Object, Relation};

impl Writer<'_, '_> {
    pub(super) fn stored(
        &mut self,
        object: &Object,
        shape: &StoredShape,
        value: Option<&[u8]>,
        loaded: &Loaded,
    ) -> Result<()> {
        let value = value.filter(|value| !json::is_null(value));
        if !shape.many {
            return match (value, shape.of.first()) {
                (Some(value), Some((_, projection))) => self.projection(object, projection, value, loaded),
                _ => {
                    self.null();
                    Ok(())
                }
            };
        }
        let items = json::Items::of(value.unwrap_or_default());
        // Skips components that no longer exist in the schema.
        let known = items.filter_map(|item| {
            let tag = json::member(item, "_type").and_then(json::plain_string);
            let found = shape.of.iter().find(|(known, _)| Some(*known) == tag);
            found.map(|(_, projection)| (item, projection))
        });
        self.list(known, |this, (item, projection)| this.projection(object, projection, item, loaded))
    }

    fn projection(&mut self, object: &Object, items: &Projection, value: &[u8], loaded: &Loaded) -> Result<()> {
        let member = |key: &str| json::member(value, key).filter(|value| !json::is_null(value));
        self.fields(items, |this, what| {
            match what {
                StoredWhat::Constant(json) => this.push(json),
                StoredWhat::Copy { key, missing } => match member(key) {
                    Some(value) => this.push(value),
                    None => return this.missing(*missing),
                },
                StoredWhat::Parts { key, items, missing } => match member(key) {
                    Some(value) => return this.parts(items, value),
                    None => return this.missing(*missing),
                },
                StoredWhat::Enum { key, of, missing } => match member(key).and_then(json::plain_string) {
                    Some(stored) => this.choice(of, stored.as_bytes()),
                    None => return this.missing(*missing),
                },
                StoredWhat::Enums { key, of } => {
                    let items = json::Items::of(member(key).unwrap_or_default()).filter_map(json::plain_string);
                    return this.list(items, |this, stored| {
                        this.choice(of, stored.as_bytes());
                        Ok(())
                    });
                }
                StoredWhat::Nested { key, shape, nullable } => {
                    return this.or_null(*nullable, |this| this.stored(object, shape, member(key), loaded));
                }
                StoredWhat::Relation { key, many, relation, shape, nullable } => {
                    let value = member(key);
                    let related = (&object.relations[*relation], &loaded.related[*relation]);
                    return this.or_null(*nullable, |this| this.stored_relation(related, shape, *many, value));
                }
            }
            Ok(())
        })
    }

    fn missing(&mut self, missing: Missing) -> Result<()> {
        match missing {
            Missing::Null => self.nothing(),
            Missing::Failure(pos) => {
                let message = "the value is required, but the entry was saved without one";
                self.fail(&[Problem::new(Code::InvalidValue, message)], pos)
            }
        }
    }

    fn stored_relation(
        &mut self,
        (relation, related): (&Relation, &Related),
        shape: &Shape,
        many: bool,
        value: Option<&[u8]>,
    ) -> Result<()> {
        let (Relation::Stored { object, list, .. }, Related::Stored(found, places)) = (relation, related) else {
            return self.refused(relation);
        };
        let place = |value: &[u8]| stored_id(value).and_then(|id| places.get(&id).copied());
        if many {
            let limit = match list {
                Some(list) => self.run.prepared(list)?.limit,
                None => usize::MAX,
            };
            let found_places = json::Items::of(value.unwrap_or_default()).filter_map(place).take(limit);
            return self.list(found_places, |this, row| this.object(object, shape, found, row));
        }
        match value.and_then(place) {
            Some(row) => self.object(object, shape, found, row),
            None => {
                self.null();
                Ok(())
            }
        }
    }
}
