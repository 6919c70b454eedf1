//! What lets a list by relation, such as the products of a category, be read in order from an index.
//!
//! Only relations with an inverse have it: their target has a page that lists them. A relation to its own type, such as
//! `related`, has short lists, and its indexes would cost more than they save.

use std::collections::BTreeMap;

use super::{lower_field, order_keys};
use crate::catalog::{Index, Key, Listing, Table, names};
use crate::schema::{ContentType, Field, FieldKind, Relation, SqlType};

/// The system columns that every type can be ordered by.
const MOMENTS: [&str; 4] = ["created_at", "updated_at", "published_at", "first_published_at"];

/// Adds the indexes of to-one relations to the type's table, and the listings of list relations to theirs.
pub fn add(ty: &ContentType, table: &mut Table, tables: &mut BTreeMap<String, Table>) {
    let owner = ty.name.snake();
    let orders = orders(&ty.fields);
    for field in &ty.fields {
        table.indexes.extend(trigrams(owner, field));
        let FieldKind::Relation(relation) = &field.kind else { continue };
        if !relation.many {
            table.indexes.extend(indexes(owner, field, relation, &orders));
            continue;
        }
        if let Some(list) = tables.get_mut(&names::join_table(owner, &field.name)) {
            list.listings = listings(owner, field, relation, &orders);
        }
    }
}

/// The index for `contains`. A unique text is looked up by its whole value.
fn trigrams(owner: &str, field: &Field) -> Option<Index> {
    let FieldKind::Scalar { scalar, .. } = &field.kind else { return None };
    let is_text = scalar.mapping().sql == SqlType::Text && scalar.mapping().takes.sortable;
    let name = names::trigram_index(owner, field.name.snake());
    let on = vec![Key::ascending(field.name.snake())];
    let index = Index { name, on, unique: false, gin: true, trigrams: true, live: true };
    (is_text && field.filterable && field.unique.is_none()).then_some(index)
}

/// The name of the listing of each target; empty for a target that has none.
pub fn listing_names(owner: &str, field: &Field, relation: &Relation) -> Vec<String> {
    let (table, several) = (names::join_table(owner, &field.name), relation.to.len() > 1);
    let name = |target: &crate::schema::Name| match is_listed(owner, relation, target.snake()) {
        true => names::listing(&table, &names::item_column(target.snake(), several), several),
        false => String::new(),
    };
    relation.to.iter().map(name).collect()
}

fn is_listed(owner: &str, relation: &Relation, target: &str) -> bool {
    relation.inverse.is_some() && target != owner
}

/// The keys of each order that the API offers, without the id.
fn orders(fields: &[Field]) -> Vec<Vec<Key>> {
    let moments = MOMENTS.iter().map(|&column| vec![Key::ascending(column)]);
    let sortable = fields.iter().filter(|field| field.sortable);
    let of_field = |field: &Field| order_keys(field).unwrap_or_else(|| vec![Key::ascending(field.name.snake())]);
    moments.chain(sortable.map(of_field)).collect()
}

fn indexes(owner: &str, field: &Field, relation: &Relation, orders: &[Vec<Key>]) -> Vec<Index> {
    let columns = lower_field(field).columns();
    let listed = columns.iter().zip(&relation.to).filter(|(_, to)| is_listed(owner, relation, to.snake()));
    let index = |column: &String, order: &Vec<Key>| {
        let named: Vec<_> = order.iter().map(|key| key.column.clone()).collect();
        let on = [Key::ascending(column)].into_iter().chain(order.iter().cloned()).chain([Key::ascending("id")]);
        let name = names::list_index(owner, column, &named);
        Index { name, on: on.collect(), unique: false, gin: false, trigrams: false, live: true }
    };
    listed.flat_map(|(column, _)| orders.iter().map(move |order| index(column, order))).collect()
}

fn listings(owner: &str, field: &Field, relation: &Relation, orders: &[Vec<Key>]) -> Vec<Listing> {
    let mut columns: Vec<String> = Vec::new();
    for key in orders.iter().flatten() {
        if !columns.contains(&key.column) {
            columns.push(key.column.clone());
        }
    }
    let several = relation.to.len() > 1;
    let named = relation.to.iter().zip(listing_names(owner, field, relation)).filter(|(_, name)| !name.is_empty());
    let listing = |(target, name): (&crate::schema::Name, String)| {
        let target = names::item_column(target.snake(), several);
        Listing { name, target, columns: columns.clone(), orders: orders.to_vec() }
    };
    named.map(listing).collect()
}
