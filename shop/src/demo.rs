//! The small catalogue that `typecase demo` loads, in the order of its references. Types are named here, so that a renamed or removed type
//! does not compile.

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
