//! Lowers a schema to the tables that hold its entries: the one place that decides the database layout.

mod lists;

use std::collections::BTreeMap;

pub use lists::listing_names;

use super::{Catalog, Check, Column, Field, ForeignKey, Index, Key, OnDelete, Reach, Role, Sort, Store, Table, names};
use crate::schema::{self, Component, ContentType, Enum, FieldKind, Relation, Required, Schema, SqlType};

/// The database model for the schema.
pub fn lower(schema: &Schema) -> Catalog {
    let mut catalog = Catalog { rules: super::rules::lower(schema), ..Catalog::default() };
    for ty in &schema.types {
        content_table(ty, &mut catalog.tables);
    }
    for Component { name, fields, .. } in &schema.components {
        let fields = fields.iter().map(lower_field).collect();
        catalog.components.insert(name.snake().to_owned(), fields);
    }
    catalog
}

fn content_table(ty: &ContentType, tables: &mut BTreeMap<String, Table>) {
    let name = ty.name.snake();
    let mut table = Table::new(Role::Content);
    table.drafts = Some(ty.drafts);
    table.counted = true;
    table.columns = vec![
        Column::required("id", SqlType::Uuid),
        Column::required("revision", SqlType::Bigint),
        Column::required("created_at", SqlType::Timestamptz),
        Column::required("updated_at", SqlType::Timestamptz),
        Column::optional("published_at", SqlType::Timestamptz),
        Column::optional("first_published_at", SqlType::Timestamptz),
        // No foreign key: an account may be deleted, but its entries stay.
        Column::optional("created_by", SqlType::Uuid),
        Column::optional("updated_by", SqlType::Uuid),
        Column::optional("published_by", SqlType::Uuid),
    ];
    table.primary_key = vec!["id".to_owned()];
    table.foreign_keys.push(ForeignKey::new(name, "id", name, Reach::LiveToDraft, OnDelete::Cascade));
    for moment in ["created_at", "updated_at", "published_at", "first_published_at"] {
        table.index(name, vec![Key::ascending(moment), Key::ascending("id")], &[moment.to_owned()]);
    }
    add_fields(name, &ty.fields, &mut table, tables);
    for index in &ty.indexes {
        declared_index(name, &ty.fields, index, &mut table);
    }
    lists::add(ty, &mut table, tables);
    tables.insert(name.to_owned(), table);
}

fn children_table(owner: &str, field: &schema::Field, of: &schema::Children, tables: &mut BTreeMap<String, Table>) {
    let name = of.name.snake();
    let mut table = Table::new(Role::Children { of: owner.to_owned(), field: field.name.snake().to_owned() });
    table.columns = vec![
        Column::required("id", SqlType::Uuid),
        Column::required("parent_id", SqlType::Uuid),
        Column::required("position", SqlType::Bigint),
    ];
    table.primary_key = vec!["id".to_owned()];
    table.foreign_keys.push(ForeignKey::new(name, "parent_id", owner, Reach::Draft, OnDelete::Cascade));
    table.plain_index(name, &["parent_id", "position"]);
    add_fields(name, &of.fields, &mut table, tables);
    tables.insert(name.to_owned(), table);
}

fn list_table(owner: &str, field: &schema::Field, relation: &Relation, tables: &mut BTreeMap<String, Table>) {
    let name = names::join_table(owner, &field.name);
    let several = relation.to.len() > 1;
    let on_delete = match relation.on_delete {
        schema::OnDelete::Restrict => OnDelete::Restrict,
        schema::OnDelete::SetNull | schema::OnDelete::Cascade => OnDelete::Cascade,
    };
    let mut table = Table::new(Role::List { of: owner.to_owned(), field: field.name.snake().to_owned() });
    table.columns.push(Column::required("owner_id", SqlType::Uuid));
    table.foreign_keys.push(ForeignKey::new(&name, "owner_id", owner, Reach::Draft, OnDelete::Cascade));
    let mut items = Vec::new();
    for target in &relation.to {
        let column = names::item_column(target.snake(), several);
        table.columns.push(Column { not_null: !several, ..Column::optional(&column, SqlType::Uuid) });
        table.foreign_keys.push(ForeignKey::new(&name, &column, target.snake(), Reach::Draft, on_delete));
        table.plain_index(&name, &[&column, "owner_id"]);
        if several {
            table.unique(&name, vec!["owner_id".to_owned(), column.clone()]);
        }
        items.push(column);
    }
    table.columns.push(Column::required("position", SqlType::Bigint));
    if several {
        table.checks.push(Check { name: names::check(&name, "item"), expression: exactly(&items, "= 1"), on: items });
    } else {
        table.primary_key = vec!["owner_id".to_owned(), "target_id".to_owned()];
    }
    tables.insert(name, table);
}

fn add_fields(owner: &str, fields: &[schema::Field], table: &mut Table, tables: &mut BTreeMap<String, Table>) {
    for field in fields {
        table.fields.push(lower_field(field));
        let name = field.name.snake();
        match &field.kind {
            FieldKind::Children(children) => children_table(owner, field, children, tables),
            FieldKind::Relation(relation) if relation.many => list_table(owner, field, relation, tables),
            FieldKind::Relation(relation) => to_one(owner, field, relation, table),
            FieldKind::Scalar { scalar, .. } => {
                let mapping = scalar.mapping();
                table.columns.push(Column::of(field, name, mapping.sql));
                if let Some(check) = mapping.check {
                    table.check(owner, name, &[name.to_owned()], check.to_owned());
                }
                if scalar.has_currency() {
                    let currency = names::currency_column(name);
                    table.columns.push(Column::of(field, &currency, SqlType::Text));
                    let pair = "({0} is null) = ({1} is null)".to_owned();
                    table.check(owner, name, &[name.to_owned(), currency], pair);
                }
            }
            FieldKind::Enum { choice, many: false } => {
                table.columns.push(Column::of(field, name, SqlType::Text));
                table.check(owner, name, &[name.to_owned()], format!("{{}} in ({})", values(choice)));
            }
            FieldKind::Enum { choice, many: true } => {
                table.columns.push(Column::list(name, SqlType::TextArray));
                let inside = format!("{{}} <@ array[{}]::text[]", values(choice));
                table.check(owner, name, &[name.to_owned()], inside);
            }
            FieldKind::Component { many: false, .. } => table.columns.push(Column::of(field, name, SqlType::Jsonb)),
            FieldKind::Component { many: true, .. } | FieldKind::Blocks { .. } => {
                table.columns.push(Column::list(name, SqlType::Jsonb));
            }
        }
    }
    for field in fields {
        field_indexes(owner, fields, field, table);
    }
}

fn to_one(owner: &str, field: &schema::Field, relation: &Relation, table: &mut Table) {
    let required = field.required == Required::Save;
    let on_delete = match relation.on_delete {
        schema::OnDelete::Restrict => OnDelete::Restrict,
        schema::OnDelete::SetNull => OnDelete::SetNull,
        schema::OnDelete::Cascade => OnDelete::Cascade,
    };
    let columns = lower_field(field).columns();
    let several = columns.len() > 1;
    for (column, target) in columns.iter().zip(&relation.to) {
        table.columns.push(Column { not_null: required && !several, ..Column::optional(column, SqlType::Uuid) });
        table.foreign_keys.push(ForeignKey::new(owner, column, target.snake(), Reach::Draft, on_delete));
    }
    if several {
        let count = exactly(&columns, if required { "= 1" } else { "<= 1" });
        table.check(owner, field.name.snake(), &columns, count);
    }
}

/// `num_nonnulls({0}, {1}) = 1`
fn exactly(columns: &[String], count: &str) -> String {
    let places: Vec<_> = (0..columns.len()).map(|index| format!("{{{index}}}")).collect();
    format!("num_nonnulls({}) {count}", places.join(", "))
}

fn values(choice: &Enum) -> String {
    choice.values.iter().map(|value| format!("'{}'", value.name.snake())).collect::<Vec<_>>().join(", ")
}

fn field_indexes(owner: &str, fields: &[schema::Field], field: &schema::Field, table: &mut Table) {
    let columns = lower_field(field).columns();
    // A field that is unique alone already has an index, and needs no id as a tie-breaker.
    let is_unique = field.unique.as_ref().is_some_and(Vec::is_empty);
    match &field.kind {
        FieldKind::Relation(_) if is_unique && columns.len() == 1 => {}
        FieldKind::Relation(_) => {
            for column in &columns {
                table.index(owner, vec![Key::ascending(column), Key::ascending("id")], std::slice::from_ref(column));
            }
        }
        FieldKind::Enum { many: true, .. } if field.filterable || field.indexed => {
            let name = names::index(owner, &columns);
            let on = columns.iter().map(Key::ascending).collect();
            table.indexes.push(Index { name, on, unique: false, gin: true, trigrams: false, live: false });
        }
        FieldKind::Scalar { .. } | FieldKind::Enum { .. } => {
            let sorted = sort_keys(field, is_unique);
            let is_plain =
                field.indexed || (field.filterable && !compares_by(field)) || (field.sortable && sorted.is_none());
            if is_plain && !(is_unique && columns.len() == 1) {
                table.index(owner, vec![Key::ascending(&columns[0]), Key::ascending("id")], &columns[..1]);
            }
            if let Some(mut on) = sorted {
                on.push(Key::ascending("id"));
                let name = names::sort_index(owner, field.name.snake());
                table.indexes.push(Index { name, on, unique: false, gin: false, trigrams: false, live: false });
            }
        }
        _ => {}
    }
    if let Some(with) = &field.unique {
        let others = with.iter().flat_map(|name| columns_of(fields, name.snake()));
        table.unique(owner, columns.into_iter().chain(others).collect());
    }
}

/// The keys of the field's order, if an index needs them and the column itself is not one of them.
fn sort_keys(field: &schema::Field, is_unique: bool) -> Option<Vec<Key>> {
    // Range conditions on a unique text are rare; other conditions use its unique index.
    let in_filters = field.filterable && compares_by(field);
    let needed = field.sortable || in_filters && (!is_unique || field.collation != names::ALL_LANGUAGES);
    order_keys(field).filter(|_| needed)
}

/// Whether filters compare the same expression as the order.
fn compares_by(field: &schema::Field) -> bool {
    matches!(&field.kind, FieldKind::Scalar { .. }) && order_keys(field).is_some()
}

/// The expression that the field is ordered by; `None` for the plain column.
fn order_keys(field: &schema::Field) -> Option<Vec<Key>> {
    let name = field.name.snake();
    match &field.kind {
        // Amounts in different currencies cannot be compared.
        FieldKind::Scalar { scalar, .. } if scalar.has_currency() => {
            Some(vec![Key::ascending(names::currency_column(name)).by(Sort::Bytes), Key::ascending(name)])
        }
        FieldKind::Scalar { scalar, .. }
            if scalar.mapping().sql == SqlType::Text && scalar.mapping().takes.sortable =>
        {
            Some(vec![Key::ascending(name).by(Sort::Text(field.collation.clone()))])
        }
        FieldKind::Enum { choice, many: false } => {
            let values = choice.values.iter().map(|value| value.name.snake().to_owned()).collect();
            Some(vec![Key::ascending(name).by(Sort::Values(values))])
        }
        _ => None,
    }
}

fn declared_index(owner: &str, fields: &[schema::Field], index: &schema::Index, table: &mut Table) {
    let on: Vec<_> = index
        .on
        .iter()
        .flat_map(|(name, descending)| {
            let keys = keys_of(fields, name.snake(), index.unique);
            keys.into_iter().map(|key| Key { descending: *descending, ..key })
        })
        .collect();
    let columns: Vec<_> = on.iter().map(|key| key.column.clone()).collect();
    if index.unique {
        table.unique(owner, columns);
    } else {
        table.index(owner, on, &columns);
    }
}

/// The keys of a field in an index. A field that the API can order by uses the keys of its order, so that the index
/// serves it.
fn keys_of(fields: &[schema::Field], name: &str, unique: bool) -> Vec<Key> {
    let field = fields.iter().find(|field| field.name.snake() == name && field.sortable && !unique);
    let in_order = field.and_then(order_keys);
    in_order.unwrap_or_else(|| columns_of(fields, name).into_iter().map(Key::ascending).collect())
}

/// The columns of a field, or the system column with this name.
fn columns_of(fields: &[schema::Field], name: &str) -> Vec<String> {
    let field = fields.iter().find(|field| field.name.snake() == name);
    field.map_or_else(|| vec![name.to_owned()], |field| lower_field(field).columns())
}

fn lower_field(field: &schema::Field) -> Field {
    let snakes = |names: &[schema::Name]| names.iter().map(|name| name.snake().to_owned()).collect::<Vec<_>>();
    let store = match &field.kind {
        FieldKind::Scalar { scalar, .. } => Store::Scalar { scalar: scalar.mapping().yaml.to_owned() },
        FieldKind::Enum { choice, many } => {
            let values = choice.values.iter().map(|value| value.name.snake().to_owned()).collect();
            if *many { Store::Enums { values } } else { Store::Enum { values } }
        }
        FieldKind::Relation(relation) if relation.many => Store::Many { to: snakes(&relation.to) },
        FieldKind::Relation(relation) => Store::One { to: snakes(&relation.to) },
        FieldKind::Component { component, many: true } => Store::Components { of: component.snake().to_owned() },
        FieldKind::Component { component, many: false } => Store::Component { of: component.snake().to_owned() },
        FieldKind::Blocks { of } => Store::Blocks { of: snakes(of) },
        FieldKind::Children(children) => Store::Children { table: children.name.snake().to_owned() },
    };
    Field { name: field.name.snake().to_owned(), store, required: field.required == Required::Save }
}

impl Table {
    fn new(role: Role) -> Self {
        Self {
            role,
            drafts: None,
            counted: false,
            former: Vec::new(),
            fields: Vec::new(),
            columns: Vec::new(),
            primary_key: Vec::new(),
            checks: Vec::new(),
            foreign_keys: Vec::new(),
            indexes: Vec::new(),
            listings: Vec::new(),
        }
    }

    fn check(&mut self, table: &str, field: &str, on: &[String], expression: String) {
        self.checks.push(Check { name: names::check(table, field), on: on.to_vec(), expression });
    }

    fn plain_index(&mut self, table: &str, columns: &[&str]) {
        let named: Vec<_> = columns.iter().map(|&column| column.to_owned()).collect();
        self.index(table, columns.iter().map(|&column| Key::ascending(column)).collect(), &named);
    }

    /// Adds an index named after some of its columns, unless that name exists: a declared index on a single relation is
    /// the same as the index that every relation has.
    fn index(&mut self, table: &str, on: Vec<Key>, named: &[String]) {
        let name = names::index(table, named);
        let same = |index: &Index| {
            index.name == name && index.on.iter().map(|key| &key.column).zip(named).all(|(a, b)| a == b)
        };
        if !self.indexes.iter().any(same) {
            self.indexes.push(Index { name, on, unique: false, gin: false, trigrams: false, live: false });
        }
    }

    fn unique(&mut self, table: &str, columns: Vec<String>) {
        let name = names::unique(table, &columns);
        let same = |index: &Index| index.unique && index.on.iter().map(|key| &key.column).eq(&columns);
        if !self.indexes.iter().any(same) {
            let on = columns.into_iter().map(Key::ascending).collect();
            self.indexes.push(Index { name, on, unique: true, gin: false, trigrams: false, live: false });
        }
    }
}

impl Column {
    fn optional(name: &str, sql: SqlType) -> Self {
        Self { name: name.to_owned(), sql_type: sql.sql().to_owned(), not_null: false, default: None }
    }

    fn required(name: &str, sql: SqlType) -> Self {
        Self { not_null: true, ..Self::optional(name, sql) }
    }

    fn of(field: &schema::Field, name: &str, sql: SqlType) -> Self {
        Self { not_null: field.required == Required::Save, ..Self::optional(name, sql) }
    }

    /// A column whose empty value is an empty list, never null.
    fn list(name: &str, sql: SqlType) -> Self {
        let empty = if sql == SqlType::Jsonb { "'[]'" } else { "'{}'" };
        Self { default: Some(empty.to_owned()), ..Self::required(name, sql) }
    }
}

impl ForeignKey {
    fn new(owner: &str, column: &str, table: &str, reach: Reach, on_delete: OnDelete) -> Self {
        let name = names::foreign_key(owner, column);
        Self { name, column: column.to_owned(), table: table.to_owned(), reach, on_delete }
    }
}
