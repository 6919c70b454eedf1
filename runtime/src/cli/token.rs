//! `typecase token`: API tokens for programs.

use clap::Subcommand;

use base::error::{Code, Error, Result};
use base::say;
use identity::Accounts;
use identity::api_token::{NewToken, WrittenScope};
use store::access::Actor;
use store::id;

#[derive(Subcommand)]
pub enum Task {
    /// Create a token; it is printed only once
    Create {
        /// A name for people to recognize it by
        #[arg(long, default_value = "command line")]
        name: String,
        #[arg(long)]
        role: String,
        /// type:action, either of which may be `*`: product:read; for one of the site's own operations bestOf:call; may be repeated; without it, everything that the role may do
        #[arg(long)]
        scope: Vec<String>,
        /// Days until it expires: 90d
        #[arg(long, default_value = "90d")]
        expires: String,
    },
    /// List the tokens that are not revoked
    List,
    /// Revoke a token
    Revoke {
        /// As `list` shows it: api_token_...
        id: String,
    },
}

pub async fn run(accounts: &Accounts, task: Task) -> Result<()> {
    match task {
        Task::Create { name, role, scope, expires } => {
            let scopes = scope.iter().map(|text| written(text)).collect::<Result<Vec<_>>>()?;
            let scopes = (!scopes.is_empty()).then_some(scopes);
            let new = NewToken { name, role, scopes, days: days(&expires)? };
            let (token, made) = accounts.create_token(&Actor::system(), new).await?;
            eprintln!(
                "{} with the role {} until {}; the token is not shown again:",
                made.id, made.role, made.expires_at
            );
            say!("{token}");
        }
        Task::List => {
            for token in accounts.api_tokens().await? {
                let used = token.last_used_at.as_deref().unwrap_or("never used");
                let state = if token.expired { "expired" } else { used };
                say!(
                    "{}\t{}...\t{}\t{}\t{}\t{state}",
                    token.id,
                    token.prefix,
                    token.role,
                    token.name,
                    token.expires_at
                );
            }
        }
        Task::Revoke { id } => {
            let uuid = id::decode_as("api_token", &id);
            let uuid =
                uuid.ok_or_else(|| Error::new(Code::BadRequest, format!("`{id}` is not an id like api_token_...")))?;
            accounts.revoke_token(&Actor::system(), uuid).await?;
            say!("{id} is revoked");
        }
    }
    Ok(())
}

fn written(text: &str) -> Result<WrittenScope> {
    WrittenScope::parse(text)
        .ok_or_else(|| Error::new(Code::BadRequest, format!("`{text}` is not a scope like `product:read`")))
}

fn days(text: &str) -> Result<u32> {
    let days = text.strip_suffix('d').and_then(|days| days.parse().ok());
    days.ok_or_else(|| Error::new(Code::BadRequest, format!("`{text}` is not a number of days like `90d`")))
}
