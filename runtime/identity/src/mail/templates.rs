//! The texts of mails, from templates: the server's own or those of the site (`TYPECASE_MAIL_TEMPLATES`).

use std::path::Path;
use std::sync::Arc;

use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, ErrorKind, UndefinedBehavior, context};

use super::Mail;
use crate::link::{Link, Purpose};
use crate::user::User;
use base::error::{Error, Result};

const PURPOSES: [Purpose; 2] = [Purpose::Invitation, Purpose::Reset];
/// The largest size of a template file.
const MOST_BYTES: u64 = 64 * 1024;
/// The most steps of a template, so that loops end.
const FUEL: u64 = 50_000;
/// Characters of a title in a subject.
const LONGEST_TITLE: usize = 80;
const SUBJECT: &str = "Subject:";
/// Lines before the text.
const HEAD: usize = 2;
const VALUES: [&str; 5] = ["name", "email", "site", "url", "hours"];

/// The subject and text for each purpose.
#[derive(Clone, Debug)]
pub struct Templates(Arc<Environment<'static>>);

impl Default for Templates {
    fn default() -> Self {
        let mut templates = environment();
        for purpose in PURPOSES {
            let added = add(&mut templates, purpose, own(purpose));
            debug_assert!(added.is_ok(), "{added:?}");
        }
        Self(Arc::new(templates))
    }
}

impl Templates {
    /// The site's templates, or the server's own where the folder has none. Each is rendered once here, so that an
    /// invalid one keeps the server from starting.
    pub fn read(folder: &Path) -> std::result::Result<Self, Vec<String>> {
        let names = PURPOSES.map(file_name);
        let placed = |name: &str, message: String| format!("{}: {message}", folder.join(name).display());
        let listed = std::fs::read_dir(folder).map_err(|error| vec![format!("{}: {error}", folder.display())])?;
        let files = listed.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let files: Vec<String> = files.filter(|name| name.ends_with(".txt")).collect();
        let unknown = files.iter().filter(|file| !names.contains(file));
        let mut wrong: Vec<String> =
            unknown.map(|file| placed(file, format!("unknown mail: there are {}", names.join(" and ")))).collect();
        if files.is_empty() {
            wrong.push(format!("{} has neither {}", folder.display(), names.join(" nor ")));
        }
        let mut templates = environment();
        for (purpose, name) in PURPOSES.into_iter().zip(&names) {
            let source = if files.contains(name) { read(&folder.join(name)) } else { Ok(own(purpose).to_owned()) };
            let tried = source.and_then(|source| {
                add(&mut templates, purpose, &source)?;
                try_out(&templates, purpose)
            });
            wrong.extend(tried.err().map(|message| placed(name, message)));
        }
        if wrong.is_empty() { Ok(Self(Arc::new(templates))) } else { Err(wrong) }
    }

    pub fn mail(&self, purpose: Purpose, user: &User, link: &Link, site: &str) -> Result<Mail> {
        let (subject, text) = render(&self.0, purpose, &user.name, &user.email, site, &link.url)
            .map_err(|error| Error::internal(format!("{}: {error}", file_name(purpose))))?;
        Ok(Mail { to: user.email.clone(), name: user.name.clone(), subject, text })
    }
}

/// What a mail of a scheduled change that failed says. Sites cannot replace it.
#[derive(Clone, Debug)]
pub struct ScheduleFailed<'a> {
    pub title: &'a str,
    /// The id of the entry, or of the release.
    pub entry: &'a str,
    pub is_release: bool,
    pub action: &'a str,
    pub at: &'a str,
    pub problems: &'a [String],
}

impl ScheduleFailed<'_> {
    pub fn mail(&self, name: &str, email: &str, site: &str) -> Result<Mail> {
        let Self { title, entry, is_release, action, at, problems } = *self;
        let problems = problems.to_vec();
        let values = context! { name, title, entry, is_release, action, at, problems, site };
        let text = environment().render_str(include_str!("../../mails/schedule_failed.txt"), values);
        let text = text.map_err(|error| Error::internal(format!("schedule_failed.txt: {error}")))?;
        let subject = format!("A scheduled change was not made: {}", in_subject(title));
        Ok(Mail { to: email.to_owned(), name: name.to_owned(), subject, text })
    }
}

/// What a mail says to a user who is mentioned in a comment. Sites cannot replace it.
#[derive(Clone, Debug)]
pub struct Mentioned<'a> {
    pub author: &'a str,
    pub title: &'a str,
    pub entry: &'a str,
    pub field: Option<&'a str>,
    pub text: &'a str,
}

impl Mentioned<'_> {
    pub fn mail(&self, name: &str, email: &str, site: &str) -> Result<Mail> {
        let Self { author, title, entry, field, text } = *self;
        let values = context! { name, author, title, entry, field, text, site };
        let text = environment().render_str(include_str!("../../mails/mention.txt"), values);
        let text = text.map_err(|error| Error::internal(format!("mention.txt: {error}")))?;
        let subject = format!("You are mentioned in a comment on {}", in_subject(title));
        Ok(Mail { to: email.to_owned(), name: name.to_owned(), subject, text })
    }
}

/// A title in the subject of a mail: of one line, so that it cannot add a header, and not longer than people read there.
fn in_subject(title: &str) -> String {
    let line: String = title.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    match line.char_indices().nth(LONGEST_TITLE) {
        Some((end, _)) => format!("{}…", line[..end].trim_end()),
        None => line,
    }
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment.set_syntax(SyntaxConfig::builder().keep_trailing_newline(true).build().unwrap_or_default());
    environment
}

fn own(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Invitation => include_str!("../../mails/invitation.txt"),
        Purpose::Reset => include_str!("../../mails/reset.txt"),
    }
}

fn file_name(purpose: Purpose) -> String {
    format!("{}.txt", purpose.as_str())
}

fn read(file: &Path) -> std::result::Result<String, String> {
    match std::fs::metadata(file) {
        Ok(about) if about.len() > MOST_BYTES => Err(format!("it has more than {MOST_BYTES} bytes")),
        Ok(_) => std::fs::read_to_string(file).map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    }
}

/// Subject and text are separate templates, so that no value can inject a mail header.
fn add(environment: &mut Environment<'static>, purpose: Purpose, source: &str) -> std::result::Result<(), String> {
    let source = source.strip_prefix('\u{feff}').unwrap_or(source).replace("\r\n", "\n");
    let parts = source.strip_prefix(SUBJECT).and_then(|rest| rest.split_once('\n'));
    let Some((subject, text)) = parts.and_then(|(subject, rest)| Some((subject, rest.strip_prefix('\n')?))) else {
        return Err(format!("expected a line `{SUBJECT} ...` and an empty line at the beginning"));
    };
    environment
        .add_template_owned(subject_of(purpose), subject.trim().to_owned())
        .map_err(|error| message(&error, 0))?;
    environment.add_template_owned(purpose.as_str(), text.to_owned()).map_err(|error| message(&error, HEAD))
}

fn subject_of(purpose: Purpose) -> String {
    format!("{}.subject", purpose.as_str())
}

fn render(
    environment: &Environment<'static>,
    purpose: Purpose,
    name: &str,
    email: &str,
    site: &str,
    url: &str,
) -> std::result::Result<(String, String), String> {
    let hours = purpose.lifetime() / 3600;
    let values = context! { name, email, site, url, hours };
    let one = |template: &str, before: usize| {
        let template = environment.get_template(template).map_err(|error| message(&error, before))?;
        template.render(&values).map_err(|error| {
            let unknown =
                template.undeclared_variables(false).into_iter().find(|name| !VALUES.contains(&name.as_str()));
            match unknown.filter(|_| error.kind() == ErrorKind::UndefinedError) {
                Some(name) => {
                    format!("{}unknown value `{name}`: a mail has {}", line(&error, before), VALUES.join(", "))
                }
                None => message(&error, before),
            }
        })
    };
    let subject = one(&subject_of(purpose), 0)?.replace(char::is_control, " ");
    Ok((subject, one(purpose.as_str(), HEAD)?))
}

fn try_out(environment: &Environment<'static>, purpose: Purpose) -> std::result::Result<(), String> {
    let url = "https://shop.example/link#token=0123456789";
    let (subject, text) = render(environment, purpose, "Ada", "ada@shop.example", "https://shop.example", url)?;
    if subject.trim().is_empty() {
        return Err("its subject is empty".into());
    }
    if !text.contains(url) {
        return Err("its text does not have the link, `{{ url }}`".into());
    }
    Ok(())
}

fn message(error: &minijinja::Error, before: usize) -> String {
    let (line, kind) = (line(error, before), error.kind());
    error.detail().map_or_else(|| format!("{line}{kind}"), |detail| format!("{line}{kind}: {detail}"))
}

/// `before` is the number of lines before the template in the file.
fn line(error: &minijinja::Error, before: usize) -> String {
    error.line().map_or(String::new(), |line| format!("line {}: ", line + before))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).expect("a file");
        }
        folder
    }

    fn rendered(templates: &Templates, purpose: Purpose, name: &str) -> (String, String) {
        render(&templates.0, purpose, name, "ada@x.example", "https://x.example", "https://x.example/l#token=t")
            .unwrap()
    }

    #[test]
    fn the_servers_own_are_right() {
        let own = Templates::default();
        for purpose in PURPOSES {
            try_out(&own.0, purpose).unwrap();
        }
        let (subject, text) = rendered(&own, Purpose::Invitation, "Ada <b>");
        assert_eq!(subject, "Your invitation to https://x.example");
        assert!(text.starts_with("Hello Ada <b>,\n\nYou") && text.contains("within 7 days"), "{text}");
        let (_, text) = rendered(&own, Purpose::Reset, "Ada");
        assert!(text.contains("within 1 hour:\n\nhttps://x.example/l#token=t\n\n"), "{text}");
    }

    #[test]
    fn a_title_adds_no_header() {
        let title = format!("A\r\nBcc: b@x.example {}", "b".repeat(100));
        let failed = ScheduleFailed {
            title: &title,
            entry: "post_1",
            is_release: false,
            action: "publish",
            at: "now",
            problems: &[],
        };
        let mail = failed.mail("Ada", "ada@x.example", "https://x.example").unwrap();
        assert!(mail.subject.starts_with("A scheduled change was not made: A  Bcc: b@x.example bb"), "{mail:?}");
        assert!(!mail.subject.contains(char::is_control) && mail.subject.ends_with("b…"), "{mail:?}");
    }

    #[test]
    fn a_site_brings_its_own_for_some() {
        let folder = folder(&[("reset.txt", "Subject: Neues Passwort für {{ name }}\r\n\r\nBitte: {{ url }}\r\n")]);
        let templates = Templates::read(folder.path()).unwrap();
        let (subject, text) = rendered(&templates, Purpose::Reset, "A\nBcc: b@x.example");
        assert_eq!(
            (subject.as_str(), text.as_str()),
            ("Neues Passwort für A Bcc: b@x.example", "Bitte: https://x.example/l#token=t\n")
        );
        assert!(rendered(&templates, Purpose::Invitation, "Ada").1.starts_with("Hello Ada"));
    }

    #[test]
    fn what_is_wrong_is_told_with_the_file() {
        for (text, expected) in [
            ("Hello {{ url }}", "expected a line `Subject: ...`"),
            ("Subject: x\nHello {{ url }}", "and an empty line"),
            ("Subject: x\n\nHello", "does not have the link"),
            ("Subject: \n\n{{ url }}", "its subject is empty"),
            ("Subject: x\n\n{{ url }}\n{{ user }}", "line 4: unknown value `user`: a mail has name, email"),
            ("Subject: x\n\n{{ url }}\n{% if %}", "line 4: syntax error"),
            ("Subject: x\n\n{{ url }}{% for a in range(100000) %}{% endfor %}", "reset.txt: "),
        ] {
            let folder = folder(&[("reset.txt", text)]);
            let wrong = Templates::read(folder.path()).unwrap_err();
            let [error] = wrong.as_slice() else { panic!("{text}: {wrong:?}") };
            assert!(error.contains("reset.txt: ") && error.contains(expected), "{text}: {error}");
        }
        let empty = folder(&[]);
        assert!(Templates::read(empty.path()).unwrap_err()[0].contains("has neither invitation.txt nor reset.txt"));
        let several = folder(&[("invite.txt", ""), ("reset.txt", "x"), ("invitation.txt", "y"), ("notes.md", "")]);
        let wrong = Templates::read(several.path()).unwrap_err();
        assert_eq!(wrong.len(), 3, "{wrong:?}");
        assert!(wrong[0].contains("invite.txt: unknown mail: there are invitation.txt and reset.txt"), "{wrong:?}");
        assert!(Templates::read(&empty.path().join("gone")).is_err());
    }
}
