//! The server's own migrations: the tables that every site has, embedded in this crate.

/// The prefix of these files' names in the ledger, so that they cannot collide with a site's own numbers.
pub const PREFIX: &str = "system/";

/// `(name in the ledger, text)`, in order. They are applied before the site's own.
pub const FILES: &[(&str, &str)] = &[
    ("system/0001_identity.sql", include_str!("system/0001_identity.sql")),
    ("system/0002_order.sql", include_str!("system/0002_order.sql")),
    ("system/0003_outbox.sql", include_str!("system/0003_outbox.sql")),
    ("system/0004_job.sql", include_str!("system/0004_job.sql")),
    ("system/0005_job_lanes.sql", include_str!("system/0005_job_lanes.sql")),
    ("system/0006_job_under_way.sql", include_str!("system/0006_job_under_way.sql")),
    ("system/0007_revisions.sql", include_str!("system/0007_revisions.sql")),
    ("system/0008_webhooks.sql", include_str!("system/0008_webhooks.sql")),
    ("system/0009_scheduled_change.sql", include_str!("system/0009_scheduled_change.sql")),
    ("system/0010_release.sql", include_str!("system/0010_release.sql")),
    ("system/0011_preview_link.sql", include_str!("system/0011_preview_link.sql")),
    ("system/0012_redirect.sql", include_str!("system/0012_redirect.sql")),
    ("system/0013_collaboration.sql", include_str!("system/0013_collaboration.sql")),
    ("system/0014_review.sql", include_str!("system/0014_review.sql")),
    ("system/0015_schedule_order.sql", include_str!("system/0015_schedule_order.sql")),
    ("system/0016_bin_entry.sql", include_str!("system/0016_bin_entry.sql")),
    ("system/0017_kept_values.sql", include_str!("system/0017_kept_values.sql")),
    ("system/0018_search.sql", include_str!("system/0018_search.sql")),
    ("system/0019_search_batch.sql", include_str!("system/0019_search_batch.sql")),
    ("system/0020_listing.sql", include_str!("system/0020_listing.sql")),
    ("system/0021_search_engine.sql", include_str!("system/0021_search_engine.sql")),
    ("system/0022_search_words.sql", include_str!("system/0022_search_words.sql")),
];

/// Whether two files belong to one sequence of numbers: an update of this crate may add a system file after the site's
/// own ones.
pub fn same_row(one: &str, other: &str) -> bool {
    one.starts_with(PREFIX) == other.starts_with(PREFIX)
}
