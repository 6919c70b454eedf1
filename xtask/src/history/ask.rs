//! Asks a database the generator's questions: how many entries break a stricter rule. The generator has no database.

use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use codegen::migrate::{Answers, Refusal};

/// Time limit for a count; after it the question is shown instead.
const PATIENCE: &str = "10s";

/// Records how many entries each refusal affects; false if nothing was asked.
pub fn count(refusals: &[Refusal], database: &str, answers: &mut Answers) -> anyhow::Result<bool> {
    let questions: Vec<_> = refusals.iter().filter_map(|refusal| refusal.question.as_deref()).collect();
    for question in &questions {
        answers.count(question, ask(database, question)?);
    }
    Ok(!questions.is_empty())
}

fn ask(database: &str, question: &str) -> anyhow::Result<u64> {
    let psql = Command::new("psql")
        .args(["--no-psqlrc", "--no-password", "--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1"])
        .args(["--dbname", database, "--command", question])
        .env("PGOPTIONS", format!("-c statement_timeout={PATIENCE} -c default_transaction_read_only=on"))
        .stdin(Stdio::null())
        .output()
        .context("`psql` cannot be run; it comes with PostgreSQL's client programs")?;
    if !psql.status.success() {
        bail!("{}", String::from_utf8_lossy(&psql.stderr).trim());
    }
    let answer = String::from_utf8_lossy(&psql.stdout);
    answer.trim().parse().with_context(|| format!("`{}` is not a count", answer.trim()))
}
