//! `typecase keys`: the keys that sign access tokens.

use clap::Subcommand;

use crate::access::Actor;
use crate::error::Result;
use crate::identity::Accounts;

#[derive(Subcommand)]
pub enum Task {
    /// Make a new key: it is published at once and signs a minute later; tokens of the old one hold until they expire
    Rotate {
        /// Let it sign at once
        #[arg(long)]
        now: bool,
    },
    /// List the keys that sign or verify
    List,
}

pub async fn run(accounts: &Accounts, task: Task) -> Result<()> {
    let keys = &accounts.tokens.keys;
    match task {
        Task::Rotate { now } => {
            let kid = keys.rotate(&Actor::system(), now).await?;
            println!("{kid} signs {}", if now { "from now on" } else { "in a minute" });
        }
        Task::List => {
            keys.reload().await?;
            let signing = keys.signing().ok().map(|(key, _)| key.kid.clone());
            for key in keys.all() {
                let state = match (&signing, key.verifies_until) {
                    (Some(kid), _) if *kid == key.kid => "signs",
                    (_, Some(_)) => "verifies until its last token has expired",
                    (_, None) => "published, signs next",
                };
                println!("{}\t{state}", key.kid);
            }
        }
    }
    Ok(())
}
