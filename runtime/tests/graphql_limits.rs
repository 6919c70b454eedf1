//! Requests that try to exhaust the server are rejected quickly, before anything runs.

use std::time::Duration;

use runtime::graphql::limits::cost::Parts;
use serde_json::{Value as Json, json};

use api::{Api, LIMITS};

#[path = "graphql/api.rs"]
mod api;

/// CPU time, independent of other load. A rejection takes a small part of it, even without optimisation.
const QUICK: Duration = Duration::from_secs(2);

/// The CPU time that this thread has used.
fn worked() -> Duration {
    let time = nix::time::ClockId::CLOCK_THREAD_CPUTIME_ID.now().expect("a clock of the thread");
    time.into()
}

fn nested(depth: usize) -> String {
    format!("{{ product(id: 1) {} }}", nest("{ brand { products ", "{ id }", " } }", depth))
}

fn nest(open: &str, inside: &str, close: &str, depth: usize) -> String {
    format!("{}{inside}{}", open.repeat(depth), close.repeat(depth))
}

fn many(count: usize, item: impl Fn(usize) -> String) -> String {
    (0..count).map(item).collect()
}

/// `(name, document, variables, a word of the error)`
fn attacks() -> Vec<(&'static str, String, Json, &'static str)> {
    let none = || json!({});
    let bomb = |body: &str, count: usize| {
        let spreads = many(count, |index| {
            let next = index + 1;
            format!("fragment F{index} on Product {{ {} }} ", body.replace("NEXT", &format!("...F{next}")))
        });
        format!("{{ product(id: 1) {{ ...F0 }} }} {spreads} fragment F{count} on Product {{ id }}")
    };
    let tower = |depth: usize| nest("{and: [", "{name: {eq: \"a\"}}", "]}", depth);
    let json_tower =
        |depth: usize| (0..depth).fold(json!({"name": {"eq": "a"}}), |inside, _| json!({ "and": [inside] }));
    vec![
        ("deep nesting", nested(10), none(), "levels of fields"),
        ("very deep nesting", nested(500), none(), "nested brackets"),
        ("absurdly deep nesting", nest("{a", "", "}", 200_000), none(), "nested brackets"),
        ("deep nesting by fragments", bomb("brand { products { NEXT } }", 20), none(), "levels of fields"),
        ("many aliases", format!("{{ {} }}", many(60, |index| format!("a{index}: product(id: 1) {{ id }} "))), none(), "aliases"),
        ("many aliases of leaves", format!("{{ product(id: 1) {{ {} }} }}", many(200, |index| format!("a{index}: name "))), none(), "aliases"),
        (
            "aliases multiplied by fragments",
            bomb("a: name NEXT b: id NEXT c: name NEXT d: id NEXT", 30),
            none(),
            "aliases",
        ),
        ("fragments that double", bomb("NEXT NEXT", 60), none(), "directives, or fields, or aliases, or fragment"),
        ("fragments that double fields", bomb("brand { id } NEXT name NEXT", 40), none(), "fields"),
        ("fragments in inline fragments", bomb("...on Product { NEXT } ...on Product { NEXT } id", 40), none(), "fields"),
        ("a fragment in itself", "{ ...F } fragment F on Query { ...F }".into(), none(), "spreads itself"),
        (
            "a cycle of fragments",
            "{ product(id: 1) { ...A } } fragment A on Product { brand { ...B } } fragment B on Brand { products { ...A } }".into(),
            none(),
            "spreads itself",
        ),
        (
            "a cycle that nothing spreads",
            "{ __typename } fragment A on Query { ...B } fragment B on Query { ...A }".into(),
            none(),
            "spreads itself",
        ),
        ("many fragments", format!("{{ __typename }} {}", many(300, |index| format!("fragment F{index} on Query {{ __typename }} "))), none(), "fragments"),
        ("many directives", format!("{{ __typename {} }}", "@skip(if: false) ".repeat(500)), none(), "directives"),
        ("many unknown directives", format!("{{ __typename {} }}", "@a ".repeat(3_000)), none(), "directives"),
        ("directives multiplied by fragments", bomb("id @skip(if: true) NEXT name @skip(if: true) NEXT", 20), none(), "directives"),
        ("many fields", format!("{{ product(id: 1) {{ {} }} }}", "id ".repeat(7_000)), none(), "fields"),
        ("many tokens", format!("{{ product(id: 1) {{ {} }} }}", "id ".repeat(300_000)), none(), "tokens"),
        ("many braces", "{".repeat(900_000), none(), "nested brackets"),
        ("deep lists in a value", format!("{{ nodes(ids: {}) {{ id }} }}", nest("[", "1", "]", 40_000)), none(), "nested brackets"),
        ("deep objects in a value", format!("{{ products(filter: {}) {{ totalCount }} }}", nest("{not: ", "{}", "}", 40_000)), none(), "nested brackets"),
        ("a tower of filters", format!("{{ products(filter: {}) {{ totalCount }} }}", tower(25)), none(), "deep"),
        (
            "a tower of filters in variables",
            "query($f: ProductFilter) { products(filter: $f) { totalCount } }".into(),
            json!({"f": json_tower(60)}),
            "deep",
        ),
        (
            "a wide filter",
            "query($f: ProductFilter) { products(filter: $f) { totalCount } }".into(),
            json!({"f": {"or": vec![json!({"and": vec![json!({"name": {"eq": "a"}}); 90]}); 90]}}),
            "conditions, or filters",
        ),
        (
            "a wide filter as literal",
            format!("{{ products(filter: {{or: [{}]}}) {{ totalCount }} }}", "{and: [{name: {eq: \"a\"}} {name: {eq: \"a\"}}]} ".repeat(100)),
            none(),
            "conditions, or filters",
        ),
        (
            "one filter many times",
            format!("query($f: ProductFilter) {{ {} }}", many(25, |index| format!("a{index}: products(filter: $f) {{ totalCount }} "))),
            json!({"f": {"or": vec![json!({"name": {"eq": "a"}}); 50]}}),
            "conditions, or filters",
        ),
        ("a huge page", "{ products(first: 100000) { nodes { id } } }".into(), none(), "`first`"),
        ("a huge page in a variable", "query($n: Int) { products(last: $n) { nodes { id } } }".into(), json!({"n": 2147483647}), "`last`"),
        (
            "pages multiplied",
            "{ products(first: 100) { nodes { tags(first: 100) { products(first: 100) { id } } } } }".into(),
            none(),
            "costs",
        ),
        ("default pages multiplied", "{ products { nodes { tags { products { tags { id } } } } } }".into(), none(), "costs"),
        ("a page beside edges", "{ products(first: 100) { edges { node { tags(first: 100) { id } } } } }".into(), none(), "costs"),
        ("pages behind a fragment", "{ ...F } fragment F on Query { products(first: 100) { nodes { ...G } } } fragment G on Product { tags(first: 100) { id } }".into(), none(), "costs"),
        ("many ids", "query($ids: [ID!]!) { nodes(ids: $ids) { id } }".into(), json!({"ids": vec!["x"; 5000]}), "items"),
        ("many ids as literal", format!("{{ nodes(ids: [{}]) {{ id }} }}", "1 ".repeat(500)), none(), "items"),
        (
            "circular introspection",
            "{ __schema { types { fields { type { fields { type { fields { type { name } } } } } } } } }".into(),
            none(),
            "lists of introspection",
        ),
        (
            "circular introspection by fragments",
            "{ __type(name: \"Product\") { ...A } } fragment A on __Type { fields { type { ...B } } } fragment B on __Type { possibleTypes { ...C } } fragment C on __Type { interfaces { name } }".into(),
            none(),
            "lists of introspection",
        ),
        ("deep introspection", format!("{{ __schema {{ queryType {} }} }}", nest("{ ofType ", "{ name }", "}", 25)), none(), "levels of introspection"),
        ("many variables", format!("query({}) {{ __typename }}", many(500, |index| format!("$v{index}: Int "))), none(), "variables"),
        ("many operations", many(200, |index| format!("query Q{index} {{ __typename }} ")), none(), "operation"),
        ("a long name", format!("{{ {} }}", "a".repeat(500_000)), none(), "characters"),
        ("a huge number", format!("{{ bestOf(category: \"a\", first: 1{}) {{ id }} }}", "0".repeat(100_000)), none(), "expected type \"Int\""),
        ("a number out of range", "query($n: Int!) { bestOf(category: \"a\", first: $n) { id } }".into(), json!({"n": 1e300}), "not a valid `Int`"),
        ("a string that never ends", format!("{{ bestOf(category: \"{}", "\\\"".repeat(100_000)), none(), "not GraphQL"),
        ("a block string that never ends", format!("{{ bestOf(category: \"\"\"{}", "\"\"".repeat(100_000)), none(), "tokens"),
        ("fields to be merged", format!("{{ product(id: 1) {{ {} }} }}", many(700, |index| format!("tags(first: {index}) {{ id }} "))), none(), "conflict"),
    ]
}

#[test]
fn what_is_made_to_exhaust_a_server_is_refused_quickly() {
    let api = Api::new();
    let attacks = attacks();
    assert!(attacks.len() >= 30);
    for (what, document, variables, expected) in attacks {
        let before = worked();
        let messages = api.ask(&document, &variables).expect_err(what).join("; ");
        let took = worked() - before;
        assert!(took < QUICK, "{what}: refused after {took:?}");
        let words: Vec<_> = expected.split(", or ").collect();
        assert!(words.iter().any(|word| messages.contains(word)), "{what}: {}", &messages[..messages.len().min(300)]);
        assert!(messages.len() < 20_000, "{what}: the refusal has {} bytes", messages.len());
    }
}

#[test]
fn the_cost_is_the_objects_that_can_be_returned() {
    let api = Api::new();
    let cases = [
        ("{ __typename }", json!({}), 0),
        ("{ product(id: 1) { id brand { id } } }", json!({}), 2),
        ("{ product(id: 1) { id brand { id } } product(id: 1) { brand { name } } }", json!({}), 2),
        ("{ products { nodes { id } } }", json!({}), 20),
        ("{ products(first: 7) { edges { cursor node { brand { id } } } pageInfo { hasNextPage } } }", json!({}), 14),
        ("{ products(first: 3) { nodes { tags(first: 5) { id } } } }", json!({}), 18),
        ("query($n: Int = 4) { products(first: $n) { nodes { id } } }", json!({}), 4),
        ("query($n: Int = 4) { products(first: $n) { nodes { id } } }", json!({"n": 9}), 9),
        ("query($n: Int) { products(last: $n) { nodes { id } } }", json!({"n": 30}), 30),
        ("query($n: Int) { bestOf(category: \"a\", first: $n) { id } }", json!({}), 10),
        ("{ nodes(ids: [1, 2, 3]) { id } }", json!({}), 3),
        ("query($ids: [ID!]!) { nodes(ids: $ids) { ... on Product { brand { id } } } }", json!({"ids": ["a", "b"]}), 4),
        ("{ __schema { types { name } } }", json!({}), 0),
        ("mutation { deleteProduct(id: 1, revision: 1) }", json!({}), 1),
    ];
    for (document, variables, expected) in cases {
        assert_eq!(api.ask(document, &variables).map(|parts| parts.objects), Ok(expected), "{document}");
    }
}

#[test]
fn filters_are_priced_by_the_work_of_their_sql() {
    let api = Api::new();
    let some = |leaf: &str| format!("{{tags: {{some: {leaf}}}}}");
    let cases = [
        ("{name: {eq: \"a\"}}".to_owned(), 51),
        ("{name: {eq: \"a\", in: [\"a\", \"b\"]}}".to_owned(), 103),
        ("{and: [{name: {eq: \"a\"}}, {not: {name: {eq: \"a\"}}}]}".to_owned(), 104),
        ("{name: {contains: \"a\"}}".to_owned(), 501),
        (some("{}"), 3_002),
        (some("{label: {eq: \"a\"}}"), 3_052),
        (some("{products: {none: {}}}"), 9_003),
        (format!("{{or: [{0}, {0}]}}", some("{}")), 6_005),
    ];
    for (filter, expected) in cases {
        let of_filter = |parts: Parts| parts.filters + parts.values;
        let literal = format!("{{ products(filter: {filter}) {{ nodes {{ id }} }} }}");
        assert_eq!(api.ask(&literal, &json!({})).map(of_filter), Ok(expected), "{filter}");
        let counted = format!("{{ products(filter: {filter}) {{ nodes {{ id }} totalCount }} }}");
        let message = "the number is a statement with the same filter";
        match api.ask(&counted, &json!({})) {
            Ok(parts) => assert_eq!(of_filter(parts), 2 * expected, "{message}: {filter}"),
            Err(refused) => assert!(2 * expected > 9_500 && refused[0].contains("filters"), "{message}: {refused:?}"),
        }
    }
}

#[test]
fn a_variable_costs_as_much_as_its_value_and_as_often_as_it_is_named() {
    let api = Api::new();
    let of_filter = |parts: Parts| parts.filters + parts.values;
    let ask = |document: &str, variables: Json| api.ask(document, &variables).map(of_filter);
    let filter = json!({"tags": {"some": {"label": {"eq": "a"}}}});
    let whole = "query($f: ProductFilter) { products(filter: $f) { nodes { id } } }";
    assert_eq!(ask(whole, json!({"f": filter})), Ok(3_052));
    assert_eq!(ask(whole, json!({})), Ok(0));
    let twice = "query($f: ProductFilter!) { products(filter: {or: [$f, {not: $f}]}) { nodes { id } } }";
    assert_eq!(ask(twice, json!({"f": filter})), Ok(2 * 3_052 + 2));
    let below = "query($f: TagFilter!) { products(filter: {tags: {some: $f}}) { nodes { id } } }";
    assert_eq!(ask(below, json!({"f": {"products": {"some": {}}}})), Ok(9_003), "it stands below a relation");
    let list = "query($l: [String!]!) { products(filter: {name: {in: $l}}) { nodes { id } } }";
    assert_eq!(ask(list, json!({"l": vec!["x".repeat(200); 50]})), Ok(50 + 1 + 50 + 100));
    let texts = "query($t: String!) { a: bestOf(category: $t) { id } b: bestOf(category: $t) { id } }";
    assert_eq!(ask(texts, json!({"t": "x".repeat(10_000)})), Ok(200));
}

#[test]
fn what_is_written_is_priced_by_its_size() {
    let api = Api::new();
    let document = "mutation($i: ProductCreateInput!) { createProduct(input: $i) { id } }";
    let parts = |input: Json| api.ask(document, &json!({ "i": input })).unwrap();
    let small = parts(json!({"name": "a"}));
    assert_eq!((small.objects, small.statements, small.values), (1, 100, 3));
    let related = vec![json!({"slug": "x"}); 50];
    assert_eq!(parts(json!({"name": "a", "related": related})).values, 3 * 51 + 50 + 2);
    assert_eq!(parts(json!({"name": "a".repeat(5_000)})).values, 3 + 50);
}

#[test]
fn lists_orders_and_counts_are_priced() {
    let api = Api::new();
    let lists = |document: &str| api.ask(document, &json!({})).map(|parts| parts.lists);
    assert_eq!(lists("{ products(first: 3) { nodes { tags(first: 5) { id } } } }"), Ok(15));
    assert_eq!(lists("{ products(first: 3, orderBy: [{field: NAME}]) { nodes { id } } }"), Ok(250));
    assert_eq!(lists("{ products(first: 3, orderBy: {field: NAME}) { nodes { id } } }"), Ok(250));
    assert_eq!(lists("{ products { totalCount } }"), Ok(100));
    assert_eq!(lists("{ products { ...C } } fragment C on ProductConnection { n: totalCount }"), Ok(100));
}

#[test]
fn a_content_type_is_no_wrapper_whatever_its_name() {
    let sdl = "interface Node { id: ID! }
        type PageInfo { hasNextPage: Boolean! }
        type Query { cableConnections(first: Int): CableConnectionConnection! power_edge(id: ID!): PowerEdge }
        type CableConnection implements Node { id: ID! edges(first: Int! = 20): [PowerEdge!]! }
        type CableConnectionConnection { edges: [CableConnectionEdge!]! nodes: [CableConnection!]! pageInfo: PageInfo! totalCount: Int! }
        type CableConnectionEdge { node: CableConnection! cursor: String! }
        type PowerEdge implements Node { id: ID! cables(first: Int! = 20): [CableConnection!]! totalCount: Int! }";
    let api = Api::of(sdl);
    let ask = |document: &str| api.ask(document, &json!({})).map(|parts| (parts.objects, parts.lists));
    assert_eq!(
        ask("{ cableConnections(first: 10) { edges { node { edges(first: 10) { id } } } } }"),
        Ok((10 + 100, 50)),
        "a list of a type that ends in Connection"
    );
    assert_eq!(
        ask("{ power_edge(id: 1) { totalCount cables(first: 10) { edges(first: 10) { id } } } }"),
        Ok((111, 55))
    );
    assert_eq!(ask("{ cableConnections(first: 10) { totalCount nodes { id } } }"), Ok((10, 100)));
    let nested = "{ cableConnections(first: 100) { nodes { edges(first: 100) { cables(first: 100) { id } } } } }";
    assert!(ask(nested).unwrap_err()[0].contains("most of it for objects"), "{nested}");
}

#[test]
fn clients_own_introspection_is_within_the_limits() {
    // The query of graphql-js, including deprecated inputs.
    let document = "query IntrospectionQuery { __schema { description queryType { name kind } mutationType { name kind } subscriptionType { name kind } types { ...FullType } directives { name description isRepeatable locations args(includeDeprecated: true) { ...InputValue } } } } fragment FullType on __Type { kind name description specifiedByURL isOneOf fields(includeDeprecated: true) { name description args(includeDeprecated: true) { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason } inputFields(includeDeprecated: true) { ...InputValue } interfaces { ...TypeRef } enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason } possibleTypes { ...TypeRef } } fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue isDeprecated deprecationReason } fragment TypeRef on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } } }";
    let cost = Api::new().ask(document, &json!({})).map(|parts| parts.total()).unwrap();
    assert!((200..=LIMITS.cost.into()).contains(&cost), "{cost}");
}

#[test]
fn introspection_costs_what_its_answer_can_hold() {
    let api = Api::new();
    let ask = |document: &str| api.ask(document, &json!({})).map(|parts| parts.total());
    assert!(ask("{ __type(name: \"Product\") { name } }").unwrap() < 110);
    let types = ask("{ __schema { types { name } } }").unwrap();
    let fields = ask("{ __schema { types { fields { name } } } }").unwrap();
    assert!(types < fields && fields < 300, "{types} {fields}");
    // The fields of each type's fields: within every other limit, but the response is a thousand times as long.
    let ty = nest("{ kind name description enumValues { name description } ofType ", "{ name }", "}", 4);
    for name in ["fields", "field: fields", "...inner fields"] {
        let fields = (0..10).map(|number| format!("a{number}: type {ty}")).collect::<Vec<_>>().join(" ");
        let document = match name.strip_prefix("...inner ") {
            None => {
                format!("{{ __schema {{ types {{ {name} {{ type {{ ofType {{ fields {{ {fields} }} }} }} }} }} }} }}")
            }
            Some(name) => format!(
                "{{ __schema {{ types {{ {name} {{ type {{ ofType {{ ...inner }} }} }} }} }} }} fragment inner on __Type {{ {name} {{ {fields} }} }}"
            ),
        };
        let refused = ask(&document).unwrap_err();
        assert!(refused[0].contains("most of it for statements"), "{refused:?}");
    }
}
