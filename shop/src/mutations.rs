//! The site's own mutations, each in one transaction.

use generated::content::{Product, ProductStockStatus, ProductVariant, ProductVariantStockStatus};
use generated::fields::product;
use generated::operations::Mutations;
use runtime::prelude::*;

use crate::Site;

impl Mutations for Site {
    async fn sell_out(&self, product: String, cx: &mut Cx<'_>) -> Result<Option<Id<Product>>> {
        let Some(id) = cx.find().filter(product::SLUG.is(product.as_str())).ids().await?.pop() else { return Ok(None) };
        let Some(product) = cx.get_for_update::<Product>(id).await? else { return Ok(None) };
        let variants = product
            .variants
            .iter()
            .cloned()
            .map(|variant| ProductVariant { stock_status: ProductVariantStockStatus::OutOfStock, ..variant });
        let values = [
            product::STOCK_STATUS.set(ProductStockStatus::OutOfStock),
            product::VARIANTS.set(variants.collect::<Vec<_>>()),
        ];
        let changed = cx.update(&product, values).await?;
        if product.status == EntryStatus::Published {
            cx.publish(&changed).await?;
        }
        Ok(Some(id))
    }
}
