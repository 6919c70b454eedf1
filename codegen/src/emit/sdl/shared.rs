//! What every API has: the interface of all objects, stages, pages, money and the scalars that GraphQL lacks.

use std::collections::BTreeMap;

use crate::emit::sdl::document::quoted;
use crate::emit::sdl::{Definition, Kind, Member};
use crate::schema::Scalar;

pub fn definitions() -> Vec<Definition> {
    let mut definitions = vec![node(), stage(), entry_status(), order_direction(), nulls_order(), page_info()];
    definitions.extend([money(), money_input()]);
    definitions.extend(scalars());
    definitions
}

fn node() -> Definition {
    Definition::new(Kind::Interface, "Node", "An object that its id alone names.").member(Member::new(
        "id",
        "ID!",
        "Names the object among all objects of the API, for good.",
    ))
}

fn stage() -> Definition {
    Definition::new(Kind::Enum, "Stage", "Which copy of the content is read.")
        .member(Member::value("LIVE", "What is published."))
        .member(Member::value("DRAFT", "What editors see; needs a token."))
}

fn entry_status() -> Definition {
    Definition::new(Kind::Enum, "EntryStatus", "Where an entry stands between draft and published.")
        .member(Member::value("DRAFT", "Not published."))
        .member(Member::value("PUBLISHED", "Published as it is."))
        .member(Member::value("CHANGED", "Published, and changed since."))
}

fn order_direction() -> Definition {
    Definition::new(Kind::Enum, "OrderDirection", "Which end of an order comes first.")
        .member(Member::value("ASC", "The smallest, oldest, or first in the alphabet."))
        .member(Member::value("DESC", "The greatest, newest, or last in the alphabet."))
}

fn nulls_order() -> Definition {
    Definition::new(Kind::Enum, "NullsOrder", "Where an order puts what has no value.")
        .member(Member::value("FIRST", "Before all values."))
        .member(Member::value("LAST", "After all values."))
}

fn page_info() -> Definition {
    Definition::new(Kind::Object, "PageInfo", "Whether there is more than this page, and how to get it.")
        .member(Member::new("hasNextPage", "Boolean!", "There is more after this page."))
        .member(Member::new("hasPreviousPage", "Boolean!", "There is more before this page."))
        .member(Member::new("startCursor", "String", "The first entry's cursor; null on an empty page."))
        .member(Member::new("endCursor", "String", "The last entry's cursor; null on an empty page."))
}

fn money() -> Definition {
    Definition::new(Kind::Object, "Money", "An amount of money.")
        .member(Member::new("amountMinor", "BigInt!", "The amount in the currency's smallest unit."))
        .member(Member::new("currency", "String!", "The currency as ISO 4217 names it."))
        .member(Member::new("amount", "Decimal!", "The amount in the currency's main unit, with all its decimals."))
}

fn money_input() -> Definition {
    let about = "An amount of money: exactly one of `amountMinor` and `amount`.";
    Definition::new(Kind::Input, "MoneyInput", about)
        .member(Member::new("amountMinor", "BigInt", "The amount in the currency's smallest unit."))
        .member(Member::new("amount", "Decimal", "The amount in the currency's main unit."))
        .member(Member::new("currency", "String", "The currency as ISO 4217 names it; the site's own without it."))
}

/// Each scalar that a field type names and GraphQL does not have.
fn scalars() -> impl Iterator<Item = Definition> {
    let rows = Scalar::ALL.into_iter().map(Scalar::mapping);
    let new: BTreeMap<_, _> = rows.filter_map(|row| Some((row.graphql, row.defines?))).collect();
    new.into_iter().map(|(name, scalar)| {
        let definition = Definition::new(Kind::Scalar, name, scalar.about);
        match scalar.specified_by {
            Some(url) => definition.directive(format!("@specifiedBy(url: {})", quoted(url))),
            None => definition,
        }
    })
}
