//! Computed fields. Each is computed for many entries at once, so that its own reads take one statement.

use generated::content::{Product, ProductComputed};
use runtime::prelude::*;

use crate::Site;

impl ProductComputed for Site {
    async fn on_sale(&self, products: &[Product], _: &ReadCx<'_>) -> Result<Vec<bool>> {
        Ok(products.iter().map(is_on_sale).collect())
    }
}

fn is_on_sale(product: &Product) -> bool {
    let price = product.price.as_ref();
    let reduced_variant = |variant: &generated::content::ProductVariant| {
        is_reduced(variant.price.as_ref().or(price), variant.compare_at_price.as_ref())
    };
    is_reduced(price, product.compare_at_price.as_ref()) || product.variants.iter().any(reduced_variant)
}

pub fn is_reduced(price: Option<&Money>, before: Option<&Money>) -> bool {
    match (price, before) {
        (Some(price), Some(before)) => price.currency == before.currency && price.amount_minor < before.amount_minor,
        _ => false,
    }
}
