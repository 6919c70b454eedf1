//! A question in the engine's language.

use serde_json::{Value as Json, json};

use crate::mapping::field;
use model::content::SearchWeight;
use store::backend::{Query, Question};

/// What the beginning of a word counts beside the whole word.
const BEGINNING: f32 = 0.1;

/// The body of a search. `None` has no answer but nothing.
pub fn search(question: &Question) -> Option<Json> {
    let fields: Vec<(String, f32)> =
        question.texts.iter().filter_map(|text| Some((field(text), boost(text.weight?)))).collect();
    let query = of(question.query.as_ref()?, &fields);
    Some(json!({"size": question.most, "_source": false, "track_total_hits": false, "query": query}))
}

/// As PostgreSQL weighs them.
fn boost(weight: SearchWeight) -> f32 {
    match weight {
        SearchWeight::A => 1.0,
        SearchWeight::B => 0.5,
        SearchWeight::C => 0.25,
        SearchWeight::D => 0.1,
    }
}

fn of(query: &Query, fields: &[(String, f32)]) -> Json {
    let several = |queries: &[Query]| -> Vec<Json> { queries.iter().map(|query| of(query, fields)).collect() };
    let named = || -> Vec<String> { fields.iter().map(|(field, boost)| format!("{field}^{boost}")).collect() };
    match query {
        Query::Word(word) => {
            json!({"multi_match": {"query": word, "fields": named(), "type": "best_fields", "operator": "and"}})
        }
        Query::Phrase(words) => json!({"multi_match": {"query": words.join(" "), "fields": named(), "type": "phrase"}}),
        Query::Begins(beginning) => {
            let prefix = |(field, boost): &(String, f32)| json!({"prefix": {field: {"value": beginning, "boost": boost * BEGINNING}}});
            json!({"dis_max": {"queries": fields.iter().map(prefix).collect::<Vec<_>>()}})
        }
        Query::Any(queries) => json!({"bool": {"should": several(queries), "minimum_should_match": 1}}),
        Query::Not(query) => json!({"bool": {"must_not": [of(query, fields)]}}),
        Query::All(queries) => {
            let (not, must): (Vec<&Query>, Vec<&Query>) =
                queries.iter().partition(|query| matches!(query, Query::Not(_)));
            let excluded = not.iter().filter_map(|query| match query {
                Query::Not(query) => Some(of(query, fields)),
                _ => None,
            });
            let must: Vec<Json> = must.iter().map(|query| of(query, fields)).collect();
            json!({"bool": {"must": must, "must_not": excluded.collect::<Vec<_>>()}})
        }
    }
}
