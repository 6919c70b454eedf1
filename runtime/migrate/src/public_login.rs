//! The separate login for public reads: a PostgreSQL user that may read only published content and cannot change its role.
//!
//! An injected statement can leave a role that is only set on connections of the server's own login (`set role none`); it cannot change the
//! login.

use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{Executor, Row};
use uuid::Uuid;

use store::PublicRole;
use store::{Connection, Login};

/// For the connection of the login and its queries.
const PATIENCE: Duration = Duration::from_secs(10);
/// The version from which memberships have the options `set` and `inherit`.
const OPTIONS_OF_MEMBERSHIP: i32 = 16_00_00;

/// Why public reads cannot use the login of `TYPECASE_PUBLIC_DATABASE_URL`, and how to fix it.
#[derive(Debug, PartialEq, Eq)]
pub struct Unfit {
    pub why: String,
    /// SQL for a superuser, or a command.
    pub mend: String,
}

/// Returns the name of the login if it connects to the same database as the server, can read every table of `live`, and
/// has no access to drafts, accounts or writing. The outer error is one of the server's own connection.
pub async fn check(
    login: &PgConnectOptions,
    role: Option<&PublicRole>,
    own: &mut Connection,
) -> Result<Result<String, Unfit>, sqlx::Error> {
    own.begin().await?;
    let key = hold_a_lock(own).await?;
    let examined = tokio::time::timeout(PATIENCE, examine(login, role, key)).await;
    own.rollback().await?;
    Ok(match examined {
        Ok(Ok(fit)) => fit,
        Ok(Err(error)) => Err(unreachable(role, &error.to_string())),
        Err(_) => Err(unreachable(role, &format!("no answer within {} seconds", PATIENCE.as_secs()))),
    })
}

async fn examine(
    login: &PgConnectOptions,
    role: Option<&PublicRole>,
    key: i64,
) -> Result<Result<String, Unfit>, sqlx::Error> {
    let mut connection = Login::plain(login.clone()).connect().await?;
    let name: String = sqlx::query_scalar("select quote_ident(session_user)").fetch_one(&mut connection).await?;
    let fit = if !meets_the_lock(&mut connection, key).await? {
        Err(elsewhere(login))
    } else if let Some(unfit) = too_much(&mut connection, role, &name).await? {
        Err(unfit)
    } else if let Some(unfit) = too_little(&mut connection, role, &name).await? {
        Err(unfit)
    } else {
        Ok(name)
    };
    connection.close().await?;
    Ok(fit)
}

/// An advisory lock belongs to one database of one cluster, and any login may request it: a login that finds it held is
/// on the same database, whatever the address. Names and identifiers could also match in a copy of the database.
async fn hold_a_lock(transaction: &mut Connection) -> Result<i64, sqlx::Error> {
    let key = i64::from_ne_bytes(Uuid::now_v7().as_u64_pair().1.to_ne_bytes());
    sqlx::query("select pg_advisory_xact_lock($1)").bind(key).execute(transaction).await?;
    Ok(key)
}

async fn meets_the_lock(connection: &mut Connection, key: i64) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("select not pg_try_advisory_xact_lock($1)").bind(key).fetch_one(connection).await
}

/// What the login can reach beyond the tables of `live`, by itself or through a role that it can become.
async fn too_much(
    connection: &mut Connection,
    role: Option<&PublicRole>,
    login: &str,
) -> Result<Option<Unfit>, sqlx::Error> {
    let rows = connection.fetch_all(sqlx::query(EXCESS).bind(role.map(PublicRole::as_str))).await?;
    // A role inherits the privileges of the roles it belongs to. Only the first are reported, since fixing them may fix
    // the others.
    let Some(first) = rows.first() else { return Ok(None) };
    let rank: i32 = first.try_get("rank")?;
    let (mut reasons, mut mends) = (Vec::new(), Vec::new());
    for row in rows {
        if row.try_get::<i32, _>("rank")? != rank {
            break;
        }
        let excess: &str = row.try_get("excess")?;
        let holder: &str = row.try_get("holder")?;
        let members: Option<&str> = row.try_get("members")?;
        reasons.push(match (rank, holder == login) {
            (_, true) => format!("`{login}` {excess}"),
            (EVERYBODY, _) => format!("`public`, which includes every role, {excess}"),
            _ => format!("`{login}` can become `{holder}`, which {excess}"),
        });
        mends.extend(match (rank, members) {
            (ANOTHER, Some(members)) => Some(format!("revoke {holder} from {members};")),
            _ => row.try_get::<Option<String>, _>("mend")?,
        });
    }
    let alone = format!("a separate login: {}", own_login(role));
    let mend = if mends.is_empty() { alone } else { format!("{} or {alone}", mends.join(" ")) };
    Ok(Some(Unfit {
        why: format!("the login for public reads can do more than read published content: {}", reasons.join("; ")),
        mend,
    }))
}

/// What the login cannot read of `live`.
async fn too_little(
    connection: &mut Connection,
    role: Option<&PublicRole>,
    login: &str,
) -> Result<Option<Unfit>, sqlx::Error> {
    let facts = connection.fetch_one(sqlx::query(UNREAD).bind(role.map(PublicRole::as_str))).await?;
    let Some(unread) = facts.try_get::<Option<String>, _>("unread")? else { return Ok(None) };
    let inherits: bool = facts.try_get("inherits")?;
    let mend = match role {
        None => {
            format!(
                "grant usage on schema live to {login}; grant select on all tables in schema live, listing to {login}; \
                grant select on search.live to {login};"
            )
        }
        Some(_) if inherits || !facts.try_get::<bool, _>("is_there")? => "typecase migrate".to_owned(),
        Some(role) if facts.try_get::<i32, _>("version")? >= OPTIONS_OF_MEMBERSHIP => {
            format!("grant {role} to {login} with inherit true;")
        }
        Some(role) => format!("grant {role} to {login}; alter role {login} inherit;"),
    };
    Ok(Some(Unfit { why: format!("the login for public reads, `{login}`, cannot read {unread}"), mend }))
}

fn elsewhere(login: &PgConnectOptions) -> Unfit {
    let database = login.get_database().unwrap_or("the database with the name of its user");
    let why = format!(
        "TYPECASE_PUBLIC_DATABASE_URL reaches another database (`{database}` at {}:{}) than DATABASE_URL; a replica counts as \
         another",
        login.get_host(),
        login.get_port()
    );
    Unfit {
        why,
        mend: "export TYPECASE_PUBLIC_DATABASE_URL=... with host, port and database of DATABASE_URL".to_owned(),
    }
}

fn unreachable(role: Option<&PublicRole>, error: &str) -> Unfit {
    let why = format!("the login of TYPECASE_PUBLIC_DATABASE_URL does not reach the database: {error}");
    let mend = format!(
        "psql \"$TYPECASE_PUBLIC_DATABASE_URL\" -c 'select 1'; if the login does not exist: {}",
        own_login(role)
    );
    Unfit { why, mend }
}

/// The SQL for a superuser.
pub fn own_login(role: Option<&PublicRole>) -> String {
    let role = role.cloned().unwrap_or_default();
    format!("create role shop_public login password '...'; grant {role} to shop_public;")
}

const EVERYBODY: i32 = 0;
const ANOTHER: i32 = 1;

/// `public`, each role that the login can become, the role of public reads and the login itself, in this order, if they
/// can do more than read published content. A superuser can become every role, so only the superuser itself is
/// examined. The owner of a schema or table can grant itself missing privileges.
const EXCESS: &str = "
    with login as (select oid, rolsuper from pg_roles where rolname = session_user),
    holder as (
        select 0::oid as oid, 'public' as name, 0 as rank, false as is_super, false as makes_roles, false as replicates
        union all
        select role.oid, role.rolname,
            case when role.oid = login.oid then 3 when role.rolname = $1 then 2 else 1 end,
            role.rolsuper, role.rolcreaterole, role.rolreplication
        from pg_roles role, login
        where role.oid = login.oid or (not login.rolsuper and pg_has_role(login.oid, role.oid, 'member'))
    ),
    judged as (
        select oid, quote_ident(name) as holder, rank, case
            when is_super then 'superuser'
            when makes_roles then 'makes roles'
            when replicates then 'replicates'
            when name in ('pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files') then 'machine'
            when exists (
                select from pg_namespace
                where nspname in ('draft', 'cms')
                    and (nspowner = holder.oid or has_schema_privilege(holder.oid, pg_namespace.oid, 'usage, create'))
            ) then 'schemas'
            when exists (
                select from pg_namespace
                where nspname in ('live', 'listing') and (nspowner = holder.oid or has_schema_privilege(holder.oid, oid, 'create'))
            ) or exists (
                select from pg_class
                where relnamespace in (to_regnamespace('live'), to_regnamespace('listing'))
                    and relkind in ('r', 'p', 'v', 'm', 'f') and (
                    relowner = holder.oid
                    or has_table_privilege(holder.oid, pg_class.oid, 'insert, update, delete, truncate, trigger')
                    or has_any_column_privilege(holder.oid, pg_class.oid, 'insert, update')
                )
            ) then 'writes'
        end as verdict
        from holder
    )
    select holder, rank, case verdict
            when 'superuser' then 'is a superuser'
            when 'makes roles' then 'may make roles (CREATEROLE)'
            when 'replicates' then 'may replicate the whole cluster (REPLICATION)'
            when 'machine' then 'reaches files or programs of the database''s machine'
            when 'schemas' then 'has rights on the schemas `draft` or `cms`'
            when 'writes' then 'may write in `live` or `listing`'
        end as excess,
        case verdict
            when 'makes roles' then format('alter role %s nocreaterole;', holder)
            when 'replicates' then format('alter role %s noreplication;', holder)
            when 'schemas' then format('revoke all on schema draft, cms from %s;', holder)
            when 'writes' then format(
                'revoke create on schema live, listing from %1$s; revoke insert, update, delete, truncate, trigger on all '
                'tables in schema live, listing from %1$s;', holder
            )
        end as mend,
        (
            select string_agg(quote_ident(member.rolname), ', ')
            from pg_auth_members joined join pg_roles member on member.oid = joined.member, login
            where joined.roleid = judged.oid and pg_has_role(login.oid, member.oid, 'member')
        ) as members
    from judged
    where verdict is not null
    order by rank, holder";

/// Counts the privileges that the login has without changing its role. Before the first migration there is nothing to
/// read.
const UNREAD: &str = "
    select case
            when not has_schema_privilege(to_regnamespace('live')::oid, 'usage') then 'the schema `live`'
            when not has_table_privilege(to_regclass('search.live'), 'select') then '`search.live`'
            else (
                select format('`%s`', min(pg_class.oid::regclass::text))
                from pg_class
                where relnamespace in (to_regnamespace('live'), to_regnamespace('listing')) and relkind in ('r', 'p', 'v', 'm')
                    and not has_table_privilege(pg_class.oid, 'select')
                having count(*) > 0
            )
        end as unread,
        role.oid is not null as is_there,
        coalesce(pg_has_role(role.oid, 'usage'), false) as inherits,
        current_setting('server_version_num')::int as version
    from (values (1)) one
    left join pg_roles role on role.rolname = $1";
