//! `typecase user`: accounts from the command line, including the first administrator.

use std::io::{IsTerminal, Read};

use clap::Subcommand;

use base::error::{Code, Error, Result};
use base::say;
use identity::Accounts;
use identity::link::Link;
use identity::password::LONGEST;
use identity::user::{Change, NewUser, User};
use store::access::Actor;

#[derive(Subcommand)]
pub enum Task {
    /// Create an account; the command asks for the password, or an invitation lets the user choose it
    Create {
        #[arg(long)]
        email: String,
        #[arg(long)]
        name: String,
        /// admin, editor, viewer, or another role of the site
        #[arg(long)]
        role: String,
        /// Print a link for choosing the password, and mail it if a mail server is set
        #[arg(long, conflicts_with = "password_stdin")]
        invite: bool,
        /// Read the password from standard input
        #[arg(long)]
        password_stdin: bool,
    },
    /// List all accounts
    List,
    /// Disable an account and end all its sessions
    Disable { email: String },
    /// Let a disabled account sign in again
    Enable { email: String },
    /// Change the role of an account, from its next request on
    Role { email: String, role: String },
    /// Set a password, which ends all sessions of the account
    Password {
        email: String,
        /// Read the password from standard input
        #[arg(long)]
        password_stdin: bool,
    },
    /// Print a new invitation for an account without a password
    Invite { email: String },
    /// Remove a lost second factor
    ResetSecondFactor { email: String },
}

pub async fn run(accounts: &Accounts, task: Task) -> Result<()> {
    let actor = Actor::system();
    match task {
        Task::Create { email, name, role, invite: true, .. } => {
            let (user, link) = accounts.invite(&actor, NewUser { email, name, role, password: None }).await?;
            invited(&user, &link);
        }
        Task::Create { email, name, role, password_stdin, .. } => {
            // Other mistakes are reported before a password is typed.
            accounts.roles.check(&role)?;
            let password = Some(password(password_stdin)?);
            let user = accounts.create_user(&actor, NewUser { email, name, role, password }).await?;
            say!("{} was created, with the role {}", user.email, user.role);
        }
        Task::List => list(accounts).await?,
        Task::Disable { email } => {
            let user = change(accounts, &email, Change { disabled: Some(true), ..Change::default() }).await?;
            say!("{} is disabled, and all its sessions have ended", user.email);
        }
        Task::Enable { email } => {
            let user = change(accounts, &email, Change { disabled: Some(false), ..Change::default() }).await?;
            say!("{} may sign in", user.email);
        }
        Task::Role { email, role } => {
            let user = change(accounts, &email, Change { role: Some(role), ..Change::default() }).await?;
            say!("{} has the role {}", user.email, user.role);
        }
        Task::Password { email, password_stdin } => {
            let user = find(accounts, &email).await?;
            accounts.set_password(&actor, user.id, &password(password_stdin)?).await?;
            say!("{} has a new password, and all its sessions have ended", user.email);
        }
        Task::Invite { email } => {
            let user = find(accounts, &email).await?;
            let (user, link) = accounts.invite_again(&actor, user.id).await?;
            invited(&user, &link);
        }
        Task::ResetSecondFactor { email } => {
            let user = find(accounts, &email).await?;
            accounts.remove_second_factor(&actor, user.id).await?;
            say!("{} has no second factor", user.email);
        }
    }
    accounts.mails_sent().await;
    Ok(())
}

fn invited(user: &User, link: &Link) {
    say!("{} is invited with the role {}. The link works once, within 7 days:\n{}", user.email, user.role, link.url);
}

async fn list(accounts: &Accounts) -> Result<()> {
    let mut after = None;
    loop {
        let users = accounts.users(after.as_deref()).await?;
        let Some(last) = users.last() else { return Ok(()) };
        after = Some(last.email.clone());
        for user in &users {
            let state = match user {
                User { disabled: true, .. } => "disabled",
                User { has_password: false, .. } => "invited",
                User { second_factor: true, .. } => "second factor",
                _ => "",
            };
            say!("{}\t{}\t{}\t{state}", user.email, user.role, user.name);
        }
    }
}

async fn find(accounts: &Accounts, email: &str) -> Result<User> {
    let user = accounts.user_by_email(email).await?;
    user.ok_or_else(|| Error::new(Code::NotFound, format!("the user `{email}` does not exist")))
}

async fn change(accounts: &Accounts, email: &str, change: Change) -> Result<User> {
    let user = find(accounts, email).await?;
    accounts.change_user(&Actor::system(), user.id, &change).await
}

/// Typed twice without echo, or read as a line of standard input.
fn password(from_stdin: bool) -> Result<String> {
    let failed = |error: std::io::Error| Error::new(Code::BadRequest, format!("the password cannot be read: {error}"));
    if from_stdin {
        let mut text = String::new();
        let most = u64::try_from(LONGEST + 2).unwrap_or(u64::MAX);
        std::io::stdin().take(most).read_to_string(&mut text).map_err(failed)?;
        return Ok(text.lines().next().unwrap_or_default().to_owned());
    }
    if !std::io::stdin().is_terminal() {
        let message = "no terminal to ask for a password: use --password-stdin or --invite";
        return Err(Error::new(Code::BadRequest, message));
    }
    let password = rpassword::prompt_password("Password (12 characters or more): ").map_err(failed)?;
    if rpassword::prompt_password("Again: ").map_err(failed)? != password {
        return Err(Error::new(Code::BadRequest, "the two passwords differ"));
    }
    Ok(password)
}
