//! Settings of sign-in with others: `TYPECASE_OIDC` names the providers, and each has variables of its own.

use std::fmt;

use super::Roles;
use super::settings::WrongSetting;
use base::error::{Code, Error, Problem, Result};

/// The variable that lists the providers.
const LIST: &str = "TYPECASE_OIDC";
const SCOPES: &str = "openid email profile";

#[derive(Clone)]
pub struct ProviderSettings {
    /// As in the list and in addresses: `google`.
    pub name: String,
    /// `_ISSUER`: as the provider writes itself, to the last slash.
    pub issuer: String,
    /// `_CLIENT_ID`
    pub client_id: String,
    /// `_CLIENT_SECRET`; none for a public client, which PKCE alone protects.
    pub client_secret: Option<String>,
    /// `_SCOPES`
    pub scopes: Vec<String>,
    /// `_ROLE`: of who comes for the first time, and of who has none of the groups. Without one they are refused.
    pub role: Option<String>,
    /// `_ROLE_CLAIM`, `_ROLES`
    pub mapping: Option<RoleMapping>,
    /// `_LINK`: whether a verified address may open an account that there is already.
    pub link: bool,
}

/// Which group, in which claim, gives which role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleMapping {
    /// `groups`, or with the steps to it: `realm_access.roles`.
    pub claim: String,
    /// `(group, role)`; the first that somebody is in counts.
    pub roles: Vec<(String, String)>,
}

impl ProviderSettings {
    /// The role that the groups of somebody give them; the one for everybody if none does.
    pub fn role_of(&self, groups: &[String]) -> Option<&str> {
        let mapping = self.mapping.iter().flat_map(|mapping| &mapping.roles);
        let mapped = mapping.into_iter().find(|(group, _)| groups.contains(group)).map(|(_, role)| role);
        mapped.or(self.role.as_ref()).map(String::as_str)
    }
}

/// The secret stays out of logs.
impl fmt::Debug for ProviderSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProviderSettings")
            .field("name", &self.name)
            .field("issuer", &self.issuer)
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

/// All providers; what is wrong with any of them is added to the list.
pub(super) fn read(variable: &impl Fn(&str) -> Option<String>, wrong: &mut Vec<WrongSetting>) -> Vec<ProviderSettings> {
    let Some(list) = variable(LIST) else { return Vec::new() };
    if !cfg!(feature = "oidc") {
        wrong.push((LIST.into(), "this server was built without the feature `oidc`".to_owned()));
        return Vec::new();
    }
    let mut providers: Vec<ProviderSettings> = Vec::new();
    for name in list.split(',').map(str::trim) {
        if !is_name(name) {
            let message = format!("`{name}` is no name of a provider: small letters and digits, like `google`");
            wrong.push((LIST.into(), message));
        } else if providers.iter().any(|known| known.name == name) {
            wrong.push((LIST.into(), format!("`{name}` is there twice")));
        } else {
            providers.push(Reader { prefix: format!("{LIST}_{}", name.to_uppercase()), variable, wrong }.read(name));
        }
    }
    providers
}

fn is_name(name: &str) -> bool {
    (1..=32).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

struct Reader<'a, F> {
    /// `TYPECASE_OIDC_GOOGLE`
    prefix: String,
    variable: &'a F,
    wrong: &'a mut Vec<WrongSetting>,
}

impl<F: Fn(&str) -> Option<String>> Reader<'_, F> {
    fn read(mut self, name: &str) -> ProviderSettings {
        ProviderSettings {
            name: name.to_owned(),
            issuer: self.issuer(),
            client_id: self.needed("CLIENT_ID", "the provider gives one when the site is registered there"),
            client_secret: self.get("CLIENT_SECRET"),
            scopes: self.get("SCOPES").as_deref().unwrap_or(SCOPES).split_whitespace().map(str::to_owned).collect(),
            role: self.get("ROLE"),
            mapping: self.mapping(),
            link: self.link(),
        }
    }

    fn get(&self, name: &str) -> Option<String> {
        (self.variable)(&format!("{}_{name}", self.prefix))
    }

    fn wrong(&mut self, name: &str, message: impl Into<String>) {
        self.wrong.push((format!("{}_{name}", self.prefix).into(), message.into()));
    }

    fn needed(&mut self, name: &str, what: &str) -> String {
        self.get(name).unwrap_or_else(|| {
            self.wrong(name, format!("it is not set: {what}"));
            String::new()
        })
    }

    fn issuer(&mut self) -> String {
        let issuer = self.needed("ISSUER", "the address of the provider, like `https://accounts.google.com`");
        if !issuer.is_empty() && !is_issuer(&issuer) {
            let message = format!(
                "`{issuer}` is no issuer: an address with https, without `?` and `#` (http on this machine only)"
            );
            self.wrong("ISSUER", message);
        }
        issuer
    }

    fn mapping(&mut self) -> Option<RoleMapping> {
        match (self.get("ROLE_CLAIM"), self.get("ROLES")) {
            (Some(claim), Some(roles)) => {
                let pair = |text: &str| {
                    let (group, role) = text.rsplit_once('=')?;
                    let (group, role) = (group.trim(), role.trim());
                    (!group.is_empty() && !role.is_empty()).then(|| (group.to_owned(), role.to_owned()))
                };
                let roles = roles.split(',').map(pair).collect::<Option<Vec<_>>>();
                if roles.is_none() {
                    self.wrong("ROLES", "it is a list of `group=role` with commas between them");
                }
                Some(RoleMapping { claim, roles: roles? })
            }
            (Some(_), None) => {
                self.wrong("ROLES", "it is not set, but the claim is: `group=role,...`");
                None
            }
            (None, Some(_)) => {
                self.wrong("ROLE_CLAIM", "it is not set, but the roles are: the claim that lists somebody's groups");
                None
            }
            (None, None) => None,
        }
    }

    fn link(&mut self) -> bool {
        match self.get("LINK").as_deref() {
            None | Some("on") => true,
            Some("off") => false,
            Some(other) => {
                let message = format!("`{other}` is neither `on` nor `off`");
                self.wrong("LINK", message);
                false
            }
        }
    }
}

/// OpenID Connect Discovery 1.0, 3: https, no query, no fragment.
fn is_issuer(text: &str) -> bool {
    let Ok(uri) = text.parse::<http::Uri>() else { return false };
    let Some(authority) = uri.authority() else { return false };
    let is_safe =
        uri.scheme_str() == Some("https") || uri.scheme_str() == Some("http") && is_loopback(authority.host());
    is_safe && !authority.as_str().contains('@') && uri.query().is_none() && !text.contains('#')
}

/// This machine, where nobody listens on the way.
pub(super) fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Roles are known with the schema, after the environment has been read.
pub(super) fn check_roles(providers: &[ProviderSettings], roles: Roles) -> Result<()> {
    let mut problems = Vec::new();
    for provider in providers {
        let mapped = provider.mapping.iter().flat_map(|mapping| &mapping.roles).map(|(_, role)| ("ROLES", role));
        for (variable, role) in provider.role.iter().map(|role| ("ROLE", role)).chain(mapped) {
            if let Err(error) = roles.check(role) {
                let message = format!("{LIST}_{}_{variable}: {error}", provider.name.to_uppercase());
                problems.push(Problem::new(Code::BadUserInput, message));
            }
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(Error { problems }) }
}

#[cfg(all(test, feature = "oidc"))]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> (Vec<ProviderSettings>, Vec<String>) {
        let mut wrong = Vec::new();
        let variable =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        let read = super::read(&variable, &mut wrong);
        (read, wrong.into_iter().map(|(name, _)| name.into_owned()).collect())
    }

    #[test]
    fn a_provider_needs_an_issuer_and_a_client() {
        let (providers, wrong) = read(&[
            ("TYPECASE_OIDC", "google"),
            ("TYPECASE_OIDC_GOOGLE_ISSUER", "https://accounts.google.com"),
            ("TYPECASE_OIDC_GOOGLE_CLIENT_ID", "shop"),
            ("TYPECASE_OIDC_GOOGLE_CLIENT_SECRET", "hidden"),
        ]);
        assert!(wrong.is_empty(), "{wrong:?}");
        let [google] = &providers[..] else { panic!("{providers:?}") };
        assert_eq!(google.scopes, ["openid", "email", "profile"]);
        assert!(google.link && google.role.is_none() && google.mapping.is_none());
        assert!(!format!("{google:?}").contains("hidden"));
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let (_, wrong) = read(&[
            ("TYPECASE_OIDC", "one, two,one,Three"),
            ("TYPECASE_OIDC_ONE_ISSUER", "http://provider.example"),
            ("TYPECASE_OIDC_ONE_ROLE_CLAIM", "groups"),
            ("TYPECASE_OIDC_ONE_LINK", "yes"),
            ("TYPECASE_OIDC_TWO_ISSUER", "http://[::1]:3000/realm"),
            ("TYPECASE_OIDC_TWO_CLIENT_ID", "shop"),
            ("TYPECASE_OIDC_TWO_ROLE_CLAIM", "groups"),
            ("TYPECASE_OIDC_TWO_ROLES", "editors"),
        ]);
        let expected = [
            "TYPECASE_OIDC_ONE_ISSUER",
            "TYPECASE_OIDC_ONE_CLIENT_ID",
            "TYPECASE_OIDC_ONE_ROLES",
            "TYPECASE_OIDC_ONE_LINK",
            "TYPECASE_OIDC_TWO_ROLES",
            "TYPECASE_OIDC",
            "TYPECASE_OIDC",
        ];
        assert_eq!(wrong, expected);
    }

    #[test]
    fn the_first_group_of_the_list_gives_the_role() {
        let (providers, wrong) = read(&[
            ("TYPECASE_OIDC", "work"),
            ("TYPECASE_OIDC_WORK_ISSUER", "https://id.example/realms/shop"),
            ("TYPECASE_OIDC_WORK_CLIENT_ID", "shop"),
            ("TYPECASE_OIDC_WORK_ROLE", "viewer"),
            ("TYPECASE_OIDC_WORK_ROLE_CLAIM", "groups"),
            ("TYPECASE_OIDC_WORK_ROLES", "cn=chiefs=admin, writers=editor"),
        ]);
        assert!(wrong.is_empty(), "{wrong:?}");
        for (groups, role) in [
            (&["writers", "cn=chiefs"][..], "admin"),
            (&["writers"], "editor"),
            (&["others"], "viewer"),
            (&[], "viewer"),
        ] {
            let groups: Vec<_> = groups.iter().map(|group| (*group).to_owned()).collect();
            assert_eq!(providers[0].role_of(&groups), Some(role), "{groups:?}");
        }
    }
}
