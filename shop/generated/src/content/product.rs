//! `Product`: Something that is sold, in one or several variants.
//!
//! Written by `cargo xtask generate` from schema/product.yaml; do not edit.

use crate::component::{
    CALL_TO_ACTION, CallToAction, FAQ, Faq, GALLERY, Gallery, PRODUCT_OPTION, ProductOption, SEO, Seo, TEXT, Text,
};
use crate::content::{BRAND, Brand, CATEGORY, Category, MEDIA, Media, POST, SERVICE, TAG, Tag};
use runtime::prelude::*;

/// Something that is sold, in one or several variants.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Product {
    pub id: Id<Self>,
    pub revision: i64, // Counts the changes.
    pub status: EntryStatus, // Where the entry stands between draft and published.
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub published_at: Option<Timestamp>, // When it was last published.
    pub first_published_at: Option<Timestamp>,
    pub created_by: Option<Id<User>>,
    pub updated_by: Option<Id<User>>,
    pub published_by: Option<Id<User>>, // Who last published it.
    pub name: String, // Name as customers see it.
    pub slug: String, // URL slug of the product.
    pub summary: Option<String>, // A sentence or two for lists and search results.
    pub description: Option<String>, // The full description.
    pub brand: Option<Id<Brand>>, // The manufacturer.
    pub categories: ToMany<Id<Category>>, // Categories, the main one first.
    pub tags: ToMany<Id<Tag>>, // Topics it belongs to.
    pub price: Option<Money>, // List price, or the lowest price of the variants.
    pub compare_at_price: Option<Money>, // Former price; shown struck through when it is higher than the price.
    pub tax_included: Option<bool>, // Whether the prices include tax.
    pub stock_status: ProductStockStatus, // Availability, as last reported by the shop's stock system.
    pub images: ToMany<Id<Media>>, // Pictures, the main one first.
    pub options: Vec<ProductOption>, // Options in which the variants differ, such as size and colour.
    pub attributes: Option<Json>, // Further properties by name, such as material or care.
    pub body: Vec<ProductBodyBlock>, // Sections of the product's page.
    pub related: ToMany<Id<Product>>, // Products shown beside this one.
    pub seo: Option<Seo>, // Metadata for search engines and social networks.
    pub external_ref: Option<String>, // Key of the product in the system that it comes from.
    pub variants: ToMany<ProductVariant>, // Variants that can be bought, each with its own stock keeping unit (SKU).
}

runtime::entry!(Product, PRODUCT, [
    name, slug, summary, description, brand, categories, tags, price, compare_at_price, tax_included, stock_status,
    images, options, attributes, body, related, seo, external_ref, variants,
]);

pub static PRODUCT: ContentInfo = ContentInfo {
    name: "Product", table: "product", former: &[], plural: "products", drafts: true, counted: true, retention: Retention::DEFAULT, owner: None, path: &[PathPart::Text("products"), PathPart::Slug("slug")], search: Some(&SearchInfo { language: "english", texts: &[SearchText { path: &["name"], weight: Some(SearchWeight::A), exact: false }, SearchText { path: &["summary"], weight: Some(SearchWeight::B), exact: false }, SearchText { path: &["description"], weight: Some(SearchWeight::C), exact: false }, SearchText { path: &["body"], weight: Some(SearchWeight::D), exact: false }, SearchText { path: &["brand", "name"], weight: Some(SearchWeight::B), exact: false }, SearchText { path: &["categories", "name"], weight: Some(SearchWeight::B), exact: false }, SearchText { path: &["tags", "name"], weight: Some(SearchWeight::C), exact: false }, SearchText { path: &["variants", "name"], weight: Some(SearchWeight::C), exact: false }, SearchText { path: &["slug"], weight: None, exact: true }, SearchText { path: &["external_ref"], weight: None, exact: true }, SearchText { path: &["variants", "sku"], weight: None, exact: true }, SearchText { path: &["variants", "gtin"], weight: None, exact: true }], synonyms: &[&["tee", "t-shirt"], &["trousers", "pants"], &["trainers", "sneakers"], &["jumper", "sweater"], &["sofa", "couch"], &["backpack", "rucksack"], &["notebook", "writing pad"]], stop_words: &["buy", "cheap"], boosts: &[("stock_status", "in_stock", 1.2), ("stock_status", "out_of_stock", 0.7), ("stock_status", "discontinued", 0.4)], recency: None, facets_type: "ProductFacets", facets: &[FacetInfo { field: "brand", type_name: "BrandFacet" }, FacetInfo { field: "categories", type_name: "CategoryFacet" }, FacetInfo { field: "tags", type_name: "TagFacet" }, FacetInfo { field: "price", type_name: "" }, FacetInfo { field: "stock_status", type_name: "FacetValue" }, FacetInfo { field: "images", type_name: "MediaFacet" }, FacetInfo { field: "related", type_name: "ProductFacet" }] }), unique: &[],
    fields: &[
        FieldInfo::new("name", "name", Shape::Scalar(Kind::String)).required().filterable().sortable().max("200"),
        FieldInfo::new("slug", "slug", Shape::Scalar(Kind::Slug)).required().unique(&[]).filterable().from("name"),
        FieldInfo::new("summary", "summary", Shape::Scalar(Kind::Text)).max("500"),
        FieldInfo::new("description", "description", Shape::Scalar(Kind::Markdown)),
        FieldInfo::new("brand", "brand", Shape::one(&[&BRAND], "Brand", OnDelete::Restrict, &["brand_id"])),
        FieldInfo::new("categories", "categories", Shape::many(&[&CATEGORY], "Category", OnDelete::Restrict, "product_categories", &["target_id"]).listed(&["product_categories"])),
        FieldInfo::new("tags", "tags", Shape::many(&[&TAG], "Tag", OnDelete::SetNull, "product_tags", &["target_id"]).listed(&["product_tags"])),
        FieldInfo::new("price", "price", Shape::Scalar(Kind::Money)).required_to_publish().filterable().sortable().min("0"),
        FieldInfo::new("compareAtPrice", "compare_at_price", Shape::Scalar(Kind::Money)).min("0"),
        FieldInfo::new("taxIncluded", "tax_included", Shape::Scalar(Kind::Boolean)).default("true"),
        FieldInfo::new("stockStatus", "stock_status", Shape::Enum(&PRODUCT_STOCK_STATUS)).required().default(r#""IN_STOCK""#).filterable(),
        FieldInfo::new("images", "images", Shape::many(&[&MEDIA], "Media", OnDelete::Restrict, "product_images", &["target_id"])),
        FieldInfo::new("options", "options", Shape::Components(&PRODUCT_OPTION)).max("3"),
        FieldInfo::new("attributes", "attributes", Shape::Scalar(Kind::Json)).schema(r#"{"type":"object"}"#),
        FieldInfo::new("body", "body", Shape::Blocks(&PRODUCT_BODY_BLOCK)),
        FieldInfo::new("related", "related", Shape::many(&[&PRODUCT], "Product", OnDelete::SetNull, "product_related", &["target_id"])),
        FieldInfo::new("seo", "seo", Shape::Component(&SEO)),
        FieldInfo::new("externalRef", "external_ref", Shape::Scalar(Kind::String)).unique(&[]).max("250"),
        FieldInfo::new("variants", "variants", Shape::Children(&PRODUCT_VARIANT)),
    ],
    inverses: &[
        InverseInfo { name: "mentionedIn", source: &POST, field: "about" },
        InverseInfo { name: "relatedTo", source: &PRODUCT, field: "related" },
        InverseInfo { name: "services", source: &SERVICE, field: "products" },
    ],
    computed: &[
        ComputedInfo { name: "onSale", kind: Kind::Boolean, with: &["variants"], args: &[], depends_on: Some(&[]) },
    ],
    constraints: &[
        ("product_name__sort", "name"), ("product_slug_key", "slug"), ("product_brand_id_idx", "brand"),
        ("product_price__sort", "price"), ("product_stock_status_idx", "stock_status"),
        ("product_external_ref_key", "external_ref"), ("product_brand_id_created_at_idx", "brand"),
        ("product_price_check", "price"), ("product_compare_at_price_check", "compare_at_price"),
        ("product_stock_status_check", "stock_status"), ("product_brand_id_fkey", "brand"),
    ],
};

/// Computed fields of `Product`, which the site implements: a value for each entry, in their order.
pub trait ProductComputed: Send + Sync + 'static {
    /// Whether the product or a variant is reduced in price.
    fn on_sale(&self, products: &[Product], cx: &ReadCx<'_>) -> impl Future<Output = Result<Vec<bool>>> + Send;
}

runtime::choice! {
    /// Availability, as last reported by the shop's stock system.
    pub enum ProductStockStatus {
        InStock = "in_stock", LowStock = "low_stock", OutOfStock = "out_of_stock", Preorder = "preorder",
        Backorder = "backorder", Discontinued = "discontinued",
    }
}

pub static PRODUCT_STOCK_STATUS: EnumInfo = EnumInfo { name: "ProductStockStatus", values: &[
    ("in_stock", "IN_STOCK"), ("low_stock", "LOW_STOCK"), ("out_of_stock", "OUT_OF_STOCK"), ("preorder", "PREORDER"),
    ("backorder", "BACKORDER"), ("discontinued", "DISCONTINUED"),
] };

runtime::blocks! {
    /// One block of `Product.body`.
    pub enum ProductBodyBlock { CallToAction = "call_to_action", Faq = "faq", Gallery = "gallery", Text = "text" }
}

pub static PRODUCT_BODY_BLOCK: BlocksInfo = BlocksInfo { name: "ProductBodyBlock", of: &[
    &TEXT, &GALLERY, &FAQ, &CALL_TO_ACTION,
] };

/// Variants that can be bought, each with its own stock keeping unit (SKU).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProductVariant {
    pub id: Id<Self>,
    pub sku: String, // Stock keeping unit.
    pub name: Option<String>, // Name in addition to that of the product, such as `Large, red`.
    pub options: Option<Json>, // The value of each option, such as `{"size":"L"}`.
    pub price: Option<Money>, // Price, if it differs from that of the product.
    pub compare_at_price: Option<Money>, // Former price.
    pub cost: Option<Money>, // Purchase price of one unit.
    pub stock_status: ProductVariantStockStatus, // Availability, as last reported by the shop's stock system.
    pub gtin: Option<String>, // Global trade item number (EAN, UPC) of 8, 12, 13 or 14 digits.
    pub weight: Option<i32>, // Weight in grams.
    pub image: Option<Id<Media>>, // Picture of this variant.
}

runtime::children!(ProductVariant, PRODUCT_VARIANT, [
    sku, name, options, price, compare_at_price, cost, stock_status, gtin, weight, image,
]);

pub static PRODUCT_VARIANT: ContentInfo = ContentInfo {
    name: "ProductVariant", table: "product_variant", former: &[], plural: "variants", drafts: true, counted: false, retention: Retention::DEFAULT, owner: Some(&PRODUCT), path: &[], search: None, unique: &[],
    fields: &[
        FieldInfo::new("sku", "sku", Shape::Scalar(Kind::String)).required().unique(&[]).filterable().max("64"),
        FieldInfo::new("name", "name", Shape::Scalar(Kind::String)).max("200"),
        FieldInfo::new("options", "options", Shape::Scalar(Kind::Json)).schema(r#"{"type":"object","additionalProperties":{"type":"string"}}"#),
        FieldInfo::new("price", "price", Shape::Scalar(Kind::Money)).filterable().sortable().min("0"),
        FieldInfo::new("compareAtPrice", "compare_at_price", Shape::Scalar(Kind::Money)).min("0"),
        FieldInfo::new("cost", "cost", Shape::Scalar(Kind::Money)).min("0"),
        FieldInfo::new("stockStatus", "stock_status", Shape::Enum(&PRODUCT_VARIANT_STOCK_STATUS)).required().default(r#""IN_STOCK""#).filterable(),
        FieldInfo::new("gtin", "gtin", Shape::Scalar(Kind::String)).pattern("[0-9]{8}|[0-9]{12,14}"),
        FieldInfo::new("weight", "weight", Shape::Scalar(Kind::Integer)).min("0"),
        FieldInfo::new("image", "image", Shape::one(&[&MEDIA], "Media", OnDelete::Restrict, &["image_id"])),
    ],
    inverses: &[],
    computed: &[],
    constraints: &[
        ("product_variant_sku_key", "sku"), ("product_variant_price__sort", "price"),
        ("product_variant_stock_status_idx", "stock_status"), ("product_variant_image_id_idx", "image"),
        ("product_variant_price_check", "price"), ("product_variant_compare_at_price_check", "compare_at_price"),
        ("product_variant_cost_check", "cost"), ("product_variant_stock_status_check", "stock_status"),
        ("product_variant_weight_check", "weight"), ("product_variant_image_id_fkey", "image"),
    ],
};

runtime::choice! {
    /// Availability, as last reported by the shop's stock system.
    pub enum ProductVariantStockStatus {
        InStock = "in_stock", LowStock = "low_stock", OutOfStock = "out_of_stock", Preorder = "preorder",
        Backorder = "backorder", Discontinued = "discontinued",
    }
}

pub static PRODUCT_VARIANT_STOCK_STATUS: EnumInfo = EnumInfo { name: "ProductVariantStockStatus", values: &[
    ("in_stock", "IN_STOCK"), ("low_stock", "LOW_STOCK"), ("out_of_stock", "OUT_OF_STOCK"), ("preorder", "PREORDER"),
    ("backorder", "BACKORDER"), ("discontinued", "DISCONTINUED"),
] };
