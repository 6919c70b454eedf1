//! The rows that come after a place: by a comparison that an index can use wherever there is one.

use super::{Holds, Key, Order, Place};
use crate::sql::Sql;
use crate::value::Value;

impl Order {
    /// Appends the condition that a row comes after the place.
    pub fn push_after(&self, place: &Place, sql: &mut Sql) {
        let one_direction = self.keys.iter().all(|key| key.descending == self.keys[0].descending);
        // A comparison with null is never true, which is right if nulls come first.
        let without_nulls =
            self.keys.iter().zip(place).all(|(key, value)| !key.nullable || (key.nulls_first && !value.is_null()));
        if one_direction && without_nulls {
            self.push_row_comparison(place, sql);
            return;
        }
        sql.push("(");
        for (index, key) in self.keys.iter().enumerate() {
            if index > 0 {
                sql.push(" OR ");
            }
            sql.push("(");
            for (same, value) in self.keys[..index].iter().zip(place) {
                match value {
                    Value::Null => _ = sql.push(&format!("{} IS NULL", same.column)),
                    value => same.push_value(value, sql.push(&format!("{} = ", same.expression))),
                }
                sql.push(" AND ");
            }
            push_key_after(key, &place[index], sql);
            sql.push(")");
        }
        sql.push(")");
    }

    /// Whether the rows after the place are of two parts, with a value and without one, in either order. An index finds each
    /// part, but not both at once. With several fields, rows without a value would stand between others.
    pub fn has_two_parts(&self, place: &Place) -> bool {
        let is_one_field = match self.keys.as_slice() {
            [_, _] => true,
            [currency, _, _] => matches!(currency.holds, Holds::Code),
            _ => false,
        };
        let first = &self.keys[0];
        let values = place.split_last().map(|(_, values)| values).unwrap_or_default();
        // The other end of the order has one part after it.
        is_one_field
            && first.nullable
            && first.nulls_first == first.descending
            && values.iter().all(|value| value.is_null() == first.nulls_first)
    }

    /// Appends the condition of the part that the place is in.
    pub fn push_first_part(&self, place: &Place, sql: &mut Sql) {
        match (self.keys.as_slice(), place.as_slice()) {
            ([first, .., id], [.., value]) if first.nulls_first => {
                sql.push(&format!("{} IS NULL AND ", first.expression));
                push_key_after(id, value, sql);
            }
            _ => self.push_row_comparison(place, sql),
        }
    }

    /// Appends the condition of the other part.
    pub fn push_second_part(&self, sql: &mut Sql) {
        let not = if self.keys[0].nulls_first { "NOT " } else { "" };
        sql.push(&format!("{} IS {not}NULL", self.keys[0].expression));
    }

    /// `(a, id) > ($1, $2)`, which can use an index.
    fn push_row_comparison(&self, place: &Place, sql: &mut Sql) {
        let columns: Vec<_> = self.keys.iter().map(|key| key.expression.as_str()).collect();
        let operator = if self.keys[0].descending { "<" } else { ">" };
        sql.push(&format!("({}) {operator} (", columns.join(", ")));
        for (index, (key, value)) in self.keys.iter().zip(place).enumerate() {
            if index > 0 {
                sql.push(", ");
            }
            key.push_value(value, sql);
        }
        sql.push(")");
    }
}

/// Appends the condition that the key alone comes after the value, with nulls in their position.
fn push_key_after(key: &Key, value: &Value, sql: &mut Sql) {
    match (value.is_null(), key.nulls_first) {
        (true, true) => {
            sql.push(&format!("{} IS NOT NULL", key.column));
        }
        (true, false) => {
            sql.push("false");
        }
        (false, nulls_first) => {
            let operator = if key.descending { "<" } else { ">" };
            let or_null = key.nullable && !nulls_first;
            sql.push(&format!("{}{} {operator} ", if or_null { "(" } else { "" }, key.expression));
            key.push_value(value, sql);
            if or_null {
                sql.push(&format!(" OR {} IS NULL)", key.column));
            }
        }
    }
}
