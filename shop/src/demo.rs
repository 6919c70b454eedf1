//! The small catalogue that `typecase demo` loads, in the order in which its parts point at each other.

pub const CONTENT: &[(&str, &str)] = &[
    ("media", include_str!("../demo/media.ndjson")),
    ("brand", include_str!("../demo/brand.ndjson")),
    ("category", include_str!("../demo/category.ndjson")),
    ("tag", include_str!("../demo/tag.ndjson")),
    ("author", include_str!("../demo/author.ndjson")),
    ("product", include_str!("../demo/product.ndjson")),
    ("service", include_str!("../demo/service.ndjson")),
    ("post", include_str!("../demo/post.ndjson")),
];
