//! The data of the write path: rows with their children, their paths in the input, and the faults found.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use uuid::Uuid;

use crate::hooks::AnyRecord;
use crate::id::Id;
use crate::record::{Entry, System};
use crate::value::Value;
use base::error::{Code, Problem, Step};
use model::content::{ContentInfo, Shape};
use model::kind::nfc;

/// A row of a content type or of children.
#[derive(Clone, Debug)]
pub struct Row {
    pub id: Uuid,
    /// In the order of the fields; null for children. Lists are never null.
    pub values: Vec<Value>,
    /// By index of the field.
    pub children: BTreeMap<usize, Vec<Row>>,
    /// The path in the input; empty if the input does not mention the row.
    pub path: Vec<Step>,
    /// Fields with invalid input; they get no further faults.
    pub invalid: Vec<usize>,
    /// Fields whose unique value was free when looked up: a generated slug, or a key without an entry.
    pub claimed: Vec<usize>,
}

/// An entry to be written.
#[derive(Debug)]
pub struct Item {
    pub info: &'static ContentInfo,
    /// Index of the input; a nested entry has the index of its root.
    pub root: usize,
    /// False for a nested entry.
    pub is_root: bool,
    pub publish: bool,
    pub old: Option<Old>,
    /// The last revision of an entry that was deleted and comes back; else 0.
    pub after: i64,
    pub new: Row,
    /// `new` in the form that hooks take, built on first use.
    pub record: OnceLock<AnyRecord>,
}

/// The stored state of an entry.
#[derive(Clone, Debug)]
pub struct Old {
    pub row: Row,
    pub system: System,
}

/// All faults of a batch, each with the index of its input.
#[derive(Debug, Default)]
pub struct Faults(pub Vec<(usize, Problem)>);

/// A place in the input. It becomes a path only when a problem is reported.
#[derive(Clone, Copy)]
pub enum At<'a> {
    Steps(&'a [Step]),
    Key(&'a At<'a>, &'a str),
    Index(&'a At<'a>, usize),
}

impl Item {
    /// Whether there are changes to store.
    pub fn is_changed(&self) -> bool {
        self.old.as_ref().is_none_or(|old| !self.new.same(&old.row, self.info))
    }

    /// The system fields after the save; timestamps and the publisher keep their stored values.
    pub fn system(&self, user: Option<Uuid>) -> System {
        let user = user.map(Id::new);
        let old = self.old.as_ref().map(|old| old.system);
        match old {
            Some(old) if !self.is_changed() => old,
            Some(old) => System { revision: self.revision(), updated_by: user, ..old },
            None => System { revision: self.revision(), created_by: user, updated_by: user, ..System::default() },
        }
    }

    /// The revision after the save.
    pub fn revision(&self) -> i64 {
        match &self.old {
            None => self.after + 1,
            Some(old) if self.is_changed() => old.system.revision + 1,
            Some(old) => old.system.revision,
        }
    }
}

impl Row {
    pub fn new(info: &ContentInfo, id: Uuid, path: Vec<Step>) -> Self {
        let values = info.fields.iter().map(|field| empty(&field.shape)).collect();
        Self { id, values, children: BTreeMap::new(), path, invalid: Vec::new(), claimed: Vec::new() }
    }

    pub fn children(&self, field: usize) -> &[Self] {
        self.children.get(&field).map_or(&[], Vec::as_slice)
    }

    /// Whether both rows have the same values, regardless of their ids.
    pub fn same_values(&self, other: &Self) -> bool {
        self.values == other.values
    }

    /// Whether both rows have the same values and the same children in the same order.
    pub fn same(&self, other: &Self, info: &ContentInfo) -> bool {
        let fields = super::table::children(info);
        self.same_values(other) && {
            let mut fields = fields;
            fields.all(|(field, child)| {
                let (ours, theirs) = (self.children(field), other.children(field));
                ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(a, b)| a.id == b.id && a.same(b, child))
            })
        }
    }

    /// The row in the form that hooks take.
    pub(crate) fn entry(&self, info: &ContentInfo, system: Option<System>) -> Entry {
        let mut row = self.values.clone();
        for (field, child) in super::table::children(info) {
            let rows = self.children(field).iter().map(|row| {
                let Entry { id, row, .. } = row.entry(child, None);
                let mut values = vec![Value::Uuid(id)];
                values.extend(row);
                Value::List(values)
            });
            row[field] = Value::List(rows.collect());
        }
        Entry { id: self.id, system, row }
    }

    /// Takes the values that a hook changed in `entry`. Children with unknown ids are new.
    pub fn take(&mut self, info: &ContentInfo, entry: Vec<Value>) {
        for (index, (field, value)) in info.fields.iter().zip(entry).enumerate() {
            match (field.shape, value) {
                (Shape::Children(child), Value::List(rows)) => {
                    let mut before = self.children.remove(&index).unwrap_or_default();
                    let rows = rows.into_iter().filter_map(|row| child_row(child, row, &mut before));
                    let rows: Vec<_> = rows.collect();
                    self.children.insert(index, rows);
                }
                (Shape::Children(_), _) => {}
                (shape, Value::Null) => self.values[index] = empty(&shape),
                (_, Value::Text(text)) => self.values[index] = Value::Text(nfc(&text).into_owned()),
                (_, value) => self.values[index] = value,
            }
        }
    }
}

fn child_row(info: &ContentInfo, value: Value, before: &mut Vec<Row>) -> Option<Row> {
    let Value::List(mut values) = value else { return None };
    let fields = values.split_off(1);
    let Some(Value::Uuid(id)) = values.pop() else { return None };
    let known = before.iter().position(|row| row.id == id).map(|place| before.swap_remove(place));
    let mut row = known.unwrap_or_else(|| Row::new(info, crate::id::new_uuid(), Vec::new()));
    row.take(info, fields);
    Some(row)
}

/// The empty value of a field.
pub fn empty(shape: &Shape) -> Value {
    match shape {
        Shape::Enums(_) | Shape::Many(_) | Shape::Components(_) | Shape::Blocks(_) => Value::List(Vec::new()),
        _ => Value::Null,
    }
}

impl Faults {
    pub fn add(&mut self, root: usize, code: Code, message: impl Into<String>, at: At<'_>) {
        self.0.push((root, Problem::new(code, message).at(at.steps())));
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl At<'_> {
    pub fn steps(&self) -> Vec<Step> {
        match self {
            Self::Steps(steps) => steps.to_vec(),
            Self::Key(parent, key) => extended(parent, Step::from(*key)),
            Self::Index(parent, index) => extended(parent, Step::from(*index)),
        }
    }
}

fn extended(parent: &At<'_>, step: Step) -> Vec<Step> {
    let mut steps = parent.steps();
    steps.push(step);
    steps
}
