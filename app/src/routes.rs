//! The site's own routes, beside the API.

use std::sync::Arc;

use generated::content::Product;
use generated::fields::product;
use runtime::axum::extract::State;
use runtime::axum::routing::get;
use runtime::http::App;
use runtime::prelude::*;
use runtime::server::Routes;

pub fn routes() -> Routes {
    Routes::new().route("/sitemap.txt", get(sitemap))
}

/// The paths of all published products, one per line.
async fn sitemap(State(app): State<Arc<App>>) -> Result<String> {
    let visitors = app.api.visitors();
    let mut lines = String::new();
    let mut after = None;
    loop {
        let products = visitors.at(Stage::Live).find::<Product>().order_by(product::CREATED_AT.asc());
        let page = products.first(500).after(after).bare().page().await?;
        for product in page.entries {
            lines.push_str(&format!("/products/{}\n", product.slug));
        }
        after = page.next;
        if after.is_none() {
            return Ok(lines);
        }
    }
}
