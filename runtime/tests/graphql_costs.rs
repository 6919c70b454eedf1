//! Tests the exact cost of each part of a request, and that limits hold at exactly their number.

use runtime::content::{ComputedInfo, ContentInfo, FieldInfo, InverseInfo, Limits, Shape, TypeResolvers};
use runtime::graphql::limits::cost::{Parts, check_batch};
use runtime::kind::Kind;
use serde_json::{Value as Json, json};

use api::{Api, LIMITS};

#[path = "graphql/api.rs"]
mod api;

const SDL: &str = "
    interface Node { id: ID! }
    enum OrderDirection { ASC DESC }
    type PageInfo { hasNextPage: Boolean! }
    type Query {
        shelf(id: ID!): Shelf
        shelves(first: Int, last: Int, filter: ShelfFilter, orderBy: [ShelfOrder!]): ShelfConnection!
        all(ids: [ID!]!): [Shelf]!
        weigh(first: Int, ids: [ID!], by: Box): Int
        found(first: String): [Shelf!]!
    }
    type Mutation { make(by: Box!): Made!  makeAll(of: [Box!]!): [Made!]! }
    type Made { id: ID! shelf(by: Box): Shelf }
    type Shelf implements Node { id: ID! name: String! full: Boolean  rated(by: Box): Int books(first: Int! = 20): [Book!]! owned(first: Int! = 20): [Book!]! booksConnection(first: Int): BookConnection! }
    type Book implements Node { id: ID! full: Boolean  shelf: Shelf owned(first: Int! = 20): [Book!]! books(first: Int! = 20): [Book!]! }
    type ShelfConnection { edges: [ShelfEdge!]! nodes: [Shelf!]! pageInfo: PageInfo! totalCount: Int! }
    type ShelfEdge { node: Shelf! cursor: String! }
    type BookConnection { edges: [BookEdge!]! nodes: [Book!]! pageInfo: PageInfo! totalCount: Int! }
    type BookEdge { node: Book! cursor: String! }
    input Box { width: Int height: Int inner: Box }
    input ShelfFilter { and: [ShelfFilter!] or: [ShelfFilter!] not: ShelfFilter name: StringFilter about: ShelfAboutFilter mentions: MentionListFilter size: BoxFilter }
    input MentionListFilter { some: MentionFilter }
    input MentionFilter { book: BookFilter shelf: ShelfFilter }
    input BoxFilter { eq: Box }
    input BookFilter { and: [BookFilter!] title: StringFilter }
    input ShelfAboutFilter { book: BookFilter shelf: ShelfFilter }
    input StringFilter { eq: String in: [String!] contains: String }
    input ShelfOrder { field: String! direction: OrderDirection }
";

/// A shelf has inverse books and a computed field over two lists; a book has a computed field without lists.
static SHELF: ContentInfo = ContentInfo {
    name: "Shelf",
    table: "shelf",
    former: &[],
    plural: "shelves",
    drafts: true,
    counted: false,
    retention: runtime::content::Retention::DEFAULT,
    search: None,
    owner: None,
    path: &[],
    unique: &[],
    fields: &[FieldInfo::new("name", "name", Shape::Scalar(Kind::String))],
    inverses: &[InverseInfo { name: "books", source: &BOOK, field: "shelf" }],
    computed: &[ComputedInfo {
        name: "full",
        kind: Kind::Boolean,
        with: &["books", "owned"],
        args: &[],
        depends_on: None,
    }],
    constraints: &[],
};

static BOOK: ContentInfo = ContentInfo {
    name: "Book",
    table: "book",
    plural: "books",
    inverses: &[],
    computed: &[ComputedInfo { name: "full", kind: Kind::Boolean, with: &[], args: &[], depends_on: None }],
    ..SHELF
};

static TYPES: &[&ContentInfo] = &[&BOOK, &SHELF];

static ALL: &[&[TypeResolvers]] = &[RESOLVERS];

static RESOLVERS: &[TypeResolvers] = &[TypeResolvers {
    of: &SHELF,
    connection: "ShelfConnection",
    edge: "ShelfEdge",
    change: "",
    aggregates: None,
    roots: &[],
    pages: &[("booksConnection", "books")],
}];

fn api() -> Api {
    Api::with(SDL, TYPES, ALL)
}

fn none() -> Json {
    json!({})
}

#[test]
fn each_part_has_its_price() {
    let parts = |objects, statements, lists, filters, values, computed| Parts {
        objects,
        statements,
        lists,
        filters,
        values,
        computed,
    };
    let cases = [
        ("{ __typename }", parts(0, 0, 0, 0, 0, 0)),
        ("{ shelf(id: 1) { __typename } }", parts(1, 0, 0, 0, 0, 0)),
        ("{ __type(name: \"Shelf\") { name } }", parts(0, 100, 0, 0, 0, 0)),
        // An owned list costs less than an inverse one, even if another type has a list with the same name.
        ("{ shelf(id: 1) { owned(first: 2) { id } } }", parts(3, 0, 5, 0, 0, 0)),
        ("{ shelf(id: 1) { books(first: 2) { id } } }", parts(3, 0, 50, 0, 0, 0)),
        ("{ shelf(id: 1) { booksConnection(first: 2) { nodes { id } } } }", parts(3, 0, 50, 0, 0, 0)),
        ("{ shelf(id: 1) { owned(first: 2) { books(first: 1) { id } } } }", parts(5, 0, 15, 0, 0, 0)),
        // A computed field costs for each entry and each list that it reads.
        ("{ shelf(id: 1) { full } }", parts(1, 0, 0, 0, 0, 30)),
        ("{ shelves(first: 3) { nodes { full } } }", parts(3, 0, 0, 0, 0, 90)),
        ("{ shelf(id: 1) { owned(first: 2) { full } } }", parts(3, 0, 5, 0, 0, 20)),
        // `totalCount`: of a single list, and of a list for each owner.
        ("{ shelves { totalCount } }", parts(20, 0, 100, 0, 0, 0)),
        (
            "{ shelves(first: 9) { nodes { booksConnection { totalCount } } } }",
            parts(9 + 180, 0, 9 * 50 + 9 * 25, 0, 0, 0),
        ),
        // `first` is a page size only on lists, and lists of ids count their items only at the root.
        ("{ weigh(first: 1000, ids: [1, 2, 3], by: {width: 1}) }", parts(1, 0, 0, 0, 3 + 1, 0)),
        ("{ found(first: \"ab\") { id } }", parts(20, 0, 0, 0, 0, 0)),
        ("{ all(ids: [1, 2, 3]) { id } }", parts(3, 0, 0, 0, 3, 0)),
        // A write costs its input objects; the selection below it costs as in a query.
        ("mutation { make(by: {width: 1, inner: {width: 2}}) { id } }", parts(1, 100, 0, 0, 6, 0)),
        (
            "mutation { make(by: {width: 1}) { shelf(by: {width: 1, inner: {width: 2}}) { id } } }",
            parts(2, 100, 0, 0, 3 + 2, 0),
        ),
        ("mutation { makeAll(of: [{width: 1}, {width: 2}]) { id } }", parts(2, 100, 0, 0, 2 + 6, 0)),
        // A value with several parts is one condition.
        ("{ shelves(filter: {size: {eq: {width: 1, height: 2}}}) { nodes { id } } }", parts(20, 0, 0, 50, 2, 0)),
        (
            "{ shelves(filter: {mentions: {some: {book: {title: {eq: \"a\"}}}}}) { nodes { id } } }",
            parts(20, 0, 0, 1000 + 50, 2, 0),
        ),
        // A filter by the type of a relation's target.
        (
            "{ shelves(filter: {about: {book: {title: {eq: \"a\"}}}}) { nodes { id } } }",
            parts(20, 0, 0, 1000 + 50, 2, 0),
        ),
    ];
    let api = api();
    for (document, expected) in cases {
        assert_eq!(api.ask(document, &none()), Ok(expected), "{document}");
    }
}

#[test]
fn what_is_skipped_costs_nothing() {
    let api = api();
    let objects = |document: &str, variables: Json| api.ask(document, &variables).map(|parts| parts.objects);
    for (directive, left_out) in [
        ("@skip(if: true)", true),
        ("@skip(if: false)", false),
        ("@include(if: true)", false),
        ("@include(if: false)", true),
    ] {
        let document = format!("{{ shelf(id: 1) {{ id owned(first: 7) {directive} {{ id }} }} }}");
        assert_eq!(objects(&document, none()), Ok(if left_out { 1 } else { 8 }), "{directive}");
    }
    for (directive, value, left_out) in
        [("@skip", true, true), ("@skip", false, false), ("@include", true, false), ("@include", false, true)]
    {
        for inside in [
            format!("owned(first: 7) {directive}(if: $v) {{ id }}"),
            format!("... {directive}(if: $v) {{ owned(first: 7) {{ id }} }}"),
        ] {
            let document = format!("query($v: Boolean!) {{ shelf(id: 1) {{ id {inside} }} }}");
            assert_eq!(objects(&document, json!({"v": value})), Ok(if left_out { 1 } else { 8 }), "{document}");
        }
    }
    let both = "query($v: Boolean!) { shelf(id: 1) { a: owned(first: 7) @skip(if: $v) { id } a: owned(first: 7) @include(if: $v) { id } } }";
    assert_eq!([objects(both, json!({"v": true})), objects(both, json!({"v": false}))], [Ok(8), Ok(8)]);
}

/// A request at the limit is accepted, and one beyond it is rejected.
#[test]
fn limits_hold_at_exactly_their_number() {
    let repeated = |count: usize, item: &dyn Fn(usize) -> String| (0..count).map(item).collect::<String>();
    let filtered = |count: usize, item: &dyn Fn(usize) -> String| {
        format!("{{ shelves(filter: {{or: [{}]}}) {{ nodes {{ id }} }} }}", repeated(count, item))
    };
    let documents: [(&str, usize, &dyn Fn(usize) -> String); 10] = [
        ("operations", 20, &|count| repeated(count, &|n| format!("query Q{n} {{ __typename }} "))),
        ("fragments", 100, &|count| {
            let spreads = repeated(count, &|n| format!("...F{n} "));
            format!("{{ {spreads} }} ") + &repeated(count, &|n| format!("fragment F{n} on Query {{ __typename }} "))
        }),
        ("variables", 200, &|count| {
            let given = repeated(count, &|n| format!("$v{n}: ID! = 1 "));
            let ids = repeated(count.min(100), &|n| format!("$v{n} "));
            let more = repeated(count - count.min(100), &|n| format!("$v{} ", n + 100));
            format!("query Q0({given}) {{ all(ids: [{ids}]) {{ id }} weigh(ids: [{more}]) }}")
        }),
        ("aliases", 30, &|count| format!("{{ {} }}", repeated(count, &|n| format!("a{n}: __typename ")))),
        ("directives", 100, &|count| {
            format!("{{ {} }}", repeated(count, &|_| "... @skip(if: false) { __typename } ".to_owned()))
        }),
        ("levels of fields", 12, &|count| {
            let between =
                |n: usize| if n.is_multiple_of(2) { "owned(first: 1) { ".to_owned() } else { "shelf { ".to_owned() };
            format!("{{ all(ids: [1]) {{ {} id {} }} }}", repeated(count - 2, &between), "} ".repeat(count - 2))
        }),
        ("`first`", 100, &|count| format!("{{ shelves(first: {count}) {{ nodes {{ id }} }} }}")),
        ("conditions in filters", 250, &|count| filtered(count, &|n| format!("{{name: {{eq: \"{n}\"}}}} "))),
        ("conditions in filters", 250, &|count| filtered(count, &|n| format!("{{name: {{contains: \"{n}\"}}}} "))),
        ("conditions in filters", 250, &|count| filtered(count, &|_| "{about: {book: {}}} ".to_owned())),
    ];
    let api = api().within(Limits { cost: 1_000_000, list: 1000, ..LIMITS });
    for (what, limit, document) in documents {
        let at_limit = api.ask_for(&document(limit), Some("Q0").filter(|_| what == "operations"), &none());
        assert!(at_limit.is_ok(), "{what}: {at_limit:?}");
        let above = api.ask_for(&document(limit + 1), Some("Q0").filter(|_| what == "operations"), &none());
        let above = above.expect_err(what).join("; ");
        assert!(above.contains(what) && above.contains(&(limit + 1).to_string()), "{what}: {above}");
    }
}

#[test]
fn a_request_may_cost_as_much_as_the_limit() {
    let document = "{ shelves(first: 3, orderBy: [{field: \"a\"}]) { totalCount nodes { full } } }";
    let cost = api().ask(document, &none()).expect("it is within the limits").total();
    assert_eq!(cost, 3 + 250 + 100 + 90);
    let within =
        |limit: u64| api().within(Limits { cost: u32::try_from(limit).unwrap(), ..LIMITS }).ask(document, &none());
    assert!(within(cost).is_ok());
    let refused = within(cost - 1).expect_err("one less");
    assert_eq!(refused, [format!("the request costs {cost}, most of it for lists, the limit is {}", cost - 1)]);
}

#[test]
fn a_batch_costs_what_its_operations_cost_together() {
    assert_eq!(check_batch(0, 20_000, &LIMITS), Ok(()), "the first was checked alone");
    assert_eq!(check_batch(1, 9_999, &LIMITS), Ok(()));
    let refused = check_batch(1, 10_000, &LIMITS).expect_err("one too much");
    assert_eq!(refused.details, Some(json!({"limit": 10_000, "requested": 10_001})));
}

#[test]
fn aliases_are_counted_in_the_operation_that_runs() {
    let aliases = (0..31).map(|n| format!("a{n}: __typename ")).collect::<String>();
    let document = format!("query Runs {{ __typename }} query Other {{ {aliases} }}");
    assert!(api().ask_for(&document, Some("Runs"), &none()).is_ok());
    assert!(api().ask_for(&document, Some("Other"), &none()).is_err());
}

#[test]
fn parts_that_cost_nothing_are_not_told() {
    let parts = Parts { lists: 5, ..Parts::default() };
    assert_eq!(serde_json::to_value(parts).unwrap(), json!({"lists": 5}));
}

/// A JSON number is an `Int` by its digits, however many; it is never rounded to a float.
#[test]
fn a_whole_number_of_json_is_whole_in_all_its_digits() {
    let api = api();
    let document = "query($n: Int) { shelves(first: $n) { nodes { id } } }";
    let ask = |number: &str| api.ask(document, &serde_json::from_str(&format!("{{\"n\": {number}}}")).unwrap());
    for (number, entries) in [("5", 5), ("5.0", 5), ("0.5e1", 5), ("500e-2", 5), ("5.00000000000000000000", 5)] {
        assert_eq!(ask(number).map(|parts| parts.objects), Ok(entries), "{number}");
    }
    for number in
        ["5.00000000000000000001", "4.99999999999999999999", "0.9999999999999999999999", "5e-1", "2147483648", "1e400"]
    {
        let told = ask(number).expect_err(number);
        assert!(told[0].contains("Int"), "{told:?}");
    }
}
