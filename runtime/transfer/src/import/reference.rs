//! Resolves the relations of a mapped record: finds each target by its natural key, and creates a missing one if the mapping allows it.

use model::names::camel;
use serde_json::{Map, Value as Json, json};
use sha2::{Digest, Sha256};

use crate::import::apply::{Run, object};
use crate::import::coerce;
use crate::import::expr::{Scope, is_blank, is_empty_list, plain_text};
use crate::import::mapping::{Reference, TreeRule};
use base::error::Code;
use model::content::FieldInfo;
use store::write::slugify;

/// The longest slug.
const LONGEST_SLUG: usize = 96;

/// What the field accepts.
#[derive(Clone, Copy)]
pub struct Target {
    pub many: bool,
    pub keys: bool,
    pub polymorphic: bool,
}

/// `None` if the source has no value, or if the field waits.
pub fn fill(
    run: &mut Run<'_>,
    field: &'static FieldInfo,
    references: &[Reference],
    target: Target,
    scope: &Scope<'_>,
) -> Option<Json> {
    let mut is_meant = false;
    let mut found: Vec<Json> = Vec::new();
    let mut create = false;
    let mut later = false;
    for reference in references {
        let Some(value) = run.eval(&reference.expr, scope, |value, _| Ok(value.clone())) else { continue };
        is_meant |= is_empty_list(&value);
        create |= reference.create;
        later |= reference.later;
        if reference.optional && run.is_top() && !run.optional.contains(&field.name) {
            run.optional.push(field.name);
        }
        let items = match value {
            Json::Array(items) => items,
            single => vec![single],
        };
        for (index, item) in items.iter().filter(|item| !is_blank(item)).enumerate() {
            let inner = scope.inside(item, index);
            let made = match target.many {
                true => run.at(found.len(), |run| one(run, reference, &inner)),
                false => one(run, reference, &inner),
            };
            let made =
                made.map(|made| if target.polymorphic { object(&camel(reference.to.table), made) } else { made });
            found.extend(made.filter(|made| !found.contains(made)));
        }
    }
    let part = if create { "create" } else { "connect" };
    if found.is_empty() && !is_meant {
        return None;
    }
    let value = match target {
        Target { many: true, keys: true, .. } => Json::Array(found),
        Target { many: true, .. } => match create {
            true => Json::Object(Map::from_iter([("set".into(), json!([])), ("create".into(), found.into())])),
            false => object("set", found),
        },
        Target { keys: true, .. } => found.into_iter().next()?,
        Target { polymorphic: true, .. } => {
            let Json::Object(only) = found.into_iter().next()? else { return None };
            only.into_iter().map(|(to, made)| (to, object(part, made))).collect()
        }
        _ => object(part, found.into_iter().next()?),
    };
    if later {
        run.later.insert(field.name.to_owned(), value);
        return None;
    }
    Some(value)
}

/// The key of one target, or its input if it may be created.
fn one(run: &mut Run<'_>, reference: &Reference, scope: &Scope<'_>) -> Option<Json> {
    if let Some(tree) = &reference.tree {
        return branch(run, reference, tree, scope);
    }
    let Some(key) = run.eval(&reference.key, scope, |value, site| key(reference, value, site)) else {
        run.fault(
            Code::InvalidValue,
            format!("the target's `{}` is missing: {} gives nothing", reference.by.snake, reference.key.about),
        );
        return None;
    };
    if !reference.create {
        return Some(object(reference.by.name, key));
    }
    let mut data = run.fields(&reference.rules, scope).ok()?;
    data.insert(reference.by.name.to_owned(), key);
    if let (Some(named), Some(text)) = (reference.named, plain_text(scope.item))
        && !data.contains_key(named.name)
    {
        data.insert(named.name.to_owned(), text.trim().into());
    }
    Some(Json::Object(data))
}

/// The last segment of a path of targets, nested in the previous ones.
fn branch(run: &mut Run<'_>, reference: &Reference, tree: &TreeRule, scope: &Scope<'_>) -> Option<Json> {
    let Some(text) = plain_text(scope.item) else {
        run.fault(Code::InvalidValue, "expected a path of names, not an object: name the key that holds it");
        return None;
    };
    let segments: Vec<&str> =
        text.split(tree.separator.as_str()).map(str::trim).filter(|part| !part.is_empty()).collect();
    let mut above: Option<Map<String, Json>> = None;
    for end in 1..=segments.len() {
        let key = slug_of_path(&segments[..end]);
        let name = segments[end - 1];
        if key.is_empty() {
            run.fault(Code::InvalidValue, format!("no slug can be made from `{name}`"));
            return None;
        }
        if !reference.create {
            above = Some(Map::from_iter([(reference.by.name.to_owned(), Json::from(key))]));
            continue;
        }
        let item = Json::from(name);
        let mut data = run.fields(&reference.rules, &scope.inside(&item, end - 1)).ok()?;
        data.insert(reference.by.name.to_owned(), key.into());
        if let Some(named) = reference.named
            && !data.contains_key(named.name)
        {
            data.insert(named.name.to_owned(), name.into());
        }
        if let Some(parent) = above.take() {
            data.insert(tree.parent.name.to_owned(), object("create", parent));
        }
        above = Some(data);
    }
    above.map(Json::Object)
}

fn key(reference: &Reference, value: &Json, site: &model::content::SiteInfo) -> Result<Json, String> {
    let trimmed = value.as_str().map(|text| Json::from(text.trim()));
    let value = trimmed.as_ref().unwrap_or(value);
    // A missing slug is made from the text that names the target.
    if reference.by.rules.from.is_some()
        && let Some(text) = plain_text(value)
        && reference.kind.parse(value, site).is_err()
    {
        return Ok(slugify(&text).into());
    }
    coerce::scalar(reference.kind, value, site)
}

/// Keeps `Men/Tops` and `Women/Tops` different; a truncated slug ends in a hash of the whole path.
fn slug_of_path(names: &[&str]) -> String {
    let slugs: Vec<String> = names.iter().map(|name| slugify(name)).filter(|slug| !slug.is_empty()).collect();
    let whole = slugs.join("-");
    if whole.len() <= LONGEST_SLUG {
        return whole;
    }
    let hash: String = Sha256::digest(whole.as_bytes()).iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{hash}", whole[..LONGEST_SLUG - 9].trim_end_matches('-'))
}
