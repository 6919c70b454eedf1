//! `catalog.json`: one line a field, column, constraint and index, so that diffs are small and can be read.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Catalog;

/// The layout of the file; a change of it must read the older ones.
const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
struct File {
    format: u32,
    /// Changes with every migration, so that git sees that two branches both made one.
    last_migration: String,
    #[serde(flatten)]
    catalog: Catalog,
}

pub fn write(catalog: &Catalog, last_migration: &str) -> String {
    let file = File { format: FORMAT, last_migration: last_migration.to_owned(), catalog: catalog.clone() };
    let value = serde_json::to_value(file).unwrap_or_else(|error| panic!("codegen bug: catalog.json: {error}"));
    let mut text = String::new();
    print(&value, 0, &mut text);
    text.push('\n');
    text
}

pub fn read(text: &str) -> Result<Catalog, String> {
    let file: File = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if file.format != FORMAT {
        return Err(format!("its format is {}, this version of Typecase reads {FORMAT}", file.format));
    }
    Ok(file.catalog)
}

/// Objects and lists of objects take a line an item; what is inside the items of a list stays on its line.
fn print(value: &Value, depth: usize, out: &mut String) {
    match value {
        Value::Object(entries) if !entries.is_empty() && (depth < 3) => {
            let entries = entries.iter().map(|(key, value)| (Some(key.as_str()), value));
            lines(('{', '}'), entries, depth, out);
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            lines(('[', ']'), items.iter().map(|item| (None, item)), depth + 10, out);
        }
        other => inline(other, out),
    }
}

fn lines<'a>(
    brackets: (char, char),
    entries: impl Iterator<Item = (Option<&'a str>, &'a Value)>,
    depth: usize,
    out: &mut String,
) {
    let indent = "  ".repeat(if depth >= 10 { depth - 10 } else { depth });
    out.push(brackets.0);
    for (index, (key, value)) in entries.enumerate() {
        out.push_str(if index == 0 { "\n" } else { ",\n" });
        out.push_str(&indent);
        out.push_str("  ");
        if let Some(key) = key {
            out.push_str(&format!("\"{key}\": "));
        }
        if depth >= 10 { inline(value, out) } else { print(value, depth + 1, out) }
    }
    out.push('\n');
    out.push_str(&indent);
    out.push(brackets.1);
}

fn inline(value: &Value, out: &mut String) {
    match value {
        Value::Object(entries) => {
            out.push('{');
            for (index, (key, value)) in entries.iter().enumerate() {
                out.push_str(if index == 0 { " " } else { ", " });
                out.push_str(&format!("\"{key}\": "));
                inline(value, out);
            }
            out.push_str(if entries.is_empty() { "}" } else { " }" });
        }
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { ", " });
                inline(item, out);
            }
            out.push(']');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
}
