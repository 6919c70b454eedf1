//! The roles that accounts and API tokens can have, and what those roles may manage.

use base::error::{Code, Error, Problem, Result};
use model::content::SchemaInfo;
use store::access::{ADMIN, ANONYMOUS, Area, RoleInfo};

/// The roles of every site; a schema without roles has only these.
static SHIPPED: [RoleInfo; 3] = [
    RoleInfo { name: ADMIN, second_factor: false, manages: &Area::ALL },
    RoleInfo { name: "editor", second_factor: false, manages: &[] },
    RoleInfo { name: "viewer", second_factor: false, manages: &[] },
];

#[derive(Clone, Copy, Debug)]
pub struct Roles(&'static [RoleInfo]);

impl Roles {
    pub fn of(schema: &'static SchemaInfo) -> Self {
        Self(if schema.roles.is_empty() { &SHIPPED } else { schema.roles })
    }

    /// A user can have any role except `anonymous`.
    pub fn find(self, name: &str) -> Option<&'static RoleInfo> {
        self.0.iter().find(|role| role.name == name && role.name != ANONYMOUS)
    }

    pub fn check(self, name: &str) -> Result<&'static RoleInfo> {
        self.find(name).ok_or_else(|| {
            let names: Vec<_> = self.0.iter().map(|role| role.name).filter(|name| *name != ANONYMOUS).collect();
            let message = format!("unknown role `{name}`; the roles are {}", names.join(", "));
            Problem::new(Code::BadUserInput, message).at(["role".into()]).into()
        })
    }

    pub fn needs_second_factor(self, name: &str) -> bool {
        self.find(name).is_some_and(|role| role.second_factor)
    }

    /// The roles that require a second factor.
    pub fn with_second_factor(self) -> Vec<&'static str> {
        self.0.iter().filter(|role| role.second_factor).map(|role| role.name).collect()
    }

    pub fn manages(self, name: &str, area: Area) -> bool {
        name == ADMIN || self.find(name).is_some_and(|role| role.manages.contains(&area))
    }

    /// Managing accounts must not be a way to become an administrator: a role can assign, remove and manage only roles
    /// whose management rights it has itself. Only admin can manage all.
    pub fn may_give(self, by: &str, role: &str) -> bool {
        let manages = self.find(role).map_or(&[][..], |role| role.manages);
        by == ADMIN || role != ADMIN && manages.iter().all(|area| self.manages(by, *area))
    }

    pub fn check_may_give(self, by: &str, role: &str) -> Result<()> {
        if self.may_give(by, role) {
            return Ok(());
        }
        Err(Error::new(Code::Forbidden, format!("the role `{role}` has more rights than yours: ask an administrator")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_gives_more_than_they_have() {
        static SOME: [RoleInfo; 3] = [
            RoleInfo { name: ADMIN, second_factor: true, manages: &[Area::Users, Area::Tokens, Area::Audit] },
            RoleInfo { name: "host", second_factor: false, manages: &[Area::Users] },
            RoleInfo { name: "auditor", second_factor: false, manages: &[Area::Audit] },
        ];
        let roles = Roles(&SOME);
        for (by, role, may) in [
            (ADMIN, ADMIN, true),
            (ADMIN, "host", true),
            ("host", "host", true),
            ("host", ADMIN, false),
            ("host", "auditor", false),
            ("auditor", "host", false),
        ] {
            assert_eq!(roles.may_give(by, role), may, "{by} {role}");
        }
        assert!(roles.find("nobody").is_none() && roles.find(ANONYMOUS).is_none());
    }
}
