//! The fields of `Product`.
//!
//! Written by `cargo xtask generate` from schema/product.yaml; do not edit.

use crate::component::{ProductOption, Seo};
use crate::content::{Brand, Category, Media, Product, ProductBodyBlock, ProductStockStatus, ProductVariant, Tag};
use runtime::field;
use runtime::prelude::*;

pub const NAME: field::Scalar<Product, String> = field::Scalar::new("name"); // Name as customers see it.
pub const SLUG: field::Scalar<Product, String> = field::Scalar::new("slug"); // URL slug of the product.
pub const SUMMARY: field::Scalar<Product, String> = field::Scalar::new("summary"); // A sentence or two for lists and search results.
pub const DESCRIPTION: field::Scalar<Product, String> = field::Scalar::new("description"); // The full description.
pub const BRAND: field::Link<Product, Brand> = field::Link::new("brand"); // The manufacturer.
pub const CATEGORIES: field::Links<Product, Category> = field::Links::new("categories"); // Categories, the main one first.
pub const TAGS: field::Links<Product, Tag> = field::Links::new("tags"); // Topics it belongs to.
pub const PRICE: field::Scalar<Product, Money> = field::Scalar::new("price"); // List price, or the lowest price of the variants.
pub const COMPARE_AT_PRICE: field::Scalar<Product, Money> = field::Scalar::new("compareAtPrice"); // Former price; shown struck through when it is higher than the price.
pub const TAX_INCLUDED: field::Scalar<Product, bool> = field::Scalar::new("taxIncluded"); // Whether the prices include tax.
pub const STOCK_STATUS: field::Scalar<Product, ProductStockStatus> = field::Scalar::new("stockStatus"); // Availability, as last reported by the shop's stock system.
pub const IMAGES: field::Links<Product, Media> = field::Links::new("images"); // Pictures, the main one first.
pub const OPTIONS: field::Whole<Product, Vec<ProductOption>> = field::Whole::new("options"); // Options in which the variants differ, such as size and colour.
pub const ATTRIBUTES: field::Whole<Product, Json> = field::Whole::new("attributes"); // Further properties by name, such as material or care.
pub const BODY: field::Whole<Product, Vec<ProductBodyBlock>> = field::Whole::new("body"); // Sections of the product's page.
pub const RELATED: field::Links<Product, Product> = field::Links::new("related"); // Products shown beside this one.
pub const SEO: field::Whole<Product, Seo> = field::Whole::new("seo"); // Metadata for search engines and social networks.
pub const EXTERNAL_REF: field::Scalar<Product, String> = field::Scalar::new("externalRef"); // Key of the product in the system that it comes from.
pub const VARIANTS: field::Rows<Product, ProductVariant> = field::Rows::new("variants"); // Variants that can be bought, each with its own stock keeping unit (SKU).
pub const CREATED_AT: field::Kept<Product, Timestamp> = field::Kept::new("createdAt");
pub const UPDATED_AT: field::Kept<Product, Timestamp> = field::Kept::new("updatedAt");
pub const PUBLISHED_AT: field::Kept<Product, Timestamp> = field::Kept::new("publishedAt");
pub const FIRST_PUBLISHED_AT: field::Kept<Product, Timestamp> = field::Kept::new("firstPublishedAt");
pub const CREATED_BY: field::Kept<Product, Id<User>> = field::Kept::new("createdBy");
pub const UPDATED_BY: field::Kept<Product, Id<User>> = field::Kept::new("updatedBy");
pub const PUBLISHED_BY: field::Kept<Product, Id<User>> = field::Kept::new("publishedBy");
pub const ID: field::Kept<Product, Id<Product>> = field::Kept::new("id");
