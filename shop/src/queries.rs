//! The site's own queries: what filters and orders of the API do not say, in SQL.

use generated::content::Product;
use generated::operations::Queries;
use runtime::prelude::*;

use crate::Site;

/// `{stage}` is the copy of the content that the request reads: a draft cannot be found by who may not see it.
const BEST_OF: &str = "
    select product.id
    from {stage}.product
    join {stage}.product_categories shelf on shelf.owner_id = product.id
    join {stage}.category on category.id = shelf.target_id
    where category.slug = $1::text
    order by (compare_at_price > price and compare_at_price_currency = price_currency) is true desc, product.id desc
    limit $2::bigint";

impl Queries for Site {
    async fn best_of(&self, category: String, first: i32, cx: &ReadCx<'_>) -> Result<Vec<Id<Product>>> {
        let first = i64::from(first.clamp(0, 100));
        cx.ids(BEST_OF, &[Value::Text(category), Value::Int(first)]).await
    }
}
