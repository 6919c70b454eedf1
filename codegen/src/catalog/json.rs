//! `catalog.json`: one line per field, column, constraint and index, so that diffs are small and readable.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::{Deserialize, Serialize};
use serde_json::Serializer;
use serde_json::ser::Formatter;

use super::rules::AllRules;
use super::{Catalog, Field, Table};

/// The version of the file's layout; a new version must still read older ones.
const FORMAT: u32 = 1;

/// The catalog's fields are repeated here: flattening would buffer the whole catalog.
#[derive(Serialize, Deserialize)]
struct File<'a> {
    format: u32,
    /// Changes with every migration, so that git reports a conflict if two branches both add one.
    last_migration: Cow<'a, str>,
    tables: Cow<'a, BTreeMap<String, Table>>,
    components: Cow<'a, BTreeMap<String, Vec<Field>>>,
    /// Comes last, because the catalog's hash ends before the rules.
    #[serde(default, skip_serializing_if = "is_empty")]
    rules: Cow<'a, AllRules>,
}

fn is_empty(rules: &AllRules) -> bool {
    rules.is_empty()
}

pub fn write(catalog: &Catalog, last_migration: &str) -> String {
    let Catalog { tables, components, rules } = catalog;
    let (tables, components, rules) = (Cow::Borrowed(tables), Cow::Borrowed(components), Cow::Borrowed(rules));
    let file = File { format: FORMAT, last_migration: last_migration.into(), tables, components, rules };
    let mut bytes = Vec::new();
    file.serialize(&mut Serializer::with_formatter(&mut bytes, Lines::default()))
        .unwrap_or_else(|error| panic!("codegen bug: catalog.json: {error}"));
    bytes.push(b'\n');
    String::from_utf8(bytes).unwrap_or_else(|error| panic!("codegen bug: catalog.json: {error}"))
}

pub fn read(text: &str) -> Result<Catalog, String> {
    let file: File = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if file.format != FORMAT {
        return Err(format!("its format is {}, this version of Typecase reads {FORMAT}", file.format));
    }
    let (tables, components) = (file.tables.into_owned(), file.components.into_owned());
    Ok(Catalog { tables, components, rules: file.rules.into_owned() })
}

/// The migration that led to this catalog.
pub fn last_migration(text: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Head {
        last_migration: String,
    }
    serde_json::from_str(text).ok().map(|head: Head| head.last_migration)
}

/// Writes objects and lists of objects with one line per item; a nested item of a list stays on its line.
#[derive(Default)]
struct Lines {
    /// The open brackets, outermost first, and whether each already has an item.
    open: Vec<(Open, bool)>,
}

#[derive(Clone, Copy, PartialEq)]
enum Open {
    /// An object with one line per entry.
    Object,
    /// A list; its first item decides whether it has one line per item.
    List,
    ListOfObjects,
    InlineObject,
    InlineList,
}

impl Lines {
    /// How many levels of nested objects are split into lines.
    const DEEPEST: usize = 3;

    fn inside(&self) -> Option<Open> {
        self.open.last().map(|(open, _)| *open)
    }

    fn item<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        if let Some((_, filled)) = self.open.last_mut() {
            *filled = true;
        }
        let comma: &[u8] = if first { b"" } else { b"," };
        out.write_all(comma)?;
        match self.inside() {
            Some(Open::Object | Open::ListOfObjects) => self.line(out),
            Some(Open::List | Open::InlineList) if first => Ok(()),
            _ => out.write_all(b" "),
        }
    }

    fn line<W: ?Sized + Write>(&self, out: &mut W) -> io::Result<()> {
        out.write_all(b"\n")?;
        self.open.iter().try_for_each(|_| out.write_all(b"  "))
    }

    fn end<W: ?Sized + Write>(&mut self, out: &mut W, bracket: &[u8]) -> io::Result<()> {
        match self.open.pop() {
            Some((Open::Object | Open::ListOfObjects, true)) => self.line(out)?,
            Some((Open::InlineObject, true)) => out.write_all(b" ")?,
            _ => {}
        }
        out.write_all(bracket)
    }
}

impl Formatter for Lines {
    fn begin_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        if let Some((list @ Open::List, _)) = self.open.last_mut() {
            *list = Open::ListOfObjects;
            self.line(out)?;
        }
        let lines = self.open.len() < Self::DEEPEST && self.open.iter().all(|(open, _)| *open == Open::Object);
        self.open.push((if lines { Open::Object } else { Open::InlineObject }, false));
        out.write_all(b"{")
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.item(out, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(b": ")
    }

    fn end_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.end(out, b"}")
    }

    fn begin_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        let inline = self.inside() != Some(Open::Object);
        self.open.push((if inline { Open::InlineList } else { Open::List }, false));
        out.write_all(b"[")
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.item(out, first)
    }

    fn end_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.end(out, b"]")
    }
}
