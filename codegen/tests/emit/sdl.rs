//! The API of a small hand-made schema: every shape of field once.

use codegen::emit::sdl::{Document, Kind, document, reader};
use codegen::schema::{
    Argument, Children, Component, Computed, ContentType, Deprecated, Enum, EnumValue, Field, FieldKind, Inverse,
    Limits, Literal, Name, OnDelete, Operation, Relation, Required, Returns, Rules, Scalar, Schema, Site,
};

#[test]
fn every_shape_of_field_is_in_the_api() {
    let text = document(&shop()).to_string();
    for expected in [
        "type Product implements Node {",
        "  name: String!\n",
        "  price: Money @deprecated(reason: \"Use `offers`. It may be removed after 2030-01-01.\")",
        "  brand: Brand\n",
        "  tagsConnection(",
        "  related(",
        "): [ProductRelated!]!",
        "union ProductRelated = Product | Brand",
        "  body: [ProductBodyBlock!]!",
        "union ProductBodyBlock = Seo",
        "  seo: Seo\n",
        "  colors: [ProductColors!]!",
        "): [ProductVariant!]!",
        "  onSale: Boolean\n",
        "type ProductVariant implements Node {\n",
        "  productBySlug(",
        "  upsertProducts(",
        "input ProductKey @oneOf {",
        "  variants: ProductVariantsInput\n",
        "input ProductBodyBlockInput @oneOf {",
        "input ProductRelatedKey @oneOf {",
        "  brand: BrandReferenceInput\n",
        "  tags: BrandReferencesInput\n",
        "  brand: BrandRelationFilter\n",
        "  products: ProductListFilter\n",
        "input ProductColorsListFilter {",
        "  BEFORE_ALL_OTHERS\n",
        "): [Product!]!",
        "    first: Int = 10\n",
    ] {
        assert!(text.contains(expected), "`{expected}` is missing in\n{text}");
    }
}

#[test]
fn required_fields_with_a_default_may_be_left_out_of_a_new_entry() {
    let document = document(&shop());
    assert_eq!(ty(&document, "ProductCreateInput", "name"), "String!");
    assert_eq!(ty(&document, "ProductCreateInput", "slug"), "String");
    assert_eq!(ty(&document, "ProductUpdateInput", "name"), "String");
    assert_eq!(ty(&document, "ProductVariantInput", "sku"), "String!");
    assert_eq!(ty(&document, "ProductVariantPatch", "sku"), "String");
}

#[test]
fn only_types_with_drafts_are_published() {
    let text = document(&shop()).to_string();
    assert!(text.contains("  unpublishProduct("));
    assert!(!text.contains("  publishBrand("), "{text}");
}

#[test]
fn what_nobody_uses_is_left_out_and_all_that_is_used_is_there() {
    let document = document(&shop());
    let names = document.by_name();
    assert!(!names.contains_key("DurationFilter"));
    assert!(!names.contains_key("Duration"));
    assert_eq!(names.len(), document.definitions.len(), "a name is defined twice");
    let builtin = ["Int", "Float", "String", "Boolean", "ID"];
    for definition in &document.definitions {
        let members = definition.members.iter().flat_map(|member| std::iter::once(member).chain(&member.args));
        for member in members.filter(|member| !member.ty.is_empty()) {
            let used = member.ty.trim_matches(['[', ']', '!']);
            assert!(builtin.contains(&used) || names.contains_key(used), "{}.{}", definition.name, member.name);
            assert!(!member.description.is_empty(), "{}.{} is not described", definition.name, member.name);
        }
    }
}

#[test]
fn what_is_written_can_be_read_back() {
    let mut written = document(&shop());
    let read = reader::read(&written.to_string()).expect("our own SDL");
    for definition in &mut written.definitions {
        definition.description.clear();
        definition.directive = definition.directive.split('(').next().unwrap_or_default().to_owned();
        for member in &mut definition.members {
            member.description.clear();
            member.deprecated = None;
            member.args.iter_mut().for_each(|arg| arg.description.clear());
        }
    }
    assert_eq!(read, written);
    assert_eq!(reader::read("<<<<<<< ours"), None);
}

fn ty(document: &Document, definition: &str, member: &str) -> String {
    let definition = document.by_name()[definition];
    assert_ne!(definition.kind, Kind::Scalar);
    definition.members.iter().find(|found| found.name == member).map(|found| found.ty.clone()).unwrap_or_default()
}

fn shop() -> Schema {
    let slug = |from| FieldKind::Scalar { scalar: Scalar::Slug, slug_from: Some(Name::new(from)), json_schema: None };
    let unique = |field: Field| Field { unique: Some(Vec::new()), ..field };
    let required = |field: Field| Field { required: Required::Save, ..field };
    let deprecated = Deprecated { reason: "Use `offers`.".to_owned(), since: Some("2030-01-01".to_owned()) };
    let variant = Children {
        name: Name::new("product_variant"),
        fields: vec![required(unique(field("sku", scalar(Scalar::String)))), field("price", scalar(Scalar::Money))],
        dropped: Vec::new(),
    };
    let product = ContentType {
        fields: vec![
            Field { filterable: true, sortable: true, ..required(field("name", scalar(Scalar::String))) },
            required(unique(field("slug", slug("name")))),
            Field { deprecated: Some(deprecated), ..field("price", scalar(Scalar::Money)) },
            field("stock_status", choice("ProductStockStatus", false)),
            Field { filterable: true, ..field("colors", choice("ProductColors", true)) },
            field("brand", relation(&["brand"], false)),
            field("tags", relation(&["brand"], true)),
            field("related", relation(&["product", "brand"], true)),
            field("seo", FieldKind::Component { component: Name::new("seo"), many: false }),
            field("body", FieldKind::Blocks { of: vec![Name::new("seo")] }),
            field("variants", FieldKind::Children(Box::new(variant))),
        ],
        computed: vec![Computed {
            name: Name::new("on_sale"),
            description: String::new(),
            scalar: Scalar::Boolean,
            required: false,
            with: Vec::new(),
            args: Vec::new(),
            depends_on: None,
        }],
        ..content_type("product", "products")
    };
    let inverse = Inverse {
        name: Name::new("products"),
        source: Name::new("product"),
        field: Name::new("brand"),
        many: false,
        polymorphic: false,
    };
    let brand = ContentType { drafts: false, inverses: vec![inverse], ..content_type("brand", "brands") };
    Schema {
        site: site(),
        roles: Vec::new(),
        types: vec![brand, product],
        components: vec![Component {
            name: Name::new("seo"),
            was: None,
            description: "What search engines show.".to_owned(),
            fields: vec![field("title", scalar(Scalar::String)), field("image", relation(&["brand"], false))],
            dropped: Vec::new(),
        }],
        queries: vec![best_of()],
        mutations: Vec::new(),
    }
}

fn best_of() -> Operation {
    let argument = Argument {
        name: Name::new("first"),
        description: String::new(),
        scalar: Scalar::Integer,
        many: false,
        required: false,
        default: Some(Literal(10.into())),
    };
    Operation {
        name: Name::new("best_of"),
        description: String::new(),
        args: vec![argument],
        returns: Returns::Content { of: Name::new("product"), many: true },
        roles: Vec::new(),
        depends_on: None,
    }
}

fn content_type(name: &str, plural: &str) -> ContentType {
    ContentType {
        name: Name::new(name),
        plural: Name::new(plural),
        was: None,
        description: format!("Some {plural}"),
        title: None,
        drafts: true,
        retention: codegen::schema::Retention::default(),
        search: None,
        preview_url: None,
        path: Vec::new(),
        fields: Vec::new(),
        computed: Vec::new(),
        inverses: Vec::new(),
        indexes: Vec::new(),
        dropped: Vec::new(),
        rules: Vec::new(),
        stages: Vec::new(),
    }
}

fn field(name: &str, kind: FieldKind) -> Field {
    Field {
        name: Name::new(name),
        was: None,
        description: String::new(),
        kind,
        required: Required::No,
        default: None,
        unique: None,
        indexed: false,
        filterable: false,
        sortable: false,
        collation: "und".to_owned(),
        localized: false,
        deprecated: None,
        rules: Rules::default(),
    }
}

fn scalar(scalar: Scalar) -> FieldKind {
    FieldKind::Scalar { scalar, slug_from: None, json_schema: None }
}

fn choice(type_name: &str, many: bool) -> FieldKind {
    let value = EnumValue { name: Name::new("before_all_others"), was: None, description: String::new() };
    FieldKind::Enum { choice: Enum { type_name: type_name.to_owned(), values: vec![value] }, many }
}

fn relation(to: &[&str], many: bool) -> FieldKind {
    let to = to.iter().copied().map(Name::new).collect();
    FieldKind::Relation(Relation { to, many, on_delete: OnDelete::Restrict, inverse: None })
}

fn site() -> Site {
    Site {
        name: "Shop".to_owned(),
        currency: "EUR".to_owned(),
        currencies: vec!["EUR".to_owned()],
        locales: vec!["en".to_owned()],
        collation: "und".to_owned(),
        limits: Limits { depth: 10, cost: 1000, aliases: 30, batch: 5, page: 100, list: 500, body: 1024 },
    }
}
