//! Every place of the API where a client may write a value, found by introspection: a document with variables and a placeholder.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use runtime::serde_json::{Map, Value as Json, json};

const QUERY: &str = "{ __schema { types { kind name possibleTypes { name } enumValues { name }
    fields { name args { ...value } type { ...of } } inputFields { ...value } } } }
    fragment value on __InputValue { name defaultValue type { ...of } }
    fragment of on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } }";
/// A placeholder for the value.
const HOLE: &str = "\u{1}hole";
/// A placeholder for the entry that a mutation is about.
const ID: &str = "\u{1}id";
const REVISION: &str = "\u{1}revision";
/// Parts of an input that store nothing which a response shows at the same path.
const NOT_STORED: &[&str] = &["key", "connect", "disconnect", "delete"];
/// Parts of an input that a response does not have.
const VERBS: &[&str] = &["set", "create", "update", "data", "input"];

pub struct Place {
    /// `products(filter.name.eq)`
    pub name: String,
    pub document: String,
    variables: Json,
    pub scalar: String,
    /// The content type of a mutation.
    pub entry: Option<String>,
    /// Whether the response shows what was stored.
    pub is_told: bool,
    /// Another place has the same field of the same input type.
    pub is_known: bool,
}

impl Place {
    pub fn variables(&self, value: &str, entry: Option<(&str, i64)>) -> Json {
        filled(&self.variables, value, entry)
    }
}

fn filled(json: &Json, value: &str, entry: Option<(&str, i64)>) -> Json {
    match json {
        Json::String(text) if text == HOLE => json!(value),
        Json::String(text) if text == ID => json!(entry.map(|(id, _)| id)),
        Json::String(text) if text == REVISION => json!(entry.map(|(_, revision)| revision)),
        Json::Array(items) => items.iter().map(|item| filled(item, value, entry)).collect(),
        Json::Object(fields) => {
            fields.iter().map(|(name, field)| (name.clone(), filled(field, value, entry))).collect()
        }
        other => other.clone(),
    }
}

pub struct Types(BTreeMap<String, Json>);

/// A value below an argument: the whole value with a placeholder, the path to it, and its type.
struct Leaf {
    value: Json,
    path: Vec<String>,
    scalar: String,
    is_known: bool,
}

impl Leaf {
    fn of(scalar: &str, is_known: bool) -> Self {
        Self { value: json!(HOLE), path: Vec::new(), scalar: scalar.to_owned(), is_known }
    }
}

impl Types {
    pub fn query() -> &'static str {
        QUERY
    }

    pub fn of(answer: &Json) -> Self {
        let types = answer["data"]["__schema"]["types"].as_array().unwrap_or_else(|| panic!("{answer}"));
        Self(types.iter().map(|of| (text(&of["name"]).to_owned(), of.clone())).collect())
    }

    /// Every place below the fields of `Query` or `Mutation`, at any depth of the response.
    pub fn places(&self, root: &str) -> Vec<Place> {
        let (mut places, mut seen) = (Vec::new(), BTreeSet::new());
        for (way, field) in self.fields_with_arguments(root) {
            for argument in list(&field["args"]) {
                let mut leaves = Vec::new();
                // Lists within entries have the same arguments again.
                let is_new = way.is_empty()
                    || seen.insert(format!("{}: {}", text(&argument["name"]), written(&argument["type"])));
                match is_new {
                    true => self.leaves(&argument["type"], &mut seen, &mut leaves),
                    false => leaves.extend(self.first_leaf(&argument["type"], 3)),
                }
                places.extend(leaves.into_iter().map(|leaf| self.place(root, &way, field, argument, leaf)));
            }
        }
        places
    }

    /// The fields with arguments, each type once, with the path from the root.
    fn fields_with_arguments(&self, root: &str) -> Vec<(Vec<&Json>, &Json)> {
        let (mut found, mut seen) = (Vec::new(), BTreeSet::from([root]));
        let mut next: VecDeque<(&str, Vec<&Json>)> = VecDeque::from([(root, Vec::new())]);
        while let Some((name, way)) = next.pop_front() {
            for field in list(&self.0[name]["fields"]) {
                let arguments = list(&field["args"]);
                if !arguments.is_empty() {
                    found.push((way.clone(), field));
                }
                let target = named(&field["type"]);
                let is_open = arguments.iter().all(|argument| !is_required(argument));
                let has_fields = self.0[target]["kind"] == "OBJECT" && !target.starts_with("__");
                if root == "Query" && is_open && has_fields && seen.insert(target) {
                    next.push_back((target, [way.clone(), vec![field]].concat()));
                }
            }
        }
        found
    }

    fn place(&self, root: &str, way: &[&Json], field: &Json, argument: &Json, leaf: Leaf) -> Place {
        let mut declared = Vec::new();
        let mut given = Vec::new();
        let mut variables = Map::new();
        for other in list(&field["args"]) {
            let name = text(&other["name"]);
            let value = match name {
                _ if name == text(&argument["name"]) => leaf.value.clone(),
                "id" if root == "Mutation" => json!(ID),
                "revision" => json!(REVISION),
                "stage" => json!("DRAFT"),
                _ if is_required(other) => self.least(&other["type"]),
                _ => continue,
            };
            declared.push(format!("${name}: {}", written(&other["type"])));
            given.push(format!("{name}: ${name}"));
            variables.insert(name.to_owned(), value);
        }
        let target = named(&field["type"]);
        let told = if root == "Mutation" { self.told(target, &leaf.path) } else { None };
        let name = text(&field["name"]);
        let mut document = format!("{name}({}){}", given.join(", "), self.selection(target, told.as_deref()));
        for outer in way.iter().rev() {
            let arguments: Vec<_> = list(&outer["args"]).iter().map(|argument| text(&argument["name"])).collect();
            let mut few = Vec::new();
            few.extend(arguments.contains(&"first").then_some("first: 2"));
            few.extend(arguments.contains(&"stage").then_some("stage: DRAFT"));
            let few = if few.is_empty() { String::new() } else { format!("({})", few.join(", ")) };
            document = format!("{}{few} {{ {document} }}", text(&outer["name"]));
        }
        let kind = root.to_lowercase();
        let way: String = way.iter().map(|field| format!("{}.", text(&field["name"]))).collect();
        Place {
            name: format!("{way}{name}({}.{})", text(&argument["name"]), leaf.path.join(".")),
            document: format!("{kind}({}) {{ {document} }}", declared.join(", ")),
            variables: Json::Object(variables),
            scalar: leaf.scalar,
            entry: (root == "Mutation").then(|| target.to_owned()),
            is_told: told.is_some(),
            is_known: leaf.is_known,
        }
    }

    fn selection(&self, target: &str, told: Option<&str>) -> String {
        let fields: Vec<_> = list(&self.0[target]["fields"]).iter().map(|field| text(&field["name"])).collect();
        match text(&self.0[target]["kind"]) {
            "SCALAR" | "ENUM" => String::new(),
            _ if fields.contains(&"totalCount") => " { totalCount nodes { id } }".to_owned(),
            _ if fields.contains(&"revision") && fields.contains(&"id") => {
                format!(" {{ id revision {} }}", told.unwrap_or_default())
            }
            _ => format!(" {{ __typename {} }}", told.unwrap_or_default()),
        }
    }

    /// The selection that shows what was written at this path of an input, if the entry has the same path.
    fn told(&self, of: &str, path: &[String]) -> Option<String> {
        let path: Vec<_> = path.iter().map(String::as_str).collect();
        if path.iter().any(|step| NOT_STORED.contains(step)) {
            return None;
        }
        let path: Vec<_> = path.into_iter().filter(|step| !VERBS.contains(step)).collect();
        let (mut of, mut before, mut after) = (of, String::new(), String::new());
        for (index, step) in path.iter().enumerate() {
            let is_last = index + 1 == path.len();
            if let Some(field) = list(&self.0[of]["fields"]).iter().find(|field| field["name"] == *step) {
                of = named(&field["type"]);
                let is_leaf = matches!(text(&self.0[of]["kind"]), "SCALAR" | "ENUM");
                if is_leaf != is_last {
                    return None;
                }
                before += step;
            } else {
                let mut possible = list(&self.0[of]["possibleTypes"]).iter().map(|of| text(&of["name"]));
                of = possible.find(|name| name.to_lowercase() == step.to_lowercase())?;
                before += &format!("... on {of}");
            }
            if !is_last {
                before += " { ";
                after += " }";
            }
        }
        (!before.is_empty()).then(|| before + &after)
    }

    /// Each field of an input type is walked once, where it first occurs; elsewhere its first leaf stands for it.
    fn leaves(&self, of: &Json, seen: &mut BTreeSet<String>, found: &mut Vec<Leaf>) {
        match text(&of["kind"]) {
            "NON_NULL" => self.leaves(&of["ofType"], seen, found),
            "LIST" => {
                let before = found.len();
                self.leaves(&of["ofType"], seen, found);
                found[before..].iter_mut().for_each(|leaf| leaf.value = json!([leaf.value]));
            }
            "INPUT_OBJECT" => self.leaves_of_fields(text(&of["name"]), seen, found),
            _ => found.push(Leaf::of(text(&of["name"]), false)),
        }
    }

    fn leaves_of_fields(&self, name: &str, seen: &mut BTreeSet<String>, found: &mut Vec<Leaf>) {
        let fields = list(&self.0[name]["inputFields"]);
        let is_flat = fields.iter().all(|field| self.0[named(&field["type"])]["kind"] != "INPUT_OBJECT");
        let mut is_first = true;
        for field in fields {
            let field_name = text(&field["name"]);
            let before = found.len();
            let is_new = seen.insert(format!("{name}.{field_name}"));
            if is_flat && !is_new {
                // For example the operators of a filter, which every field has.
                let leaf = self.first_leaf(&field["type"], 0);
                found.extend(leaf.map(|leaf| Leaf { is_known: !std::mem::take(&mut is_first), ..leaf }));
            } else if is_new {
                self.leaves(&field["type"], seen, found);
            } else if let Some(leaf) = self.first_leaf(&field["type"], 3) {
                found.push(leaf);
            }
            for leaf in &mut found[before..] {
                let value = std::mem::take(&mut leaf.value);
                leaf.value = self.with_required(name, field_name, value);
                leaf.path.insert(0, field_name.to_owned());
            }
        }
    }

    fn first_leaf(&self, of: &Json, depth: u32) -> Option<Leaf> {
        match text(&of["kind"]) {
            "NON_NULL" => self.first_leaf(&of["ofType"], depth),
            "LIST" => self.first_leaf(&of["ofType"], depth).map(|leaf| Leaf { value: json!([leaf.value]), ..leaf }),
            "INPUT_OBJECT" if depth == 0 => None,
            "INPUT_OBJECT" => list(&self.0[text(&of["name"])]["inputFields"]).iter().find_map(|field| {
                let leaf = self.first_leaf(&field["type"], depth - 1)?;
                let name = text(&field["name"]);
                let path = [vec![name.to_owned()], leaf.path].concat();
                Some(Leaf { value: self.with_required(text(&of["name"]), name, leaf.value), path, ..leaf })
            }),
            _ => Some(Leaf::of(text(&of["name"]), true)),
        }
    }

    /// An input with this field and all required ones.
    fn with_required(&self, name: &str, given: &str, value: Json) -> Json {
        let required = list(&self.0[name]["inputFields"]).iter().filter(|field| is_required(field));
        let mut fields: Map<String, Json> =
            required.map(|field| (text(&field["name"]).to_owned(), self.least(&field["type"]))).collect();
        fields.insert(given.to_owned(), value);
        Json::Object(fields)
    }

    /// A minimal valid value.
    fn least(&self, of: &Json) -> Json {
        let name = text(&of["name"]);
        match text(&of["kind"]) {
            "NON_NULL" => self.least(&of["ofType"]),
            "LIST" => json!([self.least(&of["ofType"])]),
            "ENUM" => self.0[name]["enumValues"][0]["name"].clone(),
            "INPUT_OBJECT" if name.ends_with("Key") => json!({ "id": ID }),
            "INPUT_OBJECT" => {
                let required = list(&self.0[name]["inputFields"]).iter().filter(|field| is_required(field));
                required.map(|field| (text(&field["name"]).to_owned(), self.least(&field["type"]))).collect()
            }
            _ => match name {
                "Int" | "BigInt" => json!(1),
                "Float" => json!(1.5),
                "Boolean" => json!(false),
                "DateTime" => json!("2020-01-01T00:00:00Z"),
                "Date" => json!("2020-01-01"),
                "Time" => json!("10:00:00"),
                "Duration" => json!("PT1H"),
                "Decimal" => json!("1.5"),
                "JSON" => json!({}),
                "ID" => json!("product_00000000000000000000000000"),
                _ => json!("Product"),
            },
        }
    }
}

fn is_required(value: &Json) -> bool {
    value["type"]["kind"] == "NON_NULL" && value["defaultValue"].is_null()
}

fn written(of: &Json) -> String {
    match text(&of["kind"]) {
        "NON_NULL" => format!("{}!", written(&of["ofType"])),
        "LIST" => format!("[{}]", written(&of["ofType"])),
        _ => text(&of["name"]).to_owned(),
    }
}

fn named(of: &Json) -> &str {
    of["name"].as_str().unwrap_or_else(|| named(&of["ofType"]))
}

fn list(json: &Json) -> &[Json] {
    json.as_array().map_or(&[], Vec::as_slice)
}

fn text(json: &Json) -> &str {
    json.as_str().unwrap_or_default()
}
