//! What an index is made with: a field for each text of a type, and an analyzer for its language.
//!
//! Texts come split into words as PostgreSQL's parser splits them, in small letters and without accents (`search.sent`); the analyzer adds
//! the stems. Stop words stay in the index, where phrases find them, and are taken from questions.

use std::fmt::Write as _;

use serde_json::{Map, Value as Json, json};
use sha2::{Digest as _, Sha256};

use model::content::{ContentInfo, SearchText};
use store::search::document;

/// The languages that Snowball's algorithms are for, here and in PostgreSQL.
const SNOWBALL: [(&str, &str); 20] = [
    ("armenian", "Armenian"),
    ("basque", "Basque"),
    ("catalan", "Catalan"),
    ("danish", "Danish"),
    ("dutch", "Dutch"),
    ("english", "English"),
    ("finnish", "Finnish"),
    ("french", "French"),
    ("german", "German"),
    ("hungarian", "Hungarian"),
    ("irish", "Irish"),
    ("italian", "Italian"),
    ("lithuanian", "Lithuanian"),
    ("norwegian", "Norwegian"),
    ("portuguese", "Portuguese"),
    ("romanian", "Romanian"),
    ("russian", "Russian"),
    ("spanish", "Spanish"),
    ("swedish", "Swedish"),
    ("turkish", "Turkish"),
];
/// Those with stemmers of other names.
const OTHERS: [&str; 4] = ["arabic", "greek", "hindi", "indonesian"];
/// Words between two parts of a text, which no phrase reaches over.
const GAP: u32 = 100;

/// The name of a text's field.
pub fn field(text: &SearchText) -> String {
    text.path.join("__")
}

/// Settings and mappings of an index of a type.
pub fn index(info: &ContentInfo) -> Json {
    let search = info.search.as_ref();
    let language = search.map_or("simple", |search| search.language);
    let mut fields = Map::new();
    fields.insert("id".to_owned(), json!({"type": "keyword"}));
    fields.insert("hash".to_owned(), json!({"type": "keyword", "index": false, "doc_values": false}));
    for text in search.iter().flat_map(|search| search.texts).filter(|text| text.weight.is_some()) {
        let mapped = json!({"type": "text", "analyzer": "words", "position_increment_gap": GAP});
        fields.insert(field(text), mapped);
    }
    let mut filters = vec!["lowercase", "asciifolding"];
    let mut defined = Map::new();
    if let Some(stem) = stems(language) {
        filters.push("stems");
        defined.insert("stems".to_owned(), stem);
    }
    json!({
        "settings": {
            "number_of_shards": 1,
            // Also while nobody has asked for a while.
            "refresh_interval": "1s",
            "analysis": {
                "filter": defined,
                "analyzer": {"words": {"type": "custom", "tokenizer": "whitespace", "filter": filters}},
            },
        },
        "mappings": {"dynamic": "strict", "_source": {"includes": ["id", "hash"]}, "properties": fields},
    })
}

fn stems(language: &str) -> Option<Json> {
    if let Some((_, name)) = SNOWBALL.iter().find(|(known, _)| *known == language) {
        return Some(json!({"type": "snowball", "language": name}));
    }
    OTHERS.contains(&language).then(|| json!({"type": "stemmer", "language": language}))
}

/// What an index of a type is made from, in a few letters; `None` if it is not searched.
pub fn version(info: &'static ContentInfo) -> Option<String> {
    let hash = Sha256::digest(format!("{}{}", document::version(info)?, index(info)));
    Some(hash.iter().take(6).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    }))
}
