//! A database with the shop's tables, and imports into it.

use std::path::{Path, PathBuf};

use runtime::Store;
use runtime::hooks::HookSet;
use runtime::import::{Options, Reading, Summary, run};
use runtime::testing::TestDb;
use serde_json::Value as Json;
use sqlx::AssertSqlSafe;

pub struct Catalogue {
    db: TestDb,
    store: Store,
}

/// The output of an import, and its report.
pub struct Imported {
    pub summary: Summary,
    pub report: Vec<Json>,
}

/// The number of each outcome: `(created, updated, unchanged, rejected)`.
pub type Counts = (u64, u64, u64, u64);

impl Imported {
    /// `2 CONFLICT slug` for each problem, in the order of the lines.
    pub fn problems(&self) -> Vec<String> {
        let mut found: Vec<(u64, String)> = Vec::new();
        for entry in &self.report {
            for problem in entry["problems"].as_array().unwrap() {
                let line = entry["line"].as_u64().unwrap();
                let (code, path) = (problem["code"].as_str().unwrap(), problem["path"].as_str().unwrap());
                found.push((line, format!("{line} {code} {path}").trim_end().to_owned()));
            }
        }
        found.sort();
        found.into_iter().map(|(_, problem)| problem).collect()
    }

    pub fn message(&self, line: u64) -> String {
        let entry =
            self.report.iter().find(|entry| entry["line"] == line).unwrap_or_else(|| panic!("line {line} is in"));
        entry["problems"][0]["message"].as_str().unwrap().to_owned()
    }

    pub fn counts(&self) -> Counts {
        let Summary { created, updated, unchanged, rejected, .. } = self.summary;
        (created, updated, unchanged, rejected)
    }
}

impl Catalogue {
    pub async fn new() -> Self {
        let db = TestDb::new().await;
        runtime::migrate::migrate(&db.options, (&generated::SCHEMA).into()).await.expect("the migrations");
        let store = db.database(&generated::SCHEMA).trusted();
        Self { db, store }
    }

    /// Applies the mapping `import/{map}.map.yaml` to a file.
    pub async fn import(&self, content_type: &str, map: &str, file: &Path) -> Imported {
        self.import_with(content_type, map, file, |_| {}).await
    }

    pub async fn import_with(
        &self,
        content_type: &str,
        map: &str,
        file: &Path,
        set: impl FnOnce(&mut Options),
    ) -> Imported {
        let report = tempfile::NamedTempFile::new().unwrap();
        let mut options = Options {
            content_type: content_type.to_owned(),
            map: Some(folder().join(format!("{map}.map.yaml"))),
            publish: true,
            batch: 100,
            dry_run: false,
            report: Some(report.path().to_owned()),
            reading: Reading::default(),
            file: file.to_owned(),
        };
        set(&mut options);
        self.run(&options).await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Imports a file with this name and content, by a mapping or in the native form, without publishing.
    pub async fn try_import(
        &self,
        content_type: &str,
        map: Option<&str>,
        (name, content): (&str, &[u8]),
        set: impl FnOnce(&mut Options),
    ) -> Result<Imported, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path(name), content).unwrap();
        if let Some(map) = map {
            std::fs::write(path("map.yaml"), map).unwrap();
        }
        let mut options = Options {
            content_type: content_type.to_owned(),
            map: map.map(|_| path("map.yaml")),
            publish: false,
            batch: 100,
            dry_run: false,
            report: Some(path("report.ndjson")),
            reading: Reading::default(),
            file: path(name),
        };
        set(&mut options);
        self.run(&options).await
    }

    async fn run(&self, options: &Options) -> Result<Imported, String> {
        let summary = run(options, &self.store, &HookSet::default()).await?;
        let report = options.report.as_ref().map(|report| std::fs::read_to_string(report).unwrap()).unwrap_or_default();
        let report = report.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        Ok(Imported { summary, report })
    }

    /// The first column of every row, as text.
    pub async fn column(&self, sql: &str) -> Vec<String> {
        let rows: Result<Vec<Option<String>>, _> =
            sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_all(&self.db.pool).await;
        rows.unwrap_or_else(|error| panic!("{error}: {sql}")).into_iter().map(Option::unwrap_or_default).collect()
    }

    pub async fn count(&self, sql: &str) -> i64 {
        let one = sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(&self.db.pool).await;
        one.unwrap_or_else(|error| panic!("{error}: {sql}"))
    }

    pub async fn close(self) {
        self.db.close().await;
    }
}

/// The folder of the mappings and of the project's own records.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/import")
}

pub fn own(name: &str) -> PathBuf {
    folder().join(format!("{name}.ndjson"))
}
