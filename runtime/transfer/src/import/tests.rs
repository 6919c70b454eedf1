//! Tests of mappings without a database: what a record becomes, and the errors of a wrong mapping.

mod expressions;
mod unread;

use serde_json::{Value as Json, json};

use crate::import::apply::{Applied, Item, Mapper};
use crate::import::compile::compile;
use model::content::*;
use model::kind::Kind;

static MEDIA: ContentInfo =
    content("Media", "media", &[FieldInfo::new("url", "url", Shape::Scalar(Kind::Url)).required().unique(&[])]);
static CATEGORY: ContentInfo = content(
    "Category",
    "category",
    &[
        FieldInfo::new("name", "name", Shape::Scalar(Kind::String)).required(),
        FieldInfo::new("slug", "slug", Shape::Scalar(Kind::Slug)).required().unique(&[]).from("name"),
        FieldInfo::new("parent", "parent", Shape::One(to(&[&CATEGORY]))),
    ],
);
static TEXT: ComponentInfo = ComponentInfo {
    name: "Text",
    tag: "text",
    fields: &[FieldInfo::new("body", "body", Shape::Scalar(Kind::Markdown)).required()],
};
static BODY: BlocksInfo = BlocksInfo { name: "ProductBodyBlock", of: &[&TEXT] };
static STOCK: EnumInfo =
    EnumInfo { name: "ProductStock", values: &[("in_stock", "IN_STOCK"), ("out_of_stock", "OUT_OF_STOCK")] };
static VARIANT: ContentInfo = content(
    "ProductVariant",
    "product_variant",
    &[
        FieldInfo::new("sku", "sku", Shape::Scalar(Kind::String)).required().unique(&[]),
        FieldInfo::new("options", "options", Shape::Scalar(Kind::Json)),
        FieldInfo::new("price", "price", Shape::Scalar(Kind::Money)),
        FieldInfo::new("stock", "stock", Shape::Enum(&STOCK)),
        FieldInfo::new("weight", "weight", Shape::Scalar(Kind::Integer)),
        FieldInfo::new("image", "image", Shape::One(to(&[&MEDIA]))),
    ],
);
static PRODUCT: ContentInfo = content(
    "Product",
    "product",
    &[
        FieldInfo::new("name", "name", Shape::Scalar(Kind::String)).required(),
        FieldInfo::new("slug", "slug", Shape::Scalar(Kind::Slug)).required().unique(&[]).from("name"),
        FieldInfo::new("description", "description", Shape::Scalar(Kind::Markdown)),
        FieldInfo::new("price", "price", Shape::Scalar(Kind::Money)),
        FieldInfo::new("onSale", "on_sale", Shape::Scalar(Kind::Boolean)),
        FieldInfo::new("soldFrom", "sold_from", Shape::Scalar(Kind::Date)),
        FieldInfo::new("categories", "categories", Shape::Many(to(&[&CATEGORY]))),
        FieldInfo::new("related", "related", Shape::Many(to(&[&PRODUCT]))),
        FieldInfo::new("about", "about", Shape::Many(to(&[&PRODUCT, &CATEGORY]))),
        FieldInfo::new("body", "body", Shape::Blocks(&BODY)),
        FieldInfo::new("variants", "variants", Shape::Children(&VARIANT)),
    ],
);
static SCHEMA: SchemaInfo = SchemaInfo {
    site: SiteInfo {
        name: "Test",
        currency: "EUR",
        currencies: &["EUR", "USD"],
        limits: Limits { depth: 1, cost: 1, aliases: 1, batch: 1, page: 1, list: 1, body: 1 },
    },
    types: &[&CATEGORY, &MEDIA, &PRODUCT],
    components: &[&TEXT],
    roles: &[],
    access: &[],
    reviews: &[],
    preview_urls: &[],
    resolvers: &[],
    queries: &[],
    mutations: &[],
    sdl: "",
    migrations: &[],
    catalog: "",
};

const fn content(name: &'static str, table: &'static str, fields: &'static [FieldInfo]) -> ContentInfo {
    let (plural, drafts, retention, owner) = (table, true, model::content::Retention::DEFAULT, None);
    let (former, unique, inverses, computed, constraints) = (&[], &[], &[], &[], &[]);
    ContentInfo {
        name,
        table,
        former,
        plural,
        drafts,
        counted: false,
        retention,
        search: None,
        path: &[],
        owner,
        unique,
        fields,
        inverses,
        computed,
        constraints,
    }
}

const fn to(to: &'static [&'static ContentInfo]) -> RelationInfo {
    RelationInfo { to, type_name: "", on_delete: OnDelete::Restrict, join: "", columns: &[], listings: &[] }
}

fn mapper(fields: &str) -> Mapper {
    let text = format!("fields:\n  name: name\n  slug: slug\n{fields}");
    let mapping = compile(&text, &PRODUCT, &SCHEMA);
    let mapping = mapping.unwrap_or_else(|faults| panic!("{faults:?}"));
    Mapper::new(mapping, &SCHEMA.site)
}

fn item(fields: &str, record: &Json) -> Item {
    let mut whole = json!({"name": "Lamp", "slug": "lamp"});
    for (key, value) in record.as_object().unwrap() {
        whole[key] = value.clone();
    }
    match mapper(fields).apply(1, &whole) {
        Applied::Item(item) => *item,
        Applied::Rejected(problems) => panic!("{problems:?}"),
        Applied::Skipped => panic!("skipped"),
    }
}

/// Checks the value of one field that is mapped in addition to name and slug.
#[track_caller]
fn gives(field: &str, record: Json, expected: Json) {
    let data = item(field, &record).data;
    assert_eq!(data.values().nth(2).cloned().unwrap_or(Json::Null), expected);
}

#[track_caller]
fn rejects(field: &str, record: Json, expected: &str) {
    let mut whole = json!({"name": "Lamp", "slug": "lamp"});
    for (key, value) in record.as_object().unwrap() {
        whole[key] = value.clone();
    }
    let Applied::Rejected(problems) = mapper(field).apply(1, &whole) else { panic!("{whole} is taken") };
    let shown: Vec<_> = problems
        .iter()
        .map(|problem| format!("{} {}", serde_json::to_string(&problem.path).unwrap(), problem.message))
        .collect();
    assert!(shown.join("\n").contains(expected), "{shown:?}");
}

#[track_caller]
fn refuses(text: &str, expected: &str) {
    let faults = compile(text, &PRODUCT, &SCHEMA).err().unwrap_or_default();
    let shown: Vec<_> = faults.iter().map(ToString::to_string).collect();
    assert!(shown.join("\n").contains(expected), "{shown:#?}");
}

#[test]
fn values_take_the_form_of_their_field() {
    gives("  price: price", json!({"price": "1,234.50"}), json!({"amountMinor": "123450", "currency": "EUR"}));
    gives("  price: price", json!({"price": 52}), json!({"amountMinor": "5200", "currency": "EUR"}));
    gives(
        "  price: prices | selectattr('currency', 'eq', 'USD') | map(attribute='amount') | money('USD')",
        json!({"prices": [{"currency": "PLN", "amount": "40.000"}, {"currency": "USD", "amount": "10.000"}]}),
        json!({"amountMinor": "1000", "currency": "USD"}),
    );
    gives(
        "  price: cents | money(cur, minor=true)",
        json!({"cents": 1999, "cur": "usd"}),
        json!({"amountMinor": "1999", "currency": "USD"}),
    );
    gives("  on_sale: sale", json!({"sale": "Yes"}), json!(true));
    gives("  sold_from: created", json!({"created": "2022-05-12T22:07:58.327Z"}), json!("2022-05-12"));
    gives("  sold_from: d | date('%d.%m.%Y')", json!({"d": "31.01.2026"}), json!("2026-01-31"));
    gives("  description: html | markdown", json!({"html": "<p>a <b>b</b></p>"}), json!("a **b**"));
}

#[test]
fn filters_work_in_the_order_in_which_they_are_written() {
    let record = json!({"a": "Wool, Cotton ,, Silk", "b": " x "});
    gives("  description: a | split(',') | join(' + ') | upper", record.clone(), json!("WOOL + COTTON + SILK"));
    gives("  description: a | upper | split(',') | first", record.clone(), json!("WOOL"));
    gives("  description: b | trim | prefix('<') | suffix('>')", record.clone(), json!("<x>"));
    gives("  description: b", record.clone(), json!(" x "));
    gives("  description: a | replace(',', '$')", record.clone(), json!("Wool$ Cotton $$ Silk"));
    gives("  description: a | regex_replace('[, ]+', '-') | truncate(8)", record.clone(), json!("Wool-Cot"));
    gives("  description: missing or (b | trim)", record.clone(), json!("x"));
    gives("  description: missing | default('none')", record.clone(), json!("none"));
    gives("  description: (b | trim) ~ '/{' ~ loop.index ~ '}'", record.clone(), json!("x/{1}"));
    gives("  description: (missing | suffix('-x')) or b | trim", record.clone(), json!("x"));
    gives("  on_sale: \"b | trim | choose({'x': true})\"", record.clone(), json!(true));
    gives("  on_sale: \"b | choose({'y': true}, false)\"", record.clone(), json!(false));
    gives("  on_sale: \"b | choose({'y': true}, none)\"", record, Json::Null);
}

#[test]
fn numbers_are_counted_with() {
    let weight = |number: &str| format!("  variants: {{ each: item, fields: {{ sku: name, weight: {number} }} }}");
    let gives_weight = |number: &str, record: Json, expected: Json| {
        let data = item(&weight(number), &record).data;
        assert_eq!(data["variants"]["set"][0]["weight"], expected);
    };
    gives_weight("kg | number(times=1000)", json!({"kg": "0,35"}), json!(350));
    gives_weight("'lb | number(times=453.59237, round=0)'", json!({"lb": 1}), json!(454));
    gives_weight("all | highest", json!({"all": ["7", 12, "3"]}), json!(12));
    gives_weight("all | sum", json!({"all": ["7", null, "3"]}), json!(10));
    gives("  price: all | lowest", json!({"all": ["40.50", "9.99"]}), json!({"amountMinor": "999", "currency": "EUR"}));
}

#[test]
fn what_is_no_number_and_no_line_is_rejected() {
    let weight = |value: &str| format!("  variants: {{ each: item, fields: {{ sku: name, weight: {value} }} }}");
    for text in ["1_000", "1\n000", "..7", "７", "1e3"] {
        rejects(&weight("kg"), json!({"kg": text}), "weight");
        rejects(&weight("kg | number"), json!({"kg": text}), "must be a number such as");
        rejects("  price: p", json!({"p": text}), "price");
        rejects("  price: p | money", json!({"p": text}), "must be an amount of money");
        rejects("  price: all | sum", json!({"all": [text, "1"]}), "price");
    }
    let mapping = format!("fields:\n  name: name\n  slug: slug\n{}", weight("kg | number(times='1_000')"));
    refuses(&mapping, "`times` must be a number");
    for text in ["5", " 5 ", "+5", "5.", "005"] {
        let data = item(&weight("kg"), &json!({"kg": text})).data;
        assert_eq!(data["variants"]["set"][0]["weight"], json!(5), "{text:?}");
        gives("  price: p", json!({"p": text}), json!({"amountMinor": "500", "currency": "EUR"}));
    }
    // A line end is trimmed around a text, and refused within it.
    for end in ["\n", "\r\n", "\u{b}", "\u{c}", "\u{85}", "\u{2028}", "\u{2029}"] {
        assert_eq!(item("", &json!({"name": format!("{end}Lamp{end}")})).data["name"], json!("Lamp"));
        rejects("", json!({"name": format!("La{end}mp")}), "must be one line of text");
    }
}

#[test]
fn relations_are_connected_or_created_by_their_natural_key() {
    gives("  categories: cats", json!({"cats": ["Hats & Caps", "hats-caps"]}), json!({"set": [{"slug": "hats-caps"}]}));
    gives(
        "  categories: { value: cats | split('|'), lookup: { create: true } }",
        json!({"cats": "Hats|New Hats"}),
        json!({"set": [], "create": [{"slug": "hats", "name": "Hats"}, {"slug": "new-hats", "name": "New Hats"}]}),
    );
    gives(
        "  categories: { value: cats, lookup: { create: true, tree: true } }",
        json!({"cats": ["Men/Tops", "Women / Tops"]}),
        json!({"set": [], "create": [
            {"slug": "men-tops", "name": "Tops", "parent": {"create": {"slug": "men", "name": "Men"}}},
            {"slug": "women-tops", "name": "Tops", "parent": {"create": {"slug": "women", "name": "Women"}}},
        ]}),
    );
    gives(
        "  categories: { value: cats, lookup: { key: id, create: true, fields: { name: title } } }",
        json!({"cats": [{"id": "C 1", "title": "One"}]}),
        json!({"set": [], "create": [{"slug": "c-1", "name": "One"}]}),
    );
    gives("  categories: cats", json!({"cats": []}), json!({"set": []}));
    gives("  categories: cats", json!({}), Json::Null);
    gives("  categories: { value: cats, when_missing: clear }", json!({}), json!({"set": []}));
    gives(
        "  about: [{ value: p, lookup: { to: product } }, { value: c, lookup: { to: category } }]",
        json!({"p": ["a"], "c": "b"}),
        json!({"set": [{"product": {"slug": "a"}}, {"category": {"slug": "b"}}]}),
    );
    let item = item("  related: { value: r, lookup: { later: true, missing: skip } }", &json!({"r": ["x"]}));
    assert_eq!(item.later, *json!({"related": {"set": [{"slug": "x"}]}}).as_object().unwrap());
    assert_eq!((item.data.len(), item.optional), (2, vec!["related"]));
}

#[test]
fn children_and_blocks_have_mappings_of_their_own() {
    let variants = "  variants:
    each: variants
    where: hidden | string != '1'
    fields:
      sku: sku or record.slug ~ '-' ~ loop.index
      options: options
      price: price | money(parent.currency)
      stock: \"stock | choose({'0': 'out_of_stock'}, 'In Stock')\"
      weight: weight
      image: { value: \"images[0].path | prefix('/')\", lookup: { create: true } }
";
    let record = json!({"currency": "USD", "variants": [
        {"sku": "A", "options": {"size": "L"}, "price": "52", "stock": 0, "weight": "1", "images": [{"path": "a.jpg"}]},
        {"sku": "hidden", "hidden": true}, {"sku": "hidden", "hidden": 1},
        {"sku": " ", "stock": 4},
    ]});
    gives(
        variants,
        record,
        json!({"set": [
            {"sku": "A", "options": {"size": "L"}, "price": {"amountMinor": "5200", "currency": "USD"}, "stock": "OUT_OF_STOCK",
             "weight": 1, "image": {"create": {"url": "/a.jpg"}}},
            {"sku": "hidden"},
            {"sku": "lamp-4", "stock": "IN_STOCK"},
        ]}),
    );
    gives(
        "  body: [{ block: text, where: html, fields: { body: html } }, { block: text, each: more, fields: { body: item } }]",
        json!({"more": ["a", "b"]}),
        json!([{"text": {"body": "a"}}, {"text": {"body": "b"}}]),
    );
}

#[test]
fn what_cannot_be_mapped_is_rejected_with_its_place_and_reason() {
    rejects("  price: price", json!({"price": "free"}), r#"["price"] must be"#);
    rejects("  price: price | money", json!({"price": "9.999"}), "(from `price | money`)");
    rejects("  categories: cats", json!({"cats": [{"x": 1}]}), r#"["categories",0]"#);
    rejects(
        "  variants: { each: v, fields: { sku: sku } }",
        json!({"v": [{"sku": "A"}, {}]}),
        r#"["variants",1,"sku"] is missing"#,
    );
    rejects("  on_sale: \"x | choose({'a': true})\"", json!({"x": "b"}), "not in the table");
    rejects("  sold_from: x", json!({"x": ["2026-01-01", "2026-01-02"]}), "the source gives 2");
    rejects(
        "  description: { value: missing, when_missing: error }",
        json!({}),
        r#"["description"] is missing: `missing` gives nothing"#,
    );
    rejects("", json!({"name": "  "}), r#"["name"] is missing"#);
}

#[test]
fn a_key_that_comes_twice_is_rejected_unless_it_is_numbered() {
    let record = json!({"name": "Ball", "slug": "ball"});
    let mut plain = mapper("");
    assert!(matches!(plain.apply(1, &record), Applied::Item(_)));
    let Applied::Rejected(problems) = plain.apply(9, &record) else { panic!("taken twice") };
    assert!(problems[0].message.contains("line 1"), "{problems:?}");

    let text = "fields: { name: name, slug: { value: slug, numbered: true } }";
    let mut numbered = Mapper::new(compile(text, &PRODUCT, &SCHEMA).unwrap(), &SCHEMA.site);
    let slugs: Vec<Json> = [&record, &json!({"name": "x", "slug": "ball-2"}), &record, &record]
        .into_iter()
        .enumerate()
        .map(|(line, record)| match numbered.apply(line as u64, record) {
            Applied::Item(item) => item.key["slug"].clone(),
            _ => panic!("rejected"),
        })
        .collect();
    assert_eq!(slugs, [json!("ball"), json!("ball-2"), json!("ball-3"), json!("ball-4")]);
}

#[test]
fn records_that_the_mapping_leaves_out_are_skipped() {
    let text = "where: active in ['1', 'yes']\nfields: { name: name, slug: name }";
    let mut mapper = Mapper::new(compile(text, &PRODUCT, &SCHEMA).unwrap(), &SCHEMA.site);
    assert!(matches!(mapper.apply(1, &json!({"name": "a", "active": "1"})), Applied::Item(_)));
    assert!(matches!(mapper.apply(2, &json!({"name": "b", "active": "0"})), Applied::Skipped));
    assert!(matches!(mapper.apply(3, &json!({"name": "c"})), Applied::Skipped));
}

#[test]
fn a_wrong_mapping_is_refused_with_line_column_and_help() {
    let base = "fields:\n  name: name\n  slug: slug\n";
    refuses(
        &format!("{base}  prize: price\n"),
        "4:3: unknown field of Product: `prize`\n  help: did you mean `price`?",
    );
    refuses(
        &format!("{base}  price: price | mony('USD')\n"),
        "4:18: unknown filter `mony`\n  help: did you mean `money`?",
    );
    refuses(&format!("{base}  price: 'price | mony'\n"), "4:19: unknown filter `mony`");
    refuses(&format!("{base}  price: {{ valu: price }}\n"), "4:12: unknown key `valu`\n  help: did you mean `value`?");
    refuses(&format!("{base}  price: price |\n"), "4:");
    // If the file does not contain the text verbatim, the error is at its beginning.
    refuses(&format!("{base}  price: \"a\\t| mony\"\n"), "4:10: unknown filter `mony`");
    refuses(&format!("{base}  price: >-\n    a\n    | mony\n"), "unknown filter `mony`");
    refuses(&format!("{base}  price: Variant Price\n"), "item[\"Variant Price\"]");
    refuses(&format!("{base}  price: Body (HTML)\n"), "unknown function `Body`\n  help: a key with blanks");
    refuses(&format!("{base}  price: a.strip()\n"), "values have no methods");
    refuses(&format!("{base}  price: a is positive\n"), "4:15: unknown test `positive`");
    refuses(&format!("{base}  price: a | map('mony') | select('matchin', '^a') | first\n"), "did you mean `matching`?");
    refuses(&format!("{base}  price: a | map('mony') | select('matchin', '^a') | first\n"), "did you mean `money`?");
    refuses(&format!("{base}  price: a | select('matching', '(') | first\n"), "not a regular expression");
    refuses(&format!("{base}  price: a | slug(1)\n"), "4:10: too many arguments");
    refuses(&format!("{base}  price: a | money('EUR', decimals=',')\n"), "unknown keyword argument 'decimals'");
    refuses(&format!("{base}  price: a | money('EUR', decimal=';')\n"), "`decimal` must be");
    refuses(&format!("{base}  price: []\n"), "expected an expression, not a list");
    refuses(&format!("{base}  price: a | money('GBP')\n"), "4:20: `GBP` is not a currency of the site");
    refuses(&format!("{base}  price: {{ when_missing: clear }}\n"), "the source of the value is missing");
    refuses(
        &format!("{base}  categories: {{ value: a, lookup: {{ by: name }} }}\n"),
        "unknown unique field of Category: `name`",
    );
    refuses(&format!("{base}  about: a\n"), "one of several types");
    refuses(
        &format!("{base}  variants: {{ each: v, fields: {{ options: o }} }}\n"),
        "`sku` of ProductVariant is required and not mapped",
    );
    refuses(&format!("{base}  body: {{ block: txt, fields: {{ body: b }} }}\n"), "did you mean `text`?");
    refuses(&format!("{base}  sold_from: {{ value: a, when_missing: ignore }}\n"), "unknown choice `ignore`");
    refuses("fields: { slug: slug }", "`name` of Product is required and not mapped");
    refuses("fields: { name: name }", "map one of its unique fields: slug");
    refuses("type: post\nfields: { name: name, slug: slug }", "for `post`, not for `product`");
    refuses("key: name\nfields: { name: name, slug: slug }", "`name` is not a unique field");
    refuses("fields: [", "this is not YAML");
    refuses("", "a map of type, key, trim, where, group_by, publish, fields");
}
