//! `typecase search`: the indexes of the search engine.

use clap::Subcommand;

use base::error::{Code, Error, Result};
use base::say;
use search_engine::{Engine, Settings};
use store::Database;

#[derive(Subcommand)]
pub enum Task {
    /// Make the indexes again, from all rows, while the former ones answer; the servers do it
    Rebuild {
        /// Only those of this type, by the name of its table
        #[arg(long = "type", value_name = "TYPE")]
        of: Option<String>,
    },
    /// Compare the indexes with the rows of PostgreSQL; the exit code is 1 if they differ
    Check,
}

/// Returns whether all is well.
pub async fn run(database: &Database, settings: Option<&Settings>, task: Task) -> Result<bool> {
    let Some(settings) = settings else {
        return Err(Error::new(Code::BadRequest, "there is no search engine: TYPECASE_SEARCH_URL is not set"));
    };
    match task {
        Task::Rebuild { of } => {
            let count = search_engine::rebuild(database, of.as_deref()).await?;
            if count == 0 {
                return Err(Error::new(Code::BadRequest, "there is no such type, or it is not searched"));
            }
            say!("{count} indexes will be made again: `typecase jobs list` shows their jobs");
            Ok(true)
        }
        Task::Check => {
            let mut is_same = true;
            for checked in search_engine::check(&Engine::new(settings)?, database).await? {
                is_same &= checked.is_same();
                let (table, stage, rows) = (checked.table, checked.stage, checked.rows);
                match checked.is_same() {
                    true => say!("{table} {stage}: {rows} entries, the same"),
                    false => {
                        let (missing, different, extra) = (checked.missing, checked.different, checked.extra);
                        let named = checked.named.iter().map(|id| store::id::encode(table, *id));
                        let named: Vec<String> = named.collect();
                        say!(
                            "{table} {stage}: {rows} entries, {missing} missing, {different} different, {extra} too many: {}",
                            named.join(", ")
                        );
                    }
                }
            }
            Ok(is_same)
        }
    }
}
