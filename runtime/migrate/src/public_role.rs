//! The PostgreSQL role for public reads: it may read published content, and nothing else.
//!
//! Roles belong to the whole cluster and privileges to a database, so several databases may share one role, and several migrations may
//! create it at the same time.

use std::time::Duration;

use sqlx::{AssertSqlSafe, Executor, Row};
use store::{Connection, PublicRole};

/// The most attempts at statements, including those that a migration of another database overtakes.
const ATTEMPTS: u32 = 30;
const PAUSE: Duration = Duration::from_millis(50);
/// `duplicate_object`, `unique_violation`, and the error for a catalog row that another session has just changed.
const OVERTAKEN: &[&str] = &["42710", "23505", "XX000"];
/// `insufficient_privilege`
const NOT_ALLOWED: &str = "42501";

/// Creates the role and grants missing privileges. `Some` is the SQL for a superuser, if the connection's user may not
/// do it.
pub async fn ensure(role: &PublicRole, connection: &mut Connection) -> Result<Option<String>, sqlx::Error> {
    let mut attempts = 0;
    loop {
        let missing = missing(role, connection, Whose::Migration).await?;
        let Some(statement) = missing.first() else { return Ok(None) };
        attempts += 1;
        if attempts > ATTEMPTS {
            return Ok(Some(notice(role, &missing)));
        }
        let Err(error) = connection.execute(AssertSqlSafe(statement.clone())).await else {
            connection.finish().await?;
            continue;
        };
        connection.give_up().await?;
        let code = error.as_database_error().and_then(|error| error.code()).unwrap_or_default();
        if code == NOT_ALLOWED {
            return Ok(Some(notice(role, &missing)));
        }
        if !OVERTAKEN.contains(&&*code) {
            return Err(error);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Whether the connection's user can read as this role; otherwise the SQL that is missing.
pub async fn check(role: &PublicRole, connection: &mut Connection) -> Result<Result<(), String>, sqlx::Error> {
    let missing = missing(role, connection, Whose::Server).await?;
    Ok(if missing.is_empty() { Ok(()) } else { Err(notice(role, &missing)) })
}

fn notice(role: &PublicRole, missing: &[String]) -> String {
    format!(
        "the role `{role}` for public reads is not ready. As a superuser, run in this database:\n    {};\nthen \
         `typecase migrate` again; or set TYPECASE_PUBLIC_ROLE=none to do without it",
        missing.join(";\n    ")
    )
}

/// The missing statements in order. Statements that depend on a missing one are missing too.
async fn missing(role: &PublicRole, connection: &mut Connection, whose: Whose) -> Result<Vec<String>, sqlx::Error> {
    let facts = connection.fetch_one(sqlx::query(FACTS).bind(role.as_str())).await?;
    let user: String = facts.try_get("username")?;
    let mut missing = Vec::new();
    for (fact, statement) in [
        ("is_there", format!("create role {role} nologin")),
        ("is_member", format!("grant {role} to {user}")),
        ("is_narrow", format!("revoke all on schema draft, cms from {role}")),
        ("uses_schema", format!("grant usage on schema live to {role}")),
        ("searches", format!("grant select on search.live to {role}")),
        ("reads_tables", format!("grant select on all tables in schema live to {role}")),
        ("reads_lists", format!("grant select on all tables in schema listing to {role}")),
        (
            "lists_later",
            format!("alter default privileges for role {user} in schema listing grant select on tables to {role}"),
        ),
        (
            "reads_later",
            format!("alter default privileges for role {user} in schema live grant select on tables to {role}"),
        ),
    ] {
        let is_needed = whose == Whose::Migration || !fact.ends_with("_later");
        if is_needed && !facts.try_get::<bool, _>(fact)? {
            missing.push(statement);
        }
    }
    Ok(missing)
}

/// The server's user may differ from the owner of the tables; default privileges for later tables concern only the
/// owner.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whose {
    Migration,
    Server,
}

/// A site without migrations has no schema `live`, so nothing can be granted on it. Since version 16 a member of a role
/// does not always have the right to become it.
const FACTS: &str = "
    select quote_ident(current_user) as username,
        role.oid is not null as is_there,
        coalesce(pg_has_role(current_user, role.oid, membership.needed), false) as is_member,
        role.oid is null or not exists (
            select from pg_namespace
            where nspname in ('draft', 'cms') and has_schema_privilege(role.oid, pg_namespace.oid, 'usage')
        ) as is_narrow,
        live.oid is null or coalesce(has_schema_privilege(role.oid, live.oid, 'usage'), false) as uses_schema,
        live.oid is null or not exists (
            select from pg_class
            where relnamespace = live.oid and relkind in ('r', 'p', 'v', 'm')
                and not coalesce(has_table_privilege(role.oid, pg_class.oid, 'select'), false)
        ) as reads_tables,
        not exists (
            select from pg_class
            where relnamespace = to_regnamespace('listing') and relkind = 'r'
                and not coalesce(has_table_privilege(role.oid, pg_class.oid, 'select'), false)
        ) as reads_lists,
        to_regnamespace('listing') is null or exists (
            select from pg_default_acl, aclexplode(defaclacl) granted
            where defaclnamespace = to_regnamespace('listing') and defaclrole = current_user::regrole
                and defaclobjtype = 'r' and granted.grantee = role.oid and granted.privilege_type = 'SELECT'
        ) as lists_later,
        to_regclass('search.live') is null
            or coalesce(has_table_privilege(role.oid, to_regclass('search.live'), 'select'), false) as searches,
        live.oid is null or exists (
            select from pg_default_acl, aclexplode(defaclacl) granted
            where defaclnamespace = live.oid and defaclrole = current_user::regrole and defaclobjtype = 'r'
                and granted.grantee = role.oid and granted.privilege_type = 'SELECT'
        ) as reads_later
    from (values (1)) one
    cross join lateral (
        select case when current_setting('server_version_num')::int >= 160000 then 'set' else 'member' end as needed
    ) membership
    left join pg_roles role on role.rolname = $1
    left join pg_namespace live on live.nspname = 'live'";
