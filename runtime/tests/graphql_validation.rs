//! Documents that the specification forbids are rejected, and introspection returns the SDL.

use runtime::content::Limits;
use runtime::graphql::document::prepare;
use runtime::graphql::registry::Introspection;
use runtime::graphql::types::Types;

const SDL: &str = include_str!("graphql/shop.graphql");

const LIMITS: Limits = Limits { depth: 15, cost: 1000, aliases: 20, batch: 5, page: 100, list: 100, body: 100 };

/// `(rule, document)`: each breaks one rule of section 5 of the specification.
const INVALID: &[(&str, &str)] = &[
    ("operation names are unique", "query A { __typename } query A { __typename }"),
    ("a lone anonymous operation", "{ __typename } query A { __typename }"),
    ("fields exist", "{ nothing }"),
    ("fields of interfaces exist", "{ node(id: 1) { name } }"),
    ("unions have no fields", "{ product(id: 1) { related { id } } }"),
    ("leaves have no selection", "{ product(id: 1) { name { length } } }"),
    ("leaf lists have no selection", "{ product(id: 1) { colors { x } } }"),
    ("objects have a selection", "{ product(id: 1) }"),
    ("an empty selection", "{ product(id: 1) { } }"),
    ("fields of one key agree: name", "{ product(id: 1) { a: id a: name } }"),
    ("fields of one key agree: arguments", "{ product(id: 1) { tags(first: 1) { id } tags(first: 2) { id } } }"),
    ("fields of one key agree: nested", "{ product(id: 1) { brand { a: id } brand { a: name } } }"),
    ("fields of one key agree: root", "{ product(id: 1) { id } product(id: 2) { id } }"),
    ("fields of one key agree: in fragments", "{ product(id: 1) { ...A a: id } } fragment A on Product { a: name }"),
    (
        "fields of one key agree: two fragments",
        "{ product(id: 1) { ...A ...B } } fragment A on Product { a: name } fragment B on Product { a: id }",
    ),
    (
        "fields of one key have one shape: scalars",
        "{ product(id: 1) { related { ... on Product { name } ... on Brand { name } } } }",
    ),
    (
        "fields of one key have one shape: nullability",
        "{ product(id: 1) { related { ... on Product { x: createdAt } ... on Brand { x: name } } } }",
    ),
    (
        "fields of one key have one shape: nested",
        "{ product(id: 1) { related { ... on Product { x: brand { y: id } } ... on Brand { x: products { y: name } } } } }",
    ),
    ("arguments exist", "{ product(id: 1, nothing: 2) { id } }"),
    ("arguments of directives exist", "{ product(id: 1) { id @skip(if: true, nothing: 2) } }"),
    ("arguments are unique", "{ product(id: 1, id: 2) { id } }"),
    ("required arguments are given", "{ product { id } }"),
    ("required arguments are not null", "{ product(id: null) { id } }"),
    ("required arguments with default are not null", "{ product(id: 1, stage: null) { id } }"),
    ("required arguments of directives", "{ product(id: 1) { id @include } }"),
    ("fragment names are unique", "{ ...A } fragment A on Query { __typename } fragment A on Query { __typename }"),
    ("fragment types exist", "{ ...A } fragment A on Nothing { id }"),
    ("inline fragment types exist", "{ ... on Nothing { id } }"),
    ("fragments are on composite types", "{ ...A } fragment A on Stage { id }"),
    ("inline fragments are on composite types", "{ ... on String { id } }"),
    ("fragments are used", "{ __typename } fragment A on Query { __typename }"),
    ("fragments exist", "{ ...Nothing }"),
    (
        "fragments do not form cycles",
        "{ product(id: 1) { ...A } } fragment A on Product { brand { products { ...A } } }",
    ),
    ("fragments do not spread themselves", "{ ...A } fragment A on Query { ...A }"),
    ("fragments are possible", "{ product(id: 1) { ... on Brand { id } } }"),
    ("named fragments are possible", "{ product(id: 1) { ...A } } fragment A on Tag { id }"),
    ("fragments are possible on unions", "{ product(id: 1) { related { ... on Tag { id } } } }"),
    ("values have their type: Int", "{ bestOf(category: \"a\", first: \"1\") { id } }"),
    ("values have their type: Int range", "{ bestOf(category: \"a\", first: 3000000000) { id } }"),
    ("values have their type: Int from Float", "{ bestOf(category: \"a\", first: 1.5) { id } }"),
    ("values have their type: String", "{ bestOf(category: 1) { id } }"),
    ("values have their type: String from enum", "{ bestOf(category: A) { id } }"),
    ("values have their type: Boolean", "{ product(id: 1) { id @skip(if: 1) } }"),
    ("values have their type: ID", "{ product(id: 1.5) { id } }"),
    ("values have their type: enum", "{ product(id: 1, stage: NOWHERE) { id } }"),
    ("values have their type: enum from text", "{ product(id: 1, stage: \"LIVE\") { id } }"),
    ("values have their type: object", "{ products(filter: 1) { totalCount } }"),
    ("values have their type: list item", "{ nodes(ids: [1, null]) { id } }"),
    ("input fields exist", "{ products(filter: {nothing: 1}) { totalCount } }"),
    ("nested input fields exist", "{ products(filter: {and: [{name: {nothing: 1}}]}) { totalCount } }"),
    ("input fields are unique", "{ products(filter: {name: {eq: \"a\", eq: \"b\"}}) { totalCount } }"),
    ("required input fields are given", "{ products(orderBy: [{direction: ASC}]) { totalCount } }"),
    ("required input fields are not null", "{ products(orderBy: [{field: null}]) { totalCount } }"),
    ("required input fields with default", "{ products(orderBy: [{field: NAME, direction: null}]) { totalCount } }"),
    ("one-of has a key", "mutation { createProduct(input: {name: \"a\", parent: {}}) { id } }"),
    ("one-of has one key", "mutation { createProduct(input: {name: \"a\", parent: {id: 1, slug: \"a\"}}) { id } }"),
    ("one-of is not null", "mutation { createProduct(input: {name: \"a\", parent: {id: null}}) { id } }"),
    (
        "one-of takes non-null variables",
        "mutation A($id: ID) { createProduct(input: {name: \"a\", parent: {id: $id}}) { id } }",
    ),
    ("directives exist", "{ product(id: 1) { id @nothing } }"),
    ("directives are in their place", "query @skip(if: true) { __typename }"),
    ("directives are in their place: fragment", "{ ...A } fragment A on Query @include(if: true) { __typename }"),
    ("directives of schemas are not of documents", "{ product(id: 1) { id @deprecated } }"),
    ("directives are unique", "{ product(id: 1) { id @skip(if: true) @skip(if: false) } }"),
    ("variables are unique", "query A($a: ID!, $a: ID!) { product(id: $a) { id } }"),
    ("variables are of input types", "query A($a: Product) { product(id: $a) { id } }"),
    ("types of variables exist", "query A($a: Nothing) { product(id: $a) { id } }"),
    ("variables are declared", "{ product(id: $a) { id } }"),
    ("variables are declared: in fragments", "query A { ...F } fragment F on Query { product(id: $a) { id } }"),
    ("variables are declared: in lists", "{ nodes(ids: [$a]) { id } }"),
    ("variables are declared: in objects", "{ products(filter: {name: {eq: $a}}) { totalCount } }"),
    ("variables are declared: in directives", "{ product(id: 1) { id @skip(if: $a) } }"),
    ("variables are used", "query A($a: ID) { __typename }"),
    ("variables fit: null", "query A($a: ID) { product(id: $a) { id } }"),
    ("variables fit: type", "query A($a: Int!) { bestOf(category: $a) { id } }"),
    ("variables fit: list into one", "query A($a: [ID!]!) { product(id: $a) { id } }"),
    ("variables fit: one into list", "query A($a: ID!) { nodes(ids: $a) { id } }"),
    ("variables fit: items", "query A($a: [ID]!) { nodes(ids: $a) { id } }"),
    ("variables fit: in a list", "query A($a: ID) { nodes(ids: [$a]) { id } }"),
    ("variables fit: in an object", "query A($a: Int) { products(filter: {name: {eq: $a}}) { totalCount } }"),
    (
        "variables fit: required field",
        "query A($a: ProductOrderField) { products(orderBy: [{field: $a}]) { totalCount } }",
    ),
    ("variables fit: null default", "query A($a: ID = null) { product(id: $a) { id } }"),
    ("variables fit: directives", "query A($a: Boolean) { product(id: 1) { id @skip(if: $a) } }"),
    (
        "variables fit: in fragments",
        "query A($a: Int!) { ...F } fragment F on Query { product(id: 1) { tags(filter: {label: {eq: $a}}) { id } } }",
    ),
    ("defaults of variables have their type", "query A($a: Int = \"x\") { bestOf(category: \"a\", first: $a) { id } }"),
    (
        "defaults of variables: objects",
        "query A($a: ProductFilter = {nothing: 1}) { products(filter: $a) { totalCount } }",
    ),
    ("defaults of variables: not null", "query A($a: Int! = null) { bestOf(category: \"a\", first: $a) { id } }"),
    ("subscriptions do not exist", "subscription { product(id: 1) { id } }"),
    ("introspection is not in mutations", "mutation { __schema { queryType { name } } }"),
    ("introspection is not below the root", "{ product(id: 1) { __schema { queryType { name } } } }"),
    ("fields of introspection exist", "{ __schema { nothing } }"),
    ("leaves of introspection", "{ __type(name: \"Product\") }"),
    ("arguments of introspection", "{ __type { name } }"),
    ("`__typename` has no fields", "{ __typename { id } }"),
    (
        "`__typename` has no fields: in fragments",
        "{ ...F } fragment F on Query { product(id: 1) { a: __typename { id } } }",
    ),
    ("`__typename` has no arguments", "{ product(id: 1) { __typename(a: 1) } }"),
    ("`__typename` has no arguments: of introspection", "{ __schema { types { __typename(a: 1) } } }"),
    ("directives of `__typename` exist", "{ __typename @nothing }"),
    ("directives of `__typename` are in their place", "{ __typename @deprecated }"),
    ("directives of `__typename` are unique", "{ __typename @skip(if: true) @skip(if: true) }"),
    ("directives of `__typename` have their arguments", "{ product(id: 1) { __typename @skip } }"),
    ("directives of `__typename` have no others", "{ product(id: 1) { __typename @skip(if: true, a: 1) } }"),
    ("directives of `__typename` have values of their type", "{ product(id: 1) { __typename @skip(if: 1) } }"),
    ("variables of `__typename` are declared", "{ product(id: 1) { __typename @skip(if: $a) } }"),
    ("variables of `__typename` fit", "query A($a: Boolean) { __typename @skip(if: $a) }"),
    ("`__typename` and another field of one key", "{ product(id: 1) { a: __typename a: name } }"),
    ("types of variables exist: in lists", "query A($a: [[Nothing!]]) { nodes(ids: $a) { id } }"),
    (
        "types of variables exist: with a default",
        "query A($a: Nothing = {a: 1}) { products(filter: $a) { totalCount } }",
    ),
    ("types of variables exist: of introspection", "query A($a: __Type) { product(id: $a) { id } }"),
    ("directives are in their place: variable", "query A($a: ID! @include(if: true)) { product(id: $a) { id } }"),
    ("directives are in their place: mutation", "mutation @skip(if: true) { deleteProduct(id: 1, revision: 1) }"),
    ("`@include` is not null", "{ product(id: 1) { id @include(if: null) } }"),
    ("subscriptions do not exist beside others", "query A { __typename } query B { __typename } subscription C { a }"),
    ("values have their type: Int with a fraction of zero", "{ bestOf(category: \"a\", first: 1.0) { id } }"),
    ("values have their type: Int with an exponent", "{ bestOf(category: \"a\", first: 1e1) { id } }"),
    ("values have their type: ID with an exponent", "{ product(id: 1e1) { id } }"),
    ("values have their type: enum from other words", "{ product(id: 1, stage: true) { id } }"),
    ("names of variables are told apart by case", "query A($a: ID!) { product(id: $A) { id } }"),
    ("names of other languages' objects mean nothing", "{ __proto__ }"),
    ("arguments named like other languages' objects", "{ product(id: 1, __proto__: 1) { id } }"),
    ("input fields named like other languages' objects", "{ products(filter: {constructor: 1}) { totalCount } }"),
    ("fragments are used: in a cycle", "{ __typename } fragment A on Query { ...B } fragment B on Query { ...A }"),
];

const VALID: &[&str] = &[
    "{ products { nodes { id id: id } pageInfo { hasNextPage } } }",
    "{ a: product(id: 1) { id } b: product(id: \"1\", stage: DRAFT) { __typename } }",
    "query A($id: ID!, $stage: Stage) { product(id: $id, stage: LIVE) { id } products(stage: LIVE) @include(if: true) { totalCount } b: product(id: 1, stage: $stage) { id } }",
    "query A($first: Int) { bestOf(category: \"a\", first: $first) { id } }",
    "query A($direction: OrderDirection = DESC) { products(orderBy: {field: NAME, direction: $direction}) { totalCount } }",
    "{ node(id: 1) { id ... on Product { name } ...B } } fragment B on Brand { number: name }",
    "{ product(id: 1) { related { __typename ... on Node { id } ... on Product { name } ... on Brand { brandName: name } } } }",
    "mutation A($name: String!, $colors: [ProductColors!]) { createProduct(input: {name: $name, colors: $colors, parent: {id: 1}, extra: {a: [1, 2.5, null]}}) { id } }",
    "query A($ids: [ID!]!) { nodes(ids: $ids) { id } }",
    "query A($id: ID!) { nodes(ids: [$id, 1]) { id } product(id: $id) { tags(first: 1) { id } tags(first: 1) { label } } }",
    "query A { __typename } query B { __typename ...F } fragment F on Query { __schema { queryType { name } } }",
    "{ __type(name: \"Product\") { name fields(includeDeprecated: true) { name args { name defaultValue } } } }",
    "mutation { createProduct(input: {name: \"a\", weight: 1, related: {id: 1}}) { id } }",
    "query A($a: Boolean!, $b: Boolean = true) { __typename @skip(if: $a) product(id: 1) { x: __typename @include(if: $b) } }",
    "query A($a: Boolean!) { product(id: 1) { related { __typename @skip(if: $a) } ...F } } fragment F on Product { __typename @include(if: $a) }",
    "{ __schema { types { __typename @include(if: true) name } } }",
    "query A($name: String!) { __type(name: $name) { name } }",
    "{ bestOf(category: \"\", first: -0) { id } product(id: 18446744073709551615) { id } }",
    "\"what it is for\" query A(\"which\" $id: ID!) { product(id: $id) { ...F } } \"\"\"of a product\"\"\" fragment F on Product { id }",
    "{ products(filter: {name: {eq: \"\"\"a \\\"\"\" b\"\"\", in: [\"\\u{1F600}\" \"\\uD83D\\uDE00\"]}}) { totalCount } }",
    "mutation { createProduct(input: {name: \"a\", extra: {a: nullable, b: [trueish, E1], __proto__: 1}}) { id } }",
    "{ product(id: 1) { a: related(first: 1) { ... on Node { b: id } } a: related(first: 1) { ... on Node { b: id } } } }",
    "query A($a: [ProductOrder!] = {field: NAME}) { products(orderBy: $a) { totalCount } }",
];

fn validate(document: &str) -> Vec<String> {
    let types = Types::parse(SDL).unwrap();
    let introspection = Introspection::new(&types);
    let name = document.contains("query A { __typename } query").then_some("A");
    let prepared = block_on(prepare(&types, &introspection, &LIMITS, document, name));
    prepared.err().unwrap_or_default().into_iter().map(|failure| failure.problem.message).collect()
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

#[test]
fn documents_that_break_a_rule_are_refused() {
    let accepted: Vec<_> = INVALID.iter().filter(|(_, document)| validate(document).is_empty()).collect();
    assert!(accepted.is_empty(), "{accepted:#?}");
}

#[test]
fn documents_that_break_no_rule_are_taken() {
    let refused: Vec<_> =
        VALID.iter().map(|document| (document, validate(document))).filter(|(_, errors)| !errors.is_empty()).collect();
    assert!(refused.is_empty(), "{refused:#?}");
}

const INTROSPECTION: &str = "{ __schema { types { kind name description specifiedByURL isOneOf fields(includeDeprecated: true) { ...F } inputFields(includeDeprecated: true) { ...I } interfaces { name } enumValues(includeDeprecated: true) { name description deprecationReason } possibleTypes { name } } } } fragment F on __Field { name description deprecationReason type { ...T } args(includeDeprecated: true) { ...I } } fragment I on __InputValue { name description defaultValue deprecationReason type { ...T } } fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";

#[test]
fn introspection_says_what_the_sdl_says() {
    let types = Types::parse(SDL).unwrap();
    let document = async_graphql::parser::parse_query(INTROSPECTION).unwrap();
    let answer = block_on(Introspection::new(&types).answer(document, Default::default())).unwrap();
    let mut introspected: Vec<_> =
        answer["__schema"]["types"].as_array().unwrap().iter().map(sdl::introspected).collect();
    // These are in every schema.
    introspected.retain(|ty| {
        !["__", "Int", "Float", "String", "Boolean", "ID"].iter().any(|own| {
            let name = ty.split_whitespace().nth(1).unwrap();
            if *own == "__" { name.starts_with(own) } else { name == *own }
        })
    });
    let mut declared = sdl::declared(SDL);
    introspected.sort();
    declared.sort();
    assert_eq!(introspected, declared);
}

fn introspect(sdl: &str, document: &str) -> serde_json::Value {
    let document = runtime::graphql::syntax::parse(document).ok().unwrap();
    block_on(Introspection::new(&Types::parse(sdl).unwrap()).answer(document, Default::default())).unwrap()
}

#[test]
fn an_interface_has_a_list_of_interfaces_as_an_object_has() {
    let query = "{
        __schema { types { name interfaces { name } } }
        node: __type(name: \"Node\") { mine: interfaces { kind } ...F kind }
        tag: __type(name: \"Tag\") { ...F fields { type { interfaces { interfaces { name } } } } }
    } fragment F on __Type { ... on __Type { interfaces { name interfaces { name } } interfaces @skip(if: true) { kind } } }";
    let answer = introspect(SDL, query);
    assert_eq!(answer["node"], serde_json::json!({"mine": [], "interfaces": [], "kind": "INTERFACE"}));
    assert_eq!(answer["tag"]["interfaces"], serde_json::json!([{"name": "Node", "interfaces": []}]));
    let of_fields: Vec<_> = answer["tag"]["fields"].as_array().unwrap().iter().map(|field| &field["type"]).collect();
    assert!(of_fields.iter().all(|ty| **ty == serde_json::json!({"interfaces": null})), "{of_fields:?}");
    let types = answer["__schema"]["types"].as_array().unwrap();
    let of = |name: &str| &types.iter().find(|ty| ty["name"] == name).unwrap()["interfaces"];
    assert_eq!(of("Product"), &serde_json::json!([{"name": "Node"}]));
    assert_eq!([of("Query"), of("Node")], [&serde_json::json!([]); 2]);
    assert_eq!([of("Stage"), of("ProductRelated"), of("ID"), of("ProductKey")], [&serde_json::Value::Null; 4]);
}

#[test]
fn a_schema_without_a_description_has_none() {
    let query = "{
        __schema { description a: description ... { b: description } ...F queryType { description } }
        x: __schema { ... on __Schema { description } }
    } fragment F on __Schema { c: description ... on __Schema { d: description } }";
    let none = serde_json::Value::Null;
    let expected = serde_json::json!({
        "__schema": {"description": none, "a": none, "b": none, "c": none, "d": none, "queryType": {"description": "Entry points of reads."}},
        "x": {"description": none},
    });
    assert_eq!(introspect(SDL, query), expected);
    let ty = introspect(SDL, "{ __type(name: \"__Schema\") { fields { name type { kind } } } }");
    assert_eq!(ty["__type"]["fields"][0], serde_json::json!({"name": "description", "type": {"kind": "SCALAR"}}));
}

#[test]
fn a_built_in_scalar_is_a_type_of_the_api_where_the_api_names_it() {
    let names = |sdl: &str| {
        let answer = introspect(sdl, "{ __schema { types { name } } }");
        let names =
            answer["__schema"]["types"].as_array().unwrap().iter().map(|ty| ty["name"].as_str().unwrap().to_owned());
        names.filter(|name| !name.starts_with("__")).collect::<Vec<_>>()
    };
    assert_eq!(names("type Query { a: Boolean }"), ["Boolean", "Query", "String"]);
    assert_eq!(names("type Query { a(b: [Int!]!): [[ID]] }"), ["Boolean", "ID", "Int", "Query", "String"]);
    assert_eq!(
        names("type Query { a(b: I): Int } input I { c: [Float] }"),
        ["Boolean", "Float", "I", "Int", "Query", "String"]
    );
    let types = Types::parse("type Query { a: Int }").unwrap();
    let prepared = block_on(prepare(&types, &Introspection::new(&types), &LIMITS, "query A($b: Float) { a }", None));
    assert!(prepared.err().unwrap()[0].problem.message.contains("`Float`"));
}

/// Types as lines of text, from the SDL and from introspection.
mod sdl {
    use async_graphql::parser::Positioned;
    use async_graphql::parser::types::*;
    use serde_json::Value as Json;

    pub fn declared(sdl: &str) -> Vec<String> {
        let document = async_graphql::parser::parse_schema(sdl).unwrap();
        let implementors = |interface: &str| {
            let names = document.definitions.iter().filter_map(|definition| match definition {
                TypeSystemDefinition::Type(ty) => match &ty.node.kind {
                    TypeKind::Object(object) if object.implements.iter().any(|name| name.node == interface) => {
                        Some(ty.node.name.node.to_string())
                    }
                    _ => None,
                },
                _ => None,
            });
            names.collect::<Vec<_>>().join(" | ")
        };
        let ty = |definition: &TypeSystemDefinition| match definition {
            TypeSystemDefinition::Type(ty) => {
                let ty = &ty.node;
                let (kind, rest) = match &ty.kind {
                    TypeKind::Scalar => ("SCALAR", applied(&ty.directives, "specifiedBy", "url")),
                    TypeKind::Object(object) => {
                        let interfaces: Vec<_> = object.implements.iter().map(|name| name.node.to_string()).collect();
                        ("OBJECT", format!("{}{}", fields(&object.fields), interfaces.join(" & ")))
                    }
                    TypeKind::Interface(interface) => {
                        ("INTERFACE", format!("{}{}", fields(&interface.fields), implementors(&ty.name.node)))
                    }
                    TypeKind::Union(union) => {
                        let members: Vec<_> = union.members.iter().map(|name| name.node.to_string()).collect();
                        ("UNION", members.join(" | "))
                    }
                    TypeKind::Enum(choice) => {
                        ("ENUM", choice.values.iter().map(|value| value_line(&value.node)).collect())
                    }
                    TypeKind::InputObject(input) => {
                        let one_of = ty.directives.iter().any(|directive| directive.node.name.node == "oneOf");
                        ("INPUT_OBJECT", format!("{}{}", inputs(&input.fields), if one_of { "one of" } else { "" }))
                    }
                };
                Some(format!("{kind} {} {}\n{rest}", ty.name.node, text(&ty.description)))
            }
            _ => None,
        };
        document.definitions.iter().filter_map(ty).collect()
    }

    fn value_line(value: &EnumValueDefinition) -> String {
        let reason = applied(&value.directives, "deprecated", "reason");
        format!("  {} {} {reason}\n", value.value.node, text(&value.description))
    }

    fn fields(fields: &[Positioned<FieldDefinition>]) -> String {
        let line = |field: &Positioned<FieldDefinition>| {
            let field = &field.node;
            let reason = applied(&field.directives, "deprecated", "reason");
            let arguments = inputs(&field.arguments);
            format!("  {}: {} {} {reason}\n{arguments}", field.name.node, field.ty.node, text(&field.description))
        };
        fields.iter().map(line).collect()
    }

    fn inputs(inputs: &[Positioned<InputValueDefinition>]) -> String {
        let line = |input: &Positioned<InputValueDefinition>| {
            let input = &input.node;
            let default = input.default_value.as_ref().map(|value| value.node.to_string()).unwrap_or_default();
            let reason = applied(&input.directives, "deprecated", "reason");
            format!("    {}: {} = {default} {} {reason}\n", input.name.node, input.ty.node, text(&input.description))
        };
        inputs.iter().map(line).collect()
    }

    fn text(description: &Option<Positioned<String>>) -> &str {
        description.as_ref().map_or("", |text| text.node.as_str())
    }

    fn applied(directives: &[Positioned<ConstDirective>], name: &str, argument: &str) -> String {
        let found = directives.iter().find(|directive| directive.node.name.node == name);
        match found.and_then(|directive| directive.node.get_argument(argument)).map(|value| &value.node) {
            Some(async_graphql::Value::String(text)) => text.clone(),
            _ => String::new(),
        }
    }

    pub fn introspected(ty: &Json) -> String {
        let lines = |key: &str, line: &dyn Fn(&Json) -> String| -> String {
            ty[key].as_array().into_iter().flatten().map(line).collect()
        };
        let names = |key: &str, separator: &str| {
            let names = ty[key].as_array().into_iter().flatten().filter_map(|ty| ty["name"].as_str());
            names.collect::<Vec<_>>().join(separator)
        };
        let rest = [
            lines("fields", &|field| {
                let arguments: String = field["args"].as_array().unwrap().iter().map(input).collect();
                format!(
                    "  {}: {} {} {}\n{arguments}",
                    s(&field["name"]),
                    of(&field["type"]),
                    s(&field["description"]),
                    s(&field["deprecationReason"])
                )
            }),
            lines("inputFields", &input),
            lines("enumValues", &|value| {
                format!("  {} {} {}\n", s(&value["name"]), s(&value["description"]), s(&value["deprecationReason"]))
            }),
            names("interfaces", " & "),
            names("possibleTypes", " | "),
            s(&ty["specifiedByURL"]).to_owned(),
            if ty["isOneOf"] == true { "one of".to_owned() } else { String::new() },
        ];
        format!("{} {} {}\n{}", s(&ty["kind"]), s(&ty["name"]), s(&ty["description"]), rest.concat())
    }

    fn input(input: &Json) -> String {
        let (default, reason) = (s(&input["defaultValue"]), s(&input["deprecationReason"]));
        format!("    {}: {} = {default} {} {reason}\n", s(&input["name"]), of(&input["type"]), s(&input["description"]))
    }

    fn of(ty: &Json) -> String {
        match s(&ty["kind"]) {
            "NON_NULL" => format!("{}!", of(&ty["ofType"])),
            "LIST" => format!("[{}]", of(&ty["ofType"])),
            _ => s(&ty["name"]).to_owned(),
        }
    }

    fn s(value: &Json) -> &str {
        value.as_str().unwrap_or("")
    }
}
