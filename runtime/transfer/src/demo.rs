//! `typecase demo`: loads sample content from lines of JSON in the form of the API's inputs. Loading it twice changes nothing.

use serde_json::{Map, Value as Json};

use base::error::{Code, Error, Problem, Result, Step};
use model::content::ContentInfo;
use store::Store;
use store::hooks::HookSet;
use store::write::{self, BulkOptions, Outcome, UpsertItem};

/// Returns how much of it was new, as text.
pub async fn load(store: &Store, hooks: &HookSet, demo: &[(&'static ContentInfo, &str)]) -> Result<String> {
    let (mut created, mut updated, mut unchanged) = (0, 0, 0);
    for (info, lines) in demo {
        let (info, table) = (*info, info.table);
        let entries = parse(table, lines)?;
        let keys: Vec<_> = entries.iter().map(|entry| key(info, entry)).collect();
        let items: Vec<_> = entries
            .iter()
            .zip(&keys)
            .map(|(data, key)| UpsertItem { key: key.as_ref(), data, publish: info.drafts })
            .collect();
        let outcomes = write::save_batch(store, hooks, info, &items, BulkOptions::default(), None).await?;
        for (index, outcome) in outcomes.into_iter().enumerate() {
            match outcome {
                Outcome::Created(_) => created += 1,
                Outcome::Updated(_) => updated += 1,
                Outcome::Unchanged(_) => unchanged += 1,
                Outcome::Rejected(problems) => return Err(rejected(table, index, problems)),
            }
        }
    }
    Ok(format!("The demo is loaded: {created} entries created, {updated} updated, {unchanged} unchanged."))
}

fn parse(table: &str, lines: &str) -> Result<Vec<Map<String, Json>>> {
    let parse = |(index, line): (usize, &str)| {
        serde_json::from_str(line).map_err(|error| {
            Error::new(Code::BadUserInput, format!("{}: line {} is not a JSON object: {error}", file(table), index + 1))
        })
    };
    lines.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).map(parse).collect()
}

/// The entry's natural key: its first unique field with a value.
fn key(info: &ContentInfo, entry: &Map<String, Json>) -> Option<Json> {
    let field = info.fields.iter().find(|field| field.unique == Some(&[]) && entry.contains_key(field.name))?;
    let value = entry.get(field.name)?.clone();
    Some(Json::Object(Map::from_iter([(field.name.to_owned(), value)])))
}

/// Where the lines of a type are, for those who have to change them.
fn file(table: &str) -> String {
    format!("app/demo/{table}.ndjson")
}

fn rejected(table: &str, index: usize, problems: Vec<Problem>) -> Error {
    let named = |problem: Problem| {
        let steps: Vec<_> = problem.path.iter().map(step).collect();
        let message = format!("{}: entry {}: {}: {}", file(table), index + 1, steps.join("."), problem.message);
        Problem { message, ..problem }
    };
    Error { problems: problems.into_iter().map(named).collect() }
}

fn step(step: &Step) -> String {
    match step {
        Step::Key(key) => key.clone(),
        Step::Index(index) => index.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_in_the_demo_is_told_with_its_file() {
        let wrong = parse("tag", "{}\n\nx").unwrap_err();
        assert!(wrong.problems[0].message.starts_with("app/demo/tag.ndjson: line 3 is not"), "{wrong:?}");
        let missing = Problem::new(Code::InvalidValue, "is required").at([Step::from("weight")]);
        let wrong = rejected("tag", 0, vec![missing]);
        assert_eq!(wrong.problems[0].message, "app/demo/tag.ndjson: entry 1: weight: is required");
    }
}
