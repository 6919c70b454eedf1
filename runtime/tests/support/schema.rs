//! The shop used by tests: every scalar, every kind of relation, components, blocks and children.

use runtime::content::{
    BlocksInfo, ComponentInfo, ContentInfo, EnumInfo, FieldInfo, InverseInfo, Limits, OnDelete, SchemaInfo, Shape,
    SiteInfo,
};
use runtime::kind::Kind;

pub static SHOP: SchemaInfo = SchemaInfo {
    site: SiteInfo {
        name: "Test shop",
        currency: "EUR",
        currencies: &["EUR", "USD", "JPY"],
        limits: Limits { depth: 14, cost: 50_000, aliases: 50, batch: 10, page: 100, list: 1000, body: 1024 },
    },
    types: &[&BRAND, &CATEGORY, &MEDIA, &POST, &PRODUCT, &TAG],
    components: &[&GALLERY, &HOURS, &SEO, &TEXT],
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

const fn slug() -> FieldInfo {
    FieldInfo::new("slug", "slug", Shape::Scalar(Kind::Slug)).required().unique(&[]).filterable().sortable()
}

const fn name() -> FieldInfo {
    FieldInfo::new("name", "name", Shape::Scalar(Kind::String)).required().max("60").filterable().sortable()
}

pub static BRAND: ContentInfo = ContentInfo {
    name: "Brand",
    table: "brand",
    former: &[],
    plural: "brands",
    drafts: true,
    counted: false,
    retention: runtime::content::Retention::DEFAULT,
    search: None,
    owner: None,
    path: &[],
    unique: &[],
    fields: &[
        name(),
        slug().from("name"),
        FieldInfo::new("parent", "parent", Shape::one(&[&BRAND], "Brand", OnDelete::Restrict, &["parent_id"])),
    ],
    inverses: &[InverseInfo { name: "products", source: &PRODUCT, field: "brand" }],
    computed: &[],
    constraints: &[("brand_slug_key", "slug"), ("brand_parent_id_fkey", "parent")],
};

pub static CATEGORY: ContentInfo = ContentInfo {
    name: "Category",
    table: "category",
    former: &[],
    plural: "categories",
    drafts: true,
    counted: false,
    retention: runtime::content::Retention::DEFAULT,
    search: None,
    owner: None,
    path: &[],
    unique: &[],
    fields: &[
        name(),
        slug().from("name"),
        FieldInfo::new("parent", "parent", Shape::one(&[&CATEGORY], "Category", OnDelete::Cascade, &["parent_id"])),
    ],
    inverses: &[
        InverseInfo { name: "children", source: &CATEGORY, field: "parent" },
        InverseInfo { name: "products", source: &PRODUCT, field: "categories" },
    ],
    computed: &[],
    constraints: &[("category_slug_key", "slug"), ("category_parent_id_fkey", "parent")],
};

/// A type without drafts: it is live once saved.
pub static TAG: ContentInfo = ContentInfo {
    name: "Tag",
    table: "tag",
    former: &[],
    plural: "tags",
    drafts: false,
    counted: false,
    retention: runtime::content::Retention::DEFAULT,
    search: None,
    owner: None,
    path: &[],
    unique: &[],
    fields: &[name(), slug().from("name")],
    inverses: &[InverseInfo { name: "products", source: &PRODUCT, field: "tags" }],
    computed: &[],
    constraints: &[("tag_slug_key", "slug")],
};

pub static MEDIA: ContentInfo = ContentInfo {
    name: "Media",
    table: "media",
    former: &[],
    plural: "media",
    drafts: false,
    counted: false,
    retention: runtime::content::Retention::DEFAULT,
    search: None,
    owner: None,
    path: &[],
    unique: &[],
    fields: &[
        FieldInfo::new("url", "url", Shape::Scalar(Kind::Url)).required().unique(&[]),
        FieldInfo::new("alt", "alt", Shape::Scalar(Kind::String)),
    ],
    inverses: &[],
    computed: &[],
    constraints: &[("media_url_key", "url")],
};

pub static POST: ContentInfo = ContentInfo {
    name: "Post",
    table: "post",
    former: &[],
    plural: "posts",
    drafts: true,
    counted: false,
    retention: runtime::content::Retention::DEFAULT,
    search: None,
    owner: None,
    path: &[],
    unique: &[],
    fields: &[
        FieldInfo::new("title", "title", Shape::Scalar(Kind::String)).required().filterable().sortable(),
        FieldInfo::new("product", "product", Shape::one(&[&PRODUCT], "Product", OnDelete::SetNull, &["product_id"])),
        FieldInfo::new(
            "about",
            "about",
            Shape::one(&[&BRAND, &PRODUCT], "PostAbout", OnDelete::Restrict, &["about_brand_id", "about_product_id"]),
        ),
        FieldInfo::new("rank", "rank", Shape::Scalar(Kind::Integer)).unique(&["product"]),
    ],
    inverses: &[],
    computed: &[],
    constraints: &[
        ("post_product_id_fkey", "product"),
        ("post_about_brand_id_fkey", "about"),
        ("post_about_product_id_fkey", "about"),
        ("post_rank_product_id_key", "rank"),
    ],
};

static STOCK_STATUS: EnumInfo = EnumInfo {
    name: "ProductStockStatus",
    values: &[("in_stock", "IN_STOCK"), ("low", "LOW"), ("out_of_stock", "OUT_OF_STOCK")],
};
static COLORS: EnumInfo =
    EnumInfo { name: "ProductColors", values: &[("red", "RED"), ("dark_green", "DARK_GREEN"), ("blue", "BLUE")] };
static BODY: BlocksInfo = BlocksInfo { name: "ProductBodyBlock", of: &[&TEXT, &GALLERY] };

pub static PRODUCT: ContentInfo = ContentInfo {
    name: "Product",
    table: "product",
    former: &[],
    plural: "products",
    drafts: true,
    counted: false,
    retention: runtime::content::Retention::DEFAULT,
    search: None,
    owner: None,
    path: &[],
    unique: &[&["name", "released_on"]],
    fields: &[
        name().max("200"),
        slug().from("name"),
        FieldInfo::new("sku", "sku", Shape::Scalar(Kind::String)).unique(&[]).pattern("[A-Z0-9-]+").filterable(),
        FieldInfo::new("summary", "summary", Shape::Scalar(Kind::Text)).min("3"),
        FieldInfo::new("description", "description", Shape::Scalar(Kind::Markdown)),
        FieldInfo::new("price", "price", Shape::Scalar(Kind::Money))
            .required_to_publish()
            .min("0")
            .filterable()
            .sortable(),
        FieldInfo::new("stock", "stock", Shape::Scalar(Kind::Integer))
            .default("0")
            .min("0")
            .max("1000")
            .filterable()
            .sortable(),
        FieldInfo::new("views", "views", Shape::Scalar(Kind::Bigint)).filterable(),
        FieldInfo::new("weight", "weight", Shape::Scalar(Kind::Decimal)).max("99.5").filterable().sortable(),
        FieldInfo::new("featured", "featured", Shape::Scalar(Kind::Boolean)).default("false").filterable(),
        FieldInfo::new("releasedOn", "released_on", Shape::Scalar(Kind::Date))
            .min("2000-01-01")
            .filterable()
            .sortable(),
        FieldInfo::new("opensAt", "opens_at", Shape::Scalar(Kind::Time)),
        FieldInfo::new("seenAt", "seen_at", Shape::Scalar(Kind::Datetime)).filterable().sortable(),
        FieldInfo::new("assembly", "assembly", Shape::Scalar(Kind::Duration)).max("PT8H"),
        FieldInfo::new("contact", "contact", Shape::Scalar(Kind::Email)),
        FieldInfo::new("homepage", "homepage", Shape::Scalar(Kind::Url)),
        FieldInfo::new("accent", "accent", Shape::Scalar(Kind::Color)),
        FieldInfo::new("attributes", "attributes", Shape::Scalar(Kind::Json))
            .schema(r#"{"type":"object","properties":{"power":{"type":"integer"}}}"#),
        FieldInfo::new("stockStatus", "stock_status", Shape::Enum(&STOCK_STATUS))
            .required()
            .default(r#""IN_STOCK""#)
            .filterable(),
        FieldInfo::new("colors", "colors", Shape::Enums(&COLORS)).max("2").filterable(),
        FieldInfo::new("brand", "brand", Shape::one(&[&BRAND], "Brand", OnDelete::Restrict, &["brand_id"])),
        FieldInfo::new(
            "categories",
            "categories",
            Shape::many(&[&CATEGORY], "Category", OnDelete::Cascade, "product_categories", &["target_id"]),
        ),
        FieldInfo::new("tags", "tags", Shape::many(&[&TAG], "Tag", OnDelete::SetNull, "product_tags", &["target_id"])),
        FieldInfo::new(
            "related",
            "related",
            Shape::many(
                &[&PRODUCT, &POST],
                "ProductRelated",
                OnDelete::SetNull,
                "product_related",
                &["product_id", "post_id"],
            ),
        ),
        FieldInfo::new("seo", "seo", Shape::Component(&SEO)),
        FieldInfo::new("openingHours", "opening_hours", Shape::Components(&HOURS)),
        FieldInfo::new("body", "body", Shape::Blocks(&BODY)),
        FieldInfo::new("variants", "variants", Shape::Children(&PRODUCT_VARIANT)),
    ],
    inverses: &[InverseInfo { name: "posts", source: &POST, field: "product" }],
    computed: &[],
    constraints: &[
        // Constraints that tests create to try ones that the schema does not declare.
        ("product_stock_check", "stock"),
        ("product_name_stock_key", "name"),
        ("product_summary_idx", "summary"),
        ("product_slug_key", "slug"),
        ("product_sku_key", "sku"),
        ("product_stock_status_check", "stock_status"),
        ("product_colors_check", "colors"),
        ("product_brand_id_fkey", "brand"),
        ("product_name_released_on_key", "name"),
    ],
};

pub static PRODUCT_VARIANT: ContentInfo = ContentInfo {
    name: "ProductVariant",
    table: "product_variant",
    former: &[],
    plural: "variants",
    drafts: true,
    counted: false,
    retention: runtime::content::Retention::DEFAULT,
    search: None,
    owner: Some(&PRODUCT),
    path: &[],
    unique: &[],
    fields: &[
        FieldInfo::new("sku", "sku", Shape::Scalar(Kind::String)).required().unique(&[]).filterable().sortable(),
        FieldInfo::new("price", "price", Shape::Scalar(Kind::Money)).required_to_publish().filterable().sortable(),
        FieldInfo::new("options", "options", Shape::Scalar(Kind::Json)),
        FieldInfo::new("supplier", "supplier", Shape::one(&[&BRAND], "Brand", OnDelete::SetNull, &["supplier_id"])),
        FieldInfo::new(
            "images",
            "images",
            Shape::many(&[&MEDIA], "Media", OnDelete::Restrict, "product_variant_images", &["target_id"]),
        ),
    ],
    inverses: &[],
    computed: &[],
    constraints: &[("product_variant_sku_key", "sku"), ("product_variant_supplier_id_fkey", "supplier")],
};

pub static SEO: ComponentInfo = ComponentInfo {
    name: "Seo",
    tag: "seo",
    fields: &[
        FieldInfo::new("title", "title", Shape::Scalar(Kind::String)).required().max("20"),
        FieldInfo::new("noIndex", "no_index", Shape::Scalar(Kind::Boolean)).default("false"),
        FieldInfo::new("image", "image", Shape::one(&[&MEDIA], "Media", OnDelete::Restrict, &["image_id"])),
    ],
};

pub static HOURS: ComponentInfo = ComponentInfo {
    name: "OpeningHours",
    tag: "opening_hours",
    fields: &[
        FieldInfo::new("day", "day", Shape::Scalar(Kind::String)).required(),
        FieldInfo::new("opens", "opens", Shape::Scalar(Kind::Time)),
        FieldInfo::new("fee", "fee", Shape::Scalar(Kind::Money)),
    ],
};

pub static TEXT: ComponentInfo = ComponentInfo {
    name: "Text",
    tag: "text",
    fields: &[FieldInfo::new("body", "body", Shape::Scalar(Kind::Markdown)).required()],
};

pub static GALLERY: ComponentInfo = ComponentInfo {
    name: "Gallery",
    tag: "gallery",
    fields: &[
        FieldInfo::new("images", "images", Shape::many(&[&MEDIA], "Media", OnDelete::Restrict, "", &[])),
        FieldInfo::new("seo", "seo", Shape::Component(&SEO)),
    ],
};
