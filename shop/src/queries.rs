//! The site's own queries, for what the API's filters and orders cannot express.

use generated::content::Product;
use generated::fields::{category, product};
use generated::operations::Queries;
use runtime::prelude::*;

use crate::Site;
use crate::computed::is_reduced;

/// The most products whose former price is checked.
const LOOKED_AT: usize = 200;

impl Queries for Site {
    async fn best_of(&self, category: String, first: i32, cx: &ReadCx<'_>) -> Result<Vec<Id<Product>>> {
        let first = usize::try_from(first.clamp(0, 100)).unwrap_or_default();
        let shelved = || cx.find().filter(product::CATEGORIES.some(category::SLUG.is(category.as_str())));
        let before = shelved().filter(product::COMPARE_AT_PRICE.is_not_null()).first(LOOKED_AT).bare().all().await?;
        let reduced = |product: &&Product| is_reduced(product.price.as_ref(), product.compare_at_price.as_ref());
        let mut best: Vec<_> = before.iter().filter(reduced).map(|product| product.id).take(first).collect();
        let newest = shelved().first(first + best.len()).ids().await?;
        best.extend(newest.into_iter().filter(|id| !best.contains(id)).collect::<Vec<_>>());
        best.truncate(first);
        Ok(best)
    }
}
