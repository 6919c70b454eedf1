//! `schema/schema.json`: a JSON Schema of the language, which editors use to complete and check the YAML.
//!
//! Generated from the tables that the analyzer checks against. Draft 7, which every editor supports.

use serde_json::{Map, Value, json};

use crate::schema::Scalar;
use crate::syntax::language::{FieldType, FileKind, Key, OPTIONS, Place, Shape};
use crate::syntax::shape::LONGEST_NAME;

/// The text of the file.
pub fn json_schema() -> String {
    let mut definitions = Map::new();
    definitions.insert("name".to_owned(), name());
    definitions.insert("scalar_type".to_owned(), types(Scalar::ALL.into_iter().map(FieldType::Scalar)));
    for option in OPTIONS.iter().filter(|option| option.key.name != "type") {
        definitions.insert(option_name(option.key.name), described(&option.key));
    }
    for place in [Place::Type, Place::Children, Place::Component] {
        definitions.insert(place_name(place).to_owned(), field(place));
    }
    for kind in [FileKind::Site, FileKind::Type, FileKind::Component] {
        definitions.insert(file_name(kind).to_owned(), record(kind.keys()));
    }
    let schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Content types of Typecase",
        "description": "The files of schema/: cms.yaml, one file a content type, and components.",
        "if": { "required": ["site"] },
        "then": reference(file_name(FileKind::Site)),
        "else": {
            "if": { "required": ["component"] },
            "then": reference(file_name(FileKind::Component)),
            "else": reference(file_name(FileKind::Type)),
        },
        "definitions": definitions,
    });
    let text = serde_json::to_string_pretty(&schema);
    text.unwrap_or_else(|error| panic!("codegen bug: the JSON Schema is not JSON: {error}")) + "\n"
}

fn reference(definition: &str) -> Value {
    json!({ "$ref": format!("#/definitions/{definition}") })
}

fn option_name(option: &str) -> String {
    format!("option_{option}")
}

fn place_name(place: Place) -> &'static str {
    match place {
        Place::Type => "field",
        Place::Children => "field_of_children",
        Place::Component => "field_of_component",
    }
}

fn file_name(kind: FileKind) -> &'static str {
    match kind {
        FileKind::Site => "site_file",
        FileKind::Type => "type_file",
        FileKind::Component => "component_file",
    }
}

fn name() -> Value {
    json!({ "type": "string", "pattern": "^[a-z][a-z0-9]*(_[a-z0-9]+)*$", "maxLength": LONGEST_NAME })
}

/// The names of field types, with descriptions for editors that show them.
fn types(types: impl Iterator<Item = FieldType> + Clone) -> Value {
    let names: Vec<_> = types.clone().map(FieldType::yaml).collect();
    let meanings: Vec<_> = types.map(FieldType::about).collect();
    json!({ "type": "string", "enum": names, "markdownEnumDescriptions": meanings })
}

fn described(key: &Key) -> Value {
    let mut value = shape(key.shape);
    if let Some(object) = value.as_object_mut() {
        // Keys next to a `$ref` are ignored.
        if let Some(reference) = object.remove("$ref") {
            object.insert("allOf".to_owned(), json!([{ "$ref": reference }]));
        }
        object.insert("description".to_owned(), json!(key.about));
    }
    value
}

fn shape(shape: Shape) -> Value {
    match shape {
        Shape::Name => reference("name"),
        Shape::Text => json!({ "type": "string" }),
        Shape::Path => json!({ "type": "string", "pattern": "^[a-z][a-z0-9_]*(\\.[a-z][a-z0-9_]*)?$" }),
        Shape::Condition => json!({ "type": "object", "minProperties": 1 }),
        Shape::Bool => json!({ "type": "boolean" }),
        Shape::Date => json!({ "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$" }),
        Shape::Period => {
            json!({ "type": "string", "pattern": "^P(?=[0-9])([0-9]{1,4}Y)?([0-9]{1,4}M)?([0-9]{1,4}W)?([0-9]{1,4}D)?$" })
        }
        Shape::Limit { min, max, default, .. } => {
            json!({ "type": "integer", "minimum": min, "maximum": max, "default": default })
        }
        Shape::Value => json!({ "type": ["number", "string"] }),
        Shape::Any => json!({}),
        Shape::Word(words) => json!({ "enum": words }),
        Shape::Either(shapes) => json!({ "anyOf": shapes.iter().map(|of| self::shape(*of)).collect::<Vec<_>>() }),
        Shape::List(of) => json!({ "type": "array", "items": self::shape(*of) }),
        Shape::Map(of) => map(*of),
        Shape::Record(keys) => record(keys),
        Shape::Paths(keys, of) => {
            let mut paths = record(keys);
            paths["additionalProperties"] = self::shape(*of);
            paths
        }
        Shape::ScalarType => reference("scalar_type"),
        Shape::Fields(place) => json!({
            "type": "object",
            "propertyNames": reference("name"),
            "additionalProperties": reference(place_name(place)),
            "minProperties": 1,
        }),
    }
}

fn map(of: Shape) -> Value {
    let value = match of.optional() {
        true => json!({ "anyOf": [shape(of), { "type": "null" }] }),
        false => shape(of),
    };
    json!({ "type": "object", "propertyNames": reference("name"), "additionalProperties": value })
}

fn record(keys: &[Key]) -> Value {
    let properties: Map<_, _> = keys.iter().map(|key| (key.name.to_owned(), described(key))).collect();
    let required: Vec<_> = keys.iter().filter(|key| key.required).map(|key| key.name).collect();
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

/// A field has either a type, which determines its options, or `drop`.
fn field(place: Place) -> Value {
    let here = FieldType::all().filter(move |field_type| field_type.stands_in(place));
    json!({
        "type": "object",
        "properties": { "type": types(here.clone()) },
        "anyOf": [{ "required": ["type"] }, { "required": ["drop"] }],
        "allOf": options_by_type(here, place),
    })
}

/// One rule for all field types with the same options.
fn options_by_type(here: impl Iterator<Item = FieldType>, place: Place) -> Vec<Value> {
    let mut groups: Vec<(Vec<&str>, Option<&str>, Vec<&str>)> = Vec::new();
    for field_type in here {
        let taken = OPTIONS.iter().filter(|option| option.taken_by(field_type, place)).map(|option| option.key.name);
        let (taken, needs) = (taken.collect::<Vec<_>>(), field_type.needs());
        match groups.iter_mut().find(|(options, needed, _)| *options == taken && *needed == needs) {
            Some((_, _, types)) => types.push(field_type.yaml()),
            None => groups.push((taken, needs, vec![field_type.yaml()])),
        }
    }
    groups.into_iter().map(|(options, needs, types)| options_of(&types, &options, needs)).collect()
}

fn options_of(types: &[&str], options: &[&str], needs: Option<&str>) -> Value {
    let property = |name: &str| match name {
        "type" => json!(true),
        name => reference(&option_name(name)),
    };
    let properties: Map<_, _> = options.iter().map(|name| ((*name).to_owned(), property(name))).collect();
    json!({
        "if": { "properties": { "type": { "enum": types } }, "required": ["type"] },
        "then": {
            "properties": properties,
            "required": needs.into_iter().collect::<Vec<_>>(),
            "additionalProperties": false,
        },
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use serde_json::Value;

    use crate::diagnostic::Diagnostics;
    use crate::syntax::yaml;

    fn files(folder: &str) -> Vec<(PathBuf, String)> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        let entries = fs::read_dir(folder).expect("the folder is there");
        let paths = entries.map(|entry| entry.expect("the folder can be read").path());
        let yaml = paths.filter(|path| path.extension().is_some_and(|extension| extension == "yaml"));
        yaml.map(|path| (path.clone(), fs::read_to_string(path).expect("the file can be read"))).collect()
    }

    fn json(text: &str) -> Option<Value> {
        Some(yaml::parse(0, text, &mut Diagnostics::default())?.written().json())
    }

    fn validator() -> jsonschema::Validator {
        let schema = serde_json::from_str(&super::json_schema()).expect("the schema is JSON");
        jsonschema::draft7::new(&schema).expect("the schema is a JSON Schema")
    }

    #[test]
    fn shipped_files_are_valid() {
        let validator = validator();
        for (path, text) in files("../schema").into_iter().chain(files("../schema/components")) {
            let value = json(&text).expect("the file is YAML");
            let errors: Vec<_> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{}: {errors:?}", path.display());
        }
    }

    #[test]
    fn wrong_forms_are_refused() {
        let validator = validator();
        let forms = ["S105", "S106", "S107", "S109", "S110", "S201", "S204", "S301", "S308"];
        let cases: Vec<_> = files("tests/errors")
            .into_iter()
            .filter(|(path, _)| {
                forms.iter().any(|code| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(code)))
            })
            .collect();
        assert!(cases.len() >= forms.len());
        for (path, text) in cases {
            let mut parts = text.split("# file: ").skip(1).filter_map(|part| json(part.split_once('\n')?.1));
            assert!(parts.any(|value| !validator.is_valid(&value)), "{} is accepted", path.display());
        }
    }
}
