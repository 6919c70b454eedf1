//! Builds the schema from declarations, except roles and rules. Invalid parts are skipped: the schema is then not used.

use super::declared::{Declared, FieldDecl, Owner};
use super::names::plural;
use super::{paths, search};
use crate::catalog::names;
use crate::schema::{
    Argument, Children, Component, Computed, ContentType, Deprecated, Enum, EnumValue, Field, FieldKind, Index,
    Inverse, Limits, Literal, Name, OnDelete, Operation, Relation, Required, Retention, Returns, Rules, Scalar, Schema,
    Site, literal,
};
use crate::syntax::language::{FieldType, LIMITS, Shape, Structure};
use crate::syntax::node::{Entry, Node, Value};

pub fn schema(declared: &Declared<'_>) -> Schema {
    let mut types: Vec<_> = declared.types.values().map(content_type).collect();
    for (target, inverse) in inverses(declared) {
        if let Some(ty) = types.iter_mut().find(|ty| ty.name.snake() == target) {
            ty.inverses.push(inverse);
        }
    }
    types.iter_mut().for_each(|ty| ty.inverses.sort_by(|a, b| a.name.cmp(&b.name)));
    let site = site(declared.site);
    types.iter_mut().for_each(|ty| collate(&mut ty.fields, &site.collation));
    let operations = |key: &str| {
        let mut operations: Vec<_> = declared
            .site
            .and_then(|site| site.get(key))
            .map_or(&[][..], Node::entries)
            .iter()
            .filter_map(operation)
            .collect();
        operations.sort_by(|a: &Operation, b| a.name.cmp(&b.name));
        operations
    };
    Schema {
        site,
        roles: Vec::new(),
        components: declared.components.values().map(component).collect(),
        queries: operations("queries"),
        mutations: operations("mutations"),
        types,
    }
}

pub fn site(node: Option<&Node>) -> Site {
    let site = node.and_then(|node| node.get("site"));
    let texts = |key: &str, otherwise: &str| -> Vec<String> {
        let items = site.and_then(|site| site.get(key)).map_or(&[][..], Node::items);
        let texts: Vec<_> = items.iter().filter_map(Node::text).map(str::to_owned).collect();
        if texts.is_empty() { vec![otherwise.to_owned()] } else { texts }
    };
    let text = |key: &str| site.and_then(|site| site.text_of(key)).unwrap_or_default().to_owned();
    let currency = text("currency");
    let mut currencies = texts("currencies", &currency);
    if !currencies.contains(&currency) {
        currencies.insert(0, currency.clone());
    }
    let collation = site.and_then(|site| site.text_of("collation")).unwrap_or(names::ALL_LANGUAGES).to_owned();
    Site { name: text("name"), currencies, currency, locales: texts("locales", "en"), collation, limits: limits(site) }
}

/// Sets the site's collation for text fields that have none.
fn collate(fields: &mut [Field], collation: &str) {
    for field in fields {
        if field.collation.is_empty() {
            collation.clone_into(&mut field.collation);
        }
        if let FieldKind::Children(children) = &mut field.kind {
            collate(&mut children.fields, collation);
        }
    }
}

fn limits(site: Option<&Node>) -> Limits {
    let given = site.and_then(|site| site.get("limits"));
    let limit = |name: &str| {
        let row = LIMITS.iter().find(|key| key.name == name);
        let Some(Shape::Limit { default, .. }) = row.map(|key| key.shape) else {
            panic!("codegen bug: no limit `{name}`")
        };
        match given.and_then(|given| given.get(name)).map(|node| &node.value) {
            Some(Value::Number(digits)) => digits.parse().unwrap_or(default),
            _ => default,
        }
    };
    Limits {
        depth: limit("depth"),
        cost: limit("cost"),
        aliases: limit("aliases"),
        batch: limit("batch"),
        page: limit("page"),
        list: limit("list"),
        body: limit("body"),
    }
}

fn content_type(owner: &Owner<'_>) -> ContentType {
    let node = owner.node;
    let name = Name::new(&owner.name.value);
    ContentType {
        plural: node.text_of("plural").map_or_else(|| Name::new(plural(name.snake())), Name::new),
        was: was(node),
        description: node.prose("description"),
        title: node.text_of("title").map(Name::new),
        drafts: node.get("lifecycle").and_then(|lifecycle| lifecycle.get("drafts")?.bool()).unwrap_or(true),
        retention: retention(node),
        search: search::of(owner),
        preview_url: node.text_of("preview_url").map(str::to_owned),
        path: node.text_of("path").map_or_else(Vec::new, |pattern| paths::parts(pattern).unwrap_or_default()),
        fields: fields(&owner.fields, &name, name.snake()),
        computed: node.get("computed").map_or(&[][..], Node::entries).iter().filter_map(computed).collect(),
        inverses: Vec::new(),
        indexes: node.get("indexes").map_or(&[][..], Node::items).iter().map(index).collect(),
        dropped: dropped(&owner.fields),
        rules: Vec::new(),
        stages: Vec::new(),
        name,
    }
}

fn retention(node: &Node) -> Retention {
    let lifecycle = |key: &str| node.get("lifecycle").and_then(|lifecycle| lifecycle.get(key));
    let period = |key: &str| lifecycle(key).and_then(Node::text).map(str::to_owned);
    let keep = lifecycle("keep").and_then(|keep| match &keep.value {
        Value::Number(digits) => digits.parse().ok(),
        _ => None,
    });
    Retention { keep, keep_for: period("for"), bin: period("bin") }
}

fn component(owner: &Owner<'_>) -> Component {
    let name = Name::new(&owner.name.value);
    Component {
        was: was(owner.node),
        description: owner.node.prose("description"),
        fields: fields(&owner.fields, &name, name.snake()),
        dropped: dropped(&owner.fields),
        name,
    }
}

fn was(node: &Node) -> Option<Name> {
    node.text_of("was").map(Name::new)
}

fn dropped(fields: &[FieldDecl<'_>]) -> Vec<Name> {
    fields.iter().filter(|field| field.dropped).map(|field| Name::new(&field.name.value)).collect()
}

/// `owner` is the prefix of the types that the fields generate; `myself` is the content type that `to: self` refers to.
fn fields(fields: &[FieldDecl<'_>], owner: &Name, myself: &str) -> Vec<Field> {
    fields.iter().filter(|field| !field.dropped).filter_map(|decl| field(decl, owner, myself)).collect()
}

fn field(decl: &FieldDecl<'_>, owner: &Name, myself: &str) -> Option<Field> {
    let node = decl.node;
    let kind = kind(decl, owner, myself)?;
    Some(Field {
        name: Name::new(&decl.name.value),
        was: was(node),
        description: node.prose("description"),
        default: node.get("default").and_then(|node| default(node, &kind)),
        required: required(node.get("required")),
        unique: unique(node.get("unique")),
        indexed: node.flag("indexed"),
        filterable: node.flag("filterable"),
        sortable: node.flag("sortable"),
        collation: node.text_of("collation").unwrap_or_default().to_owned(),
        localized: node.flag("localized"),
        deprecated: node.get("deprecated").and_then(deprecated),
        rules: Rules {
            min: node.get("min").and_then(bound),
            max: node.get("max").and_then(bound),
            pattern: node.text_of("pattern").map(str::to_owned),
        },
        kind,
    })
}

fn kind(decl: &FieldDecl<'_>, owner: &Name, myself: &str) -> Option<FieldKind> {
    let node = decl.node;
    let name = Name::new(&decl.name.value);
    Some(match decl.ty? {
        FieldType::Scalar(scalar) => FieldKind::Scalar {
            scalar,
            slug_from: node.text_of("from").map(Name::new),
            json_schema: node.get("schema").map(|node| node.written().json()),
        },
        FieldType::Structure(Structure::Enum) => FieldKind::Enum {
            choice: Enum { type_name: owner.pascal() + &name.pascal(), values: enum_values(node.get("values")?) },
            many: decl.many(),
        },
        FieldType::Structure(Structure::Relation | Structure::Media) => FieldKind::Relation(Relation {
            to: decl.targets("self").iter().map(|(to, _)| Name::new(if *to == "self" { myself } else { to })).collect(),
            many: decl.many(),
            on_delete: on_delete(node.text_of("on_delete")),
            inverse: node.text_of("inverse").map(Name::new),
        }),
        FieldType::Structure(Structure::Component) => {
            FieldKind::Component { component: Name::new(decl.components().first()?.0), many: decl.many() }
        }
        FieldType::Structure(Structure::Blocks) => {
            FieldKind::Blocks { of: decl.components().iter().map(|(of, _)| Name::new(*of)).collect() }
        }
        FieldType::Structure(Structure::Children) => {
            let name = Name::new(format!("{}_{}", owner.snake(), decl.singular()));
            let (fields, dropped) = (fields(&decl.fields, &name, myself), dropped(&decl.fields));
            FieldKind::Children(Box::new(Children { name, fields, dropped }))
        }
    })
}

/// The values of an enum field, in any of its three notations.
pub fn enum_values(node: &Node) -> Vec<EnumValue> {
    let value = |name: &str, options: &Node| EnumValue {
        name: Name::new(name),
        was: was(options),
        description: options.text().map_or_else(|| options.prose("description"), |text| text.trim().to_owned()),
    };
    let bare = Node { span: node.span, value: Value::Null };
    let listed = node.items().iter().filter_map(|item| match item.text() {
        Some(name) => Some(value(name, &bare)),
        None => Some(value(item.text_of("name")?, item)),
    });
    listed.chain(node.entries().iter().map(|entry| value(&entry.key.value, &entry.node))).collect()
}

/// The default as API JSON; `None` if it is not valid.
pub fn default(node: &Node, kind: &FieldKind) -> Option<Literal> {
    match kind {
        FieldKind::Scalar { scalar, .. } => scalar_default(node, *scalar),
        FieldKind::Enum { choice, many } => {
            let shown = |node: &Node| {
                let value = choice.values.iter().find(|value| Some(value.name.snake()) == node.text())?;
                Some(serde_json::Value::String(value.name.upper()))
            };
            match (many, &node.value) {
                (true, Value::List(items)) => {
                    Some(Literal(items.iter().map(shown).collect::<Option<Vec<_>>>()?.into()))
                }
                (true, _) => None,
                (false, _) => shown(node).map(Literal),
            }
        }
        _ => None,
    }
}

fn scalar_default(node: &Node, scalar: Scalar) -> Option<Literal> {
    literal::parse(scalar.mapping(), &node.written(), &literal::ANY).ok().map(|parsed| Literal(parsed.json))
}

fn required(node: Option<&Node>) -> Required {
    match node.map(|node| (node.bool(), node.text())) {
        Some((Some(true), _) | (_, Some("save"))) => Required::Save,
        Some((_, Some("publish"))) => Required::Publish,
        _ => Required::No,
    }
}

fn unique(node: Option<&Node>) -> Option<Vec<Name>> {
    match &node?.value {
        Value::Bool(true) => Some(Vec::new()),
        Value::List(items) => Some(items.iter().filter_map(Node::text).map(Name::new).collect()),
        _ => None,
    }
}

fn on_delete(word: Option<&str>) -> OnDelete {
    match word {
        Some("set_null") => OnDelete::SetNull,
        Some("cascade") => OnDelete::Cascade,
        _ => OnDelete::Restrict,
    }
}

fn deprecated(node: &Node) -> Option<Deprecated> {
    let since = node.text_of("since").or_else(|| node.text_of("date")).map(str::to_owned);
    Some(Deprecated { reason: node.text_of("reason")?.trim().to_owned(), since })
}

fn bound(node: &Node) -> Option<String> {
    match &node.value {
        Value::Number(text) | Value::Text(text) => Some(text.clone()),
        _ => None,
    }
}

fn computed(entry: &Entry) -> Option<Computed> {
    let with = entry.node.get("with").map_or(&[][..], Node::items);
    Some(Computed {
        name: Name::new(&entry.key.value),
        description: entry.node.prose("description"),
        scalar: scalar(entry.node.text_of("type")?)?,
        required: entry.node.flag("required"),
        with: with.iter().filter_map(Node::text).map(Name::new).collect(),
        args: arguments(&entry.node),
        depends_on: depends_on(&entry.node),
    })
}

pub fn scalar(word: &str) -> Option<Scalar> {
    Scalar::ALL.into_iter().find(|scalar| scalar.mapping().yaml == word)
}

fn index(node: &Node) -> Index {
    let on = node.get("on").map_or(&[][..], Node::items).iter().filter_map(Node::text).map(column);
    Index { on: on.map(|(name, descending)| (Name::new(name), descending)).collect(), unique: node.flag("unique") }
}

/// `created_at desc`: the name, and whether the order is descending.
pub fn column(text: &str) -> (&str, bool) {
    match text.split_once(' ') {
        Some((name, order)) => (name, order.trim() == "desc"),
        None => (text, false),
    }
}

fn operation(entry: &Entry) -> Option<Operation> {
    let node = &entry.node;
    let returns = node.get("returns")?;
    let (of, many) = (returns.text_of("type")?, returns.flag("many"));
    Some(Operation {
        name: Name::new(&entry.key.value),
        description: node.prose("description"),
        args: arguments(node),
        returns: match scalar(of) {
            Some(scalar) => Returns::Scalar { scalar, many },
            None => Returns::Content { of: Name::new(of), many },
        },
        // Filled in together with the access rules.
        roles: Vec::new(),
        depends_on: depends_on(node),
    })
}

fn depends_on(node: &Node) -> Option<Vec<Name>> {
    let named = node.get("depends_on")?.items();
    Some(named.iter().filter_map(Node::text).map(Name::new).collect())
}

/// The arguments of an operation or of a computed field.
fn arguments(node: &Node) -> Vec<Argument> {
    node.get("args").map_or(&[][..], Node::entries).iter().filter_map(argument).collect()
}

fn argument(entry: &Entry) -> Option<Argument> {
    let node = &entry.node;
    let scalar = scalar(node.text_of("type")?)?;
    Some(Argument {
        name: Name::new(&entry.key.value),
        description: node.prose("description"),
        scalar,
        many: node.flag("many"),
        required: node.flag("required"),
        default: node.get("default").and_then(|node| scalar_default(node, scalar)),
    })
}

/// The inverses that relations declare, each with the content type that shows it.
fn inverses(declared: &Declared<'_>) -> Vec<(String, Inverse)> {
    let mut inverses = Vec::new();
    for (source, owner) in &declared.types {
        for field in owner.fields.iter().filter(|field| !field.dropped) {
            let Some(inverse) = field.node.text_of("inverse").filter(|_| field.is_relation()) else { continue };
            let targets = field.targets(source);
            for (target, _) in &targets {
                let name = Name::new(inverse);
                let (source, field_name) = (Name::new(*source), Name::new(&field.name.value));
                let (many, polymorphic) = (field.many(), targets.len() > 1);
                inverses.push(((*target).to_owned(), Inverse { name, source, field: field_name, many, polymorphic }));
            }
        }
    }
    inverses
}
