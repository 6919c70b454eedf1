//! A schema for random changes, and its YAML.

use codegen::SourceFile;

use super::history::source;
use super::random::Random;

#[derive(Clone, Debug, Default)]
pub struct Model {
    pub types: Vec<Type>,
    pub components: Vec<Component>,
    /// A counter for names that were never used before.
    pub names: usize,
}

#[derive(Clone, Debug, Default)]
pub struct Type {
    pub name: String,
    pub was: Option<String>,
    pub fields: Vec<Field>,
    pub dropped: Vec<String>,
}

#[derive(Clone, Debug, Default)]
pub struct Component {
    pub name: String,
    pub was: Option<String>,
    pub fields: Vec<Field>,
    pub dropped: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    pub name: String,
    pub was: Option<String>,
    pub kind: Kind,
    pub required: bool,
    pub default: Option<&'static str>,
    pub unique: bool,
    pub filterable: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    Scalar(&'static str),
    /// Values with their old names.
    Enum {
        values: Vec<(String, Option<String>)>,
        many: bool,
    },
    Relation {
        to: Vec<String>,
        many: bool,
        on_delete: &'static str,
    },
    Component {
        of: String,
        many: bool,
    },
    Blocks {
        of: Vec<String>,
    },
    Children {
        singular: String,
        fields: Vec<Field>,
        dropped: Vec<String>,
    },
}

pub const SCALARS: [&str; 18] = [
    "string", "text", "markdown", "slug", "integer", "bigint", "decimal", "boolean", "date", "time", "datetime",
    "duration", "money", "email", "url", "color", "json", "user",
];

impl Field {
    pub fn new(name: String, kind: Kind) -> Self {
        Self { name, was: None, kind, required: false, default: None, unique: false, filterable: false }
    }
}

impl Model {
    pub fn fresh(&mut self, prefix: &str) -> String {
        self.names += 1;
        // SQL keywords must work like any other name.
        let words = ["order", "user", "end", "table", "value", "position_of", "x"];
        format!("{prefix}_{}_{}", words[self.names % words.len()], self.names)
    }

    pub fn random(random: &mut Random) -> Self {
        let mut model = Self::default();
        for _ in 0..2 {
            let name = model.fresh("part");
            let fields = (0..3).map(|_| model.scalar_field(random)).collect();
            model.components.push(Component { name, fields, ..Component::default() });
        }
        let inner = Kind::Component { of: model.components[0].name.clone(), many: random.one_in(2) };
        let name = model.fresh("field");
        model.components[1].fields.push(Field::new(name, inner));
        for _ in 0..3 {
            let name = model.fresh("type");
            model.types.push(Type { name, ..Type::default() });
        }
        for index in 0..model.types.len() {
            for _ in 0..5 {
                let field = model.field(random, true);
                model.types[index].fields.push(field);
            }
        }
        model
    }

    pub fn scalar_field(&mut self, random: &mut Random) -> Field {
        let name = self.fresh("field");
        let mut field = Field::new(name, Kind::Scalar(random.pick::<&'static str>(&SCALARS)));
        if random.one_in(5) {
            field.kind = self.enumeration(random);
        }
        field
    }

    fn enumeration(&mut self, random: &mut Random) -> Kind {
        let values = (0..3).map(|_| (self.fresh("value"), None)).collect();
        Kind::Enum { values, many: random.one_in(3) }
    }

    pub fn field(&mut self, random: &mut Random, children: bool) -> Field {
        let mut field = self.scalar_field(random);
        field.kind = match random.below(if children { 12 } else { 11 }) {
            0..=4 => field.kind,
            5 => self.enumeration(random),
            6 | 7 => self.relation(random),
            8 | 9 => Kind::Component { of: random.pick(&self.components).name.clone(), many: random.one_in(2) },
            10 => Kind::Blocks { of: self.components.iter().map(|component| component.name.clone()).collect() },
            _ => {
                let fields = (0..2).map(|_| self.field(random, false)).collect();
                Kind::Children { singular: self.fresh("row"), fields, dropped: Vec::new() }
            }
        };
        if let Kind::Scalar(name) = field.kind {
            field.filterable = filterable(name) && random.one_in(2);
        }
        field
    }

    pub fn relation(&mut self, random: &mut Random) -> Kind {
        let mut to = vec![random.pick(&self.types).name.clone()];
        if random.one_in(3) {
            to.push(random.pick(&self.types).name.clone());
        }
        to.sort();
        to.dedup();
        let on_delete = *random.pick(&["restrict", "set_null", "cascade"]);
        Kind::Relation { to, many: random.one_in(2), on_delete }
    }

    pub fn sources(&self) -> Vec<SourceFile> {
        let mut sources = vec![source(
            "schema/cms.yaml",
            "site: { name: Walk, currency: EUR, currencies: [EUR, JPY], locales: [en] }\n",
        )];
        for ty in &self.types {
            let was = ty.was.as_ref().map(|was| format!("was: {was}\n")).unwrap_or_default();
            let text = format!(
                "type: {}\nplural: {}_all\n{was}description: A type.\nlifecycle: {{ drafts: true }}\naccess: {{ admin: {{ read: all }} }}\nfields:\n{}",
                ty.name,
                ty.name,
                fields(&ty.fields, &ty.dropped, 2)
            );
            sources.push(source(&format!("schema/{}.yaml", ty.name), &text));
        }
        for part in &self.components {
            let was = part.was.as_ref().map(|was| format!("was: {was}\n")).unwrap_or_default();
            let text = format!(
                "component: {}\n{was}description: A part.\nfields:\n{}",
                part.name,
                only_in_components(&fields(&part.fields, &part.dropped, 2))
            );
            sources.push(source(&format!("schema/components/{}.yaml", part.name), &text));
        }
        sources
    }
}

pub fn filterable(scalar: &str) -> bool {
    !["text", "markdown", "json"].contains(&scalar)
}

/// Without what components cannot have.
fn only_in_components(fields: &str) -> String {
    let is_taken = |line: &&str| *line != "    sortable: true" && !line.starts_with("    inverse: ");
    fields.lines().filter(is_taken).map(|line| format!("{line}\n")).collect()
}

fn fields(all: &[Field], dropped: &[String], indent: usize) -> String {
    let pad = " ".repeat(indent);
    let lines = all.iter().map(|field| {
        let mut text = format!("{pad}{}:\n{pad}  description: A field.\n", field.name);
        let mut put = |line: String| text.push_str(&format!("{pad}  {line}\n"));
        match &field.kind {
            Kind::Scalar(name) => put(format!("type: {name}")),
            Kind::Enum { values, many } => {
                put("type: enum".to_owned());
                put(format!("many: {many}"));
                let values: Vec<_> = values
                    .iter()
                    .map(|(name, was)| match was {
                        Some(was) => format!("{{ name: {name}, was: {was} }}"),
                        None => format!("{{ name: {name} }}"),
                    })
                    .collect();
                put(format!("values: [{}]", values.join(", ")));
            }
            Kind::Relation { to, many, on_delete } => {
                put("type: relation".to_owned());
                put(format!("to: [{}]", to.join(", ")));
                put(format!("many: {many}"));
                put(format!("on_delete: {on_delete}"));
                if indent == 2 {
                    put(format!("inverse: back_{}", field.name));
                }
            }
            Kind::Component { of, many } => {
                put("type: component".to_owned());
                put(format!("of: {of}"));
                put(format!("many: {many}"));
            }
            Kind::Blocks { of } => {
                put("type: blocks".to_owned());
                put(format!("of: [{}]", of.join(", ")));
            }
            Kind::Children { singular, fields: own, dropped } => {
                put("type: children".to_owned());
                put(format!("singular: {singular}"));
                put(format!("fields:\n{}", fields(own, dropped, indent + 4).trim_end()));
            }
        }
        if field.required {
            put("required: true".to_owned());
        }
        if field.filterable {
            put("filterable: true".to_owned());
        }
        match &field.kind {
            Kind::Enum { many: false, .. } => put("sortable: true".to_owned()),
            Kind::Scalar("string") if field.filterable => {
                put("sortable: true".to_owned());
                put("collation: sv".to_owned());
            }
            Kind::Scalar(name) if field.filterable && *name != "user" => put("sortable: true".to_owned()),
            _ => {}
        }
        if field.unique {
            put("unique: true".to_owned());
        }
        if let Some(default) = field.default {
            put(format!("default: {default}"));
        }
        if let Some(was) = &field.was {
            put(format!("was: {was}"));
        }
        text
    });
    let dropped = dropped.iter().map(|name| format!("{pad}{name}: {{ drop: true }}\n"));
    lines.chain(dropped).collect()
}
