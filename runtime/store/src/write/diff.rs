//! How two versions of an entry differ: by field; texts by line, lists by item, children by row.

use std::time::{Duration, Instant};

use serde_json::Value as Json;
use similar::{Algorithm, ChangeTag, TextDiffConfig};
use uuid::Uuid;

use crate::id;
use crate::input::value_json;
use crate::value::Value;
use crate::write::guard::Guard;
use crate::write::row::Row;
use crate::write::trail::differing;
use model::content::{ContentInfo, Shape};

/// After so long, what is left of a text is one change: the comparison of hostile texts takes quadratic time.
const PATIENCE: Duration = Duration::from_millis(50);

/// A field that differs.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldDiff {
    /// As the API names it.
    pub field: &'static str,
    /// The row of children, and whether it came, went or changed.
    pub row: Option<(String, Kind)>,
    pub before: Json,
    pub after: Json,
    /// Where a row of children stood in its list, and where it stands, from 0, if it has another place among those that stay.
    pub moved: Option<(usize, usize)>,
    /// Of a text with several lines, or of a list.
    pub parts: Vec<Part>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Same,
    Added,
    Removed,
    Changed,
}

/// A line or an item.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    pub kind: Kind,
    pub value: Json,
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Same => "SAME",
            Self::Added => "ADDED",
            Self::Removed => "REMOVED",
            Self::Changed => "CHANGED",
        }
    }
}

/// Whether the actor may see a field, by `snake`.
pub type Reads<'a> = &'a dyn Fn(&ContentInfo, &str) -> bool;

/// The fields that differ and that the actor may read in the history.
pub fn of_history(guard: Guard<'_>, info: &'static ContentInfo, before: &Row, after: &Row) -> Vec<FieldDiff> {
    let reads = |info: &ContentInfo, field: &str| guard.reads_history(info, field);
    rows(&reads, info, before, after, Instant::now() + PATIENCE)
}

/// The fields that differ and that the actor may read. Texts are compared by line until then.
pub fn rows(reads: Reads<'_>, info: &'static ContentInfo, before: &Row, after: &Row, until: Instant) -> Vec<FieldDiff> {
    let mut found = Vec::new();
    for (index, field) in differing(info, Some(before), Some(after)) {
        if !reads(info, field.snake) {
            continue;
        }
        match field.shape {
            Shape::Children(child) => {
                children(reads, child, field.name, before.children(index), after.children(index), until, &mut found);
            }
            shape => found.push(value(field.name, &shape, &before.values[index], &after.values[index], until)),
        }
    }
    found
}

fn value(field: &'static str, shape: &Shape, before: &Value, after: &Value, until: Instant) -> FieldDiff {
    let parts = match (before, after) {
        (Value::Text(before), Value::Text(after)) if before.contains('\n') || after.contains('\n') => {
            lines(before, after, until)
        }
        (Value::List(_), Value::List(_)) => {
            let items = |value: &Value| match value_json(shape, value) {
                Json::Array(items) => items,
                _ => Vec::new(),
            };
            compared(&items(before), &items(after), until)
        }
        _ => Vec::new(),
    };
    FieldDiff {
        field,
        row: None,
        before: value_json(shape, before),
        after: value_json(shape, after),
        moved: None,
        parts,
    }
}

fn lines(before: &str, after: &str, until: Instant) -> Vec<Part> {
    let mut config = TextDiffConfig::default();
    let diff = config.algorithm(Algorithm::Myers).deadline(until).diff_lines(before, after);
    let part = |change: similar::Change<&str>| Part {
        kind: kind(change.tag()),
        value: change.value().strip_suffix('\n').unwrap_or(change.value()).into(),
    };
    diff.iter_all_changes().map(part).collect()
}

fn compared(before: &[Json], after: &[Json], until: Instant) -> Vec<Part> {
    let texts = |items: &[Json]| items.iter().map(Json::to_string).collect::<Vec<_>>();
    let (old, new) = (texts(before), texts(after));
    let ops = similar::capture_diff_slices_deadline(Algorithm::Myers, &old, &new, Some(until));
    let changes = ops.iter().flat_map(|op| op.iter_changes(before, after).collect::<Vec<_>>());
    changes.map(|change| Part { kind: kind(change.tag()), value: change.value() }).collect()
}

fn kind(tag: ChangeTag) -> Kind {
    match tag {
        ChangeTag::Equal => Kind::Same,
        ChangeTag::Insert => Kind::Added,
        ChangeTag::Delete => Kind::Removed,
    }
}

fn children(
    reads: Reads<'_>,
    info: &'static ContentInfo,
    field: &'static str,
    before: &[Row],
    after: &[Row],
    until: Instant,
    found: &mut Vec<FieldDiff>,
) {
    let known = |rows: &[Row], id: Uuid| rows.iter().position(|row| row.id == id);
    let staying: Vec<Uuid> = before.iter().map(|row| row.id).filter(|id| known(after, *id).is_some()).collect();
    let mut stayed = 0;
    let gone = before.iter().filter(|row| known(after, row.id).is_none());
    for row in gone {
        let row_id = Some((id::encode(info.table, row.id), Kind::Removed));
        found.push(FieldDiff {
            field,
            row: row_id,
            before: object(reads, info, row),
            after: Json::Null,
            moved: None,
            parts: Vec::new(),
        });
    }
    for (place, row) in after.iter().enumerate() {
        let shown = id::encode(info.table, row.id);
        let Some(old_place) = known(before, row.id) else {
            let after = object(reads, info, row);
            found.push(FieldDiff {
                field,
                row: Some((shown, Kind::Added)),
                before: Json::Null,
                after,
                moved: None,
                parts: Vec::new(),
            });
            continue;
        };
        let old = &before[old_place];
        let changed = differing(info, Some(old), Some(row)).filter(|(_, field)| reads(info, field.snake));
        let changed: Vec<FieldDiff> = changed
            .map(|(index, field)| value(field.name, &field.shape, &old.values[index], &row.values[index], until))
            .collect();
        let moved = (staying.get(stayed) != Some(&row.id)).then_some((old_place, place));
        stayed += 1;
        if changed.is_empty() && moved.is_none() {
            continue;
        }
        let side = |pick: fn(&FieldDiff) -> &Json| {
            Json::Object(changed.iter().map(|diff| (diff.field.to_owned(), pick(diff).clone())).collect())
        };
        let (before, after) = (side(|diff| &diff.before), side(|diff| &diff.after));
        found.push(FieldDiff { field, row: Some((shown, Kind::Changed)), before, after, moved, parts: Vec::new() });
    }
}

/// A row of children with what the actor may read of it.
fn object(reads: Reads<'_>, info: &'static ContentInfo, row: &Row) -> Json {
    let fields = info.fields.iter().enumerate().filter(|(_, field)| reads(info, field.snake));
    Json::Object(
        fields.map(|(index, field)| (field.name.to_owned(), value_json(&field.shape, &row.values[index]))).collect(),
    )
}
