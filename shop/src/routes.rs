//! Routes of the site's own, beside the API.

use std::sync::Arc;

use runtime::axum::extract::State;
use runtime::axum::routing::get;
use runtime::http::App;
use runtime::prelude::*;
use runtime::server::Routes;

const PAGE: &str = "query($after: String) {
    products(first: 100, after: $after, orderBy: [{field: CREATED_AT}]) {
        nodes { slug }
        pageInfo { hasNextPage endCursor }
    }
}";

pub fn routes() -> Routes {
    Routes::new().route("/sitemap.txt", get(sitemap))
}

/// The path of each product that is live, one a line.
async fn sitemap(State(app): State<Arc<App>>) -> Result<String> {
    let mut lines = String::new();
    let mut after = Json::Null;
    loop {
        let data = app.api.query(PAGE, runtime::serde_json::json!({ "after": after })).await?;
        let products = &data["products"];
        for slug in products["nodes"].as_array().into_iter().flatten().filter_map(|node| node["slug"].as_str()) {
            lines.push_str(&format!("/products/{slug}\n"));
        }
        if products["pageInfo"]["hasNextPage"] != true {
            return Ok(lines);
        }
        after = products["pageInfo"]["endCursor"].clone();
    }
}
