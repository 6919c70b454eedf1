//! `docs/schema-language.md`: the reference of the language, made of the tables that the analyzer checks by.

use std::fmt::Write;

use crate::diagnostic::Code;
use crate::schema::Role;
use crate::syntax::language::{FieldType, FileKind, Key, LIMITS, OPTIONS, Place, Shape};

const INTRODUCTION: &str = "\
# The schema language

Made by `cargo xtask generate` from the tables that the compiler checks by. Do not edit.

The schema is YAML 1.2 in `schema/`: `cms.yaml` for the site, `<type>.yaml` for each content type,
`components/<component>.yaml` for each component. Names are `snake_case`; the API shows `compare_at_price` as
`compareAtPrice` and `in_stock` as `IN_STOCK`. Every mistake is reported, all at once, with its place; nothing is
written while there is one. Anchors, aliases, tags and merge keys are not part of the language.

With the line `# yaml-language-server: $schema=schema.json` at its top, a file is completed and checked by editors.

```yaml
# yaml-language-server: $schema=schema.json
type: product
description: Something that is sold.
title: name
fields:
  name:  { type: string, max: 200, required: true, search: A, sortable: true }
  slug:  { type: slug, from: name, unique: true, required: true }
  brand: { type: relation, to: brand, inverse: products }
  tags:  { type: relation, to: tag, many: true, on_delete: set_null, inverse: products }
  price: { type: money, min: 0, required: publish, filterable: true, sortable: true }
  body:  { type: blocks, of: [text, gallery] }
  variants:
    type: children
    fields:
      sku:   { type: string, unique: true, required: true }
      price: { type: money, min: 0 }
indexes:
  - { on: [brand, created_at desc] }
```
";

const CHANGES: &str = "\
## Changing what exists

Nothing is guessed: what is missing from the YAML without a word is an error when the migration is made.

| to | write | and after the migration |
|---|---|---|
| rename a field, a value, a component or a content type | `was: old_name` at the new one | remove `was` |
| remove a field with its values | `legacy: { drop: true }` | remove the field |
| announce that a field will go | `deprecated: { reason: Use title., since: 2026-01-31 }` | |
";

const ACCESS: &str = "\
## Access

`access:` says for each role what it may do with the entries of the type: a map of roles, each with a map of actions. A
rule is `true` or `all`, `false` or `none`, or a map that narrows it. What is not written is denied, also to `admin`; a
content type without `access:` is an error. Children are read and written with their entry.
`generated/ACCESS.md` shows all rules as tables.

```yaml
access:
  anonymous: { read: { fields: { except: [external_ref, variants.cost] } } }
  author:
    read: all
    read_drafts: { where: { created_by: $user } }
    create: { check: { status: draft }, set: { featured: false } }
    update: { where: { created_by: $user, status: { ne: published } }, fields: [title, body, cover] }
  editor: { read: all, read_drafts: all, create: all, update: all, publish: all, delete: all, read_history: all }
```

| part | of | meaning |
|---|---|---|
| `where` | all but `create` | Only entries for which this holds before the action. Others are not there for the role. |
| `check` | `create`, `update`, `import` | The write is refused unless this holds for the entry afterwards. |
| `fields` | all but `publish`, `delete` | The fields that are read, or written. The others cannot be asked for, filtered or sorted by. |
| `set` | `create`, `update`, `import` | Values that every write gives, whatever was asked for. |

### Conditions

A condition is a map of fields; all that stand in it must hold. Any field may stand there, whether it is `filterable` or
not, but for components, blocks, JSON, computed fields and relations to several types. Beside the fields of the type
there are `id`, `created_by`, `updated_by`, `created_at`, `updated_at`, `published_at`, and `status`, which is `draft`,
`published` or `changed`.

```yaml
where: { created_by: $user }                                # $user is the user who asks
where: { status: draft }                                    # a value is short for { eq: draft }
where: { stock_status: [in_stock, low_stock] }              # a list is short for { in: [...] }
where: { price: { gte: 10, lt: 100 } }                      # operators, all of which must hold
where: { brand: { manager: $user } }                        # the one pointed at: short for { is: {...} }
where: { tags: { name: Public } }                           # one of several: short for { some: {...} }
where: { variants: { none: { stock_status: in_stock } } }   # children, lists and inverses of relations
where: { or: [{ featured: true }, { not: { price: { lt: 10 } } }] }
```

| on | operators |
|---|---|
| a value | `eq`, `ne`, `in`, `not_in`, `is_null` |
| a number, amount, moment, length of time or text | these and `lt`, `lte`, `gt`, `gte` |
| text | these and `contains`, `starts_with` |
| a list of an enum | `has` (short: a value), `has_some` (short: a list), `has_every`, `is_empty` |
| a relation to one | `is` (short: a map), `is_not`, `is_null`; the id of an entry is short for `{ is: { id: ... } }` |
| a relation to several, an inverse, children | `some` (short: a map), `none`, `every` |

`$user` stands in `created_by`, `updated_by` and fields of type `user`. For an API token, which is no user, a condition on
it does not hold.

A condition on nothing is an error: `brand: null` is neither all entries nor none. `is_null: true` asks for those without a value.

### Fields

`fields: [name, price]` are those alone, `fields: { except: [cost] }` all others. Names are fields, relations among them, and for
reading also computed fields. `variants.sku` is a field of the children `variants`; `variants` alone stands for all of theirs.
`id`, `revision`, `status` and the other fields that every entry has can always be read. What other types show here by an
`inverse` is for their own rules to say.

### Writes

- An entry that fails `where`, or that the role may not read (as a draft; where it reads no drafts, as it is live), is answered as
  one that does not exist.
- After the write `check` must hold; an `update` without one must pass its `where` again. What is refused leaves nothing behind.
- A field that an input names must be among `fields`, the key of an upsert that makes an entry too. What `set` gives may be named
  only with the same value. Defaults and slugs that are made need no right.
- A nested entry that is made takes `create` on its type; one that is pointed at must be one that the role may read.
- With `publish: true` the entry must pass `publish` as it was saved, as if it were published next. Entries of types without
  drafts take no right to be published.
- An entry is named (`connect`, `key`) only by fields that the role may read, by the values that it reads there.
- Deleting takes what goes along by `on_delete` with it, whatever the rules of these say. Entries that stand in the way are listed
  as far as the role may read them, the others are counted.
- An import takes `import` beside `create` and `update`, and all their parts hold.
";

const OPERATIONS: &str = "\
`mutations` are declared as `queries` are. One is called by the `roles` that it names and by nobody else, `admin` among them; for
others the whole request is refused before anything of it is done (`UNAUTHENTICATED`, `FORBIDDEN`). Rows and fields of the entries
that it answers are under the rules of their types: of a query's as they are live, of a mutation's as drafts. SQL of the site's own
is under none.
";

/// The text of the file.
pub fn reference() -> String {
    let mut out = INTRODUCTION.to_owned();
    section(&mut out, "Content types", "`schema/<type>.yaml`", FileKind::Type.keys());
    section(&mut out, "Components", "`schema/components/<component>.yaml`", FileKind::Component.keys());
    field_types(&mut out);
    options(&mut out);
    out.push_str(ORDER);
    examples(&mut out);
    out.push_str("\n## Other parts of a content type\n");
    for key in ["computed", "indexes"] {
        nested(&mut out, key, FileKind::Type.keys());
    }
    out.push('\n');
    out.push_str(CHANGES);
    out.push('\n');
    out.push_str(ACCESS);
    let roles = Role::shipped();
    let roles = list(roles.iter().map(|role| role.name.snake()));
    let _ = writeln!(out, "\nRoles that every site has: {roles}. More are declared in `cms.yaml`.");
    nested(&mut out, "access", FileKind::Type.keys());
    site(&mut out);
    limits(&mut out);
    codes(&mut out);
    out
}

fn list<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words.map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

/// A pipe would end the cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn section(out: &mut String, title: &str, place: &str, keys: &[Key]) {
    let _ = writeln!(out, "\n## {title}\n\n{place}\n");
    table(out, keys);
}

fn table(out: &mut String, keys: &[Key]) {
    out.push_str("| key | | takes | meaning |\n|---|---|---|---|\n");
    for key in keys {
        let needed = if key.required { "required" } else { "" };
        let _ = writeln!(out, "| `{}` | {needed} | {} | {} |", key.name, takes(key.shape), cell(key.about));
    }
}

/// The records below a key, each with its own table.
fn nested(out: &mut String, name: &str, keys: &[Key]) {
    let key = keys.iter().find(|key| key.name == name);
    let key = key.unwrap_or_else(|| panic!("codegen bug: the language has no key `{name}`"));
    let _ = writeln!(out, "\n### `{name}`\n\n{}\n", key.about);
    let mut records = Vec::new();
    collect_records(key.shape, &mut records);
    for (index, keys) in records.iter().enumerate() {
        if index > 0 {
            out.push('\n');
        }
        table(out, keys);
    }
}

fn collect_records(shape: Shape, records: &mut Vec<&'static [Key]>) {
    match shape {
        Shape::Record(keys) if !records.iter().any(|seen| std::ptr::eq(*seen, keys)) => {
            records.push(keys);
            keys.iter().for_each(|key| collect_records(key.shape, records));
        }
        Shape::List(of) | Shape::Map(of) => collect_records(*of, records),
        Shape::Either(shapes) => shapes.iter().for_each(|of| collect_records(*of, records)),
        _ => {}
    }
}

/// What a key takes, for the table.
fn takes(shape: Shape) -> String {
    match shape {
        Shape::Name => "a name".to_owned(),
        Shape::Text => "text".to_owned(),
        Shape::Path => "the name of a field".to_owned(),
        Shape::Condition => "a condition".to_owned(),
        Shape::Bool => "`true` or `false`".to_owned(),
        Shape::Date => "a date".to_owned(),
        Shape::Limit { min, max, unit, .. } => format!("{min} to {max} {unit}"),
        Shape::Value => "a value".to_owned(),
        Shape::Any => "any value".to_owned(),
        Shape::Word(words) => list(words.iter().copied()),
        Shape::Either(shapes) => shapes.iter().map(|of| takes(*of)).collect::<Vec<_>>().join(", or "),
        Shape::List(of) => format!("a list of: {}", takes(*of)),
        Shape::Map(of) => format!("a map from names to: {}", takes(*of)),
        Shape::Record(keys) => format!("a map with {}", list(keys.iter().map(|key| key.name))),
        Shape::ScalarType => "a scalar field type".to_owned(),
        Shape::Fields(_) => "a map of fields".to_owned(),
    }
}

fn field_types(out: &mut String) {
    out.push_str("\n## Field types\n\n| `type:` | value | GraphQL | in YAML |\n|---|---|---|---|\n");
    for field_type in FieldType::all() {
        let (graphql, example) = match field_type {
            FieldType::Scalar(scalar) => {
                (format!("`{}`", scalar.mapping().graphql), format!("`{}`", scalar.mapping().example))
            }
            FieldType::Structure(_) => (String::new(), String::new()),
        };
        let _ = writeln!(out, "| `{}` | {} | {graphql} | {example} |", field_type.yaml(), cell(field_type.about()));
    }
}

fn options(out: &mut String) {
    out.push_str("\n## Options of fields\n\n| option | takes | meaning | field types |\n|---|---|---|---|\n");
    for option in OPTIONS {
        let taken: Vec<_> =
            FieldType::all().filter(|ty| option.taken_by(*ty, Place::Type)).map(FieldType::yaml).collect();
        let types = match taken.len() == FieldType::all().count() {
            true => "all".to_owned(),
            false => list(taken.into_iter()),
        };
        let key = &option.key;
        let _ = writeln!(out, "| `{}` | {} | {} | {types} |", key.name, takes(key.shape), cell(key.about));
    }
    for (place, what) in [(Place::Children, "children"), (Place::Component, "components")] {
        let missing = FieldType::all().filter(|ty| !ty.stands_in(place)).map(FieldType::yaml).collect::<Vec<_>>();
        let refused = OPTIONS.iter().filter(|option| {
            let taken = |place| FieldType::all().any(|ty| ty.stands_in(place) && option.taken_by(ty, place));
            !taken(place) && taken(Place::Type)
        });
        let refused = list(refused.map(|option| option.key.name));
        let _ = writeln!(
            out,
            "\nFields of {what} are not of type {}, and do not take {refused}.",
            list(missing.into_iter())
        );
    }
}

const ORDER: &str = "
### Order

Texts are sorted, and compared by `lt`, `lte`, `gt` and `gte`, as Unicode has it for all languages (the root of the CLDR), whatever
the locale of the database: `apple`, `Äpfel`, `Banana`. `collation:` names a language, for the site or for a field, whose dictionaries
have another order. Texts that are the same but for case and accents stand together, and what is the same in all keys is told apart
by its id, so that pages have every entry once.

The order is that of ICU. Where PostgreSQL was built without it, `typecase doctor` says so, and texts are in the order of
their small letters without accents, by the numbers of their characters, for each language alike.
";

fn examples(out: &mut String) {
    out.push_str(
        "\n### Relations\n\n```yaml\nbrand:   { type: relation, to: brand, on_delete: restrict, inverse: products }\n\
         tags:    { type: relation, to: tag, many: true, on_delete: set_null, inverse: products }\n\
         parent:  { type: relation, to: self, inverse: children }\n\
         about:   { type: relation, to: [product, post], many: true }\n\
         image:   { type: media }\n```\n\n\
         What a live entry points at and is not live reads as null, or is left out of a list. In a component a relation \
         points at one content type and has neither inverse nor foreign key.\n\n\
         ### Enums\n\n```yaml\nsize:  { type: enum, values: [small, large], default: small }\n\
         state:\n  type: enum\n  values:\n    open: Can be bought.\n    closed: { description: Cannot be bought., was: shut }\n```\n\n\
         An order by an enum is that in which its values are declared, wherever one is added and whatever it is renamed to.\n\n\
         ### Blocks\n\n```yaml\nbody: { type: blocks, of: [text, gallery] }\n```\n\n\
         In one query a name of the answer has one type, so blocks that have a field of one name and another type, or one that is \
         null for one of them and never for the other, cannot be asked for together: the generator warns (`S504`). Give both the \
         same `required` (`publish` is checked too, and leaves the API a null), or ask for one of them under another name:\n\n\
         ```graphql\n{ products { nodes { body { ... on Text { heading } ... on Gallery { galleryHeading: heading } } } } }\n```\n\n\
         The same holds for the types that a relation to one of several points at.\n\n\
         ### Money\n\nAn order by money is that of its currency, by the letters of the code, and then of the amount: a thousand yen are neither \
         more nor less than ten euros. \
         Defaults and bounds are written in major units: `12.50`, `12.50 EUR`, or `{ amount: 12.50, currency: EUR }`. \
         Without a currency a default is in that of the site; bounds are written without one and hold in any.\n",
    );
}

fn site(out: &mut String) {
    section(out, "The site", "`schema/cms.yaml`", FileKind::Site.keys());
    for key in ["site", "roles", "queries"] {
        nested(out, key, FileKind::Site.keys());
    }
    out.push('\n');
    out.push_str(OPERATIONS);
}

fn limits(out: &mut String) {
    out.push_str(
        "\n## Limits of a request\n\nUnder `site: limits:`. A request beyond one is refused before it is executed.\n\n",
    );
    out.push_str("| limit | meaning | unit | from | to | default |\n|---|---|---|---|---|---|\n");
    for key in LIMITS {
        if let Shape::Limit { min, max, default, unit } = key.shape {
            let _ = writeln!(out, "| `{}` | {} | {unit} | {min} | {max} | {default} |", key.name, key.about);
        }
    }
}

fn codes(out: &mut String) {
    out.push_str("\n## Diagnostics\n\nCodes keep their meaning. `S5` are warnings.\n\n| code | meaning |\n|---|---|\n");
    for code in Code::ALL {
        let _ = writeln!(out, "| {code} | {} |", cell(code.about()));
    }
}
