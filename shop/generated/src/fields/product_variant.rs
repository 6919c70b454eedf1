//! The fields of `ProductVariant`.
//!
//! Written by `cargo xtask generate` from schema/product.yaml; do not edit.

use crate::content::{Media, ProductVariant, ProductVariantStockStatus};
use runtime::field;
use runtime::prelude::*;

pub const SKU: field::Scalar<ProductVariant, String> = field::Scalar::new("sku"); // Stock keeping unit.
pub const NAME: field::Scalar<ProductVariant, String> = field::Scalar::new("name"); // Name in addition to that of the product, such as `Large, red`.
pub const OPTIONS: field::Whole<ProductVariant, Json> = field::Whole::new("options"); // The value of each option, such as `{"size":"L"}`.
pub const PRICE: field::Scalar<ProductVariant, Money> = field::Scalar::new("price"); // Price, if it differs from that of the product.
pub const COMPARE_AT_PRICE: field::Scalar<ProductVariant, Money> = field::Scalar::new("compareAtPrice"); // Former price.
pub const COST: field::Scalar<ProductVariant, Money> = field::Scalar::new("cost"); // Purchase price of one unit.
pub const STOCK_STATUS: field::Scalar<ProductVariant, ProductVariantStockStatus> = field::Scalar::new("stockStatus"); // Availability, as last reported by the shop's stock system.
pub const GTIN: field::Scalar<ProductVariant, String> = field::Scalar::new("gtin"); // Global trade item number (EAN, UPC) of 8, 12, 13 or 14 digits.
pub const WEIGHT: field::Scalar<ProductVariant, i32> = field::Scalar::new("weight"); // Weight in grams.
pub const IMAGE: field::Link<ProductVariant, Media> = field::Link::new("image"); // Picture of this variant.
