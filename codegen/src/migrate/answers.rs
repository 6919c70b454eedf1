//! The arguments that answer hazards: `--allow M103=product.legacy`, `--set product.weight=0`.

use std::collections::{BTreeMap, BTreeSet};

use super::hazard;

/// What suggested commands have in place of a value. No field takes it, not even a text.
pub const PLACEHOLDER: &str = "<value>";

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// Allowed hazard codes, each for one subject; `None` allows it everywhere.
    allow: BTreeSet<(String, Option<String>)>,
    /// `--allow-data-loss`: allows every hazard that loses values.
    allow_data_loss: bool,
    /// Values for existing rows, by field: `product.weight`.
    set: BTreeMap<String, String>,
    /// Counts that a database returned for the questions of hazards.
    counted: BTreeMap<String, u64>,
}

impl Answers {
    /// Parses the command-line arguments; the error names the wrong one and shows its syntax.
    pub fn parse(allow: &[String], allow_data_loss: bool, set: &[String]) -> Result<Self, String> {
        let mut answers = Self { allow_data_loss, ..Self::default() };
        for text in allow {
            let (code, subject) = match text.split_once('=') {
                Some((code, subject)) => (code, Some(subject.to_owned())),
                None => (text.as_str(), None),
            };
            if !hazard::CODES.iter().any(|(known, _)| *known == code) {
                let known: Vec<_> = hazard::CODES.iter().map(|(code, _)| *code).collect();
                return Err(format!("--allow {text}: unknown hazard `{code}`; the hazards are {}", known.join(", ")));
            }
            answers.allow.insert((code.to_owned(), subject));
        }
        for text in set {
            let Some((field, value)) = text.split_once('=').filter(|(field, _)| field.contains('.')) else {
                return Err(format!("--set {text}: write it as --set product.weight=0"));
            };
            if value == PLACEHOLDER {
                return Err(format!("--set {field}: write a value in place of {PLACEHOLDER}"));
            }
            answers.set.insert(field.to_owned(), value.to_owned());
        }
        Ok(answers)
    }

    /// The argument that allows this hazard, as recorded in the migration.
    pub fn allows(&self, code: &str, subject: &str) -> Option<String> {
        if self.allow.contains(&(code.to_owned(), Some(subject.to_owned()))) {
            return Some(format!("--allow {code}={subject}"));
        }
        if self.allow.contains(&(code.to_owned(), None)) {
            return Some(format!("--allow {code}"));
        }
        (self.allow_data_loss && hazard::loses_data(code)).then(|| "--allow-data-loss".to_owned())
    }

    /// Every argument that allows something, in the notation of [`Answers::allows`].
    pub fn allowed(&self) -> BTreeSet<String> {
        let allow = self.allow.iter().map(|(code, subject)| match subject {
            Some(subject) => format!("--allow {code}={subject}"),
            None => format!("--allow {code}"),
        });
        allow.chain(self.allow_data_loss.then(|| "--allow-data-loss".to_owned())).collect()
    }

    /// Records a database's count for a question.
    pub fn count(&mut self, question: &str, entries: u64) {
        self.counted.insert(question.to_owned(), entries);
    }

    pub fn counted(&self, question: &str) -> Option<u64> {
        self.counted.get(question).copied()
    }

    /// The value given for the existing rows of a field.
    pub fn value(&self, subject: &str) -> Option<&str> {
        self.set.get(subject).map(String::as_str)
    }

    pub fn subjects(&self) -> impl Iterator<Item = &str> {
        self.set.keys().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suggestion_that_is_pasted_as_it_is_fills_no_rows() {
        let set = [format!("tag.name={PLACEHOLDER}")];
        let refused = Answers::parse(&[], false, &set).unwrap_err();
        assert_eq!(refused, "--set tag.name: write a value in place of <value>");
    }
}
