//! The server's own migrations: the tables that every site has, embedded in this crate.

/// Before the names of these files in the ledger, so that a site's own numbers do not meet them.
pub const PREFIX: &str = "system/";

/// `(name in the ledger, text)`, in order. They are applied before the site's own.
pub const FILES: &[(&str, &str)] = &[
    ("system/0001_identity.sql", include_str!("system/0001_identity.sql")),
    ("system/0002_order.sql", include_str!("system/0002_order.sql")),
    ("system/0003_outbox.sql", include_str!("system/0003_outbox.sql")),
    ("system/0004_job.sql", include_str!("system/0004_job.sql")),
    ("system/0005_job_lanes.sql", include_str!("system/0005_job_lanes.sql")),
    ("system/0006_job_under_way.sql", include_str!("system/0006_job_under_way.sql")),
];

/// Whether two files are numbered in one row: an update of this crate may bring a system file after a site's own ones.
pub fn same_row(one: &str, other: &str) -> bool {
    one.starts_with(PREFIX) == other.starts_with(PREFIX)
}
