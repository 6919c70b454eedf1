//! Known documents: clients send an id instead of the text, and a production server can refuse all others.
//!
//! The id of a document is the SHA-256 of its text, in hexadecimal.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest, Sha256};

use ::graphql::Request;
use ::graphql::answer::Failure;
use ::graphql::syntax::operation_names;
use base::error::{Code, Error, Result};

/// `TYPECASE_DOCUMENTS` and `TYPECASE_DOCUMENTS_MODE`.
#[derive(Clone, Debug)]
pub struct Settings {
    /// A manifest, or a folder with manifests and `.graphql` files.
    pub path: PathBuf,
    /// All other documents are refused.
    pub only: bool,
}

#[derive(Debug, Default)]
pub struct Documents {
    by_id: HashMap<String, String>,
    only: bool,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Manifest {
    /// `persisted-query-manifest.json` of Apollo's generator.
    Apollo { operations: Vec<Operation> },
    /// `{id: text}`, as Relay's compiler writes it with `"algorithm": "SHA256"`.
    Relay(HashMap<String, String>),
}

#[derive(Deserialize)]
struct Operation {
    id: String,
    body: String,
}

impl Documents {
    pub fn load(settings: Option<&Settings>) -> Result<Self> {
        let Some(settings) = settings else { return Ok(Self::default()) };
        let mut documents = Self { by_id: HashMap::new(), only: settings.only };
        for path in files(&settings.path)? {
            let text = std::fs::read_to_string(&path).map_err(|error| wrong(&path, &error.to_string()))?;
            documents.file(&path, text)?;
        }
        if documents.by_id.is_empty() {
            return Err(wrong(&settings.path, "it has no documents"));
        }
        Ok(documents)
    }

    /// The number of documents.
    pub fn count(&self) -> usize {
        self.by_id.len()
    }

    /// The names of all operations in the documents.
    pub fn operation_names(&self) -> BTreeSet<String> {
        self.by_id.values().flat_map(|text| operation_names(text)).collect()
    }

    fn file(&mut self, path: &Path, text: String) -> Result<()> {
        if path.extension().is_some_and(|extension| extension == "json") {
            let manifest = serde_json::from_str(&text).map_err(|error| wrong(path, &error.to_string()))?;
            let listed: Vec<_> = match manifest {
                Manifest::Apollo { operations } => operations.into_iter().map(|known| (known.id, known.body)).collect(),
                Manifest::Relay(documents) => documents.into_iter().collect(),
            };
            return listed.into_iter().try_for_each(|(id, body)| self.add(path, &id, body));
        }
        // A file name may be the document's id, or a description.
        let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
        let is_id = name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        let id = if is_id { name.to_ascii_lowercase() } else { id_of(&text) };
        self.add(path, &id, text)
    }

    fn add(&mut self, path: &Path, id: &str, text: String) -> Result<()> {
        let expected = id_of(&text);
        if id != expected {
            return Err(wrong(
                path,
                &format!("the id `{id}` does not match its document: the SHA-256 of the text is {expected}"),
            ));
        }
        if graphql::syntax::parse(&text).is_err() {
            return Err(wrong(path, "it has a document that is not GraphQL"));
        }
        self.by_id.insert(expected, text);
        Ok(())
    }

    /// Replaces the id by its text, and refuses an unknown document if only known ones are allowed. Returns whether the
    /// document is known; a request that sends the text is looked up only if others are refused.
    pub fn resolve(&self, request: &mut Request) -> Result<bool, Failure> {
        let id = request.document.take();
        if !request.query.is_empty() {
            let is_known = !self.only || self.by_id.contains_key(&id_of(&request.query));
            return if is_known { Ok(self.only) } else { Err(unknown()) };
        }
        if id.is_none() {
            return if self.only { Err(unknown()) } else { Ok(false) };
        }
        let known = id.as_deref().and_then(|id| self.by_id.get(id.strip_prefix("sha256:").unwrap_or(id)));
        let Some(text) = known else {
            let message = "unknown document: no document has this id";
            return Err(Failure::new(Code::PersistedDocumentNotFound, message));
        };
        request.query.clone_from(text);
        Ok(true)
    }
}

fn unknown() -> Failure {
    Failure::new(Code::Refused, "this server answers only known documents")
}

fn files(path: &Path) -> Result<Vec<PathBuf>> {
    let failed = |error: std::io::Error| wrong(path, &error.to_string());
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(failed)? {
        let file = entry.map_err(failed)?.path();
        if file.extension().is_some_and(|extension| extension == "graphql" || extension == "json") {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

fn id_of(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().fold(String::with_capacity(64), |mut id, byte| {
        // Writing to a `String` cannot fail.
        let _ = write!(id, "{byte:02x}");
        id
    })
}

fn wrong(path: &Path, why: &str) -> Error {
    Error::new(Code::BadRequest, format!("{}: {why}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "{ __typename }";

    fn load(files: &[(&str, String)], only: bool) -> Result<Documents> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        Documents::load(Some(&Settings { path: folder.path().to_owned(), only }))
    }

    fn ask(documents: &Documents, query: &str, document: Option<String>) -> Result<String, Code> {
        let mut request = Request { query: query.to_owned(), document, ..Request::default() };
        documents.resolve(&mut request).map(|_| request.query).map_err(|failure| failure.problem.code)
    }

    #[test]
    fn manifests_of_relay_and_apollo_and_files_are_read() {
        let id = id_of(TEXT);
        for (name, text) in [
            ("relay.json", serde_json::json!({ &id: TEXT }).to_string()),
            (
                "apollo.json",
                serde_json::json!({ "format": "apollo-persisted-query-manifest", "version": 1,
                    "operations": [{ "id": id, "name": "A", "type": "query", "body": TEXT }] })
                .to_string(),
            ),
            ("home.graphql", TEXT.to_owned()),
            (&format!("{id}.graphql"), TEXT.to_owned()),
        ] {
            let documents = load(&[(name, text)], true).unwrap();
            assert_eq!(ask(&documents, "", Some(id.clone())), Ok(TEXT.to_owned()), "{name}");
            assert_eq!(ask(&documents, "", Some(format!("sha256:{id}"))), Ok(TEXT.to_owned()), "{name}");
        }
    }

    #[test]
    fn a_text_under_the_id_of_another_is_refused_at_the_start() {
        for (name, text) in [
            ("relay.json", serde_json::json!({ id_of("{ a }"): TEXT }).to_string()),
            (&format!("{}.graphql", id_of("{ a }")), TEXT.to_owned()),
            ("empty.json", "{}".to_owned()),
            ("broken.json", "[".to_owned()),
            ("passwd", "root:x:0:0:root:/root:/bin/bash\n".to_owned()),
        ] {
            let error = load(&[(name, text)], true).unwrap_err().to_string();
            assert!(error.contains(name) || error.contains("it has no documents"), "{name}: {error}");
        }
    }

    #[test]
    fn where_only_these_are_answered_no_other_text_is() {
        let files = [("home.graphql", TEXT.to_owned())];
        let only = load(&files, true).unwrap();
        assert_eq!(ask(&only, TEXT, None), Ok(TEXT.to_owned()));
        assert_eq!(ask(&only, "{ products { totalCount } }", None), Err(Code::Refused));
        assert_eq!(ask(&only, "{ products { totalCount } }", Some(id_of(TEXT))), Err(Code::Refused));
        assert_eq!(ask(&only, "", Some("0".repeat(64))), Err(Code::PersistedDocumentNotFound));
        let also = load(&files, false).unwrap();
        assert_eq!(ask(&also, "{ products { totalCount } }", None), Ok("{ products { totalCount } }".to_owned()));
    }
}
