//! Random changes of a schema, with a record of how each must change the data.

use std::collections::BTreeMap;

use super::model::{Component, Field, Kind, Model, SCALARS, Type, filterable};
use super::random::Random;

/// The change of a field, by its new name. The owner is a type, `type.children` or a component.
#[derive(Clone, Debug)]
pub enum How {
    Same,
    /// The type has changed: values are stored in another form.
    Retyped,
    /// Enum values with their new names; `None` for removed ones.
    Mapped(BTreeMap<String, Option<String>>),
    ToList,
    ToOne,
    /// Unknown.
    Other,
}

/// The changes of one step.
#[derive(Debug, Default)]
pub struct Changes {
    pub about: Vec<String>,
    /// New to old owners, if the names differ.
    pub owners: BTreeMap<String, String>,
    /// `(new owner, new field)` to the old field and its change.
    pub fields: BTreeMap<(String, String), (String, How)>,
}

pub fn change(model: &mut Model, random: &mut Random, changes: &mut Changes) {
    match random.below(20) {
        0 => add_type(model, random, changes),
        1 => drop_type(model, random, changes),
        2 => rename_type(model, random, changes),
        3..=5 => change_component(model, random, changes),
        _ => change_type(model, random, changes),
    }
}

fn add_type(model: &mut Model, random: &mut Random, changes: &mut Changes) {
    let mut ty = Type { name: model.fresh("type"), ..Type::default() };
    for _ in 0..3 {
        ty.fields.push(model.field(random, true));
    }
    changes.about.push(format!("add type {}", ty.name));
    model.types.push(ty);
}

fn drop_type(model: &mut Model, random: &mut Random, changes: &mut Changes) {
    let index = random.below(model.types.len());
    let name = model.types[index].name.clone();
    let used = model.types.iter().any(|ty| ty.name != name && ty.fields.iter().any(|field| points_at(field, &name)));
    if !used && model.types.len() > 2 && !changes.owners.contains_key(&name) {
        changes.about.push(format!("drop type {name}"));
        model.types.remove(index);
    }
}

fn points_at(field: &Field, name: &str) -> bool {
    match &field.kind {
        Kind::Relation { to, .. } => to.iter().any(|target| target == name),
        Kind::Children { fields, .. } => fields.iter().any(|field| points_at(field, name)),
        _ => false,
    }
}

fn rename_type(model: &mut Model, random: &mut Random, changes: &mut Changes) {
    let index = random.below(model.types.len());
    let (old, new) = (model.types[index].name.clone(), model.fresh("type"));
    if !changes.about.is_empty() {
        return;
    }
    changes.about.push(format!("rename type {old} to {new}"));
    changes.owners.insert(new.clone(), old.clone());
    for field in &model.types[index].fields {
        if let Kind::Children { .. } = field.kind {
            changes.owners.insert(format!("{new}.{}", field.name), format!("{old}.{}", field.name));
        }
    }
    model.types[index].name = new.clone();
    model.types[index].was = Some(old.clone());
    for ty in &mut model.types {
        ty.fields.iter_mut().for_each(|field| retarget(field, &old, &new));
    }
}

fn retarget(field: &mut Field, old: &str, new: &str) {
    match &mut field.kind {
        Kind::Relation { to, .. } => {
            to.iter_mut().filter(|target| *target == old).for_each(|target| *target = new.to_owned());
            to.sort();
        }
        Kind::Children { fields, .. } => fields.iter_mut().for_each(|field| retarget(field, old, new)),
        _ => {}
    }
}

fn change_type(model: &mut Model, random: &mut Random, changes: &mut Changes) {
    let index = random.below(model.types.len());
    let ty = model.types[index].clone();
    if model.types[index].fields.is_empty() || random.one_in(6) {
        let mut field = model.field(random, true);
        require_sometimes(&mut field, random);
        changes.about.push(format!("add {}.{} {:?}", ty.name, field.name, field.kind));
        model.types[index].fields.push(field);
        return;
    }
    let at = random.below(ty.fields.len());
    let mut field = ty.fields[at].clone();
    let mut dropped = ty.dropped.clone();
    let kept = change_field(model, &ty.name, &mut field, &mut dropped, random, changes);
    let ty = &mut model.types[index];
    ty.dropped = dropped;
    match kept {
        true => ty.fields[at] = field,
        false if ty.fields.len() > 1 => drop(ty.fields.remove(at)),
        false => {
            ty.dropped.clear();
            changes.about.push("not dropped after all".to_owned());
        }
    }
}

fn require_sometimes(field: &mut Field, random: &mut Random) {
    if let Kind::Scalar(name) = field.kind
        && random.one_in(3)
        && name != "slug"
    {
        field.required = true;
        field.default = match name {
            "integer" if random.one_in(2) => Some("5"),
            "boolean" => Some("false"),
            "money" => Some("1.50"),
            _ => None,
        };
    }
}

/// Changes the field; returns false if it is to be dropped.
fn change_field(
    model: &mut Model,
    owner: &str,
    field: &mut Field,
    dropped: &mut Vec<String>,
    random: &mut Random,
    changes: &mut Changes,
) -> bool {
    let old = field.name.clone();
    let key = (owner.to_owned(), old.clone());
    if changes.fields.contains_key(&key) || changes.about.iter().any(|about| about.contains(&old)) {
        return true;
    }
    let mut how = How::Same;
    let mut keep = true;
    match random.below(10) {
        0 => {
            keep = false;
            if random.one_in(2) {
                dropped.push(old.clone());
            }
            changes.about.push(format!("drop {owner}.{old}"));
        }
        1 | 2 => {
            field.name = model.fresh("field");
            field.was = Some(old.clone());
            changes.about.push(format!("rename {owner}.{old} to {}", field.name));
            if matches!(field.kind, Kind::Children { .. }) {
                changes.owners.insert(format!("{owner}.{}", field.name), format!("{owner}.{old}"));
            }
        }
        3 if matches!(field.kind, Kind::Scalar(_) | Kind::Enum { .. }) => {
            field.required = !field.required;
            field.default = None;
            changes.about.push(format!("{owner}.{old} required: {}", field.required));
        }
        4 if matches!(field.kind, Kind::Scalar("string" | "slug" | "integer" | "bigint" | "email")) => {
            field.unique = !field.unique;
            changes.about.push(format!("{owner}.{old} unique: {}", field.unique));
        }
        5 => {
            if let Kind::Scalar(name) = field.kind {
                field.filterable = !field.filterable && filterable(name);
                changes.about.push(format!("{owner}.{old} filterable: {}", field.filterable));
            }
        }
        _ => {
            let before = field.kind.clone();
            how = change_kind(model, owner, field, random, changes);
            if before != field.kind {
                changes.about.push(format!("{owner}.{old}: {before:?} to {:?}", field.kind));
            }
        }
    }
    if keep {
        changes.fields.insert((owner.to_owned(), field.name.clone()), (old, how));
    }
    keep
}

fn change_kind(model: &mut Model, owner: &str, field: &mut Field, random: &mut Random, changes: &mut Changes) -> How {
    let replace_scalar = |field: &mut Field, random: &mut Random| {
        let name = *random.pick(&SCALARS);
        field.kind = Kind::Scalar(name);
        field.default = None;
        field.unique &= ["string", "slug", "integer", "bigint", "email"].contains(&name);
        field.filterable &= filterable(name);
        How::Retyped
    };
    match &mut field.kind {
        Kind::Scalar(_) => replace_scalar(field, random),
        Kind::Enum { values, many } => match random.below(5) {
            0 => {
                values.push((model.fresh("value"), None));
                How::Same
            }
            1 => {
                let at = random.below(values.len());
                let (old, new) = (values[at].0.clone(), model.fresh("value"));
                values[at] = (new.clone(), Some(old.clone()));
                How::Mapped([(old, Some(new))].into())
            }
            2 if values.len() > 1 => {
                let gone = values.remove(random.below(values.len())).0;
                if field.required && !*many { How::Other } else { How::Mapped([(gone, None)].into()) }
            }
            3 => {
                *many = !*many;
                if *many {
                    field.required = false;
                }
                if *many { How::ToList } else { How::ToOne }
            }
            _ => {
                field.required &= !*many;
                replace_scalar(field, random)
            }
        },
        Kind::Relation { to, many, on_delete } => match random.below(3) {
            0 => {
                *many = !*many;
                if *many { How::ToList } else { How::ToOne }
            }
            1 => {
                *on_delete = *random.pick(&["restrict", "set_null", "cascade"]);
                How::Same
            }
            _ => {
                let target = random.pick(&model.types).name.clone();
                match to.iter().position(|name| *name == target) {
                    Some(at) if to.len() > 1 => {
                        to.remove(at);
                        How::Other
                    }
                    Some(_) => How::Same,
                    None => {
                        to.push(target);
                        to.sort();
                        How::Other
                    }
                }
            }
        },
        Kind::Component { many, .. } => match random.below(4) {
            0 => {
                field.kind = Kind::Blocks { of: model.components.iter().map(|part| part.name.clone()).collect() };
                How::Other
            }
            1 => {
                field.kind = Kind::Scalar("json");
                How::Other
            }
            _ => {
                *many = !*many;
                if *many { How::ToList } else { How::ToOne }
            }
        },
        Kind::Blocks { of } => {
            if of.len() > 1 {
                of.remove(random.below(of.len()));
            } else {
                *of = model.components.iter().map(|part| part.name.clone()).collect();
            }
            How::Other
        }
        Kind::Children { fields, dropped, .. } => {
            let owner = format!("{owner}.{}", field.name);
            if random.one_in(3) || fields.is_empty() {
                let mut new = model.field(random, false);
                require_sometimes(&mut new, random);
                changes.about.push(format!("add {owner}.{} {:?}", new.name, new.kind));
                fields.push(new);
            } else {
                let at = random.below(fields.len());
                let kept = change_field(model, &owner, &mut fields[at], dropped, random, changes);
                if !kept && fields.len() > 1 {
                    fields.remove(at);
                }
            }
            How::Same
        }
    }
}

fn change_component(model: &mut Model, random: &mut Random, changes: &mut Changes) {
    let index = random.below(model.components.len());
    let name = model.components[index].name.clone();
    if changes.about.iter().any(|about| about.contains(&name)) {
        return;
    }
    match random.below(5) {
        0 => {
            let new = model.fresh("part");
            changes.about.push(format!("rename component {name} to {new}"));
            changes.owners.insert(new.clone(), name.clone());
            model.components[index].was = Some(name.clone());
            model.components[index].name = new.clone();
            let fields = model.types.iter_mut().flat_map(|ty| &mut ty.fields);
            let parts = model.components.iter_mut().flat_map(|part: &mut Component| &mut part.fields);
            fields.chain(parts).for_each(|field| rename_component(field, &name, &new));
        }
        1 => {
            let mut field = model.scalar_field(random);
            require_sometimes(&mut field, random);
            changes.about.push(format!("add {name}.{} {:?}", field.name, field.kind));
            model.components[index].fields.push(field);
        }
        _ => {
            let at = random.below(model.components[index].fields.len());
            let mut field = model.components[index].fields[at].clone();
            let mut dropped = model.components[index].dropped.clone();
            let kept = change_field(model, &name, &mut field, &mut dropped, random, changes);
            field.unique = false;
            field.filterable = false;
            if matches!(field.kind, Kind::Blocks { .. }) || (matches!(field.kind, Kind::Component { .. }) && index == 0)
            {
                return;
            }
            let part = &mut model.components[index];
            if kept {
                part.fields[at] = field;
            } else if part.fields.len() > 1 {
                part.fields.remove(at);
                part.dropped = dropped;
            }
        }
    }
}

fn rename_component(field: &mut Field, old: &str, new: &str) {
    match &mut field.kind {
        Kind::Component { of, .. } if of == old => *of = new.to_owned(),
        Kind::Blocks { of } => of.iter_mut().filter(|of| *of == old).for_each(|of| *of = new.to_owned()),
        Kind::Children { fields, .. } => fields.iter_mut().for_each(|field| rename_component(field, old, new)),
        _ => {}
    }
}
