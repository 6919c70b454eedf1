//! The small catalogue that `typecase demo` loads, in the order in which its parts point at each other. Types are named, so that one
//! that is renamed or gone does not compile here.

use generated::content::{AUTHOR, BRAND, CATEGORY, MEDIA, POST, PRODUCT, SERVICE, TAG};
use runtime::content::ContentInfo;

pub static CONTENT: &[(&ContentInfo, &str)] = &[
    (&MEDIA, include_str!("../demo/media.ndjson")),
    (&BRAND, include_str!("../demo/brand.ndjson")),
    (&CATEGORY, include_str!("../demo/category.ndjson")),
    (&TAG, include_str!("../demo/tag.ndjson")),
    (&AUTHOR, include_str!("../demo/author.ndjson")),
    (&PRODUCT, include_str!("../demo/product.ndjson")),
    (&SERVICE, include_str!("../demo/service.ndjson")),
    (&POST, include_str!("../demo/post.ndjson")),
];
