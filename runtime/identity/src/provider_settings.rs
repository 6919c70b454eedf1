//! Settings of sign-in with other providers: `TYPECASE_OIDC` lists them, and each has its own variables.

use std::fmt;

use super::Roles;
use base::error::{Code, Error, Problem, Result};
use base::settings::{self, Reader, Setting};

/// The variable that lists the providers.
const LIST: &str = "TYPECASE_OIDC";

#[derive(Clone)]
pub struct ProviderSettings {
    /// The name in the list and in URLs: `google`.
    pub name: String,
    /// `_ISSUER`: exactly as the provider writes it, including a final slash.
    pub issuer: String,
    /// `_CLIENT_ID`
    pub client_id: String,
    /// `_CLIENT_SECRET`; `None` for a public client, which is protected by PKCE alone.
    pub client_secret: Option<String>,
    /// `_SCOPES`
    pub scopes: Vec<String>,
    /// `_ROLE`: for new users and those in none of the groups. Without it they are refused.
    pub role: Option<String>,
    /// `_ROLE_CLAIM`, `_ROLES`
    pub mapping: Option<RoleMapping>,
    /// `_LINK`: whether a verified email may sign in to an existing account.
    pub link: bool,
}

/// Maps groups in a claim to roles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleMapping {
    /// `groups`, or a path: `realm_access.roles`.
    pub claim: String,
    /// `(group, role)`; the first group that the user is in counts.
    pub roles: Vec<(String, String)>,
}

impl ProviderSettings {
    /// The role for the groups of a user; the default role if none matches.
    pub fn role_of(&self, groups: &[String]) -> Option<&str> {
        let mapping = self.mapping.iter().flat_map(|mapping| &mapping.roles);
        let mapped = mapping.into_iter().find(|(group, _)| groups.contains(group)).map(|(_, role)| role);
        mapped.or(self.role.as_ref()).map(String::as_str)
    }
}

/// Keeps the secret out of logs.
impl fmt::Debug for ProviderSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProviderSettings")
            .field("name", &self.name)
            .field("issuer", &self.issuer)
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

/// All providers; mistakes are reported to the reader.
pub(super) fn read(reader: &mut Reader<'_>) -> Vec<ProviderSettings> {
    let Some(list) = reader.get(&settings::TYPECASE_OIDC) else { return Vec::new() };
    if !cfg!(feature = "oidc") {
        reader.wrong(LIST, "this server was built without the feature `oidc`");
        return Vec::new();
    }
    let mut providers: Vec<ProviderSettings> = Vec::new();
    for name in list.split(',').map(str::trim) {
        if !is_name(name) {
            reader.refuse(&settings::TYPECASE_OIDC, &format!("`{name}` is not a valid name for a provider"));
        } else if providers.iter().any(|known| known.name == name) {
            reader.wrong(LIST, format!("`{name}` is listed twice"));
        } else {
            providers.push(OfProvider { name, reader }.read());
        }
    }
    providers
}

fn is_name(name: &str) -> bool {
    (1..=32).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

struct OfProvider<'a, 'r> {
    name: &'a str,
    reader: &'a mut Reader<'r>,
}

impl OfProvider<'_, '_> {
    fn read(mut self) -> ProviderSettings {
        ProviderSettings {
            name: self.name.to_owned(),
            issuer: self.issuer(),
            client_id: self.needed(&settings::TYPECASE_OIDC_NAME_CLIENT_ID),
            client_secret: self.get(&settings::TYPECASE_OIDC_NAME_CLIENT_SECRET),
            scopes: self.scopes(),
            role: self.get(&settings::TYPECASE_OIDC_NAME_ROLE),
            mapping: self.mapping(),
            link: self.link(),
        }
    }

    fn get(&self, setting: &Setting) -> Option<String> {
        self.reader.named(&setting.of_provider(self.name))
    }

    fn refuse(&mut self, setting: &Setting, why: &str) {
        self.reader.wrong(setting.of_provider(self.name), format!("{why}: it takes {}", setting.takes));
    }

    fn needed(&mut self, setting: &Setting) -> String {
        self.get(setting).unwrap_or_else(|| {
            self.refuse(setting, "it is not set");
            String::new()
        })
    }

    fn issuer(&mut self) -> String {
        let setting = &settings::TYPECASE_OIDC_NAME_ISSUER;
        let issuer = self.needed(setting);
        if !issuer.is_empty() && !is_issuer(&issuer) {
            self.refuse(setting, &format!("`{issuer}` is not the URL of an issuer"));
        }
        issuer
    }

    fn scopes(&self) -> Vec<String> {
        let setting = &settings::TYPECASE_OIDC_NAME_SCOPES;
        let given = self.get(setting);
        let scopes = given.as_deref().or(setting.default(false)).unwrap_or_default();
        scopes.split_whitespace().map(str::to_owned).collect()
    }

    fn mapping(&mut self) -> Option<RoleMapping> {
        let (claims, mapped) = (&settings::TYPECASE_OIDC_NAME_ROLE_CLAIM, &settings::TYPECASE_OIDC_NAME_ROLES);
        match (self.get(claims), self.get(mapped)) {
            (Some(claim), Some(roles)) => {
                let pair = |text: &str| {
                    let (group, role) = text.rsplit_once('=')?;
                    let (group, role) = (group.trim(), role.trim());
                    (!group.is_empty() && !role.is_empty()).then(|| (group.to_owned(), role.to_owned()))
                };
                let pairs = roles.split(',').map(pair).collect::<Option<Vec<_>>>();
                if pairs.is_none() {
                    self.refuse(mapped, &format!("`{roles}` cannot be used"));
                }
                Some(RoleMapping { claim, roles: pairs? })
            }
            (Some(_), None) => {
                self.refuse(mapped, "it is not set, but the role claim is");
                None
            }
            (None, Some(_)) => {
                self.refuse(claims, "it is not set, but the mapping of roles is");
                None
            }
            (None, None) => None,
        }
    }

    fn link(&mut self) -> bool {
        let setting = &settings::TYPECASE_OIDC_NAME_LINK;
        match self.get(setting).as_deref() {
            None | Some("on") => true,
            Some("off") => false,
            Some(other) => {
                self.refuse(setting, &format!("`{other}` cannot be used"));
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

/// This machine, where traffic cannot be intercepted.
pub(super) fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Checked after the environment is read, because roles come from the schema.
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
        let variable =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        let mut reader = Reader::new(&variable);
        let read = super::read(&mut reader);
        (read, reader.finish().into_iter().map(|wrong| wrong.variable.into_owned()).collect())
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
