//! What of an entry a comment is about: a field, or a part of it, as `variants.product_variant_….sku`.

use base::error::{Code, Problem, Result, Step};
use model::content::{ContentInfo, FieldInfo, Shape};
use store::Store;
use store::write::guard::Guard;

/// Characters of a place.
const LONGEST: usize = 200;

/// Refuses a place that the type does not have or that the actor may not read.
pub fn check(store: &Store, info: &'static ContentInfo, place: &str) -> Result<()> {
    let steps: Vec<&str> = place.split('.').collect();
    if place.chars().count() <= LONGEST && leads(info.fields, &steps) && is_readable(store, info, place) {
        return Ok(());
    }
    let message = format!("`{}` has no field `{}` that you may read", info.name, model::cut(place));
    Err(Problem::new(Code::InvalidValue, message).at([Step::from("field")]).into())
}

/// Whether the steps lead to something. Fields of components have no rules.
fn leads(fields: &'static [FieldInfo], steps: &[&str]) -> bool {
    let [first, rest @ ..] = steps else { return false };
    let Some(field) = named(fields, first) else { return false };
    let is_index = |text: &str| text.len() <= 4 && text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty();
    match (field.shape, rest) {
        (_, []) => true,
        (Shape::Children(child), [row, inner @ ..]) => {
            child.decode(row).is_some() && (inner.is_empty() || leads(child.fields, inner))
        }
        (Shape::Component(of), inner) => leads(of.fields, inner),
        (Shape::Components(of), [index, inner @ ..]) => {
            is_index(index) && (inner.is_empty() || leads(of.fields, inner))
        }
        (Shape::Blocks(of), [index, inner @ ..]) => {
            is_index(index) && (inner.is_empty() || of.of.iter().any(|component| leads(component.fields, inner)))
        }
        _ => false,
    }
}

/// Whether the actor may read the fields that the place names. The schema may have changed since: what it does not know any more is for
/// those who may read all.
pub fn is_readable(store: &Store, info: &'static ContentInfo, place: &str) -> bool {
    let mut steps = place.split('.');
    let guard = Guard::new(store, false);
    let reads = |info: &'static ContentInfo, step: Option<&str>| {
        let may = |field: &FieldInfo| guard.reads_draft(info, field.snake);
        match step.map(|step| named(info.fields, step)) {
            None => true,
            Some(Some(field)) => may(field),
            Some(None) => info.fields.iter().all(may),
        }
    };
    let first = steps.next();
    let child = first.and_then(|first| named(info.fields, first)).and_then(|field| match field.shape {
        Shape::Children(child) => Some(child),
        _ => None,
    });
    reads(info, first) && child.is_none_or(|child| reads(child, steps.nth(1)))
}

fn named(fields: &'static [FieldInfo], name: &str) -> Option<&'static FieldInfo> {
    fields.iter().find(|field| field.name == name)
}
