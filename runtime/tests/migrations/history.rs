//! A project in memory: its schema, its migrations, and a database that they are applied to.

use codegen::SourceFile;
use codegen::catalog::{Catalog, hash};
use codegen::migrate::{Answers, Refusal, hazard, plan};
use codegen::schema::Schema;
use runtime::migrate::{Error, Migrations, Report};
use runtime::testing::TestDb;

pub struct Retention {
    pub db: TestDb,
    pub files: Vec<(String, String)>,
    pub catalog: Catalog,
    pub catalog_json: String,
}

pub fn compile(sources: &[SourceFile]) -> Schema {
    match codegen::compile(sources) {
        Ok(compiled) => compiled.schema,
        Err(found) => panic!("{}", found.render(sources)),
    }
}

pub fn source(path: &str, text: &str) -> SourceFile {
    SourceFile { path: path.to_owned(), text: text.to_owned() }
}

impl Retention {
    pub async fn new() -> Self {
        Self { db: TestDb::new().await, files: Vec::new(), catalog: Catalog::default(), catalog_json: String::new() }
    }

    /// Plans with command-line arguments; returns false if there is nothing to do.
    pub fn generate(&mut self, schema: &Schema, arguments: &[String]) -> Result<bool, Vec<Refusal>> {
        let value = |name: &str| {
            let given = arguments.iter().filter_map(|argument| argument.strip_prefix(name));
            given.map(|text| text.trim().replace("='", "=").trim_end_matches('\'').to_owned()).collect::<Vec<_>>()
        };
        let loss = arguments.iter().any(|argument| argument == "--allow-data-loss");
        let answers = Answers::parse(&value("--allow "), loss, &value("--set ")).expect("the arguments are fine");
        let plan = plan(&self.catalog, schema, &answers)?;
        if plan.is_empty() {
            return Ok(false);
        }
        let number = u32::try_from(self.files.len()).expect("few files") + 1;
        let migration = plan.migration(number, "cargo xtask generate");
        self.files.push((format!("{}.sql", migration.name), migration.sql));
        self.catalog = Catalog::from_json(&migration.catalog).expect("what was written can be read");
        self.catalog_json = migration.catalog;
        assert!(plan_is_empty(&self.catalog, schema), "a second plan finds nothing more");
        Ok(true)
    }

    /// Answers questions like a person: runs the command again with the arguments that each refusal suggests.
    pub fn generate_answering(&mut self, schema: &Schema) -> Result<bool, Vec<Refusal>> {
        let mut arguments = Vec::new();
        for _ in 0..4 {
            match self.generate(schema, &arguments) {
                Err(refusals) if hazard::command(&refusals, "").is_some() => {
                    arguments.extend(refusals.into_iter().flat_map(|refusal| refusal.arguments));
                }
                other => return other,
            }
        }
        panic!("the refusals never end: {arguments:?}");
    }

    pub async fn migrate(&self) -> Result<Report, Error> {
        let files: Vec<_> = self.files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        let catalog = hash(&self.catalog_json);
        runtime::migrate::migrate(&self.db.options, Migrations { files: &files, catalog: &catalog }).await
    }

    pub async fn check(&self) -> Result<(), Error> {
        let files: Vec<_> = self.files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        let catalog = hash(&self.catalog_json);
        runtime::migrate::check(&self.db.server_pool(), Migrations { files: &files, catalog: &catalog }).await
    }

    pub async fn run(&self, sql: &str) {
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned()))
            .execute(&self.db.pool)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
}

fn plan_is_empty(catalog: &Catalog, schema: &Schema) -> bool {
    plan(catalog, schema, &Answers::default()).is_ok_and(|plan| plan.is_empty())
}
