-- system/0004_what_expires
-- What is over is found by an index, since the server deletes it after a while. Whether a session is restricted follows from the role
-- and the second factor of its user, and is no longer kept.
-- Immutable once merged: to change it, make the next one.

set lock_timeout = '5s';
set statement_timeout = '1h';

begin;

-- The earlier of the two: `least` leaves null out.
create index session_over_idx on cms.session (least(expires_at, revoked_at));
create index refresh_token_expires_idx on cms.refresh_token (expires_at);
create index one_time_link_expires_idx on cms.one_time_link (expires_at);
alter table cms.session drop column restricted;

commit;
