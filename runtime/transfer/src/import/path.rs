//! Paths into a record: `variants[].sku`, `prices[currency=USD].amount`, `attributes."Shoe size"`, `$.slug`, `@number`.

use std::borrow::Cow;
use std::cell::Cell;

use serde_json::Value as Json;

use crate::import::expr::is_blank;
use crate::import::money::written_out;

/// Where a path is evaluated: an item, what it is inside of, and its place there.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    pub item: &'a Json,
    pub parent: Option<&'a Scope<'a>>,
    /// From 0, among the items of the nearest `each`.
    pub index: usize,
    /// What may still be found in the record: lists in lists can ask for each other again and again.
    pub work: &'a Cell<u32>,
}

/// Values that a mapping may find in one record.
pub const MOST_WORK: u32 = 1_000_000;

#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    start: Start,
    steps: Vec<Step>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Start {
    Item,
    Parent,
    Root,
    Index,
    Number,
}

#[derive(Clone, Debug, PartialEq)]
enum Step {
    Key(String),
    /// Negative: from the end.
    At(i64),
    /// Every item of a list or value of an object; a single value is a list of itself.
    All,
    /// Those items of a list whose value at the keys is (or is not) this text.
    Only {
        keys: Vec<String>,
        equal: bool,
        text: String,
    },
}

impl<'a> Scope<'a> {
    pub fn root(item: &'a Json, work: &'a Cell<u32>) -> Self {
        Self { item, parent: None, index: 0, work }
    }

    pub fn inside(&'a self, item: &'a Json, index: usize) -> Self {
        Self { item, parent: Some(self), index, work: self.work }
    }

    /// The error, once too much was found.
    pub fn check(&self) -> Result<(), String> {
        match self.work.get() {
            0 => Err(format!("the mapping looks at more than {MOST_WORK} values of the record")),
            _ => Ok(()),
        }
    }

    fn outermost(&self) -> &'a Json {
        let mut item = self.item;
        let mut parent = self.parent;
        while let Some(scope) = parent {
            item = scope.item;
            parent = scope.parent;
        }
        item
    }
}

impl Path {
    /// The error says what is wrong and what to write.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut reader = Reader { text, rest: text.trim() };
        let path = reader.path()?;
        match reader.rest {
            "" => Ok(path),
            rest => Err(format!("`{rest}` is left over in the path `{text}`")),
        }
    }

    /// It can find several values, so that what it finds is a list.
    pub fn is_many(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::All | Step::Only { .. }))
    }

    /// Every value found, in order; nulls are none.
    pub fn find<'a>(&self, scope: &Scope<'a>) -> Vec<&'a Json> {
        let start = match self.start {
            Start::Item => Some(scope.item),
            Start::Parent => scope.parent.map(|parent| parent.item),
            Start::Root => Some(scope.outermost()),
            Start::Index | Start::Number => None,
        };
        let mut found = Vec::new();
        if let Some(start) = start {
            collect(start, &self.steps, &mut found);
        }
        scope.work.set(scope.work.get().saturating_sub(u32::try_from(found.len()).unwrap_or(u32::MAX)));
        found
    }

    /// The value, as a list when the path [is many](Self::is_many): of what is there, for null and blank texts are nothing. A list is
    /// empty only where the record has an empty one.
    pub fn value<'a>(&self, scope: &Scope<'a>) -> Option<Cow<'a, Json>> {
        match self.start {
            Start::Index => return Some(Cow::Owned(Json::from(scope.index))),
            Start::Number => return Some(Cow::Owned(Json::from(scope.index + 1))),
            _ => {}
        }
        let mut found = self.find(scope);
        if !self.is_many() {
            return match found.len() {
                0 | 1 => found.pop().map(Cow::Borrowed),
                // A key of the items of a list, as in `variants.sku`.
                _ => Some(Cow::Owned(found.into_iter().cloned().collect())),
            };
        }
        found.retain(|value| !is_blank(value));
        match found.is_empty() && !self.finds_empty(scope) {
            true => None,
            false => Some(Cow::Owned(found.into_iter().cloned().collect())),
        }
    }

    /// The value with a null in the place of each item that has nothing, so that it can be laid beside another.
    pub fn aligned(&self, scope: &Scope<'_>) -> Option<Json> {
        let Some(many) = self.many() else { return self.value(scope).map(Cow::into_owned) };
        let before = Self { start: self.start, steps: self.steps[..=many].to_vec() };
        let rest = &self.steps[many + 1..];
        let items = before.with_nulls(scope);
        let one = |item: &Json| {
            let mut found = Vec::new();
            collect(item, rest, &mut found);
            found.first().map_or(Json::Null, |&value| value.clone())
        };
        (!items.is_empty()).then(|| items.into_iter().map(one).collect())
    }

    /// What is found when the last step is one into a list, nulls among it.
    fn with_nulls<'a>(&self, scope: &Scope<'a>) -> Vec<&'a Json> {
        let before = Self { start: self.start, steps: self.steps[..self.steps.len().saturating_sub(1)].to_vec() };
        match (self.steps.last(), before.find(scope).as_slice()) {
            (Some(Step::All), [Json::Array(items)]) => items.iter().collect(),
            _ => self.find(scope),
        }
    }

    /// The first step into a list.
    fn many(&self) -> Option<usize> {
        self.steps.iter().position(|step| matches!(step, Step::All | Step::Only { .. }))
    }

    /// Whether what the first `[]` stands on is an empty list or object, which differs from one that is missing.
    pub fn finds_empty(&self, scope: &Scope<'_>) -> bool {
        let before = Self { start: self.start, steps: self.steps[..self.many().unwrap_or(self.steps.len())].to_vec() };
        let is_empty = |value: &Json| match value {
            Json::Array(items) => items.is_empty(),
            Json::Object(object) => object.is_empty(),
            _ => false,
        };
        matches!(before.find(scope).as_slice(), [only] if is_empty(only))
    }
}

fn collect<'a>(value: &'a Json, steps: &[Step], found: &mut Vec<&'a Json>) {
    let Some((step, rest)) = steps.split_first() else {
        if !value.is_null() {
            found.push(value);
        }
        return;
    };
    match (step, value) {
        (Step::Key(key), Json::Object(object)) => {
            if let Some(value) = object.get(key) {
                collect(value, rest, found);
            }
        }
        (Step::Key(_), Json::Array(items)) => items.iter().for_each(|item| collect(item, steps, found)),
        (Step::At(index), Json::Array(items)) => {
            let index = if *index < 0 { items.len() as i64 + index } else { *index };
            if let Some(item) = usize::try_from(index).ok().and_then(|index| items.get(index)) {
                collect(item, rest, found);
            }
        }
        (Step::At(0 | -1) | Step::All, Json::String(_) | Json::Number(_) | Json::Bool(_)) => {
            collect(value, rest, found);
        }
        (Step::All, Json::Array(items)) => items.iter().for_each(|item| collect(item, rest, found)),
        (Step::All, Json::Object(object)) => object.values().for_each(|item| collect(item, rest, found)),
        (Step::Only { keys, equal, text }, Json::Array(items)) => {
            for item in items.iter().filter(|item| has_text(item, keys, text) == *equal) {
                collect(item, rest, found);
            }
        }
        _ => {}
    }
}

/// A missing value and a blank one are the empty text.
fn has_text(item: &Json, keys: &[String], text: &str) -> bool {
    let found = text_at(item, keys).unwrap_or_default();
    found == text || (text.is_empty() && found.trim().is_empty())
}

fn text_at(item: &Json, keys: &[String]) -> Option<String> {
    let mut value = item;
    for key in keys {
        value = value.get(key)?;
    }
    plain_text(value)
}

/// The text of a text, a number or a boolean.
pub fn plain_text(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(written_out(&number.to_string())),
        Json::Bool(value) => Some(value.to_string()),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

struct Reader<'t> {
    text: &'t str,
    rest: &'t str,
}

impl<'t> Reader<'t> {
    fn path(&mut self) -> Result<Path, String> {
        let mut path = Path { start: self.start(), steps: Vec::new() };
        if self.rest.is_empty() {
            return match self.text.trim() {
                "" => Err("a path is missing: write `.` for the item itself".into()),
                _ => Ok(path),
            };
        }
        if matches!(path.start, Start::Index | Start::Number) {
            return Err(format!("nothing follows `@index` and `@number`, but `{}` does in `{}`", self.rest, self.text));
        }
        // After a start a dot leads to the first key; without one the key or bracket comes at once.
        let mut key_next = path.start == Start::Item || self.take(".");
        while !self.rest.is_empty() {
            if self.take("[") {
                path.steps.push(self.bracket()?);
            } else if key_next {
                path.steps.push(self.key()?);
            } else {
                return Err(format!("`.` or `[` is missing before `{}` in the path `{}`", self.rest, self.text));
            }
            key_next = self.take(".");
            if key_next && self.rest.is_empty() {
                return Err(format!("a name is missing after the last `.` of the path `{}`", self.text));
            }
        }
        Ok(path)
    }

    fn start(&mut self) -> Start {
        for (mark, start) in
            [("@index", Start::Index), ("@number", Start::Number), ("$", Start::Root), ("^", Start::Parent)]
        {
            if self.take(mark) {
                return start;
            }
        }
        // `.` alone, or before the first key.
        self.take(".");
        Start::Item
    }

    fn key(&mut self) -> Result<Step, String> {
        if self.take("*") {
            return Ok(Step::All);
        }
        let name = match self.quoted()? {
            Some(name) => name,
            None => self.until(&['.', '[', ']']).trim().to_owned(),
        };
        match name.is_empty() {
            true => Err(format!("a name is missing before `{}` in the path `{}`", self.rest, self.text)),
            false => Ok(Step::Key(name)),
        }
    }

    fn bracket(&mut self) -> Result<Step, String> {
        if self.take("]") {
            return Ok(Step::All);
        }
        // The item's own text.
        if self.rest.starts_with(".=") || self.rest.starts_with(".!=") {
            self.take(".");
            return self.only(Vec::new());
        }
        if let Some(name) = self.quoted()? {
            if self.take("]") {
                return Ok(Step::Key(name));
            }
            return self.only(vec![name]);
        }
        let inside = self.until(&[']', '=', '!', '.']).trim();
        if self.rest.starts_with(']') {
            self.take("]");
            return match (inside, inside.parse()) {
                ("*", _) => Ok(Step::All),
                (_, Ok(index)) => Ok(Step::At(index)),
                _ => Err(format!(
                    "`[{inside}]` in the path `{}` is no place in a list: write `[]`, `[0]`, `[-1]`, `[key=value]` or `[\"key\"]`",
                    self.text
                )),
            };
        }
        self.only(vec![inside.to_owned()])
    }

    /// What follows the first key of `[currency=USD]` or `[product.id!=7]`.
    fn only(&mut self, mut keys: Vec<String>) -> Result<Step, String> {
        while self.take(".") {
            let key = match self.quoted()? {
                Some(name) => name,
                None => self.until(&[']', '=', '!', '.']).trim().to_owned(),
            };
            keys.push(key);
        }
        let equal = !self.take("!");
        if !self.take("=") || keys.iter().any(String::is_empty) {
            return Err(format!("a condition such as `[currency=USD]` is expected in the path `{}`", self.text));
        }
        self.rest = self.rest.trim_start();
        let text = match self.quoted()? {
            Some(text) => text,
            None => self.until(&[']']).trim().to_owned(),
        };
        match self.take("]") {
            true => Ok(Step::Only { keys, equal, text }),
            false => Err(format!("`]` is missing in the path `{}`", self.text)),
        }
    }

    /// `"..."` or `'...'`, without escapes: use the other quote.
    fn quoted(&mut self) -> Result<Option<String>, String> {
        let Some(quote) = self.rest.chars().next().filter(|first| matches!(first, '"' | '\'')) else { return Ok(None) };
        let inside = &self.rest[1..];
        let Some(end) = inside.find(quote) else {
            return Err(format!("the closing {quote} is missing in the path `{}`", self.text));
        };
        self.rest = &inside[end + 1..];
        Ok(Some(inside[..end].to_owned()))
    }

    fn until(&mut self, ends: &[char]) -> &'t str {
        let end = self.rest.find(ends).unwrap_or(self.rest.len());
        let (before, rest) = self.rest.split_at(end);
        self.rest = rest;
        before
    }

    fn take(&mut self, mark: &str) -> bool {
        match self.rest.strip_prefix(mark) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn finds(path: &str, expected: Option<Json>) {
        let record = json!({
            "name": "Lamp", "none": null, "empty": [], "material": "Wood", "shoe size": 9, "a.b": 1,
            "tags": ["x", "y"], "blank": " ", "blanks": ["", "x", null, " "],
            "attributes": {"colour": "red", "size": "L"},
            "variants": [
                {"sku": "A", "prices": [{"currency": "EUR", "amount": 1}, {"currency": "USD", "amount": 2}]},
                {"sku": "B", "prices": [{"currency": "USD", "amount": 3}]},
                {"sku": null},
            ],
        });
        let path = Path::parse(path).unwrap();
        let work = Cell::new(MOST_WORK);
        let found = path.value(&Scope::root(&record, &work)).map(Cow::into_owned);
        assert_eq!(found, expected);
    }

    #[test]
    fn paths_find_what_they_name() {
        finds("name", Some(json!("Lamp")));
        finds(".name", Some(json!("Lamp")));
        finds("$.name", Some(json!("Lamp")));
        finds("none", None);
        finds("attributes.colour", Some(json!("red")));
        finds("attributes.*", Some(json!(["red", "L"])));
        finds("\"shoe size\"", Some(json!(9)));
        finds("shoe size", Some(json!(9)));
        finds("['a.b']", Some(json!(1)));
        finds("tags[]", Some(json!(["x", "y"])));
        finds("tags", Some(json!(["x", "y"])));
        finds("tags[0]", Some(json!("x")));
        finds("tags[-1]", Some(json!("y")));
        finds("tags[7]", None);
        finds("material[]", Some(json!(["Wood"])));
        finds("empty[]", Some(json!([])));
        finds("missing[]", None);
        finds("blank[]", None);
        finds("blanks[]", Some(json!(["x"])));
        finds("tags[.!=x]", Some(json!(["y"])));
        finds("tags[.=z]", None);
        finds("blanks[.!='']", Some(json!(["x"])));
        finds("variants[sku!=''].sku", Some(json!(["A", "B"])));
        finds("variants[].sku", Some(json!(["A", "B"])));
        finds("variants.sku", Some(json!(["A", "B"])));
        finds("variants[0].prices[currency=USD].amount", Some(json!([2])));
        finds("variants[].prices[currency = \"USD\"].amount", Some(json!([2, 3])));
        finds("variants[sku!=A].prices[].amount", Some(json!([3])));
        finds("@number", Some(json!(1)));
    }

    #[test]
    fn an_item_sees_what_it_is_inside_of() {
        let record = json!({"slug": "lamp", "variants": [{"sku": "A", "images": ["/a.jpg"]}]});
        let work = Cell::new(MOST_WORK);
        let root = Scope::root(&record, &work);
        let variant = root.inside(&record["variants"][0], 4);
        let image = variant.inside(&record["variants"][0]["images"][0], 0);
        let value = |path: &str, scope: &Scope<'_>| Path::parse(path).unwrap().value(scope).map(Cow::into_owned);
        assert_eq!(value("^.slug", &variant), Some(json!("lamp")));
        assert_eq!(value("$.slug", &image), Some(json!("lamp")));
        assert_eq!(value("^.sku", &image), Some(json!("A")));
        assert_eq!(value(".", &image), Some(json!("/a.jpg")));
        assert_eq!(value("@index", &variant), Some(json!(4)));
        assert_eq!(value("^.slug", &root), None);
    }

    #[test]
    fn what_is_no_path_is_refused_with_a_reason() {
        for text in ["", " ", "a.", "a[", "a[x]", "a[=1]", "a[b=1", "a]", "'a", "a..b", "@indexes", "^name", "$a"] {
            assert!(Path::parse(text).is_err(), "{text:?} is taken for a path");
        }
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_parser(text in "[a-c.\\[\\]=!\"'^$@*0-9 -]{0,24}") {
            if let Ok(path) = Path::parse(&text) {
                path.value(&Scope::root(&json!({"a": [{"b": [1, "c"]}], "b": {"a": "c"}}), &Cell::new(MOST_WORK)));
            }
        }

        #[test]
        fn any_key_can_be_named_with_quotes(key in "[^\"]{1,12}") {
            let record = json!({"outer": {key.clone(): 7}});
            let path = Path::parse(&format!("outer[\"{key}\"]")).unwrap();
            prop_assert_eq!(path.value(&Scope::root(&record, &Cell::new(MOST_WORK))).map(Cow::into_owned), Some(json!(7)));
        }
    }
}
