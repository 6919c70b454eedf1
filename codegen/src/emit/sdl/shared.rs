//! What every API has: the interface of all objects, stages, pages, money, and the scalars that GraphQL lacks.

use std::collections::BTreeMap;

use crate::emit::sdl::document::quoted;
use crate::emit::sdl::{Definition, Kind, Member};
use crate::schema::Scalar;

pub fn definitions() -> Vec<Definition> {
    let mut definitions = vec![
        node(),
        stage(),
        entry_status(),
        change_kind(),
        order_direction(),
        nulls_order(),
        count_precision(),
        page_info(),
    ];
    definitions.extend([money(), money_input()]);
    definitions.extend(scalars());
    definitions
}

fn node() -> Definition {
    Definition::new(Kind::Interface, "Node", "An object with a globally unique id.").member(Member::new(
        "id",
        "ID!",
        "The globally unique, permanent id of the object.",
    ))
}

fn stage() -> Definition {
    Definition::new(Kind::Enum, "Stage", "The version of the content to read.")
        .member(Member::value("LIVE", "The published version."))
        .member(Member::value("DRAFT", "The draft that editors see. Needs a token."))
}

fn change_kind() -> Definition {
    let gone = "It was deleted or unpublished, no longer matches the filter, or may no longer be read.";
    Definition::new(Kind::Enum, "ChangeKind", "What happened to an entry.")
        .member(Member::value("CREATED", "It was created."))
        .member(Member::value("UPDATED", "It was saved."))
        .member(Member::value("PUBLISHED", "It was published."))
        .member(Member::value("UNPUBLISHED", "It was unpublished, and remains as a draft."))
        .member(Member::value("GONE", gone))
}

fn entry_status() -> Definition {
    Definition::new(Kind::Enum, "EntryStatus", "The publication status of an entry.")
        .member(Member::value("DRAFT", "Not published."))
        .member(Member::value("PUBLISHED", "Published, without later changes."))
        .member(Member::value("CHANGED", "Published, with unpublished changes."))
}

fn order_direction() -> Definition {
    Definition::new(Kind::Enum, "OrderDirection", "The direction of an order.")
        .member(Member::value("ASC", "Ascending: smallest, oldest, or first in the alphabet first."))
        .member(Member::value("DESC", "Descending: greatest, newest, or last in the alphabet first."))
}

fn nulls_order() -> Definition {
    Definition::new(Kind::Enum, "NullsOrder", "Where an order puts null values.")
        .member(Member::value("FIRST", "Before all values."))
        .member(Member::value("LAST", "After all values."))
}

fn count_precision() -> Definition {
    let about = "What PostgreSQL expects from its statistics, which costs the same for any number of entries. Exact where the \
        number is kept anyway, on the last page, and in lists inside lists.";
    Definition::new(Kind::Enum, "CountPrecision", "How exact a number of items is.")
        .member(Member::value("EXACT", "All are counted, unless their number is kept."))
        .member(Member::value("ESTIMATE", about))
}

fn page_info() -> Definition {
    Definition::new(Kind::Object, "PageInfo", "Information for reading more pages.")
        .member(Member::new("hasNextPage", "Boolean!", "Whether there are items after this page."))
        .member(Member::new("hasPreviousPage", "Boolean!", "Whether there are items before this page."))
        .member(Member::new("startCursor", "String", "The cursor of the first item; null on an empty page."))
        .member(Member::new("endCursor", "String", "The cursor of the last item; null on an empty page."))
}

fn money() -> Definition {
    Definition::new(Kind::Object, "Money", "An amount of money.")
        .member(Member::new("amountMinor", "BigInt!", "The amount in the minor unit of the currency, such as cents."))
        .member(Member::new("currency", "String!", "The ISO 4217 code of the currency."))
        .member(Member::new("amount", "Decimal!", "The amount in the major unit of the currency, with all decimals."))
}

fn money_input() -> Definition {
    let about = "An amount of money: exactly one of `amountMinor` and `amount`.";
    Definition::new(Kind::Input, "MoneyInput", about)
        .member(Member::new("amountMinor", "BigInt", "The amount in the minor unit of the currency, such as cents."))
        .member(Member::new("amount", "Decimal", "The amount in the major unit of the currency."))
        .member(Member::new(
            "currency",
            "String",
            "The ISO 4217 code of the currency. Default: the currency of the site.",
        ))
}

/// Each scalar that a field type uses and GraphQL does not define.
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
