-- system/0003_waiting_for_a_code
-- Sign-ins with other providers that wait for a code of the second factor: each ends with the right code, or with a few wrong ones.
-- Immutable once merged: to change it, make the next one.

set lock_timeout = '5s';
set statement_timeout = '1h';

begin;

create table cms.waiting_for_code (
  -- SHA-256 of what the browser has been given, 256 random bits.
  hash bytea not null,
  -- Codes that have been given, right or wrong.
  tries integer not null default 0,
  expires_at timestamptz not null,
  constraint waiting_for_code_pkey primary key (hash)
);
create index waiting_for_code_expires_idx on cms.waiting_for_code (expires_at);

commit;
