//! Which API changes are reported as breaking, and which are not.

use codegen::emit::breaking::breaking;

const BEFORE: &str = "
    interface Node { id: ID! }
    type Query { product(id: ID!, stage: Stage! = LIVE): Product }
    type Product implements Node { id: ID! name: String! price: Money tags: [Tag!]! }
    type Money { amount: String! }
    type Tag { name: String }
    enum Stage { LIVE DRAFT }
    union Block = Tag | Money
    input ProductInput { name: String! price: Int list: [String!] }
";

#[track_caller]
fn check(from: &str, to: &str, expected: &[&str]) {
    assert!(BEFORE.contains(from), "`{from}` is not in the API");
    let after = BEFORE.replace(from, to);
    assert_eq!(found(BEFORE, &after), expected);
}

#[track_caller]
fn found(before: &str, after: &str) -> Vec<String> {
    let found = breaking(before, after).expect("SDL");
    found.iter().map(|found| format!("{} {}", found.code, found.place)).collect()
}

#[test]
fn definitions_that_stay_are_not_needed_to_see_what_changes() {
    let before = r#"# The API.

"""What can be read."""
type Query {
  """One."""
  product: Product
}

"""
A product.

type Query { nothing: Int }

\"""
"""
type Product {
  """
  Its name.

  A long one."""
  name: String!
}

"""Nobody's."""
scalar Date
"#;
    assert_eq!(found(before, before), [""; 0]);
    assert_eq!(found(before, &before.replace("String!", "String")), ["B202 Product.name"]);
    assert_eq!(found(before, &before.replace("scalar Date", "enum Date { NOW }")), ["B102 Date"]);
    assert_eq!(breaking(before, &before.replace("type Product", "<<<<<<< ours")), None);
}

#[test]
fn what_is_gone_breaks() {
    check("enum Stage { LIVE DRAFT }", "", &["B101 Stage"]);
    check("price: Money", "", &["B201 Product.price"]);
    check("LIVE DRAFT", "LIVE", &["B301 Stage.DRAFT"]);
    check("Tag | Money", "Tag", &["B302 Block.Money"]);
    check("price: Int", "", &["B401 ProductInput.price"]);
    check(", stage: Stage! = LIVE", "", &["B401 Query.product(stage:)"]);
    check(" implements Node", "", &["B103 Product"]);
}

#[test]
fn what_is_of_another_type_breaks() {
    check("union Block = Tag | Money", "scalar Block", &["B102 Block"]);
    check("name: String! price: Money", "name: String price: Money", &["B202 Product.name"]);
    check("tags: [Tag!]!", "tags: [Tag]!", &["B202 Product.tags"]);
    check("price: Money", "price: Tag", &["B202 Product.price"]);
    check("price: Int", "price: Int!", &["B402 ProductInput.price"]);
    check("list: [String!]", "list: [Int!]", &["B402 ProductInput.list"]);
    check("input ProductInput {", "input ProductInput @oneOf {", &["B104 ProductInput"]);
}

#[test]
fn what_must_be_given_in_addition_breaks() {
    check("product(id: ID!", "product(id: ID!, token: String!", &["B403 Query.product(token:)"]);
    check("price: Int", "price: Int more: Int!", &["B403 ProductInput.more"]);
}

#[test]
fn what_clients_do_not_notice_does_not_break() {
    check("price: Money", "price: Money!", &[]);
    check("price: Money", "price: Money weight: Int", &[]);
    check("LIVE DRAFT", "LIVE DRAFT OLD", &[]);
    check("price: Int", "price: Int more: Int! = 1", &[]);
    check("name: String! price: Int", "name: String price: Int", &[]);
    check("list: [String!]", "list: [String]", &[]);
    check("product(id: ID!", "product(id: ID!, token: String", &[]);
}
